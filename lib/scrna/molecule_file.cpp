#include "scrna/molecule_file.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "io/hdf5.h"

namespace immucan::scrna {

namespace {

struct Columns {
  std::vector<std::uint32_t> barcode, umi, feature, count;
  std::vector<std::int16_t> library;

  void add(const CellCounts& cell, std::uint32_t barcode_rank, std::uint32_t first_feature,
           const std::vector<std::int16_t>& libraries) {
    for (const CountedMolecule& molecule : cell.kept) {
      barcode.push_back(barcode_rank);
      umi.push_back(molecule.umi);
      feature.push_back(first_feature + molecule.gene);
      count.push_back(molecule.reads);
      library.push_back(libraries.empty() ? std::int16_t{0} : libraries[molecule.gene]);
    }
  }
};

/// Feature types in the order of the reference; the library of each feature.
std::vector<std::string> libraries_of(const FeatureCounts& features, std::vector<std::int16_t>& library) {
  std::vector<std::string> types = {"Gene Expression"};
  for (const FeatureBarcode& feature : features.features) {
    auto found = std::ranges::find(types, feature.type);
    if (found == types.end()) {
      types.push_back(feature.type);
      found = types.end() - 1;
    }
    library.push_back(static_cast<std::int16_t>(found - types.begin()));
  }
  return types;
}

Columns collect(const Counted& counted, const std::vector<std::int16_t>& libraries) {
  Columns columns;
  const auto& cells = counted.result.barcodes;
  const auto genes = static_cast<std::uint32_t>(counted.index.genes().size());
  std::size_t all = 0;
  for (std::size_t i = 0; i < cells.size(); ++i)
    all += cells[i].kept.size() + (counted.features.empty() ? 0 : counted.features.barcodes[i].kept.size());
  for (auto* column : {&columns.barcode, &columns.umi, &columns.feature, &columns.count}) column->reserve(all);
  columns.library.reserve(all);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    columns.add(cells[i], static_cast<std::uint32_t>(i), 0, {});
    if (!counted.features.empty())
      columns.add(counted.features.barcodes[i], static_cast<std::uint32_t>(i), genes, libraries);
  }
  return columns;
}

void write_features(io::Hdf5Writer& out, const Counted& counted) {
  std::vector<std::string> ids, names, types, genomes;
  for (std::size_t i = 0; i < counted.index.genes().size(); ++i) {
    ids.emplace_back(counted.index.gene_ids()[i]);
    names.emplace_back(counted.index.gene_names()[i]);
    types.emplace_back("Gene Expression");
    genomes.emplace_back("reference");
  }
  for (const FeatureBarcode& feature : counted.features.features) {
    ids.push_back(feature.id);
    names.push_back(feature.name);
    types.push_back(feature.type);
    genomes.emplace_back();
  }
  out.group("/features");
  out.fixed_strings("/features/_all_tag_keys", std::vector<std::string>{"genome"});
  out.fixed_strings("/features/id", ids);
  out.fixed_strings("/features/name", names);
  out.fixed_strings("/features/feature_type", types);
  out.fixed_strings("/features/genome", genomes);
}

}  // namespace

void write_molecule_file(const std::filesystem::path& path, const std::string& sample, const Counted& counted,
                         unsigned threads) {
  std::vector<std::int16_t> libraries;
  const std::vector<std::string> types = libraries_of(counted.features, libraries);
  const Columns columns = collect(counted, libraries);
  io::Hdf5Writer out(path, 0, threads);
  out.attribute("/", "file_version", std::int64_t{6});
  out.attribute("/", "filetype", "molecules");
  std::vector<std::string> barcodes;
  for (const CellCounts& cell : counted.result.barcodes) barcodes.push_back(counted.chosen.whitelist.text(cell.cell));
  out.fixed_strings("/barcodes", barcodes);
  out.array<std::uint32_t>("/barcode_idx", columns.barcode);
  out.array<std::uint32_t>("/umi", columns.umi);
  out.array<std::uint32_t>("/feature_idx", columns.feature);
  out.array<std::uint32_t>("/count", columns.count);
  out.array<std::int16_t>("/gem_group", std::vector<std::int16_t>(columns.count.size(), 1));
  out.array<std::int16_t>("/library_idx", columns.library);
  out.array<std::uint32_t>("/umi_type", std::vector<std::uint32_t>(columns.count.size(), 1));
  out.group("/barcode_info");
  out.fixed_strings("/barcode_info/genomes", std::vector<std::string>{"reference"});
  std::vector<std::int64_t> passed;
  for (const std::size_t cell : counted.result.call.cells)
    passed.insert(passed.end(), {static_cast<std::int64_t>(cell), 0, 0});
  const std::array<std::uint64_t, 2> shape = {counted.result.call.cells.size(), 3};
  out.array<std::int64_t>("/barcode_info/pass_filter", passed, shape);
  write_features(out, counted);
  nlohmann::ordered_json libraries_json = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < types.size(); ++i) {
    libraries_json.push_back(
        {{"library_id", i}, {"library_type", types[i]}, {"gem_group", 1}, {"target_set_name", nullptr}});
  }
  out.fixed_strings("/library_info", std::vector<std::string>{libraries_json.dump()});
  nlohmann::ordered_json metrics = {{"sample", sample},
                                    {"chemistry_name", counted.chosen.chemistry.name},
                                    {"chemistry_description", counted.chosen.chemistry.description},
                                    {"umi_length", counted.chosen.chemistry.geometry.umi_length()}};
  out.fixed_strings("/metrics_json",
                    std::vector<std::string>{metrics.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace)});
  out.close();
}

}  // namespace immucan::scrna
