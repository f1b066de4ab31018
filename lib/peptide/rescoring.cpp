#include "peptide/rescoring.h"

#include <algorithm>
#include <numeric>
#include <unordered_set>

namespace immucan::peptide {
namespace {

/// Indices from the best score to the worst.
std::vector<std::size_t> ranking(const std::vector<ScoredMatch>& matches) {
  std::vector<std::size_t> order(matches.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (matches[a].score != matches[b].score) return matches[a].score > matches[b].score;
    return matches[a].tie != matches[b].tie ? matches[a].tie < matches[b].tie : a < b;
  });
  return order;
}

/// q per position of `order`; decoys get the value of the place they stand at.
std::vector<double> group_q_values(const std::vector<ScoredMatch>& matches, const std::vector<std::size_t>& order,
                                   std::uint32_t groups) {
  std::vector<std::size_t> targets(groups, 0), decoys(groups, 0);
  std::size_t all_decoys = 0;
  for (const std::size_t i : order) {
    (matches[i].is_decoy ? decoys : targets)[matches[i].group] += 1;
    all_decoys += matches[i].is_decoy ? 1U : 0U;
  }
  std::vector<double> q(order.size(), 1.0);
  for (std::uint32_t group = 0; group < groups; ++group) {
    const bool separate = targets[group] >= kSeparateTargets || targets[group] + decoys[group] == order.size();
    const double share = separate ? 1.0 : static_cast<double>(decoys[group] + 1) / static_cast<double>(all_decoys + 1);
    std::size_t t = 0, d = 0;
    std::vector<std::size_t> places;
    for (std::size_t place = 0; place < order.size(); ++place) {
      const ScoredMatch& match = matches[order[place]];
      if (match.is_decoy && (!separate || match.group == group)) ++d;
      if (match.group != group) continue;
      if (!match.is_decoy) ++t;
      q[place] = t == 0 ? 1.0 : std::min(1.0, share * static_cast<double>(d + 1) / static_cast<double>(t));
      places.push_back(place);
    }
    for (std::size_t i = places.size(); i-- > 1;) q[places[i - 1]] = std::min(q[places[i - 1]], q[places[i]]);
  }
  return q;
}

/// Pool adjacent violators on the decoy indicator, rising from the best score to the worst.
std::vector<double> error_probabilities(const std::vector<ScoredMatch>& matches,
                                        const std::vector<std::size_t>& order) {
  struct Block {
    double decoys, size;
  };
  std::vector<Block> blocks;
  for (const std::size_t i : order) {
    blocks.push_back({matches[i].is_decoy ? 1.0 : 0.0, 1.0});
    while (blocks.size() > 1 && blocks[blocks.size() - 2].decoys * blocks.back().size >=
                                    blocks.back().decoys * blocks[blocks.size() - 2].size) {
      blocks[blocks.size() - 2].decoys += blocks.back().decoys;
      blocks[blocks.size() - 2].size += blocks.back().size;
      blocks.pop_back();
    }
  }
  // No decoy among T best matches says "at most about 1/T", not 0.
  if (!blocks.empty() && blocks.front().decoys == 0)
    blocks.front().decoys = blocks.front().size / (blocks.front().size + 1);
  std::vector<double> pep;
  pep.reserve(order.size());
  double value = 0;
  for (const Block& block : blocks) {
    const double targets = block.size - block.decoys;
    value = std::max(value, targets <= 0 ? 1.0 : std::min(1.0, block.decoys / targets));
    pep.insert(pep.end(), static_cast<std::size_t>(block.size), value);
  }
  return pep;
}

}  // namespace

std::vector<MatchConfidence> target_decoy(const std::vector<ScoredMatch>& matches, std::uint32_t groups) {
  std::vector<MatchConfidence> out(matches.size());
  const auto order = ranking(matches);
  const auto q = group_q_values(matches, order, groups);
  const auto pep = error_probabilities(matches, order);
  std::vector<std::size_t> best_of_peptide;
  std::unordered_set<std::uint64_t> seen;
  for (std::size_t place = 0; place < order.size(); ++place) {
    out[order[place]].q_value = q[place];
    out[order[place]].pep = pep[place];
    if (seen.insert(matches[order[place]].peptide).second) best_of_peptide.push_back(order[place]);
  }
  std::vector<ScoredMatch> peptides;
  for (const std::size_t i : best_of_peptide) peptides.push_back(matches[i]);
  const auto peptide_order = ranking(peptides);
  const auto peptide_q = group_q_values(peptides, peptide_order, groups);
  std::vector<std::pair<std::uint64_t, double>> q_of;
  for (std::size_t place = 0; place < peptide_order.size(); ++place) {
    q_of.emplace_back(peptides[peptide_order[place]].peptide, peptide_q[place]);
  }
  std::sort(q_of.begin(), q_of.end());
  for (std::size_t i = 0; i < matches.size(); ++i) {
    const auto at = std::lower_bound(q_of.begin(), q_of.end(), matches[i].peptide,
                                     [](const auto& entry, std::uint64_t peptide) { return entry.first < peptide; });
    out[i].peptide_q_value = at->second;
  }
  return out;
}

}  // namespace immucan::peptide
