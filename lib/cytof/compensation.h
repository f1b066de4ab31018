#pragma once
// Spillover between isotope channels (Chevrier et al., Cell Systems 6:612, 2018): reading a spillover matrix, fitting
// it to a panel, and solving for the true signals.
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/run_context.h"
#include "cytof/panel.h"
#include "io/byte_source.h"

namespace immucan::cytof {

/// Row: emitting isotope, column: receiving; the share of the emitter's signal that is measured in the receiver.
struct SpilloverMatrix {
  std::vector<std::string> emitters, receivers;  ///< isotopes, "La139"
  std::vector<double> values;                    ///< row-major, emitters × receivers
};

/// TSV: header `channel` and receivers, then an emitter per row; channels by isotope in any spelling. 65 on a name
/// without isotope, a repeated one, a value outside 0 to 1, or a diagonal that is not 1.
[[nodiscard]] SpilloverMatrix read_spillover(const std::filesystem::path& path, core::RunContext& context);
[[nodiscard]] SpilloverMatrix read_spillover(std::unique_ptr<io::ByteSource> source);

/// The matrix over the mass channels of a panel, square.
struct PanelSpillover {
  std::vector<std::size_t> columns;        ///< of the file
  std::vector<double> values;              ///< row-major
  std::vector<std::string> not_estimated;  ///< channels that the matrix does not know as emitters
  [[nodiscard]] std::size_t size() const { return columns.size(); }
};
/// Channels that the matrix does not know emit nothing; one whose mass (of another metal) it knows receives like that
/// channel; channels of equal mass do not exchange; the diagonal is 1.
[[nodiscard]] PanelSpillover adapt_spillover(const SpilloverMatrix& matrix, const Panel& panel);

enum class CompensationMethod { kNnls, kFlow };

/// Solves measured = true · S per event. One object per thread.
class Compensator {
 public:
  /// 65 when the matrix cannot be inverted: the signals could not be told apart. `file` is for the message.
  Compensator(const PanelSpillover& spillover, CompensationMethod method, const std::string& file);
  /// In place, size() values. kNnls: the x ≥ 0 that minimises |x·S − y|² (unique); kFlow: x = y·S⁻¹.
  void solve(std::span<double> intensities);
  /// Of every channel, for events with intensities within `lowest` and `highest`: no solution is above it.
  [[nodiscard]] std::vector<double> upper_bounds(std::span<const double> lowest, std::span<const double> highest) const;

 private:
  void solve_nnls(std::span<double> intensities);
  void solve_by_active_sets();
  std::size_t n_;
  CompensationMethod method_;
  struct Entry {
    std::size_t index;
    double value;
  };
  std::vector<std::vector<Entry>> rows_;    ///< non-zero entries of S per emitter
  std::vector<std::vector<Entry>> gram_;    ///< off-diagonal non-zero entries of S·Sᵀ
  std::vector<double> diagonal_, inverse_;  ///< of S·Sᵀ; S⁻¹
  std::vector<double> dense_gram_;          ///< S·Sᵀ, for matrices on which the iteration is slow
  std::vector<double> target_, solution_;
};

}  // namespace immucan::cytof
