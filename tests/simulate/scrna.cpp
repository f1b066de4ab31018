#include "simulate/scrna.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "simulate/names.h"

namespace immucan::simulate {
namespace {

constexpr std::size_t kChromosomes = 5;
constexpr std::size_t kSlot = 4600;  ///< bases per gene; 200 genes make 0.94 Mb
constexpr std::size_t kBarcodes = 4000;
constexpr std::size_t kReadLength = 90, kTail = 100;
constexpr std::size_t kPlaceLength = 300;  ///< of a fragment that comes from anywhere in the genome

struct TissueType {
  char letter;
  double fraction;  ///< of the cells
  double size;      ///< RNA content relative to a T cell
};
constexpr std::array<TissueType, 9> kTissue = {{{'m', 0.40, 2.0},
                                                {'c', 0.12, 1.0},
                                                {'h', 0.12, 1.0},
                                                {'b', 0.06, 1.0},
                                                {'p', 0.04, 1.5},
                                                {'n', 0.05, 1.0},
                                                {'y', 0.11, 1.5},
                                                {'f', 0.07, 1.5},
                                                {'e', 0.03, 1.2}}};
constexpr std::size_t kMalignant = 0;

/// A gene whose share of all molecules is set, expressed by one cell type.
struct FixedGene {
  std::size_t gene;
  std::size_t type;
  double level;
};

std::size_t gene_index(std::string_view name) {
  const auto found =
      std::find_if(genes().begin(), genes().end(), [&](const GeneName& gene) { return gene.name == name; });
  return static_cast<std::size_t>(found - genes().begin());
}

/// Median expression of a gene in a cell type, before patient noise: the same in every cohort.
double base_expression(std::size_t gene, char type) {
  const std::string_view where = genes()[gene].cell_types;
  core::Random random = stream(0, fmt::format("expression {}", genes()[gene].name));
  const double height = random.lognormal(0, 0.7);
  if (where.find('*') != std::string_view::npos)
    return 3.0 * height * (where.find(type) != std::string_view::npos ? 2 : 1);
  if (where.find(type) != std::string_view::npos) return 4.0 * height;
  return 0.15 * height;
}

class Cumulative {
 public:
  explicit Cumulative(const std::vector<double>& weights) : sums_(weights.size()) {
    std::partial_sum(weights.begin(), weights.end(), sums_.begin());
  }
  std::size_t draw(core::Random& random) const {
    const double target = random.uniform() * sums_.back();
    return std::min<std::size_t>(
        static_cast<std::size_t>(std::upper_bound(sums_.begin(), sums_.end(), target) - sums_.begin()),
        sums_.size() - 1);
  }

 private:
  std::vector<double> sums_;
};

struct Molecule {
  std::size_t droplet, gene;
  bool unspliced;
};

/// Cells and empty droplets of one sample, and what its molecules are.
class Tissue {
 public:
  Tissue(const Cohort& cohort, const SamplePlan& sample, core::Random& random) {
    const Sizes size = sizes(cohort.options);
    for (const PlantedFeature& feature : planted_features()) {
      if (feature.modality == "scrna") fix(cohort, sample, feature);
    }
    fix(cohort, sample, prognostic_feature());
    draw_profiles(random, sample.patient, cohort.options.seed);
    draw_cells(random, size.cells);
    empty_ = size.empty_droplets;
  }

  [[nodiscard]] std::size_t droplets() const { return types_.size() + empty_; }

  Molecule draw(core::Random& random) const {
    const bool unspliced = random.bernoulli(0.2);
    const double kind = random.uniform();
    if (kind < 0.10) return {types_.size() + random.below(empty_), draw_gene(random, ambient_), unspliced};
    const std::size_t cell = cells_.draw(random);
    if (kind < 0.13) return {cell, draw_gene(random, ambient_), unspliced};
    double u = random.uniform();
    for (const FixedGene& gene : fixed_) {
      if (u < gene.level) return {by_type_[gene.type][members_[gene.type].draw(random)], gene.gene, unspliced};
      u -= gene.level;
    }
    return {cell, profiles_[types_[cell]].draw(random), unspliced};
  }

 private:
  void fix(const Cohort& cohort, const SamplePlan& sample, const PlantedFeature& feature) {
    const std::size_t gene = gene_index(feature.entity);
    const char letter = genes()[gene].cell_types[0];
    const auto type =
        std::find_if(kTissue.begin(), kTissue.end(), [&](const TissueType& t) { return t.letter == letter; });
    fixed_.push_back(
        {gene, static_cast<std::size_t>(type - kTissue.begin()), sample_level(cohort, sample, feature.feature)});
  }

  /// Patient noise of SD 0.3 on every gene; the malignant cells gain one chromosome and lose another.
  void draw_profiles(core::Random& random, std::size_t patient, std::uint64_t seed) {
    std::vector<double> noise(genes().size());
    for (double& value : noise) value = random.lognormal(0, 0.3);
    core::Random clone = stream(seed, fmt::format("clone {}", patient));
    const std::size_t gained = clone.below(kChromosomes);
    const std::size_t lost = (gained + 1 + clone.below(kChromosomes - 1)) % kChromosomes;
    std::vector<double> ambient(genes().size(), 0.0);
    for (std::size_t type = 0; type < kTissue.size(); ++type) {
      std::vector<double> weights(genes().size());
      for (std::size_t gene = 0; gene < weights.size(); ++gene) {
        weights[gene] = base_expression(gene, kTissue[type].letter) * noise[gene];
        const std::size_t chromosome = gene % kChromosomes;
        if (type == kMalignant && chromosome == gained) weights[gene] *= 1.5;
        if (type == kMalignant && chromosome == lost) weights[gene] *= 0.6;
      }
      for (const FixedGene& gene : fixed_) weights[gene.gene] = 0;
      const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
      for (std::size_t gene = 0; gene < weights.size(); ++gene) {
        ambient[gene] += kTissue[type].fraction * weights[gene] / total;
      }
      profiles_.emplace_back(weights);
    }
    ambient_ = std::make_unique<Cumulative>(ambient);
  }

  void draw_cells(core::Random& random, std::size_t count) {
    std::vector<double> fractions;
    for (const TissueType& type : kTissue) fractions.push_back(type.fraction * random.lognormal(0, 0.25));
    std::vector<double> contents;
    by_type_.resize(kTissue.size());
    std::vector<std::vector<double>> contents_of(kTissue.size());
    for (std::size_t cell = 0; cell < count; ++cell) {
      // Two cells of each type first, so that every planted gene has someone to express it.
      const std::size_t type = cell < 2 * kTissue.size() ? cell / 2 : random.categorical(fractions);
      const double content = kTissue[type].size * random.lognormal(0, 0.3);
      types_.push_back(type);
      contents.push_back(content);
      contents_of[type].push_back(content);
      by_type_[type].push_back(cell);
    }
    cells_ = Cumulative(contents);
    for (const std::vector<double>& part : contents_of) members_.emplace_back(part);
  }

  static std::size_t draw_gene(core::Random& random, const std::unique_ptr<Cumulative>& weights) {
    return weights->draw(random);
  }

  std::vector<FixedGene> fixed_;
  std::vector<Cumulative> profiles_, members_;
  std::unique_ptr<Cumulative> ambient_;
  Cumulative cells_{std::vector<double>{1.0}};
  std::vector<std::size_t> types_;
  std::vector<std::vector<std::size_t>> by_type_;
  std::size_t empty_ = 0;
};

}  // namespace

Transcriptome::Transcriptome(const Options& options) {
  core::Random random = stream(options.seed, "reference genome");
  place_genes(random);
  core::Random codes = stream(options.seed, "reference barcodes");
  for (std::size_t i = 0; i < kBarcodes; ++i) barcodes_.push_back(random_dna(codes, 16, 0.5));
  std::sort(barcodes_.begin(), barcodes_.end());
  barcodes_.erase(std::unique(barcodes_.begin(), barcodes_.end()), barcodes_.end());
}

void Transcriptome::place_genes(core::Random& random) {
  const std::size_t per_chromosome = (genes().size() + kChromosomes - 1) / kChromosomes;
  for (std::size_t c = 0; c < kChromosomes; ++c)
    chromosomes_.push_back(random_dna(random, per_chromosome * kSlot, 0.44));
  for (std::size_t g = 0; g < genes().size(); ++g) {
    Gene gene{
        .chromosome = g % kChromosomes, .reverse = random.bernoulli(0.5), .exons = {}, .spliced = {}, .unspliced = {}};
    const std::size_t count = 2 + random.below(5);
    std::size_t position = g / kChromosomes * kSlot + 100;
    for (std::size_t e = 0; e < count; ++e) {
      const bool last = gene.reverse ? e == 0 : e + 1 == count;  // the 3' exon is long
      const std::size_t length = last ? 500 + random.below(400) : 90 + random.below(160);
      gene.exons.push_back({position, position + length});
      position += length + 120 + random.below(350);
    }
    const std::string& chromosome = chromosomes_[gene.chromosome];
    for (const Exon& exon : gene.exons) gene.spliced += chromosome.substr(exon.begin, exon.end - exon.begin);
    gene.unspliced = chromosome.substr(gene.exons.front().begin, gene.exons.back().end - gene.exons.front().begin);
    if (gene.reverse) {
      gene.spliced = reverse_complement(gene.spliced);
      gene.unspliced = reverse_complement(gene.unspliced);
    }
    gene.spliced.append(kTail, 'A');
    gene.unspliced.append(kTail, 'A');
    genes_.push_back(std::move(gene));
  }
}

std::vector<SimulatedFile> Transcriptome::files() const {
  std::string fasta, gtf, whitelist, sets;
  for (std::size_t c = 0; c < kChromosomes; ++c) append_fasta(fasta, fmt::format("chr{}", c + 1), chromosomes_[c]);
  for (std::size_t c = 0; c < kChromosomes; ++c) {
    for (std::size_t g = c; g < genes_.size(); g += kChromosomes) {
      const Gene& gene = genes_[g];
      const std::string ids = fmt::format("gene_id \"SIMG{:05}\"; gene_name \"{}\"; gene_type \"protein_coding\";",
                                          g + 1, simulate::genes()[g].name);
      const auto line = [&](std::string_view kind, const Exon& where, const std::string& attributes) {
        gtf += fmt::format("chr{}\tsimulated\t{}\t{}\t{}\t.\t{}\t.\t{}\n", c + 1, kind, where.begin + 1, where.end,
                           gene.reverse ? '-' : '+', attributes);
      };
      const Exon body{gene.exons.front().begin, gene.exons.back().end};
      const std::string transcript = fmt::format("{} transcript_id \"SIMT{:05}\";", ids, g + 1);
      line("gene", body, ids);
      line("transcript", body, transcript);
      for (std::size_t e = 0; e < gene.exons.size(); ++e) {
        const std::size_t at = gene.reverse ? gene.exons.size() - 1 - e : e;
        line("exon", gene.exons[at], fmt::format("{} exon_number {};", transcript, e + 1));
      }
    }
  }
  for (const std::string& barcode : barcodes_) whitelist += barcode + "\n";
  for (const GeneSet& set : gene_sets()) {
    sets += fmt::format("{}\t{}\t", set.name, set.description);
    for (const char letter : set.genes) sets += letter == ' ' ? '\t' : letter;
    sets += '\n';
  }
  return {{"reference/genome.fa.gz", gzip(fasta)},
          {"reference/genes.gtf.gz", gzip(gtf)},
          {"reference/whitelist.txt.gz", gzip(whitelist)},
          {"reference/sets.gmt", sets}};
}

std::vector<SimulatedFile> Transcriptome::simulate(const Cohort& cohort, const SamplePlan& sample) const {
  constexpr double kDuplicates = 0.5;  // extra reads of a molecule are geometric: two reads on average
  constexpr double kAnywhere = 0.03, kAntisense = 0.02;  // of the molecules
  constexpr double kUmiErrors = 0.01, kReadErrors = 0.003;
  core::Random random = stream(cohort.options.seed, sample.id);
  const Tissue tissue(cohort, sample, random);
  std::vector<std::size_t> codes(barcodes_.size());
  std::iota(codes.begin(), codes.end(), std::size_t{0});
  random.shuffle(std::span(codes));

  const std::size_t pairs = sizes(cohort.options).scrna_pairs;
  struct Pair {
    std::string code, read;
  };
  std::vector<Pair> drawn;
  drawn.reserve(pairs);
  while (drawn.size() < pairs) {
    const Molecule molecule = tissue.draw(random);
    const Gene& gene = genes_[molecule.gene];
    const std::string& body = molecule.unspliced ? gene.unspliced : gene.spliced;
    const std::size_t length = body.size() - kTail;
    // Spliced RNA is primed at the tail; unspliced RNA at A-rich places anywhere.
    const std::size_t prime = molecule.unspliced ? random.below(length) : length;
    const std::string umi = random_dna(random, 12, 0.5);
    const bool anywhere = random.bernoulli(kAnywhere);
    const bool reversed = random.bernoulli(anywhere ? 0.5 : kAntisense);
    const std::string& chromosome = chromosomes_[random.below(chromosomes_.size())];
    const std::size_t place = random.below(chromosome.size() - kPlaceLength);
    const std::size_t copies = std::min<std::size_t>(1 + random.geometric(kDuplicates), pairs - drawn.size());
    for (std::size_t copy = 0; copy < copies; ++copy) {
      const auto fragment = static_cast<std::size_t>(std::clamp(random.normal(320, 90), 100.0, 700.0));
      const std::size_t start = std::min(prime > fragment ? prime - fragment : 0, body.size() - kReadLength);
      std::string read = body.substr(start, kReadLength);
      if (anywhere) read = chromosome.substr(place + random.below(kPlaceLength - kReadLength), kReadLength);
      if (reversed) read = reverse_complement(read);
      std::string code = umi;
      if (random.bernoulli(kUmiErrors)) code = substitute(random, std::move(code), 0.1);
      drawn.push_back({barcodes_[codes[molecule.droplet]] + code, std::move(read)});
    }
  }
  random.shuffle(std::span(drawn));

  std::string first, second;
  first.reserve(pairs * 80);
  second.reserve(pairs * 210);
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    const std::string name = fmt::format("SIM:{}:{}", sample.id, i + 1);
    append_fastq(first, random, name, std::move(drawn[i].code), kReadErrors);
    append_fastq(second, random, name, std::move(drawn[i].read), kReadErrors);
  }
  const std::vector<RawFile> names = raw_files(sample);
  return {{names[0].path, gzip(first)}, {names[1].path, gzip(second)}};
}

}  // namespace immucan::simulate
