#include "scrna/deferred_reads.h"

namespace immucan::scrna {

namespace {

constexpr std::size_t kWindow = 8192;  // words read at once

std::span<const char> bytes_of(const auto& word) {
  return {reinterpret_cast<const char*>(&word), sizeof(word)};
}

}  // namespace

void DeferredReads::append(const DeferredRead& read, std::span<const BarcodeCandidate> candidates) {
  words_.append(bytes_of(Word{read.umi, read.gene}));
  words_.append(
      bytes_of(Word{read.evidence | (read.counts ? 0x100U : 0U), static_cast<std::uint32_t>(candidates.size())}));
  for (const BarcodeCandidate& candidate : candidates) words_.append(bytes_of(Word{candidate.rank, candidate.quality}));
}

DeferredReads::Word DeferredReads::word(std::uint64_t at) const {
  if (at < window_begin_ || at >= window_begin_ + window_.size()) {
    window_.resize(kWindow);
    window_begin_ = at;
    window_.resize(words_.read(at, {reinterpret_cast<char*>(window_.data()), kWindow * sizeof(Word)}));
  }
  return window_[at - window_begin_];
}

std::uint64_t DeferredReads::read_at(std::uint64_t at, DeferredRead& read,
                                     std::vector<BarcodeCandidate>& candidates) const {
  const Word first = word(at++), second = word(at++);
  read.umi = first.low;
  read.gene = first.high;
  read.evidence = static_cast<std::uint8_t>(second.low & 0xff);
  read.counts = (second.low & 0x100) != 0;
  candidates.clear();
  for (std::uint32_t i = 0; i < second.high; ++i) {
    const Word candidate = word(at++);
    candidates.push_back({candidate.low, static_cast<std::uint8_t>(candidate.high)});
  }
  return at;
}

}  // namespace immucan::scrna
