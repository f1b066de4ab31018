#pragma once
// Exact medians of many groups in a stream, by three readings of the data and a fixed amount of memory.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace immucan::cytof {

/// Radix selection on the ordered bits of float32 values: each reading fixes 11, 11 and 10 bits of both middle values.
class ExactMedians {
 public:
  static constexpr int kReadings = 3;
  /// Middle values; with `share` the two order statistics around that quantile (R's type 7) instead.
  explicit ExactMedians(std::size_t groups, std::optional<double> share = std::nullopt);
  /// Every value of every group, once per reading. NaN is left out.
  void add(std::size_t group, float value) {
    if (value != value) return;
    count(group, ordered_bits(value));
  }
  void end_reading();
  /// The lower and upper middle value (equal for odd counts); false when the group is empty. After three readings.
  [[nodiscard]] bool middle(std::size_t group, float& lower, float& upper) const;
  /// How far the quantile lies from the lower to the upper one, 0 to 1; for medians 0.5.
  [[nodiscard]] double part(std::size_t group) const;

 private:
  struct Target {
    std::uint64_t rank = 0;    ///< within the values that share the prefix
    std::uint32_t prefix = 0;  ///< bits fixed so far
  };
  static std::uint32_t ordered_bits(float value);
  static float value_of(std::uint32_t bits);
  void count(std::size_t group, std::uint32_t bits);
  [[nodiscard]] std::uint32_t* histogram(std::size_t group, std::size_t which);

  std::optional<double> share_;
  std::vector<Target> targets_;        ///< two per group
  std::vector<std::uint64_t> totals_;  ///< per group
  std::vector<std::uint32_t> counts_;  ///< [group][target][bin]
  int reading_ = 0;
};

}  // namespace immucan::cytof
