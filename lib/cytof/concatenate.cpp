#include "cytof/concatenate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "core/error.h"
#include "core/text.h"
#include "cytof/output_columns.h"
#include "cytof/panel.h"
#include "io/fcs.h"
#include "io/fcs_writer.h"

namespace immucan::cytof {
namespace {

/// "18-MAY-2026" or "18-May-2026" and "09:41:33[.12]" as one text that sorts by time; nullopt when either is not so.
std::optional<std::string> begin_of(const io::FcsDataset& set) {
  constexpr std::array<std::string_view, 12> kMonths{"jan", "feb", "mar", "apr", "may", "jun",
                                                     "jul", "aug", "sep", "oct", "nov", "dec"};
  const auto date = set.keywords.find("$DATE"), time = set.keywords.find("$BTIM");
  if (!date || !time) return std::nullopt;
  const auto parts = core::split(core::trim(*date), '-');
  if (parts.size() != 3 || parts[1].size() != 3) return std::nullopt;
  std::string month(parts[1]);
  std::ranges::transform(month, month.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
  const auto found = std::ranges::find(kMonths, month);
  const auto day = core::parse_unsigned(parts[0]), year = core::parse_unsigned(parts[2]);
  const auto clock = core::split(core::trim(*time), ':');
  if (found == kMonths.end() || !day || !year || clock.size() < 3) return std::nullopt;
  std::string out = fmt::format("{:04}{:02}{:02}", *year, found - kMonths.begin() + 1, *day);
  for (const std::string_view field : clock) {
    const auto value = core::parse_double(field);
    if (!value || !(*value >= 0 && *value < 1000)) return std::nullopt;
    out += fmt::format(" {:010.4f}", *value);
  }
  return out;
}

struct Part {
  io::FcsFile file;
  std::optional<std::string> begin;
};

void check_panel(const Part& first, const Part& other) {
  const auto &a = first.file.single().parameters, &b = other.file.single().parameters;
  const auto fail = [&](std::string what) {
    core::raise({other.file.name(), core::Place::none(), std::move(what), "Give files of one panel"});
  };
  if (a.size() != b.size()) {
    fail(fmt::format("{} channels, {} in {}", b.size(), a.size(), first.file.name()));
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].name != b[i].name || a[i].marker != b[i].marker) {
      fail(fmt::format("channel {} is '{}' ({}), but '{}' ({}) in {}", i + 1, core::printable(b[i].name),
                       core::printable(b[i].marker), core::printable(a[i].name), core::printable(a[i].marker),
                       first.file.name()));
    }
  }
}

void put_in_order(std::vector<Part>& parts, const std::string& order) {
  if (order == "given" || parts.size() < 2) return;
  for (const Part& part : parts) {
    if (!part.begin) {
      core::raise({part.file.name(), core::Place::none(), "no $DATE and $BTIM that tell when it was acquired",
                   "Give the files in order, with --order given"});
    }
  }
  std::ranges::stable_sort(parts, {}, [](const Part& part) { return *part.begin; });
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (*parts[i].begin == *parts[i - 1].begin) {
      core::raise({parts[i].file.name(), core::Place::none(),
                   fmt::format("begins at the same time as {}", parts[i - 1].file.name()),
                   "Give the files in order, with --order given"});
    }
  }
}

}  // namespace

std::uint64_t concatenate_files(const ConcatenateOptions& options, core::OutputFile& out, core::RunContext& context) {
  std::vector<Part> parts;
  for (const auto& path : options.files) {
    io::FcsFile file(path, {.offsets = *io::parse_fcs_offsets(options.offsets)}, context);
    auto begin = begin_of(file.single());
    parts.push_back({std::move(file), std::move(begin)});
    check_panel(parts.front(), parts.back());
  }
  put_in_order(parts, options.order);
  const auto& parameters = parts.front().file.single().parameters;
  const auto time = Panel(parameters).time();
  std::vector<double> shifts, largest(parameters.size(), -std::numeric_limits<double>::infinity());
  double shift = 0;
  std::uint64_t total = 0;
  for (Part& part : parts) {
    std::vector<double> own;
    for (const ColumnRange& range : column_ranges(part.file, {}, context)) own.push_back(range.highest);
    part.file.finish();
    shifts.push_back(shift);
    total += part.file.single().events;
    if (time && part.file.single().events > 0) {
      own[*time] += shift;
      if (!std::isfinite(own[*time])) {
        core::raise({part.file.name(), core::Place::none(), "Time is not a finite number", "Remove those events"});
      }
      shift = own[*time];
    }
    for (std::size_t c = 0; c < own.size(); ++c) largest[c] = std::max(largest[c], own[c]);
  }
  std::vector<io::FcsColumn> columns = same_columns(parts.front().file.single());
  for (std::size_t i = 0; i < columns.size(); ++i) columns[i].range = std::max(columns[i].range, largest[i]);
  // float32 holds whole numbers to 2^24 only, which the shifted Time may pass.
  const bool exact = (!time || largest[*time] <= 0x1.0p24) && std::ranges::all_of(parts, [](const Part& part) {
                       return exact_type(part.file.single()) == io::FcsType::kFloat;
                     });
  io::FcsWriter writer(out, parts.front().file.single().keywords, columns, total,
                       {.type = exact ? io::FcsType::kFloat : io::FcsType::kDouble});
  for (std::size_t p = 0; p < parts.size(); ++p) {
    io::FcsEvents events(parts[p].file, parts[p].file.single());
    io::FcsBlock block;
    while (events.next(block)) {
      context.interrupt.check();
      context.progress.update("joining", block.first_event, parts[p].file.single().events);
      if (time) {
        for (std::size_t i = 0; i < block.events; ++i) block.values[i * block.columns + *time] += shifts[p];
      }
      writer.write(block.values);
    }
  }
  writer.finish();
  context.progress.finish();
  return total;
}

}  // namespace immucan::cytof
