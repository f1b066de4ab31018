#include "biomarker/score_reference.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const auto reference = immucan::biomarker::read_score_reference(immucan::io::open_memory(text, "fuzz.tsv"));
    if (text.find('\r') != std::string_view::npos) return 0;  // a name may end with one, which a line's end swallows
    const std::string written = to_tsv(reference);
    const auto again = immucan::biomarker::read_score_reference(immucan::io::open_memory(written, "again.tsv"));
    if (to_tsv(again) != written) std::abort();
  } catch (const immucan::core::Error&) {
  }
  return 0;
}
