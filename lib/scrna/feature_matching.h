#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "scrna/feature_reference.h"

namespace immucan::scrna {

enum class FeatureClass : std::uint8_t {
  kExact,        ///< one feature, as listed
  kOneMismatch,  ///< one feature at one substitution
  kSeveral,      ///< several features fit equally well
  kNone
};
inline constexpr std::size_t kFeatureClasses = 4;
[[nodiscard]] std::string_view name_of(FeatureClass feature_class);

struct FeatureMatch {
  FeatureClass feature_class = FeatureClass::kNone;
  std::uint32_t feature = 0;
};

/// Finds the feature of a read. Where its pattern says so, or at every offset of an untied one whose fixed bases fit
/// (one of ten may differ), the sequence is looked up as read, and only if none fits with one substitution; an unknown
/// base counts as that substitution. An untied pattern without fixed bases is only looked up as read: somewhere in a
/// read one substitution is too little.
class FeatureMatcher {
 public:
  explicit FeatureMatcher(const std::vector<FeatureBarcode>& features);
  /// Read 1 and read 2 of a pair.
  [[nodiscard]] FeatureMatch match(std::string_view read1, std::string_view read2) const;

 private:
  /// Features that share read, pattern and length.
  struct Group {
    std::uint32_t read = 1;
    FeaturePattern pattern;
    std::uint32_t length = 0, fixed_bases = 0;
    std::unordered_map<std::uint64_t, std::uint32_t> features;  ///< 2-bit sequence → feature
  };
  class Search;
  std::vector<Group> groups_;
};

}  // namespace immucan::scrna
