#pragma once
// The assembled features of a cohort as one MuData: a modality per data modality, an observation per patient and visit.
#include <optional>
#include <vector>

#include "biomarker/assembly.h"
#include "io/mudata.h"
#include "io/tsv.h"

namespace immucan::biomarker {

/// Observations are named PATIENT:VISIT, in the order of samples.tsv and of the visits; a modality holds those that
/// have a value in it. Its values are the dense layer `values`, patients' visits × features, NaN where nothing was
/// measured. There is no X: readers sum over it or take what is not stored for 0, and a missing value is neither. Its
/// variables are the features (columns specimen, entity, measure), its obs names the samples, specimens and batches.
/// The global obs has patient_id, visit, day, and the columns of clinical.tsv: numbers where every value is one, else
/// categories.
[[nodiscard]] io::MuData cohort_container(const Assembly& assembly, const std::optional<io::Table>& clinical);

}  // namespace immucan::biomarker
