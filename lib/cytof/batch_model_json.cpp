// model.json of `batch train`.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/text.h"
#include "cytof/batch_model.h"
#include "io/byte_source.h"

namespace immucan::cytof {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kSchema = "immucan-cytof-batch";
constexpr int kSchemaVersion = 1;
constexpr std::uint64_t kMaximumModel = std::uint64_t{1} << 30;
constexpr std::size_t kMaximumList = 1'000'000;

std::vector<std::string> printable(const std::vector<std::string>& names) {
  std::vector<std::string> out;
  for (const std::string& name : names) out.push_back(core::printable(name, 1024));
  return out;
}

/// Reads members with the checks that a foreign or damaged file needs.
class ModelReader {
 public:
  ModelReader(const Json& json, std::string file) : json_(json), file_(std::move(file)) {}

  [[noreturn]] void fail(std::string what) const {
    core::raise(
        {file_, core::Place::none(), std::move(what), "Give a model.json written by cytof-normalize batch train"});
  }
  [[nodiscard]] const Json& member(const Json& object, const char* name) const {
    if (!object.is_object() || !object.contains(name)) fail(fmt::format("'{}' is missing", name));
    return object[name];
  }
  [[nodiscard]] std::size_t whole(const Json& object, const char* name, std::size_t least, std::size_t most) const {
    const Json& value = member(object, name);
    if (!value.is_number_unsigned() || value < least || value > most) {
      fail(fmt::format("'{}' is not a whole number from {} to {}", name, least, most));
    }
    return value.get<std::size_t>();
  }
  [[nodiscard]] std::vector<std::string> names(const char* name, std::size_t least) const {
    const Json& list = member(json_, name);
    if (!list.is_array() || list.size() < least || list.size() > kMaximumList) {
      fail(fmt::format("'{}' is no list of at least {} names", name, least));
    }
    std::vector<std::string> out;
    for (const Json& item : list) {
      if (!item.is_string() || std::ranges::find(out, item.get<std::string>()) != out.end()) {
        fail(fmt::format("'{}' holds a value that is no name or is repeated", name));
      }
      out.push_back(item.get<std::string>());
    }
    return out;
  }
  [[nodiscard]] std::vector<double> numbers(const Json& list, std::size_t size, const char* what) const {
    if (!list.is_array() || list.size() != size) fail(fmt::format("{}: not a list of {} numbers", what, size));
    std::vector<double> out;
    for (const Json& item : list) {
      if (!item.is_number() || !std::isfinite(item.get<double>())) fail(fmt::format("{}: not finite numbers", what));
      out.push_back(item.get<double>());
    }
    return out;
  }
  /// One ascending list per channel, or nothing.
  [[nodiscard]] std::vector<std::vector<double>> quantile_lists(const Json& lists, const BatchModel& model) const {
    if (!lists.is_array() || (!lists.empty() && lists.size() != model.channels.names.size())) {
      fail("quantiles: not one list per channel");
    }
    std::vector<std::vector<double>> out;
    for (const Json& list : lists) {
      out.push_back(numbers(list, model.quantiles + 2, "quantiles"));
      if (!std::ranges::is_sorted(out.back())) fail("quantiles that are not ascending");
    }
    return out;
  }

 private:
  const Json& json_;
  std::string file_;
};

void read_map(const Json& json, const ModelReader& reader, BatchModel& model) {
  const Json& map = reader.member(json, "map");
  model.map_width = reader.whole(map, "width", 2, 1000);
  model.map_height = reader.whole(map, "height", 2, 1000);
  const std::size_t nodes = model.map_width * model.map_height;
  const auto codes =
      reader.numbers(reader.member(map, "codes"), nodes * model.channels.names.size(), "codes of the map");
  for (const double code : codes) model.map_codes.push_back(static_cast<float>(code));
  const Json& cluster = reader.member(map, "node_cluster");
  if (!cluster.is_array() || cluster.size() != nodes) reader.fail("'node_cluster' has not one entry per node");
  for (const Json& item : cluster) {
    if (!item.is_number_unsigned() || item >= model.clusters) reader.fail("'node_cluster' names no cluster");
    model.node_cluster.push_back(item.get<std::size_t>());
  }
}

}  // namespace

std::string to_json(const BatchModel& model) {
  nlohmann::ordered_json json;
  json["schema"] = kSchema;
  json["schema_version"] = kSchemaVersion;
  json["cofactor"] = model.cofactor;
  json["quantiles"] = model.quantiles;
  json["least_cells"] = model.least_cells;
  json["channels"] = printable(model.channels.names);
  json["markers"] = printable(model.channels.labels);
  json["batches"] = printable(model.batches);
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
  const auto source = io::open_source(path, context);
  const std::string text = io::read_all(*source, kMaximumModel);
  const auto json = Json::parse(text, nullptr, false);
  const ModelReader reader(json, source->name());
  if (!json.is_object() || json.value("schema", Json()) != kSchema) reader.fail("no batch model");
  if (json.value("schema_version", Json()) != kSchemaVersion) {
    reader.fail(fmt::format("schema version {} is not read, only {}", json.value("schema_version", Json()).dump(),
                            kSchemaVersion));
  }
  BatchModel model;
  const Json& cofactor = reader.member(json, "cofactor");
  if (!cofactor.is_number() || !(cofactor.get<double>() > 0)) reader.fail("'cofactor' is not above 0");
  model.cofactor = cofactor.get<double>();
  model.quantiles = reader.whole(json, "quantiles", 2, 9999);
  model.least_cells = reader.whole(json, "least_cells", 1, std::numeric_limits<std::uint32_t>::max());
  model.channels = {reader.names("channels", 1), reader.names("markers", 1)};
  if (model.channels.names.size() != model.channels.labels.size()) reader.fail("channels and markers differ in number");
  model.batches = reader.names("batches", 2);
  model.clusters = reader.whole(json, "clusters", 1, 2500);
  if (model.clusters > 1) read_map(json, reader, model);
  const Json& learnt = reader.member(json, "learnt");
  if (!learnt.is_array() || learnt.size() != model.batches.size() * model.clusters) {
    reader.fail("'learnt' has not one entry per batch and cluster");
  }
  for (const Json& item : learnt) {
    BatchModel::Cell cell;
    cell.cells = reader.whole(item, "cells", 0, std::size_t{1} << 62);
    cell.quantiles = reader.quantile_lists(reader.member(item, "quantiles"), model);
    model.learnt.push_back(std::move(cell));
  }
  const Json& goals = reader.member(json, "goals");
  if (!goals.is_array() || goals.size() != model.clusters) reader.fail("'goals' has not one entry per cluster");
  for (const Json& item : goals) model.goals.push_back(reader.quantile_lists(item, model));
  for (std::size_t at = 0; at < model.learnt.size(); ++at) {
    if (!model.learnt[at].quantiles.empty() && model.goals[at % model.clusters].empty()) {
      reader.fail("a cluster has quantiles but no goal");
    }
  }
  return model;
}

}  // namespace immucan::cytof
