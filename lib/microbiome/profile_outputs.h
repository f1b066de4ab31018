#pragma once
// The files of one sample.
#include <array>
#include <set>
#include <string>
#include <string_view>

#include "core/output.h"
#include "microbiome/database.h"
#include "microbiome/profiling.h"

namespace immucan::microbiome {

struct ProfileOutputs {
  std::string sample_id, specimen;
  /// Besides SAMPLE.profile.tsv, .summary.json, .evidence.tsv, .features.tsv and the MultiQC fragment: of
  /// kProfileFormats.
  std::set<std::string> formats;
  bool kmer_columns = false;  ///< the Kraken report has eight columns
};

inline constexpr std::array<std::string_view, 6> kProfileFormats{"kraken",    "bracken", "cami",
                                                                 "metaphlan", "biom",    "html"};

/// `profile`'s report must hold its k-mers where they are to be written (add_kmer_columns).
void write_profile(core::OutputSet& outputs, const Database& database, const SampleProfile& profile,
                   const ProfileOutputs& options);

}  // namespace immucan::microbiome
