// The first byte picks the parser: a table of tags and samples, or a list of barcodes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/error.h"
#include "io/tenx.h"
#include "scrna/demultiplex.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace immucan;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    if (data[0] % 2 == 0) {
      if (scrna::read_tag_samples(io::open_memory(text, "tags.tsv")).empty()) std::abort();
    } else {
      (void)io::read_barcode_list(io::open_memory(text, "barcodes.tsv"));
    }
  } catch (const core::Error& error) {
    if (error.status() != core::Status::kBadInput) std::abort();
  }
  return 0;
}
