#include "cytof/channel_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/error.h"
#include "core/text.h"
#include "io/byte_source.h"
#include "io/tsv.h"

namespace immucan::cytof {
namespace {

bool is_technical(const Channel& channel) {
  if (!channel.mass) return false;
  const int mass = *channel.mass;
  return (mass >= 102 && mass <= 110) || mass == 191 || mass == 193 || (mass >= 194 && mass <= 198) || mass == 190;
}

/// The label is more than the isotope's name.
bool has_marker(const Channel& channel) {
  const std::string label = marker_label(channel);
  return label != channel.name && !isotope_mass(label);
}

std::vector<std::string> listed(const std::string& choice, core::RunContext& context) {
  std::error_code ignored;
  if (std::filesystem::is_regular_file(choice, ignored)) return read_channel_list(io::open_source(choice, context));
  std::vector<std::string> names;
  for (const std::string_view field : core::split(choice, ',')) {
    if (!core::trim(field).empty()) names.emplace_back(core::trim(field));
  }
  return names;
}

std::vector<std::size_t> columns_by_default(const Panel& panel, const std::string& file) {
  std::vector<std::size_t> columns;
  const auto take = [&](bool with_marker) {
    for (std::size_t i = 0; i < panel.channels().size(); ++i) {
      const Channel& channel = panel.channels()[i];
      if (channel.is_mass && !is_technical(channel) && (!with_marker || has_marker(channel))) columns.push_back(i);
    }
  };
  take(true);
  if (columns.empty()) take(false);
  if (columns.empty()) core::raise({file, core::Place::none(), "no mass channel", "Name the channels"});
  return columns;
}

std::string known_channels(const Panel& panel) {
  std::vector<std::string> names;
  for (const Channel& channel : panel.channels()) names.push_back(marker_label(channel));
  return core::printable(core::join(names, ", "), 300);
}

std::optional<std::size_t> locate(const std::string& name, const Panel& panel) {
  if (const auto column = panel.find_marker(name)) return column;
  const auto isotope = isotope_label(name);
  if (!isotope) return std::nullopt;
  for (std::size_t i = 0; i < panel.channels().size(); ++i) {
    const Channel& channel = panel.channels()[i];
    if (isotope_label(channel.name) == isotope || isotope_label(channel.marker) == isotope) return i;
  }
  return std::nullopt;
}

std::vector<std::size_t> columns_by_name(const std::vector<std::string>& names, const Panel& panel,
                                         const std::string& file) {
  if (names.empty()) core::raise_usage("the list of channels is empty. Name channels or markers, separated by commas.");
  std::vector<std::size_t> columns;
  for (const std::string& name : names) {
    const auto column = locate(name, panel);
    if (!column) {
      core::raise({file, core::Place::none(), fmt::format("channel '{}' is not there", core::printable(name)),
                   fmt::format("Name some of: {}", known_channels(panel))});
    }
    if (std::ranges::find(columns, *column) != columns.end()) {
      core::raise_usage(fmt::format("channel '{}' is named twice.", core::printable(name)));
    }
    columns.push_back(*column);
  }
  return columns;
}

ChannelSet channel_set(const std::vector<std::size_t>& columns, const Panel& panel, const std::string& file) {
  ChannelSet set;
  std::set<std::string> seen;
  for (const std::size_t column : columns) {
    const Channel& channel = panel.channels()[column];
    std::string label = core::printable(marker_label(channel), 200);
    if (!seen.insert(label).second) {
      label += "_" + core::printable(channel.name, 200);
      if (!seen.insert(label).second) {
        core::raise(
            {file, core::Place::none(), fmt::format("two channels are called '{}'", label), "Leave one of them out"});
      }
    }
    set.names.push_back(channel.name);
    set.labels.push_back(std::move(label));
  }
  return set;
}

}  // namespace

ChannelSet choose_channels(const std::string& choice, const Panel& panel, const std::string& file,
                           core::RunContext& context) {
  if (!choice.empty()) return choose_channels(listed(choice, context), panel, file);
  return channel_set(columns_by_default(panel, file), panel, file);
}

ChannelSet choose_channels(const std::vector<std::string>& names, const Panel& panel, const std::string& file) {
  return channel_set(columns_by_name(names, panel, file), panel, file);
}

std::vector<std::string> read_channel_list(std::unique_ptr<io::ByteSource> source) {
  std::vector<std::string> names;
  io::LineReader lines(std::move(source));
  std::string_view line;
  while (lines.next(line)) {
    if (!core::trim(line).empty()) names.emplace_back(core::trim(line));
  }
  return names;
}

std::vector<std::size_t> locate_channels(const ChannelSet& set, const Panel& panel, const std::string& file,
                                         const core::Log& log) {
  std::vector<std::size_t> columns;
  for (std::size_t i = 0; i < set.names.size(); ++i) {
    const auto column = locate(set.names[i], panel);
    const auto by_label = column ? column : panel.find_marker(set.labels[i]);
    if (!by_label) {
      core::raise({file, core::Place::none(),
                   fmt::format("channel '{}' ({}) is not in this file", core::printable(set.names[i]), set.labels[i]),
                   "Give files of one panel, or leave the channel out"});
    }
    const Channel& channel = panel.channels()[*by_label];
    const std::string label = core::printable(marker_label(channel), 200);
    if (has_marker(channel) && label != set.labels[i] && label + "_" + channel.name != set.labels[i]) {
      log.warning(fmt::format("{}: channel '{}' measures '{}' here and '{}' in the files it is compared with", file,
                              core::printable(channel.name), label, set.labels[i]));
    }
    columns.push_back(*by_label);
  }
  return columns;
}

std::vector<std::pair<std::filesystem::path, std::string>> read_file_groups(const std::filesystem::path& path,
                                                                            const std::string& group,
                                                                            core::RunContext& context) {
  const io::Table table = io::read_table(path, context);
  const std::size_t file_column = table.require("file"), group_column = table.require(group);
  std::vector<std::pair<std::filesystem::path, std::string>> rows;
  std::set<std::filesystem::path> seen;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const std::string &file = table.rows[i][file_column], &name = table.rows[i][group_column];
    if (core::is_missing(file)) table.fail(i, file_column, "the file is missing", "Name an FCS file");
    if (core::is_missing(name)) table.fail(i, group_column, fmt::format("the {} is missing", group), "Name it");
    const std::filesystem::path full = path.parent_path() / file;
    if (!seen.insert(full.lexically_normal()).second) {
      table.fail(i, file_column, fmt::format("file '{}' is given twice", core::printable(file)), "Remove one row");
    }
    rows.emplace_back(full, name);
  }
  if (rows.empty()) core::raise({table.name, core::Place::none(), "no rows", "Name at least one file"});
  return rows;
}

}  // namespace immucan::cytof
