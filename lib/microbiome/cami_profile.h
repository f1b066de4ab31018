#pragma once
// Profiles in CAMI's format (https://github.com/bioboxes/rfc, data-format/profiling), whoever wrote them.
#include <memory>
#include <string>
#include <vector>

#include "io/byte_source.h"

namespace immucan::microbiome {

struct CamiRow {
  std::string taxid;  ///< text: strains are numbered like 562.1
  std::string rank;
  std::vector<std::string> path, names;  ///< an empty field where the lineage has no such rank
  double percentage = 0;
};

struct CamiSample {
  std::string sample_id, version;
  std::vector<std::string> ranks;
  std::vector<CamiRow> rows;
};

/// One or several samples. Comment lines, empty lines, further columns and metadata are passed over; TAXPATHSN may be
/// absent; ranks need not be among @Ranks (submissions have "no rank"). 65 with file and line where @SampleID,
/// @Version,
/// @Ranks or the line of columns is missing, or a percentage is no number from 0 to 100 (and a little more, for what
/// others rounded).
[[nodiscard]] std::vector<CamiSample> read_cami_profiles(std::unique_ptr<io::ByteSource> source);

}  // namespace immucan::microbiome
