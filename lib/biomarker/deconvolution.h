#pragma once
// Cell fractions of bulk samples from a matrix of cell-type profiles.
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "biomarker/sample_scores.h"
#include "core/run_context.h"
#include "io/byte_source.h"

namespace immucan::biomarker {

/// Genes × cell types.
struct SignatureMatrix {
  std::string name;
  std::vector<std::string> genes, types;
  std::vector<double> values;  ///< row-major
  [[nodiscard]] double at(std::size_t gene, std::size_t type) const { return values[gene * types.size() + type]; }
};
[[nodiscard]] SignatureMatrix read_signature(const std::filesystem::path& path, core::RunContext& context);
[[nodiscard]] SignatureMatrix read_signature(std::unique_ptr<io::ByteSource> source);
/// TIL10 of quanTIseq, as shipped.
[[nodiscard]] SignatureMatrix til10_signature();

/// quanTIseq (Finotello et al. 2019) with TIL10. `tpm` is genes × samples, linear, each sample summing to a million.
/// Constrained least squares (x >= 0, sum <= 1), cell-type mRNA correction, the Treg rule, and the rest as `Other`.
/// `tumour` leaves out genes that tumours express. `measured_genes` tells how many of the signature were used.
struct QuantiseqOptions {
  bool tumour = true;
  double min_coverage = 0.5;
};
[[nodiscard]] ScoreTable quantiseq_fractions(const io::MatrixTable& tpm, const QuantiseqOptions& options,
                                             const core::Log& log, unsigned threads,
                                             const core::InterruptSource* interrupt);

/// EPIC's model (Racle et al. 2017) on a user's profiles, solved exactly: weighted least squares, x >= 0, sum <= 1, the
/// rest is `Other`. `variability` (same genes and types) gives the weights; without it all weights are 1. Profiles and
/// samples are scaled to a million over the genes they share, then only `signature_genes` are fitted (all when empty).
/// `mrna` (per type and for `Other`; 1 when absent) turns shares of mRNA into shares of cells.
struct EpicOptions {
  SignatureMatrix profiles;
  std::optional<SignatureMatrix> variability;
  std::vector<std::string> signature_genes;
  std::map<std::string, double> mrna;
  bool other_cells = true;  ///< false: the sum is between 0.99 and 1, there is no `Other`
};
[[nodiscard]] ScoreTable epic_fractions(const io::MatrixTable& tpm, const EpicOptions& options, unsigned threads,
                                        const core::InterruptSource* interrupt);

/// The model of CIBERSORT (Newman et al. 2015) on a user's matrix: nu-SVR (linear, C = 1) of the standardised sample on
/// the matrix standardised by its global mean and deviation, for nu = 0.25, 0.5 and 0.75; negative weights become 0,
/// the rest sums to 1, and the nu of the least error is kept. Rows: the types, then `Correlation` and `RMSE` of the
/// fit, and with permutations `P_value`: the share of mixtures of values drawn from the sample's own genes, without
/// replacement, that the matrix fits with at least this correlation, the sample itself counted (never 0). The draws
/// depend on the seed, the sample's name and its values alone: neither other samples nor the order of rows moves them.
/// No quantile normalisation.
struct CibersortOptions {
  double min_coverage = 0.5;
  std::int64_t permutations = 0;
  std::uint64_t seed = 1;
};
[[nodiscard]] ScoreTable cibersort_fractions(const io::MatrixTable& tpm, const SignatureMatrix& signature,
                                             const CibersortOptions& options, unsigned threads,
                                             const core::InterruptSource* interrupt);

/// Scales every sample to a million in place; 65 on a negative value or a sample of zeros. Values that are at most 50
/// are taken for log2 and raised first when `unlog`.
void to_million(io::MatrixTable& matrix, bool unlog);

}  // namespace immucan::biomarker
