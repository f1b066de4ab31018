#include "io/hdf5_metadata.h"

#include <fmt/format.h>

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "io/hdf5_checksum.h"
#include "io/hdf5_chunk_index.h"
#include "io/hdf5_messages.h"

namespace immucan::io {

using detail::Fields;
using detail::MessageChecker;

namespace {

using std::literals::operator""sv;
constexpr std::string_view kFileSignature = "\x89HDF\r\n\x1a\n"sv;
constexpr std::size_t kPrefix = 16;                   // of a version 1 header
constexpr std::size_t kSignature = 4, kChecksum = 4;  // of each piece of a version 2 header
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

constexpr const char* kContradicting = "has messages that contradict each other";

std::string fault_of(const MessageChecker& checker, unsigned type) {
  return fmt::format(
      "{} of type {}",
      checker.lies_elsewhere() ? "shares with other objects, which is not read, its message" : "has a damaged message",
      type);
}

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
        return std::unexpected(fault_of(checker, type));
      }
      if (const auto next = checker.take_continuation()) runs.push_back(*next);
    }
  }
  if (!checker.fits_together()) return std::unexpected(kContradicting);
  return {};
}

/// A piece of a version 2 header: messages between a beginning and a checksum.
struct NewRun {
  std::uint64_t place = 0, size = 0;  ///< with both
  std::size_t begin = 0;              ///< of the messages
};

/// Where the messages of a version 2 header begin, and whether they are numbered; nullopt where it is cut off.
std::optional<std::pair<NewRun, bool>> new_prefix(const Hdf5Superblock& file, const ReadAt& read_at,
                                                  std::uint64_t address) {
  constexpr std::size_t kLongestPrefix = 34;
  constexpr std::uint64_t kVersion = 2, kNumbered = 4, kLimits = 0x10, kTimes = 0x20;
  std::string prefix;
  read_at(address + file.file.base, kLongestPrefix, prefix);
  Fields fields(prefix);
  fields.skip(kSignature);
  if (fields.number(1) != kVersion) return std::nullopt;
  const std::uint64_t flags = fields.number(1);
  if ((flags & kTimes) != 0) fields.skip(16);
  if ((flags & kLimits) != 0) fields.skip(4);
  const std::uint64_t size = fields.number(std::size_t{1} << (flags & 3U));
  if (!fields.good() || size > kLargestHeader) return std::nullopt;
  return std::pair(NewRun{address, fields.at() + size + kChecksum, fields.at()}, (flags & kNumbered) != 0);
}

/// The whole version 2 header. What the library has to see otherwise is shown with a checksum that fits.
std::expected<void, std::string> check_new_messages(const Hdf5Superblock& file, const ReadAt& read_at,
                                                    const ShowInstead& show, std::uint64_t address,
                                                    MessageChecker& checker) {
  const auto prefix = new_prefix(file, read_at, address);
  if (!prefix) return std::unexpected("is damaged");
  const std::size_t head = prefix->second ? 6 : 4;
  std::vector<NewRun> runs = {prefix->first};
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const NewRun run = runs[i];
    if (run.size > kLargestHeader || runs.size() > kMostChunks) return std::unexpected("is too large");
    auto bytes = read_piece(read_at, file.file, run.place, run.size);
    if (!bytes) return {};  // of a cut file, as the library will say
    const std::string_view all = *bytes, body = all.substr(0, all.size() - kChecksum);
    if (Fields(all.substr(body.size())).number(kChecksum) != detail::metadata_checksum(body)) {
      return std::unexpected("has another checksum than its bytes");
    }
    if (i != 0 && !all.starts_with("OCHK")) return std::unexpected("is damaged");
    std::vector<detail::Replacement> replaced;
    Fields messages(body);
    messages.skip(run.begin);
    while (messages.left() >= head) {
      const auto type = static_cast<unsigned>(messages.number(1));
      const auto length = static_cast<std::size_t>(messages.number(2));
      const auto flags = static_cast<unsigned>(messages.number(1));
      messages.skip(head - 4);
      if (length > messages.left()) return std::unexpected(fmt::format("has a message of type {} that is cut", type));
      const std::size_t begin = messages.at();
      auto instead = checker.check_new(type, flags, messages.text(length));
      if (!instead) return std::unexpected(fault_of(checker, type));
      for (detail::Replacement& one : *instead) replaced.push_back({begin + one.at, std::move(one.bytes)});
      if (const auto next = checker.take_continuation()) {
        if (next->second < kSignature + kChecksum) return std::unexpected("is damaged");
        runs.push_back({next->first, next->second, kSignature});
      }
    }
    if (replaced.empty()) continue;
    const std::size_t end = body.size();
    for (const auto& one : replaced) bytes->replace(one.at, one.bytes.size(), one.bytes);
    const std::uint32_t checksum = detail::metadata_checksum(std::string_view(*bytes).substr(0, end));
    for (std::size_t k = 0; k < kChecksum; ++k) (*bytes)[end + k] = static_cast<char>(checksum >> (8 * k));
    show(run.place + file.file.base, *bytes);
  }
  if (!checker.fits_together()) return std::unexpected(kContradicting);
  return {};
}

/// The index of chunks that libhdf5 does not follow itself is left in `new_chunks`.
std::expected<void, std::string> check_header(const Hdf5Superblock& file, const ReadAt& read_at,
                                              const ShowInstead& show, std::uint64_t address,
                                              std::optional<detail::ChunkIndex>& new_chunks) {
  const auto prefix = read_piece(read_at, file.file, address, kPrefix);
  if (!prefix) return std::unexpected("lies behind the end of the file");
  MessageChecker checker(file.file.address_bytes, file.file.length_bytes);
  if (prefix->starts_with("OHDR")) {
    const auto outcome = check_new_messages(file, read_at, show, address, checker);
    if (!outcome) return outcome;
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
  auto chunks = checker.chunk_index();
  if (!chunks) return {};
  if (chunks->kind == detail::ChunkIndexKind::kTree) return detail::check_chunk_index(file, read_at, *chunks);
  new_chunks = std::move(chunks);
  return {};
}

/// The extension of a superblock may say how many entries a node of chunks has. It is a header without an object, of
/// either version.
std::expected<void, std::string> read_extension(Hdf5Superblock& file, const ReadAt& read_at, std::uint64_t address) {
  MessageChecker checker(file.file.address_bytes, file.file.length_bytes);
  const auto prefix = read_piece(read_at, file.file, address, kPrefix);
  if (!prefix) return std::unexpected("has an extension behind its end");
  if (prefix->starts_with("OHDR")) {
    const auto ignore = [](std::uint64_t, const std::string&) {};
    const auto outcome = check_new_messages(file, read_at, ignore, address, checker);
    if (!outcome) return outcome;
  } else {
    Fields fields(*prefix);
    fields.skip(8);
    const std::uint64_t size = fields.number(4);
    const auto bytes = size > kLargestHeader ? std::nullopt : read_piece(read_at, file.file, address + kPrefix, size);
    if (!bytes) return std::unexpected("has an extension that is cut off");
    Fields messages(*bytes);
    while (messages.left() >= 8) {
      const auto type = static_cast<unsigned>(messages.number(2));
      const auto length = static_cast<std::size_t>(messages.number(2));
      messages.skip(4);
      constexpr unsigned kTreeSizes = 19, kContinuation = 16;
      const std::string_view message = messages.text(length);
      if (type == kTreeSizes || type == kContinuation) (void)checker.check_new(type, 0, message);
      if (checker.take_continuation()) return std::unexpected("has an extension in several pieces");
    }
  }
  if (const auto entries = checker.chunk_entries()) file.chunk_entries = *entries;
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
    const std::uint64_t extension = fields.number(found.file.address_bytes);
    fields.skip(found.file.address_bytes);  // end
    if (extension != no_address(found.file)) {
      if (auto outcome = read_extension(found, read_at, extension); !outcome) return std::unexpected(outcome.error());
    }
  }
  found.root = fields.number(found.file.address_bytes);
  if (!fields.good()) return std::unexpected("has a superblock that is cut off");
  return found;
}

std::expected<void, std::string> ObjectHeaders::check(std::uint64_t address) {
  if (sound_.contains(address)) return {};
  std::optional<detail::ChunkIndex> new_chunks;
  if (auto outcome = check_header(file_, read_at_, show_, address, new_chunks); !outcome) {
    return std::unexpected(fmt::format("header at byte {} {}", address + file_.file.base, outcome.error()));
  }
  if (new_chunks) new_chunks_.emplace(address, std::move(*new_chunks));
  sound_.insert(address);
  return {};
}

const detail::ChunkIndex* ObjectHeaders::new_chunk_index(std::uint64_t address) const {
  const auto found = new_chunks_.find(address);
  return found == new_chunks_.end() ? nullptr : &found->second;
}

}  // namespace immucan::io
