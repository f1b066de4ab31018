#include "biomarker/io_panel.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <unordered_map>

#include "biomarker/panel_models.h"
#include "biomarker/plage.h"
#include "biomarker/signature_store.h"
#include "core/error.h"
#include "core/text.h"

namespace immucan::biomarker {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kLargestLog = 50;
constexpr double kRoundedZero = 1e-3;      // relative slack of log values that were written with a few digits
constexpr double kGeometricOffset = 0.01;  // Rooney et al. 2015
constexpr std::string_view kSexGene = "EIF1AY";

struct PanelGene {
  std::string gene;
  double weight;
  std::string role;
};
using Panel = std::map<std::string, std::vector<PanelGene>>;

Panel shipped_panel() {
  Panel panel;
  bool header = true;
  for (const std::string_view line : core::split(shipped_signature("io_panel.tsv"), '\n')) {
    const auto fields = core::split(line, '\t');
    if (!header && fields.size() == 4) {
      panel[std::string(fields[0])].push_back(
          {std::string(fields[1]), core::parse_double(fields[2]).value_or(kNan), std::string(fields[3])});
    }
    header = false;
  }
  return panel;
}

/// Rows of genes under their current or former symbols.
class GeneRows {
 public:
  explicit GeneRows(const io::MatrixTable& matrix) : matrix_(matrix) {
    for (std::size_t row = 0; row < matrix.rows(); ++row) rows_.emplace(matrix.row_names[row], row);
  }
  [[nodiscard]] std::optional<std::size_t> find(std::string_view gene) const {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kFormer{
        {{"NRDE2", "C14orf102"}, {"VSIR", "C10orf54"}, {"NOCT", "CCRN4L"}}};
    if (const auto found = rows_.find(gene); found != rows_.end()) return found->second;
    for (const auto& [current, former] : kFormer) {
      if (const auto found = rows_.find(former); current == gene && found != rows_.end()) return found->second;
    }
    return std::nullopt;
  }
  [[nodiscard]] const io::MatrixTable& matrix() const { return matrix_; }

 private:
  const io::MatrixTable& matrix_;
  std::unordered_map<std::string_view, std::size_t> rows_;
};

/// The measured ones of a list, with what is missing.
struct Measured {
  std::vector<std::pair<std::size_t, double>> rows;  ///< row, weight
  std::vector<std::string> missing;
  [[nodiscard]] double coverage() const {
    const double all = static_cast<double>(rows.size() + missing.size());
    return all == 0 ? 0 : static_cast<double>(rows.size()) / all;
  }
};

Measured measured(const GeneRows& genes, const std::vector<PanelGene>& list, std::string_view role) {
  Measured result;
  for (const PanelGene& entry : list) {
    if (entry.role != role) continue;
    if (const auto row = genes.find(entry.gene)) {
      result.rows.emplace_back(*row, entry.weight);
    } else {
      result.missing.push_back(entry.gene);
    }
  }
  return result;
}

/// Adds rows to the table after looking at how many of their genes were measured.
class PanelWriter {
 public:
  PanelWriter(const GeneRows& genes, const PanelOptions& options, const core::Log& log)
      : genes_(genes), options_(options), log_(log) {
    table_.samples = genes.matrix().column_names;
  }

  /// False when the score is to be NA.
  bool covered(const std::string& name, const Measured& list) {
    if (list.missing.empty()) return true;
    const std::string what = fmt::format("{} of {} genes of {} are not measured ({})", list.missing.size(),
                                         list.missing.size() + list.rows.size(), name, core::join(list.missing, ", "));
    if (list.coverage() >= options_.min_coverage && !list.rows.empty()) {
      log_.warning(what);
      return true;
    }
    if (!options_.skip_thin) {
      core::raise({genes_.matrix().name, core::Place::none(), what,
                   "Check the gene names (--aliases), lower --min-coverage, or leave the score NA with --skip-thin"});
    }
    log_.warning(what + "; it is NA");
    return false;
  }

  void add(const std::string& name, std::vector<double> values) {
    table_.sets.push_back(name);
    table_.values.insert(table_.values.end(), values.begin(), values.end());
  }
  void add_missing(const std::string& name) { add(name, std::vector<double>(table_.samples.size(), kNan)); }

  [[nodiscard]] ScoreTable finish() { return std::move(table_); }
  [[nodiscard]] std::size_t samples() const { return table_.samples.size(); }

 private:
  const GeneRows& genes_;
  const PanelOptions& options_;
  const core::Log& log_;
  ScoreTable table_;
};

/// Mean over genes of f(TPM), per sample.
template <class F>
std::vector<double> mean_of(const io::MatrixTable& tpm, const Measured& list, F&& f) {
  std::vector<double> result(tpm.columns(), 0.0);
  for (const auto& [row, unused] : list.rows) {
    for (std::size_t i = 0; i < result.size(); ++i) result[i] += f(tpm.row(row)[i]);
  }
  for (double& v : result) v /= static_cast<double>(list.rows.size());
  return result;
}

double log2_plus_one(double tpm) {
  return std::log2(tpm + 1);
}

void add_inflamed(PanelWriter& out, const GeneRows& genes, const std::vector<PanelGene>& list, double base) {
  const std::string name = "T_cell_inflamed_GEP";
  const Measured predictors = measured(genes, list, "predictor"), housekeeping = measured(genes, list, "housekeeping");
  if (!out.covered(name, predictors) || !out.covered(name + " (housekeeping)", housekeeping)) {
    return out.add_missing(name);
  }
  const auto log_of = [&](double tpm) { return std::log(tpm + 1) / std::log(base); };
  const std::vector<double> level = mean_of(genes.matrix(), housekeeping, log_of);
  std::vector<double> score(level.size(), 0.0);
  for (const auto& [row, weight] : predictors.rows) {
    for (std::size_t i = 0; i < score.size(); ++i) {
      score[i] += weight * (log_of(genes.matrix().row(row)[i]) - level[i]);
    }
  }
  out.add(name, std::move(score));
}

void add_mean(PanelWriter& out, const GeneRows& genes, const std::string& name, const std::vector<PanelGene>& list) {
  const Measured found = measured(genes, list, "predictor");
  if (!out.covered(name, found)) return out.add_missing(name);
  out.add(name, mean_of(genes.matrix(), found, log2_plus_one));
}

void add_geometric(PanelWriter& out, const GeneRows& genes, const std::string& name,
                   const std::vector<PanelGene>& list) {
  const Measured found = measured(genes, list, "predictor");
  if (!out.covered(name, found)) return out.add_missing(name);
  std::vector<double> score =
      mean_of(genes.matrix(), found, [](double tpm) { return std::log(tpm + kGeometricOffset); });
  for (double& v : score) v = std::exp(v);
  out.add(name, std::move(score));
}

/// Pairs "A>B": how many hold, scaled to all pairs where some cannot be looked at.
void add_pairs(PanelWriter& out, const GeneRows& genes, const std::string& name, const std::vector<PanelGene>& list) {
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  Measured found;
  for (const PanelGene& entry : list) {
    const auto sides = core::split(entry.gene, '>');
    const auto left = genes.find(sides[0]), right = genes.find(sides[1]);
    if (left && right) {
      pairs.emplace_back(*left, *right);
      found.rows.emplace_back(*left, 1);
    } else {
      found.missing.push_back(entry.gene);
    }
  }
  if (!out.covered(name + " (pairs)", found)) return out.add_missing(name);
  std::vector<double> score(out.samples(), 0.0);
  for (const auto& [left, right] : pairs) {
    for (std::size_t i = 0; i < score.size(); ++i) {
      score[i] += genes.matrix().row(left)[i] > genes.matrix().row(right)[i] ? 1 : 0;
    }
  }
  for (double& v : score) v *= static_cast<double>(list.size()) / static_cast<double>(pairs.size());
  out.add(name, std::move(score));
}

/// First principal component of the genes' z: PLAGE's direction with its length.
void add_component(PanelWriter& out, const GeneRows& genes, const std::string& name, const std::vector<PanelGene>& list,
                   const core::Log& log) {
  const Measured found = measured(genes, list, "predictor");
  if (!out.covered(name, found)) return out.add_missing(name);
  if (out.samples() < 2) {
    log.warning(name + " is NA: a principal component needs at least two samples");
    return out.add_missing(name);
  }
  io::MatrixTable part;
  part.name = genes.matrix().name;
  part.column_names = genes.matrix().column_names;
  SetRows all{name, {}, found.rows.size(), true};
  for (const auto& [row, unused] : found.rows) {
    all.rows.push_back(static_cast<std::uint32_t>(part.rows()));
    std::ranges::transform(genes.matrix().row(row), part.add_row(genes.matrix().row_names[row]).begin(), log2_plus_one);
  }
  std::vector<double> direction = plage_scores(part, {all}, 1, nullptr).values;  // `part` now holds z
  double square = 0;
  for (std::size_t gene = 0; gene < part.rows(); ++gene) {
    double projection = 0, spread = 0;
    for (std::size_t i = 0; i < direction.size(); ++i) {
      projection += part.row(gene)[i] * direction[i];
      spread += (part.row(gene)[i] - part.row(gene)[0]) * (part.row(gene)[i] - part.row(gene)[0]);
    }
    if (spread > 0) square += projection * projection;
  }
  for (double& v : direction) v *= std::sqrt(square);
  out.add(name, std::move(direction));
}

}  // namespace

void to_linear(io::MatrixTable& matrix, const std::string& unit, double offset) {
  double highest = -std::numeric_limits<double>::infinity();
  for (std::size_t gene = 0; gene < matrix.rows(); ++gene) {
    highest = std::max(highest, std::ranges::max(matrix.row(gene)));
  }
  const bool logarithmic = unit == "log2" || (unit == "auto" && highest < kLargestLog);
  for (std::size_t gene = 0; gene < matrix.rows(); ++gene) {
    const auto row = matrix.row(gene);
    for (std::size_t i = 0; i < row.size(); ++i) {
      const double linear = logarithmic ? std::exp2(row[i]) - offset : row[i];
      if (linear < -kRoundedZero * offset || (!logarithmic && linear < 0)) {
        core::raise({matrix.name, core::Place::none(),
                     fmt::format("{} of gene '{}' in sample '{}' is no {}", core::format_double(row[i]),
                                 core::printable(matrix.row_names[gene]), core::printable(matrix.column_names[i]),
                                 logarithmic ? fmt::format("log2(TPM + {})", core::format_double(offset)) : "TPM"),
                     "Tell the scale with --unit and --log-offset"});
      }
      row[i] = std::max(0.0, linear);
    }
  }
}

ScoreTable io_panel_scores(const io::MatrixTable& tpm, const PanelOptions& options, core::RunContext& context) {
  const Panel panel = shipped_panel();
  const GeneRows genes(tpm);
  PanelWriter out(genes, options, context.log);
  add_inflamed(out, genes, panel.at("T_cell_inflamed_GEP"), options.log_base);
  add_mean(out, genes, "IFNg_6", panel.at("IFNg_6"));
  add_mean(out, genes, "Expanded_immune_18", panel.at("Expanded_immune_18"));
  add_geometric(out, genes, "CYT", panel.at("CYT"));
  add_mean(out, genes, "TLS_Cabrita9", panel.at("TLS_Cabrita9"));
  std::vector<PanelGene> without_sex = panel.at("TLS_Cabrita9");
  std::erase_if(without_sex, [](const PanelGene& entry) { return entry.gene == kSexGene; });
  add_mean(out, genes, "TLS_Cabrita8", without_sex);
  add_geometric(out, genes, "Roh_IS", panel.at("Roh_IS"));
  add_component(out, genes, "Chemokine12", panel.at("Chemokine12"), context.log);
  add_pairs(out, genes, "IMPRES", panel.at("IMPRES"));
  add_pairs(out, genes, "MSI_pairs", panel.at("MSI_pairs"));
  ScoreTable table = out.finish();
  if (options.ips_genes)
    append_rows(table, immunophenoscore(tpm, read_ips_genes(*options.ips_genes, context), options));
  if (options.tide_model) {
    append_rows(table, tide_scores(tpm, read_tide_model(*options.tide_model, context), options, context.log));
  }
  return table;
}

}  // namespace immucan::biomarker
