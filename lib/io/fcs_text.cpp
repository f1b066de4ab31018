#include "io/fcs_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.h"

namespace immucan::io {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lower_case(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), lower);
  return result;
}

std::size_t count_delimiters(std::string_view text, std::size_t at, char delimiter) {
  std::size_t n = 0;
  while (at + n < text.size() && text[at + n] == delimiter) ++n;
  return n;
}

class Splitter {
 public:
  Splitter(std::string_view text, char delimiter) : text_(text), delimiter_(delimiter) {}

  [[nodiscard]] bool at_end() const { return at_ >= text_.size(); }

  /// A keyword, which ends at the first delimiter; false when the text ends before it.
  bool key(std::string& key) {
    const std::size_t end = text_.find(delimiter_, at_);
    key = text_.substr(at_, end == std::string_view::npos ? end : end - at_);
    at_ = end == std::string_view::npos ? text_.size() : end + 1;
    return end != std::string_view::npos;
  }

  /// A value. A doubled delimiter is a literal one; an odd run ends the value after its pairs, so that a single
  /// delimiter directly after the keyword's is an empty value.
  std::string value() {
    std::string value;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c != delimiter_) {
        value += c;
        ++at_;
        continue;
      }
      const std::size_t run = count_delimiters(text_, at_, delimiter_);
      const bool last = at_ + run >= text_.size();
      value.append(last ? (run - 1) / 2 : run / 2, delimiter_);
      at_ += run;
      if (run % 2 == 1 || last) return value;
    }
    return value;
  }

 private:
  std::string_view text_;
  char delimiter_;
  std::size_t at_ = 0;
};

bool is_padding(char c) {
  return c == ' ' || c == '\0' || c == '\r' || c == '\n' || c == '\t';
}

}  // namespace

bool fcs_key_equal(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

void FcsKeywords::add(std::string key, std::string value) {
  first_.try_emplace(lower_case(key), items_.size());
  items_.push_back({std::move(key), std::move(value)});
}

std::optional<std::string_view> FcsKeywords::find(std::string_view key) const {
  const auto found = first_.find(lower_case(key));
  if (found == first_.end()) return std::nullopt;
  return items_[found->second].value;
}

void FcsKeywords::set(std::string_view key, std::string value) {
  const auto found = first_.find(lower_case(key));
  if (found != first_.end()) {
    items_[found->second].value = std::move(value);
  } else {
    add(std::string(key), std::move(value));
  }
}

std::expected<FcsKeywords, core::ParseError> parse_fcs_text(std::string_view text, const std::string& file,
                                                            std::uint64_t offset) {
  const auto broken = [&](std::string what) {
    return std::unexpected(core::ParseError{file, core::Place::byte(offset), std::move(what),
                                            "Export the file again from the acquisition software"});
  };
  if (text.size() < 2) return broken("the TEXT segment is empty");
  const char delimiter = text.front();
  text.remove_prefix(1);
  while (!text.empty() && text.back() != delimiter && is_padding(text.back())) text.remove_suffix(1);

  FcsKeywords keywords;
  Splitter splitter(text, delimiter);
  while (!splitter.at_end()) {
    std::string key;
    if (!splitter.key(key)) {
      if (std::ranges::all_of(key, is_padding)) break;
      return broken(fmt::format("keyword '{}' has no value (TEXT ends)", core::printable(key, 40)));
    }
    if (key.empty()) return broken("an empty keyword");
    if (splitter.at_end()) {
      return broken(fmt::format("keyword '{}' has no value (TEXT ends)", core::printable(key, 40)));
    }
    keywords.add(std::move(key), splitter.value());
  }
  if (keywords.items().empty()) return broken("the TEXT segment holds no keyword");
  return keywords;
}

std::string format_fcs_text(const FcsKeywords& keywords) {
  constexpr std::string_view kCandidates = "/|\\!\x1e\x0c~^`*#%&;\x1f\x1d\x1c";
  const auto unused = std::ranges::find_if(kCandidates, [&](char c) {
    return std::ranges::none_of(keywords.items(), [&](const FcsKeywords::Item& item) {
      return item.key.find(c) != std::string::npos || item.value.find(c) != std::string::npos;
    });
  });
  const char delimiter = unused == kCandidates.end() ? '/' : *unused;
  std::string text(1, delimiter);
  const auto append = [&](std::string_view part) {
    for (const char c : part) {
      text += c;
      if (c == delimiter) text += c;
    }
    text += delimiter;
  };
  for (const FcsKeywords::Item& item : keywords.items()) {
    append(item.key);
    // The standard forbids empty values, and strict readers take "//" for an escape: a blank stands for nothing.
    append(item.value.empty() ? std::string_view(" ") : item.value);
  }
  return text;
}

}  // namespace immucan::io
