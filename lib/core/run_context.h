#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "core/interrupt.h"
#include "core/log.h"
#include "core/run_record.h"

namespace immucan::core {

/// By its format deflate cannot pass 1032; zstd can pass any limit.
inline constexpr std::uint64_t kDefaultMaxExpansion = 1000;

/// What a command needs besides its options: made once by guarded_main, handed down by reference. Tests make their own.
struct RunContext {
  RunContext(std::string tool_name, std::string tool_version, std::string command_name,
             LogLevel level = LogLevel::kQuiet, bool show_progress = false)
      : tool(std::move(tool_name)),
        version(std::move(tool_version)),
        command(std::move(command_name)),
        log(tool, level),
        progress(show_progress) {}

  std::string tool, version, command;
  Log log;
  Progress progress;
  InterruptSource interrupt;
  unsigned threads = 1;
  std::uint64_t seed = 1;
  /// Compressed input may hold so many times its own size (--max-expansion); 0 = any.
  std::uint64_t max_expansion = kDefaultMaxExpansion;
  std::optional<std::filesystem::path> tmpdir;  ///< --tmpdir, else $TMPDIR; else commands use the output folder
  Parameters parameters;                        ///< scientific options, filled by the command line
  InputLedger inputs;
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
};

}  // namespace immucan::core
