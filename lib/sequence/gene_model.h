#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/run_context.h"

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
};

/// Reads `exon` and `gene` records of a GTF. 65 on a gene or transcript with two strands or chromosomes, exons of one
/// transcript that overlap, an exon without gene_id or transcript_id, or when no gene has an exon.
[[nodiscard]] GeneModel read_gene_model(const std::filesystem::path& gtf, core::RunContext& context);

}  // namespace immucan::sequence
