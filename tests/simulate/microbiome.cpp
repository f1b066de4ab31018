#include "simulate/microbiome.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "simulate/names.h"

namespace immucan::simulate {
namespace {

constexpr std::size_t kReadLength = 150;
constexpr int kSuperkingdom = 2, kHuman = 9606;
constexpr int kFirstFamily = 100, kFirstGenus = 1000, kFirstSpecies = 10000, kFirstGenome = 100000;

std::string file_stem(std::string_view species, std::size_t strain) {
  std::string stem = fmt::format("{}_{}", species, strain + 1);
  std::replace(stem.begin(), stem.end(), ' ', '_');
  return stem;
}

std::string_view genus_of(std::string_view species) {
  return species.substr(0, species.find(' '));
}

/// Ids in order of first appearance.
class Ids {
 public:
  explicit Ids(int first) : next_(first) {}
  int of(std::string_view name) {
    const auto [entry, inserted] = ids_.try_emplace(std::string(name), next_);
    if (inserted) ++next_;
    return entry->second;
  }

 private:
  int next_;
  std::map<std::string, int> ids_;
};

/// Both dump files of a taxonomy in NCBI's layout, nodes added parents first.
class TaxonomyDump {
 public:
  void add(int id, int parent, std::string_view rank, std::string_view name) {
    if (!seen_.emplace(id, true).second) return;
    nodes_ += fmt::format("{}\t|\t{}\t|\t{}\t|\t\t|\t0\t|\t0\t|\t11\t|\t0\t|\t0\t|\t0\t|\t0\t|\t0\t|\t\t|\n", id,
                          parent, rank);
    names_ += fmt::format("{}\t|\t{}\t|\t\t|\tscientific name\t|\n", id, name);
  }
  [[nodiscard]] const std::string& nodes() const { return nodes_; }
  [[nodiscard]] const std::string& names() const { return names_; }

 private:
  std::map<int, bool> seen_;
  std::string nodes_, names_;
};

/// Something reads come from, with its share of the read pairs.
struct Origin {
  const std::string* genome;
  double share;
};

/// Genome copies of each known species in a sample; the sum is 1.
std::vector<double> community(const Cohort& cohort, const SamplePlan& sample, core::Random& random) {
  const bool stool = sample.specimen == "stool";
  std::vector<double> fixed(species().size(), 0.0), free(species().size(), 0.0);
  for (std::size_t s = 0; s < species().size(); ++s) {
    const double median = stool ? species()[s].stool : species()[s].saliva;
    // Dominant species differ far more between people than the others do; patient, then visit.
    const double log_sd = median >= 0.10 ? 0.7 : 0.4;
    core::Random patient =
        stream(cohort.options.seed, fmt::format("{} {} {}", cohort.patients[sample.patient].id, sample.specimen, s));
    free[s] = median * std::exp(log_sd * bounded_normal(patient)) * random.lognormal(0, 0.1);
  }
  if (stool) {
    const auto set = [&](const PlantedFeature& feature) {
      const auto found = std::find_if(species().begin(), species().end(),
                                      [&](const SpeciesName& name) { return name.name == feature.entity; });
      fixed[static_cast<std::size_t>(found - species().begin())] = sample_level(cohort, sample, feature.feature);
    };
    for (const PlantedFeature& feature : planted_features()) {
      if (feature.modality == "microbiome") set(feature);
    }
    set(confounded_feature());
  }
  const double rest = 1 - std::accumulate(fixed.begin(), fixed.end(), 0.0);
  const double total = std::accumulate(free.begin(), free.end(), 0.0);
  for (std::size_t s = 0; s < free.size(); ++s) fixed[s] += rest * free[s] / total;
  return fixed;
}

}  // namespace

Microbes::Microbes(const Options& options) {
  const Sizes size = sizes(options);
  for (const SpeciesName& name : species()) {
    core::Random random = stream(options.seed, fmt::format("reference genome {}", name.name));
    const auto length =
        static_cast<std::size_t>(static_cast<double>(size.microbe_bases) * (1 + 0.6 * random.uniform()));
    std::vector<std::string> strains = {random_dna(random, length, name.gc)};
    for (int strain = 1; strain < name.strains; ++strain) strains.push_back(substitute(random, strains[0], 0.015));
    strains_.push_back(std::move(strains));
  }
  core::Random random = stream(options.seed, "reference host");
  host_ = random_dna(random, size.host_bases, 0.41);
  unknown_ = random_dna(random, size.microbe_bases + size.microbe_bases / 3, 0.50);
}

std::vector<SimulatedFile> Microbes::files() const {
  std::vector<SimulatedFile> files;
  std::string table = "genome\tgenome_taxid\tspecies_id\tspecies\tfile\n";
  TaxonomyDump taxonomy;
  taxonomy.add(1, 1, "no rank", "root");
  taxonomy.add(kSuperkingdom, 1, "superkingdom", "Prokaryotes");
  taxonomy.add(kHuman, 1, "species", "Homo sapiens");
  Ids families(kFirstFamily), genera(kFirstGenus);
  int genome = kFirstGenome;
  for (std::size_t s = 0; s < species().size(); ++s) {
    const SpeciesName& name = species()[s];
    const int family = families.of(name.family);
    const int genus = genera.of(genus_of(name.name));
    const int id = kFirstSpecies + static_cast<int>(s);
    taxonomy.add(family, kSuperkingdom, "family", name.family);
    taxonomy.add(genus, family, "genus", genus_of(name.name));
    taxonomy.add(id, genus, "species", name.name);
    for (std::size_t strain = 0; strain < strains_[s].size(); ++strain, ++genome) {
      const std::string stem = file_stem(name.name, strain);
      taxonomy.add(genome, id, "strain", fmt::format("{} strain {}", name.name, strain + 1));
      table += fmt::format("{}\t{}\t{}\t{}\tgenomes/{}.fa.gz\n", stem, genome, id, name.name, stem);
      std::string fasta;
      append_fasta(fasta, stem + ".contig1", strains_[s][strain]);
      files.push_back({fmt::format("reference/microbes/genomes/{}.fa.gz", stem), gzip(fasta)});
    }
  }
  std::string host;
  append_fasta(host, "host_chr1", host_);
  files.push_back({"reference/microbes/genome_tax.tsv", table});
  files.push_back({"reference/microbes/taxonomy/nodes.dmp", taxonomy.nodes()});
  files.push_back({"reference/microbes/taxonomy/names.dmp", taxonomy.names()});
  files.push_back({"reference/microbes/host.fa.gz", gzip(host)});
  return files;
}

std::vector<SimulatedFile> Microbes::simulate(const Cohort& cohort, const SamplePlan& sample) const {
  constexpr double kErrorsFirst = 0.002, kErrorsSecond = 0.004;
  core::Random random = stream(cohort.options.seed, sample.id);
  const std::vector<double> shares = community(cohort, sample, random);
  const double host = std::clamp(0.10 * random.lognormal(0, 0.4), 0.03, 0.3);
  const double unknown = std::clamp(0.08 * random.lognormal(0, 0.3), 0.03, 0.2);

  std::vector<Origin> origins;
  double bases = 0;
  for (std::size_t s = 0; s < shares.size(); ++s) {
    if (shares[s] <= 0) continue;
    const std::string& genome = strains_[s][random.below(strains_[s].size())];
    origins.push_back({&genome, shares[s] * static_cast<double>(genome.size())});
    bases += origins.back().share;
  }
  for (Origin& origin : origins) origin.share *= (1 - host - unknown) / bases;
  origins.push_back({&host_, host});
  origins.push_back({&unknown_, unknown});
  std::vector<double> weights;
  for (const Origin& origin : origins) weights.push_back(origin.share);

  const std::size_t pairs =
      sample.specimen == "stool" ? sizes(cohort.options).stool_pairs : sizes(cohort.options).saliva_pairs;
  std::string first, second;
  first.reserve(pairs * 340);
  second.reserve(pairs * 340);
  for (std::size_t i = 0; i < pairs; ++i) {
    const std::string& genome = *origins[random.categorical(weights)].genome;
    const auto insert = static_cast<std::size_t>(std::clamp(random.normal(350, 50), 160.0, 700.0));
    const std::size_t start = random.below(genome.size() - insert + 1);
    std::string forward = genome.substr(start, kReadLength);
    std::string backward =
        reverse_complement(std::string_view(genome).substr(start + insert - kReadLength, kReadLength));
    if (random.bernoulli(0.5)) std::swap(forward, backward);
    const std::string name = fmt::format("SIM:{}:{}", sample.id, i + 1);
    append_fastq(first, random, name, std::move(forward), kErrorsFirst);
    append_fastq(second, random, name, std::move(backward), kErrorsSecond);
  }
  const std::vector<RawFile> names = raw_files(sample);
  return {{names[0].path, gzip(first)}, {names[1].path, gzip(second)}};
}

}  // namespace immucan::simulate
