#include "cytof/bead_finding.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <map>

#include "core/error.h"
#include "cytof/bead_gate.h"
#include "cytof/catalyst_gate.h"
#include "cytof/panel.h"

namespace immucan::cytof {
namespace {

/// A bead gated elsewhere is found again by its Time and, within float rounding, its intensities.
constexpr double kSameValue = 1e-5;
/// A channel is saturated when more than this share of the beads hold its largest value exactly.
constexpr double kSaturatedShare = 0.05;
constexpr std::size_t kRowsAtOnce = 4096;

[[noreturn]] void fail(const std::string& file, std::string what, std::string remedy) {
  core::raise({file, core::Place::none(), std::move(what), std::move(remedy)});
}

bool same_bead(std::span<const double> a, std::span<const double> bead) {
  for (std::size_t c = 0; c < bead.size(); ++c) {
    if (std::abs(a[c] - bead[c]) > kSameValue * std::max(1.0, std::abs(bead[c]))) return false;
  }
  return true;
}

struct TimedBead {
  double time;
  std::vector<double> intensities;
};

/// Looks beads up by time. In time order only the beads of the current time are held, else all of them.
class BeadLookup {
 public:
  BeadLookup(const BeadSpool& beads, bool ordered) : reader_(beads), ordered_(ordered) {
    more_ = reader_.next();
    if (!ordered) {
      for (; more_; more_ = reader_.next()) all_.emplace(reader_.time, reader_.intensities);
    }
  }
  /// True once per bead of that time and these intensities.
  bool take(double time, std::span<const double> intensities) {
    return ordered_ ? take_ordered(time, intensities) : take_any(time, intensities);
  }

 private:
  bool take_ordered(double time, std::span<const double> intensities) {
    while (!held_.empty() && held_.front().time < time) held_.pop_front();
    for (; more_ && reader_.time <= time; more_ = reader_.next()) {
      if (reader_.time == time) held_.push_back({reader_.time, reader_.intensities});
    }
    for (auto at = held_.begin(); at != held_.end(); ++at) {
      if (!same_bead(intensities, at->intensities)) continue;
      held_.erase(at);
      return true;
    }
    return false;
  }
  bool take_any(double time, std::span<const double> intensities) {
    const auto [begin, end] = all_.equal_range(time);
    for (auto at = begin; at != end; ++at) {
      if (!same_bead(intensities, at->second)) continue;
      all_.erase(at);
      return true;
    }
    return false;
  }

  BeadSpool::Reader reader_;
  bool ordered_, more_ = false;
  std::deque<TimedBead> held_;
  std::multimap<double, std::vector<double>> all_;
};

}  // namespace

std::vector<std::size_t> BeadColumns::all() const {
  std::vector<std::size_t> columns{time};
  columns.insert(columns.end(), beads.begin(), beads.end());
  columns.insert(columns.end(), dna.begin(), dna.end());
  return columns;
}

BeadColumns bead_columns(const io::FcsFile& file, const std::vector<int>& masses) {
  const Panel panel(file.single().parameters);
  BeadColumns columns;
  if (!panel.time()) fail(file.name(), "there is no column named Time", "Export the file with its Time column");
  columns.time = *panel.time();
  for (const int mass : masses) {
    const auto column = panel.find_mass(mass);
    if (!column) {
      fail(file.name(), fmt::format("no channel has the bead mass {}", mass), "Name the bead masses with --beads");
    }
    columns.beads.push_back(*column);
  }
  for (const int mass : {191, 193}) {
    if (const auto column = panel.find_mass(mass)) columns.dna.push_back(*column);
  }
  return columns;
}

void RowSpool::add(std::uint64_t row) {
  records_.append({reinterpret_cast<const char*>(&row), sizeof(row)});
}

bool RowSpool::Marker::operator()(std::uint64_t row) {
  while (true) {
    while (at_ < part_.size() && part_[at_] < row) ++at_;
    if (at_ < part_.size()) return part_[at_] == row;
    if (read_ == rows_->size()) return false;
    part_.resize(kRowsAtOnce);
    const std::size_t held =
        rows_->records_.read(read_, {reinterpret_cast<char*>(part_.data()), part_.size() * sizeof(std::uint64_t)});
    part_.resize(held);
    read_ += held;
    at_ = 0;
  }
}

/// Time must be a number and, for kFinck, never fall.
class BeadFinder::TimeCheck {
 public:
  TimeCheck(const io::FcsFile& file, BeadMethod method) : file_(file), method_(method) {}
  void operator()(double time, std::uint64_t event) {
    if (!(time >= previous_)) complain(time, event);
    previous_ = time;
  }

 private:
  void complain(double time, std::uint64_t event) const {
    if (!(time < previous_)) {
      fail(file_.name(), fmt::format("event {}: Time is not a number", event), "Export the file again");
    }
    if (method_ == BeadMethod::kFinck) {
      fail(file_.name(), fmt::format("event {}: Time falls from {} to {}", event, previous_, time),
           "Split the file where acquisitions were joined, or use --method premessa");
    }
  }
  const io::FcsFile& file_;
  BeadMethod method_;
  double previous_ = -std::numeric_limits<double>::infinity();
};

/// Calls `use(row, event)` with Time, bead channels and DNA of every event.
template <class Use>
void BeadFinder::scan(io::FcsFile& file, const BeadColumns& columns, std::string_view what, Use&& use) const {
  io::FcsEvents events(file, file.single(), columns.all());
  io::FcsBlock block;
  while (events.next(block)) {
    context_.interrupt.check();
    context_.progress.update(what, block.first_event, file.single().events);
    for (std::size_t i = 0; i < block.events; ++i) use(block.row(i), block.first_event + i);
  }
  file.finish();
}

FoundBeads BeadFinder::nothing_yet(std::string gate) const {
  const auto folder = io::temporary_folder(context_);
  return {BeadSpool(masses_.size(), folder), RowSpool(folder), std::move(gate), {}, {}};
}

void BeadFinder::too_few(const std::string& file, std::uint64_t beads) const {
  fail(file, fmt::format("{} calibration beads found, at least {} are needed", beads, kFewestBeads),
       "Check the bead masses with --beads, or give the beads with --bead-events");
}

void BeadFinder::add_bead(BeadSpool& beads, const io::FcsFile& file, std::uint64_t event, double time,
                          std::span<const double> intensities) const {
  for (std::size_t c = 0; c < intensities.size(); ++c) {
    if (!std::isfinite(static_cast<float>(intensities[c]))) {
      fail(file.name(), fmt::format("event {}: bead mass {} is not a finite number", event, masses_[c]),
           "Export the file again");
    }
  }
  beads.add(event, time, intensities);
}

void BeadFinder::check(const io::FcsFile& file, FoundBeads& found) const {
  if (found.beads.size() < kFewestBeads) too_few(file.name(), found.beads.size());
  std::vector<double> highest(masses_.size(), -std::numeric_limits<double>::infinity());
  std::vector<std::uint64_t> at_highest(masses_.size());
  for (BeadSpool::Reader bead(found.beads); bead.next();) {
    for (std::size_t c = 0; c < highest.size(); ++c) {
      if (bead.intensities[c] > highest[c]) {
        highest[c] = bead.intensities[c];
        at_highest[c] = 0;
      }
      if (bead.intensities[c] == highest[c]) ++at_highest[c];
    }
  }
  for (std::size_t c = 0; c < highest.size(); ++c) {
    const double share = static_cast<double>(at_highest[c]) / static_cast<double>(found.beads.size());
    if (highest[c] > 0 && share > kSaturatedShare && at_highest[c] > 1) {
      found.warnings.push_back(
          fmt::format("bead mass {} is saturated: {} of {} beads have its largest value {}; leave it out with --beads",
                      masses_[c], at_highest[c], found.beads.size(), highest[c]));
    }
  }
}

FoundBeads BeadFinder::by_cloud(io::FcsFile& file, const BeadColumns& columns) {
  const std::size_t n = masses_.size();
  const bool with_dna = !columns.dna.empty();
  const auto dna = [&](std::span<const double> row) { return with_dna ? row[n + 1] : 0.0; };
  EvenSample sample(n, with_dna);
  scan(file, columns, "learning the bead gate",
       [&](std::span<const double> row, std::uint64_t) { sample.add(row.subspan(1, n), dna(row)); });
  const auto gate = BeadGate::fit(sample.sample());
  if (!gate) too_few(file.name(), 0);
  FoundBeads found = nothing_yet("automatic");
  TimeCheck check_time(file, method_);
  scan(file, columns, "collecting beads", [&](std::span<const double> row, std::uint64_t event) {
    check_time(row[0], event);
    if (!gate->contains(row.subspan(1, n), dna(row))) return;
    add_bead(found.beads, file, event, row[0], row.subspan(1, n));
    found.rows.add(event);
  });
  check(file, found);
  if (!with_dna) {
    found.warnings.emplace_back("no DNA channel (Ir191, Ir193): beads are gated on the bead channels alone");
  }
  return found;
}

FoundBeads BeadFinder::as_catalyst(io::FcsFile& file, const BeadColumns& columns) {
  const std::size_t n = masses_.size();
  if (columns.dna.empty()) {
    fail(file.name(), "CATALYST's bead gate needs the DNA channels Ir191 and Ir193", "Use --gate cloud");
  }
  FoundBeads found = nothing_yet("catalyst");
  if (columns.dna.size() < 2) {
    found.warnings.emplace_back("one of the DNA channels Ir191 and Ir193 is missing: beads are gated on the other");
  }
  BeadSpool candidates(n + columns.dna.size(), io::temporary_folder(context_));
  TimeCheck check_time(file, method_);
  scan(file, columns, "collecting beads", [&](std::span<const double> row, std::uint64_t event) {
    check_time(row[0], event);
    if (is_catalyst_candidate(row.subspan(1, n), row.subspan(n + 1))) candidates.add(event, row[0], row.subspan(1));
  });
  found.removal_floor = gate_as_catalyst(candidates, found.beads).lowest;
  for (BeadSpool::Reader bead(found.beads); bead.next();) found.rows.add(bead.event);
  check(file, found);
  return found;
}

FoundBeads BeadFinder::by_gates(io::FcsFile& file, const BeadColumns& columns, const GivenGates& gates) {
  const std::size_t n = masses_.size();
  if (columns.dna.empty()) {
    fail(file.name(), "gates need a DNA channel (Ir191 or Ir193)", "Give the beads with --bead-events");
  }
  const auto bounds =
      gates.for_file(std::filesystem::path(file.name()).filename().string(), Panel(file.single().parameters), masses_);
  FoundBeads found = nothing_yet(std::filesystem::path(gates.name()).filename().string());
  TimeCheck check_time(file, method_);
  scan(file, columns, "collecting beads", [&](std::span<const double> row, std::uint64_t event) {
    check_time(row[0], event);
    if (!inside(bounds, row.subspan(1, n), row[n + 1])) return;
    add_bead(found.beads, file, event, row[0], row.subspan(1, n));
    found.rows.add(event);
  });
  check(file, found);
  return found;
}

BeadSpool BeadFinder::read_bead_file(io::FcsFile& file) const {
  BeadColumns columns = bead_columns(file, masses_);
  columns.dna.clear();
  BeadSpool beads(masses_.size(), io::temporary_folder(context_));
  TimeCheck check_time(file, method_);
  scan(file, columns, "reading beads", [&](std::span<const double> row, std::uint64_t event) {
    check_time(row[0], event);
    add_bead(beads, file, event, row[0], row.subspan(1));
  });
  if (beads.size() < kFewestBeads) too_few(file.name(), beads.size());
  return beads;
}

FoundBeads BeadFinder::find_again(io::FcsFile& file, const BeadColumns& columns, const BeadSpool& beads,
                                  std::string gate) {
  const std::size_t n = masses_.size();
  FoundBeads found = nothing_yet(std::move(gate));
  for (BeadSpool::Reader bead(beads); bead.next();) found.beads.add(bead.event, bead.time, bead.intensities);
  TimeCheck check_time(file, method_);
  BeadLookup lookup(beads, method_ == BeadMethod::kFinck);
  scan(file, columns, "finding beads", [&](std::span<const double> row, std::uint64_t event) {
    check_time(row[0], event);
    if (lookup.take(row[0], row.subspan(1, n))) found.rows.add(event);
  });
  check(file, found);
  if (found.rows.size() < beads.size()) {
    found.warnings.push_back(fmt::format("{} of {} beads of {} are not in the file", beads.size() - found.rows.size(),
                                         beads.size(), found.gate));
  }
  return found;
}

}  // namespace immucan::cytof
