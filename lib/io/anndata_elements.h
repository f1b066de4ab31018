#pragma once
// Private to the sources of AnnData and MuData: the elements both are made of, each written and read in one place.
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "io/anndata.h"

namespace immucan::io::detail {

// --- writing (anndata_write.cpp)
void encode(Hdf5Writer& out, const std::string& path, std::string_view type, std::string_view version);
/// A group of encoding `dict`.
void write_dictionary_group(Hdf5Writer& out, const std::string& path);
void write_frame(Hdf5Writer& out, const std::string& path, const DataFrame& frame);
void write_dense(Hdf5Writer& out, const std::string& path, const DenseMatrix& matrix);
void write_csr(Hdf5Writer& out, const std::string& path, const CsrMatrix& matrix);
void write_dictionary(Hdf5Writer& out, const std::string& path, const Dictionary& dictionary);

// --- reading (anndata_elements.cpp, anndata_read.cpp)
/// The attribute encoding-type, "" when there is none; 65 when its version is not one that we know.
[[nodiscard]] std::string encoding_of(const Hdf5Reader& in, const std::string& path);
void check_length(const Hdf5Reader& in, const std::string& path, std::size_t have, std::size_t want);
/// `unique`: 65 when a name of the index appears twice.
[[nodiscard]] DataFrame read_frame(const Hdf5Reader& in, const std::string& path, bool unique = true);
/// Two dimensions of numbers; one dimension is one column.
[[nodiscard]] DenseMatrix read_dense(const Hdf5Reader& in, const std::string& path);
[[nodiscard]] bool is_sparse(const Hdf5Reader& in, const std::string& path);
/// Sparse or dense, rows × columns as given.
[[nodiscard]] CsrMatrix read_matrix(const Hdf5Reader& in, const std::string& path, std::uint64_t rows,
                                    std::uint64_t columns);
/// Dense members with `rows` rows; others go to `passed_over`, except those named in `skip`.
[[nodiscard]] std::vector<std::pair<std::string, DenseMatrix>> read_aligned(const Hdf5Reader& in,
                                                                            const std::string& path, std::size_t rows,
                                                                            std::vector<std::string>& passed_over,
                                                                            const std::vector<std::string>& skip = {});
[[nodiscard]] std::vector<std::pair<std::string, CsrMatrix>> read_pairwise(const Hdf5Reader& in,
                                                                           const std::string& path, std::size_t size);
[[nodiscard]] Dictionary read_dictionary(const Hdf5Reader& in, const std::string& path,
                                         std::vector<std::string>& passed_over, int depth = 0);

}  // namespace immucan::io::detail
