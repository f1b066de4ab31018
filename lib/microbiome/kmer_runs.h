#pragma once
// Sampled k-mers on their way from genomes to a database: gathered in memory, sorted and packed in runs, and read back
// a part at a time, so that a build needs no more memory than it is given.
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/run_context.h"

namespace immucan::microbiome {

/// A sampled k-mer of one genome.
struct Occurrence {
  std::uint64_t key = 0;     ///< spread_hash of the k-mer's hash
  std::uint32_t genome = 0;  ///< number of the genome in its run, or in the database
  std::uint32_t bin = 0;     ///< stretch of the genome, from 0
  friend auto operator<=>(const Occurrence&, const Occurrence&) = default;
};

/// Parts of the keys' range, in order: part p holds the keys whose highest byte is p.
inline constexpr std::size_t kParts = 256;
[[nodiscard]] constexpr std::size_t part_of(std::uint64_t key) {
  return key >> 56;
}

/// Sorts occurrences of one part.
void sort_occurrences(std::vector<Occurrence>& items);
/// Of sorted occurrences of a k-mer in a genome the first is kept.
void drop_repeated(std::vector<Occurrence>& sorted);

/// Appends sorted occurrences of one part: differences of keys, genomes and bins in groups of seven bits. About 9 bytes
/// each.
void pack(std::span<const Occurrence> sorted, std::string& packed);
/// Appends what `packed` holds. False where that is no packed part.
[[nodiscard]] bool unpack(std::string_view packed, std::size_t part, std::vector<Occurrence>& occurrences);

/// One packed string per part.
using PackedParts = std::array<std::string, kParts>;

/// Sorted and packed occurrences of some genomes.
class KmerRun {
 public:
  virtual ~KmerRun() = default;
  /// Appends the occurrences of one part, with genomes as numbered in the database; those of genomes that it leaves out
  /// are missing. Called concurrently.
  virtual void read(std::size_t part, std::vector<Occurrence>& occurrences) const = 0;
};

inline constexpr std::uint32_t kLeftOut = 0xffffffff;

/// Renumbers the genomes of occurrences [begin, end) and drops those that are left out.
void renumber(std::vector<Occurrence>& occurrences, std::size_t begin, std::span<const std::uint32_t> numbers);

class MemoryRun : public KmerRun {
 public:
  MemoryRun(PackedParts parts, std::vector<std::uint32_t> numbers)
      : parts_(std::move(parts)), numbers_(std::move(numbers)) {}
  void read(std::size_t part, std::vector<Occurrence>& occurrences) const override;

 private:
  PackedParts parts_;
  std::vector<std::uint32_t> numbers_;
};

/// Occurrences as they come from the genomes, in parts, up to a number of bytes.
class OccurrenceBuffer {
 public:
  explicit OccurrenceBuffer(std::uint64_t bytes) : most_(bytes / sizeof(Chunk)) {}
  void append(std::span<const Occurrence> occurrences);
  [[nodiscard]] bool full() const { return used_ >= most_; }
  [[nodiscard]] bool empty() const { return used_ == 0; }
  /// Sorts and packs all and empties the buffer.
  PackedParts take(unsigned threads, const core::InterruptSource& interrupt);

 private:
  static constexpr std::size_t kChunk = 255;
  struct Chunk {
    std::array<Occurrence, kChunk> items;
  };
  /// Where the next occurrence of a part goes: its chunks, the last of which is filled up to `filled`.
  struct Part {
    std::vector<std::unique_ptr<Chunk>> chunks;
    std::size_t filled = kChunk;
  };
  std::array<Part, kParts> parts_;
  std::size_t used_ = 0, most_;
};

}  // namespace immucan::microbiome
