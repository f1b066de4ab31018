#include "scrna/index_info.h"

#include <map>
#include <nlohmann/json.hpp>

namespace immucan::scrna {

std::string index_info(const ReferenceIndex& index) {
  nlohmann::ordered_json json;
  json["kind"] = ReferenceIndex::kKind;
  json["format"] = std::to_string(ReferenceIndex::kMajor) + "." + std::to_string(index.format_minor());
  json["tool_version"] = index.tool_version();
  json["digest"] = index.digest();
  json["bytes"] = index.bytes();
  json["reference"] = index.spliced_only() ? "transcripts" : "genome";
  const IndexParameters& parameters = index.parameters();
  json["parameters"] = {
      {"seed_length", parameters.k}, {"syncmer_length", parameters.s}, {"longest_read", parameters.longest_read}};
  json["bases"] = parameters.genome_bases;
  json["genes"] = index.genes().size();
  json["junction_contigs"] = index.contigs();
  json["seeds"] = index.seeds().size();
  if (index.spliced_only()) {
    json["chromosomes"] = nlohmann::ordered_json::array();
  } else {
    auto& chromosomes = json["chromosomes"] = nlohmann::ordered_json::array();
    std::uint32_t begin = 0;
    for (const std::string_view name : index.chromosome_names()) {
      const auto span = index.span_of(begin);
      chromosomes.push_back({{"name", name}, {"bases", span.end - span.begin}});
      begin = span.end;
    }
  }
  std::map<std::string, std::size_t> types;
  for (const FeatureBarcode& feature : index.features()) ++types[feature.type];
  json["features"] = types;
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace immucan::scrna
