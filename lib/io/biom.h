#pragma once
// BIOM 2.1 (HDF5): features × samples with their metadata (https://biom-format.org/documentation/format_versions/
// biom-2.1.html).
#include <filesystem>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/run_context.h"
#include "io/hdf5.h"
#include "io/sparse_matrix.h"

namespace immucan::io {

/// One value per id: text, number, or a list of texts (a lineage; shorter ones are padded with "").
struct BiomMetadata {
  std::string name;
  std::variant<std::vector<std::string>, std::vector<double>, std::vector<std::vector<std::string>>> values;
};

/// `values` is observations × samples; an id appears once on its axis.
struct BiomTable {
  std::string id = "No Table ID";
  std::string type = "OTU table";  ///< one of the controlled list, or ""
  std::string generated_by;        ///< "" becomes "immucan VERSION"
  std::string creation_date;       ///< ISO 8601; "" becomes SOURCE_DATE_EPOCH, else 1970
  std::vector<std::string> observation_ids, sample_ids;
  SparseMatrix<double> values;
  std::vector<BiomMetadata> observation_metadata, sample_metadata;
  std::vector<std::string> passed_over;  ///< objects of the file that have no place here, by path
};

/// Both copies of the matrix, by observation and by sample. Status 70 when lengths disagree or the type is not of the
/// list.
void write_biom(const std::filesystem::path& path, const BiomTable& table, unsigned threads = 1);

/// Reads BIOM 2.0 and 2.1. 65 naming the object when a required attribute is missing, the type is not of the list, ids
/// are not unique, a matrix is no compressed matrix, or the two copies differ. BIOM 1 (JSON) is refused with the
/// remedy.
[[nodiscard]] BiomTable read_biom(const Hdf5Reader& in);
[[nodiscard]] BiomTable read_biom(const std::filesystem::path& path, core::RunContext& context);

}  // namespace immucan::io
