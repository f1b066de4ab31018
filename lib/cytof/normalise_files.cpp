#include "cytof/normalise_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "cytof/bead_finding.h"
#include "cytof/bead_spool.h"
#include "cytof/drift_plot.h"
#include "cytof/output_columns.h"
#include "cytof/panel.h"
#include "io/fcs_writer.h"
#include "report/multiqc.h"

namespace immucan::cytof {
namespace {

/// Below this the drift within the file cannot be followed: one constant factor.
constexpr std::size_t kFewBeads = 50;
constexpr double kRemoveDistance = 7;

using Run = NormalisationModel::Run;

[[noreturn]] void fail(const std::string& file, std::string what, std::string remedy) {
  core::raise({file, core::Place::none(), std::move(what), std::move(remedy)});
}

/// One input from the first pass to the last.
struct Input {
  Input(io::FcsFile opened, BeadColumns positions) : file(std::move(opened)), columns(std::move(positions)) {}
  io::FcsFile file;
  BeadColumns columns;
  std::optional<FoundBeads> found;
  std::optional<SpooledCurve> curve;
  Run run;
};

class Normaliser {
 public:
  Normaliser(const NormaliseOptions& options, core::OutputSet& outputs, core::RunContext& context)
      : options_(options), outputs_(outputs), context_(context) {}

  NormalisationModel run() {
    check_options();
    open_files();
    collect_beads();
    if (!options_.model) model_.baseline = baseline();
    check_baseline();
    for (Input& input : inputs_) {
      normalise(input);
      model_.runs.push_back(input.run);
    }
    outputs_.add("model.json").write(to_json(model_));
    return std::move(model_);
  }

 private:
  void check_options() {
    if (options_.window && (*options_.window < 3 || *options_.window > 1'000'001)) {
      core::raise_usage(fmt::format("--window {} is not from 3 to 1000001.", *options_.window));
    }
    if (options_.remove_distance && !(*options_.remove_distance >= 0)) {
      core::raise_usage("--remove-distance must not be negative.");
    }
    if (options_.gates && (!options_.bead_events.empty() || options_.gate != "auto")) {
      core::raise_usage("--gates goes neither with --bead-events nor with --gate. Give one of them.");
    }
    if (options_.model && !options_.reference.empty()) {
      core::raise_usage("--model holds a baseline already. Give --model or --reference.");
    }
    std::set<std::string> stems;
    for (const auto& file : options_.files) {
      if (!stems.insert(fcs_stem(file)).second) {
        core::raise_usage(
            fmt::format("two inputs are named {}: their outputs would have the same name.", fcs_stem(file)));
      }
    }
    if (!options_.bead_events.empty()) pairs_ = pair_bead_files(options_.files, options_.bead_events);
  }

  io::FcsFile open(const std::filesystem::path& path) {
    io::FcsFile file(path, {.offsets = *io::parse_fcs_offsets(options_.offsets)}, context_);
    for (const std::string& warning : file.single().warnings) {
      context_.log.detail(fmt::format("{}: {}", file.name(), warning));
    }
    return file;
  }

  void open_files() {
    if (options_.model) {
      model_ = read_normalisation_model(*options_.model, context_);
    } else {
      model_.method = *parse_bead_method(options_.method);
      model_.window = default_window(model_.method);
    }
    if (options_.window) model_.window = static_cast<std::size_t>(*options_.window);
    for (const auto& path : options_.files) {
      io::FcsFile file = open(path);
      if (file.single().events == 0) fail(file.name(), "the file holds no events", "Leave it out");
      if (model_.masses.empty()) choose_masses(file);
      BeadColumns columns = bead_columns(file, model_.masses);
      inputs_.emplace_back(std::move(file), std::move(columns));
      inputs_.back().run.file = path.filename().string();
      inputs_.back().run.events = inputs_.back().file.single().events;
    }
  }

  /// From the bead files where given (their panel is small and certain), else from the first input.
  void choose_masses(const io::FcsFile& first) {
    const auto choose = [&](const io::FcsFile& file) {
      const auto masses = bead_masses(options_.beads, Panel(file.single().parameters));
      if (!masses) {
        fail(file.name(),
             "the panel holds neither all dvs (140,151,153,165,175) nor all beta (139,141,159,169,175) bead masses",
             "Name the bead masses with --beads");
      }
      return *masses;
    };
    model_.masses = options_.bead_events.empty() ? choose(first) : choose(open(options_.bead_events.front()));
  }

  void collect_beads() {
    BeadFinder finder(model_.masses, model_.method, context_);
    for (const auto& path : options_.bead_events) bead_files_.push_back(read_beads(finder, path));
    std::optional<GivenGates> gates;
    if (options_.gates) gates = GivenGates::read(*options_.gates, context_);
    const bool as_catalyst =
        options_.gate == "catalyst" || (options_.gate == "auto" && model_.method == BeadMethod::kCatalyst);
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      Input& input = inputs_[i];
      if (!pairs_.empty()) {
        input.found = finder.find_again(input.file, input.columns, bead_files_[pairs_[i]],
                                        options_.bead_events[pairs_[i]].filename().string());
      } else if (gates) {
        input.found = finder.by_gates(input.file, input.columns, *gates);
      } else {
        input.found =
            as_catalyst ? finder.as_catalyst(input.file, input.columns) : finder.by_cloud(input.file, input.columns);
      }
      input.run.gate = input.found->gate;
      for (std::string& warning : input.found->warnings) warn(input, std::move(warning));
    }
  }

  BeadSpool read_beads(BeadFinder& finder, const std::filesystem::path& path) {
    io::FcsFile file = open(path);
    return finder.read_bead_file(file);
  }

  /// Over the reference beads where given, else over the beads of all files.
  std::vector<double> baseline() {
    BeadFinder finder(model_.masses, model_.method, context_);
    std::vector<BeadSpool> reference;
    for (const auto& path : options_.reference) reference.push_back(read_beads(finder, path));
    std::vector<const BeadSpool*> files;
    for (const BeadSpool& beads : reference.empty() ? bead_files_ : reference) files.push_back(&beads);
    if (files.empty()) {
      for (const Input& input : inputs_) files.push_back(&input.found->beads);
    }
    return spooled_baseline(model_.method, files);
  }

  void warn(Input& input, std::string text) {
    context_.log.warning(fmt::format("{}: {}", input.file.name(), text));
    input.run.warnings.push_back(std::move(text));
  }

  void check_baseline() const {
    for (std::size_t c = 0; c < model_.baseline.size(); ++c) {
      if (!(model_.baseline[c] > 0)) {
        fail(inputs_.front().file.name(),
             fmt::format("the baseline of bead mass {} is {}, not above 0", model_.masses[c], model_.baseline[c]),
             "Check the bead masses with --beads");
      }
    }
  }

  void fit_curve(Input& input) {
    const BeadSpool& beads = input.found->beads;
    if (beads.size() < kFewBeads) {
      warn(input,
           fmt::format("only {} beads: one constant factor, drift within the file is not corrected", beads.size()));
      input.curve = fit_spooled_slopes(BeadMethod::kFinck, beads, model_.baseline, kFewBeads + 1);
    } else {
      input.curve = fit_spooled_slopes(model_.method, beads, model_.baseline, model_.window);
    }
    const double low = input.curve->lowest(), high = input.curve->highest();
    if (!(low > 0) || !std::isfinite(high)) {
      fail(input.file.name(), fmt::format("the beads give factors from {} to {}", low, high),
           "Check the bead masses with --beads");
    }
    input.run.slope_minimum = low;
    input.run.slope_maximum = high;
    const BeadSpool* const spool = &beads;
    SpooledCurve* const curve = &*input.curve;
    input.run.median_before = spooled_medians({&spool, 1});
    input.run.median_after = spooled_medians({&spool, 1}, {&curve, 1});
  }

  void normalise(Input& input) {
    fit_curve(input);
    const auto distance = fit_spooled_distance(input.found->beads, *input.curve);
    if (!distance) warn(input, "too few beads for distances: only the beads themselves are removed");
    const io::FcsDataset& set = input.file.single();
    const Panel panel(set.parameters);
    std::vector<std::size_t> scaled;
    for (std::size_t i = 0; i < panel.channels().size(); ++i) {
      if (panel.channels()[i].is_mass) scaled.push_back(i);
    }
    std::vector<bool> removed(static_cast<std::size_t>(input.run.events));
    std::vector<double> highest(set.parameters.size(), 1);
    write_slopes(input, distance, scaled, removed, highest);
    write_events(input, scaled, removed, highest);
    write_qc(input);
    outputs_.add(fcs_stem(input.run.file) + ".drift.svg")
        .write(drift_plot(fcs_stem(input.run.file), model_.masses, input.found->beads, *input.curve));
    input.curve.reset();
  }

  /// Second reading: the factor and the fate of every event, and the largest value of every column for $PnR.
  void write_slopes(Input& input, const std::optional<BeadDistance>& distance, const std::vector<std::size_t>& scaled,
                    std::vector<bool>& removed, std::vector<double>& highest) {
    core::OutputFile& out = outputs_.add(fcs_stem(input.run.file) + ".slopes.tsv");
    out.write("event\tslope\tis_bead\tremoved\tbead_distance\n");
    std::string text;
    std::vector<double> row(highest.size()), bead(input.columns.beads.size());
    RowSpool::Marker marked(input.found->rows);
    const std::vector<float>& floor = input.found->removal_floor;
    const double near = options_.remove_distance.value_or(floor.empty() ? kRemoveDistance : -1);
    each_event(input, "measuring", [&](std::span<const double> raw, std::uint64_t event) {
      const double slope = input.curve->at(raw[input.columns.time]);
      std::ranges::copy(raw, row.begin());
      for (const std::size_t column : scaled) row[column] *= slope;
      for (std::size_t i = 0; i < row.size(); ++i) {
        if (row[i] > highest[i]) highest[i] = row[i];
      }
      for (std::size_t c = 0; c < bead.size(); ++c) bead[c] = row[input.columns.beads[c]];
      const bool is_bead = marked(event);
      const double far = distance ? (*distance)(bead) : std::numeric_limits<double>::quiet_NaN();
      bool gone = is_bead || far <= near;
      if (!gone && !floor.empty()) {
        gone = true;
        for (std::size_t c = 0; c < floor.size() && gone; ++c) {
          gone = static_cast<float>(raw[input.columns.beads[c]]) > floor[c];
        }
      }
      removed[static_cast<std::size_t>(event)] = gone;
      input.run.removed += gone ? 1 : 0;
      core::append_integer(text, static_cast<std::int64_t>(event));
      text += '\t';
      core::append_double(text, slope);
      text += is_bead ? "\t1\t" : "\t0\t";
      text += gone ? "1\t" : "0\t";
      core::append_double(text, far);
      text += '\n';
      if (text.size() > (std::size_t{1} << 16)) {
        out.write(text);
        text.clear();
      }
    });
    out.write(text);
    input.run.beads = input.found->rows.size();
  }

  template <class Use>
  void each_event(Input& input, std::string_view what, Use&& use) {
    io::FcsEvents events(input.file, input.file.single());
    io::FcsBlock block;
    while (events.next(block)) {
      context_.interrupt.check();
      context_.progress.update(what, block.first_event, input.run.events);
      for (std::size_t i = 0; i < block.events; ++i) use(block.row(i), block.first_event + i);
    }
  }

  static std::vector<io::FcsColumn> output_columns(const io::FcsDataset& set, const std::vector<double>& highest) {
    std::vector<io::FcsColumn> columns = same_columns(set);
    for (std::size_t i = 0; i < columns.size(); ++i) columns[i].range = std::max(columns[i].range, highest[i] + 1);
    return columns;
  }

  /// Last reading: scaled cells (and beads with --keep-beads) into one file, beads as measured into the other.
  void write_events(Input& input, const std::vector<std::size_t>& scaled, const std::vector<bool>& removed,
                    const std::vector<double>& highest) {
    const io::FcsDataset& set = input.file.single();
    const std::string stem = fcs_stem(input.run.file);
    const std::uint64_t kept = options_.keep_beads ? input.run.events : input.run.events - input.run.removed;
    const auto columns = output_columns(set, highest);
    const io::FcsWriteOptions written{.type = exact_type(set)};
    io::FcsWriter cells(outputs_.add(stem + ".normalized.fcs"), set.keywords, columns, kept, written);
    io::FcsWriter beads(outputs_.add(stem + ".beads.fcs"), set.keywords, columns, input.found->rows.size(), written);
    std::vector<double> rows, row(set.parameters.size());
    RowSpool::Marker marked(input.found->rows);
    each_event(input, "writing", [&](std::span<const double> raw, std::uint64_t event) {
      if (marked(event)) beads.write(raw);
      if (removed[static_cast<std::size_t>(event)] && !options_.keep_beads) return;
      const double slope = input.curve->at(raw[input.columns.time]);
      std::ranges::copy(raw, row.begin());
      for (const std::size_t column : scaled) row[column] *= slope;
      rows.insert(rows.end(), row.begin(), row.end());
      if (rows.size() > (std::size_t{1} << 16)) {
        cells.write(rows);
        rows.clear();
      }
    });
    cells.write(rows);
    cells.finish();
    beads.finish();
  }

  void write_qc(const Input& input) {
    const Run& run = input.run;
    const std::string stem = fcs_stem(run.file);
    report::add_qc(
        outputs_,
        {"cytof_normalize",
         "Bead normalisation",
         stem,
         {{"events", "Events", "events in the file", static_cast<double>(run.events)},
          {"beads", "Beads", "calibration beads gated", static_cast<double>(run.beads)},
          {"removed", "Removed", "events removed as beads or bead doublets", static_cast<double>(run.removed)},
          {"slope_minimum", "Least factor", "smallest correction factor", run.slope_minimum},
          {"slope_maximum", "Largest factor", "largest correction factor", run.slope_maximum}}});
  }

  const NormaliseOptions& options_;
  core::OutputSet& outputs_;
  core::RunContext& context_;
  NormalisationModel model_;
  std::vector<Input> inputs_;
  std::vector<BeadSpool> bead_files_;
  std::vector<std::size_t> pairs_;
};

std::size_t common_prefix(const std::string& a, const std::string& b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

}  // namespace

std::string fcs_stem(const std::filesystem::path& path) {
  std::string name = path == "-" ? std::string("stdin") : path.filename().string();
  const auto drop = [&](std::string_view suffix) {
    if (name.size() <= suffix.size()) return;
    const std::string_view end = std::string_view(name).substr(name.size() - suffix.size());
    if (io::fcs_key_equal(end, suffix)) name.resize(name.size() - suffix.size());
  };
  drop(".gz");
  drop(".bgz");
  drop(".zst");
  drop(".fcs");
  return name;
}

std::vector<std::size_t> pair_bead_files(const std::vector<std::filesystem::path>& files,
                                         const std::vector<std::filesystem::path>& bead_files) {
  if (bead_files.size() < files.size()) {
    core::raise_usage(
        fmt::format("--bead-events: {} files for {} inputs. Give one per input.", bead_files.size(), files.size()));
  }
  std::vector<std::size_t> pairs(files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (bead_files.size() == files.size()) {
      pairs[i] = i;
      continue;
    }
    std::vector<std::size_t> shared;
    for (const auto& bead_file : bead_files) {
      shared.push_back(common_prefix(files[i].filename().string(), bead_file.filename().string()));
    }
    const auto best = std::ranges::max_element(shared);
    if (*best == 0 || std::ranges::count(shared, *best) != 1) {
      core::raise_usage(
          fmt::format("--bead-events: which file holds the beads of {} is not clear from the names. Give one "
                      "per input, in the same order.",
                      files[i].filename().string()));
    }
    pairs[i] = static_cast<std::size_t>(best - shared.begin());
  }
  return pairs;
}

NormalisationModel normalise_files(const NormaliseOptions& options, core::OutputSet& outputs,
                                   core::RunContext& context) {
  NormalisationModel model = Normaliser(options, outputs, context).run();
  context.progress.finish();
  return model;
}

}  // namespace immucan::cytof
