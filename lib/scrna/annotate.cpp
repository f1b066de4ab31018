#include "scrna/annotate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/text.h"
#include "scrna/cells.h"
#include "scrna/count_matrix.h"
#include "scrna/shipped_tables.h"

namespace immucan::scrna {

namespace {

void check(const AnnotateOptions& options) {
  if (int{options.index.has_value()} + int{options.gtf.has_value()} + int{options.positions.has_value()} > 1)
    core::raise_usage("--index, --gtf and --positions all say where genes lie: give one of them.");
  if (!(options.alpha > 0 && options.alpha < 1))
    core::raise_usage(fmt::format("--alpha: {} is not between 0 and 1.", options.alpha));
  if (options.neighbours < 0 || options.neighbours > 1000)
    core::raise_usage(fmt::format("--neighbours: {} is not from 0 to 1000.", options.neighbours));
  if (options.permutations < 100 || options.permutations > 1'000'000)
    core::raise_usage(fmt::format("--permutations: {} is not from 100 to 1,000,000.", options.permutations));
  if (options.least_cells < 1)
    core::raise_usage(fmt::format("--least-cells: {} is not a positive number.", options.least_cells));
  if (!(options.least_fold >= 0)) core::raise_usage(fmt::format("--least-fold: {} is below 0.", options.least_fold));
}

std::optional<GenePositions> read_positions(const AnnotateOptions& options, core::RunContext& context) {
  if (options.index) return positions_of_index(*options.index, context);
  if (options.gtf) return positions_of_annotation(*options.gtf, context);
  if (options.positions) return read_gene_positions(io::open_source(*options.positions, context));
  return std::nullopt;
}

std::string name_at(const AnnotateResult& result, std::size_t level, std::size_t cell) {
  const auto& label = result.annotation.label[level][cell];
  return label ? result.types.types[*label].name : std::string(kUnassigned);
}

/// Names that may occur at a level: its own types, and those above that have no types at it.
std::vector<std::string> names_of_level(const CellTypes& types, std::size_t level) {
  std::vector<std::string> out;
  for (std::size_t t = 0; t < types.types.size(); ++t) {
    if (types.types[t].level > level) continue;
    const bool divided = std::ranges::any_of(
        types.types, [&](const CellType& other) { return other.parent == t && other.level <= level; });
    if (!divided) out.push_back(types.types[t].name);
  }
  out.emplace_back(kMalignantCell);
  out.emplace_back(kUnassigned);
  return out;
}

std::vector<MalignancyRole> roles(const AnnotateOptions& options, const AnnotateResult& result) {
  for (const std::string& name : options.malignant_types) {
    const auto type = result.types.find(name);
    if (name == kUnassigned || (type && result.types.types[*type].level == 0)) continue;
    core::raise_usage(fmt::format("--malignant-types: '{}' is no major type of {} and not unassigned.",
                                  core::printable(name), result.types.file));
  }
  std::vector<MalignancyRole> out;
  for (std::size_t i = 0; i < result.matrix.barcodes.size(); ++i) {
    const auto& label = result.annotation.label[0][i];
    const Compartment compartment = label ? result.types.types[*label].compartment : Compartment::kUnknown;
    const std::string name = name_at(result, 0, i);
    const bool candidate = options.malignant_types.empty()
                               ? !label || compartment == Compartment::kEpithelial
                               : std::ranges::find(options.malignant_types, name) != options.malignant_types.end();
    if (candidate) {
      out.push_back(label || !options.malignant_types.empty() ? MalignancyRole::kCandidate
                                                              : MalignancyRole::kUnassigned);
    } else if (compartment == Compartment::kImmune) {
      out.push_back(MalignancyRole::kReference);
    } else {
      out.push_back(compartment == Compartment::kStromal ? MalignancyRole::kNormal : MalignancyRole::kOther);
    }
  }
  return out;
}

void find_malignant_cells(const AnnotateOptions& options, AnnotateResult& result, const GenePositions& positions,
                          core::RunContext& context) {
  std::vector<std::size_t> group;
  for (const auto& label : result.annotation.label[0]) group.push_back(label.value_or(result.types.types.size()));
  result.malignancy = find_malignant(result.matrix.counts, positions_of_features(positions, result.matrix.features),
                                     roles(options, result), group, context);
  if (!result.malignancy->assessable)
    context.log.warning(
        "malignant cells cannot be told: fewer than 20 immune cells of a type, 10 candidates, or 60 genes with a "
        "place");
}

void find_interactions(const AnnotateOptions& options, AnnotateResult& result, const std::vector<std::string>& names,
                       core::RunContext& context) {
  std::vector<std::optional<std::size_t>> type;
  const auto& labels = result.labels[0];
  for (const std::string& name : result.label[0]) {
    const auto at = static_cast<std::size_t>(std::ranges::find(labels, name) - labels.begin());
    type.push_back(name == kUnassigned ? std::nullopt : std::optional(at));
  }
  result.interactions = score_interactions(result.matrix.counts, names, type, labels.size() - 1, result.pairs,
                                           {.permutations = static_cast<std::size_t>(options.permutations),
                                            .least_cells = static_cast<std::size_t>(options.least_cells),
                                            .least_fold = options.least_fold},
                                           context);
}

}  // namespace

std::string cell_ontology_id(const CellTypes& types, const std::string& name) {
  if (name == kMalignantCell) return std::string(kMalignantCellId);
  const auto type = types.find(name);
  return type ? types.types[*type].cl_id : std::string();
}

AnnotateResult annotate(const AnnotateOptions& options, core::RunContext& context) {
  check(options);
  AnnotateResult result;
  result.sample = options.sample.empty() ? sample_of_matrix(options.input) : options.sample;
  result.types =
      read_cell_types(options.markers ? io::open_source(*options.markers, context)
                                      : io::open_memory(shipped_table("cell_markers.tsv"), "cell_markers.tsv"));
  result.pairs = read_ligand_receptor(
      options.pairs ? io::open_source(*options.pairs, context)
                    : io::open_memory(shipped_table("ligand_receptor.tsv"), "ligand_receptor.tsv"));
  if (options.airr) result.clonotypes = read_clonotypes(io::open_source(*options.airr, context));
  if (options.signatures) result.signatures = io::read_gene_sets(*options.signatures, context);
  const std::optional<GenePositions> positions = read_positions(options, context);
  result.matrix = features_of_type(read_count_matrix(options.input, context, true, options.layer), kGeneExpression);
  if (result.matrix.features.empty())
    core::raise({options.input.string(), core::Place::none(), "no feature is gene expression",
                 "Give the matrix that holds the genes"});
  std::vector<std::string> names;
  for (const io::TenxFeature& feature : result.matrix.features) names.push_back(feature.name);
  result.annotation =
      annotate_cells(result.matrix.counts, names, result.types,
                     {.alpha = options.alpha, .neighbours = static_cast<std::size_t>(options.neighbours)}, context);
  if (result.annotation.without_genes.size() == result.types.types.size())
    core::raise(
        {options.input.string(), core::Place::none(), fmt::format("no gene of {} is in the matrix", result.types.file),
         "The markers are gene names (symbols): give a matrix with names, or a table of its own with --markers"});
  if (positions) find_malignant_cells(options, result, *positions, context);
  for (std::size_t level = 0; level < kLevels.size(); ++level) {
    result.labels[level] = names_of_level(result.types, level);
    for (std::size_t i = 0; i < result.matrix.barcodes.size(); ++i) {
      const bool malignant = result.malignancy && result.malignancy->probability[i] >= 0.5;
      result.label[level].push_back(malignant ? std::string(kMalignantCell) : name_at(result, level, i));
    }
  }
  if (options.interactions) find_interactions(options, result, names, context);
  return result;
}

}  // namespace immucan::scrna
