#include "scrna/molecule_file.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <span>
#include <vector>

#include "io/hdf5.h"

namespace immucan::scrna {

namespace {

struct Molecule {
  std::uint32_t barcode = 0, umi = 0, feature = 0, reads = 0;
  std::int16_t library = 0;
};

/// All molecules in the order of the file. One column after the other walks over them: columns in memory would take
/// more than the molecules themselves.
class MoleculeWalk {
 public:
  MoleculeWalk(const Counted& counted, std::span<const std::int16_t> libraries)
      : counted_(counted), libraries_(libraries), genes_(static_cast<std::uint32_t>(counted.index.genes().size())) {}

  Molecule next() {
    while (at_ == here().size()) {
      at_ = 0;
      if (in_features_ || counted_.features.empty()) ++cell_;
      in_features_ = !in_features_ && !counted_.features.empty();
    }
    const CountedMolecule& molecule = here()[at_++];
    return {static_cast<std::uint32_t>(cell_), molecule.umi, molecule.gene + (in_features_ ? genes_ : 0),
            molecule.reads, in_features_ ? libraries_[molecule.gene] : std::int16_t{0}};
  }

 private:
  [[nodiscard]] const std::vector<CountedMolecule>& here() const {
    return in_features_ ? counted_.features.barcodes[cell_].kept : counted_.result.barcodes[cell_].kept;
  }
  const Counted& counted_;
  std::span<const std::int16_t> libraries_;
  std::uint32_t genes_;
  std::size_t cell_ = 0, at_ = 0;
  bool in_features_ = false;
};

std::size_t molecules_of(std::span<const CellCounts> cells) {
  std::size_t all = 0;
  for (const CellCounts& cell : cells) all += cell.kept.size();
  return all;
}

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

void write_molecules(io::Hdf5Writer& out, const Counted& counted, std::span<const std::int16_t> libraries) {
  const std::size_t size = molecules_of(counted.result.barcodes) + molecules_of(counted.features.barcodes);
  const auto column = [&]<class T>(const char* path, T Molecule::* field) {
    MoleculeWalk walk(counted, libraries);
    out.array_in_parts<T>(path, size, [&](std::span<T> part) {
      for (T& value : part) value = walk.next().*field;
    });
  };
  const auto constant = [&]<class T>(const char* path, T value) {
    out.array_in_parts<T>(path, size, [&](std::span<T> part) { std::ranges::fill(part, value); });
  };
  column("/barcode_idx", &Molecule::barcode);
  column("/umi", &Molecule::umi);
  column("/feature_idx", &Molecule::feature);
  column("/count", &Molecule::reads);
  constant("/gem_group", std::int16_t{1});
  column("/library_idx", &Molecule::library);
  constant("/umi_type", std::uint32_t{1});
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
  io::Hdf5Writer out(path, 0, threads);
  out.attribute("/", "file_version", std::int64_t{6});
  out.attribute("/", "filetype", "molecules");
  std::vector<std::string> barcodes;
  for (const CellCounts& cell : counted.result.barcodes) barcodes.push_back(counted.chosen.whitelist.text(cell.cell));
  out.fixed_strings("/barcodes", barcodes);
  write_molecules(out, counted, libraries);
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
