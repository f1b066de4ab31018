#include "microbiome/read_layout.h"

#include <numeric>

namespace immucan::microbiome {

ReadLayout::ReadLayout(std::size_t reads) : parents_(reads), offsets_(reads), reversed_(reads) {
  std::iota(parents_.begin(), parents_.end(), std::uint32_t{0});
}

ReadLayout::Place ReadLayout::place(std::uint32_t read) {
  std::uint32_t root = parents_[read];
  if (parents_[root] == root) return {root, offsets_[read], reversed_[read] != 0};
  path_.clear();
  root = read;
  while (parents_[root] != root) {
    path_.push_back(root);
    root = parents_[root];
  }
  // From the root's child down: each then hangs on the root itself.
  for (std::size_t i = path_.size(); i-- > 1;) {
    const std::uint32_t child = path_[i - 1], parent = path_[i];
    const bool turned = reversed_[parent] != 0;
    offsets_[child] = turned ? offsets_[parent] - offsets_[child] : offsets_[parent] + offsets_[child];
    reversed_[child] = static_cast<char>((reversed_[child] != 0) != turned);
    parents_[child] = root;
  }
  return {root, offsets_[read], reversed_[read] != 0};
}

void ReadLayout::join(std::uint32_t read, std::uint32_t other, std::int32_t offset, bool reversed) {
  const Place own = place(read), theirs = place(other);
  if (own.root == theirs.root) return;
  // The read in the coordinates of the other's root, and from there its own root.
  const std::int32_t shifted = theirs.reversed ? theirs.offset - offset : theirs.offset + offset;
  const bool turned = theirs.reversed != reversed;
  const bool root_turned = turned != own.reversed;
  parents_[own.root] = theirs.root;
  offsets_[own.root] = root_turned ? shifted + own.offset : shifted - own.offset;
  reversed_[own.root] = static_cast<char>(root_turned);
}

}  // namespace immucan::microbiome
