#include "cytof/clean_events.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <set>

#include "core/error.h"
#include "core/text.h"
#include "cytof/normalise_files.h"
#include "cytof/output_columns.h"
#include "cytof/panel.h"
#include "io/fcs.h"
#include "io/fcs_writer.h"
#include "report/multiqc.h"

namespace immucan::cytof {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();
constexpr std::uint64_t kSample = std::uint64_t{1} << 17;
constexpr double kLeastDna = 2.5;  ///< arcsinh(x/5), 30 counts: below lies debris in any run

double scaled(double value) {
  return std::asinh(value / 5);
}

/// Bounds on one column; `outside` events lie beyond them, `left_out` of these pass every gate before.
struct Gate {
  std::string name, channel;
  std::size_t column = 0;
  bool arcsinh = false;
  double lower = -kInfinite, upper = kInfinite;
  std::uint64_t outside = 0, left_out = 0;
};

struct Spread {
  double median = 0, deviation = 0;
};
Spread spread_of(std::vector<double> values) {
  const auto middle = [&] {
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::ranges::nth_element(values, at);
    return *at;
  };
  Spread spread{middle(), 0};
  for (double& value : values) value = std::abs(value - spread.median);
  spread.deviation = 1.4826 * middle();
  return spread;
}

/// Every column of an even sample of the events.
std::vector<std::vector<double>> sample_columns(io::FcsFile& file, core::RunContext& context) {
  const io::FcsDataset& set = file.single();
  const std::uint64_t every = std::max<std::uint64_t>(1, (set.events + kSample - 1) / kSample);
  std::vector<std::vector<double>> columns(set.parameters.size());
  io::FcsEvents events(file, set);
  io::FcsBlock block;
  while (events.next(block)) {
    context.interrupt.check();
    context.progress.update("learning the gates", block.first_event, set.events);
    for (std::size_t i = 0; i < block.events; ++i) {
      if ((block.first_event + i) % every != 0) continue;
      for (std::size_t c = 0; c < columns.size(); ++c) {
        const double value = block.row(i)[c];
        if (std::isfinite(value)) columns[c].push_back(value);
      }
    }
  }
  return columns;
}

bool is_gaussian_parameter(const std::string& name) {
  return name == "Center" || name == "Offset" || name == "Width" || name == "Residual" || name == "Event_length";
}

std::optional<std::size_t> viability_column(const CleanOptions& options, const Panel& panel, const std::string& file) {
  if (!options.viability.empty()) {
    const auto column = panel.find_marker(options.viability);
    if (!column) {
      core::raise({file, core::Place::none(),
                   fmt::format("viability channel '{}' is not there", core::printable(options.viability)),
                   "Name it with --viability, or leave the gate out with --dead-deviations 0"});
    }
    return column;
  }
  for (const int mass : {194, 195, 198, 103}) {
    if (const auto column = panel.find_mass(mass)) return column;
  }
  return std::nullopt;
}

std::vector<Gate> learn_gates(const CleanOptions& options, const Panel& panel, const std::string& file,
                              std::vector<std::vector<double>> sample) {
  std::vector<Gate> gates;
  const auto add = [&](std::string name, std::size_t column, bool arcsinh, double deviations, bool lower,
                       double least) {
    std::vector<double> values;
    for (const double value : sample[column]) {
      const double at = arcsinh ? scaled(value) : value;
      if (at >= least) values.push_back(at);
    }
    if (values.empty()) {
      // Nothing reaches the least that a cell has: then nothing is a cell, and the gate must not vanish.
      if (std::isfinite(least)) {
        gates.push_back({std::move(name), panel.channels()[column].name, column, arcsinh, least, kInfinite});
      }
      return;
    }
    const Spread spread = spread_of(std::move(values));
    // Whole numbers (Event_length) can have no spread at all: then one unit.
    const double width = deviations * (spread.deviation > 0 ? spread.deviation : 1);
    gates.push_back({std::move(name), panel.channels()[column].name, column, arcsinh,
                     lower ? std::max(least, spread.median - width) : -kInfinite, spread.median + width});
  };
  for (std::size_t c = 0; options.deviations > 0 && c < panel.channels().size(); ++c) {
    if (is_gaussian_parameter(panel.channels()[c].name)) {
      add("gaussian", c, false, options.deviations, true, -kInfinite);
    }
  }
  if (const auto dna = panel.dna(); dna && options.dna_deviations > 0) {
    add("dna", *dna, true, options.dna_deviations, true, kLeastDna);
  }
  if (options.dead_deviations > 0) {
    if (const auto column = viability_column(options, panel, file)) {
      add("dead", *column, true, options.dead_deviations, false, -kInfinite);
    }
  }
  return gates;
}

/// Stretches of Time around pauses, ascending.
std::vector<std::pair<double, double>> gap_margins(io::FcsFile& file, std::size_t time, const CleanOptions& options) {
  std::vector<std::pair<double, double>> margins;
  io::FcsEvents events(file, file.single(), {time});
  io::FcsBlock block;
  double before = std::nan("");
  while (events.next(block)) {
    for (std::size_t i = 0; i < block.events; ++i) {
      const double now = block.values[i];
      if (!std::isfinite(now) || now < before) {
        core::raise({file.name(), core::Place::record(block.first_event + i + 1),
                     fmt::format("Time is no number or falls ({} after {})", core::format_double(now),
                                 core::format_double(before)),
                     "Join files with concat, or leave the gate out with --gap 0"});
      }
      // Time counts milliseconds.
      if (now - before > options.gap_seconds * 1000) {
        margins.emplace_back(before - options.margin_seconds * 1000, before);
        margins.emplace_back(now, now + options.margin_seconds * 1000);
      }
      before = now;
    }
  }
  return margins;
}

class Cleaner {
 public:
  Cleaner(std::vector<Gate> gates, std::optional<std::size_t> time, std::vector<std::pair<double, double>> margins)
      : gates_(std::move(gates)), time_(time), margins_(std::move(margins)) {}

  /// Every gate counts in `outside`; the first that fails in `left_out`.
  bool keeps(std::span<const double> row) {
    bool kept = true;
    for (Gate& gate : gates_) {
      const double value = gate.arcsinh ? scaled(row[gate.column]) : row[gate.column];
      if (value >= gate.lower && value <= gate.upper) continue;
      ++gate.outside;
      gate.left_out += kept ? 1 : 0;
      kept = false;
    }
    const bool beside_gap = time_ && std::ranges::any_of(margins_, [&](const auto& margin) {
                              return row[*time_] >= margin.first && row[*time_] <= margin.second;
                            });
    if (beside_gap) {
      ++near_gaps_;
      gap_left_out_ += kept ? 1 : 0;
      kept = false;
    }
    return kept;
  }

  [[nodiscard]] std::string table() const {
    const auto bound = [](double value) {
      return std::isfinite(value) ? core::format_double(value) : std::string("NA");
    };
    std::string text = "gate\tchannel\tscale\tlower\tupper\toutside\tleft_out\n";
    for (const Gate& gate : gates_) {
      text += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\n", gate.name, core::printable(gate.channel, 200),
                          gate.arcsinh ? "arcsinh5" : "stored", bound(gate.lower), bound(gate.upper), gate.outside,
                          gate.left_out);
    }
    if (time_) text += fmt::format("time_gap\tTime\tstored\tNA\tNA\t{}\t{}\n", near_gaps_, gap_left_out_);
    return text;
  }

 private:
  std::vector<Gate> gates_;
  std::optional<std::size_t> time_;
  std::vector<std::pair<double, double>> margins_;
  std::uint64_t near_gaps_ = 0, gap_left_out_ = 0;
};

std::uint64_t each_kept(io::FcsFile& file, Cleaner cleaner, core::RunContext& context,
                        const std::function<void(std::span<const double>)>& use, std::string* table) {
  io::FcsEvents events(file, file.single());
  io::FcsBlock block;
  std::uint64_t kept = 0;
  while (events.next(block)) {
    context.interrupt.check();
    context.progress.update("cleaning", block.first_event, file.single().events);
    for (std::size_t i = 0; i < block.events; ++i) {
      if (!cleaner.keeps(block.row(i))) continue;
      ++kept;
      use(block.row(i));
    }
  }
  if (table != nullptr) *table = cleaner.table();
  return kept;
}

}  // namespace

void clean_files(const CleanOptions& options, core::OutputSet& outputs, core::RunContext& context) {
  for (const double value : {options.deviations, options.dna_deviations, options.dead_deviations, options.gap_seconds,
                             options.margin_seconds}) {
    if (!(value >= 0)) core::raise_usage("deviations, --gap and --margin must not be below 0.");
  }
  std::set<std::string> stems;
  std::uint64_t all = 0, all_kept = 0;
  for (const auto& path : options.files) {
    const std::string stem = fcs_stem(path);
    if (!stems.insert(stem).second) core::raise_usage(fmt::format("two inputs are named '{}'.", core::printable(stem)));
    io::FcsFile file(path, {.offsets = *io::parse_fcs_offsets(options.offsets)}, context);
    const io::FcsDataset& set = file.single();
    const Panel panel(set.parameters);
    auto gates = learn_gates(options, panel, file.name(), sample_columns(file, context));
    const auto time = options.gap_seconds > 0 ? panel.time() : std::nullopt;
    if (gates.empty() && !time) {
      context.log.warning(
          fmt::format("{}: no gate applies: no Time, DNA, viability or Gaussian parameter", file.name()));
    }
    const Cleaner cleaner(std::move(gates), time,
                          time ? gap_margins(file, *time, options) : std::vector<std::pair<double, double>>{});
    std::vector<io::FcsColumn> columns = same_columns(set);
    std::string table;
    const std::uint64_t kept = each_kept(
        file, cleaner, context,
        [&](std::span<const double> row) {
          for (std::size_t c = 0; c < row.size(); ++c) columns[c].range = std::max(columns[c].range, row[c]);
        },
        &table);
    if (kept == 0) {
      core::raise({file.name(), core::Place::none(), "no event is left",
                   "See which gate is too narrow, or leave it out with its option at 0"});
    }
    io::FcsWriter writer(outputs.add(stem + ".cleaned.fcs"), set.keywords, columns, kept, {.type = exact_type(set)});
    (void)each_kept(file, cleaner, context, [&](std::span<const double> row) { writer.write(row); }, nullptr);
    writer.finish();
    file.finish();
    outputs.add(stem + ".clean.tsv").write(table);
    outputs.add(stem + ".cytof_clean_mqc.json")
        .write(report::multiqc_fragment("cytof_clean", "Clean-up", stem,
                                        {{"events", "Events", "events in the file", static_cast<double>(set.events)},
                                         {"kept", "Kept", "events that pass all gates", static_cast<double>(kept)}}));
    all += set.events;
    all_kept += kept;
  }
  context.progress.finish();
  outputs.count("events", static_cast<std::int64_t>(all));
  outputs.count("kept", static_cast<std::int64_t>(all_kept));
}

}  // namespace immucan::cytof
