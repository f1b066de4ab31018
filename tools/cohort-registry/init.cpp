#include "init.h"

#include "cohort/store.h"

namespace immucan::cohort_registry {
namespace {

struct InitOptions {
  std::filesystem::path registry;
  std::string actor = "unnamed";
};

core::Status run_init(const InitOptions& options, core::RunContext& context) {
  cohort::create_registry(options.registry, cohort::audit_stamp(options.actor));
  context.log.info("made " + options.registry.string());
  return core::Status::kOk;
}

}  // namespace

cli::Command init_command() {
  auto options = std::make_shared<InitOptions>();
  return {.name = "init",
          .summary = "Make an empty registry.",
          .example = "cohort-registry init --actor a.keller study.registry",
          .declare =
              [options](cli::OptionSet& set) {
                set.group("Input");
                set.input("DB", options->registry, "registry file to make; must not exist");
                set.option("--actor", options->actor, "who makes this change, for the audit chain");
              },
          .run = [options](core::RunContext& context) { return run_init(*options, context); }};
}

}  // namespace immucan::cohort_registry
