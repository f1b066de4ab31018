#include "io/sparse_matrix.h"

namespace immucan::io {

CsrMatrix select_rows(const CsrMatrix& matrix, std::span<const std::size_t> rows) {
  CsrMatrix out;
  out.rows = rows.size();
  out.columns = matrix.columns;
  std::size_t stored = 0;
  for (const std::size_t row : rows) stored += matrix.row_columns(row).size();
  out.column.reserve(stored);
  out.value.reserve(stored);
  out.row_start.reserve(rows.size() + 1);
  for (const std::size_t row : rows) {
    const auto columns = matrix.row_columns(row);
    const auto values = matrix.row_values(row);
    out.column.insert(out.column.end(), columns.begin(), columns.end());
    out.value.insert(out.value.end(), values.begin(), values.end());
    out.row_start.push_back(static_cast<std::int64_t>(out.column.size()));
  }
  return out;
}

template <class Value>
SparseMatrix<Value> transpose(const SparseMatrix<Value>& matrix) {
  SparseMatrix<Value> out;
  out.rows = matrix.columns;
  out.columns = matrix.rows;
  out.row_start.assign(out.rows + 1, 0);
  for (const std::int32_t column : matrix.column) ++out.row_start[static_cast<std::size_t>(column) + 1];
  for (std::size_t i = 1; i < out.row_start.size(); ++i) out.row_start[i] += out.row_start[i - 1];
  out.column.resize(matrix.stored());
  out.value.resize(matrix.stored());
  std::vector<std::int64_t> next(out.row_start.begin(), out.row_start.end() - 1);
  for (std::size_t row = 0; row < matrix.rows; ++row) {
    const auto columns = matrix.row_columns(row);
    const auto values = matrix.row_values(row);
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const auto at = static_cast<std::size_t>(next[static_cast<std::size_t>(columns[i])]++);
      out.column[at] = static_cast<std::int32_t>(row);
      out.value[at] = values[i];
    }
  }
  return out;
}
template SparseMatrix<float> transpose(const SparseMatrix<float>&);
template SparseMatrix<double> transpose(const SparseMatrix<double>&);

}  // namespace immucan::io
