#include "verify.h"

#include <fmt/format.h>

#include "cohort/provenance.h"
#include "core/output.h"

namespace immucan::cohort_registry {
namespace {

struct VerifyOptions {
  std::filesystem::path registry;
  std::vector<std::filesystem::path> paths;
  bool json = false;
};

core::Status run_verify(const VerifyOptions& options, core::RunContext& context) {
  cohort::Database database = cohort::open_registry(options.registry, cohort::Database::Mode::kReadOnly);
  const auto records = cohort::find_run_records(options.paths);
  const auto findings = cohort::verify_outputs(database, records, context);
  core::OutputFile out("-", &context.interrupt);
  out.write(options.json ? cohort::findings_json(findings) : cohort::findings_tsv(findings));
  out.commit();
  context.log.info(fmt::format("{} run records: {} findings", records.size(), findings.size()));
  return findings.empty() ? core::Status::kOk : core::Status::kFindings;
}

}  // namespace

cli::Command verify_command() {
  auto options = std::make_shared<VerifyOptions>();
  return {
      .name = "verify",
      .summary = "Hash what the tools wrote and compare it with their run records; status 1 when something differs.",
      .example = "cohort-registry verify study.registry results/",
      .declare =
          [options](cli::OptionSet& set) {
            set.group("Input");
            set.input("DB", options->registry, "registry file");
            set.inputs("PATH", options->paths, "run records, or folders searched for run.json and NAME.run.json");
            set.group("Output");
            set.flag("--json", options->json, "JSON instead of a table on stdout");
          },
      .run = [options](core::RunContext& context) { return run_verify(*options, context); }};
}

}  // namespace immucan::cohort_registry
