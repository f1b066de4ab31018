// model.json of `batch train`.
#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "cytof/batch_model.h"
#include "cytof/model_reader.h"

namespace immucan::cytof {
namespace {

constexpr std::string_view kSchema = "immucan-cytof-batch";
constexpr int kSchemaVersion = 1;

/// One ascending list per channel, or nothing.
std::vector<std::vector<double>> quantile_lists(const ModelReader& reader, ModelPart part, const BatchModel& model) {
  const auto lists = part.items();
  if (!lists || (!lists->empty() && lists->size() != model.channels.names.size())) {
    reader.fail("quantiles: not one list per channel");
  }
  std::vector<std::vector<double>> out;
  for (const ModelPart list : *lists) {
    out.push_back(reader.numbers(list, model.quantiles + 2, "quantiles"));
    if (!std::ranges::is_sorted(out.back())) reader.fail("quantiles that are not ascending");
  }
  return out;
}

void read_map(const ModelReader& reader, BatchModel& model) {
  const ModelPart map = reader.member(reader.root(), "map");
  model.map_width = reader.whole(map, "width", 2, 1000);
  model.map_height = reader.whole(map, "height", 2, 1000);
  const std::size_t nodes = model.map_width * model.map_height;
  model.map_codes = reader.floats(reader.member(map, "codes"), nodes * model.channels.names.size(), "codes of the map");
  model.node_cluster = reader.whole_numbers(map, "node_cluster", nodes, model.clusters - 1);
}

}  // namespace

std::string to_json(const BatchModel& model) {
  nlohmann::ordered_json json;
  json["schema"] = kSchema;
  json["schema_version"] = kSchemaVersion;
  json["cofactor"] = model.cofactor;
  json["quantiles"] = model.quantiles;
  json["least_cells"] = model.least_cells;
  json["channels"] = printable_names(model.channels.names);
  json["markers"] = printable_names(model.channels.labels);
  json["batches"] = printable_names(model.batches);
  json["clusters"] = model.clusters;
  if (model.clusters > 1) {
    json["map"] = {{"width", model.map_width},
                   {"height", model.map_height},
                   {"node_cluster", model.node_cluster},
                   {"codes", model.map_codes}};
  }
  auto& learnt = json["learnt"] = nlohmann::ordered_json::array();
  for (std::size_t b = 0; b < model.batches.size(); ++b) {
    for (std::size_t k = 0; k < model.clusters; ++k) {
      learnt.push_back(
          {{"batch", b}, {"cluster", k}, {"cells", model.cell(b, k).cells}, {"quantiles", model.cell(b, k).quantiles}});
    }
  }
  json["goals"] = model.goals;
  return json.dump() + "\n";
}

BatchModel read_batch_model(const std::filesystem::path& path, core::RunContext& context) {
  return read_batch_model(io::open_source(path, context));
}

BatchModel read_batch_model(std::unique_ptr<io::ByteSource> source) {
  const ModelReader reader(*source, kSchema, kSchemaVersion, "batch train");
  BatchModel model;
  model.cofactor = reader.positive("cofactor");
  model.quantiles = reader.whole("quantiles", 2, 9999);
  model.least_cells = reader.whole("least_cells", 1, std::numeric_limits<std::uint32_t>::max());
  model.channels = {reader.names("channels", 1), reader.names("markers", 1)};
  if (model.channels.names.size() != model.channels.labels.size()) reader.fail("channels and markers differ in number");
  model.batches = reader.names("batches", 2);
  model.clusters = reader.whole("clusters", 1, 2500);
  if (model.clusters > 1) read_map(reader, model);
  const auto learnt = reader.member(reader.root(), "learnt").items();
  if (!learnt || learnt->size() != model.batches.size() * model.clusters) {
    reader.fail("'learnt' has not one entry per batch and cluster");
  }
  for (const ModelPart item : *learnt) {
    BatchModel::Cell cell;
    cell.cells = reader.whole(item, "cells", 0, std::size_t{1} << 62);
    cell.quantiles = quantile_lists(reader, reader.member(item, "quantiles"), model);
    model.learnt.push_back(std::move(cell));
  }
  const auto goals = reader.member(reader.root(), "goals").items();
  if (!goals || goals->size() != model.clusters) reader.fail("'goals' has not one entry per cluster");
  for (const ModelPart item : *goals) model.goals.push_back(quantile_lists(reader, item, model));
  for (std::size_t at = 0; at < model.learnt.size(); ++at) {
    if (!model.learnt[at].quantiles.empty() && model.goals[at % model.clusters].empty()) {
      reader.fail("a cluster has quantiles but no goal");
    }
  }
  return model;
}

}  // namespace immucan::cytof
