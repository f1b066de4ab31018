#include "cytof/bead_spool.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>

#include "cytof/exact_medians.h"

namespace immucan::cytof {
namespace {

constexpr double kCofactor = 5;
constexpr std::size_t kKnotBytes = 2 * sizeof(double);
constexpr std::size_t kPartKnots = 2048;
constexpr std::size_t kReadBytes = std::size_t{1} << 16;

std::size_t record_bytes(std::size_t channels) {
  return sizeof(std::uint64_t) + sizeof(double) + channels * sizeof(float);
}

template <class T>
T take(const char*& from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  from += sizeof(T);
  return value;
}

template <class T>
void put(char*& to, T value) {
  std::memcpy(to, &value, sizeof(T));
  to += sizeof(T);
}

double slope_of(std::span<const double> smoothed, std::span<const double> baseline) {
  double cross = 0, square = 0;
  for (std::size_t c = 0; c < smoothed.size(); ++c) {
    cross += smoothed[c] * baseline[c];
    square += smoothed[c] * smoothed[c];
  }
  return cross / square;
}

/// The last `window` beads, column by column, with the median of each column.
class MovingWindow {
 public:
  MovingWindow(std::size_t columns, std::size_t window) : window_(window), columns_(columns), held_(columns) {}

  /// True when the window is full.
  bool push(std::span<const double> values) {
    if (count_ < window_) {
      for (std::size_t c = 0; c < columns_; ++c) held_[c].push_back(values[c]);
      if (++count_ < window_) return false;
      for (std::size_t c = 0; c < columns_; ++c) medians_.emplace_back(held_[c]);
      return true;
    }
    for (std::size_t c = 0; c < columns_; ++c) {
      medians_[c].replace(std::exchange(held_[c][oldest_], values[c]), values[c]);
    }
    oldest_ = (oldest_ + 1) % window_;
    return true;
  }
  [[nodiscard]] double median(std::size_t column) const { return medians_[column].value(); }

 private:
  std::size_t window_, columns_, count_ = 0, oldest_ = 0;
  std::vector<std::vector<double>> held_;
  std::vector<SlidingMedian> medians_;
};

/// Knots of equal time are spread evenly up to the next greater time, those at the very end go on with the last step.
class TieSpreader {
 public:
  explicit TieSpreader(SpooledCurve& curve) : curve_(curve) {}
  void push(double time, double slope) {
    if (!slopes_.empty() && time > time_) {
      const double parts = static_cast<double>(slopes_.size()), step = (time - time_) / parts;
      for (std::size_t i = 0; i < slopes_.size(); ++i) {
        write(i == 0 ? time_ : time_ + static_cast<double>(i) * step, slopes_[i]);
      }
      slopes_.clear();
    }
    if (slopes_.empty()) time_ = time;
    slopes_.push_back(slope);
  }
  void finish() {
    for (std::size_t i = 0; i < slopes_.size(); ++i) {
      if (i == 0) {
        write(time_, slopes_[0]);
        continue;
      }
      const double step = curve_.size() >= 2 ? last_ - before_ : 1;
      write(last_ + (step > 0 ? step : 1), slopes_[i]);
    }
  }

 private:
  void write(double time, double slope) {
    curve_.add(time, slope);
    before_ = std::exchange(last_, time);
  }
  SpooledCurve& curve_;
  double time_ = 0, last_ = 0, before_ = 0;
  std::vector<double> slopes_;  ///< of the knots at time_
};

/// Slopes of knots of equal time, averaged.
class TieAverager {
 public:
  explicit TieAverager(SpooledCurve& curve) : curve_(curve) {}
  void push(double time, double slope) {
    if (count_ > 0 && time != time_) finish();
    time_ = time;
    sum_ += slope;
    ++count_;
  }
  void finish() {
    if (count_ > 0) curve_.add(time_, sum_ / static_cast<double>(count_));
    sum_ = 0;
    count_ = 0;
  }

 private:
  SpooledCurve& curve_;
  double time_ = 0, sum_ = 0;
  std::size_t count_ = 0;
};

void trailing_windows(const BeadSpool& beads, std::span<const double> baseline, std::size_t window,
                      SpooledCurve& curve) {
  const std::size_t n = beads.channels();
  MovingWindow moving(n + 1, window);
  TieSpreader knots(curve);
  std::vector<double> row(n + 1), smoothed(n);
  for (BeadSpool::Reader bead(beads); bead.next();) {
    std::ranges::copy(bead.intensities, row.begin());
    row[n] = bead.time;
    if (!moving.push(row)) continue;
    for (std::size_t c = 0; c < n; ++c) smoothed[c] = moving.median(c);
    knots.push(moving.median(n), slope_of(smoothed, baseline));
  }
  knots.finish();
}

/// What a running median of R is near its ends: taken from the first or last beads alone, in memory.
std::vector<std::vector<double>> end_smoothed(const BeadSpool& beads, std::uint64_t first, std::size_t count,
                                              std::size_t window, EndRule rule) {
  std::vector<std::vector<double>> columns(beads.channels());
  BeadSpool::Reader bead(beads);
  for (std::uint64_t i = 0; bead.next() && i < first + count; ++i) {
    if (i < first) continue;
    for (std::size_t c = 0; c < columns.size(); ++c) columns[c].push_back(bead.intensities[c]);
  }
  for (auto& column : columns) column = running_median(column, window, rule);
  return columns;
}

/// Centred windows in one pass; more than four windows of beads.
void centred_windows(const BeadSpool& beads, std::span<const double> baseline, std::size_t window, EndRule rule,
                     SpooledCurve& curve) {
  const std::size_t n = beads.channels(), half = window / 2, part = 4 * window;
  const auto head = end_smoothed(beads, 0, part, window, rule);
  const auto tail = end_smoothed(beads, beads.size() - part, part, window, rule);
  MovingWindow moving(n, window);
  TieAverager knots(curve);
  std::vector<double> smoothed(n), times;
  std::uint64_t knot = 0;
  const auto push_end = [&](const std::vector<std::vector<double>>& columns, std::size_t at, double time) {
    for (std::size_t c = 0; c < n; ++c) smoothed[c] = columns[c][at];
    knots.push(time, slope_of(smoothed, baseline));
  };
  for (BeadSpool::Reader bead(beads); bead.next();) {
    times.push_back(bead.time);
    if (!moving.push(bead.intensities)) continue;
    for (; knot < half; ++knot) push_end(head, static_cast<std::size_t>(knot), times[static_cast<std::size_t>(knot)]);
    if (times.size() > window) times.erase(times.begin());
    for (std::size_t c = 0; c < n; ++c) smoothed[c] = moving.median(c);
    knots.push(times[half], slope_of(smoothed, baseline));
    ++knot;
  }
  for (std::size_t i = half + 1; i < window; ++i) push_end(tail, part - window + i, times[i]);
  knots.finish();
}

}  // namespace

BeadSpool::BeadSpool(std::size_t channels, std::filesystem::path folder)
    : channels_(channels),
      folder_(std::move(folder)),
      records_(record_bytes(channels), folder_),
      record_(record_bytes(channels)) {}

void BeadSpool::add(std::uint64_t event, double time, std::span<const double> intensities) {
  char* to = record_.data();
  put(to, event);
  put(to, time);
  for (std::size_t c = 0; c < channels_; ++c) put(to, static_cast<float>(intensities[c]));
  records_.append(record_);
  in_order_ = in_order_ && time >= previous_;
  previous_ = time;
}

BeadEvents BeadSpool::load() const {
  BeadEvents beads;
  beads.intensities.resize(channels_);
  for (Reader bead(*this); bead.next();) {
    beads.events.push_back(bead.event);
    beads.time.push_back(bead.time);
    for (std::size_t c = 0; c < channels_; ++c) beads.intensities[c].push_back(bead.intensities[c]);
  }
  return beads;
}

BeadSpool::Reader::Reader(const BeadSpool& spool)
    : intensities(spool.channels_),
      spool_(&spool),
      buffer_(std::max<std::size_t>(1, kReadBytes / spool.record_.size()) * spool.record_.size()) {}

bool BeadSpool::Reader::next() {
  if (at_ == held_) {
    held_ = spool_->records_.read(read_, buffer_);
    at_ = 0;
    if (held_ == 0) return false;
    read_ += held_;
  }
  const char* from = buffer_.data() + at_++ * spool_->record_.size();
  event = take<std::uint64_t>(from);
  time = take<double>(from);
  for (double& value : intensities) value = static_cast<double>(take<float>(from));
  return true;
}

SpooledCurve::SpooledCurve(std::filesystem::path folder) : knots_(kKnotBytes, std::move(folder)) {}

void SpooledCurve::add(double time, double slope) {
  std::array<char, kKnotBytes> record{};
  char* to = record.data();
  put(to, time);
  put(to, slope);
  knots_.append(record);
  // Written so that NaN reaches both ends and is refused by whoever asks for them.
  if (!(slope >= lowest_)) lowest_ = slope;
  if (!(slope <= highest_)) highest_ = slope;
}

void SpooledCurve::load(std::uint64_t first) {
  part_.resize(2 * kPartKnots);
  const std::size_t held = knots_.read(first, {reinterpret_cast<char*>(part_.data()), part_.size() * sizeof(double)});
  part_.resize(2 * held);
  part_first_ = first;
  cursor_ = 0;
}

/// Moves to the part in which the last knot at or before `time` is followed by another one (but for the last knot).
void SpooledCurve::seek(double time) {
  std::uint64_t low = 0, high = knots_.size();  // the last knot at or before time is in [low, high)
  while (high - low > 1) {
    const std::uint64_t middle = low + (high - low) / 2;
    std::array<char, kKnotBytes> record{};
    knots_.read(middle, record);
    const char* from = record.data();
    if (take<double>(from) <= time) {
      low = middle;
    } else {
      high = middle;
    }
  }
  load(low);
}

double SpooledCurve::at(double time) {
  if (part_.empty()) load(0);
  const auto knot_time = [&](std::size_t i) { return part_[2 * i]; };
  const std::size_t held = part_.size() / 2;
  const bool at_end = part_first_ + held == knots_.size();
  const bool before = time < knot_time(cursor_) && (cursor_ > 0 || part_first_ > 0);
  if (before || (!at_end && time >= knot_time(held - 1))) {
    seek(time);
    return at(time);
  }
  if (time < knot_time(0)) return part_[1];
  while (cursor_ + 1 < held && knot_time(cursor_ + 1) <= time) ++cursor_;
  if (cursor_ + 1 == held) return part_[2 * cursor_ + 1];
  const double* knot = part_.data() + 2 * cursor_;
  const double part = (time - knot[0]) / (knot[2] - knot[0]);
  return knot[1] + part * (knot[3] - knot[1]);
}

SpooledCurve fit_spooled_slopes(BeadMethod method, const BeadSpool& beads, std::span<const double> baseline,
                                std::size_t window) {
  SpooledCurve curve(beads.folder());
  window |= 1U;
  if (beads.size() <= 8 * static_cast<std::uint64_t>(window) || !beads.in_time_order()) {
    const SlopeCurve small = fit_slopes(method, beads.load(), baseline, window);
    for (std::size_t i = 0; i < small.time.size(); ++i) curve.add(small.time[i], small.slope[i]);
  } else if (method == BeadMethod::kFinck) {
    trailing_windows(beads, baseline, window, curve);
  } else {
    centred_windows(beads, baseline, window, method == BeadMethod::kPremessa ? EndRule::kMedian : EndRule::kConstant,
                    curve);
  }
  return curve;
}

std::vector<double> spooled_medians(std::span<const BeadSpool* const> files, std::span<SpooledCurve* const> curves) {
  const std::size_t n = files.empty() ? 0 : files.front()->channels();
  ExactMedians medians(n);
  for (int reading = 0; reading < ExactMedians::kReadings; ++reading) {
    for (std::size_t i = 0; i < files.size(); ++i) {
      for (BeadSpool::Reader bead(*files[i]); bead.next();) {
        const double slope = curves.empty() ? 1 : curves[i]->at(bead.time);
        for (std::size_t c = 0; c < n; ++c) medians.add(c, static_cast<float>(bead.intensities[c] * slope));
      }
    }
    medians.end_reading();
  }
  std::vector<double> result;
  for (std::size_t c = 0; c < n; ++c) {
    float lower = 0, upper = 0;
    result.push_back(medians.middle(c, lower, upper) ? (static_cast<double>(lower) + static_cast<double>(upper)) / 2
                                                     : std::numeric_limits<double>::quiet_NaN());
  }
  return result;
}

std::vector<double> spooled_baseline(BeadMethod method, std::span<const BeadSpool* const> files) {
  if (method != BeadMethod::kCatalyst) return spooled_medians(files);
  std::vector<double> sums(files.empty() ? 0 : files.front()->channels());
  std::uint64_t count = 0;
  for (const BeadSpool* file : files) {
    count += file->size();
    for (BeadSpool::Reader bead(*file); bead.next();) {
      for (std::size_t c = 0; c < sums.size(); ++c) sums[c] += bead.intensities[c];
    }
  }
  for (double& sum : sums) sum /= static_cast<double>(count);
  return sums;
}

std::optional<BeadDistance> fit_spooled_distance(const BeadSpool& beads, SpooledCurve& curve) {
  Mahalanobis::Builder builder(beads.channels());
  std::vector<double> point(beads.channels());
  for (const bool covariance : {false, true}) {
    for (BeadSpool::Reader bead(beads); bead.next();) {
      const double slope = curve.at(bead.time);
      for (std::size_t c = 0; c < point.size(); ++c) point[c] = std::asinh(bead.intensities[c] * slope / kCofactor);
      covariance ? builder.add_to_covariance(point) : builder.add_to_mean(point);
    }
  }
  auto model = builder.finish();
  if (!model) return std::nullopt;
  return BeadDistance(*std::move(model));
}

}  // namespace immucan::cytof
