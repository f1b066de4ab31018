#include "link.h"

#include <fmt/format.h>

#include "cohort/provenance.h"

namespace immucan::cohort_registry {
namespace {

struct LinkOptions {
  std::filesystem::path registry;
  std::vector<std::filesystem::path> paths;
  std::string actor = "unnamed";
};

core::Status run_link(const LinkOptions& options, core::RunContext& context) {
  cohort::Database database = cohort::open_registry(options.registry, cohort::Database::Mode::kReadWrite);
  const auto records = cohort::find_run_records(options.paths);
  const auto result = cohort::link_runs(database, records, cohort::audit_stamp(options.actor), context);
  context.log.info(
      fmt::format("{} run records: {} added, {} known before", result.records, result.added, result.unchanged));
  return core::Status::kOk;
}

}  // namespace

cli::Command link_command() {
  auto options = std::make_shared<LinkOptions>();
  return {.name = "link",
          .summary = "Load the tools' run records: which run read and wrote which bytes.",
          .example = "cohort-registry link study.registry results/",
          .declare =
              [options](cli::OptionSet& set) {
                set.group("Input");
                set.input("DB", options->registry, "registry file");
                set.inputs("PATH", options->paths, "run records, or folders searched for run.json and NAME.run.json");
                set.option("--actor", options->actor, "who makes this change, for the audit chain");
              },
          .run = [options](core::RunContext& context) { return run_link(*options, context); }};
}

}  // namespace immucan::cohort_registry
