#include "stats/symmetric.h"

#include <cmath>

namespace immucan::stats {

Cholesky::Cholesky(std::span<const double> matrix, std::size_t size, double tolerance)
    : size_(size), lower_(size * size, 0.0), redundant_(size, false) {
  for (std::size_t j = 0; j < size; ++j) {
    double pivot = matrix[j * size + j];
    for (std::size_t k = 0; k < j; ++k) pivot -= lower_[j * size + k] * lower_[j * size + k];
    if (!(pivot > tolerance * matrix[j * size + j]) || !std::isfinite(pivot)) {
      redundant_[j] = true;
      continue;
    }
    ++rank_;
    const double diagonal = std::sqrt(pivot);
    lower_[j * size + j] = diagonal;
    for (std::size_t i = j + 1; i < size; ++i) {
      double value = matrix[i * size + j];
      for (std::size_t k = 0; k < j; ++k) value -= lower_[i * size + k] * lower_[j * size + k];
      lower_[i * size + j] = value / diagonal;
    }
  }
}

double Cholesky::log_determinant() const {
  double sum = 0;
  for (std::size_t j = 0; j < size_; ++j) {
    if (!redundant_[j]) sum += 2 * std::log(lower_[j * size_ + j]);
  }
  return sum;
}

void Cholesky::solve(std::span<double> b) const {
  for (std::size_t i = 0; i < size_; ++i) {
    if (redundant_[i]) {
      b[i] = 0;
      continue;
    }
    for (std::size_t k = 0; k < i; ++k) b[i] -= lower_[i * size_ + k] * b[k];
    b[i] /= lower_[i * size_ + i];
  }
  for (std::size_t i = size_; i-- > 0;) {
    if (redundant_[i]) continue;
    for (std::size_t k = i + 1; k < size_; ++k) b[i] -= lower_[k * size_ + i] * b[k];
    b[i] /= lower_[i * size_ + i];
  }
}

std::vector<double> Cholesky::inverse() const {
  std::vector<double> result(size_ * size_, 0.0), column(size_);
  for (std::size_t j = 0; j < size_; ++j) {
    if (redundant_[j]) continue;
    column.assign(size_, 0.0);
    column[j] = 1;
    solve(column);
    for (std::size_t i = 0; i < size_; ++i) result[i * size_ + j] = column[i];
  }
  return result;
}

double Cholesky::quadratic_form(std::span<const double> b) const {
  std::vector<double> solution(b.begin(), b.end());
  solve(solution);
  double sum = 0;
  for (std::size_t i = 0; i < size_; ++i) sum += b[i] * solution[i];
  return sum;
}

}  // namespace immucan::stats
