#pragma once
// Rectangular bead gates drawn by a person, in premessa's JSON.
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/run_context.h"
#include "cytof/panel.h"

namespace immucan::cytof {

/// Bounds on arcsinh(x/5), all exclusive.
struct ChannelGate {
  double x_low = 0, x_high = 0;      ///< bead channel
  double dna_low = 0, dna_high = 0;  ///< DNA channel
};

class GivenGates {
 public:
  /// {"run1.fcs": {"Ce140Di": {"x": [6.6, 7.5], "y": [-0.5, 1.5]}, …}, …}; x the bead channel, y DNA; "*" instead of a
  /// file name stands for all others. 65 on anything else.
  static GivenGates read(const std::filesystem::path& path, core::RunContext& context);
  static GivenGates parse(std::string_view json, std::string name);
  /// Gates of a file in the order of `masses`; channels match by name, or by mass. 65 when the file or a channel has
  /// none.
  [[nodiscard]] std::vector<ChannelGate> for_file(const std::string& file, const Panel& panel,
                                                  const std::vector<int>& masses) const;
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  std::string name_;
  std::map<std::string, std::map<std::string, ChannelGate>> files_;
};

/// Raw intensities of the bead channels and DNA.
[[nodiscard]] bool inside(std::span<const ChannelGate> gates, std::span<const double> beads, double dna);

}  // namespace immucan::cytof
