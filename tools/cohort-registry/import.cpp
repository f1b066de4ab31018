#include "import.h"

#include <fmt/format.h>

#include "cohort/importing.h"

namespace immucan::cohort_registry {
namespace {

struct ImportOptions {
  std::filesystem::path registry;
  std::string table;
  std::filesystem::path file;
  std::string actor = "unnamed";
  bool dry_run = false;
};

std::string table_names() {
  std::string names;
  for (const cohort::TableRule& rule : cohort::import_tables())
    names += (names.empty() ? "" : ", ") + std::string(rule.name);
  return names;
}

core::Status run_import(const ImportOptions& options, core::RunContext& context) {
  const cohort::TableRule* table = cohort::find_import_table(options.table);
  if (table == nullptr) {
    core::raise_usage(fmt::format("there is no table '{}'. Use one of {}.", options.table, table_names()));
  }
  cohort::Database database = cohort::open_registry(options.registry, cohort::Database::Mode::kReadWrite);
  const auto result = cohort::import_table(database, *table, options.file, options.dry_run,
                                           cohort::audit_stamp(options.actor), context);
  const std::string name = options.file == "-" ? "<stdin>" : options.file.string();
  for (const cohort::RowIssue& issue : result.issues) context.log.warning(cohort::to_string(issue, name));
  if (!result.issues.empty()) {
    const std::size_t problems = result.issues.size();
    throw core::Error(core::Status::kBadInput,
                      fmt::format("{}{}. Nothing was imported; mend the file and import it again.",
                                  cohort::to_string(result.issues.front(), name),
                                  problems == 1 ? "" : fmt::format(": the first of {} problems", problems)));
  }
  context.log.info(fmt::format(
      "{}: {} rows {}, {} unchanged{}", table->name, result.added, options.dry_run ? "would be added" : "added",
      result.unchanged, result.patients_added == 0 ? "" : fmt::format(", {} new patients", result.patients_added)));
  return core::Status::kOk;
}

}  // namespace

cli::Command import_command() {
  auto options = std::make_shared<ImportOptions>();
  return {.name = "import",
          .summary = "Load a tab-separated file into a table: all its rows, or none and every reason.",
          .example = "cohort-registry import study.registry samples samples.tsv",
          .declare =
              [options](cli::OptionSet& set) {
                set.group("Input");
                set.input("DB", options->registry, "registry file");
                set.argument("TABLE", options->table, "one of " + table_names());
                set.input("FILE", options->file, "table with a header line; '-' is stdin");
                set.option("--actor", options->actor, "who makes this change, for the audit chain");
                set.flag("--dry-run", options->dry_run, "check everything, keep nothing");
              },
          .run = [options](core::RunContext& context) { return run_import(*options, context); }};
}

}  // namespace immucan::cohort_registry
