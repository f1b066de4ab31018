#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "io/temporary_file.h"
#include "scrna/barcodes.h"

namespace immucan::scrna {

/// A read whose barcode waits until all exact barcodes have been counted.
struct DeferredRead {
  std::uint32_t umi = 0;
  std::uint32_t gene = 0;  ///< or a set of genes
  std::uint8_t evidence = 0;
  bool counts = false;  ///< has a gene
};

/// Such reads in the order they came. Beyond `memory` bytes they lie in a temporary file in `folder`.
class DeferredReads {
 public:
  DeferredReads(std::filesystem::path folder, std::size_t memory) : words_(sizeof(Word), std::move(folder), memory) {}
  void append(const DeferredRead& read, std::span<const BarcodeCandidate> candidates);

  /// visit(read, its candidates) for every read.
  template <class Visit>
  void for_each(Visit&& visit) const {
    std::vector<BarcodeCandidate> candidates;
    DeferredRead read;
    for (std::uint64_t at = 0; at < words_.size();) {
      at = read_at(at, read, candidates);
      visit(read, std::span<const BarcodeCandidate>(candidates));
    }
  }

 private:
  struct Word {
    std::uint32_t low = 0, high = 0;
  };
  std::uint64_t read_at(std::uint64_t word, DeferredRead& read, std::vector<BarcodeCandidate>& candidates) const;
  Word word(std::uint64_t at) const;
  io::RecordSpool words_;
  mutable std::vector<Word> window_;
  mutable std::uint64_t window_begin_ = 0;
};

}  // namespace immucan::scrna
