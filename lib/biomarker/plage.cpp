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

std::vector<PlageLoadings> plage_loadings(const io::MatrixTable& matrix, const std::vector<SetRows>& sets,
                                          const std::vector<std::uint8_t>& varies, unsigned threads,
                                          const core::InterruptSource* interrupt) {
  const std::size_t samples = matrix.columns();
  std::vector<PlageLoadings> loadings(sets.size());
  core::parallel_for(
      threads, sets.size(),
      [&](std::size_t set) {
        if (!sets[set].scored) return;
        std::vector<std::uint32_t>& genes = loadings[set].genes;
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
        Eigen::VectorXd left = z * vector;
        left *= sign / left.squaredNorm();
        loadings[set].weights.assign(left.begin(), left.end());
      },
      interrupt);
  return loadings;
}

ScoreTable plage_projection(const io::MatrixTable& matrix, const std::vector<SetRows>& sets,
                            const std::vector<PlageLoadings>& loadings) {
  ScoreTable table;
  table.samples = matrix.column_names;
  for (const SetRows& set : sets) table.sets.push_back(set.name);
  table.values.assign(sets.size() * table.samples.size(), kNan);
  for (std::size_t set = 0; set < sets.size(); ++set) {
    if (loadings[set].genes.empty()) continue;
    std::vector<double> sum(table.samples.size(), 0.0);
    for (std::size_t g = 0; g < loadings[set].genes.size(); ++g) {
      const auto row = matrix.row(loadings[set].genes[g]);
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += loadings[set].weights[g] * row[i];
    }
    for (std::size_t i = 0; i < sum.size(); ++i) table.at(set, i) = sum[i];
  }
  return table;
}

ScoreTable plage_scores(io::MatrixTable& matrix, const std::vector<SetRows>& sets, unsigned threads,
                        const core::InterruptSource* interrupt) {
  const std::vector<std::uint8_t> varies = standardise_rows(matrix, threads, interrupt);
  return plage_projection(matrix, sets, plage_loadings(matrix, sets, varies, threads, interrupt));
}

}  // namespace immucan::biomarker
