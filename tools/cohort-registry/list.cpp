#include "list.h"

#include "cohort/listing.h"
#include "core/output.h"

namespace immucan::cohort_registry {
namespace {

struct ListOptions {
  std::filesystem::path registry;
  std::string as = "matrix";
  bool json = false;
};

std::string listing(const ListOptions& options, cohort::Database& database) {
  if (options.as == "samples") return cohort::samples_tsv(database);
  if (options.as == "clinical") return cohort::clinical_tsv(database);
  const cohort::Matrix matrix = cohort::sample_matrix(database);
  return options.json ? cohort::matrix_json(matrix) : cohort::matrix_tsv(matrix);
}

core::Status run_list(const ListOptions& options, core::RunContext& context) {
  if (options.json && options.as != "matrix")
    core::raise_usage("--json goes with --as matrix only. Leave one of them out.");
  cohort::Database database = cohort::open_registry(options.registry, cohort::Database::Mode::kReadOnly);
  core::OutputFile out("-", &context.interrupt);
  out.write(listing(options, database));
  out.commit();
  return core::Status::kOk;
}

}  // namespace

cli::Command list_command() {
  auto options = std::make_shared<ListOptions>();
  return {.name = "list",
          .summary = "Print which patient has which sample at which visit.",
          .example = "cohort-registry list study.registry",
          .declare =
              [options](cli::OptionSet& set) {
                set.group("Input");
                set.input("DB", options->registry, "registry file");
                set.group("Output");
                set.choice("--as", options->as, {"matrix", "samples", "clinical"},
                           "patient x visit x specimen/modality counts, or samples.tsv or clinical.tsv as the other "
                           "tools read them");
                set.flag("--json", options->json, "the matrix as JSON");
              },
          .run = [options](core::RunContext& context) { return run_list(*options, context); }};
}

}  // namespace immucan::cohort_registry
