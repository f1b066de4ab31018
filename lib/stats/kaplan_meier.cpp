#include "stats/kaplan_meier.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "stats/distributions.h"
#include "stats/symmetric.h"

namespace immucan::stats {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

void set_interval(SurvivalPoint& point, SurvivalInterval interval) {
  const double s = point.survival, se = point.standard_error;
  if (s <= 0) {
    point.lower = point.upper = kNan;
    return;
  }
  switch (interval) {
    case SurvivalInterval::kLog:
      point.lower = std::exp(std::log(s) - kZ95 * se);
      point.upper = std::min(1.0, std::exp(std::log(s) + kZ95 * se));
      break;
    case SurvivalInterval::kLogLog:
      if (s >= 1) {
        // Before the first event the scale says nothing; R has NA as well.
        point.lower = point.upper = std::numeric_limits<double>::quiet_NaN();
      } else {
        const double centre = std::log(-std::log(s)), width = kZ95 * se / std::log(s);
        point.lower = std::exp(-std::exp(centre - width));
        point.upper = std::exp(-std::exp(centre + width));
      }
      break;
    case SurvivalInterval::kPlain:
      point.lower = std::max(0.0, s - kZ95 * se * s);
      point.upper = std::min(1.0, s + kZ95 * se * s);
      break;
  }
}

/// First time at or under one half; `middle` takes the mean of the two ends of a flat piece at exactly one half.
template <class Value>
std::optional<double> crossing(std::span<const SurvivalPoint> curve, Value value) {
  constexpr double kTolerance = 1e-9;
  for (std::size_t i = 0; i < curve.size(); ++i) {
    const double v = value(curve[i]);
    if (std::isnan(v)) continue;
    if (v < 0.5 - kTolerance) return curve[i].time;
    if (v <= 0.5 + kTolerance) {
      for (std::size_t j = i + 1; j < curve.size(); ++j) {
        const double later = value(curve[j]);
        if (!std::isnan(later) && later < 0.5 - kTolerance) return (curve[i].time + curve[j].time) / 2;
      }
      return curve[i].time;
    }
  }
  return std::nullopt;
}

}  // namespace

std::vector<SurvivalPoint> kaplan_meier(std::span<const double> time, std::span<const std::uint8_t> event,
                                        SurvivalInterval interval) {
  std::vector<std::size_t> order(time.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return time[a] < time[b]; });
  std::vector<SurvivalPoint> curve;
  double survival = 1, greenwood = 0;
  for (std::size_t i = 0; i < order.size();) {
    SurvivalPoint point;
    point.time = time[order[i]];
    point.at_risk = order.size() - i;
    for (; i < order.size() && time[order[i]] == point.time; ++i) {
      if (event[order[i]] != 0) {
        ++point.events;
      } else {
        ++point.censored;
      }
    }
    const auto r = static_cast<double>(point.at_risk), d = static_cast<double>(point.events);
    survival *= (r - d) / r;
    greenwood += d / (r * (r - d));
    point.survival = survival;
    point.standard_error = std::sqrt(greenwood);
    set_interval(point, interval);
    curve.push_back(point);
  }
  return curve;
}

std::vector<std::size_t> numbers_at_risk(std::span<const double> time, std::span<const double> times) {
  std::vector<std::size_t> result;
  for (const double t : times) {
    result.push_back(static_cast<std::size_t>(std::ranges::count_if(time, [&](double v) { return v >= t; })));
  }
  return result;
}

MedianSurvival median_survival(std::span<const SurvivalPoint> curve) {
  return {crossing(curve, [](const SurvivalPoint& point) { return point.survival; }),
          crossing(curve, [](const SurvivalPoint& point) { return point.lower; }),
          crossing(curve, [](const SurvivalPoint& point) { return point.upper; })};
}

ChiSquaredTest log_rank_test(std::span<const double> time, std::span<const std::uint8_t> event,
                             std::span<const std::uint32_t> group, std::size_t groups, double rho,
                             std::span<const std::uint32_t> stratum) {
  std::vector<double> difference(groups, 0.0), variance(groups * groups, 0.0);
  std::map<std::uint32_t, std::vector<std::size_t>> strata;
  for (std::size_t i = 0; i < time.size(); ++i) strata[stratum.empty() ? 0 : stratum[i]].push_back(i);
  for (auto& [label, rows] : strata) {
    std::ranges::stable_sort(rows, [&](std::size_t a, std::size_t b) { return time[a] < time[b]; });
    std::vector<double> at_risk(groups, 0.0);
    for (const std::size_t row : rows) at_risk[group[row]] += 1;
    double total = static_cast<double>(rows.size()), survival = 1;
    for (std::size_t i = 0; i < rows.size();) {
      const double t = time[rows[i]];
      std::vector<double> deaths(groups, 0.0), leaving(groups, 0.0);
      double all_deaths = 0, all_leaving = 0;
      for (; i < rows.size() && time[rows[i]] == t; ++i) {
        const std::uint32_t g = group[rows[i]];
        leaving[g] += 1;
        all_leaving += 1;
        if (event[rows[i]] == 0) continue;
        deaths[g] += 1;
        all_deaths += 1;
      }
      if (all_deaths > 0) {
        const double weight = rho == 0 ? 1.0 : std::pow(survival, rho);
        const double spread =
            total > 1 ? weight * weight * all_deaths * (total - all_deaths) / (total - 1) / (total * total) : 0.0;
        for (std::size_t g = 0; g < groups; ++g) {
          difference[g] += weight * (deaths[g] - all_deaths * at_risk[g] / total);
          for (std::size_t h = 0; h < groups; ++h) {
            variance[g * groups + h] += spread * ((g == h ? total * at_risk[g] : 0.0) - at_risk[g] * at_risk[h]);
          }
        }
        survival *= (total - all_deaths) / total;
      }
      for (std::size_t g = 0; g < groups; ++g) at_risk[g] -= leaving[g];
      total -= all_leaving;
    }
  }
  // Groups whose expectation never had variance drop out; the last informative one is redundant.
  const Cholesky factor(variance, groups, 1e-9);
  if (factor.rank() == 0) return {kNan, 0, kNan};
  const double statistic = factor.quadratic_form(difference);
  const auto df = static_cast<double>(factor.rank());
  return {statistic, df, chi_squared_upper(statistic, df)};
}

namespace {

/// Sum over the deaths of weight(point, number of the point) x (own death less the share of the hazard), by row.
template <class Weight>
std::vector<double> martingale_integrals(std::span<const double> time, std::span<const std::uint8_t> event,
                                         std::span<const SurvivalPoint> curve, Weight&& weight) {
  std::vector<double> jump(curve.size()), expected(curve.size());
  double sum = 0;
  for (std::size_t i = 0; i < curve.size(); ++i) {
    jump[i] = curve[i].events > 0 ? weight(i) : 0.0;
    sum += jump[i] * static_cast<double>(curve[i].events) / static_cast<double>(curve[i].at_risk);
    expected[i] = sum;
  }
  std::vector<double> result;
  for (std::size_t row = 0; row < time.size(); ++row) {
    const auto at =
        static_cast<std::size_t>(std::ranges::lower_bound(curve, time[row], {}, &SurvivalPoint::time) - curve.begin());
    result.push_back((event[row] != 0 ? jump[at] : 0.0) - expected[at]);
  }
  return result;
}

}  // namespace

std::vector<double> log_rank_residuals(std::span<const double> time, std::span<const std::uint8_t> event, double rho) {
  const std::vector<SurvivalPoint> curve = kaplan_meier(time, event);
  return martingale_integrals(time, event, curve, [&](std::size_t i) {
    return i == 0 || rho == 0 ? 1.0 : std::pow(curve[i - 1].survival, rho);
  });
}

std::vector<double> restricted_mean_residuals(std::span<const double> time, std::span<const std::uint8_t> event,
                                              double tau) {
  const std::vector<SurvivalPoint> curve = kaplan_meier(time, event);
  std::vector<double> beyond(curve.size(), 0.0);
  double area = 0, end = tau;
  for (std::size_t i = curve.size(); i-- > 0;) {
    if (curve[i].time >= tau) continue;
    area += curve[i].survival * (end - curve[i].time);
    end = curve[i].time;
    beyond[i] = area;
  }
  return martingale_integrals(time, event, curve,
                              [&](std::size_t i) { return -beyond[i] / static_cast<double>(curve[i].at_risk); });
}

RestrictedMean restricted_mean(std::span<const SurvivalPoint> curve, double tau) {
  // Areas of the steps up to tau, then from the right: the variance weighs each death with the area that follows it.
  std::vector<double> area;
  double previous_time = 0, previous_survival = 1, total = 0;
  std::vector<const SurvivalPoint*> inside;
  for (const SurvivalPoint& point : curve) {
    if (point.time > tau) break;
    area.push_back(previous_survival * (point.time - previous_time));
    total += area.back();
    inside.push_back(&point);
    previous_time = point.time;
    previous_survival = point.survival;
  }
  const double tail = previous_survival * (tau - previous_time);
  total += tail;
  double variance = 0, right = tail;
  for (std::size_t i = inside.size(); i-- > 0;) {
    const auto r = static_cast<double>(inside[i]->at_risk), d = static_cast<double>(inside[i]->events);
    if (d > 0 && r > d) variance += right * right * d / (r * (r - d));
    right += area[i];
  }
  return {total, std::sqrt(variance)};
}

}  // namespace immucan::stats
