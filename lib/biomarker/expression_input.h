#pragma once
// Expression matrices as scores take them: TSV, GCT, .h5ad, 10x .h5 or folder; one row per gene.
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>

#include "biomarker/gene_set_rows.h"
#include "core/run_context.h"
#include "io/gmt.h"
#include "io/matrix_table.h"
#include "io/tsv.h"

namespace immucan::biomarker {

struct ExpressionOptions {
  std::filesystem::path path;
  std::optional<std::string> gene_column;  ///< .h5ad: column of var with the names; 10x: `id` instead of the names
  std::optional<std::filesystem::path> aliases;
  DuplicateGenes duplicates = DuplicateGenes::kRefuse;
};

/// Table with the columns `alias` and `gene`: names that are replaced in matrices and sets. 65 where an alias stands
/// for two genes.
class GeneAliases {
 public:
  GeneAliases() = default;
  GeneAliases(const std::filesystem::path& path, core::RunContext& context);
  explicit GeneAliases(const io::Table& table);
  /// The current name of a gene.
  [[nodiscard]] const std::string& current(const std::string& gene) const;
  /// Renames in place; genes that fall together within a set are kept once.
  void apply(io::GeneSets& sets) const;

 private:
  std::unordered_map<std::string, std::string> gene_of_;
};

/// Values are finite and gene names distinct. 65 on duplicates that are to be refused, also those that aliases or 10x
/// names make. HDF5 is told by its first bytes, a folder is 10x. HDF5 matrices become dense: 8 bytes per value.
[[nodiscard]] io::MatrixTable read_expression(const ExpressionOptions& options, const GeneAliases& aliases,
                                              core::RunContext& context);

/// 65 where some samples are on a logarithmic and others on a linear scale (fractions and a largest value
/// under 30 beside a largest value over 100); tables of fewer than 100 genes cannot be told.
void refuse_mixed_scales(const io::MatrixTable& matrix);
/// 65 where all values are integers: a method that compares genes with each other needs TPM.
void refuse_counts(const io::MatrixTable& matrix, const std::string& method);

}  // namespace immucan::biomarker
