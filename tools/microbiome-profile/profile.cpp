#include "profile.h"

#include <fmt/format.h>

#include <array>
#include <map>
#include <memory>

#include "core/output.h"
#include "core/text.h"
#include "io/features_table.h"
#include "microbiome/profiling.h"
#include "report/multiqc.h"

namespace immucan::microbiome_profile {

namespace {

struct Options {
  std::filesystem::path database;
  std::vector<std::filesystem::path> first, second, unpaired;
  std::string sample;
  std::string specimen = "stool";
  std::filesystem::path output;
};

void declare(Options& options, cli::OptionSet& set) {
  set.group("Input");
  set.option("-d,--db", options.database, "Database made by 'build'", true);
  set.option("-1,--read1", options.first, "FASTQ or FASTA of the first mates, one per lane");
  set.option("-2,--read2", options.second, "The second mates, in the same order");
  set.option("-U,--unpaired", options.unpaired, "Single reads");
  set.option("--sample", options.sample, "Name of the sample; by default from the first file's name");
  set.choice("--specimen", options.specimen, {"tissue", "blood", "stool", "saliva"}, "What was sampled");
  set.group("Output");
  set.output_folder(options.output);
}

/// "x/P01_R1.fastq.gz" → "P01".
std::string sample_of(const std::filesystem::path& file) {
  std::string name = file.filename().string();
  if (name == "-") return "stdin";
  static constexpr std::array<std::string_view, 11> kSuffixes{".gz",    ".bgz", ".zst", ".zstd", ".fastq", ".fq",
                                                              ".fasta", ".fa",  ".fna", "_R1",   "_1"};
  for (const auto suffix : kSuffixes)
    if (name.size() > suffix.size() && name.ends_with(suffix)) name.resize(name.size() - suffix.size());
  return name;
}

std::vector<io::FastqLane> lanes_of(const Options& options) {
  if (options.first.empty() == options.unpaired.empty()) core::raise_usage("give either -1 and -2, or -U");
  if (options.first.size() != options.second.size())
    core::raise_usage(fmt::format("{} file(s) with -1 but {} with -2", options.first.size(), options.second.size()));
  std::vector<io::FastqLane> lanes;
  for (std::size_t i = 0; i < options.first.size(); ++i) lanes.push_back({{options.first[i], options.second[i]}});
  for (const auto& file : options.unpaired) lanes.push_back({{file}});
  return lanes;
}

void check_sample_name(const std::string& sample) {
  if (sample.empty() || sample == "NA" || sample.find_first_of("/\t\n\r") != std::string::npos || sample[0] == '.')
    core::raise_usage(
        fmt::format("--sample '{}' cannot name files: it must not be empty, NA, begin with a dot or "
                    "hold '/' or control characters",
                    sample));
}

/// Every species of the database has a value: 0 where it was not found, so that samples can be compared.
std::vector<io::FeatureValue> features_of(const microbiome::Database& database,
                                          const microbiome::SampleProfile& profile, const Options& options,
                                          const std::string& sample) {
  std::vector<io::FeatureValue> features;
  const auto add = [&](std::string_view entity, std::string_view measure, std::optional<double> value) {
    features.push_back({sample, io::feature_name("microbiome", options.specimen, entity, measure), value});
  };
  std::map<std::uint64_t, double> abundance;
  for (const auto& row : profile.rows) abundance[row.taxid] = row.taxonomic_abundance;
  std::map<std::uint64_t, std::string> species;
  std::map<std::string, int> names;
  for (const auto& genome : database.genomes()) {
    const auto& taxon = database.taxonomy()[genome.species];
    if (genome.is_host == 0 && species.emplace(taxon.taxid, taxon.name).second)
      ++names[core::feature_entity(taxon.name)];
  }
  const bool any = profile.classified_fragments != 0;
  for (const auto& [taxid, name] : species) {
    const auto found = abundance.find(taxid);
    const std::optional<double> value =
        any ? std::optional(found == abundance.end() ? 0.0 : found->second) : std::nullopt;
    // Two species of one name (it happens with placeholders) keep their taxids apart.
    add(names[core::feature_entity(name)] > 1 ? fmt::format("{}_{}", name, taxid) : name, "abundance", value);
  }
  add("community", "shannon", any ? std::optional(profile.shannon) : std::nullopt);
  const bool microbial = profile.fragments > profile.host_fragments;
  add("community", "unknown_fraction", microbial ? std::optional(profile.unknown_fraction) : std::nullopt);
  add("community", "host_fraction", profile.fragments != 0 ? std::optional(profile.host_fraction) : std::nullopt);
  return features;
}

report::QcFragment quality_fragment(const microbiome::SampleProfile& profile, const std::string& sample) {
  std::size_t species = 0;
  for (const auto& row : profile.rows) species += row.rank == "species" ? 1 : 0;
  return {"microbiome_profile",
          "Microbiome profile",
          sample,
          {{"fragments", "Fragments", "Read pairs or single reads", static_cast<double>(profile.fragments)},
           {"host_fraction", "Host", "Share of fragments of the host", profile.host_fraction},
           {"known_fraction", "Known", "Share of fragments of species in the database", profile.known_fraction},
           {"unknown_fraction", "Unknown", "Share of fragments without the host that no species explains",
            profile.unknown_fraction},
           {"species", "Species", "Species present", static_cast<double>(species)},
           {"shannon", "Shannon", "Shannon diversity of species, natural logarithm", profile.shannon}}};
}

core::Status run(const Options& options, core::RunContext& context) {
  const auto lanes = lanes_of(options);
  const std::string sample = options.sample.empty() ? sample_of(lanes[0].files[0]) : options.sample;
  check_sample_name(sample);
  const microbiome::Database database(options.database, context);
  auto outputs = core::OutputSet::folder(context, options.output);
  const auto counts = microbiome::count_sample(database, lanes, context);
  const auto profile = microbiome::make_profile(database, counts, microbiome::estimate_abundance(database, counts));
  if (profile.fragments == profile.host_fragments)
    context.log.warning(profile.fragments == 0 ? "there are no reads: the profile is empty"
                                               : "every read is of the host: the profile is empty");
  outputs.add(sample + ".profile.tsv").write(microbiome::profile_tsv(profile));
  outputs.add(sample + ".kreport").write(microbiome::kraken_report(profile));
  outputs.add(sample + ".evidence.tsv").write(microbiome::evidence_tsv(database, profile));
  outputs.add(sample + ".summary.json").write(microbiome::summary_json(profile, database, sample));
  io::write_features(outputs.add(sample + ".features.tsv"), features_of(database, profile, options, sample));
  report::add_qc(outputs, quality_fragment(profile, sample));
  outputs.count("database", database.digest());
  outputs.count("fragments", static_cast<std::int64_t>(profile.fragments));
  outputs.count("host_fragments", static_cast<std::int64_t>(profile.host_fragments));
  outputs.count("classified_fragments", static_cast<std::int64_t>(profile.classified_fragments));
  outputs.commit();
  return core::Status::kOk;
}

}  // namespace

cli::Command profile_command() {
  auto options = std::make_shared<Options>();
  return {.name = "profile",
          .summary = "Estimate species, their abundance and the share of the host from metagenomic reads.",
          .example =
              "microbiome-profile profile --db microbes.db -1 P01_R1.fastq.gz -2 P01_R2.fastq.gz --sample P01 "
              "-o P01",
          .declare = [options](cli::OptionSet& set) { declare(*options, set); },
          .run = [options](core::RunContext& context) { return run(*options, context); }};
}

}  // namespace immucan::microbiome_profile
