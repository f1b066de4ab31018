// The first byte chooses batch size, FASTA and pairing; the rest is one file, or two split at its middle. What is
// accepted must be consistent and the same at another batch size.
#include "io/fastq.h"

#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"

namespace {

using namespace immucan;

std::optional<std::string> read(std::string_view first, std::string_view second, const io::FastqOptions& options) {
  std::string seen;
  try {
    std::vector<std::vector<std::unique_ptr<io::ByteSource>>> lanes(1);
    lanes[0].push_back(io::open_memory(first));
    if (!second.empty()) lanes[0].push_back(io::open_memory(second));
    io::FastqBatchReader reader(std::move(lanes), options);
    io::FastqBatch batch;
    std::vector<std::string> files(2);
    while (reader.next(batch)) {
      io::parse(batch);
      for (std::size_t mate = 0; mate < batch.mates.size(); ++mate) {
        const io::FastqBlock& block = batch.mates[mate];
        if (block.size() != batch.size()) std::abort();
        for (std::size_t i = 0; i < block.size(); ++i) {
          if (!block.is_fasta() && block.quality(i).size() != block.sequence(i).size()) std::abort();
          if (block.sequence(i).find('\n') != std::string_view::npos) std::abort();
          files[mate] += std::to_string(block.line(i));
          for (const auto part : {block.title(i), block.sequence(i), block.quality(i)}) (files[mate] += '\n') += part;
        }
      }
    }
    return files[0] + '\f' + files[1];
  } catch (const core::Error& error) {
    if (error.status() != core::Status::kBadInput) std::abort();
    return std::nullopt;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t middle = (data[0] & 2) != 0 ? bytes.size() / 2 : bytes.size();
  io::FastqOptions options{.batch_bytes = std::size_t{1} << (data[0] >> 4), .allow_fasta = (data[0] & 1) != 0};
  const auto small = read(bytes.substr(0, middle), bytes.substr(middle), options);
  options.batch_bytes = std::size_t{1} << 20;
  if (small != read(bytes.substr(0, middle), bytes.substr(middle), options)) std::abort();
  return 0;
}
