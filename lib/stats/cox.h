#pragma once
// Cox's proportional hazards model: Newton with step halving; Efron, Breslow and exact ties; strata; (start, stop]
// rows; robust variance by cluster; the score test of proportional hazards. Definitions follow Therneau and Grambsch
// (2000).
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "stats/wilcoxon.h"

namespace immucan::stats {

/// One entry per row. `start`, `stratum` and `cluster` are empty when not used; a row is at risk in (start, time].
struct SurvivalRows {
  std::vector<double> time;
  std::vector<std::uint8_t> event;
  std::vector<double> start;
  std::vector<std::uint32_t> stratum;
  std::vector<std::uint32_t> cluster;  ///< gives the robust variance
};

enum class Ties { kEfron, kBreslow, kExact };

struct CoxOptions {
  Ties ties = Ties::kEfron;
  double tolerance = 1e-9;  ///< relative change of the log partial likelihood
  int max_iterations = 30;
};

struct CoxFit {
  std::vector<double> coefficients;
  std::vector<double> covariance;         ///< inverse information, row-major
  std::vector<double> robust_covariance;  ///< empty without clusters
  double log_likelihood_null = 0, log_likelihood = 0;
  double score_statistic = 0;   ///< at zero
  double likelihood_ratio = 0;  ///< 2 (log L - log L0)
  double wald_statistic = 0;    ///< with the robust variance where there is one
  std::size_t rank = 0;         ///< degrees of freedom of the three tests
  std::size_t rows = 0, events = 0;
  int iterations = 0;
  bool converged = false;
  bool infinite = false;  ///< monotone likelihood: a coefficient runs to infinity
};

/// Score of some columns times the transformed time, less what the scores of all columns, and those of the other
/// columns times that time, say of it; and its variance (row-major) given the risk sets.
struct TimedScore {
  std::vector<double> score, variance;
};

/// The rows sorted once; fits of many designs share it. Immutable after construction, so that threads can share it.
class CoxModel {
 public:
  explicit CoxModel(const SurvivalRows& rows);
  [[nodiscard]] std::size_t rows() const { return order_.size(); }
  [[nodiscard]] std::size_t events() const { return events_; }

  /// `design` is row-major rows × columns in the order of the rows given to the constructor. Columns that are constant
  /// or depend on earlier ones get coefficient 0 and do not count in `rank`.
  [[nodiscard]] CoxFit fit(std::span<const double> design, std::size_t columns, const CoxOptions& options = {}) const;

  /// Score statistic of the whole design at `coefficients`. Where those of the other columns are fitted and one is 0,
  /// this is the score test of that one.
  [[nodiscard]] double score_statistic(std::span<const double> design, std::size_t columns,
                                       std::span<const double> coefficients, const CoxOptions& options = {}) const;

  /// Martingale residuals in the order of the rows given, at the coefficients of `fit` (at zero without columns). They
  /// sum to 0 in every stratum, and the score of any further column is its sum of products with them.
  [[nodiscard]] std::vector<double> martingale_residuals(std::span<const double> design, std::size_t columns,
                                                         std::span<const double> coefficients,
                                                         const CoxOptions& options = {}) const;

  /// Score test of proportional hazards with the Kaplan–Meier time transform, for a fit with Efron or Breslow ties.
  /// `terms[j]` numbers the term of column j (0, 1, …); one test per term and the global one last.
  [[nodiscard]] std::vector<ChiSquaredTest> proportional_hazards_test(std::span<const double> design,
                                                                      std::size_t columns, const CoxFit& fit,
                                                                      std::span<const std::size_t> terms,
                                                                      const CoxOptions& options = {}) const;
  [[nodiscard]] TimedScore timed_score(std::span<const double> design, std::size_t columns,
                                       std::span<const std::size_t> chosen, std::span<const double> coefficients,
                                       const CoxOptions& options = {}) const;
  /// Martingale residuals with each death's share of the hazard times its transformed time: what a column has to do
  /// with them is its score in that test, as sum of products.
  [[nodiscard]] std::vector<double> timed_residuals(std::span<const double> design, std::size_t columns,
                                                    std::span<const double> coefficients,
                                                    const CoxOptions& options = {}) const;

 private:
  /// 1 - Kaplan–Meier just before each death time, less its mean over the deaths.
  [[nodiscard]] std::map<double, double> time_transform() const;
  /// Rows of one time within a stratum: [begin, end) of the sorted rows, of which the first `deaths` are events.
  struct Group {
    std::uint32_t begin, end, deaths;
    double time;
  };
  struct Stratum {
    std::uint32_t group_begin, group_end, row_begin, row_end;
  };
  struct Columns;  // centred and scaled design in sorted order
  struct Sums;
  struct Step;
  struct TimedInformation;

  [[nodiscard]] Columns load(std::span<const double> design, std::size_t columns) const;
  void evaluate(const Columns& x, std::span<const double> beta, Ties ties, Step& step) const;
  void evaluate_single(const Columns& x, double beta, Ties ties, Step& step) const;
  void evaluate_exact(const Columns& x, std::span<const double> beta, Step& step) const;
  /// Calls visit(group, weight index l of the tied deaths, sums at l) for every death.
  template <class Visit>
  void walk(const Columns& x, std::span<const double> risk, Ties ties, Visit&& visit) const;
  [[nodiscard]] TimedInformation timed_information(const Columns& x, std::span<const double> risk, Ties ties) const;
  [[nodiscard]] std::vector<double> weighted_residuals(std::span<const double> risk, Ties ties,
                                                       std::span<const double> weights) const;
  [[nodiscard]] std::vector<double> score_residuals(const Columns& x, std::span<const double> beta, Ties ties) const;
  [[nodiscard]] std::vector<double> robust(const Columns& x, std::span<const double> beta, Ties ties,
                                           std::span<const double> covariance) const;

  std::vector<std::uint32_t> order_;        ///< sorted position → row
  std::vector<std::uint32_t> start_order_;  ///< per stratum, sorted positions by descending start; empty without start
  std::vector<double> start_;               ///< by sorted position
  std::vector<std::uint32_t> cluster_;      ///< by sorted position
  std::vector<Group> groups_;
  std::vector<double> transform_;  ///< time_transform by group; 0 where nobody dies
  std::vector<Stratum> strata_;
  std::size_t events_ = 0;
};

}  // namespace immucan::stats
