#include <fmt/format.h>

#include <algorithm>

#include "cli/documents.h"
#include "core/text.h"

namespace immucan::cli {
namespace {

/// The letter that begins at text[i] as roff's \[uXXXX], which needs no encoding to be agreed on; i moves to its end.
std::string unicode_escape(std::string_view text, std::size_t& i) {
  const auto first = static_cast<unsigned char>(text[i]);
  const unsigned following = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
  unsigned code = first & (0x3fU >> following);
  for (unsigned k = 0; k < following && i + 1 < text.size(); ++k) {
    code = code << 6 | (static_cast<unsigned char>(text[++i]) & 0x3fU);
  }
  return fmt::format("\\[u{:04X}]", code);
}

/// Backslashes and hyphens that must stay themselves; a line must not begin with a control character.
std::string roff(std::string_view text) {
  std::string out;
  if (text.starts_with('.') || text.starts_with('\'')) out += "\\&";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char letter = text[i];
    if (letter == '\\') {
      out += "\\e";
    } else if (letter == '-') {
      out += "\\-";
    } else if (letter == '\n') {
      out += "\n.br\n";
    } else if (static_cast<unsigned char>(letter) >= 0x80) {
      out += unicode_escape(text, i);
    } else {
      out += letter;
    }
  }
  return out;
}

void append_option(std::string& out, const OptionDescription& option) {
  std::string head;
  for (const auto* list : {&option.flags, &option.negated}) {
    for (const std::string& flag : *list) head += (head.empty() ? "\\fB" : ", \\fB") + roff(flag) + "\\fR";
  }
  if (!option.positional.empty()) {
    head = "\\fI" + roff(option.positional) + "\\fR";
  } else if (option.kind != ValueKind::kNone) {
    head += " \\fI" + roff(value_name(option)) + "\\fR";
  }
  if (option.repeated) head += " ...";
  std::string tail;
  if (option.required) {
    tail = " Required.";
  } else if (!option.default_value.empty()) {
    tail = " [default: " + roff(option.default_value) + "]";
  }
  out += fmt::format(".TP\n{}\n{}{}\n", head, roff(option.text), tail);
}

struct ExitStatus {
  int number;
  std::string_view meaning;
};
constexpr ExitStatus kStatuses[] = {{0, "every output is complete and in place"},
                                    {1, "a requested check found something"},
                                    {64, "wrong usage"},
                                    {65, "malformed or truncated input"},
                                    {66, "input missing or unreadable"},
                                    {70, "internal error"},
                                    {71, "out of memory or another limit of the system"},
                                    {73, "an output cannot be created"},
                                    {74, "reading or writing failed"}};

}  // namespace

std::string man_page(const ProgramDescription& program) {
  std::string upper = program.tool;
  std::ranges::transform(upper, upper.begin(), [](unsigned char letter) {
    return static_cast<char>(letter >= 'a' && letter <= 'z' ? letter - 'a' + 'A' : letter);
  });
  std::string out = fmt::format(".TH \"{}\" 1 \"\" \"{} {}\" \"IMMUcan toolkit\"\n.SH NAME\n{} \\- {}\n.SH SYNOPSIS\n",
                                roff(upper), program.tool, program.version, roff(program.tool), roff(program.text));
  for (const CommandDescription& command : program.commands) {
    out += ".B " + roff(usage_line(program.tool, command)) + "\n.br\n";
  }
  out += ".SH OPTIONS\n";
  for (const OptionDescription& option : program.options) append_option(out, option);
  out += ".SH COMMANDS\n";
  for (const CommandDescription& command : program.commands) {
    out += fmt::format(".SS {}\n{}\n.PP\nExample:\n.PP\n.RS\n.nf\n{}\n.fi\n.RE\n", roff(command.name),
                       roff(command.summary), roff(command.example));
    for (const std::string& group : option_groups(command)) {
      out += fmt::format(".PP\n\\fI{}\\fR\n", roff(group));
      for (const OptionDescription& option : command.options) {
        if (option.group == group) append_option(out, option);
      }
    }
  }
  out += ".SH EXIT STATUS\n";
  for (const ExitStatus& status : kStatuses) out += fmt::format(".TP\n\\fB{}\\fR\n{}\n", status.number, status.meaning);
  return out;
}

}  // namespace immucan::cli
