#include "convert.h"

#include "core/output.h"
#include "cytof/concatenate.h"
#include "cytof/convert.h"
#include "io/temporary_file.h"
#include "shared_options.h"

namespace immucan::cytof_normalize {
namespace {

/// HDF5 writes by name and goes back and forth; the output may be a pipe. So it is written aside first.
std::uint64_t write_anndata(const cytof::ConvertOptions& options, core::OutputFile& out, core::RunContext& context) {
  const io::NamedTemporaryFile aside(io::temporary_folder(context));
  const std::uint64_t events = cytof::fcs_to_anndata(options, aside.path(), context);
  aside.read([&](std::string_view bytes) { out.write(bytes); });
  return events;
}

core::Status run_convert(const cytof::ConvertOptions& options, const std::filesystem::path& output,
                         core::RunContext& context) {
  const cytof::Conversion conversion = cytof::conversion_of(options, output);
  std::uint64_t events = 0;
  core::OutputSet outputs = core::OutputSet::single(context, output);
  const char separator = conversion.from == "csv" || conversion.to == "csv" ? ',' : '\t';
  if (conversion.to == "h5ad") {
    events = write_anndata(options, outputs.file(), context);
  } else if (conversion.from == "fcs") {
    events = cytof::fcs_to_table(options, separator, outputs.file(), context);
  } else {
    events = cytof::table_to_fcs(options, separator, outputs.file(), context);
  }
  outputs.count("events", static_cast<std::int64_t>(events));
  outputs.commit();
  return core::Status::kOk;
}

core::Status run_concat(const cytof::ConcatenateOptions& options, const std::filesystem::path& output,
                        core::RunContext& context) {
  core::OutputSet outputs = core::OutputSet::single(context, output);
  const std::uint64_t events = cytof::concatenate_files(options, outputs.file(), context);
  outputs.count("files", static_cast<std::int64_t>(options.files.size()));
  outputs.count("events", static_cast<std::int64_t>(events));
  outputs.commit();
  return core::Status::kOk;
}

}  // namespace

cli::Command convert_command() {
  struct Options {
    cytof::ConvertOptions science;
    std::filesystem::path output;
  };
  auto options = std::make_shared<Options>();
  return {
      .name = "convert",
      .summary = "Convert FCS to CSV, TSV or AnnData, and tables to FCS.",
      .example = "cytof-normalize convert -o run1.csv run1.fcs",
      .declare =
          [options](cli::OptionSet& set) {
            cytof::ConvertOptions& o = options->science;
            set.group("Input");
            set.input("FILE", o.file, "FCS file, or a table with a header of channel names and a row per event");
            set.choice("--from", o.from, {"auto", "fcs", "csv", "tsv"}, "format of FILE; auto: by its name");
            add_offsets_option(set, o.offsets);
            set.group("Output");
            set.output_file(options->output, "converted file");
            set.choice("--to", o.to, {"auto", "fcs", "csv", "tsv", "h5ad"}, "format to write; auto: by its name");
          },
      .run = [options](core::RunContext& context) { return run_convert(options->science, options->output, context); }};
}

cli::Command concat_command() {
  struct Options {
    cytof::ConcatenateOptions science;
    std::filesystem::path output;
  };
  auto options = std::make_shared<Options>();
  return {
      .name = "concat",
      .summary = "Join the files of one acquisition in the order of their times; Time runs on.",
      .example = "cytof-normalize concat -o run1.fcs run1_1.fcs run1_2.fcs",
      .declare =
          [options](cli::OptionSet& set) {
            cytof::ConcatenateOptions& o = options->science;
            set.group("Input");
            set.inputs("FILE", o.files, "FCS files of one panel");
            set.choice("--order", o.order, {"acquired", "given"}, "by $DATE and $BTIM, or as the files are named");
            add_offsets_option(set, o.offsets);
            set.group("Output");
            set.output_file(options->output, "joined FCS file");
          },
      .run = [options](core::RunContext& context) { return run_concat(options->science, options->output, context); }};
}

}  // namespace immucan::cytof_normalize
