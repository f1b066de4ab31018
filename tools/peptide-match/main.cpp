#include "cli/program.h"
#include "search.h"

int main(int argc, char** argv) {
  return immucan::cli::guarded_main("peptide-match", argc, argv, [](immucan::cli::Program& program) {
    program.description(
        "Peptides from mass spectra: non-enzymatic (HLA) and tryptic search with target-decoy control.");
    program.add(immucan::tools::search_command());
  });
}
