#include "scrna/cell_types.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "core/error.h"
#include "core/text.h"
#include "io/tsv.h"

namespace immucan::scrna {

namespace {

constexpr std::array<std::string_view, 4> kCompartments = {"", "immune", "stromal", "epithelial"};

bool is_cl_id(std::string_view id) {
  return id.size() == 10 && id.starts_with("CL:") &&
         std::ranges::all_of(id.substr(3), [](char c) { return c >= '0' && c <= '9'; });
}

struct Columns {
  std::size_t type, gene;
  std::optional<std::size_t> level, parent, cl_id, compartment, weight;
};

std::string_view text_of(const io::TsvReader& table, std::optional<std::size_t> column) {
  if (!column || core::is_missing(table.field(*column))) return {};
  return table.field(*column);
}

struct Row {
  CellType type;
  std::string parent;
  std::uint64_t line = 0;
};

CellType describe(const io::TsvReader& table, const Columns& columns) {
  CellType type;
  type.name = table.field(columns.type);
  if (core::is_missing(type.name)) table.fail(columns.type, "a missing cell type", "Fill or remove the row");
  if (type.name == kUnassigned || type.name == kMalignantCell)
    table.fail(columns.type, fmt::format("'{}' is a reserved name", type.name), "Choose another name");
  if (columns.level && !text_of(table, columns.level).empty()) {
    const auto level = std::ranges::find(kLevels, table.field(*columns.level));
    if (level == kLevels.end())
      table.fail(*columns.level, fmt::format("'{}' is no level", core::printable(table.field(*columns.level))),
                 "Levels are major, immune and minor");
    type.level = static_cast<std::size_t>(level - kLevels.begin());
  }
  type.cl_id = text_of(table, columns.cl_id);
  if (!type.cl_id.empty() && !is_cl_id(type.cl_id))
    table.fail(*columns.cl_id, fmt::format("'{}' is no Cell Ontology id", core::printable(type.cl_id)),
               "Write it as CL:0000084, or NA");
  const auto compartment = std::ranges::find(kCompartments, text_of(table, columns.compartment));
  if (compartment == kCompartments.end())
    table.fail(*columns.compartment,
               fmt::format("'{}' is no compartment", core::printable(table.field(*columns.compartment))),
               "Compartments are immune, stromal and epithelial");
  type.compartment = static_cast<Compartment>(compartment - kCompartments.begin());
  return type;
}

void resolve_parents(CellTypes& out, const std::vector<std::string>& parents, const std::vector<std::uint64_t>& lines) {
  for (std::size_t i = 0; i < out.types.size(); ++i) {
    CellType& type = out.types[i];
    const auto fail = [&](std::string what, std::string remedy) {
      core::raise({out.file, core::Place::line(lines[i]), std::move(what), std::move(remedy)});
    };
    if (std::ranges::none_of(type.weights, [](double weight) { return weight > 0; }))
      fail(fmt::format("'{}' has no gene of positive weight", core::printable(type.name)),
           "Name a gene that it expresses");
    if (parents[i].empty()) {
      if (type.level > 0)
        fail(fmt::format("'{}' is below major and has no parent", core::printable(type.name)), "Name its parent");
      continue;
    }
    type.parent = out.find(parents[i]);
    if (!type.parent)
      fail(fmt::format("the parent '{}' is no cell type of the table", core::printable(parents[i])), "Add its rows");
    if (out.types[*type.parent].level >= type.level)
      fail(fmt::format("the parent '{}' is not of a higher level", core::printable(parents[i])),
           "Levels go major, immune, minor");
  }
}

}  // namespace

std::optional<std::size_t> CellTypes::find(std::string_view name) const {
  const auto found = std::ranges::find_if(types, [&](const CellType& type) { return type.name == name; });
  if (found == types.end()) return std::nullopt;
  return static_cast<std::size_t>(found - types.begin());
}

CellTypes read_cell_types(std::unique_ptr<io::ByteSource> source) {
  io::TsvReader table(std::move(source));
  const Columns columns{table.require("cell_type"), table.require("gene"), table.find("level"),
                        table.find("parent"),       table.find("cl_id"),   table.find("compartment"),
                        table.find("weight")};
  CellTypes out;
  out.file = table.name();
  std::map<std::string, std::size_t, std::less<>> place;
  std::vector<std::string> parents;
  std::vector<std::uint64_t> lines;
  while (table.next()) {
    CellType row = describe(table, columns);
    const std::string parent(text_of(table, columns.parent));
    const auto [entry, fresh] = place.emplace(row.name, out.types.size());
    if (fresh) {
      out.types.push_back(row);
      parents.push_back(parent);
      lines.push_back(table.line());
    }
    CellType& type = out.types[entry->second];
    if (type.level != row.level || type.cl_id != row.cl_id || type.compartment != row.compartment ||
        parents[entry->second] != parent)
      table.fail(columns.type, fmt::format("the rows of '{}' disagree", core::printable(row.name)),
                 "Give every row of a type the same level, parent, id and compartment");
    const std::string gene(table.field(columns.gene));
    if (core::is_missing(gene)) table.fail(columns.gene, "a missing gene", "Fill or remove the row");
    if (std::ranges::find(type.genes, gene) != type.genes.end())
      table.fail(columns.gene,
                 fmt::format("the gene '{}' occurs twice in '{}'", core::printable(gene), core::printable(row.name)),
                 "Keep one of them");
    const double weight = columns.weight ? table.number(*columns.weight).value_or(1) : 1;
    if (weight == 0) table.fail(*columns.weight, "a weight of 0", "Positive: expressed; negative: lacked");
    type.genes.push_back(gene);
    type.weights.push_back(weight);
  }
  if (out.types.empty()) core::raise({out.file, core::Place::none(), "no cell type", "One row per cell type and gene"});
  resolve_parents(out, parents, lines);
  return out;
}

}  // namespace immucan::scrna
