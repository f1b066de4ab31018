#include "io/bgzf_writer.h"

#include <libdeflate.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/ordered_batches.h"
#include "io/line_deflate.h"

namespace immucan::io {

namespace {

constexpr std::size_t kBlockBytes = 0xff00;  // what bgzip puts into a block: always fits 64 KiB, even incompressible
constexpr std::size_t kHeaderBytes = 18;
constexpr std::size_t kFooterBytes = 8;
constexpr std::size_t kBlocksPerThread = 16;
constexpr std::size_t kBlocksPerRun = 4;
constexpr std::array<unsigned char, kHeaderBytes> kHeader = {0x1f, 0x8b, 8, 4,   0,   0, 0, 0, 0,
                                                             0xff, 6,    0, 'B', 'C', 2, 0, 0, 0};
constexpr std::array<unsigned char, 28> kEndMarker = {0x1f, 0x8b, 8,    4, 0, 0, 0, 0, 0, 0xff, 6, 0, 'B', 'C',
                                                      2,    0,    0x1b, 0, 3, 0, 0, 0, 0, 0,    0, 0, 0,   0};

void put_little(char* out, std::uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out[i] = static_cast<char>((value >> (8 * i)) & 0xff);
}

}  // namespace

/// Compressors are kept: making one costs more page faults than its block has pages.
struct BgzfWriter::Slot {
  Slot(int level, BgzfText text)
      : compressor(libdeflate_alloc_compressor(level), libdeflate_free_compressor), has_lines(text != BgzfText::kAny) {}

  /// Appends one block.
  void compress(std::string_view bytes) {
    const std::size_t begin = blocks.size();
    blocks.resize(begin + kHeaderBytes + libdeflate_deflate_compress_bound(compressor.get(), bytes.size()) +
                  kFooterBytes);
    char* const block = blocks.data() + begin;
    std::ranges::copy(kHeader, block);
    std::size_t size = has_lines ? lines.compress(bytes, block + kHeaderBytes, bytes.size()) : 0;
    if (size == 0) {
      size = libdeflate_deflate_compress(compressor.get(), bytes.data(), bytes.size(), block + kHeaderBytes,
                                         blocks.size() - begin - kHeaderBytes);
    }
    const std::size_t whole = kHeaderBytes + size + kFooterBytes;
    put_little(block + 16, static_cast<std::uint32_t>(whole - 1), 2);
    put_little(block + kHeaderBytes + size, libdeflate_crc32(0, bytes.data(), bytes.size()), 4);
    put_little(block + kHeaderBytes + size + 4, static_cast<std::uint32_t>(bytes.size()), 4);
    blocks.resize(begin + whole);
  }

  std::unique_ptr<libdeflate_compressor, void (*)(libdeflate_compressor*)> compressor;
  std::string blocks;
  bool has_lines;
  detail::LineDeflate lines;
};

BgzfWriter::BgzfWriter(core::OutputFile& out, unsigned threads, int level, BgzfText text)
    : out_(out), threads_(std::max(1U, threads)), level_(level), text_(text) {
  pending_.reserve(kBlockBytes * (kBlocksPerThread * threads_ + 2));
}

BgzfWriter::~BgzfWriter() = default;
BgzfWriter::BgzfWriter(BgzfWriter&&) noexcept = default;

void BgzfWriter::write(std::string_view bytes) {
  pending_.append(bytes);
  if (pending_.size() >= kBlockBytes * kBlocksPerThread * threads_) flush(false);
}

void BgzfWriter::flush(bool last) {
  const std::size_t blocks = last ? (pending_.size() + kBlockBytes - 1) / kBlockBytes : pending_.size() / kBlockBytes;
  const std::size_t runs = (blocks + kBlocksPerRun - 1) / kBlocksPerRun;
  while (slots_.size() < runs) slots_.push_back(std::make_unique<Slot>(level_, text_));
  core::parallel_for(threads_, runs, [&](std::size_t run) {
    Slot& slot = *slots_[run];
    slot.blocks.clear();
    for (std::size_t i = run * kBlocksPerRun; i < std::min(blocks, (run + 1) * kBlocksPerRun); ++i) {
      slot.compress(std::string_view(pending_).substr(i * kBlockBytes, kBlockBytes));
    }
  });
  for (std::size_t run = 0; run < runs; ++run) out_.write(slots_[run]->blocks);
  pending_.erase(0, std::min(pending_.size(), blocks * kBlockBytes));
}

void BgzfWriter::finish() {
  flush(true);
  out_.write({reinterpret_cast<const char*>(kEndMarker.data()), kEndMarker.size()});
}

}  // namespace immucan::io
