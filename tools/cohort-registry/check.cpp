#include "check.h"

#include <fmt/format.h>

#include "cohort/checking.h"
#include "core/output.h"

namespace immucan::cohort_registry {
namespace {

struct CheckOptions {
  std::filesystem::path registry;
  bool json = false;
};

core::Status run_check(const CheckOptions& options, core::RunContext& context) {
  cohort::Database database = cohort::open_registry(options.registry, cohort::Database::Mode::kReadOnly);
  const auto findings = cohort::check_registry(database);
  core::OutputFile out("-", &context.interrupt);
  out.write(options.json ? cohort::findings_json(findings) : cohort::findings_tsv(findings));
  out.commit();
  context.log.info(fmt::format("{}: {} findings", options.registry.string(), findings.size()));
  return findings.empty() ? core::Status::kOk : core::Status::kFindings;
}

}  // namespace

cli::Command check_command() {
  auto options = std::make_shared<CheckOptions>();
  return {.name = "check",
          .summary = "Report what is wrong or contradictory in a registry; status 1 when there is something.",
          .example = "cohort-registry check --json study.registry",
          .declare =
              [options](cli::OptionSet& set) {
                set.group("Input");
                set.input("DB", options->registry, "registry file");
                set.group("Output");
                set.flag("--json", options->json, "JSON instead of a table on stdout");
              },
          .run = [options](core::RunContext& context) { return run_check(*options, context); }};
}

}  // namespace immucan::cohort_registry
