#include "peptide/scoring.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace immucan::peptide {
namespace {

constexpr int kBinShift = 12;    ///< of PeakMz: 1/64 Da
constexpr int kWholeShift = 18;  ///< of PeakMz: 1 Da
constexpr PeakMz kLargestMz = (std::uint32_t{16000} << kWholeShift);

struct Peak {
  PeakMz mz;
  float intensity;
};

/// Marks peaks that lie one isotope above a larger one (charges 1 and 2; above 1.8 kDa the second isotope may be
/// larger).
std::vector<Peak> without_isotopes(const std::vector<Peak>& peaks, const FragmentTolerance& tolerance) {
  std::vector<char> drop(peaks.size(), 0);
  for (const int charge : {1, 2}) {
    const auto step = static_cast<PeakMz>(kIsotopeDa / charge * kPeakScale);
    std::size_t j = 0;
    for (std::size_t i = 0; i < peaks.size(); ++i) {
      const PeakMz expected = peaks[i].mz + step;
      const PeakMz window = tolerance.at(expected);
      while (j < peaks.size() && peaks[j].mz + window < expected) ++j;
      for (std::size_t k = j; k < peaks.size() && peaks[k].mz <= expected + window; ++k) {
        if (peaks[k].intensity < peaks[i].intensity) drop[k] = 1;
      }
    }
  }
  std::vector<Peak> kept;
  kept.reserve(peaks.size());
  for (std::size_t i = 0; i < peaks.size(); ++i) {
    if (drop[i] == 0) kept.push_back(peaks[i]);
  }
  return kept;
}

}  // namespace

std::optional<PreparedPeaks> prepare_peaks(const io::Spectrum& spectrum, const PreparationOptions& options,
                                           const FragmentTolerance& tolerance) {
  std::vector<Peak> peaks;
  peaks.reserve(spectrum.mz.size());
  for (std::size_t i = 0; i < spectrum.mz.size(); ++i) {
    const double mz = spectrum.mz[i] * kPeakScale;
    if (spectrum.intensity[i] > 0 && mz >= 1 && mz < kLargestMz) {
      peaks.push_back({static_cast<PeakMz>(mz + 0.5), spectrum.intensity[i]});
    }
  }
  const auto by_mz = [](const Peak& a, const Peak& b) { return a.mz < b.mz; };
  if (!std::is_sorted(peaks.begin(), peaks.end(), by_mz)) std::stable_sort(peaks.begin(), peaks.end(), by_mz);
  if (options.deisotope) peaks = without_isotopes(peaks, tolerance);
  if (peaks.size() < options.min_peaks || peaks.empty()) return std::nullopt;
  if (peaks.size() > options.max_peaks) {
    const auto larger = [](const Peak& a, const Peak& b) {
      return a.intensity != b.intensity ? a.intensity > b.intensity : a.mz < b.mz;
    };
    std::nth_element(peaks.begin(), peaks.begin() + static_cast<std::ptrdiff_t>(options.max_peaks), peaks.end(),
                     larger);
    peaks.resize(options.max_peaks);
    std::sort(peaks.begin(), peaks.end(), by_mz);
  }
  float largest = 0;
  for (const Peak& peak : peaks) largest = std::max(largest, peak.intensity);
  PreparedPeaks out;
  out.mz.reserve(peaks.size());
  out.intensity.reserve(peaks.size());
  for (const Peak& peak : peaks) {
    out.mz.push_back(peak.mz);
    out.intensity.push_back(peak.intensity / largest);
  }
  return out;
}

double hyperscore(int b, int y, double b_intensity, double y_intensity) {
  // 59! × 59! is 1e160: the product of exact factorials fits a double, one logarithm does.
  double product = 1 + 100 * (b_intensity + y_intensity);
  for (int n = 2; n <= b; ++n) product *= n;
  for (int n = 2; n <= y; ++n) product *= n;
  return std::log(product);
}

void FragmentMatcher::load(std::span<const PeakMz> mz, std::span<const float> intensity) {
  mz_ = mz;
  intensity_ = intensity;
  const PeakMz top = mz.empty() ? 0 : mz.back() + tolerance_.at(mz.back());
  last_bit_ = (top >> kBinShift) + 2;
  bits_.assign(last_bit_ / 64 + 1, 0);
  first_peak_.assign((top >> kWholeShift) + 2, static_cast<std::uint16_t>(mz.size()));
  for (std::size_t i = mz.size(); i-- > 0;) {
    const PeakMz window = tolerance_.at(mz[i]) + tolerance_.at(tolerance_.at(mz[i])) + 2;
    const PeakMz low = (mz[i] - std::min(mz[i], window)) >> kBinShift;
    const PeakMz high = std::min<PeakMz>((mz[i] + window) >> kBinShift, static_cast<PeakMz>(last_bit_ - 1));
    for (PeakMz bit = low; bit <= high; ++bit) bits_[bit >> 6] |= std::uint64_t{1} << (bit & 63);
  }
  std::size_t peak = 0;
  for (std::size_t whole = 0; whole < first_peak_.size(); ++whole) {
    while (peak < mz.size() && (mz[peak] >> kWholeShift) < whole) ++peak;
    first_peak_[whole] = static_cast<std::uint16_t>(peak);
  }
}

int FragmentMatcher::count_bits(const PeptideForm& form, int max_charge) const {
  int count = 0;
  Mass b = kProton;
  Mass total = kWater + 2 * kProton;
  for (std::size_t i = 0; i < form.length; ++i) total += form.mass[i];
  const auto test = [&](Mass ion) {
    const auto bit = std::min(static_cast<std::size_t>(ion >> (kMassToPeakShift + kBinShift)), last_bit_);
    return static_cast<int>((bits_[bit >> 6] >> (bit & 63)) & 1U);
  };
  for (std::size_t i = 0; i + 1 < form.length; ++i) {
    b += form.mass[i];
    count += test(b) + test(total - b);
  }
  for (int charge = 2; charge <= max_charge; ++charge) {
    b = kProton;
    for (std::size_t i = 0; i + 1 < form.length; ++i) {
      b += form.mass[i];
      const Mass more = (charge - 1) * kProton;
      count += test((b + more) / charge) + test((total - b + more) / charge);
    }
  }
  return count;
}

FragmentMatcher::Hit FragmentMatcher::best_peak(Mass ion_mz) const {
  Hit hit;
  const auto expected = static_cast<std::uint64_t>(ion_mz >> kMassToPeakShift);
  if (expected >= kLargestMz) return hit;
  hit.expected = static_cast<PeakMz>(expected);
  const PeakMz window = tolerance_.at(hit.expected);
  const PeakMz low = hit.expected - std::min(hit.expected, window);
  const PeakMz high = hit.expected + window;
  const std::size_t whole = low >> kWholeShift;
  if (whole >= first_peak_.size()) return hit;
  for (std::size_t i = first_peak_[whole]; i < mz_.size() && mz_[i] <= high; ++i) {
    if (mz_[i] >= low && intensity_[i] > hit.intensity) {
      hit.intensity = intensity_[i];
      hit.peak = i;
    }
  }
  return hit;
}

/// visit(is_y, cleavage, charge, hit) for every ion that has a peak.
template <class Visit>
void FragmentMatcher::visit_fragments(const PeptideForm& form, int max_charge, Visit&& visit) const {
  Mass b = kProton;
  Mass total = kWater + 2 * kProton;
  for (std::size_t i = 0; i < form.length; ++i) total += form.mass[i];
  for (std::size_t i = 0; i + 1 < form.length; ++i) {
    b += form.mass[i];
    for (int charge = 1; charge <= max_charge; ++charge) {
      const Mass more = (charge - 1) * kProton;
      for (const bool is_y : {false, true}) {
        const Mass ion = ((is_y ? total - b : b) + more) / charge;
        const auto bit = std::min(static_cast<std::size_t>(ion >> (kMassToPeakShift + kBinShift)), last_bit_);
        if (((bits_[bit >> 6] >> (bit & 63)) & 1U) == 0) continue;
        const Hit hit = best_peak(ion);
        if (hit.intensity > 0) visit(is_y, i, charge, hit);
      }
    }
  }
}

FragmentMatch FragmentMatcher::match(const PeptideForm& form, int max_charge) const {
  FragmentMatch out;
  std::size_t last_b = kMaxPeptideLength, last_y = kMaxPeptideLength;
  visit_fragments(form, max_charge, [&](bool is_y, std::size_t cleavage, int, const Hit& hit) {
    std::size_t& last = is_y ? last_y : last_b;
    (is_y ? out.y : out.b) += last == cleavage ? 0 : 1;
    (is_y ? out.y_intensity : out.b_intensity) += hit.intensity;
    last = cleavage;
  });
  out.score = hyperscore(out.b, out.y, static_cast<double>(out.b_intensity), static_cast<double>(out.y_intensity));
  return out;
}

MatchDetail FragmentMatcher::detail(const PeptideForm& form, int max_charge) const {
  MatchDetail out;
  out.match = match(form, max_charge);
  std::array<bool, kMaxPeptideLength> b_seen{}, y_seen{};
  std::vector<char> explained(mz_.size(), 0);
  std::vector<std::pair<double, double>> errors;  // ppm, weight
  visit_fragments(form, max_charge, [&](bool is_y, std::size_t cleavage, int, const Hit& hit) {
    (is_y ? y_seen : b_seen)[cleavage] = true;
    explained[hit.peak] = 1;
    const double error = (static_cast<double>(mz_[hit.peak]) - static_cast<double>(hit.expected)) /
                         static_cast<double>(hit.expected) * 1e6;
    errors.emplace_back(error, static_cast<double>(hit.intensity));
  });
  const std::size_t cleavages = form.length - 1;
  int b_run = 0, y_run = 0;
  for (std::size_t i = 0; i < cleavages; ++i) {
    b_run = b_seen[i] ? b_run + 1 : 0;
    y_run = y_seen[i] ? y_run + 1 : 0;
    out.longest_b = std::max(out.longest_b, b_run);
    out.longest_y = std::max(out.longest_y, y_run);
    out.complementary += b_seen[i] && y_seen[i] ? 1 : 0;
  }
  double total = 0, matched = 0, weight = 0, sum = 0;
  for (std::size_t i = 0; i < mz_.size(); ++i) {
    total += static_cast<double>(intensity_[i]);
    if (explained[i] != 0) matched += static_cast<double>(intensity_[i]);
  }
  out.explained = total > 0 ? matched / total : 0;
  for (const auto& [error, w] : errors) {
    sum += error * w;
    weight += w;
  }
  if (weight > 0) {
    out.mean_error_ppm = sum / weight;
    for (const auto& [error, w] : errors) out.error_spread_ppm += std::abs(error - out.mean_error_ppm) * w / weight;
  }
  std::vector<std::size_t> order(mz_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::size_t top = std::min<std::size_t>(10, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(top), order.end(),
                    [&](std::size_t a, std::size_t b) {
                      return intensity_[a] != intensity_[b] ? intensity_[a] > intensity_[b] : a < b;
                    });
  for (std::size_t i = 0; i < top; ++i)
    out.top_explained += explained[order[i]] != 0 ? 1.0 / static_cast<double>(top) : 0;
  return out;
}

}  // namespace immucan::peptide
