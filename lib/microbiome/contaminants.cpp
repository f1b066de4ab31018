#include "microbiome/contaminants.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>

#include "core/error.h"
#include "core/text.h"
#include "io/tsv.h"
#include "stats/distributions.h"
#include "stats/multiple_testing.h"
#include "stats/wilcoxon.h"

namespace immucan::microbiome {

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

double smaller(double a, double b) {
  return std::isnan(a) || b < a ? b : a;
}

double log_choose(double n, double k) {
  return stats::log_gamma(n + 1) - stats::log_gamma(k + 1) - stats::log_gamma(n - k + 1);
}

/// P(more than `a` in the first cell) + half of P(exactly `a`), margins fixed.
double fisher_mid_p(double a, double b, double c, double d) {
  const double with = a + c, blanks = a + b, all = a + b + c + d;
  double p = 0;
  for (double x = a; x <= std::min(with, blanks); ++x) {
    const double mass = std::exp(log_choose(with, x) + log_choose(all - with, blanks - x) - log_choose(all, blanks));
    p += x == a ? mass / 2 : mass;
  }
  return std::min(1.0, p);
}

}  // namespace

std::vector<ControlRow> read_controls(std::unique_ptr<io::ByteSource> source) {
  io::TsvReader table(std::move(source));
  const std::size_t id = table.require("sample_id"), control = table.require("control");
  const auto batch = table.find("batch"), concentration = table.find("concentration");
  std::vector<ControlRow> rows;
  std::set<std::string> seen;
  while (table.next()) {
    ControlRow row;
    row.sample_id = table.field(id);
    row.control = table.field(control);
    if (core::is_missing(row.sample_id)) table.fail(id, "the sample_id is missing", "NA is never an id");
    if (!seen.insert(row.sample_id).second)
      table.fail(id, fmt::format("the sample '{}' appears a second time", core::printable(row.sample_id)),
                 "Keep one row per sample");
    if (row.control != "sample" && row.control != "blank" && row.control != "reference")
      table.fail(control, fmt::format("unknown value '{}'", core::printable(row.control)),
                 "Use one of: sample, blank, reference");
    if (batch && !core::is_missing(table.field(*batch))) row.batch = table.field(*batch);
    if (concentration) row.concentration = table.number(*concentration);
    if (row.concentration && *row.concentration <= 0)
      table.fail(*concentration, fmt::format("the concentration {} is not above 0", *row.concentration),
                 "Write NA where none was measured, and the detection limit where it was too low");
    rows.push_back(std::move(row));
  }
  return rows;
}

double decontam_frequency_score(const std::vector<double>& log_share, const std::vector<double>& log_concentration) {
  const std::size_t n = log_share.size();
  if (n < 2) return kNone;
  double sum0 = 0, sum1 = 0;
  for (std::size_t i = 0; i < n; ++i) {
    sum0 += log_share[i];
    sum1 += log_share[i] + log_concentration[i];
  }
  double ss0 = 0, ss1 = 0;
  for (std::size_t i = 0; i < n; ++i) {
    ss0 += std::pow(log_share[i] - sum0 / static_cast<double>(n), 2);
    ss1 += std::pow(log_share[i] + log_concentration[i] - sum1 / static_cast<double>(n), 2);
  }
  if (ss0 <= 0) return kNone;
  const auto df = static_cast<double>(n - 1);
  return 1 - stats::f_upper(ss1 / ss0, df, df);
}

double decontam_prevalence_score(double blanks_with, double blanks_without, double samples_with,
                                 double samples_without) {
  const double blanks = blanks_with + blanks_without, samples = samples_with + samples_without;
  const double with = blanks_with + samples_with, all = blanks + samples;
  if (with < 2 || blanks == 0 || samples == 0) return kNone;
  if (with == all) return 0.5;
  double least = all;
  for (const double row : {blanks, samples})
    for (const double column : {with, all - with}) least = std::min(least, row * column / all);
  if (least < 5) return fisher_mid_p(blanks_with, blanks_without, samples_with, samples_without);
  // R's prop.test: Yates' correction, one-sided.
  const double difference = blanks_with / blanks - samples_with / samples;
  const double yates = std::min(0.5, std::abs(difference) / (1 / blanks + 1 / samples));
  double statistic = 0;
  const auto add = [&](double seen, double expected) {
    statistic += std::pow(std::abs(seen - expected) - yates, 2) / expected;
  };
  add(blanks_with, blanks * with / all);
  add(samples_with, samples * with / all);
  add(blanks_without, blanks * (all - with) / all);
  add(samples_without, samples * (all - with) / all);
  const double z = std::copysign(std::sqrt(statistic), difference);
  return 1 - stats::normal_cdf(z);
}

namespace {

/// Fisher's method over tests that could be made.
class Combination {
 public:
  void add(double p) {
    if (std::isnan(p)) return;
    statistic_ -= 2 * std::log(std::max(p, 1e-300));
    df_ += 2;
  }
  [[nodiscard]] double p() const { return df_ == 0 ? kNone : stats::chi_squared_upper(statistic_, df_); }

 private:
  double statistic_ = 0, df_ = 0;
};

class Scorer {
 public:
  Scorer(const std::vector<std::vector<double>>& shares, const std::vector<ControlRow>& samples,
         const ContaminantOptions& options)
      : shares_(shares), samples_(samples), options_(options) {
    for (std::size_t s = 0; s < samples.size(); ++s) {
      double sum = 0;
      for (const auto& taxon : shares) sum += taxon[s];
      if (sum > 0 && samples[s].control != "reference") batches_[samples[s].batch].push_back(s);
    }
  }

  std::vector<ContaminantScore> run() {
    choose_tests();
    std::vector<ContaminantScore> scores;
    std::vector<double> p;
    for (const auto& taxon : shares_) {
      scores.push_back(score(taxon));
      p.push_back(scores.back().p);
    }
    const auto fdr = stats::benjamini_hochberg(p);
    for (std::size_t i = 0; i < scores.size(); ++i) {
      scores[i].fdr = fdr[i];
      scores[i].contaminant = fdr[i] < options_.threshold && fits(shares_[i], scores[i]);
    }
    return scores;
  }

 private:
  void choose_tests() {
    bool blanks = false, concentrations = false;
    for (const auto& [batch, members] : batches_) {
      std::size_t in_batch[2] = {0, 0}, measured = 0;
      for (const std::size_t s : members) {
        ++in_batch[is_blank(s) ? 1 : 0];
        measured += !is_blank(s) && samples_[s].concentration ? 1 : 0;
      }
      blanks = blanks || (in_batch[0] > 0 && in_batch[1] > 0);
      concentrations = concentrations || measured >= kFewest;
    }
    const auto tests = options_.tests;
    frequency_ = tests == ContaminantTests::kFrequency || tests == ContaminantTests::kCombined ||
                 (tests == ContaminantTests::kAuto && concentrations);
    prevalence_ = tests == ContaminantTests::kPrevalence || tests == ContaminantTests::kCombined ||
                  (tests == ContaminantTests::kAuto && blanks);
    if ((frequency_ && !concentrations) || (!frequency_ && !prevalence_ && !blanks))
      core::raise_usage(fmt::format("the controls give {}",
                                    frequency_ ? fmt::format("no concentration for {} samples of a batch", kFewest)
                                               : "neither a blank beside samples nor concentrations"));
    if (prevalence_ && !blanks) core::raise_usage("the controls give no blank in a batch with samples");
  }

  [[nodiscard]] bool is_blank(std::size_t sample) const { return samples_[sample].control == "blank"; }

  ContaminantScore score(const std::vector<double>& taxon) {
    ContaminantScore score;
    Combination frequency, prevalence, enrichment, all;
    double covariance = 0, variance = 0, samples = 0;
    score.decontam_frequency = score.decontam_prevalence = kNone;
    for (const auto& [batch, members] : batches_) {
      std::vector<double> log_share, log_concentration, in_blanks, in_samples;
      for (const std::size_t s : members) {
        (is_blank(s) ? in_blanks : in_samples).push_back(taxon[s]);
        if (is_blank(s)) {
          score.in_blanks += taxon[s] > 0 ? 1 : 0;
          continue;
        }
        score.mean_share += taxon[s];
        samples += 1;
        score.in_samples += taxon[s] > 0 ? 1 : 0;
        if (taxon[s] <= 0 || !samples_[s].concentration) continue;
        log_share.push_back(std::log(taxon[s]));
        log_concentration.push_back(std::log(*samples_[s].concentration));
      }
      frequency.add(falling(log_share, log_concentration, covariance, variance));
      score.decontam_frequency =
          smaller(score.decontam_frequency, decontam_frequency_score(log_share, log_concentration));
      compare(in_blanks, in_samples, prevalence, enrichment, score);
    }
    score.mean_share = samples > 0 ? score.mean_share / samples : 0;
    score.slope = variance > 0 ? covariance / variance : kNone;
    score.p_frequency = frequency.p();
    score.p_prevalence = prevalence.p();
    score.p_enrichment = enrichment.p();
    if (frequency_) all.add(score.p_frequency);
    // Shares say more than presence, and not that much less where sequences of samples leak into blanks.
    if (prevalence_) all.add(score.p_enrichment);
    score.p = all.p();
    return score;
  }

  /// One-sided test of a negative slope. For given values SS1 / SS0 of Davis et al. is a monotone function of the
  /// covariance, so this ranks as theirs does, with a null distribution that holds.
  static double falling(const std::vector<double>& y, const std::vector<double>& x, double& covariance,
                        double& variance) {
    const std::size_t n = y.size();
    if (n < kFewest) return kNone;
    const double count = static_cast<double>(n), mean_x = std::accumulate(x.begin(), x.end(), 0.0) / count;
    const double mean_y = std::accumulate(y.begin(), y.end(), 0.0) / count;
    double sxx = 0, sxy = 0, syy = 0;
    for (std::size_t i = 0; i < n; ++i) {
      sxx += (x[i] - mean_x) * (x[i] - mean_x);
      sxy += (x[i] - mean_x) * (y[i] - mean_y);
      syy += (y[i] - mean_y) * (y[i] - mean_y);
    }
    if (sxx <= 0 || syy <= 0) return kNone;
    covariance += sxy;
    variance += sxx;
    const double r = sxy / std::sqrt(sxx * syy), rest = 1 - r * r;
    if (rest <= 0) return r < 0 ? 0 : 1;
    const double t = r * std::sqrt((count - 2) / rest), two_sided = stats::student_two_sided(t, count - 2);
    return t < 0 ? two_sided / 2 : 1 - two_sided / 2;
  }

  void compare(const std::vector<double>& blanks, const std::vector<double>& samples, Combination& prevalence,
               Combination& enrichment, ContaminantScore& score) {
    const auto with = [](const std::vector<double>& values) {
      return static_cast<double>(std::ranges::count_if(values, [](double value) { return value > 0; }));
    };
    const double a = with(blanks), c = with(samples);
    const double b = static_cast<double>(blanks.size()) - a, d = static_cast<double>(samples.size()) - c;
    if (blanks.empty() || samples.empty() || a + c < 2) return;
    score.decontam_prevalence = smaller(score.decontam_prevalence, decontam_prevalence_score(a, b, c, d));
    prevalence.add(fisher_mid_p(a, b, c, d));
    const auto test = stats::rank_sum_test(blanks, samples, ranks_);
    if (std::isnan(test.p)) return;
    const bool above = test.w > static_cast<double>(blanks.size() * samples.size()) / 2;
    enrichment.add(above ? test.p / 2 : 1 - test.p / 2);
  }

  [[nodiscard]] bool fits(const std::vector<double>& taxon, const ContaminantScore& score) const {
    if (frequency_ && score.slope < -0.5) return true;
    if (!prevalence_) return false;
    double blank = 0, sample = 0, blanks = 0, samples = 0;
    for (const auto& [batch, members] : batches_) {
      for (const std::size_t s : members) {
        (is_blank(s) ? blank : sample) += taxon[s];
        (is_blank(s) ? blanks : samples) += 1;
      }
    }
    return blanks > 0 && blank / blanks > (samples > 0 ? sample / samples : 0);
  }

  static constexpr std::size_t kFewest = 4;  // samples that a slope needs
  const std::vector<std::vector<double>>& shares_;
  const std::vector<ControlRow>& samples_;
  const ContaminantOptions& options_;
  std::map<std::string, std::vector<std::size_t>> batches_;
  stats::RankSumDistribution ranks_;
  bool frequency_ = false, prevalence_ = false;
};

}  // namespace

std::vector<ContaminantScore> score_contaminants(const std::vector<std::vector<double>>& shares,
                                                 const std::vector<ControlRow>& samples,
                                                 const ContaminantOptions& options) {
  return Scorer(shares, samples, options).run();
}

}  // namespace immucan::microbiome
