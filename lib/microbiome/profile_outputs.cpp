#include "microbiome/profile_outputs.h"

#include "core/run_context.h"
#include "io/features_table.h"
#include "microbiome/kraken_report.h"
#include "microbiome/profile_features.h"
#include "microbiome/profile_formats.h"
#include "microbiome/profile_page.h"
#include "report/multiqc.h"

namespace immucan::microbiome {

void write_profile(core::OutputSet& outputs, const Database& database, const SampleProfile& profile,
                   const ProfileOutputs& options) {
  const std::string& sample = options.sample_id;
  const std::string program = outputs.context().tool + " " + outputs.context().version;
  const auto wanted = [&](const char* format) { return options.formats.contains(format); };
  outputs.add(sample + ".profile.tsv").write(profile_tsv(database, profile));
  outputs.add(sample + ".evidence.tsv").write(evidence_tsv(database, profile));
  outputs.add(sample + ".novel.tsv").write(novel_tsv(database, profile));
  outputs.add(sample + ".summary.json").write(summary_json(profile, database, sample));
  io::write_features(outputs.add(sample + ".features.tsv"),
                     profile_features(database, profile, sample, options.specimen));
  if (wanted("kraken"))
    outputs.add(sample + ".kreport")
        .write(write_kraken_report(profile.report, profile.fragments, options.kmer_columns));
  if (wanted("bracken")) outputs.add(sample + ".bracken.tsv").write(bracken_species_table(database, profile));
  if (wanted("cami")) outputs.add(sample + ".cami.profile").write(cami_profile(database, profile, sample, program));
  if (wanted("metaphlan"))
    outputs.add(sample + ".metaphlan.tsv").write(metaphlan_table(database, profile, sample, program));
  if (wanted("html")) outputs.add(sample + ".html").write(profile_page(database, profile, sample, program));
  if (wanted("biom")) {
    auto table = profile_biom(database, profile, sample);
    io::write_biom(outputs.add_external(sample + ".biom"), table);
  }
  report::add_qc(outputs, profile_quality(database, profile, sample));
}

}  // namespace immucan::microbiome
