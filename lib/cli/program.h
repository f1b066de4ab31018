#pragma once
// The command line of every executable. The only room that sees CLI11; a tool declares typed options and a run
// function:
//
//   int main(int argc, char** argv) {
//     return immucan::cli::guarded_main("cytof-normalize", argc, argv, [](immucan::cli::Program& program) {
//       program.add(normalize_command());
//     });
//   }
//
//   cli::Command normalize_command() {
//     auto options = std::make_shared<NormalizeOptions>();
//     return {.name = "normalize", .summary = "…", .example = "cytof-normalize normalize -o out run1.fcs run2.fcs",
//             .declare = [options](cli::OptionSet& set) { set.output_folder(options->output); set.inputs("FILE", …); },
//             .run = [options](core::RunContext& context) { return run_normalize(*options, context); }};
//   }
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/run_context.h"

namespace immucan::cli {

/// Options of one command. Every declared value except those of "Execution" (threads, temporary folder, progress,
/// output) enters the run record under its long name; paths by file name. `flags` is in CLI11's form: "-n,--long-name".
/// A default is the value the variable holds when declared; help shows it.
class OptionSet {
 public:
  struct Detail;
  explicit OptionSet(Detail& detail) : detail_(detail) {}

  /// Heading under which the following options appear in --help (Input, Output, Algorithm …).
  void group(std::string heading);

  // Positional inputs. "-" is accepted where the command streams.
  void input(std::string name, std::filesystem::path& value, std::string description);
  void inputs(std::string name, std::vector<std::filesystem::path>& values, std::string description,
              bool required = true);
  /// Positional text (a table name, a database).
  void argument(std::string name, std::string& value, std::string description, bool required = true);

  /// -o/--output as a folder or as a single file ("-" = stdout). Required unless the variable holds a default.
  void output_folder(std::filesystem::path& value);
  void output_file(std::filesystem::path& value, std::string description);
  /// For commands that write a file only in some of their modes.
  void output_file(std::optional<std::filesystem::path>& value, std::string description);

  /// --mmap, of commands that load an index or a database: the same results, so not in the run record.
  void share_index(bool& value);

  void flag(std::string flags, bool& value, std::string description);  ///< "--x,!--no-x" gives a negatable flag
  void option(std::string flags, std::string& value, std::string description, bool required = false);
  void option(std::string flags, std::filesystem::path& value, std::string description, bool required = false);
  void option(std::string flags, std::int64_t& value, std::string description);
  void option(std::string flags, double& value, std::string description);
  void option(std::string flags, std::optional<std::string>& value, std::string description);
  void option(std::string flags, std::optional<std::filesystem::path>& value, std::string description);
  void option(std::string flags, std::optional<std::int64_t>& value, std::string description);
  void option(std::string flags, std::optional<double>& value, std::string description);
  void option(std::string flags, std::vector<std::string>& values, std::string description, bool required = false);
  void option(std::string flags, std::vector<std::filesystem::path>& values, std::string description,
              bool required = false);
  /// One of `allowed`; anything else is a usage error that lists them.
  void choice(std::string flags, std::string& value, std::vector<std::string> allowed, std::string description,
              bool required = false);

 private:
  Detail& detail_;
};

struct Command {
  std::string name;     ///< kebab-case; "batch train" is called by two words, or by one: batch-train
  std::string summary;  ///< one sentence
  std::string example;  ///< one real command line
  std::function<void(OptionSet&)> declare;
  std::function<core::Status(core::RunContext&)> run;
};

class Program {
 public:
  struct Detail;
  explicit Program(Detail& detail) : detail_(detail) {}
  void description(std::string text);
  void add(Command command);

 private:
  Detail& detail_;
};

/// Parses, runs the chosen command and maps every outcome to an exit status. Holds the only catch of the executable;
/// flushes and checks stdout; after SIGINT or SIGTERM re-raises the signal once everything has been cleaned.
int guarded_main(const std::string& tool, int argc, char** argv, const std::function<void(Program&)>& declare);

}  // namespace immucan::cli
