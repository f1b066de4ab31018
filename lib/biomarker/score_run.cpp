#include "biomarker/score_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "biomarker/aucell.h"
#include "biomarker/deconvolution.h"
#include "biomarker/expression_input.h"
#include "biomarker/gsva.h"
#include "biomarker/io_panel.h"
#include "biomarker/plage.h"
#include "biomarker/score_reference.h"
#include "biomarker/signature_store.h"
#include "biomarker/singscore.h"
#include "core/error.h"
#include "core/text.h"
#include "io/tsv.h"

namespace immucan::biomarker {

namespace {

constexpr double kFloorWarning = 0.5;

DuplicateGenes duplicate_policy(const std::string& name) {
  if (name == "mean") return DuplicateGenes::kMean;
  if (name == "median") return DuplicateGenes::kMedian;
  if (name == "maxvar") return DuplicateGenes::kMaxVariance;
  return DuplicateGenes::kRefuse;
}

GsvaKernel kernel_of(const std::string& name) {
  if (name == "poisson") return GsvaKernel::kPoisson;
  return name == "none" ? GsvaKernel::kNone : GsvaKernel::kGaussian;
}

TieOrder ties_of(const std::string& compat) {
  if (compat == "gsva") return TieOrder::kGsva;
  return compat == "gseapy" ? TieOrder::kGseapy : TieOrder::kShared;
}

void refuse_non_counts(const io::MatrixTable& matrix) {
  for (std::size_t gene = 0; gene < matrix.rows(); ++gene) {
    for (std::size_t sample = 0; sample < matrix.columns(); ++sample) {
      const double value = matrix.row(gene)[sample];
      if (value >= 0 && value == std::floor(value)) continue;
      core::raise({matrix.name, core::Place::none(),
                   fmt::format("{} of gene '{}' in sample '{}' is not a count", core::format_double(value),
                               core::printable(matrix.row_names[gene]), core::printable(matrix.column_names[sample])),
                   "The Poisson kernel needs counts; use --kernel gaussian for log expression"});
    }
  }
}

void warn_of_floors(const io::MatrixTable& matrix, const core::Log& log) {
  const std::vector<double> fractions = floor_fractions(matrix);
  const auto worst = std::ranges::max_element(fractions);
  const auto count = std::ranges::count_if(fractions, [](double f) { return f > kFloorWarning; });
  if (count == 0) return;
  log.warning(fmt::format(
      "{} of {} samples have more than half of their genes at the lowest value (most: {}, {:.0f} %); "
      "their ranks say little",
      count, fractions.size(),
      core::printable(matrix.column_names[static_cast<std::size_t>(worst - fractions.begin())]), 100 * *worst));
}

/// Divides by the range of the whole table, as R's GSVA does: depends on the cohort and on the list of sets.
void divide_by_range(ScoreTable& table) {
  double least = std::numeric_limits<double>::infinity(), greatest = -least;
  for (const double v : table.values) {
    if (std::isnan(v)) continue;
    least = std::min(least, v);
    greatest = std::max(greatest, v);
  }
  if (!(greatest > least)) return;
  for (double& v : table.values) v /= greatest - least;
}

std::string coverage_table(const io::MatrixTable& matrix, const std::vector<SetRows>& sets) {
  std::vector<double> lowest(matrix.columns(), std::numeric_limits<double>::infinity());
  for (std::size_t gene = 0; gene < matrix.rows(); ++gene) {
    const auto row = matrix.row(gene);
    for (std::size_t i = 0; i < row.size(); ++i) lowest[i] = std::min(lowest[i], row[i]);
  }
  const std::vector<double> floors = floor_fractions(matrix);
  std::string text = "set\tsample\tgenes\tmeasured\tcoverage\tabove_floor\tfloor_fraction\tflag\n";
  for (const SetRows& set : sets) {
    for (std::size_t sample = 0; sample < matrix.columns(); ++sample) {
      const auto above = std::ranges::count_if(
          set.rows, [&](std::uint32_t gene) { return matrix.row(gene)[sample] > lowest[sample]; });
      text += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", set.name, matrix.column_names[sample], set.genes,
                          set.rows.size(),
                          core::format_double(static_cast<double>(set.rows.size()) / static_cast<double>(set.genes)),
                          above, core::format_double(floors[sample]),
                          !set.scored                      ? "not_scored"
                          : floors[sample] > kFloorWarning ? "floor"
                                                           : "ok");
    }
  }
  return text;
}

std::string leading_edge_table(const io::MatrixTable& matrix, const std::vector<SetRows>& sets,
                               const ScoreOptions& options, const core::InterruptSource& interrupt) {
  const auto genes = static_cast<double>(matrix.rows());
  const double unit = options.normalize ? genes : 1.0;
  std::string text = "set\tsample\tgene\torder\trank_share\tcontribution\n";
  for (std::size_t sample = 0; sample < matrix.columns(); ++sample) {
    interrupt.check();
    const auto contributions = ssgsea_contributions(matrix, sample, sets, options.alpha);
    for (std::size_t set = 0; set < sets.size(); ++set) {
      std::int64_t order = 0;
      for (const GeneContribution& gene : contributions[set]) {
        if (order++ == options.leading_genes || gene.contribution <= 0) break;
        text += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\n", sets[set].name, matrix.column_names[sample],
                            matrix.row_names[gene.gene], order, core::format_double(gene.rank / genes),
                            core::format_double(gene.contribution / unit));
      }
    }
  }
  return text;
}

void refuse_single_sample(const ScoreOptions& options, const io::MatrixTable& matrix) {
  const bool compares = options.method == "plage" || options.method == "gsva" || options.method == "zscore";
  if (!compares || options.reference || matrix.columns() >= 2) return;
  core::raise({matrix.name, core::Place::none(),
               fmt::format("one sample only, but {} compares a sample with its cohort", options.method),
               "Add samples, give a frozen cohort with --reference, or use --method ssgsea or singscore, which score a "
               "sample alone"});
}

/// What the scores of one sample depend on besides its own values.
std::map<std::string, std::string> settings_of(const ScoreOptions& options, const io::MatrixTable& matrix) {
  std::map<std::string, std::string> settings{{"method", options.method},
                                              {"compat", options.compat},
                                              {"normalize", options.normalize ? "yes" : "no"},
                                              {"direction", options.direction},
                                              {"alpha", core::format_double(options.alpha)},
                                              {"genes_sha256", genes_digest(matrix)}};
  if (options.method == "gsva") {
    settings["kernel"] = options.kernel;
    settings["max_difference"] = options.max_difference ? "yes" : "no";
  }
  if (options.method == "aucell") settings["top_share"] = core::format_double(options.top_share);
  return settings;
}

void check_reference_use(const ScoreOptions& options, const ScoreExtras* extras) {
  const bool freezing = extras != nullptr && extras->want_reference;
  if (options.reference && freezing)
    core::raise_usage("--save-reference freezes this cohort, --reference scores it by another one: give one of them");
  if ((options.reference || freezing) && options.method == "ssgsea" && options.compat != "none" && options.normalize)
    core::raise_usage("scores divided by the range of their table have no frozen reference; add --no-normalize");
}

/// What a patient's score needs of the cohort besides the cohort's scores; before the matrix is changed.
void freeze_genes(const ScoreOptions& options, const io::MatrixTable& matrix, const std::vector<SetRows>& sets,
                  ScoreReference& frozen) {
  for (const SetRows& set : sets) {
    if (set.scored) frozen.sets[set.name] = set_digest(matrix, set);
  }
  if (options.method == "zscore" || options.method == "plage") frozen.genes = gene_moments(matrix);
  if (options.method == "gsva") frozen.values = gene_values(matrix);
}

/// The loadings are those of the reference, or of this cohort, which are then added to `frozen` if there is one.
ScoreTable score_plage(io::MatrixTable& matrix, const std::vector<SetRows>& sets,
                       const std::optional<ScoreReference>& reference, ScoreReference* frozen,
                       core::RunContext& context) {
  if (reference) {
    (void)standardise_by(matrix, *reference);
    return plage_projection(matrix, sets, loadings_of(*reference, matrix, sets));
  }
  const auto varies = standardise_rows(matrix, context.threads, &context.interrupt);
  const auto loadings = plage_loadings(matrix, sets, varies, context.threads, &context.interrupt);
  if (frozen != nullptr) frozen->loadings = named_loadings(matrix, sets, loadings);
  return plage_projection(matrix, sets, loadings);
}

ScoreTable score_matrix(const ScoreOptions& options, io::MatrixTable& matrix, const std::vector<SetRows>& sets,
                        const std::optional<ScoreReference>& reference, ScoreReference* frozen,
                        core::RunContext& context, ScoreExtras* extras) {
  const unsigned threads = context.threads;
  const TieOrder ties = ties_of(options.compat);
  if (options.method == "zscore" && reference) {
    return zscore_scores(matrix, sets, standardise_by(matrix, *reference), threads, &context.interrupt);
  }
  if (options.method == "zscore") return zscore_scores(matrix, sets, threads, &context.interrupt);
  if (options.method == "plage") return score_plage(matrix, sets, reference, frozen, context);
  if (options.method == "gsva") {
    const GsvaOptions gsva{kernel_of(options.kernel), options.max_difference, ties};
    if (gsva.kernel == GsvaKernel::kPoisson) refuse_non_counts(matrix);
    return gsva_scores(matrix, sets, gsva, threads, &context.interrupt, reference ? &reference->values : nullptr);
  }
  if (options.method == "singscore") {
    SingscoreTable table = singscore_scores(matrix, sets, options.direction == "known", threads, &context.interrupt);
    if (extras != nullptr) extras->dispersions = std::move(table.dispersions);
    return std::move(table.scores);
  }
  if (options.method == "aucell") return aucell_scores(matrix, sets, options.top_share, threads, &context.interrupt);
  if (options.method == "mean" || options.method == "mcpcounter")
    return mean_scores(matrix, sets, threads, &context.interrupt);
  ScoreTable table = ssgsea_scores(matrix, sets, options.alpha, ties, threads, &context.interrupt);
  if (options.normalize && ties != TieOrder::kShared) divide_by_range(table);
  if (options.normalize && ties == TieOrder::kShared) {
    for (double& v : table.values) v /= static_cast<double>(matrix.rows());
  }
  return table;
}

/// Sets within the limits that have no score nevertheless: their genes do not vary, or hold every gene of the table.
void warn_of_empty_scores(const ScoreTable& scores, const std::vector<SetRows>& sets, const core::Log& log) {
  std::size_t empty = 0;
  std::string first;
  for (std::size_t set = 0; set < scores.sets.size() && scores.sets.size() == sets.size(); ++set) {
    bool all_missing = sets[set].scored;
    for (std::size_t i = 0; i < scores.samples.size(); ++i) all_missing = all_missing && std::isnan(scores.at(set, i));
    if (all_missing && empty++ == 0) first = scores.sets[set];
  }
  if (empty == 0) return;
  log.warning(
      fmt::format("{} of {} sets are NA in every sample ({} for one): none of their genes varies, or they hold "
                  "every gene of the table",
                  empty, sets.size(), core::printable(first)));
}

void freeze_scores(const ScoreTable& scores, ScoreReference& frozen) {
  for (std::size_t set = 0; set < scores.sets.size(); ++set) {
    for (std::size_t sample = 0; sample < scores.samples.size(); ++sample) {
      const double value = scores.at(set, sample);
      if (!std::isnan(value)) frozen.scores[scores.sets[set]].push_back(value);
    }
  }
  for (auto& [unused, values] : frozen.scores) std::ranges::sort(values);
}

bool brings_own_genes(const std::string& method) {
  return method == "quantiseq" || method == "epic" || method == "cibersort" || method == "io-panel";
}

EpicOptions epic_options(const ScoreOptions& options, const GeneAliases& aliases, core::RunContext& context) {
  if (!options.signature) core::raise_usage("--method epic needs --signature, a table of genes × cell types");
  EpicOptions epic;
  epic.other_cells = options.other_cells;
  epic.profiles = read_signature(*options.signature, context);
  if (options.signature_variability) epic.variability = read_signature(*options.signature_variability, context);
  if (options.signature_genes) {
    const io::Table table = io::read_table(*options.signature_genes, context);
    const std::size_t gene = table.require("gene");
    for (const auto& row : table.rows) epic.signature_genes.push_back(aliases.current(row[gene]));
  }
  if (options.mrna) {
    const io::Table table = io::read_table(*options.mrna, context);
    const std::size_t type = table.require("type"), mrna = table.require("mrna");
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
      const auto value = table.number(row, mrna);
      if (!value || *value <= 0)
        table.fail(row, mrna, "not a positive number", "Give mRNA per cell, relative or absolute");
      epic.mrna[table.rows[row][type]] = *value;
    }
  }
  for (std::string& gene : epic.profiles.genes) gene = aliases.current(gene);
  if (epic.variability) {
    for (std::string& gene : epic.variability->genes) gene = aliases.current(gene);
  }
  return epic;
}

ScoreTable score_own_genes(const ScoreOptions& options, io::MatrixTable& matrix, const GeneAliases& aliases,
                           core::RunContext& context) {
  refuse_counts(matrix, options.method);
  if (options.method == "io-panel") {
    to_linear(matrix, options.unit, options.log_offset);
    return io_panel_scores(matrix,
                           {options.log_base == "2" ? 2.0 : 10.0, options.min_coverage.value_or(0.8), options.skip_thin,
                            options.ips_genes, options.tide_model, options.pretreated},
                           context);
  }
  to_million(matrix, true);
  if (options.method == "quantiseq") {
    return quantiseq_fractions(matrix, {options.tumour, options.min_coverage.value_or(0.5)}, context.log,
                               context.threads, &context.interrupt);
  }
  if (options.method == "cibersort") {
    if (!options.signature) core::raise_usage("--method cibersort needs --signature, a table of genes × cell types");
    SignatureMatrix signature = read_signature(*options.signature, context);
    for (std::string& gene : signature.genes) gene = aliases.current(gene);
    return cibersort_fractions(matrix, signature,
                               {options.min_coverage.value_or(0.5), options.permutations, context.seed},
                               context.threads, &context.interrupt);
  }
  return epic_fractions(matrix, epic_options(options, aliases, context), context.threads, &context.interrupt);
}

io::GeneSets sets_of(const ScoreOptions& options, core::RunContext& context) {
  if (!options.sets.empty()) return io::read_gene_sets(options.sets, context);
  if (options.method != "mcpcounter") core::raise_usage(fmt::format("--method {} needs --sets", options.method));
  return io::read_gene_sets(io::open_memory(shipped_signature("mcp_counter.tsv"), "MCP-counter"));
}

void refuse_foreign_options(const ScoreOptions& options, const ScoreExtras* extras) {
  if (!brings_own_genes(options.method)) return;
  const bool tables = extras != nullptr && (extras->want_coverage || extras->want_reference);
  if (!options.sets.empty() || options.reference || tables) {
    core::raise_usage(fmt::format("--method {} has no --sets, --coverage or --reference", options.method));
  }
}

}  // namespace

ScoreTable score_samples(const ScoreOptions& options, core::RunContext& context, ScoreExtras* extras) {
  check_reference_use(options, extras);
  refuse_foreign_options(options, extras);
  const bool compat = options.compat != "none";
  const GeneAliases aliases = options.aliases ? GeneAliases(*options.aliases, context) : GeneAliases();
  io::GeneSets gene_sets;
  if (!brings_own_genes(options.method)) gene_sets = sets_of(options, context);
  aliases.apply(gene_sets);
  io::MatrixTable matrix =
      read_expression({options.expression, options.gene_column, options.aliases, duplicate_policy(options.duplicates)},
                      aliases, context);
  if (options.method != "aucell") refuse_mixed_scales(matrix);
  if (brings_own_genes(options.method)) return score_own_genes(options, matrix, aliases, context);
  // The populations of MCP-counter have between one and 33 markers.
  const std::int64_t least = compat || options.method == "mcpcounter" ? 1 : 5;
  const CoverageLimits limits{static_cast<std::size_t>(options.min_genes.value_or(least)),
                              options.min_coverage.value_or(compat ? 0.0 : 0.5), options.skip_absent,
                              options.skip_thin};
  const std::vector<SetRows> sets = match_sets(gene_sets, matrix, limits, context.log);
  refuse_single_sample(options, matrix);
  std::optional<ScoreReference> reference;
  const bool freezing = extras != nullptr && extras->want_reference;
  const auto settings =
      options.reference || freezing ? settings_of(options, matrix) : std::map<std::string, std::string>{};
  if (options.reference) {
    reference = read_score_reference(*options.reference, context);
    require_same_settings(*reference, settings, *options.reference);
    require_same_sets(*reference, matrix, sets, options.method == "plage", *options.reference);
  }
  if (options.method != "aucell") warn_of_floors(matrix, context.log);
  if (extras != nullptr && extras->want_coverage) extras->coverage = coverage_table(matrix, sets);
  if (extras != nullptr && extras->want_leading_edge)
    extras->leading_edge = leading_edge_table(matrix, sets, options, context.interrupt);
  ScoreReference frozen{settings, {}, {}, {}, {}, {}};
  if (freezing) freeze_genes(options, matrix, sets, frozen);
  ScoreTable scores = score_matrix(options, matrix, sets, reference, freezing ? &frozen : nullptr, context, extras);
  warn_of_empty_scores(scores, sets, context.log);
  if (freezing) {
    freeze_scores(scores, frozen);
    extras->reference = to_tsv(frozen);
  }
  if (extras != nullptr && reference) extras->percentiles = percentiles(scores, *reference);
  return scores;
}

}  // namespace immucan::biomarker
