#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/run_context.h"
#include "scrna/barcodes.h"
#include "scrna/cell_calling.h"
#include "scrna/chemistry.h"
#include "scrna/molecules.h"
#include "scrna/presets.h"
#include "scrna/read_mapping.h"
#include "scrna/reference_index.h"

namespace immucan::scrna {

struct CountOptions {
  std::filesystem::path index;
  std::vector<std::filesystem::path> whitelists;  ///< see Whitelist; empty: barcodes are found in the reads
  std::string chemistry = "auto";                 ///< a name, a geometry, or "auto"
  std::string strand = "chemistry";               ///< of the RNA read: "forward", "reverse", or as the chemistry has it
  std::vector<std::filesystem::path> read1, read2;  ///< lanes in order
  std::vector<std::filesystem::path> bam;           ///< instead of reads
  bool bam_tags = false;                            ///< genes and barcodes of the BAM itself
  std::filesystem::path output;
  std::string sample;  ///< empty: from the name of the first read 2 file
  std::string specimen = "tissue";
  std::optional<std::int64_t> expected_cells;
  bool introns = true;  ///< false: only reads whose bases are all in exons count (STARsolo's Gene)
  CountingRules rules;
  BarcodeRule barcode_rule = BarcodeRule::kPseudocounts;
  std::optional<std::uint64_t> memory;  ///< bytes; beyond it reads wait in a temporary file
  bool keep_index = true;               ///< false: its text and seeds are given back as soon as all reads are mapped
};

/// What became of the reads. Every read is in one barcode class; those with a barcode are in one read class.
struct ReadSummary {
  std::uint64_t reads = 0;
  std::array<std::uint64_t, kBarcodeClasses> barcodes{};
  std::uint64_t multi_resolved = 0;  ///< of BarcodeClass::kMulti
  std::uint64_t unseen = 0;          ///< of BarcodeClass::kOneMismatch, given up as no read has that barcode exactly
  std::array<std::uint64_t, kReadClasses> mapping{};  ///< of reads whose barcode is or may become known
  std::uint64_t counted = 0;                          ///< with barcode, UMI and one gene
  /// Exonic molecules with a read this far from the end of the transcript are unspliced; nullopt: not in this library.
  std::optional<std::uint32_t> unspliced_beyond;
  [[nodiscard]] std::uint64_t valid_barcodes() const;
};

struct CountResult {
  ReadSummary reads;
  MoleculeSummary molecules;
  std::vector<CellCounts> barcodes;  ///< with at least one molecule, ascending
  CellCall call;                     ///< ranks into `barcodes`
};

/// Reads, maps, corrects and counts. 65 when a read is too short for the chemistry, when fewer than 1 % of the reads
/// carry a barcode of the list, or when no read has a gene.
[[nodiscard]] CountResult count_reads(const CountOptions& options, const Chemistry& chemistry,
                                      const ReferenceIndex& index, const Whitelist& whitelist,
                                      core::RunContext& context);

/// Bytes of --memory that are left for reads on their way to molecules; 64 when the rest does not fit.
[[nodiscard]] std::uint64_t store_budget(const CountOptions& options, const ReferenceIndex& index,
                                         const Whitelist& whitelist, unsigned threads);
/// The end of every count: molecules of all cells, then cells. Empties the store.
[[nodiscard]] CountResult collect_counts(MoleculeStore& store, const GeneSets& sets, const ReadSummary& reads,
                                         const CountingRules& rules, const CountOptions& options,
                                         core::RunContext& context);

/// "P01_S1_L001_R2_001.fastq.gz" → "P01".
[[nodiscard]] std::string sample_of(const std::filesystem::path& read2);

}  // namespace immucan::scrna
