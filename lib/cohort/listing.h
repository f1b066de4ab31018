#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "cohort/store.h"

namespace immucan::cohort {

/// Who has what: a row per patient and visit, a column per specimen/modality, samples counted (controls are not).
struct Matrix {
  struct Entry {
    std::string patient_id;
    std::string visit;                  ///< "NA" for a patient without samples
    std::string consent;                ///< "yes", "withdrawn" or "none"
    std::vector<std::uint64_t> counts;  ///< one per column
  };
  std::vector<std::string> columns;  ///< "blood/cytof" …, sorted
  std::vector<Entry> rows;           ///< by patient id, then naive, on-treatment, progression, follow-up
};

[[nodiscard]] Matrix sample_matrix(Database& database);
[[nodiscard]] std::string matrix_tsv(const Matrix& matrix);
[[nodiscard]] std::string matrix_json(const Matrix& matrix);

/// samples.tsv and clinical.tsv as the other tools read them, in order of their ids.
[[nodiscard]] std::string samples_tsv(Database& database);
[[nodiscard]] std::string clinical_tsv(Database& database);

}  // namespace immucan::cohort
