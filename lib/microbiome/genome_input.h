#pragma once
// Which genomes to read, and their sequences.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/run_context.h"

namespace immucan::microbiome {

struct GenomeFile {
  std::string name;  ///< the file name without .fa, .fna, .fasta … and compression suffix, or as the table says
  std::filesystem::path path;
  std::uint64_t bytes = 0;  ///< as stored
};

/// A folder (every FASTA file in it), a list (one path per line), or a table with columns `genome` and `file`. Relative
/// paths are taken from the list's folder. Sorted by name. 65 on two genomes of one name, none, or a missing column.
[[nodiscard]] std::vector<GenomeFile> list_genomes(const std::filesystem::path& where, core::RunContext& context);

struct GenomeContents {
  std::uint64_t bases = 0;         ///< A, C, G, T
  std::uint32_t contigs = 0;       ///< sequences
  std::uint64_t header_taxid = 0;  ///< from "kraken:taxid|N" in the first header; 0 = none
};

/// Reads a nucleotide FASTA file contig by contig. 65 on protein sequences, no base, or two contigs of one name.
GenomeContents read_genome(const std::filesystem::path& path, core::RunContext& context,
                           const std::function<void(std::string_view contig)>& visit);

}  // namespace immucan::microbiome
