#include "cytof/compensation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "core/error.h"
#include "core/text.h"
#include "io/tsv.h"
#include "stats/constrained_ls.h"

namespace immucan::cytof {
namespace {

constexpr double kDiagonalTolerance = 1e-9;
/// A sweep that changes nothing by more than this share of the largest intensity ends the iteration.
constexpr double kSettled = 1e-14;
/// Real matrices settle in some ten sweeps; what has not settled by then is solved by active sets.
constexpr int kMaximumSweeps = 1000;

std::optional<std::size_t> position(const std::vector<std::string>& names, const std::string& name) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return std::nullopt;
  return static_cast<std::size_t>(found - names.begin());
}

/// Gauss and Jordan with row pivots; nullopt when singular.
std::optional<std::vector<double>> inverse_of(std::vector<double> a, std::size_t n) {
  std::vector<double> inverse(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i) inverse[i * n + i] = 1;
  for (std::size_t column = 0; column < n; ++column) {
    std::size_t pivot = column;
    for (std::size_t row = column + 1; row < n; ++row) {
      if (std::abs(a[row * n + column]) > std::abs(a[pivot * n + column])) pivot = row;
    }
    if (!(std::abs(a[pivot * n + column]) > 1e-12)) return std::nullopt;
    for (std::size_t k = 0; k < n && pivot != column; ++k) {
      std::swap(a[pivot * n + k], a[column * n + k]);
      std::swap(inverse[pivot * n + k], inverse[column * n + k]);
    }
    const double scale = 1 / a[column * n + column];
    for (std::size_t k = 0; k < n; ++k) {
      a[column * n + k] *= scale;
      inverse[column * n + k] *= scale;
    }
    for (std::size_t row = 0; row < n; ++row) {
      const double factor = a[row * n + column];
      if (row == column || factor == 0) continue;
      for (std::size_t k = 0; k < n; ++k) {
        a[row * n + k] -= factor * a[column * n + k];
        inverse[row * n + k] -= factor * inverse[column * n + k];
      }
    }
  }
  return inverse;
}

}  // namespace

SpilloverMatrix read_spillover(const std::filesystem::path& path, core::RunContext& context) {
  return read_spillover(io::open_source(path, context));
}

SpilloverMatrix read_spillover(std::unique_ptr<io::ByteSource> source) {
  const io::Table table = io::read_table(std::move(source));
  SpilloverMatrix matrix;
  const auto isotope = [&](const std::string& name) {
    const auto label = isotope_label(name);
    if (!label) {
      core::raise({table.name, core::Place::none(), fmt::format("channel '{}' names no isotope", core::printable(name)),
                   "Name channels by isotope, such as La139Di"});
    }
    return *label;
  };
  const auto add = [&](std::vector<std::string>& names, const std::string& name) {
    std::string label = isotope(name);
    if (position(names, label)) {
      core::raise({table.name, core::Place::none(), fmt::format("isotope {} is given twice", label),
                   "Remove one of its rows or columns"});
    }
    names.push_back(std::move(label));
  };
  for (std::size_t c = 1; c < table.header.size(); ++c) add(matrix.receivers, table.header[c]);
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    add(matrix.emitters, table.rows[r][0]);
    const auto own = position(matrix.receivers, matrix.emitters.back());
    if (!own) table.fail(r, 0, fmt::format("{} has no column of its own", matrix.emitters.back()), "Add the column");
    for (std::size_t c = 1; c < table.header.size(); ++c) {
      const auto value = table.number(r, c);
      if (!value || !(*value >= 0 && *value <= 1)) {
        table.fail(r, c, fmt::format("spillover '{}' is not from 0 to 1", core::printable(table.rows[r][c])),
                   "Give the share of the emitter's signal");
      }
      if (c - 1 == *own && std::abs(*value - 1) > kDiagonalTolerance) {
        table.fail(r, c, fmt::format("the diagonal is {}, not 1", core::printable(table.rows[r][c])),
                   "Divide the row by its diagonal");
      }
      matrix.values.push_back(*value);
    }
  }
  if (matrix.emitters.empty()) {
    core::raise({table.name, core::Place::none(), "the spillover matrix has no rows", "Give an emitter per row"});
  }
  return matrix;
}

PanelSpillover adapt_spillover(const SpilloverMatrix& matrix, const Panel& panel) {
  PanelSpillover adapted;
  std::vector<std::string> isotopes;
  for (std::size_t i = 0; i < panel.channels().size(); ++i) {
    const Channel& channel = panel.channels()[i];
    if (!channel.is_mass) continue;
    adapted.columns.push_back(i);
    auto label = isotope_label(channel.name);
    if (!label) label = isotope_label(channel.marker);
    isotopes.push_back(label.value_or(channel.name));
  }
  // The column that a channel receives by: its own isotope, else another metal of its mass.
  const auto receiver = [&](std::size_t j) -> std::optional<std::size_t> {
    if (const auto own = position(matrix.receivers, isotopes[j])) return own;
    const auto mass = panel.channels()[adapted.columns[j]].mass;
    for (std::size_t c = 0; mass && c < matrix.receivers.size(); ++c) {
      if (isotope_mass(matrix.receivers[c]) == mass) return c;
    }
    return std::nullopt;
  };
  const std::size_t n = isotopes.size();
  std::vector<std::optional<std::size_t>> receivers;
  for (std::size_t j = 0; j < n; ++j) receivers.push_back(receiver(j));
  adapted.values.assign(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    const auto emitter = position(matrix.emitters, isotopes[i]);
    if (!emitter) adapted.not_estimated.push_back(panel.channels()[adapted.columns[i]].name);
    for (std::size_t j = 0; emitter && j < n; ++j) {
      const auto mass = panel.channels()[adapted.columns[i]].mass;
      const bool same_mass = mass && mass == panel.channels()[adapted.columns[j]].mass;
      if (receivers[j] && !same_mass)
        adapted.values[i * n + j] = matrix.values[*emitter * matrix.receivers.size() + *receivers[j]];
    }
    adapted.values[i * n + i] = 1;
  }
  return adapted;
}

Compensator::Compensator(const PanelSpillover& spillover, CompensationMethod method, const std::string& file)
    : n_(spillover.size()), method_(method), rows_(n_), gram_(n_), target_(n_), solution_(n_) {
  const std::vector<double>& s = spillover.values;
  auto inverse = inverse_of(s, n_);
  if (!inverse) {
    core::raise({file, core::Place::none(),
                 "the spillover matrix cannot be inverted: some channels cannot be told apart",
                 "Check the rows with large entries off the diagonal"});
  }
  if (method == CompensationMethod::kFlow) {
    inverse_ = *std::move(inverse);
    return;
  }
  dense_gram_.resize(n_ * n_);
  for (std::size_t i = 0; i < n_; ++i) {
    for (std::size_t j = 0; j < n_; ++j) {
      if (s[i * n_ + j] != 0) rows_[i].push_back({j, s[i * n_ + j]});
      double product = 0;
      for (std::size_t k = 0; k < n_; ++k) product += s[i * n_ + k] * s[j * n_ + k];
      dense_gram_[i * n_ + j] = product;
      if (i == j) {
        diagonal_.push_back(product);
      } else if (product != 0) {
        gram_[i].push_back({j, product});
      }
    }
  }
}

void Compensator::solve(std::span<double> intensities) {
  if (method_ == CompensationMethod::kNnls) {
    solve_nnls(intensities);
    return;
  }
  std::ranges::fill(solution_, 0.0);
  for (std::size_t i = 0; i < n_; ++i) {
    for (std::size_t j = 0; j < n_; ++j) solution_[j] += intensities[i] * inverse_[i * n_ + j];
  }
  std::ranges::copy(solution_, intensities.begin());
}

void Compensator::solve_by_active_sets() {
  auto exact = stats::bounded_sum_least_squares(dense_gram_, target_);
  if (!exact.empty()) solution_ = std::move(exact);
}

/// nnls: where x_i > 0, (S·Sᵀ·x)_i = (S·y)_i, and every other term of the left side is at least 0.
std::vector<double> Compensator::upper_bounds(std::span<const double> lowest, std::span<const double> highest) const {
  std::vector<double> bounds(n_, 0.0);
  for (std::size_t i = 0; i < n_; ++i) {
    if (method_ == CompensationMethod::kNnls) {
      for (const Entry& entry : rows_[i]) bounds[i] += entry.value * std::max(0.0, highest[entry.index]);
      bounds[i] /= diagonal_[i];
      continue;
    }
    for (std::size_t j = 0; j < n_; ++j) {
      bounds[j] += std::max(highest[i] * inverse_[i * n_ + j], lowest[i] * inverse_[i * n_ + j]);
    }
  }
  return bounds;
}

/// Coordinate descent on x·S·Sᵀ·x/2 − x·(S·y): each step is the exact minimum over one channel. The matrix is close to
/// the identity, so that some ten sweeps settle; it converges for every matrix of full rank.
void Compensator::solve_nnls(std::span<double> intensities) {
  double largest = 0;
  for (std::size_t i = 0; i < n_; ++i) {
    double sum = 0;
    for (const Entry& entry : rows_[i]) sum += entry.value * intensities[entry.index];
    target_[i] = sum;
    solution_[i] = std::max(0.0, intensities[i]);
    largest = std::max(largest, std::abs(intensities[i]));
  }
  if (!std::isfinite(largest)) return;
  for (int sweep = 0;; ++sweep) {
    if (sweep == kMaximumSweeps) {
      solve_by_active_sets();
      break;
    }
    double change = 0;
    for (std::size_t i = 0; i < n_; ++i) {
      double value = target_[i];
      for (const Entry& entry : gram_[i]) value -= entry.value * solution_[entry.index];
      value = std::max(0.0, value / diagonal_[i]);
      change = std::max(change, std::abs(value - solution_[i]));
      solution_[i] = value;
    }
    if (change <= kSettled * largest) break;
  }
  std::ranges::copy(solution_, intensities.begin());
}

}  // namespace immucan::cytof
