#pragma once
// A frozen cohort: what a new patient is compared with, whoever else is scored beside.
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "biomarker/gsva.h"
#include "biomarker/plage.h"
#include "biomarker/sample_scores.h"
#include "core/run_context.h"
#include "io/byte_source.h"

namespace immucan::biomarker {

/// Long table `kind name value other`: options of the run, the digest of the gene names, the digest of each set's
/// genes, mean and standard deviation of each gene (z-score, PLAGE), loadings of each set (PLAGE), the values of each
/// gene in the order of the cohort's samples (GSVA), and every score of every set.
struct ScoreReference {
  std::map<std::string, std::string> settings;                    ///< what the scores depend on
  std::map<std::string, std::string> sets;                        ///< digest of the measured genes
  std::map<std::string, std::pair<double, double>> genes;         ///< mean and standard deviation (n - 1)
  GeneValues values;                                              ///< separated by commas in the file
  std::map<std::string, std::map<std::string, double>> loadings;  ///< set → gene → weight
  std::map<std::string, std::vector<double>> scores;              ///< ascending
};

/// SHA-256 of the sorted gene names: rank scores depend on which genes were measured.
[[nodiscard]] std::string genes_digest(const io::MatrixTable& matrix);
/// SHA-256 of the names of a set's measured genes.
[[nodiscard]] std::string set_digest(const io::MatrixTable& matrix, const SetRows& set);
/// Values of each gene, as GSVA's reference holds them.
[[nodiscard]] GeneValues gene_values(const io::MatrixTable& matrix);
/// Loadings of each set by the names of its genes, and back for a run's sets.
[[nodiscard]] std::map<std::string, std::map<std::string, double>> named_loadings(
    const io::MatrixTable& matrix, const std::vector<SetRows>& sets, const std::vector<PlageLoadings>& loadings);
[[nodiscard]] std::vector<PlageLoadings> loadings_of(const ScoreReference& reference, const io::MatrixTable& matrix,
                                                     const std::vector<SetRows>& sets);
/// Mean and deviation of each gene; needs two samples.
[[nodiscard]] std::map<std::string, std::pair<double, double>> gene_moments(const io::MatrixTable& matrix);
/// Standardises by frozen moments; 0 marks genes that did not vary in the reference.
[[nodiscard]] std::vector<std::uint8_t> standardise_by(io::MatrixTable& matrix, const ScoreReference& reference);

[[nodiscard]] std::string to_tsv(const ScoreReference& reference);
[[nodiscard]] ScoreReference read_score_reference(const std::filesystem::path& path, core::RunContext& context);
[[nodiscard]] ScoreReference read_score_reference(std::unique_ptr<io::ByteSource> source);
/// 65 naming what differs between the reference's run and this one.
void require_same_settings(const ScoreReference& reference, const std::map<std::string, std::string>& settings,
                           const std::filesystem::path& path);

/// 65 where sets of this run hold other genes than in the reference, or, if `all`, are not in it.
void require_same_sets(const ScoreReference& reference, const io::MatrixTable& matrix, const std::vector<SetRows>& sets,
                       bool all, const std::filesystem::path& path);

/// Share of the reference below each score, ties counted half, in percent; NaN where the reference has no such set.
[[nodiscard]] ScoreTable percentiles(const ScoreTable& scores, const ScoreReference& reference);

}  // namespace immucan::biomarker
