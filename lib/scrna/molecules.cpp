#include "scrna/molecules.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "core/ordered_batches.h"
#include "scrna/read_mapping.h"
#include "scrna/shared_molecules.h"

namespace immucan::scrna {

std::uint64_t CellCounts::molecules() const {
  return std::accumulate(genes.begin(), genes.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const GeneCount& gene) { return sum + gene.total(); });
}

MoleculeSummary& MoleculeSummary::operator+=(const MoleculeSummary& other) {
  reads += other.reads;
  distinct += other.distinct;
  corrected += other.corrected;
  several_genes += other.several_genes;
  molecules += other.molecules;
  shared += other.shared;
  reads_per_molecule.resize(std::max(reads_per_molecule.size(), other.reads_per_molecule.size()));
  for (std::size_t i = 0; i < other.reads_per_molecule.size(); ++i)
    reads_per_molecule[i] += other.reads_per_molecule[i];
  return *this;
}

namespace {

/// Reads of a UMI in one gene of a cell, after correction or before.
struct UmiGene {
  std::uint32_t umi = 0, gene = 0, reads = 0, evidence = 0;
};

/// Sums equal (umi, gene); sorted by them.
void sum_equal(std::vector<UmiGene>& items) {
  std::ranges::sort(
      items, [](const UmiGene& a, const UmiGene& b) { return a.umi != b.umi ? a.umi < b.umi : a.gene < b.gene; });
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

/// Calls visit(span) for every run of equal UMIs.
template <class Visit>
void for_each_umi(std::span<UmiGene> items, Visit&& visit) {
  for (std::size_t begin = 0; begin < items.size();) {
    std::size_t end = begin;
    while (end < items.size() && items[end].umi == items[begin].umi) ++end;
    visit(items.subspan(begin, end - begin));
    begin = end;
  }
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

void add_molecule(const UmiGene& molecule, std::uint8_t unspliced_evidence, std::vector<GeneCount>& genes) {
  GeneCount count{molecule.gene};
  const bool junction = (molecule.evidence & kJunction) != 0;
  const bool intron =
      (molecule.evidence & kIntron) != 0 || (!junction && (molecule.evidence & unspliced_evidence) != 0);
  if (junction == intron) {
    // Both: half processed, or two molecules with one UMI. Neither: exonic throughout, unless transcripts disagree.
    const bool disagree = junction || (molecule.evidence & kEitherWay) != 0;
    ++(disagree ? count.ambiguous : count.spliced);
  } else {
    ++(junction ? count.spliced : count.unspliced);
  }
  genes.push_back(count);
}

/// Genes ascending, each once.
void sum_genes(std::vector<GeneCount>& genes) {
  std::ranges::sort(genes, {}, &GeneCount::gene);
  std::size_t out = 0;
  for (const GeneCount& gene : genes) {
    if (out != 0 && genes[out - 1].gene == gene.gene) {
      genes[out - 1].spliced += gene.spliced;
      genes[out - 1].unspliced += gene.unspliced;
      genes[out - 1].ambiguous += gene.ambiguous;
    } else {
      genes[out++] = gene;
    }
  }
  genes.resize(out);
  genes.shrink_to_fit();
}

class CellCounter {
 public:
  CellCounter(std::span<const MoleculeReads> records, const CountingRules& rules, const GeneSets& sets,
              MoleculeSummary& summary)
      : rules_(rules), sets_(sets), summary_(summary) {
    const auto end = std::ranges::partition_point(
        records, [](const MoleculeReads& record) { return !GeneSets::is_set(record.gene); });
    single_ = {records.begin(), end};
    several_ = {end, records.end()};
    counts_.cell = records.front().cell;
  }

  CellCounts run() {
    for (const MoleculeReads& record : single_) counts_.reads += record.reads();
    summary_.reads += counts_.reads;
    summary_.distinct += single_.size();
    if (rules_.multi_gene == MultiGeneRule::kWinner) {
      count_winners();
    } else {
      filter_raw();
      correct();
      rules_.multi_gene == MultiGeneRule::kCorrectedReads ? count_corrected_winners() : count_all();
      if (rules_.expectation_maximisation) share();
    }
    sum_genes(counts_.genes);
    counts_.kept.shrink_to_fit();
    if (!shared_.empty()) {
      summary_.shared += shared_.size();
      counts_.shared = distribute(shared_, counts_.genes);
    }
    return std::move(counts_);
  }

 private:
  /// Sets `raw_`, by UMI, and `corrected_` to what of it is not given up before correction, by gene.
  void filter_raw() {
    for (const MoleculeReads& record : single_)
      raw_.push_back({record.umi, record.gene, record.reads(), record.evidence()});
    corrected_ = raw_;
    sum_equal(raw_);
    if (rules_.multi_gene != MultiGeneRule::kMostReads && rules_.multi_gene != MultiGeneRule::kDrop) return;
    corrected_ = raw_;
    for_each_umi(corrected_, [&](std::span<UmiGene> genes) {
      if (genes.size() == 1) return;
      const std::uint32_t most = std::ranges::max(genes, {}, &UmiGene::reads).reads;
      const std::uint32_t least =
          rules_.multi_gene == MultiGeneRule::kDrop ? 0xffffffffU : std::max<std::uint32_t>(2, most);
      for (UmiGene& gene : genes) {
        if (gene.reads >= least) continue;
        gene.reads = 0;
        ++summary_.several_genes;
      }
    });
    std::erase_if(corrected_, [](const UmiGene& item) { return item.reads == 0; });
    std::ranges::sort(corrected_, [](const UmiGene& a, const UmiGene& b) {
      return a.gene != b.gene ? a.gene < b.gene : a.umi < b.umi;
    });
  }

  void correct() {
    std::vector<std::uint32_t> umis, reads;
    for (std::size_t begin = 0; begin < corrected_.size();) {
      std::size_t end = begin;
      umis.clear();
      reads.clear();
      for (; end < corrected_.size() && corrected_[end].gene == corrected_[begin].gene; ++end) {
        umis.push_back(corrected_[end].umi);
        reads.push_back(corrected_[end].reads);
      }
      if (end - begin > 1) {
        const auto targets = correct_umis(umis, reads, rules_.umi);
        for (std::size_t i = begin; i < end; ++i) {
          if (targets[i - begin] != corrected_[i].umi) ++summary_.corrected;
          corrected_[i].umi = targets[i - begin];
        }
      }
      begin = end;
    }
    sum_equal(corrected_);
  }

  void count_corrected_winners() {
    for_each_umi(corrected_, [&](std::span<UmiGene> genes) {
      const UmiGene* winner = winner_of(genes);
      if (winner != nullptr && genes.size() > 1) {
        // The winner must not owe its place to correction.
        const auto uncorrected = genes_of_umi(raw_, winner->umi);
        const auto own = std::ranges::find(uncorrected, winner->gene, &UmiGene::gene);
        const std::uint32_t own_reads = own == uncorrected.end() ? 0 : own->reads;
        if (std::ranges::any_of(uncorrected, [&](const UmiGene& other) { return other.reads > own_reads; }))
          winner = nullptr;
      }
      if (winner != nullptr) count(*winner);
      summary_.several_genes += genes.size() - (winner != nullptr ? 1 : 0);
    });
  }

  void count_all() {
    for (const UmiGene& molecule : corrected_) count(molecule);
  }

  /// alevin-fry's cr-like: reads of several genes count for each of them.
  void count_winners() {
    for (const MoleculeReads& record : single_)
      raw_.push_back({record.umi, record.gene, record.reads(), record.evidence()});
    for (const MoleculeReads& record : several_) {
      for (const std::uint32_t gene : sets_.genes(record.gene))
        raw_.push_back({record.umi, gene, record.reads(), record.evidence()});
    }
    sum_equal(raw_);
    for_each_umi(raw_, [&](std::span<UmiGene> genes) {
      const UmiGene* winner = winner_of(genes);
      if (winner != nullptr) {
        count(*winner);
      } else if (rules_.expectation_maximisation) {
        SharedUmi tied{genes.front().umi, std::ranges::max(genes, {}, &UmiGene::reads).reads, {}};
        for (const UmiGene& gene : genes) {
          if (gene.reads == tied.reads) tied.genes.push_back(gene.gene);
        }
        shared_.push_back(std::move(tied));
      }
      summary_.several_genes += genes.size() - (winner != nullptr ? 1 : 0);
    });
  }

  void share() {
    shared_ = shared_umis(several_, sets_);
    // STARsolo leaves out UMIs of single genes only where it looks at genes per UMI at all: with correction the
    // corrected ones, otherwise all.
    if (rules_.multi_gene != MultiGeneRule::kKeep || rules_.correct_shared || rules_.known_umis_are_counted) {
      const auto& known = rules_.multi_gene == MultiGeneRule::kCorrectedReads ? corrected_ : raw_;
      std::erase_if(shared_, [&](const SharedUmi& umi) { return !genes_of_umi(known, umi.umi).empty(); });
    }
    if (rules_.correct_shared && rules_.umi != UmiRule::kExact) drop_erroneous(shared_, single_);
  }

  void count(const UmiGene& molecule) {
    add_molecule(molecule, rules_.unspliced_evidence, counts_.genes);
    ++summary_.molecules;
    const std::size_t reads = std::min<std::size_t>(molecule.reads, MoleculeSummary::kMostReads);
    if (summary_.reads_per_molecule.size() <= reads) summary_.reads_per_molecule.resize(reads + 1);
    ++summary_.reads_per_molecule[reads];
    if (rules_.keep_molecules) counts_.kept.push_back({molecule.gene, molecule.umi, molecule.reads});
  }

  const CountingRules& rules_;
  const GeneSets& sets_;
  MoleculeSummary& summary_;
  std::span<const MoleculeReads> single_, several_;
  CellCounts counts_;
  std::vector<UmiGene> raw_, corrected_;
  std::vector<SharedUmi> shared_;
};

}  // namespace

CellCounts count_cell(std::span<const MoleculeReads> records, const CountingRules& rules, const GeneSets& sets,
                      MoleculeSummary& summary) {
  return CellCounter(records, rules, sets, summary).run();
}

std::vector<CellCounts> count_molecules(MoleculeStore& store, const CountingRules& rules, const GeneSets& sets,
                                        unsigned threads, const core::InterruptSource* interrupt,
                                        MoleculeSummary& summary) {
  std::array<std::vector<CellCounts>, MoleculeStore::kPartitions> parts;
  std::array<MoleculeSummary, MoleculeStore::kPartitions> summaries{};
  core::parallel_for(
      store.simultaneous(threads), parts.size(),
      [&](std::size_t i) {
        const std::vector<MoleculeReads> records = store.take(i);
        for (std::size_t begin = 0; begin < records.size();) {
          std::size_t end = begin;
          while (end < records.size() && records[end].cell == records[begin].cell) ++end;
          CellCounts counts = count_cell(std::span(records).subspan(begin, end - begin), rules, sets, summaries[i]);
          if (!counts.genes.empty() || !counts.shared.empty()) parts[i].push_back(std::move(counts));
          begin = end;
        }
      },
      interrupt);
  std::vector<CellCounts> cells;
  std::size_t all = 0;
  for (const auto& part : parts) all += part.size();
  cells.reserve(all);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    summary += summaries[i];
    std::ranges::move(parts[i], std::back_inserter(cells));
    parts[i] = {};
  }
  std::ranges::sort(cells, {}, &CellCounts::cell);
  return cells;
}

namespace {

void append_row(const CellCounts& cell, Layer layer, io::CsrMatrix& matrix) {
  const auto put = [&](std::uint32_t gene, float value) {
    if (value == 0) return;
    matrix.column.push_back(static_cast<std::int32_t>(gene));
    matrix.value.push_back(value);
  };
  auto share = cell.shared.begin();
  const auto share_end = layer == Layer::kTotalEm ? cell.shared.end() : cell.shared.begin();
  for (const GeneCount& gene : cell.genes) {
    for (; share != share_end && share->gene < gene.gene; ++share) put(share->gene, share->molecules);
    const std::uint32_t value = layer == Layer::kSpliced     ? gene.spliced
                                : layer == Layer::kUnspliced ? gene.unspliced
                                : layer == Layer::kAmbiguous ? gene.ambiguous
                                                             : gene.total();
    float sum = static_cast<float>(value);
    if (share != share_end && share->gene == gene.gene) sum += (share++)->molecules;
    put(gene.gene, sum);
  }
  for (; share != share_end; ++share) put(share->gene, share->molecules);
}

}  // namespace

io::CsrMatrix make_matrix(std::span<const CellCounts> cells, std::size_t genes, Layer layer) {
  io::CsrMatrix matrix;
  matrix.rows = cells.size();
  matrix.columns = genes;
  matrix.row_start.reserve(cells.size() + 1);
  std::size_t entries = 0;
  for (const CellCounts& cell : cells)
    entries += cell.genes.size() + (layer == Layer::kTotalEm ? cell.shared.size() : 0);
  matrix.column.reserve(entries);
  matrix.value.reserve(entries);
  for (const CellCounts& cell : cells) {
    append_row(cell, layer, matrix);
    matrix.row_start.push_back(static_cast<std::int64_t>(matrix.column.size()));
  }
  return matrix;
}

}  // namespace immucan::scrna
