#include "scrna/shared_molecules.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace immucan::scrna {

namespace {

constexpr double kSmallest = 0.01;
constexpr double kConverged = 0.01;
constexpr int kMaximalRounds = 101;

bool share_gene(std::span<const std::uint32_t> a, std::span<const std::uint32_t> b) {
  for (auto i = a.begin(), j = b.begin(); i != a.end() && j != b.end();) {
    if (*i == *j) return true;
    *i < *j ? ++i : ++j;
  }
  return false;
}

/// Calls visit(neighbour) for all UMIs at one substitution until it returns true.
template <class Visit>
bool any_neighbour(std::uint32_t umi, Visit&& visit) {
  for (unsigned shift = 0; shift < 32; shift += 2) {
    for (std::uint32_t change = 1; change < 4; ++change) {
      if (visit(umi ^ (change << shift))) return true;
    }
  }
  return false;
}

}  // namespace

std::vector<SharedUmi> shared_umis(std::span<const MoleculeReads> records, const GeneSets& sets) {
  std::vector<MoleculeReads> sorted(records.begin(), records.end());
  std::ranges::sort(sorted, {}, &MoleculeReads::umi);
  std::vector<SharedUmi> out;
  std::vector<std::uint32_t> kept;
  for (const MoleculeReads& record : sorted) {
    const auto genes = sets.genes(record.gene);
    if (out.empty() || out.back().umi != record.umi) {
      out.push_back({record.umi, record.reads(), {genes.begin(), genes.end()}});
      continue;
    }
    kept.clear();
    std::ranges::set_intersection(out.back().genes, genes, std::back_inserter(kept));
    out.back().genes = kept;
    out.back().reads += record.reads();
  }
  std::erase_if(out, [](const SharedUmi& umi) { return umi.genes.empty(); });
  return out;
}

void drop_erroneous(std::vector<SharedUmi>& shared, std::span<const MoleculeReads> single) {
  if (shared.empty()) return;
  std::vector<MoleculeReads> by_umi(single.begin(), single.end());
  std::ranges::sort(by_umi, {}, &MoleculeReads::umi);
  const auto erroneous = [&](const SharedUmi& one) {
    const auto rank = std::pair(one.reads, one.umi);
    return any_neighbour(one.umi, [&](std::uint32_t umi) {
      const auto other = std::ranges::lower_bound(shared, umi, {}, &SharedUmi::umi);
      if (other != shared.end() && other->umi == umi && std::pair(other->reads, umi) > rank &&
          share_gene(other->genes, one.genes)) {
        return true;
      }
      return std::ranges::any_of(
          std::ranges::equal_range(by_umi, umi, {}, &MoleculeReads::umi), [&](const MoleculeReads& record) {
            return std::pair(record.reads(), umi) > rank && std::ranges::binary_search(one.genes, record.gene);
          });
    });
  };
  std::vector<bool> drop;
  for (const SharedUmi& one : shared) drop.push_back(erroneous(one));
  std::size_t i = 0;
  std::erase_if(shared, [&](const SharedUmi&) { return drop[i++]; });
}

std::vector<GeneShare> distribute(std::span<const SharedUmi> shared, std::span<const GeneCount> genes) {
  std::vector<std::uint32_t> involved;
  for (const SharedUmi& umi : shared) involved.insert(involved.end(), umi.genes.begin(), umi.genes.end());
  std::ranges::sort(involved);
  involved.erase(std::ranges::unique(involved).begin(), involved.end());
  const auto rank_of = [&](std::uint32_t gene) {
    return static_cast<std::size_t>(std::ranges::lower_bound(involved, gene) - involved.begin());
  };
  std::vector<double> unique(involved.size(), 0);
  for (const GeneCount& gene : genes) {
    const std::size_t rank = rank_of(gene.gene);
    if (rank < involved.size() && involved[rank] == gene.gene) unique[rank] = gene.total();
  }
  std::vector<double> old = unique, now(involved.size());
  for (const SharedUmi& umi : shared) {
    for (const std::uint32_t gene : umi.genes) old[rank_of(gene)] += 1.0 / static_cast<double>(umi.genes.size());
  }
  for (int round = 1;; ++round) {
    now = unique;
    for (double& value : old) {
      if (value < kSmallest) value = 0;
    }
    for (const SharedUmi& umi : shared) {
      double sum = 0;
      for (const std::uint32_t gene : umi.genes) sum += old[rank_of(gene)];
      if (sum <= 0) continue;
      sum = 1.0 / sum;
      for (const std::uint32_t gene : umi.genes) now[rank_of(gene)] += old[rank_of(gene)] * sum;
    }
    double change = 0;
    for (std::size_t i = 0; i < now.size(); ++i) change = std::max(change, std::abs(now[i] - old[i]));
    if (change < kConverged || round >= kMaximalRounds) break;
    std::swap(old, now);
  }
  std::vector<GeneShare> shares;
  for (std::size_t i = 0; i < now.size(); ++i) {
    const double share = now[i] - unique[i];
    if (share > 0) shares.push_back({involved[i], static_cast<float>(share)});
  }
  return shares;
}

}  // namespace immucan::scrna
