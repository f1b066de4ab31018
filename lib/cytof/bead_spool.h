#pragma once
// The beads of one file and the curve fitted to them, however many they are, in a fixed amount of memory: both lie in
// temporary files and are read in order.
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cytof/bead_normalisation.h"
#include "io/temporary_file.h"

namespace immucan::cytof {

/// Gated beads in acquisition order: event, Time, and intensities as float32 (what the instrument writes).
class BeadSpool {
 public:
  BeadSpool(std::size_t channels, std::filesystem::path folder);
  void add(std::uint64_t event, double time, std::span<const double> intensities);
  [[nodiscard]] std::uint64_t size() const { return records_.size(); }
  [[nodiscard]] std::size_t channels() const { return channels_; }
  /// Time never falls.
  [[nodiscard]] bool in_time_order() const { return in_order_; }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  /// All beads in memory.
  [[nodiscard]] BeadEvents load() const;

  /// A cursor: next(), then the bead.
  class Reader {
   public:
    explicit Reader(const BeadSpool& spool);
    bool next();
    std::uint64_t event = 0;
    double time = 0;
    std::vector<double> intensities;

   private:
    const BeadSpool* spool_;
    std::uint64_t read_ = 0;
    std::vector<char> buffer_;
    std::size_t held_ = 0, at_ = 0;
  };

 private:
  std::size_t channels_;
  std::filesystem::path folder_;
  io::RecordSpool records_;
  std::vector<char> record_;
  bool in_order_ = true;
  double previous_ = -std::numeric_limits<double>::infinity();
};

/// Correction factor over Time, as SlopeCurve, read from a spool of knots: fast while Time moves on slowly.
class SpooledCurve {
 public:
  explicit SpooledCurve(std::filesystem::path folder);
  /// In rising order of time.
  void add(double time, double slope);
  [[nodiscard]] double at(double time);
  [[nodiscard]] std::uint64_t size() const { return knots_.size(); }
  [[nodiscard]] double lowest() const { return lowest_; }
  [[nodiscard]] double highest() const { return highest_; }

 private:
  void load(std::uint64_t first);
  void seek(double time);
  io::RecordSpool knots_;
  std::vector<double> part_;      ///< time, slope, time, slope …
  std::uint64_t part_first_ = 0;  ///< knot that part_ begins with
  std::size_t cursor_ = 0;        ///< knot of the part at or before the last time asked for
  double lowest_ = std::numeric_limits<double>::infinity();
  double highest_ = -std::numeric_limits<double>::infinity();
};

/// The same knots as fit_slopes(), to the bit. Memory: a few windows of beads; where Time falls (never with kFinck) all
/// beads, because their knots must be sorted.
[[nodiscard]] SpooledCurve fit_spooled_slopes(BeadMethod method, const BeadSpool& beads,
                                              std::span<const double> baseline, std::size_t window);

/// Medians per channel over the beads of all files; with `curves` (one per file) of the normalised beads.
[[nodiscard]] std::vector<double> spooled_medians(std::span<const BeadSpool* const> files,
                                                  std::span<SpooledCurve* const> curves = {});

/// As bead_baseline().
[[nodiscard]] std::vector<double> spooled_baseline(BeadMethod method, std::span<const BeadSpool* const> files);

/// As BeadDistance::fit().
[[nodiscard]] std::optional<BeadDistance> fit_spooled_distance(const BeadSpool& beads, SpooledCurve& curve);

}  // namespace immucan::cytof
