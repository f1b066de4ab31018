#pragma once
// Count matrices as Cell Ranger 3 and later write them: the folder of three gzip files, and the .h5.
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/output.h"
#include "core/run_context.h"
#include "io/byte_source.h"
#include "io/hdf5.h"
#include "io/sparse_matrix.h"

namespace immucan::io {

struct TenxFeature {
  std::string id, name;
  std::string type = "Gene Expression";
};

struct TenxMatrix {
  std::vector<std::string> barcodes;
  std::vector<TenxFeature> features;
  CsrMatrix counts;  ///< barcodes × features
};

/// One barcode per line. 65 on an empty line or a barcode twice.
[[nodiscard]] std::vector<std::string> read_barcode_list(std::unique_ptr<ByteSource> source);

/// DIR/relative/{matrix.mtx.gz, barcodes.tsv.gz, features.tsv.gz}. `integers` false writes real values (EM).
void write_tenx_folder(core::OutputSet& outputs, const std::filesystem::path& relative, const TenxMatrix& matrix,
                       unsigned threads, bool integers = true);
/// The same three files, compressed or not. 65 when lengths do not agree or a barcode or feature id appears twice.
[[nodiscard]] TenxMatrix read_tenx_folder(const std::filesystem::path& folder, core::RunContext& context);

/// Cell Ranger's .h5 (compressed columns by barcode).
void write_tenx_h5(const std::filesystem::path& path, const TenxMatrix& matrix, const std::string& genome,
                   std::string_view chemistry, unsigned threads);
/// Of Cell Ranger 3 and later; 65 naming the object. Rows come back sorted.
[[nodiscard]] TenxMatrix read_tenx_h5(const Hdf5Reader& in);
[[nodiscard]] TenxMatrix read_tenx_h5(const std::filesystem::path& path, core::RunContext& context);

}  // namespace immucan::io
