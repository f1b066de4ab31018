#include <CLI/CLI.hpp>
#include <concepts>
#include <utility>

#include "cli/option_set_detail.h"
#include "core/text.h"

namespace immucan::cli {
namespace {

namespace fs = std::filesystem;

core::ParameterValue recorded(const fs::path& path) {
  return path.filename().string();
}
core::ParameterValue recorded(const std::vector<fs::path>& paths) {
  std::vector<std::string> names;
  for (const fs::path& path : paths) names.push_back(path.filename().string());
  return names;
}
template <class T>
core::ParameterValue recorded(const T& value) {
  return value;
}
template <class T>
core::ParameterValue recorded(const std::optional<T>& value) {
  return value ? recorded(*value) : core::ParameterValue(std::string("NA"));
}

/// "-n,--long-name" → "long-name"; a positional's own name.
std::string parameter_name(const std::string& flags) {
  const std::size_t dashes = flags.find("--");
  std::string name = dashes == std::string::npos ? flags : flags.substr(dashes + 2);
  return name.substr(0, name.find(','));
}

// The kind of value of each type an option may have, and how its default reads.
constexpr ValueKind kind_of(const std::string&) {
  return ValueKind::kText;
}
constexpr ValueKind kind_of(const fs::path&) {
  return ValueKind::kPath;
}
constexpr ValueKind kind_of(const std::int64_t&) {
  return ValueKind::kInteger;
}
constexpr ValueKind kind_of(const double&) {
  return ValueKind::kNumber;
}
template <class T>
constexpr ValueKind kind_of(const std::optional<T>&) {
  return kind_of(T{});
}
template <class T>
constexpr ValueKind kind_of(const std::vector<T>&) {
  return kind_of(T{});
}

std::string shown(const std::string& value) {
  return value;
}
std::string shown(const fs::path& value) {
  return value.string();
}
std::string shown(const std::int64_t& value) {
  return std::to_string(value);
}
std::string shown(const double& value) {
  return core::format_double(value);
}
template <class T>
std::string shown(const std::optional<T>& value) {
  return value ? shown(*value) : std::string();
}
template <class T>
std::string shown(const std::vector<T>& values) {
  std::vector<std::string> parts;
  for (const T& value : values) parts.push_back(shown(value));
  return core::join(parts, " ");
}

template <class T>
constexpr bool kIsVector = false;
template <class T>
constexpr bool kIsVector<std::vector<T>> = true;

struct Declared {
  bool required = false;
  bool record = true;
  std::string group = {};  ///< empty: the current one
  std::optional<ValueKind> kind = std::nullopt;
  std::vector<std::string> choices = {};
};

/// Declares a value to CLI11, to the description and to the run record.
template <class T>
CLI::Option* declare(OptionSet::Detail& detail, const std::string& flags, T& value, const std::string& text,
                     const Declared& how) {
  if (how.record) {
    detail.recorders.push_back([name = parameter_name(flags), &value](core::Parameters& parameters) {
      parameters.emplace_back(name, recorded(value));
    });
  }
  OptionDescription option = parse_flags(flags);
  option.group = how.group.empty() ? detail.group : how.group;
  option.text = text;
  option.kind = how.kind.value_or(kind_of(value));
  option.choices = how.choices;
  option.default_value = how.required ? std::string() : shown(value);
  option.required = how.required;
  option.repeated = kIsVector<T>;
  auto* const added = detail.app.add_option(flags, value, text)->group(option.group)->required(how.required);
  if (option.kind == ValueKind::kChoice) {
    added->check(CLI::IsMember(how.choices));
  } else {
    added->type_name(value_name(option));
  }
  if (!option.default_value.empty()) added->default_str(option.default_value);
  detail.described.push_back(std::move(option));
  return added;
}

void declare_flag(OptionSet::Detail& detail, const std::string& flags, bool& value, const std::string& text) {
  OptionDescription option = parse_flags(flags);
  option.group = detail.group;
  option.text = text;
  detail.app.add_flag(flags, value, text)->group(detail.group);
  detail.described.push_back(std::move(option));
}

}  // namespace

void OptionSet::group(std::string heading) {
  detail_.group = std::move(heading);
}

void OptionSet::input(std::string name, fs::path& value, std::string description) {
  declare(detail_, name, value, description, {.required = true, .record = false, .group = "Input"});
}

void OptionSet::inputs(std::string name, std::vector<fs::path>& values, std::string description, bool required) {
  declare(detail_, name, values, description, {.required = required, .record = false, .group = "Input"});
}

void OptionSet::argument(std::string name, std::string& value, std::string description, bool required) {
  declare(detail_, name, value, description, {.required = required, .group = "Input"});
}

void OptionSet::output_folder(fs::path& value) {
  declare(detail_, "-o,--output", value, "Folder for all outputs; run.json in it marks completion",
          {.required = value.empty(), .record = false, .group = "Output", .kind = ValueKind::kFolder});
}

void OptionSet::output_file(fs::path& value, std::string description) {
  declare(detail_, "-o,--output", value, description, {.required = value.empty(), .record = false, .group = "Output"});
}

void OptionSet::output_file(std::optional<fs::path>& value, std::string description) {
  declare(detail_, "-o,--output", value, description, {.required = false, .record = false, .group = "Output"});
}

void OptionSet::flag(std::string flags, bool& value, std::string description) {
  detail_.recorders.push_back(
      [name = parameter_name(flags), &value](core::Parameters& parameters) { parameters.emplace_back(name, value); });
  declare_flag(detail_, flags, value, description);
}

void OptionSet::share_index(bool& value) {
  declare_flag(detail_, "--mmap", value,
               "Map the index or database and share its memory with other runs, instead of reading it into huge pages; "
               "the file must not change meanwhile");
}

void OptionSet::option(std::string flags, std::string& value, std::string description, bool required) {
  declare(detail_, flags, value, description, {.required = required});
}
void OptionSet::option(std::string flags, fs::path& value, std::string description, bool required) {
  declare(detail_, flags, value, description, {.required = required});
}
void OptionSet::option(std::string flags, std::int64_t& value, std::string description) {
  declare(detail_, flags, value, description, {});
}
void OptionSet::option(std::string flags, double& value, std::string description) {
  declare(detail_, flags, value, description, {});
}
void OptionSet::option(std::string flags, std::optional<std::string>& value, std::string description) {
  declare(detail_, flags, value, description, {});
}
void OptionSet::option(std::string flags, std::optional<fs::path>& value, std::string description) {
  declare(detail_, flags, value, description, {});
}
void OptionSet::option(std::string flags, std::optional<std::int64_t>& value, std::string description) {
  declare(detail_, flags, value, description, {});
}
void OptionSet::option(std::string flags, std::optional<double>& value, std::string description) {
  declare(detail_, flags, value, description, {});
}
void OptionSet::option(std::string flags, std::vector<std::string>& values, std::string description, bool required) {
  declare(detail_, flags, values, description, {.required = required});
}
void OptionSet::option(std::string flags, std::vector<fs::path>& values, std::string description, bool required) {
  declare(detail_, flags, values, description, {.required = required});
}
void OptionSet::choice(std::string flags, std::string& value, std::vector<std::string> allowed, std::string description,
                       bool required) {
  declare(detail_, flags, value, description,
          {.required = required, .kind = ValueKind::kChoice, .choices = std::move(allowed)});
}

void declare_shared(OptionSet::Detail& detail, SharedOptions& shared) {
  detail.group = "Execution";
  declare(detail, "-t,--threads", shared.threads, "Thread budget [SLURM_CPUS_PER_TASK, OMP_NUM_THREADS, affinity]",
          {.record = false})
      ->check(CLI::Range(1, 1024));
  declare(detail, "--max-expansion", shared.max_expansion,
          "Refuse compressed input that holds more than so many times its size; 0 accepts any", {.record = false})
      ->check(CLI::NonNegativeNumber);
  declare(detail, "--seed", shared.seed, "Seed of every random choice", {});
  declare(detail, "--tmpdir", shared.tmpdir, "Folder for temporary files [$TMPDIR, else the output folder]",
          {.record = false, .kind = ValueKind::kFolder});
  declare_flag(detail, "-q,--quiet", shared.quiet, "Errors only");
  declare_flag(detail, "-v,--verbose", shared.verbose, "More detail");
  declare_flag(detail, "--progress,!--no-progress", shared.progress, "Progress on a terminal");
  OptionDescription help = parse_flags("-h,--help");  // CLI11 declares it itself
  help.group = detail.group;
  help.text = "Print this help message and exit";
  detail.described.push_back(std::move(help));
}

}  // namespace immucan::cli
