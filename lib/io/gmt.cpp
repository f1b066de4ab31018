#include "io/gmt.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "core/error.h"
#include "core/text.h"

namespace immucan::io {

namespace {

using core::ParseError;
using core::Place;

[[noreturn]] void fail(const LineReader& lines, std::uint64_t column, std::string what, std::string remedy) {
  core::raise(ParseError{lines.name(), Place::line(lines.line_number(), column), std::move(what), std::move(remedy)});
}

void check_name(const LineReader& lines, std::size_t column, std::string_view name, std::string_view kind) {
  if (core::is_missing(name)) {
    fail(lines, column + 1, fmt::format("the name of a {} is missing ('{}')", kind, name),
         fmt::format("Give every {} a name; NA is not an id", kind));
  }
  const bool control =
      std::ranges::any_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (control) {
    fail(lines, column + 1, fmt::format("control character in the name of a {} ('{}')", kind, core::printable(name)),
         "Is this a text file? Export the sets as plain GMT");
  }
}

/// Collects sets by name; a gene named twice in one set is kept once.
class Collector {
 public:
  explicit Collector(GeneSets& result) : result_(result) {}

  std::size_t new_set(const LineReader& lines, std::string_view name, std::string_view description) {
    const auto [entry, inserted] = index_.try_emplace(std::string(name), result_.sets.size());
    if (!inserted) {
      fail(lines, 1, fmt::format("the set '{}' occurs twice", core::printable(name)), "Rename or remove one of them");
    }
    result_.sets.push_back({std::string(name), std::string(description), {}});
    seen_.clear();
    return entry->second;
  }
  void add(std::size_t set, std::string_view gene) {
    if (seen_.insert(std::string(gene)).second) {
      result_.sets[set].genes.emplace_back(gene);
    } else {
      ++result_.repeated_genes;
    }
  }

 private:
  GeneSets& result_;
  std::unordered_map<std::string, std::size_t> index_;
  std::unordered_set<std::string> seen_;  ///< genes of the set being read
};

void read_gmt_line(const LineReader& lines, std::vector<std::string_view>& fields, Collector& collector) {
  while (fields.size() > 2 && fields.back().empty()) fields.pop_back();
  if (fields.size() < 3) {
    fail(lines, 0,
         fmt::format("{} column{} where a set has a name, a description and genes", fields.size(),
                     fields.size() == 1 ? "" : "s"),
         "Separate the columns of GMT by tabs, and remove sets without genes");
  }
  check_name(lines, 0, fields[0], "set");
  const std::size_t set = collector.new_set(lines, fields[0], fields[1]);
  for (std::size_t i = 2; i < fields.size(); ++i) {
    check_name(lines, i, fields[i], "gene");
    collector.add(set, fields[i]);
  }
}

/// The long form keeps sets in the order of their first row; rows of one set need not be adjacent.
void read_long(LineReader& lines, std::size_t set_column, std::size_t gene_column, std::size_t columns,
               GeneSets& result) {
  std::unordered_map<std::string, std::size_t> index;
  std::vector<std::unordered_set<std::string>> seen;
  std::string_view line;
  std::vector<std::string_view> fields;
  while (lines.next(line)) {
    if (line.empty()) continue;
    core::split(line, '\t', fields);
    if (fields.size() != columns) {
      fail(lines, 0, fmt::format("{} columns where the header has {}", fields.size(), columns), "Complete the row");
    }
    check_name(lines, set_column, fields[set_column], "set");
    check_name(lines, gene_column, fields[gene_column], "gene");
    const auto [entry, inserted] = index.try_emplace(std::string(fields[set_column]), result.sets.size());
    if (inserted) {
      result.sets.push_back({entry->first, "", {}});
      seen.emplace_back();
    }
    if (seen[entry->second].insert(std::string(fields[gene_column])).second) {
      result.sets[entry->second].genes.emplace_back(fields[gene_column]);
    } else {
      ++result.repeated_genes;
    }
  }
}

std::optional<std::size_t> find(const std::vector<std::string_view>& fields, std::string_view name) {
  const auto at = std::ranges::find(fields, name);
  return at == fields.end() ? std::nullopt : std::optional(static_cast<std::size_t>(at - fields.begin()));
}

}  // namespace

GeneSets read_gene_sets(std::unique_ptr<ByteSource> source) {
  LineReader lines(std::move(source));
  GeneSets result;
  result.file = lines.name();
  Collector collector(result);
  std::string_view line;
  std::vector<std::string_view> fields;
  bool first = true;
  while (lines.next(line)) {
    if (line.empty() || line.front() == '#') continue;
    core::split(line, '\t', fields);
    if (first) {
      const auto set = find(fields, "set"), gene = find(fields, "gene");
      if (set && gene) {
        read_long(lines, *set, *gene, fields.size(), result);
        break;
      }
    }
    first = false;
    read_gmt_line(lines, fields, collector);
  }
  if (result.sets.empty()) {
    core::raise(ParseError{result.file, Place::none(), "no gene set in the file",
                           "Give a GMT file: name, description and genes, separated by tabs"});
  }
  return result;
}

GeneSets read_gene_sets(const std::filesystem::path& path, core::RunContext& context) {
  return read_gene_sets(open_source(path, context));
}

}  // namespace immucan::io
