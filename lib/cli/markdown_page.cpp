#include <fmt/format.h>

#include "cli/documents.h"
#include "core/text.h"

namespace immucan::cli {
namespace {

/// Text for a table cell: a bar would end the cell, an angle bracket would begin a tag.
std::string cell(std::string_view text) {
  std::string out;
  for (const char letter : text) {
    switch (letter) {
      case '|':
        out += "\\|";
        break;
      case '<':
        out += "&lt;";
        break;
      case '*':
      case '_':
        out += '\\';
        [[fallthrough]];
      default:
        out += letter;
    }
  }
  return out;
}

std::string names(const OptionDescription& option) {
  if (!option.positional.empty()) return "`" + option.positional + (option.repeated ? "...`" : "`");
  std::string out;
  for (const auto* list : {&option.flags, &option.negated}) {
    for (const std::string& flag : *list) out += (out.empty() ? "`" : ", `") + flag + "`";
  }
  return out;
}

std::string value(const OptionDescription& option) {
  if (option.kind == ValueKind::kNone || !option.positional.empty()) return {};
  std::string out;
  if (option.kind == ValueKind::kChoice) {
    for (const std::string& choice : option.choices) out += (out.empty() ? "`" : ", `") + choice + "`";
  } else {
    out = value_name(option);
  }
  return out + (option.repeated ? " ..." : "");
}

std::string fallback(const OptionDescription& option) {
  if (option.required) return "required";
  return option.default_value.empty() ? std::string() : "`" + option.default_value + "`";
}

void append_table(std::string& out, const std::vector<OptionDescription>& options, const std::string& group) {
  out += "| option | value | default | meaning |\n|---|---|---|---|\n";
  for (const OptionDescription& option : options) {
    if (option.group != group) continue;
    out += fmt::format("| {} | {} | {} | {} |\n", names(option), value(option), fallback(option), cell(option.text));
  }
}

}  // namespace

std::string markdown_page(const ProgramDescription& program) {
  std::string out = fmt::format("# Options of {}\n\n{}\n\nWritten by `{} --help-markdown`.\n\n", program.tool,
                                program.text, program.tool);
  append_table(out, program.options, "");
  for (const CommandDescription& command : program.commands) {
    out += fmt::format("\n## {}\n\n{}\n\n    {}\n\nExample:\n\n    {}\n", command.name, command.summary,
                       usage_line(program.tool, command), command.example);
    for (const std::string& group : option_groups(command)) {
      out += fmt::format("\n### {}: {}\n\n", command.name, group);
      append_table(out, command.options, group);
    }
  }
  return out;
}

}  // namespace immucan::cli
