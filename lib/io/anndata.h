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
  std::vector<std::int32_t> codes;      ///< -1 = missing
  std::vector<std::string> categories;  ///< unique
  bool ordered = false;
};

struct Booleans {
  std::vector<std::uint8_t> values;  ///< 0 or 1
};

/// Values that may be missing one by one; what stands under a missing one means nothing.
template <class T>
struct Nullable {
  std::vector<T> values;
  std::vector<std::uint8_t> missing;  ///< as long as values; 1 = missing
};
using NullableIntegers = Nullable<std::int64_t>;
using NullableStrings = Nullable<std::string>;
struct NullableBooleans : Nullable<std::uint8_t> {};

struct DataFrameColumn {
  std::string name;
  std::variant<std::vector<double>, std::vector<std::int64_t>, std::vector<std::string>, Booleans, Categorical,
               NullableIntegers, NullableBooleans, NullableStrings>
      values;
};

struct DataFrame {
  std::vector<std::string> index;  ///< unique
  std::vector<DataFrameColumn> columns;
};

struct DenseMatrix {
  std::uint64_t rows = 0, columns = 0;
  std::vector<double> values;  ///< row-major; NaN = missing
};

template <class T>
struct NumberArray {
  std::vector<std::uint64_t> shape;
  std::vector<T> values;  ///< row-major
};

struct Element;

/// Named elements, in the order of the file (ascending by byte when read).
struct Dictionary {
  std::vector<std::string> names;
  std::vector<Element> values;

  void add(std::string name, Element value);
  /// nullptr when absent.
  [[nodiscard]] const Element* find(std::string_view name) const;
};

/// What `uns` may hold: scalars, arrays, tables and dictionaries of them.
struct Element {
  std::variant<Dictionary, std::string, double, std::int64_t, bool, NumberArray<double>, NumberArray<std::int64_t>,
               Booleans, std::vector<std::string>, CsrMatrix, DataFrame, Categorical>
      value;
};

/// `raw`: the matrix before variables were selected, with its own variables.
struct RawData {
  std::optional<CsrMatrix> x;
  DataFrame var;
};

/// Observations × variables. `obsm` rows are observations, `varm` rows variables; `obsp` and `varp` are square.
struct AnnData {
  DataFrame obs, var;
  std::optional<CsrMatrix> x;
  std::vector<std::pair<std::string, CsrMatrix>> layers;
  std::vector<std::pair<std::string, DenseMatrix>> obsm, varm;
  std::vector<std::pair<std::string, CsrMatrix>> obsp, varp;
  Dictionary uns;
  std::optional<DenseMatrix> dense_x;  ///< instead of x
  std::vector<std::pair<std::string, DenseMatrix>> dense_layers;
  std::optional<RawData> raw;
  std::vector<std::string> passed_over;  ///< objects of the file that have no place here, by path
};

/// Writes the members of one AnnData under `prefix` ("" for a whole file, "/mod/rna" inside a MuData); the group itself
/// must exist unless it is the root.
void write_anndata_members(Hdf5Writer& out, const std::string& prefix, const AnnData& data);
void write_anndata(const std::filesystem::path& path, const AnnData& data, unsigned threads = 1);

struct AnnDataReading {
  /// A dense X becomes dense_x, dense layers dense_layers; otherwise their non-zero values become x and layers.
  bool keep_dense = false;
};

/// Reads files of anndata 0.7 and later. X, layers and raw may be csr, csc or dense and of any number type: values are
/// held as float when sparse. Columns may be numeric, text, boolean, categorical or nullable. What has no place
/// (structured arrays, tables within obsm) is named in `passed_over`. 65 naming the object on anything else: an
/// encoding-version that is not known, lengths that disagree, an index out of range.
[[nodiscard]] AnnData read_anndata(const Hdf5Reader& in, const std::string& prefix = "",
                                   const AnnDataReading& reading = {});
[[nodiscard]] AnnData read_anndata(const std::filesystem::path& path, core::RunContext& context,
                                   const AnnDataReading& reading = {});

}  // namespace immucan::io
