#include "unit/microbiome/opal_scores.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/text.h"

namespace immucan::microbiome {

CamiSample normalised(CamiSample sample) {
  std::map<std::string, double> sums;
  for (const CamiRow& row : sample.rows) sums[row.rank] += row.percentage;
  for (CamiRow& row : sample.rows)
    if (row.percentage > 0) row.percentage *= 100 / sums[row.rank];
  return sample;
}

RankPercentages percentages_of(const CamiSample& sample) {
  RankPercentages ranks;
  for (const CamiRow& row : sample.rows)
    if (row.percentage > 0) ranks[row.rank][row.taxid] += row.percentage;
  return ranks;
}

RankScores rank_scores(const std::map<std::string, double>& truth, const std::map<std::string, double>& profile) {
  RankScores scores;
  double sum = 0;
  const auto at = [](const std::map<std::string, double>& taxa, const std::string& taxid) {
    const auto found = taxa.find(taxid);
    return found == taxa.end() ? 0.0 : found->second;
  };
  std::set<std::string> taxa;
  for (const auto* side : {&truth, &profile})
    for (const auto& [taxid, value] : *side) taxa.insert(taxid);
  for (const std::string& taxid : taxa) {
    const double expected = at(truth, taxid), found = at(profile, taxid);
    scores.l1 += std::abs(expected - found) / 100;
    sum += expected + found;
    scores.true_positives += expected > 0 && found > 0 ? 1 : 0;
    scores.false_positives += expected == 0 && found > 0 ? 1 : 0;
    scores.false_negatives += expected > 0 && found == 0 ? 1 : 0;
    if (found > 0) scores.shannon -= found / 100 * std::log(found / 100);
  }
  scores.bray_curtis = scores.l1 * 100 / sum;
  scores.taxa = static_cast<double>(profile.size());
  const double tp = scores.true_positives;
  scores.precision = tp > 0 ? tp / (tp + scores.false_positives) : 0;
  scores.recall = tp > 0 ? tp / (tp + scores.false_negatives) : 0;
  scores.f1 = tp > 0 ? 2 * scores.precision * scores.recall / (scores.precision + scores.recall) : 0;
  scores.jaccard = tp / static_cast<double>(taxa.size());
  return scores;
}

namespace {

struct Node {
  std::string parent;
  double length = 0, mass = 0;
  std::size_t depth = 0;
};
using Tree = std::map<std::string, Node>;

Tree tree_of(const CamiSample& sample) {
  Tree tree;
  for (const CamiRow& row : sample.rows) {
    if (row.percentage <= 0) continue;
    Node& node = tree[row.taxid];
    node.mass += row.percentage;
    node.depth = row.path.size();
  }
  for (const CamiRow& row : sample.rows) {
    if (row.percentage <= 0) continue;
    Node& node = tree[row.taxid];
    node.length = 1;
    std::size_t at = row.path.size() - 1;
    while (at > 0 && (row.path[at - 1].empty() || row.path[at - 1] == row.taxid || !tree.contains(row.path[at - 1]))) {
      --at;
      node.length += 1;
    }
    node.parent = at == 0 ? "" : row.path[at - 1];
  }
  // What a node holds beyond its children, of all.
  std::map<std::string, double> children;
  for (const auto& [taxid, node] : tree) children[node.parent] += node.mass;
  double total = 0;
  for (auto& [taxid, node] : tree) {
    node.mass -= children.contains(taxid) ? children[taxid] : 0;
    total += node.mass;
  }
  for (auto& [taxid, node] : tree) node.mass /= total;
  return tree;
}

}  // namespace

namespace {

/// Σ length × |mass below that the truth has and the profile lacks|.
double flow(Tree joint, const Tree& other) {
  for (const auto& [taxid, node] : other) {
    const auto [entry, inserted] = joint.try_emplace(taxid, node);
    if (inserted) entry->second.mass = 0;
    entry->second.mass -= node.mass;
  }
  std::vector<std::pair<std::size_t, std::string>> deepest_first;
  for (const auto& [taxid, node] : joint) deepest_first.emplace_back(node.depth, taxid);
  std::ranges::sort(deepest_first, std::greater{});
  double distance = 0;
  for (const auto& [depth, taxid] : deepest_first) {
    const Node& node = joint.at(taxid);
    distance += node.length * std::abs(node.mass);
    if (!node.parent.empty()) joint.at(node.parent).mass += node.mass;
  }
  return distance;
}

/// 1 where there is mass; what is missing stays missing, as in OPAL.
Tree presence(Tree tree, double noise) {
  for (auto& [taxid, node] : tree)
    if (std::abs(node.mass) <= noise)
      node.mass = 0;
    else if (node.mass > 0)
      node.mass = 1;
  return tree;
}

}  // namespace

double weighted_unifrac(const CamiSample& truth, const CamiSample& profile) {
  return flow(tree_of(truth), tree_of(profile));
}

double unweighted_unifrac(const CamiSample& truth, const CamiSample& profile, double noise) {
  return flow(presence(tree_of(truth), noise), presence(tree_of(profile), noise));
}

std::string cami_violation(const std::string& text) {
  const auto lines = core::split(text, '\n');
  if (!text.ends_with('\n')) return "the last line has no end";
  std::vector<std::string> keys;
  std::size_t at = 0;
  while (at < lines.size() &&
         (lines[at].starts_with('#') || (lines[at].starts_with('@') && !lines[at].starts_with("@@")))) {
    if (lines[at].starts_with('@')) keys.emplace_back(lines[at].substr(1, lines[at].find(':') - 1));
    ++at;
  }
  if (keys.size() < 3 || keys[0] != "SampleID" || keys[1] != "Version" || keys[2] != "Ranks") return "metadata";
  if (at == lines.size() || lines[at] != "@@TAXID\tRANK\tTAXPATH\tTAXPATHSN\tPERCENTAGE") return "columns";
  const auto samples = read_cami_profiles(io::open_memory(text));
  if (samples.size() != 1 || samples[0].version != "0.9.1") return "version";
  const CamiSample& sample = samples[0];
  std::map<std::string, double> sums, percentage, below;
  std::set<std::string> seen;
  std::size_t last_rank = 0;
  for (const CamiRow& row : sample.rows) {
    const auto rank = static_cast<std::size_t>(std::ranges::find(sample.ranks, row.rank) - sample.ranks.begin());
    if (rank == sample.ranks.size()) return "rank of " + row.taxid;
    if (rank < last_rank) return "ranks out of order at " + row.taxid;
    last_rank = rank;
    if (row.path.size() != rank + 1 || row.names.size() != rank + 1) return "path length of " + row.taxid;
    if (row.path.back() != row.taxid) return "path of " + row.taxid + " does not end in it";
    if (!core::parse_unsigned(row.taxid)) return "taxid " + row.taxid;
    if (!seen.insert(row.taxid).second) return row.taxid + " twice";
    for (std::size_t i = 0; i < row.path.size(); ++i)
      if (row.path[i].empty() != row.names[i].empty()) return "path and names of " + row.taxid;
    if (row.percentage <= 0) return "no abundance of " + row.taxid;
    sums[row.rank] += row.percentage;
    percentage[row.taxid] = row.percentage;
    std::size_t parent = row.path.size() - 1;
    while (parent > 0 && row.path[parent - 1].empty()) --parent;
    if (parent > 0) {
      if (!seen.contains(row.path[parent - 1])) return "the parent of " + row.taxid + " has no row";
      below[row.path[parent - 1]] += row.percentage;
    }
  }
  for (const auto& [rank, sum] : sums)
    if (sum > 100 + 1e-6) return rank + " sums to more than 100";
  for (const auto& [taxid, sum] : below)
    if (sum > percentage[taxid] + 1e-6) return "children of " + taxid + " exceed it";
  return "";
}

}  // namespace immucan::microbiome
