// Bytes as an index file: as they are, and with the checksums of header, table and footer made right, so that the
// bounds are reached behind them. Every section of a file that opens is read to its ends.
#include "io/indexed_file.h"

#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "core/error.h"

namespace {

using namespace immucan;

void open_all(const std::string& bytes) {
  const int descriptor = ::memfd_create("indexed_file", MFD_CLOEXEC);
  if (descriptor < 0 || ::write(descriptor, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
    std::abort();
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  for (const bool verify : {true, false}) {
    core::RunContext context("fuzz", "0", "fuzz");
    try {
      const io::IndexedFile file(path, "fuzz", 1, "Build it again", {.map = !verify, .verify = verify}, context);
      for (const char* name : {"a", "numbers", ""}) {
        if (!file.has(name)) continue;
        std::uint64_t sum = 0;
        for (const char c : file.bytes(name)) sum += static_cast<unsigned char>(c);
        for (const std::uint64_t number : file.section<std::uint64_t>(name)) sum += number;
        if (sum == 0x5eed) std::abort();  // the loops must not be optimised away
      }
    } catch (const core::Error& error) {
      if (error.status() != core::Status::kBadInput) std::abort();
    }
  }
  ::close(descriptor);
}

void put(std::string& bytes, std::size_t at, std::uint64_t value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

std::uint64_t get(const std::string& bytes, std::size_t at) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  open_all(bytes);
  if (size < 128) return 0;
  std::memcpy(bytes.data(), "IMMUCAN\nfuzz\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0", 28);
  put(bytes, 56, XXH3_64bits(bytes.data(), 56));
  const std::size_t footer = size - 64;
  std::memcpy(bytes.data() + footer, "IMMUCEND", 8);
  const std::uint64_t table = get(bytes, footer + 8);
  if (table <= footer) put(bytes, footer + 24, XXH3_64bits(bytes.data() + table, footer - table));
  put(bytes, footer + 32, size);
  put(bytes, footer + 56, XXH3_64bits(bytes.data() + footer, 56));
  open_all(bytes);
  return 0;
}
