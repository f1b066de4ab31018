#pragma once
// AnnData (.h5ad), encodings anndata 0.1.0, dataframe 0.2.0, csr_matrix 0.1.0, string-array 0.2.0, categorical 0.2.0
// (https://anndata.readthedocs.io, "On-disk format").
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/run_context.h"
#include "io/hdf5.h"
#include "io/sparse_matrix.h"

namespace immucan::io {

struct Categorical {
  std::vector<std::int32_t> codes;  ///< -1 = missing
  std::vector<std::string> categories;
  bool ordered = false;
};

struct Booleans {
  std::vector<std::uint8_t> values;  ///< 0 or 1
};

struct DataFrameColumn {
  std::string name;
  std::variant<std::vector<double>, std::vector<std::int64_t>, std::vector<std::string>, Booleans, Categorical> values;
};

struct DataFrame {
  std::vector<std::string> index;  ///< unique
  std::vector<DataFrameColumn> columns;
};

struct DenseMatrix {
  std::uint64_t rows = 0, columns = 0;
  std::vector<double> values;  ///< row-major
};

/// Observations × variables. `obsm` rows are observations.
struct AnnData {
  DataFrame obs, var;
  std::optional<CsrMatrix> x;
  std::vector<std::pair<std::string, CsrMatrix>> layers;
  std::vector<std::pair<std::string, DenseMatrix>> obsm;
};

/// Writes the members of one AnnData under `prefix` ("" for a whole file, "/mod/rna" inside a MuData); the group itself
/// must exist unless it is the root.
void write_anndata_members(Hdf5Writer& out, const std::string& prefix, const AnnData& data);
void write_anndata(const std::filesystem::path& path, const AnnData& data, unsigned threads = 1);

/// Reads obs, var, X, layers and obsm; X and layers may be csr, csc or dense, columns numeric, text, boolean,
/// categorical or nullable (missing becomes NaN; text becomes ""). Other members are passed over. 65 naming the object
/// otherwise.
[[nodiscard]] AnnData read_anndata(const Hdf5Reader& in, const std::string& prefix = "");
[[nodiscard]] AnnData read_anndata(const std::filesystem::path& path, core::RunContext& context);

}  // namespace immucan::io
