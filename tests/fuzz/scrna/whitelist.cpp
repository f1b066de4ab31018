#include "scrna/whitelist.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace immucan;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const scrna::Whitelist whitelist(io::open_memory(text), scrna::Geometry("1{b[4-5]f[ACGT]b[3]u[4]}2{r:}"));
    if (whitelist.size() == 0) return 0;
    const auto last = static_cast<std::uint32_t>(whitelist.size() - 1);
    if (whitelist.text(0).size() < 7 || whitelist.text(last).size() > 8) std::abort();
  } catch (const core::Error& error) {
    if (error.status() != core::Status::kBadInput) std::abort();
  }
  return 0;
}
