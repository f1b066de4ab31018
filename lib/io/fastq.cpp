#include "io/fastq.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>

#include "core/error.h"
#include "core/text.h"
#include "io/fastq_cutter.h"
#include "io/prefetched_source.h"

namespace immucan::io {

namespace {

using Bytes16 = unsigned char __attribute__((vector_size(16)));

/// True when every byte lies in [low, low + width], after setting the bits of `fold`. Sixteen at a time, the last ones
/// overlapping.
bool all_within(std::string_view text, unsigned char fold, unsigned char low, unsigned char width) {
  if (text.size() < sizeof(Bytes16)) {
    return std::ranges::all_of(text, [=](char c) {
      return static_cast<unsigned char>((static_cast<unsigned char>(c) | fold) - low) <= width;
    });
  }
  Bytes16 outside{};
  const auto look = [&](const char* at) {
    Bytes16 bytes;
    std::memcpy(&bytes, at, sizeof bytes);
    outside |= reinterpret_cast<Bytes16>((bytes | fold) - low > width);
  };
  const char* const last = text.data() + text.size() - sizeof(Bytes16);
  for (const char* at = text.data(); at < last; at += sizeof(Bytes16)) look(at);
  look(last);
  std::uint64_t halves[2];
  std::memcpy(halves, &outside, sizeof halves);
  return (halves[0] | halves[1]) == 0;
}

bool is_letter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

[[noreturn]] void fail(const FastqBlock& block, std::uint64_t line, std::string what, std::string remedy) {
  core::raise(core::ParseError{block.file(), core::Place::line(line), std::move(what), std::move(remedy)});
}

void check_sequence(const FastqBlock& block, std::size_t record) {
  const std::string_view bases = block.sequence(record);
  if (all_within(bases, 0x20, 'a', 25)) return;
  const auto odd =
      std::ranges::find_if_not(bases, [](char c) { return is_letter(c) || c == '.' || c == '-' || c == '*'; });
  if (odd == bases.end()) return;
  fail(block, block.line(record) + 1,
       fmt::format("'{}' in the sequence of {}", core::printable({&*odd, 1}), core::printable(block.name(record))),
       "Sequences are letters, '.', '-' or '*'");
}

void check_quality(const FastqBlock& block, std::size_t record) {
  const std::string_view quality = block.quality(record);
  if (all_within(quality, 0, '!', '~' - '!')) return;
  const auto odd = std::ranges::find_if(quality, [](char c) { return c < '!' || c > '~'; });
  const std::uint64_t line = block.line(record) + 3;
  if (*odd == '\n') {
    fail(block, line, fmt::format("{} qualities for {} bases", odd - quality.begin(), quality.size()),
         "Every base has one quality");
  }
  fail(block, line,
       fmt::format("'{}' in the qualities of {}", core::printable({&*odd, 1}), core::printable(block.name(record))),
       "Qualities are characters from '!' to '~'");
}

/// End of the name in a title: a blank, a tab or the end.
bool ends_name(std::string_view title, std::size_t at) {
  return at >= title.size() || title[at] == ' ' || title[at] == '\t';
}

/// Whether the name up to `at` is ACCESSION.SPOT., as the archives name reads: SRR1.7.1 and SRR1.7.2 are mates, SRR1.1
/// and SRR1.2 are two reads.
bool is_spot(std::string_view name) {
  if (!name.ends_with('.')) return false;
  name.remove_suffix(1);
  const std::size_t dot = name.rfind('.');
  return dot != std::string_view::npos && dot > 0 && dot + 1 < name.size() &&
         std::ranges::all_of(name.substr(dot + 1), [](char c) { return c >= '0' && c <= '9'; });
}

/// Names up to the first blank agree, "/1" and "/2" (any digit) apart, or the last of ".7.1" and ".7.2".
bool same_read(std::string_view a, std::string_view b) {
  const auto differing = std::ranges::mismatch(a, b);
  const auto at = static_cast<std::size_t>(differing.in1 - a.begin());
  if (a.substr(0, at).find_first_of(" \t") != std::string_view::npos) return true;
  if (ends_name(a, at) && ends_name(b, at)) return true;
  const auto digit = [at](std::string_view title) { return at < title.size() && title[at] >= '0' && title[at] <= '9'; };
  return at > 0 && (a[at - 1] == '/' || is_spot(a.substr(0, at))) && digit(a) && digit(b) && ends_name(a, at + 1) &&
         ends_name(b, at + 1);
}

void check_mates(const FastqBlock& first, const FastqBlock& other) {
  for (std::size_t record = 0; record < first.size(); ++record) {
    if (same_read(first.title(record), other.title(record))) continue;
    fail(other, other.line(record),
         fmt::format("read {} stands beside {} of {} (line {})", core::printable(other.name(record)),
                     core::printable(first.name(record)), first.file(), first.line(record)),
         "The files of a pair must hold the same reads in the same order");
  }
}

}  // namespace

std::string_view FastqBlock::name(std::size_t record) const {
  const std::string_view whole = title(record);
  return whole.substr(0, whole.find_first_of(" \t"));
}

std::uint64_t FastqBlock::line(std::size_t record) const {
  std::int64_t line = static_cast<std::int64_t>(first_line_ + 4 * record);
  for (const Wrapped& wrapped : wrapped_) {
    if (wrapped.record >= record) break;
    line += wrapped.extra_lines;
  }
  return static_cast<std::uint64_t>(line);
}

void parse_block(const FastqBlock& block) {
  for (std::size_t record = 0; record < block.size(); ++record) {
    check_sequence(block, record);
    if (block.fasta_) continue;
    check_quality(block, record);
    // The '+' line lies between sequence and quality; the slow path has already emptied it.
    const char* plus = block.text_.data() + block.sequences_[record] + block.lengths_[record];
    if (*plus == '\r') ++plus;
    plus += 2;
    const char* plus_end = block.text_.data() + block.qualities_[record] - 1;
    if (plus_end > plus && plus_end[-1] == '\r') --plus_end;
    const std::string_view repeated(plus, static_cast<std::size_t>(plus_end - plus));
    if (!repeated.empty() && repeated != block.title(record)) {
      fail(block, block.line(record) + 2,
           fmt::format("the name on the '+' line, '{}', is not the title '{}'", core::printable(repeated),
                       core::printable(block.title(record))),
           "The '+' line is empty or repeats the title");
    }
  }
}

void parse(const FastqBatch& batch) {
  for (const FastqBlock& block : batch.mates) parse_block(block);
  if (!batch.check_mate_names) return;
  for (std::size_t mate = 1; mate < batch.mates.size(); ++mate) check_mates(batch.mates[0], batch.mates[mate]);
}

struct FastqBatchReader::State final : core::BackgroundStep {
  FastqOptions options;
  std::vector<std::vector<FastqCutter>> lanes;
  std::vector<std::vector<PrefetchedSource*>> ahead;  // [lane][file], those that read ahead
  std::atomic<std::size_t> lane = 0;
  std::uint64_t records = 0, lane_records = 0;
  core::BackgroundStep* self[1] = {this};
  std::exception_ptr failure;  ///< of the file, to be told once the records before it have been looked at

  bool step() override {
    const std::size_t current = lane.load();
    if (current >= ahead.size()) return false;
    bool stepped = false;
    for (PrefetchedSource* source : ahead[current]) stepped = source->step() || stepped;
    return stepped;
  }

  /// A record that is broken ends the batch; the ones before it may be broken in ways that only parsing sees.
  void cut(FastqCutter& file, FastqBlock& block, std::size_t bytes, std::size_t records) {
    try {
      file.cut(block, bytes, records);
    } catch (const core::Error&) {
      if (!failure) failure = std::current_exception();
    }
  }

  void add_lane(std::vector<std::unique_ptr<ByteSource>> sources) {
    if (sources.empty()) core::raise_usage("a lane of reads has no file");
    if (!lanes.empty() && sources.size() != lanes[0].size()) {
      core::raise_usage("every lane must have the same number of read files");
    }
    lanes.emplace_back();
    for (auto& source : sources) lanes.back().emplace_back(std::move(source), options.allow_fasta);
  }

  [[noreturn]] void fail_unequal(const FastqCutter& shorter, const FastqCutter& longer, std::uint64_t count) const {
    core::raise(core::ParseError{shorter.name(), core::Place::record(count),
                                 fmt::format("the file ends after this record, but {} has more", longer.name()),
                                 "The files of a pair must hold the same reads: copy or make the shorter one again"});
  }
};

FastqBatchReader::FastqBatchReader(const std::vector<FastqLane>& lanes, const FastqOptions& options,
                                   core::RunContext& context)
    : state_(std::make_unique<State>()) {
  state_->options = options;
  for (const FastqLane& lane : lanes) {
    std::vector<std::unique_ptr<ByteSource>> sources;
    auto& ahead = state_->ahead.emplace_back();
    for (const auto& file : lane.files) {
      auto source = open_source(file, context);
      if (context.threads > 1 && source->compression() != Compression::kPlain) {
        auto wrapped = std::make_unique<PrefetchedSource>(std::move(source));
        ahead.push_back(wrapped.get());
        source = std::move(wrapped);
      }
      sources.push_back(std::move(source));
    }
    state_->add_lane(std::move(sources));
  }
}

FastqBatchReader::FastqBatchReader(std::vector<std::vector<std::unique_ptr<ByteSource>>> lanes,
                                   const FastqOptions& options)
    : state_(std::make_unique<State>()) {
  state_->options = options;
  for (auto& lane : lanes) state_->add_lane(std::move(lane));
}

FastqBatchReader::~FastqBatchReader() = default;

bool FastqBatchReader::next(FastqBatch& batch) {
  State& s = *state_;
  if (s.failure) std::rethrow_exception(s.failure);
  for (; s.lane < s.lanes.size(); ++s.lane, s.lane_records = 0) {
    auto& files = s.lanes[s.lane];
    batch.mates.resize(files.size());
    s.cut(files[0], batch.mates[0], s.options.batch_bytes, FastqCutter::kAllRecords);
    std::size_t count = batch.mates[0].size();
    for (std::size_t mate = 1; mate < files.size(); ++mate) {
      // At the end of the first file one record is asked for, to see that there is none.
      s.cut(files[mate], batch.mates[mate], 0, std::max<std::size_t>(count, 1));
      const std::size_t here = batch.mates[mate].size();
      if (s.failure) {
        count = std::min(count, here);
        continue;
      }
      if (here < count) s.fail_unequal(files[mate], files[0], s.lane_records + here);
      if (here > count) s.fail_unequal(files[0], files[mate], s.lane_records);
    }
    if (s.failure) {
      if (count == 0) std::rethrow_exception(s.failure);
      for (FastqBlock& block : batch.mates) block.keep_first(count);
    }
    if (count == 0) continue;
    batch.lane = s.lane;
    batch.first_record = s.records;
    batch.check_mate_names = s.options.check_mate_names;
    s.records += count;
    s.lane_records += count;
    return true;
  }
  return false;
}

std::span<core::BackgroundStep* const> FastqBatchReader::background() const {
  const bool any = std::ranges::any_of(state_->ahead, [](const auto& lane) { return !lane.empty(); });
  return any ? std::span<core::BackgroundStep* const>(state_->self) : std::span<core::BackgroundStep* const>();
}

}  // namespace immucan::io
