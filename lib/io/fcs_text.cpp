#include "io/fcs_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

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

/// True when the file certainly leaves values empty: a standard keyword directly followed by a doubled delimiter.
bool has_certain_empty_value(std::string_view text, char delimiter) {
  const std::array<char, 2> opening{delimiter, '$'};
  const std::array<char, 2> doubled{delimiter, delimiter};
  const std::string_view key_start(opening.data(), 2), twice(doubled.data(), 2);
  for (std::size_t at = text.find(twice); at != std::string_view::npos; at = text.find(twice, at + 2)) {
    const std::size_t run = count_delimiters(text, at, delimiter);
    const std::size_t key = text.rfind(delimiter, at - 1);
    if (run == 2 && at > 0 && key != std::string_view::npos && text.substr(key, 2) == key_start &&
        text.substr(at + 1, 2) == key_start) {
      return true;
    }
    at += run - 2;
  }
  return false;
}

class Splitter {
 public:
  Splitter(std::string_view text, char delimiter)
      : text_(text), delimiter_(delimiter), empty_values_(has_certain_empty_value(text, delimiter)) {}

  [[nodiscard]] bool at_end() const { return at_ >= text_.size(); }

  /// A keyword; leaves `at_` behind its delimiter. Sets `empty` when its value is empty.
  std::string key(bool& empty) {
    std::string key;
    empty = false;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c != delimiter_) {
        key += c;
        ++at_;
        continue;
      }
      const std::size_t run = count_delimiters(text_, at_, delimiter_);
      if (run % 2 == 0 && !is_empty_value(key, at_ + run)) {
        key.append(run / 2, delimiter_);
        at_ += run;
        continue;
      }
      empty = run % 2 == 0;
      at_ += empty ? 2 : 1;
      return key;
    }
    return key;
  }

  /// A value. A doubled delimiter is a literal one; an odd run ends the value after its pairs.
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
  [[nodiscard]] bool is_empty_value(std::string_view key, std::size_t next) const {
    return empty_values_ || next >= text_.size() || key.starts_with('$') || text_[next] == '$';
  }

  std::string_view text_;
  char delimiter_;
  bool empty_values_;
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

void FcsKeywords::erase_if(const std::function<bool(const Item&)>& unwanted) {
  std::vector<Item> kept;
  std::swap(kept, items_);
  first_.clear();
  for (Item& item : kept) {
    if (!unwanted(item)) add(std::move(item.key), std::move(item.value));
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
    bool empty = false;
    std::string key = splitter.key(empty);
    if (!empty && splitter.at_end()) {
      if (std::ranges::all_of(key, is_padding)) break;
      return broken(fmt::format("keyword '{}' has no value (TEXT ends)", core::printable(key, 40)));
    }
    if (key.empty()) return broken("an empty keyword");
    keywords.add(std::move(key), empty ? std::string() : splitter.value());
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
    append(item.value);
  }
  return text;
}

}  // namespace immucan::io
