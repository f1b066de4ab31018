#pragma once
// Self-organising map on a rectangular grid, trained online as FlowSOM does (Van Gassen et al., Cytometry A 87:636,
// 2015).
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace immucan::stats {

struct SomOptions {
  std::size_t width = 10, height = 10;
  std::size_t rounds = 10;                     ///< each as many steps as there are rows
  double first_rate = 0.05, last_rate = 0.01;  ///< learning rate, linear in the steps
  double radius_quantile = 0.67;               ///< of the grid distances: the first radius; shrinks linearly to 0
  std::uint64_t seed = 1, stream = 0;
};

/// Nodes in lanes of eight, so that distances to eight nodes are computed side by side.
class SelfOrganisingMap {
 public:
  /// `rows` row-major with `columns` values each. `group_start` (may be empty: one group) gives the first row of each
  /// group: every group gives as many training steps as any other, whatever its size. Groups without rows are passed
  /// over. The nodes begin as randomly drawn rows. Serial: the result depends on the seed alone.
  SelfOrganisingMap(std::span<const float> rows, std::size_t columns, std::span<const std::size_t> group_start,
                    const SomOptions& options);
  /// From stored nodes, row-major.
  SelfOrganisingMap(std::span<const float> nodes, std::size_t columns);

  [[nodiscard]] std::size_t nodes() const { return nodes_; }
  [[nodiscard]] std::size_t columns() const { return columns_; }
  [[nodiscard]] float at(std::size_t node, std::size_t column) const { return codes_[place(node, column)]; }
  /// Row-major copy of the nodes.
  [[nodiscard]] std::vector<float> codes() const;

  struct Nearest {
    std::size_t node = 0;
    float squared_distance = 0;
  };
  /// The node nearest to a row in Euclidean distance; the first of equals. A NaN in the row gives node 0.
  [[nodiscard]] Nearest nearest(std::span<const float> row) const;

 private:
  static constexpr std::size_t kLanes = 8;
  [[nodiscard]] std::size_t place(std::size_t node, std::size_t column) const {
    return ((node / kLanes) * columns_ + column) * kLanes + node % kLanes;
  }
  std::size_t nodes_, columns_;
  std::vector<float> codes_;
};

}  // namespace immucan::stats
