#include "report/multiqc.h"

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/error.h"
#include "core/run_context.h"
#include "core/text.h"

namespace immucan::report {
namespace {

using Json = nlohmann::ordered_json;

/// Counts are written without a fraction, so that a reader sees 1234 and not 1234.0.
Json number(double value) {
  constexpr double kExact = 9007199254740992.0;  // 2^53: beyond it not every integer is a double
  if (value == std::floor(value) && std::abs(value) < kExact) return static_cast<std::int64_t>(value);
  return value;
}

[[noreturn]] void fail(std::string_view name, core::Place place, std::string what) {
  core::raise(core::ParseError{std::string(name), place, std::move(what),
                               "Write the fragment anew with the tool it belongs to"});
}

std::string text_at(const Json& object, const char* key, std::string_view name) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string() || found->get_ref<const std::string&>().empty()) {
    fail(name, core::Place::none(), std::string("the fragment lacks the text \"") + key + "\"");
  }
  return found->get<std::string>();
}

std::string header_text(const Json& headers, const std::string& metric, const char* key) {
  const auto column = headers.find(metric);
  if (column == headers.end() || !column->is_object()) return {};
  const auto found = column->find(key);
  return found != column->end() && found->is_string() ? found->get<std::string>() : std::string{};
}

}  // namespace

std::string multiqc_fragment(std::string_view id, std::string_view section_name, std::string_view sample_id,
                             const std::vector<QcMetric>& metrics) {
  Json headers = Json::object();
  Json values = Json::object();
  for (const QcMetric& metric : metrics) {
    if (!std::isfinite(metric.value)) continue;
    headers[metric.name] = Json{{"title", metric.title}, {"description", metric.description}};
    values[metric.name] = number(metric.value);
  }
  Json root;
  root["id"] = id;
  root["section_name"] = section_name;
  root["plot_type"] = "table";
  root["pconfig"] = Json{{"id", std::string(id) + "_table"}, {"title", section_name}};
  root["headers"] = std::move(headers);
  root["data"] = Json{{std::string(sample_id), std::move(values)}};
  // A sample name with broken UTF-8 must not abort the run that was otherwise complete.
  return root.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

void add_qc(core::OutputSet& outputs, const QcFragment& fragment) {
  outputs.add(fragment.sample_id + "." + fragment.id + "_mqc.json")
      .write(multiqc_fragment(fragment.id, fragment.section_name, fragment.sample_id, fragment.metrics));
  const core::RunContext& context = outputs.context();
  const std::string versions = context.tool + "_mqc_versions.yml";
  // Quoted: 1.10 without quotes would be a number to a YAML reader.
  if (!outputs.contains(versions)) outputs.add(versions).write(context.tool + ": \"" + context.version + "\"\n");
}

std::vector<QcFragment> parse_multiqc_fragment(std::string_view json, std::string_view name) {
  Json root;  // ordered: the columns of the report stand as the tool wrote them
  try {
    root = Json::parse(json);
  } catch (const nlohmann::json::parse_error& error) {
    fail(name, core::Place::byte(error.byte == 0 ? 0 : error.byte - 1), "not JSON, or cut short");
  } catch (const nlohmann::json::exception&) {
    fail(name, core::Place::none(), "a number is out of range");
  }
  if (!root.is_object()) fail(name, core::Place::none(), "not a MultiQC custom-content object");
  QcFragment base;
  base.id = text_at(root, "id", name);
  base.section_name = text_at(root, "section_name", name);
  const auto data = root.find("data");
  if (data == root.end() || !data->is_object())
    fail(name, core::Place::none(), "the fragment lacks the object \"data\"");
  const auto headers_found = root.find("headers");
  if (headers_found == root.end() || !headers_found->is_object()) {
    fail(name, core::Place::none(), "the fragment lacks the object \"headers\"");
  }
  std::vector<QcFragment> fragments;
  for (const auto& [sample, values] : data->items()) {
    if (sample.empty() || !values.is_object()) {
      fail(name, core::Place::none(), "the values of sample '" + core::printable(sample) + "' are not an object");
    }
    QcFragment fragment = base;
    fragment.sample_id = sample;
    for (const auto& [metric, value] : values.items()) {
      if (!value.is_number()) {
        fail(name, core::Place::none(),
             "metric '" + core::printable(metric) + "' of sample '" + core::printable(sample) + "' is not a number (" +
                 core::printable(value.dump(-1, ' ', true, Json::error_handler_t::replace)) + ")");
      }
      std::string title = header_text(*headers_found, metric, "title");
      if (title.empty()) title = metric;
      fragment.metrics.push_back(
          {metric, std::move(title), header_text(*headers_found, metric, "description"), value.get<double>()});
    }
    fragments.push_back(std::move(fragment));
  }
  return fragments;
}

}  // namespace immucan::report
