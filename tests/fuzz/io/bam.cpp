#include "io/bam.h"

#include <cstdlib>
#include <string>

#include "core/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace immucan;
  try {
    io::BamReader reader(io::open_memory({reinterpret_cast<const char*>(data), size}));
    std::string bases, qualities;
    for (io::BamRecord record; reader.next(record);) {
      bases.clear();
      qualities.clear();
      record.append_sequence(bases);
      record.append_qualities(qualities);
      if (bases.size() != record.length() || qualities.size() != bases.size()) std::abort();
      (void)record.text_tag("CB");
      (void)record.number_tag("NH");
    }
  } catch (const core::Error& error) {
    if (error.status() != core::Status::kBadInput) std::abort();
  }
  return 0;
}
