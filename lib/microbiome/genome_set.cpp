#include "microbiome/genome_set.h"

#include <algorithm>

#include "sequence/kmer.h"

namespace immucan::microbiome {

NumberMap::NumberMap() : keys_(1024), numbers_(1024) {}

std::uint32_t NumberMap::find_or_insert(std::uint64_t key, std::uint32_t next) {
  if (used_ * 2 >= keys_.size()) grow();
  const std::size_t mask = keys_.size() - 1;
  for (std::size_t i = sequence::hash_kmer(key) & mask;; i = (i + 1) & mask) {
    if (numbers_[i] == 0) {
      keys_[i] = key;
      numbers_[i] = next + 1;
      ++used_;
      return next;
    }
    if (keys_[i] == key) return numbers_[i] - 1;
  }
}

void NumberMap::grow() {
  std::vector<std::uint64_t> keys(keys_.size() * 2);
  std::vector<std::uint32_t> numbers(keys.size());
  const std::size_t mask = keys.size() - 1;
  for (std::size_t old = 0; old < keys_.size(); ++old) {
    if (numbers_[old] == 0) continue;
    std::size_t i = sequence::hash_kmer(keys_[old]) & mask;
    while (numbers[i] != 0) i = (i + 1) & mask;
    keys[i] = keys_[old];
    numbers[i] = numbers_[old];
  }
  keys_.swap(keys);
  numbers_.swap(numbers);
}

GenomeSets::GenomeSets(std::uint32_t genomes) {
  offsets_.push_back(0);
  for (std::uint32_t genome = 0; genome < genomes; ++genome) {
    members_.push_back(genome);
    offsets_.push_back(members_.size());
  }
}

bool GenomeSets::same(std::uint32_t set, std::span<const std::uint32_t> genomes) const {
  return std::equal(genomes.begin(), genomes.end(), members_.begin() + static_cast<std::ptrdiff_t>(offsets_[set]),
                    members_.begin() + static_cast<std::ptrdiff_t>(offsets_[set + 1]));
}

std::uint32_t GenomeSets::intern(std::span<const std::uint32_t> genomes) {
  if (genomes.size() == 1) return genomes[0];
  std::uint64_t digest = genomes.size();
  for (const std::uint32_t genome : genomes)
    digest = sequence::hash_kmer(digest + 0x9e3779b97f4a7c15ULL * (genome + 1));
  const auto next = static_cast<std::uint32_t>(offsets_.size() - 1);
  while (true) {
    const std::uint32_t set = by_digest_.find_or_insert(digest, next);
    if (set == next) break;
    if (same(set, genomes)) return set;
    digest = sequence::hash_kmer(digest + 1);  // two lists with one digest: take the next one
  }
  members_.insert(members_.end(), genomes.begin(), genomes.end());
  offsets_.push_back(members_.size());
  return next;
}

}  // namespace immucan::microbiome
