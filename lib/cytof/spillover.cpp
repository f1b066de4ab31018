#include "cytof/spillover.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <numeric>
#include <optional>
#include <string_view>

#include "cytof/bead_normalisation.h"

namespace immucan::cytof {
namespace {

constexpr double kBackgroundTrim = 0.1;
constexpr int kOxide = 16;

/// Natural isotopes of the metals that are used as tags and have more than one.
struct Metal {
  std::string_view symbol;
  std::initializer_list<int> isotopes;
};
const std::array<Metal, 21>& metals() {
  static const std::array<Metal, 21> table{{{"Pd", {102, 104, 105, 106, 108, 110}},
                                            {"Ag", {107, 109}},
                                            {"Cd", {106, 108, 110, 111, 112, 113, 114, 116}},
                                            {"In", {113, 115}},
                                            {"Sn", {112, 114, 115, 116, 117, 118, 119, 120, 122, 124}},
                                            {"Te", {120, 122, 123, 124, 125, 126, 128, 130}},
                                            {"Xe", {124, 126, 128, 129, 130, 131, 132, 134, 136}},
                                            {"Ba", {130, 132, 134, 135, 136, 137, 138}},
                                            {"La", {138, 139}},
                                            {"Ce", {136, 138, 140, 142}},
                                            {"Nd", {142, 143, 144, 145, 146, 148, 150}},
                                            {"Sm", {144, 147, 148, 149, 150, 152, 154}},
                                            {"Eu", {151, 153}},
                                            {"Gd", {152, 154, 155, 156, 157, 158, 160}},
                                            {"Dy", {156, 158, 160, 161, 162, 163, 164}},
                                            {"Er", {162, 164, 166, 167, 168, 170}},
                                            {"Yb", {168, 170, 171, 172, 173, 174, 176}},
                                            {"Lu", {175, 176}},
                                            {"Hf", {174, 176, 177, 178, 179, 180}},
                                            {"Ir", {191, 193}},
                                            {"Pt", {190, 192, 194, 195, 196, 198}}}};
  return table;
}

bool share_metal(std::string_view symbol, int mass) {
  return std::ranges::any_of(metals(), [&](const Metal& metal) {
    return metal.symbol == symbol && std::ranges::find(metal.isotopes, mass) != metal.isotopes.end();
  });
}

std::string isotope_of(const Channel& channel) {
  auto label = isotope_label(channel.name);
  if (!label) label = isotope_label(channel.marker);
  return label.value_or(channel.name);
}

/// Metal of "Nd142".
std::string_view symbol_of(std::string_view isotope) {
  const std::size_t end = isotope.find_first_of("0123456789");
  return isotope.substr(0, end);
}

class Estimator {
 public:
  Estimator(const SingleStains& stains, const SpilloverRules& rules)
      : stains_(stains), rules_(rules), width_(stains.channels.size()) {
    for (std::size_t c = 0; c < width_; ++c) candidates_.push_back(spillover_candidates(stains.channels, c));
  }

  EstimatedSpillover run() {
    EstimatedSpillover result;
    for (const Channel& channel : stains_.channels) result.matrix.receivers.push_back(isotope_of(channel));
    result.matrix.values.assign(stains_.stained.size() * width_, 0.0);
    for (std::size_t s = 0; s < stains_.stained.size(); ++s) {
      const std::size_t emitter = stains_.stained[s];
      result.matrix.emitters.push_back(result.matrix.receivers[emitter]);
      double* row = result.matrix.values.data() + s * width_;
      row[emitter] = 1;
      std::vector<std::size_t> positive;
      for (std::size_t event = 0; event < stains_.events(); ++event) {
        if (stains_.stain[event] == static_cast<std::int32_t>(s)) positive.push_back(event);
      }
      result.positive.push_back(positive.size());
      if (positive.size() < 2) continue;
      for (const std::size_t receiver : candidates_[emitter]) row[receiver] = share(positive, emitter, receiver);
    }
    return result;
  }

 private:
  [[nodiscard]] double value(std::size_t event, std::size_t channel) const {
    return static_cast<double>(stains_.intensities[event * width_ + channel]);
  }

  /// Events of the stains that reach none of the given channels.
  [[nodiscard]] std::vector<std::size_t> background(std::initializer_list<std::size_t> channels) const {
    std::vector<bool> reached(stains_.stained.size());
    for (std::size_t s = 0; s < stains_.stained.size(); ++s) {
      const auto mass = stains_.channels[stains_.stained[s]].mass;
      for (const std::size_t channel : channels) {
        if (mass == stains_.channels[channel].mass) reached[s] = true;
        for (const std::size_t other : candidates_[channel]) {
          if (mass == stains_.channels[other].mass) reached[s] = true;
        }
      }
    }
    std::vector<std::size_t> events;
    for (std::size_t event = 0; event < stains_.events(); ++event) {
      const std::int32_t stain = stains_.stain[event];
      if (stain >= 0 && !reached[static_cast<std::size_t>(stain)]) events.push_back(event);
    }
    return events;
  }

  [[nodiscard]] double average(const std::vector<std::size_t>& events, std::size_t channel, double trim) const {
    std::vector<double> values;
    values.reserve(events.size());
    for (const std::size_t event : events) values.push_back(value(event, channel));
    return values.empty() ? 0 : trimmed_mean(values, trim);
  }

  [[nodiscard]] double share(const std::vector<std::size_t>& positive, std::size_t emitter,
                             std::size_t receiver) const {
    const bool classic = rules_.method == SpilloverMethod::kClassic;
    const double trim = classic ? rules_.trim : kBackgroundTrim;
    const auto behind_emitter = background({emitter});
    const auto behind_both = background({emitter, receiver});
    const double low_emitter = average(behind_emitter, emitter, trim);
    const double low_receiver = average(behind_both, receiver, trim);
    double result = 0;
    if (classic) {
      result = (average(positive, receiver, trim) - low_receiver) / (average(positive, emitter, trim) - low_emitter);
    } else {
      std::vector<double> ratios;
      ratios.reserve(positive.size());
      for (const std::size_t event : positive) {
        const double ratio =
            std::max(0.0, value(event, receiver) - low_receiver) / std::max(0.0, value(event, emitter) - low_emitter);
        ratios.push_back(std::isfinite(ratio) ? ratio : 0);
      }
      result = median_of(ratios);
    }
    return result >= rules_.threshold ? result : 0;  // NaN is 0
  }

  const SingleStains& stains_;
  const SpilloverRules& rules_;
  std::size_t width_;
  std::vector<std::vector<std::size_t>> candidates_;
};

}  // namespace

double trimmed_mean(std::span<double> values, double trim) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  if (trim >= 0.5) return median_of(values);
  std::ranges::sort(values);
  const auto cut = static_cast<std::size_t>(static_cast<double>(values.size()) * trim);
  const auto kept = values.subspan(cut, values.size() - 2 * cut);
  return std::accumulate(kept.begin(), kept.end(), 0.0) / static_cast<double>(kept.size());
}

std::vector<std::size_t> spillover_candidates(const std::vector<Channel>& channels, std::size_t emitter) {
  std::vector<std::size_t> candidates;
  const auto mass = channels[emitter].mass;
  if (!mass) return candidates;
  const std::string isotope = isotope_of(channels[emitter]);
  for (std::size_t c = 0; c < channels.size(); ++c) {
    if (!channels[c].mass) continue;
    const int other = *channels[c].mass, step = other - *mass;
    if (step == 1 || step == -1 || step == kOxide || (step != 0 && share_metal(symbol_of(isotope), other))) {
      candidates.push_back(c);
    }
  }
  return candidates;
}

EstimatedSpillover estimate_spillover(const SingleStains& stains, const SpilloverRules& rules) {
  return Estimator(stains, rules).run();
}

}  // namespace immucan::cytof
