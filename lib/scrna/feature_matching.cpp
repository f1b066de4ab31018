#include "scrna/feature_matching.h"

#include <algorithm>
#include <array>

#include "sequence/packed_sequence.h"

namespace immucan::scrna {

namespace {

std::uint32_t fixed_bases(std::string_view text) {
  return static_cast<std::uint32_t>(std::ranges::count_if(text, [](char base) { return base != 'N'; }));
}

std::uint32_t mismatches(std::string_view fixed, std::string_view bases) {
  std::uint32_t count = 0;
  for (std::size_t i = 0; i < fixed.size(); ++i) count += fixed[i] != 'N' && fixed[i] != bases[i] ? 1U : 0U;
  return count;
}

std::uint64_t encode(std::string_view bases, std::uint32_t& unknown, std::uint32_t& unknown_at) {
  std::uint64_t code = 0;
  unknown = 0;
  for (std::uint32_t i = 0; i < bases.size(); ++i) {
    const std::uint8_t digit = sequence::kBaseCodes[static_cast<unsigned char>(bases[i])];
    if (digit > 3) {
      ++unknown;
      unknown_at = i;
    }
    code = (code << 2) | (digit & 3U);
  }
  return code;
}

}  // namespace

std::string_view name_of(FeatureClass feature_class) {
  constexpr std::array<std::string_view, kFeatureClasses> kNames = {"exact", "one_mismatch", "several", "none"};
  return kNames[static_cast<std::size_t>(feature_class)];
}

FeatureMatcher::FeatureMatcher(const std::vector<FeatureBarcode>& features) {
  for (std::uint32_t i = 0; i < features.size(); ++i) {
    const FeatureBarcode& feature = features[i];
    const FeaturePattern pattern = parse_pattern(feature.pattern);
    const auto length = static_cast<std::uint32_t>(feature.sequence.size());
    auto group = std::ranges::find_if(groups_, [&](const Group& other) {
      return other.read == feature.read && other.pattern == pattern && other.length == length;
    });
    if (group == groups_.end()) {
      groups_.push_back({feature.read, pattern, length, fixed_bases(pattern.before) + fixed_bases(pattern.after), {}});
      group = groups_.end() - 1;
    }
    std::uint32_t unknown = 0, at = 0;
    group->features.emplace(encode(feature.sequence, unknown, at), i);
  }
}

/// Collects what fits; features found twice count once.
class FeatureMatcher::Search {
 public:
  /// Calls look(group, bases) wherever a pattern fits.
  template <class Look>
  static void for_each_place(const std::vector<Group>& groups, std::string_view read1, std::string_view read2,
                             Look&& look) {
    for (const Group& group : groups) {
      const std::string_view read = group.read == 0 ? read1 : read2;
      const std::size_t before = group.pattern.before.size();
      const std::size_t whole = before + group.length + group.pattern.after.size();
      if (read.size() < whole) continue;
      const std::size_t last = read.size() - whole;
      const std::size_t from = group.pattern.at_end && !group.pattern.at_begin ? last : 0;
      const std::size_t to = group.pattern.at_begin ? 0 : last;
      for (std::size_t offset = from; offset <= to; ++offset) {
        const std::uint32_t different = mismatches(group.pattern.before, read.substr(offset)) +
                                        mismatches(group.pattern.after, read.substr(offset + before + group.length));
        if (different <= group.fixed_bases / 10) look(group, read.substr(offset + before, group.length));
      }
    }
  }

  void exact(const Group& group, std::string_view bases) {
    std::uint32_t unknown = 0, at = 0;
    const std::uint64_t code = encode(bases, unknown, at);
    if (unknown == 0) take(group, code);
  }

  void one_substitution(const Group& group, std::string_view bases) {
    if (!group.pattern.at_begin && !group.pattern.at_end && group.fixed_bases == 0) return;
    std::uint32_t unknown = 0, at = 0;
    const std::uint64_t code = encode(bases, unknown, at);
    if (unknown > 1) return;
    for (std::uint32_t position = 0; position < group.length; ++position) {
      if (unknown == 1 && position != at) continue;
      const unsigned shift = 2 * (group.length - 1 - position);
      for (std::uint64_t base = 0; base < 4; ++base)
        take(group, (code & ~(std::uint64_t{3} << shift)) | (base << shift));
    }
  }

  [[nodiscard]] std::optional<FeatureMatch> result(FeatureClass found) const {
    if (!first_) return std::nullopt;
    return several_ ? FeatureMatch{FeatureClass::kSeveral, 0} : FeatureMatch{found, *first_};
  }

 private:
  void take(const Group& group, std::uint64_t code) {
    const auto feature = group.features.find(code);
    if (feature == group.features.end()) return;
    several_ |= first_ && *first_ != feature->second;
    first_ = feature->second;
  }
  std::optional<std::uint32_t> first_;
  bool several_ = false;
};

FeatureMatch FeatureMatcher::match(std::string_view read1, std::string_view read2) const {
  Search search;
  Search::for_each_place(groups_, read1, read2,
                         [&](const Group& group, std::string_view bases) { search.exact(group, bases); });
  if (const auto found = search.result(FeatureClass::kExact)) return *found;
  Search::for_each_place(groups_, read1, read2,
                         [&](const Group& group, std::string_view bases) { search.one_substitution(group, bases); });
  return search.result(FeatureClass::kOneMismatch).value_or(FeatureMatch{});
}

}  // namespace immucan::scrna
