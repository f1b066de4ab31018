#include "annotate.h"
#include "cells.h"
#include "cli/program.h"
#include "count.h"
#include "demultiplex.h"
#include "index.h"

int main(int argc, char** argv) {
  return immucan::cli::guarded_main("scrna-count", argc, argv, [](immucan::cli::Program& program) {
    program.description("Counts molecules per gene and cell from single-cell RNA sequencing reads.");
    program.add(immucan::scrna_count::index_command());
    program.add(immucan::scrna_count::count_command());
    program.add(immucan::scrna_count::cells_command());
    program.add(immucan::scrna_count::demultiplex_command());
    program.add(immucan::scrna_count::annotate_command());
  });
}
