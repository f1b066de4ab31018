#include "scrna/count.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <limits>
#include <memory>
#include <regex>

#include "core/error.h"
#include "core/ordered_batches.h"
#include "io/fastq.h"
#include "io/temporary_file.h"
#include "scrna/bam_input.h"
#include "scrna/chemistry_detection.h"
#include "scrna/deferred_reads.h"
#include "scrna/splicing_evidence.h"

namespace immucan::scrna {

namespace {

/// Reads after which the share of listed barcodes is judged (and at the end, if there are fewer).
constexpr std::uint64_t kJudgeAfter = 20000;
constexpr double kLeastListed = 0.01;
constexpr std::size_t kResolveAtOnce = 4096;
constexpr std::size_t kBarcodesAtOnce = 32;  // whose memory is fetched together

// What a run needs besides reads in waiting: text and work space of a batch, everything else that is small.
constexpr std::size_t kBatchText = std::size_t{256} << 10;  // of read 1: mates, work space and all stay in cache
constexpr std::uint64_t kBatchBytes = std::uint64_t{2} << 20;
constexpr std::uint64_t kOtherBytes = std::uint64_t{48} << 20;
constexpr std::uint64_t kBarcodeBytes = 16;  // code, exact reads, bitmap
constexpr std::uint64_t kLeastStoreBytes = std::uint64_t{16} << 20;

/// One part in sixteen of the memory is for reads whose barcode is not decided; twice that for the counts of cells.
std::size_t deferred_budget(const CountOptions& options) {
  return options.memory ? *options.memory / 16 : std::numeric_limits<std::size_t>::max();
}

/// Barcode and UMI of a read that is mapped.
struct CalledRead {
  std::uint32_t cell = 0, umi = 0;
  std::uint32_t candidates = 0;  ///< for a cell: none
};

/// One batch with the work space of the thread that has it.
struct Batch {
  io::FastqBatch reads;
  std::unique_ptr<ReadMapper> mapper;
  std::array<CutRead, kBarcodesAtOnce> cuts;
  std::array<CutOutcome, kBarcodesAtOnce> outcomes{};
  std::array<PartCodes, kBarcodesAtOnce> codes;
  BarcodeCall call;
  std::vector<std::uint32_t> exact;  ///< ranks of listed barcodes among them
  std::vector<std::string_view> sequences;
  std::vector<ReadMapping> mappings;
  std::vector<CalledRead> called;  ///< one for each of `sequences`
  std::vector<BarcodeCandidate> candidates;
  std::vector<MoleculeReads> known;
  std::vector<DeferredRead> deferred;
  MoleculeStore::Scratch scratch;
  SplicingReads splicing;
  std::uint64_t listed = 0, counted = 0;
  ReadSummary summary;
};

class Counter {
 public:
  Counter(const CountOptions& options, const Chemistry& chemistry, const ReferenceIndex& index,
          const Whitelist& whitelist, core::RunContext& context)
      : options_(options),
        chemistry_(chemistry),
        index_(index),
        whitelist_(whitelist),
        context_(context),
        exact_reads_(whitelist.size(), 0),
        intronic_(index.genes().size(), 0),
        deferred_(io::temporary_folder(context), deferred_budget(options)),
        store_(store_budget(options, index, whitelist, context.threads), io::temporary_folder(context)) {}

  CountResult run() {
    read_all();
    judge_barcodes();
    resolve_deferred();
    if (counted_ == 0) {
      core::raise({(options_.bam.empty() ? options_.read2 : options_.bam).front().string(), core::Place::none(),
                   fmt::format("none of {} reads with a barcode maps to a gene", summary_.valid_barcodes()),
                   "Check that the index is of the right species and that the reads are RNA"});
    }
    CountingRules rules = options_.rules;
    if (const auto far = far_enough(index_, splicing_, intronic_)) {
      rules.unspliced_evidence = far_bit(*far);
      summary_.unspliced_beyond = kFarDistances[*far];
    }
    if (!options_.keep_index) index_.forget_sequences();
    return collect_counts(store_, sets_, summary_, rules, options_, context_);
  }

 private:
  void read_all() {
    std::vector<io::FastqLane> lanes;
    for (std::size_t i = 0; i < options_.read1.size(); ++i) lanes.push_back({{options_.read1[i], options_.read2[i]}});
    if (options_.bam.empty()) return read_batches(io::FastqBatchReader(lanes, {.batch_bytes = kBatchText}, context_));
    std::vector<std::vector<std::unique_ptr<io::ByteSource>>> sources;
    for (const std::filesystem::path& path : options_.bam) {
      auto& files = sources.emplace_back();
      for (auto& half : bam_as_fastq(path, context_)) files.push_back(std::move(half));
    }
    read_batches(io::FastqBatchReader(std::move(sources), {.batch_bytes = kBatchText}));
  }

  void read_batches(io::FastqBatchReader reader) {
    core::ordered_batches<Batch>(
        {.threads = context_.threads, .interrupt = &context_.interrupt, .background = reader.background()},
        [&](Batch& batch) { return reader.next(batch.reads); }, [&](Batch& batch) { work(batch); },
        [&](Batch& batch) { deliver(batch); });
  }

  void work(Batch& batch) {
    io::parse(batch.reads);
    if (!batch.mapper)
      batch.mapper =
          std::make_unique<ReadMapper>(index_, MappingOptions{.sense = chemistry_.sense, .introns = options_.introns});
    batch.sequences.clear();
    batch.called.clear();
    batch.candidates.clear();
    batch.known.clear();
    batch.deferred.clear();
    batch.splicing = {};
    batch.listed = 0;
    batch.summary = {};
    for (std::size_t i = 0; i < batch.reads.size(); i += kBarcodesAtOnce)
      call_reads(batch, i, std::min(kBarcodesAtOnce, batch.reads.size() - i));
    batch.mappings.resize(batch.sequences.size());
    batch.mapper->map(batch.sequences, batch.mappings);
    for (std::size_t i = 0; i < batch.mappings.size(); ++i)
      keep(batch, batch.called[i], batch.mappings[i], batch.sequences[i].size());
    batch.counted = batch.known.size();
    store_.add(batch.known, batch.scratch);
  }

  /// Reads of a gene, or of several if that matters, go to the store; those without a barcode yet wait.
  void keep(Batch& batch, const CalledRead& read, const ReadMapping& mapping, std::size_t length) {
    ++batch.summary.mapping[static_cast<std::size_t>(mapping.read_class)];
    bool counts = mapping.read_class == ReadClass::kGene;
    if (counts) {
      batch.splicing.add(mapping.evidence, length);
      if ((mapping.evidence & kIntron) != 0)
        std::atomic_ref(intronic_[mapping.gene]).fetch_add(1, std::memory_order_relaxed);
    }
    std::uint32_t gene = mapping.gene;
    if (mapping.read_class == ReadClass::kSeveralGenes && needs_gene_sets(options_.rules)) {
      counts = true;
      gene = sets_.intern(batch.mapper->several_genes(mapping));
    }
    if (read.candidates > 0) {
      batch.deferred.push_back({read.umi, counts ? gene : 0, mapping.evidence, counts});
    } else if (counts) {
      batch.known.push_back({read.cell, gene, read.umi, MoleculeReads::kOneRead | mapping.evidence});
    }
  }

  void call_reads(Batch& batch, std::size_t first, std::size_t count) {
    const io::FastqBlock &read1 = batch.reads.mates[0], &read2 = batch.reads.mates[1];
    const auto& parts = whitelist_.parts();
    for (std::size_t i = 0; i < count; ++i) {
      batch.outcomes[i] = chemistry_.geometry.cut(read1.sequence(first + i), read1.quality(first + i),
                                                  read2.sequence(first + i), read2.quality(first + i), batch.cuts[i]);
      if (batch.outcomes[i] == CutOutcome::kTooShort) refuse_length(batch.reads, first + i, chemistry_);
      batch.codes[i] = {};
      if (batch.outcomes[i] == CutOutcome::kNoFixed) continue;
      batch.codes[i] = encode_barcode(batch.cuts[i], whitelist_);
      for (std::size_t part = 0; part < parts.size(); ++part)
        parts[part].prefetch_bucket(batch.codes[i][part].code, batch.codes[i][part].length);
    }
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t part = 0; part < parts.size(); ++part)
        parts[part].prefetch_codes(batch.codes[i][part].code, batch.codes[i][part].length);
    }
    batch.exact.clear();
    for (std::size_t i = 0; i < count; ++i) call_read(batch, i);
    // An atomic sum waits for its memory: all of it has been asked for.
    for (const std::uint32_t rank : batch.exact)
      std::atomic_ref(exact_reads_[rank]).fetch_add(1, std::memory_order_relaxed);
    batch.listed += batch.exact.size();
  }

  /// Of those that were cut together.
  void call_read(Batch& batch, std::size_t i) {
    const CutRead& cut = batch.cuts[i];
    ++batch.summary.reads;
    BarcodeCall& call = batch.call;
    if (batch.outcomes[i] == CutOutcome::kNoFixed) {
      ++batch.summary.barcodes[static_cast<std::size_t>(BarcodeClass::kNoLinker)];
      return;
    }
    call_barcode(cut, batch.codes[i], whitelist_, call);
    if (call.listed) {
      __builtin_prefetch(&exact_reads_[call.rank], 1);
      batch.exact.push_back(call.rank);
    }
    ++batch.summary.barcodes[static_cast<std::size_t>(call.barcode_class)];
    const bool unseen_refused = options_.barcode_rule == BarcodeRule::kSeenExactly;
    const bool undecided = call.barcode_class == BarcodeClass::kMulti ||
                           (call.barcode_class == BarcodeClass::kOneMismatch && unseen_refused);
    if (undecided && unseen_refused && call.unknown_base && call.candidates.size() > 1) return;
    if (!undecided &&
        (call.barcode_class == BarcodeClass::kExact || call.barcode_class == BarcodeClass::kOneMismatch)) {
      batch.called.push_back({call.rank, call.umi, 0});
    } else if (undecided) {
      batch.called.push_back({0, call.umi, static_cast<std::uint32_t>(call.candidates.size())});
      batch.candidates.insert(batch.candidates.end(), call.candidates.begin(), call.candidates.end());
    } else {
      return;
    }
    batch.sequences.push_back(cut.rna);
  }

  void deliver(Batch& batch) {
    listed_ += batch.listed;
    counted_ += batch.counted;
    splicing_ += batch.splicing;
    const std::uint64_t before = summary_.reads;
    summary_.reads += batch.summary.reads;
    for (std::size_t i = 0; i < kBarcodeClasses; ++i) summary_.barcodes[i] += batch.summary.barcodes[i];
    for (std::size_t i = 0; i < kReadClasses; ++i) summary_.mapping[i] += batch.summary.mapping[i];
    auto deferred = batch.deferred.begin();
    auto candidate = batch.candidates.begin();
    for (const CalledRead& read : batch.called) {
      if (read.candidates == 0) continue;
      deferred_.append(*deferred++, std::span(candidate, read.candidates));
      candidate += read.candidates;
    }
    if (before < kJudgeAfter && summary_.reads >= kJudgeAfter) judge_barcodes();
    context_.progress.update("reads", summary_.reads);
  }

  [[nodiscard]] std::string first_file() const {
    return (options_.bam.empty() ? options_.read1 : options_.bam).front().string();
  }

  void judge_barcodes() const {
    const std::string file = first_file();
    if (summary_.reads == 0)
      core::raise({file, core::Place::none(), "holds no reads", "Give the FASTQ files of a sequenced library"});
    const auto reads = static_cast<double>(summary_.reads);
    if (static_cast<double>(listed_) >= kLeastListed * reads) return;
    core::raise(
        {file, core::Place::none(),
         fmt::format("only {} of the first {} reads carry a barcode of {}", listed_, summary_.reads, whitelist_.name()),
         "Check --chemistry and give the barcode list that belongs to it"});
  }

  void resolve_deferred() {
    std::vector<MoleculeReads> resolved;
    MoleculeStore::Scratch scratch;
    const auto flush = [&] {
      counted_ += resolved.size();
      store_.add(resolved, scratch);
      resolved.clear();
    };
    deferred_.for_each([&](const DeferredRead& read, std::span<const BarcodeCandidate> candidates) {
      const auto rank = resolve_candidates(candidates, exact_reads_, options_.barcode_rule);
      const bool one = candidates.size() == 1;
      if (one && !rank) ++summary_.unseen;
      if (!rank) return;
      if (!one) ++summary_.multi_resolved;
      if (read.counts) resolved.push_back({*rank, read.gene, read.umi, MoleculeReads::kOneRead | read.evidence});
      if (resolved.size() >= kResolveAtOnce) flush();
    });
    flush();
  }

  const CountOptions& options_;
  const Chemistry& chemistry_;
  const ReferenceIndex& index_;
  const Whitelist& whitelist_;
  core::RunContext& context_;
  std::vector<std::uint32_t> exact_reads_;
  std::vector<std::uint32_t> intronic_;  ///< reads over intron bases, per gene
  SplicingReads splicing_;
  std::uint64_t listed_ = 0, counted_ = 0;
  GeneSets sets_;
  DeferredReads deferred_;
  MoleculeStore store_;
  ReadSummary summary_;
};

}  // namespace

std::uint64_t ReadSummary::valid_barcodes() const {
  return barcodes[static_cast<std::size_t>(BarcodeClass::kExact)] +
         barcodes[static_cast<std::size_t>(BarcodeClass::kOneMismatch)] + multi_resolved - unseen;
}

std::uint64_t store_budget(const CountOptions& options, const ReferenceIndex& index, const Whitelist& whitelist,
                           unsigned threads) {
  if (!options.memory) return MoleculeStore::kUnlimited;
  const std::uint64_t batches = threads <= 1 ? 1 : 2 * std::uint64_t{threads} + 2;
  const std::uint64_t fixed = index.bytes() + whitelist.size() * kBarcodeBytes + batches * kBatchBytes + kOtherBytes +
                              3 * deferred_budget(options);
  if (fixed + kLeastStoreBytes > *options.memory) {
    core::raise_usage(
        fmt::format("--memory: {} MB do not hold the index, {} barcodes and the batches of {} threads. Give "
                    "at least {} MB.",
                    *options.memory >> 20, whitelist.size(), threads,
                    ((fixed - 3 * deferred_budget(options) + kLeastStoreBytes) * 16 / 13 >> 20) + 1));
  }
  return *options.memory - fixed;
}

CountResult collect_counts(MoleculeStore& store, const GeneSets& sets, const ReadSummary& reads,
                           const CountingRules& rules, const CountOptions& options, core::RunContext& context) {
  if (store.spilled()) context.log.info("more than --memory: reads were kept in a temporary file");
  CountResult result;
  result.barcodes = count_molecules(store, rules, sets, context.threads, &context.interrupt, result.molecules);
  result.reads = reads;
  result.reads.counted = result.molecules.reads;
  std::vector<std::uint64_t> totals;
  for (const CellCounts& cell : result.barcodes) totals.push_back(cell.molecules());
  std::optional<std::uint64_t> expected;
  if (options.expected_cells) expected = static_cast<std::uint64_t>(*options.expected_cells);
  result.call = call_cells(totals, expected);
  return result;
}

CountResult count_reads(const CountOptions& options, const Chemistry& chemistry, const ReferenceIndex& index,
                        const Whitelist& whitelist, core::RunContext& context) {
  if (!options.bam.empty() && options.bam_tags) return count_tagged(options, index, whitelist, context);
  return Counter(options, chemistry, index, whitelist, context).run();
}

std::string sample_of(const std::filesystem::path& read2) {
  std::string name = read2.filename().string();
  // bcl2fastq: SAMPLE_S1_L001_R2_001.fastq.gz; archives: SAMPLE_R2.fastq.gz, SAMPLE_2.fq.
  const std::regex suffix("(_S[0-9]+)?(_L[0-9]{3})?[._](R2|2)(_[0-9]{3})?\\.(fastq|fq)(\\.(gz|zst|bgz))?$");
  std::smatch match;
  if (std::regex_search(name, match, suffix) && match.position() > 0)
    return name.substr(0, static_cast<std::size_t>(match.position()));
  return name.substr(0, name.find('.'));
}

}  // namespace immucan::scrna
