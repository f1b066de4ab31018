#pragma once
// Monoisotopic masses in fixed point, so that sums do not depend on their order: two peptides of the same composition
// have exactly the same mass. Element masses: AME2016; amino-acid compositions: IUPAC.
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace immucan::peptide {

/// 2^-24 Da (6e-8 Da).
using Mass = std::int64_t;
inline constexpr double kMassScale = 16777216.0;

constexpr Mass to_mass(double da) {
  return static_cast<Mass>(da * kMassScale + (da < 0 ? -0.5 : 0.5));
}
constexpr double to_da(Mass mass) {
  return static_cast<double>(mass) / kMassScale;
}

inline constexpr double kProtonDa = 1.007276466621;
inline constexpr double kWaterDa = 18.010564684;
inline constexpr double kIsotopeDa = 1.0033548378;  ///< 13C − 12C
inline constexpr Mass kProton = to_mass(kProtonDa);
inline constexpr Mass kWater = to_mass(kWaterDa);

/// Residues as small codes: letter − 'A', with I and J written as L since their masses are equal.
using Residue = std::uint8_t;
inline constexpr Residue kNoResidue = 0xFF;
inline constexpr std::size_t kResidueCodes = 26;

/// kNoResidue for letters without one mass (B, X, Z) and for everything that is not a letter.
[[nodiscard]] Residue residue_code(char letter);
/// Unmodified residue mass; the 20 amino acids, U and O.
[[nodiscard]] Mass residue_mass(Residue code);

/// "M+15.9949", "STY+79.966331", "n+42.010565" (peptide N-terminus), "c-0.984016" (C-terminus).
struct Modification {
  std::array<bool, kResidueCodes> residues{};
  bool n_terminal = false, c_terminal = false;
  Mass delta = 0;
  std::string label;  ///< "+15.9949", as given
};
/// nullopt when malformed, on an unknown residue or a mass beyond ±2000 Da.
[[nodiscard]] std::optional<Modification> parse_modification(std::string_view text);

/// Residue masses with the fixed modifications in, and the variable ones.
struct MassTable {
  std::array<Mass, kResidueCodes> residue{};
  Mass n_terminal = 0, c_terminal = 0;  ///< fixed
  std::vector<Modification> variable;

  MassTable(const std::vector<Modification>& fixed, std::vector<Modification> variable_modifications);
  MassTable() : MassTable({}, {}) {}
  /// Neutral mass without variable modifications.
  [[nodiscard]] Mass peptide_mass(const Residue* residues, std::size_t length) const;
};

}  // namespace immucan::peptide
