#pragma once
// FCS to and from plain tables, and to AnnData.
#include <filesystem>
#include <optional>
#include <string>

#include "core/output.h"
#include "core/run_context.h"

namespace immucan::cytof {

struct ConvertOptions {
  std::filesystem::path file;
  std::string from = "auto", to = "auto";  ///< fcs, csv, tsv, h5ad; auto: by the file's name
  std::string offsets = "auto";
};

/// What `to` and `from` mean for these names; usage error when a name does not tell or the pair is not offered.
struct Conversion {
  std::string from, to;
};
[[nodiscard]] Conversion conversion_of(const ConvertOptions& options, const std::filesystem::path& output);

/// FCS → CSV/TSV: a header with $PnN and a row per event, shortest text that reads back as the same number. Streams.
std::uint64_t fcs_to_table(const ConvertOptions& options, char separator, core::OutputFile& out,
                           core::RunContext& context);
/// CSV/TSV → FCS (float64, or float32 where every value is one): two readings, so not from a pipe. 65 names the cell
/// that is no number.
std::uint64_t table_to_fcs(const ConvertOptions& options, char separator, core::OutputFile& out,
                           core::RunContext& context);
/// FCS → AnnData: X as stored, var with channel and marker. Holds the events.
std::uint64_t fcs_to_anndata(const ConvertOptions& options, const std::filesystem::path& out,
                             core::RunContext& context);

}  // namespace immucan::cytof
