#include "io/raw_input.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "core/digest.h"
#include "core/error.h"

namespace immucan::io {

namespace {
// Large enough that a system call and a hash update are lost in the noise, small enough to stay in L2.
constexpr std::uint64_t kAlwaysAllowed = std::uint64_t{16} << 20;  // harmless, whatever it came from
constexpr std::size_t kWindow = std::size_t{256} << 10;
}  // namespace

struct RawInput::State {
  std::string name;
  int descriptor = -1;  // -1: bytes in memory
  bool owned = false;
  bool waits = false;  // pipes and terminals: wait for bytes or a signal before reading
  bool at_end = false;
  core::RunContext* context = nullptr;
  std::string record_name;
  core::Sha256 digest;
  std::uint64_t size = 0;  // bytes taken from the descriptor so far
  std::vector<char> buffer;
  const char* base = nullptr;  // buffer or memory
  std::size_t begin = 0, end = 0;
};

RawInput::RawInput(const std::filesystem::path& path, core::RunContext& context) : state_(std::make_unique<State>()) {
  State& s = *state_;
  const bool standard_input = path == "-";
  s.name = standard_input ? "<stdin>" : path.string();
  s.record_name = standard_input ? s.name : path.filename().string();
  s.context = &context;
  if (standard_input) {
    s.descriptor = STDIN_FILENO;
  } else {
    // Non-blocking, so that opening a FIFO whose writer has not come yet can be interrupted.
    s.descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (s.descriptor < 0) core::raise_input_errno(s.name, "open", errno);
    s.owned = true;
  }
  struct stat status{};
  if (::fstat(s.descriptor, &status) != 0) {
    const int error = errno;
    if (s.owned) ::close(s.descriptor);
    core::raise_input_errno(s.name, "open", error);
  }
  if (S_ISDIR(status.st_mode)) {
    if (s.owned) ::close(s.descriptor);
    core::raise_input_errno(s.name, "open", EISDIR);
  }
  s.waits = !S_ISREG(status.st_mode);
  s.buffer.resize(kLookback + kWindow);
  s.base = s.buffer.data();
}

RawInput::RawInput(std::string_view bytes, std::string name) : state_(std::make_unique<State>()) {
  state_->name = std::move(name);
  state_->base = bytes.data();
  state_->end = bytes.size();
  state_->size = bytes.size();
  state_->at_end = true;
}

RawInput::~RawInput() {
  if (state_->owned) ::close(state_->descriptor);
}

std::size_t RawInput::read_some(char* destination, std::size_t capacity) {
  State& s = *state_;
  if (s.at_end || capacity == 0) return 0;
  for (;;) {
    if (s.waits) s.context->interrupt.wait_readable(s.descriptor);
    const ssize_t count = ::read(s.descriptor, destination, capacity);
    if (count > 0) {
      const auto taken = static_cast<std::size_t>(count);
      s.digest.update({destination, taken});
      s.size += taken;
      return taken;
    }
    if (count == 0) {
      s.at_end = true;
      s.context->inputs.add({s.record_name, s.size, s.digest.hex()});
      return 0;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      s.waits = true;
      continue;
    }
    if (errno != EINTR) core::raise_input_errno(s.name, "read", errno);
  }
}

bool RawInput::require(std::size_t wanted) {
  State& s = *state_;
  if (s.end - s.begin >= wanted) return true;
  if (s.at_end) return false;
  const std::size_t kept = std::min(s.begin, kLookback);
  const std::size_t start = s.begin - kept;
  std::memmove(s.buffer.data(), s.buffer.data() + start, s.end - start);
  s.begin = kept;
  s.end -= start;
  if (s.buffer.size() < s.begin + wanted) s.buffer.resize(s.begin + wanted);
  s.base = s.buffer.data();
  while (s.end - s.begin < wanted) {
    const std::size_t taken = read_some(s.buffer.data() + s.end, s.buffer.size() - s.end);
    if (taken == 0) return false;
    s.end += taken;
  }
  return true;
}

std::string_view RawInput::available() const {
  return {state_->base + state_->begin, state_->end - state_->begin};
}

void RawInput::consume(std::ptrdiff_t count) {
  state_->begin = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(state_->begin) + count);
}

std::size_t RawInput::read(std::span<char> buffer) {
  State& s = *state_;
  std::size_t filled = std::min(buffer.size(), s.end - s.begin);
  if (filled != 0) std::memcpy(buffer.data(), s.base + s.begin, filled);
  s.begin += filled;
  while (filled < buffer.size()) {
    const std::size_t taken = read_some(buffer.data() + filled, buffer.size() - filled);
    if (taken == 0) break;
    // The window stays empty and behind these bytes, so that offset() holds.
    s.begin = s.end = 0;
    filled += taken;
  }
  return filled;
}

void RawInput::check_expansion(std::uint64_t decompressed) const {
  const std::uint64_t limit = state_->context != nullptr ? state_->context->max_expansion : core::kDefaultMaxExpansion;
  const std::uint64_t consumed = std::max<std::uint64_t>(1, offset());
  if (limit == 0 || decompressed <= kAlwaysAllowed || decompressed / limit < consumed) return;
  core::raise(core::ParseError{state_->name, core::Place::byte(offset()),
                               fmt::format("{} bytes hold {} bytes, more than {} times as many (a decompression bomb?)",
                                           consumed, decompressed, limit),
                               "If the file is what it should be, give a higher --max-expansion"});
}

std::uint64_t RawInput::offset() const {
  return state_->size - (state_->end - state_->begin);
}
const std::string& RawInput::name() const {
  return state_->name;
}

}  // namespace immucan::io
