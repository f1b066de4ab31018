#pragma once
// From reads to equivalence classes: each fragment (a read, or two mates) gets the genomes that explain most of its
// sampled k-mers.
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "microbiome/composition.h"
#include "microbiome/database.h"
#include "microbiome/entry_counts.h"
#include "microbiome/genome_set.h"
#include "microbiome/unmatched_reads.h"

namespace immucan::microbiome {

enum class FragmentKind : std::uint8_t { kUnclassified, kMicrobial, kHost };

/// A mate of which fewer k-mers are looked up may match nowhere by chance.
inline constexpr std::uint32_t kJudgedLookups = 8;

struct FragmentRecord {
  FragmentKind kind = FragmentKind::kUnclassified;
  std::uint16_t base_lookups = 0;  ///< k-mers below the base threshold
  std::uint16_t base_hits = 0;     ///< of these, found in the best genomes
  std::uint16_t hits = 0;          ///< all k-mers found in the best genomes, densely sampled ones included
  /// Mates with at least kJudgedLookups k-mers looked up whose partner matches; how many of them match nowhere; Σ
  /// lookups.
  std::uint16_t judged_mates = 0, empty_mates = 0, judged_lookups = 0;
  std::uint32_t bases = 0;
  /// Of two mates: which of them show no hit at all (1 the first, 2 the second), and which show two or more.
  std::uint8_t mates_without_hit = 0, mates_with_hits = 0;
  std::uint16_t own_hits = 0;                   ///< of `hits`, k-mers found in one species only
  std::uint32_t bin = 0;                        ///< where most of own_hits lie
  std::uint32_t first_member = 0, members = 0;  ///< the best genomes, in FragmentScanner::members()
};

/// Lookups after which a shared database is asked to keep its memory small.
inline constexpr std::size_t kLookupsAtATime = 4096;

/// Scans batches; one per thread. Call add() for every fragment, then resolve() once.
class FragmentScanner {
 public:
  FragmentScanner() = default;
  void clear();
  /// `mate` is empty for single reads. The sequences may be released afterwards.
  void add(const Database& database, std::string_view read, std::string_view mate);
  void resolve(const Database& database);

  [[nodiscard]] std::span<const FragmentRecord> fragments() const { return fragments_; }
  [[nodiscard]] std::span<const std::uint32_t> members(const FragmentRecord& fragment) const {
    return std::span(members_).subspan(fragment.first_member, fragment.members);
  }
  /// Index entries hit, each at most once per fragment; host fragments are left out.
  [[nodiscard]] std::span<const std::uint64_t> entries() const { return entries_; }

 private:
  void resolve_fragment(const Database& database, FragmentRecord& fragment, std::span<const IndexHit> hits);
  void place_fragment(const Database& database, FragmentRecord& fragment) const;

  std::vector<FragmentRecord> fragments_;
  struct Range {
    std::uint32_t mate = 0, end = 0;                      ///< where the second mate's hashes begin, and where all end
    std::uint16_t first_lookups = 0, second_lookups = 0;  ///< below the base threshold
    bool paired = false;
  };
  void judge_mates(FragmentRecord& fragment, const Range& range, std::span<const IndexHit> hits) const;
  std::vector<Range> ranges_;  ///< of each fragment in hashes_
  std::vector<std::uint64_t> hashes_;
  std::vector<IndexHit> hits_;
  std::vector<std::uint32_t> members_;
  std::vector<std::uint64_t> entries_;
  // Scratch of resolve_fragment.
  struct GenomeCount {
    std::uint16_t hits = 0, base_hits = 0;
  };
  std::vector<GenomeCount> counts_;     ///< per genome, zero between fragments
  std::vector<std::uint32_t> touched_;  ///< genomes with a count
  struct UnitCount {
    UnitIndex unit;
    std::uint16_t hits, base_hits;
  };
  std::vector<UnitCount> units_;
};

/// Fragments of one equivalence class.
struct ClassCounts {
  std::uint64_t fragments = 0;
  std::uint64_t strong = 0;  ///< fragments that the genomes explain well (strong_fragment) and no other species does
  std::uint64_t bases = 0;
  std::uint64_t base_lookups = 0, base_hits = 0;
  std::uint64_t judged_mates = 0, empty_mates = 0, judged_lookups = 0;  ///< as in FragmentRecord
};

/// k-mers that a strong fragment holds where one in `density` is sampled: three, as long as fragments have so many.
[[nodiscard]] std::uint16_t strong_hits(double density);
/// A fragment that a close relative of the genome would give: several k-mers, and not only a conserved piece of it.
[[nodiscard]] bool strong_fragment(const FragmentRecord& fragment, std::uint16_t hits = 3);

/// The sequence of the fragment with that number in its batch.
using SequenceOf = std::function<std::string_view(std::size_t)>;

/// What a whole sample adds up to. Serial: fed in the order of the input.
class SampleCounts {
 public:
  explicit SampleCounts(const Database& database);
  void add(const FragmentScanner& scanner);
  /// The sequences of the fragments just added that are needed later: mates without a hit, and the words of one
  /// fragment in kWordsEvery. `mate` gives the second sequence of a pair.
  void add_sequences(const FragmentScanner& scanner, const SequenceOf& read, const SequenceOf& mate);

  std::uint64_t fragments = 0, bases = 0, base_lookups = 0;
  std::uint64_t reads = 0;  ///< set by whoever feeds the batches: two per pair
  std::uint64_t host_fragments = 0, unclassified_fragments = 0;
  GenomeSets classes;                                    ///< genome lists of the classes
  std::vector<ClassCounts> class_counts;                 ///< by class number
  EntryCounts entry_counts;                              ///< per index entry
  std::vector<std::uint32_t> bin_fragments, bin_strong;  ///< fragments whose best genomes are of one species, per bin

  UnmatchedReads unmatched;  ///< mates of pairs without a hit
  /// Words in fragments whose best genomes are all of the species; null or zeros where none was counted.
  [[nodiscard]] const WordCounts* host_words() const;
  [[nodiscard]] const WordCounts& words_of(TaxonIndex species) const;

  /// visit(unit, count) for every k-mer seen.
  template <class Visit>
  void for_each_kmer(Visit&& visit) const {
    std::size_t visited = 0;
    entry_counts.for_each([&](std::uint64_t entry, std::uint8_t count) {
      if (++visited % kLookupsAtATime == 0) database_.keep_resident();
      visit(database_.index().unit_at(entry), count);
    });
  }

  /// The species of a class, or kMixed.
  static constexpr TaxonIndex kMixed = Database::kMixed;
  [[nodiscard]] TaxonIndex class_species(std::uint32_t number) const { return class_species_[number]; }
  [[nodiscard]] std::span<const std::uint32_t> class_members(std::uint32_t number) const {
    return classes.members().subspan(classes.offsets()[number],
                                     classes.offsets()[number + 1] - classes.offsets()[number]);
  }

 private:
  const Database& database_;
  std::uint16_t strong_hits_;
  static constexpr std::uint64_t kWordsEvery = 16;
  std::vector<TaxonIndex> class_species_;
  std::unordered_map<TaxonIndex, WordCounts> words_;  ///< kMixed: of the host
};

}  // namespace immucan::microbiome
