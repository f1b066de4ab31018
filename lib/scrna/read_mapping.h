#pragma once
// From a read to a gene. Seeds give candidate places on both strands; every candidate is verified base by base; the
// best verified place wins. A locus with m mismatches shares an untouched seed with the read when more than m seeds
// that do not overlap have been looked up. So one seed is looked up first, then as many as would prove what it has
// found, all of them only where that fails.
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "scrna/reference_index.h"
#include "sequence/dictionary.h"

namespace immucan::scrna {

enum class ReadClass : std::uint8_t {
  kGene,          ///< one gene
  kSeveralGenes,  ///< equally good places in, or annotated with, several genes
  kAntisense,     ///< over exons of the other strand only
  kNoGene,        ///< on the genome, outside genes
  kUnmapped,      ///< no place with enough score
  kTooShort       ///< fewer bases than a seed
};
inline constexpr std::size_t kReadClasses = 6;
[[nodiscard]] std::string_view name_of(ReadClass read_class);

/// What a read says about its molecule; bits.
enum ReadEvidence : std::uint8_t {
  kJunction = 1,   ///< crosses an annotated splice junction
  kIntron = 2,     ///< covers bases that are in no exon
  kEitherWay = 4,  ///< exonic in one transcript, intronic in another
  // The five highest bits: how far the read is from the end of the transcript, see splicing_evidence.h.
};

struct ReadMapping {
  ReadClass read_class = ReadClass::kUnmapped;
  std::uint8_t evidence = 0;
  std::uint32_t gene = 0;  ///< for kSeveralGenes the place of their list, see ReadMapper::several_genes
};

struct MappingOptions {
  bool sense = true;                ///< reads have the strand of the transcript
  bool introns = true;              ///< false: only reads whose bases are all in exons have a gene
  std::uint32_t mismatch_cost = 3;  ///< a matching base scores 1; ends are clipped where that scores more
  double minimal_aligned = 0.66;    ///< share of the read inside the clipped ends (STAR's outFilterMatchNminOverLread)
  double minimal_score = 0.5;       ///< per base of the read
  std::uint32_t common_seed = 64;   ///< places from which a seed is passed over in the first round
  std::uint32_t useless_seed = 1000;  ///< and in the second
};

/// Maps reads in groups, so that memory is fetched ahead. One per thread; recycles its work space.
class ReadMapper {
 public:
  ReadMapper(const ReferenceIndex& index, const MappingOptions& options) : index_(index), options_(options) {}

  /// results[i] belongs to reads[i].
  void map(std::span<const std::string_view> reads, std::span<ReadMapping> results);
  /// The genes of a result of the last call whose class is kSeveralGenes, ascending.
  [[nodiscard]] std::span<const std::uint32_t> several_genes(const ReadMapping& mapping) const {
    return std::span(gene_lists_).subspan(mapping.gene + 1, gene_lists_[mapping.gene]);
  }

 private:
  struct Candidate {
    std::int64_t start = 0;  ///< text position of the read's first base (of its reverse complement on that strand)
    std::uint32_t seed_place = 0;  ///< inside the span that the candidate belongs to
    bool reverse = false;
    auto operator<=>(const Candidate&) const = default;
  };
  /// A verified place, in genome coordinates.
  struct Alignment {
    std::int32_t score = 0;
    std::uint32_t mismatches = 0, aligned = 0;
    bool reverse = false;
    std::uint32_t contig = ReferenceIndex::kNoContig;
    std::uint32_t block_count = 0;
    GenomeBlock blocks[8];
  };
  struct Query {
    std::uint32_t length = 0;
    std::uint32_t first_word = 0;  ///< forward words, then reverse words, then words of unknown bases (both strands)
    std::uint32_t first_seed = 0, seeds = 0;             ///< those that do not overlap
    std::uint32_t wanted_seeds = 0, complete_seeds = 0;  ///< the latter with all their places
    std::uint32_t first_candidate = 0, candidates = 0;
    bool broken = false;  ///< has unknown bases
  };
  using Places = std::span<const sequence::SeedPlace>;
  struct GeneOverlap {
    std::uint32_t gene = 0, exonic = 0, intronic = 0, both = 0;
    std::uint32_t distance = 0;  ///< of the read's end from the end of the transcript, where it is exonic
  };

  Query prepare(std::string_view read);
  void collect(const Query& query, std::uint32_t size, bool disjoint, std::vector<sequence::Seed>& seeds);
  void add_seeds(Query& query, std::uint32_t wanted);
  void look_up(std::span<const std::uint32_t> chosen);
  bool place(const Query& query);
  [[nodiscard]] bool fits_whole(const Query& query) const;
  void place_by_all_seeds(Query& query);
  void collect_candidates(Query& query, std::span<const sequence::Seed> seeds, std::span<const Places> places,
                          std::uint32_t limit);
  [[nodiscard]] std::span<Candidate> candidates_of(const Query& query) {
    return std::span(candidates_).subspan(query.first_candidate, query.candidates);
  }
  void align_candidates(const Query& query);
  bool verify(const Query& query, const Candidate& candidate, Alignment& alignment) const;
  void to_genome(std::uint32_t contig, std::uint32_t offset, std::uint32_t size, Alignment& alignment) const;
  void overlaps(const Alignment& alignment, bool reverse, std::vector<GeneOverlap>& out) const;
  ReadMapping assign();

  const ReferenceIndex& index_;
  MappingOptions options_;
  sequence::SeedScratch scratch_;
  std::vector<std::uint8_t> codes_;  ///< of a read with unknown bases
  std::vector<std::uint64_t> words_;
  std::vector<sequence::Seed> seeds_, all_seeds_;
  std::vector<Places> places_;  ///< of each seed of one read
  std::vector<Query> queries_;
  std::vector<std::uint32_t> all_, unproven_;  ///< reads of the group; those that one seed does not place
  std::vector<Candidate> candidates_;
  std::vector<Alignment> best_;
  std::vector<GeneOverlap> sense_, antisense_;
  std::vector<std::uint32_t> tied_genes_;
  std::vector<std::uint32_t> gene_lists_;  ///< sizes, each followed by that many genes
};

}  // namespace immucan::scrna
