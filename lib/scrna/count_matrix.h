#pragma once
// Count matrices as any of our tools or others write them, as barcodes × features.
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/run_context.h"
#include "io/sparse_matrix.h"
#include "io/tenx.h"

namespace immucan::scrna {

inline constexpr std::string_view kGeneExpression = "Gene Expression";

/// A 10x folder, a 10x .h5 or an .h5ad, told apart by their contents. From an .h5ad: X, or the layer of that name;
/// names from var's gene_name, gene_names, gene_symbol(s) or feature_name, types from feature_types (else all are
/// genes). 65 on a value that is no count (negative, not finite; a fraction unless `fractions`), or a matrix without
/// rows or columns.
[[nodiscard]] io::TenxMatrix read_count_matrix(const std::filesystem::path& path, core::RunContext& context,
                                               bool fractions = false, const std::string& layer = {});

/// The features for which `keep` is set.
[[nodiscard]] io::TenxMatrix select_features(const io::TenxMatrix& matrix, const std::vector<bool>& keep);
/// The features of one type (10x: "Gene Expression", "Antibody Capture", "Multiplexing Capture", "Custom" …).
[[nodiscard]] io::TenxMatrix features_of_type(const io::TenxMatrix& matrix, std::string_view type);
[[nodiscard]] io::TenxMatrix select_barcodes(const io::TenxMatrix& matrix, std::span<const std::size_t> rows);
/// Distinct types, in the order of the file.
[[nodiscard]] std::vector<std::string> feature_types(const io::TenxMatrix& matrix);

/// Molecules and detected features per barcode.
struct BarcodeTotals {
  std::vector<std::uint64_t> molecules, features;
};
[[nodiscard]] BarcodeTotals barcode_totals(const io::CsrMatrix& counts);

}  // namespace immucan::scrna
