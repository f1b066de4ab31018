#include "scrna/geometry.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace immucan;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const scrna::Geometry geometry(text.substr(0, end));
    // The rest is cut as a pair of reads.
    const std::string_view rest = text.substr(end), one = rest.substr(0, rest.size() / 2),
                           two = rest.substr(rest.size() / 2);
    scrna::CutRead cut;
    if (geometry.cut(one, one, two, two, cut) != scrna::CutOutcome::kTooShort) {
      if (cut.parts != geometry.part_lengths().size() || cut.umi.size() != geometry.umi_length()) std::abort();
      for (std::size_t i = 0; i < cut.parts; ++i) {
        const auto& lengths = geometry.part_lengths()[i];
        if (cut.barcode[i].size() < lengths.front() || cut.barcode[i].size() > lengths.back()) std::abort();
      }
    }
  } catch (const core::Error& error) {
    if (error.status() != core::Status::kUsage) std::abort();
  }
  return 0;
}
