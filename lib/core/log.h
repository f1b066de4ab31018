#pragma once
// Logging and terminal progress, both on stderr. Workers never log: they return what they found.
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace immucan::core {

enum class LogLevel { kQuiet, kNormal, kVerbose };

/// Lines "TOOL: text". Warnings appear unless --quiet, info by default, detail with --verbose.
class Log {
 public:
  Log(std::string tool, LogLevel level) : tool_(std::move(tool)), level_(level) {}
  void warning(std::string_view text) const;
  void info(std::string_view text) const;
  void detail(std::string_view text) const;
  [[nodiscard]] LogLevel level() const { return level_; }

 private:
  void line(std::string_view kind, std::string_view text) const;
  std::string tool_;
  LogLevel level_;
};

/// One line that rewrites itself on a terminal, at most five times a second; silent elsewhere.
class Progress {
 public:
  explicit Progress(bool enabled) : enabled_(enabled) {}
  ~Progress() { finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// `total` 0 = unknown.
  void update(std::string_view what, std::uint64_t done, std::uint64_t total = 0);
  void finish();

 private:
  bool enabled_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point last_{};
};

}  // namespace immucan::core
