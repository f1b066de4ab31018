#include "check.h"
#include "cli/program.h"
#include "import.h"
#include "init.h"
#include "link.h"
#include "list.h"
#include "verify.h"

int main(int argc, char** argv) {
  return immucan::cli::guarded_main("cohort-registry", argc, argv, [](immucan::cli::Program& program) {
    program.description("Patients, consent, specimens, samples and files of a cohort in one audited file.");
    program.add(immucan::cohort_registry::init_command());
    program.add(immucan::cohort_registry::import_command());
    program.add(immucan::cohort_registry::check_command());
    program.add(immucan::cohort_registry::link_command());
    program.add(immucan::cohort_registry::verify_command());
    program.add(immucan::cohort_registry::list_command());
  });
}
