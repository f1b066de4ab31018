#include "scrna/feature_reference.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/error.h"
#include "scrna/feature_matching.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace immucan;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const auto features = scrna::read_feature_reference(io::open_memory(text));
    // What the index keeps reads back, and the patterns can be looked for.
    const auto back = scrna::from_lines(scrna::to_lines(features), "index");
    if (back.size() != features.size()) std::abort();
    for (std::size_t i = 0; i < back.size(); ++i) {
      if (back[i].id != features[i].id || back[i].pattern != features[i].pattern || back[i].type != features[i].type)
        std::abort();
    }
    (void)scrna::FeatureMatcher(features).match(text.substr(0, 200), text);
  } catch (const core::Error& error) {
    if (error.status() != core::Status::kBadInput) std::abort();
  }
  return 0;
}
