#include "biomarker/plage.h"

#include <Eigen/Eigenvalues>
#include <cmath>
#include <limits>

#include "core/ordered_batches.h"

namespace immucan::biomarker {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// Leading right singular vector from the smaller of the two Gram matrices.
Eigen::VectorXd leading_right_vector(const Eigen::MatrixXd& z) {
  Eigen::VectorXd vector;
  if (z.cols() <= z.rows()) {
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(z.transpose() * z);
    vector = solver.eigenvectors().col(z.cols() - 1);
  } else {
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(z * z.transpose());
    vector = z.transpose() * solver.eigenvectors().col(z.rows() - 1);
  }
  return vector.normalized();
}

}  // namespace

ScoreTable plage_scores(io::MatrixTable& matrix, const std::vector<SetRows>& sets, unsigned threads,
                        const core::InterruptSource* interrupt) {
  const std::vector<std::uint8_t> varies = standardise_rows(matrix, threads, interrupt);
  const std::size_t samples = matrix.columns();
  ScoreTable table;
  table.samples = matrix.column_names;
  for (const SetRows& set : sets) table.sets.push_back(set.name);
  table.values.assign(sets.size() * samples, kNan);
  core::parallel_for(
      threads, sets.size(),
      [&](std::size_t set) {
        if (!sets[set].scored) return;
        std::vector<std::uint32_t> genes;
        for (const std::uint32_t gene : sets[set].rows) {
          if (varies[gene] != 0) genes.push_back(gene);
        }
        if (genes.empty()) return;
        Eigen::MatrixXd z(static_cast<Eigen::Index>(genes.size()), static_cast<Eigen::Index>(samples));
        for (std::size_t g = 0; g < genes.size(); ++g) {
          const auto row = matrix.row(genes[g]);
          for (std::size_t i = 0; i < samples; ++i) {
            z(static_cast<Eigen::Index>(g), static_cast<Eigen::Index>(i)) = row[i];
          }
        }
        const Eigen::VectorXd vector = leading_right_vector(z);
        const double sign = z.colwise().sum().dot(vector) < 0 ? -1 : 1;
        for (std::size_t i = 0; i < samples; ++i) table.at(set, i) = sign * vector(static_cast<Eigen::Index>(i));
      },
      interrupt);
  return table;
}

}  // namespace immucan::biomarker
