#include "core/output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <deque>
#include <optional>
#include <utility>

#include "core/digest.h"
#include "core/error.h"
#include "core/run_context.h"

namespace immucan::core {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBufferSize = std::size_t{1} << 18;

/// A descriptor that is closed once; close() reports, the destructor does not.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number, bool owned = true) : number_(number), owned_(owned) {}
  ~Descriptor() {
    if (number_ >= 0 && owned_) ::close(number_);
  }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)), owned_(other.owned_) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    std::swap(owned_, other.owned_);
    return *this;
  }
  [[nodiscard]] int number() const { return number_; }
  int close() {
    const int number = std::exchange(number_, -1);
    return number >= 0 && owned_ ? ::close(number) : 0;
  }

 private:
  int number_ = -1;
  bool owned_ = true;
};

/// Where a link leads, also when the last step does not exist yet.
fs::path resolve_links(fs::path path) {
  for (int depth = 0; depth < 40; ++depth) {
    std::error_code error;
    if (!fs::is_symlink(fs::symlink_status(path, error))) return path;
    const fs::path next = fs::read_symlink(path, error);
    if (error) return path;
    path = next.is_absolute() ? next : path.parent_path() / next;
  }
  raise_create_errno(path.string(), ELOOP);
}

std::string random_suffix() {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz234567";
  std::array<unsigned char, 10> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw Error(Status::kOsLimit, "getrandom failed.");
  }
  std::string suffix;
  for (const unsigned char byte : bytes) suffix += kLetters[byte % kLetters.size()];
  return suffix;
}

struct Temporary {
  fs::path path;
  Descriptor descriptor;
};

/// A new file with a random name beside `target`.
Temporary create_temporary(const fs::path& target) {
  for (;;) {
    fs::path path = target.parent_path() / fmt::format(".{}.{}.tmp", target.filename().string(), random_suffix());
    const int number = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (number >= 0) return {std::move(path), Descriptor(number)};
    if (errno != EEXIST && errno != EINTR) raise_create_errno(target.string(), errno);
  }
}

void sync_descriptor(int descriptor, const std::string& name) {
  // Pipes and some file systems cannot sync: that is no loss of data.
  if (::fsync(descriptor) != 0 && errno != EINVAL && errno != EROFS && errno != ENOTSUP) {
    raise_write_errno(name, "fsync", errno);
  }
}

void rename_checked(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) raise_write_errno(to.string(), "rename", errno);
}

bool is_pipe(int descriptor) {
  struct stat status{};
  return ::fstat(descriptor, &status) == 0 && S_ISFIFO(status.st_mode);
}

/// Opens what is there and is not a regular file. A FIFO without a reader refuses a non-blocking open (ENXIO), so the
/// wait for a reader is ours and can be interrupted; a blocking open could not, as signals are blocked.
Descriptor open_special(const fs::path& resolved, const fs::path& target, const InterruptSource* interrupt) {
  for (;;) {
    const int number = ::open(resolved.c_str(), O_WRONLY | O_CLOEXEC | (interrupt != nullptr ? O_NONBLOCK : 0));
    if (number >= 0) {
      Descriptor descriptor(number);
      const int flags = ::fcntl(number, F_GETFL);
      if (flags < 0 || ::fcntl(number, F_SETFL, flags & ~O_NONBLOCK) < 0) {
        raise_create_errno(target.string(), errno);
      }
      return descriptor;
    }
    if (errno == EINTR) continue;
    if (errno != ENXIO || interrupt == nullptr) raise_create_errno(target.string(), errno);
    interrupt->pause(std::chrono::milliseconds(20));
  }
}

bool is_special(const fs::path& target) {
  struct stat status{};
  return ::stat(target.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

}  // namespace

struct OutputFile::State {
  fs::path target;     ///< as asked, for messages
  fs::path resolved;   ///< after links
  fs::path temporary;  ///< empty when written directly
  Descriptor descriptor;
  std::string buffer;
  Sha256 digest;
  std::string reader_digest;         ///< FileRecord::digest
  std::optional<FileRecord> record;  ///< set by finish()
  std::uint64_t size = 0;
  std::uint64_t on_the_way = 0;  ///< bytes that the kernel was asked to begin writing to the disk
  bool published = false;
  const InterruptSource* pipe_interrupt = nullptr;  ///< set when the output is a pipe whose reader may stall

  ~State() {
    if (!temporary.empty() && !published) ::unlink(temporary.c_str());
  }

  void flush() {
    put(buffer);
    buffer.clear();
  }

  /// The disk works while the program computes, so that fsync at the end has little left to wait for.
  void begin_writeback() {
    constexpr std::uint64_t kStep = std::uint64_t{1} << 23;
    if (temporary.empty() || size < on_the_way + kStep) return;
    (void)::sync_file_range(descriptor.number(), static_cast<off_t>(on_the_way), static_cast<off_t>(size - on_the_way),
                            SYNC_FILE_RANGE_WRITE);
    on_the_way = size;
  }

  void put(std::string_view rest) {
    digest.update(rest);
    size += rest.size();
    while (!rest.empty()) {
      std::size_t part = rest.size();
      if (pipe_interrupt != nullptr) {
        // A pipe that poll calls writable takes PIPE_BUF bytes without blocking, and not one more is promised.
        pipe_interrupt->wait_writable(descriptor.number());
        part = std::min<std::size_t>(part, PIPE_BUF);
      }
      const ssize_t written = ::write(descriptor.number(), rest.data(), part);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) raise_write_errno(target.string(), "write", errno);
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
    begin_writeback();
  }
};

OutputFile::OutputFile(fs::path target, const InterruptSource* interrupt) : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.target = std::move(target);
  state.buffer.reserve(kBufferSize);
  if (state.target == "-") {
    state.target = "<stdout>";
    state.descriptor = Descriptor(STDOUT_FILENO, false);
    if (is_pipe(STDOUT_FILENO)) state.pipe_interrupt = interrupt;
    return;
  }
  state.resolved = resolve_links(state.target);
  if (is_special(state.resolved)) {
    state.descriptor = open_special(state.resolved, state.target, interrupt);
    if (is_pipe(state.descriptor.number())) state.pipe_interrupt = interrupt;
    return;
  }
  std::error_code error;
  if (fs::is_directory(state.resolved, error)) raise_create_errno(state.target.string(), EISDIR);
  Temporary temporary = create_temporary(state.resolved);
  state.temporary = std::move(temporary.path);
  state.descriptor = std::move(temporary.descriptor);
}

OutputFile::~OutputFile() = default;
OutputFile::OutputFile(OutputFile&&) noexcept = default;
OutputFile& OutputFile::operator=(OutputFile&&) noexcept = default;

void OutputFile::write(std::string_view bytes) {
  State& state = *state_;
  while (!bytes.empty()) {
    if (state.buffer.empty() && bytes.size() >= kBufferSize) {
      state.put(bytes);
      return;
    }
    const std::size_t part = std::min(bytes.size(), kBufferSize - state.buffer.size());
    state.buffer += bytes.substr(0, part);
    bytes.remove_prefix(part);
    if (state.buffer.size() == kBufferSize) state.flush();
  }
}

void OutputFile::set_digest(std::string digest) {
  state_->reader_digest = std::move(digest);
}

FileRecord OutputFile::finish() {
  State& state = *state_;
  if (!state.record) {
    state.flush();
    if (!state.temporary.empty()) sync_descriptor(state.descriptor.number(), state.target.string());
    if (state.descriptor.close() != 0) raise_write_errno(state.target.string(), "close", errno);
    state.record = FileRecord{state.target.filename().string(), state.size, state.digest.hex(), state.reader_digest};
  }
  return *state.record;
}

void OutputFile::publish() {
  State& state = *state_;
  finish();
  if (state.published) return;
  if (!state.temporary.empty()) rename_checked(state.temporary, state.resolved);
  state.published = true;
}

FileRecord OutputFile::commit() {
  FileRecord record = finish();
  publish();
  return record;
}

const fs::path& OutputFile::target() const {
  return state_->target;
}

namespace {

/// A file some library writes by path.
struct ExternalFile {
  fs::path relative, target, temporary;
  bool published = false;

  ExternalFile(fs::path relative_name, fs::path target_path)
      : relative(std::move(relative_name)), target(resolve_links(std::move(target_path))) {
    temporary = create_temporary(target).path;
  }
  ~ExternalFile() {
    if (!published) ::unlink(temporary.c_str());
  }
  ExternalFile(const ExternalFile&) = delete;
  ExternalFile& operator=(const ExternalFile&) = delete;

  [[nodiscard]] FileRecord finish() const {
    Descriptor descriptor(::open(temporary.c_str(), O_RDONLY | O_CLOEXEC));
    if (descriptor.number() < 0) raise_write_errno(target.string(), "reopen", errno);
    sync_descriptor(descriptor.number(), target.string());
    const auto digest = digest_of_descriptor(descriptor.number(), nullptr);
    if (!digest) raise_write_errno(target.string(), "read back", digest.error());
    return {relative.generic_string(), digest->size, digest->sha256};
  }

  void publish() {
    rename_checked(temporary, target);
    published = true;
  }
};

/// Folders made for a run that did not complete are removed again when they are empty.
class FolderMaker {
 public:
  ~FolderMaker() {
    if (kept_) return;
    for (auto folder = made_.rbegin(); folder != made_.rend(); ++folder) ::rmdir(folder->c_str());
  }
  void make(const fs::path& folder) {
    if (folder.empty()) return;
    std::error_code error;
    if (fs::is_directory(folder, error)) return;
    make(folder.parent_path());
    if (::mkdir(folder.c_str(), 0777) == 0) {
      made_.push_back(folder);
    } else if (errno != EEXIST || !fs::is_directory(folder, error)) {
      raise_create_errno(folder.string(), errno);
    }
  }
  void keep() { kept_ = true; }

 private:
  std::vector<fs::path> made_;
  bool kept_ = false;
};

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

Execution measure_execution(const RunContext& context) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - context.started;
  return {context.threads, wall.count(), seconds(usage.ru_utime) + seconds(usage.ru_stime),
          static_cast<std::uint64_t>(usage.ru_maxrss) * 1024};
}

}  // namespace

struct OutputSet::State {
  explicit State(const RunContext& run) : context(run) {}

  const RunContext& context;
  FolderMaker folders;  // destroyed last, when the temporary files are gone
  fs::path directory;   ///< of `folder`
  fs::path single;      ///< of `single`
  std::deque<std::pair<fs::path, OutputFile>> files;
  std::deque<ExternalFile> external;
  RunRecord record;

  /// Where the run record goes; empty when there is nowhere to put it.
  [[nodiscard]] fs::path record_path() const {
    if (single.empty()) return directory / "run.json";
    if (single == "-" || is_special(single)) return {};
    return fs::path(single.string() + ".run.json");
  }
};

OutputSet::OutputSet(std::unique_ptr<State> state) : state_(std::move(state)) {}
OutputSet::~OutputSet() = default;
OutputSet::OutputSet(OutputSet&&) noexcept = default;

OutputSet OutputSet::folder(const RunContext& context, fs::path directory) {
  auto state = std::make_unique<State>(context);
  state->directory = std::move(directory);
  // "out/" has an empty last component, which mkdir and parent_path would take for another folder.
  if (!state->directory.has_filename()) state->directory = state->directory.parent_path();
  state->folders.make(state->directory);
  if (::access(state->directory.c_str(), W_OK | X_OK) != 0) raise_create_errno(state->directory.string(), errno);
  return OutputSet(std::move(state));
}

OutputSet OutputSet::single(const RunContext& context, fs::path file) {
  auto state = std::make_unique<State>(context);
  state->single = std::move(file);
  state->files.emplace_back(state->single.filename(), OutputFile(state->single, &context.interrupt));
  return OutputSet(std::move(state));
}

OutputFile& OutputSet::add(const fs::path& relative) {
  const fs::path target = state_->directory / relative;
  state_->folders.make(target.parent_path());
  // Beside a single file the path stands alone, and a record holds no folder of this machine.
  return state_->files
      .emplace_back(state_->single.empty() ? relative : relative.filename(),
                    OutputFile(target, &state_->context.interrupt))
      .second;
}

OutputFile& OutputSet::file() {
  return state_->files.front().second;
}

fs::path OutputSet::add_external(const fs::path& relative) {
  const fs::path target = state_->directory / relative;
  state_->folders.make(target.parent_path());
  return state_->external.emplace_back(state_->single.empty() ? relative : relative.filename(), target).temporary;
}

bool OutputSet::contains(const fs::path& relative) const {
  return std::ranges::any_of(state_->files, [&](const auto& file) { return file.first == relative; }) ||
         std::ranges::any_of(state_->external, [&](const ExternalFile& file) { return file.relative == relative; });
}

const RunContext& OutputSet::context() const {
  return state_->context;
}

void OutputSet::count(std::string name, ParameterValue value) {
  state_->record.counts[std::move(name)] = std::move(value);
}

void OutputSet::commit() {
  State& state = *state_;
  RunRecord& record = state.record;
  for (auto& [relative, file] : state.files) {
    FileRecord entry = file.finish();
    entry.name = relative.generic_string();
    record.outputs.push_back(std::move(entry));
  }
  for (const ExternalFile& file : state.external) record.outputs.push_back(file.finish());
  std::ranges::sort(record.outputs, {}, &FileRecord::name);
  record.tool = state.context.tool;
  record.version = state.context.version;
  record.command = state.context.command;
  record.parameters = state.context.parameters;
  record.inputs = state.context.inputs.sorted();
  record.execution = measure_execution(state.context);

  state.context.interrupt.check();
  const fs::path record_path = state.record_path();
  if (!record_path.empty() && ::unlink(record_path.c_str()) != 0 && errno != ENOENT) {
    raise_write_errno(record_path.string(), "remove the previous record", errno);
  }
  for (auto& [relative, file] : state.files) file.publish();
  for (ExternalFile& file : state.external) file.publish();
  if (!record_path.empty()) {
    OutputFile file(record_path);
    file.write(to_json(record));
    file.commit();
  }
  state.folders.keep();
}

}  // namespace immucan::core
