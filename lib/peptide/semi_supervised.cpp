#include "peptide/semi_supervised.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace immucan::peptide {
namespace {

constexpr double kTrainingFdr = 0.01;
constexpr int kRounds = 6;

/// Target rows of `rows` with q <= kTrainingFdr by `score`, ascending.
std::vector<std::size_t> confident_targets(const TrainingTable& table, const std::vector<double>& score,
                                           std::vector<std::size_t> rows) {
  std::sort(rows.begin(), rows.end(), [&](std::size_t a, std::size_t b) {
    if (score[a] != score[b]) return score[a] > score[b];
    return table.tie[a] != table.tie[b] ? table.tie[a] < table.tie[b] : a < b;
  });
  std::size_t targets = 0, decoys = 0, accepted = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    (table.is_decoy[rows[i]] != 0 ? decoys : targets) += 1;
    if (static_cast<double>(decoys + 1) <= kTrainingFdr * static_cast<double>(targets)) accepted = i + 1;
  }
  rows.resize(accepted);
  std::erase_if(rows, [&](std::size_t row) { return table.is_decoy[row] != 0; });
  std::sort(rows.begin(), rows.end());
  return rows;
}

struct Scaling {
  std::vector<double> mean, factor;
};

Scaling scaling_of(const std::vector<double>& features, std::size_t columns, const std::vector<std::size_t>& rows) {
  Scaling scaling{std::vector<double>(columns, 0), std::vector<double>(columns, 0)};
  const auto n = static_cast<double>(rows.size());
  for (std::size_t c = 0; c < columns; ++c) {
    double sum = 0, squares = 0;
    for (const std::size_t row : rows) sum += features[row * columns + c];
    scaling.mean[c] = sum / n;
    for (const std::size_t row : rows) squares += std::pow(features[row * columns + c] - scaling.mean[c], 2);
    const double sd = std::sqrt(squares / n);
    scaling.factor[c] = sd > 1e-12 ? 1 / sd : 0;
  }
  return scaling;
}

double apply(const std::vector<double>& weights, const Scaling& scaling, const double* features) {
  const std::size_t columns = scaling.mean.size();
  double score = weights[columns];
  for (std::size_t c = 0; c < columns; ++c) {
    score += weights[c] * (features[c] - scaling.mean[c]) * scaling.factor[c];
  }
  return score;
}

/// Scores of all rows by the machine that finds most confident targets among the training rows.
std::vector<double> best_machine(const TrainingTable& table, const std::vector<double>& features,
                                 const std::vector<std::size_t>& training, const std::vector<std::size_t>& confident) {
  const std::size_t columns = table.columns;
  const Scaling scaling = scaling_of(features, columns, training);
  std::vector<double> rows, labels;
  const auto add = [&](std::size_t row, double label) {
    for (std::size_t c = 0; c < columns; ++c) {
      rows.push_back((features[row * columns + c] - scaling.mean[c]) * scaling.factor[c]);
    }
    labels.push_back(label);
  };
  for (const std::size_t row : confident) add(row, 1);
  const std::size_t positives = labels.size();
  for (const std::size_t row : training) {
    if (table.is_decoy[row] != 0) add(row, -1);
  }
  const double ratio = static_cast<double>(positives) / static_cast<double>(labels.size() - positives);
  std::vector<double> best;
  std::size_t most = 0;
  for (const double cost : {0.1, 1.0}) {
    for (const double negative : {1.0, 3.0, 10.0}) {
      std::vector<double> costs(labels.size(), cost);
      for (std::size_t i = positives; i < labels.size(); ++i) costs[i] = cost * negative * std::min(1.0, ratio);
      const auto weights = train_svm(rows, columns, labels, costs);
      std::vector<double> score(table.rows());
      for (std::size_t row = 0; row < table.rows(); ++row) {
        score[row] = apply(weights, scaling, features.data() + row * columns);
      }
      const std::size_t found = confident_targets(table, score, training).size();
      if (best.empty() || found > most) {
        most = found;
        best = std::move(score);
      }
    }
  }
  return best;
}

/// 0 at the last confident target, −1 at the median decoy of the training rows.
void normalise(const TrainingTable& table, const std::vector<std::size_t>& training,
               const std::vector<std::size_t>& confident, std::vector<double>& score) {
  double edge = std::numeric_limits<double>::infinity();
  for (const std::size_t row : confident) edge = std::min(edge, score[row]);
  std::vector<double> decoys;
  for (const std::size_t row : training) {
    if (table.is_decoy[row] != 0) decoys.push_back(score[row]);
  }
  std::sort(decoys.begin(), decoys.end());
  const double span = std::max(edge - decoys[decoys.size() / 2], 1e-9);
  for (double& value : score) value = (value - edge) / span;
}

}  // namespace

std::vector<double> train_svm(const std::vector<double>& rows, std::size_t columns, const std::vector<double>& labels,
                              const std::vector<double>& costs) {
  using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const auto n = static_cast<Eigen::Index>(labels.size());
  const auto d = static_cast<Eigen::Index>(columns);
  const Eigen::Map<const Matrix> x(rows.data(), n, d);
  Eigen::VectorXd w = Eigen::VectorXd::Zero(d + 1);
  const auto objective = [&](const Eigen::VectorXd& at) {
    double value = 0.5 * at.head(d).squaredNorm();
    for (Eigen::Index i = 0; i < n; ++i) {
      const auto k = static_cast<std::size_t>(i);
      const double slack = 1 - labels[k] * (x.row(i).dot(at.head(d)) + at[d]);
      if (slack > 0) value += costs[k] * slack * slack;
    }
    return value;
  };
  double value = objective(w);
  for (int step = 0; step < 50; ++step) {
    // Gradient and Hessian of the quadratic that holds while the set of margin violators stays the same.
    Eigen::VectorXd gradient = w;
    gradient[d] = 0;
    Eigen::MatrixXd hessian = Eigen::MatrixXd::Identity(d + 1, d + 1);
    hessian(d, d) = 1e-9;
    Eigen::VectorXd row(d + 1);
    row[d] = 1;
    for (Eigen::Index i = 0; i < n; ++i) {
      const auto k = static_cast<std::size_t>(i);
      row.head(d) = x.row(i).transpose();
      const double slack = 1 - labels[k] * row.dot(w);
      if (slack <= 0) continue;
      gradient -= 2 * costs[k] * labels[k] * slack * row;
      hessian.selfadjointView<Eigen::Lower>().rankUpdate(row, 2 * costs[k]);
    }
    const Eigen::VectorXd direction = hessian.selfadjointView<Eigen::Lower>().ldlt().solve(-gradient);
    double length = 1;
    double next = objective(w + direction);
    while (next > value && length > 1e-6) {
      length /= 2;
      next = objective(w + length * direction);
    }
    if (!(next < value)) break;
    w += length * direction;
    const bool settled = value - next < 1e-9 * value;
    value = next;
    if (settled) break;
  }
  return {w.data(), w.data() + d + 1};
}

std::vector<double> learn_scores(const TrainingTable& table, const RefreshColumns& refresh) {
  std::vector<double> scores(table.rows(), 0);
  for (std::uint8_t fold = 0; fold < kFolds; ++fold) {
    std::vector<std::size_t> training;
    std::size_t decoys = 0;
    for (std::size_t row = 0; row < table.rows(); ++row) {
      if (table.fold[row] == fold) continue;
      training.push_back(row);
      decoys += table.is_decoy[row] != 0 ? 1U : 0U;
    }
    std::vector<double> score = table.initial_score;
    auto confident = confident_targets(table, score, training);
    if (decoys < kMinTraining || confident.size() < kMinTraining) return {};
    std::vector<double> features = table.features;
    for (int round = 0; round < kRounds; ++round) {
      if (refresh) refresh(confident, features);
      auto next = best_machine(table, features, training, confident);
      auto found = confident_targets(table, next, training);
      if (found.size() < kMinTraining) break;  // keep what is known to work
      score = std::move(next);
      confident = std::move(found);
    }
    normalise(table, training, confident, score);
    for (std::size_t row = 0; row < table.rows(); ++row) {
      if (table.fold[row] == fold) scores[row] = score[row];
    }
  }
  return scores;
}

}  // namespace immucan::peptide
