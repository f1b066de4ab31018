#pragma once
#include <array>
#include <cstddef>
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

}  // namespace immucan::core
