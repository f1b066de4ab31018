#include "biomarker/cohort_analysis.h"

#include <fmt/format.h>

#include <algorithm>

#include "biomarker/assembly.h"
#include "core/error.h"
#include "core/text.h"

namespace immucan::biomarker {

void check_outcome_options(const CohortAnalysisOptions& options) {
  const OutcomeOptions& outcome = options.outcome;
  if (outcome.response.has_value() == outcome.time.has_value()) {
    core::raise_usage("give either --response COLUMN or --time COLUMN --event COLUMN");
  }
  if (outcome.time.has_value() != outcome.event.has_value()) core::raise_usage("--time and --event go together");
  if (outcome.cluster && outcome.ties == "exact") core::raise_usage("--cluster needs --ties efron or breslow");
  if (options.cohort.time_varying) {
    if (!outcome.time || !options.cohort.samples)
      core::raise_usage("--time-varying needs --samples, --time and --event");
    if (outcome.landmark || outcome.start || outcome.cluster || options.cohort.visit != "naive") {
      core::raise_usage(
          "--time-varying takes all visits, from the day of each on, and patients as clusters: it does not "
          "go with --visit, --landmark, --start or --cluster");
    }
    if (outcome.ties == "exact") core::raise_usage("--time-varying needs --ties efron or breslow");
    if (!(outcome.days_per_unit > 0)) core::raise_usage("--days-per-unit must be greater than 0");
  }
  if (outcome.time && options.cohort.samples && options.cohort.visit != "naive" && !outcome.landmark &&
      !outcome.start) {
    core::raise_usage("visit '" + core::printable(options.cohort.visit) +
                      "' against survival needs --landmark TIME (associate also takes --start COLUMN): patients who "
                      "die early are never "
                      "measured on treatment, which makes any such marker look protective");
  }
}

std::vector<std::size_t> positions_of(const std::vector<std::string>& asked, const CohortFeatures& cohort,
                                      const std::filesystem::path& source) {
  std::vector<std::size_t> positions;
  std::vector<std::string> absent;
  for (const std::string& name : asked) {
    const auto at = std::ranges::lower_bound(cohort.features, name);
    if (at == cohort.features.end() || *at != name) {
      absent.push_back(name);
    } else {
      positions.push_back(static_cast<std::size_t>(at - cohort.features.begin()));
    }
  }
  if (!absent.empty()) {
    core::raise({source.string(), core::Place::none(),
                 fmt::format("{} of {} features asked are not there: {}", absent.size(), asked.size(), some_of(absent)),
                 "Check their names"});
  }
  for (std::size_t i = 0; asked.empty() && i < cohort.features.size(); ++i) positions.push_back(i);
  return positions;
}

}  // namespace immucan::biomarker
