#pragma once
// Finds where the records of one FASTQ or FASTA file end. Used by FastqBatchReader only.
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>

#include "io/byte_source.h"
#include "io/fastq.h"

namespace immucan::io {

class FastqCutter {
 public:
  FastqCutter(std::unique_ptr<ByteSource> source, bool allow_fasta);

  static constexpr std::size_t kAllRecords = std::numeric_limits<std::size_t>::max();
  /// Refills `block` with whole records: as many as lie in about `bytes` of text (one at least), or exactly `records`
  /// unless the file ends before. An empty block means the end.
  void cut(FastqBlock& block, std::size_t bytes, std::size_t records = kAllRecords);
  [[nodiscard]] const std::string& name() const { return source_->name(); }
  [[nodiscard]] ByteSource& source() { return *source_; }

 private:
  enum class Found { kRecord, kIncomplete, kEnd };
  void read_more(FastqBlock& block, std::size_t wanted);
  void detect(const FastqBlock& block);
  void cut_four_lines(FastqBlock& block, std::size_t records);
  Found cut_slowly(FastqBlock& block);
  Found cut_wrapped_fastq(FastqBlock& block);
  Found cut_fasta(FastqBlock& block);
  [[noreturn]] void fail(std::uint64_t line, std::string what, std::string remedy) const;

  std::unique_ptr<ByteSource> source_;
  bool allow_fasta_;
  bool detected_ = false, fasta_ = false;
  bool at_end_ = false;     // of the source; text may be left in the block or carried
  std::string carry_;       // begins with the next record
  std::size_t cursor_ = 0;  // within the block being filled: its next record
  std::uint64_t line_ = 1;  // of the cursor
  double bytes_per_record_ = 0;
};

}  // namespace immucan::io
