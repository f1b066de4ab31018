#include "debarcode.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/output.h"
#include "core/text.h"
#include "cytof/debarcoding.h"
#include "cytof/normalise_files.h"
#include "cytof/output_columns.h"
#include "cytof/panel.h"
#include "cytof/yield_plot.h"
#include "io/fcs_writer.h"
#include "shared_options.h"

namespace immucan::cytof_normalize {
namespace {

struct DebarcodeOptions {
  std::filesystem::path file, key, output;
  double cofactor = 5;
  std::string cutoff = "auto", gap = "widest";
  double mahalanobis = 30;
  std::string offsets = "auto";
};

cytof::DebarcodingRules rules_of(const DebarcodeOptions& options) {
  cytof::DebarcodingRules rules{
      .cofactor = options.cofactor, .mahalanobis = options.mahalanobis, .second_gap = options.gap == "second"};
  if (!(options.cofactor > 0)) core::raise_usage("--cofactor must be above 0.");
  if (options.cutoff != "auto") {
    rules.cutoff = core::parse_double(options.cutoff);
    if (!rules.cutoff || !(*rules.cutoff >= 0 && *rules.cutoff <= 1)) {
      core::raise_usage(fmt::format("--cutoff '{}' is neither auto nor from 0 to 1.", core::printable(options.cutoff)));
    }
  }
  return rules;
}

std::vector<float> barcode_channels(io::FcsFile& file, const cytof::BarcodeKey& key, core::RunContext& context) {
  const cytof::Panel panel(file.single().parameters);
  std::vector<std::size_t> columns;
  for (const int mass : key.masses) {
    const auto column = panel.find_mass(mass);
    if (!column) {
      core::raise({file.name(), core::Place::none(), fmt::format("no channel has the barcode mass {}", mass),
                   "Check the key's header"});
    }
    columns.push_back(*column);
  }
  std::vector<float> values;
  io::FcsEvents events(file, file.single(), columns);
  io::FcsBlock block;
  while (events.next(block)) {
    context.interrupt.check();
    context.progress.update("reading barcodes", block.first_event, file.single().events);
    for (const double value : block.values) values.push_back(static_cast<float>(value));
  }
  file.finish();
  return values;
}

void write_assignments(core::OutputFile& out, const cytof::BarcodeKey& key, const cytof::Debarcoding& result) {
  std::string text = "event\tlabel\tdelta\tmahalanobis2\n";
  for (std::size_t event = 0; event < result.label.size(); ++event) {
    core::append_integer(text, static_cast<std::int64_t>(event));
    text += '\t';
    const std::int32_t label = result.label[event];
    text += label < 0 ? std::string_view("0") : std::string_view(key.labels[static_cast<std::size_t>(label)]);
    text += '\t';
    core::append_double(text, result.delta[event]);
    text += '\t';
    core::append_double(text, result.mahalanobis2[event]);
    text += '\n';
    if (text.size() > (std::size_t{1} << 16)) {
      out.write(text);
      text.clear();
    }
  }
  out.write(text);
}

std::vector<std::uint64_t> count_labels(const std::vector<std::int32_t>& labels, std::size_t samples) {
  std::vector<std::uint64_t> counts(samples);
  for (const std::int32_t label : labels) {
    if (label >= 0) ++counts[static_cast<std::size_t>(label)];
  }
  return counts;
}

/// A label as part of a file name.
std::string file_part(std::string label) {
  std::ranges::replace_if(label, [](char c) { return c == '/' || static_cast<unsigned char>(c) < 0x21; }, '_');
  return label;
}

void write_samples(io::FcsFile& file, const std::string& stem, const cytof::BarcodeKey& key,
                   const cytof::Debarcoding& result, core::OutputSet& outputs, core::RunContext& context) {
  const io::FcsDataset& set = file.single();
  std::vector<io::FcsColumn> columns = cytof::same_columns(set);
  const auto ranges = cytof::column_ranges(file, {}, context);
  for (std::size_t i = 0; i < columns.size(); ++i) columns[i].range = std::max(columns[i].range, ranges[i].highest);
  const auto counts = count_labels(result.label, key.labels.size());
  std::vector<io::FcsWriter> writers;
  for (std::size_t i = 0; i < key.labels.size(); ++i) {
    writers.emplace_back(outputs.add(stem + "." + file_part(key.labels[i]) + ".fcs"), set.keywords, columns, counts[i],
                         io::FcsWriteOptions{.type = cytof::exact_type(set)});
  }
  io::FcsEvents events(file, set);
  io::FcsBlock block;
  while (events.next(block)) {
    context.interrupt.check();
    context.progress.update("writing samples", block.first_event, set.events);
    for (std::size_t i = 0; i < block.events; ++i) {
      const std::int32_t label = result.label[block.first_event + i];
      if (label >= 0) writers[static_cast<std::size_t>(label)].write(block.row(i));
    }
  }
  for (io::FcsWriter& writer : writers) writer.finish();
}

core::Status run_debarcode(const DebarcodeOptions& options, core::RunContext& context) {
  const cytof::DebarcodingRules rules = rules_of(options);
  core::OutputSet outputs = core::OutputSet::folder(context, options.output);
  const cytof::BarcodeKey key = cytof::read_barcode_key(options.key, context);
  std::set<std::string> parts;
  for (const std::string& label : key.labels) {
    if (!parts.insert(file_part(label)).second) {
      core::raise({options.key.string(), core::Place::none(),
                   fmt::format("two samples would be written as '{}'", file_part(label)), "Rename one of them"});
    }
  }
  io::FcsFile file(options.file, {.offsets = *io::parse_fcs_offsets(options.offsets)}, context);
  const cytof::Debarcoding result = cytof::debarcode(key, barcode_channels(file, key, context), rules);
  const std::string stem = cytof::fcs_stem(options.file);
  write_assignments(outputs.add(stem + ".assignments.tsv"), key, result);
  const auto preliminary = count_labels(result.preliminary, key.labels.size());
  const auto final_counts = count_labels(result.label, key.labels.size());
  std::string cutoffs = "label\tcutoff\tpreliminary\tfinal\n";
  std::int64_t assigned = 0;
  for (std::size_t i = 0; i < key.labels.size(); ++i) {
    cutoffs += fmt::format("{}\t{}\t{}\t{}\n", key.labels[i], core::format_double(result.cutoffs[i]), preliminary[i],
                           final_counts[i]);
    assigned += static_cast<std::int64_t>(final_counts[i]);
  }
  outputs.add("cutoffs.tsv").write(cutoffs);
  outputs.add(stem + ".yield.svg").write(cytof::yield_plot(stem, key, result));
  write_samples(file, stem, key, result, outputs, context);
  context.progress.finish();
  outputs.count("events", static_cast<std::int64_t>(result.label.size()));
  outputs.count("assigned", assigned);
  outputs.commit();
  return core::Status::kOk;
}

}  // namespace

cli::Command debarcode_command() {
  auto options = std::make_shared<DebarcodeOptions>();
  return {.name = "debarcode",
          .summary = "Assign the events of a multiplexed run to their samples by isotope barcodes.",
          .example = "cytof-normalize debarcode --key key.csv -o samples pooled.normalized.fcs",
          .declare =
              [options](cli::OptionSet& set) {
                set.group("Input");
                set.input("FILE", options->file, "one FCS file of a barcoded pool");
                set.option("--key", options->key, "CSV: header with barcode masses, then LABEL,0,1,… per sample", true);
                add_offsets_option(set, options->offsets);
                set.group("Output");
                set.output_folder(options->output);
                set.group("Algorithm");
                set.option("--cofactor", options->cofactor, "barcodes are compared as arcsinh(x/cofactor)");
                set.option("--cutoff", options->cutoff,
                           "least separation, 0 to 1, or auto: estimated for every sample");
                set.choice("--gap", options->gap, {"widest", "second"},
                           "keys of varying numbers of positives: what separates them; second: the second widest gap "
                           "where the value below the widest is negative, for the old randomisation by 100 counts");
                set.option("--mahalanobis", options->mahalanobis, "largest squared Mahalanobis distance to the sample");
              },
          .run = [options](core::RunContext& context) { return run_debarcode(*options, context); }};
}

}  // namespace immucan::cytof_normalize
