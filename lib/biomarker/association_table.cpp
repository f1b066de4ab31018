#include <cmath>

#include "biomarker/association.h"
#include "core/text.h"

namespace immucan::biomarker {

namespace {

/// One line of the table, field by field.
class Line {
 public:
  explicit Line(std::string& out) : out_(out) {}
  ~Line() { out_ += '\n'; }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;
  Line& text(std::string_view value) {
    separate();
    out_ += value.empty() ? "NA" : value;
    return *this;
  }
  Line& number(double value) {
    separate();
    core::append_double(out_, value);
    return *this;
  }
  Line& count(std::size_t value) {
    separate();
    core::append_integer(out_, static_cast<std::int64_t>(value));
    return *this;
  }

 private:
  void separate() {
    if (started_) out_ += '\t';
    started_ = true;
  }
  std::string& out_;
  bool started_ = false;
};

void write_header(const AssociationTable& table, std::string& out) {
  out += "feature\tn\teffect\tse\tlower\tupper\tstatistic\tp\tfdr\ttest";
  out += table.survival ? "\tevents\thazard_ratio\thazard_ratio_lower\thazard_ratio_upper\tlikelihood_ratio"
                        : "\tn_responders\tn_nonresponders\tmedian_responders\tmedian_nonresponders\tauc\tauc_lower\t"
                          "auc_upper";
  if (!table.arms.empty()) {
    out +=
        "\tarm_reference\tarm_other\tn_arms\trandomised\tinteraction\tinteraction_se\tp_interaction\t"
        "fdr_interaction\teffect_reference\tlower_reference\tupper_reference\teffect_other\tlower_other\tupper_other";
  }
  out += "\tbatch_p\tp_batch_adjusted\tflag\tclaim\tq_value\tp_by\tp_holm";
  if (table.moderated) {
    out += "\tdifference\tmoderated_t\tp_moderated\tfdr_moderated\tlog_odds\tprior_df\tprior_variance";
  }
  if (table.binary) out += "\tfisher_odds_ratio\tfisher_lower\tfisher_upper\tp_fisher\tfdr_fisher";
  if (table.compared) out += "\tauc_difference\tauc_z\tp_auc_difference";
  if (table.proportional_hazards) out += "\tp_proportional_hazards";
  if (table.stratified) {
    out +=
        "\tn_strata\tfixed_effect\tfixed_se\trandom_effect\trandom_se\ti_squared\tp_heterogeneity\t"
        "stratum_effects";
  }
  out += '\n';
}

}  // namespace

std::string format_associations(const AssociationTable& table) {
  std::string out;
  write_header(table, out);
  for (const Association& row : table.rows) {
    Line line(out);
    line.text(row.feature).count(row.n).number(row.effect).number(row.se).number(row.lower).number(row.upper);
    line.number(row.statistic).number(row.p).number(row.fdr).text(row.test);
    if (table.survival) {
      line.count(row.events).number(std::exp(row.effect)).number(std::exp(row.lower)).number(std::exp(row.upper));
      line.number(row.likelihood_ratio);
    } else {
      line.count(row.responders).count(row.nonresponders).number(row.median_responders);
      line.number(row.median_nonresponders).number(row.auc).number(row.auc_lower).number(row.auc_upper);
    }
    if (!table.arms.empty()) {
      line.text(table.arms[0]).text(table.arms[1]).count(row.n_arms).count(table.randomised ? 1 : 0);
      line.number(row.interaction).number(row.interaction_se).number(row.p_interaction).number(row.fdr_interaction);
      for (int arm = 0; arm < 2; ++arm) {
        line.number(row.effect_arm[arm]).number(row.lower_arm[arm]).number(row.upper_arm[arm]);
      }
    }
    line.number(row.batch_p).number(row.p_batch_adjusted).text(row.flag).text(row.claim);
    line.number(row.q).number(row.p_by).number(row.p_holm);
    if (table.moderated) {
      line.number(row.group_difference).number(row.moderated_t).number(row.p_moderated).number(row.fdr_moderated);
      line.number(row.log_odds).number(row.prior_df).number(row.prior_variance);
    }
    if (table.binary) {
      line.number(row.fisher_odds_ratio).number(row.fisher_lower).number(row.fisher_upper);
      line.number(row.p_fisher).number(row.fdr_fisher);
    }
    if (table.compared) line.number(row.auc_difference).number(row.auc_z).number(row.p_auc_difference);
    if (table.proportional_hazards) line.number(row.p_proportional);
    if (table.stratified) {
      line.count(row.strata).number(row.fixed).number(row.fixed_se).number(row.random).number(row.random_se);
      line.number(row.i_squared).number(row.p_heterogeneity).text(row.stratum_effects);
    }
  }
  return out;
}

}  // namespace immucan::biomarker
