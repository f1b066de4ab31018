#include "biomarker/score_reference.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/digest.h"
#include "core/error.h"
#include "core/text.h"
#include "io/tsv.h"

namespace immucan::biomarker {

namespace {

constexpr double kConstantGene = 1e-10;

void add_line(std::string& text, std::string_view kind, std::string_view name, std::string_view value,
              std::string_view other) {
  text.append(kind).append("\t").append(name).append("\t").append(value).append("\t").append(other).append("\n");
}

}  // namespace

std::string genes_digest(const io::MatrixTable& matrix) {
  std::vector<std::string_view> names(matrix.row_names.begin(), matrix.row_names.end());
  std::ranges::sort(names);
  core::Sha256 digest;
  for (const std::string_view name : names) {
    digest.update(name);
    digest.update("\n");
  }
  return digest.hex();
}

std::map<std::string, std::pair<double, double>> gene_moments(const io::MatrixTable& matrix) {
  std::map<std::string, std::pair<double, double>> result;
  const auto samples = static_cast<double>(matrix.columns());
  for (std::size_t gene = 0; gene < matrix.rows(); ++gene) {
    double mean = 0, square = 0;
    for (const double v : matrix.row(gene)) mean += v;
    mean /= samples;
    for (const double v : matrix.row(gene)) square += (v - mean) * (v - mean);
    result[matrix.row_names[gene]] = {mean, std::sqrt(square / (samples - 1))};
  }
  return result;
}

std::vector<std::uint8_t> standardise_by(io::MatrixTable& matrix, const ScoreReference& reference) {
  std::vector<std::uint8_t> varies(matrix.rows(), 0);
  for (std::size_t gene = 0; gene < matrix.rows(); ++gene) {
    const auto found = reference.genes.find(matrix.row_names[gene]);
    if (found == reference.genes.end() || !(found->second.second >= kConstantGene)) continue;
    varies[gene] = 1;
    for (double& v : matrix.row(gene)) v = (v - found->second.first) / found->second.second;
  }
  return varies;
}

std::string to_tsv(const ScoreReference& reference) {
  std::string text = "kind\tname\tvalue\tother\n";
  for (const auto& [name, value] : reference.settings) add_line(text, "setting", name, value, "NA");
  for (const auto& [name, moments] : reference.genes) {
    add_line(text, "gene", name, core::format_double(moments.first), core::format_double(moments.second));
  }
  for (const auto& [name, values] : reference.scores) {
    for (const double value : values) add_line(text, "score", name, core::format_double(value), "NA");
  }
  return text;
}

ScoreReference read_score_reference(const std::filesystem::path& path, core::RunContext& context) {
  io::TsvReader table(io::open_source(path, context));
  const std::size_t kind = table.require("kind"), name = table.require("name"), value = table.require("value"),
                    other = table.require("other");
  ScoreReference reference;
  const auto number = [&](std::size_t column) {
    const auto read = table.number(column);
    if (!read) table.fail(column, "a missing number", "Use a file that --save-reference wrote");
    return *read;
  };
  while (table.next()) {
    const std::string key(table.field(name));
    if (table.field(kind) == "setting") {
      reference.settings[key] = table.field(value);
    } else if (table.field(kind) == "gene") {
      reference.genes[key] = {number(value), number(other)};
    } else if (table.field(kind) == "score") {
      reference.scores[key].push_back(number(value));
    } else {
      table.fail(kind, fmt::format("'{}' is no kind of record", core::printable(table.field(kind))),
                 "Use a file that --save-reference wrote");
    }
  }
  for (auto& [unused, values] : reference.scores) std::ranges::sort(values);
  return reference;
}

void require_same_settings(const ScoreReference& reference, const std::map<std::string, std::string>& settings,
                           const std::filesystem::path& path) {
  for (const auto& [name, value] : settings) {
    const auto found = reference.settings.find(name);
    const std::string frozen = found == reference.settings.end() ? "nothing" : found->second;
    if (frozen == value) continue;
    core::raise({path.string(), core::Place::none(),
                 fmt::format("the reference has {} '{}' where this run has '{}'", name, core::printable(frozen), value),
                 name == "genes_sha256" ? "Score the same genes as the reference: rank scores depend on them"
                                        : "Use the same options as for --save-reference"});
  }
}

ScoreTable percentiles(const ScoreTable& scores, const ScoreReference& reference) {
  ScoreTable result = scores;
  for (std::size_t set = 0; set < scores.sets.size(); ++set) {
    const auto found = reference.scores.find(scores.sets[set]);
    for (std::size_t sample = 0; sample < scores.samples.size(); ++sample) {
      double& value = result.at(set, sample);
      if (found == reference.scores.end() || std::isnan(value)) {
        value = std::numeric_limits<double>::quiet_NaN();
        continue;
      }
      const auto [first, last] = std::ranges::equal_range(found->second, value);
      const auto below = static_cast<double>(first - found->second.begin()), same = static_cast<double>(last - first);
      value = 100 * (below + same / 2) / static_cast<double>(found->second.size());
    }
  }
  return result;
}

}  // namespace immucan::biomarker
