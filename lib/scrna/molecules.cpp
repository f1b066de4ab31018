#include "scrna/molecules.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <unordered_map>

#include "core/ordered_batches.h"
#include "scrna/read_mapping.h"

namespace immucan::scrna {

namespace {

constexpr std::size_t kFirstMerge = std::size_t{1} << 16;
/// Above this many UMIs of one gene and cell, neighbours are looked up instead of compared pairwise.
constexpr std::size_t kPairwiseUmis = 48;

[[nodiscard]] bool one_substitution(std::uint32_t a, std::uint32_t b) {
  const std::uint32_t difference = a ^ b;
  return difference != 0 && (difference >> (std::countr_zero(difference) / 2 * 2)) <= 3;
}

[[nodiscard]] auto key(const MoleculeReads& record) {
  return std::tuple(record.cell, record.gene, record.umi);
}

}  // namespace

void MoleculeStore::add(std::uint32_t cell, std::uint32_t gene, std::uint32_t umi, std::uint8_t evidence) {
  const std::size_t i = cell % kPartitions;
  auto& records = partitions_[i];
  records.push_back({cell, gene, umi, MoleculeReads::kOneRead | evidence});
  ++reads_;
  if (records.size() >= std::max(kFirstMerge, 2 * merged_[i])) {
    merge(records);
    merged_[i] = records.size();
  }
}

void MoleculeStore::merge(std::vector<MoleculeReads>& records) {
  std::ranges::sort(records, {}, key);
  std::size_t out = 0;
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (out != 0 && key(records[out - 1]) == key(records[i])) {
      MoleculeReads& last = records[out - 1];
      const std::uint32_t reads = std::min(last.reads() + records[i].reads(), 0xffffffU);
      last.reads_and_evidence = reads * MoleculeReads::kOneRead | last.evidence() | records[i].evidence();
    } else {
      records[out++] = records[i];
    }
  }
  records.resize(out);
}

void MoleculeStore::finish(unsigned threads, const core::InterruptSource* interrupt) {
  core::parallel_for(threads, kPartitions, [&](std::size_t i) { merge(partitions_[i]); }, interrupt);
}

std::uint64_t CellCounts::molecules() const {
  return std::accumulate(genes.begin(), genes.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const GeneCount& gene) { return sum + gene.total(); });
}

MoleculeSummary& MoleculeSummary::operator+=(const MoleculeSummary& other) {
  distinct += other.distinct;
  corrected += other.corrected;
  several_genes += other.several_genes;
  molecules += other.molecules;
  return *this;
}

std::vector<std::uint32_t> correct_umis(std::span<const std::uint32_t> umis, std::span<const std::uint32_t> reads) {
  const std::size_t count = umis.size();
  std::vector<std::uint32_t> corrected(umis.begin(), umis.end());
  if (count < 2) return corrected;
  std::vector<std::uint32_t> ranked(count);
  std::iota(ranked.begin(), ranked.end(), 0U);
  std::ranges::sort(ranked, [&](std::uint32_t a, std::uint32_t b) {
    return std::pair(reads[a], umis[a]) < std::pair(reads[b], umis[b]);
  });
  if (count <= kPairwiseUmis) {
    for (std::size_t low = 0; low < count; ++low) {
      for (std::size_t high = count - 1; high > low; --high) {
        if (!one_substitution(umis[ranked[low]], umis[ranked[high]])) continue;
        corrected[ranked[low]] = umis[ranked[high]];
        break;
      }
    }
    return corrected;
  }
  std::unordered_map<std::uint32_t, std::uint32_t> rank_of;
  rank_of.reserve(count);
  for (std::size_t rank = 0; rank < count; ++rank) rank_of[umis[ranked[rank]]] = static_cast<std::uint32_t>(rank);
  for (std::size_t low = 0; low < count; ++low) {
    std::uint32_t best = static_cast<std::uint32_t>(low);
    for (unsigned shift = 0; shift < 32; shift += 2) {
      for (std::uint32_t change = 1; change < 4; ++change) {
        const auto found = rank_of.find(umis[ranked[low]] ^ (change << shift));
        if (found != rank_of.end()) best = std::max(best, found->second);
      }
    }
    corrected[ranked[low]] = umis[ranked[best]];
  }
  return corrected;
}

namespace {

/// Reads of a UMI in one gene of a cell, after correction or before.
struct UmiGene {
  std::uint32_t umi = 0, gene = 0, reads = 0, evidence = 0;
};

/// Sums equal (umi, gene); sorted by them.
void sum_equal(std::vector<UmiGene>& items) {
  std::ranges::sort(
      items, [](const UmiGene& a, const UmiGene& b) { return std::pair(a.umi, a.gene) < std::pair(b.umi, b.gene); });
  std::size_t out = 0;
  for (const UmiGene& item : items) {
    if (out != 0 && items[out - 1].umi == item.umi && items[out - 1].gene == item.gene) {
      items[out - 1].reads += item.reads;
      items[out - 1].evidence |= item.evidence;
    } else {
      items[out++] = item;
    }
  }
  items.resize(out);
}

/// The gene with most reads, alone; nullptr on a tie.
const UmiGene* winner_of(std::span<const UmiGene> genes) {
  const UmiGene* best = nullptr;
  bool tie = false;
  for (const UmiGene& gene : genes) {
    if (best == nullptr || gene.reads > best->reads) {
      best = &gene;
      tie = false;
    } else if (gene.reads == best->reads) {
      tie = true;
    }
  }
  return tie ? nullptr : best;
}

std::span<const UmiGene> genes_of_umi(const std::vector<UmiGene>& items, std::uint32_t umi) {
  const auto range = std::ranges::equal_range(items, umi, {}, &UmiGene::umi);
  return {range.begin(), range.end()};
}

void add_molecule(const UmiGene& molecule, std::vector<GeneCount>& genes) {
  GeneCount count{molecule.gene};
  const bool junction = (molecule.evidence & kJunction) != 0, intron = (molecule.evidence & kIntron) != 0;
  if (junction == intron) {
    // Both: half processed, or two molecules with one UMI. Neither: exonic throughout, unless transcripts disagree.
    const bool disagree = junction || (molecule.evidence & kEitherWay) != 0;
    ++(disagree ? count.ambiguous : count.spliced);
  } else {
    ++(junction ? count.spliced : count.unspliced);
  }
  genes.push_back(count);
}

}  // namespace

CellCounts count_cell(std::span<const MoleculeReads> records, MoleculeSummary& summary) {
  CellCounts counts;
  counts.cell = records.front().cell;
  std::vector<UmiGene> raw, corrected;
  std::vector<std::uint32_t> umis, reads;
  for (std::size_t begin = 0; begin < records.size();) {
    std::size_t end = begin;
    umis.clear();
    reads.clear();
    for (; end < records.size() && records[end].gene == records[begin].gene; ++end) {
      umis.push_back(records[end].umi);
      reads.push_back(records[end].reads());
      counts.reads += records[end].reads();
    }
    const auto targets = correct_umis(umis, reads);
    for (std::size_t i = begin; i < end; ++i) {
      raw.push_back({records[i].umi, records[i].gene, records[i].reads(), records[i].evidence()});
      corrected.push_back({targets[i - begin], records[i].gene, records[i].reads(), records[i].evidence()});
      if (targets[i - begin] != records[i].umi) ++summary.corrected;
    }
    begin = end;
  }
  summary.distinct += records.size();
  sum_equal(raw);
  sum_equal(corrected);
  for (std::size_t begin = 0; begin < corrected.size();) {
    std::size_t end = begin;
    while (end < corrected.size() && corrected[end].umi == corrected[begin].umi) ++end;
    const auto genes = std::span(corrected).subspan(begin, end - begin);
    const UmiGene* winner = winner_of(genes);
    if (winner != nullptr && genes.size() > 1) {
      // The winner must not owe its place to correction.
      const auto uncorrected = genes_of_umi(raw, winner->umi);
      const auto own = std::ranges::find(uncorrected, winner->gene, &UmiGene::gene);
      const std::uint32_t own_reads = own == uncorrected.end() ? 0 : own->reads;
      if (std::ranges::any_of(uncorrected, [&](const UmiGene& other) { return other.reads > own_reads; }))
        winner = nullptr;
    }
    if (winner != nullptr) {
      add_molecule(*winner, counts.genes);
      ++summary.molecules;
    }
    summary.several_genes += genes.size() - (winner != nullptr ? 1 : 0);
    begin = end;
  }
  std::ranges::sort(counts.genes, {}, &GeneCount::gene);
  std::size_t out = 0;
  for (const GeneCount& gene : counts.genes) {
    if (out != 0 && counts.genes[out - 1].gene == gene.gene) {
      counts.genes[out - 1].spliced += gene.spliced;
      counts.genes[out - 1].unspliced += gene.unspliced;
      counts.genes[out - 1].ambiguous += gene.ambiguous;
    } else {
      counts.genes[out++] = gene;
    }
  }
  counts.genes.resize(out);
  return counts;
}

std::vector<CellCounts> count_molecules(const MoleculeStore& store, unsigned threads,
                                        const core::InterruptSource* interrupt, MoleculeSummary& summary) {
  std::array<std::vector<CellCounts>, MoleculeStore::kPartitions> parts;
  std::array<MoleculeSummary, MoleculeStore::kPartitions> summaries{};
  core::parallel_for(
      threads, parts.size(),
      [&](std::size_t i) {
        const auto records = store.partition(i);
        for (std::size_t begin = 0; begin < records.size();) {
          std::size_t end = begin;
          while (end < records.size() && records[end].cell == records[begin].cell) ++end;
          CellCounts counts = count_cell(records.subspan(begin, end - begin), summaries[i]);
          if (!counts.genes.empty()) parts[i].push_back(std::move(counts));
          begin = end;
        }
      },
      interrupt);
  std::vector<CellCounts> cells;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    summary += summaries[i];
    std::ranges::move(parts[i], std::back_inserter(cells));
  }
  std::ranges::sort(cells, {}, &CellCounts::cell);
  return cells;
}

io::CsrMatrix make_matrix(std::span<const CellCounts> cells, std::size_t genes, Layer layer) {
  io::CsrMatrix matrix;
  matrix.rows = cells.size();
  matrix.columns = genes;
  for (const CellCounts& cell : cells) {
    for (const GeneCount& gene : cell.genes) {
      const std::uint32_t value = layer == Layer::kTotal       ? gene.total()
                                  : layer == Layer::kSpliced   ? gene.spliced
                                  : layer == Layer::kUnspliced ? gene.unspliced
                                                               : gene.ambiguous;
      if (value == 0) continue;
      matrix.column.push_back(static_cast<std::int32_t>(gene.gene));
      matrix.value.push_back(static_cast<float>(value));
    }
    matrix.row_start.push_back(static_cast<std::int64_t>(matrix.column.size()));
  }
  return matrix;
}

}  // namespace immucan::scrna
