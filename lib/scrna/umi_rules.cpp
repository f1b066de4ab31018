#include "scrna/umi_rules.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <numeric>
#include <unordered_map>
#include <utility>

namespace immucan::scrna {

namespace {

/// Above this many UMIs of one gene and cell, neighbours are looked up instead of compared pairwise.
constexpr std::size_t kPairwiseUmis = 48;
constexpr std::size_t kVectorUmis = 1000;  // the same where four are compared at once

constexpr std::array<std::pair<UmiRule, std::string_view>, 5> kUmiRules = {
    {{UmiRule::k1mmCr, "1mm-cr"},
     {UmiRule::kDirectionalUmitools, "directional-umitools"},
     {UmiRule::kDirectional, "directional"},
     {UmiRule::k1mmAll, "1mm-all"},
     {UmiRule::kExact, "exact"}}};
constexpr std::array<std::pair<MultiGeneRule, std::string_view>, 5> kMultiGeneRules = {
    {{MultiGeneRule::kCorrectedReads, "corrected-reads"},
     {MultiGeneRule::kMostReads, "most-reads"},
     {MultiGeneRule::kDrop, "drop"},
     {MultiGeneRule::kKeep, "keep"},
     {MultiGeneRule::kWinner, "winner"}}};

template <class Rules>
auto find_rule(const Rules& rules, std::string_view name) {
  const auto found = std::ranges::find(rules, name, [](const auto& rule) { return rule.second; });
  return found == rules.end() ? std::nullopt : std::optional(found->first);
}

template <class Rules, class Rule>
std::string_view rule_name(const Rules& rules, Rule rule) {
  return std::ranges::find(rules, rule, [](const auto& entry) { return entry.first; })->second;
}

/// The UMIs of one cell and gene in the order of a rule, and who is one substitution from whom.
class RankedUmis {
 public:
  RankedUmis(std::span<const std::uint32_t> umis, std::vector<std::uint32_t> order)
      : umis_(umis), order_(std::move(order)) {
    if (order_.size() <= kPairwiseUmis) return;
    rank_of_.reserve(order_.size());
    for (std::uint32_t rank = 0; rank < order_.size(); ++rank) rank_of_[umis_[order_[rank]]] = rank;
  }
  [[nodiscard]] std::size_t size() const { return order_.size(); }
  /// Position in the input of the UMI at a rank.
  [[nodiscard]] std::uint32_t at(std::size_t rank) const { return order_[rank]; }
  /// Calls visit(rank of the neighbour) for every UMI at one substitution, in no order.
  template <class Visit>
  void neighbours(std::uint32_t rank, Visit&& visit) const {
    const std::uint32_t umi = umis_[order_[rank]];
    if (rank_of_.empty()) {
      for (std::uint32_t other = 0; other < order_.size(); ++other) {
        if (one_substitution(umi, umis_[order_[other]])) visit(other);
      }
      return;
    }
    for (unsigned shift = 0; shift < 32; shift += 2) {
      for (std::uint32_t change = 1; change < 4; ++change) {
        const auto found = rank_of_.find(umi ^ (change << shift));
        if (found != rank_of_.end()) visit(found->second);
      }
    }
  }

 private:
  std::span<const std::uint32_t> umis_;
  std::vector<std::uint32_t> order_;
  std::unordered_map<std::uint32_t, std::uint32_t> rank_of_;
};

template <class Less>
std::vector<std::uint32_t> ordered(std::size_t count, Less&& less) {
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, less);
  return order;
}

using Codes4 = std::uint32_t __attribute__((vector_size(16)));
constexpr std::uint32_t kLanes = 4;

/// The last of umis[first, last) at one substitution from `umi`, else `none`; readable up to kLanes beyond.
std::uint32_t last_neighbour(const std::uint32_t* umis, std::uint32_t first, std::uint32_t last, std::uint32_t umi,
                             std::uint32_t none) {
  Codes4 best{none, none, none, none};
  Codes4 ranks{first, first + 1, first + 2, first + 3};
  for (std::uint32_t at = first; at < last; at += kLanes, ranks += kLanes) {
    Codes4 bases;
    std::memcpy(&bases, umis + at, sizeof(bases));
    bases ^= umi;
    bases = (bases | (bases >> 1)) & 0x55555555U;
    const Codes4 one = (bases != 0) & ((bases & (bases - 1)) == 0) & (ranks < last);
    best = one ? ranks : best;
  }
  return std::max(std::max(best[0], best[1]), std::max(best[2], best[3]));
}

void correct_1mm_cr(std::span<const std::uint32_t> umis, std::span<const std::uint32_t> reads,
                    std::vector<std::uint32_t>& corrected) {
  auto order = ordered(umis.size(), [&](std::uint32_t a, std::uint32_t b) {
    return std::pair(reads[a], umis[a]) < std::pair(reads[b], umis[b]);
  });
  const auto size = static_cast<std::uint32_t>(umis.size());
  if (size <= kVectorUmis) {
    std::vector<std::uint32_t> sorted(size + kLanes, 0);
    for (std::uint32_t rank = 0; rank < size; ++rank) sorted[rank] = umis[order[rank]];
    for (std::uint32_t rank = 0; rank < size; ++rank)
      corrected[order[rank]] = sorted[last_neighbour(sorted.data(), rank + 1, size, sorted[rank], rank)];
    return;
  }
  const RankedUmis ranked(umis, std::move(order));
  for (std::uint32_t rank = 0; rank < ranked.size(); ++rank) {
    std::uint32_t best = rank;
    ranked.neighbours(rank, [&](std::uint32_t other) { best = std::max(best, other); });
    corrected[ranked.at(rank)] = umis[ranked.at(best)];
  }
}

void correct_directional(std::span<const std::uint32_t> umis, std::span<const std::uint32_t> reads, std::uint32_t less,
                         std::vector<std::uint32_t>& corrected) {
  const RankedUmis ranked(umis, ordered(umis.size(), [&](std::uint32_t a, std::uint32_t b) {
                            return reads[a] != reads[b] ? reads[a] > reads[b] : umis[a] < umis[b];
                          }));
  for (std::uint32_t rank = 1; rank < ranked.size(); ++rank) {
    std::uint32_t first = rank;
    ranked.neighbours(rank, [&](std::uint32_t other) {
      if (other < first && reads[ranked.at(other)] >= 2 * reads[ranked.at(rank)] - less) first = other;
    });
    if (first != rank) corrected[ranked.at(rank)] = corrected[ranked.at(first)];
  }
}

/// The UMI of a component is the one with most reads, the first of equal ones.
void correct_1mm_all(std::span<const std::uint32_t> umis, std::span<const std::uint32_t> reads,
                     std::vector<std::uint32_t>& corrected) {
  const RankedUmis ranked(umis, ordered(umis.size(), [&](std::uint32_t a, std::uint32_t b) {
                            return reads[a] != reads[b] ? reads[a] > reads[b] : umis[a] < umis[b];
                          }));
  std::vector<bool> seen(umis.size(), false);
  std::vector<std::uint32_t> waiting;
  for (std::uint32_t root = 0; root < ranked.size(); ++root) {
    if (seen[root]) continue;
    seen[root] = true;
    waiting.push_back(root);
    while (!waiting.empty()) {
      const std::uint32_t rank = waiting.back();
      waiting.pop_back();
      corrected[ranked.at(rank)] = umis[ranked.at(root)];
      ranked.neighbours(rank, [&](std::uint32_t other) {
        if (seen[other]) return;
        seen[other] = true;
        waiting.push_back(other);
      });
    }
  }
}

}  // namespace

std::string_view name_of(UmiRule rule) {
  return rule_name(kUmiRules, rule);
}

std::string_view name_of(MultiGeneRule rule) {
  return rule_name(kMultiGeneRules, rule);
}

std::optional<UmiRule> find_umi_rule(std::string_view name) {
  return find_rule(kUmiRules, name);
}

std::optional<MultiGeneRule> find_multi_gene_rule(std::string_view name) {
  return find_rule(kMultiGeneRules, name);
}

bool one_substitution(std::uint32_t a, std::uint32_t b) {
  const std::uint32_t difference = a ^ b;
  return difference != 0 && (difference >> (std::countr_zero(difference) / 2 * 2)) <= 3;
}

std::vector<std::uint32_t> correct_umis(std::span<const std::uint32_t> umis, std::span<const std::uint32_t> reads,
                                        UmiRule rule) {
  std::vector<std::uint32_t> corrected(umis.begin(), umis.end());
  if (umis.size() < 2) return corrected;
  switch (rule) {
    case UmiRule::k1mmCr:
      correct_1mm_cr(umis, reads, corrected);
      break;
    case UmiRule::kDirectional:
      correct_directional(umis, reads, 0, corrected);
      break;
    case UmiRule::kDirectionalUmitools:
      correct_directional(umis, reads, 1, corrected);
      break;
    case UmiRule::k1mmAll:
      correct_1mm_all(umis, reads, corrected);
      break;
    case UmiRule::kExact:
      break;
  }
  return corrected;
}

}  // namespace immucan::scrna
