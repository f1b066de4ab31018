#include "stats/principal_components.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "core/ordered_batches.h"
#include "core/random.h"

namespace immucan::stats {

namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
constexpr std::size_t kOversampling = 10;
constexpr std::size_t kBlockRows = 512;
constexpr std::size_t kReducers = 8;  // partial sums of the transposed product, whatever the number of threads

/// (X − 1 mean') diag(scale), applied without being formed.
class Centred {
 public:
  Centred(const io::CsrMatrix& rows, std::span<const double> mean, std::span<const double> scale, unsigned threads)
      : rows_(rows), mean_(mean), scale_(scale), threads_(threads) {}

  [[nodiscard]] Matrix times(const Matrix& right) const {
    const Eigen::Index width = right.cols();
    Matrix scaled = right;
    Eigen::RowVectorXd offset = Eigen::RowVectorXd::Zero(width);
    for (Eigen::Index j = 0; j < right.rows(); ++j) {
      scaled.row(j) *= scale_[static_cast<std::size_t>(j)];
      offset += mean_[static_cast<std::size_t>(j)] * scaled.row(j);
    }
    Matrix out(static_cast<Eigen::Index>(rows_.rows), width);
    core::parallel_for(threads_, (rows_.rows + kBlockRows - 1) / kBlockRows, [&](std::size_t block) {
      const std::size_t end = std::min<std::size_t>(rows_.rows, (block + 1) * kBlockRows);
      for (std::size_t i = block * kBlockRows; i < end; ++i) {
        auto target = out.row(static_cast<Eigen::Index>(i));
        target = -offset;
        const auto columns = rows_.row_columns(i);
        const auto values = rows_.row_values(i);
        for (std::size_t e = 0; e < columns.size(); ++e)
          target += static_cast<double>(values[e]) * scaled.row(columns[e]);
      }
    });
    return out;
  }

  [[nodiscard]] Matrix transposed_times(const Matrix& right) const {
    const Eigen::Index width = right.cols();
    std::vector<Matrix> parts(kReducers);
    core::parallel_for(threads_, kReducers, [&](std::size_t part) {
      parts[part] = Matrix::Zero(static_cast<Eigen::Index>(rows_.columns), width);
      for (std::size_t i = rows_.rows * part / kReducers; i < rows_.rows * (part + 1) / kReducers; ++i) {
        const auto columns = rows_.row_columns(i);
        const auto values = rows_.row_values(i);
        for (std::size_t e = 0; e < columns.size(); ++e)
          parts[part].row(columns[e]) += static_cast<double>(values[e]) * right.row(static_cast<Eigen::Index>(i));
      }
    });
    for (std::size_t part = 1; part < kReducers; ++part) parts[0] += parts[part];
    const Eigen::RowVectorXd sums = right.colwise().sum();
    for (Eigen::Index j = 0; j < parts[0].rows(); ++j) {
      parts[0].row(j) -= mean_[static_cast<std::size_t>(j)] * sums;
      parts[0].row(j) *= scale_[static_cast<std::size_t>(j)];
    }
    return std::move(parts[0]);
  }

 private:
  const io::CsrMatrix& rows_;
  std::span<const double> mean_, scale_;
  unsigned threads_;
};

Matrix orthonormal(const Matrix& matrix) {
  const Eigen::MatrixXd columns = matrix;
  const Eigen::HouseholderQR<Eigen::MatrixXd> factor(columns);
  return factor.householderQ() * Eigen::MatrixXd::Identity(matrix.rows(), matrix.cols());
}

void moments(const io::CsrMatrix& rows, bool standardise, PrincipalComponents& out) {
  std::vector<double> squares(rows.columns, 0.0);
  out.mean.assign(rows.columns, 0.0);
  for (std::size_t e = 0; e < rows.stored(); ++e) {
    const auto column = static_cast<std::size_t>(rows.column[e]);
    const double value = static_cast<double>(rows.value[e]);
    out.mean[column] += value;
    squares[column] += value * value;
  }
  out.scale.assign(rows.columns, 1.0);
  const double n = static_cast<double>(rows.rows);
  for (std::size_t j = 0; j < rows.columns; ++j) {
    out.mean[j] /= n;
    const double variance = squares[j] / n - out.mean[j] * out.mean[j];
    if (standardise) out.scale[j] = variance > 1e-12 ? 1 / std::sqrt(variance) : 0;
  }
}

std::vector<float> narrowed(const Matrix& matrix) {
  std::vector<float> out(static_cast<std::size_t>(matrix.size()));
  std::transform(matrix.data(), matrix.data() + matrix.size(), out.begin(),
                 [](double v) { return static_cast<float>(v); });
  return out;
}

}  // namespace

PrincipalComponents principal_components(const io::CsrMatrix& rows, const PrincipalComponentOptions& options) {
  PrincipalComponents out;
  out.columns = rows.columns;
  moments(rows, options.standardise, out);
  const std::size_t limit = std::min<std::size_t>(rows.rows, rows.columns);
  out.components = std::min(options.components, limit);
  if (out.components == 0) return out;
  const auto width = static_cast<Eigen::Index>(std::min(limit, out.components + kOversampling));
  const Centred centred(rows, out.mean, out.scale, options.threads);
  core::Random random(options.seed);
  Matrix directions(static_cast<Eigen::Index>(rows.columns), width);
  for (Eigen::Index i = 0; i < directions.size(); ++i) directions.data()[i] = random.normal();
  for (int i = 0; i < options.iterations; ++i)
    directions = orthonormal(centred.transposed_times(orthonormal(centred.times(directions))));
  const Matrix reached = centred.times(directions);  // rows × width
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(reached.transpose() * reached);
  const auto kept = static_cast<Eigen::Index>(out.components);
  Eigen::MatrixXd rotation = solver.eigenvectors().rowwise().reverse().leftCols(kept);
  Matrix loadings = directions * rotation;
  for (Eigen::Index k = 0; k < kept; ++k) {
    Eigen::Index largest = 0;
    loadings.col(k).cwiseAbs().maxCoeff(&largest);
    if (loadings(largest, k) < 0) {
      loadings.col(k) *= -1;
      rotation.col(k) *= -1;
    }
    out.variance.push_back(std::max(0.0, solver.eigenvalues()(width - 1 - k)) /
                           static_cast<double>(std::max<std::size_t>(1, rows.rows - 1)));
  }
  out.loadings.assign(loadings.data(), loadings.data() + loadings.size());
  out.scores = narrowed(reached * rotation);
  return out;
}

std::vector<float> PrincipalComponents::project(const io::CsrMatrix& rows, unsigned threads) const {
  if (components == 0) return {};
  const Eigen::Map<const Matrix> map(loadings.data(), static_cast<Eigen::Index>(columns),
                                     static_cast<Eigen::Index>(components));
  return narrowed(Centred(rows, mean, scale, threads).times(map));
}

}  // namespace immucan::stats
