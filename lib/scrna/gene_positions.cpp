#include "scrna/gene_positions.h"

#include <fmt/format.h>

#include "core/error.h"
#include "core/text.h"
#include "io/tsv.h"
#include "scrna/reference_index.h"
#include "sequence/gene_model.h"

namespace immucan::scrna {

GenePositions read_gene_positions(std::unique_ptr<io::ByteSource> source) {
  io::TsvReader table(std::move(source));
  const std::size_t gene = table.require("gene"), chromosome = table.require("chromosome"),
                    start = table.require("start");
  GenePositions out;
  while (table.next()) {
    for (const std::size_t column : {gene, chromosome, start}) {
      if (core::is_missing(table.field(column))) table.fail(column, "a missing value", "Fill or remove the row");
    }
    const auto place = core::parse_unsigned(table.field(start));
    if (!place)
      table.fail(start, fmt::format("'{}' is no position", core::printable(table.field(start))),
                 "Write a whole number, 0 or more");
    if (!out.emplace(table.field(gene), GenePosition{std::string(table.field(chromosome)), *place}).second)
      table.fail(gene, fmt::format("the gene '{}' occurs twice", core::printable(table.field(gene))),
                 "Keep one of them");
  }
  if (out.empty())
    core::raise({table.name(), core::Place::none(), "no gene", "One row per gene: gene, chromosome, start"});
  return out;
}

GenePositions positions_of_annotation(const std::filesystem::path& gtf, core::RunContext& context) {
  GenePositions out;
  for (const sequence::Gene& gene : sequence::read_gene_model(gtf, context).genes) {
    const GenePosition position{gene.chromosome, gene.body.begin};
    out.emplace(gene.id, position);
    out.emplace(gene.name, position);
  }
  return out;
}

GenePositions positions_of_index(const std::filesystem::path& path, core::RunContext& context) {
  const ReferenceIndex index(path, context);
  GenePositions out;
  for (std::size_t i = 0; i < index.genes().size(); ++i) {
    const IndexedGene& gene = index.genes()[i];
    const GenePosition position{std::string(index.chromosome_names()[gene.chromosome]), gene.begin};
    out.emplace(index.gene_ids()[i], position);
    out.emplace(index.gene_names()[i], position);
  }
  return out;
}

std::vector<std::optional<GenePosition>> positions_of_features(const GenePositions& positions,
                                                               const std::vector<io::TenxFeature>& features) {
  std::vector<std::optional<GenePosition>> out;
  for (const io::TenxFeature& feature : features) {
    auto found = positions.find(feature.id);
    if (found == positions.end()) found = positions.find(feature.name);
    out.push_back(found == positions.end() ? std::nullopt : std::optional(found->second));
  }
  return out;
}

}  // namespace immucan::scrna
