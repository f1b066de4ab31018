#include "io/temporary_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/error.h"

namespace immucan::io {
namespace {

int unnamed(const std::filesystem::path& folder) {
  const int direct = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (direct >= 0) return direct;
  std::string pattern = (folder / "immucan-XXXXXX").string();
  const int named = ::mkostemp(pattern.data(), O_CLOEXEC);
  if (named < 0) core::raise_create_errno(folder.string(), errno);
  ::unlink(pattern.c_str());
  return named;
}

}  // namespace

TemporaryFile::TemporaryFile(const std::filesystem::path& folder) : number_(unnamed(folder)) {}

TemporaryFile::~TemporaryFile() {
  if (number_ >= 0) ::close(number_);
}

TemporaryFile::TemporaryFile(TemporaryFile&& other) noexcept
    : number_(std::exchange(other.number_, -1)), size_(other.size_) {}

TemporaryFile& TemporaryFile::operator=(TemporaryFile&& other) noexcept {
  std::swap(number_, other.number_);
  std::swap(size_, other.size_);
  return *this;
}

void TemporaryFile::append(std::span<const char> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(number_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) core::raise_write_errno("temporary folder", "cannot write", errno);
    size_ += static_cast<std::uint64_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void TemporaryFile::read_at(std::uint64_t offset, std::span<char> buffer) const {
  while (!buffer.empty()) {
    const ssize_t n = ::pread(number_, buffer.data(), buffer.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) core::raise_input_errno("temporary folder", "cannot read", n < 0 ? errno : EIO);
    offset += static_cast<std::uint64_t>(n);
    buffer = buffer.subspan(static_cast<std::size_t>(n));
  }
}

NamedTemporaryFile::NamedTemporaryFile(const std::filesystem::path& folder) {
  std::string pattern = (folder / "immucan-XXXXXX").string();
  const int number = ::mkostemp(pattern.data(), O_CLOEXEC);
  if (number < 0) core::raise_create_errno(folder.string(), errno);
  ::close(number);
  path_ = pattern;
}

NamedTemporaryFile::~NamedTemporaryFile() {
  ::unlink(path_.c_str());
}

void NamedTemporaryFile::read(const std::function<void(std::string_view)>& use) const {
  const int number = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (number < 0) core::raise_input_errno(path_.string(), "cannot read", errno);
  // Closed by an owner of its own: `use` may throw.
  const TemporaryFile file(number);
  std::string buffer(std::size_t{1} << 20, '\0');
  while (true) {
    const ssize_t n = ::read(number, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) core::raise_input_errno(path_.string(), "cannot read", errno);
    if (n == 0) return;
    use(std::string_view(buffer).substr(0, static_cast<std::size_t>(n)));
  }
}

std::filesystem::path temporary_folder(const core::RunContext& context) {
  return context.tmpdir.value_or(std::filesystem::temp_directory_path());
}

RecordSpool::RecordSpool(std::size_t record_bytes, std::filesystem::path folder, std::size_t memory)
    : record_bytes_(record_bytes), memory_(std::max(memory, record_bytes)), folder_(std::move(folder)) {}

void RecordSpool::append(std::span<const char> record) {
  if (tail_.size() + record_bytes_ > memory_) {
    if (!file_) file_.emplace(folder_);
    file_->append(tail_);
    tail_.clear();
  }
  tail_.append(record.data(), record_bytes_);
  ++records_;
}

std::size_t RecordSpool::read(std::uint64_t first, std::span<char> buffer) const {
  if (first >= records_) return 0;
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size() / record_bytes_, records_ - first));
  std::span<char> rest = buffer.first(count * record_bytes_);
  std::uint64_t at = first * record_bytes_;
  const std::uint64_t in_file = file_ ? file_->size() : 0;
  if (at < in_file) {
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(rest.size(), in_file - at));
    file_->read_at(at, rest.first(part));
    rest = rest.subspan(part);
    at += part;
  }
  std::copy_n(tail_.data() + (at - in_file), rest.size(), rest.data());
  return count;
}

}  // namespace immucan::io
