#include "core/run_record.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <tuple>

#include "core/digest.h"
#include "core/error.h"
#include "core/text.h"

namespace immucan::core {
namespace {

// Objects keep the order in which they are written: parameters as declared.
using Json = nlohmann::ordered_json;

Json to_json_value(const ParameterValue& value) {
  return std::visit([](const auto& held) { return Json(held); }, value);
}

Json to_json_value(const std::vector<FileRecord>& files) {
  Json list = Json::array();
  for (const FileRecord& file : files) {
    Json entry{{"name", file.name}, {"size", file.size}, {"sha256", file.sha256}};
    if (!file.digest.empty()) entry["digest"] = file.digest;
    list.push_back(std::move(entry));
  }
  return list;
}

Json deterministic_part(const RunRecord& record) {
  Json parameters = Json::object();
  for (const auto& [name, value] : record.parameters) parameters[name] = to_json_value(value);
  Json counts = Json::object();
  for (const auto& [name, value] : record.counts) counts[name] = to_json_value(value);
  return {{"tool", record.tool},
          {"version", record.version},
          {"command", record.command},
          {"parameters", parameters},
          {"inputs", to_json_value(record.inputs)},
          {"outputs", to_json_value(record.outputs)},
          {"counts", counts}};
}

/// A member of the right type, or an exception of the JSON library that parse_run_record turns into a message.
ParameterValue value_of(const Json& json) {
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_integer()) return json.get<std::int64_t>();
  if (json.is_number()) return json.get<double>();
  if (json.is_null()) return std::numeric_limits<double>::quiet_NaN();  // how JSON writes what is not a number
  if (json.is_array()) return json.get<std::vector<std::string>>();
  return json.get<std::string>();
}

std::vector<FileRecord> files_of(const Json& json) {
  std::vector<FileRecord> files;
  for (const Json& entry : json) {
    files.push_back({entry.at("name").get<std::string>(), entry.at("size").get<std::uint64_t>(),
                     entry.at("sha256").get<std::string>(), entry.value("digest", std::string())});
  }
  return files;
}

}  // namespace

void InputLedger::add(FileRecord record) {
  const std::scoped_lock lock(mutex_);
  records_.push_back(std::move(record));
}

std::vector<FileRecord> InputLedger::sorted() const {
  const std::scoped_lock lock(mutex_);
  std::vector<FileRecord> records = records_;
  const auto key = [](const FileRecord& record) { return std::tie(record.name, record.sha256, record.size); };
  std::ranges::sort(records, {}, key);
  // A file that is read twice (two passes) is one input.
  const auto repeated = std::ranges::unique(records, {}, key);
  records.erase(repeated.begin(), repeated.end());
  return records;
}

std::string to_json(const RunRecord& record) {
  Json json = deterministic_part(record);
  json["execution"] = {{"threads", record.execution.threads},
                       {"wall_seconds", record.execution.wall_seconds},
                       {"cpu_seconds", record.execution.cpu_seconds},
                       {"peak_memory_bytes", record.execution.peak_memory_bytes}};
  // Names of inputs may hold any bytes: replace what is not UTF-8 rather than fail at the very end of a run.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

RunRecord parse_run_record(std::string_view json, const std::string& file) {
  const auto refuse = [&](const std::string& why) {
    raise(ParseError{file, Place::none(), "this is not a run record (" + printable(why) + ")",
                     "Name a run.json or NAME.run.json that one of the tools wrote"});
  };
  RunRecord record;
  try {
    const Json root = Json::parse(json);
    if (!root.at("parameters").is_object() || !root.at("counts").is_object()) refuse("parameters, counts: no objects");
    if (!root.at("inputs").is_array() || !root.at("outputs").is_array()) refuse("inputs, outputs: no arrays");
    record.tool = root.at("tool").get<std::string>();
    record.version = root.at("version").get<std::string>();
    record.command = root.at("command").get<std::string>();
    for (const auto& [name, value] : root.at("parameters").items())
      record.parameters.emplace_back(name, value_of(value));
    for (const auto& [name, value] : root.at("counts").items()) record.counts.emplace(name, value_of(value));
    record.inputs = files_of(root.at("inputs"));
    record.outputs = files_of(root.at("outputs"));
    if (root.contains("execution")) {
      const Json& execution = root["execution"];
      record.execution = {execution.at("threads").get<unsigned>(), execution.at("wall_seconds").get<double>(),
                          execution.at("cpu_seconds").get<double>(),
                          execution.at("peak_memory_bytes").get<std::uint64_t>()};
    }
  } catch (const Json::exception& error) {
    refuse(error.what());
  }
  return record;
}

std::string run_digest(const RunRecord& record) {
  return sha256_hex(deterministic_part(record).dump(-1, ' ', true, Json::error_handler_t::replace));
}

}  // namespace immucan::core
