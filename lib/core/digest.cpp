#include "core/digest.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <cerrno>

#include "core/error.h"
#include "core/interrupt.h"

namespace immucan::core {

struct Sha256::State {
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context{EVP_MD_CTX_new()};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  if (!state_->context || EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr) != 1) {
    throw Error(Status::kOsLimit, "SHA-256 is not available from libcrypto. Check the OpenSSL installation.");
  }
}

Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::string_view bytes) {
  if (EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) != 1) {
    throw Error(Status::kInternal, "SHA-256 update failed.");
  }
}

std::array<unsigned char, 32> Sha256::bytes() {
  std::array<unsigned char, 32> digest{};
  unsigned length = 0;
  if (EVP_DigestFinal_ex(state_->context.get(), digest.data(), &length) != 1 || length != digest.size()) {
    throw Error(Status::kInternal, "SHA-256 was read twice.");
  }
  return digest;
}

std::string Sha256::hex() {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes()) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 digest;
  digest.update(bytes);
  return digest.hex();
}

std::expected<FileDigest, int> digest_of_descriptor(int descriptor, const InterruptSource* interrupt) {
  constexpr std::size_t kBufferSize = std::size_t{1} << 20;
  FileDigest result;
  Sha256 digest;
  std::string buffer(kBufferSize, '\0');
  for (;;) {
    if (interrupt != nullptr) interrupt->check();
    const ssize_t got = ::read(descriptor, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(errno);
    if (got == 0) break;
    digest.update({buffer.data(), static_cast<std::size_t>(got)});
    result.size += static_cast<std::uint64_t>(got);
  }
  result.sha256 = digest.hex();
  return result;
}

FileDigest digest_of_file(const std::filesystem::path& path, const InterruptSource& interrupt) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) raise_input_errno(path.string(), "open", errno);
  const auto close = [](const int* open) { ::close(*open); };
  const std::unique_ptr<const int, decltype(close)> guard(&descriptor, close);
  auto digest = digest_of_descriptor(descriptor, &interrupt);
  if (!digest) raise_input_errno(path.string(), "read", digest.error());
  return *std::move(digest);
}

}  // namespace immucan::core
