#pragma once
// samples.tsv and clinical.tsv (DESIGN §4): who, when, what, and where the files lie.
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/run_context.h"
#include "io/byte_source.h"
#include "io/tsv.h"

namespace immucan::io {

struct SampleFile {
  std::string role;            ///< fcs read1 read2 bam spectra vcf
  std::filesystem::path path;  ///< resolved against the folder of the table
};

/// One row per sample. `modality` and `batch` may be empty (missing); the rest of the vocabulary is checked.
struct Sample {
  std::string sample_id, patient_id;
  std::string visit;  ///< naive | on-treatment | progression | follow-up
  std::optional<double> day;
  std::string specimen;  ///< tissue | blood | stool | saliva
  std::string modality;  ///< cytof | scrna | peptide | microbiome | …
  std::string batch;
  std::string control;  ///< sample | blank | reference
  std::vector<SampleFile> files;
};

/// 65 on duplicate or missing ids, unknown visit, specimen, control or role. Order of the file is kept.
[[nodiscard]] std::vector<Sample> read_samples(const std::filesystem::path& path, core::RunContext& context);
/// `folder`: what paths of files are relative to.
[[nodiscard]] std::vector<Sample> read_samples(std::unique_ptr<ByteSource> source, const std::filesystem::path& folder);

/// clinical.tsv: one row per patient, patient_id unique and present; every column is kept as text.
[[nodiscard]] Table read_clinical(const std::filesystem::path& path, core::RunContext& context);

}  // namespace immucan::io
