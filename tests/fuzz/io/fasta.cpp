#include "io/fasta.h"

#include <cstdlib>

#include "core/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace immucan;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const auto alphabet : {io::FastaAlphabet::kDna, io::FastaAlphabet::kProtein, io::FastaAlphabet::kAny}) {
    try {
      io::FastaReader reader(io::open_memory(bytes), {.alphabet = alphabet});
      for (io::FastaRecord record; reader.next(record);) {
        if (record.name.empty() || record.sequence.empty()) std::abort();
        for (const char c : record.sequence) {
          if (c >= 'a' && c <= 'z') std::abort();
        }
      }
    } catch (const core::Error& error) {
      if (error.status() != core::Status::kBadInput) std::abort();
    }
  }
  return 0;
}
