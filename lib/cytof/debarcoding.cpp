#include "cytof/debarcoding.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <map>

#include "core/error.h"
#include "core/text.h"
#include "cytof/mahalanobis.h"
#include "cytof/panel.h"
#include "io/byte_source.h"

namespace immucan::cytof {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kMaximumChannels = 64;
constexpr double kScaleQuantile = 0.95;

std::string_view unquoted(std::string_view field) {
  field = core::trim(field);
  if (field.size() >= 2 && field.front() == '"' && field.back() == '"') field = field.substr(1, field.size() - 2);
  return field;
}

/// R's type 7. `values` is reordered; at least one.
double quantile(std::vector<double>& values, double p) {
  const double at = p * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::ptrdiff_t>(at);
  const auto lower = values.begin() + below;
  std::nth_element(values.begin(), lower, values.end());
  const double value = *lower;
  if (lower + 1 == values.end()) return value;
  return value + (at - static_cast<double>(below)) * (*std::min_element(lower + 1, values.end()) - value);
}

/// Values of one event in falling order and where the positives end.
struct Separation {
  std::uint64_t code = 0;
  double lowest_positive = 0;
  double delta = 0;
};

class Separator {
 public:
  Separator(const BarcodeKey& key, bool second_gap)
      : positives_(key.positives), second_gap_(second_gap), sorted_(key.masses.size()) {}

  /// The positives are the k highest values, or those above the deciding gap when the key has no constant k. No code
  /// where nothing decides.
  Separation operator()(std::span<const double> values) {
    std::ranges::copy(values, sorted_.begin());
    std::ranges::sort(sorted_, std::greater<>());
    const std::size_t positives = positives_ ? *positives_ : above_deciding_gap();
    Separation result;
    if (positives == 0) return result;
    result.lowest_positive = sorted_[positives - 1];
    result.delta = sorted_[positives - 1] - sorted_[positives];
    for (std::size_t c = 0; c < values.size(); ++c) {
      if (values[c] >= result.lowest_positive) result.code |= std::uint64_t{1} << c;
    }
    return result;
  }

 private:
  /// How many values stand above the widest gap, the one at `but_not` left aside; 0 where there is none.
  [[nodiscard]] std::size_t above_widest_gap(std::size_t but_not = 0) const {
    std::size_t widest = 0;
    for (std::size_t i = 1; i < sorted_.size(); ++i) {
      if (i == but_not) continue;
      if (widest == 0 || sorted_[i - 1] - sorted_[i] > sorted_[widest - 1] - sorted_[widest]) widest = i;
    }
    return widest;
  }

  [[nodiscard]] std::size_t above_deciding_gap() const {
    const std::size_t widest = above_widest_gap();
    if (!second_gap_ || sorted_[widest] >= 0) return widest;
    const std::size_t second = above_widest_gap(widest);
    return second != 0 && sorted_[second - 1] > 0 ? second : 0;
  }

  std::optional<std::size_t> positives_;
  bool second_gap_;
  std::vector<double> sorted_;
};

/// y = d / (1 + (s/e)^b) at s, by least squares (Levenberg and Marquardt).
struct LogLogistic {
  double b = 3, d = 1, log_e = -1;
  [[nodiscard]] double power(double s) const { return s > 0 ? std::exp(b * (std::log(s) - log_e)) : 0; }
  [[nodiscard]] double at(double s) const { return d / (1 + power(s)); }
  /// |y'| / y; 0 at 0.
  [[nodiscard]] double decline(double s) const {
    if (s <= 0) return 0;
    const double u = power(s);
    return b * u / (s * (1 + u));
  }
  [[nodiscard]] double residual(std::span<const double> yields) const {
    double sum = 0;
    for (std::size_t i = 0; i < yields.size(); ++i) {
      const double r = yields[i] - at(static_cast<double>(i) / kYieldSteps);
      sum += r * r;
    }
    return sum;
  }
};

/// Solves the damped normal equations of three unknowns by Cramer's rule.
std::optional<std::array<double, 3>> solve(std::array<std::array<double, 3>, 3> a, const std::array<double, 3>& g,
                                           double damping) {
  for (std::size_t i = 0; i < 3; ++i) a[i][i] *= 1 + damping;
  const auto determinant = [](const std::array<std::array<double, 3>, 3>& m) {
    return m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
           m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
  };
  const double whole = determinant(a);
  if (!(std::abs(whole) > 0) || !std::isfinite(whole)) return std::nullopt;
  std::array<double, 3> step{};
  for (std::size_t c = 0; c < 3; ++c) {
    auto replaced = a;
    for (std::size_t r = 0; r < 3; ++r) replaced[r][c] = g[r];
    step[c] = determinant(replaced) / whole;
  }
  return step;
}

std::optional<LogLogistic> fit_log_logistic(std::span<const double> yields) {
  LogLogistic curve;
  curve.d = yields.front();
  const auto half = std::ranges::find_if(yields, [&](double y) { return y <= curve.d / 2; });
  curve.log_e = std::log(std::max(0.01, static_cast<double>(half - yields.begin()) / kYieldSteps));
  double residual = curve.residual(yields), damping = 1e-3;
  for (int round = 0; round < 500 && damping < 1e12; ++round) {
    std::array<std::array<double, 3>, 3> normal{};
    std::array<double, 3> gradient{};
    for (std::size_t i = 0; i < yields.size(); ++i) {
      const double s = static_cast<double>(i) / kYieldSteps;
      const double u = curve.power(s), w = 1 + u;
      const double slope = std::isfinite(u) ? curve.d * u / (w * w) : 0;
      const std::array<double, 3> j{s > 0 ? -slope * (std::log(s) - curve.log_e) : 0, 1 / w, slope * curve.b};
      const double r = yields[i] - curve.at(s);
      for (std::size_t a = 0; a < 3; ++a) {
        gradient[a] += j[a] * r;
        for (std::size_t b = 0; b < 3; ++b) normal[a][b] += j[a] * j[b];
      }
    }
    const auto step = solve(normal, gradient, damping);
    if (!step) return std::nullopt;
    const LogLogistic next{curve.b + (*step)[0], curve.d + (*step)[1], curve.log_e + (*step)[2]};
    const double next_residual = next.residual(yields);
    if (!(next_residual <= residual)) {
      damping *= 10;
      continue;
    }
    const bool settled = residual - next_residual <= 1e-15 * residual;
    curve = next;
    residual = next_residual;
    damping = std::max(1e-15, damping / 10);
    if (settled) break;
  }
  if (!std::isfinite(residual) || !(curve.b > 0)) return std::nullopt;
  return curve;
}

struct Line {
  double intercept = 0, slope = 0, residual = 0;
};

Line fit_line(std::span<const double> yields) {
  const auto n = static_cast<double>(yields.size());
  double mean_y = 0;
  for (const double y : yields) mean_y += y / n;
  double cross = 0, square = 0;
  for (std::size_t i = 0; i < yields.size(); ++i) {
    const double s = static_cast<double>(i) / kYieldSteps - 0.5;
    cross += s * (yields[i] - mean_y);
    square += s * s;
  }
  Line line;
  line.slope = cross / square;
  line.intercept = mean_y - 0.5 * line.slope;
  for (std::size_t i = 0; i < yields.size(); ++i) {
    const double r = yields[i] - line.intercept - line.slope * static_cast<double>(i) / kYieldSteps;
    line.residual += r * r;
  }
  return line;
}

class Debarcoder {
 public:
  Debarcoder(const BarcodeKey& key, std::span<const float> intensities, const DebarcodingRules& rules)
      : key_(key), raw_(intensities), rules_(rules), channels_(key.masses.size()), events_(raw_.size() / channels_) {}

  Debarcoding run() {
    assign();
    measure_separation();
    apply_cutoffs();
    return std::move(result_);
  }

 private:
  void scaled(std::size_t event, std::span<double> values) const {
    for (std::size_t c = 0; c < channels_; ++c) {
      values[c] = std::asinh(static_cast<double>(raw_[event * channels_ + c]) / rules_.cofactor);
    }
  }

  void assign() {
    std::map<std::uint64_t, std::int32_t> codes;
    for (std::size_t i = 0; i < key_.codes.size(); ++i) codes.emplace(key_.codes[i], static_cast<std::int32_t>(i));
    result_.preliminary.assign(events_, Debarcoding::kUnassigned);
    members_.resize(key_.labels.size());
    Separator separate(key_, rules_.second_gap);
    std::vector<double> values(channels_);
    for (std::size_t event = 0; event < events_; ++event) {
      scaled(event, values);
      if (!std::ranges::all_of(values, [](double v) { return std::isfinite(v); })) continue;
      const Separation separation = separate(values);
      const auto found = codes.find(separation.code);
      if (found == codes.end() || separation.lowest_positive < 0) continue;
      result_.preliminary[event] = found->second;
      members_[static_cast<std::size_t>(found->second)].push_back(event);
    }
  }

  /// 95th percentile of the sample's positive channels.
  [[nodiscard]] double scale_of(std::size_t label) const {
    std::vector<double> positives, values(channels_);
    for (const std::size_t event : members_[label]) {
      scaled(event, values);
      for (std::size_t c = 0; c < channels_; ++c) {
        if ((key_.codes[label] >> c & 1U) != 0) positives.push_back(values[c]);
      }
    }
    return positives.empty() ? 1 : quantile(positives, kScaleQuantile);
  }

  void measure_separation() {
    result_.delta.assign(events_, kNaN);
    Separator separate(key_, rules_.second_gap);
    std::vector<double> values(channels_);
    for (std::size_t label = 0; label < members_.size(); ++label) {
      const double scale = scale_of(label);
      std::vector<double> deltas;
      for (const std::size_t event : members_[label]) {
        scaled(event, values);
        for (double& value : values) value /= scale > 0 ? scale : 1;
        result_.delta[event] = separate(values).delta;
        deltas.push_back(result_.delta[event]);
      }
      result_.cutoffs.push_back(rules_.cutoff ? *rules_.cutoff : estimate_cutoff(deltas));
    }
  }

  void apply_cutoffs() {
    result_.label.assign(events_, Debarcoding::kUnassigned);
    result_.mahalanobis2.assign(events_, kNaN);
    std::vector<double> values(channels_);
    for (std::size_t label = 0; label < members_.size(); ++label) {
      std::vector<std::size_t> kept;
      std::vector<double> points;
      for (const std::size_t event : members_[label]) {
        if (!(result_.delta[event] >= result_.cutoffs[label])) continue;
        kept.push_back(event);
        scaled(event, values);
        points.insert(points.end(), values.begin(), values.end());
      }
      const auto cloud = Mahalanobis::fit(points, channels_);
      for (std::size_t i = 0; i < kept.size(); ++i) {
        if (cloud) {
          result_.mahalanobis2[kept[i]] = cloud->squared(std::span(points).subspan(i * channels_, channels_));
          if (result_.mahalanobis2[kept[i]] > rules_.mahalanobis) continue;
        }
        result_.label[kept[i]] = static_cast<std::int32_t>(label);
      }
    }
  }

  const BarcodeKey& key_;
  std::span<const float> raw_;
  DebarcodingRules rules_;
  std::size_t channels_, events_;
  std::vector<std::vector<std::size_t>> members_;  ///< events per label
  Debarcoding result_;
};

/// Reads and checks the key line by line.
class KeyReader {
 public:
  explicit KeyReader(io::LineReader& lines) : lines_(lines) {}

  BarcodeKey read() {
    std::string_view line;
    if (!lines_.next(line)) fail(0, "the key is empty", "Give a header with masses and a row per sample");
    read_header(line);
    std::uint64_t blank = 0;
    while (lines_.next(line)) {
      if (core::trim(line).empty()) {
        if (blank == 0) blank = lines_.line_number();
        continue;
      }
      if (blank != 0) {
        core::raise({lines_.name(), core::Place::line(blank), "a blank row", "Remove it"});
      }
      read_row(line);
    }
    if (key_.labels.size() < 2) fail(0, fmt::format("{} samples in the key", key_.labels.size()), "Give at least two");
    const int first = std::popcount(key_.codes.front());
    if (std::ranges::all_of(key_.codes, [&](std::uint64_t code) { return std::popcount(code) == first; })) {
      key_.positives = static_cast<std::size_t>(first);
    }
    return std::move(key_);
  }

 private:
  [[noreturn]] void fail(std::size_t column, std::string what, std::string remedy) const {
    core::raise({lines_.name(), core::Place::line(lines_.line_number(), column), std::move(what), std::move(remedy)});
  }

  void read_header(std::string_view line) {
    const auto fields = core::split(line, ',');
    for (std::size_t i = 1; i < fields.size(); ++i) {
      const std::string_view field = unquoted(fields[i]);
      const auto number = core::parse_int(field);
      const std::optional<int> mass = number ? std::optional(static_cast<int>(*number)) : isotope_mass(field);
      if (!mass || *mass < 75 || *mass > 210) {
        fail(i + 1, fmt::format("'{}' is no isotope mass", core::printable(field)),
             "Head the columns with masses, e.g. 102");
      }
      if (std::ranges::find(key_.masses, *mass) != key_.masses.end()) {
        fail(i + 1, fmt::format("mass {} is given twice", *mass), "Remove one of the columns");
      }
      key_.masses.push_back(*mass);
    }
    if (key_.masses.size() < 2 || key_.masses.size() > kMaximumChannels) {
      fail(0, fmt::format("{} barcode channels", key_.masses.size()), "Give from 2 to 64, separated by commas");
    }
  }

  void read_row(std::string_view line) {
    const auto fields = core::split(line, ',');
    if (fields.size() != key_.masses.size() + 1) {
      fail(0, fmt::format("{} fields where the header has {}", fields.size(), key_.masses.size() + 1),
           "Complete the row");
    }
    const std::string label(unquoted(fields[0]));
    if (core::is_missing(label) || label == "0") {
      fail(1, fmt::format("'{}' is no sample label", core::printable(label)), "Name the sample; 0 means unassigned");
    }
    if (std::ranges::find(key_.labels, label) != key_.labels.end()) {
      fail(1, fmt::format("sample '{}' is given twice", core::printable(label)), "Remove one of the rows");
    }
    std::uint64_t code = 0;
    for (std::size_t i = 1; i < fields.size(); ++i) {
      const std::string_view cell = unquoted(fields[i]);
      if (cell != "0" && cell != "1") {
        fail(i + 1, fmt::format("'{}' is neither 0 nor 1", core::printable(cell)),
             "Write 1 for positive, 0 for negative");
      }
      if (cell == "1") code |= std::uint64_t{1} << (i - 1);
    }
    const auto positives = static_cast<std::size_t>(std::popcount(code));
    if (positives == 0 || positives == key_.masses.size()) {
      fail(0,
           fmt::format("sample '{}' is positive in {} of {} channels", core::printable(label), positives,
                       key_.masses.size()),
           "A code needs positive and negative channels");
    }
    const auto twin = std::ranges::find(key_.codes, code);
    if (twin != key_.codes.end()) {
      fail(0,
           fmt::format("samples '{}' and '{}' have the same code",
                       core::printable(key_.labels[static_cast<std::size_t>(twin - key_.codes.begin())]),
                       core::printable(label)),
           "Correct one of the rows");
    }
    key_.labels.push_back(label);
    key_.codes.push_back(code);
  }

  io::LineReader& lines_;
  BarcodeKey key_;
};

}  // namespace

BarcodeKey read_barcode_key(const std::filesystem::path& path, core::RunContext& context) {
  return read_barcode_key(io::open_source(path, context));
}

BarcodeKey read_barcode_key(std::unique_ptr<io::ByteSource> source) {
  io::LineReader lines(std::move(source));
  return KeyReader(lines).read();
}

double estimate_cutoff(std::span<const double> deltas) {
  return deltas.empty() ? 1 : cutoff_of_yields(separation_yields(deltas));
}

std::vector<double> separation_yields(std::span<const double> deltas) {
  std::vector<double> sorted(deltas.begin(), deltas.end());
  std::ranges::sort(sorted);
  std::vector<double> yields;
  for (std::size_t i = 0; i <= kYieldSteps; ++i) {
    const auto passing = sorted.end() - std::ranges::lower_bound(sorted, static_cast<double>(i) / kYieldSteps);
    yields.push_back(static_cast<double>(passing) / static_cast<double>(sorted.size()));
  }
  return yields;
}

double cutoff_of_yields(std::span<const double> yields) {
  const auto curve = fit_log_logistic(yields);
  const Line line = fit_line(yields);
  if (!curve || !(line.slope < 0)) return 1;
  std::optional<double> by_curve;
  for (std::size_t i = 0; i <= kYieldSteps && !by_curve; ++i) {
    const double s = static_cast<double>(i) / kYieldSteps;
    if (curve->decline(s) > 0.01) by_curve = s;
  }
  if (!by_curve) return 1;
  const double residual = curve->residual(yields);
  const double weight = residual + line.residual > 0 ? residual / (residual + line.residual) : 0;
  return weight * (-line.intercept / (2 * line.slope)) + (1 - weight) * *by_curve;
}

Debarcoding debarcode(const BarcodeKey& key, std::span<const float> intensities, const DebarcodingRules& rules) {
  return Debarcoder(key, intensities, rules).run();
}

}  // namespace immucan::cytof
