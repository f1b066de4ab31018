#pragma once
// A profile in the formats of other tools.
#include <string>
#include <string_view>

#include "io/biom.h"
#include "microbiome/database.h"
#include "microbiome/profiling.h"

namespace immucan::microbiome {

/// CAMI's profiling format 0.9.1 (https://github.com/bioboxes/rfc, "data-format/profiling"): taxonomic abundance in per
/// cent at the eight ranks. A rank that a lineage lacks is an empty field of its path.
[[nodiscard]] std::string cami_profile(const Database& database, const SampleProfile& profile,
                                       std::string_view sample_id, std::string_view program);

/// MetaPhlAn 4's table: clade_name, NCBI_tax_id, relative_abundance (taxonomic, per cent), additional_species (empty).
[[nodiscard]] std::string metaphlan_table(const Database& database, const SampleProfile& profile,
                                          std::string_view sample_id, std::string_view program);

/// Bracken's table at species: fragments that only the species explains, those shared out by expectation maximisation,
/// and their sum.
[[nodiscard]] std::string bracken_species_table(const Database& database, const SampleProfile& profile);

/// Species × one sample, fragments, with the lineage and both abundances as metadata.
[[nodiscard]] io::BiomTable profile_biom(const Database& database, const SampleProfile& profile,
                                         std::string_view sample_id);

/// Fills the k-mer columns of the report: sampled k-mers seen in the reads of a clade (each counted 255 times at most)
/// and how many different ones, a k-mer of several genomes at their lowest common ancestor. The host's are not counted.
void add_kmer_columns(const Database& database, const SampleCounts& counts, SampleProfile& profile);

}  // namespace immucan::microbiome
