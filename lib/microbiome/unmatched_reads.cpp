#include "microbiome/unmatched_reads.h"

#include <array>

#include "sequence/base_packing.h"
#include "sequence/kmer.h"

namespace immucan::microbiome {

namespace {

std::string_view longest_clean_stretch(std::string_view read) {
  std::string_view longest;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= read.size(); ++i) {
    if (i < read.size() && sequence::base_code(read[i]) < 4) continue;
    if (i - begin > longest.size()) longest = read.substr(begin, i - begin);
    begin = i + 1;
  }
  return longest;
}

}  // namespace

bool UnmatchedReads::keeps(std::uint64_t fragment) const {
  return halvings_ == 0 || sequence::hash_kmer(fragment) >> (64 - halvings_) == 0;
}

void UnmatchedReads::add(std::uint64_t fragment, std::uint8_t mate, std::string_view read, std::uint32_t anchor) {
  if (!keeps(fragment)) return;
  if (read.empty() || read.size() > kLongest) return;
  std::array<std::uint64_t, sequence::words_for(kLongest)> words, unknown;
  const std::uint64_t first = bases_.size();
  if (sequence::pack_bases(read, words.data(), unknown.data()))
    bases_.append(longest_clean_stretch(read));
  else
    bases_.append(words, read.size());
  const auto length = static_cast<std::uint16_t>(bases_.size() - first);
  if (length == 0) return;
  mates_.push_back({fragment, first, anchor, length});
  // Both mates of a fragment are kept or forgotten together, so not before the next fragment.
  if (mates_.size() > kMostMates && mate != 0) halve();
}

void UnmatchedReads::halve() {
  ++halvings_;
  std::vector<UnmatchedMate> mates;
  sequence::PackedSequence bases;
  for (UnmatchedMate mate : mates_) {
    if (!keeps(mate.fragment)) continue;
    const std::uint64_t from = mate.first_base;
    mate.first_base = bases.size();
    bases.append(bases_, from, mate.length);
    mates.push_back(mate);
  }
  mates_.swap(mates);
  std::swap(bases_, bases);
}

}  // namespace immucan::microbiome
