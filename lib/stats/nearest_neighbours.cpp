#include "stats/nearest_neighbours.h"

#include <Eigen/Dense>
#include <algorithm>
#include <utility>

#include "core/ordered_batches.h"

namespace immucan::stats {

namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Rows = Eigen::Map<const Matrix>;
constexpr std::size_t kQueryBlock = 64, kPointBlock = 1024;

/// A bounded heap of the nearest so far, the farthest on top.
class Nearest {
 public:
  explicit Nearest(std::size_t k) : k_(k) {}
  void offer(float distance, std::uint32_t index) {
    const std::pair<float, std::uint32_t> item(distance, index);
    if (heap_.size() == k_) {
      if (!(item < heap_.front())) return;
      std::pop_heap(heap_.begin(), heap_.end());
      heap_.back() = item;
    } else {
      heap_.push_back(item);
    }
    std::push_heap(heap_.begin(), heap_.end());
  }
  void write(std::uint32_t* out) {
    std::sort_heap(heap_.begin(), heap_.end());
    for (const auto& [distance, index] : heap_) *out++ = index;
  }

 private:
  std::size_t k_;
  std::vector<std::pair<float, std::uint32_t>> heap_;
};

}  // namespace

std::vector<std::uint32_t> nearest_neighbours(std::span<const float> points, std::span<const float> queries,
                                              std::size_t columns, std::size_t k, bool skip_same, unsigned threads) {
  const std::size_t count = columns == 0 ? 0 : points.size() / columns;
  const std::size_t asked = columns == 0 ? 0 : queries.size() / columns;
  k = std::min(k, skip_same && count > 0 ? count - 1 : count);
  std::vector<std::uint32_t> out(asked * k);
  if (k == 0) return out;
  const auto width = static_cast<Eigen::Index>(columns);
  const Rows all(points.data(), static_cast<Eigen::Index>(count), width);
  const Eigen::VectorXf squares = all.rowwise().squaredNorm();
  core::parallel_for(threads, (asked + kQueryBlock - 1) / kQueryBlock, [&](std::size_t block) {
    const std::size_t first = block * kQueryBlock, last = std::min(asked, first + kQueryBlock);
    const Rows mine(queries.data() + first * columns, static_cast<Eigen::Index>(last - first), width);
    std::vector<Nearest> nearest(last - first, Nearest(k));
    Matrix products;
    for (std::size_t begin = 0; begin < count; begin += kPointBlock) {
      const std::size_t size = std::min(kPointBlock, count - begin);
      const auto from = static_cast<Eigen::Index>(begin);
      products.noalias() = mine * all.middleRows(from, static_cast<Eigen::Index>(size)).transpose();
      for (std::size_t q = 0; q < last - first; ++q) {
        for (std::size_t p = 0; p < size; ++p) {
          if (skip_same && begin + p == first + q) continue;
          // |query|² is the same for all points.
          const float distance = squares[from + static_cast<Eigen::Index>(p)] -
                                 2 * products(static_cast<Eigen::Index>(q), static_cast<Eigen::Index>(p));
          nearest[q].offer(distance, static_cast<std::uint32_t>(begin + p));
        }
      }
    }
    for (std::size_t q = 0; q < last - first; ++q) nearest[q].write(out.data() + (first + q) * k);
  });
  return out;
}

}  // namespace immucan::stats
