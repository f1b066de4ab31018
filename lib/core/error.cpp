#include "core/error.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "core/text.h"

namespace immucan::core {
namespace {

std::string place_text(const Place& place) {
  switch (place.kind) {
    case Place::Kind::kNone:
      return "";
    case Place::Kind::kLine:
      return place.column == 0 ? fmt::format(":{}", place.number) : fmt::format(":{}:{}", place.number, place.column);
    case Place::Kind::kByte:
      return fmt::format(": byte {}", place.number);
    case Place::Kind::kRecord:
      return fmt::format(": record {}", place.number);
  }
  return "";
}

/// strerror is not thread-safe; the GNU variant of strerror_r returns the text.
std::string errno_text(int error_number) {
  char buffer[256] = {};
  return strerror_r(error_number, buffer, sizeof buffer);
}

bool is_missing_or_unreadable(int error_number) {
  return error_number == ENOENT || error_number == EACCES || error_number == EPERM || error_number == EISDIR ||
         error_number == ENOTDIR || error_number == ELOOP || error_number == ENAMETOOLONG || error_number == ENXIO;
}

bool is_os_limit(int error_number) {
  return error_number == ENOMEM || error_number == EMFILE || error_number == ENFILE || error_number == EAGAIN;
}

}  // namespace

std::string to_string(const ParseError& error) {
  std::string text = error.file + place_text(error.place) + ": " + error.what;
  if (!text.ends_with('.')) text += '.';
  if (!error.remedy.empty()) {
    text += ' ';
    text += error.remedy;
    if (!text.ends_with('.')) text += '.';
  }
  return text;
}

void raise(const ParseError& error) {
  throw Error(Status::kBadInput, to_string(error));
}

void raise_usage(std::string message) {
  throw Error(Status::kUsage, std::move(message));
}

void raise_input_errno(std::string_view file, std::string_view action, int error_number) {
  const std::string text = fmt::format("{}: {}: {}.", file, action, errno_text(error_number));
  if (is_missing_or_unreadable(error_number)) {
    throw Error(Status::kNoInput, text + " Check the path and its permissions.");
  }
  if (is_os_limit(error_number)) throw Error(Status::kOsLimit, text);
  throw Error(Status::kIoError, text);
}

void raise_create_errno(std::string_view file, int error_number) {
  if (is_os_limit(error_number)) throw Error(Status::kOsLimit, fmt::format("{}: {}.", file, errno_text(error_number)));
  if (error_number == ENOSPC || error_number == EIO || error_number == EDQUOT) {
    raise_write_errno(file, "cannot create", error_number);
  }
  throw Error(Status::kCannotCreate,
              fmt::format("{}: cannot create the output: {}. Choose another place with --output.", file,
                          errno_text(error_number)));
}

void raise_write_errno(std::string_view file, std::string_view action, int error_number) {
  throw Error(Status::kIoError,
              fmt::format("{}: {}: {}. The output was not completed.", file, action, errno_text(error_number)));
}

}  // namespace immucan::core
