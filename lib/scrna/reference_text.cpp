#include "scrna/reference_text.h"

#include <algorithm>
#include <map>
#include <set>

namespace immucan::scrna {

const Chromosome* GenomeText::find(const std::string& name) const {
  for (const Chromosome& chromosome : chromosomes) {
    if (chromosome.name == name) return &chromosome;
  }
  return nullptr;
}

void GenomeText::append(const std::string& bases) {
  const auto begin = static_cast<std::uint32_t>(text.size());
  std::size_t piece = 0;
  for (std::size_t i = 0; i <= bases.size(); ++i) {
    if (i != bases.size() && sequence::kBaseCodes[static_cast<unsigned char>(bases[i])] < 4) continue;
    if (i > piece) pieces.push_back({begin + static_cast<std::uint32_t>(piece), static_cast<std::uint32_t>(i - piece)});
    piece = i + 1;
  }
  text.append(bases);
}

namespace {

using Blocks = std::vector<std::pair<std::uint32_t, std::uint32_t>>;  // begin and size in the text

/// The transcript in text coordinates, its ends lengthened into the genome.
std::vector<sequence::Interval> lengthened_exons(const sequence::Transcript& transcript, const Chromosome& chromosome,
                                                 std::uint32_t reach) {
  std::vector<sequence::Interval> exons;
  for (const sequence::Interval& exon : transcript.exons) {
    exons.push_back({chromosome.begin + exon.begin, chromosome.begin + exon.end});
  }
  const std::uint64_t chromosome_end = std::uint64_t{chromosome.begin} + chromosome.size;
  exons.front().begin = std::max<std::uint64_t>(
      chromosome.begin, exons.front().begin - std::min<std::uint64_t>(reach, exons.front().begin));
  exons.back().end = std::min<std::uint64_t>(chromosome_end, exons.back().end + reach);
  return exons;
}

/// `reach` bases to either side of the junction behind exon `left`.
Blocks blocks_around(const std::vector<sequence::Interval>& exons, std::size_t left, std::uint32_t reach) {
  Blocks blocks;
  std::uint64_t wanted = reach;
  for (std::size_t i = left + 1; i-- > 0 && wanted > 0;) {
    const std::uint64_t size = std::min(wanted, exons[i].size());
    blocks.emplace_back(static_cast<std::uint32_t>(exons[i].end - size), static_cast<std::uint32_t>(size));
    wanted -= size;
  }
  std::ranges::reverse(blocks);
  wanted = reach;
  for (std::size_t i = left + 1; i < exons.size() && wanted > 0; ++i) {
    const std::uint64_t size = std::min(wanted, exons[i].size());
    blocks.emplace_back(static_cast<std::uint32_t>(exons[i].begin), static_cast<std::uint32_t>(size));
    wanted -= size;
  }
  return blocks;
}

}  // namespace

JunctionContigs add_junction_contigs(GenomeText& genome, const sequence::GeneModel& model, std::uint32_t reach) {
  std::map<Blocks, std::set<std::uint32_t>> contigs;
  std::set<std::pair<std::uint32_t, std::uint32_t>> junctions;
  std::map<std::string, const Chromosome*> chromosomes;
  for (const Chromosome& chromosome : genome.chromosomes) chromosomes[chromosome.name] = &chromosome;
  for (const sequence::Transcript& transcript : model.transcripts) {
    const auto chromosome = chromosomes.find(model.genes[transcript.gene].chromosome);
    if (chromosome == chromosomes.end() || transcript.exons.size() < 2) continue;
    const auto exons = lengthened_exons(transcript, *chromosome->second, reach);
    for (std::size_t left = 0; left + 1 < exons.size(); ++left) {
      junctions.emplace(static_cast<std::uint32_t>(exons[left].end), static_cast<std::uint32_t>(exons[left + 1].begin));
      contigs[blocks_around(exons, left, reach)].insert(transcript.gene);
    }
  }
  JunctionContigs out;
  out.junctions = junctions.size();
  for (const auto& [blocks, genes] : contigs) {
    out.begins.push_back(static_cast<std::uint32_t>(genome.text.size()));
    for (const auto& [begin, size] : blocks) {
      genome.text.append(genome.text, begin, size);
      out.blocks.push_back({begin, size});
    }
    genome.pieces.push_back({out.begins.back(), static_cast<std::uint32_t>(genome.text.size()) - out.begins.back()});
    out.block_starts.push_back(static_cast<std::uint32_t>(out.blocks.size()));
    out.genes.insert(out.genes.end(), genes.begin(), genes.end());
    out.gene_starts.push_back(static_cast<std::uint32_t>(out.genes.size()));
  }
  out.begins.push_back(static_cast<std::uint32_t>(genome.text.size()));
  return out;
}

namespace {

constexpr std::int64_t kFurthest = 0x3fffffff;  // what a segment can hold

/// A gene enters or leaves a state at a position.
struct Event {
  std::uint32_t position, gene;
  std::int32_t body, exons, introns;  ///< how many of each begin (positive) or end here
  std::int64_t reach = 0;             ///< of an exon: where its transcript would end if nothing were spliced out
  auto operator<=>(const Event&) const = default;
};

struct Depth {
  std::int32_t body = 0, exons = 0, introns = 0;
  std::multiset<std::int64_t> reaches = {};  ///< of the exons that are open
};

std::vector<Event> events_of(const GenomeText& genome, const sequence::GeneModel& model, bool reverse) {
  std::map<std::string, const Chromosome*> chromosomes;
  for (const Chromosome& chromosome : genome.chromosomes) chromosomes[chromosome.name] = &chromosome;
  std::vector<Event> events;
  const auto add = [&](std::uint32_t base, sequence::Interval interval, std::uint32_t gene, const Depth& depth,
                       std::int64_t reach = 0) {
    events.push_back(
        {base + static_cast<std::uint32_t>(interval.begin), gene, depth.body, depth.exons, depth.introns, reach});
    events.push_back(
        {base + static_cast<std::uint32_t>(interval.end), gene, -depth.body, -depth.exons, -depth.introns, reach});
  };
  for (std::uint32_t gene = 0; gene < model.genes.size(); ++gene) {
    const auto chromosome = chromosomes.find(model.genes[gene].chromosome);
    if (chromosome != chromosomes.end() && model.genes[gene].reverse == reverse) {
      add(chromosome->second->begin, model.genes[gene].body, gene, {1, 0, 0});
    }
  }
  for (const sequence::Transcript& transcript : model.transcripts) {
    const sequence::Gene& gene = model.genes[transcript.gene];
    const auto chromosome = chromosomes.find(gene.chromosome);
    if (chromosome == chromosomes.end() || gene.reverse != reverse) continue;
    const std::uint32_t base = chromosome->second->begin;
    std::int64_t length = 0, before = 0;
    for (const sequence::Interval& exon : transcript.exons) length += static_cast<std::int64_t>(exon.size());
    for (std::size_t i = 0; i < transcript.exons.size(); ++i) {
      // Forward: the end is `length - before` bases behind the begin of the exon; on the other strand `before` bases
      // before it.
      const auto begin = static_cast<std::int64_t>(base + transcript.exons[i].begin);
      add(base, transcript.exons[i], transcript.gene, {0, 1, 0}, reverse ? begin - before : begin + length - before);
      before += static_cast<std::int64_t>(transcript.exons[i].size());
      if (i != 0) add(base, {transcript.exons[i - 1].end, transcript.exons[i].begin}, transcript.gene, {0, 0, 1});
    }
  }
  std::ranges::sort(events);
  return events;
}

}  // namespace

OwnedSegments make_segments(const GenomeText& genome, const sequence::GeneModel& model, bool reverse) {
  OwnedSegments out;
  const std::vector<Event> events = events_of(genome, model, reverse);
  std::map<std::uint32_t, Depth> open;  // genes over the current position
  out.breakpoints.push_back(0);
  out.gene_starts.push_back(0);
  const auto close_segment = [&](std::uint32_t end) {
    const std::int64_t begin = out.breakpoints.back();
    for (const auto& [gene, depth] : open) {
      // Between transcripts of a gene nothing is annotated: what is transcribed there is not spliced.
      const std::uint32_t kind = (depth.exons > 0 ? SegmentGene::kExonic : 0U) |
                                 (depth.introns > 0 || depth.exons == 0 ? SegmentGene::kIntronic : 0U);
      std::int64_t distance = 0;
      if (!depth.reaches.empty()) distance = reverse ? begin - *depth.reaches.rbegin() : *depth.reaches.begin() - end;
      distance = std::clamp<std::int64_t>(distance, 0, kFurthest);
      out.genes.push_back({gene, kind | static_cast<std::uint32_t>(distance) << SegmentGene::kKindBits});
    }
    out.gene_starts.push_back(static_cast<std::uint32_t>(out.genes.size()));
  };
  for (std::size_t i = 0; i < events.size();) {
    const std::uint32_t position = events[i].position;
    if (position != out.breakpoints.back()) {
      close_segment(position);
      out.breakpoints.push_back(position);
    }
    for (; i < events.size() && events[i].position == position; ++i) {
      Depth& depth = open[events[i].gene];
      if (events[i].exons > 0) depth.reaches.insert(events[i].reach);
      if (events[i].exons < 0) depth.reaches.erase(depth.reaches.find(events[i].reach));
      depth.body += events[i].body;
      depth.exons += events[i].exons;
      depth.introns += events[i].introns;
      if (depth.body == 0 && depth.exons == 0 && depth.introns == 0) open.erase(events[i].gene);
    }
  }
  close_segment(out.breakpoints.back());
  const std::size_t coarse = (genome.text.size() >> SegmentTable::kCoarseBits) + 1;
  std::size_t segment = 0;
  for (std::size_t block = 0; block < coarse; ++block) {
    const std::uint64_t position = std::uint64_t{block} << SegmentTable::kCoarseBits;
    while (segment + 1 < out.breakpoints.size() && out.breakpoints[segment + 1] <= position) ++segment;
    out.coarse.push_back(static_cast<std::uint32_t>(segment));
  }
  return out;
}

}  // namespace immucan::scrna
