#include "peptide/masses.h"

#include <cmath>

#include "core/text.h"

namespace immucan::peptide {
namespace {

constexpr double kC = 12.0, kH = 1.00782503223, kN = 14.00307400443, kO = 15.99491461957, kS = 31.9720711744,
                 kSe = 79.9165218;

constexpr double formula(int c, int h, int n, int o, int s = 0, int se = 0) {
  return c * kC + h * kH + n * kN + o * kO + s * kS + se * kSe;
}

constexpr std::array<Mass, kResidueCodes> residue_table() {
  std::array<Mass, kResidueCodes> table{};
  const auto set = [&](char letter, double da) { table[static_cast<std::size_t>(letter - 'A')] = to_mass(da); };
  set('G', formula(2, 3, 1, 1));
  set('A', formula(3, 5, 1, 1));
  set('S', formula(3, 5, 1, 2));
  set('P', formula(5, 7, 1, 1));
  set('V', formula(5, 9, 1, 1));
  set('T', formula(4, 7, 1, 2));
  set('C', formula(3, 5, 1, 1, 1));
  set('L', formula(6, 11, 1, 1));
  set('N', formula(4, 6, 2, 2));
  set('D', formula(4, 5, 1, 3));
  set('Q', formula(5, 8, 2, 2));
  set('K', formula(6, 12, 2, 1));
  set('E', formula(5, 7, 1, 3));
  set('M', formula(5, 9, 1, 1, 1));
  set('H', formula(6, 7, 3, 1));
  set('F', formula(9, 9, 1, 1));
  set('R', formula(6, 12, 4, 1));
  set('Y', formula(9, 9, 1, 2));
  set('W', formula(11, 10, 2, 1));
  set('U', formula(3, 5, 1, 1, 0, 1));
  set('O', formula(12, 19, 3, 2));
  return table;
}
constexpr auto kResidueMass = residue_table();

}  // namespace

Residue residue_code(char letter) {
  if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
  if (letter < 'A' || letter > 'Z') return kNoResidue;
  if (letter == 'I' || letter == 'J') letter = 'L';
  const auto code = static_cast<Residue>(letter - 'A');
  return kResidueMass[code] == 0 ? kNoResidue : code;
}

Mass residue_mass(Residue code) {
  return kResidueMass[code];
}

std::optional<Modification> parse_modification(std::string_view text) {
  const std::size_t sign = text.find_first_of("+-");
  if (sign == 0 || sign == std::string_view::npos) return std::nullopt;
  Modification out;
  for (const char c : text.substr(0, sign)) {
    if (c == 'n') {
      out.n_terminal = true;
    } else if (c == 'c') {
      out.c_terminal = true;
    } else {
      const Residue code = c >= 'A' && c <= 'Z' ? residue_code(c) : kNoResidue;
      if (code == kNoResidue) return std::nullopt;
      out.residues[code] = true;
    }
  }
  const std::string_view number = text[sign] == '+' ? text.substr(sign + 1) : text.substr(sign);
  const auto delta = core::parse_double(number);
  if (!delta || !std::isfinite(*delta) || std::abs(*delta) > 2000) return std::nullopt;
  out.delta = to_mass(*delta);
  out.label = text.substr(sign);
  return out;
}

MassTable::MassTable(const std::vector<Modification>& fixed, std::vector<Modification> variable_modifications)
    : residue(kResidueMass), variable(std::move(variable_modifications)) {
  for (const Modification& modification : fixed) {
    for (std::size_t code = 0; code < kResidueCodes; ++code) {
      if (modification.residues[code]) residue[code] += modification.delta;
    }
    if (modification.n_terminal) n_terminal += modification.delta;
    if (modification.c_terminal) c_terminal += modification.delta;
  }
}

Mass MassTable::peptide_mass(const Residue* residues, std::size_t length) const {
  Mass mass = kWater + n_terminal + c_terminal;
  for (std::size_t i = 0; i < length; ++i) mass += residue[residues[i]];
  return mass;
}

}  // namespace immucan::peptide
