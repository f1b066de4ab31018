#include <fmt/format.h>
#include <hdf5.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <type_traits>
#include <utility>

#include "core/digest.h"
#include "core/error.h"
#include "core/text.h"
#include "io/hdf5.h"
#include "io/hdf5_chunk_table.h"
#include "io/hdf5_chunks.h"
#include "io/hdf5_driver.h"
#include "io/hdf5_handle.h"
#include "io/hdf5_heaps.h"
#include "io/hdf5_metadata.h"
#include "io/hdf5_storage.h"
#include "io/hdf5_strings.h"

namespace immucan::io {

using detail::Hdf5Handle;

namespace {

constexpr const char* kRewrite = "Write the file again with the tool that made it";

core::FileRecord hash_file(const std::filesystem::path& path, const std::string& name) {
  std::ifstream in(path, std::ios::binary);
  if (!in) core::raise_input_errno(name, "open", errno != 0 ? errno : EIO);
  core::Sha256 digest;
  std::string buffer(std::size_t{1} << 20, '\0');
  core::FileRecord record{path.filename().string(), 0, {}};
  while (in) {
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    digest.update(std::string_view(buffer).substr(0, static_cast<std::size_t>(in.gcount())));
    record.size += static_cast<std::uint64_t>(in.gcount());
  }
  record.sha256 = digest.hex();
  return record;
}

}  // namespace

struct Hdf5Reader::State {
  std::string name;
  std::string image;  ///< kept alive for a file in memory
  std::optional<detail::Hdf5Bytes> bytes;
  // All of these read from the bytes.
  Hdf5Handle file;
  std::string user_block;
  std::optional<HeapReader> heaps;
  detail::StorageLimits limits{core::kDefaultMaxExpansion};
  std::optional<ObjectHeaders> headers;
  unsigned threads = 1;
  const core::InterruptSource* interrupt = nullptr;

  [[nodiscard]] Hdf5Handle dataset(const std::string& path) const {
    return {H5Dopen2(file.get(), path.c_str(), H5P_DEFAULT), H5Dclose};
  }
  /// An open data set whose values may be read.
  struct Values {
    Hdf5Handle dataset, type;
    std::size_t size = 0;                     ///< bytes of an element as stored
    std::optional<detail::ChunkTable> table;  ///< of chunks that libhdf5 does not follow itself
    std::size_t elements = 0;
  };
  /// Refused when the values are not ours to read or too many; `memory_size`: bytes of one once it is read.
  [[nodiscard]] Values values(const Hdf5Reader& reader, const std::string& path, std::size_t memory_size);
  [[nodiscard]] std::optional<detail::ChunkTable> located_chunks(const Hdf5Reader& reader, const std::string& path,
                                                                 const Hdf5Handle& dataset, std::size_t element_size);
  [[nodiscard]] detail::FetchChunk fetch(const Values& from) const;
  /// Before libhdf5 reads the values itself.
  static void check_chunks(const Hdf5Reader& reader, const std::string& path, const Values& from);
  /// The values as they are stored, of a data set with a table.
  void assemble(const Hdf5Reader& reader, const std::string& path, const Values& from, std::span<char> out) const;
  void open();
  /// A link into another file counts as absent: a container must not make us read what the user did not name. Every
  /// object on the way is looked at before the library opens it.
  [[nodiscard]] bool exists(const std::string& path, int deepest = 8);
  [[nodiscard]] bool leads_on(const std::string& step, int deepest);
};

namespace {

Hdf5Kind kind_of_type(hid_t type) {
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
      return Hdf5Kind::kIntegers;
    case H5T_FLOAT:
      return Hdf5Kind::kReals;
    case H5T_STRING:
      return Hdf5Kind::kStrings;
    case H5T_ENUM:
      return H5Tget_nmembers(type) == 2 && H5Tget_size(type) == 1 ? Hdf5Kind::kBooleans : Hdf5Kind::kOther;
    default:
      return Hdf5Kind::kOther;
  }
}

/// Bytes before the signature; 0 unless small enough to be one of ours or of muon.
std::size_t user_block_size(const Hdf5Handle& file) {
  const Hdf5Handle creation(H5Fget_create_plist(file.get()), H5Pclose);
  hsize_t bytes = 0;
  if (!creation.valid() || H5Pget_userblock(creation.get(), &bytes) < 0 || bytes > (hsize_t{1} << 20)) return 0;
  return static_cast<std::size_t>(bytes);
}

/// It prints nothing, and does not tidy up when the program ends: a damaged file that it could not close once (pinned
/// entries of its cache, under checksums mended on purpose) crashes it then. Nothing of ours is left open.
void prepare_library() {
  H5dont_atexit();
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

[[noreturn]] void refuse_file(const std::string& name) {
  core::raise({name, core::Place::byte(0), "not a whole HDF5 file (wrong signature, damaged or truncated)",
               "Give an .h5ad or .h5 file, or copy it again"});
}

[[noreturn]] void refuse_object(const std::string& name, const std::string& path, std::string_view what) {
  core::raise({name, core::Place::none(), fmt::format("object {}: {}", core::printable(path), what), kRewrite});
}

}  // namespace

/// The superblock and the root are looked at first: the library reads them on opening.
void Hdf5Reader::State::open() {
  const ReadAt read_at = [this](std::uint64_t place, std::size_t size, std::string& out) {
    bytes->read(place, size, out);
  };
  const auto superblock = read_superblock(bytes->size(), read_at);
  if (!superblock) refuse_file(name);
  headers.emplace(*superblock, read_at,
                  [this](std::uint64_t place, const std::string& instead) { bytes->show_instead(place, instead); });
  heaps.emplace(superblock->file, read_at);
  limits.set_file_bytes(bytes->size());
  if (const auto outcome = headers->check(headers->root()); !outcome) refuse_object(name, "/", outcome.error());
  file = bytes->open_in_library();
  if (!file.valid()) refuse_file(name);
  read_at(0, user_block_size(file), user_block);
}

std::optional<detail::ChunkTable> Hdf5Reader::State::located_chunks(const Hdf5Reader& reader, const std::string& path,
                                                                    const Hdf5Handle& dataset,
                                                                    std::size_t element_size) {
  H5O_info_t info;
  if (H5Oget_info2(dataset.get(), &info, H5O_INFO_BASIC) < 0) return std::nullopt;
  const detail::ChunkIndex* const index = headers->new_chunk_index(info.addr);
  if (index == nullptr) return std::nullopt;
  if (index->dimensions.back() != element_size || index->dimensions.size() != reader.shape(path).size() + 1) {
    reader.fail(path, "has chunks that do not go with its values");
  }
  auto table = detail::ChunkTable::read(headers->superblock(), headers->read_at(), *index);
  if (!table) reader.fail(path, table.error());
  return std::move(*table);
}

Hdf5Reader::State::Values Hdf5Reader::State::values(const Hdf5Reader& reader, const std::string& path,
                                                    std::size_t memory_size) {
  Values found{.dataset = dataset(path)};
  found.type = {H5Dget_type(found.dataset.get()), H5Tclose};
  found.size = H5Tis_variable_str(found.type.get()) > 0 ? heaps->reference_bytes() : H5Tget_size(found.type.get());
  if (found.size == 0) reader.fail(path, "cannot be opened (damaged file)");
  found.table = located_chunks(reader, path, found.dataset, found.size);
  const std::uint64_t stored = found.table ? found.table->stored_bytes() : H5Dget_storage_size(found.dataset.get());
  const auto elements = limits.elements(found.dataset.get(), reader.shape(path), stored, found.size, memory_size);
  if (!elements) reader.fail(path, elements.error().what, elements.error().remedy);
  found.elements = *elements;
  return found;
}

detail::FetchChunk Hdf5Reader::State::fetch(const Values& from) const {
  if (!from.table) return detail::fetch_by_library(from.dataset.get());
  return [this, &table = *from.table](std::span<const std::uint64_t> offset, std::uint64_t most_bytes,
                                      std::vector<char>& stored, std::uint32_t& skipped) {
    const detail::LocatedChunk* const chunk = table.find(offset);
    if (chunk == nullptr || chunk->bytes > most_bytes) return detail::Fetched::kDamaged;
    if (chunk->bytes == 0) return detail::Fetched::kAbsent;
    stored.resize(static_cast<std::size_t>(chunk->bytes));
    skipped = chunk->skipped;
    const bool whole = bytes->read(chunk->place, stored.size(), stored.data()) == stored.size();
    return whole ? detail::Fetched::kChunk : detail::Fetched::kDamaged;
  };
}

void Hdf5Reader::State::check_chunks(const Hdf5Reader& reader, const std::string& path, const Values& from) {
  if (!detail::chunks_are_whole(from.dataset.get(), from.size)) reader.fail(path, "holds a damaged chunk");
}

void Hdf5Reader::State::assemble(const Hdf5Reader& reader, const std::string& path, const Values& from,
                                 std::span<char> out) const {
  if (!detail::assemble_chunks(from.dataset.get(), fetch(from), from.size, out)) {
    reader.fail(path, "holds a damaged chunk");
  }
}

bool Hdf5Reader::State::leads_on(const std::string& step, int deepest) {
  H5L_info_t link;
  if (H5Lexists(file.get(), step.c_str(), H5P_DEFAULT) <= 0 ||
      H5Lget_info(file.get(), step.c_str(), &link, H5P_DEFAULT) < 0) {
    return false;
  }
  if (link.type == H5L_TYPE_HARD) {
    if (const auto outcome = headers->check(link.u.address); !outcome) refuse_object(name, step, outcome.error());
    return true;
  }
  if (link.type != H5L_TYPE_SOFT || deepest == 0) return false;
  std::string target(link.u.val_size, '\0');
  if (H5Lget_val(file.get(), step.c_str(), target.data(), target.size(), H5P_DEFAULT) < 0) return false;
  target.resize(std::min(target.find('\0'), target.size()));
  if (!target.starts_with('/')) target = step.substr(0, step.rfind('/') + 1) + target;
  return exists(target, deepest - 1);
}

bool Hdf5Reader::State::exists(const std::string& path, int deepest) {
  if (path == "/") return true;
  for (std::size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
    if (!leads_on(path.substr(0, at), deepest)) return false;
    if (at == std::string::npos) return H5Oexists_by_name(file.get(), path.c_str(), H5P_DEFAULT) > 0;
  }
}

Hdf5Reader::Hdf5Reader(const std::filesystem::path& path, core::RunContext& context)
    : state_(std::make_unique<State>()) {
  prepare_library();
  state_->name = path.string();
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) core::raise_input_errno(state_->name, "open", error ? error.value() : ENOENT);
  if (std::filesystem::is_directory(status)) core::raise_input_errno(state_->name, "open", EISDIR);
  core::FileRecord record = hash_file(path, state_->name);
  context.inputs.add(std::move(record));
  state_->threads = std::max(1U, context.threads);
  state_->interrupt = &context.interrupt;
  state_->limits = detail::StorageLimits(context.max_expansion);
  state_->bytes.emplace(path, state_->name);
  state_->open();
}

Hdf5Reader::Hdf5Reader(std::string_view image, std::string name) : state_(std::make_unique<State>()) {
  prepare_library();
  state_->name = std::move(name);
  state_->image = image;
  state_->bytes.emplace(state_->image);
  state_->open();
}

Hdf5Reader::~Hdf5Reader() = default;
Hdf5Reader::Hdf5Reader(Hdf5Reader&&) noexcept = default;

const std::string& Hdf5Reader::name() const {
  return state_->name;
}

const std::string& Hdf5Reader::user_block() const {
  return state_->user_block;
}

void Hdf5Reader::fail(const std::string& path, std::string_view what, std::string_view remedy) const {
  core::raise({state_->name, core::Place::none(), fmt::format("object {}: {}", core::printable(path), what),
               std::string(remedy.empty() ? kRewrite : remedy)});
}

Hdf5Kind Hdf5Reader::kind(const std::string& path) const {
  if (!state_->exists(path)) return Hdf5Kind::kAbsent;
  const Hdf5Handle object(H5Oopen(state_->file.get(), path.c_str(), H5P_DEFAULT), H5Oclose);
  if (!object.valid()) fail(path, "cannot be opened (damaged file)");
  const H5I_type_t type = H5Iget_type(object.get());
  if (type == H5I_GROUP) return Hdf5Kind::kGroup;
  if (type != H5I_DATASET) return Hdf5Kind::kOther;
  const Hdf5Handle stored(H5Dget_type(object.get()), H5Tclose);
  return kind_of_type(stored.get());
}

std::vector<std::string> Hdf5Reader::members(const std::string& path) const {
  std::vector<std::string> names;
  if (!state_->exists(path)) fail(path, "group is missing");
  const Hdf5Handle group(H5Gopen2(state_->file.get(), path.c_str(), H5P_DEFAULT), H5Gclose);
  if (!group.valid()) fail(path, "group is missing");
  hsize_t at = 0;
  const auto collect = [](hid_t, const char* name, const H5L_info_t*, void* out) -> herr_t {
    static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    return 0;
  };
  if (H5Literate(group.get(), H5_INDEX_NAME, H5_ITER_INC, &at, collect, &names) < 0)
    fail(path, "cannot be listed (damaged file)");
  std::ranges::sort(names);
  return names;
}

std::vector<std::uint64_t> Hdf5Reader::shape(const std::string& path) const {
  const Hdf5Handle dataset = state_->exists(path) ? state_->dataset(path) : Hdf5Handle();
  if (!dataset.valid()) fail(path, "data set is missing");
  const Hdf5Handle space(H5Dget_space(dataset.get()), H5Sclose);
  const int rank = H5Sget_simple_extent_ndims(space.get());
  if (rank < 0) fail(path, "has no dimensions (damaged file)");
  std::vector<hsize_t> dimensions(static_cast<std::size_t>(rank));
  H5Sget_simple_extent_dims(space.get(), dimensions.data(), nullptr);
  return {dimensions.begin(), dimensions.end()};
}

namespace {

/// What a number type is called in memory and in our files.
template <class T>
struct NumberType {
  static hid_t memory();
  static hid_t file();
};
#define IMMUCAN_NUMBER_TYPE(type, native, stored) \
  template <>                                     \
  hid_t NumberType<type>::memory() {              \
    return native;                                \
  }                                               \
  template <>                                     \
  hid_t NumberType<type>::file() {                \
    return stored;                                \
  }
IMMUCAN_NUMBER_TYPE(std::int8_t, H5T_NATIVE_INT8, H5T_STD_I8LE)
IMMUCAN_NUMBER_TYPE(std::int16_t, H5T_NATIVE_INT16, H5T_STD_I16LE)
IMMUCAN_NUMBER_TYPE(std::int32_t, H5T_NATIVE_INT32, H5T_STD_I32LE)
IMMUCAN_NUMBER_TYPE(std::int64_t, H5T_NATIVE_INT64, H5T_STD_I64LE)
IMMUCAN_NUMBER_TYPE(std::uint8_t, H5T_NATIVE_UINT8, H5T_STD_U8LE)
IMMUCAN_NUMBER_TYPE(std::uint16_t, H5T_NATIVE_UINT16, H5T_STD_U16LE)
IMMUCAN_NUMBER_TYPE(std::uint32_t, H5T_NATIVE_UINT32, H5T_STD_U32LE)
IMMUCAN_NUMBER_TYPE(std::uint64_t, H5T_NATIVE_UINT64, H5T_STD_U64LE)
IMMUCAN_NUMBER_TYPE(float, H5T_NATIVE_FLOAT, H5T_IEEE_F32LE)
IMMUCAN_NUMBER_TYPE(double, H5T_NATIVE_DOUBLE, H5T_IEEE_F64LE)
#undef IMMUCAN_NUMBER_TYPE

struct ReadFrom {
  const Hdf5Reader& reader;
  const std::string& path;
  std::size_t elements;
  hid_t type, dataset;
  unsigned threads;
  const core::InterruptSource* interrupt;
  detail::FetchChunk fetch;
  /// By whatever way serves any layout and filter: as many values of this type of memory and size as there are.
  std::function<void(hid_t memory, std::size_t size, void* out)> read_all;
};

template <class T>
std::vector<T> sized_vector(std::size_t elements) {
  std::vector<T> values;
  values.reserve(elements);
  detail::prefer_huge_pages(values.data(), elements * sizeof(T));
  values.resize(elements);
  return values;
}

/// False when T cannot hold one of the values: clipped, an index would point at the wrong place.
template <class T, class Stored>
bool convert_elements(const char* stored, std::size_t count, char* wanted) {
  bool fits = true;
  for (std::size_t i = 0; i < count; ++i) {
    Stored value;
    std::memcpy(&value, stored + i * sizeof(Stored), sizeof(Stored));
    if constexpr (std::is_integral_v<T> && std::is_integral_v<Stored>) fits &= std::in_range<T>(value);
    const T converted = static_cast<T>(value);
    std::memcpy(wanted + i * sizeof(T), &converted, sizeof(T));
  }
  return fits;
}

template <class T, class Stored>
constexpr detail::ElementKind element_kind() {
  constexpr bool kSame = std::is_same_v<T, Stored>;
  constexpr bool kHalf = std::is_integral_v<T> && std::is_integral_v<Stored> && sizeof(Stored) == 2 * sizeof(T);
  return {sizeof(Stored), sizeof(T), kSame ? nullptr : convert_elements<T, Stored>, kHalf};
}

template <class T>
[[noreturn]] void fail_range(const ReadFrom& from, bool negative) {
  if (negative) from.reader.fail(from.path, "holds a negative value");
  from.reader.fail(from.path, fmt::format("holds a value beyond {}", std::numeric_limits<T>::max()));
}

template <class T, class Stored>
std::vector<T> read_whole(const ReadFrom& from) {
  std::vector<Stored> stored = sized_vector<Stored>(from.elements);
  from.read_all(NumberType<Stored>::memory(), sizeof(Stored), stored.data());
  if constexpr (std::is_same_v<T, Stored>) {
    return stored;
  } else {
    if constexpr (std::is_integral_v<T> && std::is_integral_v<Stored>) {
      for (const Stored value : stored) {
        if (!std::in_range<T>(value)) fail_range<T>(from, std::cmp_less(value, 0));
      }
    }
    std::vector<T> values = sized_vector<T>(stored.size());
    std::ranges::transform(stored, values.begin(), [](Stored value) { return static_cast<T>(value); });
    return values;
  }
}

template <class T, class Stored>
std::vector<T> read_converted(const ReadFrom& from) {
  if (from.elements == 0) return {};
  if (H5Tequal(from.type, NumberType<Stored>::file()) > 0) {
    std::vector<T> values;
    values.reserve(from.elements);
    detail::prefer_huge_pages(values.data(), from.elements * sizeof(T));
    const auto append = [&](std::span<const char> bytes) {
      const auto* const begin = reinterpret_cast<const T*>(bytes.data());
      values.insert(values.end(), begin, begin + bytes.size() / sizeof(T));
    };
    const auto outcome = detail::read_chunks(from.dataset, from.fetch, element_kind<T, Stored>(), from.elements, append,
                                             from.threads, from.interrupt);
    if (outcome == detail::ChunkOutcome::kDone) return values;
    if (outcome == detail::ChunkOutcome::kDamaged) from.reader.fail(from.path, "holds a damaged chunk");
  }
  return read_whole<T, Stored>(from);
}

template <class T>
std::vector<T> read_integers(const ReadFrom& from) {
  const bool is_signed = H5Tget_sign(from.type) == H5T_SGN_2;
  switch (H5Tget_size(from.type)) {
    case 1:
      return is_signed ? read_converted<T, std::int8_t>(from) : read_converted<T, std::uint8_t>(from);
    case 2:
      return is_signed ? read_converted<T, std::int16_t>(from) : read_converted<T, std::uint16_t>(from);
    case 4:
      return is_signed ? read_converted<T, std::int32_t>(from) : read_converted<T, std::uint32_t>(from);
    case 8:
      return is_signed ? read_converted<T, std::int64_t>(from) : read_converted<T, std::uint64_t>(from);
    default:
      from.reader.fail(from.path, "holds integers of an unusual width");
  }
}

}  // namespace

template <class T>
std::vector<T> Hdf5Reader::array(const std::string& path) const {
  const Hdf5Kind what = kind(path);
  if (what == Hdf5Kind::kAbsent) fail(path, "data set is missing");
  if (what != Hdf5Kind::kIntegers && what != Hdf5Kind::kReals) fail(path, "does not hold numbers");
  if (std::is_integral_v<T> && what == Hdf5Kind::kReals) fail(path, "holds real numbers where integers are wanted");
  const State::Values values = state_->values(*this, path, sizeof(T));
  const auto read_all = [&](hid_t memory, std::size_t size, void* out) {
    if (!values.table) {
      State::check_chunks(*this, path, values);
      if (H5Dread(values.dataset.get(), memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) >= 0) return;
      fail(path, "cannot be read (damaged or truncated data)");
    }
    std::vector<char> stored(values.elements * std::max(size, values.size));
    state_->assemble(*this, path, values, std::span(stored).first(values.elements * values.size));
    if (H5Tconvert(values.type.get(), memory, values.elements, stored.data(), nullptr, H5P_DEFAULT) < 0) {
      fail(path, "cannot be read (damaged or truncated data)");
    }
    std::memcpy(out, stored.data(), values.elements * size);
  };
  const ReadFrom from{.reader = *this,
                      .path = path,
                      .elements = values.elements,
                      .type = values.type.get(),
                      .dataset = values.dataset.get(),
                      .threads = state_->threads,
                      .interrupt = state_->interrupt,
                      .fetch = state_->fetch(values),
                      .read_all = read_all};
  if (what == Hdf5Kind::kIntegers) return read_integers<T>(from);
  if constexpr (std::is_floating_point_v<T>) {
    if (values.size > sizeof(float)) return read_converted<T, double>(from);
    return read_converted<T, float>(from);
  }
  return {};
}
template std::vector<std::int32_t> Hdf5Reader::array(const std::string&) const;
template std::vector<std::int64_t> Hdf5Reader::array(const std::string&) const;
template std::vector<std::uint64_t> Hdf5Reader::array(const std::string&) const;
template std::vector<float> Hdf5Reader::array(const std::string&) const;
template std::vector<double> Hdf5Reader::array(const std::string&) const;

std::vector<std::uint8_t> Hdf5Reader::booleans(const std::string& path) const {
  if (kind(path) != Hdf5Kind::kBooleans) fail(path, "is not a boolean array");
  const State::Values from = state_->values(*this, path, 1);
  std::vector<std::uint8_t> values(from.elements);
  if (from.table) {
    state_->assemble(*this, path, from, std::span(reinterpret_cast<char*>(values.data()), values.size()));
    return values;
  }
  State::check_chunks(*this, path, from);
  if (!values.empty() &&
      H5Dread(from.dataset.get(), from.type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) {
    fail(path, "cannot be read (damaged or truncated data)");
  }
  return values;
}

std::vector<std::string> Hdf5Reader::strings(const std::string& path) const {
  const Hdf5Kind what = kind(path);
  if (what == Hdf5Kind::kAbsent) fail(path, "data set is missing");
  if (what != Hdf5Kind::kStrings) fail(path, "does not hold strings");
  const detail::RawReferences raw;
  const State::Values from = state_->values(*this, path, sizeof(std::string));
  std::optional<std::string> stored;
  if (from.table) {
    stored.emplace(from.elements * from.size, '\0');
    state_->assemble(*this, path, from, *stored);
  } else {
    State::check_chunks(*this, path, from);
  }
  auto values = detail::read_texts(detail::TextHolder::kDataset, from.dataset.get(), from.type.get(), from.elements,
                                   *state_->heaps, std::move(stored));
  if (!values) fail(path, values.error());
  return std::move(*values);
}

std::optional<std::vector<std::string>> Hdf5Reader::strings_attribute(const std::string& path,
                                                                      const std::string& name) const {
  if (!has_attribute(path, name)) return std::nullopt;
  const Hdf5Handle attribute(H5Aopen_by_name(state_->file.get(), path.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT),
                             H5Aclose);
  const Hdf5Handle type(H5Aget_type(attribute.get()), H5Tclose);
  if (!attribute.valid() || H5Tget_class(type.get()) != H5T_STRING) {
    // anndata stores an empty column-order as a zero-length array of doubles.
    const Hdf5Handle space(H5Aget_space(attribute.get()), H5Sclose);
    if (attribute.valid() && H5Sget_simple_extent_npoints(space.get()) == 0) return std::vector<std::string>{};
    fail(path, fmt::format("attribute {} is not text", name));
  }
  const Hdf5Handle space(H5Aget_space(attribute.get()), H5Sclose);
  const hssize_t points = H5Sget_simple_extent_npoints(space.get());
  if (points < 0 || points > (hssize_t{1} << 20)) fail(path, fmt::format("attribute {} is damaged", name));
  const detail::RawReferences raw;
  auto values = detail::read_texts(detail::TextHolder::kAttribute, attribute.get(), type.get(),
                                   static_cast<std::size_t>(points), *state_->heaps);
  if (!values) fail(path, fmt::format("attribute {}: {}", name, values.error()));
  return std::move(*values);
}

std::optional<std::string> Hdf5Reader::string_attribute(const std::string& path, const std::string& name) const {
  auto values = strings_attribute(path, name);
  if (!values) return std::nullopt;
  if (values->size() != 1) fail(path, fmt::format("attribute {} holds {} texts instead of one", name, values->size()));
  return std::move(values->front());
}

bool Hdf5Reader::has_attribute(const std::string& path, const std::string& name) const {
  return state_->exists(path) && H5Aexists_by_name(state_->file.get(), path.c_str(), name.c_str(), H5P_DEFAULT) > 0;
}

std::optional<bool> Hdf5Reader::boolean_attribute(const std::string& path, const std::string& name) const {
  if (!has_attribute(path, name)) return std::nullopt;
  const Hdf5Handle attribute(H5Aopen_by_name(state_->file.get(), path.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT),
                             H5Aclose);
  const Hdf5Handle type(H5Aget_type(attribute.get()), H5Tclose);
  const Hdf5Handle space(H5Aget_space(attribute.get()), H5Sclose);
  std::int8_t value = 0;
  if (!attribute.valid() || kind_of_type(type.get()) != Hdf5Kind::kBooleans ||
      H5Sget_simple_extent_npoints(space.get()) != 1 || H5Aget_storage_size(attribute.get()) < 1 ||
      H5Aread(attribute.get(), type.get(), &value) < 0) {
    fail(path, fmt::format("attribute {} is not a boolean", name));
  }
  return value != 0;
}

std::optional<std::vector<std::int64_t>> Hdf5Reader::integers_attribute(const std::string& path,
                                                                        const std::string& name) const {
  if (!has_attribute(path, name)) return std::nullopt;
  const Hdf5Handle attribute(H5Aopen_by_name(state_->file.get(), path.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT),
                             H5Aclose);
  const Hdf5Handle type(H5Aget_type(attribute.get()), H5Tclose);
  const Hdf5Handle space(H5Aget_space(attribute.get()), H5Sclose);
  const hssize_t points = H5Sget_simple_extent_npoints(space.get());
  if (!attribute.valid() || H5Tget_class(type.get()) != H5T_INTEGER || points < 0 || points > 64 ||
      H5Aget_storage_size(attribute.get()) < static_cast<std::size_t>(points) * H5Tget_size(type.get())) {
    fail(path, fmt::format("attribute {} is not a short list of integers", name));
  }
  std::vector<std::int64_t> values(static_cast<std::size_t>(points));
  if (!values.empty() && H5Aread(attribute.get(), H5T_NATIVE_INT64, values.data()) < 0) {
    fail(path, fmt::format("attribute {} cannot be read", name));
  }
  return values;
}

}  // namespace immucan::io
