#include "compensate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/ordered_batches.h"
#include "core/output.h"
#include "core/text.h"
#include "cytof/compensation.h"
#include "cytof/output_columns.h"
#include "io/fcs_writer.h"
#include "shared_options.h"

namespace immucan::cytof_normalize {
namespace {

struct CompensateOptions {
  std::filesystem::path file, matrix, output;
  std::string method = "nnls", precision = "float64", offsets = "auto";
};

/// $PnR above all that will be written.
std::vector<io::FcsColumn> output_columns(io::FcsFile& file, const cytof::PanelSpillover& spillover,
                                          const cytof::Compensator& compensator, core::RunContext& context) {
  std::vector<io::FcsColumn> columns = cytof::same_columns(file.single());
  if (file.single().events == 0) return columns;
  const auto ranges = cytof::column_ranges(file, {}, context);
  for (std::size_t i = 0; i < columns.size(); ++i) columns[i].range = std::max(columns[i].range, ranges[i].highest);
  std::vector<double> lowest, highest;
  for (const std::size_t column : spillover.columns) {
    lowest.push_back(ranges[column].lowest);
    highest.push_back(ranges[column].highest);
  }
  const auto bounds = compensator.upper_bounds(lowest, highest);
  for (std::size_t c = 0; c < bounds.size(); ++c) {
    double& range = columns[spillover.columns[c]].range;
    range = std::max(range, bounds[c]);
  }
  return columns;
}

core::Status run_compensate(const CompensateOptions& options, core::RunContext& context) {
  core::OutputSet outputs = core::OutputSet::single(context, options.output);
  const cytof::SpilloverMatrix matrix = cytof::read_spillover(options.matrix, context);
  io::FcsFile file(options.file, {.offsets = *io::parse_fcs_offsets(options.offsets)}, context);
  const io::FcsDataset& set = file.single();
  const cytof::PanelSpillover spillover = cytof::adapt_spillover(matrix, cytof::Panel(set.parameters));
  if (spillover.not_estimated.size() == spillover.size()) {
    core::raise({file.name(), core::Place::none(), "no channel of the file emits in the spillover matrix",
                 "Check the isotopes in the matrix and in the channel names"});
  }
  if (!spillover.not_estimated.empty()) {
    context.log.warning(fmt::format("spillover from these channels is not in the matrix and taken as none: {}",
                                    core::printable(core::join(spillover.not_estimated, ", "), 500)));
  }
  const auto method = options.method == "flow" ? cytof::CompensationMethod::kFlow : cytof::CompensationMethod::kNnls;
  const cytof::Compensator prototype(spillover, method, options.matrix.string());

  io::FcsWriter writer(outputs.file(), set.keywords, output_columns(file, spillover, prototype, context), set.events,
                       {.type = options.precision == "float32" ? io::FcsType::kFloat : io::FcsType::kDouble});
  io::FcsEvents events(file, set);
  core::ordered_batches<io::FcsBlock>(
      {.threads = context.threads, .interrupt = &context.interrupt},
      [&](io::FcsBlock& block) { return events.read(block); },
      [&](io::FcsBlock& block) {
        events.decode(block);
        cytof::Compensator compensator = prototype;
        std::vector<double> values(spillover.size());
        for (std::size_t event = 0; event < block.events; ++event) {
          double* row = block.values.data() + event * block.columns;
          for (std::size_t c = 0; c < values.size(); ++c) values[c] = row[spillover.columns[c]];
          compensator.solve(values);
          for (std::size_t c = 0; c < values.size(); ++c) row[spillover.columns[c]] = values[c];
        }
      },
      [&](io::FcsBlock& block) {
        writer.write(block.values);
        context.progress.update("compensating", block.first_event, set.events);
      });
  file.finish();
  writer.finish();
  context.progress.finish();
  outputs.count("events", static_cast<std::int64_t>(set.events));
  outputs.commit();
  return core::Status::kOk;
}

}  // namespace

cli::Command compensate_command() {
  auto options = std::make_shared<CompensateOptions>();
  return {.name = "compensate",
          .summary = "Remove the spillover between isotope channels by a spillover matrix.",
          .example = "cytof-normalize compensate --matrix spillover.tsv -o run1.compensated.fcs run1.fcs",
          .declare =
              [options](cli::OptionSet& set) {
                set.group("Input");
                set.input("FILE", options->file, "FCS file of raw or normalised intensities");
                set.option("--matrix", options->matrix,
                           "spillover matrix: a row per emitting, a column per receiving channel", true);
                add_offsets_option(set, options->offsets);
                set.group("Output");
                set.output_file(options->output, "compensated FCS file");
                set.choice("--precision", options->precision, {"float64", "float32"}, "type of the written values");
                set.group("Algorithm");
                set.choice("--method", options->method, {"nnls", "flow"},
                           "non-negative least squares, or the inverse matrix (gives negative values)");
              },
          .run = [options](core::RunContext& context) { return run_compensate(*options, context); }};
}

}  // namespace immucan::cytof_normalize
