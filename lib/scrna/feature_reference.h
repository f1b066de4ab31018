#pragma once
// Antibodies, hashtags, CRISPR guides and other tags that are read beside the RNA: Cell Ranger's feature reference CSV.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/run_context.h"
#include "io/byte_source.h"

namespace immucan::scrna {

struct FeatureBarcode {
  std::string id, name;
  std::uint32_t read = 1;  ///< index of the read that holds it: 0 = R1, 1 = R2
  std::string pattern;     ///< as written
  std::string sequence;
  std::string type;  ///< "Antibody Capture", "CRISPR Guide Capture", "Multiplexing Capture" …
};

/// Where a pattern puts the sequence: "5P" or "^" ties it to the beginning of the read, "3P" or "$" to its end, N is
/// any base, (BC) the sequence, other bases stand for themselves.
struct FeaturePattern {
  std::string before, after;  ///< of (BC); N = any base
  bool at_begin = false, at_end = false;
  auto operator<=>(const FeaturePattern&) const = default;
};

/// 65, with line and column, for a missing column (id, name, read, pattern, sequence, feature_type), an id that appears
/// twice or is empty, another read than R1 and R2, a pattern without (BC) or with other letters, a sequence that is not
/// of 1 to 31 bases A, C, G, T or appears twice under one pattern, an empty type or the type "Gene Expression".
[[nodiscard]] std::vector<FeatureBarcode> read_feature_reference(std::unique_ptr<io::ByteSource> source);

/// The pattern of a feature that has been checked.
[[nodiscard]] FeaturePattern parse_pattern(std::string_view text);

/// As the index keeps them: a line of six columns separated by tabs for each; and back (65 for a damaged index).
[[nodiscard]] std::string to_lines(const std::vector<FeatureBarcode>& features);
[[nodiscard]] std::vector<FeatureBarcode> from_lines(std::string_view lines, const std::string& file);

}  // namespace immucan::scrna
