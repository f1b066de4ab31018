#include "microbiome/database_info.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "core/error.h"
#include "microbiome/database_format.h"
#include "microbiome/kmer_runs.h"

namespace immucan::microbiome {

namespace {

nlohmann::ordered_json host_info(const Database& database) {
  if (!database.has_host()) return nullptr;
  const GenomeRecord& host = database.genomes()[0];
  const Taxon& taxon = database.taxonomy()[host.species];
  return {{"taxid", taxon.taxid}, {"name", taxon.name}, {"bases", host.length}, {"kmers", host.kmers}};
}

}  // namespace

std::string database_info(const Database& database) {
  const DatabaseParameters& parameters = database.parameters();
  std::uint64_t genomes = 0, bases = 0, dense = 0, kmers = 0;
  std::set<TaxonIndex> species;
  for (const GenomeRecord& genome : database.genomes()) {
    if (genome.is_host != 0) continue;
    ++genomes;
    bases += genome.length;
    dense += genome.threshold > parameters.base_threshold ? 1 : 0;
    species.insert(genome.species);
  }
  for (const UnitRecord& unit : database.units()) kmers += unit.kmers;  // units are disjoint
  nlohmann::ordered_json json;
  json["kind"] = kDatabaseKind;
  json["format"] = fmt::format("{}.{}", kDatabaseMajor, database.format_minor());
  json["tool_version"] = database.tool_version();
  json["digest"] = database.digest();
  json["bytes"] = std::filesystem::file_size(database.name());
  json["bytes_for_updates"] = database.packed_bytes();
  json["taxonomy"] = database.origin().numbered_by_us != 0 ? "lineages" : "ncbi";
  json["kmer_length"] = parameters.k;
  json["density"] = parameters.density;
  json["minimum_sampled"] = database.origin().minimum_sampled;
  json["genomes"] = genomes;
  json["densely_sampled_genomes"] = dense;
  json["species"] = species.size();
  json["taxa"] = database.taxonomy().size();
  json["bases"] = bases;
  json["kmers"] = kmers;
  json["units"] = database.units().size() - 1;
  json["genome_sets"] = database.sets();
  json["host"] = host_info(database);
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

void check_database(const Database& database, core::RunContext& context) {
  const auto broken = [&](std::string what) {
    core::raise({database.name(), core::Place::none(), std::move(what), std::string(kRebuildRemedy)});
  };
  std::uint64_t kmers = 0, stored = 0;
  for (const UnitRecord& unit : database.units()) kmers += unit.kmers;
  for (std::uint64_t entry = 0; entry < database.index().entries(); ++entry)
    stored += database.index().unit_at(entry) != kNoUnit ? 1 : 0;
  if (stored != kmers) broken(fmt::format("the index holds {} k-mers, its units {}", stored, kmers));
  if (!database.has_kmers()) return;
  std::vector<Occurrence> occurrences;
  std::vector<std::uint64_t> hashes;
  std::vector<IndexHit> hits;
  std::uint64_t distinct = 0;
  for (std::size_t part = 0; part < kParts; ++part) {
    context.interrupt.check();
    occurrences.clear();
    if (!unpack(database.packed_kmers(part), part, occurrences)) broken("its sampled k-mers are malformed");
    hashes.clear();
    for (std::size_t i = 0; i < occurrences.size(); ++i) {
      const Occurrence& item = occurrences[i];
      if (item.genome >= database.genomes().size() || item.bin >= database.genomes()[item.genome].bins)
        broken("a sampled k-mer is of an unknown genome or stretch");
      if (i == 0 || item.key != occurrences[i - 1].key) hashes.push_back(unspread_hash(item.key));
    }
    hits.clear();
    database.index().lookup(hashes, hits);
    if (hits.size() != hashes.size()) broken("a sampled k-mer is not in the index");
    distinct += hashes.size();
    database.release();
  }
  if (distinct != kmers) broken(fmt::format("the file holds {} sampled k-mers, its index {}", distinct, kmers));
}

}  // namespace immucan::microbiome
