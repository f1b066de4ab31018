#include "stats/residual_score.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <optional>

#include "stats/distributions.h"
#include "stats/ranks.h"
#include "stats/symmetric.h"

namespace immucan::stats {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// Subtracts the mean of each stratum.
void centre(std::span<double> values, std::span<const std::uint32_t> stratum, std::size_t strata) {
  std::vector<double> sum(strata, 0.0), count(strata, 0.0);
  const auto at = [&](std::size_t i) { return stratum.empty() ? 0U : stratum[i]; };
  for (std::size_t i = 0; i < values.size(); ++i) {
    sum[at(i)] += values[i];
    count[at(i)] += 1;
  }
  for (std::size_t i = 0; i < values.size(); ++i) values[i] -= sum[at(i)] / count[at(i)];
}

/// Takes `direction` (of squared length `length`) out of `values`.
void clear_of(std::span<double> values, std::span<const double> direction, double length) {
  const double share = dot(values, direction) / length;
  for (std::size_t i = 0; i < values.size(); ++i) values[i] -= share * direction[i];
}

/// Columns of the model, orthogonal within strata; what is tested is cleared of them.
class Fitted {
 public:
  Fitted(std::span<const double> others, std::size_t columns, std::size_t rows, std::span<const std::uint32_t> stratum)
      : stratum_(stratum), strata_(stratum.empty() ? 1 : *std::ranges::max_element(stratum) + std::size_t{1}) {
    for (std::size_t j = 0; j < columns; ++j) {
      std::vector<double> direction(rows);
      for (std::size_t i = 0; i < rows; ++i) direction[i] = others[i * columns + j];
      centre(direction, stratum_, strata_);
      const double before = dot(direction, direction);
      clear(direction);
      if (dot(direction, direction) > kDependent * before) basis_.push_back(std::move(direction));
    }
  }
  /// Column `j` of a row-major matrix, centred and cleared; all zeros when nothing of it is left.
  [[nodiscard]] std::vector<double> cleared(std::span<const double> columns, std::size_t count, std::size_t j) const {
    std::vector<double> own(columns.size() / count);
    for (std::size_t i = 0; i < own.size(); ++i) own[i] = columns[i * count + j];
    centre(own, stratum_, strata_);
    const double total = dot(own, own);
    clear(own);
    if (dot(own, own) <= kDependent * total) std::ranges::fill(own, 0.0);
    return own;
  }
  /// Residuals, centred and cleared: those of the model that the others were fitted in are cleared of them already.
  [[nodiscard]] std::vector<double> rest(std::span<const double> residuals) const {
    std::vector<double> own = centred(residuals);
    clear(own);
    return own;
  }
  [[nodiscard]] std::vector<double> centred(std::span<const double> values) const {
    std::vector<double> own(values.begin(), values.end());
    centre(own, stratum_, strata_);
    return own;
  }
  [[nodiscard]] std::size_t stratum(std::size_t row) const { return stratum_.empty() ? 0 : stratum_[row]; }
  [[nodiscard]] std::size_t strata() const { return strata_; }
  [[nodiscard]] std::size_t size() const { return basis_.size(); }
  [[nodiscard]] const std::vector<std::vector<double>>& basis() const { return basis_; }
  void clear(std::span<double> values) const {
    // Modified Gram–Schmidt, twice, is as good as Householder here.
    for (int pass = 0; pass < 2; ++pass) {
      for (const auto& one : basis_) clear_of(values, one, dot(one, one));
    }
  }

 private:
  static constexpr double kDependent = 1e-10;
  std::span<const std::uint32_t> stratum_;
  std::size_t strata_;
  std::vector<std::vector<double>> basis_;
};

/// Variance of the residuals within each stratum.
struct Spread {
  std::vector<double> variance;
  double freedom = 0, inflation = 1;

  Spread(const Fitted& fitted, std::span<const double> residuals) : variance(fitted.strata(), 0.0) {
    std::vector<double> count(fitted.strata(), 0.0);
    for (std::size_t i = 0; i < residuals.size(); ++i) {
      variance[fitted.stratum(i)] += residuals[i] * residuals[i];
      count[fitted.stratum(i)] += 1;
    }
    double used = 0;
    for (std::size_t s = 0; s < count.size(); ++s) {
      variance[s] = count[s] < 2 ? 0 : variance[s] / (count[s] - 1);
      used += count[s] < 2 ? 0 : count[s] - 1;
    }
    freedom = used - static_cast<double>(fitted.size());
    inflation = used / freedom;
  }
};

/// Rows of columns that are exchanged within strata, and the studentised score of each order.
class PermutedColumns {
 public:
  PermutedColumns(const Fitted& fitted, std::span<const double> columns, std::size_t count,
                  std::vector<double> residuals)
      : fitted_(fitted), residuals_(std::move(residuals)), spread_(fitted, residuals_), rows_(fitted.strata()) {
    for (std::size_t j = 0; j < count; ++j) {
      std::vector<double> own(residuals_.size());
      for (std::size_t i = 0; i < own.size(); ++i) own[i] = columns[i * count + j];
      original_.push_back(fitted.centred(own));
      current_.push_back(fitted.cleared(columns, count, j));
    }
    for (std::size_t i = 0; i < residuals_.size(); ++i) rows_[fitted.stratum(i)].push_back(i);
    placed_ = rows_;
    factor_.emplace(variance(), count, kDependent);
  }
  [[nodiscard]] bool varies() const { return factor_->rank() > 0; }
  /// score' variance^-1 score of the present order. What is left of the columns when they are cleared of the others
  /// differs from order to order (an outlier may fall on an unusual row), and the variance of the score with it.
  [[nodiscard]] double statistic() const {
    std::vector<double> score;
    for (const auto& column : current_) score.push_back(dot(column, residuals_));
    return factor_->quadratic_form(score);
  }
  /// A variance of the score against that of the present order, mean over its directions.
  [[nodiscard]] double mean_ratio(std::span<const double> other) const {
    const std::vector<double> inverse = factor_->inverse();
    double trace = 0;
    for (std::size_t i = 0; i < inverse.size(); ++i) trace += inverse[i] * other[i];
    return trace / static_cast<double>(factor_->rank());
  }
  void shuffle(core::Random& random) {
    for (std::size_t s = 0; s < rows_.size(); ++s) {
      random.shuffle(std::span(placed_[s]));
      for (std::size_t j = 0; j < current_.size(); ++j) {
        for (std::size_t i = 0; i < rows_[s].size(); ++i) current_[j][rows_[s][i]] = original_[j][placed_[s][i]];
      }
    }
    if (fitted_.size() == 0) return;  // nothing to clear of: the variance is that of any order
    for (auto& column : current_) fitted_.clear(column);
    factor_.emplace(variance(), current_.size(), kDependent);
  }

 private:
  static constexpr double kDependent = 1e-9;
  [[nodiscard]] std::vector<double> variance() const {
    const std::size_t count = current_.size();
    std::vector<double> sums(count * count, 0.0);
    for (std::size_t j = 0; j < count; ++j) {
      for (std::size_t k = 0; k < count; ++k) {
        for (std::size_t i = 0; i < residuals_.size(); ++i) {
          sums[j * count + k] += current_[j][i] * current_[k][i] * spread_.variance[fitted_.stratum(i)];
        }
      }
    }
    return sums;
  }
  const Fitted& fitted_;
  std::vector<double> residuals_;
  Spread spread_;
  std::vector<std::vector<std::size_t>> rows_, placed_;  ///< of each stratum: its rows, and whose values they have now
  std::vector<std::vector<double>> original_, current_;
  std::optional<Cholesky> factor_;
};

struct PowerSums {
  double two = 0, three = 0, four = 0;
  void add(double value) {
    const double square = value * value;
    two += square;
    three += square * value;
    four += square * square;
  }
};

/// Cumulants of sum x_i r_pi(i) over the permutations pi within strata; x and r sum to 0 in each.
class ScoreCumulants {
 public:
  ScoreCumulants(const Fitted& fitted, std::span<const double> x, std::span<const double> r) {
    std::vector<PowerSums> of_x(fitted.strata()), of_r(fitted.strata());
    std::vector<double> count(fitted.strata(), 0.0);
    for (std::size_t i = 0; i < x.size(); ++i) {
      of_x[fitted.stratum(i)].add(x[i]);
      of_r[fitted.stratum(i)].add(r[i]);
      count[fitted.stratum(i)] += 1;
    }
    for (std::size_t s = 0; s < count.size(); ++s) add(of_x[s], of_r[s], count[s]);
  }
  [[nodiscard]] double skewness() const { return third_ / std::pow(second_, 1.5); }
  [[nodiscard]] double kurtosis() const { return 3 + fourth_ / (second_ * second_); }

 private:
  void add(const PowerSums& x, const PowerSums& r, double n) {
    if (n < 2) return;
    const double second = x.two * r.two / (n - 1);
    second_ += second;
    if (n > 2) third_ += n * x.three * r.three / ((n - 1) * (n - 2));
    // Sums over distinct rows by the pattern of exponents: 4, 3+1, 2+2, 2+1+1, 1+1+1+1.
    const auto pairs = [](const PowerSums& s) { return s.two * s.two - s.four; };
    const auto triples = [](const PowerSums& s) { return 2 * s.four - s.two * s.two; };
    const auto fours = [](const PowerSums& s) { return 3 * s.two * s.two - 6 * s.four; };
    double ways = n, fourth = x.four * r.four / ways;
    ways *= n - 1;
    fourth += (4 * x.four * r.four + 3 * pairs(x) * pairs(r)) / ways;
    ways *= n - 2;
    if (n > 2) fourth += 6 * triples(x) * triples(r) / ways;
    ways *= n - 3;
    if (n > 3) fourth += fours(x) * fours(r) / ways;
    fourth_ += fourth - 3 * second * second;
  }
  double second_ = 0, third_ = 0, fourth_ = 0;
};

struct Tails {
  double below = kNan, above = kNan;
};

/// Tails beside z of Pearson's type I curve with mean 0, variance 1 and these moments; NaN where there is none.
Tails four_moment_tails(double z, double skewness, double kurtosis) {
  const double b1 = skewness * skewness;
  // Heavier tails than those of a gamma are no type I curve; the nearest one is used.
  constexpr double kNearGamma = 1e-3;
  const double room = 6 + 3 * b1 - 2 * kurtosis;
  const double b2 = room < kNearGamma ? 3 + 1.5 * b1 - kNearGamma / 2 : kurtosis;
  if (!(b2 > b1 + 1)) return {};
  const double r = 6 * (b2 - b1 - 1) / (6 + 3 * b1 - 2 * b2);
  const double root = std::sqrt((r + 2) * (r + 2) * b1 + 16 * (r + 1));
  const double tilt = (r + 2) * std::fabs(skewness) / root;
  const double low = r / 2 * (1 - tilt), high = r / 2 * (1 + tilt);
  const double a = skewness > 0 ? low : high, b = skewness > 0 ? high : low;
  if (!(a > 0) || !(b > 0)) return {};
  const double place = 2 * z / root + a / r;
  return {beta_cdf(place, a, b), beta_cdf(1 - place, b, a)};
}

/// Curves of the studentised score, from the moments of the score among permutations.
struct ScoreCurve {
  double skewness = 0, kurtosis = 3, freedom = 1;  ///< freedom: rows less strata and columns of the model

  /// Pitman's two-sided p of a score in standard deviations.
  [[nodiscard]] double by_two_moments(double z) const {
    const double explained = std::min(1.0, z * z / freedom);
    return student_two_sided(std::sqrt((freedom - 1) * explained / (1 - explained)), freedom - 1);
  }
  /// Twice the smaller tail, or both tails beyond |z|. The curve ends where the moments say; what lies beyond is
  /// possible, so far out Pitman's p is the least.
  [[nodiscard]] double twice_smaller(double z) const {
    const Tails tails = four_moment_tails(z, skewness, kurtosis);
    return with_least(std::min(1.0, 2 * std::min(tails.below, tails.above)), z);
  }
  [[nodiscard]] double both(double z) const {
    const double far = std::fabs(z);
    return with_least(
        four_moment_tails(far, skewness, kurtosis).above + four_moment_tails(-far, skewness, kurtosis).below, z);
  }

 private:
  [[nodiscard]] double with_least(double by_four, double z) const {
    constexpr double kFar = 1e-6;
    if (by_four >= kFar) return by_four;
    return std::isnan(by_four) ? by_two_moments(z) : std::max(by_four, std::min(by_two_moments(z), kFar));
  }
};

/// Few rows: the score takes few, uneven values and no smooth curve holds its level, so the column is permuted in
/// earnest (Besag and Clifford 1991): until `kEnough` orders are as far out as the one observed, or `kMostDraws` were
/// drawn. Under `kTail` orders further out p follows the curve from there on (Knijnenburg et al. 2009). The draws are
/// seeded by the ranks of the rows, so that features do not share their errors, and p does not depend on the order of
/// the rows or the sign of the column.
class FewRows {
 public:
  static constexpr std::size_t kMost = 80;

  FewRows(const Fitted& fitted, const Spread& spread, std::span<const double> column, std::span<const double> residuals,
          bool flipped)
      : inflation_(spread.inflation), strata_(fitted.strata()) {
    std::vector<double> own = fitted.centred(column);
    if (flipped) {
      for (double& value : own) value = -value;
    }
    order_rows(fitted, own, residuals);
    for (const std::size_t row : order_) {
      residuals_.push_back(residuals[row]);
      variance_.push_back(spread.variance[fitted.stratum(row)]);
      squares_ += own[row] * own[row] * variance_.back();
    }
    for (const auto& one : fitted.basis()) {
      auto& direction = others_.emplace_back();
      for (const std::size_t row : order_) direction.push_back(one[row]);
      lengths_.push_back(dot(one, one));
    }
  }

  [[nodiscard]] double p(double observed, const ScoreCurve& curve) const {
    core::Random random(seed_);
    std::vector<double> values = sorted_, drawn;
    // Equal statistics may differ in their last bits with the order of summation.
    const double bound = std::fabs(observed) * (1 - 1e-10);
    std::size_t further = 0;
    while (drawn.size() < kMostDraws && further < kEnough) {
      for (std::size_t s = 0; s < strata_; ++s) {
        random.shuffle(std::span(values).subspan(begin_[s], begin_[s + 1] - begin_[s]));
      }
      drawn.push_back(statistic(values));
      further += drawn.back() >= bound ? 1 : 0;
    }
    if (further >= kEnough) return static_cast<double>(further) / static_cast<double>(drawn.size());
    const auto share = [](std::size_t count) { return static_cast<double>(count + 1) / (kMostDraws + 1); };
    if (further >= kTail) return share(further);
    std::ranges::nth_element(drawn, drawn.begin() + kTail - 1, std::greater{});
    const double beyond = curve.both(observed) / curve.both(drawn[kTail - 1]);
    return std::max(share(kTail) * std::min(1.0, beyond), 1 / arrangements_);
  }

 private:
  static constexpr std::size_t kMostDraws = 1999, kEnough = 100, kTail = 10;

  /// |score| in standard deviations, both of this order. The residuals are clear of the others, so the score needs no
  /// clearing of the column; its variance does.
  [[nodiscard]] double statistic(const std::vector<double>& column) const {
    const double score = std::fabs(dot(column, residuals_));
    double variance = squares_;
    if (strata_ == 1) {
      for (std::size_t j = 0; j < others_.size(); ++j) {
        const double along = dot(column, others_[j]);
        variance -= along * along / lengths_[j] * variance_.front();
      }
    } else if (!others_.empty()) {
      std::vector<double> cleared = column;
      for (std::size_t j = 0; j < others_.size(); ++j) clear_of(cleared, others_[j], lengths_[j]);
      variance = 0;
      for (std::size_t i = 0; i < cleared.size(); ++i) variance += cleared[i] * cleared[i] * variance_[i];
    }
    return variance > kNothing * squares_ ? score / std::sqrt(variance * inflation_) : 0;
  }
  static constexpr double kNothing = 1e-10;

  /// By stratum, then by residual and others: what is drawn depends on values, not on the places of the rows, and not
  /// on rounding.
  void order_rows(const Fitted& fitted, const std::vector<double>& column, std::span<const double> residuals) {
    const std::vector<std::uint32_t> x = ranks(column), r = ranks(residuals);
    std::vector<std::vector<std::uint32_t>> others;
    for (const auto& one : fitted.basis()) others.push_back(ranks(one));
    std::vector<std::size_t> by_value;
    for (std::size_t i = 0; i < column.size(); ++i) {
      order_.push_back(i);
      by_value.push_back(i);
      seed_ += core::Random(x[i] * (kMost + 1) + r[i], fitted.stratum(i)).next();
    }
    std::ranges::sort(order_, [&](std::size_t a, std::size_t b) {
      if (fitted.stratum(a) != fitted.stratum(b)) return fitted.stratum(a) < fitted.stratum(b);
      if (r[a] != r[b]) return r[a] < r[b];
      for (const auto& other : others) {
        if (other[a] != other[b]) return other[a] < other[b];
      }
      return false;
    });
    std::ranges::sort(by_value, {}, [&](std::size_t i) { return std::pair(fitted.stratum(i), column[i]); });
    begin_.assign(strata_ + 1, column.size());
    double log_arrangements = 0;
    for (std::size_t i = 0, same = 0; i < by_value.size(); ++i) {
      const std::size_t stratum = fitted.stratum(by_value[i]);
      const bool first = i == 0 || stratum != fitted.stratum(by_value[i - 1]);
      if (first) begin_[stratum] = i;
      sorted_.push_back(column[by_value[i]]);
      same = !first && sorted_[i] == sorted_[i - 1] ? same + 1 : 1;
      log_arrangements += std::log(static_cast<double>(i + 1 - begin_[stratum]) / static_cast<double>(same));
    }
    for (std::size_t s = strata_; s-- > 0;) begin_[s] = std::min(begin_[s], begin_[s + 1]);
    arrangements_ = std::exp(log_arrangements);
  }
  /// Rank of each value among those that differ by more than rounding.
  static std::vector<std::uint32_t> ranks(std::span<const double> values) {
    std::vector<double> sorted(values.begin(), values.end());
    std::ranges::sort(sorted);
    const double same = 1e-9 * std::max(std::fabs(sorted.front()), std::fabs(sorted.back()));
    std::vector<double> starts{sorted.front()};
    for (std::size_t i = 1; i < sorted.size(); ++i) {
      if (sorted[i] - sorted[i - 1] > same) starts.push_back(sorted[i]);
    }
    std::vector<std::uint32_t> result;
    for (const double value : values) {
      result.push_back(static_cast<std::uint32_t>(std::ranges::upper_bound(starts, value) - starts.begin()));
    }
    return result;
  }

  double inflation_, squares_ = 0;
  std::size_t strata_;
  std::vector<std::size_t> order_, begin_;  ///< rows; where each stratum begins
  std::vector<double> sorted_;              ///< the column, ascending within strata
  std::vector<double> residuals_, variance_, lengths_;
  std::vector<std::vector<double>> others_;
  std::uint64_t seed_ = 0;
  double arrangements_ = 1;
};

}  // namespace

double ObservedScore::against_permutations(double ratio) const {
  constexpr double kDoubtful = 4;  // a chi-squared that chance gives in one of twenty
  return chi_squared * std::pow(ratio, std::min(1.0, kDoubtful / effect));
}

std::vector<double> normal_scores(std::span<const double> values) {
  std::vector<double> result = mid_ranks(values);
  const auto n = static_cast<double>(values.size());
  for (double& rank : result) rank = normal_quantile(rank / (n + 1));
  return result;
}

ResidualScoreTest residual_score_test(std::span<const double> column, std::span<const double> others,
                                      std::size_t others_columns, std::span<const double> residuals,
                                      std::span<const std::uint32_t> stratum,
                                      const std::optional<ObservedScore>& observed, bool product) {
  const Fitted fitted(others, others_columns, column.size(), stratum);
  const std::vector<double> own = fitted.cleared(column, 1, 0), rest = fitted.rest(residuals);
  const Spread spread(fitted, rest);
  double variance = 0;
  for (std::size_t i = 0; i < own.size(); ++i) variance += own[i] * own[i] * spread.variance[fitted.stratum(i)];
  ResidualScoreTest test{kNan, spread.freedom - 1, kNan};
  if (!(variance > 0) || !(spread.freedom > 1)) return test;
  variance *= spread.inflation;
  double score = dot(own, rest);
  if (observed) {
    const double squared = observed->against_permutations(observed->variance[0] / variance) * variance;
    score = std::copysign(std::sqrt(squared), observed->negative ? -1.0 : 1.0);
  }
  const double z = score / std::sqrt(variance);
  const double explained = std::min(1.0, z * z / spread.freedom);
  test.statistic = std::copysign(std::sqrt(test.df * explained / (1 - explained)), score);
  const ScoreCumulants cumulants(fitted, own, rest);
  // The kurtosis of a normal column, for the rows that the covariates have used up.
  const double used = spread.freedom * spread.inflation;
  const double shift = 3 * spread.freedom / (spread.freedom + 2) - 3 * used / (used + 2);
  const ScoreCurve curve{cumulants.skewness(), cumulants.kurtosis() + shift, spread.freedom};
  test.p = curve.twice_smaller(z);
  if (own.size() > FewRows::kMost) return test;
  const double drawn = FewRows(fitted, spread, product ? std::span(own) : column, rest, score < 0).p(z, curve);
  test.p = product ? std::max(test.p, drawn) : drawn;
  return test;
}

double permutation_score_p(std::span<const double> columns, std::size_t count, std::span<const double> others,
                           std::size_t others_columns, std::span<const double> residuals,
                           std::span<const std::uint32_t> stratum, std::int64_t draws, core::Random random,
                           const std::optional<ObservedScore>& given) {
  const Fitted fitted(others, others_columns, residuals.size(), stratum);
  PermutedColumns permuted(fitted, columns, count, fitted.rest(residuals));
  if (!permuted.varies()) return kNan;
  // Equal statistics may differ in their last bits with the order of summation.
  const double observed =
      (given ? given->against_permutations(permuted.mean_ratio(given->variance)) : permuted.statistic()) * (1 - 1e-10);
  std::int64_t as_large = 1;
  for (std::int64_t draw = 0; draw < draws; ++draw) {
    permuted.shuffle(random);
    as_large += permuted.statistic() >= observed ? 1 : 0;
  }
  return static_cast<double>(as_large) / static_cast<double>(draws + 1);
}

ResidualScoreTest cluster_score_test(std::span<const double> column, std::span<const double> others,
                                     std::size_t others_columns, std::span<const double> residuals,
                                     std::span<const std::uint32_t> cluster, std::span<const std::uint32_t> stratum) {
  const Fitted fitted(others, others_columns, column.size(), stratum);
  const std::vector<double> own = fitted.cleared(column, 1, 0);
  struct Sums {
    double column = 0, residual = 0, score = 0, rows = 0;
    double least = std::numeric_limits<double>::infinity(), most = -least;
  };
  std::map<std::uint32_t, Sums> sums;
  for (std::size_t i = 0; i < own.size(); ++i) {
    Sums& sum = sums[cluster[i]];
    sum.column += own[i];
    sum.residual += residuals[i];
    sum.score += own[i] * residuals[i];
    sum.rows += 1;
    sum.least = std::min(sum.least, residuals[i]);
    sum.most = std::max(sum.most, residuals[i]);
  }
  constexpr double kSame = 1e-9;
  const bool shared =
      std::ranges::all_of(sums, [](const auto& entry) { return entry.second.most - entry.second.least <= kSame; });
  if (shared) {
    std::vector<double> columns, outcomes;
    for (const auto& [name, sum] : sums) {
      columns.push_back(sum.column);
      outcomes.push_back(sum.residual / sum.rows);
    }
    ResidualScoreTest test = residual_score_test(columns, {}, 0, outcomes);
    if (!(dot(own, own) > 0)) test.p = test.statistic = kNan;
    return test;
  }
  const auto count = static_cast<double>(sums.size());
  ResidualScoreTest test{kNan, count - 1 - static_cast<double>(fitted.size()), kNan};
  double mean = 0, squares = 0;
  for (const auto& [name, sum] : sums) mean += sum.score / count;
  for (const auto& [name, sum] : sums) squares += (sum.score - mean) * (sum.score - mean);
  if (!(squares > 0) || !(test.df > 0)) return test;
  test.statistic = mean / std::sqrt(squares / (count - 1) / count);
  test.p = student_two_sided(test.statistic, test.df);
  return test;
}

}  // namespace immucan::stats
