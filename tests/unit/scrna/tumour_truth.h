#pragma once
// What the unit tests and tests/peers/scrna/cells ask of a simulated tumour: calls, malignant cells and interactions
// beside what was planted.
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "core/run_context.h"
#include "scrna/cell_calling.h"
#include "scrna/count_matrix.h"
#include "scrna/empty_drops.h"
#include "scrna/gene_positions.h"
#include "scrna/ligand_receptor.h"
#include "scrna/malignancy.h"
#include "simulate/tumour_matrix.h"

namespace immucan::scrna_test {

struct Context : core::RunContext {
  explicit Context(unsigned budget = 2) : RunContext("scrna-count", "0", "test") { threads = budget; }
};

struct Called {
  double right = 0, called = 0, truth = 0;
  std::size_t by_molecules = 0;
  [[nodiscard]] double recall() const { return right / truth; }
  [[nodiscard]] double precision() const { return right / called; }
};

inline Called call(const simulate::TumourMatrix& set, bool size_test = true, unsigned threads = 2) {
  const Context context(threads);
  const auto totals = scrna::barcode_totals(set.counts.counts);
  const auto first = scrna::call_cells(totals.molecules, std::nullopt);
  const auto more =
      scrna::empty_drops(set.counts.counts, totals.molecules, first.cells, {.size_test = size_test}, context);
  std::vector<std::size_t> cells = first.cells;
  cells.insert(cells.end(), more.cells.begin(), more.cells.end());
  Called out{.called = static_cast<double>(cells.size()), .by_molecules = first.cells.size()};
  for (const std::size_t i : cells) out.right += set.droplet[i] != simulate::Droplet::kEmpty ? 1 : 0;
  for (const auto droplet : set.droplet) out.truth += droplet != simulate::Droplet::kEmpty ? 1 : 0;
  return out;
}

inline std::vector<std::string> names_of(const simulate::TumourMatrix& set) {
  std::vector<std::string> names;
  for (const io::TenxFeature& feature : set.counts.features) names.push_back(feature.name);
  return names;
}

inline const std::map<std::string, std::string> kMajor = {{"malignant", "Epithelial cell"},
                                                          {"normal_epithelium", "Epithelial cell"},
                                                          {"CD8_T", "T cell"},
                                                          {"CD4_T", "T cell"},
                                                          {"B", "B cell"},
                                                          {"plasma", "Plasma cell"},
                                                          {"NK", "NK cell"},
                                                          {"myeloid", "Mononuclear phagocyte"},
                                                          {"fibroblast", "Fibroblast"},
                                                          {"endothelial", "Endothelial cell"}};

inline scrna::MalignancyResult malignant_of(const simulate::TumourMatrix& set, unsigned threads = 2) {
  scrna::GenePositions places;
  for (const simulate::GenePlace& place : set.places) places[place.gene] = {place.chromosome, place.start};
  std::map<std::string, std::size_t> numbers;
  std::vector<scrna::MalignancyRole> role;
  std::vector<std::size_t> group;
  for (const std::string& type : set.type) {
    group.push_back(numbers.emplace(type, numbers.size()).first->second);
    const bool epithelial = type == "malignant" || type == "normal_epithelium";
    const bool stromal = type == "fibroblast" || type == "endothelial";
    role.push_back(epithelial ? scrna::MalignancyRole::kCandidate
                   : stromal  ? scrna::MalignancyRole::kNormal
                              : scrna::MalignancyRole::kReference);
  }
  return scrna::find_malignant(set.counts.counts, scrna::positions_of_features(places, set.counts.features), role,
                               group, Context(threads));
}

struct Hits {
  double right = 0, wrong = 0, missed = 0, normal = 0;
  [[nodiscard]] double f1() const { return 2 * right / (2 * right + wrong + missed); }
};

inline Hits compare(const simulate::TumourMatrix& set, const scrna::MalignancyResult& result) {
  Hits hits;
  for (std::size_t i = 0; i < set.type.size(); ++i) {
    const bool called = result.probability[i] >= 0.5;
    hits.right += called && set.malignant[i] ? 1 : 0;
    hits.wrong += called && !set.malignant[i] ? 1 : 0;
    hits.missed += !called && set.malignant[i] ? 1 : 0;
    hits.normal += set.type[i] == "normal_epithelium" ? 1 : 0;
  }
  return hits;
}

struct Typed {
  std::vector<std::optional<std::size_t>> type;
  std::vector<std::string> names;
};

inline Typed typed(const simulate::TumourMatrix& set) {
  Typed out;
  std::map<std::string, std::size_t> numbers;
  for (const std::string& type : set.type) {
    const auto [entry, fresh] = numbers.emplace(type, numbers.size());
    if (fresh) out.names.push_back(type);
    out.type.emplace_back(entry->second);
  }
  return out;
}

inline std::vector<scrna::LigandReceptor> pairs_of(const simulate::TumourMatrix& set) {
  std::vector<scrna::LigandReceptor> out;
  for (const simulate::PlantedPair& pair : set.pairs) out.push_back({{pair.ligand}, {pair.receptor}});
  return out;
}

/// Ligand, sender and receiver of what is planted.
using PlantedNames = std::set<std::tuple<std::string, std::string, std::string>>;

struct Found {
  double planted = 0, found = 0, wrong = 0;
  [[nodiscard]] double false_share() const { return wrong > 0 ? wrong / (found + wrong) : 0; }
};

/// `names` of the types that interactions number.
inline Found compare(const scrna::InteractionResult& result, const std::vector<scrna::LigandReceptor>& pairs,
                     const std::vector<std::string>& names, const PlantedNames& planted) {
  Found out{.planted = static_cast<double>(planted.size())};
  for (const scrna::Interaction& row : result.tested) {
    if (!row.called) continue;
    const bool right = planted.contains({pairs[row.pair].ligand.front(), names[row.sender], names[row.receiver]});
    (right ? out.found : out.wrong) += 1;
  }
  return out;
}

inline PlantedNames planted_names(const simulate::TumourMatrix& set) {
  PlantedNames out;
  for (const simulate::PlantedPair& pair : set.pairs) {
    if (!pair.sender.empty()) out.emplace(pair.ligand, pair.sender, pair.receiver);
  }
  return out;
}

/// Tests of interactions where nothing, or one side of them, is true.
struct Level {
  double tested = 0, low = 0;  ///< p <= 0.05
  double called = 0;
  void add(const scrna::Interaction& row) {
    tested += 1;
    low += row.p <= 0.05 ? 1 : 0;
    called += row.called ? 1 : 0;
  }
  [[nodiscard]] double share() const { return low / tested; }
};

}  // namespace immucan::scrna_test
