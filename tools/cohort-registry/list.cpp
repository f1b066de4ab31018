#include "list.h"

#include <optional>

#include "cohort/listing.h"
#include "cohort/provenance.h"
#include "core/digest.h"
#include "core/output.h"

namespace immucan::cohort_registry {
namespace {

struct ListOptions {
  std::filesystem::path registry;
  std::string as = "matrix";
  std::optional<std::filesystem::path> of;
  bool json = false;
};

/// A file is hashed; 64 hexadecimal digits that name no file are taken as the SHA-256 itself.
std::string digest_of(const std::filesystem::path& of, const core::InterruptSource& interrupt) {
  const std::string text = of.string();
  std::error_code code;
  const bool digest = text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
  return digest && !std::filesystem::exists(of, code) ? text : core::digest_of_file(of, interrupt).sha256;
}

std::string listing(const ListOptions& options, cohort::Database& database, const core::InterruptSource& interrupt) {
  if (options.as == "samples") return cohort::samples_tsv(database);
  if (options.as == "clinical") return cohort::clinical_tsv(database);
  if (options.as == "provenance") {
    const auto edges = cohort::provenance(database, options.of ? digest_of(*options.of, interrupt) : std::string());
    return options.json ? cohort::provenance_json(edges) : cohort::provenance_tsv(edges);
  }
  const cohort::Matrix matrix = cohort::sample_matrix(database);
  return options.json ? cohort::matrix_json(matrix) : cohort::matrix_tsv(matrix);
}

core::Status run_list(const ListOptions& options, core::RunContext& context) {
  if (options.json && options.as != "matrix" && options.as != "provenance")
    core::raise_usage("--json goes with --as matrix or provenance. Leave one of them out.");
  if (options.of && options.as != "provenance")
    core::raise_usage("--of goes with --as provenance. Leave one of them out.");
  cohort::Database database = cohort::open_registry(options.registry, cohort::Database::Mode::kReadOnly);
  core::OutputFile out("-", &context.interrupt);
  out.write(listing(options, database, context.interrupt));
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
                set.choice("--as", options->as, {"matrix", "samples", "clinical", "provenance"},
                           "patient x visit x specimen/modality counts, samples.tsv or clinical.tsv as the other tools "
                           "read them, or which run read and wrote which file");
                set.option("--of", options->of,
                           "with provenance: only what this file (or SHA-256) rests on, back to the raw files");
                set.flag("--json", options->json, "the matrix or the provenance as JSON");
              },
          .run = [options](core::RunContext& context) { return run_list(*options, context); }};
}

}  // namespace immucan::cohort_registry
