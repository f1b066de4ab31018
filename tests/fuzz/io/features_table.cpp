// Both readers of a features table take the same tables, and what they take has parts.
#include "io/features_table.h"

#include <cstdlib>
#include <string_view>

#include "core/error.h"

namespace {

template <class Read>
std::size_t rows(std::string_view bytes, Read&& read) {
  constexpr std::size_t kRefused = ~std::size_t{0};
  try {
    return read(immucan::io::open_memory(bytes));
  } catch (const immucan::core::Error& error) {
    if (error.status() != immucan::core::Status::kBadInput) std::abort();
    return kRefused;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace immucan;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t values = rows(bytes, [](std::unique_ptr<io::ByteSource> source) {
    const auto read = io::read_features(std::move(source));
    for (const io::FeatureValue& value : read) {
      if (!io::parse_feature(value.feature)) std::abort();
    }
    return read.size();
  });
  const std::size_t entries = rows(bytes, [](std::unique_ptr<io::ByteSource> source) {
    return io::read_feature_entries(std::move(source)).entries.size();
  });
  if (values != entries) std::abort();
  return 0;
}
