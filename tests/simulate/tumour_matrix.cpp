#include "simulate/tumour_matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "core/random.h"
#include "simulate/names.h"

namespace immucan::simulate {
namespace {

constexpr std::size_t kChromosomes = 22;

struct Type {
  char letter;  ///< of simulate/names
  const char* name;
  double share;  ///< of the cells that are no epithelium
  double size;   ///< RNA relative to a T cell
};
constexpr std::array<Type, 10> kTypes = {{{'m', "malignant", 0, 2.0},
                                          {'m', "normal_epithelium", 0, 1.6},
                                          {'c', "CD8_T", 0.20, 1.0},
                                          {'h', "CD4_T", 0.20, 1.0},
                                          {'b', "B", 0.12, 1.0},
                                          {'p', "plasma", 0.06, 1.5},
                                          {'n', "NK", 0.08, 1.0},
                                          {'y', "myeloid", 0.16, 1.5},
                                          {'f', "fibroblast", 0.12, 1.5},
                                          {'e', "endothelial", 0.06, 1.2}}};
constexpr std::size_t kMalignant = 0, kNormal = 1;

class Sampler {
 public:
  explicit Sampler(const std::vector<double>& weights) : sums_(weights.size()) {
    std::partial_sum(weights.begin(), weights.end(), sums_.begin());
  }
  std::size_t draw(core::Random& random) const {
    const auto at = std::upper_bound(sums_.begin(), sums_.end(), random.uniform() * sums_.back());
    return std::min<std::size_t>(static_cast<std::size_t>(at - sums_.begin()), sums_.size() - 1);
  }

 private:
  std::vector<double> sums_;
};

class World {
 public:
  World(const TumourMatrixOptions& options, TumourMatrix& out) : options_(options), out_(out), random_(options.seed) {
    name_genes();
    make_profiles();
    plant_pairs();
    make_clones();
    make_ambient();
    draw_droplets();
  }

 private:
  void name_genes() {
    std::vector<std::string> names;
    for (const GeneName& gene : genes()) names.emplace_back(gene.name);
    for (std::size_t i = 0; i < options_.pairs; ++i) {
      names.push_back(fmt::format("LIG{:02}", i + 1));
      names.push_back(fmt::format("REC{:02}", i + 1));
    }
    for (std::size_t i = 0; i < options_.further_genes; ++i) names.push_back(fmt::format("GENE{:05}", i + 1));
    std::vector<std::size_t> order(names.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    random_.shuffle(std::span(order));  // along the genome
    for (std::size_t i = 0; i < names.size(); ++i) {
      out_.counts.features.push_back({fmt::format("SIMG{:05}", i + 1), names[i]});
      const std::size_t chromosome = order[i] * kChromosomes / names.size();
      chromosome_.push_back(chromosome);
      out_.places.push_back({names[i], fmt::format("chr{}", chromosome + 1), 1000 + 10000 * order[i]});
    }
  }

  void make_profiles() {
    const std::size_t count = out_.counts.features.size();
    std::vector<double> base(count);
    for (double& value : base) value = random_.lognormal(0, 1.2);
    profiles_.assign(kTypes.size(), base);
    for (std::size_t type = 0; type < kTypes.size(); ++type) {
      // Malignant cells begin as normal epithelium.
      if (type == kNormal) profiles_[type] = profiles_[kMalignant];
      for (std::size_t g = 0; g < count; ++g) {
        const bool named = g < genes().size();
        const bool of_pair = !named && g < genes().size() + 2 * options_.pairs;
        if (of_pair) {
          profiles_[type][g] = 1.5;
        } else if (named && type != kNormal) {
          profiles_[type][g] = named_level(genes()[g], kTypes[type].letter, type);
        } else if (!named && random_.bernoulli(options_.lineage)) {
          profiles_[type][g] *= random_.lognormal(0, 1.0);  // what a lineage does differently
        }
      }
    }
  }

  double named_level(const GeneName& gene, char letter, std::size_t type) {
    if (type == 0) heights_.push_back(random_.lognormal(0, 0.5));
    const double height = heights_[static_cast<std::size_t>(&gene - genes().data())];
    const bool here = gene.cell_types.find(letter) != std::string_view::npos;
    if (gene.cell_types.find('*') != std::string_view::npos) return 12 * height * (here ? 2 : 1);
    return here ? 6 * height : 0.02 * height;
  }

  void plant_pairs() {
    for (std::size_t i = 0; i < options_.pairs; ++i) {
      PlantedPair pair{fmt::format("LIG{:02}", i + 1), fmt::format("REC{:02}", i + 1), "", ""};
      if (i < options_.planted_pairs) {
        const std::size_t sender = random_.below(kTypes.size()), receiver = random_.below(kTypes.size());
        pair.sender = kTypes[sender].name;
        pair.receiver = kTypes[receiver].name;
        profiles_[sender][genes().size() + 2 * i] *= options_.pair_height;
        profiles_[receiver][genes().size() + 2 * i + 1] *= options_.pair_height;
      }
      out_.pairs.push_back(std::move(pair));
    }
  }

  void make_clones() {
    for (std::size_t c = 0; c < options_.clones; ++c) {
      std::vector<double> change(kChromosomes, 1.0);
      for (std::size_t i = 0; i < options_.changed_chromosomes; ++i)
        change[random_.below(kChromosomes)] = i % 2 == 0 ? options_.gain : options_.loss;
      std::vector<double> profile = profiles_[kMalignant];
      for (std::size_t g = 0; g < profile.size(); ++g) profile[g] *= change[chromosome_[g]];
      clones_.push_back(std::move(profile));
    }
  }

  void make_ambient() {
    out_.ambient.assign(out_.counts.features.size(), 0.0);
    for (std::size_t type = 0; type < kTypes.size(); ++type) {
      const auto& profile = type == kMalignant && !clones_.empty() ? clones_[0] : profiles_[type];
      const double total = std::accumulate(profile.begin(), profile.end(), 0.0);
      for (std::size_t g = 0; g < profile.size(); ++g)
        out_.ambient[g] += share(type) * kTypes[type].size * profile[g] / total;
    }
    const double total = std::accumulate(out_.ambient.begin(), out_.ambient.end(), 0.0);
    for (double& value : out_.ambient) value /= total;
  }

  [[nodiscard]] double share(std::size_t type) const {
    if (type == kMalignant) return options_.malignant;
    if (type == kNormal) return options_.normal_epithelium;
    return kTypes[type].share * (1 - options_.malignant - options_.normal_epithelium);
  }

  void draw_droplets() {
    std::vector<Sampler> samplers, clones;
    std::vector<double> shares;
    for (std::size_t type = 0; type < kTypes.size(); ++type) {
      samplers.emplace_back(profiles_[type]);
      shares.push_back(share(type));
    }
    for (const auto& clone : clones_) clones.emplace_back(clone);
    const Sampler ambient(out_.ambient);
    const std::size_t droplets = options_.cells + options_.empty;
    std::vector<std::size_t> kinds(droplets);
    std::iota(kinds.begin(), kinds.end(), std::size_t{0});
    random_.shuffle(std::span(kinds));
    out_.counts.counts.rows = droplets;
    out_.counts.counts.columns = out_.counts.features.size();
    std::vector<std::uint32_t> counts(out_.counts.features.size());
    for (const std::size_t kind : kinds) {
      std::ranges::fill(counts, 0u);
      const auto add = [&](const Sampler& sampler, std::uint64_t molecules) {
        for (std::uint64_t i = 0; i < molecules; ++i) ++counts[sampler.draw(random_)];
      };
      const auto add_cell = [&](std::size_t type, bool poor) {
        const double size = options_.molecules * kTypes[type].size * random_.lognormal(0, 0.3) * (poor ? 0.2 : 1);
        const bool clone = type == kMalignant && !clones.empty();
        add(clone ? clones[random_.below(clones.size())] : samplers[type],
            random_.poisson(size * (1 - options_.ambient)));
        add(ambient, random_.poisson(size * options_.ambient));
      };
      Droplet droplet = Droplet::kEmpty;
      std::string type, second;
      bool poor = false, malignant = false;
      if (kind < options_.cells) {
        const std::size_t first = random_.categorical(shares);
        droplet = random_.bernoulli(options_.doublets) ? Droplet::kDoublet : Droplet::kCell;
        poor = droplet == Droplet::kCell && random_.bernoulli(options_.poor_share);
        add_cell(first, poor);
        type = kTypes[first].name;
        malignant = first == kMalignant;
        if (droplet == Droplet::kDoublet) {
          const std::size_t other = random_.categorical(shares);
          add_cell(other, false);
          second = kTypes[other].name;
        }
      } else {
        add(ambient, random_.poisson(options_.empty_molecules * random_.lognormal(-0.08, 0.4)));
      }
      append(kind, counts);
      out_.droplet.push_back(droplet);
      out_.type.push_back(std::move(type));
      out_.second_type.push_back(std::move(second));
      out_.poor.push_back(poor);
      out_.malignant.push_back(malignant);
    }
  }

  void append(std::size_t kind, const std::vector<std::uint32_t>& counts) {
    std::string barcode(16, 'A');
    std::uint64_t code = kind * 2654435761u + 12345;  // odd multiplier: distinct within 2^32
    for (char& base : barcode) {
      base = "ACGT"[code & 3];
      code >>= 2;
    }
    out_.counts.barcodes.push_back(barcode);
    io::CsrMatrix& matrix = out_.counts.counts;
    for (std::size_t g = 0; g < counts.size(); ++g) {
      if (counts[g] == 0) continue;
      matrix.column.push_back(static_cast<std::int32_t>(g));
      matrix.value.push_back(static_cast<float>(counts[g]));
    }
    matrix.row_start.push_back(static_cast<std::int64_t>(matrix.column.size()));
  }

  const TumourMatrixOptions& options_;
  TumourMatrix& out_;
  core::Random random_;
  std::vector<double> heights_;
  std::vector<std::size_t> chromosome_;
  std::vector<std::vector<double>> profiles_, clones_;
};

}  // namespace

TumourMatrix simulate_tumour_matrix(const TumourMatrixOptions& options) {
  TumourMatrix out;
  const World world(options, out);
  return out;
}

}  // namespace immucan::simulate
