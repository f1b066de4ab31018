#include "cli/program.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <new>
#include <sstream>
#include <system_error>

#include "cli/documents.h"
#include "cli/option_set_detail.h"
#include "core/log.h"
#include "core/text.h"
#include "core/threads.h"

namespace immucan::cli {
using core::Status;

struct Program::Detail {
  /// One declared command with what parsing needs; lives until the end of guarded_main.
  struct Entry {
    Command command;
    CLI::App* app = nullptr;
    std::unique_ptr<OptionSet::Detail> options;
  };

  CLI::App app;
  SharedOptions shared;
  std::vector<std::unique_ptr<Entry>> entries;
};

namespace {

/// CLI11 and completion scripts take no blanks in names: "batch train" → "batch-train".
std::string one_word(std::string command) {
  std::ranges::replace(command, ' ', '-');
  return command;
}

}  // namespace

void Program::description(std::string text) {
  detail_.app.description(std::move(text));
}

void Program::add(Command command) {
  auto entry = std::make_unique<Detail::Entry>();
  entry->command = std::move(command);
  entry->app = detail_.app.add_subcommand(one_word(entry->command.name), entry->command.summary);
  entry->app->footer("Example:\n  " + entry->command.example);
  entry->options.reset(new OptionSet::Detail{*entry->app, "Options", {}, {}});
  OptionSet set(*entry->options);
  if (entry->command.declare) entry->command.declare(set);

  declare_shared(*entry->options, detail_.shared);
  detail_.entries.push_back(std::move(entry));
}

namespace {

/// The options of the executable itself, as CLI11 is told about them in declare_documents.
std::vector<OptionDescription> own_options() {
  std::vector<OptionDescription> options;
  const auto add = [&](const std::string& flags, const std::string& text, std::vector<std::string> choices = {}) {
    OptionDescription option = parse_flags(flags);
    option.text = text;
    option.kind = choices.empty() ? ValueKind::kNone : ValueKind::kChoice;
    option.choices = std::move(choices);
    options.push_back(std::move(option));
  };
  add("-h,--help", "Print this help message and exit");
  add("--version", "Print the version and exit");
  add("--completions", "Print the completion script for a shell and exit", {"bash", "zsh", "fish"});
  add("--man", "Print the man page (roff) and exit");
  add("--help-markdown", "Print all commands and options in Markdown and exit");
  return options;
}

ProgramDescription describe(const Program::Detail& detail) {
  ProgramDescription program{detail.app.get_name(), IMMUCAN_VERSION, detail.app.get_description(), {}, own_options()};
  for (const auto& entry : detail.entries) {
    const Command& command = entry->command;
    program.commands.push_back({one_word(command.name), command.summary, command.example, entry->options->described});
  }
  return program;
}

/// The options that print a document and exit. CLI11 leaves parsing by an exception, as for --version.
void declare_documents(Program::Detail& detail) {
  const auto leave_with = [](std::string text) {
    text.pop_back();  // CLI11 ends what it prints with a newline
    throw CLI::CallForVersion(text, 0);
  };
  for (const OptionDescription& option : own_options()) {
    const std::string& flag = option.flags.back();
    if (flag == "--version") {
      detail.app.set_version_flag(flag, detail.app.get_name() + " " + IMMUCAN_VERSION, option.text);
    } else if (flag == "--completions") {
      detail.app
          .add_option_function<std::string>(
              flag,
              [&detail, leave_with](const std::string& shell) {
                leave_with(completion_script(describe(detail), shell));
              },
              option.text)
          ->check(CLI::IsMember(option.choices))
          ->trigger_on_parse();
    } else if (flag == "--man") {
      detail.app
          .add_flag_callback(
              flag, [&detail, leave_with] { leave_with(man_page(describe(detail))); }, option.text)
          ->trigger_on_parse();
    } else if (flag == "--help-markdown") {
      detail.app
          .add_flag_callback(
              flag, [&detail, leave_with] { leave_with(markdown_page(describe(detail))); }, option.text)
          ->trigger_on_parse();
    }
  }
}

/// One line on stderr; control characters of file names cannot drive the terminal.
void print_error(const std::string& tool, std::string_view message) {
  fmt::print(stderr, "{}: error: {}\n", tool, core::printable(message, 100000));
}

void write_stdout(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

/// Everything written to stdout has arrived, or the run failed (a full disk behind a redirection, a closed pipe).
Status check_stdout(const std::string& tool, Status status) {
  std::cout.flush();
  const bool failed = std::fflush(stdout) != 0 || std::ferror(stdout) != 0 || !std::cout.good();
  if (failed && status == Status::kOk) {
    print_error(tool, "<stdout>: write failed. The output was not completed.");
    return Status::kIoError;
  }
  return status;
}

core::RunContext* make_context(std::unique_ptr<core::RunContext>& holder, const std::string& tool,
                               const Program::Detail::Entry& entry, const SharedOptions& shared) {
  const auto level = shared.quiet     ? core::LogLevel::kQuiet
                     : shared.verbose ? core::LogLevel::kVerbose
                                      : core::LogLevel::kNormal;
  const bool progress = shared.progress && !shared.quiet && isatty(STDERR_FILENO) != 0;
  holder = std::make_unique<core::RunContext>(tool, IMMUCAN_VERSION, entry.command.name, level, progress);
  holder->max_expansion = static_cast<std::uint64_t>(shared.max_expansion);
  holder->threads =
      core::thread_budget(shared.threads ? std::optional(static_cast<unsigned>(*shared.threads)) : std::nullopt);
  holder->seed = static_cast<std::uint64_t>(shared.seed);
  holder->tmpdir = shared.tmpdir;
  if (!holder->tmpdir) {
    if (const char* const folder = std::getenv("TMPDIR"); folder != nullptr && *folder != '\0') holder->tmpdir = folder;
  }
  for (const auto& record : entry.options->recorders) record(holder->parameters);
  return holder.get();
}

/// CLI11's own exit: help and version on stdout with 0, everything else one line and 64.
Status finish_parse_error(const std::string& tool, CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) {
    std::ostringstream out, ignored;
    app.exit(error, out, ignored);
    write_stdout(out.str());
    return Status::kOk;
  }
  std::string text = error.what();
  std::ranges::replace(text, '\n', ' ');
  if (!text.ends_with('.')) text += '.';
  print_error(tool, fmt::format("{} See '{} --help'.", text, tool));
  return Status::kUsage;
}

/// The arguments without the program's name, last first as CLI11 takes them; the two words of a command become one.
std::vector<std::string> joined_arguments(int argc, char** argv, const Program::Detail& detail) {
  std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  if (arguments.size() >= 2) {
    const std::string both = arguments[0] + " " + arguments[1];
    if (std::ranges::any_of(detail.entries, [&](const auto& entry) { return entry->command.name == both; })) {
      arguments[0] = one_word(both);
      arguments.erase(arguments.begin() + 1);
    }
  }
  std::ranges::reverse(arguments);
  return arguments;
}

Status run_program(const std::string& tool, int argc, char** argv, const std::function<void(Program&)>& declare,
                   std::unique_ptr<core::RunContext>& context) {
  Program::Detail detail;
  detail.app.name(tool);
  declare_documents(detail);
  detail.app.require_subcommand(1);
  detail.app.get_formatter()->column_width(36);
  Program program(detail);
  declare(program);
  try {
    detail.app.parse(joined_arguments(argc, argv, detail));
  } catch (const CLI::ParseError& error) {
    return finish_parse_error(tool, detail.app, error);
  }
  for (const auto& entry : detail.entries) {
    if (!entry->app->parsed()) continue;
    core::RunContext* const run = make_context(context, tool, *entry, detail.shared);
    const Status status = entry->command.run(*run);
    run->progress.finish();
    return status;
  }
  return Status::kUsage;
}

/// The only catch of the executable: every error becomes one line and a status.
Status run_caught(const std::string& tool, int argc, char** argv, const std::function<void(Program&)>& declare) {
  std::unique_ptr<core::RunContext> context;
  const auto report = [&](Status status, std::string_view message) {
    if (context) context->progress.finish();
    print_error(tool, message);
    return status;
  };
  try {
    return run_program(tool, argc, argv, declare, context);
  } catch (const core::Interrupted&) {
    throw;
  } catch (const core::Error& error) {
    return report(error.status(), error.what());
  } catch (const std::bad_alloc&) {
    return report(Status::kOsLimit,
                  "out of memory. Give the job more memory or lower --memory where the command has it.");
  } catch (const std::system_error& error) {
    return report(Status::kOsLimit, fmt::format("the operating system refused: {}.", error.what()));
  } catch (const std::exception& error) {
    return report(Status::kInternal,
                  fmt::format("internal error: {}. Please report it with the command line.", error.what()));
  }
}

}  // namespace

int guarded_main(const std::string& tool, int argc, char** argv, const std::function<void(Program&)>& declare) {
  int signal_number = 0;
  {
    // Blocks the signals first, so that they stay pending from here until everything has been unwound.
    const core::InterruptSource interrupt;
    try {
      return static_cast<int>(check_stdout(tool, run_caught(tool, argc, argv, declare)));
    } catch (const core::Interrupted& interrupted) {
      signal_number = interrupted.signal_number();
    }
  }
  // Unblocking delivers the pending signal with its default action; raise covers a signal meant for another thread.
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal_number);
  std::signal(signal_number, SIG_DFL);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  std::raise(signal_number);
  return 128 + signal_number;
}

}  // namespace immucan::cli
