#include <fmt/format.h>
#include <hdf5.h>
#include <libdeflate.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <memory>

#include "core/error.h"
#include "core/ordered_batches.h"
#include "io/byte_shuffle.h"
#include "io/hdf5.h"
#include "io/hdf5_handle.h"

namespace immucan::io {

using detail::Hdf5Handle;

namespace {

static_assert(sizeof(hid_t) == sizeof(std::int64_t));

template <class T>
hid_t file_type();
template <>
hid_t file_type<std::int8_t>() {
  return H5T_STD_I8LE;
}
template <>
hid_t file_type<std::int16_t>() {
  return H5T_STD_I16LE;
}
template <>
hid_t file_type<std::int32_t>() {
  return H5T_STD_I32LE;
}
template <>
hid_t file_type<std::int64_t>() {
  return H5T_STD_I64LE;
}
template <>
hid_t file_type<std::uint32_t>() {
  return H5T_STD_U32LE;
}
template <>
hid_t file_type<float>() {
  return H5T_IEEE_F32LE;
}
template <>
hid_t file_type<double>() {
  return H5T_IEEE_F64LE;
}

Hdf5Handle string_type(std::size_t size, bool utf8) {
  Hdf5Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.get(), size);
  H5Tset_cset(type.get(), utf8 ? H5T_CSET_UTF8 : H5T_CSET_ASCII);
  H5Tset_strpad(type.get(), utf8 ? H5T_STR_NULLTERM : H5T_STR_NULLPAD);
  return type;
}

Hdf5Handle boolean_type() {
  Hdf5Handle type(H5Tenum_create(H5T_STD_I8LE), H5Tclose);
  std::int8_t value = 0;
  H5Tenum_insert(type.get(), "FALSE", &value);
  value = 1;
  H5Tenum_insert(type.get(), "TRUE", &value);
  return type;
}

/// Fills in the next values of an array, given room for them in bytes.
using Fill = std::function<void(std::span<char>)>;

/// Rows of one array, as they are cut into chunks.
struct Rows {
  const char* bytes;  ///< nullptr: each chunk brings its own
  std::size_t rows, row_elements, element_size;
  std::size_t rows_per_chunk;

  [[nodiscard]] std::size_t row_bytes() const { return row_elements * element_size; }
  [[nodiscard]] std::size_t chunk_bytes() const { return rows_per_chunk * row_bytes(); }
};

struct Chunk {
  std::size_t first_row = 0;
  std::vector<char> filled, padded, shuffled, stored;
  std::size_t stored_bytes = 0;
  std::unique_ptr<libdeflate_compressor, void (*)(libdeflate_compressor*)> compressor{libdeflate_alloc_compressor(1),
                                                                                      libdeflate_free_compressor};
};

void compress(Chunk& chunk, const Rows& rows) {
  const std::size_t bytes = rows.chunk_bytes();
  const char* plain = rows.bytes != nullptr ? rows.bytes + chunk.first_row * rows.row_bytes() : chunk.filled.data();
  const std::size_t inside = std::min(rows.rows_per_chunk, rows.rows - chunk.first_row) * rows.row_bytes();
  if (inside < bytes) {  // a chunk is always stored whole
    chunk.padded.assign(plain, plain + inside);
    chunk.padded.resize(bytes, '\0');
    plain = chunk.padded.data();
  }
  chunk.shuffled.resize(bytes);
  detail::shuffle_bytes(plain, bytes / rows.element_size, rows.element_size, chunk.shuffled.data());
  chunk.stored.resize(libdeflate_zlib_compress_bound(chunk.compressor.get(), bytes));
  chunk.stored_bytes = libdeflate_zlib_compress(chunk.compressor.get(), chunk.shuffled.data(), bytes,
                                                chunk.stored.data(), chunk.stored.size());
}

}  // namespace

struct Hdf5Writer::State {
  std::string name;
  Hdf5Handle file;
  unsigned threads = 1;

  [[noreturn]] void fail(const std::string& path) const {
    const int number = errno;
    throw core::Error(core::Status::kIoError,
                      fmt::format("{}: cannot write {} ({}). Free some space or choose another folder.", name, path,
                                  number != 0 ? std::strerror(number) : "HDF5 refused it"));
  }
  void require(bool good, const std::string& path) const {
    if (!good) fail(path);
  }

  [[nodiscard]] Hdf5Handle create(const std::string& path, hid_t type, std::span<const std::uint64_t> shape,
                                  std::size_t rows_per_chunk) const {
    errno = 0;
    const std::vector<hsize_t> dimensions(shape.begin(), shape.end());
    const Hdf5Handle space(H5Screate_simple(static_cast<int>(dimensions.size()), dimensions.data(), nullptr), H5Sclose);
    const Hdf5Handle properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    H5Pset_obj_track_times(properties.get(), false);
    if (rows_per_chunk != 0) {
      std::vector<hsize_t> chunk = dimensions;
      chunk.front() = rows_per_chunk;
      H5Pset_chunk(properties.get(), static_cast<int>(chunk.size()), chunk.data());
      H5Pset_shuffle(properties.get());
      H5Pset_deflate(properties.get(), 1);
    }
    Hdf5Handle dataset(
        H5Dcreate2(file.get(), path.c_str(), type, space.get(), H5P_DEFAULT, properties.get(), H5P_DEFAULT), H5Dclose);
    require(dataset.valid(), path);
    return dataset;
  }

  /// Compression is parallel, writing is not.
  void write_chunks(const std::string& path, const Hdf5Handle& dataset, const Rows& rows, std::size_t rank,
                    const Fill& fill = {}) const {
    std::size_t next = 0;
    core::ordered_batches<Chunk>(
        {.threads = threads},
        [&](Chunk& chunk) {
          if (next >= rows.rows) return false;
          chunk.first_row = next;
          next += rows.rows_per_chunk;
          if (fill) {
            chunk.filled.resize((std::min(next, rows.rows) - chunk.first_row) * rows.row_bytes());
            fill(chunk.filled);
          }
          return true;
        },
        [&](Chunk& chunk) { compress(chunk, rows); },
        [&](Chunk& chunk) {
          H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // of this thread: the library would print
          std::vector<hsize_t> offset(rank, 0);
          offset.front() = chunk.first_row;
          errno = 0;
          require(H5Dwrite_chunk(dataset.get(), H5P_DEFAULT, 0, offset.data(), chunk.stored_bytes,
                                 chunk.stored.data()) >= 0,
                  path);
        });
  }

  void write_array(const std::string& path, hid_t type, const char* bytes, std::size_t elements, std::size_t size,
                   std::span<const std::uint64_t> shape) const {
    const std::uint64_t one[] = {elements};
    if (shape.empty()) shape = one;
    if (elements < kHdf5ChunkElements) {
      const Hdf5Handle dataset = create(path, type, shape, 0);
      if (elements == 0) return;
      errno = 0;
      return require(H5Dwrite(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes) >= 0, path);
    }
    const auto rows = static_cast<std::size_t>(shape.front());
    const std::size_t row_elements = elements / rows;
    const std::size_t rows_per_chunk = std::max<std::size_t>(1, kHdf5ChunkElements / row_elements);
    const Hdf5Handle dataset = create(path, type, shape, rows_per_chunk);
    write_chunks(path, dataset, {bytes, rows, row_elements, size, rows_per_chunk}, shape.size());
  }

  void write_in_parts(const std::string& path, hid_t type, std::size_t elements, std::size_t size,
                      const Fill& fill) const {
    if (elements < kHdf5ChunkElements) {
      std::vector<char> bytes(elements * size);
      if (elements != 0) fill(bytes);
      return write_array(path, type, bytes.data(), elements, size, {});
    }
    const std::uint64_t shape[] = {elements};
    const Hdf5Handle dataset = create(path, type, shape, kHdf5ChunkElements);
    write_chunks(path, dataset, {nullptr, elements, 1, size, kHdf5ChunkElements}, 1, fill);
  }

  void write_scalar(const std::string& path, hid_t type, const void* value) const {
    errno = 0;
    const Hdf5Handle space(H5Screate(H5S_SCALAR), H5Sclose);
    const Hdf5Handle properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    H5Pset_obj_track_times(properties.get(), false);
    const Hdf5Handle dataset(
        H5Dcreate2(file.get(), path.c_str(), type, space.get(), H5P_DEFAULT, properties.get(), H5P_DEFAULT), H5Dclose);
    require(dataset.valid(), path);
    require(H5Dwrite(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, value) >= 0, path);
  }

  void write_attribute(const std::string& path, const std::string& name_of, hid_t type, const Hdf5Handle& space,
                       const void* value) const {
    errno = 0;
    const Hdf5Handle attribute(H5Acreate_by_name(file.get(), path.c_str(), name_of.c_str(), type, space.get(),
                                                 H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                               H5Aclose);
    require(attribute.valid(), path + "@" + name_of);
    if (value != nullptr) require(H5Awrite(attribute.get(), type, value) >= 0, path + "@" + name_of);
  }
};

Hdf5Writer::Hdf5Writer(const std::filesystem::path& path, std::size_t user_block, unsigned threads)
    : state_(std::make_unique<State>()) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  state_->name = path.string();
  state_->threads = std::max(1U, threads);
  const Hdf5Handle creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
  H5Pset_obj_track_times(creation.get(), false);
  if (user_block != 0) H5Pset_userblock(creation.get(), user_block);
  const Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_libver_bounds(access.get(), H5F_LIBVER_V18, H5F_LIBVER_V18);
  H5Pset_fclose_degree(access.get(), H5F_CLOSE_STRONG);
  errno = 0;
  state_->file = {H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.get(), access.get()), H5Fclose};
  if (!state_->file.valid()) core::raise_create_errno(state_->name, errno != 0 ? errno : EIO);
}

Hdf5Writer::~Hdf5Writer() = default;
Hdf5Writer::Hdf5Writer(Hdf5Writer&&) noexcept = default;

void Hdf5Writer::group(const std::string& path) {
  if (path == "/") return;
  const Hdf5Handle properties(H5Pcreate(H5P_GROUP_CREATE), H5Pclose);
  H5Pset_obj_track_times(properties.get(), false);
  errno = 0;
  const Hdf5Handle group(H5Gcreate2(state_->file.get(), path.c_str(), H5P_DEFAULT, properties.get(), H5P_DEFAULT),
                         H5Gclose);
  state_->require(group.valid(), path);
}

template <class T>
void Hdf5Writer::array(const std::string& path, std::span<const T> values, std::span<const std::uint64_t> shape) {
  state_->write_array(path, file_type<T>(), reinterpret_cast<const char*>(values.data()), values.size(), sizeof(T),
                      shape);
}
template void Hdf5Writer::array(const std::string&, std::span<const std::int8_t>, std::span<const std::uint64_t>);
template void Hdf5Writer::array(const std::string&, std::span<const std::int16_t>, std::span<const std::uint64_t>);
template void Hdf5Writer::array(const std::string&, std::span<const std::int32_t>, std::span<const std::uint64_t>);
template void Hdf5Writer::array(const std::string&, std::span<const std::int64_t>, std::span<const std::uint64_t>);
template void Hdf5Writer::array(const std::string&, std::span<const std::uint32_t>, std::span<const std::uint64_t>);
template void Hdf5Writer::array(const std::string&, std::span<const float>, std::span<const std::uint64_t>);
template void Hdf5Writer::array(const std::string&, std::span<const double>, std::span<const std::uint64_t>);

template <class T>
void Hdf5Writer::array_in_parts(const std::string& path, std::size_t size,
                                const std::function<void(std::span<T>)>& next) {
  state_->write_in_parts(path, file_type<T>(), size, sizeof(T), [&](std::span<char> bytes) {
    next({reinterpret_cast<T*>(bytes.data()), bytes.size() / sizeof(T)});
  });
}
template void Hdf5Writer::array_in_parts(const std::string&, std::size_t,
                                         const std::function<void(std::span<std::int16_t>)>&);
template void Hdf5Writer::array_in_parts(const std::string&, std::size_t,
                                         const std::function<void(std::span<std::uint32_t>)>&);

void Hdf5Writer::booleans(const std::string& path, std::span<const std::uint8_t> values,
                          std::span<const std::uint64_t> shape) {
  const Hdf5Handle type = boolean_type();
  state_->write_array(path, type.get(), reinterpret_cast<const char*>(values.data()), values.size(), 1, shape);
}

void Hdf5Writer::strings(const std::string& path, std::span<const std::string> values,
                         std::span<const std::uint64_t> shape) {
  const Hdf5Handle type = string_type(H5T_VARIABLE, true);
  std::vector<const char*> pointers;
  pointers.reserve(values.size());
  for (const std::string& value : values) pointers.push_back(value.c_str());
  const std::uint64_t one[] = {values.size()};
  const Hdf5Handle dataset =
      state_->create(path, type.get(), shape.empty() ? std::span<const std::uint64_t>(one) : shape, 0);
  if (values.empty()) return;
  errno = 0;
  state_->require(H5Dwrite(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers.data()) >= 0, path);
}

void Hdf5Writer::fixed_strings(const std::string& path, std::span<const std::string> values) {
  std::size_t width = 1;
  for (const std::string& value : values) width = std::max(width, value.size());
  const Hdf5Handle type = string_type(width, false);
  std::string packed(values.size() * width, '\0');
  for (std::size_t i = 0; i < values.size(); ++i)
    std::ranges::copy(values[i], packed.begin() + static_cast<std::ptrdiff_t>(i * width));
  const std::uint64_t shape[] = {values.size()};
  const Hdf5Handle dataset = state_->create(path, type.get(), shape, 0);
  if (values.empty()) return;
  errno = 0;
  state_->require(H5Dwrite(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, packed.data()) >= 0, path);
}

void Hdf5Writer::scalar(const std::string& path, std::string_view value) {
  const Hdf5Handle type = string_type(H5T_VARIABLE, true);
  const std::string text(value);
  const char* pointer = text.c_str();
  state_->write_scalar(path, type.get(), &pointer);
}

void Hdf5Writer::scalar(const std::string& path, std::int64_t value) {
  state_->write_scalar(path, H5T_STD_I64LE, &value);
}

void Hdf5Writer::scalar(const std::string& path, double value) {
  state_->write_scalar(path, H5T_IEEE_F64LE, &value);
}

void Hdf5Writer::scalar(const std::string& path, bool value) {
  const Hdf5Handle type = boolean_type();
  const std::int8_t byte = value ? 1 : 0;
  state_->write_scalar(path, type.get(), &byte);
}

void Hdf5Writer::attribute(const std::string& path, const std::string& name, std::string_view value) {
  const Hdf5Handle type = string_type(H5T_VARIABLE, true);
  const Hdf5Handle space(H5Screate(H5S_SCALAR), H5Sclose);
  const std::string text(value);
  const char* pointer = text.c_str();
  state_->write_attribute(path, name, type.get(), space, &pointer);
}

void Hdf5Writer::attribute(const std::string& path, const std::string& name, std::int64_t value) {
  const Hdf5Handle space(H5Screate(H5S_SCALAR), H5Sclose);
  state_->write_attribute(path, name, H5T_STD_I64LE, space, &value);
}

void Hdf5Writer::attribute(const std::string& path, const std::string& name, bool value) {
  const Hdf5Handle type = boolean_type();
  const Hdf5Handle space(H5Screate(H5S_SCALAR), H5Sclose);
  const std::int8_t byte = value ? 1 : 0;
  state_->write_attribute(path, name, type.get(), space, &byte);
}

void Hdf5Writer::attribute(const std::string& path, const std::string& name, std::span<const std::string> values) {
  const Hdf5Handle type = string_type(H5T_VARIABLE, true);
  const hsize_t count = values.size();
  const Hdf5Handle space(H5Screate_simple(1, &count, nullptr), H5Sclose);
  std::vector<const char*> pointers;
  for (const std::string& value : values) pointers.push_back(value.c_str());
  state_->write_attribute(path, name, type.get(), space, values.empty() ? nullptr : pointers.data());
}

void Hdf5Writer::attribute(const std::string& path, const std::string& name, std::span<const std::int64_t> values) {
  const hsize_t count = values.size();
  const Hdf5Handle space(H5Screate_simple(1, &count, nullptr), H5Sclose);
  state_->write_attribute(path, name, H5T_STD_I64LE, space, values.empty() ? nullptr : values.data());
}

void Hdf5Writer::close() {
  if (!state_->file.valid()) return;
  errno = 0;
  if (H5Fflush(state_->file.get(), H5F_SCOPE_LOCAL) < 0 || !state_->file.reset()) state_->fail("the file");
}

}  // namespace immucan::io
