#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace immucan::io {

/// Compressed rows. `row_start` has rows + 1 entries; the columns of a row ascend strictly; stored zeros are not
/// written by our code but are accepted from files.
template <class Value>
struct SparseMatrix {
  std::uint64_t rows = 0, columns = 0;
  std::vector<std::int64_t> row_start{0};
  std::vector<std::int32_t> column;
  std::vector<Value> value;

  [[nodiscard]] std::size_t stored() const { return column.size(); }
  [[nodiscard]] std::span<const std::int32_t> row_columns(std::size_t row) const {
    return std::span(column).subspan(begin(row), length(row));
  }
  [[nodiscard]] std::span<const Value> row_values(std::size_t row) const {
    return std::span(value).subspan(begin(row), length(row));
  }

 private:
  [[nodiscard]] std::size_t begin(std::size_t row) const { return static_cast<std::size_t>(row_start[row]); }
  [[nodiscard]] std::size_t length(std::size_t row) const {
    return static_cast<std::size_t>(row_start[row + 1] - row_start[row]);
  }
};

using CsrMatrix = SparseMatrix<float>;

/// The given rows, in the given order.
[[nodiscard]] CsrMatrix select_rows(const CsrMatrix& matrix, std::span<const std::size_t> rows);
/// Value: float or double.
template <class Value>
[[nodiscard]] SparseMatrix<Value> transpose(const SparseMatrix<Value>& matrix);

}  // namespace immucan::io
