#pragma once
// What the columns of a mass cytometry file mean: isotope masses, Time, DNA.
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/fcs.h"

namespace immucan::cytof {

struct Channel {
  std::string name, marker;  ///< $PnN, $PnS
  std::optional<int> mass;   ///< isotope mass, 75 to 210
  bool is_mass = false;      ///< measures an isotope: has a mass, or the name ends with Di or Dd
};

/// Isotope mass named in `text`: "CD11c(Tb159)Di", "Tb159Di", "159Tb_CD11c", "BCKG190Di". Element symbols are checked,
/// so that "CD45" or "HLA-DR" name no mass.
[[nodiscard]] std::optional<int> isotope_mass(std::string_view text);

/// Element and mass in one spelling: "CD11c(Tb159)Di" and "159Tb_CD11c" → "Tb159".
[[nodiscard]] std::optional<std::string> isotope_label(std::string_view text);

class Panel {
 public:
  explicit Panel(const std::vector<io::FcsParameter>& parameters);
  [[nodiscard]] const std::vector<Channel>& channels() const { return channels_; }
  /// First column of that mass.
  [[nodiscard]] std::optional<std::size_t> find_mass(int mass) const;
  /// First column whose $PnN, $PnS, or the marker part of either ("159Tb_CD11c", "CD11c(Tb159)Di") is `marker`; a match
  /// without case counts when there is none with.
  [[nodiscard]] std::optional<std::size_t> find_marker(std::string_view marker) const;
  [[nodiscard]] std::optional<std::size_t> time() const { return time_; }
  /// Iridium 191, else 193.
  [[nodiscard]] std::optional<std::size_t> dna() const;

 private:
  std::vector<Channel> channels_;
  std::optional<std::size_t> time_;
};

/// What a person calls the channel: the marker part of $PnS, else of $PnN, else $PnN.
[[nodiscard]] std::string marker_label(const Channel& channel);

/// Label and column of every mass channel; a repeated label is told apart by the channel's name, and a channel that
/// even so repeats another is left out.
[[nodiscard]] std::vector<std::pair<std::string, std::size_t>> measured_markers(const Panel& panel);

/// Masses of the bead sets in use: "dvs" 140 151 153 165 175, "beta" 139 141 159 169 175, or "140,151,…".
/// "auto": the first of dvs and beta whose masses are all in the panel. Usage error for anything else, nullopt when the
/// panel holds neither.
[[nodiscard]] std::optional<std::vector<int>> bead_masses(std::string_view choice, const Panel& panel);

}  // namespace immucan::cytof
