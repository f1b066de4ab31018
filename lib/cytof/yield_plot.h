#pragma once
#include <string>
#include <vector>

#include "cytof/debarcoding.h"

namespace immucan::cytof {

/// Share of each sample's events with a separation of at least 0, 0.01 … 1: [label][step]. NaN for a sample without
/// events.
[[nodiscard]] std::vector<std::vector<double>> barcode_yields(const BarcodeKey& key, const Debarcoding& result);

/// An SVG: the yield of every sample over the cut-off, with a mark at the cut-off that was used.
[[nodiscard]] std::string yield_plot(const std::string& title, const BarcodeKey& key, const Debarcoding& result);

}  // namespace immucan::cytof
