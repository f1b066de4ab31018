#pragma once
// Profiles of many samples as one table.
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/run_context.h"
#include "io/anndata.h"
#include "io/biom.h"
#include "microbiome/contaminants.h"
#include "microbiome/profiling.h"

namespace immucan::microbiome {

struct MergedTaxon {
  std::string taxid, rank, name, lineage;
  double genome_length = 0;  ///< NaN where no profile says it
};

/// What SAMPLE.summary.json says; NaN where it is not there.
struct MergedSample {
  std::string id;
  double fragments = 0, host_fraction = 0, unknown_fraction = 0, shannon = 0;
  double total_coverage = 0, detectable_bases = 0;
};

/// Taxa × samples, row-major. What a sample lacks is 0; `detection_limits` say from which taxonomic abundance on it
/// would have been noticed (NaN where that cannot be told).
struct MergedProfiles {
  std::vector<MergedTaxon> taxa;  ///< by lineage, then taxid
  std::vector<MergedSample> samples;
  std::vector<double> taxonomic_abundance, sequence_abundance, reads, coverage, detection_limits;
  std::vector<ContaminantScore> contaminants;  ///< one per taxon, or none
  [[nodiscard]] std::size_t at(std::size_t taxon, std::size_t sample) const { return taxon * samples.size() + sample; }
};

/// One sample's rows of one rank, before merging.
struct ProfileTable {
  MergedSample sample;
  struct Row {
    MergedTaxon taxon;
    double taxonomic_abundance = 0, sequence_abundance = 0, reads = 0, coverage = 0, detection_limit = 0;
  };
  std::vector<Row> rows;
};

/// SAMPLE.profile.tsv of ours; 65 on a repeated taxid or a value that is no abundance.
[[nodiscard]] ProfileTable read_profile_table(std::unique_ptr<io::ByteSource> source, const std::string& rank);
/// SAMPLE.summary.json; 65 where it is no JSON object.
void read_summary(std::string_view json, const std::string& file, MergedSample& sample);

/// Files SAMPLE.profile.tsv (with SAMPLE.summary.json beside them where it is there), files in CAMI's format (known by
/// their first bytes), or folders that hold such files. 65 where a sample appears twice, 66 where a folder holds none.
[[nodiscard]] MergedProfiles merge_profiles(const std::vector<std::filesystem::path>& inputs, const std::string& rank,
                                            core::RunContext& context);
[[nodiscard]] MergedProfiles merge_tables(std::vector<ProfileTable> tables);

/// Scores the taxa by the fragments' shares. `controls` may hold more samples and in another order; 65 naming a merged
/// sample that it lacks.
void add_contaminants(MergedProfiles& merged, const std::vector<ControlRow>& controls, const std::string& controls_name,
                      const ContaminantOptions& options);
/// Takes out contaminants and the samples that are blanks, and scales abundances to their former sums.
void remove_contaminants(MergedProfiles& merged, const std::vector<ControlRow>& controls);

enum class Measure { kTaxonomicAbundance, kSequenceAbundance, kReads, kCoverage, kDetectionLimit };
/// taxid rank name lineage, and a column per sample.
[[nodiscard]] std::string merged_tsv(const MergedProfiles& merged, Measure measure);
/// sample_id fragments host_fraction unknown_fraction shannon taxa
[[nodiscard]] std::string merged_samples_tsv(const MergedProfiles& merged);
[[nodiscard]] std::string contaminants_tsv(const MergedProfiles& merged);
/// Reads where every profile has them, else taxonomic abundances; lineages and contaminants as metadata.
[[nodiscard]] io::BiomTable merged_biom(const MergedProfiles& merged);
/// Samples × taxa: X taxonomic abundance; layers sequence_abundance, reads, coverage, detection_limit (dense, NaN =
/// unknown).
[[nodiscard]] io::AnnData merged_anndata(const MergedProfiles& merged);

}  // namespace immucan::microbiome
