#pragma once
// Which channels a step works on, and where they are in each file.
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/run_context.h"
#include "cytof/panel.h"
#include "io/byte_source.h"

namespace immucan::cytof {

/// Channels by name ($PnN) with what a person calls them.
struct ChannelSet {
  std::vector<std::string> names, labels;
};

/// `choice`: names or markers separated by commas, or a file with one per line; empty: every mass channel with a marker
/// of its own except DNA (Ir), barcodes (Pd) and viability (Rh, Pt); when no channel has a marker, every mass channel.
/// 65 names the channel that is not there, 64 a choice that is empty or repeats one.
[[nodiscard]] ChannelSet choose_channels(const std::string& choice, const Panel& panel, const std::string& file,
                                         core::RunContext& context);

/// One name per line, blanks around it and empty lines left out.
[[nodiscard]] std::vector<std::string> read_channel_list(std::unique_ptr<io::ByteSource> source);
/// As above, of names that were already read.
[[nodiscard]] ChannelSet choose_channels(const std::vector<std::string>& names, const Panel& panel,
                                         const std::string& file);

/// Columns of these channels in another file: by name, marker, or isotope. 65 names the first that is not there; a
/// column with another marker is warned of.
[[nodiscard]] std::vector<std::size_t> locate_channels(const ChannelSet& set, const Panel& panel,
                                                       const std::string& file, const core::Log& log);

/// Rows of a table `file  GROUP` with paths relative to the table; 65 on a missing or repeated file.
[[nodiscard]] std::vector<std::pair<std::filesystem::path, std::string>> read_file_groups(
    const std::filesystem::path& path, const std::string& group, core::RunContext& context);

}  // namespace immucan::cytof
