#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <utility>

#include "core/error.h"
#include "core/ordered_batches.h"
#include "microbiome/database.h"
#include "microbiome/database_format.h"
#include "microbiome/genome_input.h"
#include "microbiome/genome_set.h"
#include "sequence/sketch.h"

namespace immucan::microbiome {

namespace {

constexpr double kDensestBase = 16, kSparsestBase = 200;
/// Sampled k-mers beyond which the default density becomes sparser: 2^29 of them are about 5 GB of index.
constexpr double kSampledBudget = 536870912.0;
constexpr std::size_t kPartitions = 256;

/// A sampled k-mer of one genome.
struct Occurrence {
  std::uint64_t hash;
  std::uint32_t genome;
  std::uint32_t bin;
};

struct Sketch {
  std::size_t file = 0;
  GenomeRecord record;
  std::uint64_t header_taxid = 0;
  std::uint64_t span = 0;                    ///< length with ambiguous bases
  std::vector<sequence::SampledKmer> kmers;  ///< ascending hash, each once, at its first position
};

/// Reduces a taxonomy to the given nodes and what lies above them; `taxa` are renumbered.
Taxonomy prune(const Taxonomy& full, std::vector<TaxonIndex>& taxa) {
  std::vector<TaxonIndex> renumbered(full.size(), std::numeric_limits<TaxonIndex>::max());
  std::vector<char> keep(full.size());
  keep[0] = 1;
  for (TaxonIndex taxon : taxa)
    for (; keep[taxon] == 0; taxon = full[taxon].parent) keep[taxon] = 1;
  std::vector<Taxon> nodes;
  std::vector<std::uint64_t> parents;
  for (TaxonIndex i = 0; i < full.size(); ++i) {
    if (keep[i] == 0) continue;
    renumbered[i] = static_cast<TaxonIndex>(nodes.size());
    nodes.push_back(full[i]);
    parents.push_back(full[full[i].parent].taxid);
  }
  for (TaxonIndex& taxon : taxa) taxon = renumbered[taxon];
  return Taxonomy::from_nodes(std::move(nodes), parents, {}, "taxonomy");
}

/// The taxonomy with one more node below the root.
Taxonomy with_node(const Taxonomy& full, Taxon node) {
  std::vector<Taxon> nodes = full.nodes();
  std::vector<std::uint64_t> parents;
  for (const Taxon& old : nodes) parents.push_back(full[old.parent].taxid);
  nodes.push_back(std::move(node));
  parents.push_back(full[0].taxid);
  return Taxonomy::from_nodes(std::move(nodes), parents, {}, "taxonomy");
}

struct TaxonomySource {
  Taxonomy taxonomy;
  GenomeTaxa genomes;
  bool numbered_by_us = false;
};

TaxonomySource read_taxonomy(const BuildOptions& options, core::RunContext& context) {
  const int given =
      int(options.taxonomy.has_value()) + int(options.gtdb.has_value()) + int(options.lineages.has_value());
  if (given != 1) core::raise_usage("give one of --taxonomy, --gtdb and --lineages");
  TaxonomySource source;
  if (options.taxonomy) {
    source.taxonomy = read_ncbi_taxonomy(*options.taxonomy, context);
    if (options.genome_taxa) source.genomes = read_genome_taxa(io::open_source(*options.genome_taxa, context));
    return source;
  }
  if (options.genome_taxa) core::raise_usage("--genome-taxa goes with --taxonomy only");
  LineageTable table = options.gtdb ? read_gtdb(io::open_source(*options.gtdb, context))
                                    : read_lineages(io::open_source(*options.lineages, context));
  source.taxonomy = std::move(table.taxonomy);
  source.genomes = std::move(table.genomes);
  source.numbered_by_us = true;
  return source;
}

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

/// Sampling threshold of a genome with that many k-mers: the base density, or denser when it would get too few.
std::uint64_t genome_threshold(std::uint64_t kmers, double density, std::int64_t minimum) {
  // A quarter more than asked: the number sampled varies by its square root.
  const double wanted = static_cast<double>(kmers) / (1.25 * static_cast<double>(std::max<std::int64_t>(minimum, 1)));
  return sequence::sampling_threshold(std::min(density, wanted));
}

/// Stretches of a genome: short enough to tell an even spread of reads from a few shared genes, long enough to be few.
std::uint64_t bin_length(std::uint64_t span) {
  return std::clamp<std::uint64_t>(span / 200, 500, 10000);
}

class Builder {
 public:
  Builder(const BuildOptions& options, core::RunContext& context) : options_(options), context_(context) {}

  BuildReport run(core::OutputFile& out) {
    check_options();
    source_ = read_taxonomy(options_, context_);
    files_ = list_genomes(options_.genomes, context_);
    choose_density();
    if (options_.host)
      files_.insert(files_.begin(), {"host", *options_.host, std::filesystem::file_size(*options_.host)});
    sketch_small_genomes();
    add_host_taxon();
    sketch_all();
    if (genomes_.size() == (options_.host ? 1U : 0U))
      core::raise({options_.genomes.string(), core::Place::none(), "no genome has a taxon",
                   "Give --genome-taxa with the file names without suffix, or a lineage table"});
    number_units();
    return write(out);
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

  void choose_density() {
    if (options_.host) {
      std::error_code error;
      if (!std::filesystem::is_regular_file(*options_.host, error))
        core::raise_input_errno(options_.host->string(), "opening", error ? error.value() : ENOENT);
      auto all = files_;
      all.push_back({"host", *options_.host, std::filesystem::file_size(*options_.host)});
      density_ = base_density(options_, all);
    } else {
      density_ = base_density(options_, files_);
    }
    base_threshold_ = sequence::sampling_threshold(density_);
    dense_threshold_ = base_threshold_;
  }

  [[nodiscard]] bool is_host(std::size_t file) const { return options_.host && file == 0; }
  [[nodiscard]] unsigned k() const { return static_cast<unsigned>(options_.kmer_length); }

  /// Finds the genomes that need denser sampling and enters their extra k-mers in the filter, so that the second pass
  /// keeps these k-mers wherever else they occur.
  void sketch_small_genomes() {
    const double limit = 1.3 * density_ * static_cast<double>(options_.minimum_sampled) * 1.25 + 4096;
    std::vector<std::size_t> small;
    for (std::size_t i = 0; i < files_.size(); ++i)
      if (!is_host(i) && static_cast<double>(files_[i].bytes) < limit) small.push_back(i);
    std::vector<std::uint64_t> dense;
    struct Batch {
      std::size_t file = 0;
      std::vector<std::uint64_t> hashes;
      std::uint64_t threshold = 0;
    };
    std::size_t next = 0;
    core::ordered_batches<Batch>(
        {.threads = context_.threads, .interrupt = &context_.interrupt},
        [&](Batch& batch) {
          if (next == small.size()) return false;
          batch.file = small[next++];
          return true;
        },
        [&](Batch& batch) {
          std::vector<sequence::SampledKmer> all;
          batch.hashes.clear();
          bool too_large = false;
          read_genome(files_[batch.file].path, context_, [&](std::string_view contig) {
            too_large = too_large || all.size() > 4'000'000;
            if (!too_large) sequence::sample_kmers(contig, k(), std::numeric_limits<std::uint64_t>::max(), 0, all);
          });
          batch.threshold = too_large ? 0 : genome_threshold(all.size(), density_, options_.minimum_sampled);
          if (batch.threshold <= base_threshold_) return;
          for (const auto& kmer : all)
            if (kmer.hash >= base_threshold_ && kmer.hash < batch.threshold) batch.hashes.push_back(kmer.hash);
        },
        [&](Batch& batch) {
          if (batch.threshold <= base_threshold_) return;
          dense_threshold_ = std::max(dense_threshold_, batch.threshold);
          dense.insert(dense.end(), batch.hashes.begin(), batch.hashes.end());
        });
    filter_words_.assign(DenseFilter::word_count(dense.size()), 0);
    for (const std::uint64_t hash : dense) DenseFilter::insert(filter_words_, hash);
  }

  void sketch_file(Sketch& sketch) const {
    const std::size_t file = sketch.file;
    sketch.record = {};
    const DenseFilter filter(filter_words_);
    std::uint64_t offset = 0, kmers = 0;
    std::vector<sequence::SampledKmer> sampled;
    const GenomeContents contents = read_genome(files_[file].path, context_, [&](std::string_view contig) {
      sequence::for_each_canonical_kmer(contig, k(), [&](std::uint64_t kmer, std::size_t end) {
        ++kmers;
        const std::uint64_t hash = sequence::hash_kmer(kmer);
        if (hash < dense_threshold_ && (hash < base_threshold_ || filter.may_contain(hash))) [[unlikely]]
          sampled.push_back({hash, offset + end + 1 - k()});
      });
      offset += contig.size();
    });
    std::ranges::sort(sampled, [](const auto& a, const auto& b) {
      return a.hash != b.hash ? a.hash < b.hash : a.position < b.position;
    });
    const auto repeated = std::ranges::unique(sampled, {}, &sequence::SampledKmer::hash);
    sampled.erase(repeated.begin(), repeated.end());
    sketch.kmers = std::move(sampled);
    sketch.record.length = contents.bases;
    sketch.record.contigs = contents.contigs;
    sketch.record.threshold =
        is_host(file) ? base_threshold_ : genome_threshold(kmers, density_, options_.minimum_sampled);
    sketch.record.is_host = is_host(file) ? 1 : 0;
    sketch.header_taxid = contents.header_taxid;
    sketch.span = offset;
  }

  void add_host_taxon() {
    if (!options_.host) return;
    auto taxid = static_cast<std::uint64_t>(options_.host_taxid);
    if (source_.numbered_by_us) {
      taxid = 0;
      for (const Taxon& node : source_.taxonomy.nodes()) taxid = std::max(taxid, node.taxid);
      ++taxid;
    }
    if (!source_.taxonomy.find(taxid)) source_.taxonomy = with_node(source_.taxonomy, {taxid, 0, "species", "host"});
    host_taxon_ = *source_.taxonomy.find(taxid);
  }

  [[nodiscard]] std::optional<TaxonIndex> taxon_of(const Sketch& sketch) const {
    if (is_host(sketch.file)) return host_taxon_;
    if (const auto entry = source_.genomes.find(files_[sketch.file].name); entry != source_.genomes.end()) {
      if (const auto taxon = source_.taxonomy.find(entry->second.taxid)) return taxon;
      return source_.taxonomy.find(entry->second.species_taxid);
    }
    return source_.genomes.empty() ? source_.taxonomy.find(sketch.header_taxid) : std::nullopt;
  }

  /// Reads every genome once; k-mers go to partitions by hash, in the order of the genomes.
  void sketch_all() {
    partitions_.resize(kPartitions);
    std::size_t next = 0;
    std::uint64_t next_bin = 0;
    core::ordered_batches<Sketch>(
        {.threads = context_.threads, .interrupt = &context_.interrupt},
        [&](Sketch& sketch) {
          if (next == files_.size()) return false;
          sketch.file = next++;
          return true;
        },
        [&](Sketch& sketch) { sketch_file(sketch); },
        [&](Sketch& sketch) {
          const auto taxon = taxon_of(sketch);
          if (!taxon) {
            report_.without_taxon.push_back(files_[sketch.file].name);
            return;
          }
          add_genome(sketch, *taxon, next_bin);
          context_.progress.update("genomes", next, files_.size());
        });
    context_.progress.finish();
  }

  void add_genome(Sketch& sketch, TaxonIndex taxon, std::uint64_t& next_bin) {
    GenomeRecord& record = sketch.record;
    const std::uint64_t stretch = bin_length(sketch.span);
    record.bins = static_cast<std::uint32_t>(is_host(sketch.file) ? 1 : sketch.span / stretch + 1);
    record.first_bin = static_cast<std::uint32_t>(next_bin);
    next_bin += record.bins;
    if (next_bin > std::numeric_limits<std::uint32_t>::max())
      throw core::Error(core::Status::kOsLimit, "the genomes are too many for one database. Split them in two.");
    const auto genome = static_cast<std::uint32_t>(genomes_.size());
    for (const auto& kmer : sketch.kmers) {
      const std::uint64_t bin = is_host(sketch.file) ? 0 : kmer.position / stretch;
      // The same multiplier as the index: the top bits of sampled hashes are zero.
      partitions_[(kmer.hash * 0x9e3779b97f4a7c15ULL) >> 56].push_back(
          {kmer.hash, genome, record.first_bin + static_cast<std::uint32_t>(bin)});
    }
    genomes_.push_back(record);
    genome_taxa_.push_back(taxon);
    genome_names_.push_back(files_[sketch.file].name);
    report_.bases += is_host(sketch.file) ? 0 : record.length;
  }

  /// Groups the occurrences of each k-mer into its genome set and unit, and drops k-mers that only the filter's false
  /// positives let through.
  void number_units() {
    GenomeSets sets(static_cast<std::uint32_t>(genomes_.size()));
    core::parallel_for(
        context_.threads, kPartitions,
        [&](std::size_t p) {
          std::ranges::sort(partitions_[p], [](const Occurrence& a, const Occurrence& b) {
            return a.hash != b.hash ? a.hash < b.hash : a.genome < b.genome;
          });
        },
        &context_.interrupt);
    NumberMap units;
    units_.push_back({});
    std::vector<std::uint32_t> members;
    for (auto& partition : partitions_) {
      context_.interrupt.check();
      std::size_t kept = 0;
      for (std::size_t begin = 0, end = 0; begin < partition.size(); begin = end) {
        const Occurrence first = partition[begin];
        members.clear();
        bool wanted = first.hash < base_threshold_;
        for (end = begin; end < partition.size() && partition[end].hash == first.hash; ++end) {
          members.push_back(partition[end].genome);
          wanted = wanted || first.hash < genomes_[partition[end].genome].threshold;
        }
        if (!wanted) continue;
        const std::uint32_t set = sets.intern(members);
        const auto next = static_cast<std::uint32_t>(units_.size());
        const std::uint32_t unit = units.find_or_insert((std::uint64_t{set} << 32) | first.bin, next);
        if (unit == next) units_.push_back({set, first.bin, 0});
        ++units_[unit].kmers;
        for (const std::uint32_t genome : members) ++genomes_[genome].kmers;
        partition[kept++] = {first.hash, unit, 0};  // from here on: hash and unit
      }
      partition.resize(kept);
      report_.kmers += kept;
    }
    set_offsets_.assign(sets.offsets().begin(), sets.offsets().end());
    set_members_.assign(sets.members().begin(), sets.members().end());
    if (units_.size() >= (std::uint64_t{1} << 31))
      throw core::Error(core::Status::kOsLimit, "the genomes are too many for one database. Split them in two.");
  }

  BuildReport write(core::OutputFile& out) {
    const Taxonomy taxonomy = prune(source_.taxonomy, genome_taxa_);
    std::vector<char> species_seen(taxonomy.size());
    for (std::size_t i = 0; i < genomes_.size(); ++i) {
      genomes_[i].taxon = genome_taxa_[i];
      genomes_[i].species = taxonomy.ancestor_of_rank(genome_taxa_[i], "species").value_or(genome_taxa_[i]);
      if (genomes_[i].is_host == 0 && std::exchange(species_seen[genomes_[i].species], 1) == 0) ++report_.species;
    }
    DatabaseParameters parameters;
    parameters.k = k();
    parameters.unit_bits = bits_for_units(units_.size() - 1);
    parameters.density = density_;
    parameters.base_threshold = base_threshold_;
    parameters.dense_threshold = dense_threshold_;
    IndexBuilder index(report_.kmers, parameters.unit_bits);
    for (auto& partition : partitions_) {
      for (const Occurrence& entry : partition) index.insert(entry.hash, entry.genome);
      std::vector<Occurrence>().swap(partition);
    }
    std::vector<TaxonRecord> taxa;
    std::string taxon_text, names;
    for (const Taxon& node : taxonomy.nodes()) {
      taxa.push_back({node.taxid, node.parent, 0});
      taxon_text += fmt::format("{}\t{}\n", node.rank, node.name);
    }
    for (const std::string& name : genome_names_) names += name + '\n';
    io::IndexedFileWriter file(out, std::string(kDatabaseKind), kDatabaseMajor, kDatabaseMinor, context_.version);
    file.section("parameters", std::span<const DatabaseParameters>(&parameters, 1));
    file.section("taxa", std::span<const TaxonRecord>(taxa));
    file.section("taxon_text", std::span<const char>(taxon_text));
    file.section("genomes", std::span<const GenomeRecord>(genomes_));
    file.section("genome_names", std::span<const char>(names));
    file.section("set_offsets", std::span<const std::uint64_t>(set_offsets_));
    file.section("set_members", std::span<const std::uint32_t>(set_members_));
    file.section("units", std::span<const UnitRecord>(units_));
    file.section("dense_filter", std::span<const std::uint64_t>(filter_words_));
    file.section("index", std::span<const IndexBucket>(index.buckets()));
    file.finish();
    report_.genomes = genomes_.size() - (options_.host ? 1 : 0);
    report_.units = units_.size() - 1;
    report_.sets = set_offsets_.size() - 1;
    report_.density = density_;
    return std::move(report_);
  }

  const BuildOptions& options_;
  core::RunContext& context_;
  TaxonomySource source_;
  TaxonIndex host_taxon_ = 0;
  std::vector<GenomeFile> files_;  ///< the host, where there is one, first
  double density_ = 0;
  std::uint64_t base_threshold_ = 0, dense_threshold_ = 0;
  std::vector<std::uint64_t> filter_words_;
  std::vector<GenomeRecord> genomes_;
  std::vector<TaxonIndex> genome_taxa_;
  std::vector<std::string> genome_names_;
  std::vector<std::vector<Occurrence>> partitions_;
  std::vector<UnitRecord> units_;
  std::vector<std::uint64_t> set_offsets_;
  std::vector<std::uint32_t> set_members_;
  BuildReport report_;
};

}  // namespace

BuildReport build_database(const BuildOptions& options, core::RunContext& context, core::OutputFile& out) {
  return Builder(options, context).run(out);
}

}  // namespace immucan::microbiome
