#include "microbiome/fragment_scan.h"

#include <algorithm>
#include <limits>

#include "sequence/kmer.h"

namespace immucan::microbiome {

namespace {

constexpr std::uint16_t kMaxCount = std::numeric_limits<std::uint16_t>::max();

std::uint16_t capped_sum(std::uint16_t a, std::uint32_t b) {
  return static_cast<std::uint16_t>(std::min<std::uint32_t>(a + b, kMaxCount));
}

}  // namespace

std::uint16_t strong_hits(double density) {
  if (density <= 50) return 3;
  return density <= 100 ? 2 : 1;
}

bool strong_fragment(const FragmentRecord& fragment, std::uint16_t hits) {
  // Ten k-mers speak for themselves: of a long read with many errors they may be a few per cent.
  return fragment.hits >= hits && (fragment.base_hits * 5 >= fragment.base_lookups || fragment.hits >= 10);
}

void FragmentScanner::clear() {
  fragments_.clear();
  ranges_.clear();
  hashes_.clear();
  hits_.clear();
  members_.clear();
  entries_.clear();
}

void FragmentScanner::add(const Database& database, std::string_view read, std::string_view mate) {
  const DatabaseParameters& parameters = database.parameters();
  const DenseFilter filter = database.dense_filter();
  const std::uint64_t base = parameters.base_threshold, always = parameters.always_threshold(),
                      dense = parameters.dense_threshold;
  FragmentRecord fragment;
  Range range;
  const auto scan = [&](std::string_view sequence) {
    // Which k-mers are sampled cannot be foreseen, so they are sorted out without a branch for each.
    const std::size_t begin = hashes_.size();
    hashes_.resize(begin + sequence.size() + 1);
    std::uint64_t* const found = hashes_.data() + begin;
    std::size_t sampled = 0;
    sequence::for_each_canonical_kmer(sequence, parameters.k, [&](std::uint64_t kmer, std::size_t) {
      const std::uint64_t hash = sequence::hash_kmer(kmer);
      found[sampled] = hash;
      sampled += hash < dense ? 1 : 0;
    });
    std::uint32_t lookups = 0;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < sampled; ++i) {
      const std::uint64_t hash = found[i];
      if (hash < base)
        ++lookups;
      else if (hash >= always && !filter.may_contain(hash))
        continue;
      found[kept++] = hash;
    }
    hashes_.resize(begin + kept);
    return capped_sum(0, lookups);
  };
  range.first_lookups = scan(read);
  range.mate = static_cast<std::uint32_t>(hashes_.size());
  range.second_lookups = scan(mate);
  range.end = static_cast<std::uint32_t>(hashes_.size());
  range.paired = !mate.empty();
  fragment.base_lookups = capped_sum(range.first_lookups, range.second_lookups);
  fragment.bases = static_cast<std::uint32_t>(read.size() + mate.size());
  fragments_.push_back(fragment);
  ranges_.push_back(range);
}

void FragmentScanner::judge_mates(FragmentRecord& fragment, const Range& range, std::span<const IndexHit> hits) const {
  const auto in_first = std::ranges::count_if(hits, [&](const IndexHit& hit) { return hit.query < range.mate; });
  const auto in_second = std::ssize(hits) - in_first;
  if (range.paired) {
    fragment.mates_without_hit = static_cast<std::uint8_t>((in_first == 0 ? 1 : 0) | (in_second == 0 ? 2 : 0));
    fragment.mates_with_hits = static_cast<std::uint8_t>((in_first >= 2 ? 1 : 0) | (in_second >= 2 ? 2 : 0));
  }
  const auto judge = [&](std::uint16_t lookups, std::ptrdiff_t own, std::ptrdiff_t partners) {
    if (lookups < kJudgedLookups || partners < 2) return;
    ++fragment.judged_mates;
    fragment.judged_lookups = capped_sum(fragment.judged_lookups, lookups);
    fragment.empty_mates = capped_sum(fragment.empty_mates, own == 0 ? 1 : 0);
  };
  judge(range.first_lookups, in_first, in_second);
  judge(range.second_lookups, in_second, in_first);
}

void FragmentScanner::resolve(const Database& database) {
  counts_.resize(database.genomes().size());
  for (std::size_t begin = 0; begin < hashes_.size(); begin += kLookupsAtATime) {
    const auto some = std::span(hashes_).subspan(begin, std::min(kLookupsAtATime, hashes_.size() - begin));
    database.index().lookup(some, hits_, static_cast<std::uint32_t>(begin));
    database.keep_resident();
  }
  std::size_t begin = 0;
  for (std::size_t i = 0; i < fragments_.size(); ++i) {
    std::size_t end = begin;
    while (end < hits_.size() && hits_[end].query < ranges_[i].end) ++end;
    const auto hits = std::span(hits_).subspan(begin, end - begin);
    resolve_fragment(database, fragments_[i], hits);
    judge_mates(fragments_[i], ranges_[i], hits);
    begin = end;
  }
}

void FragmentScanner::resolve_fragment(const Database& database, FragmentRecord& fragment,
                                       std::span<const IndexHit> hits) {
  if (hits.empty()) return;
  const std::size_t first_entry = entries_.size();
  units_.clear();
  for (const IndexHit& hit : hits) {
    // Overlapping mates show a k-mer twice. Long reads are too long for this search and have no mates.
    const auto seen = std::span(entries_).subspan(first_entry);
    if (seen.size() <= 128 && std::ranges::find(seen, hit.entry) != seen.end()) {
      if (fragment.base_lookups > 1 && hashes_[hit.query] < database.parameters().base_threshold)
        --fragment.base_lookups;
      continue;
    }
    entries_.push_back(hit.entry);
    const bool is_base = hashes_[hit.query] < database.parameters().base_threshold;
    auto unit = std::ranges::find(units_, hit.unit, &UnitCount::unit);
    if (unit == units_.end()) unit = units_.insert(unit, {hit.unit, 0, 0});
    unit->hits = capped_sum(unit->hits, 1);
    unit->base_hits = capped_sum(unit->base_hits, is_base ? 1 : 0);
  }
  touched_.clear();
  for (const UnitCount& unit : units_) {
    for (const std::uint32_t genome : database.set(database.units()[unit.unit].set)) {
      GenomeCount& count = counts_[genome];
      if (count.hits == 0) touched_.push_back(genome);
      count.hits = capped_sum(count.hits, unit.hits);
      count.base_hits = capped_sum(count.base_hits, unit.base_hits);
    }
  }
  GenomeCount best;
  for (const std::uint32_t genome : touched_) {
    const GenomeCount& count = counts_[genome];
    if (database.genomes()[genome].is_host != 0) continue;
    if (count.hits > best.hits || (count.hits == best.hits && count.base_hits > best.base_hits)) best = count;
  }
  const GenomeCount host = database.has_host() ? counts_[0] : GenomeCount{};
  fragment.hits = best.hits;
  fragment.base_hits = best.base_hits;
  // What host and microbe share equally is taken for host: references of microbes hold human contamination. A host that
  // is sampled more densely must not win by that.
  if (host.hits >= best.hits && host.base_hits >= best.base_hits &&
      (host.hits >= 2 || host.base_hits * 5 >= fragment.base_lookups)) {
    fragment.kind = FragmentKind::kHost;
    fragment.hits = host.hits;
    fragment.base_hits = host.base_hits;
    entries_.resize(first_entry);
  } else {
    fragment.kind = FragmentKind::kMicrobial;
    fragment.first_member = static_cast<std::uint32_t>(members_.size());
    for (const std::uint32_t genome : touched_)
      if (best.hits != 0 && counts_[genome].hits == best.hits && database.genomes()[genome].is_host == 0)
        members_.push_back(genome);
    fragment.members = static_cast<std::uint32_t>(members_.size()) - fragment.first_member;
    std::ranges::sort(std::span(members_).subspan(fragment.first_member));
    if (fragment.members == 0) fragment.kind = FragmentKind::kUnclassified;
    if (fragment.members != 0) place_fragment(database, fragment);
  }
  for (const std::uint32_t genome : touched_) counts_[genome] = {};
}

void FragmentScanner::place_fragment(const Database& database, FragmentRecord& fragment) const {
  const TaxonIndex species = database.genomes()[members_[fragment.first_member]].species;
  std::uint16_t most = 0;
  for (const UnitCount& unit : units_) {
    const UnitRecord& record = database.units()[unit.unit];
    if (database.set_species(record.set) != species) continue;
    fragment.own_hits = capped_sum(fragment.own_hits, unit.hits);
    if (unit.hits <= most) continue;
    most = unit.hits;
    fragment.bin = record.bin;
  }
}

SampleCounts::SampleCounts(const Database& database)
    : classes(static_cast<std::uint32_t>(database.genomes().size())),
      class_counts(database.genomes().size()),
      entry_counts(database.index().entries()),
      bin_fragments(database.bins()),
      bin_strong(database.bins()),
      database_(database),
      strong_hits_(strong_hits(database.parameters().density)) {
  for (const GenomeRecord& genome : database.genomes()) class_species_.push_back(genome.species);
}

void SampleCounts::add(const FragmentScanner& scanner) {
  for (const FragmentRecord& fragment : scanner.fragments()) {
    ++fragments;
    bases += fragment.bases;
    base_lookups += fragment.base_lookups;
    if (fragment.kind == FragmentKind::kHost) ++host_fragments;
    if (fragment.kind == FragmentKind::kUnclassified) ++unclassified_fragments;
    if (fragment.kind != FragmentKind::kMicrobial) continue;
    const auto members = scanner.members(fragment);
    const std::uint32_t number = classes.intern(members);
    if (number == class_counts.size()) {
      class_counts.emplace_back();
      TaxonIndex species = database_.genomes()[members[0]].species;
      for (const std::uint32_t genome : members)
        if (database_.genomes()[genome].species != species) species = kMixed;
      class_species_.push_back(species);
    }
    ClassCounts& counts = class_counts[number];
    const bool strong = strong_fragment(fragment, strong_hits_) && fragment.own_hits != 0;
    ++counts.fragments;
    counts.strong += strong ? 1 : 0;
    counts.bases += fragment.bases;
    counts.base_lookups += fragment.base_lookups;
    counts.base_hits += fragment.base_hits;
    counts.judged_mates += fragment.judged_mates;
    counts.empty_mates += fragment.empty_mates;
    counts.judged_lookups += fragment.judged_lookups;
    if (class_species_[number] != kMixed && fragment.own_hits != 0) {
      ++bin_fragments[fragment.bin];
      if (strong) ++bin_strong[fragment.bin];
    }
  }
  for (const std::uint64_t entry : scanner.entries()) entry_counts.add(entry);
}

void SampleCounts::add_sequences(const FragmentScanner& scanner, const SequenceOf& read, const SequenceOf& mate) {
  const auto added = scanner.fragments();
  const std::uint64_t first = fragments - added.size();
  for (std::size_t i = 0; i < added.size(); ++i) {
    const FragmentRecord& fragment = added[i];
    const bool counted = (first + i) % kWordsEvery == 0 && fragment.kind != FragmentKind::kUnclassified;
    if (!counted && fragment.mates_without_hit == 0) continue;
    const auto number = [&] { return classes.intern(scanner.members(fragment)); };
    if (counted) {
      const bool host = fragment.kind == FragmentKind::kHost;
      const TaxonIndex species = host ? kMixed : class_species_[number()];
      if (host || species != kMixed) {
        WordCounts& words = words_[species];
        count_words(read(i), words);
        count_words(mate(i), words);
      }
    }
    if (fragment.mates_without_hit == 0 || fragment.kind == FragmentKind::kHost) continue;
    const auto keep = [&](std::uint8_t which, const SequenceOf& sequence) {
      if ((fragment.mates_without_hit >> which & 1) == 0) return;
      const unsigned partner = 1U - which;
      std::uint32_t anchor = UnmatchedReads::kNoPartner;
      if ((fragment.mates_without_hit >> partner & 1) == 0)
        anchor = (fragment.mates_with_hits >> partner & 1) != 0 && fragment.kind == FragmentKind::kMicrobial
                     ? number()
                     : UnmatchedReads::kWeakPartner;
      unmatched.add(first + i, which, sequence(i), anchor);
    };
    keep(0, read);
    keep(1, mate);
  }
}

const WordCounts* SampleCounts::host_words() const {
  const auto found = words_.find(kMixed);
  return found == words_.end() ? nullptr : &found->second;
}

const WordCounts& SampleCounts::words_of(TaxonIndex species) const {
  static constexpr WordCounts kNone{};
  const auto found = words_.find(species);
  return found == words_.end() ? kNone : found->second;
}

}  // namespace immucan::microbiome
