#pragma once
#include <string>

#include "scrna/count_figures.h"

namespace immucan::scrna {

/// One HTML file that says how well a count went: figures, barcode ranks, saturation, classes of reads, mitochondrial
/// share. Holds everything it shows.
[[nodiscard]] std::string count_page(const std::string& sample, const Counted& counted, const Figures& figures,
                                     const BarcodeStatistics& statistics);

}  // namespace immucan::scrna
