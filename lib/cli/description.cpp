#include "cli/description.h"

#include <algorithm>

#include "core/text.h"

namespace immucan::cli {

OptionDescription parse_flags(const std::string& flags) {
  OptionDescription option;
  for (const std::string_view part : core::split(flags, ',')) {
    if (part.starts_with('!')) {
      option.negated.emplace_back(part.substr(1));
    } else if (part.starts_with('-')) {
      option.flags.emplace_back(part);
    } else {
      option.positional = part;
    }
  }
  return option;
}

std::string value_name(const OptionDescription& option) {
  switch (option.kind) {
    case ValueKind::kNone:
      return {};
    case ValueKind::kText:
      return "TEXT";
    case ValueKind::kPath:
      return "PATH";
    case ValueKind::kFolder:
      return "DIR";
    case ValueKind::kInteger:
      return "INT";
    case ValueKind::kNumber:
      return "FLOAT";
    case ValueKind::kChoice:
      return "{" + core::join(option.choices, ",") + "}";
  }
  return {};
}

std::vector<std::string> option_groups(const CommandDescription& command) {
  std::vector<std::string> groups;
  for (const OptionDescription& option : command.options) {
    if (std::ranges::find(groups, option.group) == groups.end()) groups.push_back(option.group);
  }
  return groups;
}

std::string usage_line(const std::string& tool, const CommandDescription& command) {
  std::string line = tool + " " + command.name + " [OPTIONS]";
  for (const OptionDescription& option : command.options) {
    if (option.positional.empty()) continue;
    const std::string name = option.positional + (option.repeated ? "..." : "");
    line += option.required ? " " + name : " [" + name + "]";
  }
  return line;
}

}  // namespace immucan::cli
