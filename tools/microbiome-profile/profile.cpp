#include "profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <set>

#include "contaminant_options.h"
#include "core/output.h"
#include "core/text.h"
#include "io/samples_table.h"
#include "microbiome/profile_formats.h"
#include "microbiome/profile_merge.h"
#include "microbiome/profile_outputs.h"
#include "microbiome/profiling.h"
#include "microbiome/read_outputs.h"

namespace immucan::microbiome_profile {

namespace {

struct Options {
  std::filesystem::path database;
  bool share_database = false;
  std::vector<std::filesystem::path> first, second, unpaired;
  std::optional<std::filesystem::path> samples;
  std::string sample;
  std::string specimen = "stool";
  std::filesystem::path output;
  std::vector<std::string> formats;
  std::string kraken_columns = "6";
  microbiome::ReadOutputOptions reads;
  ControlOptions controls;
};

void declare(Options& options, cli::OptionSet& set) {
  set.group("Input");
  set.option("-d,--db", options.database, "Database made by 'build'", true);
  set.option("-1,--read1", options.first, "FASTQ or FASTA of the first mates, one per lane");
  set.option("-2,--read2", options.second, "The second mates, in the same order");
  set.option("-U,--unpaired", options.unpaired, "Single reads ('-' is the standard input)");
  set.option("--samples", options.samples,
             "Instead: table of samples with columns sample_id, specimen, modality and files (read1=...;read2=...)");
  set.option("--sample", options.sample, "Name of the sample; by default from the first file's name");
  set.choice("--specimen", options.specimen, {"tissue", "blood", "stool", "saliva"},
             "What was sampled; --samples says it for each");
  set.group("Output");
  set.output_folder(options.output);
  set.option("--formats", options.formats,
             "Which of kraken, bracken, cami, metaphlan, biom, html to write besides the tables; none; default: all");
  set.choice("--kraken-columns", options.kraken_columns, {"6", "8"},
             "8: the Kraken report also counts k-mers and distinct k-mers");
  set.flag("--reads", options.reads.assignments, "Write what each read was given to (SAMPLE.reads.tsv.gz)");
  set.flag("--host-out", options.reads.host, "Write the host's reads (SAMPLE.host_R1.fastq.gz ...)");
  set.flag("--classified-out", options.reads.classified, "Write the reads of species present");
  set.flag("--unmapped-out", options.reads.unmapped, "Write all other reads");
  set.group("Contaminants (with --samples)");
  declare_controls(options.controls, set);
  set.group("Resources");
  set.share_index(options.share_database);
}

/// What is to be profiled.
struct Job {
  std::string sample, specimen;
  std::vector<io::FastqLane> lanes;
};

/// "x/P01_R1.fastq.gz" → "P01".
std::string sample_of(const std::filesystem::path& file) {
  std::string name = file.filename().string();
  if (name == "-") return "stdin";
  static constexpr std::array<std::string_view, 11> kSuffixes{".gz",    ".bgz", ".zst", ".zstd", ".fastq", ".fq",
                                                              ".fasta", ".fa",  ".fna", "_R1",   "_1"};
  for (const auto suffix : kSuffixes)
    if (name.size() > suffix.size() && name.ends_with(suffix)) name.resize(name.size() - suffix.size());
  return name;
}

void check_sample_name(const std::string& sample, std::string_view where) {
  if (sample.empty() || sample == "NA" || sample.find_first_of("/\t\n\r") != std::string::npos || sample[0] == '.')
    core::raise_usage(
        fmt::format("{} '{}' cannot name files: it must not be empty, NA, begin with a dot or "
                    "hold '/' or control characters",
                    where, core::printable(sample)));
}

Job job_of_options(const Options& options) {
  if (options.first.empty() == options.unpaired.empty())
    core::raise_usage("give either -1 and -2, or -U, or --samples");
  if (options.first.size() != options.second.size())
    core::raise_usage(fmt::format("{} file(s) with -1 but {} with -2", options.first.size(), options.second.size()));
  Job job;
  for (std::size_t i = 0; i < options.first.size(); ++i) job.lanes.push_back({{options.first[i], options.second[i]}});
  for (const auto& file : options.unpaired) job.lanes.push_back({{file}});
  job.sample = options.sample.empty() ? sample_of(job.lanes[0].files[0]) : options.sample;
  job.specimen = options.specimen;
  check_sample_name(job.sample, "--sample");
  return job;
}

std::vector<Job> jobs_of_table(const std::filesystem::path& table, core::RunContext& context) {
  std::vector<Job> jobs;
  for (const io::Sample& sample : io::read_samples(table, context)) {
    if (!sample.modality.empty() && sample.modality != "microbiome") continue;
    const auto fail = [&](std::string what, std::string remedy) {
      core::raise({table.string(), core::Place::none(), fmt::format("sample '{}' {}", sample.sample_id, what),
                   std::move(remedy)});
    };
    Job job{sample.sample_id, sample.specimen, {}};
    check_sample_name(job.sample, "the sample_id");
    std::vector<std::filesystem::path> first, second;
    for (const io::SampleFile& file : sample.files) {
      if (file.role == "read1") first.push_back(file.path);
      if (file.role == "read2") second.push_back(file.path);
    }
    if (first.empty()) fail("has no file with the role read1", "Give files as read1=...;read2=...");
    if (!second.empty() && second.size() != first.size())
      fail(fmt::format("has {} files read1 and {} read2", first.size(), second.size()), "Give one read2 per read1");
    for (std::size_t i = 0; i < first.size(); ++i) {
      job.lanes.push_back({{first[i]}});
      if (!second.empty()) job.lanes.back().files.push_back(second[i]);
    }
    jobs.push_back(std::move(job));
  }
  if (jobs.empty())
    core::raise({table.string(), core::Place::none(), "no sample has the modality microbiome",
                 "Give a table with metagenomic samples"});
  return jobs;
}

std::vector<Job> jobs_of(const Options& options, core::RunContext& context) {
  if (!options.samples) return {job_of_options(options)};
  if (!options.first.empty() || !options.second.empty() || !options.unpaired.empty() || !options.sample.empty())
    core::raise_usage("--samples names samples and files: leave out -1, -2, -U and --sample");
  return jobs_of_table(*options.samples, context);
}

std::set<std::string> chosen_formats(const Options& options) {
  const auto& names = microbiome::kProfileFormats;
  std::set<std::string> chosen;
  for (const std::string& given : options.formats) {
    for (const std::string_view name : core::split(given, ',')) {
      if (name == "all") {
        chosen.insert(names.begin(), names.end());
      } else if (name != "none") {
        if (std::ranges::find(names, name) == names.end())
          core::raise_usage(fmt::format("--formats knows {}, all and none, not '{}'",
                                        core::join({names.begin(), names.end()}, ", "), core::printable(name)));
        chosen.emplace(name);
      }
    }
  }
  if (options.formats.empty()) chosen.insert(names.begin(), names.end());
  return chosen;
}

/// What is kept of every sample.
struct Totals {
  std::uint64_t fragments = 0, host = 0, classified = 0;
  std::vector<microbiome::ProfileTable> tables;  ///< where contaminants are looked for
};

void profile_sample(const Job& job, const Options& options, const microbiome::Database& database,
                    core::OutputSet& outputs, core::RunContext& context, Totals& totals) {
  std::optional<microbiome::ReadOutputs> reads;
  microbiome::FragmentSink sink;
  if (options.reads.any()) {
    reads.emplace(outputs, database, job.sample, options.reads, context);
    sink = [&](const io::FastqBatch& batch, const microbiome::FragmentScanner& scanner,
               microbiome::SampleCounts& counts) { reads->add(batch, scanner, counts); };
  }
  const auto counts = microbiome::count_sample(database, job.lanes, context, sink);
  auto profile = microbiome::make_profile(database, counts, microbiome::estimate_abundance(database, counts));
  if (profile.fragments == profile.host_fragments)
    context.log.warning(fmt::format("{}: {}", job.sample,
                                    profile.fragments == 0 ? "there are no reads: the profile is empty"
                                                           : "every read is of the host: the profile is empty"));
  const bool kmer_columns = options.kraken_columns == "8";
  if (kmer_columns) microbiome::add_kmer_columns(database, counts, profile);
  microbiome::write_profile(outputs, database, profile,
                            {job.sample, job.specimen, chosen_formats(options), kmer_columns});
  if (reads) reads->finish(counts, profile);
  if (options.controls.table) {
    const std::string table = microbiome::profile_tsv(database, profile);
    totals.tables.push_back(microbiome::read_profile_table(io::open_memory(table), "species"));
    totals.tables.back().sample.id = job.sample;
  }
  totals.fragments += profile.fragments;
  totals.host += profile.host_fragments;
  totals.classified += profile.classified_fragments;
}

void write_contaminants(const Options& options, std::vector<microbiome::ProfileTable> tables,
                        const std::vector<microbiome::ControlRow>& controls, core::OutputSet& outputs) {
  auto merged = microbiome::merge_tables(std::move(tables));
  microbiome::add_contaminants(merged, controls, options.controls.table->string(),
                               contaminant_options(options.controls));
  outputs.add("contaminants.tsv").write(microbiome::contaminants_tsv(merged));
  outputs.count("contaminants", static_cast<std::int64_t>(std::ranges::count_if(
                                    merged.contaminants, &microbiome::ContaminantScore::contaminant)));
}

core::Status run(const Options& options, core::RunContext& context) {
  (void)chosen_formats(options);
  (void)contaminant_options(options.controls);
  if (options.controls.table && !options.samples) core::raise_usage("--controls needs --samples");
  const auto jobs = jobs_of(options, context);
  std::vector<microbiome::ControlRow> controls;
  if (options.controls.table) controls = microbiome::read_controls(io::open_source(*options.controls.table, context));
  // Not after hours of profiling.
  for (const Job& job : jobs)
    if (options.controls.table &&
        std::ranges::find(controls, job.sample, &microbiome::ControlRow::sample_id) == controls.end())
      core::raise({options.controls.table->string(), core::Place::none(),
                   fmt::format("the sample '{}' has no row", core::printable(job.sample)),
                   "Give a row for every sample that is profiled"});
  const microbiome::Database database(options.database, context, options.share_database);
  auto outputs = core::OutputSet::folder(context, options.output);
  Totals totals;
  for (const Job& job : jobs) profile_sample(job, options, database, outputs, context, totals);
  if (options.controls.table) write_contaminants(options, std::move(totals.tables), controls, outputs);
  outputs.count("database", database.digest());
  if (jobs.size() > 1) outputs.count("samples", static_cast<std::int64_t>(jobs.size()));
  outputs.count("fragments", static_cast<std::int64_t>(totals.fragments));
  outputs.count("host_fragments", static_cast<std::int64_t>(totals.host));
  outputs.count("classified_fragments", static_cast<std::int64_t>(totals.classified));
  outputs.commit();
  return core::Status::kOk;
}

}  // namespace

cli::Command profile_command() {
  auto options = std::make_shared<Options>();
  return {.name = "profile",
          .summary = "Estimate species, their abundance and the share of the host from metagenomic reads.",
          .example =
              "microbiome-profile profile --db microbes.db -1 P01_R1.fastq.gz -2 P01_R2.fastq.gz --sample P01 "
              "-o P01",
          .declare = [options](cli::OptionSet& set) { declare(*options, set); },
          .run = [options](core::RunContext& context) { return run(*options, context); }};
}

}  // namespace immucan::microbiome_profile
