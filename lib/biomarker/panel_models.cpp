#include "biomarker/panel_models.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <utility>

#include "core/error.h"
#include "core/text.h"

namespace immucan::biomarker {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr std::array<std::string_view, 4> kGroups{"MHC", "CP", "EC", "SC"};
constexpr double kHighestAz = 3, kHighestIps = 10;  // Charoentong et al. 2017
constexpr std::array<std::string_view, 5> kCytotoxic{"CD8A", "CD8B", "GZMA", "GZMB", "PRF1"};

ScoreTable rows_of(const io::MatrixTable& tpm, std::vector<std::string> names) {
  ScoreTable table;
  table.samples = tpm.column_names;
  table.sets = std::move(names);
  table.values.assign(table.sets.size() * table.samples.size(), kNan);
  return table;
}

std::unordered_map<std::string_view, std::size_t> rows_by_name(const io::MatrixTable& matrix) {
  std::unordered_map<std::string_view, std::size_t> rows;
  for (std::size_t row = 0; row < matrix.rows(); ++row) rows.emplace(matrix.row_names[row], row);
  return rows;
}

double ips_of(double az) {
  if (az <= 0) return 0;
  return az >= kHighestAz ? kHighestIps : std::round(kHighestIps * az / kHighestAz);
}

double pearson(const std::vector<double>& a, const std::vector<double>& b) {
  const auto n = static_cast<double>(a.size());
  double ma = 0, mb = 0, ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ma += a[i] / n;
    mb += b[i] / n;
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - ma) * (b[i] - mb);
    aa += (a[i] - ma) * (a[i] - ma);
    bb += (b[i] - mb) * (b[i] - mb);
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : kNan;
}

void refuse_thin(const io::MatrixTable& tpm, std::string_view name, std::size_t found, std::size_t all, double limit) {
  if (static_cast<double>(found) >= limit * static_cast<double>(all) && found > 0) return;
  core::raise({tpm.name, core::Place::none(), fmt::format("{} of {} genes of {} are measured", found, all, name),
               "Check the gene names (--aliases), or lower --min-coverage"});
}

}  // namespace

std::vector<IpsItem> read_ips_genes(const std::filesystem::path& path, core::RunContext& context) {
  return read_ips_genes(io::read_table(path, context));
}

std::vector<IpsItem> read_ips_genes(const io::Table& table) {
  const std::size_t gene = table.require("gene_name"), name = table.require("name"), group = table.require("class"),
                    weight = table.require("weight");
  std::vector<IpsItem> items;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const auto& fields = table.rows[row];
    if (std::ranges::find(kGroups, fields[group]) == kGroups.end()) {
      table.fail(row, group, fmt::format("'{}' is no class of the immunophenoscore", core::printable(fields[group])),
                 "Use MHC, CP, EC or SC");
    }
    const auto value = table.number(row, weight);
    if (!value) table.fail(row, weight, "a missing weight", "Use 1 or -1");
    auto item = std::ranges::find_if(
        items, [&](const IpsItem& known) { return known.name == fields[name] && known.group == fields[group]; });
    if (item == items.end()) item = items.insert(items.end(), {fields[name], fields[group], *value, {}});
    if (item->weight != *value) table.fail(row, weight, "a second weight of one item", "Give an item one weight");
    item->genes.push_back(fields[gene]);
  }
  return items;
}

ScoreTable immunophenoscore(const io::MatrixTable& tpm, const std::vector<IpsItem>& items,
                            const PanelOptions& options) {
  const auto row_of = rows_by_name(tpm);
  std::size_t all = 0, found = 0;
  for (const IpsItem& item : items) {
    all += item.genes.size();
    found += static_cast<std::size_t>(
        std::ranges::count_if(item.genes, [&](const std::string& gene) { return row_of.contains(gene); }));
  }
  ScoreTable table = rows_of(tpm, {"IPS_MHC", "IPS_CP", "IPS_EC", "IPS_SC", "IPS_AZ", "IPS"});
  if (options.skip_thin && static_cast<double>(found) < options.min_coverage * static_cast<double>(all)) return table;
  refuse_thin(tpm, "the immunophenoscore", found, all, options.min_coverage);
  const auto genes = static_cast<double>(tpm.rows());
  for (std::size_t sample = 0; sample < tpm.columns(); ++sample) {
    double mean = 0, square = 0;
    for (std::size_t row = 0; row < tpm.rows(); ++row) mean += std::log2(tpm.row(row)[sample] + 1);
    mean /= genes;
    for (std::size_t row = 0; row < tpm.rows(); ++row) {
      const double gap = std::log2(tpm.row(row)[sample] + 1) - mean;
      square += gap * gap;
    }
    const double deviation = std::sqrt(square / (genes - 1));
    if (!(deviation > 0)) continue;
    std::array<double, kGroups.size()> sum{}, count{};
    for (const IpsItem& item : items) {
      double z = 0, measured = 0;
      for (const std::string& gene : item.genes) {
        const auto row = row_of.find(gene);
        if (row == row_of.end()) continue;
        z += (std::log2(tpm.row(row->second)[sample] + 1) - mean) / deviation;
        measured += 1;
      }
      const auto group = static_cast<std::size_t>(std::ranges::find(kGroups, item.group) - kGroups.begin());
      if (measured == 0) continue;
      sum[group] += item.weight * z / measured;
      count[group] += 1;
    }
    double az = 0;
    for (std::size_t group = 0; group < kGroups.size(); ++group) {
      table.at(group, sample) = count[group] > 0 ? sum[group] / count[group] : kNan;
      az += table.at(group, sample);
    }
    table.at(4, sample) = az;
    table.at(5, sample) = std::isnan(az) ? kNan : ips_of(az);
  }
  return table;
}

TideModel read_tide_model(const std::filesystem::path& path, core::RunContext& context) {
  return read_tide_model(io::read_table(path, context));
}

TideModel read_tide_model(const io::Table& table) {
  const std::size_t gene = table.require("gene"), dysfunction = table.require("dysfunction"),
                    exclusion = table.require("exclusion");
  TideModel model;
  model.name = table.name;
  bool scaled = false;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const auto first = table.number(row, dysfunction), second = table.number(row, exclusion);
    if (!first || !second)
      table.fail(row, first ? exclusion : dysfunction, "a missing number", "Fill or remove the row");
    const std::string& name = table.rows[row][gene];
    if (name == "SD") {
      if (std::exchange(scaled, true)) table.fail(row, gene, "a second row of deviations", "Remove one of them");
      if (*first <= 0 || *second <= 0) table.fail(row, dysfunction, "a deviation that is not positive", "Give both");
      model.dysfunction_sd = *first;
      model.exclusion_sd = *second;
    } else if (!model.genes.emplace(name, std::pair{*first, *second}).second) {
      table.fail(row, gene, fmt::format("the gene '{}' occurs twice", core::printable(name)), "Remove one of them");
    }
  }
  if (model.genes.empty()) {
    core::raise(
        {table.name, core::Place::none(), "a model without genes", "Give the rows of gene, dysfunction, exclusion"});
  }
  return model;
}

ScoreTable tide_scores(const io::MatrixTable& tpm, const TideModel& model, const PanelOptions& options,
                       const core::Log& log) {
  ScoreTable table = rows_of(tpm, {"TIDE_dysfunction", "TIDE_exclusion", "TIDE_CTL", "TIDE"});
  if (tpm.columns() < 2) {
    log.warning("TIDE is NA: it subtracts the mean of each gene over the samples, and there is one sample");
    return table;
  }
  std::vector<std::size_t> rows;
  std::vector<double> dysfunction, exclusion;
  const auto row_of = rows_by_name(tpm);
  for (const auto& [gene, weights] : model.genes) {
    const auto found = row_of.find(gene);
    if (found == row_of.end()) continue;
    rows.push_back(found->second);
    dysfunction.push_back(weights.first);
    exclusion.push_back(weights.second);
  }
  refuse_thin(tpm, model.name, rows.size(), model.genes.size(), options.min_coverage);
  const auto centre = [&](std::size_t row) {
    double mean = 0;
    for (const double v : tpm.row(row)) mean += std::log2(v + 1);
    return mean / static_cast<double>(tpm.columns());
  };
  std::vector<double> means, ctl_means;
  for (const std::size_t row : rows) means.push_back(centre(row));
  std::vector<std::size_t> ctl;
  for (const std::string_view gene : kCytotoxic) {
    const auto found = row_of.find(gene);
    if (found == row_of.end()) {
      core::raise({tpm.name, core::Place::none(), fmt::format("'{}' is missing, which TIDE's CTL flag needs", gene),
                   "Check the gene names (--aliases)"});
    }
    ctl.push_back(found->second);
    ctl_means.push_back(centre(found->second));
  }
  std::vector<double> values(rows.size());
  for (std::size_t sample = 0; sample < tpm.columns(); ++sample) {
    for (std::size_t i = 0; i < rows.size(); ++i) values[i] = std::log2(tpm.row(rows[i])[sample] + 1) - means[i];
    bool flag = true;
    for (std::size_t i = 0; i < ctl.size(); ++i) {
      flag = flag && std::log2(tpm.row(ctl[i])[sample] + 1) - ctl_means[i] > 0;
    }
    table.at(0, sample) = pearson(values, dysfunction) / model.dysfunction_sd;
    table.at(1, sample) = pearson(values, exclusion) / model.exclusion_sd;
    table.at(2, sample) = flag ? 1 : 0;
    table.at(3, sample) = flag && !options.pretreated ? table.at(0, sample) : table.at(1, sample);
  }
  return table;
}

void append_rows(ScoreTable& table, const ScoreTable& more) {
  table.sets.insert(table.sets.end(), more.sets.begin(), more.sets.end());
  table.values.insert(table.values.end(), more.values.begin(), more.values.end());
}

}  // namespace immucan::biomarker
