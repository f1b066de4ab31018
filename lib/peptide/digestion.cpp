#include "peptide/digestion.h"

#include <algorithm>

namespace immucan::peptide {
namespace {

constexpr std::uint64_t kHashBase = 0x9E3779B97F4A7C15ULL;

constexpr std::uint64_t finish_hash(std::uint64_t x) {  // the finaliser of SplitMix64
  x ^= x >> 30;
  x *= 0xBF58476D1CE4E5B9ULL;
  x ^= x >> 27;
  x *= 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

/// Prefix masses and prefix polynomial hashes of one segment.
class Prefix {
 public:
  Prefix(const MassTable& masses, std::size_t max_length) : masses_(masses), power_(max_length + 1) {
    power_[0] = 1;
    for (std::size_t i = 1; i < power_.size(); ++i) power_[i] = power_[i - 1] * kHashBase;
  }
  void load(const Residue* codes, std::size_t count) {
    mass_.resize(count + 1);
    hash_.resize(count + 1);
    mass_[0] = 0;
    hash_[0] = 0;
    for (std::size_t i = 0; i < count; ++i) {
      mass_[i + 1] = mass_[i] + masses_.residue[codes[i]];
      hash_[i + 1] = hash_[i] * kHashBase + codes[i] + 1;
    }
  }
  [[nodiscard]] Mass residues(std::size_t begin, std::size_t end) const { return mass_[end] - mass_[begin]; }
  [[nodiscard]] std::uint64_t hash(std::size_t begin, std::size_t end) const {
    return finish_hash(hash_[end] - hash_[begin] * power_[end - begin]);
  }

 private:
  const MassTable& masses_;
  std::vector<std::uint64_t> power_;
  std::vector<Mass> mass_;
  std::vector<std::uint64_t> hash_;
};

struct Range {
  Mass low, high;
};

void digest_windows(const Prefix& prefix, const Segment& segment, const DigestionOptions& options, Mass ends,
                    Range range, const std::function<void(const PeptideSite&)>& emit) {
  const std::size_t count = segment.end - segment.begin;
  const auto shortest = static_cast<std::size_t>(options.min_length);
  const auto longest = static_cast<std::size_t>(options.max_length);
  std::size_t first_end = 0;  // never moves back: prefix masses grow
  for (std::size_t begin = 0; begin + shortest <= count; ++begin) {
    first_end = std::max(first_end, begin + shortest);
    const std::size_t last_end = std::min(begin + longest, count);
    while (first_end <= last_end && prefix.residues(begin, first_end) + ends < range.low) ++first_end;
    for (std::size_t end = first_end; end <= last_end; ++end) {
      const Mass mass = prefix.residues(begin, end) + ends;
      if (mass >= range.high) break;
      emit({mass, prefix.hash(begin, end), segment.begin + static_cast<std::uint32_t>(begin),
            static_cast<std::uint8_t>(end - begin)});
    }
  }
}

/// Ends of tryptic pieces, the end of the segment included.
void cleavage_ends(const Residue* codes, std::size_t count, std::vector<std::size_t>& ends) {
  ends.clear();
  for (std::size_t i = 0; i + 1 < count; ++i) {
    if ((codes[i] == 'K' - 'A' || codes[i] == 'R' - 'A') && codes[i + 1] != 'P' - 'A') ends.push_back(i + 1);
  }
  ends.push_back(count);
}

void digest_enzyme(const Prefix& prefix, const Segment& segment, const DigestionOptions& options, Mass ends_mass,
                   Range range, bool clip, const std::vector<std::size_t>& ends,
                   const std::function<void(const PeptideSite&)>& emit) {
  const auto from = [&](std::size_t begin, std::size_t first_piece) {
    const std::size_t last_piece =
        std::min(ends.size(), first_piece + static_cast<std::size_t>(options.missed_cleavages) + 1);
    for (std::size_t piece = first_piece; piece < last_piece; ++piece) {
      const std::size_t end = ends[piece];
      if (end < begin + static_cast<std::size_t>(options.min_length)) continue;
      if (end > begin + static_cast<std::size_t>(options.max_length)) break;
      const Mass mass = prefix.residues(begin, end) + ends_mass;
      if (mass < range.low) continue;
      if (mass >= range.high) break;
      emit({mass, prefix.hash(begin, end), segment.begin + static_cast<std::uint32_t>(begin),
            static_cast<std::uint8_t>(end - begin)});
    }
  };
  std::size_t begin = 0;
  for (std::size_t piece = 0; piece < ends.size(); ++piece) {
    from(begin, piece);
    if (begin == 0 && clip) from(1, piece);
    begin = ends[piece];
  }
}

}  // namespace

std::uint64_t sequence_hash(std::span<const Residue> residues) {
  std::uint64_t hash = 0;
  for (const Residue code : residues) hash = hash * kHashBase + code + 1;
  return finish_hash(hash);
}

void digest(const ProteinDatabase& database, const DigestionOptions& options, const MassTable& masses,
            std::size_t first_segment, std::size_t last_segment, Mass low, Mass high,
            const std::function<void(const PeptideSite&)>& emit) {
  Prefix prefix(masses, static_cast<std::size_t>(options.max_length));
  const Mass ends_mass = kWater + masses.n_terminal + masses.c_terminal;
  std::vector<std::size_t> ends;
  for (std::size_t i = first_segment; i < last_segment; ++i) {
    const Segment& segment = database.segments()[i];
    const Residue* codes = database.codes() + segment.begin;
    const std::size_t count = segment.end - segment.begin;
    if (count < static_cast<std::size_t>(options.min_length)) continue;
    prefix.load(codes, count);
    if (options.enzyme == Enzyme::kNone) {
      digest_windows(prefix, segment, options, ends_mass, {low, high}, emit);
      continue;
    }
    cleavage_ends(codes, count, ends);
    const bool clip = options.clip_initial_methionine && codes[0] == 'M' - 'A' && database.at_protein_start(segment);
    digest_enzyme(prefix, segment, options, ends_mass, {low, high}, clip, ends, emit);
  }
}

std::vector<std::size_t> partition_segments(const ProteinDatabase& database, std::size_t parts) {
  std::vector<std::size_t> begins{0};
  const std::size_t share = database.residues() / std::max<std::size_t>(parts, 1) + 1;
  std::size_t held = 0;
  for (std::size_t i = 0; i < database.segments().size(); ++i) {
    held += database.segments()[i].end - database.segments()[i].begin;
    if (held >= share) {
      begins.push_back(i + 1);
      held = 0;
    }
  }
  if (begins.back() != database.segments().size()) begins.push_back(database.segments().size());
  return begins;
}

}  // namespace immucan::peptide
