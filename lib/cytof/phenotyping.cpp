#include "cytof/phenotyping.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/error.h"
#include "core/text.h"
#include "cytof/bead_gate.h"
#include "cytof/exact_medians.h"
#include "cytof/gate_tree.h"
#include "cytof/normalise_files.h"
#include "cytof/panel.h"
#include "io/fcs.h"
#include "io/features_table.h"
#include "report/multiqc.h"

namespace immucan::cytof {
namespace {

constexpr double kCofactor = 5;

double scaled(double value) {
  return std::asinh(value / kCofactor);
}

/// An interval of one file: the marker as a column, the column as a position among those that gates use.
struct ColumnGate {
  std::size_t slot = 0;
  double lower = 0, upper = 0;
};

std::string channel_list(const Panel& panel) {
  std::vector<std::string> names;
  for (const Channel& channel : panel.channels()) names.push_back(marker_label(channel));
  return core::printable(core::join(names, ", "), 300);
}

/// One input file with everything that is looked up once.
class GatedFile {
 public:
  GatedFile(const std::filesystem::path& path, const PhenotypeOptions& options, const GateTree& tree,
            core::RunContext& context)
      : file_(path, {.offsets = *io::parse_fcs_offsets(options.offsets)}, context),
        panel_(file_.single().parameters),
        markers_(measured_markers(panel_)) {
    for (const Population& population : tree.populations) {
      parents_.push_back(population.parent);
      auto& gates = gates_.emplace_back();
      for (const Interval& interval : population.intervals) gates.push_back(resolve(interval, tree.file));
    }
    inside_.resize(tree.populations.size());
    if (options.least_dna) {
      dna_ = panel_.dna();
      least_dna_ = *options.least_dna;
      if (!dna_) fail("there is no DNA channel (Ir191, Ir193)", "Leave --least-dna out");
    }
    if (options.beads != "none") learn_beads(options.beads, context);
  }

  enum class Kind { kCell, kBead, kDebris };

  Kind classify(std::span<const double> row) {
    if (bead_gate_) {
      for (std::size_t c = 0; c < bead_columns_.size(); ++c) bead_[c] = row[bead_columns_[c]];
      if (bead_gate_->contains(bead_, bead_dna_ ? row[*bead_dna_] : 0)) return Kind::kBead;
    }
    if (dna_ && !(scaled(row[*dna_]) >= least_dna_)) return Kind::kDebris;
    for (std::size_t slot = 0; slot < slots_.size(); ++slot) values_[slot] = scaled(row[slots_[slot]]);
    for (std::size_t p = 0; p < gates_.size(); ++p) {
      bool in = !parents_[p] || inside_[*parents_[p]];
      for (std::size_t g = 0; in && g < gates_[p].size(); ++g) {
        const ColumnGate& gate = gates_[p][g];
        in = values_[gate.slot] >= gate.lower && values_[gate.slot] < gate.upper;
      }
      inside_[p] = in;
    }
    return Kind::kCell;
  }
  [[nodiscard]] bool inside(std::size_t population) const { return inside_[population]; }

  template <class Use>
  void each_event(core::RunContext& context, std::string_view what, Use&& use) {
    const io::FcsDataset& set = file_.single();
    io::FcsEvents events(file_, set);
    io::FcsBlock block;
    while (events.next(block)) {
      context.interrupt.check();
      context.progress.update(what, block.first_event, set.events);
      for (std::size_t i = 0; i < block.events; ++i) use(block.row(i));
    }
    file_.finish();
  }

  [[nodiscard]] const std::vector<std::pair<std::string, std::size_t>>& markers() const { return markers_; }
  [[nodiscard]] const std::string& name() const { return file_.name(); }

 private:
  [[noreturn]] void fail(std::string what, std::string remedy) const {
    core::raise({file_.name(), core::Place::none(), std::move(what), std::move(remedy)});
  }

  ColumnGate resolve(const Interval& interval, const std::string& table) {
    const auto column = panel_.find_marker(interval.marker);
    if (!column) {
      core::raise({table, core::Place::line(interval.line),
                   fmt::format("marker '{}' is not in {}", core::printable(interval.marker), file_.name()),
                   fmt::format("Name one of: {}", channel_list(panel_))});
    }
    const auto known = std::ranges::find(slots_, *column);
    const auto slot = static_cast<std::size_t>(known - slots_.begin());
    if (known == slots_.end()) {
      slots_.push_back(*column);
      values_.push_back(0);
    }
    return {slot, interval.lower, interval.upper};
  }

  void learn_beads(const std::string& choice, core::RunContext& context) {
    const auto masses = bead_masses(choice, panel_);
    if (!masses)
      fail("the panel holds neither all dvs nor all beta bead masses", "Name them with --beads, or --beads none");
    for (const int mass : *masses) {
      const auto column = panel_.find_mass(mass);
      if (!column) fail(fmt::format("no channel has the bead mass {}", mass), "Name the bead masses with --beads");
      bead_columns_.push_back(*column);
    }
    bead_.resize(bead_columns_.size());
    bead_dna_ = panel_.dna();
    EvenSample sample(bead_columns_.size(), bead_dna_.has_value());
    each_event(context, "learning the bead gate", [&](std::span<const double> row) {
      for (std::size_t c = 0; c < bead_columns_.size(); ++c) bead_[c] = row[bead_columns_[c]];
      sample.add(bead_, bead_dna_ ? row[*bead_dna_] : 0);
    });
    bead_gate_ = BeadGate::fit(sample.sample());
    if (!bead_gate_) context.log.info(fmt::format("{}: no beads found", file_.name()));
  }

  io::FcsFile file_;
  Panel panel_;
  std::vector<std::pair<std::string, std::size_t>> markers_;
  std::vector<std::optional<std::size_t>> parents_;
  std::vector<std::vector<ColumnGate>> gates_;
  std::vector<std::size_t> slots_;  ///< columns that gates use
  std::vector<double> values_;      ///< of the current event, per slot
  std::vector<bool> inside_;        ///< of the current event, per population
  std::optional<std::size_t> dna_, bead_dna_;
  double least_dna_ = 0;
  std::vector<std::size_t> bead_columns_;
  std::vector<double> bead_;
  std::optional<BeadGate> bead_gate_;
};

void check_same_panel(const GatedFile& first, const GatedFile& other) {
  for (const auto& [label, column] : first.markers()) {
    const bool there = std::ranges::any_of(other.markers(), [&](const auto& marker) { return marker.first == label; });
    if (!there) {
      core::raise({other.name(), core::Place::none(),
                   fmt::format("marker '{}' of {} is not in this file", label, first.name()),
                   "Give files of one sample and one panel"});
    }
  }
}

}  // namespace

std::string phenotype_sample_id(const PhenotypeOptions& options) {
  std::string id = options.sample;
  if (id.empty()) {
    id = fcs_stem(options.files.front());
    constexpr std::string_view kSuffix = ".normalized";
    if (id.ends_with(kSuffix)) id.resize(id.size() - kSuffix.size());
  }
  const bool broken = std::ranges::any_of(id, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '/'; });
  if (core::is_missing(id) || broken) {
    core::raise_usage(fmt::format("--sample '{}' is no sample id. Give a name without '/' and control characters.",
                                  core::printable(id)));
  }
  return id;
}

PhenotypeResult phenotype_files(const PhenotypeOptions& options, core::RunContext& context) {
  PhenotypeResult result;
  result.sample = phenotype_sample_id(options);
  const GateTree tree = read_gates(options.gates, context);
  std::vector<GatedFile> files;
  for (const auto& path : options.files) {
    files.emplace_back(path, options, tree, context);
    check_same_panel(files.front(), files.back());
  }
  for (const auto& [label, column] : files.front().markers()) result.markers.push_back(label);
  for (const Population& population : tree.populations) {
    result.populations.push_back(
        {population.name, population.parent ? tree.populations[*population.parent].name : "", 0, 0, {}});
  }

  const std::size_t markers = result.markers.size();
  ExactMedians medians(tree.populations.size() * markers);
  for (int reading = 0; reading < ExactMedians::kReadings; ++reading) {
    for (GatedFile& file : files) {
      std::vector<std::size_t> columns;
      for (const std::string& label : result.markers) {
        columns.push_back(
            std::ranges::find(file.markers(), label, &std::pair<std::string, std::size_t>::first)->second);
      }
      file.each_event(context, "gating", [&](std::span<const double> row) {
        const GatedFile::Kind kind = file.classify(row);
        if (reading == 0) {
          ++result.events;
          result.beads += kind == GatedFile::Kind::kBead ? 1 : 0;
          result.debris += kind == GatedFile::Kind::kDebris ? 1 : 0;
        }
        if (kind != GatedFile::Kind::kCell) return;
        for (std::size_t p = 0; p < result.populations.size(); ++p) {
          if (!file.inside(p)) continue;
          if (reading == 0) ++result.populations[p].count;
          for (std::size_t m = 0; m < markers; ++m) medians.add(p * markers + m, static_cast<float>(row[columns[m]]));
        }
      });
    }
    medians.end_reading();
  }
  context.progress.finish();

  result.cells = result.events - result.beads - result.debris;
  if (result.cells == 0) {
    core::raise({options.files.front().string(), core::Place::none(), "no cells are left to gate",
                 "Check --least-dna and --beads, and that the file holds events"});
  }
  for (std::size_t p = 0; p < result.populations.size(); ++p) {
    PopulationResult& population = result.populations[p];
    const auto parent = tree.populations[p].parent;
    population.parent_count = parent ? result.populations[*parent].count : result.cells;
    for (std::size_t m = 0; m < markers; ++m) {
      float lower = 0, upper = 0;
      const bool any = medians.middle(p * markers + m, lower, upper);
      population.medians.push_back(any ? std::optional((scaled(lower) + scaled(upper)) / 2) : std::nullopt);
    }
  }
  return result;
}

void write_phenotype(const PhenotypeResult& result, const PhenotypeOptions& options, core::OutputSet& outputs) {
  const auto cells = static_cast<double>(result.cells);
  std::vector<io::FeatureValue> features;
  std::string table = "population\tparent\tcount\tfraction_of_parent\tfraction_of_total";
  for (const std::string& marker : result.markers) table += "\tmedian_" + marker;
  table += '\n';
  for (const PopulationResult& population : result.populations) {
    const auto count = static_cast<double>(population.count);
    features.push_back(
        {result.sample, io::feature_name("cytof", options.specimen, population.name, "fraction"), count / cells});
    table += core::printable(population.name, 200) + '\t' +
             (population.parent.empty() ? "NA" : core::printable(population.parent, 200)) + '\t';
    core::append_integer(table, static_cast<std::int64_t>(population.count));
    table += '\t';
    table +=
        population.parent_count == 0 ? "NA" : core::format_double(count / static_cast<double>(population.parent_count));
    table += '\t';
    core::append_double(table, count / cells);
    for (const auto& median : population.medians) {
      table += '\t';
      table += median ? core::format_double(*median) : "NA";
    }
    table += '\n';
  }
  io::write_features(outputs.add(result.sample + ".features.tsv"), std::move(features));
  outputs.add(result.sample + ".populations.tsv").write(table);
  report::add_qc(outputs,
                 {"cytof_phenotype",
                  "Cell populations",
                  result.sample,
                  {{"events", "Events", "events in the files", static_cast<double>(result.events)},
                   {"beads", "Beads", "calibration beads left out", static_cast<double>(result.beads)},
                   {"debris", "Debris", "events with too little DNA left out", static_cast<double>(result.debris)},
                   {"cells", "Cells", "events that were gated", cells}}});
}

}  // namespace immucan::cytof
