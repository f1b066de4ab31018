#include <memory>
#include <vector>

#include "cli/program.h"
#include "simulate/cohort.h"

namespace {

struct CohortOptions {
  std::int64_t patients = 24;
  bool small = false;
  std::filesystem::path output;
};

immucan::cli::Command cohort_command() {
  auto options = std::make_shared<CohortOptions>();
  return {.name = "cohort",
          .summary = "Write a simulated cohort with planted truth: tables, references and raw data of four modalities.",
          .example = "simulate-cohort --patients 24 --seed 1 -o cohort",
          .declare =
              [options](immucan::cli::OptionSet& set) {
                set.output_folder(options->output);
                set.group("Cohort");
                set.option("--patients", options->patients, "Number of patients, 4 to 9999");
                set.flag("--small", options->small, "Little raw data per sample, as in test-data/");
              },
          .run =
              [options](immucan::core::RunContext& context) {
                immucan::simulate::write_cohort(
                    {.patients = static_cast<int>(options->patients), .seed = context.seed, .small = options->small},
                    options->output, context);
                return immucan::core::Status::kOk;
              }};
}

}  // namespace

/// There is one command only, and its name need not be typed.
int main(int argc, char** argv) {
  std::vector<char*> arguments(argv, argv + argc);
  std::string command = "cohort";
  const std::string_view first = argc > 1 ? argv[1] : "";
  if (first != "--version" && first != command) arguments.insert(arguments.begin() + 1, command.data());
  return immucan::cli::guarded_main("simulate-cohort", static_cast<int>(arguments.size()), arguments.data(),
                                    [](immucan::cli::Program& program) { program.add(cohort_command()); });
}
