#pragma once
// What reads are mapped to: the whole genome, so that pseudogenes, introns and everything between genes compete with
// the transcripts, and one contig for every annotated splice junction with its surroundings. All of it is one 2-bit
// text with one seed dictionary; the genes lie over the genome as segments.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/output.h"
#include "core/run_context.h"
#include "io/indexed_file.h"
#include "scrna/feature_reference.h"
#include "sequence/dictionary.h"
#include "sequence/gene_model.h"

namespace immucan::scrna {

struct IndexOptions {
  std::filesystem::path genome, gtf;                    ///< GTF or GFF3
  std::filesystem::path transcripts, transcript_genes;  ///< instead of a genome: FASTA and table; spliced only
  std::filesystem::path features;                       ///< feature reference CSV, may be empty
  std::filesystem::path output;
  std::int64_t seed_length = 21;     ///< k; odd
  std::int64_t syncmer_length = 11;  ///< s; odd
  std::int64_t longest_read = 151;   ///< junction contigs reach this far, less one base, to both sides
};

/// Fixed part of the file.
struct IndexParameters {
  std::uint32_t k = 0, s = 0;
  std::uint32_t longest_read = 0;
  std::uint32_t genome_bases = 0;  ///< text beyond it is junction contigs
};

/// A stretch of genome text.
struct GenomeBlock {
  std::uint32_t begin = 0, size = 0;
};

struct IndexedGene {
  std::uint32_t begin = 0, end = 0;  ///< in the text
  std::uint32_t reverse = 0;
  std::uint32_t chromosome = 0;
};

/// A gene over a segment of the genome.
struct SegmentGene {
  enum Kind : std::uint32_t { kExonic = 1, kIntronic = 2 };
  static constexpr unsigned kKindBits = 2;
  std::uint32_t gene = 0;
  std::uint32_t kind_and_distance = 0;
  /// Bits: within an exon, within an intron of some transcript.
  [[nodiscard]] std::uint32_t kinds() const { return kind_and_distance & (kExonic | kIntronic); }
  /// Within an exon: bases of transcript between the segment and the end of the transcript, the least of those that
  /// have the exon.
  [[nodiscard]] std::uint32_t distance() const { return kind_and_distance >> kKindBits; }
};

/// Which genes lie where on one strand: breakpoints ascend from 0, segment i spans [breakpoint i, breakpoint i + 1).
struct SegmentTable {
  std::span<const std::uint32_t> breakpoints, gene_starts;
  std::span<const SegmentGene> genes;
  std::span<const std::uint32_t> coarse;  ///< first segment of every 2^kCoarseBits bases
  static constexpr unsigned kCoarseBits = 11;
  [[nodiscard]] std::size_t segment_of(std::uint32_t position) const {
    std::size_t i = coarse[position >> kCoarseBits];
    while (i + 1 < breakpoints.size() && breakpoints[i + 1] <= position) ++i;
    return i;
  }
  [[nodiscard]] std::span<const SegmentGene> genes_of(std::size_t segment) const {
    return genes.subspan(gene_starts[segment], gene_starts[segment + 1] - gene_starts[segment]);
  }
};

/// Views into a loaded file. Immutable: shared by all threads.
class ReferenceIndex {
 public:
  static constexpr const char* kKind = "scrna-index";
  static constexpr std::uint32_t kMajor = 3, kMinor = 1;

  /// 65 for another kind or version, a truncation, a flipped byte or contents that do not fit together; 66 when
  /// missing.
  ReferenceIndex(const std::filesystem::path& path, core::RunContext& context, bool map = false);

  [[nodiscard]] const IndexParameters& parameters() const { return parameters_; }
  [[nodiscard]] sequence::SeedShape seed_shape() const { return {parameters_.k, parameters_.s}; }
  [[nodiscard]] const std::uint64_t* text() const { return text_.data(); }
  [[nodiscard]] const sequence::SeedDictionary& seeds() const { return seeds_; }
  [[nodiscard]] bool in_genome(std::uint32_t position) const { return position < parameters_.genome_bases; }

  /// The chromosome or contig around a text position.
  struct Span {
    std::uint32_t begin, end;
    std::uint32_t contig;  ///< rank of the contig, or kNoContig
  };
  static constexpr std::uint32_t kNoContig = 0xffffffff;
  /// Ask for the memory that `span_of` and the segments of a strand look at first, and, once that is near, next.
  [[gnu::always_inline]] void prefetch_near(std::uint32_t position, bool reverse) const {
    if (in_genome(position)) {
      __builtin_prefetch(&segments_[reverse ? 1 : 0].coarse[position >> SegmentTable::kCoarseBits]);
    } else {
      __builtin_prefetch(&contig_ranks_[(position - parameters_.genome_bases) >> kContigRankBits]);
    }
  }
  [[gnu::always_inline]] void prefetch_at(std::uint32_t position, bool reverse) const {
    if (in_genome(position)) {
      const SegmentTable& table = segments_[reverse ? 1 : 0];
      const std::uint32_t segment = table.coarse[position >> SegmentTable::kCoarseBits];
      __builtin_prefetch(&table.breakpoints[segment]);
      __builtin_prefetch(&table.gene_starts[segment]);
    } else {
      const std::uint32_t contig = contig_ranks_[(position - parameters_.genome_bases) >> kContigRankBits];
      __builtin_prefetch(&contig_begins_[contig]);
      __builtin_prefetch(&contig_block_starts_[contig]);
    }
  }
  [[nodiscard]] Span span_of(std::uint32_t position) const;
  [[nodiscard]] std::span<const GenomeBlock> contig_blocks(std::uint32_t contig) const {
    return contig_blocks_.subspan(contig_block_starts_[contig],
                                  contig_block_starts_[contig + 1] - contig_block_starts_[contig]);
  }
  [[nodiscard]] std::span<const std::uint32_t> contig_genes(std::uint32_t contig) const {
    return contig_genes_.subspan(contig_gene_starts_[contig],
                                 contig_gene_starts_[contig + 1] - contig_gene_starts_[contig]);
  }
  [[nodiscard]] const SegmentTable& segments(bool reverse) const { return segments_[reverse ? 1 : 0]; }

  /// Gives back the memory of text and seeds, most of the index: no read can be mapped after that. Genes and names
  /// stay.
  void forget_sequences() const;

  [[nodiscard]] std::span<const IndexedGene> genes() const { return genes_; }
  [[nodiscard]] const std::vector<std::string_view>& gene_ids() const { return gene_ids_; }
  [[nodiscard]] const std::vector<std::string_view>& gene_names() const { return gene_names_; }
  [[nodiscard]] const std::vector<std::string_view>& chromosome_names() const { return chromosome_names_; }
  [[nodiscard]] std::size_t contigs() const { return contig_begins_.size() - 1; }
  [[nodiscard]] std::string digest() const { return file_.digest(); }
  /// Made from transcripts: every molecule counts as spliced.
  [[nodiscard]] bool spliced_only() const { return spliced_only_; }
  /// Tags that may be counted beside the genes.
  [[nodiscard]] const std::vector<FeatureBarcode>& features() const { return features_; }
  [[nodiscard]] std::string tool_version() const { return file_.tool_version(); }
  [[nodiscard]] std::uint32_t format_minor() const { return file_.format_minor(); }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }  ///< of the file, and in memory

 private:
  void check(const std::filesystem::path& path) const;
  void rank_contigs();
  static constexpr unsigned kContigRankBits = 8;  // contigs have some 300 bases
  io::IndexedFile file_;
  std::uint64_t bytes_ = 0;
  IndexParameters parameters_;
  std::span<const std::uint64_t> text_;
  std::span<const std::uint32_t> chromosome_begins_, contig_begins_, contig_block_starts_, contig_gene_starts_,
      contig_genes_;
  std::span<const GenomeBlock> contig_blocks_;
  std::vector<std::uint32_t> contig_ranks_;  ///< of the contig at every 2^kContigRankBits bases of their text
  SegmentTable segments_[2];
  std::span<const IndexedGene> genes_;
  std::vector<std::string_view> gene_ids_, gene_names_, chromosome_names_;
  sequence::SeedDictionary seeds_;
  bool spliced_only_ = false;
  std::vector<FeatureBarcode> features_;
};

struct IndexSummary {
  std::uint64_t chromosomes = 0, bases = 0, genes = 0, transcripts = 0, junctions = 0, contigs = 0, contig_bases = 0,
                seeds = 0;
  std::uint64_t genes_on_unknown_chromosomes = 0, genes_without_exons = 0, trans_spliced_genes = 0, features = 0;
};

/// Reads genome and annotation and writes the index. 65 when no chromosome name of the annotation is in the genome (the
/// message shows one of each), when a gene reaches beyond its chromosome, or when the text exceeds 4 G bases.
IndexSummary build_index(const IndexOptions& options, core::OutputFile& out, core::RunContext& context);

}  // namespace immucan::scrna
