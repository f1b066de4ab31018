#include "scrna/demultiplex.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "core/error.h"
#include "core/text.h"
#include "report/multiqc.h"
#include "scrna/cells.h"
#include "scrna/count_matrix.h"

namespace immucan::scrna {

namespace {

constexpr std::array<TagClass, 4> kClasses = {TagClass::kSinglet, TagClass::kDoublet, TagClass::kNegative,
                                              TagClass::kUncertain};

[[noreturn]] void refuse(const std::filesystem::path& file, std::string what, std::string remedy) {
  core::raise({file.string(), core::Place::none(), std::move(what), std::move(remedy)});
}

std::vector<bool> of_type(const io::TenxMatrix& matrix, const std::string& type) {
  std::vector<bool> keep;
  for (const io::TenxFeature& feature : matrix.features) keep.push_back(feature.type == type);
  return keep;
}

std::vector<bool> choose_tags(const DemultiplexOptions& options, const io::TenxMatrix& matrix) {
  const std::vector<std::string> types = feature_types(matrix);
  const auto known = [&](const char* type) { return std::ranges::find(types, type) != types.end(); };
  std::string type = options.tag_type;
  if (type == "auto") {
    if (known("Multiplexing Capture")) {
      type = "Multiplexing Capture";
    } else if (known("Antibody Capture")) {
      type = "Antibody Capture";
    } else if (types.size() == 1) {
      type = types.front();
    }
  }
  if (std::ranges::find(types, type) == types.end())
    refuse(options.input, fmt::format("no feature of type '{}'", core::printable(type)),
           fmt::format("Types are: {}. Choose with --tag-type, or name the tags with --tags", core::join(types, ", ")));
  return of_type(matrix, type);
}

std::vector<bool> named_tags(const DemultiplexOptions& options, const io::TenxMatrix& matrix,
                             const std::vector<TagSample>& table) {
  std::vector<bool> keep(matrix.features.size(), false);
  for (const TagSample& row : table) {
    const auto found = std::ranges::find_if(matrix.features, [&](const io::TenxFeature& feature) {
      return feature.id == row.tag || feature.name == row.tag;
    });
    if (found == matrix.features.end())
      refuse(*options.tags,
             fmt::format("the tag '{}' is no feature of {}", core::printable(row.tag), options.input.string()),
             "Write the tags as in features.tsv");
    keep[static_cast<std::size_t>(found - matrix.features.begin())] = true;
  }
  return keep;
}

io::TenxMatrix choose_barcodes(const DemultiplexOptions& options, const io::TenxMatrix& matrix,
                               core::RunContext& context) {
  if (!options.barcodes) return matrix;
  std::unordered_map<std::string_view, std::size_t> place;
  for (std::size_t i = 0; i < matrix.barcodes.size(); ++i) place.emplace(matrix.barcodes[i], i);
  std::vector<std::size_t> rows;
  for (const std::string& barcode : io::read_barcode_list(io::open_source(*options.barcodes, context))) {
    const auto found = place.find(barcode);
    if (found == place.end())
      refuse(*options.barcodes,
             fmt::format("the barcode '{}' is not in {}", core::printable(barcode), options.input.string()),
             "Use the barcodes of the same run, with the same suffix");
    rows.push_back(found->second);
  }
  return select_barcodes(matrix, rows);
}

}  // namespace

DemultiplexResult demultiplex(const DemultiplexOptions& options, core::RunContext& context) {
  if (!(options.confidence >= 0.5 && options.confidence < 1))
    core::raise_usage(fmt::format("--confidence: {} is not from 0.5 to below 1.", options.confidence));
  DemultiplexResult result;
  result.sample = options.sample.empty() ? sample_of_matrix(options.input) : options.sample;
  std::vector<TagSample> table;
  if (options.tags) table = read_tag_samples(io::open_source(*options.tags, context));
  const io::TenxMatrix matrix =
      choose_barcodes(options, read_count_matrix(options.input, context, false, options.layer), context);
  const io::TenxMatrix tags =
      select_features(matrix, options.tags ? named_tags(options, matrix, table) : choose_tags(options, matrix));
  for (const io::TenxFeature& feature : tags.features) {
    const auto row = std::ranges::find_if(
        table, [&](const TagSample& entry) { return entry.tag == feature.id || entry.tag == feature.name; });
    result.tags.push_back(feature.name);
    result.samples.push_back(row == table.end() ? feature.name : row->sample);
  }
  result.barcodes = tags.barcodes;
  result.molecules = barcode_totals(tags.counts).molecules;
  if (tags.barcodes.size() < 10)
    refuse(options.input,
           fmt::format("{} cells are too few to fit {} tags", tags.barcodes.size(), tags.features.size()),
           "Give at least ten cells");
  result.assignment = assign_tags(tags.counts, {options.confidence});
  for (std::size_t t = 0; t < result.tags.size(); ++t) {
    if (result.assignment.tags[t].share < 1 / (10 * static_cast<double>(result.barcodes.size())))
      context.log.warning(fmt::format("the tag {} marks no cell", core::printable(result.tags[t])));
  }
  return result;
}

void write_demultiplexed(core::OutputSet& outputs, const DemultiplexResult& result) {
  std::string text = "barcode\tclass\tsample\ttag\tsecond_tag\tp_negative\tp_singlet\tp_doublet\tmolecules\n";
  std::array<std::int64_t, 4> counts{};
  std::vector<std::int64_t> singlets(result.tags.size(), 0);
  for (std::size_t i = 0; i < result.barcodes.size(); ++i) {
    const TagAssignment& cell = result.assignment.cells[i];
    const bool one = cell.tag_class == TagClass::kSinglet, two = cell.tag_class == TagClass::kDoublet;
    ++counts[static_cast<std::size_t>(std::ranges::find(kClasses, cell.tag_class) - kClasses.begin())];
    if (one) ++singlets[cell.first];
    text += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", result.barcodes[i], name_of(cell.tag_class),
                        one ? result.samples[cell.first] : "NA", one || two ? result.tags[cell.first] : "NA",
                        two ? result.tags[cell.second] : "NA", core::format_double(cell.negative),
                        core::format_double(cell.singlet), core::format_double(cell.doublet), result.molecules[i]);
  }
  outputs.add("assignments.tsv").write(text);
  std::string tags = "tag\tsample\tbackground_mean\tbackground_size\tpositive_mean\tpositive_size\tshare\tsinglets\n";
  for (std::size_t t = 0; t < result.tags.size(); ++t) {
    const TagFit& fit = result.assignment.tags[t];
    tags += result.tags[t] + "\t" + result.samples[t];
    for (const double value :
         {fit.background.mean, fit.background.size, fit.positive.mean, fit.positive.size, fit.share})
      tags += "\t" + core::format_double(value);
    tags += "\t" + std::to_string(singlets[t]) + "\n";
  }
  outputs.add("tags.tsv").write(tags);
  nlohmann::ordered_json json;
  json["sample"] = result.sample;
  json["cells"] = result.barcodes.size();
  std::vector<report::QcMetric> metrics = {
      {"cells", "Cells", "barcodes demultiplexed", static_cast<double>(result.barcodes.size())}};
  for (std::size_t i = 0; i < kClasses.size(); ++i) {
    const std::string name(name_of(kClasses[i]));
    json[name] = counts[i];
    outputs.count(name, counts[i]);
    metrics.push_back({name, name, "cells of class " + name, static_cast<double>(counts[i])});
  }
  json["model"] = {{"negative_share", result.assignment.negative},
                   {"doublet_share", result.assignment.doublet},
                   {"iterations", result.assignment.iterations}};
  outputs.add("summary.json").write(json.dump(2) + "\n");
  report::add_qc(outputs, {"scrna_demultiplex", "Single-cell RNA: demultiplexing", result.sample, metrics});
}

}  // namespace immucan::scrna
