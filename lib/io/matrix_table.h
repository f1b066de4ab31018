#pragma once
// A numeric table held in memory: a header with column names, then one row per gene (first column) and one number per
// sample. TSV, or GCT 1.2 (recognised by its first line, whose description column is left out).
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/run_context.h"
#include "io/byte_source.h"

namespace immucan::io {

/// Row-major in blocks of about 1 MB, so that a table of unknown length never needs twice its memory.
class MatrixTable {
 public:
  std::string name;                       ///< file, for messages
  std::vector<std::string> row_names;     ///< genes
  std::vector<std::string> column_names;  ///< samples

  [[nodiscard]] std::size_t rows() const { return row_names.size(); }
  [[nodiscard]] std::size_t columns() const { return column_names.size(); }
  [[nodiscard]] std::span<const double> row(std::size_t index) const {
    return {blocks_[index / rows_per_block_].get() + index % rows_per_block_ * columns(), columns()};
  }
  [[nodiscard]] std::span<double> row(std::size_t index) {
    return {blocks_[index / rows_per_block_].get() + index % rows_per_block_ * columns(), columns()};
  }
  /// Appends a row of undefined values and returns it; column_names must be complete.
  std::span<double> add_row(std::string row_name);

 private:
  std::size_t rows_per_block_ = 0;
  std::vector<std::unique_ptr<double[]>> blocks_;
};

struct MatrixTableOptions {
  bool allow_duplicate_rows = false;  ///< the caller decides what to do with them
  bool allow_missing = false;         ///< empty and NA become NaN
};

/// Every value must be a finite number, or missing where that is allowed. 65 on text, a missing or infinite value, a
/// row of another length, a GCT file of other sizes than it says, a repeated or missing column name, a repeated (unless
/// allowed) or missing row name, and on a table without rows or columns.
[[nodiscard]] MatrixTable read_matrix_table(std::unique_ptr<ByteSource> source, const MatrixTableOptions& options = {},
                                            core::RunContext* context = nullptr);
[[nodiscard]] MatrixTable read_matrix_table(const std::filesystem::path& path, core::RunContext& context,
                                            const MatrixTableOptions& options = {});

}  // namespace immucan::io
