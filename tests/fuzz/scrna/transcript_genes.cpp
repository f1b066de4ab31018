#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/error.h"
#include "scrna/transcript_reference.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace immucan;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    for (const auto& [transcript, gene] : scrna::read_transcript_genes(io::open_memory(text))) {
      if (transcript.empty() || gene.gene.empty() || gene.name.empty()) std::abort();
    }
  } catch (const core::Error& error) {
    if (error.status() != core::Status::kBadInput) std::abort();
  }
  return 0;
}
