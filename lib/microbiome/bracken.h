#pragma once
// Bracken's redistribution of reads that Kraken could only give to higher ranks (Lu, Breitwieser, Thielen, Salzberg
// 2017, PeerJ Computer Science 3:e104), on a report and a distribution of k-mers that others made.
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "io/byte_source.h"
#include "microbiome/kraken_report.h"

namespace immucan::microbiome {

/// databaseXmers.kmer_distrib: of the read-long windows of each genome, the share that Kraken gives to a taxon.
/// [taxon] → (genome's taxid, share).
using KmerDistribution = std::unordered_map<std::uint64_t, std::vector<std::pair<std::uint64_t, double>>>;

/// 65 with file and line on anything but "taxid TAB genome:mapped:total …".
[[nodiscard]] KmerDistribution read_kmer_distribution(std::unique_ptr<io::ByteSource> source);

struct BrackenRow {
  std::string name;
  std::uint64_t taxid = 0;
  std::uint64_t assigned = 0, added = 0;  ///< by Kraken to the clade; from above
  double fraction = 0;                    ///< of the reads of all rows
};

struct BrackenResult {
  std::string level;
  std::vector<BrackenRow> rows;   ///< in the order of the report
  std::vector<ReportRow> report;  ///< down to the level; Σ = reads of the input
  std::uint64_t taxa = 0;         ///< at the level, those below the threshold included
  std::uint64_t kept = 0, below_threshold = 0, distributed = 0, not_distributed = 0, unclassified = 0;
};

struct BrackenOptions {
  std::string level = "S";      ///< a rank code as in the report: S, G, S1 …
  std::int64_t threshold = 10;  ///< taxa with fewer reads in their clade get none from above and no row
};

/// Reads are whole and none is lost: the running sum is rounded, so that every taxon and every clade
/// is within one read of its exact value and Σ kept +
/// distributed = Σ rows; what cannot be distributed stays where it was in the report. 65 when no taxon of the level is
/// in the report or none reaches the threshold (the message lists the codes that are there); `name` is the report's.
[[nodiscard]] BrackenResult redistribute_reads(const KrakenReport& report, const KmerDistribution& distribution,
                                               const BrackenOptions& options, const std::string& name);

/// name taxonomy_id taxonomy_lvl kraken_assigned_reads added_reads new_est_reads fraction_total_reads
[[nodiscard]] std::string bracken_table(const std::vector<BrackenRow>& rows, const std::string& level);

}  // namespace immucan::microbiome
