#include "cytof/normalisation_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/text.h"
#include "io/byte_source.h"

namespace immucan::cytof {
namespace {

constexpr std::string_view kSchema = "immucan-cytof-normalisation";
constexpr int kSchemaVersion = 1;
constexpr std::uint64_t kMaximumModel = std::uint64_t{1} << 26;

}  // namespace

std::string to_json(const NormalisationModel& model) {
  nlohmann::ordered_json json;
  json["schema"] = kSchema;
  json["schema_version"] = kSchemaVersion;
  json["method"] = to_string(model.method);
  json["window"] = model.window;
  json["masses"] = model.masses;
  json["baseline"] = model.baseline;
  auto& runs = json["runs"] = nlohmann::ordered_json::array();
  for (const NormalisationModel::Run& run : model.runs) {
    runs.push_back({{"file", core::printable(run.file, 1024)},
                    {"events", run.events},
                    {"beads", run.beads},
                    {"removed", run.removed},
                    {"gate", core::printable(run.gate, 1024)},
                    {"slope_minimum", run.slope_minimum},
                    {"slope_maximum", run.slope_maximum},
                    {"median_before", run.median_before},
                    {"median_after", run.median_after},
                    {"warnings", run.warnings}});
  }
  return json.dump(2) + "\n";
}

NormalisationModel read_normalisation_model(const std::filesystem::path& path, core::RunContext& context) {
  return read_normalisation_model(io::open_source(path, context));
}

NormalisationModel read_normalisation_model(std::unique_ptr<io::ByteSource> source) {
  const std::string text = io::read_all(*source, kMaximumModel);
  const auto fail = [&](std::string what) {
    core::raise({source->name(), core::Place::none(), std::move(what),
                 "Give a model.json written by cytof-normalize normalize"});
  };
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object() || json.value("schema", nlohmann::json()) != kSchema) fail("no normalisation model");
  if (json.value("schema_version", nlohmann::json()) != kSchemaVersion) {
    fail(fmt::format("schema version {} is not read, only {}", json.value("schema_version", nlohmann::json()).dump(),
                     kSchemaVersion));
  }
  NormalisationModel model;
  const auto method = json.value("method", nlohmann::json());
  const auto parsed = method.is_string() ? parse_bead_method(method.get<std::string>()) : std::nullopt;
  if (!parsed) fail("unknown method");
  model.method = *parsed;
  const auto masses = json.value("masses", nlohmann::json()), baseline = json.value("baseline", nlohmann::json());
  const auto window = json.value("window", nlohmann::json());
  if (!masses.is_array() || !baseline.is_array() || masses.size() != baseline.size() || masses.size() < 2 ||
      masses.size() > 16) {
    fail("masses and baseline must be lists of equal length, from 2 to 16");
  }
  for (std::size_t i = 0; i < masses.size(); ++i) {
    if (!masses[i].is_number_integer() || masses[i] < 75 || masses[i] > 210) fail("a mass is not from 75 to 210");
    if (!baseline[i].is_number() || !(baseline[i].get<double>() > 0)) fail("a baseline value is not positive");
    if (std::ranges::find(model.masses, masses[i].get<int>()) != model.masses.end()) fail("a mass is given twice");
    model.masses.push_back(masses[i].get<int>());
    model.baseline.push_back(baseline[i].get<double>());
  }
  if (!window.is_number_unsigned() || window < 1 || window > 1'000'001) fail("the window is not from 1 to 1000001");
  model.window = window.get<std::size_t>();
  return model;
}

}  // namespace immucan::cytof
