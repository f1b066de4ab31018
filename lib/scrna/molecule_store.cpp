#include "scrna/molecule_store.h"

#include <algorithm>
#include <utility>

namespace immucan::scrna {

namespace {

constexpr std::size_t kFirstMerge = std::size_t{1} << 16;
constexpr std::size_t kLeastRecords = std::size_t{1} << 12;
// Fewer are sorted as fast by comparison; more would need a second copy that --memory does not know of.
constexpr std::size_t kLeastRadix = std::size_t{1} << 10, kMostRadix = std::size_t{1} << 17;

[[nodiscard]] bool before(const MoleculeReads& a, const MoleculeReads& b) {
  const std::uint64_t x = (std::uint64_t{a.cell} << 32) | a.gene, y = (std::uint64_t{b.cell} << 32) | b.gene;
  return x != y ? x < y : a.umi < b.umi;
}

[[nodiscard]] bool same(const MoleculeReads& a, const MoleculeReads& b) {
  return a.cell == b.cell && a.gene == b.gene && a.umi == b.umi;
}

}  // namespace

std::uint32_t GeneSets::intern(std::span<const std::uint32_t> genes) {
  const std::lock_guard lock(mutex_);
  const auto [found, added] = numbers_.try_emplace({genes.begin(), genes.end()}, sets_.size());
  if (added) sets_.push_back(&found->first);
  return kSetBit | found->second;
}

MoleculeStore::MoleculeStore(std::uint64_t budget_bytes, std::filesystem::path folder)
    : partitions_(std::make_unique<std::array<Partition, kPartitions>>()),
      // Half of the budget is for what is read back later.
      limit_(budget_bytes == kUnlimited
                 ? std::numeric_limits<std::size_t>::max()
                 : std::max<std::size_t>(kLeastRecords, budget_bytes / 2 / kPartitions / sizeof(MoleculeReads))),
      folder_(std::move(folder)) {}

void MoleculeStore::add(std::span<const MoleculeReads> reads, Scratch& scratch) {
  auto& starts = scratch.starts;
  starts.fill(0);
  for (const MoleculeReads& read : reads) ++starts[partition_of(read.cell) + 1];
  for (std::size_t i = 0; i < kPartitions; ++i) starts[i + 1] += starts[i];
  scratch.sorted.resize(reads.size());
  auto next = starts;
  for (const MoleculeReads& read : reads) scratch.sorted[next[partition_of(read.cell)]++] = read;
  for (std::size_t i = 0; i < kPartitions; ++i) {
    if (starts[i] == starts[i + 1]) continue;
    Partition& partition = (*partitions_)[i];
    const std::lock_guard lock(partition.mutex);
    append(partition, std::span(scratch.sorted).subspan(starts[i], starts[i + 1] - starts[i]));
  }
}

void MoleculeStore::append(Partition& partition, std::span<const MoleculeReads> reads) {
  while (!reads.empty()) {
    const std::size_t part = std::min(reads.size(), limit_);
    make_room(partition, part);
    partition.records.insert(partition.records.end(), reads.begin(), reads.begin() + static_cast<std::ptrdiff_t>(part));
    reads = reads.subspan(part);
  }
}

void MoleculeStore::make_room(Partition& partition, std::size_t more) {
  auto& records = partition.records;
  if (records.size() + more <= records.capacity()) return;
  if (records.size() >= std::max(kFirstMerge, partition.merged + partition.merged / 2) ||
      records.size() + more > limit_) {
    merge(records, partition.merged);
    partition.merged = records.size();
    // What barely shrinks would be sorted again and again.
    if (records.size() + more > limit_ || (records.capacity() >= limit_ && records.size() > limit_ / 2))
      spill(partition);
    if (records.size() + more <= records.capacity()) return;
  }
  const std::size_t grown = std::max(records.size() + more, records.capacity() + records.capacity() / 4);
  records.reserve(std::min(limit_, std::max(grown, kLeastRecords)));
}

void MoleculeStore::spill(Partition& partition) {
  if (partition.records.empty()) return;
  const std::lock_guard lock(file_mutex_);
  if (!file_) file_.emplace(folder_);
  partition.runs.push_back({file_->size(), partition.records.size()});
  file_->append(
      {reinterpret_cast<const char*>(partition.records.data()), partition.records.size() * sizeof(MoleculeReads)});
  partition.records.clear();
  partition.merged = 0;
}

namespace {

/// Equal neighbours of a sorted range become one; the new end.
auto sum_equal(std::vector<MoleculeReads>::iterator begin, std::vector<MoleculeReads>::iterator end) {
  if (begin == end) return end;
  auto last = begin;
  for (auto at = begin + 1; at != end; ++at) {
    if (same(*last, *at)) {
      const std::uint32_t reads = std::min(last->reads() + at->reads(), 0xffffffU);
      last->reads_and_evidence = reads * MoleculeReads::kOneRead | last->evidence() | at->evidence();
    } else {
      *++last = *at;
    }
  }
  return last + 1;
}

}  // namespace

namespace {

constexpr std::size_t kDigits = 12, kDigitValues = 256;  // bytes of UMI, gene and cell, the least significant first

[[nodiscard]] std::size_t digit_of(const MoleculeReads& record, std::size_t digit) {
  const std::uint32_t word = digit < 4 ? record.umi : digit < 8 ? record.gene : record.cell;
  return (word >> (8 * (digit % 4))) & 0xff;
}

/// Least significant digit first; bytes that all records share cost nothing.
void radix_sort(std::span<MoleculeReads> records) {
  std::array<std::array<std::uint32_t, kDigitValues>, kDigits> counts{};
  for (const MoleculeReads& record : records) {
    for (std::size_t digit = 0; digit < kDigits; ++digit) ++counts[digit][digit_of(record, digit)];
  }
  std::vector<MoleculeReads> copy(records.size());
  std::span<MoleculeReads> from = records, to = copy;
  for (std::size_t digit = 0; digit < kDigits; ++digit) {
    auto& next = counts[digit];
    if (next[digit_of(from.front(), digit)] == from.size()) continue;
    std::uint32_t start = 0;
    for (std::uint32_t& count : next) start += std::exchange(count, start);
    for (const MoleculeReads& record : from) to[next[digit_of(record, digit)]++] = record;
    std::swap(from, to);
  }
  if (from.data() != records.data()) std::ranges::copy(from, records.begin());
}

void sort_records(std::span<MoleculeReads> records) {
  if (records.size() < kLeastRadix || records.size() > kMostRadix) {
    std::ranges::sort(records, before);
  } else {
    radix_sort(records);
  }
}

}  // namespace

/// The first `merged` records are sorted and distinct already.
void MoleculeStore::merge(std::vector<MoleculeReads>& records, std::size_t merged) {
  const auto middle = records.begin() + static_cast<std::ptrdiff_t>(merged);
  sort_records(std::span(records).subspan(merged));
  records.erase(sum_equal(middle, records.end()), records.end());
  if (merged == 0) return;
  std::inplace_merge(records.begin(), records.begin() + static_cast<std::ptrdiff_t>(merged), records.end(), before);
  records.erase(sum_equal(records.begin(), records.end()), records.end());
}

std::vector<MoleculeReads> MoleculeStore::take(std::size_t i) {
  Partition& partition = (*partitions_)[i];
  std::vector<MoleculeReads> records = std::exchange(partition.records, {});
  std::size_t merged = std::exchange(partition.merged, 0);
  std::size_t all = records.size();
  for (const Run& run : partition.runs) all += run.records;
  if (!partition.runs.empty()) {
    records.reserve(all);
    for (const Run& run : partition.runs) {
      const std::size_t at = records.size();
      records.resize(at + run.records);
      file_->read_at(run.offset, {reinterpret_cast<char*>(records.data() + at), run.records * sizeof(MoleculeReads)});
    }
  }
  merge(records, merged);
  return records;
}

unsigned MoleculeStore::simultaneous(unsigned threads) const {
  if (!spilled()) return threads;
  std::size_t largest = 1;
  for (const Partition& partition : *partitions_) {
    std::size_t records = partition.records.size();
    for (const Run& run : partition.runs) records += run.records;
    largest = std::max(largest, records);
  }
  return static_cast<unsigned>(std::clamp<std::size_t>(limit_ * kPartitions / largest, 1, threads));
}

}  // namespace immucan::scrna
