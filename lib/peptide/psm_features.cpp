#include "peptide/psm_features.h"

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>

#include "peptide/semi_supervised.h"

namespace immucan::peptide {
namespace {

constexpr std::size_t kCompositionColumns = kResidueCodes + 3;  ///< counts, first and last hydrophobic, length, 1
constexpr std::size_t kMinRetention = 60;                       ///< confident matches of a run for its model

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// −log10 of the chance to match `matched` or more fragments when `expected` are matched by chance (Poisson).
double surprise(int matched, double expected) {
  expected = std::max(expected, 1e-3);
  double term = std::exp(-expected), below = 0;
  for (int k = 0; k < matched; ++k) {
    below += term;
    term *= expected / (k + 1);
  }
  double tail = 0;  // summed upwards: 1 − below would lose the small tails
  for (int k = matched; k < matched + 60; ++k) {
    tail += term;
    term *= expected / (k + 1);
  }
  return -std::log10(std::max(std::min(tail, 1.0), 1e-300));
}

struct Centers {
  double precursor = 0, fragment = 0;
};

/// Systematic mass errors: medians over the better half of the targets.
Centers mass_centers(const PsmSet& set) {
  std::vector<double> scores;
  for (const Psm& psm : set.psms) {
    if (!psm.candidate.is_decoy()) scores.push_back(psm.score);
  }
  const double half = median(scores);
  std::vector<double> precursor, fragment;
  for (const Psm& psm : set.psms) {
    if (psm.candidate.is_decoy() || psm.score < half) continue;
    precursor.push_back(psm.precursor_error_ppm);
    fragment.push_back(psm.detail.mean_error_ppm);
  }
  return {median(precursor), median(fragment)};
}

enum Column : std::size_t {
  kHyperscore,
  kDelta,
  kSurprise,
  kBShare,
  kYShare,
  kLongestB,
  kLongestY,
  kComplementary,
  kExplained,
  kTopExplained,
  kPrecursorError,
  kFragmentError,
  kFragmentSpread,
  kIsotope,
  kModified,
  kLength,
  kCharge1,
  kCharge3,
  kCompared,
  kPeaks,
  kRetention,
  kColumns
};

void fill_row(const Psm& psm, const SearchSpectrum& spectrum, const Centers& centers, double* row) {
  const MatchDetail& detail = psm.detail;
  const double cleavages = std::max(1, psm.candidate.length - 1);
  row[kHyperscore] = psm.candidate.score;
  row[kDelta] = psm.delta_score * psm.candidate.score;
  row[kSurprise] = surprise(detail.match.b + detail.match.y, psm.expected_matches);
  row[kBShare] = detail.match.b / cleavages;
  row[kYShare] = detail.match.y / cleavages;
  row[kLongestB] = detail.longest_b / cleavages;
  row[kLongestY] = detail.longest_y / cleavages;
  row[kComplementary] = detail.complementary / cleavages;
  row[kExplained] = detail.explained;
  row[kTopExplained] = detail.top_explained;
  row[kPrecursorError] = std::abs(psm.precursor_error_ppm - centers.precursor);
  row[kFragmentError] = std::abs(detail.mean_error_ppm - centers.fragment);
  row[kFragmentSpread] = detail.error_spread_ppm;
  row[kIsotope] = std::abs(psm.candidate.isotope);
  row[kModified] = psm.candidate.placed;
  row[kLength] = psm.candidate.length;
  row[kCharge1] = psm.candidate.charge == 1 ? 1 : 0;
  row[kCharge3] = psm.candidate.charge >= 3 ? 1 : 0;
  row[kCompared] = std::log1p(psm.compared);
  row[kPeaks] = std::log1p(spectrum.peaks);
  row[kRetention] = 0;
}

/// What a peptide's retention is predicted from: a decoy has the composition of its target, so the model favours no
/// side.
std::array<double, kCompositionColumns> composition(std::span<const Residue> residues) {
  std::array<double, kCompositionColumns> row{};
  for (const Residue code : residues) row[code] += 1;
  constexpr std::string_view kHydrophobic = "FILMVWY";
  const auto hydrophobic = [&](Residue code) {
    return kHydrophobic.find(static_cast<char>('A' + code)) != std::string_view::npos ? 1.0 : 0.0;
  };
  row[kResidueCodes] = hydrophobic(residues.front());
  row[kResidueCodes + 1] = hydrophobic(residues.back());
  row[kResidueCodes + 2] = 1;
  return row;
}

/// Ridge regression of retention time per run; the column becomes the absolute error in standard deviations, at most 5.
class RetentionModel {
 public:
  RetentionModel(const PsmSet& set, const SpectrumStore& store,
                 std::vector<std::array<double, kCompositionColumns>> rows)
      : set_(set), store_(store), rows_(std::move(rows)) {}

  void refresh(const std::vector<std::size_t>& confident, std::vector<double>& features) const {
    for (std::uint32_t run = 0; run < store_.runs.size(); ++run) {
      std::vector<std::size_t> training;
      for (const std::size_t i : confident) {
        if (spectrum(i).run == run && std::isfinite(spectrum(i).retention_seconds)) training.push_back(i);
      }
      if (training.size() < kMinRetention) continue;
      const Eigen::VectorXd weights = fit(training);
      std::vector<double> errors;
      for (const std::size_t i : training) errors.push_back(std::abs(error(i, weights)));
      const double scale = std::max(median(errors) * 1.4826, 1e-6);
      for (std::size_t i = 0; i < set_.psms.size(); ++i) {
        if (spectrum(i).run != run || !std::isfinite(spectrum(i).retention_seconds)) continue;
        features[i * kColumns + kRetention] = std::min(5.0, std::abs(error(i, weights)) / scale);
      }
    }
  }

 private:
  [[nodiscard]] const SearchSpectrum& spectrum(std::size_t i) const { return store_.spectra[set_.psms[i].spectrum]; }
  [[nodiscard]] static Eigen::Map<const Eigen::VectorXd> vector(const std::array<double, kCompositionColumns>& row) {
    return {row.data(), static_cast<Eigen::Index>(row.size())};
  }
  [[nodiscard]] double error(std::size_t i, const Eigen::VectorXd& weights) const {
    return spectrum(i).retention_seconds - vector(rows_[i]).dot(weights);
  }
  [[nodiscard]] Eigen::VectorXd fit(const std::vector<std::size_t>& training) const {
    constexpr auto kSize = static_cast<Eigen::Index>(kCompositionColumns);
    Eigen::MatrixXd normal = Eigen::MatrixXd::Identity(kSize, kSize);  // the ridge
    Eigen::VectorXd right = Eigen::VectorXd::Zero(kSize);
    for (const std::size_t i : training) {
      const auto row = vector(rows_[i]);
      normal += row * row.transpose();
      right += row * spectrum(i).retention_seconds;
    }
    return normal.ldlt().solve(right);
  }

  const PsmSet& set_;
  const SpectrumStore& store_;
  std::vector<std::array<double, kCompositionColumns>> rows_;
};

}  // namespace

bool rescore_psms(PsmSet& set, const ProteinDatabase& database, const SpectrumStore& store,
                  const SearchOptions& options) {
  TrainingTable table;
  table.columns = kColumns;
  table.features.resize(set.psms.size() * kColumns);
  std::vector<std::array<double, kCompositionColumns>> compositions;
  const Centers centers = mass_centers(set);
  for (std::size_t i = 0; i < set.psms.size(); ++i) {
    const Psm& psm = set.psms[i];
    fill_row(psm, store.spectra[psm.spectrum], centers, table.features.data() + i * kColumns);
    table.initial_score.push_back(psm.candidate.score);
    table.is_decoy.push_back(psm.candidate.is_decoy() ? 1 : 0);
    const std::span<const Residue> target(database.codes() + psm.candidate.begin, psm.candidate.length);
    table.fold.push_back(static_cast<std::uint8_t>((sequence_hash(target) >> 32) % kFolds));
    table.tie.push_back(psm.candidate.identity);
    std::array<Residue, kMaxPeptideLength> residues;
    const std::span<Residue> own(residues.data(), psm.candidate.length);
    candidate_residues(database, psm.candidate, options.digestion.enzyme, own);
    compositions.push_back(composition(own));
  }
  const RetentionModel retention(set, store, std::move(compositions));
  const auto scores =
      learn_scores(table, [&](const std::vector<std::size_t>& confident, std::vector<double>& features) {
        retention.refresh(confident, features);
      });
  if (scores.empty()) return false;
  for (std::size_t i = 0; i < set.psms.size(); ++i) set.psms[i].score = scores[i];
  return true;
}

}  // namespace immucan::peptide
