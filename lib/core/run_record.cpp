#include "core/run_record.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

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
    list.push_back({{"name", file.name}, {"size", file.size}, {"sha256", file.sha256}});
  }
  return list;
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
  Json parameters = Json::object();
  for (const auto& [name, value] : record.parameters) parameters[name] = to_json_value(value);
  Json counts = Json::object();
  for (const auto& [name, value] : record.counts) counts[name] = to_json_value(value);
  const Json json = {{"tool", record.tool},
                     {"version", record.version},
                     {"command", record.command},
                     {"parameters", parameters},
                     {"inputs", to_json_value(record.inputs)},
                     {"outputs", to_json_value(record.outputs)},
                     {"counts", counts},
                     {"execution",
                      {{"threads", record.execution.threads},
                       {"wall_seconds", record.execution.wall_seconds},
                       {"cpu_seconds", record.execution.cpu_seconds},
                       {"peak_memory_bytes", record.execution.peak_memory_bytes}}}};
  // Names of inputs may hold any bytes: replace what is not UTF-8 rather than fail at the very end of a run.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace immucan::core
