#include "peptide/runs.h"

#include <algorithm>
#include <array>

#include "core/error.h"
#include "core/ordered_batches.h"
#include "core/text.h"

namespace immucan::peptide {
namespace {

struct Batch {
  io::SpectrumText text;
  std::vector<io::Spectrum> spectra;
  std::vector<std::optional<PreparedPeaks>> peaks;
};

bool is_ms2(const io::Spectrum& spectrum) {
  return spectrum.ms_level == 2 || (spectrum.ms_level == 0 && spectrum.precursor);
}

void refuse_profile(const std::string& file, const io::Spectrum& spectrum) {
  if (spectrum.kind != io::Spectrum::Kind::kProfile || spectrum.mz.empty()) return;
  core::raise({file, core::Place::byte(spectrum.place),
               "MS2 spectrum '" + core::printable(spectrum.id) + "' is in profile mode",
               "Centroid the run while converting it, for example with msconvert --filter peakPicking"});
}

}  // namespace

std::string run_name(const std::filesystem::path& file) {
  if (file == "-") return "stdin";
  std::string name = file.filename().string();
  static constexpr std::array<std::string_view, 8> kEndings{".gz",   ".bgz", ".zst",  ".zstd",
                                                            ".mzML", ".mgf", ".mzml", ".MGF"};
  for (bool cut = true; cut;) {
    cut = false;
    for (const std::string_view ending : kEndings) {
      if (name.size() > ending.size() && name.ends_with(ending)) {
        name.resize(name.size() - ending.size());
        cut = true;
      }
    }
  }
  return name;
}

SpectrumStore load_runs(const std::vector<std::filesystem::path>& files, const PreparationOptions& preparation,
                        const FragmentTolerance& tolerance, core::RunContext& context) {
  SpectrumStore store;
  for (const auto& file : files) {
    const std::string name = run_name(file);
    if (std::find(store.runs.begin(), store.runs.end(), name) != store.runs.end()) {
      core::raise_usage("two runs are named '" + name + "': results could not be told apart. Rename one of the files.");
    }
    store.runs.push_back(name);
  }
  for (std::uint32_t run = 0; run < files.size(); ++run) {
    const auto reader = io::open_spectra(files[run], context);
    core::ordered_batches<Batch>(
        {.threads = context.threads, .slots = 0, .interrupt = &context.interrupt, .background = {}},
        [&](Batch& batch) { return reader->next(batch.text); },
        [&](Batch& batch) {
          reader->decode(batch.text, batch.spectra);
          batch.peaks.assign(batch.spectra.size(), std::nullopt);
          for (std::size_t i = 0; i < batch.spectra.size(); ++i) {
            if (!is_ms2(batch.spectra[i])) continue;
            refuse_profile(reader->name(), batch.spectra[i]);
            batch.peaks[i] = prepare_peaks(batch.spectra[i], preparation, tolerance);
          }
        },
        [&](Batch& batch) {
          reader->check_ids(batch.spectra);
          for (std::size_t i = 0; i < batch.spectra.size(); ++i) {
            const io::Spectrum& spectrum = batch.spectra[i];
            ++store.read;
            if (!is_ms2(spectrum)) continue;
            ++store.ms2;
            if (!spectrum.precursor) {
              ++store.without_precursor;
              continue;
            }
            if (!batch.peaks[i]) {
              ++store.too_few_peaks;
              continue;
            }
            const PreparedPeaks& peaks = *batch.peaks[i];
            if (spectrum.precursor->charges.empty()) ++store.without_charge;
            store.spectra.push_back({run, spectrum.scan, spectrum.id, spectrum.precursor->mz,
                                     spectrum.precursor->charges, spectrum.retention_seconds, store.mz.size(),
                                     static_cast<std::uint32_t>(peaks.mz.size())});
            store.mz.insert(store.mz.end(), peaks.mz.begin(), peaks.mz.end());
            store.intensity.insert(store.intensity.end(), peaks.intensity.begin(), peaks.intensity.end());
          }
          context.progress.update("reading spectra", store.read);
        });
  }
  const std::string first = files.front() == "-" ? "<stdin>" : files.front().string();
  if (store.ms2 == 0) {
    core::raise({first, core::Place::none(), "no MS2 spectra among " + std::to_string(store.read) + " read",
                 "Give runs with fragment spectra"});
  }
  if (store.spectra.empty()) {
    core::raise({first, core::Place::none(),
                 "none of " + std::to_string(store.ms2) + " MS2 spectra can be searched (" +
                     std::to_string(store.without_precursor) + " without precursor m/z, " +
                     std::to_string(store.too_few_peaks) + " with too few peaks)",
                 "Check the conversion of the run"});
  }
  return store;
}

}  // namespace immucan::peptide
