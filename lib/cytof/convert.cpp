#include "cytof/convert.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include "core/error.h"
#include "core/text.h"
#include "cytof/output_columns.h"
#include "cytof/panel.h"
#include "io/anndata.h"
#include "io/fcs.h"
#include "io/fcs_writer.h"
#include "io/tsv.h"

namespace immucan::cytof {
namespace {

constexpr std::size_t kFlush = std::size_t{1} << 16;

std::string format_of(const std::string& said, std::filesystem::path path, const char* option) {
  if (said != "auto") return said;
  std::string ending = path.extension().string();
  if (ending == ".gz" || ending == ".zst") ending = path.replace_extension().extension().string();
  std::ranges::transform(ending, ending.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
  for (const char* known : {"fcs", "csv", "tsv", "h5ad"}) {
    if (ending == std::string(".") + known) return known;
  }
  core::raise_usage(fmt::format("the name '{}' does not tell its format. Say it with {}.",
                                core::printable(path.filename().string()), option));
}

/// A name as a field: quoted where it holds the separator, a quote or a line end.
std::string field(const std::string& name, char separator) {
  if (name.find(separator) == std::string::npos && name.find_first_of("\"\r\n") == std::string::npos) return name;
  if (separator == '\t') return core::printable(name, 4096);
  std::string quoted = "\"";
  for (const char c : name) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

std::string unquoted(const std::string& field) {
  if (field.size() < 2 || field.front() != '"' || field.back() != '"') return field;
  std::string name;
  for (std::size_t i = 1; i + 1 < field.size(); ++i) {
    if (field[i] == '"' && field[i + 1] == '"' && i + 2 < field.size()) ++i;
    name += field[i];
  }
  return name;
}

std::vector<std::string> distinct_names(const std::vector<io::FcsParameter>& parameters) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const io::FcsParameter& parameter : parameters) {
    std::string name = core::printable(parameter.name, 1024);
    for (int copy = 2; !seen.insert(name).second; ++copy) {
      name = fmt::format("{}_{}", core::printable(parameter.name, 1024), copy);
    }
    names.push_back(std::move(name));
  }
  return names;
}

}  // namespace

Conversion conversion_of(const ConvertOptions& options, const std::filesystem::path& output) {
  const Conversion found{format_of(options.from, options.file, "--from"), format_of(options.to, output, "--to")};
  if ((found.from == "fcs") == (found.to == "fcs") || found.from == "h5ad") {
    core::raise_usage(fmt::format(
        "from {} to {} is not offered. Convert FCS to csv, tsv or h5ad, or csv and tsv to FCS.", found.from, found.to));
  }
  return found;
}

std::uint64_t fcs_to_table(const ConvertOptions& options, char separator, core::OutputFile& out,
                           core::RunContext& context) {
  io::FcsFile file(options.file, {.offsets = *io::parse_fcs_offsets(options.offsets)}, context);
  const io::FcsDataset& set = file.single();
  std::string text;
  for (const io::FcsParameter& parameter : set.parameters) {
    if (!text.empty()) text += separator;
    text += field(parameter.name, separator);
  }
  text += '\n';
  io::FcsEvents events(file, set);
  io::FcsBlock block;
  while (events.next(block)) {
    context.interrupt.check();
    context.progress.update("writing", block.first_event, set.events);
    for (std::size_t i = 0; i < block.events; ++i) {
      const auto row = block.row(i);
      for (std::size_t c = 0; c < row.size(); ++c) {
        if (c > 0) text += separator;
        core::append_double(text, row[c]);
      }
      text += '\n';
      if (text.size() > kFlush) {
        out.write(text);
        text.clear();
      }
    }
  }
  out.write(text);
  file.finish();
  context.progress.finish();
  return set.events;
}

std::uint64_t table_to_fcs(const ConvertOptions& options, char separator, core::OutputFile& out,
                           core::RunContext& context) {
  if (options.file == "-") core::raise_usage("a table is read twice and cannot come from a pipe. Give a file.");
  std::uint64_t events = 0;
  bool single = true;
  std::vector<io::FcsColumn> columns;
  const auto open = [&] { return io::TsvReader(io::open_source(options.file, context), separator); };
  const auto value_at = [](const io::TsvReader& table, std::size_t c) {
    const auto value = table.number(c);
    if (!value) table.fail(c, "the value is missing", "FCS has no missing values: give a number");
    return *value;
  };
  {
    io::TsvReader table = open();
    for (std::string name : table.header()) {
      name = unquoted(name);
      if (name.empty()) core::raise({table.name(), core::Place::line(1), "a column has no name", "Name it"});
      columns.push_back({std::move(name), "", 1, std::nullopt});
    }
    while (table.next()) {
      if (events % 4096 == 0) context.interrupt.check();
      for (std::size_t c = 0; c < columns.size(); ++c) {
        const double value = value_at(table, c);
        columns[c].range = std::max(columns[c].range, value);
        single = single && double{static_cast<float>(value)} == value;
      }
      ++events;
    }
  }
  io::FcsWriter writer(out, {}, columns, events, {.type = single ? io::FcsType::kFloat : io::FcsType::kDouble});
  io::TsvReader table = open();
  std::vector<double> rows;
  while (table.next()) {
    for (std::size_t c = 0; c < columns.size(); ++c) rows.push_back(value_at(table, c));
    if (rows.size() > kFlush) {
      context.interrupt.check();
      writer.write(rows);
      rows.clear();
    }
  }
  writer.write(rows);
  writer.finish();
  return events;
}

std::uint64_t fcs_to_anndata(const ConvertOptions& options, const std::filesystem::path& out,
                             core::RunContext& context) {
  io::FcsFile file(options.file, {.offsets = *io::parse_fcs_offsets(options.offsets)}, context);
  const io::FcsDataset& set = file.single();
  io::AnnData data;
  data.var.index = distinct_names(set.parameters);
  std::vector<std::string> markers;
  for (const io::FcsParameter& parameter : set.parameters) markers.push_back(core::printable(parameter.marker, 1024));
  data.var.columns = {{"marker", std::move(markers)}};
  // Most intensities are 0, so sparse, unless float32 does not hold them all: sparse values are float32.
  const bool sparse = exact_type(set) == io::FcsType::kFloat;
  io::CsrMatrix x{set.events, set.parameters.size(), {0}, {}, {}};
  io::DenseMatrix dense{set.events, set.parameters.size(), {}};
  io::FcsEvents events(file, set);
  io::FcsBlock block;
  while (events.next(block)) {
    context.interrupt.check();
    if (!sparse) dense.values.insert(dense.values.end(), block.values.begin(), block.values.end());
    for (std::size_t i = 0; i < block.events; ++i) {
      const auto row = block.row(i);
      for (std::size_t c = 0; sparse && c < row.size(); ++c) {
        if (row[c] == 0) continue;
        x.column.push_back(static_cast<std::int32_t>(c));
        x.value.push_back(static_cast<float>(row[c]));
      }
      x.row_start.push_back(static_cast<std::int64_t>(x.column.size()));
      data.obs.index.push_back(fmt::format("{}", block.first_event + i));
    }
  }
  file.finish();
  if (sparse) {
    data.x = std::move(x);
  } else {
    data.dense_x = std::move(dense);
  }
  io::write_anndata(out, data, context.threads);
  return set.events;
}

}  // namespace immucan::cytof
