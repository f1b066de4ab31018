#include "io/indexed_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/ordered_batches.h"
#include "core/text.h"

// Layout, little-endian: a header, the sections (each at a multiple of 64, zeros between), the section table, a footer.
// What is known only at the end stands in the footer, so that the file is written front to back.
namespace immucan::io {

static_assert(std::endian::native == std::endian::little, "sections are written as they lie in memory");

namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kLongestKind = 15, kLongestName = 31, kMostSections = 4096;
constexpr std::array<char, 8> kMagic = {'I', 'M', 'M', 'U', 'C', 'A', 'N', '\n'};
constexpr std::array<char, 8> kEndMagic = {'I', 'M', 'M', 'U', 'C', 'E', 'N', 'D'};

struct Header {
  std::array<char, 8> magic{};
  std::array<char, kLongestKind + 1> kind{};
  std::uint32_t format_major = 0, format_minor = 0;
  std::array<char, 24> tool_version{};
  std::uint64_t checksum = 0;  // of the bytes before
};
static_assert(sizeof(Header) == 64);

struct TableEntry {
  std::array<char, kLongestName + 1> name{};
  std::uint64_t offset = 0, size = 0, checksum = 0, reserved = 0;
};
static_assert(sizeof(TableEntry) == 64);

struct Footer {
  std::array<char, 8> magic{};
  std::uint64_t table_offset = 0, sections = 0, table_checksum = 0, file_size = 0, reserved[2] = {0, 0};
  std::uint64_t checksum = 0;  // of the bytes before
};
static_assert(sizeof(Footer) == 64);

template <class T>
std::string_view bytes_of_object(const T& object) {
  return {reinterpret_cast<const char*>(&object), sizeof(T)};
}

template <class T>
std::uint64_t own_checksum(const T& object) {
  return XXH3_64bits(&object, offsetof(T, checksum));
}

template <std::size_t N>
void store(std::array<char, N>& field, std::string_view text) {
  std::memcpy(field.data(), text.data(), std::min(text.size(), N - 1));
}

template <std::size_t N>
std::string_view load(const std::array<char, N>& field) {
  return {field.data(), strnlen(field.data(), N)};
}

/// XXH3-128 of the section table, which holds the checksum of every section.
std::string table_digest(std::string_view table) {
  const XXH128_hash_t hash = XXH3_128bits(table.data(), table.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

/// As run records write it, on the side of the writer and of the reader.
std::string recorded(const std::string& digest) {
  return "xxh3-128:" + digest;
}

struct FreeHash {
  void operator()(XXH3_state_t* hash) const { XXH3_freeState(hash); }
};

std::size_t padding(std::uint64_t offset) {
  return static_cast<std::size_t>((kAlignment - offset % kAlignment) % kAlignment);
}

}  // namespace

struct IndexedFileWriter::State {
  core::OutputFile& out;
  std::uint64_t offset = 0;
  std::vector<TableEntry> table;
  std::unique_ptr<XXH3_state_t, FreeHash> hash{XXH3_createState()};
  bool in_section = false, finished = false;

  explicit State(core::OutputFile& file) : out(file) {
    if (!hash) throw std::bad_alloc();
  }
  void put(std::string_view bytes) {
    out.write(bytes);
    offset += bytes.size();
  }
};

IndexedFileWriter::IndexedFileWriter(core::OutputFile& out, std::string kind, std::uint32_t format_major,
                                     std::uint32_t format_minor, std::string tool_version)
    : state_(std::make_unique<State>(out)) {
  if (kind.empty() || kind.size() > kLongestKind)
    throw std::logic_error("IndexedFileWriter: kind of 1 to 15 characters");
  Header header;
  header.magic = kMagic;
  store(header.kind, kind);
  header.format_major = format_major;
  header.format_minor = format_minor;
  store(header.tool_version, tool_version);
  header.checksum = own_checksum(header);
  state_->put(bytes_of_object(header));
}

IndexedFileWriter::~IndexedFileWriter() = default;

void IndexedFileWriter::begin_section(std::string name) {
  State& s = *state_;
  const auto same_name = [&](const TableEntry& entry) { return load(entry.name) == name; };
  if (s.in_section || s.finished || name.empty() || name.size() > kLongestName || s.table.size() == kMostSections ||
      std::ranges::any_of(s.table, same_name)) {
    throw std::logic_error("IndexedFileWriter: section '" + name + "' cannot be begun");
  }
  s.put(std::string(padding(s.offset), '\0'));
  TableEntry& entry = s.table.emplace_back();
  store(entry.name, name);
  entry.offset = s.offset;
  XXH3_64bits_reset(s.hash.get());
  s.in_section = true;
}

void IndexedFileWriter::write(std::string_view bytes) {
  if (!state_->in_section) throw std::logic_error("IndexedFileWriter: write outside a section");
  XXH3_64bits_update(state_->hash.get(), bytes.data(), bytes.size());
  state_->put(bytes);
}

void IndexedFileWriter::end_section() {
  State& s = *state_;
  if (!s.in_section) throw std::logic_error("IndexedFileWriter: no section to end");
  s.table.back().size = s.offset - s.table.back().offset;
  s.table.back().checksum = XXH3_64bits_digest(s.hash.get());
  s.in_section = false;
}

void IndexedFileWriter::finish() {
  State& s = *state_;
  if (s.in_section || s.finished) throw std::logic_error("IndexedFileWriter: finish in a section, or twice");
  s.put(std::string(padding(s.offset), '\0'));
  Footer footer;
  footer.magic = kEndMagic;
  footer.table_offset = s.offset;
  footer.sections = s.table.size();
  const std::string_view table(reinterpret_cast<const char*>(s.table.data()), s.table.size() * sizeof(TableEntry));
  footer.table_checksum = XXH3_64bits(table.data(), table.size());
  footer.file_size = s.offset + table.size() + sizeof footer;
  footer.checksum = own_checksum(footer);
  s.put(table);
  s.put(bytes_of_object(footer));
  s.out.set_digest(recorded(table_digest(table)));
  s.finished = true;
}

struct IndexedFile::State {
  std::string name, remedy, unread_name;
  bool is_mapped = false;
  int descriptor = -1;
  char* base = nullptr;
  std::size_t size = 0, mapped_size = 0;
  Header header;
  std::vector<TableEntry> table;
  std::string digest;

  ~State() {
    if (base != nullptr) ::munmap(base, mapped_size);
    if (descriptor >= 0) ::close(descriptor);
  }
  [[noreturn]] void fail(core::Place place, std::string what) const {
    core::raise(core::ParseError{name, place, std::move(what), remedy});
  }
  [[noreturn]] void fail_truncated() const {
    fail(core::Place::byte(size), fmt::format("the file is cut off or not complete ({} bytes)", size));
  }

  void open(const std::filesystem::path& path);
  void map();
  void read_at(std::size_t at, std::size_t end, char* into) const;
  void reserve();
  void read_table();
  void read_sections(std::string_view unread, unsigned threads, const core::InterruptSource& interrupt);
  [[nodiscard]] bool in_memory(const TableEntry& entry) const { return !is_mapped && load(entry.name) != unread_name; }
  [[nodiscard]] std::uint64_t checksum(const TableEntry& entry, const core::InterruptSource& interrupt) const;
  void check_header(std::string_view kind, std::uint32_t format_major);
  void check_table();
  void verify(unsigned threads, const core::InterruptSource& interrupt) const;
  void release() const;
  [[nodiscard]] const TableEntry* find(std::string_view section) const {
    const auto found =
        std::ranges::find_if(table, [&](const TableEntry& entry) { return load(entry.name) == section; });
    return found == table.end() ? nullptr : &*found;
  }
};

void IndexedFile::State::open(const std::filesystem::path& path) {
  name = path.string();
  descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat status{};
  if (descriptor < 0 || ::fstat(descriptor, &status) != 0) core::raise_input_errno(name, "open", errno);
  if (S_ISDIR(status.st_mode)) core::raise_input_errno(name, "open", EISDIR);
  if (!S_ISREG(status.st_mode)) fail(core::Place::none(), "this is no regular file");
  size = static_cast<std::size_t>(status.st_size);
}

void IndexedFile::State::map() {
  void* const address = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, descriptor, 0);
  if (address == MAP_FAILED) throw std::bad_alloc();
  base = static_cast<char*>(address);
  mapped_size = size;
  is_mapped = true;
}

void IndexedFile::State::read_at(std::size_t at, std::size_t end, char* into) const {
  while (at < end) {
    const ssize_t count = ::pread(descriptor, into, end - at, static_cast<off_t>(at));
    if (count == 0) fail(core::Place::byte(at), "the file became shorter while it was read");
    if (count < 0 && errno != EINTR) core::raise_input_errno(name, "read", errno);
    if (count <= 0) continue;
    at += static_cast<std::size_t>(count);
    into += count;
  }
}

void IndexedFile::State::reserve() {
  void* const address = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) throw std::bad_alloc();
  base = static_cast<char*>(address);
  mapped_size = size;
  // Random look-ups are 1.8 times as fast on huge pages; where the kernel has none this is a hint without effect.
  (void)::madvise(base, size, MADV_HUGEPAGE);
}

void IndexedFile::State::read_table() {
  if (size < sizeof(Header) + sizeof(Footer)) fail_truncated();
  read_at(size - sizeof(Footer), size, base + size - sizeof(Footer));
  Footer footer;
  std::memcpy(&footer, base + size - sizeof footer, sizeof footer);
  if (footer.magic != kEndMagic) fail_truncated();
  if (footer.table_offset < size) read_at(footer.table_offset, size, base + footer.table_offset);
}

void IndexedFile::State::read_sections(std::string_view unread, unsigned threads,
                                       const core::InterruptSource& interrupt) {
  // Small enough that an index of 100 MB is read, and its pages are made, by all threads.
  constexpr std::size_t kPiece = std::size_t{8} << 20;
  std::vector<std::pair<std::size_t, std::size_t>> pieces;
  const auto add = [&](std::size_t begin, std::size_t end) {
    for (; begin < end; begin += kPiece) pieces.emplace_back(begin, std::min(begin + kPiece, end));
  };
  const TableEntry* const left_out = find(unread);
  add(0, left_out != nullptr ? left_out->offset : size);
  if (left_out != nullptr) add(left_out->offset + left_out->size, size);
  core::parallel_for(
      threads, pieces.size(),
      [&](std::size_t i) { read_at(pieces[i].first, pieces[i].second, base + pieces[i].first); }, &interrupt);
}

void IndexedFile::State::check_header(std::string_view kind, std::uint32_t format_major) {
  // The file is looked at before it is loaded: another kind of file may be large.
  const std::size_t wanted = std::min(size, sizeof header);
  std::size_t got = 0;
  while (got < wanted) {
    const ssize_t count =
        ::pread(descriptor, reinterpret_cast<char*>(&header) + got, wanted - got, static_cast<off_t>(got));
    if (count == 0) break;
    if (count < 0 && errno != EINTR) core::raise_input_errno(name, "read", errno);
    if (count > 0) got += static_cast<std::size_t>(count);
  }
  if (got < sizeof header.magic || header.magic != kMagic) {
    fail(core::Place::byte(0), "this is no index or model of this toolkit (it does not begin with IMMUCAN)");
  }
  if (got < sizeof header) fail_truncated();
  if (header.checksum != own_checksum(header)) fail(core::Place::byte(0), "the header does not match its checksum");
  if (load(header.kind) != kind) {
    fail(core::Place::byte(8),
         fmt::format("the file is of kind '{}', not '{}'", core::printable(load(header.kind)), kind));
  }
  if (header.format_major != format_major) {
    fail(core::Place::byte(24),
         fmt::format("the file has format version {}.{} (written by version {}), this program reads {}",
                     header.format_major, header.format_minor, core::printable(load(header.tool_version)),
                     format_major));
  }
}

void IndexedFile::State::check_table() {
  if (size < sizeof(Header) + sizeof(Footer)) fail_truncated();
  Footer footer;
  std::memcpy(&footer, base + size - sizeof footer, sizeof footer);
  if (footer.magic != kEndMagic) fail_truncated();
  if (footer.checksum != own_checksum(footer)) {
    fail(core::Place::byte(size - sizeof footer), "the footer does not match its checksum");
  }
  if (footer.file_size != size || footer.sections > kMostSections || footer.table_offset > size - sizeof footer ||
      size - sizeof footer - footer.table_offset != footer.sections * sizeof(TableEntry)) {
    fail(core::Place::byte(size - sizeof footer), "the footer does not describe this file");
  }
  const char* const raw = base + footer.table_offset;
  const std::size_t raw_size = static_cast<std::size_t>(footer.sections) * sizeof(TableEntry);
  if (XXH3_64bits(raw, raw_size) != footer.table_checksum) {
    fail(core::Place::byte(footer.table_offset), "the section table does not match its checksum");
  }
  table.resize(static_cast<std::size_t>(footer.sections));
  if (raw_size != 0) std::memcpy(table.data(), raw, raw_size);
  std::uint64_t end = sizeof(Header);
  for (const TableEntry& entry : table) {
    const bool in_place = entry.offset == end + padding(end) && entry.offset <= footer.table_offset &&
                          entry.size <= footer.table_offset - entry.offset;
    if (!in_place || find(load(entry.name)) != &entry) {
      fail(core::Place::byte(footer.table_offset),
           fmt::format("section '{}' lies outside the file or occurs twice", core::printable(load(entry.name))));
    }
    end = entry.offset + entry.size;
  }
  if (end + padding(end) != footer.table_offset) {
    fail(core::Place::byte(footer.table_offset), "the sections do not fill the file");
  }
  digest = table_digest({raw, raw_size});
}

std::uint64_t IndexedFile::State::checksum(const TableEntry& entry, const core::InterruptSource& interrupt) const {
  if (in_memory(entry)) return XXH3_64bits(base + entry.offset, entry.size);
  // Read, not mapped: what was mapped once counts as this program's memory.
  const std::unique_ptr<XXH3_state_t, FreeHash> hash(XXH3_createState());
  if (!hash) throw std::bad_alloc();
  XXH3_64bits_reset(hash.get());
  std::vector<char> piece(std::min<std::size_t>(entry.size, std::size_t{1} << 20));
  for (std::uint64_t at = entry.offset, end = entry.offset + entry.size; at < end;) {
    interrupt.check();
    const std::size_t count = std::min<std::size_t>(piece.size(), end - at);
    read_at(at, at + count, piece.data());
    XXH3_64bits_update(hash.get(), piece.data(), count);
    at += count;
  }
  return XXH3_64bits_digest(hash.get());
}

void IndexedFile::State::verify(unsigned threads, const core::InterruptSource& interrupt) const {
  core::parallel_for(
      threads, table.size(),
      [&](std::size_t i) {
        const TableEntry& entry = table[i];
        if (checksum(entry, interrupt) != entry.checksum) {
          fail(core::Place::byte(entry.offset),
               fmt::format("section '{}' does not match its checksum", core::printable(load(entry.name))));
        }
      },
      &interrupt);
  std::uint64_t end = sizeof(Header);
  const auto check_padding = [&] {
    const std::string_view zeros(base + end, padding(end));
    if (zeros.find_first_not_of('\0') != std::string_view::npos)
      fail(core::Place::byte(end), "bytes between sections are not zero");
  };
  for (const TableEntry& entry : table) {
    check_padding();
    end = entry.offset + entry.size;
  }
  check_padding();
}

IndexedFile::IndexedFile(const std::filesystem::path& path, std::string_view kind, std::uint32_t format_major,
                         std::string remedy, const Options& options, core::RunContext& context)
    : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.remedy = std::move(remedy);
  s.open(path);
  s.check_header(kind, format_major);
  s.unread_name = options.unread;
  if (options.map) {
    s.map();
    s.check_table();
  } else {
    s.reserve();
    s.read_table();
    s.check_table();
    s.read_sections(options.unread, options.threads, context.interrupt);
  }
  if (options.verify) s.verify(options.threads, context.interrupt);
  s.release();
  if (options.record) context.inputs.add({path.filename().string(), s.size, recorded(s.digest)});
}

IndexedFile::~IndexedFile() = default;
IndexedFile::IndexedFile(IndexedFile&&) noexcept = default;

bool IndexedFile::has(std::string_view name) const {
  return state_->find(name) != nullptr;
}

std::string_view IndexedFile::bytes(std::string_view name) const {
  return bytes_of(name, 1);
}

std::string_view IndexedFile::bytes_of(std::string_view name, std::size_t item_size) const {
  const TableEntry* const entry = state_->find(name);
  if (entry == nullptr) state_->fail(core::Place::none(), fmt::format("section '{}' is missing", name));
  if (entry->size % item_size != 0) {
    state_->fail(core::Place::byte(entry->offset),
                 fmt::format("the {} bytes of section '{}' are no multiple of {}", entry->size, name, item_size));
  }
  if (!state_->is_mapped && name == state_->unread_name && entry->size != 0)
    throw std::logic_error("IndexedFile: a section that was not read is asked for");
  return {state_->base + entry->offset, static_cast<std::size_t>(entry->size)};
}

void IndexedFile::State::release() const {
  if (is_mapped) (void)::madvise(base, mapped_size, MADV_DONTNEED);
}

void IndexedFile::release() const {
  state_->release();
}

std::uint32_t IndexedFile::format_minor() const {
  return state_->header.format_minor;
}
std::string IndexedFile::tool_version() const {
  return std::string(load(state_->header.tool_version));
}
std::string IndexedFile::digest() const {
  return state_->digest;
}

}  // namespace immucan::io
