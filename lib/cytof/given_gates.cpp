#include "cytof/given_gates.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/text.h"
#include "io/byte_source.h"

namespace immucan::cytof {
namespace {

constexpr double kCofactor = 5;
constexpr std::uint64_t kMaximumBytes = std::uint64_t{1} << 26;

[[noreturn]] void fail(const std::string& name, std::string what) {
  core::raise({name, core::Place::none(), std::move(what),
               R"(Give {"run1.fcs": {"Ce140Di": {"x": [6.6, 7.5], "y": [-0.5, 1.5]}}})"});
}

/// [low, high] with low < high.
void read_bounds(const std::string& name, const std::string& where, const nlohmann::json& gate, const char* axis,
                 double& low, double& high) {
  const auto bounds = gate.is_object() ? gate.value(axis, nlohmann::json()) : nlohmann::json();
  if (!bounds.is_array() || bounds.size() != 2 || !bounds[0].is_number() || !bounds[1].is_number()) {
    fail(name, fmt::format("{}: '{}' is not a list of two numbers", where, axis));
  }
  low = bounds[0].get<double>();
  high = bounds[1].get<double>();
  if (!(low < high)) fail(name, fmt::format("{}: '{}' is from {} to {}, which is empty", where, axis, low, high));
}

}  // namespace

GivenGates GivenGates::read(const std::filesystem::path& path, core::RunContext& context) {
  const auto source = io::open_source(path, context);
  return parse(io::read_all(*source, kMaximumBytes), source->name());
}

GivenGates GivenGates::parse(std::string_view text, std::string name) {
  GivenGates gates;
  gates.name_ = std::move(name);
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object() || json.empty()) fail(gates.name_, "no JSON object of files");
  for (const auto& [file, channels] : json.items()) {
    if (!channels.is_object() || channels.empty()) {
      fail(gates.name_, fmt::format("'{}' holds no gates", core::printable(file)));
    }
    for (const auto& [channel, gate] : channels.items()) {
      const std::string where = fmt::format("'{}', channel '{}'", core::printable(file), core::printable(channel));
      ChannelGate& bounds = gates.files_[file][channel];
      read_bounds(gates.name_, where, gate, "x", bounds.x_low, bounds.x_high);
      read_bounds(gates.name_, where, gate, "y", bounds.dna_low, bounds.dna_high);
    }
  }
  return gates;
}

std::vector<ChannelGate> GivenGates::for_file(const std::string& file, const Panel& panel,
                                              const std::vector<int>& masses) const {
  auto found = files_.find(file);
  if (found == files_.end()) found = files_.find("*");
  if (found == files_.end()) {
    core::raise({name_, core::Place::none(), fmt::format("no gates for the file '{}'", core::printable(file)),
                 "Name the file there, or give gates for \"*\""});
  }
  std::vector<ChannelGate> gates;
  for (const int mass : masses) {
    const auto column = panel.find_mass(mass);
    const auto gate = std::ranges::find_if(found->second, [&](const auto& entry) {
      if (column &&
          (entry.first == panel.channels()[*column].name || entry.first == panel.channels()[*column].marker)) {
        return true;
      }
      return isotope_mass(entry.first) == mass;
    });
    if (gate == found->second.end()) {
      core::raise({name_, core::Place::none(),
                   fmt::format("no gate of the bead mass {} for '{}'", mass, core::printable(file)),
                   "Give a gate per bead channel"});
    }
    gates.push_back(gate->second);
  }
  return gates;
}

bool inside(std::span<const ChannelGate> gates, std::span<const double> beads, double dna) {
  const double y = std::asinh(dna / kCofactor);
  for (std::size_t c = 0; c < gates.size(); ++c) {
    const double x = std::asinh(beads[c] / kCofactor);
    if (!(x > gates[c].x_low && x < gates[c].x_high && y > gates[c].dna_low && y < gates[c].dna_high)) return false;
  }
  return true;
}

}  // namespace immucan::cytof
