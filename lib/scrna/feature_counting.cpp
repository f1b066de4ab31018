#include "scrna/feature_counting.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/ordered_batches.h"
#include "io/fastq.h"
#include "scrna/chemistry_detection.h"

namespace immucan::scrna {

namespace {

constexpr double kLeastListed = 0.01;
constexpr std::size_t kTranslatedLength = 16;

struct WaitingRead {
  std::size_t first_candidate = 0, candidates = 0;
  std::uint32_t feature = 0, umi = 0;
};

struct Batch {
  io::FastqBatch reads;
  CutRead cut;
  BarcodeCall call;
  std::array<char, kTranslatedLength> translated{};
  std::vector<MoleculeReads> known;
  std::vector<WaitingRead> waiting;
  std::vector<BarcodeCandidate> candidates;
  std::vector<std::uint32_t> listed;
  MoleculeStore::Scratch scratch;
  FeatureReadSummary summary;
};

bool can_translate(const Whitelist& whitelist, const Geometry& geometry) {
  return whitelist.parts().size() == 1 && geometry.part_lengths().size() == 1 &&
         geometry.barcode_length() == kTranslatedLength;
}

/// Turns the barcode of `cut` into its twin; `buffer` holds it.
void translate(CutRead& cut, std::array<char, kTranslatedLength>& buffer) {
  const std::string twin = translated_barcode(cut.barcode[0]);
  std::ranges::copy(twin, buffer.begin());
  cut.barcode[0] = {buffer.data(), twin.size()};
}

class FeatureCounter {
 public:
  FeatureCounter(const FeatureOptions& options, const std::vector<FeatureBarcode>& features, const Chemistry& chemistry,
                 const Whitelist& whitelist, core::RunContext& context)
      : options_(options),
        chemistry_(chemistry),
        whitelist_(whitelist),
        context_(context),
        matcher_(features),
        exact_reads_(whitelist.size(), 0) {}

  void decide_translation(const CountResult& expression) {
    if (!can_translate(whitelist_, chemistry_.geometry)) return;
    if (options_.translation != "auto") {
      summary_.translated = options_.translation == "on";
      return;
    }
    const FirstReads first = read_first(options_.read1, options_.read2, context_);
    std::vector<bool> cells(whitelist_.size(), false);
    for (const std::size_t i : expression.call.cells) cells[expression.barcodes[i].cell] = true;
    Batch batch;
    const auto in_cell = [&] {
      call_barcode(batch.cut, whitelist_, batch.call);
      return batch.call.listed && cells[batch.call.rank];
    };
    for (std::size_t i = 0; i < first.size(); ++i) {
      if (chemistry_.geometry.cut(first.read1[i], first.quality1[i], first.read2[i], first.quality2[i], batch.cut) !=
          CutOutcome::kWhole) {
        continue;
      }
      summary_.in_cells += in_cell() ? 1 : 0;
      translate(batch.cut, batch.translated);
      summary_.in_cells_translated += in_cell() ? 1 : 0;
    }
    summary_.translated = summary_.in_cells_translated >= 10 && summary_.in_cells_translated >= 2 * summary_.in_cells;
  }

  FeatureCounts run(const CountingRules& rules) {
    std::vector<io::FastqLane> lanes;
    for (std::size_t i = 0; i < options_.read1.size(); ++i) lanes.push_back({{options_.read1[i], options_.read2[i]}});
    io::FastqBatchReader reader(lanes, {}, context_);
    core::ordered_batches<Batch>(
        {.threads = context_.threads, .interrupt = &context_.interrupt, .background = reader.background()},
        [&](Batch& batch) { return reader.next(batch.reads); }, [&](Batch& batch) { work(batch); },
        [&](Batch& batch) { deliver(batch); });
    judge();
    resolve();
    FeatureCounts counts;
    counts.reads = summary_;
    counts.barcodes =
        count_molecules(store_, rules, GeneSets(), context_.threads, &context_.interrupt, counts.molecules);
    return counts;
  }

 private:
  void work(Batch& batch) {
    io::parse(batch.reads);
    batch.known.clear();
    batch.waiting.clear();
    batch.candidates.clear();
    batch.listed.clear();
    batch.summary = {};
    for (std::size_t i = 0; i < batch.reads.size(); ++i) work_on_read(batch, i);
    store_.add(batch.known, batch.scratch);
  }

  void work_on_read(Batch& batch, std::size_t i) const {
    const io::FastqBlock &first = batch.reads.mates[0], &second = batch.reads.mates[1];
    const CutOutcome outcome =
        chemistry_.geometry.cut(first.sequence(i), first.quality(i), second.sequence(i), second.quality(i), batch.cut);
    if (outcome == CutOutcome::kTooShort) refuse_length(batch.reads, i, chemistry_);
    ++batch.summary.reads;
    if (outcome == CutOutcome::kNoFixed) {
      ++batch.summary.barcodes[static_cast<std::size_t>(BarcodeClass::kNoLinker)];
      return;
    }
    if (summary_.translated) translate(batch.cut, batch.translated);
    BarcodeCall& call = batch.call;
    call_barcode(batch.cut, whitelist_, call);
    if (call.listed) batch.listed.push_back(call.rank);
    ++batch.summary.barcodes[static_cast<std::size_t>(call.barcode_class)];
    const bool known = call.barcode_class == BarcodeClass::kExact || call.barcode_class == BarcodeClass::kOneMismatch;
    if (!known && call.barcode_class != BarcodeClass::kMulti) return;
    const FeatureMatch match = matcher_.match(first.sequence(i), second.sequence(i));
    ++batch.summary.features[static_cast<std::size_t>(match.feature_class)];
    const bool counts =
        match.feature_class == FeatureClass::kExact || match.feature_class == FeatureClass::kOneMismatch;
    if (known && counts) {
      batch.known.push_back({call.rank, match.feature, call.umi, MoleculeReads::kOneRead});
    } else if (!known) {
      batch.waiting.push_back(
          {batch.candidates.size(), call.candidates.size(), counts ? match.feature : kNoFeature, call.umi});
      batch.candidates.insert(batch.candidates.end(), call.candidates.begin(), call.candidates.end());
    }
  }

  void deliver(Batch& batch) {
    for (const std::uint32_t rank : batch.listed) ++exact_reads_[rank];
    listed_ += batch.listed.size();
    summary_.reads += batch.summary.reads;
    for (std::size_t i = 0; i < kBarcodeClasses; ++i) summary_.barcodes[i] += batch.summary.barcodes[i];
    for (std::size_t i = 0; i < kFeatureClasses; ++i) summary_.features[i] += batch.summary.features[i];
    for (WaitingRead read : batch.waiting) {
      read.first_candidate += candidates_.size();
      waiting_.push_back(read);
    }
    candidates_.insert(candidates_.end(), batch.candidates.begin(), batch.candidates.end());
    context_.progress.update("feature reads", summary_.reads);
  }

  void judge() const {
    const std::string file = options_.read1.front().string();
    if (summary_.reads == 0)
      core::raise({file, core::Place::none(), "holds no reads", "Give the FASTQ files of the feature library"});
    if (static_cast<double>(listed_) < kLeastListed * static_cast<double>(summary_.reads)) {
      core::raise(
          {file, core::Place::none(),
           fmt::format("only {} of {} feature reads carry a barcode of {}", listed_, summary_.reads, whitelist_.name()),
           "Check the order of --feature-1 and --feature-2; features share the chemistry of the RNA"});
    }
    if (summary_.features[0] + summary_.features[1] == 0) {
      core::raise({options_.read2.front().string(), core::Place::none(),
                   fmt::format("none of {} feature reads with a barcode holds a feature", listed_),
                   "Check patterns and sequences of the feature reference"});
    }
  }

  void resolve() {
    std::vector<MoleculeReads> resolved;
    for (const WaitingRead& read : waiting_) {
      const auto rank =
          resolve_candidates(std::span(candidates_).subspan(read.first_candidate, read.candidates), exact_reads_);
      if (!rank) continue;
      ++summary_.multi_resolved;
      if (read.feature != kNoFeature) resolved.push_back({*rank, read.feature, read.umi, MoleculeReads::kOneRead});
    }
    MoleculeStore::Scratch scratch;
    store_.add(resolved, scratch);
  }

  static constexpr std::uint32_t kNoFeature = 0xffffffff;
  const FeatureOptions& options_;
  const Chemistry& chemistry_;
  const Whitelist& whitelist_;
  core::RunContext& context_;
  FeatureMatcher matcher_;
  std::vector<std::uint32_t> exact_reads_;
  std::uint64_t listed_ = 0;
  std::vector<WaitingRead> waiting_;
  std::vector<BarcodeCandidate> candidates_;
  MoleculeStore store_;
  FeatureReadSummary summary_;
};

/// `cells` with an empty one for every rank of `ranks` (ascending, all of theirs among them) that they lack.
std::vector<CellCounts> spread(std::vector<CellCounts> cells, const std::vector<std::uint32_t>& ranks) {
  std::vector<CellCounts> out(ranks.size());
  std::size_t next = 0;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    if (next < cells.size() && cells[next].cell == ranks[i]) {
      out[i] = std::move(cells[next++]);
    } else {
      out[i].cell = ranks[i];
    }
  }
  return out;
}

}  // namespace

std::string translated_barcode(std::string_view barcode) {
  std::string out(barcode);
  for (const std::size_t at : {std::size_t{7}, std::size_t{8}}) {
    const std::uint8_t code = sequence::kBaseCodes[static_cast<unsigned char>(out[at])];
    if (code < 4) out[at] = "TGCA"[code];
  }
  return out;
}

FeatureCounts count_features(const FeatureOptions& options, const std::vector<FeatureBarcode>& features,
                             const Chemistry& chemistry, const Whitelist& whitelist, const CountResult& expression,
                             const CountingRules& rules, core::RunContext& context) {
  FeatureCounter counter(options, features, chemistry, whitelist, context);
  counter.decide_translation(expression);
  CountingRules own = rules;
  own.expectation_maximisation = false;  // a read has one feature
  FeatureCounts counts = counter.run(own);
  counts.features = features;
  return counts;
}

void join_barcodes(CountResult& expression, FeatureCounts& features) {
  std::vector<std::uint32_t> ranks;
  for (const CellCounts& cell : expression.barcodes) ranks.push_back(cell.cell);
  for (const CellCounts& cell : features.barcodes) ranks.push_back(cell.cell);
  std::ranges::sort(ranks);
  ranks.erase(std::ranges::unique(ranks).begin(), ranks.end());
  for (std::size_t& cell : expression.call.cells) {
    const std::uint32_t rank = expression.barcodes[cell].cell;
    cell = static_cast<std::size_t>(std::ranges::lower_bound(ranks, rank) - ranks.begin());
  }
  expression.barcodes = spread(std::move(expression.barcodes), ranks);
  features.barcodes = spread(std::move(features.barcodes), ranks);
}

}  // namespace immucan::scrna
