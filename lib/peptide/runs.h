#pragma once
// MS2 spectra of all runs, prepared for the search.
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/run_context.h"
#include "peptide/scoring.h"

namespace immucan::peptide {

struct SearchSpectrum {
  std::uint32_t run = 0;
  std::uint64_t scan = 0;
  std::string id;  ///< native id or title
  double precursor_mz = 0;
  std::vector<int> charges;      ///< empty = not known
  double retention_seconds = 0;  ///< NaN = not known
  std::size_t peaks_begin = 0;
  std::uint32_t peaks = 0;
};

/// Structure of arrays: 8 bytes per kept peak.
struct SpectrumStore {
  std::vector<std::string> runs;  ///< names of files without folder and endings
  std::vector<SearchSpectrum> spectra;
  std::vector<PeakMz> mz;
  std::vector<float> intensity;
  std::uint64_t read = 0;  ///< spectra in the files
  std::uint64_t ms2 = 0;
  std::uint64_t without_precursor = 0;
  std::uint64_t too_few_peaks = 0;
  std::uint64_t without_charge = 0;

  [[nodiscard]] std::span<const PeakMz> mz_of(const SearchSpectrum& s) const {
    return {mz.data() + s.peaks_begin, s.peaks};
  }
  [[nodiscard]] std::span<const float> intensity_of(const SearchSpectrum& s) const {
    return {intensity.data() + s.peaks_begin, s.peaks};
  }
};

/// Reads every run. 64 when two files would be one run; 65 on a profile MS2 spectrum, on runs without any MS2 spectrum,
/// or when none can be searched.
[[nodiscard]] SpectrumStore load_runs(const std::vector<std::filesystem::path>& files,
                                      const PreparationOptions& preparation, const FragmentTolerance& tolerance,
                                      core::RunContext& context);

/// "dir/a.mzML.gz" → "a".
[[nodiscard]] std::string run_name(const std::filesystem::path& file);

}  // namespace immucan::peptide
