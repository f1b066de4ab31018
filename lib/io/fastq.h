#pragma once
// FASTQ (and, where the caller allows it, FASTA) as batches of about 1 MB of whole records, for core::ordered_batches:
//
//   io::FastqBatchReader reader(lanes, options, context);
//   core::ordered_batches<MyBatch>(
//       {.threads = context.threads, .interrupt = &context.interrupt, .background = reader.background()},
//       [&](MyBatch& batch) { return reader.next(batch.reads); },         // serial
//       [&](MyBatch& batch) { io::parse(batch.reads); … },                // concurrent: checks, then views
//       [&](MyBatch& batch) { … });                                       // serial, in order
//
// next() only finds where records end, so that the files of a lane keep step; everything else is parse()'s. A record is
// four lines; sequences and qualities wrapped over several lines are joined in place on a slow path of their own.
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/ordered_batches.h"
#include "core/run_context.h"
#include "io/byte_source.h"

namespace immucan::io {

/// One file's records of a batch. Views point into the block and live until the batch is filled again.
class FastqBlock {
 public:
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Title line up to the first blank or tab, without '@' or '>'.
  [[nodiscard]] std::string_view name(std::size_t record) const;
  /// The whole title line without '@' or '>'.
  [[nodiscard]] std::string_view title(std::size_t record) const {
    return {text_.data() + starts_[record] + 1, title_sizes_[record]};
  }
  /// As in the file: letters of either case, '.', '-', '*'. May be empty.
  [[nodiscard]] std::string_view sequence(std::size_t record) const {
    return {text_.data() + sequences_[record], lengths_[record]};
  }
  /// As long as the sequence, characters '!' to '~'; empty for FASTA.
  [[nodiscard]] std::string_view quality(std::size_t record) const {
    return fasta_ ? std::string_view{} : std::string_view{text_.data() + qualities_[record], lengths_[record]};
  }
  [[nodiscard]] bool is_fasta() const { return fasta_; }
  [[nodiscard]] const std::string& file() const { return file_; }
  /// Line of the title of a record, 1-based.
  [[nodiscard]] std::uint64_t line(std::size_t record) const;
  /// Drops what comes after.
  void keep_first(std::size_t records) { size_ = records < size_ ? records : size_; }

 private:
  friend class FastqCutter;
  friend void parse_block(const FastqBlock& block);
  void append(std::size_t start, std::size_t title_size, std::size_t sequence, std::size_t length, std::size_t quality);
  std::string text_;
  std::size_t text_size_ = 0;  // bytes of text_ in use
  // Offsets into text_, one entry per record (the vectors keep the size of the largest batch). After the slow path a
  // record lies there as if it had four lines.
  std::size_t size_ = 0;
  std::vector<std::uint32_t> starts_, title_sizes_, sequences_, lengths_, qualities_;
  struct Wrapped {
    std::uint32_t record;
    std::int32_t extra_lines;  ///< beyond four
  };
  std::vector<Wrapped> wrapped_;
  std::uint64_t first_line_ = 1;
  bool fasta_ = false;
  std::string file_;
};

/// The same records of every file of a lane.
struct FastqBatch {
  std::vector<FastqBlock> mates;  ///< [0] = R1, [1] = R2 … in the order of FastqLane::files
  std::size_t lane = 0;
  std::uint64_t first_record = 0;  ///< 0-based over all lanes
  bool check_mate_names = true;
  [[nodiscard]] std::size_t size() const { return mates.empty() ? 0 : mates[0].size(); }
};

/// Files that hold the same reads in the same order: R1, or R1 and R2, or with index reads.
struct FastqLane {
  std::vector<std::filesystem::path> files;
};

struct FastqOptions {
  std::size_t batch_bytes = std::size_t{1} << 20;  ///< of text of the first file, about
  bool allow_fasta = false;
  bool check_mate_names = true;  ///< names of mates must agree ("/1" and "/2" apart)
};

/// Lanes one after the other. Serial (the produce callback).
class FastqBatchReader {
 public:
  /// Opens every file, so that a missing one is noticed at once (66). All lanes have the same number of files (64).
  FastqBatchReader(const std::vector<FastqLane>& lanes, const FastqOptions& options, core::RunContext& context);
  /// From open sources (tests, fuzzing): [lane][file].
  FastqBatchReader(std::vector<std::vector<std::unique_ptr<ByteSource>>> lanes, const FastqOptions& options);
  ~FastqBatchReader();

  /// False when every lane is at its end. 65 on what is no FASTQ, a cut-off record, or files of unequal numbers of
  /// records (names file and record).
  bool next(FastqBatch& batch);
  /// Reading ahead by idle threads; empty with one thread. Valid as long as the reader.
  [[nodiscard]] std::span<core::BackgroundStep* const> background() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Checks every record of a batch (characters, the name repeated on the '+' line, names of mates). 65 with file and
/// line.
void parse(const FastqBatch& batch);

}  // namespace immucan::io
