#pragma once
// Who is in the simulated cohort, what is planted in whom, and which samples there are. Drawn once from the seed; the
// raw data of each sample follow from this plan and a stream of their own.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "simulate/bytes.h"

namespace immucan::simulate {

struct Options {
  int patients = 24;
  std::uint64_t seed = 1;
  bool small = false;  ///< a few thousand reads and events per sample, shorter genomes: the cohort of test-data/
};

/// How much raw data one sample holds.
struct Sizes {
  std::size_t events;  ///< cytof
  std::size_t scrna_pairs;
  std::size_t cells;
  std::size_t empty_droplets;
  double canonical_spectra;     ///< median per sample
  std::size_t foreign_spectra;  ///< peptides of no protein in the FASTA
  std::size_t noise_spectra;
  std::size_t stool_pairs, saliva_pairs;
  std::size_t microbe_bases;  ///< shortest genome; the longest is 1.6 times as long
  std::size_t host_bases;
};
[[nodiscard]] Sizes sizes(const Options& options);

/// The scale on which a tool writes a feature, hence the scale of its effect size.
enum class Scale { kLinear, kLog, kLog1p };

/// A feature whose level depends on something known about the patient.
struct PlantedFeature {
  std::string_view feature;  ///< exactly as the tools write it
  std::string_view modality;
  std::string_view entity;  ///< population, gene, "neoantigen" or species
  bool up;                  ///< higher in responders
  double low, high;         ///< medians of the two classes: fraction of cells, of molecules, of genomes, or spectra
  double log_sd;            ///< between patients of a class
  Scale scale;
};
/// Response-associated features, 3 to 4 per modality.
[[nodiscard]] std::span<const PlantedFeature> planted_features();
/// Drives overall survival equally in both arms; independent of response and arm. `low` is its median.
[[nodiscard]] const PlantedFeature& prognostic_feature();
/// Follows the batch of the stool samples (a contaminant of the extraction kit), which follows response.
[[nodiscard]] const PlantedFeature& confounded_feature();

struct Patient {
  std::string id;        ///< IMM-P01
  std::string short_id;  ///< P01
  std::string tumour_type, stage, resistance, best_response, sex, site, msi;
  bool treated;  ///< randomised to the checkpoint inhibitor
  bool responder;
  int line, age, antibiotics;
  bool prior_ici;
  double pd_l1, tmb;
  double prognostic_z;  ///< standard normal score, the same set in each arm and response class
  int os_days, pfs_days;
  bool os_event, pfs_event;
  std::vector<double> levels;  ///< one per planted feature, same order
  double prognostic_level;
  double contaminant_z;  ///< of the stool samples: normal scores, the same set in both classes of a batch
};

struct SamplePlan {
  std::string id;  ///< P01-naive-blood-cytof
  std::size_t patient;
  std::string visit, specimen, modality, batch;
  bool second_batch;
  int day;
};

struct Cohort {
  Options options;
  std::vector<Patient> patients;
  std::vector<SamplePlan> samples;
};

/// Throws a usage error below 4 patients and above 9999.
[[nodiscard]] Cohort plan_cohort(const Options& options);

/// Level of a planted feature in a sample: the patient's, with a little change between visits.
[[nodiscard]] double sample_level(const Cohort& cohort, const SamplePlan& sample, std::string_view feature);

/// Paths of the raw files of a sample relative to the cohort, as role and path.
struct RawFile {
  std::string_view role;
  std::string path;
};
[[nodiscard]] std::vector<RawFile> raw_files(const SamplePlan& sample);

/// Difference of class means over the pooled standard deviation of the planted level, on the feature's scale.
[[nodiscard]] double latent_effect(const Cohort& cohort, std::size_t planted);

/// samples.tsv, clinical.tsv and truth.json.
[[nodiscard]] std::vector<SimulatedFile> cohort_tables(const Cohort& cohort);

}  // namespace immucan::simulate
