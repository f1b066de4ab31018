#pragma once
// TEXT segments of FCS: keyword/value pairs, delimiters, escapes. Values are bytes; nothing is recoded.
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/error.h"

namespace immucan::io {

/// Keywords in file order. Names compare without case (FCS 3.1 §3.2.18); of a repeated keyword the first counts.
class FcsKeywords {
 public:
  struct Item {
    std::string key, value;
  };
  void add(std::string key, std::string value);
  /// The value as stored, or nullopt.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view key) const;
  /// Replaces the first of that name or appends.
  void set(std::string_view key, std::string value);
  [[nodiscard]] const std::vector<Item>& items() const { return items_; }

 private:
  std::vector<Item> items_;
  std::unordered_map<std::string, std::size_t> first_;  ///< lower-case name → index of its first item
};

/// ASCII case-insensitive equality.
[[nodiscard]] bool fcs_key_equal(std::string_view a, std::string_view b);

/// Splits a TEXT segment. The first byte is the delimiter; a doubled delimiter is one literal delimiter, except
/// directly after a keyword, where it is an empty value (which the standard forbids and many programs write). A missing
/// last delimiter and blanks or zero bytes after it are accepted. `offset` is the segment's place in the file, for
/// messages.
[[nodiscard]] std::expected<FcsKeywords, core::ParseError> parse_fcs_text(std::string_view text,
                                                                          const std::string& file,
                                                                          std::uint64_t offset);

/// The TEXT segment for these keywords with a delimiter that occurs in none of them where one exists (else doubled in
/// values). An empty value becomes a blank.
[[nodiscard]] std::string format_fcs_text(const FcsKeywords& keywords);

}  // namespace immucan::io
