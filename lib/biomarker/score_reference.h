#pragma once
// A frozen cohort: what a new patient is compared with, whoever else is scored beside.
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "biomarker/sample_scores.h"
#include "core/run_context.h"

namespace immucan::biomarker {

/// Long table `kind name value other`: options of the run, the digest of the gene names, mean and standard deviation of
/// each gene (z-score), and every score of every set.
struct ScoreReference {
  std::map<std::string, std::string> settings;             ///< what the scores depend on
  std::map<std::string, std::pair<double, double>> genes;  ///< mean and standard deviation (n - 1)
  std::map<std::string, std::vector<double>> scores;       ///< ascending
};

/// SHA-256 of the sorted gene names: rank scores depend on which genes were measured.
[[nodiscard]] std::string genes_digest(const io::MatrixTable& matrix);
/// Mean and deviation of each gene; needs two samples.
[[nodiscard]] std::map<std::string, std::pair<double, double>> gene_moments(const io::MatrixTable& matrix);
/// Standardises by frozen moments; 0 marks genes that did not vary in the reference.
[[nodiscard]] std::vector<std::uint8_t> standardise_by(io::MatrixTable& matrix, const ScoreReference& reference);

[[nodiscard]] std::string to_tsv(const ScoreReference& reference);
[[nodiscard]] ScoreReference read_score_reference(const std::filesystem::path& path, core::RunContext& context);
/// 65 naming what differs between the reference's run and this one.
void require_same_settings(const ScoreReference& reference, const std::map<std::string, std::string>& settings,
                           const std::filesystem::path& path);

/// Share of the reference below each score, ties counted half, in percent; NaN where the reference has no such set.
[[nodiscard]] ScoreTable percentiles(const ScoreTable& scores, const ScoreReference& reference);

}  // namespace immucan::biomarker
