#pragma once
// Errors and exit statuses. The library throws; only cli::guarded_main catches, prints and exits.
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>

namespace immucan::core {

/// Exit statuses of every executable (sysexits numbering; see docs/errors.md for what a workflow should do with each).
enum class Status : int {
  kOk = 0,
  kFindings = 1,       ///< a requested check found something
  kUsage = 64,         ///< wrong options or arguments
  kBadInput = 65,      ///< malformed or truncated input
  kNoInput = 66,       ///< input missing or unreadable
  kInternal = 70,      ///< a bug of ours
  kOsLimit = 71,       ///< out of memory or another limit of the operating system
  kCannotCreate = 73,  ///< an output cannot be created
  kIoError = 74,       ///< errno from read or write: full disk, I/O error
};

/// What cannot go on. `what()` is the whole message without the "TOOL: error: " prefix: place, what is wrong, remedy.
class Error : public std::exception {
 public:
  Error(Status status, std::string message) : status_(status), message_(std::move(message)) {}
  [[nodiscard]] Status status() const noexcept { return status_; }
  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }

 private:
  Status status_;
  std::string message_;
};

/// Where in an input something is wrong.
struct Place {
  enum class Kind { kNone, kLine, kByte, kRecord };
  Kind kind = Kind::kNone;
  std::uint64_t number = 0;  ///< 1-based line or record, 0-based byte offset
  std::uint64_t column = 0;  ///< 1-based; 0 = not known

  static Place none() { return {}; }
  static Place line(std::uint64_t line, std::uint64_t column = 0) { return {Kind::kLine, line, column}; }
  static Place byte(std::uint64_t offset) { return {Kind::kByte, offset, 0}; }
  static Place record(std::uint64_t record) { return {Kind::kRecord, record, 0}; }
};

/// A record that can be broken. Parsers return std::expected<T, ParseError>; raise() turns it into an Error of
/// status 65.
struct ParseError {
  std::string file;
  Place place;
  std::string what;    ///< what is wrong, with the value
  std::string remedy;  ///< what to do about it, a sentence without the final stop
};

/// "FILE:LINE:COLUMN: what. Remedy." or "FILE: byte N: what. Remedy."
[[nodiscard]] std::string to_string(const ParseError& error);
[[noreturn]] void raise(const ParseError& error);

[[noreturn]] void raise_usage(std::string message);
/// Status 66 for ENOENT, EACCES, EISDIR …; 74 for other errno of an input.
[[noreturn]] void raise_input_errno(std::string_view file, std::string_view action, int error_number);
/// Status 73 when an output cannot be created; 74 for errno of write, fsync, close or rename.
[[noreturn]] void raise_create_errno(std::string_view file, int error_number);
[[noreturn]] void raise_write_errno(std::string_view file, std::string_view action, int error_number);

/// Thrown by InterruptSource::check after SIGINT or SIGTERM; guarded_main re-raises the signal once everything is
/// cleaned.
class Interrupted : public std::exception {
 public:
  explicit Interrupted(int signal_number) : signal_number_(signal_number) {}
  [[nodiscard]] int signal_number() const noexcept { return signal_number_; }
  [[nodiscard]] const char* what() const noexcept override { return "interrupted"; }

 private:
  int signal_number_;
};

}  // namespace immucan::core
