#include "core/log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "core/text.h"

namespace immucan::core {

void Log::line(std::string_view kind, std::string_view text) const {
  fmt::print(stderr, "{}: {}{}\n", tool_, kind, printable(text, 4000));
}

void Log::warning(std::string_view text) const {
  if (level_ != LogLevel::kQuiet) line("warning: ", text);
}

void Log::info(std::string_view text) const {
  if (level_ != LogLevel::kQuiet) line("", text);
}

void Log::detail(std::string_view text) const {
  if (level_ == LogLevel::kVerbose) line("", text);
}

void Progress::update(std::string_view what, std::uint64_t done, std::uint64_t total) {
  if (!enabled_) return;
  const auto now = std::chrono::steady_clock::now();
  if (shown_ && now - last_ < std::chrono::milliseconds(200)) return;
  last_ = now;
  shown_ = true;
  if (total != 0) {
    const double percent = 100.0 * static_cast<double>(done) / static_cast<double>(total);
    fmt::print(stderr, "\r\033[K{}: {} of {} ({:.0f} %)", what, done, total, percent);
  } else {
    fmt::print(stderr, "\r\033[K{}: {}", what, done);
  }
  std::fflush(stderr);
}

void Progress::finish() {
  if (!shown_) return;
  shown_ = false;
  fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
}

}  // namespace immucan::core
