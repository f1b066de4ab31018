#include "merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <set>

#include "contaminant_options.h"
#include "core/output.h"
#include "core/text.h"
#include "microbiome/profile_merge.h"

namespace immucan::microbiome_profile {

namespace {

struct Options {
  std::vector<std::filesystem::path> inputs;
  std::string rank = "species";
  std::vector<std::string> formats;
  ControlOptions controls;
  bool remove_contaminants = false;
  std::filesystem::path output;
};

void declare(Options& options, cli::OptionSet& set) {
  set.group("Input");
  set.inputs("PROFILE", options.inputs,
             "SAMPLE.profile.tsv, profiles in CAMI's format, or folders that 'profile' wrote");
  set.option("--rank", options.rank, "Rank of the taxa, as in the profiles");
  set.group("Output");
  set.output_folder(options.output);
  set.option("--formats", options.formats, "Which of tsv, biom, h5ad to write; default: all");
  set.group("Contaminants");
  declare_controls(options.controls, set);
  set.flag("--remove-contaminants", options.remove_contaminants,
           "Leave contaminants and blanks out of the tables and scale abundances to their former sums");
}

std::set<std::string> chosen_formats(const Options& options) {
  static constexpr std::array<std::string_view, 3> kNames{"tsv", "biom", "h5ad"};
  std::set<std::string> chosen;
  for (const std::string& given : options.formats) {
    for (const std::string_view name : core::split(given, ',')) {
      if (std::ranges::find(kNames, name) == kNames.end())
        core::raise_usage(fmt::format("--formats knows tsv, biom and h5ad, not '{}'", core::printable(name)));
      chosen.emplace(name);
    }
  }
  if (chosen.empty()) chosen.insert(kNames.begin(), kNames.end());
  return chosen;
}

void write(core::OutputSet& outputs, const microbiome::MergedProfiles& merged, const std::set<std::string>& formats) {
  using microbiome::Measure;
  if (formats.contains("tsv")) {
    outputs.add("taxonomic_abundance.tsv").write(microbiome::merged_tsv(merged, Measure::kTaxonomicAbundance));
    outputs.add("sequence_abundance.tsv").write(microbiome::merged_tsv(merged, Measure::kSequenceAbundance));
    outputs.add("reads.tsv").write(microbiome::merged_tsv(merged, Measure::kReads));
    outputs.add("detection_limits.tsv").write(microbiome::merged_tsv(merged, Measure::kDetectionLimit));
    outputs.add("samples.tsv").write(microbiome::merged_samples_tsv(merged));
  }
  if (formats.contains("biom"))
    io::write_biom(outputs.add_external("profiles.biom"), microbiome::merged_biom(merged), outputs.context().threads);
  if (formats.contains("h5ad"))
    io::write_anndata(outputs.add_external("profiles.h5ad"), microbiome::merged_anndata(merged),
                      outputs.context().threads);
}

/// Databases are joined by another command, which needs no profile's columns.
void refuse_databases(const std::vector<std::filesystem::path>& inputs) {
  static constexpr std::string_view kMark = "IMMUCAN\n";
  for (const auto& path : inputs) {
    if (std::error_code error; !std::filesystem::is_regular_file(path, error)) continue;
    std::string begin(kMark.size(), '\0');
    std::ifstream(path, std::ios::binary).read(begin.data(), std::ssize(begin));
    if (begin == kMark)
      core::raise_usage(path.string() + " is a database. Databases are joined by 'microbiome-profile build --merge'");
  }
}

core::Status run(const Options& options, core::RunContext& context) {
  refuse_databases(options.inputs);
  const auto formats = chosen_formats(options);
  const auto tests = contaminant_options(options.controls);
  if (options.remove_contaminants && !options.controls.table)
    core::raise_usage("--remove-contaminants needs --controls");
  auto merged = microbiome::merge_profiles(options.inputs, options.rank, context);
  if (merged.taxa.empty())
    context.log.warning(fmt::format("no profile has a taxon of rank '{}': the tables are empty", options.rank));
  std::vector<microbiome::ControlRow> controls;
  if (options.controls.table) {
    controls = microbiome::read_controls(io::open_source(*options.controls.table, context));
    microbiome::add_contaminants(merged, controls, options.controls.table->string(), tests);
  }
  auto outputs = core::OutputSet::folder(context, options.output);
  if (options.controls.table) {
    outputs.add("contaminants.tsv").write(microbiome::contaminants_tsv(merged));
    outputs.count("contaminants", static_cast<std::int64_t>(std::ranges::count_if(
                                      merged.contaminants, &microbiome::ContaminantScore::contaminant)));
  }
  if (options.remove_contaminants) microbiome::remove_contaminants(merged, controls);
  write(outputs, merged, formats);
  outputs.count("samples", static_cast<std::int64_t>(merged.samples.size()));
  outputs.count("taxa", static_cast<std::int64_t>(merged.taxa.size()));
  outputs.commit();
  return core::Status::kOk;
}

}  // namespace

cli::Command merge_command() {
  auto options = std::make_shared<Options>();
  return {.name = "merge",
          .summary =
              "Merge profiles of many samples into tables, and find contaminants by blanks and DNA "
              "concentrations.",
          .example = "microbiome-profile merge P01 P02 blank1 --controls controls.tsv -o cohort",
          .declare = [options](cli::OptionSet& set) { declare(*options, set); },
          .run = [options](core::RunContext& context) { return run(*options, context); }};
}

}  // namespace immucan::microbiome_profile
