#pragma once
// Reading ahead without threads of its own: whoever has nothing better to do calls step(). A gzip or zstd stream is
// advanced by one thread at a time; BGZF blocks are taken serially and inflated by several threads. What read() returns
// is the same for any number of threads.
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <vector>

#include "core/ordered_batches.h"
#include "io/bgzf_source.h"
#include "io/byte_source.h"

namespace immucan::io {

/// Wraps a source; memory is bounded by slots × slot_size of text (and the stored blocks of as many BGZF groups).
class PrefetchedSource final : public ByteSource, public core::BackgroundStep {
 public:
  explicit PrefetchedSource(std::unique_ptr<ByteSource> inner, std::size_t slots = 4,
                            std::size_t slot_size = std::size_t{1} << 20);
  ~PrefetchedSource() override;

  /// As ByteSource::read; fills chunks itself when nobody has stepped ahead. An error met ahead is thrown here, in its
  /// place.
  std::size_t read(std::span<char> buffer) override;
  /// Fills one chunk. False when all chunks are full or taken, or the stream has ended. Thread-safe.
  bool step() override;

  [[nodiscard]] Compression compression() const override { return inner_->compression(); }
  [[nodiscard]] const std::string& name() const override { return inner_->name(); }
  [[nodiscard]] std::uint64_t position() const override { return position_; }

 private:
  struct Chunk {
    BgzfGroup group;
    std::vector<char> text;
    std::size_t size = 0;
    bool ready = false;
    std::exception_ptr error;
  };
  bool step_locked(std::unique_lock<std::mutex>& lock);
  bool fetch(Chunk& chunk, bool& inflate_later);
  const std::unique_ptr<ByteSource> inner_;
  BgzfSource* const blocks_;  // inner_ when it is BGZF
  const std::size_t slot_size_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Chunk> chunks_;
  std::vector<std::vector<char>> spare_;  // texts not in use, the one freed last to be taken first: it is in the cache
  std::uint64_t fetched_ = 0, consumed_ = 0;  // chunks, in order; at most chunks_.size() apart
  bool fetching_ = false, at_end_ = false;

  std::size_t chunk_begin_ = 0;  // within the chunk being consumed; the reader's only
  std::uint64_t position_ = 0;
};

}  // namespace immucan::io
