#include "cytof/model_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "core/error.h"
#include "core/text.h"

namespace immucan::cytof {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kMaximumModel = std::uint64_t{1} << 30;
constexpr std::size_t kMaximumList = 1'000'000;

const Json& json_of(const void* json) {
  return *static_cast<const Json*>(json);
}

}  // namespace

struct ModelReader::State {
  Json json;
};

std::optional<std::vector<ModelPart>> ModelPart::items() const {
  const Json& json = json_of(json_);
  if (!json.is_array()) return std::nullopt;
  std::vector<ModelPart> parts;
  for (const Json& item : json) parts.push_back(ModelPart(&item));
  return parts;
}

ModelReader::ModelReader(io::ByteSource& source, std::string_view schema, int version, std::string_view command)
    : file_(source.name()), command_(command) {
  state_ = std::make_unique<State>(Json::parse(io::read_all(source, kMaximumModel), nullptr, false));
  const Json& json = state_->json;
  if (!json.is_object() || json.value("schema", Json()) != schema) {
    fail(fmt::format("no model of schema {}", schema));
  }
  const Json found = json.value("schema_version", Json());
  if (found != version) fail(fmt::format("schema version {} is not read, only {}", found.dump(), version));
}

ModelReader::~ModelReader() = default;

ModelPart ModelReader::root() const {
  return ModelPart(&state_->json);
}

void ModelReader::fail(std::string what) const {
  core::raise({file_, core::Place::none(), std::move(what),
               fmt::format("Give a model.json written by cytof-normalize {}", command_)});
}

ModelPart ModelReader::member(ModelPart part, const char* name) const {
  const Json& object = json_of(part.json_);
  if (!object.is_object() || !object.contains(name)) fail(fmt::format("'{}' is missing", name));
  return ModelPart(&object[name]);
}

std::size_t ModelReader::whole(ModelPart object, const char* name, std::size_t least, std::size_t most) const {
  const Json& value = json_of(member(object, name).json_);
  if (!value.is_number_unsigned() || value < least || value > most) {
    fail(fmt::format("'{}' is not a whole number from {} to {}", name, least, most));
  }
  return value.get<std::size_t>();
}
std::size_t ModelReader::whole(const char* name, std::size_t least, std::size_t most) const {
  return whole(root(), name, least, most);
}

double ModelReader::positive(const char* name) const {
  const Json& value = json_of(member(root(), name).json_);
  if (!value.is_number() || !(value.get<double>() > 0)) fail(fmt::format("'{}' is not above 0", name));
  return value.get<double>();
}

std::vector<std::string> ModelReader::names(const char* name, std::size_t least) const {
  const Json& list = json_of(member(root(), name).json_);
  if (!list.is_array() || list.size() < least || list.size() > kMaximumList) {
    fail(fmt::format("'{}' is no list of at least {} names", name, least));
  }
  std::vector<std::string> out;
  std::set<std::string> seen;
  for (const Json& item : list) {
    if (!item.is_string() || !seen.insert(item.get<std::string>()).second) {
      fail(fmt::format("'{}' holds a value that is no name or is repeated", name));
    }
    out.push_back(item.get<std::string>());
  }
  return out;
}

std::vector<double> ModelReader::numbers(ModelPart part, std::size_t size, const char* what) const {
  const Json& list = json_of(part.json_);
  if (!list.is_array() || list.size() != size) fail(fmt::format("'{}' is not a list of {} numbers", what, size));
  std::vector<double> out;
  for (const Json& item : list) {
    if (!item.is_number() || !std::isfinite(item.get<double>())) {
      fail(fmt::format("'{}' holds a value that is no finite number", what));
    }
    out.push_back(item.get<double>());
  }
  return out;
}
std::vector<double> ModelReader::numbers(const char* name, std::size_t size) const {
  return numbers(member(root(), name), size, name);
}

std::vector<float> ModelReader::floats(ModelPart list, std::size_t size, const char* what) const {
  std::vector<float> out;
  for (const double value : numbers(list, size, what)) {
    if (std::abs(value) > std::numeric_limits<float>::max()) fail(fmt::format("'{}' holds a value above 3e38", what));
    out.push_back(static_cast<float>(value));
  }
  return out;
}

std::vector<std::size_t> ModelReader::whole_numbers(ModelPart object, const char* name, std::size_t size,
                                                    std::size_t most) const {
  const Json& list = json_of(member(object, name).json_);
  if (!list.is_array() || list.size() != size) fail(fmt::format("'{}' is not a list of {} numbers", name, size));
  std::vector<std::size_t> out;
  for (const Json& item : list) {
    if (!item.is_number_unsigned() || item > most) {
      fail(fmt::format("'{}' holds a value that is not a whole number up to {}", name, most));
    }
    out.push_back(item.get<std::size_t>());
  }
  return out;
}
std::vector<std::size_t> ModelReader::whole_numbers(const char* name, std::size_t size, std::size_t most) const {
  return whole_numbers(root(), name, size, most);
}

std::vector<std::string> printable_names(const std::vector<std::string>& names) {
  std::vector<std::string> out;
  for (const std::string& name : names) out.push_back(core::printable(name, 1024));
  return out;
}

}  // namespace immucan::cytof
