#include "scrna/count.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <regex>

#include "core/error.h"
#include "core/ordered_batches.h"
#include "io/fastq.h"

namespace immucan::scrna {

namespace {

/// Reads after which the share of listed barcodes is judged (and at the end, if there are fewer).
constexpr std::uint64_t kJudgeAfter = 20000;
constexpr double kLeastListed = 0.01;

/// A read whose barcode waits until all exact barcodes have been counted.
struct DeferredRead {
  std::uint32_t first_candidate = 0, candidates = 0;
  std::uint32_t umi = 0;
  ReadMapping mapping;
};

struct KnownRead {
  std::uint32_t cell = 0, umi = 0;
  ReadMapping mapping;
};

/// Hints for a whitelist that does not match.
struct BarcodeHints {
  std::uint64_t in_read2 = 0, reversed = 0;
};

/// One batch with the work space of the thread that has it.
struct Batch {
  io::FastqBatch reads;
  std::unique_ptr<ReadMapper> mapper;
  BarcodeCall call;
  std::vector<std::string_view> sequences;
  std::vector<ReadMapping> mappings;
  std::vector<KnownRead> known;
  std::vector<DeferredRead> deferred;
  std::vector<BarcodeCandidate> candidates;
  std::vector<std::uint32_t> listed;
  std::vector<bool> is_deferred;
  ReadSummary summary;
  BarcodeHints hints;
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
        exact_reads_(whitelist.size(), 0) {}

  CountResult run() {
    read_all();
    judge_barcodes();
    resolve_deferred();
    CountResult result;
    if (store_.reads() == 0) {
      core::raise({options_.read2.front().string(), core::Place::none(),
                   fmt::format("none of {} reads with a barcode maps to a gene", summary_.valid_barcodes()),
                   "Check that the index is of the right species and that the reads are RNA"});
    }
    summary_.counted = store_.reads();
    store_.finish(context_.threads, &context_.interrupt);
    result.barcodes = count_molecules(store_, context_.threads, &context_.interrupt, result.molecules);
    result.reads = summary_;
    std::vector<std::uint64_t> totals;
    for (const CellCounts& cell : result.barcodes) totals.push_back(cell.molecules());
    std::optional<std::uint64_t> expected;
    if (options_.expected_cells) expected = static_cast<std::uint64_t>(*options_.expected_cells);
    result.call = call_cells(totals, expected);
    return result;
  }

 private:
  void read_all() {
    std::vector<io::FastqLane> lanes;
    for (std::size_t i = 0; i < options_.read1.size(); ++i) lanes.push_back({{options_.read1[i], options_.read2[i]}});
    io::FastqBatchReader reader(lanes, {}, context_);
    core::ordered_batches<Batch>(
        {.threads = context_.threads, .interrupt = &context_.interrupt, .background = reader.background()},
        [&](Batch& batch) { return reader.next(batch.reads); }, [&](Batch& batch) { work(batch); },
        [&](Batch& batch) { deliver(batch); });
  }

  void work(Batch& batch) const {
    io::parse(batch.reads);
    if (!batch.mapper) batch.mapper = std::make_unique<ReadMapper>(index_, MappingOptions{.sense = chemistry_.sense});
    batch.sequences.clear();
    batch.known.clear();
    batch.deferred.clear();
    batch.candidates.clear();
    batch.listed.clear();
    batch.is_deferred.clear();
    batch.summary = {};
    batch.hints = {};
    for (std::size_t i = 0; i < batch.reads.size(); ++i) call_read(batch, i);
    batch.mappings.resize(batch.sequences.size());
    batch.mapper->map(batch.sequences, batch.mappings);
    std::size_t known = 0, deferred = 0;
    for (std::size_t i = 0; i < batch.mappings.size(); ++i) {
      ++batch.summary.mapping[static_cast<std::size_t>(batch.mappings[i].read_class)];
      (batch.is_deferred[i] ? batch.deferred[deferred++].mapping : batch.known[known++].mapping) = batch.mappings[i];
    }
  }

  void call_read(Batch& batch, std::size_t i) const {
    const io::FastqBlock& first = batch.reads.mates[0];
    const std::string_view bases = first.sequence(i);
    if (bases.size() < chemistry_.read1_length()) refuse_length(first, i);
    BarcodeCall& call = batch.call;
    call_barcode(bases, first.quality(i), chemistry_, whitelist_, call);
    if (call.listed) batch.listed.push_back(call.rank);
    ++batch.summary.reads;
    ++batch.summary.barcodes[static_cast<std::size_t>(call.barcode_class)];
    const std::string_view sequence = batch.reads.mates[1].sequence(i);
    if (!call.listed) look_for_hints(bases, sequence, batch.hints);
    if (call.barcode_class == BarcodeClass::kExact || call.barcode_class == BarcodeClass::kOneMismatch) {
      batch.known.push_back({call.rank, call.umi, {}});
      batch.is_deferred.push_back(false);
    } else if (call.barcode_class == BarcodeClass::kMulti) {
      batch.deferred.push_back({static_cast<std::uint32_t>(batch.candidates.size()),
                                static_cast<std::uint32_t>(call.candidates.size()),
                                call.umi,
                                {}});
      batch.candidates.insert(batch.candidates.end(), call.candidates.begin(), call.candidates.end());
      batch.is_deferred.push_back(true);
    } else {
      return;
    }
    batch.sequences.push_back(sequence);
  }

  [[noreturn]] void refuse_length(const io::FastqBlock& block, std::size_t i) const {
    const std::size_t length = block.sequence(i).size();
    std::string remedy = "Give the file of barcodes as -1";
    for (const Chemistry& other : chemistries()) {
      if (length == other.read1_length())
        remedy = fmt::format("That is the length of {}: use --chemistry {}", other.name, other.name);
    }
    core::raise({block.file(), core::Place::line(block.line(i) + 1),
                 fmt::format("read 1 has {} bases where {} has {} of barcode and {} of UMI", length, chemistry_.name,
                             chemistry_.barcode_length, chemistry_.umi_length),
                 remedy});
  }

  void look_for_hints(std::string_view read1, std::string_view read2, BarcodeHints& hints) const {
    const std::uint32_t length = chemistry_.barcode_length;
    const auto listed = [&](auto base_at) {
      std::uint32_t code = 0;
      for (std::uint32_t i = 0; i < length; ++i) {
        const std::uint32_t digit = base_at(i);
        if (digit > 3) return false;
        code = (code << 2) | digit;
      }
      return whitelist_.find(code).has_value();
    };
    const auto digit = [](char base) { return std::uint32_t{sequence::kBaseCodes[static_cast<unsigned char>(base)]}; };
    if (read2.size() >= length && listed([&](std::uint32_t i) { return digit(read2[i]); })) ++hints.in_read2;
    if (listed([&](std::uint32_t i) {
          const std::uint32_t code = digit(read1[length - 1 - i]);
          return code > 3 ? code : 3 - code;
        })) {
      ++hints.reversed;
    }
  }

  void deliver(Batch& batch) {
    for (const std::uint32_t rank : batch.listed) ++exact_reads_[rank];
    listed_ += batch.listed.size();
    const std::uint64_t before = summary_.reads;
    summary_.reads += batch.summary.reads;
    hints_.in_read2 += batch.hints.in_read2;
    hints_.reversed += batch.hints.reversed;
    for (std::size_t i = 0; i < kBarcodeClasses; ++i) summary_.barcodes[i] += batch.summary.barcodes[i];
    for (std::size_t i = 0; i < kReadClasses; ++i) summary_.mapping[i] += batch.summary.mapping[i];
    for (const KnownRead& read : batch.known) add(read.cell, read.umi, read.mapping);
    const auto shift = static_cast<std::uint32_t>(candidates_.size());
    candidates_.insert(candidates_.end(), batch.candidates.begin(), batch.candidates.end());
    for (DeferredRead read : batch.deferred) {
      read.first_candidate += shift;
      deferred_.push_back(read);
    }
    if (before < kJudgeAfter && summary_.reads >= kJudgeAfter) judge_barcodes();
    context_.progress.update("reads", summary_.reads);
  }

  void add(std::uint32_t cell, std::uint32_t umi, const ReadMapping& mapping) {
    if (mapping.read_class == ReadClass::kGene) store_.add(cell, mapping.gene, umi, mapping.evidence);
  }

  void judge_barcodes() const {
    const std::string file = options_.read1.front().string();
    if (summary_.reads == 0)
      core::raise({file, core::Place::none(), "holds no reads", "Give the FASTQ files of a sequenced library"});
    const auto reads = static_cast<double>(summary_.reads);
    if (static_cast<double>(listed_) >= kLeastListed * reads) return;
    std::string remedy = "Check --chemistry and give the barcode list that belongs to it";
    if (static_cast<double>(hints_.in_read2) > 10 * kLeastListed * reads)
      remedy = "Read 2 does carry barcodes: swap -1 and -2";
    if (static_cast<double>(hints_.reversed) > 10 * kLeastListed * reads)
      remedy = "Their reverse complements are on the list: give the list in the orientation of read 1";
    core::raise({file, core::Place::none(),
                 fmt::format("only {} of the first {} reads carry a barcode of {}", listed_, summary_.reads,
                             options_.whitelist.filename().string()),
                 remedy});
  }

  void resolve_deferred() {
    for (const DeferredRead& read : deferred_) {
      const auto rank =
          resolve_candidates(std::span(candidates_).subspan(read.first_candidate, read.candidates), exact_reads_);
      if (!rank) continue;
      ++summary_.multi_resolved;
      add(*rank, read.umi, read.mapping);
    }
  }

  const CountOptions& options_;
  const Chemistry& chemistry_;
  const ReferenceIndex& index_;
  const Whitelist& whitelist_;
  core::RunContext& context_;
  std::vector<std::uint32_t> exact_reads_;
  std::uint64_t listed_ = 0;
  BarcodeHints hints_;
  std::vector<DeferredRead> deferred_;
  std::vector<BarcodeCandidate> candidates_;
  MoleculeStore store_;
  ReadSummary summary_;
};

}  // namespace

std::uint64_t ReadSummary::valid_barcodes() const {
  return barcodes[static_cast<std::size_t>(BarcodeClass::kExact)] +
         barcodes[static_cast<std::size_t>(BarcodeClass::kOneMismatch)] + multi_resolved;
}

CountResult count_reads(const CountOptions& options, const Chemistry& chemistry, const ReferenceIndex& index,
                        const Whitelist& whitelist, core::RunContext& context) {
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
