#pragma once
// Tandem mass spectra of peptides and of noise, and mzML.
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/random.h"

namespace immucan::simulate {

struct Spectrum {
  double retention_minutes = 0;
  double precursor_mz = 0;
  int charge = 2;
  std::vector<double> mz;        ///< ascending, Th
  std::vector<float> intensity;  ///< detector counts
};

/// b and y ions with position- and residue-dependent intensities, losses, isotopes, mass errors of a few ppm and noise.
[[nodiscard]] Spectrum peptide_spectrum(core::Random& random, std::string_view peptide);
/// Peaks without a peptide.
[[nodiscard]] Spectrum noise_spectrum(core::Random& random);
/// mzML 1.1: centroid MS2, 64-bit m/z and 32-bit intensities, zlib; scans are numbered in the order given.
[[nodiscard]] std::string mzml(std::span<const Spectrum> spectra, std::string_view run);

}  // namespace immucan::simulate
