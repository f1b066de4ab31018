#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/run_context.h"
#include "io/gtf.h"

namespace immucan::sequence {

/// 0-based, half-open, on the forward strand of a chromosome.
struct Interval {
  std::uint64_t begin = 0, end = 0;
  [[nodiscard]] std::uint64_t size() const { return end - begin; }
  auto operator<=>(const Interval&) const = default;
};

struct Transcript {
  std::string id;
  std::uint32_t gene = 0;
  std::vector<Interval> exons;  ///< ascending, apart from each other
};

struct Gene {
  std::string id, name, biotype;  ///< name = id where the file gives none
  std::string chromosome;
  bool reverse = false;
  Interval body;  ///< from the first exon to the last of all transcripts
  std::uint64_t line = 0;
};

/// Genes in the order of the file, each with at least one exon; transcripts in the order of the file.
struct GeneModel {
  std::string source;  ///< name of the file, for messages
  std::vector<Gene> genes;
  std::vector<Transcript> transcripts;
  std::uint64_t genes_without_exons = 0;  ///< left out
  std::uint64_t trans_spliced_genes = 0;  ///< left out
};

/// Reads GTF (Ensembl, GENCODE, NCBI) or GFF3 (the same three): exons, and for transcripts without any their CDS and
/// stop codon. In GFF3 the gene of an exon is the feature at the root of its Parent chain, the transcript its Parent;
/// gene ids are `gene_id`, else ID without "gene:" or "gene-", so that both formats of a release give the same genes;
/// an exon with several parents belongs to each; genes marked as trans-spliced that lie on two strands or chromosomes
/// are left out. 65 on a gene or transcript with two strands or chromosomes, exons of one transcript that overlap, an
/// exon without gene_id or transcript_id (GTF) or Parent (GFF3), a Parent that is not in the file, or when no gene has
/// an exon.
[[nodiscard]] GeneModel read_gene_model(const std::filesystem::path& annotation, core::RunContext& context);
/// From rows in memory (tests, fuzzing).
[[nodiscard]] GeneModel read_gene_model(io::GtfReader reader);

}  // namespace immucan::sequence
