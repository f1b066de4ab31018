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

std::string digest_of(std::vector<std::string_view> names) {
  std::ranges::sort(names);
  core::Sha256 digest;
  for (const std::string_view name : names) {
    digest.update(name);
    digest.update("\n");
  }
  return digest.hex();
}

constexpr std::string_view kRemedy = "Use a file that --save-reference wrote";

/// Record by record.
class ReferenceReader {
 public:
  explicit ReferenceReader(io::TsvReader& table)
      : table_(table),
        kind_(table.require("kind")),
        name_(table.require("name")),
        value_(table.require("value")),
        other_(table.require("other")) {}

  ScoreReference read() {
    while (table_.next()) record();
    for (auto& [unused, values] : reference_.scores) std::ranges::sort(values);
    return std::move(reference_);
  }

 private:
  void record() {
    const std::string name(table_.field(name_));
    const std::string_view kind = table_.field(kind_);
    if (core::is_missing(name)) table_.fail(name_, "a missing name", std::string(kRemedy));
    if (kind == "score") {
      reference_.scores[name].push_back(number(value_));
    } else if (kind == "setting") {
      once(reference_.settings.emplace(name, table_.field(value_)).second, name);
    } else if (kind == "set") {
      once(reference_.sets.emplace(name, table_.field(value_)).second, name);
    } else if (kind == "gene") {
      const double mean = number(value_), deviation = number(other_);
      if (deviation < 0) table_.fail(other_, "a negative deviation", std::string(kRemedy));
      once(reference_.genes.emplace(name, std::pair{mean, deviation}).second, name);
    } else if (kind == "loading") {
      const double weight = number(value_);
      once(reference_.loadings[name].emplace(table_.field(other_), weight).second, table_.field(other_));
    } else if (kind == "values") {
      once(reference_.values.emplace(name, values()).second, name);
    } else {
      table_.fail(kind_, fmt::format("'{}' is no kind of record", core::printable(kind)), std::string(kRemedy));
    }
  }

  [[nodiscard]] double number(std::size_t column) const {
    const auto read = table_.number(column);
    if (!read) table_.fail(column, "a missing number", std::string(kRemedy));
    return *read;
  }

  /// All genes have the values of the same samples.
  [[nodiscard]] std::vector<double> values() const {
    std::vector<double> result;
    for (const std::string_view field : core::split(table_.field(value_), ',')) {
      const auto value = core::parse_double(field);
      if (!value || !std::isfinite(*value)) {
        table_.fail(value_, fmt::format("'{}' is not a finite number", core::printable(field)), std::string(kRemedy));
      }
      result.push_back(*value);
    }
    const std::size_t samples = reference_.values.empty() ? result.size() : reference_.values.begin()->second.size();
    if (result.size() < 2 || result.size() != samples) {
      table_.fail(
          value_,
          fmt::format("values of {} samples where {} are expected", result.size(), std::max(samples, std::size_t{2})),
          std::string(kRemedy));
    }
    return result;
  }

  void once(bool inserted, std::string_view name) const {
    if (!inserted)
      table_.fail(name_, fmt::format("a second record of '{}'", core::printable(name)), std::string(kRemedy));
  }

  io::TsvReader& table_;
  std::size_t kind_, name_, value_, other_;
  ScoreReference reference_;
};

}  // namespace

std::string genes_digest(const io::MatrixTable& matrix) {
  return digest_of({matrix.row_names.begin(), matrix.row_names.end()});
}

std::string set_digest(const io::MatrixTable& matrix, const SetRows& set) {
  std::vector<std::string_view> names;
  for (const std::uint32_t row : set.rows) names.emplace_back(matrix.row_names[row]);
  return digest_of(std::move(names));
}

GeneValues gene_values(const io::MatrixTable& matrix) {
  GeneValues result;
  for (std::size_t gene = 0; gene < matrix.rows(); ++gene) {
    result[matrix.row_names[gene]].assign(matrix.row(gene).begin(), matrix.row(gene).end());
  }
  return result;
}

std::map<std::string, std::map<std::string, double>> named_loadings(const io::MatrixTable& matrix,
                                                                    const std::vector<SetRows>& sets,
                                                                    const std::vector<PlageLoadings>& loadings) {
  std::map<std::string, std::map<std::string, double>> result;
  for (std::size_t set = 0; set < sets.size(); ++set) {
    for (std::size_t i = 0; i < loadings[set].genes.size(); ++i) {
      result[sets[set].name][matrix.row_names[loadings[set].genes[i]]] = loadings[set].weights[i];
    }
  }
  return result;
}

std::vector<PlageLoadings> loadings_of(const ScoreReference& reference, const io::MatrixTable& matrix,
                                       const std::vector<SetRows>& sets) {
  std::vector<PlageLoadings> result(sets.size());
  for (std::size_t set = 0; set < sets.size(); ++set) {
    const auto found = reference.loadings.find(sets[set].name);
    if (!sets[set].scored || found == reference.loadings.end()) continue;
    for (const std::uint32_t row : sets[set].rows) {
      const auto weight = found->second.find(matrix.row_names[row]);
      if (weight == found->second.end()) continue;
      result[set].genes.push_back(row);
      result[set].weights.push_back(weight->second);
    }
  }
  return result;
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
  for (const auto& [name, digest] : reference.sets) add_line(text, "set", name, digest, "NA");
  for (const auto& [name, moments] : reference.genes) {
    add_line(text, "gene", name, core::format_double(moments.first), core::format_double(moments.second));
  }
  for (const auto& [name, values] : reference.values) {
    text.append("values\t").append(name).append("\t");
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i > 0) text += ',';
      core::append_double(text, values[i]);
    }
    text.append("\tNA\n");
  }
  for (const auto& [name, weights] : reference.loadings) {
    for (const auto& [gene, weight] : weights) add_line(text, "loading", name, core::format_double(weight), gene);
  }
  for (const auto& [name, values] : reference.scores) {
    for (const double value : values) add_line(text, "score", name, core::format_double(value), "NA");
  }
  return text;
}

ScoreReference read_score_reference(const std::filesystem::path& path, core::RunContext& context) {
  return read_score_reference(io::open_source(path, context));
}

ScoreReference read_score_reference(std::unique_ptr<io::ByteSource> source) {
  io::TsvReader table(std::move(source));
  return ReferenceReader(table).read();
}

void require_same_sets(const ScoreReference& reference, const io::MatrixTable& matrix, const std::vector<SetRows>& sets,
                       bool all, const std::filesystem::path& path) {
  std::size_t different = 0;
  std::string first;
  for (const SetRows& set : sets) {
    if (!set.scored) continue;
    const auto found = reference.sets.find(set.name);
    if (found == reference.sets.end() ? !all : found->second == set_digest(matrix, set)) continue;
    if (different++ == 0) first = set.name;
  }
  if (different == 0) return;
  core::raise({path.string(), core::Place::none(),
               fmt::format("{} of {} sets are not in the reference with these genes ('{}' for one)", different,
                           sets.size(), core::printable(first)),
               "Use the --sets and --aliases of --save-reference"});
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
