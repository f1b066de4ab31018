#include "peptide/slab.h"

#include <algorithm>

#include "core/ordered_batches.h"
#include "peptide/decoys.h"

namespace immucan::peptide {
namespace {

constexpr std::size_t kParts = 64;     ///< pieces of the database, whatever the number of threads
constexpr std::size_t kBuckets = 256;  ///< mass buckets of a slab that are sorted apart

struct Bucket {
  std::vector<PeptideSite> sites;
  std::vector<SlabPeptide> peptides;
  std::vector<Mass> mass;
  std::vector<Residue> arena;
};

bool before(const PeptideSite& a, const PeptideSite& b) {
  if (a.mass != b.mass) return a.mass < b.mass;
  return a.hash != b.hash ? a.hash < b.hash : a.begin < b.begin;
}

/// Sorts, drops repeats, adds decoys. Sequences of one composition share a bucket, so it knows every target a decoy
/// could collide with.
void finish_bucket(const ProteinDatabase& database, Enzyme enzyme, Bucket& bucket) {
  auto& sites = bucket.sites;
  std::sort(sites.begin(), sites.end(), before);
  sites.erase(
      std::unique(sites.begin(), sites.end(),
                  [](const PeptideSite& a, const PeptideSite& b) { return a.mass == b.mass && a.hash == b.hash; }),
      sites.end());
  bucket.peptides.clear();
  bucket.mass.clear();
  bucket.arena.clear();
  std::size_t residues_held = 0;
  for (const PeptideSite& site : sites) residues_held += 2 * std::size_t{site.length};
  bucket.peptides.reserve(sites.size());
  bucket.mass.reserve(sites.size());
  bucket.arena.reserve(residues_held);
  for (std::size_t group = 0; group < sites.size();) {
    std::size_t end = group;
    while (end < sites.size() && sites[end].mass == sites[group].mass) ++end;
    const auto first = sites.begin() + static_cast<std::ptrdiff_t>(group);
    const auto last = sites.begin() + static_cast<std::ptrdiff_t>(end);
    const auto is_target = [first, last](std::uint64_t hash) {
      const auto at =
          std::lower_bound(first, last, hash, [](const PeptideSite& s, std::uint64_t h) { return s.hash < h; });
      return at != last && at->hash == hash;
    };
    for (; group < end; ++group) {
      const PeptideSite& site = sites[group];
      const auto at = static_cast<std::uint32_t>(bucket.arena.size());
      bucket.arena.resize(bucket.arena.size() + 2 * std::size_t{site.length});
      Residue* residues = bucket.arena.data() + at;
      std::copy_n(database.codes() + site.begin, site.length, residues);
      const int attempt =
          find_decoy({residues, site.length}, site.hash, enzyme, {residues + site.length, site.length}, is_target);
      bucket.mass.push_back(site.mass);
      bucket.peptides.push_back({site.hash, site.begin, at, site.length, static_cast<std::uint8_t>(attempt)});
    }
  }
  std::vector<PeptideSite>().swap(sites);
}

}  // namespace

void MassCoverage::add(Mass low, Mass high) {
  low = std::max<Mass>(low, 0);
  for (auto bit = static_cast<std::size_t>(low >> kShift); bit <= static_cast<std::size_t>(high >> kShift); ++bit) {
    if (bit / 64 < bits_.size()) bits_[bit / 64] |= std::uint64_t{1} << (bit % 64);
  }
}

std::vector<MassRange> plan_slabs(const ProteinDatabase& database, const DigestionOptions& digestion,
                                  const MassTable& masses, const MassCoverage& coverage, std::size_t slab_peptides,
                                  const core::RunContext& context) {
  constexpr int kDaltonShift = 24;
  const auto parts = partition_segments(database, kParts);
  const auto daltons = static_cast<std::size_t>(coverage.end() >> kDaltonShift) + 1;
  std::vector<std::vector<std::uint32_t>> counts(parts.size() - 1);
  core::parallel_for(
      context.threads, counts.size(),
      [&](std::size_t part) {
        counts[part].assign(daltons, 0);
        digest(database, digestion, masses, parts[part], parts[part + 1], 0, coverage.end(),
               [&](const PeptideSite& site) {
                 if (coverage.holds(site.mass)) ++counts[part][static_cast<std::size_t>(site.mass >> kDaltonShift)];
               });
      },
      &context.interrupt);
  std::vector<MassRange> slabs;
  std::uint64_t held = 0;
  Mass low = 0;
  for (std::size_t dalton = 0; dalton < daltons; ++dalton) {
    std::uint64_t here = 0;
    for (const auto& part : counts) here += part[dalton];
    const Mass edge = static_cast<Mass>(dalton) << kDaltonShift;
    if (held == 0) low = edge;
    if (held != 0 && held + here > slab_peptides) {
      slabs.push_back({low, edge});
      low = edge;
      held = 0;
    }
    held += here;
  }
  if (held != 0) slabs.push_back({low, static_cast<Mass>(daltons) << kDaltonShift});
  return slabs;
}

void fill_slab(const ProteinDatabase& database, const DigestionOptions& digestion, const MassTable& masses,
               const MassCoverage& coverage, MassRange range, const core::RunContext& context, Slab& slab) {
  const auto parts = partition_segments(database, kParts);
  std::vector<std::vector<PeptideSite>> found(parts.size() - 1);
  core::parallel_for(
      context.threads, found.size(),
      [&](std::size_t part) {
        digest(database, digestion, masses, parts[part], parts[part + 1], range.low, range.high,
               [&](const PeptideSite& site) {
                 if (coverage.holds(site.mass)) found[part].push_back(site);
               });
      },
      &context.interrupt);
  std::vector<Bucket> buckets(kBuckets);
  const Mass width = (range.high - range.low) / static_cast<Mass>(kBuckets) + 1;
  std::vector<std::size_t> sizes(kBuckets, 0);
  for (const auto& part : found) {
    for (const PeptideSite& site : part) ++sizes[static_cast<std::size_t>((site.mass - range.low) / width)];
  }
  for (std::size_t i = 0; i < kBuckets; ++i) buckets[i].sites.reserve(sizes[i]);
  for (auto& part : found) {
    for (const PeptideSite& site : part) {
      buckets[static_cast<std::size_t>((site.mass - range.low) / width)].sites.push_back(site);
    }
    std::vector<PeptideSite>().swap(part);
  }
  core::parallel_for(
      context.threads, kBuckets, [&](std::size_t i) { finish_bucket(database, digestion.enzyme, buckets[i]); },
      &context.interrupt);
  slab.mass.clear();
  slab.peptides.clear();
  slab.arena.clear();
  for (Bucket& bucket : buckets) {
    const auto shift = static_cast<std::uint32_t>(slab.arena.size());
    slab.mass.insert(slab.mass.end(), bucket.mass.begin(), bucket.mass.end());
    slab.arena.insert(slab.arena.end(), bucket.arena.begin(), bucket.arena.end());
    for (SlabPeptide peptide : bucket.peptides) {
      peptide.residues += shift;
      slab.peptides.push_back(peptide);
    }
    bucket = {};  // given back at once
  }
}

}  // namespace immucan::peptide
