#pragma once
// Reads laid side by side: which belong together, and where each lies in its group, as far as the joins agree.
#include <cstddef>
#include <cstdint>
#include <vector>

namespace immucan::microbiome {

/// A disjoint-set forest whose links carry a shift and a direction. A read's own coordinates begin with 0 at its first
/// base; those of a group are its root's.
class ReadLayout {
 public:
  explicit ReadLayout(std::size_t reads);

  struct Place {
    std::uint32_t root = 0;
    std::int32_t offset = 0;  ///< base x of the read lies at offset + x, or at offset - x where it is reversed,
    bool reversed = false;    ///< in the coordinates of the root
  };
  [[nodiscard]] Place place(std::uint32_t read);
  /// Base x of `read` lies at offset + x (offset - x where `reversed`) in the coordinates of `other`. Nothing happens
  /// where both are in one group already.
  void join(std::uint32_t read, std::uint32_t other, std::int32_t offset, bool reversed);
  [[nodiscard]] std::size_t size() const { return parents_.size(); }

 private:
  std::vector<std::uint32_t> parents_;
  std::vector<std::int32_t> offsets_;
  std::vector<char> reversed_;
  std::vector<std::uint32_t> path_;  ///< scratch
};

}  // namespace immucan::microbiome
