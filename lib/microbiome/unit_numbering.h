#pragma once
// The second half of a build: all runs are read part by part, the occurrences of each k-mer become its genome set and
// its unit.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/run_context.h"
#include "io/temporary_file.h"
#include "microbiome/database.h"
#include "microbiome/genome_set.h"
#include "microbiome/kmer_runs.h"

namespace immucan::microbiome {

struct NumberingOptions {
  std::uint64_t base_threshold = 0;  ///< hashes below are kept whatever holds them
  std::uint64_t memory = 0;          ///< bytes for k-mers on their way
  std::filesystem::path folder;      ///< where what does not fit in memory waits
};

/// Numbers units in the order of the k-mers' keys, so that they depend on the genomes alone.
class UnitNumbering {
 public:
  using PartSink = std::function<void(std::string_view packed)>;
  /// `genomes` as in the database; their numbers of k-mers are filled in.
  UnitNumbering(std::vector<GenomeRecord>& genomes, NumberingOptions options, core::RunContext& context);
  /// Gives `sink` each part, packed: sorted, each k-mer once per genome, without those that only the filter's false
  /// positives let through.
  void run(const std::vector<std::unique_ptr<KmerRun>>& runs, std::uint64_t packed_bytes, const PartSink& sink);

  [[nodiscard]] std::uint64_t kmers() const { return numbered_.size(); }
  [[nodiscard]] std::span<const UnitRecord> units() const { return units_; }
  [[nodiscard]] const GenomeSets& sets() const { return sets_; }
  /// Hashes that are kept for the sake of small genomes.
  [[nodiscard]] const std::vector<std::uint64_t>& dense_hashes() const { return dense_; }
  /// Every k-mer's key and unit, by key.
  void for_each(const std::function<void(std::uint64_t key, UnitIndex unit)>& visit) const;

 private:
  struct Part;
  void collect(const std::vector<std::unique_ptr<KmerRun>>& runs, Part& part) const;
  void number(const Part& part);
  UnitIndex unit_of(std::span<const std::uint32_t> members, std::uint32_t bin);

  struct Numbered {
    std::uint64_t key = 0;
    std::uint32_t unit = 0, spare = 0;
  };
  std::vector<GenomeRecord>& genomes_;
  NumberingOptions options_;
  core::RunContext& context_;
  GenomeSets sets_;
  NumberMap shared_units_;
  std::vector<UnitIndex> single_units_;  ///< per stretch: the unit of k-mers that only its genome holds
  std::vector<UnitRecord> units_;
  std::vector<std::uint64_t> dense_;
  io::RecordSpool numbered_;
};

}  // namespace immucan::microbiome
