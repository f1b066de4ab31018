#include "microbiome/unit_numbering.h"

#include <algorithm>
#include <limits>

#include "core/error.h"
#include "core/ordered_batches.h"

namespace immucan::microbiome {

struct UnitNumbering::Part {
  std::size_t number = 0;
  std::vector<Occurrence> occurrences;
  std::string packed;
};

namespace {

[[noreturn]] void too_many() {
  throw core::Error(core::Status::kOsLimit, "the genomes are too many for one database. Split them in two.");
}

/// Stretches are numbered through over all genomes.
std::size_t count_bins(std::vector<GenomeRecord>& genomes) {
  std::uint64_t next = 0;
  for (GenomeRecord& genome : genomes) {
    genome.first_bin = static_cast<std::uint32_t>(next);
    genome.kmers = 0;
    next += genome.bins;
    if (next > std::numeric_limits<std::uint32_t>::max()) too_many();
  }
  return static_cast<std::size_t>(next);
}

}  // namespace

UnitNumbering::UnitNumbering(std::vector<GenomeRecord>& genomes, NumberingOptions options, core::RunContext& context)
    : genomes_(genomes),
      options_(std::move(options)),
      context_(context),
      sets_(static_cast<std::uint32_t>(genomes.size())),
      single_units_(count_bins(genomes)),
      units_(1),
      numbered_(sizeof(Numbered), options_.folder, options_.memory / 2) {}

void UnitNumbering::run(const std::vector<std::unique_ptr<KmerRun>>& runs, std::uint64_t packed_bytes,
                        const PartSink& sink) {
  // A packed occurrence takes about 9 bytes, and about 40 while its part is sorted.
  const std::uint64_t part_bytes = packed_bytes / kParts * 5 + 1;
  const std::size_t usual = context_.threads <= 1 ? 1 : 2 * std::size_t{context_.threads} + 2;
  const auto slots = std::clamp<std::uint64_t>(options_.memory / part_bytes, 1, usual);
  std::size_t next = 0;
  core::ordered_batches<Part>(
      {.threads = context_.threads, .slots = static_cast<std::size_t>(slots), .interrupt = &context_.interrupt},
      [&](Part& part) {
        if (next == kParts) return false;
        part.number = next++;
        return true;
      },
      [&](Part& part) { collect(runs, part); },
      [&](Part& part) {
        number(part);
        sink(part.packed);
        context_.progress.update("parts", part.number + 1, kParts);
      });
  context_.progress.finish();
  shared_units_ = {};
  single_units_ = {};
}

void UnitNumbering::collect(const std::vector<std::unique_ptr<KmerRun>>& runs, Part& part) const {
  auto& items = part.occurrences;
  items.clear();
  for (const auto& run : runs) run->read(part.number, items);
  if (!std::ranges::is_sorted(items)) sort_occurrences(items);
  drop_repeated(items);
  std::size_t kept = 0;
  for (std::size_t begin = 0, end = 0; begin < items.size(); begin = end) {
    const std::uint64_t hash = unspread_hash(items[begin].key);
    bool wanted = hash < options_.base_threshold;
    for (end = begin; end < items.size() && items[end].key == items[begin].key; ++end)
      wanted = wanted || hash < genomes_[items[end].genome].threshold;
    if (!wanted) continue;
    for (std::size_t i = begin; i < end; ++i) items[kept++] = items[i];
  }
  items.resize(kept);
  part.packed.clear();
  pack(items, part.packed);
}

void UnitNumbering::number(const Part& part) {
  std::vector<std::uint32_t> members;
  const auto& items = part.occurrences;
  for (std::size_t begin = 0, end = 0; begin < items.size(); begin = end) {
    const std::uint64_t hash = unspread_hash(items[begin].key);
    bool dense = false;
    members.clear();
    for (end = begin; end < items.size() && items[end].key == items[begin].key; ++end) {
      GenomeRecord& genome = genomes_[items[end].genome];
      members.push_back(items[end].genome);
      ++genome.kmers;
      dense = dense || (hash >= options_.base_threshold && hash < genome.threshold && genome.is_host == 0);
    }
    const UnitIndex unit = unit_of(members, genomes_[members[0]].first_bin + items[begin].bin);
    ++units_[unit].kmers;
    if (dense) dense_.push_back(hash);
    const Numbered entry{items[begin].key, unit, 0};
    numbered_.append({reinterpret_cast<const char*>(&entry), sizeof entry});
  }
}

UnitIndex UnitNumbering::unit_of(std::span<const std::uint32_t> members, std::uint32_t bin) {
  const auto next = static_cast<UnitIndex>(units_.size());
  UnitIndex unit = next;
  std::uint32_t set = members[0];
  if (members.size() == 1) {
    UnitIndex& known = single_units_.at(bin);
    if (known == kNoUnit) known = next;
    unit = known;
  } else {
    set = sets_.intern(members);
    unit = shared_units_.find_or_insert((std::uint64_t{set} << 32) | bin, next);
  }
  if (unit == next) {
    units_.push_back({set, bin, 0});
    if (units_.size() >= (std::uint64_t{1} << 31)) too_many();
  }
  return unit;
}

void UnitNumbering::for_each(const std::function<void(std::uint64_t key, UnitIndex unit)>& visit) const {
  std::vector<Numbered> entries(65536);
  const std::span<char> bytes(reinterpret_cast<char*>(entries.data()), entries.size() * sizeof(Numbered));
  for (std::uint64_t first = 0; first < numbered_.size();) {
    context_.interrupt.check();
    const std::size_t count = numbered_.read(first, bytes);
    for (std::size_t i = 0; i < count; ++i) visit(entries[i].key, entries[i].unit);
    first += count;
  }
}

}  // namespace immucan::microbiome
