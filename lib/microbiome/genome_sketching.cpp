#include "microbiome/genome_sketching.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/ordered_batches.h"
#include "sequence/sketch.h"

namespace immucan::microbiome {

namespace {

/// k-mers of one genome that are handed over at a time.
constexpr std::size_t kHandedOver = 16384;
/// A genome with more k-mers is never sampled more densely.
constexpr std::size_t kLargeGenome = 4'000'000;

/// Sampling threshold of a genome with that many k-mers: the base density, or denser when it would get too few.
std::uint64_t genome_threshold(std::uint64_t kmers, const SamplingRules& rules) {
  // A quarter more than asked: the number sampled varies by its square root.
  const auto minimum = static_cast<double>(std::max<std::int64_t>(rules.minimum_sampled, 1));
  const double wanted = static_cast<double>(kmers) / (1.25 * minimum);
  return sequence::sampling_threshold(std::min(rules.density, wanted));
}

/// Stretches of a genome: short enough to tell an even spread of reads from a few shared genes, long enough to be few.
std::uint64_t bin_length(std::uint64_t span) {
  return std::clamp<std::uint64_t>(span / 200, 500, 10000);
}

struct SmallGenome {
  GenomeTask task;
  std::vector<std::uint64_t> hashes;  ///< those it keeps besides
  std::uint64_t threshold = 0;
};

void find_additional(const GenomeFile& file, const SamplingRules& rules, SmallGenome& genome,
                     core::RunContext& context) {
  std::vector<sequence::SampledKmer> all;
  genome.hashes.clear();
  bool too_large = false;
  read_genome(file.path, context, [&](std::string_view contig) {
    too_large = too_large || all.size() > kLargeGenome;
    if (!too_large) sequence::sample_kmers(contig, rules.k, std::numeric_limits<std::uint64_t>::max(), 0, all);
  });
  genome.threshold = too_large ? 0 : genome_threshold(all.size(), rules);
  if (genome.threshold <= rules.base_threshold) return;
  for (const auto& kmer : all)
    if (kmer.hash >= rules.base_threshold && kmer.hash < genome.threshold) genome.hashes.push_back(kmer.hash);
}

/// Enlarges a filter. A larger one looks at more bits of the hash: what was in one place may be in any of several.
void enlarge(std::vector<std::uint64_t>& words, std::size_t size) {
  const std::size_t before = words.size();
  words.resize(std::max(before, size));
  for (std::size_t i = before; before != 0 && i < words.size(); ++i) words[i] = words[i - before];
}

/// Reads a genome and hands its sampled k-mers over.
SketchedGenome sketch_genome(const GenomeFile& file, const GenomeTask& task, const SamplingRules& rules,
                             RunCollector& collector, core::RunContext& context) {
  const DenseFilter filter(rules.filter_words);
  const std::uint64_t always = task.is_host ? rules.host_threshold : rules.base_threshold;
  const std::uint64_t highest = std::max(always, rules.dense_threshold);
  std::vector<sequence::SampledKmer> sampled;
  std::uint64_t offset = 0, kmers = 0;
  // The length of stretches follows from that of the genome, so positions wait for its end. A host is one stretch.
  const auto hand_over = [&](std::uint64_t stretch) {
    std::vector<Occurrence> occurrences;
    occurrences.reserve(std::min(sampled.size(), kHandedOver));
    for (std::size_t i = 0; i < sampled.size();) {
      occurrences.clear();
      for (; i < sampled.size() && occurrences.size() < kHandedOver; ++i)
        occurrences.push_back({spread_hash(sampled[i].hash), static_cast<std::uint32_t>(task.file),
                               stretch == 0 ? 0 : static_cast<std::uint32_t>(sampled[i].position / stretch)});
      collector.append(occurrences);
    }
    sampled.clear();
  };
  const GenomeContents contents = read_genome(file.path, context, [&](std::string_view contig) {
    sequence::for_each_canonical_kmer(contig, rules.k, [&](std::uint64_t kmer, std::size_t end) {
      ++kmers;
      const std::uint64_t hash = sequence::hash_kmer(kmer);
      if (hash < highest && (hash < always || filter.may_contain(hash))) [[unlikely]] {
        sampled.push_back({hash, offset + end + 1 - rules.k});
        if (task.is_host && sampled.size() == kHandedOver) hand_over(0);
      }
    });
    offset += contig.size();
  });
  SketchedGenome genome{.file = task.file, .header_taxid = contents.header_taxid, .record = {}};
  const std::uint64_t stretch = bin_length(offset);
  genome.record.length = contents.bases;
  genome.record.contigs = contents.contigs;
  genome.record.threshold = task.is_host ? rules.host_threshold : genome_threshold(kmers, rules);
  genome.record.is_host = task.is_host ? 1 : 0;
  genome.record.bins = task.is_host ? 1 : static_cast<std::uint32_t>(offset / stretch + 1);
  hand_over(task.is_host ? 0 : stretch);
  return genome;
}

}  // namespace

SamplingRules sampling_rules(unsigned k, double density, std::int64_t minimum_sampled) {
  SamplingRules rules{.k = k, .density = density, .minimum_sampled = minimum_sampled};
  rules.base_threshold = sequence::sampling_threshold(density);
  rules.host_threshold = sequence::sampling_threshold(std::min(density, kHostDensity));
  rules.dense_threshold = rules.base_threshold;
  rules.filter_words.assign(DenseFilter::word_count(0), 0);
  return rules;
}

std::uint64_t find_dense_kmers(const std::vector<GenomeFile>& files, std::span<const GenomeTask> genomes,
                               SamplingRules& rules, core::RunContext& context) {
  const double limit = 1.3 * rules.density * static_cast<double>(rules.minimum_sampled) * 1.25 + 4096;
  std::vector<GenomeTask> small;
  for (const GenomeTask& task : genomes)
    if (!task.is_host && static_cast<double>(files[task.file].bytes) < limit) small.push_back(task);
  std::vector<std::uint64_t> dense;
  std::uint64_t found = 0;
  std::size_t next = 0;
  std::uint64_t highest = rules.dense_threshold;
  core::ordered_batches<SmallGenome>(
      {.threads = context.threads, .interrupt = &context.interrupt},
      [&](SmallGenome& genome) {
        if (next == small.size()) return false;
        genome.task = small[next++];
        return true;
      },
      [&](SmallGenome& genome) { find_additional(files[genome.task.file], rules, genome, context); },
      [&](SmallGenome& genome) {
        if (genome.threshold <= rules.base_threshold) return;
        ++found;
        highest = std::max(highest, genome.threshold);
        dense.insert(dense.end(), genome.hashes.begin(), genome.hashes.end());
      });
  rules.dense_threshold = highest;
  enlarge(rules.filter_words, DenseFilter::word_count(dense.size()));
  for (const std::uint64_t hash : dense) DenseFilter::insert(rules.filter_words, hash);
  return found;
}

void add_to_filter(std::vector<std::uint64_t>& words, std::span<const std::uint64_t> other) {
  enlarge(words, other.size());
  for (std::size_t i = 0; i < words.size(); ++i) words[i] |= other[i % other.size()];
}

RunCollector::RunCollector(std::uint64_t memory, WorkFolder& folder, core::RunContext& context)
    : folder_(folder),
      context_(context),
      // While one buffer is written another is filled.
      buffer_bytes_(context.threads > 1 ? memory / 2 : memory),
      buffer_(buffer_bytes_),
      genomes_(folder.finished()) {}

void RunCollector::append(std::span<const Occurrence> occurrences) {
  std::unique_lock filling(filling_);
  buffer_.append(occurrences);
  if (!buffer_.full()) return;
  // Whoever waits here keeps the others waiting, so that never more than two buffers are there.
  const std::lock_guard writing(writing_);
  OccurrenceBuffer full = std::exchange(buffer_, OccurrenceBuffer(buffer_bytes_));
  const auto finished = std::exchange(finished_, {});
  filling.unlock();
  folder_.add(full.take(1, context_.interrupt), finished);
}

void RunCollector::finish(const SketchedGenome& genome) {
  const std::lock_guard filling(filling_);
  finished_.push_back(genome);
  genomes_.push_back(genome);
}

PackedParts RunCollector::take_rest() {
  return buffer_.take(context_.threads, context_.interrupt);
}

void sketch_genomes(const std::vector<GenomeFile>& files, std::span<const GenomeTask> genomes,
                    const SamplingRules& rules, RunCollector& collector, core::RunContext& context) {
  std::size_t next = 0, done = 0;
  core::ordered_batches<GenomeTask>(
      {.threads = context.threads, .interrupt = &context.interrupt},
      [&](GenomeTask& task) {
        if (next == genomes.size()) return false;
        task = genomes[next++];
        return true;
      },
      [&](const GenomeTask& task) {
        collector.finish(sketch_genome(files[task.file], task, rules, collector, context));
      },
      [&](const GenomeTask&) { context.progress.update("genomes", ++done, genomes.size()); });
  context.progress.finish();
}

}  // namespace immucan::microbiome
