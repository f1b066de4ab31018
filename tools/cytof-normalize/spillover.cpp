#include "cytof/spillover.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/output.h"
#include "core/text.h"
#include "cytof/debarcoding.h"
#include "cytof/panel.h"
#include "io/fcs.h"
#include "shared_options.h"
#include "spillover.h"

namespace immucan::cytof_normalize {
namespace {

/// A stain with fewer events gives a rough estimate.
constexpr std::uint64_t kFewEvents = 20;

struct SpilloverOptions {
  std::vector<std::filesystem::path> files;
  std::filesystem::path output;
  std::string stains, method = "default", cutoff = "auto", offsets = "auto";
  double cofactor = 5, mahalanobis = 30, trim = 0.5, threshold = 1e-5;
};

/// "139,141-156" as masses.
std::vector<int> stain_masses(const std::string& text) {
  std::vector<int> masses;
  const auto mass = [&](std::string_view field) {
    const auto value = core::parse_int(core::trim(field));
    if (!value || *value < 75 || *value > 210) {
      core::raise_usage(fmt::format("--stains: '{}' is no isotope mass. Give masses such as 139,141-156,158-176.",
                                    core::printable(field)));
    }
    return static_cast<int>(*value);
  };
  for (const std::string_view field : core::split(text, ',')) {
    const std::size_t dash = field.find('-');
    const int first = mass(field.substr(0, dash));
    const int last = dash == std::string_view::npos ? first : mass(field.substr(dash + 1));
    if (last < first) core::raise_usage(fmt::format("--stains: '{}' ends below its begin.", core::printable(field)));
    for (int m = first; m <= last; ++m) {
      if (std::ranges::find(masses, m) != masses.end()) {
        core::raise_usage(fmt::format("--stains: mass {} is given twice.", m));
      }
      masses.push_back(m);
    }
  }
  if (masses.size() < 2 || masses.size() > 64) core::raise_usage("--stains: give from 2 to 64 masses.");
  return masses;
}

cytof::DebarcodingRules rules_of(const SpilloverOptions& options) {
  cytof::DebarcodingRules rules{
      .cofactor = options.cofactor, .cutoff = std::nullopt, .mahalanobis = options.mahalanobis};
  if (!(options.cofactor > 0)) core::raise_usage("--cofactor must be above 0.");
  if (!(options.trim >= 0 && options.trim <= 0.5)) core::raise_usage("--trim must be from 0 to 0.5.");
  if (!(options.threshold >= 0 && options.threshold < 1)) core::raise_usage("--threshold must be from 0 to 1.");
  if (options.cutoff != "auto") {
    rules.cutoff = core::parse_double(options.cutoff);
    if (!rules.cutoff || !(*rules.cutoff >= 0 && *rules.cutoff <= 1)) {
      core::raise_usage(fmt::format("--cutoff '{}' is neither auto nor from 0 to 1.", core::printable(options.cutoff)));
    }
  }
  return rules;
}

/// The mass channels of all files, which must have one panel.
class StainReader {
 public:
  StainReader(const std::vector<int>& masses, core::RunContext& context) : masses_(masses), context_(context) {}

  void read(const std::filesystem::path& path, const std::string& offsets) {
    io::FcsFile file(path, {.offsets = *io::parse_fcs_offsets(offsets)}, context_);
    const auto columns = match_panel(file);
    io::FcsEvents events(file, file.single(), columns);
    io::FcsBlock block;
    while (events.next(block)) {
      context_.interrupt.check();
      context_.progress.update("reading stains", block.first_event, file.single().events);
      for (std::size_t event = 0; event < block.events; ++event) {
        const auto row = block.row(event);
        for (const double value : row) stains.intensities.push_back(static_cast<float>(value));
        for (const std::size_t c : stains.stained) barcodes.push_back(static_cast<float>(row[c]));
      }
    }
    file.finish();
  }

  cytof::SingleStains stains;
  std::vector<float> barcodes;

 private:
  std::vector<std::size_t> match_panel(const io::FcsFile& file) {
    const cytof::Panel panel(file.single().parameters);
    std::vector<std::size_t> columns;
    std::vector<cytof::Channel> channels;
    for (std::size_t c = 0; c < panel.channels().size(); ++c) {
      if (!panel.channels()[c].is_mass || !panel.channels()[c].mass) continue;
      columns.push_back(c);
      channels.push_back(panel.channels()[c]);
    }
    if (stains.channels.empty()) {
      stains.channels = std::move(channels);
      find_stains(file);
    } else if (!std::ranges::equal(channels, stains.channels, {}, &cytof::Channel::name, &cytof::Channel::name)) {
      core::raise({file.name(), core::Place::none(), "the mass channels differ from those of the first file",
                   "Give files of one panel"});
    }
    return columns;
  }

  void find_stains(const io::FcsFile& file) {
    for (const int mass : masses_) {
      const auto found = std::ranges::find(stains.channels, std::optional<int>(mass), &cytof::Channel::mass);
      if (found == stains.channels.end()) {
        core::raise({file.name(), core::Place::none(), fmt::format("no channel has the stain mass {}", mass),
                     "Correct --stains"});
      }
      stains.stained.push_back(static_cast<std::size_t>(found - stains.channels.begin()));
    }
  }

  const std::vector<int>& masses_;
  core::RunContext& context_;
};

std::string matrix_text(const cytof::SingleStains& stains, const cytof::SpilloverMatrix& matrix) {
  std::string text = "channel";
  for (const cytof::Channel& channel : stains.channels) text += "\t" + channel.name;
  text += '\n';
  const std::size_t width = stains.channels.size();
  for (std::size_t s = 0; s < stains.stained.size(); ++s) {
    text += stains.channels[stains.stained[s]].name;
    for (std::size_t c = 0; c < width; ++c) {
      text += '\t';
      core::append_double(text, matrix.values[s * width + c]);
    }
    text += '\n';
  }
  return text;
}

/// Too few events, or more signal in the receiver than in the emitter: such a matrix would be silently wrong.
void check(const SpilloverOptions& options, const std::vector<int>& masses, const cytof::SingleStains& stains,
           const cytof::EstimatedSpillover& estimated, core::RunContext& context) {
  const std::string file = options.files.front().string();
  const std::size_t width = stains.channels.size();
  bool any = false;
  for (std::size_t s = 0; s < masses.size(); ++s) {
    const std::uint64_t events = estimated.positive[s];
    any = any || events > 1;
    if (events < kFewEvents) {
      context.log.warning(fmt::format("{}: stain {} has {} events: {}", file, masses[s], events,
                                      events < 2 ? "no spillover from it is estimated" : "a rough estimate"));
    }
    for (std::size_t c = 0; c < width; ++c) {
      const double share = estimated.matrix.values[s * width + c];
      if (share <= 1) continue;
      core::raise({file, core::Place::none(),
                   fmt::format("the stain of {} shows {} of its signal in {}, more than all of it", masses[s],
                               core::format_double(share), core::printable(stains.channels[c].name)),
                   "Check --stains, or leave that stain out"});
    }
  }
  if (!any) {
    core::raise({file, core::Place::none(), "no event belongs to any stain", "Check --stains and --cutoff"});
  }
}

core::Status run_spillover(const SpilloverOptions& options, core::RunContext& context) {
  const cytof::DebarcodingRules rules = rules_of(options);
  const std::vector<int> masses = stain_masses(options.stains);
  core::OutputSet outputs = core::OutputSet::single(context, options.output);
  StainReader reader(masses, context);
  for (const auto& file : options.files) reader.read(file, options.offsets);
  cytof::BarcodeKey key{.masses = masses, .labels = {}, .codes = {}, .positives = 1};
  for (std::size_t i = 0; i < masses.size(); ++i) {
    key.labels.push_back(std::to_string(masses[i]));
    key.codes.push_back(std::uint64_t{1} << i);
  }
  reader.stains.stain = cytof::debarcode(key, reader.barcodes, rules).label;
  const auto estimated = cytof::estimate_spillover(
      reader.stains,
      {.method = options.method == "classic" ? cytof::SpilloverMethod::kClassic : cytof::SpilloverMethod::kDefault,
       .trim = options.trim,
       .threshold = options.threshold});
  check(options, masses, reader.stains, estimated, context);
  outputs.file().write(matrix_text(reader.stains, estimated.matrix));
  context.progress.finish();
  std::int64_t assigned = 0;
  for (const std::uint64_t events : estimated.positive) assigned += static_cast<std::int64_t>(events);
  outputs.count("events", static_cast<std::int64_t>(reader.stains.events()));
  outputs.count("assigned", assigned);
  outputs.commit();
  return core::Status::kOk;
}

}  // namespace

cli::Command spillover_command() {
  auto options = std::make_shared<SpilloverOptions>();
  return {.name = "spillover",
          .summary = "Estimate the spillover matrix from single-stained beads.",
          .example = "cytof-normalize spillover --stains 139,141-156,158-176 -o spillover.tsv stains.fcs",
          .declare =
              [options](cli::OptionSet& set) {
                set.group("Input");
                set.inputs("FILE", options->files, "FCS files of pooled single stains, of one panel");
                set.option("--stains", options->stains, "masses that were stained, e.g. 139,141-156,158-176", true);
                add_offsets_option(set, options->offsets);
                set.group("Output");
                set.output_file(options->output, "spillover matrix, TSV, as read by compensate");
                set.group("Algorithm");
                set.choice("--method", options->method, {"default", "classic"},
                           "median of the events' ratios, or ratio of the medians");
                set.option("--cutoff", options->cutoff, "least separation of a stain, 0 to 1, or auto");
                set.option("--mahalanobis", options->mahalanobis, "largest squared Mahalanobis distance to the stain");
                set.option("--cofactor", options->cofactor, "stains are told apart as arcsinh(x/cofactor)");
                set.option("--trim", options->trim, "classic: share cut from both ends of a mean; 0.5 is the median");
                set.option("--threshold", options->threshold, "smaller shares are written as 0");
              },
          .run = [options](core::RunContext& context) { return run_spillover(*options, context); }};
}

}  // namespace immucan::cytof_normalize
