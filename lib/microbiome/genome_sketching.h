#pragma once
// Sampling the k-mers of genomes: which k-mers are kept, and the pass over the files.
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <vector>

#include "core/run_context.h"
#include "microbiome/genome_input.h"
#include "microbiome/kmer_runs.h"
#include "microbiome/work_folder.h"

namespace immucan::microbiome {

/// Which k-mers are kept.
struct SamplingRules {
  unsigned k = 31;
  double density = 16;  ///< one k-mer in this many
  std::int64_t minimum_sampled = 1000;
  std::uint64_t base_threshold = 0;           ///< hashes below are kept of every genome,
  std::uint64_t host_threshold = 0;           ///< those below of the host,
  std::uint64_t dense_threshold = 0;          ///< and those below this one where the filter has them
  std::vector<std::uint64_t> filter_words{};  ///< DenseFilter of the k-mers that small genomes keep besides
};

/// The densest sampling of a host: a pair of reads with usual errors holds eight k-mers of it then.
inline constexpr double kHostDensity = 25;

[[nodiscard]] SamplingRules sampling_rules(unsigned k, double density, std::int64_t minimum_sampled);

/// Adds the k-mers of another filter to `words`.
void add_to_filter(std::vector<std::uint64_t>& words, std::span<const std::uint64_t> other);

struct GenomeTask {
  std::uint64_t file = 0;  ///< number in the list of files
  bool is_host = false;
};

/// First pass, over the small genomes only: finds those that need denser sampling and enters their additional k-mers in
/// the filter, so that the second pass keeps these wherever else they occur. Returns how many such genomes there are.
std::uint64_t find_dense_kmers(const std::vector<GenomeFile>& files, std::span<const GenomeTask> genomes,
                               SamplingRules& rules, core::RunContext& context);

/// Where the occurrences go: a buffer, and a run in the work folder whenever it is full. Thread-safe.
class RunCollector {
 public:
  RunCollector(std::uint64_t memory, WorkFolder& folder, core::RunContext& context);
  void append(std::span<const Occurrence> occurrences);
  void finish(const SketchedGenome& genome);
  /// What is left in memory, packed.
  PackedParts take_rest();
  /// All genomes, those of earlier runs too.
  [[nodiscard]] const std::vector<SketchedGenome>& genomes() const { return genomes_; }

 private:
  WorkFolder& folder_;
  core::RunContext& context_;
  std::uint64_t buffer_bytes_;
  std::mutex filling_, writing_;
  OccurrenceBuffer buffer_;
  std::vector<SketchedGenome> finished_, genomes_;  ///< since the last run; in all
};

/// Second pass: reads every genome once. The numbers of genomes in the occurrences are those of their files.
void sketch_genomes(const std::vector<GenomeFile>& files, std::span<const GenomeTask> genomes,
                    const SamplingRules& rules, RunCollector& collector, core::RunContext& context);

}  // namespace immucan::microbiome
