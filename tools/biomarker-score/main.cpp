#include "assemble.h"
#include "associate.h"
#include "cli/program.h"
#include "curves.h"
#include "cutpoint.h"
#include "meta.h"
#include "model.h"
#include "paired.h"
#include "report.h"
#include "score.h"

int main(int argc, char** argv) {
  return immucan::cli::guarded_main("biomarker-score", argc, argv, [](immucan::cli::Program& program) {
    program.description("Scores of gene sets, and their association with response and survival.");
    program.add(immucan::tools::assemble_command());
    program.add(immucan::tools::score_command());
    program.add(immucan::tools::associate_command());
    program.add(immucan::tools::meta_command());
    program.add(immucan::tools::cutpoint_command());
    program.add(immucan::tools::paired_command());
    program.add(immucan::tools::model_command());
    program.add(immucan::tools::curves_command());
    program.add(immucan::tools::report_command());
  });
}
