#pragma once
// What clinical.tsv says about the patients of an analysis: response or survival, covariates, arms.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "io/tsv.h"
#include "stats/cox.h"

namespace immucan::biomarker {

struct OutcomeOptions {
  std::optional<std::string> response;     ///< column: R | NR (or 1 | 0)
  std::optional<std::string> time, event;  ///< columns: time >= 0 in one unit, event 0 | 1
  std::vector<std::string> covariates;     ///< columns; text becomes indicators against its first level
  std::optional<std::string> treatment;    ///< column of arms
  std::optional<std::string> batch;        ///< column of clinical.tsv with batches
  std::vector<std::string> strata;         ///< columns; within their combinations patients are compared
  std::optional<std::string> start;        ///< column: time at which a patient comes under observation
  std::optional<double> landmark;          ///< patients whose follow-up ended by then are left out; time counts from it
  double days_per_unit = 1;                ///< time-varying: days in one unit of `time`
  std::string ties = "efron";              ///< efron | breslow | exact
  std::optional<std::string> cluster;      ///< column, or "patient": rows of one cluster depend on each other
};

/// All vectors follow `rows` of clinical.tsv that were asked for.
struct Outcome {
  bool survival = false;
  std::vector<std::uint8_t> known;  ///< the outcome is not missing
  std::vector<std::uint8_t> event;  ///< responder, or event
  std::vector<double> time;         ///< survival only
  std::vector<std::string> covariate_names;
  std::vector<double> covariates;  ///< row-major patients × names; NaN = missing
  std::vector<std::uint8_t> covariates_known;
  std::vector<double> start;           ///< empty without --start
  std::vector<std::uint32_t> stratum;  ///< empty without strata
  std::vector<std::string> strata;     ///< their names
  /// Response: the last columns of the covariates are indicators of the strata.
  std::size_t stratum_columns = 0;
  std::vector<std::uint32_t> cluster;  ///< empty without --cluster
  stats::Ties ties = stats::Ties::kEfron;
  std::vector<std::string> arms;   ///< the two arms compared, reference first; empty without --treatment
  std::vector<int> arm;            ///< 0, 1, or -1 where missing or another arm
  bool randomised = false;         ///< the compared patients were all randomised
  std::vector<std::string> batch;  ///< from clinical.tsv; empty vector when not asked
};

/// 65, with file, line and column: unknown words, text where a number is needed, negative times, one class only, no
/// events, a covariate that is constant or has a level per patient, fewer or more than two arms.
[[nodiscard]] Outcome read_outcome(const OutcomeOptions& options, const io::Table& clinical,
                                   const std::vector<std::size_t>& rows);

/// Follow-up in pieces: row i of a patient (those that follow each other with one row of clinical.tsv) is at risk from
/// its day to that of the next row, or to the end; the event is that of the last piece. Days before 0 are the start.
/// Rows of no length, after the end or overtaken before the start, are not known. 65 where no event is left.
void divide_follow_up(Outcome& outcome, const std::vector<std::size_t>& rows, std::span<const double> day,
                      const OutcomeOptions& options, const io::Table& clinical);

}  // namespace immucan::biomarker
