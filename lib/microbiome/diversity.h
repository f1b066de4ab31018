#pragma once
// Alpha and beta diversity of one and two samples, as scikit-bio defines them.
#include <cstddef>
#include <span>
#include <vector>

namespace immucan::microbiome {

// Values are counts or abundances, not negative; zeros do not matter. Abundances are divided by their sum first.

/// -Σ p ln p (natural logarithm). 0 without any value.
[[nodiscard]] double shannon(std::span<const double> values);
/// 1 - Σ p². 0 without any value.
[[nodiscard]] double simpson(std::span<const double> values);
/// Shannon / ln(observed); NaN with fewer than two taxa.
[[nodiscard]] double pielou_evenness(std::span<const double> values);
/// How many are above 0.
[[nodiscard]] std::size_t observed_taxa(std::span<const double> values);
/// Chao 1984, bias-corrected: observed + f1 (f1 - 1) / (2 (f2 + 1)), f1 and f2 the taxa seen once and twice. Counts
/// only.
[[nodiscard]] double chao1(std::span<const double> counts);

// Two samples over the same taxa (same length).

/// Σ |a - b| / Σ (a + b); 0 where both are empty. On the values as given.
[[nodiscard]] double bray_curtis(std::span<const double> a, std::span<const double> b);
/// 1 - shared taxa / taxa of either; 0 where both are empty.
[[nodiscard]] double jaccard(std::span<const double> a, std::span<const double> b);

/// Centred log-ratios with zeros: of the values above 0, ln(x / g), g their geometric mean (robust CLR, Martino et al.
/// 2019). What is 0 stands at 0.65 of its detection limit (Martín-Fernández et al. 2003) and takes no part in g, so
/// that the ratios do not depend on how many species a database has. `limits` has one value per value. NaN throughout
/// without any value above 0.
[[nodiscard]] std::vector<double> centred_log_ratios(std::span<const double> values, std::span<const double> limits);

}  // namespace immucan::microbiome
