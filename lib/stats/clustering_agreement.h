#pragma once
#include <cstddef>
#include <span>

namespace immucan::stats {

/// Adjusted Rand index of two clusterings of the same items (Hubert and Arabie, J. Classif. 2:193, 1985): 1 when they
/// are equal but for names, about 0 by chance. Two clusterings of one cluster each are equal.
[[nodiscard]] double adjusted_rand_index(std::span<const std::size_t> first, std::span<const std::size_t> second);

}  // namespace immucan::stats
