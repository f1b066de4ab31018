#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace immucan::core {

/// Streaming SHA-256 (OpenSSL's libcrypto, which uses the CPU's SHA instructions where present).
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(std::string_view bytes);
  /// Lower-case hex of everything so far; the object cannot be updated afterwards.
  [[nodiscard]] std::string hex();
  [[nodiscard]] std::array<unsigned char, 32> bytes();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

[[nodiscard]] std::string sha256_hex(std::string_view bytes);

class InterruptSource;

struct FileDigest {
  std::uint64_t size = 0;
  std::string sha256;
};
/// Everything from where the descriptor stands to its end; errno of a failing read(2).
[[nodiscard]] std::expected<FileDigest, int> digest_of_descriptor(int descriptor, const InterruptSource* interrupt);
/// 66 when the file is missing or unreadable, 74 when reading fails.
[[nodiscard]] FileDigest digest_of_file(const std::filesystem::path& path, const InterruptSource& interrupt);

}  // namespace immucan::core
