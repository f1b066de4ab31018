#include "batch.h"
#include "clean.h"
#include "cli/program.h"
#include "compensate.h"
#include "convert.h"
#include "debarcode.h"
#include "info.h"
#include "normalize.h"
#include "phenotype.h"
#include "phenotype_map.h"
#include "spillover.h"

int main(int argc, char** argv) {
  return immucan::cli::guarded_main("cytof-normalize", argc, argv, [](immucan::cli::Program& program) {
    program.description("Mass cytometry: from the instrument's FCS files to population features.");
    program.add(immucan::cytof_normalize::info_command());
    program.add(immucan::cytof_normalize::convert_command());
    program.add(immucan::cytof_normalize::concat_command());
    program.add(immucan::cytof_normalize::normalize_command());
    program.add(immucan::cytof_normalize::clean_command());
    program.add(immucan::cytof_normalize::debarcode_command());
    program.add(immucan::cytof_normalize::spillover_command());
    program.add(immucan::cytof_normalize::compensate_command());
    program.add(immucan::cytof_normalize::batch_train_command());
    program.add(immucan::cytof_normalize::batch_apply_command());
    program.add(immucan::cytof_normalize::phenotype_command());
    program.add(immucan::cytof_normalize::phenotype_train_command());
    program.add(immucan::cytof_normalize::phenotype_apply_command());
  });
}
