#include "microbiome/kmer_depth.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <vector>

namespace immucan::microbiome {

namespace {

/// 31-mers without an error at 0.3 % errors per base, and how far (SD of the logarithm) samples are from that.
constexpr double kUsualSurvival = 0.91, kUsualSurvivalSpread = 0.1;
/// How far the quotients of species that lack nothing scatter besides counting, and how far those of others lie above
/// (mean of the logarithm).
constexpr double kQuotientSpread = 0.01, kQuotientTail = 0.3;
/// Prior variance of log(depth by k-mers / depth by fragments) where the two differ at all.
constexpr double kContentPriorVariance = 0.09;
/// The counting error understates how far the depth of k-mers strays: overlaps of the same few reads repeat (factor),
/// and survival, repeats and mixed strains are known to a few per cent only (variance of the logarithm).
constexpr double kDepthErrorFactor = 4, kDepthModelVariance = 0.03 * 0.03;

double median_of(std::span<const std::uint64_t> histogram) {
  const std::uint64_t seen = std::accumulate(histogram.begin() + 1, histogram.end(), std::uint64_t{0});
  std::uint64_t below = 0;
  for (std::size_t x = 1; x < histogram.size(); ++x)
    if (2 * (below += histogram[x]) >= seen) return static_cast<double>(x);
  return 0;
}

/// Variance of the counts from `low` to `high` over that of a Poisson distribution cut there.
double dispersion(std::span<const std::uint64_t> histogram, double lambda, std::size_t low, std::size_t high) {
  struct Moments {
    double weight = 0, sum = 0, squares = 0;
    void add(double w, double x) {
      weight += w;
      sum += w * x;
      squares += w * x * x;
    }
    [[nodiscard]] double variance() const { return squares / weight - sum * sum / weight / weight; }
  } seen, expected;
  double term = 1;
  for (std::size_t x = low; x <= high; ++x) {
    if (x > low) term *= lambda / static_cast<double>(x);
    seen.add(static_cast<double>(histogram[x]), static_cast<double>(x));
    expected.add(term, static_cast<double>(x));
  }
  return seen.weight > 0 && expected.variance() > 0 ? seen.variance() / expected.variance() : 1;
}

}  // namespace

double truncated_poisson_rate(std::span<const std::uint64_t> histogram, std::size_t low, std::size_t high) {
  double seen = 0, sum = 0;
  high = std::min(high, histogram.size() - 1);
  for (std::size_t x = low; x <= high; ++x) {
    seen += static_cast<double>(histogram[x]);
    sum += static_cast<double>(x) * static_cast<double>(histogram[x]);
  }
  if (seen == 0 || sum <= seen * static_cast<double>(low)) return 0;
  const double wanted = sum / seen;
  const auto mean = [&](double lambda) {
    double term = 1, weights = 0, moment = 0;  // λ^x / x! up to a factor
    for (std::size_t x = low; x <= high; ++x) {
      if (x > low) term *= lambda / static_cast<double>(x);
      weights += term;
      moment += term * static_cast<double>(x);
    }
    return moment / weights;
  };
  double least = 1e-9, most = 2.0 * static_cast<double>(high) + 10;
  for (int i = 0; i < 80; ++i) {
    const double middle = (least + most) / 2;
    (mean(middle) < wanted ? least : most) = middle;
  }
  return least;
}

double empty_read_probability(double intact, unsigned k, std::size_t length, double lookups) {
  if (length < k || intact <= 0) return 1;
  // Walk along the read from difference to difference: a run of m equal bases holds m - k + 1 intact k-mers, each of
  // which is sampled with the same probability.
  const double equal = std::pow(std::min(intact, 1.0), 1.0 / k), different = 1 - equal;
  const double missed = std::exp(-lookups / static_cast<double>(length - k + 1));
  std::vector<double> run(length + 1);  // probability of m equal bases and none of their k-mers sampled
  for (std::size_t m = 0; m <= length; ++m)
    run[m] = std::pow(equal, static_cast<double>(m)) * (m < k ? 1 : std::pow(missed, static_cast<double>(m - k + 1)));
  std::vector<double> none(length + 1, 1.0);
  for (std::size_t n = 1; n <= length; ++n) {
    double sum = run[n];
    for (std::size_t m = 0; m < n; ++m) sum += run[m] * different * none[n - m - 1];
    none[n] = sum;
  }
  return none[length];
}

KmerDepth fit_kmer_depth(std::span<const std::uint64_t> histogram, double clump) {
  // k-mers far above the bulk are repeats or of other organisms: fit, cut the tails off, fit again.
  const std::size_t last = histogram.size() - 2;
  std::size_t low = 1, high = last;
  KmerDepth fit;
  fit.depth = median_of(histogram) >= 3 ? median_of(histogram) : truncated_poisson_rate(histogram, 1, high);
  for (int round = 0; round < 8; ++round) {
    // Uneven depth (composition, ends of contigs) is no reason to leave k-mers out: the mean is wanted.
    low = static_cast<std::size_t>(std::max(1.0, std::floor(0.25 * fit.depth)));
    high = static_cast<std::size_t>(
        std::clamp(std::ceil(fit.depth + 3.5 * std::sqrt(fit.depth) + 1), 2.0, static_cast<double>(last)));
    fit.depth = truncated_poisson_rate(histogram, low, high);
  }
  fit.dispersion = dispersion(histogram, fit.depth, low, high);
  double repeats = 0;
  for (std::size_t x = 2; x <= high; ++x) repeats += static_cast<double>((x - 1) * histogram[x]);
  fit.log_error = repeats > 0 ? std::sqrt(clump / repeats) : 0;
  if (repeats < 2 * clump) fit.depth = 0;
  return fit;
}

double estimate_survival(std::span<const SurvivalQuotient> quotients) {
  double best = -std::numeric_limits<double>::infinity(), survival = kUsualSurvival;
  for (int step = 0; step <= 1000; ++step) {
    const double candidate = 0.5 + 0.0005 * step;
    const double usual = std::log(candidate / kUsualSurvival) / kUsualSurvivalSpread;
    double likelihood = -0.5 * usual * usual;
    for (const SurvivalQuotient& quotient : quotients) {
      const double variance = quotient.log_error * quotient.log_error + kQuotientSpread * kQuotientSpread;
      const double above = std::log(quotient.quotient / candidate);
      const double at = std::exp(-0.5 * above * above / variance) / std::sqrt(2 * std::numbers::pi * variance);
      const double tail = above > 0 ? std::exp(-above / kQuotientTail) / kQuotientTail : 0;
      likelihood += std::log(0.5 * at + 0.45 * tail + 0.05);
    }
    if (likelihood <= best) continue;
    best = likelihood;
    survival = candidate;
  }
  return survival;
}

ContentCorrection unknown_content() {
  return {1, 0.5 * kContentPriorVariance};
}

ContentCorrection content_correction(double quotient, double log_error, double model_error, bool may_shrink) {
  const double log_quotient = std::log(quotient);
  const double error2 = kDepthErrorFactor * log_error * log_error + kDepthModelVariance + model_error * model_error;
  const auto density = [&](double variance) {
    return std::exp(-0.5 * log_quotient * log_quotient / variance) / std::sqrt(variance);
  };
  const double same = density(error2), different = density(error2 + kContentPriorVariance);
  const double weight = different / (same + different + 1e-300);
  const double shrink = kContentPriorVariance / (kContentPriorVariance + error2);
  const double mean = weight * log_quotient * shrink;
  if (mean <= 0 && !may_shrink) return {1, weight * error2 * shrink};
  const double spread = log_quotient * shrink;
  return {std::exp(mean), weight * (error2 * shrink + spread * spread) - mean * mean};
}

}  // namespace immucan::microbiome
