#pragma once
// Which events of a file are calibration beads: by an automatic gate, by gates drawn by a person, or given as a file.
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/run_context.h"
#include "cytof/bead_normalisation.h"
#include "cytof/bead_spool.h"
#include "cytof/given_gates.h"
#include "io/fcs.h"

namespace immucan::cytof {

/// Fewer beads than this give no trustworthy factor at all.
inline constexpr std::size_t kFewestBeads = 10;

/// Columns of one file that normalisation needs, as positions in the file.
struct BeadColumns {
  std::size_t time = 0;
  std::vector<std::size_t> beads, dna;  ///< dna: Ir191 and Ir193, those that are there
  /// Time, beads, DNA: what the first passes decode.
  [[nodiscard]] std::vector<std::size_t> all() const;
};
/// 65 when Time or a mass is not in the panel.
[[nodiscard]] BeadColumns bead_columns(const io::FcsFile& file, const std::vector<int>& masses);

/// Rows of the beads in a file, rising.
class RowSpool {
 public:
  explicit RowSpool(std::filesystem::path folder) : records_(sizeof(std::uint64_t), std::move(folder)) {}
  void add(std::uint64_t row);
  [[nodiscard]] std::uint64_t size() const { return records_.size(); }

  /// Answers, for rows asked in rising order, whether each is one of the spool's.
  class Marker {
   public:
    explicit Marker(const RowSpool& rows) : rows_(&rows) {}
    bool operator()(std::uint64_t row);

   private:
    const RowSpool* rows_;
    std::uint64_t read_ = 0;
    std::vector<std::uint64_t> part_;
    std::size_t at_ = 0;
  };

 private:
  io::RecordSpool records_;
};

struct FoundBeads {
  BeadSpool beads;  ///< what the curve is fitted to
  RowSpool rows;    ///< of the beads in the file
  std::string gate;
  /// Raw, per bead channel: events above all of them go with the beads (CATALYST's rule); empty with the other gates.
  std::vector<float> removal_floor;
  std::vector<std::string> warnings;
};

class BeadFinder {
 public:
  BeadFinder(std::vector<int> masses, BeadMethod method, core::RunContext& context)
      : masses_(std::move(masses)), method_(method), context_(context) {}

  /// The cloud of DNA-free events with signal (BeadGate).
  [[nodiscard]] FoundBeads by_cloud(io::FcsFile& file, const BeadColumns& columns);
  /// As CATALYST's normCytof. With one of Ir191 and Ir193 a warning, with none 65.
  [[nodiscard]] FoundBeads as_catalyst(io::FcsFile& file, const BeadColumns& columns);
  [[nodiscard]] FoundBeads by_gates(io::FcsFile& file, const BeadColumns& columns, const GivenGates& gates);
  /// All events of a file of gated beads, raw.
  [[nodiscard]] BeadSpool read_bead_file(io::FcsFile& file) const;
  /// Beads gated elsewhere, looked up by Time and intensities; those that are not in the file still count for the
  /// curve.
  [[nodiscard]] FoundBeads find_again(io::FcsFile& file, const BeadColumns& columns, const BeadSpool& beads,
                                      std::string gate);

 private:
  class TimeCheck;
  template <class Use>
  void scan(io::FcsFile& file, const BeadColumns& columns, std::string_view what, Use&& use) const;
  FoundBeads nothing_yet(std::string gate) const;
  void add_bead(BeadSpool& beads, const io::FcsFile& file, std::uint64_t event, double time,
                std::span<const double> intensities) const;
  void check(const io::FcsFile& file, FoundBeads& found) const;
  [[noreturn]] void too_few(const std::string& file, std::uint64_t beads) const;

  std::vector<int> masses_;
  BeadMethod method_;
  core::RunContext& context_;
};

}  // namespace immucan::cytof
