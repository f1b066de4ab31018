#pragma once
// One sample: reads in, profile out.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/run_context.h"
#include "io/fastq.h"
#include "microbiome/abundance.h"
#include "microbiome/database.h"
#include "microbiome/fragment_scan.h"
#include "microbiome/kraken_report.h"

namespace immucan::microbiome {

/// One row of SAMPLE.profile.tsv: a taxon or a strain.
struct ProfileRow {
  std::uint64_t taxid = 0;
  std::string rank, name;
  double taxonomic_abundance = 0;  ///< share of genome copies among known species
  double sequence_abundance = 0;   ///< share of fragments among those of known species
  std::uint64_t reads = 0;         ///< fragments (a pair counts once) in the clade
  double coverage = 0;             ///< mean depth, summed over the clade
  double ani = 0;                  ///< fraction; NaN above species
  double lower = 0, upper = 0;     ///< 95 % interval of taxonomic_abundance from the sampling of fragments
};

struct SampleProfile {
  std::uint64_t fragments = 0, reads = 0, bases = 0;
  std::uint64_t host_fragments = 0, classified_fragments = 0, unclassified_fragments = 0;
  double host_fraction = 0;        ///< of all fragments
  double classified_fraction = 0;  ///< of all fragments: those given to a species
  double known_fraction = 0;       ///< of all fragments: estimated to be of species in the database
  double unknown_fraction = 0;     ///< of all fragments but the host's: the rest
  double shannon = 0;              ///< of species' taxonomic abundances, natural logarithm
  std::vector<ProfileRow> rows;    ///< depth first, larger clades first
  std::vector<ReportRow> report;   ///< Σ direct = fragments
  std::vector<SpeciesEvidence> evidence;
  std::vector<NovelGenus> novel;  ///< fragments of these are unclassified and unknown
};

/// Sees every batch in the order of the input, after its fragments have been counted; serial.
using FragmentSink = std::function<void(const io::FastqBatch&, const FragmentScanner&, SampleCounts&)>;

/// Reads all lanes once. Memory: the index, a byte per index entry, and a few batches of reads.
[[nodiscard]] SampleCounts count_sample(const Database& database, const std::vector<io::FastqLane>& lanes,
                                        core::RunContext& context, const FragmentSink& sink = {});

[[nodiscard]] SampleProfile make_profile(const Database& database, const SampleCounts& counts,
                                         const SampleAbundance& abundance);

/// Contents of the output files.
[[nodiscard]] std::string profile_tsv(const Database& database, const SampleProfile& profile);
[[nodiscard]] std::string kraken_report(const SampleProfile& profile);
[[nodiscard]] std::string evidence_tsv(const Database& database, const SampleProfile& profile);
[[nodiscard]] std::string novel_tsv(const Database& database, const SampleProfile& profile);
[[nodiscard]] std::string summary_json(const SampleProfile& profile, const Database& database,
                                       std::string_view sample_id);

}  // namespace immucan::microbiome
