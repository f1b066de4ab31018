#include "cytof/batch_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "core/error.h"
#include "core/ordered_batches.h"
#include "core/random.h"
#include "core/text.h"
#include "cytof/batch_plot.h"
#include "cytof/normalise_files.h"
#include "cytof/output_columns.h"
#include "io/fcs.h"
#include "io/fcs_writer.h"
#include "report/multiqc.h"

namespace immucan::cytof {
namespace {

/// At most twice as many events of a file are drawn.
constexpr std::uint64_t kSampledEvents = 20'000;

using FileGroups = std::vector<std::pair<std::filesystem::path, std::string>>;

/// Appends at most `most` events, evenly spread over the file, so that the order of acquisition does not matter.
void take_events(io::FcsFile& file, const std::vector<std::size_t>& columns, std::uint64_t most,
                 std::vector<float>& values, core::RunContext& context) {
  const io::FcsDataset& set = file.single();
  const std::uint64_t taken = std::min(set.events, most);
  std::uint64_t next = 0;
  const auto place = [&](std::uint64_t i) {
    return static_cast<std::uint64_t>(static_cast<unsigned __int128>(i) * set.events / taken);
  };
  io::FcsEvents events(file, set, columns);
  io::FcsBlock block;
  while (events.next(block)) {
    context.interrupt.check();
    context.progress.update("reading controls", block.first_event, set.events);
    for (; next < taken && place(next) < block.first_event + block.events; ++next) {
      for (const double value : block.row(static_cast<std::size_t>(place(next) - block.first_event))) {
        if (!std::isfinite(value)) {
          core::raise({file.name(), core::Place::record(place(next) + 1), "an intensity is not a finite number",
                       "Remove the event"});
        }
        values.push_back(static_cast<float>(value));
      }
    }
  }
  file.finish();
}

std::vector<std::string> batches_of(const FileGroups& files, const std::string& table) {
  std::vector<std::string> batches;
  for (const auto& [path, batch] : files) {
    if (std::ranges::find(batches, batch) == batches.end()) batches.push_back(batch);
  }
  if (batches.size() < 2) {
    core::raise({table, core::Place::none(), fmt::format("all controls are of batch '{}'", core::printable(batches[0])),
                 "Give controls of at least two batches"});
  }
  return batches;
}

/// $PnR above all that will be written.
std::vector<io::FcsColumn> output_columns(const io::FcsDataset& set, const std::vector<std::size_t>& channels,
                                          const std::vector<ColumnRange>& ranges, const BatchTransform& transform) {
  std::vector<io::FcsColumn> columns = same_columns(set);
  if (set.events == 0) return columns;
  for (std::size_t i = 0; i < columns.size(); ++i) columns[i].range = std::max(columns[i].range, ranges[i].highest);
  for (std::size_t c = 0; c < channels.size(); ++c) {
    double& range = columns[channels[c]].range;
    range = std::max(range, transform.upper_bound(c, ranges[channels[c]].highest));
  }
  return columns;
}

struct Applied {
  std::uint64_t events = 0;
  std::size_t identities = 0;
  BatchSpread spread;
};

/// Every `stride`-th event of the file, on the arcsinh scale, before and after.
struct Sample {
  std::uint64_t stride = 1;
  std::vector<float> before, after;

  static void add(std::vector<float>& to, std::span<const double> values, double cofactor) {
    for (const double value : values) to.push_back(static_cast<float>(std::asinh(value / cofactor)));
  }
};

Applied apply_file(const std::filesystem::path& path, const std::string& batch_name, const BatchApplyFiles& options,
                   const BatchModel& model, const BatchTransform& transform, core::OutputFile& out,
                   core::RunContext& context) {
  io::FcsFile file(path, {.offsets = *io::parse_fcs_offsets(options.offsets)}, context);
  const io::FcsDataset& set = file.single();
  for (const std::string& warning : set.warnings) context.log.warning(fmt::format("{}: {}", file.name(), warning));
  const auto columns = locate_channels(model.channels, Panel(set.parameters), file.name(), context.log);
  const auto ranges = column_ranges(file, {}, context);
  io::FcsWriter writer(out, set.keywords, output_columns(set, columns, ranges, transform), set.events,
                       {.type = exact_type(set)});
  io::FcsEvents events(file, set);
  struct Batch {
    io::FcsBlock block;
    std::vector<double> values;
    std::vector<float> scaled;
    Sample sample;
  };
  Sample sample{.stride = set.events / kSampledEvents + 1};
  core::ordered_batches<Batch>(
      {.threads = context.threads, .interrupt = &context.interrupt},
      [&](Batch& batch) { return events.next(batch.block); },
      [&](Batch& batch) {
        batch.values.resize(columns.size());
        batch.sample.before.clear();
        batch.sample.after.clear();
        for (std::size_t event = 0; event < batch.block.events; ++event) {
          double* row = batch.block.values.data() + event * batch.block.columns;
          for (std::size_t c = 0; c < columns.size(); ++c) batch.values[c] = row[columns[c]];
          const bool sampled = (batch.block.first_event + event) % sample.stride == 0;
          if (sampled) Sample::add(batch.sample.before, batch.values, model.cofactor);
          transform.apply(batch.values, batch.scaled);
          if (sampled) Sample::add(batch.sample.after, batch.values, model.cofactor);
          for (std::size_t c = 0; c < columns.size(); ++c) row[columns[c]] = batch.values[c];
        }
      },
      [&](Batch& batch) {
        writer.write(batch.block.values);
        sample.before.insert(sample.before.end(), batch.sample.before.begin(), batch.sample.before.end());
        sample.after.insert(sample.after.end(), batch.sample.after.begin(), batch.sample.after.end());
        context.progress.update("normalising batches", batch.block.first_event, set.events);
      });
  file.finish();
  writer.finish();
  return {set.events,
          transform.identities(),
          {batch_name, channel_spreads(sample.before, columns.size()), channel_spreads(sample.after, columns.size())}};
}

FileGroups files_to_apply(const BatchApplyFiles& options, core::RunContext& context) {
  FileGroups files;
  if (options.batches) {
    if (!options.files.empty() || !options.batch.empty()) {
      core::raise_usage("--batches names the files and their batches. Leave FILE and --batch out.");
    }
    return read_file_groups(*options.batches, "batch", context);
  }
  if (options.files.empty() || options.batch.empty()) {
    core::raise_usage("give FILE and --batch, or a table with --batches.");
  }
  for (const auto& path : options.files) files.emplace_back(path, options.batch);
  return files;
}

}  // namespace

BatchTraining train_batch_files(const BatchTrainFiles& options, core::RunContext& context) {
  if (options.cells < 1000) core::raise_usage("--cells must be at least 1000.");
  const FileGroups files = read_file_groups(options.controls, "batch", context);
  BatchControls controls;
  controls.batches = batches_of(files, options.controls.string());
  controls.values.resize(controls.batches.size());
  const auto share = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(options.cells) / files.size());
  for (const auto& [path, batch] : files) {
    io::FcsFile file(path, {.offsets = *io::parse_fcs_offsets(options.offsets)}, context);
    const Panel panel(file.single().parameters);
    if (controls.channels.names.empty()) {
      controls.channels = choose_channels(options.channels, panel, file.name(), context);
    }
    const auto columns = locate_channels(controls.channels, panel, file.name(), context.log);
    const auto at = static_cast<std::size_t>(std::ranges::find(controls.batches, batch) - controls.batches.begin());
    take_events(file, columns, share, controls.values[at], context);
  }
  context.progress.finish();
  for (std::size_t b = 0; b < controls.batches.size(); ++b) {
    if (controls.values[b].empty()) {
      core::raise({options.controls.string(), core::Place::none(),
                   fmt::format("the controls of batch '{}' hold no events", core::printable(controls.batches[b])),
                   "Give a control with events, or leave the batch out"});
    }
  }
  BatchTrainOptions science = options.science;
  science.seed = context.seed;
  science.threads = context.threads;
  BatchModel model = train_batches(controls, science);
  for (std::size_t b = 0; b < model.batches.size(); ++b) {
    for (std::size_t k = 0; k < model.clusters; ++k) {
      if (!model.cell(b, k).quantiles.empty()) continue;
      context.log.warning(fmt::format("batch '{}' has {} cells in cluster {}: they will stay as they are",
                                      core::printable(model.batches[b]), model.cell(b, k).cells, k + 1));
    }
  }
  std::string plot = batch_plot("Controls of all batches", model.channels.labels, control_spreads(controls, model));
  return {std::move(model), std::move(plot)};
}

void apply_batch_files(const BatchApplyFiles& options, core::OutputSet& outputs, core::RunContext& context) {
  const FileGroups files = files_to_apply(options, context);
  const BatchModel model = read_batch_model(options.model, context);
  std::set<std::string> stems;
  for (const auto& [path, batch] : files) {
    if (std::ranges::find(model.batches, batch) == model.batches.end()) {
      core::raise({options.model.string(), core::Place::none(),
                   fmt::format("batch '{}' had no control when the model was trained", core::printable(batch)),
                   fmt::format("Train with a control of it, or name one of: {}",
                               core::printable(core::join(model.batches, ", "), 300))});
    }
    if (!stems.insert(fcs_stem(path)).second) {
      core::raise_usage(fmt::format("two inputs are named '{}'. Rename one.", core::printable(fcs_stem(path))));
    }
  }
  std::uint64_t events = 0;
  for (const auto& [path, batch] : files) {
    const auto at = static_cast<std::size_t>(std::ranges::find(model.batches, batch) - model.batches.begin());
    const BatchTransform transform(model, at, *parse_extrapolation(options.extrapolation));
    const std::string stem = fcs_stem(path);
    const Applied applied =
        apply_file(path, batch, options, model, transform, outputs.add(stem + ".batch_normalized.fcs"), context);
    events += applied.events;
    outputs.add(stem + ".batch.svg").write(batch_plot(stem, model.channels.labels, {&applied.spread, 1}));
    outputs.add(stem + ".cytof_batch_mqc.json")
        .write(report::multiqc_fragment(
            "cytof_batch", "Batch normalisation", stem,
            {{"events", "Events", "events in the file", static_cast<double>(applied.events)},
             {"channels", "Channels", "channels moved", static_cast<double>(model.channels.names.size())},
             {"clusters_unchanged", "Clusters unchanged", "clusters with too few control cells in this batch",
              static_cast<double>(applied.identities)}}));
  }
  context.progress.finish();
  outputs.count("files", static_cast<std::int64_t>(files.size()));
  outputs.count("events", static_cast<std::int64_t>(events));
}

}  // namespace immucan::cytof
