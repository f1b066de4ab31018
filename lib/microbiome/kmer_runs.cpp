#include "microbiome/kmer_runs.h"

#include <algorithm>
#include <stdexcept>

#include "core/ordered_batches.h"

namespace immucan::microbiome {

namespace {

/// Bytes that an occurrence takes at most.
constexpr std::size_t kMostPacked = 10 + 5 + 5;

char* put(char* out, std::uint64_t number) {
  for (; number >= 128; number >>= 7) *out++ = static_cast<char>(number | 128);
  *out++ = static_cast<char>(number);
  return out;
}

/// False at the end of the bytes or where the number is too long.
bool get(std::string_view bytes, std::size_t& at, std::uint64_t& number) {
  number = 0;
  for (unsigned shift = 0; at < bytes.size() && shift < 64; shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes[at++]);
    number |= std::uint64_t{byte & 127U} << shift;
    if (byte < 128) return true;
  }
  return false;
}

constexpr std::uint64_t first_key(std::size_t part) {
  return std::uint64_t{part} << 56;
}

}  // namespace

void sort_occurrences(std::vector<Occurrence>& items) {
  // One pass over the twelve bits below the part's own leaves few to compare.
  constexpr std::size_t kBuckets = 4096;
  if (items.size() < kBuckets / 4) {
    std::ranges::sort(items);
    return;
  }
  const auto bucket = [](const Occurrence& item) { return static_cast<std::size_t>(item.key >> 44) & (kBuckets - 1); };
  std::vector<std::uint32_t> ends(kBuckets + 1);
  for (const Occurrence& item : items) ++ends[bucket(item) + 1];
  for (std::size_t b = 0; b < kBuckets; ++b) ends[b + 1] += ends[b];
  std::vector<Occurrence> scratch(items.size());
  for (const Occurrence& item : items) scratch[ends[bucket(item)]++] = item;
  std::size_t begin = 0;
  for (std::size_t b = 0; b < kBuckets; ++b) {  // ends[b] is now where bucket b ends
    std::ranges::sort(scratch.begin() + static_cast<std::ptrdiff_t>(begin),
                      scratch.begin() + static_cast<std::ptrdiff_t>(ends[b]));
    begin = ends[b];
  }
  items.swap(scratch);
}

void drop_repeated(std::vector<Occurrence>& sorted) {
  const auto repeated =
      std::ranges::unique(sorted, [](const auto& a, const auto& b) { return a.key == b.key && a.genome == b.genome; });
  sorted.erase(repeated.begin(), repeated.end());
}

void pack(std::span<const Occurrence> sorted, std::string& packed) {
  if (sorted.empty()) return;
  std::uint64_t last = first_key(part_of(sorted.front().key));
  constexpr std::size_t kAtATime = 512;
  std::array<char, kAtATime * kMostPacked> bytes;
  for (std::size_t begin = 0; begin < sorted.size(); begin += kAtATime) {
    char* end = bytes.data();
    for (const Occurrence& item : sorted.subspan(begin, std::min(kAtATime, sorted.size() - begin))) {
      end = put(end, item.key - last);
      end = put(end, item.genome);
      end = put(end, item.bin);
      last = item.key;
    }
    packed.append(bytes.data(), static_cast<std::size_t>(end - bytes.data()));
  }
}

bool unpack(std::string_view packed, std::size_t part, std::vector<Occurrence>& occurrences) {
  std::uint64_t key = first_key(part), step = 0, genome = 0, bin = 0;
  for (std::size_t at = 0; at < packed.size();) {
    if (!get(packed, at, step) || !get(packed, at, genome) || !get(packed, at, bin)) return false;
    if (step > ~key || genome >= kLeftOut || bin > 0xffffffffULL) return false;
    key += step;
    if (part_of(key) != part) return false;
    occurrences.push_back({key, static_cast<std::uint32_t>(genome), static_cast<std::uint32_t>(bin)});
  }
  return true;
}

void renumber(std::vector<Occurrence>& occurrences, std::size_t begin, std::span<const std::uint32_t> numbers) {
  std::size_t kept = begin;
  for (std::size_t i = begin; i < occurrences.size(); ++i) {
    Occurrence item = occurrences[i];
    if (item.genome >= numbers.size() || numbers[item.genome] == kLeftOut) continue;
    item.genome = numbers[item.genome];
    occurrences[kept++] = item;
  }
  occurrences.resize(kept);
}

void MemoryRun::read(std::size_t part, std::vector<Occurrence>& occurrences) const {
  const std::size_t begin = occurrences.size();
  if (!unpack(parts_[part], part, occurrences)) throw std::logic_error("a packed part in memory is broken");
  renumber(occurrences, begin, numbers_);
}

void OccurrenceBuffer::append(std::span<const Occurrence> occurrences) {
  for (const Occurrence& item : occurrences) {
    Part& part = parts_[part_of(item.key)];
    if (part.filled == kChunk) {
      part.chunks.push_back(std::make_unique_for_overwrite<Chunk>());
      part.filled = 0;
      ++used_;
    }
    part.chunks.back()->items[part.filled++] = item;
  }
}

PackedParts OccurrenceBuffer::take(unsigned threads, const core::InterruptSource& interrupt) {
  PackedParts packed;
  core::parallel_for(
      threads, kParts,
      [&](std::size_t p) {
        std::vector<Occurrence> items;
        Part& part = parts_[p];
        items.reserve(part.chunks.size() * kChunk);
        for (auto& chunk : part.chunks) {
          const std::size_t count = chunk == part.chunks.back() ? part.filled : kChunk;
          items.insert(items.end(), chunk->items.begin(), chunk->items.begin() + static_cast<std::ptrdiff_t>(count));
        }
        part = {};
        sort_occurrences(items);
        drop_repeated(items);
        packed[p].reserve(items.size() * 10);
        pack(items, packed[p]);
      },
      &interrupt);
  used_ = 0;
  return packed;
}

}  // namespace immucan::microbiome
