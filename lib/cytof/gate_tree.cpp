#include "cytof/gate_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/text.h"
#include "io/tsv.h"

namespace immucan::cytof {
namespace {

struct Row {
  std::string parent;  ///< empty = root
  std::size_t first_row = 0;
  std::vector<Interval> intervals;
};

struct Columns {
  std::size_t population, parent, marker, minimum, maximum;
};

Interval read_interval(const io::Table& table, std::size_t row, const Columns& columns) {
  Interval interval;
  interval.marker = table.rows[row][columns.marker];
  interval.line = table.lines[row];
  if (core::is_missing(interval.marker))
    table.fail(row, columns.marker, "the marker is missing", "Name a channel or marker");
  interval.lower = table.number(row, columns.minimum).value_or(interval.lower);
  interval.upper = table.number(row, columns.maximum).value_or(interval.upper);
  if (!(interval.lower < interval.upper)) {
    table.fail(row, columns.maximum,
               fmt::format("max ({}) is not above min ({})", table.rows[row][columns.maximum],
                           table.rows[row][columns.minimum]),
               "Give bounds with min < max, on the arcsinh(x/5) scale");
  }
  return interval;
}

}  // namespace

GateTree read_gates(const std::filesystem::path& path, core::RunContext& context) {
  return read_gates(io::open_source(path, context));
}

GateTree read_gates(std::unique_ptr<io::ByteSource> source) {
  const io::Table table = io::read_table(std::move(source));
  const Columns columns{table.require("population"), table.require("parent"), table.require("marker"),
                        table.require("min"), table.require("max")};
  std::vector<std::string> order;
  std::map<std::string, Row> rows;
  std::map<std::string, std::string> entities;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const std::string& name = table.rows[i][columns.population];
    if (core::is_missing(name)) table.fail(i, columns.population, "the population is missing", "Name it");
    const std::string& parent_field = table.rows[i][columns.parent];
    const std::string parent = core::is_missing(parent_field) ? std::string() : parent_field;
    const auto [at, is_new] = rows.try_emplace(name, Row{parent, i, {}});
    if (is_new) {
      order.push_back(name);
      const auto [entity, unique] = entities.try_emplace(core::feature_entity(name), name);
      if (!unique) {
        table.fail(i, columns.population,
                   fmt::format("'{}' and '{}' have the same feature name", core::printable(name),
                               core::printable(entity->second)),
                   "Rename one of them");
      }
    } else if (at->second.parent != parent) {
      table.fail(i, columns.parent,
                 fmt::format("'{}' has two parents, '{}' and '{}'", core::printable(name),
                             at->second.parent.empty() ? "NA" : core::printable(at->second.parent),
                             core::printable(parent_field)),
                 "Give every row of a population the same parent");
    }
    at->second.intervals.push_back(read_interval(table, i, columns));
  }
  if (order.empty()) {
    core::raise({table.name, core::Place::none(), "the gate table holds no population", "Give at least one row"});
  }
  for (const auto& [name, row] : rows) {
    if (!row.parent.empty() && !rows.contains(row.parent)) {
      table.fail(row.first_row, columns.parent, fmt::format("parent '{}' is not defined", core::printable(row.parent)),
                 "Add its gate, or NA for the root");
    }
  }
  // Repeatedly take, in table order, those whose parent is placed.
  GateTree tree{table.name, {}};
  std::map<std::string, std::size_t> placed;
  while (placed.size() < order.size()) {
    const std::size_t before = placed.size();
    for (const std::string& name : order) {
      Row& row = rows.at(name);
      if (placed.contains(name) || (!row.parent.empty() && !placed.contains(row.parent))) continue;
      placed.emplace(name, tree.populations.size());
      std::optional<std::size_t> parent;
      if (!row.parent.empty()) parent = placed.at(row.parent);
      tree.populations.push_back({name, parent, std::move(row.intervals)});
    }
    if (placed.size() != before) continue;
    const auto stuck = std::ranges::find_if(order, [&](const std::string& name) { return !placed.contains(name); });
    table.fail(rows.at(*stuck).first_row, columns.parent,
               fmt::format("'{}' is its own ancestor", core::printable(*stuck)), "Break the cycle of parents");
  }
  return tree;
}

}  // namespace immucan::cytof
