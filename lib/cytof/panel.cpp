#include "cytof/panel.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "core/error.h"
#include "core/text.h"

namespace immucan::cytof {
namespace {

constexpr std::array<int, 5> kDvsMasses{140, 151, 153, 165, 175};
constexpr std::array<int, 5> kBetaMasses{139, 141, 159, 169, 175};

/// Elements that are measured (tags, DNA, beads, viability, contaminants), with the range of their stable isotopes.
struct Element {
  std::string_view symbol;
  int lightest, heaviest;
};
constexpr std::array<Element, 46> kElements{{
    {"As", 75, 75},   {"Se", 74, 82},   {"Br", 79, 81},   {"Kr", 78, 86},   {"Rb", 85, 87},   {"Sr", 84, 88},
    {"Y", 89, 89},    {"Zr", 90, 96},   {"Nb", 93, 93},   {"Mo", 92, 100},  {"Ru", 96, 104},  {"Rh", 103, 103},
    {"Pd", 102, 110}, {"Ag", 107, 109}, {"Cd", 106, 116}, {"In", 113, 115}, {"Sn", 112, 124}, {"Sb", 121, 123},
    {"Te", 120, 130}, {"I", 127, 131},  {"Xe", 124, 136}, {"Cs", 133, 133}, {"Ba", 130, 138}, {"La", 138, 139},
    {"Ce", 136, 142}, {"Pr", 141, 141}, {"Nd", 142, 150}, {"Pm", 145, 147}, {"Sm", 144, 154}, {"Eu", 151, 153},
    {"Gd", 152, 160}, {"Tb", 159, 159}, {"Dy", 156, 164}, {"Ho", 165, 165}, {"Er", 162, 170}, {"Tm", 169, 169},
    {"Yb", 168, 176}, {"Lu", 175, 176}, {"Hf", 174, 180}, {"Ta", 180, 181}, {"W", 180, 186},  {"Os", 184, 192},
    {"Ir", 191, 193}, {"Pt", 190, 198}, {"Pb", 204, 208}, {"Bi", 209, 209},
}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
bool equal_without_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

bool ends_like_mass_channel(std::string_view name) {
  return name.ends_with("Di") || name.ends_with("Dd");
}

bool is_isotope(std::string_view symbol, int mass) {
  return std::ranges::any_of(
      kElements, [&](const Element& e) { return e.symbol == symbol && mass >= e.lightest && mass <= e.heaviest; });
}

struct Isotope {
  int mass = 0;
  std::size_t begin = 0, end = 0;  ///< where in the text
};

/// "Tb159" or "159Tb" around the digits at [begin, end); the symbol must not be part of a longer word.
std::optional<Isotope> isotope_around(std::string_view text, std::size_t begin, std::size_t end) {
  const auto mass = core::parse_int(text.substr(begin, end - begin));
  if (!mass) return std::nullopt;
  const int value = static_cast<int>(*mass);
  for (const std::size_t length : {std::size_t{2}, std::size_t{1}}) {
    if (begin >= length && (begin == length || !is_letter(text[begin - length - 1])) &&
        is_isotope(text.substr(begin - length, length), value)) {
      return Isotope{value, begin - length, end};
    }
    const std::size_t after = end + length;
    if (after <= text.size() && is_isotope(text.substr(end, length), value)) {
      const std::string_view rest = text.substr(after);
      if (rest.empty() || !is_letter(rest.front()) || rest.starts_with("Di") || rest.starts_with("Dd")) {
        return Isotope{value, begin, after};
      }
    }
  }
  return std::nullopt;
}

std::optional<Isotope> find_isotope(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!is_digit(text[i]) || (i > 0 && is_digit(text[i - 1]))) continue;
    std::size_t end = i;
    while (end < text.size() && is_digit(text[end])) ++end;
    if (end - i < 2 || end - i > 3) continue;
    if (const auto isotope = isotope_around(text, i, end)) return isotope;
  }
  return std::nullopt;
}

/// The text without its isotope and the punctuation around it: "159Tb_CD11c" and "CD11c(Tb159)Di" → "CD11c".
std::string marker_part(std::string_view text) {
  const auto isotope = find_isotope(text);
  if (!isotope) return std::string(text);
  std::string_view before = text.substr(0, isotope->begin), after = text.substr(isotope->end);
  if (after.starts_with(')')) after.remove_prefix(1);
  if (ends_like_mass_channel(after)) after.remove_suffix(2);
  const auto is_joint = [](char c) { return c == '_' || c == '-' || c == '(' || c == ' ' || c == ')'; };
  while (!before.empty() && is_joint(before.back())) before.remove_suffix(1);
  while (!after.empty() && is_joint(after.front())) after.remove_prefix(1);
  return std::string(before.empty() ? after : before);
}

}  // namespace

std::optional<int> isotope_mass(std::string_view text) {
  if (const auto isotope = find_isotope(text)) return isotope->mass;
  // Background channels: any word, digits, Di.
  if (ends_like_mass_channel(text)) {
    text.remove_suffix(2);
    std::size_t begin = text.size();
    while (begin > 0 && is_digit(text[begin - 1])) --begin;
    const auto mass = core::parse_int(text.substr(begin));
    if (mass && *mass >= 75 && *mass <= 210) return static_cast<int>(*mass);
  }
  return std::nullopt;
}

std::optional<std::string> isotope_label(std::string_view text) {
  const auto isotope = find_isotope(text);
  if (!isotope) return std::nullopt;
  std::string symbol;
  for (const char c : text.substr(isotope->begin, isotope->end - isotope->begin)) {
    if (is_letter(c)) symbol += c;
  }
  return symbol + std::to_string(isotope->mass);
}

Panel::Panel(const std::vector<io::FcsParameter>& parameters) {
  for (const io::FcsParameter& parameter : parameters) {
    Channel channel{parameter.name, parameter.marker, isotope_mass(parameter.name), false};
    const bool named_so = channel.mass || ends_like_mass_channel(channel.name);
    if (!channel.mass) channel.mass = isotope_mass(parameter.marker);
    channel.is_mass = named_so || channel.mass.has_value();
    if (!time_ && equal_without_case(channel.name, "time")) {
      time_ = channels_.size();
      channel.is_mass = false;
    }
    channels_.push_back(std::move(channel));
  }
}

std::optional<std::size_t> Panel::find_mass(int mass) const {
  const auto found = std::ranges::find_if(channels_, [&](const Channel& c) { return c.mass == mass; });
  if (found == channels_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - channels_.begin());
}

std::optional<std::size_t> Panel::find_marker(std::string_view marker) const {
  const auto first = [&](const auto& matches) -> std::optional<std::size_t> {
    const auto found = std::ranges::find_if(channels_, matches);
    if (found == channels_.end()) return std::nullopt;
    return static_cast<std::size_t>(found - channels_.begin());
  };
  if (const auto exact = first([&](const Channel& c) { return c.name == marker || c.marker == marker; })) return exact;
  if (const auto part =
          first([&](const Channel& c) { return marker_part(c.marker) == marker || marker_part(c.name) == marker; })) {
    return part;
  }
  return first([&](const Channel& c) {
    return equal_without_case(c.name, marker) || equal_without_case(c.marker, marker) ||
           equal_without_case(marker_part(c.marker), marker) || equal_without_case(marker_part(c.name), marker);
  });
}

std::optional<std::size_t> Panel::dna() const {
  const auto first = find_mass(191);
  return first ? first : find_mass(193);
}

std::string marker_label(const Channel& channel) {
  if (!channel.marker.empty()) {
    const std::string part = marker_part(channel.marker);
    if (!part.empty()) return part;
  }
  const std::string part = marker_part(channel.name);
  return part.empty() ? channel.name : part;
}

std::vector<std::pair<std::string, std::size_t>> measured_markers(const Panel& panel) {
  std::vector<std::pair<std::string, std::size_t>> markers;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < panel.channels().size(); ++i) {
    const Channel& channel = panel.channels()[i];
    if (!channel.is_mass) continue;
    std::string label = core::printable(marker_label(channel), 200);
    if (seen.contains(label)) label += "_" + core::printable(channel.name, 200);
    if (seen.insert(label).second) markers.emplace_back(std::move(label), i);
  }
  return markers;
}

std::optional<std::vector<int>> bead_masses(std::string_view choice, const Panel& panel) {
  const std::vector<int> dvs(kDvsMasses.begin(), kDvsMasses.end()), beta(kBetaMasses.begin(), kBetaMasses.end());
  if (choice == "dvs") return dvs;
  if (choice == "beta") return beta;
  if (choice == "auto") {
    for (const auto& masses : {dvs, beta}) {
      if (std::ranges::all_of(masses, [&](int mass) { return panel.find_mass(mass).has_value(); })) return masses;
    }
    return std::nullopt;
  }
  std::vector<int> masses;
  for (const std::string_view field : core::split(choice, ',')) {
    const auto mass = core::parse_int(core::trim(field));
    if (!mass || *mass < 75 || *mass > 210) {
      core::raise_usage(
          fmt::format("--beads: '{}' is no isotope mass. Give dvs, beta, or masses such as 140,151,153,165,175.",
                      core::printable(field)));
    }
    if (std::ranges::find(masses, static_cast<int>(*mass)) != masses.end()) {
      core::raise_usage(fmt::format("--beads: mass {} is given twice.", *mass));
    }
    masses.push_back(static_cast<int>(*mass));
  }
  if (masses.size() < 2 || masses.size() > 16) core::raise_usage("--beads: give from 2 to 16 masses.");
  return masses;
}

}  // namespace immucan::cytof
