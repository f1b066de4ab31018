// Profiles in CAMI's format: what is accepted has samples with names, ranks and percentages.
#include "microbiome/cami_profile.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/error.h"

using namespace immucan;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto samples =
        microbiome::read_cami_profiles(io::open_memory(std::string_view(reinterpret_cast<const char*>(data), size)));
    if (samples.empty()) std::abort();
    for (const auto& sample : samples) {
      if (sample.sample_id.empty() || sample.version.empty() || sample.ranks.empty()) std::abort();
      for (const auto& row : sample.rows)
        if (row.taxid.empty() || row.path.empty() || !(row.percentage >= 0 && row.percentage < 101)) std::abort();
    }
  } catch (const core::Error& error) {
    if (error.status() != core::Status::kBadInput) std::abort();
  }
  return 0;
}
