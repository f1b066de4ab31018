#pragma once
#include <cstdint>
#include <vector>

namespace immucan::microbiome {

/// Splits `total` in proportion to `shares` into integers: largest remainders get what rounding down leaves, earlier
/// ones first where remainders are equal. All zero where the shares sum to 0.
[[nodiscard]] std::vector<std::uint64_t> apportion(std::uint64_t total, const std::vector<double>& shares);

/// The same by rounding the running sum: every run of neighbours is within one of its exact share, so with shares in
/// preorder every clade of a tree is.
[[nodiscard]] std::vector<std::uint64_t> apportion_in_order(std::uint64_t total, const std::vector<double>& shares);

}  // namespace immucan::microbiome
