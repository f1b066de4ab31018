#pragma once
// Rescoring of a whole set of matches by their features (listed in docs/peptide-match.md).
#include "peptide/psms.h"

namespace immucan::peptide {

/// Rewrites `score` by cross-validated learning on match features, with a retention-time model trained along. False,
/// with the scores left as they are, where there is too little to learn from.
bool rescore_psms(PsmSet& set, const ProteinDatabase& database, const SpectrumStore& store,
                  const SearchOptions& options);

}  // namespace immucan::peptide
