// Any bytes through detection and the decoders: read whole, in odd steps and through the reader-ahead, with the same
// result.
#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "io/prefetched_source.h"

namespace {

using namespace immucan;

constexpr std::size_t kLimit = std::size_t{16} << 20;  // small inputs can hold much text

/// The text, or nullopt where the input is refused.
std::optional<std::string> read(std::unique_ptr<io::ByteSource> source, std::size_t step) {
  std::string text, buffer(step, '\0');
  while (text.size() < kLimit) {
    const std::size_t count = source->read(buffer);
    text.append(buffer, 0, count);
    if (count < step) return text;
  }
  text.resize(kLimit);
  return text;
}

template <class Open>
std::optional<std::string> attempt(Open&& open, std::size_t step) {
  try {
    return read(open(), step);
  } catch (const core::Error& error) {
    if (error.status() != core::Status::kBadInput) std::abort();
    return std::nullopt;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto whole = attempt([&] { return io::open_memory(bytes); }, 1 << 20);
  const auto steps = attempt([&] { return io::open_memory(bytes); }, 1777);
  const auto ahead =
      attempt([&] { return std::make_unique<io::PrefetchedSource>(io::open_memory(bytes), 3, 5000); }, 4099);
  // Where the limit cuts the reading short, damage behind it may be seen by one way and not by another.
  const bool cut =
      (whole && whole->size() == kLimit) || (steps && steps->size() == kLimit) || (ahead && ahead->size() == kLimit);
  if (!cut && (whole != steps || whole != ahead)) std::abort();
  return 0;
}
