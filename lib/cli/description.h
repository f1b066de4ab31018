#pragma once
// What a command line offers, apart from how it is parsed: the one source of completions, man page and option tables.
#include <string>
#include <vector>

namespace immucan::cli {

enum class ValueKind { kNone, kText, kPath, kFolder, kInteger, kNumber, kChoice };

struct OptionDescription {
  std::string group;                 ///< heading in --help
  std::vector<std::string> flags;    ///< "-o", "--output"; empty for a positional
  std::vector<std::string> negated;  ///< "--no-progress"
  std::string positional;            ///< "FILE"; empty for a flag
  std::string text;
  ValueKind kind = ValueKind::kNone;
  std::vector<std::string> choices;  ///< of kChoice
  std::string default_value;         ///< as help shows it; empty where there is none
  bool required = false;
  bool repeated = false;  ///< takes several values
};

struct CommandDescription {
  std::string name, summary, example;
  std::vector<OptionDescription> options;  ///< in the order of declaration
};

struct ProgramDescription {
  std::string tool, version, text;
  std::vector<CommandDescription> commands;
  std::vector<OptionDescription> options;  ///< of the executable itself (--version …)
};

/// "-n,--long,!--no-long" or "FILE" taken apart into flags, negated and positional.
[[nodiscard]] OptionDescription parse_flags(const std::string& flags);

/// "PATH", "INT", "{a,b}" …; empty for a flag.
[[nodiscard]] std::string value_name(const OptionDescription& option);

/// The headings of a command in the order of their first option.
[[nodiscard]] std::vector<std::string> option_groups(const CommandDescription& command);

/// "tool command [OPTIONS] FILE..."
[[nodiscard]] std::string usage_line(const std::string& tool, const CommandDescription& command);

}  // namespace immucan::cli
