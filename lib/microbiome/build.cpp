#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <limits>
#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "microbiome/build_taxonomy.h"
#include "microbiome/database.h"
#include "microbiome/database_format.h"
#include "microbiome/genome_sketching.h"
#include "microbiome/unit_numbering.h"
#include "microbiome/work_folder.h"
#include "sequence/kmer.h"

namespace immucan::microbiome {

namespace fs = std::filesystem;

namespace {

constexpr double kDensestBase = 16, kSparsestBase = 200;
/// Sampled k-mers beyond which the default density becomes sparser: 2^29 of them are about 5 GB of index.
constexpr double kSampledBudget = 536870912.0;

double base_density(const BuildOptions& options, const std::vector<GenomeFile>& files) {
  if (options.density != 0) return options.density;
  double bytes = 0;
  for (const GenomeFile& file : files) {
    const auto suffix = file.path.extension();
    const bool compressed = suffix == ".gz" || suffix == ".zst" || suffix == ".bgz";
    bytes += static_cast<double>(file.bytes) * (compressed ? 3.6 : 1.0);
  }
  return std::clamp(std::ceil(bytes / kSampledBudget), kDensestBase, kSparsestBase);
}

/// The k-mers of a database that is taken over.
class DatabaseRun : public KmerRun {
 public:
  DatabaseRun(const Database& database, std::vector<std::uint32_t> numbers)
      : database_(database), numbers_(std::move(numbers)) {}
  void read(std::size_t part, std::vector<Occurrence>& occurrences) const override {
    const std::size_t begin = occurrences.size();
    if (!unpack(database_.packed_kmers(part), part, occurrences))
      core::raise(
          {database_.name(), core::Place::none(), "its sampled k-mers are malformed", std::string(kRebuildRemedy)});
    renumber(occurrences, begin, numbers_);
    database_.release();
  }

 private:
  const Database& database_;
  std::vector<std::uint32_t> numbers_;
};

/// A genome of the database that is being built.
struct BuiltGenome {
  std::string name;
  GenomeRecord record;
  TaxonIndex taxon = 0;
  std::size_t database = 0;  ///< number of the existing database + 1, or 0 for a file
  std::size_t number = 0;    ///< there, or of the file
};

class Builder {
 public:
  Builder(const BuildOptions& options, core::RunContext& context) : options_(options), context_(context) {}

  BuildReport run(core::OutputFile& out) {
    check_options();
    open_existing();
    source_ = build_taxonomy(options_, existing_, context_);
    list_files();
    choose_rules();
    find_dense();
    work_folder_ = options_.work_folder.empty() ? fs::path(out.target().string() + ".work") : options_.work_folder;
    WorkFolder work(work_folder_, plan(), context_);
    RunCollector collector(options_.memory, work, context_);
    sketch_genomes(files_, tasks(work), rules_, collector, context_);
    gather_genomes(collector.genomes());
    return write(work, collector.take_rest(), out);
  }

 private:
  void check_options() const {
    if (options_.kmer_length < 15 || options_.kmer_length > sequence::kMaxKmerLength)
      core::raise_usage(fmt::format("--kmer-length {} is not within 15 to 31", options_.kmer_length));
    if (options_.density != 0 && !(options_.density >= 1 && options_.density <= 10000))
      core::raise_usage(fmt::format("--density {} is not 0 (automatic) or within 1 to 10000", options_.density));
    if (options_.minimum_sampled < 0 || options_.minimum_sampled > 1000000)
      core::raise_usage(fmt::format("--minimum-sampled {} is not within 0 to 1000000", options_.minimum_sampled));
    if (options_.host_taxid < 1) core::raise_usage("--host-taxid must be positive");
  }

  [[noreturn]] static void unsuitable(const Database& database, std::string what, std::string remedy) {
    core::raise({database.name(), core::Place::none(), std::move(what), std::move(remedy)});
  }

  void open_existing() {
    for (const fs::path& path : options_.existing) {
      existing_.push_back(std::make_unique<Database>(path, context_, true));
      const Database& database = *existing_.back();
      const Database& first = *existing_.front();
      if (!database.has_kmers())
        unsuitable(database, "it was built by a version that kept no sampled k-mers to add to",
                   std::string(kRebuildRemedy));
      if (database.parameters().k != first.parameters().k ||
          database.parameters().density != first.parameters().density ||
          database.origin().minimum_sampled != first.origin().minimum_sampled)
        unsuitable(
            database,
            fmt::format("k {}, one k-mer in {}, at least {} differ from the k {}, one in {}, at least {} of {}",
                        database.parameters().k, database.parameters().density, database.origin().minimum_sampled,
                        first.parameters().k, first.parameters().density, first.origin().minimum_sampled, first.name()),
            "Build both with the same --kmer-length, --density and --minimum-sampled");
      if (!database.has_host()) continue;
      if (options_.host) unsuitable(database, "it has a host already", "Leave --host out, or build anew");
      if (host_ != nullptr && (host_->genomes()[0].length != database.genomes()[0].length ||
                               host_->genomes()[0].kmers != database.genomes()[0].kmers))
        unsuitable(database, "its host is another than that of " + host_->name(), "Join databases of one host");
      if (host_ == nullptr) host_ = &database;
    }
  }

  void list_files() {
    if (!options_.genomes.empty()) files_ = list_genomes(options_.genomes, context_);
    if (!options_.host) return;
    std::error_code error;
    if (!fs::is_regular_file(*options_.host, error))
      core::raise_input_errno(options_.host->string(), "opening", error ? error.value() : ENOENT);
    files_.insert(files_.begin(), {"host", *options_.host, fs::file_size(*options_.host)});
  }

  [[nodiscard]] bool is_host(std::size_t file) const { return options_.host && file == 0; }

  void choose_rules() {
    if (existing_.empty()) {
      rules_ = sampling_rules(static_cast<unsigned>(options_.kmer_length), base_density(options_, files_),
                              options_.minimum_sampled);
      return;
    }
    const Database& first = *existing_.front();
    rules_ = sampling_rules(first.parameters().k, first.parameters().density, first.origin().minimum_sampled);
    for (const auto& database : existing_) {
      add_to_filter(rules_.filter_words, database->filter_words());
      rules_.dense_threshold = std::max(rules_.dense_threshold, database->parameters().dense_threshold);
    }
  }

  void find_dense() {
    std::vector<GenomeTask> all;
    for (std::size_t file = 0; file < files_.size(); ++file) all.push_back({file, is_host(file)});
    const std::uint64_t found = find_dense_kmers(files_, all, rules_, context_);
    if (!existing_.empty()) report_.newly_dense = found;
  }

  /// What a work folder must have been made of to be of use: parameters, and files as they were.
  [[nodiscard]] std::string plan() const {
    std::string text = fmt::format("microbiome-profile build {}\nk {} density {} minimum {}\n", context_.version,
                                   rules_.k, rules_.density, rules_.minimum_sampled);
    for (const auto& database : existing_) text += fmt::format("database {}\n", database->digest());
    for (std::size_t i = 0; i < files_.size(); ++i) {
      struct stat status{};
      if (::stat(files_[i].path.c_str(), &status) != 0)
        core::raise_input_errno(files_[i].path.string(), "opening", errno);
      text += fmt::format("{} {} {} {}.{:09}\n", is_host(i) ? "host" : "genome", files_[i].name, files_[i].bytes,
                          status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
    }
    return text;
  }

  /// The files that are still to be read.
  [[nodiscard]] std::vector<GenomeTask> tasks(const WorkFolder& work) const {
    std::vector<char> done(files_.size());
    for (const SketchedGenome& genome : work.finished()) done.at(genome.file) = 1;
    std::vector<GenomeTask> tasks;
    for (std::size_t file = 0; file < files_.size(); ++file)
      if (done[file] == 0) tasks.push_back({file, is_host(file)});
    return tasks;
  }

  [[nodiscard]] std::optional<TaxonIndex> taxon_of(const SketchedGenome& genome) const {
    if (genome.record.is_host != 0) return host_taxon_;
    if (const auto entry = source_.genomes.find(files_[genome.file].name); entry != source_.genomes.end()) {
      if (const auto taxon = source_.taxonomy.find(entry->second.taxid)) return taxon;
      return source_.taxonomy.find(entry->second.species_taxid);
    }
    return options_.genome_taxa || source_.numbered_by_us ? std::nullopt : source_.taxonomy.find(genome.header_taxid);
  }

  /// The genomes of the database in their order: the host, then by name.
  void gather_genomes(std::vector<SketchedGenome> sketched) {
    if (options_.host || host_ != nullptr) {
      const auto taxid = host_ == nullptr
                             ? options_.host_taxid
                             : static_cast<std::int64_t>(host_->taxonomy()[host_->genomes()[0].taxon].taxid);
      host_taxon_ = add_host_taxon(source_, taxid);
    }
    for (std::size_t d = 0; d < existing_.size(); ++d) take_over(d);
    std::ranges::sort(sketched, {}, &SketchedGenome::file);
    for (const SketchedGenome& genome : sketched) {
      const auto taxon = taxon_of(genome);
      if (taxon)
        genomes_.push_back({files_[genome.file].name, genome.record, *taxon, 0, genome.file});
      else
        report_.without_taxon.push_back(files_[genome.file].name);
    }
    std::ranges::stable_sort(genomes_, [](const BuiltGenome& a, const BuiltGenome& b) {
      return a.record.is_host != b.record.is_host ? a.record.is_host > b.record.is_host : a.name < b.name;
    });
    const auto microbe = [](const BuiltGenome& genome) { return genome.record.is_host == 0; };
    if (std::ranges::none_of(genomes_, microbe))
      core::raise({options_.genomes.string(), core::Place::none(), "no genome has a taxon",
                   "Give --genome-taxa with the file names without suffix, or a lineage table"});
    const auto twice = std::ranges::adjacent_find(genomes_, [&](const BuiltGenome& a, const BuiltGenome& b) {
      return microbe(a) && microbe(b) && a.name == b.name;
    });
    if (twice == genomes_.end()) return;
    const BuiltGenome& old = twice->database != 0 ? *twice : *std::next(twice);
    unsuitable(*existing_[old.database - 1], fmt::format("the genome '{}' is in it already", core::printable(old.name)),
               "Keep one of both");
  }

  void take_over(std::size_t number) {
    const Database& database = *existing_[number];
    for (std::size_t g = 0; g < database.genomes().size(); ++g) {
      GenomeRecord record = database.genomes()[g];
      const bool host = record.is_host != 0;
      if (host && &database != host_) continue;
      std::optional<TaxonIndex> taxon = host_taxon_;
      if (!host && source_.numbered_by_us)
        taxon = source_.taxonomy.find(source_.genomes.at(database.genome_name(g)).taxid);
      else if (!host)
        taxon = source_.taxonomy.find(database.taxonomy()[record.taxon].taxid);
      genomes_.push_back({database.genome_name(g), record, taxon.value(), number + 1, g});
      report_.taken_over += host ? 0 : 1;
    }
  }

  /// For each source (files, then databases) the numbers its genomes have in the database.
  [[nodiscard]] std::vector<std::vector<std::uint32_t>> numbers() const {
    std::vector<std::vector<std::uint32_t>> numbers(existing_.size() + 1);
    numbers[0].assign(files_.size(), kLeftOut);
    for (std::size_t d = 0; d < existing_.size(); ++d) numbers[d + 1].assign(existing_[d]->genomes().size(), kLeftOut);
    for (std::size_t g = 0; g < genomes_.size(); ++g)
      numbers[genomes_[g].database][genomes_[g].number] = static_cast<std::uint32_t>(g);
    return numbers;
  }

  BuildReport write(const WorkFolder& work, PackedParts rest, core::OutputFile& out) {
    const auto numbered = numbers();
    std::uint64_t bytes = work.packed_bytes();
    for (const std::string& part : rest) bytes += part.size();
    auto runs = work.runs(numbered[0]);
    runs.push_back(std::make_unique<MemoryRun>(std::move(rest), numbered[0]));
    for (std::size_t d = 0; d < existing_.size(); ++d) {
      runs.push_back(std::make_unique<DatabaseRun>(*existing_[d], numbered[d + 1]));
      bytes += existing_[d]->packed_bytes();
    }
    std::vector<GenomeRecord> records;
    std::vector<TaxonIndex> taxa;
    for (const BuiltGenome& genome : genomes_) {
      records.push_back(genome.record);
      taxa.push_back(genome.taxon);
    }
    report_.has_genome = clades_of(source_.taxonomy, taxa);
    const Taxonomy taxonomy = prune(source_.taxonomy, taxa);
    place(records, taxonomy, taxa);

    io::IndexedFileWriter file(out, std::string(kDatabaseKind), kDatabaseMajor, kDatabaseMinor, context_.version);
    const std::uint64_t always = records[0].is_host != 0 ? rules_.host_threshold : rules_.base_threshold;
    UnitNumbering numbering(
        records, {.base_threshold = rules_.base_threshold, .memory = options_.memory, .folder = spool_folder()},
        context_);
    std::vector<std::uint64_t> ends;
    file.begin_section("kmers");
    numbering.run(runs, bytes, [&](std::string_view packed) {
      file.write(packed);
      ends.push_back((ends.empty() ? 0 : ends.back()) + packed.size());
    });
    file.end_section();
    file.section("kmer_ends", std::span<const std::uint64_t>(ends));
    runs.clear();
    write_taxonomy(file, taxonomy);
    write_genomes(file, records);
    write_index(file, records, numbering, always);
    file.finish();
    fill_report(records, numbering);
    return std::move(report_);
  }

  static void place(std::vector<GenomeRecord>& records, const Taxonomy& taxonomy, const std::vector<TaxonIndex>& taxa) {
    for (std::size_t g = 0; g < records.size(); ++g) {
      records[g].taxon = taxa[g];
      records[g].species = taxonomy.ancestor_of_rank(taxa[g], "species").value_or(taxa[g]);
    }
  }

  /// Beside the work folder, so on the disk of the output.
  [[nodiscard]] fs::path spool_folder() const {
    if (context_.tmpdir) return *context_.tmpdir;
    const fs::path parent = work_folder_.parent_path();
    return parent.empty() ? fs::path(".") : parent;
  }

  static void write_taxonomy(io::IndexedFileWriter& file, const Taxonomy& taxonomy) {
    std::vector<TaxonRecord> taxa;
    std::string text;
    for (const Taxon& node : taxonomy.nodes()) {
      taxa.push_back({node.taxid, node.parent, 0});
      text += fmt::format("{}\t{}\n", node.rank, node.name);
    }
    file.section("taxa", std::span<const TaxonRecord>(taxa));
    file.section("taxon_text", std::span<const char>(text));
  }

  void write_genomes(io::IndexedFileWriter& file, const std::vector<GenomeRecord>& records) const {
    std::string names;
    for (const BuiltGenome& genome : genomes_) names += genome.name + '\n';
    file.section("genomes", std::span<const GenomeRecord>(records));
    file.section("genome_names", std::span<const char>(names));
  }

  void write_index(io::IndexedFileWriter& file, const std::vector<GenomeRecord>& records,
                   const UnitNumbering& numbering, std::uint64_t always) const {
    DatabaseParameters parameters;
    parameters.k = rules_.k;
    parameters.unit_bits = bits_for_units(numbering.units().size() - 1);
    parameters.density = rules_.density;
    parameters.base_threshold = rules_.base_threshold;
    parameters.host_threshold = always;
    parameters.dense_threshold = always;
    for (const GenomeRecord& genome : records)
      parameters.dense_threshold = std::max(parameters.dense_threshold, genome.threshold);
    DatabaseOrigin origin;
    origin.minimum_sampled = rules_.minimum_sampled;
    origin.numbered_by_us = source_.numbered_by_us ? 1 : 0;
    std::vector<std::uint64_t> filter(DenseFilter::word_count(numbering.dense_hashes().size()));
    for (const std::uint64_t hash : numbering.dense_hashes()) DenseFilter::insert(filter, hash);
    file.section("parameters", std::span<const DatabaseParameters>(&parameters, 1));
    file.section("origin", std::span<const DatabaseOrigin>(&origin, 1));
    file.section("set_offsets", numbering.sets().offsets());
    file.section("set_members", numbering.sets().members());
    file.section("units", numbering.units());
    file.section("dense_filter", std::span<const std::uint64_t>(filter));
    file.begin_section("index");
    IndexWriter index(numbering.kmers(), parameters.unit_bits, [&](std::span<const IndexBucket> buckets) {
      file.write({reinterpret_cast<const char*>(buckets.data()), buckets.size_bytes()});
    });
    numbering.for_each([&](std::uint64_t key, UnitIndex unit) { index.insert(key, unit); });
    index.finish();
    file.end_section();
  }

  void fill_report(const std::vector<GenomeRecord>& records, const UnitNumbering& numbering) {
    std::vector<TaxonIndex> species;
    for (const GenomeRecord& genome : records) {
      if (genome.is_host != 0) continue;
      ++report_.genomes;
      report_.bases += genome.length;
      species.push_back(genome.species);
    }
    std::ranges::sort(species);
    report_.species = static_cast<std::uint64_t>(std::ranges::unique(species).begin() - species.begin());
    report_.kmers = numbering.kmers();
    report_.units = numbering.units().size() - 1;
    report_.sets = numbering.sets().offsets().size() - 1;
    report_.density = rules_.density;
    report_.taxonomy = std::move(source_.taxonomy);
  }

  const BuildOptions& options_;
  core::RunContext& context_;
  std::vector<std::unique_ptr<Database>> existing_;
  fs::path work_folder_;
  const Database* host_ = nullptr;  ///< the existing database whose host is taken over
  TaxonomySource source_;
  std::optional<TaxonIndex> host_taxon_;
  std::vector<GenomeFile> files_;  ///< the host, where it is new, first
  SamplingRules rules_;
  std::vector<BuiltGenome> genomes_;
  BuildReport report_;
};

}  // namespace

BuildReport build_database(const BuildOptions& options, core::RunContext& context, core::OutputFile& out) {
  return Builder(options, context).run(out);
}

}  // namespace immucan::microbiome
