#include "io/fcs_bytes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "core/digest.h"
#include "core/error.h"
#include "io/byte_source.h"
#include "io/temporary_file.h"

namespace immucan::io {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

void read_exactly(const Descriptor& file, const std::string& name, std::uint64_t offset, std::span<char> buffer) {
  std::size_t done = 0;
  while (done < buffer.size()) {
    const ssize_t n =
        ::pread(file.number(), buffer.data() + done, buffer.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) core::raise_input_errno(name, "cannot read", errno);
    if (n == 0) {
      core::raise({name, core::Place::byte(offset + done), "the file became shorter while it was read", "Run again"});
    }
    done += static_cast<std::size_t>(n);
  }
}

/// A plain file, read in place and hashed as its bytes are first read in order.
class PlainFile final : public FcsBytes {
 public:
  PlainFile(Descriptor file, std::string name, std::string record_name, std::uint64_t size, core::RunContext& context)
      : FcsBytes(std::move(name), size),
        file_(std::move(file)),
        record_name_(std::move(record_name)),
        ledger_(&context.inputs),
        digest_(std::in_place) {}

  void read_at(std::uint64_t offset, std::span<char> buffer) override {
    read_exactly(file_, name_, offset, buffer);
    if (!digest_ || buffer.empty() || offset + buffer.size() <= hashed_) return;
    if (offset > hashed_) hash_until(offset);
    const std::size_t known = static_cast<std::size_t>(hashed_ - offset);
    digest_->update({buffer.data() + known, buffer.size() - known});
    hashed_ = offset + buffer.size();
  }

  void finish() override {
    if (!digest_) return;
    hash_until(size_);
    ledger_->add({record_name_, size_, digest_->hex()});
    digest_.reset();
  }

 private:
  void hash_until(std::uint64_t end) {
    std::vector<char> buffer;
    while (hashed_ < end) {
      buffer.resize(static_cast<std::size_t>(std::min<std::uint64_t>(end - hashed_, std::uint64_t{1} << 20)));
      read_exactly(file_, name_, hashed_, buffer);
      digest_->update({buffer.data(), buffer.size()});
      hashed_ += buffer.size();
    }
  }

  Descriptor file_;
  std::string record_name_;
  core::InputLedger* ledger_;
  std::optional<core::Sha256> digest_;
  std::uint64_t hashed_ = 0;
};

/// What a stream inflated to. Its digest was entered by the stream.
class SpooledFile final : public FcsBytes {
 public:
  SpooledFile(TemporaryFile file, std::string name) : FcsBytes(std::move(name), file.size()), file_(std::move(file)) {}
  void read_at(std::uint64_t offset, std::span<char> buffer) override { file_.read_at(offset, buffer); }

 private:
  TemporaryFile file_;
};

class Memory final : public FcsBytes {
 public:
  Memory(std::string_view bytes, std::string name) : FcsBytes(std::move(name), bytes.size()), bytes_(bytes) {}
  void read_at(std::uint64_t offset, std::span<char> buffer) override {
    std::ranges::copy(bytes_.substr(static_cast<std::size_t>(offset), buffer.size()), buffer.begin());
  }

 private:
  std::string_view bytes_;
};

std::unique_ptr<FcsBytes> spool(const std::filesystem::path& path, core::RunContext& context) {
  const auto source = open_source(path, context);
  TemporaryFile file(temporary_folder(context));
  std::vector<char> buffer(std::size_t{1} << 20);
  while (const std::size_t n = source->read(buffer)) {
    context.interrupt.check();
    file.append(std::span(buffer).first(n));
  }
  return std::make_unique<SpooledFile>(std::move(file), source->name());
}

bool is_compressed(const Descriptor& file, const std::string& name, std::uint64_t size) {
  std::vector<char> start(static_cast<std::size_t>(std::min<std::uint64_t>(size, 4)));
  read_exactly(file, name, 0, start);
  const std::string_view head(start.data(), start.size());
  return head.starts_with("\x1f\x8b") || head.starts_with("\x28\xb5\x2f\xfd");
}

}  // namespace

std::unique_ptr<FcsBytes> open_fcs_file(const std::filesystem::path& path, core::RunContext& context) {
  if (path == "-") return spool(path, context);
  const std::string name = path.string();
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number() < 0) core::raise_input_errno(name, "cannot open", errno);
  struct stat status{};
  if (::fstat(file.number(), &status) != 0) core::raise_input_errno(name, "cannot open", errno);
  if (S_ISDIR(status.st_mode)) core::raise_input_errno(name, "cannot read", EISDIR);
  if (!S_ISREG(status.st_mode)) return spool(path, context);
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (is_compressed(file, name, size)) return spool(path, context);
  return std::make_unique<PlainFile>(std::move(file), name, path.filename().string(), size, context);
}

std::unique_ptr<FcsBytes> open_fcs_memory(std::string_view bytes, std::string name) {
  return std::make_unique<Memory>(bytes, std::move(name));
}

}  // namespace immucan::io
