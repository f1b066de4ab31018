#pragma once
// Samples pooled before capture, told apart by tags that mark every cell of a sample: antibodies (hashtags), lipids,
// cholesterol (CMO). Only the counts of the tags are used, whatever carries them.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/run_context.h"
#include "io/byte_source.h"
#include "io/sparse_matrix.h"

namespace immucan::scrna {

/// Negative binomial by mean and size (variance mean + mean² / size).
struct NegativeBinomial {
  double mean = 0, size = 1;
};

struct TagFit {
  NegativeBinomial background, positive;
  double share = 0;  ///< of the marked cells
};

enum class TagClass : std::uint8_t { kNegative, kSinglet, kDoublet, kUncertain };
[[nodiscard]] std::string_view name_of(TagClass tag_class);

struct TagAssignment {
  TagClass tag_class = TagClass::kNegative;
  std::size_t first = 0, second = 0;              ///< tags: of a singlet the first, of a doublet both, most probable
  double negative = 0, singlet = 0, doublet = 0;  ///< probabilities
};

struct TagResult {
  std::vector<TagFit> tags;
  std::vector<TagAssignment> cells;
  double negative = 0, doublet = 0;  ///< shares by the model
  int iterations = 0;
};

struct TagOptions {
  double confidence = 0.9;  ///< a class of less probability is kUncertain
};

/// A mixture over what a cell carries: no tag, one, or two. Every tag has a negative binomial of its background and one
/// of cells that carry it (mean at least three times the background's and one molecule above it); tags are independent
/// given what the cell carries; pairs have the product of the tags' shares. Fitted by expectation–maximisation from the
/// tag that is highest against its own median. At least two tags (64) and ten cells (65). Deterministic.
[[nodiscard]] TagResult assign_tags(const io::CsrMatrix& counts, const TagOptions& options);

/// Which tag marks which sample.
struct TagSample {
  std::string tag, sample;
};
/// A table with the columns `tag` and `sample`. 65 on a missing or repeated tag, a missing sample, or no row.
[[nodiscard]] std::vector<TagSample> read_tag_samples(std::unique_ptr<io::ByteSource> source);

}  // namespace immucan::scrna
