#include "scrna/splicing_evidence.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "scrna/read_mapping.h"

namespace immucan::scrna {

namespace {

constexpr std::uint64_t kLeastReads = 1000;
constexpr double kCrossing = 0.05;
constexpr double kExplained = 0.5;

/// Places at which a read of a gene can lie.
struct Places {
  double exonic = 0;  ///< inside an exon
  std::array<double, kFarDistances.size()> far{};
};

/// A stretch of exons of one gene without a break.
struct Run {
  std::uint32_t begin = 0, end = 0;
  std::uint32_t distance = 0;  ///< from its end towards the end of the transcript
};

void close_run(const Run& run, std::uint32_t length, Places& places) {
  const std::uint32_t size = run.end - run.begin;
  if (size < length) return;
  const double all = size - length + 1;
  places.exonic += all;
  for (std::size_t i = 0; i < kFarDistances.size(); ++i) {
    const double nearer = kFarDistances[i] > run.distance ? kFarDistances[i] - run.distance : 0;
    places.far[i] += std::max(0.0, all - nearer);
  }
}

void add_strand(const ReferenceIndex& index, bool reverse, std::uint32_t length, std::vector<Places>& places) {
  const SegmentTable& table = index.segments(reverse);
  std::unordered_map<std::uint32_t, Run> open;
  for (std::size_t segment = 0; segment < table.breakpoints.size(); ++segment) {
    const std::uint32_t begin = table.breakpoints[segment];
    const std::uint32_t end =
        segment + 1 < table.breakpoints.size() ? table.breakpoints[segment + 1] : index.parameters().genome_bases;
    for (const SegmentGene& here : table.genes_of(segment)) {
      if ((here.kinds() & SegmentGene::kExonic) == 0) continue;
      const auto [run, is_new] = open.try_emplace(here.gene, Run{begin, end, here.distance()});
      if (is_new) continue;
      if (run->second.end == begin) {
        run->second.end = end;
        if (!reverse) run->second.distance = here.distance();
      } else {
        close_run(run->second, length, places[here.gene]);
        run->second = {begin, end, here.distance()};
      }
    }
  }
  for (const auto& [gene, run] : open) close_run(run, length, places[gene]);
}

}  // namespace

std::uint8_t far_bits(std::uint32_t distance) {
  std::uint8_t bits = 0;
  for (std::size_t i = 0; i < kFarDistances.size(); ++i) {
    if (distance >= kFarDistances[i]) bits |= far_bit(i);
  }
  return bits;
}

void SplicingReads::add(std::uint8_t evidence, std::size_t length) {
  ++reads;
  bases += length;
  const bool over_junction = (evidence & kJunction) != 0;
  if (over_junction) ++junction;
  if (!over_junction && (evidence & kIntron) != 0) return;
  auto& far = over_junction ? junction_far : exonic_far;
  for (std::size_t i = 0; i < kFarDistances.size(); ++i) far[i] += (evidence & far_bit(i)) != 0 ? 1 : 0;
}

SplicingReads& SplicingReads::operator+=(const SplicingReads& other) {
  reads += other.reads;
  bases += other.bases;
  junction += other.junction;
  for (std::size_t i = 0; i < kFarDistances.size(); ++i) {
    junction_far[i] += other.junction_far[i];
    exonic_far[i] += other.exonic_far[i];
  }
  return *this;
}

std::optional<std::size_t> far_enough(const ReferenceIndex& index, const SplicingReads& reads,
                                      std::span<const std::uint32_t> intronic) {
  if (reads.exonic_far[0] < kLeastReads) return std::nullopt;
  const auto length = static_cast<std::uint32_t>(std::max<std::uint64_t>(1, reads.bases / reads.reads));
  std::vector<Places> places(index.genes().size());
  add_strand(index, false, length, places);
  add_strand(index, true, length, places);
  std::array<double, kFarDistances.size()> nascent{};
  for (std::size_t gene = 0; gene < places.size(); ++gene) {
    const double body = static_cast<double>(index.genes()[gene].end - index.genes()[gene].begin) - length + 1;
    const double introns = body - places[gene].exonic;
    if (introns < 1) continue;
    for (std::size_t i = 0; i < nascent.size(); ++i) nascent[i] += intronic[gene] * places[gene].far[i] / introns;
  }
  std::optional<std::size_t> least;
  for (std::size_t i = nascent.size(); i-- > 0;) {
    const bool last = i + 1 == nascent.size();
    const double explained = nascent[i] - (last ? 0 : nascent[i + 1]);
    const auto exonic = static_cast<double>(reads.exonic_far[i] - (last ? 0 : reads.exonic_far[i + 1]));
    if (explained < kExplained * exonic) break;
    const auto crossing = static_cast<double>(reads.junction_far[i]);
    if (crossing > kCrossing * (crossing + static_cast<double>(reads.exonic_far[i]))) break;
    if (reads.exonic_far[i] >= kLeastReads) least = i;
  }
  return least;
}

}  // namespace immucan::scrna
