#include "scrna/clonotypes.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <map>
#include <string_view>

#include "core/error.h"
#include "core/text.h"
#include "io/tsv.h"

namespace immucan::scrna {

namespace {

struct Locus {
  std::string_view name;
  ReceptorKind kind;
  int rank;  ///< the lowest names the clonotype
};
constexpr std::array<Locus, 7> kLoci = {{{"TRB", ReceptorKind::kTCell, 0},
                                         {"TRG", ReceptorKind::kTCell, 1},
                                         {"TRD", ReceptorKind::kTCell, 2},
                                         {"TRA", ReceptorKind::kTCell, 3},
                                         {"IGH", ReceptorKind::kBCell, 0},
                                         {"IGK", ReceptorKind::kBCell, 1},
                                         {"IGL", ReceptorKind::kBCell, 2}}};

struct Columns {
  std::size_t cell, locus;
  std::optional<std::size_t> clone, junction, productive, v, j, count;
};

Columns find_columns(const io::TsvReader& table) {
  Columns columns{table.require("cell_id"),  table.require("locus"),       table.find("clone_id"),
                  table.find("junction_aa"), table.find("productive"),     table.find("v_call"),
                  table.find("j_call"),      table.find("duplicate_count")};
  if (!columns.count) columns.count = table.find("umi_count");
  if (!columns.clone && !columns.junction) (void)table.require("junction_aa");
  return columns;
}

std::string_view text_of(const io::TsvReader& table, std::optional<std::size_t> column) {
  if (!column || core::is_missing(table.field(*column))) return {};
  return table.field(*column);
}

/// "TRBV7-2*01,TRBV7-3*01" → "TRBV7-2".
std::string_view gene_of(std::string_view call) {
  return call.substr(0, call.find_first_of("*,"));
}

bool productive(const io::TsvReader& table, const Columns& columns) {
  const std::string_view word = text_of(table, columns.productive);
  if (word.empty() || word == "T" || word == "true" || word == "True" || word == "TRUE") return true;
  if (word == "F" || word == "false" || word == "False" || word == "FALSE") return false;
  table.fail(*columns.productive, fmt::format("'{}' is neither T nor F", core::printable(word)),
             "Write T or F, as AIRR does");
}

const Locus& locus_of(const io::TsvReader& table, const Columns& columns) {
  for (const Locus& locus : kLoci) {
    if (locus.name == table.field(columns.locus)) return locus;
  }
  table.fail(columns.locus, fmt::format("'{}' is no locus", core::printable(table.field(columns.locus))),
             "Loci are TRA, TRB, TRG, TRD, IGH, IGK and IGL");
}

struct Best {
  int rank = 99;
  double count = -1;
  std::string clonotype, clone;
};

}  // namespace

Clonotypes read_clonotypes(std::unique_ptr<io::ByteSource> source) {
  io::TsvReader table(std::move(source));
  const Columns columns = find_columns(table);
  std::map<std::pair<std::string, ReceptorKind>, Best> best;
  Clonotypes out;
  while (table.next()) {
    ++out.rows;
    if (core::is_missing(table.field(columns.cell)))
      table.fail(columns.cell, "a missing cell", "Fill or remove the row");
    const Locus& locus = locus_of(table, columns);
    const double count = columns.count ? table.number(*columns.count).value_or(1) : 1;
    if (!productive(table, columns)) {
      ++out.unproductive;
      continue;
    }
    Best& cell = best[{std::string(table.field(columns.cell)), locus.kind}];
    const std::string_view clone = text_of(table, columns.clone);
    if (!clone.empty()) {
      if (!cell.clone.empty() && cell.clone != clone)
        table.fail(
            *columns.clone,
            fmt::format("the cell has the clones '{}' and '{}'", core::printable(cell.clone), core::printable(clone)),
            "Give the chains of a cell one clone_id");
      cell.clone = clone;
    }
    const std::string_view junction = text_of(table, columns.junction);
    if (junction.empty() || locus.rank > cell.rank || (locus.rank == cell.rank && count <= cell.count)) continue;
    cell.rank = locus.rank;
    cell.count = count;
    cell.clonotype = fmt::format("{}:{}:{}:{}", locus.name, gene_of(text_of(table, columns.v)),
                                 gene_of(text_of(table, columns.j)), junction);
  }
  if (out.rows == 0)
    core::raise({table.name(), core::Place::none(), "no rearrangement", "One row per chain, as AIRR writes them"});
  for (const auto& [key, cell] : best) {
    const std::string& name = cell.clone.empty() ? cell.clonotype : cell.clone;
    if (!name.empty()) out.of_cell[key.first].push_back({key.second, name});
  }
  return out;
}

ClonotypeSummary summarise_clonotypes(const std::vector<std::string>& clonotype_of_cell) {
  std::map<std::string_view, std::size_t> sizes;
  for (const std::string& clonotype : clonotype_of_cell) ++sizes[clonotype];
  ClonotypeSummary out{clonotype_of_cell.size(), sizes.size(), 0, std::nullopt};
  double entropy = 0;
  for (const auto& [name, size] : sizes) {
    if (size >= 2) out.expanded_cells += size;
    const double share = static_cast<double>(size) / static_cast<double>(out.cells);
    entropy -= share * std::log(share);
  }
  if (sizes.size() >= 2) out.clonality = 1 - entropy / std::log(static_cast<double>(sizes.size()));
  return out;
}

}  // namespace immucan::scrna
