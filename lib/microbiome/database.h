#pragma once
// The database of microbiome-profile: sampled k-mers of reference genomes and host in one table, with the taxonomy.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/output.h"
#include "core/run_context.h"
#include "io/indexed_file.h"
#include "microbiome/kmer_index.h"
#include "microbiome/taxonomy.h"

namespace immucan::microbiome {

inline constexpr std::string_view kDatabaseKind = "microbiome-db";
inline constexpr std::uint32_t kDatabaseMajor = 1;
inline constexpr std::uint32_t kDatabaseMinor = 2;

// ---- what lies in the file ------------------------------------------------------------------------------------------

struct DatabaseParameters {
  std::uint32_t k = 31;
  std::uint32_t unit_bits = 1;
  double density = 16;                ///< one k-mer in `density` of large genomes and host
  std::uint64_t base_threshold = 0;   ///< hashes below are sampled of every genome,
  std::uint64_t dense_threshold = 0;  ///< those below this one of small genomes: the dense filter tells
  std::uint64_t host_threshold = 0;   ///< and those below this one of the host; 0 in files of format 1.1
  /// Hashes below are looked up without asking the filter.
  [[nodiscard]] std::uint64_t always_threshold() const { return std::max(base_threshold, host_threshold); }
};

/// How a database was made, for those who add to it; files before format 1.2 lack it.
struct DatabaseOrigin {
  std::int64_t minimum_sampled = 1000;
  std::uint32_t numbered_by_us = 0;  ///< 1: taxids are of lineages, not of NCBI's taxonomy
  std::uint32_t reserved = 0;
};

struct GenomeRecord {
  std::uint64_t length = 0;     ///< bases, all contigs, without ambiguous ones
  std::uint64_t kmers = 0;      ///< distinct sampled k-mers
  std::uint64_t threshold = 0;  ///< its own sampling threshold
  TaxonIndex taxon = 0;         ///< its own node in the database's taxonomy
  TaxonIndex species = 0;       ///< the species above, or `taxon` where there is none
  std::uint32_t first_bin = 0;  ///< bins are stretches of the genome, numbered through over all genomes
  std::uint32_t bins = 0;
  std::uint32_t is_host = 0;
  std::uint32_t contigs = 0;  ///< sequences with a base A, C, G or T; 0 in files of format 1.0
};

/// All k-mers of the database that lie in the same genomes and in the same bin of the first of them.
struct UnitRecord {
  std::uint32_t set = 0;
  std::uint32_t bin = 0;
  std::uint32_t kmers = 0;
};

/// A loaded database. Everything is checked on load, so that users may index without bounds checks.
class Database {
 public:
  /// 65 with the remedy "build again" on another kind or version, truncation or a flipped byte.
  /// `map`: shared with other processes instead of read into memory.
  Database(const std::filesystem::path& path, core::RunContext& context, bool map = false);

  [[nodiscard]] const std::string& name() const { return name_; }  ///< of the file
  [[nodiscard]] std::uint32_t format_minor() const { return file_.format_minor(); }
  [[nodiscard]] std::string tool_version() const { return file_.tool_version(); }
  [[nodiscard]] const DatabaseOrigin& origin() const { return origin_; }
  /// Whether the sampled k-mers of the genomes lie in the file, so that others can be added.
  [[nodiscard]] bool has_kmers() const { return file_.has("kmers"); }
  /// Packed occurrences of one part (kmer_runs.h). Mapped files only. 65 where there are none.
  [[nodiscard]] std::string_view packed_kmers(std::size_t part) const;
  [[nodiscard]] std::uint64_t packed_bytes() const { return packed_kmers_.size(); }
  [[nodiscard]] std::span<const std::uint64_t> filter_words() const {
    return file_.section<std::uint64_t>("dense_filter");
  }
  /// Gives back the memory of a mapped file.
  void release() const { file_.release(); }
  /// Does so when more than kMostResident of this program's memory is of files: every lookup in a large index brings in
  /// another page, of which the kernel maps sixteen at a time.
  void keep_resident() const;
  static constexpr std::uint64_t kMostResident = std::uint64_t{3} << 29;  ///< 1.5 GiB

  [[nodiscard]] const DatabaseParameters& parameters() const { return parameters_; }
  [[nodiscard]] const Taxonomy& taxonomy() const { return taxonomy_; }
  [[nodiscard]] std::span<const GenomeRecord> genomes() const { return genomes_; }
  [[nodiscard]] const std::string& genome_name(std::size_t genome) const { return genome_names_[genome]; }
  [[nodiscard]] std::size_t sets() const { return set_offsets_.size() - 1; }
  [[nodiscard]] std::span<const std::uint32_t> set(std::size_t number) const {
    return set_members_.subspan(set_offsets_[number], set_offsets_[number + 1] - set_offsets_[number]);
  }
  /// The species that all genomes of a set are of, or kMixed.
  static constexpr TaxonIndex kMixed = 0xffffffff;
  [[nodiscard]] TaxonIndex set_species(std::size_t number) const { return set_species_[number]; }
  /// Units by number; number 0 is a placeholder.
  [[nodiscard]] std::span<const UnitRecord> units() const { return units_; }
  [[nodiscard]] std::uint32_t bins() const { return bins_; }
  [[nodiscard]] const KmerIndex& index() const { return index_; }
  [[nodiscard]] const DenseFilter& dense_filter() const { return filter_; }
  [[nodiscard]] bool has_host() const { return !genomes_.empty() && genomes_[0].is_host != 0; }
  [[nodiscard]] std::string digest() const { return file_.digest(); }

 private:
  void load_taxonomy(const std::string& name);
  void load_kmers(const std::string& name, bool map);
  void check(const std::string& name) const;
  void find_set_species();

  std::string name_;
  bool map_;
  io::IndexedFile file_;
  DatabaseParameters parameters_;
  DatabaseOrigin origin_;
  std::string_view packed_kmers_;
  std::span<const std::uint64_t> packed_ends_;
  Taxonomy taxonomy_;
  std::span<const GenomeRecord> genomes_;
  std::vector<std::string> genome_names_;
  std::span<const std::uint64_t> set_offsets_;
  std::span<const std::uint32_t> set_members_;
  std::vector<TaxonIndex> set_species_;
  std::span<const UnitRecord> units_;
  std::uint32_t bins_ = 0;
  KmerIndex index_;
  DenseFilter filter_;
};

// ---- building -------------------------------------------------------------------------------------------------------

struct BuildOptions {
  std::filesystem::path genomes;  ///< a folder of FASTA files, a list of them, or a table with columns genome and file
  std::optional<std::filesystem::path> taxonomy;  ///< folder of nodes.dmp and names.dmp
  std::optional<std::filesystem::path> genome_taxa;
  std::optional<std::filesystem::path> gtdb;
  std::optional<std::filesystem::path> lineages;
  std::optional<std::filesystem::path> host;
  /// Databases whose genomes are taken over as they are. With `genomes` empty these alone are joined.
  std::vector<std::filesystem::path> existing{};
  std::int64_t host_taxid = 9606;
  std::int64_t kmer_length = 31;
  double density = 0;                   ///< one k-mer in this many; 0 = from the size of the genomes, 16 to 200
  std::int64_t minimum_sampled = 1000;  ///< k-mers that a small genome gets at least, where it has them
  /// Bytes for k-mers on their way; what is more waits in files.
  std::uint64_t memory = std::uint64_t{32} << 20;
  /// Made when the memory does not suffice, and left behind by an interrupted build, which then goes on from there.
  std::filesystem::path work_folder{};
};

struct BuildReport {
  std::uint64_t genomes = 0, species = 0, bases = 0, kmers = 0, units = 0, sets = 0;
  std::uint64_t taken_over = 0;  ///< genomes of existing databases
  /// New genomes with k-mers that were not looked for in the genomes of existing databases.
  std::uint64_t newly_dense = 0;
  double density = 0;
  std::vector<std::string> without_taxon;  ///< left out
  Taxonomy taxonomy;                       ///< as it was given
  std::vector<char> has_genome;            ///< per node of `taxonomy`: a genome is in its clade
};

/// Builds and writes the database. Memory: `options.memory`, the sampled k-mers of one genome per thread, and what the
/// result takes without its index and k-mers (36 bytes per unit, the taxonomy). The bytes written depend neither on the
/// number of threads nor on the memory, nor on which genomes were taken over from databases with the same parameters,
/// as long as `newly_dense` is 0. The caller removes the work folder (WorkFolder::remove) when the output is in place.
BuildReport build_database(const BuildOptions& options, core::RunContext& context, core::OutputFile& out);

}  // namespace immucan::microbiome
