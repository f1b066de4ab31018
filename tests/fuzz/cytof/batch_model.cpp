#include "cytof/batch_model.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "core/error.h"

/// Reads the bytes as a model of `batch train` and moves three events of every batch with it: every value stays a
/// number.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace immucan;
  try {
    const auto model = cytof::read_batch_model(io::open_memory({reinterpret_cast<const char*>(data), size}, "<fuzz>"));
    for (std::size_t batch = 0; batch < model.batches.size(); ++batch) {
      for (const auto extrapolation :
           {cytof::Extrapolation::kClamp, cytof::Extrapolation::kQuantiles, cytof::Extrapolation::kLinear}) {
        const cytof::BatchTransform transform(model, batch, extrapolation);
        std::vector<float> scaled;
        for (const double intensity : {0.0, 37.5, 1e6}) {
          std::vector<double> values(model.channels.names.size(), intensity);
          transform.apply(values, scaled);
          for (const double value : values) {
            if (!std::isfinite(value)) std::abort();
          }
        }
        (void)transform.upper_bound(0, 100);
        (void)transform.identities();
      }
    }
  } catch (const core::Error& error) {
    if (error.status() != core::Status::kBadInput) std::abort();
  }
  return 0;
}
