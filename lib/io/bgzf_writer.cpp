#include "io/bgzf_writer.h"

#include <libdeflate.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/ordered_batches.h"

namespace immucan::io {

namespace {

constexpr std::size_t kBlockBytes = 0xff00;  // what bgzip puts into a block: always fits 64 KiB, even incompressible
constexpr std::size_t kHeaderBytes = 18;
constexpr std::size_t kFooterBytes = 8;
constexpr std::size_t kBlocksPerThread = 16;
constexpr std::array<unsigned char, kHeaderBytes> kHeader = {0x1f, 0x8b, 8, 4,   0,   0, 0, 0, 0,
                                                             0xff, 6,    0, 'B', 'C', 2, 0, 0, 0};
constexpr std::array<unsigned char, 28> kEndMarker = {0x1f, 0x8b, 8,    4, 0, 0, 0, 0, 0, 0xff, 6, 0, 'B', 'C',
                                                      2,    0,    0x1b, 0, 3, 0, 0, 0, 0, 0,    0, 0, 0,   0};

void put_little(char* out, std::uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out[i] = static_cast<char>((value >> (8 * i)) & 0xff);
}

std::string compress_block(std::string_view bytes, int level) {
  const std::unique_ptr<libdeflate_compressor, void (*)(libdeflate_compressor*)> compressor(
      libdeflate_alloc_compressor(level), libdeflate_free_compressor);
  std::string block(kHeaderBytes + libdeflate_deflate_compress_bound(compressor.get(), bytes.size()) + kFooterBytes,
                    '\0');
  std::ranges::copy(kHeader, block.begin());
  const std::size_t size = libdeflate_deflate_compress(compressor.get(), bytes.data(), bytes.size(),
                                                       block.data() + kHeaderBytes, block.size() - kHeaderBytes);
  block.resize(kHeaderBytes + size + kFooterBytes);
  put_little(block.data() + 16, static_cast<std::uint32_t>(block.size() - 1), 2);
  put_little(block.data() + kHeaderBytes + size, libdeflate_crc32(0, bytes.data(), bytes.size()), 4);
  put_little(block.data() + kHeaderBytes + size + 4, static_cast<std::uint32_t>(bytes.size()), 4);
  return block;
}

}  // namespace

BgzfWriter::BgzfWriter(core::OutputFile& out, unsigned threads, int level)
    : out_(out), threads_(std::max(1U, threads)), level_(level) {}

void BgzfWriter::write(std::string_view bytes) {
  pending_.append(bytes);
  if (pending_.size() >= kBlockBytes * kBlocksPerThread * threads_) flush(false);
}

void BgzfWriter::flush(bool last) {
  const std::size_t blocks = last ? (pending_.size() + kBlockBytes - 1) / kBlockBytes : pending_.size() / kBlockBytes;
  std::vector<std::string> compressed(blocks);
  core::parallel_for(threads_, blocks, [&](std::size_t i) {
    compressed[i] = compress_block(std::string_view(pending_).substr(i * kBlockBytes, kBlockBytes), level_);
  });
  for (const std::string& block : compressed) out_.write(block);
  pending_.erase(0, std::min(pending_.size(), blocks * kBlockBytes));
}

void BgzfWriter::finish() {
  flush(true);
  out_.write({reinterpret_cast<const char*>(kEndMarker.data()), kEndMarker.size()});
}

}  // namespace immucan::io
