#pragma once
// What a build lays down beside its output while it runs, so that an interrupted one goes on where it stopped.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/run_context.h"
#include "microbiome/database.h"
#include "microbiome/kmer_runs.h"

namespace immucan::microbiome {

/// A genome that was read to its end.
struct SketchedGenome {
  std::uint64_t file = 0;  ///< number in the list of files
  std::uint64_t header_taxid = 0;
  GenomeRecord record;
};

/// A folder with `plan` (what is being built of what) and run.0, run.1 … (packed k-mers and the genomes that are
/// complete with them). It is made when the first run is written.
class WorkFolder {
 public:
  /// Takes over the runs of an interrupted build with the same `plan`; those of another plan are removed, with a
  /// warning. 73 where the folder is in use or is no work folder; 65 where a run is damaged.
  WorkFolder(std::filesystem::path folder, std::string plan, core::RunContext& context);
  ~WorkFolder();

  /// Genomes that need not be read again.
  [[nodiscard]] const std::vector<SketchedGenome>& finished() const { return finished_; }
  /// Writes a run. Runs count only in the order they were written in.
  void add(const PackedParts& parts, std::span<const SketchedGenome> finished);
  /// All runs, genomes renumbered from numbers of files.
  [[nodiscard]] std::vector<std::unique_ptr<KmerRun>> runs(const std::vector<std::uint32_t>& numbers) const;
  [[nodiscard]] std::uint64_t packed_bytes() const { return packed_bytes_; }
  /// Removes the work folder `folder`, once the database is in its place.
  static void remove(const std::filesystem::path& folder);

 private:
  void begin();
  void lock();

  std::filesystem::path folder_;
  std::string plan_;
  core::RunContext& context_;
  std::vector<SketchedGenome> finished_;
  std::size_t runs_ = 0;
  std::uint64_t packed_bytes_ = 0;
  int lock_ = -1;
};

}  // namespace immucan::microbiome
