// What is written of a profile: each format by its own rules, all of them telling the same story.
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>
#include <ranges>
#include <set>

#include "core/text.h"
#include "io/byte_source.h"
#include "io/tsv.h"
#include "microbiome/lineage.h"
#include "microbiome/profile_features.h"
#include "microbiome/profile_formats.h"
#include "microbiome/profile_outputs.h"
#include "microbiome/profile_page.h"
#include "microbiome/read_outputs.h"
#include "microbiome/species_list.h"
#include "unit/microbiome/opal_scores.h"
#include "unit/microbiome/world.h"

using namespace immucan;
using namespace immucan::microbiome;

namespace {

/// Two strains, two further species, a phage, host and unknown; errors and mutations.
struct Sample {
  World world;
  std::string first, second;
  Context run;
  explicit Sample(unsigned threads = 1) : run(threads) {
    world.build("x.db");
    core::Random random(31);
    add_pairs(random, mutated(random, world.genomes.at("alpha1"), 0.01), 600, 0.005, first, second);
    add_pairs(random, world.genomes.at("alpha2"), 300, 0.005, first, second);
    add_pairs(random, world.genomes.at("gamma"), 500, 0.005, first, second);
    add_pairs(random, world.genomes.at("phage"), 20, 0.005, first, second);
    add_pairs(random, world.host, 200, 0.005, first, second);
    add_pairs(random, world.unknown, 150, 0.005, first, second);
    world.folder.write("r1.fq", first);
    world.folder.write("r2.fq", second);
  }
  [[nodiscard]] std::vector<io::FastqLane> lanes() const {
    return {{{world.folder.path / "r1.fq", world.folder.path / "r2.fq"}}};
  }
};

std::vector<std::vector<std::string>> table_of(const std::string& text) {
  std::vector<std::vector<std::string>> rows;
  for (const auto line : core::split(text, '\n')) {
    if (line.empty()) continue;
    rows.emplace_back();
    for (const auto field : core::split(line, '\t')) rows.back().emplace_back(field);
  }
  return rows;
}

std::string inflated(const fs::path& path, core::RunContext& run) {
  const auto source = io::open_source(path, run);
  return io::read_all(*source);
}

}  // namespace

TEST_CASE("a report adds up in every clade, and the tables agree with it") {
  Sample sample;
  const Database database(sample.world.db("x.db"), sample.run);
  const auto counts = count_sample(database, sample.lanes(), sample.run);
  auto profile = make_profile(database, counts, estimate_abundance(database, counts));
  // Read back by the strict reader: clades are direct reads and children, in all of the tree.
  const auto report = read_kraken_report(io::open_memory(kraken_report(profile)));
  CHECK(report.total() == profile.fragments);
  CHECK(profile.fragments == 1770);
  std::map<std::uint64_t, ReportRow> nodes;
  for (const auto& row : report.rows) nodes[row.taxid] = row;
  CHECK(report.unclassified == profile.unclassified_fragments);
  CHECK(nodes.at(9606).clade == profile.host_fragments);

  const auto rows = table_of(profile_tsv(database, profile));
  REQUIRE(rows.size() == profile.rows.size() + 1);
  CHECK(rows[0] == std::vector<std::string>{"taxid", "rank", "name", "taxonomic_abundance", "sequence_abundance",
                                            "reads", "coverage", "ani", "lower", "upper", "detection_limit",
                                            "genome_length", "lineage"});
  bool strains = false;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const auto taxid = core::parse_unsigned(rows[i][0]).value();
    CHECK(rows[i][5] == std::to_string(nodes.at(taxid).clade));
    const auto value = [&](std::size_t column) { return core::parse_double(rows[i][column]).value(); };
    CHECK(value(8) <= value(3) + 1e-9);
    CHECK(value(9) >= value(3) - 1e-9);
    if (rows[i][1] == "species") {
      CHECK(value(7) > 0.95);
      CHECK(value(10) < value(3));  // what was found could be found
    }
    strains = strains || rows[i][1] == "strain";
  }
  CHECK(strains);

  const auto bracken = table_of(bracken_species_table(database, profile));
  std::uint64_t reads = 0;
  for (std::size_t i = 1; i < bracken.size(); ++i) {
    CHECK(bracken[i][5] == std::to_string(nodes.at(core::parse_unsigned(bracken[i][1]).value()).clade));
    reads += core::parse_unsigned(bracken[i][5]).value();
  }
  CHECK(reads == profile.classified_fragments);

  const auto biom = profile_biom(database, profile, "P");
  CHECK(std::accumulate(biom.values.value.begin(), biom.values.value.end(), 0.0) ==
        static_cast<double>(profile.classified_fragments));
  io::write_biom(sample.world.folder.path / "x.biom", biom);
  CHECK(io::read_biom(sample.world.folder.path / "x.biom", sample.run).observation_ids == biom.observation_ids);

  add_kmer_columns(database, counts, profile);
  const auto eight = read_kraken_report(io::open_memory(write_kraken_report(profile.report, profile.fragments, true)));
  REQUIRE(eight.kmer_columns);
  const auto* species = row_of(profile, 102);
  REQUIRE(species != nullptr);
  for (const auto& row : eight.rows) {
    CHECK(row.distinct_kmers <= row.kmers);
    if (row.taxid == 102) CHECK(row.kmers > row.clade);
  }
  CHECK(eight.rows[0].kmers > 0);
}

TEST_CASE("our CAMI profile keeps the rules of the format, and MetaPhlAn's table says the same (T12)") {
  Sample sample;
  const Database database(sample.world.db("x.db"), sample.run);
  const auto counts = count_sample(database, sample.lanes(), sample.run);
  const auto profile = make_profile(database, counts, estimate_abundance(database, counts));
  const std::string text = cami_profile(database, profile, "P01", "microbiome-profile 1.0");
  CHECK(cami_violation(text).empty());
  const auto cami = read_cami_profiles(io::open_memory(text));
  double species = 0;
  std::size_t strains = 0;
  for (const auto& row : cami[0].rows) {
    const auto* ours = row_of(profile, core::parse_unsigned(row.taxid).value());
    REQUIRE(ours != nullptr);
    CHECK(row.percentage == Approx(100 * ours->taxonomic_abundance).epsilon(1e-9));
    if (row.rank == "species") species += row.percentage;
    strains += row.rank == "strain" ? 1 : 0;
  }
  CHECK(species == Approx(100));
  CHECK(strains == 2);
  const auto metaphlan = table_of(metaphlan_table(database, profile, "P01", "p"));
  REQUIRE(metaphlan.size() == cami[0].rows.size() + 5);
  CHECK(metaphlan[4] ==
        std::vector<std::string>{"#clade_name", "NCBI_tax_id", "relative_abundance", "additional_species"});
  for (std::size_t i = 0; i < cami[0].rows.size(); ++i) {
    CHECK(metaphlan[i + 5][1] == core::join(cami[0].rows[i].path, "|"));
    CHECK(metaphlan[i + 5].size() == 4);
    CHECK(core::parse_double(metaphlan[i + 5][2]) == cami[0].rows[i].percentage);
  }
  // Nothing found is a profile too.
  const SampleProfile empty;
  CHECK(cami_violation(cami_profile(database, empty, "E", "p")).empty());
  io::write_biom(sample.world.folder.path / "e.biom", profile_biom(database, empty, "E"));
  CHECK(io::read_biom(sample.world.folder.path / "e.biom", sample.run).observation_ids.empty());
  CHECK(profile_page(database, empty, "E", "p").find("0 species") != std::string::npos);
}

TEST_CASE("features: abundance, ratios and diversity") {
  Sample sample;
  const Database database(sample.world.db("x.db"), sample.run);
  const auto counts = count_sample(database, sample.lanes(), sample.run);
  const auto profile = make_profile(database, counts, estimate_abundance(database, counts));
  std::map<std::string, std::optional<double>> features;
  for (const auto& value : profile_features(database, profile, "P", "stool")) features[value.feature] = value.value;
  CHECK(features.at("microbiome@stool:Genus_beta:abundance") == 0.0);
  double ratios = 0;
  for (const char* name : {"Genus_alpha", "Other_gamma", "phage"})
    ratios += features.at("microbiome@stool:" + std::string(name) + ":clr").value();
  CHECK(ratios == Approx(0).margin(1e-9));  // of those present
  CHECK(features.at("microbiome@stool:Genus_beta:clr").value() <
        features.at("microbiome@stool:phage:clr").value() + std::log(0.65));
  CHECK(features.at("microbiome@stool:community:observed_species") == 3.0);
  CHECK(features.at("microbiome@stool:community:shannon") == Approx(profile.shannon));
  for (const auto& [name, value] :
       profile_features(database, SampleProfile{}, "E", "stool") |
           std::views::transform([](const io::FeatureValue& v) { return std::pair(v.feature, v.value); }))
    CHECK_FALSE(value.has_value());
}

TEST_CASE("every read goes to one file, in the order of the input, for any number of threads") {
  std::map<std::string, std::string> files[2];
  for (const unsigned threads : {1U, 3U}) {
    Sample sample(threads);
    const Database database(sample.world.db("x.db"), sample.run);
    auto outputs = core::OutputSet::folder(sample.run, sample.world.folder.path / "out");
    ReadOutputs reads(outputs, database, "P", {true, true, true, true}, sample.run);
    const auto counts = count_sample(database, sample.lanes(), sample.run,
                                     [&](const io::FastqBatch& batch, const FragmentScanner& scanner,
                                         SampleCounts& sums) { reads.add(batch, scanner, sums); });
    const auto profile = make_profile(database, counts, estimate_abundance(database, counts));
    reads.finish(counts, profile);
    outputs.commit();
    for (const auto& entry : fs::directory_iterator(sample.world.folder.path / "out"))
      if (entry.path().extension() == ".gz") files[threads == 1 ? 0 : 1][entry.path().filename()] = slurp(entry.path());
    if (threads != 1) continue;
    const auto lines_of = [&](const std::string& name) {
      std::vector<std::string> lines;
      const std::string text = inflated(sample.world.folder.path / "out" / name, sample.run);
      for (const auto line : core::split(text, '\n'))
        if (!line.empty()) lines.emplace_back(line);
      return lines;
    };
    // The lines of each file are a part of the input in its order, mates in step.
    std::set<std::string> names;
    std::map<std::string, std::uint64_t> sizes;
    for (const std::string kind : {"host", "classified", "unmapped"}) {
      for (const std::string mate : {"1", "2"}) {
        const std::string& input = mate == "1" ? sample.first : sample.second;
        std::size_t at = 0, records = 0;
        const auto lines = lines_of("P." + kind + "_R" + mate + ".fastq.gz");
        REQUIRE(lines.size() % 4 == 0);
        for (std::size_t i = 0; i < lines.size(); i += 4, ++records) {
          const std::string record = lines[i] + "\n" + lines[i + 1] + "\n+\n" + lines[i + 3] + "\n";
          at = input.find(record, at);
          REQUIRE(at != std::string::npos);
          if (mate == "1") CHECK(names.insert(lines[i]).second);
        }
        CHECK((mate == "1" || sizes[kind] == records));
        sizes[kind] = records;
      }
    }
    CHECK(names.size() == profile.fragments);
    CHECK(sizes["host"] == profile.host_fragments);
    CHECK(sizes["classified"] == profile.classified_fragments);
    CHECK(sizes["unmapped"] == profile.unclassified_fragments);
    // Assignments: one line per fragment in order; clades of those that only one taxon explains are within the report.
    std::map<std::uint64_t, std::uint64_t> direct;
    std::size_t rows = 0;
    for (const auto& line : lines_of("P.reads.tsv.gz")) {
      const auto fields = core::split(line, '\t');
      REQUIRE(fields.size() == 5);
      CHECK(fields[3] == "100|100");
      CHECK((fields[0] == "U") == (fields[2] == "0"));
      ++direct[core::parse_unsigned(fields[2]).value()];
      ++rows;
    }
    CHECK(rows == profile.fragments);
    CHECK(direct[9606] == profile.host_fragments);
    CHECK(direct[0] == profile.unclassified_fragments);
    CHECK(direct[102] == row_of(profile, 102)->reads);
  }
  CHECK(files[0].size() == 7);
  CHECK(files[0] == files[1]);
}

TEST_CASE("lineages") {
  std::vector<Taxon> nodes{{1, 0, "no rank", "root"}, {2, 0, "domain", "D"},  {3, 0, "genus", "G|x"},
                           {4, 0, "species", "S"},    {5, 0, "no rank", "n"}, {6, 0, "strain", "s"}};
  const auto taxonomy = Taxonomy::from_nodes(nodes, {1, 1, 2, 3, 4, 5}, {}, "t");
  const auto at = [&](std::uint64_t taxid) { return taxonomy.find(taxid).value(); };
  const auto lineage = lineage_of(taxonomy, at(6));
  CHECK(lineage_text(taxonomy, lineage) == "k__D;p__;c__;o__;f__;g__G x;s__S;t__s");
  CHECK(rank_in(lineage, at(6)) == kStrainRank);
  CHECK(rank_in(lineage_of(taxonomy, at(5)), at(5)) == kStrainRank);
  CHECK(rank_in(lineage_of(taxonomy, at(3)), at(3)) == 5U);
  CHECK(rank_in(lineage_of(taxonomy, 0), 0) == std::nullopt);
  CHECK(lineage_text(taxonomy, lineage_of(taxonomy, 0)).empty());
}

TEST_CASE("a detection limit is where 95 of 100 samples show two fragments") {
  double missed = std::exp(-kDetectableFragments) * (1 + kDetectableFragments);
  CHECK(missed == Approx(0.05).epsilon(1e-6));
  SampleProfile profile;
  CHECK(std::isnan(detectable_bases(profile)));
  profile.fragments = 10;
  profile.bases = 2000;
  CHECK(detection_limit(detectable_bases(profile), 1e6, 3) == Approx(4.743864518 * 200 / 1e6 / 3).epsilon(1e-3));
}
