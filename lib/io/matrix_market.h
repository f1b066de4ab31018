#pragma once
// Matrix Market exchange format, coordinate matrices (https://math.nist.gov/MatrixMarket/formats.html).
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "core/output.h"
#include "core/run_context.h"
#include "io/byte_source.h"
#include "io/sparse_matrix.h"

namespace immucan::io {

/// Reads `coordinate` matrices of integer, real or pattern values; symmetric ones are expanded. Entries may come in any
/// order. 65 on anything malformed: a wrong banner, indices out of range, a duplicate entry, fewer or more entries than
/// declared, a value that is not finite. `transposed` returns the transpose (10x's genes × cells as cells × genes), at
/// no cost.
[[nodiscard]] CsrMatrix read_matrix_market(std::unique_ptr<ByteSource> source, bool transposed = false);

struct MatrixMarketOptions {
  bool transposed = false;  ///< write (column, row): a cells × genes matrix appears as 10x's genes × cells
  bool integers = true;     ///< field `integer`; otherwise `real`, shortest round trip. Integer refuses fractions (70)
  unsigned threads = 1;     ///< for compression
};

/// The text, row by row in ascending order, in parts of about 64 KiB.
void format_matrix_market(const CsrMatrix& matrix, const MatrixMarketOptions& options,
                          const std::function<void(std::string_view)>& sink);

/// Row by row in ascending order, compressed as BGZF.
void write_matrix_market_gz(core::OutputFile& out, const CsrMatrix& matrix, const MatrixMarketOptions& options);

}  // namespace immucan::io
