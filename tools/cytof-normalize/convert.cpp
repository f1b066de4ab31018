#include "convert.h"

#include <stdlib.h>

#include <cerrno>
#include <fstream>

#include "core/output.h"
#include "cytof/concatenate.h"
#include "cytof/convert.h"
#include "shared_options.h"

namespace immucan::cytof_normalize {
namespace {

/// HDF5 writes by path: a folder of our own beside the output (or in --tmpdir), removed with what is in it.
class TemporaryFolder {
 public:
  TemporaryFolder(const core::RunContext& context, const std::filesystem::path& output) {
    const auto beside = output.has_parent_path() ? output.parent_path() : std::filesystem::path(".");
    std::string pattern = (context.tmpdir.value_or(output == "-" ? "/tmp" : beside) / ".convert-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) core::raise_create_errno(pattern, errno);
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

core::Status run_convert(const cytof::ConvertOptions& options, const std::filesystem::path& output,
                         core::RunContext& context) {
  const cytof::Conversion conversion = cytof::conversion_of(options, output);
  std::uint64_t events = 0;
  core::OutputSet outputs = core::OutputSet::single(context, output);
  if (conversion.to == "h5ad") {
    const TemporaryFolder folder(context, output);
    const auto file = folder.path() / "cells.h5ad";
    outputs.count("events", static_cast<std::int64_t>(cytof::fcs_to_anndata(options, file, context)));
    std::ifstream in(file, std::ios::binary);
    for (std::string buffer(std::size_t{1} << 20, '\0');
         in.read(buffer.data(), std::ssize(buffer)) || in.gcount() > 0;) {
      outputs.file().write(std::string_view(buffer).substr(0, static_cast<std::size_t>(in.gcount())));
    }
    if (in.bad()) core::raise_write_errno(file.string(), "read back", errno);
    outputs.commit();
    return core::Status::kOk;
  }
  const char separator = conversion.from == "csv" || conversion.to == "csv" ? ',' : '\t';
  events = conversion.from == "fcs" ? cytof::fcs_to_table(options, separator, outputs.file(), context)
                                    : cytof::table_to_fcs(options, separator, outputs.file(), context);
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
