#pragma once
// Reading real cytometry data in tests.
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "core/run_context.h"
#include "cytof/bead_normalisation.h"
#include "cytof/panel.h"
#include "io/fcs.h"

namespace immucan::test {

inline std::filesystem::path cytof_data() {
  return std::filesystem::path(IMMUCAN_SHARED_DATA) / "cytof";
}

/// True, with the reason on stdout, when a path of the shared data is absent.
inline bool skipped(const std::filesystem::path& path) {
  if (std::filesystem::exists(path)) return false;
  std::cout << "SKIPPED: " << path << " is not there\n";
  return true;
}

struct Matrix {
  std::vector<io::FcsParameter> parameters;
  std::size_t columns = 0;
  std::vector<double> values;
  [[nodiscard]] std::size_t rows() const { return columns == 0 ? 0 : values.size() / columns; }
  [[nodiscard]] double at(std::size_t row, std::size_t column) const { return values[row * columns + column]; }
};

inline Matrix read_matrix(io::FcsFile& file, std::size_t dataset = 0, std::size_t block_values = 1000) {
  const io::FcsDataset& set = file.datasets().at(dataset);
  Matrix matrix{set.parameters, set.parameters.size(), {}};
  io::FcsEvents events(file, set, {}, block_values);
  io::FcsBlock block;
  while (events.next(block)) matrix.values.insert(matrix.values.end(), block.values.begin(), block.values.end());
  return matrix;
}

inline Matrix read_matrix(const std::filesystem::path& path) {
  core::RunContext context("test", "0", "test");
  io::FcsFile file(path, {}, context);
  return read_matrix(file);
}

inline cytof::BeadEvents beads_of(const Matrix& matrix, const std::vector<int>& masses,
                                  const std::vector<bool>* selected = nullptr) {
  const cytof::Panel panel(matrix.parameters);
  cytof::BeadEvents beads;
  beads.intensities.resize(masses.size());
  for (std::size_t row = 0; row < matrix.rows(); ++row) {
    if (selected != nullptr && !(*selected)[row]) continue;
    beads.events.push_back(row);
    beads.time.push_back(matrix.at(row, panel.time().value()));
    for (std::size_t c = 0; c < masses.size(); ++c) {
      beads.intensities[c].push_back(matrix.at(row, panel.find_mass(masses[c]).value()));
    }
  }
  return beads;
}

}  // namespace immucan::test
