#pragma once
// Reads with barcode, UMI and gene on their way to molecules: 16 bytes each, in partitions by cell, equal ones merged.
#include <array>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "io/temporary_file.h"

namespace immucan::scrna {

/// A read, or several equal ones.
struct MoleculeReads {
  std::uint32_t cell = 0;
  std::uint32_t gene = 0;  ///< or a set of genes, see GeneSets
  std::uint32_t umi = 0;
  std::uint32_t reads_and_evidence = 0;  ///< number of reads × 256 + bits of ReadEvidence of all of them

  static constexpr std::uint32_t kOneRead = 256;
  [[nodiscard]] std::uint32_t reads() const { return reads_and_evidence >> 8; }
  [[nodiscard]] std::uint32_t evidence() const { return reads_and_evidence & 0xff; }
};
static_assert(sizeof(MoleculeReads) == 16);

/// The sets of genes that reads with several genes have, numbered in the order of their first appearance: which numbers
/// they get may depend on threads, so nothing may depend on the numbers.
class GeneSets {
 public:
  static constexpr std::uint32_t kSetBit = 0x80000000U;
  /// `genes` ascend. kSetBit | number of the set. Safe to call from several threads.
  std::uint32_t intern(std::span<const std::uint32_t> genes);
  /// The genes of a record: one, or those of its set.
  [[nodiscard]] static bool is_set(std::uint32_t gene) { return (gene & kSetBit) != 0; }
  [[nodiscard]] std::span<const std::uint32_t> genes(std::uint32_t set) const { return *sets_[set & ~kSetBit]; }
  [[nodiscard]] std::size_t size() const { return sets_.size(); }

 private:
  std::mutex mutex_;
  std::map<std::vector<std::uint32_t>, std::uint32_t> numbers_;
  std::vector<const std::vector<std::uint32_t>*> sets_;
};

/// Memory follows the number of distinct molecules rather than of reads: equal reads are merged whenever a partition
/// has doubled. With a budget, a partition that exceeds its share after merging goes to a temporary file as a sorted
/// run.
class MoleculeStore {
 public:
  static constexpr std::size_t kPartitions = 64;
  static constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

  explicit MoleculeStore(std::uint64_t budget_bytes = kUnlimited, std::filesystem::path folder = {});

  /// The work space of add, one per thread.
  struct Scratch {
    std::vector<MoleculeReads> sorted;
    std::array<std::uint32_t, kPartitions + 1> starts{};
  };
  /// Safe to call from several threads; the result does not depend on the order of calls.
  void add(std::span<const MoleculeReads> reads, Scratch& scratch);

  /// Distinct (cell, gene, UMI) of a partition, ascending; the partition is given up. For several partitions at once.
  [[nodiscard]] std::vector<MoleculeReads> take(std::size_t partition);
  /// How many partitions may be taken at once without leaving the budget.
  [[nodiscard]] unsigned simultaneous(unsigned threads) const;
  [[nodiscard]] bool spilled() const { return file_.has_value(); }

 private:
  struct Run {
    std::uint64_t offset = 0, records = 0;
  };
  struct Partition {
    std::mutex mutex;
    std::vector<MoleculeReads> records;
    std::size_t merged = 0;  ///< records left by the last merge
    std::vector<Run> runs;
  };
  static void merge(std::vector<MoleculeReads>& records, std::size_t merged);
  void append(Partition& partition, std::span<const MoleculeReads> reads);
  void make_room(Partition& partition, std::size_t more);
  void spill(Partition& partition);

  std::unique_ptr<std::array<Partition, kPartitions>> partitions_;
  std::size_t limit_;  ///< records of a partition
  std::filesystem::path folder_;
  std::mutex file_mutex_;
  std::optional<io::TemporaryFile> file_;
};

/// Which partition holds a cell: neighbouring ranks are spread.
[[nodiscard]] inline std::size_t partition_of(std::uint32_t cell) {
  static_assert(MoleculeStore::kPartitions == 64);
  return (cell * 0x9e3779b1U) >> 26;
}

}  // namespace immucan::scrna
