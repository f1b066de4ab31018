#include "io/fcs.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/error.h"

/// Opens the bytes as FCS and reads the first events of every data set, whole and by column. Only core::Error may come
/// out.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace immucan;
  constexpr int kMaximumBlocks = 64;
  try {
    io::FcsFile file({reinterpret_cast<const char*>(data), size}, "<fuzz>", {});
    for (const io::FcsDataset& set : file.datasets()) {
      io::FcsBlock block;
      io::FcsEvents events(file, set, {}, 256);
      for (int i = 0; i < kMaximumBlocks && events.next(block); ++i) {
      }
      io::FcsEvents last(file, set, {set.parameters.size() - 1}, 256);
      for (int i = 0; i < kMaximumBlocks && last.next(block); ++i) {
      }
    }
  } catch (const core::Error&) {
  }
  return 0;
}
