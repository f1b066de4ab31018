#pragma once
// Where the intensities of every channel lie, before and after batch normalisation.
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "cytof/batch_model.h"

namespace immucan::cytof {

/// Quantiles on the arcsinh scale; NaN where there is no value.
struct ChannelSpread {
  double low = 0, middle = 0, high = 0;  ///< 5, 50 and 95 %
};
/// Of each column of row-major values; those that are no numbers are passed over.
[[nodiscard]] std::vector<ChannelSpread> channel_spreads(std::span<const float> values, std::size_t channels);

struct BatchSpread {
  std::string name;
  std::vector<ChannelSpread> before, after;  ///< per channel
};
/// Of the controls that a model was trained on, each batch moved as its files will be. At most 20,000 evenly spread
/// cells per batch.
[[nodiscard]] std::vector<BatchSpread> control_spreads(const BatchControls& controls, const BatchModel& model);

/// A row per channel (at most 64): a line from the 5 % to the 95 % quantile with a dot at the median, per batch (at
/// most 16), left before, right after.
[[nodiscard]] std::string batch_plot(const std::string& title, const std::vector<std::string>& labels,
                                     std::span<const BatchSpread> batches);

}  // namespace immucan::cytof
