#include "search.h"

#include <memory>

#include "core/output.h"
#include "peptide/psm_features.h"
#include "peptide/psms.h"
#include "search_options.h"
#include "search_report.h"

namespace immucan::tools {
namespace {

core::Status run_search(const SearchArguments& arguments, core::RunContext& context) {
  const peptide::SearchOptions options = resolve(arguments);
  const std::string sample = arguments.sample.empty() ? peptide::run_name(arguments.runs.front()) : arguments.sample;
  core::OutputSet outputs = core::OutputSet::folder(context, arguments.output);

  peptide::DatabaseSummary database_summary;
  const auto database = peptide::read_proteins(arguments.databases, context, database_summary);
  const auto store = peptide::load_runs(arguments.runs, options.preparation, options.fragment, context);
  context.log.info(std::to_string(database.proteins().size()) + " proteins, " + std::to_string(store.spectra.size()) +
                   " spectra to search");
  peptide::SearchSummary summary;
  const auto results = peptide::search(database, store, options, context, summary);
  auto set = peptide::assemble_psms(database, store, options, results, context);
  const bool rescored = arguments.rescore && peptide::rescore_psms(set, database, store, options);
  peptide::assign_confidence(set, store);

  const SearchOutcome outcome{database, store, options, set, summary};
  const SearchCounts counts = count_matches(outcome);
  write_psms(outputs.add("psms.tsv"), outcome, arguments.keep_decoys);
  write_search_features(outputs.add(sample + ".features.tsv"), outcome, counts, sample, arguments.specimen);
  report::add_qc(outputs, search_qc(outcome, counts, sample));
  const auto count = [&](std::string name, std::uint64_t value) {
    outputs.count(std::move(name), static_cast<std::int64_t>(value));
  };
  count("proteins", database.proteins().size());
  count("proteins_repeated", database_summary.repeated);
  count("spectra", store.read);
  count("ms2_spectra", store.ms2);
  count("ms2_without_precursor", store.without_precursor);
  count("ms2_without_charge", store.without_charge);
  count("ms2_too_few_peaks", store.too_few_peaks);
  count("spectra_searched", store.spectra.size());
  count("peptides_in_windows", summary.peptides);
  count("peptides_without_decoy", summary.without_decoy);
  count("candidates_compared", summary.compared);
  count("slabs", summary.slabs);
  count("psms", counts.matches);
  count("psms_1pct", counts.matches_1pct);
  count("peptides_1pct", counts.peptides_1pct);
  outputs.count("rescored", rescored);
  outputs.commit();
  context.log.info(std::to_string(counts.matches_1pct) + " matches and " + std::to_string(counts.peptides_1pct) +
                   " peptides at 1 % FDR");
  return core::Status::kOk;
}

}  // namespace

cli::Command search_command() {
  auto arguments = std::make_shared<SearchArguments>();
  return {.name = "search",
          .summary = "Find the peptides behind MS2 spectra, with target-decoy error control.",
          .example = "peptide-match search --preset hla1 -f human.fasta -f variants.fasta -o out sample.mzML.gz",
          .declare = [arguments](cli::OptionSet& set) { declare_search(set, *arguments); },
          .run = [arguments](core::RunContext& context) { return run_search(*arguments, context); }};
}

}  // namespace immucan::tools
