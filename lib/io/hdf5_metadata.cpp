#include "io/hdf5_metadata.h"

#include <fmt/format.h>

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "io/hdf5_chunk_index.h"
#include "io/hdf5_messages.h"

namespace immucan::io {

using detail::Fields;
using detail::MessageChecker;

namespace {

using std::literals::operator""sv;
constexpr std::string_view kFileSignature = "\x89HDF\r\n\x1a\n"sv;
constexpr std::size_t kPrefix = 16;  // of a version 1 header
constexpr std::uint64_t kLargestHeader = std::uint64_t{1} << 26;
constexpr std::size_t kMostChunks = 4096;
constexpr std::size_t kDeepestTree = 64;
constexpr std::uint64_t kMostNodes = std::uint64_t{1} << 22;

/// Group of version 1: a tree of nodes of symbols whose names lie in a local heap.
class OldGroup {
 public:
  OldGroup(const Hdf5Superblock& file, const ReadAt& read_at) : file_(file), read_at_(read_at) {}

  bool is_sound(std::uint64_t tree, std::uint64_t heap) { return read_heap(heap) && tree_is_sound(tree, kDeepestTree); }

 private:
  bool read_heap(std::uint64_t address) {
    const std::size_t length = file_.file.length_bytes;
    const auto header = read_piece(read_at_, file_.file, address, 8 + 2 * length + file_.file.address_bytes);
    if (!header || !header->starts_with("HEAP")) return false;
    Fields fields(*header);
    fields.skip(8);
    const std::uint64_t size = fields.number(length), free_space = fields.number(length);
    const std::uint64_t data = fields.number(file_.file.address_bytes);
    if (size > kLargestHeader) return false;
    auto names = read_piece(read_at_, file_.file, data, size);
    if (!names) return false;
    names_ = std::move(*names);
    return free_space_is_sound(free_space);
  }

  /// Free pieces name the next one and their own length; the library follows them in whatever circle.
  [[nodiscard]] bool free_space_is_sound(std::uint64_t offset) const {
    constexpr std::uint64_t kLast = 1;
    const std::size_t length = file_.file.length_bytes;
    for (std::size_t left = names_.size() / (2 * length) + 1; offset != kLast; --left) {
      if (left == 0 || offset > names_.size()) return false;
      Fields free_piece(std::string_view(names_).substr(static_cast<std::size_t>(offset)));
      const std::uint64_t next = free_piece.number(length), bytes = free_piece.number(length);
      if (!free_piece.good() || bytes > names_.size() - offset) return false;
      offset = next;
    }
    return true;
  }

  [[nodiscard]] bool is_name(std::uint64_t offset) const {
    return offset < names_.size() && names_.find('\0', offset) != std::string::npos;
  }

  bool tree_is_sound(std::uint64_t address, std::size_t deepest) {
    if (deepest == 0 || ++nodes_ > kMostNodes) return false;
    const std::size_t length = file_.file.length_bytes, width = file_.file.address_bytes;
    const std::size_t fixed = 8 + 2 * width;
    const auto header = read_piece(read_at_, file_.file, address, fixed);
    if (!header || !header->starts_with("TREE"sv)) return false;
    Fields fields(*header);
    fields.skip(4);
    const std::uint64_t type = fields.number(1), level = fields.number(1), used = fields.number(2);
    if (type != 0 || level >= deepest || used > file_.inner_entries) return false;
    const auto entries = read_piece(read_at_, file_.file, address + fixed, used * (length + width) + length);
    if (!entries) return false;
    Fields pairs(*entries);
    if (!is_name(pairs.number(length))) return false;
    for (std::uint64_t i = 0; i < used; ++i) {
      const std::uint64_t child = pairs.number(width);
      if (!is_name(pairs.number(length))) return false;
      if (!(level == 0 ? symbols_are_sound(child) : tree_is_sound(child, static_cast<std::size_t>(level))))
        return false;
    }
    return true;
  }

  bool symbols_are_sound(std::uint64_t address) {
    if (++nodes_ > kMostNodes) return false;
    const std::size_t length = file_.file.length_bytes, width = file_.file.address_bytes;
    const std::size_t entry = length + width + 24;
    const auto header = read_piece(read_at_, file_.file, address, 8);
    if (!header || !header->starts_with("SNOD")) return false;
    Fields fields(*header);
    fields.skip(6);
    const std::uint64_t used = fields.number(2);
    if (used > file_.leaf_entries) return false;
    const auto entries = read_piece(read_at_, file_.file, address + 8, used * entry);
    if (!entries) return false;
    for (std::uint64_t i = 0; i < used; ++i) {
      Fields symbol(std::string_view(*entries).substr(static_cast<std::size_t>(i) * entry, entry));
      if (!is_name(symbol.number(length))) return false;
      symbol.skip(width);
      constexpr std::uint64_t kSoftLink = 2;
      if (symbol.number(4) != kSoftLink) continue;
      symbol.skip(4);
      if (!is_name(symbol.number(4))) return false;
    }
    return true;
  }

  const Hdf5Superblock& file_;
  const ReadAt& read_at_;
  std::string names_;
  std::uint64_t nodes_ = 0;
};

/// A run of messages: its place and size.
using Run = std::pair<std::uint64_t, std::uint64_t>;

/// All messages of a version 1 header, run by run.
std::expected<void, std::string> check_old_messages(const Hdf5Superblock& file, const ReadAt& read_at,
                                                    std::vector<Run> runs, MessageChecker& checker) {
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto [place, size] = runs[i];
    if (size > kLargestHeader || runs.size() > kMostChunks) return std::unexpected("is too large");
    const auto bytes = read_piece(read_at, file.file, place, size);
    if (!bytes) return std::unexpected("is cut off");
    Fields messages(*bytes);
    while (messages.left() >= 8) {
      const auto type = static_cast<unsigned>(messages.number(2));
      const auto length = static_cast<std::size_t>(messages.number(2));
      const auto flags = static_cast<unsigned>(messages.number(1));
      messages.skip(3);
      if (length > messages.left()) return std::unexpected(fmt::format("has a message of type {} that is cut", type));
      if (!checker.check(type, flags, messages.text(length))) {
        return std::unexpected(fmt::format("{} of type {}",
                                           checker.lies_elsewhere()
                                               ? "shares with other objects, which is not read, its "
                                                 "message"
                                               : "has a damaged message",
                                           type));
      }
      if (const auto next = checker.take_continuation()) runs.push_back(*next);
    }
  }
  if (!checker.fits_together()) return std::unexpected("has messages that contradict each other");
  return {};
}

/// Of a version 2 header the chunks of a data set alone: the rest is under its checksum.
void read_new_messages(const Hdf5Superblock& file, const ReadAt& read_at, std::uint64_t address,
                       MessageChecker& checker) {
  constexpr std::size_t kLongestPrefix = 34, kChecksum = 4, kSignature = 4;
  std::string prefix;
  read_at(address + file.file.base, kLongestPrefix, prefix);
  Fields fields(prefix);
  fields.skip(kSignature + 1);
  const std::uint64_t flags = fields.number(1);
  if ((flags & 0x20U) != 0) fields.skip(16);  // times
  if ((flags & 0x10U) != 0) fields.skip(4);   // limits of attributes
  const std::uint64_t first = fields.number(std::size_t{1} << (flags & 3U));
  std::vector<Run> runs = {{address + fields.at(), first}};
  const std::size_t head = (flags & 4U) != 0 ? 6 : 4;
  for (std::size_t i = 0; i < runs.size() && i < kMostChunks; ++i) {
    const auto [place, size] = runs[i];
    const auto bytes = size > kLargestHeader ? std::nullopt : read_piece(read_at, file.file, place, size);
    if (!bytes) return;  // the library refuses it by the checksum
    Fields messages(*bytes);
    while (messages.left() >= head) {
      const auto type = static_cast<unsigned>(messages.number(1));
      const auto length = static_cast<std::size_t>(messages.number(2));
      messages.skip(head - 3);
      if (length > messages.left()) break;
      checker.look_for_chunks(type, messages.text(length));
      if (const auto next = checker.take_continuation()) {
        if (next->second < kSignature + kChecksum) return;
        runs.emplace_back(next->first + kSignature, next->second - kSignature - kChecksum);
      }
    }
  }
}

std::expected<void, std::string> check_header(const Hdf5Superblock& file, const ReadAt& read_at,
                                              std::uint64_t address) {
  const auto prefix = read_piece(read_at, file.file, address, kPrefix);
  if (!prefix) return std::unexpected("lies behind the end of the file");
  MessageChecker checker(file.file.address_bytes, file.file.length_bytes);
  if (prefix->starts_with("OHDR")) {
    read_new_messages(file, read_at, address, checker);
  } else {
    Fields fields(*prefix);
    if (fields.number(1) != 1) return std::unexpected("is of an unknown version");
    fields.skip(7);
    const auto outcome = check_old_messages(file, read_at, {{address + kPrefix, fields.number(4)}}, checker);
    if (!outcome) return outcome;
  }
  if (const auto group = checker.old_group()) {
    if (!OldGroup(file, read_at).is_sound(group->first, group->second)) {
      return std::unexpected("has a damaged table of members");
    }
  }
  if (const auto chunks = checker.chunk_index()) return detail::check_chunk_index(file, read_at, *chunks);
  return {};
}

}  // namespace

std::optional<std::string> read_piece(const ReadAt& read_at, const HeapReader::File& file, std::uint64_t address,
                                      std::uint64_t size) {
  if (address > file.size || file.base > file.size - address) return std::nullopt;
  const std::uint64_t place = address + file.base;
  if (size > file.size - place) return std::nullopt;
  std::string bytes;
  read_at(place, static_cast<std::size_t>(size), bytes);
  if (bytes.size() != size) return std::nullopt;
  return bytes;
}

std::expected<Hdf5Superblock, std::string> read_superblock(std::uint64_t file_size, const ReadAt& read_at) {
  Hdf5Superblock found;
  found.file.size = file_size;
  std::string bytes;
  for (std::uint64_t base = 0; base < file_size; base = base == 0 ? 512 : 2 * base) {
    read_at(base, 128, bytes);
    if (bytes.starts_with(kFileSignature)) {
      found.file.base = base;
      break;
    }
  }
  Fields fields(bytes);
  if (!bytes.starts_with(kFileSignature)) return std::unexpected("has no HDF5 signature");
  fields.skip(8);
  const std::uint64_t version = fields.number(1);
  const bool is_old = version < 2;
  if (is_old) fields.skip(4);
  found.file.address_bytes = static_cast<std::size_t>(fields.number(1));
  found.file.length_bytes = static_cast<std::size_t>(fields.number(1));
  const auto usual = [](std::size_t size) { return size == 4 || size == 8; };
  if (!usual(found.file.address_bytes) || !usual(found.file.length_bytes)) {
    return std::unexpected("has addresses of an unusual width");
  }
  fields.skip(1);
  if (is_old) {
    found.leaf_entries = 2 * static_cast<unsigned>(fields.number(2));
    found.inner_entries = 2 * static_cast<unsigned>(fields.number(2));
    fields.skip(4);
    if (version == 1) {
      found.chunk_entries = 2 * static_cast<unsigned>(fields.number(2));
      fields.skip(2);
    }
    fields.skip(3 * found.file.address_bytes);  // base, free space, end
    if (fields.number(found.file.address_bytes) != no_address(found.file)) {
      return std::unexpected("is kept in several files");  // the driver's own words, which the library follows
    }
    fields.skip(found.file.address_bytes);  // name of the root
  } else {
    fields.skip(found.file.address_bytes);  // base
    // An extension, under its own checksum, may say how many entries a node of chunks has.
    found.other_entries = fields.number(found.file.address_bytes) != no_address(found.file);
    fields.skip(found.file.address_bytes);  // end
  }
  found.root = fields.number(found.file.address_bytes);
  if (!fields.good()) return std::unexpected("has a superblock that is cut off");
  return found;
}

std::expected<void, std::string> ObjectHeaders::check(std::uint64_t address) {
  if (sound_.contains(address)) return {};
  if (auto outcome = check_header(file_, read_at_, address); !outcome) {
    return std::unexpected(fmt::format("header at byte {} {}", address + file_.file.base, outcome.error()));
  }
  sound_.insert(address);
  return {};
}

}  // namespace immucan::io
