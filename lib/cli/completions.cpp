#include <fmt/format.h>

#include <algorithm>

#include "cli/documents.h"
#include "core/text.h"

namespace immucan::cli {
namespace {

/// A name for a shell function: letters, digits and underscores.
std::string function_name(const std::string& tool) {
  std::string name = "_" + tool;
  std::ranges::replace(name, '-', '_');
  return name;
}

std::vector<std::string> all_flags(const std::vector<OptionDescription>& options) {
  std::vector<std::string> flags;
  for (const OptionDescription& option : options) {
    flags.insert(flags.end(), option.flags.begin(), option.flags.end());
    flags.insert(flags.end(), option.negated.begin(), option.negated.end());
  }
  return flags;
}

std::vector<std::string> command_names(const ProgramDescription& program) {
  std::vector<std::string> names;
  for (const CommandDescription& command : program.commands) names.push_back(command.name);
  return names;
}

/// Inside single quotes of any of the three shells.
std::string quoted(std::string_view text) {
  std::string out;
  for (const char letter : text) {
    if (letter == '\'') {
      out += "'\\''";
    } else {
      out += letter;
    }
  }
  return out;
}

// bash: an empty COMPREPLY falls through to file names ("-o default").

void append_bash_values(std::string& out, const std::vector<OptionDescription>& options, std::string_view indent) {
  for (const OptionDescription& option : options) {
    if (option.flags.empty() || option.kind == ValueKind::kNone) continue;
    std::string action = "return";
    if (option.kind == ValueKind::kChoice) {
      action = fmt::format("COMPREPLY=($(compgen -W '{}' -- \"$cur\")); return", core::join(option.choices, " "));
    } else if (option.kind == ValueKind::kFolder) {
      action = "compopt -o dirnames 2>/dev/null; return";
    } else if (option.kind != ValueKind::kPath) {
      action = "compopt +o default 2>/dev/null; return";
    }
    out += fmt::format("{}{}) {} ;;\n", indent, core::join(option.flags, "|"), action);
  }
}

std::string bash_script(const ProgramDescription& program) {
  const std::string name = function_name(program.tool);
  std::string out = fmt::format(
      "# bash completion of {0}: source <({0} --completions bash)\n"
      "{1}() {{\n"
      "  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} command='' word\n"
      "  COMPREPLY=()\n"
      "  for word in \"${{COMP_WORDS[@]:1:COMP_CWORD-1}}\"; do\n"
      "    case $word in\n"
      "      {2}) command=$word; break ;;\n"
      "    esac\n"
      "  done\n"
      "  case $command in\n"
      "    '')\n"
      "      case $prev in\n",
      program.tool, name, core::join(command_names(program), "|"));
  append_bash_values(out, program.options, "        ");
  std::vector<std::string> words = command_names(program);
  const std::vector<std::string> own = all_flags(program.options);
  words.insert(words.end(), own.begin(), own.end());
  out += fmt::format(
      "      esac\n"
      "      COMPREPLY=($(compgen -W '{}' -- \"$cur\"))\n"
      "      ;;\n",
      core::join(words, " "));
  for (const CommandDescription& command : program.commands) {
    out += fmt::format("    {})\n      case $prev in\n", command.name);
    append_bash_values(out, command.options, "        ");
    out += fmt::format(
        "      esac\n"
        "      [[ $cur == -* ]] && COMPREPLY=($(compgen -W '{}' -- \"$cur\"))\n"
        "      ;;\n",
        core::join(all_flags(command.options), " "));
  }
  out += fmt::format("  esac\n  return 0\n}}\ncomplete -o default -F {} {}\n", name, program.tool);
  return out;
}

// zsh: the specifications of _arguments.

/// Inside an _arguments specification a colon and brackets have a meaning.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (const char letter : quoted(text)) {
    if (letter == ':' || letter == '[' || letter == ']') out += '\\';
    out += letter;
  }
  return out;
}

std::string zsh_action(const OptionDescription& option) {
  switch (option.kind) {
    case ValueKind::kNone:
      return {};
    case ValueKind::kChoice:
      return fmt::format(":{}:({})", "value", core::join(option.choices, " "));
    case ValueKind::kPath:
      return ":file:_files";
    case ValueKind::kFolder:
      return ":folder:_files -/";
    default:
      return fmt::format(":{}: ", value_name(option));
  }
}

std::string zsh_specifications(const std::vector<OptionDescription>& options, std::string_view indent) {
  std::string out;
  for (const OptionDescription& option : options) {
    if (!option.positional.empty()) continue;
    for (const std::string& flag : all_flags({option})) {
      out += fmt::format(" \\\n{}'{}{}[{}]{}'", indent, option.repeated ? "*" : "", flag, zsh_text(option.text),
                         zsh_action(option));
    }
  }
  return out;
}

std::string zsh_script(const ProgramDescription& program) {
  const std::string name = function_name(program.tool);
  std::string out = fmt::format("#compdef {0}\n# zsh completion of {0}: source <({0} --completions zsh)\n{1}() {{\n",
                                program.tool, name);
  out += "  local context state state_descr line\n  typeset -A opt_args\n  _arguments -C";
  out += zsh_specifications(program.options, "    ");
  out += " \\\n    '1:command:((";
  for (const CommandDescription& command : program.commands) {
    // Within the list of commands a blank ends a word, so the summary stands in double quotes.
    std::string summary = zsh_text(command.summary);
    std::erase(summary, '"');
    out += fmt::format("{}\\:\"{}\" ", command.name, summary);
  }
  out += "))' \\\n    '*::argument:->arguments'\n  [[ $state == arguments ]] || return 0\n  case $words[1] in\n";
  for (const CommandDescription& command : program.commands) {
    out += fmt::format("    {})\n      _arguments", command.name);
    out += zsh_specifications(command.options, "        ");
    out += " \\\n        '*:file:_files'\n      ;;\n";
  }
  out += fmt::format("  esac\n}}\ncompdef {} {}\n", name, program.tool);
  return out;
}

// fish: one `complete` line per option.

/// Inside single quotes of fish only the backslash and the quote have a meaning.
std::string fish_text(std::string_view text) {
  std::string out;
  for (const char letter : text) {
    if (letter == '\'' || letter == '\\') out += '\\';
    out += letter;
  }
  return out;
}

void append_fish_options(std::string& out, const std::string& tool, const std::string& condition,
                         const std::vector<OptionDescription>& options) {
  for (const OptionDescription& option : options) {
    if (!option.positional.empty()) continue;
    out += fmt::format("complete -c {} -n '{}'", tool, condition);
    for (const std::string& flag : all_flags({option})) {
      out += flag.starts_with("--") ? " -l " + flag.substr(2) : " -s " + flag.substr(1);
    }
    if (option.kind == ValueKind::kChoice) {
      out += fmt::format(" -x -a '{}'", core::join(option.choices, " "));
    } else if (option.kind == ValueKind::kPath) {
      out += " -r -F";
    } else if (option.kind == ValueKind::kFolder) {
      out += " -x -a '(__fish_complete_directories)'";
    } else if (option.kind != ValueKind::kNone) {
      out += " -x";
    }
    out += fmt::format(" -d '{}'\n", fish_text(option.text));
  }
}

std::string fish_script(const ProgramDescription& program) {
  const std::string& tool = program.tool;
  std::string out = fmt::format("# fish completion of {0}: {0} --completions fish | source\n", tool);
  append_fish_options(out, tool, "__fish_use_subcommand", program.options);
  for (const CommandDescription& command : program.commands) {
    out += fmt::format("complete -c {} -n '__fish_use_subcommand' -f -a {} -d '{}'\n", tool, command.name,
                       fish_text(command.summary));
    append_fish_options(out, tool, "__fish_seen_subcommand_from " + command.name, command.options);
  }
  return out;
}

}  // namespace

std::string completion_script(const ProgramDescription& program, std::string_view shell) {
  if (shell == "zsh") return zsh_script(program);
  if (shell == "fish") return fish_script(program);
  return bash_script(program);
}

}  // namespace immucan::cli
