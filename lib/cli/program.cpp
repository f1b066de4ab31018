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

#include "core/log.h"
#include "core/text.h"
#include "core/threads.h"

namespace immucan::cli {
namespace {

using core::Status;
namespace fs = std::filesystem;

/// Options every command has; they concern how a run is carried out, not what it computes.
struct SharedOptions {
  std::optional<std::int64_t> threads;
  std::int64_t seed = 1;
  std::optional<fs::path> tmpdir;
  bool quiet = false;
  bool verbose = false;
  bool progress = true;
};

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

}  // namespace

struct OptionSet::Detail {
  CLI::App& app;
  std::string group = "Options";
  /// Reads the values for the run record once the command line has been parsed.
  std::vector<std::function<void(core::Parameters&)>> recorders;

  template <class T>
  CLI::Option* add(const std::string& flags, T& value, const std::string& description, bool record = true) {
    if (record) {
      recorders.push_back([name = parameter_name(flags), &value](core::Parameters& parameters) {
        parameters.emplace_back(name, recorded(value));
      });
    }
    return app.add_option(flags, value, description)->group(group);
  }
};

void OptionSet::group(std::string heading) {
  detail_.group = std::move(heading);
}

void OptionSet::input(std::string name, fs::path& value, std::string description) {
  detail_.add(name, value, description, false)->required()->group("Input");
}

void OptionSet::inputs(std::string name, std::vector<fs::path>& values, std::string description, bool required) {
  detail_.add(name, values, description, false)->required(required)->group("Input");
}

void OptionSet::argument(std::string name, std::string& value, std::string description, bool required) {
  detail_.add(name, value, description)->required(required)->group("Input");
}

void OptionSet::output_folder(fs::path& value) {
  const bool required = value.empty();
  detail_.add("-o,--output", value, "Folder for all outputs; run.json in it marks completion", false)
      ->required(required)
      ->group("Output");
}

void OptionSet::output_file(fs::path& value, std::string description) {
  const bool required = value.empty();
  auto* const option = detail_.add("-o,--output", value, description, false)->required(required)->group("Output");
  if (!required) option->capture_default_str();
}

void OptionSet::flag(std::string flags, bool& value, std::string description) {
  detail_.recorders.push_back(
      [name = parameter_name(flags), &value](core::Parameters& parameters) { parameters.emplace_back(name, value); });
  detail_.app.add_flag(flags, value, description)->group(detail_.group);
}

void OptionSet::option(std::string flags, std::string& value, std::string description, bool required) {
  detail_.add(flags, value, description)->required(required)->capture_default_str();
}
void OptionSet::option(std::string flags, fs::path& value, std::string description, bool required) {
  detail_.add(flags, value, description)->required(required);
}
void OptionSet::option(std::string flags, std::int64_t& value, std::string description) {
  detail_.add(flags, value, description)->capture_default_str();
}
void OptionSet::option(std::string flags, double& value, std::string description) {
  detail_.add(flags, value, description)->capture_default_str();
}
void OptionSet::option(std::string flags, std::optional<std::string>& value, std::string description) {
  detail_.add(flags, value, description);
}
void OptionSet::option(std::string flags, std::optional<fs::path>& value, std::string description) {
  detail_.add(flags, value, description);
}
void OptionSet::option(std::string flags, std::optional<std::int64_t>& value, std::string description) {
  detail_.add(flags, value, description);
}
void OptionSet::option(std::string flags, std::optional<double>& value, std::string description) {
  detail_.add(flags, value, description);
}
void OptionSet::option(std::string flags, std::vector<std::string>& values, std::string description, bool required) {
  detail_.add(flags, values, description)->required(required);
}
void OptionSet::option(std::string flags, std::vector<fs::path>& values, std::string description, bool required) {
  detail_.add(flags, values, description)->required(required);
}
void OptionSet::choice(std::string flags, std::string& value, std::vector<std::string> allowed, std::string description,
                       bool required) {
  detail_.add(flags, value, description)
      ->required(required)
      ->check(CLI::IsMember(std::move(allowed)))
      ->capture_default_str();
}

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

void Program::description(std::string text) {
  detail_.app.description(std::move(text));
}

void Program::add(Command command) {
  auto entry = std::make_unique<Detail::Entry>();
  entry->command = std::move(command);
  entry->app = detail_.app.add_subcommand(entry->command.name, entry->command.summary);
  entry->app->footer("Example:\n  " + entry->command.example);
  entry->options.reset(new OptionSet::Detail{*entry->app, "Options", {}});
  OptionSet set(*entry->options);
  if (entry->command.declare) entry->command.declare(set);

  SharedOptions& shared = detail_.shared;
  entry->options->group = "Execution";
  entry->options
      ->add("-t,--threads", shared.threads, "Thread budget [SLURM_CPUS_PER_TASK, OMP_NUM_THREADS, affinity]", false)
      ->check(CLI::Range(1, 1024));
  entry->options->add("--seed", shared.seed, "Seed of every random choice")->capture_default_str();
  entry->options->add("--tmpdir", shared.tmpdir, "Folder for temporary files [$TMPDIR, else the output folder]", false);
  entry->app->add_flag("-q,--quiet", shared.quiet, "Errors only")->group("Execution");
  entry->app->add_flag("-v,--verbose", shared.verbose, "More detail")->group("Execution");
  entry->app->add_flag("--progress,!--no-progress", shared.progress, "Progress on a terminal")->group("Execution");
  detail_.entries.push_back(std::move(entry));
}

namespace {

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

Status run_program(const std::string& tool, int argc, char** argv, const std::function<void(Program&)>& declare,
                   std::unique_ptr<core::RunContext>& context) {
  Program::Detail detail;
  detail.app.name(tool);
  detail.app.set_version_flag("--version", tool + " " + IMMUCAN_VERSION, "Print the version and exit");
  detail.app.require_subcommand(1);
  detail.app.get_formatter()->column_width(36);
  Program program(detail);
  declare(program);
  try {
    detail.app.parse(argc, argv);
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
