#include "cytof/batch_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/ordered_batches.h"
#include "stats/clustering_hierarchical.h"

namespace immucan::cytof {
namespace {

constexpr std::size_t kMaximumMapCells = 1'000'000;

void check_options(const BatchTrainOptions& options) {
  if (!(options.cofactor > 0)) core::raise_usage("--cofactor must be above 0.");
  if (options.quantiles < 2 || options.quantiles > 9999) core::raise_usage("--quantiles must be from 2 to 9999.");
  if (options.grid < 2 || options.grid > 50) core::raise_usage("--grid must be from 2 to 50.");
  if (options.clusters < 1 || options.clusters > options.grid * options.grid) {
    core::raise_usage("--clusters must be from 1 to the number of nodes of the map.");
  }
  if (options.least_cells < 1) core::raise_usage("--least-cells must be above 0.");
}

/// One map and its clusters over all controls; every batch gives as many steps.
void train_map(const BatchControls& controls, const BatchTrainOptions& options, BatchModel& model) {
  const std::size_t channels = model.channels.names.size();
  std::vector<float> rows;
  std::vector<std::size_t> group_start;
  const std::size_t share = std::max<std::size_t>(1, kMaximumMapCells / controls.batches.size());
  for (const auto& values : controls.values) {
    group_start.push_back(rows.size() / channels);
    const std::size_t events = values.size() / channels, taken = std::min(events, share);
    for (std::size_t i = 0; i < taken; ++i) {
      const std::size_t event = i * events / taken;
      for (std::size_t c = 0; c < channels; ++c) {
        rows.push_back(static_cast<float>(std::asinh(double{values[event * channels + c]} / model.cofactor)));
      }
    }
  }
  const auto grid = static_cast<std::size_t>(options.grid);
  if (rows.size() / channels < grid * grid) {
    core::raise({"controls", core::Place::none(),
                 fmt::format("{} events are fewer than the {} nodes of the map", rows.size() / channels, grid * grid),
                 "Lower --grid, or leave the clusters out with --clusters 1"});
  }
  const stats::SelfOrganisingMap map(rows, channels, group_start,
                                     {.width = grid, .height = grid, .seed = options.seed});
  model.map_width = model.map_height = grid;
  model.map_codes = map.codes();
  model.node_cluster = stats::consensus_clusters(
      model.map_codes, channels, {.clusters = model.clusters, .seed = options.seed, .threads = options.threads});
}

/// Events of one batch by cluster.
std::vector<std::vector<std::size_t>> split_by_cluster(const BatchModel& model, const std::vector<float>& values) {
  const std::size_t channels = model.channels.names.size(), events = values.size() / channels;
  std::vector<std::vector<std::size_t>> members(model.clusters);
  if (model.clusters == 1) {
    for (std::size_t i = 0; i < events; ++i) members[0].push_back(i);
    return members;
  }
  const stats::SelfOrganisingMap map(model.map_codes, channels);
  std::vector<float> row(channels);
  for (std::size_t i = 0; i < events; ++i) {
    for (std::size_t c = 0; c < channels; ++c) {
      row[c] = static_cast<float>(std::asinh(double{values[i * channels + c]} / model.cofactor));
    }
    members[model.node_cluster[map.nearest(row).node]].push_back(i);
  }
  return members;
}

std::vector<double> learn_quantiles(const BatchModel& model, const std::vector<float>& values, std::size_t channel,
                                    const std::vector<std::size_t>& members) {
  std::vector<float> raw;
  raw.reserve(members.size());
  for (const std::size_t i : members) raw.push_back(values[i * model.channels.names.size() + channel]);
  std::ranges::sort(raw);
  std::vector<double> sorted;
  sorted.reserve(raw.size());
  for (const float value : raw) sorted.push_back(std::asinh(double{value} / model.cofactor));
  std::vector<double> quantiles{sorted.front()};
  for (std::size_t i = 1; i <= model.quantiles; ++i) {
    quantiles.push_back(
        stats::sorted_quantile(sorted, static_cast<double>(i) / static_cast<double>(model.quantiles + 1)));
  }
  quantiles.push_back(sorted.back());
  return quantiles;
}

void learn_goals(BatchModel& model) {
  const std::size_t channels = model.channels.names.size();
  model.goals.assign(model.clusters, {});
  for (std::size_t cluster = 0; cluster < model.clusters; ++cluster) {
    std::vector<std::size_t> with;
    for (std::size_t b = 0; b < model.batches.size(); ++b) {
      if (!model.cell(b, cluster).quantiles.empty()) with.push_back(b);
    }
    if (with.empty()) continue;
    for (std::size_t c = 0; c < channels; ++c) {
      std::vector<double> goal(model.quantiles + 2);
      for (const std::size_t b : with) {
        const auto& own = model.cell(b, cluster).quantiles[c];
        for (std::size_t q = 0; q < goal.size(); ++q) goal[q] += own[q];
      }
      for (double& value : goal) value /= static_cast<double>(with.size());
      model.goals[cluster].push_back(std::move(goal));
    }
  }
}

}  // namespace

std::optional<Extrapolation> parse_extrapolation(std::string_view text) {
  if (text == "clamp") return Extrapolation::kClamp;
  if (text == "quantiles") return Extrapolation::kQuantiles;
  if (text == "linear") return Extrapolation::kLinear;
  return std::nullopt;
}

BatchModel train_batches(const BatchControls& controls, const BatchTrainOptions& options) {
  check_options(options);
  BatchModel model;
  model.cofactor = options.cofactor;
  model.quantiles = static_cast<std::size_t>(options.quantiles);
  model.least_cells = static_cast<std::size_t>(options.least_cells);
  model.clusters = static_cast<std::size_t>(options.clusters);
  model.channels = controls.channels;
  model.batches = controls.batches;
  if (model.clusters > 1) train_map(controls, options, model);
  model.learnt.resize(model.batches.size() * model.clusters);
  const std::size_t channels = model.channels.names.size();
  for (std::size_t b = 0; b < model.batches.size(); ++b) {
    const auto members = split_by_cluster(model, controls.values[b]);
    for (std::size_t k = 0; k < model.clusters; ++k) {
      BatchModel::Cell& cell = model.learnt[b * model.clusters + k];
      cell.cells = members[k].size();
      if (members[k].size() <= model.least_cells) continue;
      cell.quantiles.resize(channels);
      core::parallel_for(options.threads, channels, [&](std::size_t c) {
        cell.quantiles[c] = learn_quantiles(model, controls.values[b], c, members[k]);
      });
    }
  }
  learn_goals(model);
  return model;
}

BatchTransform::BatchTransform(const BatchModel& model, std::size_t batch, Extrapolation extrapolation)
    : cofactor_(model.cofactor),
      extrapolation_(extrapolation),
      channels_(model.channels.names.size()),
      clusters_(model.clusters),
      node_cluster_(model.node_cluster),
      curves_(model.clusters * model.channels.names.size()) {
  if (clusters_ > 1) map_.emplace(model.map_codes, channels_);
  for (std::size_t k = 0; k < clusters_; ++k) {
    const BatchModel::Cell& cell = model.cell(batch, k);
    if (cell.quantiles.empty()) continue;
    for (std::size_t c = 0; c < channels_; ++c) {
      const auto inner = [](const std::vector<double>& all) { return std::span(all).subspan(1, all.size() - 2); };
      const std::span<const double> from = inner(cell.quantiles[c]), to = inner(model.goals[k][c]);
      if (!(from.front() < from.back())) continue;
      Curve& curve = curves_[k * channels_ + c];
      curve.spline.emplace(from, to);
      const bool range = extrapolation == Extrapolation::kClamp;
      curve.low = range ? model.goals[k][c].front() : to.front();
      curve.high = range ? model.goals[k][c].back() : to.back();
    }
  }
}

double BatchTransform::moved(const Curve& curve, double scaled, double raw) const {
  constexpr double kLargest = std::numeric_limits<float>::max();
  if (!curve.spline || std::isnan(raw)) return raw;
  const stats::MonotoneSpline& spline = *curve.spline;
  double result = 0;
  if (extrapolation_ == Extrapolation::kClamp && scaled < spline.first_x()) {
    result = scaled + (spline.first_y() - spline.first_x());
  } else if (extrapolation_ == Extrapolation::kClamp && scaled > spline.last_x()) {
    result = scaled + (spline.last_y() - spline.last_x());
  } else {
    result = spline(scaled);
  }
  if (extrapolation_ != Extrapolation::kLinear) result = std::clamp(result, curve.low, curve.high);
  return std::clamp(std::sinh(result) * cofactor_, -kLargest, kLargest);
}

void BatchTransform::apply(std::span<double> values, std::vector<float>& scaled) const {
  std::size_t cluster = 0;
  if (map_) {
    scaled.resize(channels_);
    for (std::size_t c = 0; c < channels_; ++c) scaled[c] = static_cast<float>(std::asinh(values[c] / cofactor_));
    cluster = node_cluster_[map_->nearest(scaled).node];
  }
  for (std::size_t c = 0; c < channels_; ++c) {
    values[c] = moved(curves_[cluster * channels_ + c], std::asinh(values[c] / cofactor_), values[c]);
  }
}

double BatchTransform::upper_bound(std::size_t channel, double largest) const {
  double bound = -std::numeric_limits<double>::infinity();
  for (std::size_t k = 0; k < clusters_; ++k) {
    bound = std::max(bound, moved(curves_[k * channels_ + channel], std::asinh(largest / cofactor_), largest));
  }
  return bound;
}

std::size_t BatchTransform::identities() const {
  std::size_t count = 0;
  for (std::size_t k = 0; k < clusters_; ++k) {
    const bool any = std::any_of(curves_.begin() + static_cast<std::ptrdiff_t>(k * channels_),
                                 curves_.begin() + static_cast<std::ptrdiff_t>((k + 1) * channels_),
                                 [](const Curve& curve) { return curve.spline.has_value(); });
    count += any ? 0 : 1;
  }
  return count;
}

}  // namespace immucan::cytof
