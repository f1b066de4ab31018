#pragma once
// The `demultiplex` command: which sample each cell of a pool belongs to.
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/output.h"
#include "core/run_context.h"
#include "scrna/tag_demultiplexing.h"

namespace immucan::scrna {

struct DemultiplexOptions {
  std::filesystem::path input, output;
  std::string sample, layer;
  std::optional<std::filesystem::path> tags, barcodes;
  std::string tag_type = "auto";
  double confidence = 0.9;
};

struct DemultiplexResult {
  std::string sample;
  std::vector<std::string> barcodes, tags, samples;  ///< samples: per tag; the tag's name where no table is given
  std::vector<std::uint64_t> molecules;              ///< of tags, per barcode
  TagResult assignment;
};

/// Tags are the features named in the table, else those of the given type, else (auto) of "Multiplexing Capture", else
/// of "Antibody Capture", else all features of a matrix that has one type only. 65 when a named tag or barcode is not
/// in the matrix or nothing can be a tag.
[[nodiscard]] DemultiplexResult demultiplex(const DemultiplexOptions& options, core::RunContext& context);
void write_demultiplexed(core::OutputSet& outputs, const DemultiplexResult& result);

}  // namespace immucan::scrna
