#include "info.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/output.h"
#include "core/text.h"
#include "cytof/panel.h"
#include "io/fcs.h"
#include "shared_options.h"

namespace immucan::cytof_normalize {
namespace {

struct InfoOptions {
  std::vector<std::filesystem::path> files;
  bool columns = false;
  bool json = false;
  bool keywords = false;
  std::string offsets = "auto";
  std::filesystem::path output = "-";
};

struct ColumnSummary {
  double sum = 0;
  double minimum = std::numeric_limits<double>::infinity();
  double maximum = -std::numeric_limits<double>::infinity();
};

/// Sums are taken per block and then added, which keeps their rounding error far below 1e-10 of the sum of magnitudes.
std::vector<ColumnSummary> summarise(io::FcsFile& file, const io::FcsDataset& set, core::RunContext& context) {
  std::vector<ColumnSummary> summaries(set.parameters.size());
  std::vector<double> sums(set.parameters.size());
  io::FcsEvents events(file, set);
  io::FcsBlock block;
  while (events.next(block)) {
    context.interrupt.check();
    context.progress.update(file.name(), block.first_event, set.events);
    std::ranges::fill(sums, 0.0);
    for (std::size_t event = 0; event < block.events; ++event) {
      const auto row = block.row(event);
      for (std::size_t i = 0; i < row.size(); ++i) {
        sums[i] += row[i];
        summaries[i].minimum = std::min(summaries[i].minimum, row[i]);
        summaries[i].maximum = std::max(summaries[i].maximum, row[i]);
      }
    }
    for (std::size_t i = 0; i < sums.size(); ++i) summaries[i].sum += sums[i];
  }
  return summaries;
}

/// Keywords and names are bytes of unknown encoding; what is not UTF-8 is read as Latin-1.
std::string utf8(std::string_view bytes) {
  std::string latin;
  std::size_t i = 0;
  const auto is_tail = [&](std::size_t at) {
    return at < bytes.size() && (static_cast<unsigned char>(bytes[at]) & 0xC0) == 0x80;
  };
  bool valid = true;
  while (i < bytes.size() && valid) {
    const auto c = static_cast<unsigned char>(bytes[i]);
    const std::size_t tails = c < 0x80                ? 0
                              : c >= 0xC2 && c < 0xE0 ? 1
                              : c >= 0xE0 && c < 0xF0 ? 2
                              : c >= 0xF0 && c < 0xF5 ? 3
                                                      : 4;
    valid = tails < 4;
    for (std::size_t k = 1; valid && k <= tails; ++k) valid = is_tail(i + k);
    if (valid && tails == 2) {
      const auto second = static_cast<unsigned char>(bytes[i + 1]);
      valid = !(c == 0xE0 && second < 0xA0) && !(c == 0xED && second >= 0xA0);
    }
    if (valid && tails == 3) {
      const auto second = static_cast<unsigned char>(bytes[i + 1]);
      valid = !(c == 0xF0 && second < 0x90) && !(c == 0xF4 && second >= 0x90);
    }
    i += tails + 1;
  }
  if (valid) return std::string(bytes);
  for (const char c : bytes) {
    const auto u = static_cast<unsigned char>(c);
    if (u < 0x80) {
      latin += c;
    } else {
      latin += static_cast<char>(0xC0 | (u >> 6));
      latin += static_cast<char>(0x80 | (u & 0x3F));
    }
  }
  return latin;
}

nlohmann::ordered_json number(double value) {
  if (value != value || value > std::numeric_limits<double>::max() || value < std::numeric_limits<double>::lowest()) {
    return nullptr;
  }
  return value;
}

nlohmann::ordered_json to_json(const std::filesystem::path& path, const io::FcsDataset& set,
                               const std::vector<ColumnSummary>& summaries, const InfoOptions& options) {
  nlohmann::ordered_json item;
  item["file"] = utf8(path.string());
  item["dataset"] = set.index;
  item["version"] = set.version;
  item["events"] = set.events;
  item["parameters"] = set.parameters.size();
  item["datatype"] = utf8(set.keywords.find("$DATATYPE").value_or(""));
  item["byteord"] = utf8(set.keywords.find("$BYTEORD").value_or(""));
  item["warnings"] = set.warnings;
  const cytof::Panel panel(set.parameters);
  auto& columns = item["columns"] = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < set.parameters.size(); ++i) {
    const cytof::Channel& channel = panel.channels()[i];
    nlohmann::ordered_json column{{"name", utf8(channel.name)}, {"marker", utf8(channel.marker)}};
    column["mass"] = channel.mass ? nlohmann::ordered_json(*channel.mass) : nlohmann::ordered_json(nullptr);
    if (options.columns) {
      const bool any = set.events > 0;
      column["sum"] = number(summaries[i].sum);
      column["min"] = any ? number(summaries[i].minimum) : nullptr;
      column["max"] = any ? number(summaries[i].maximum) : nullptr;
    }
    columns.push_back(std::move(column));
  }
  if (options.keywords) {
    auto& keywords = item["keywords"] = nlohmann::ordered_json::array();
    for (const auto& [key, value] : set.keywords.items()) keywords.push_back({utf8(key), utf8(value)});
  }
  return item;
}

std::string field(std::string_view text) {
  return text.empty() ? std::string("NA") : core::printable(utf8(text), 4096);
}

std::string to_rows(const std::filesystem::path& path, const io::FcsDataset& set,
                    const std::vector<ColumnSummary>& summaries, const InfoOptions& options) {
  const std::string file = path.string();
  if (options.keywords) {
    std::string rows;
    for (const auto& [key, value] : set.keywords.items()) {
      rows += fmt::format("{}\t{}\t{}\t{}\n", file, set.index, field(key), field(value));
    }
    return rows;
  }
  if (!options.columns) {
    return fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\n", file, set.index, set.version, set.events, set.parameters.size(),
                       set.keywords.find("$DATATYPE").value_or("NA"), set.keywords.find("$BYTEORD").value_or("NA"));
  }
  const cytof::Panel panel(set.parameters);
  std::string rows;
  for (std::size_t i = 0; i < set.parameters.size(); ++i) {
    const cytof::Channel& channel = panel.channels()[i];
    const bool any = set.events > 0;
    rows += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", file, set.index, set.events, field(channel.name),
                        field(channel.marker), channel.mass ? fmt::format("{}", *channel.mass) : "NA",
                        core::format_double(summaries[i].sum), any ? core::format_double(summaries[i].minimum) : "NA",
                        any ? core::format_double(summaries[i].maximum) : "NA");
  }
  return rows;
}

core::Status run_info(const InfoOptions& options, core::RunContext& context) {
  if (options.columns && options.keywords && !options.json) {
    core::raise_usage("--columns and --keywords are two tables. Choose one, or --json, which holds both.");
  }
  core::OutputSet outputs = core::OutputSet::single(context, options.output);
  core::OutputFile& out = outputs.file();
  if (!options.json) {
    out.write(options.keywords  ? "file\tdataset\tkeyword\tvalue\n"
              : options.columns ? "file\tdataset\tevents\tname\tmarker\tmass\tsum\tmin\tmax\n"
                                : "file\tdataset\tversion\tevents\tparameters\tdatatype\tbyteord\n");
  }
  auto items = nlohmann::ordered_json::array();
  for (const auto& path : options.files) {
    io::FcsFile file(path, {.offsets = *io::parse_fcs_offsets(options.offsets)}, context);
    for (const io::FcsDataset& set : file.datasets()) {
      for (const std::string& warning : set.warnings) context.log.warning(fmt::format("{}: {}", file.name(), warning));
      const auto summaries = options.columns ? summarise(file, set, context) : std::vector<ColumnSummary>{};
      if (options.json) {
        items.push_back(to_json(path, set, summaries, options));
      } else {
        out.write(to_rows(path, set, summaries, options));
      }
    }
    // Listing the header of a large file must not read all of it: the digest is taken only where the events were read.
    if (options.columns) file.finish();
  }
  if (options.json) out.write(items.dump(2) + "\n");
  context.progress.finish();
  outputs.commit();
  return core::Status::kOk;
}

}  // namespace

cli::Command info_command() {
  auto options = std::make_shared<InfoOptions>();
  return {.name = "info",
          .summary = "List data sets, channels and keywords of FCS files, and sum the columns.",
          .example = "cytof-normalize info --columns --json run1.fcs",
          .declare =
              [options](cli::OptionSet& set) {
                set.group("Input");
                set.inputs("FILE", options->files, "FCS files (2.0 to 3.2, plain or compressed, - for stdin)");
                add_offsets_option(set, options->offsets);
                set.group("Output");
                set.flag("--columns", options->columns, "read the events: sum, minimum and maximum of every column");
                set.flag("--keywords", options->keywords, "list every keyword");
                set.flag("--json", options->json, "one JSON array instead of a table");
                set.output_file(options->output, "where to write");
              },
          .run = [options](core::RunContext& context) { return run_info(*options, context); }};
}

}  // namespace immucan::cytof_normalize
