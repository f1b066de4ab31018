#include "io/prefetched_source.h"

#include <algorithm>
#include <cstring>

namespace immucan::io {

PrefetchedSource::PrefetchedSource(std::unique_ptr<ByteSource> inner, std::size_t slots, std::size_t slot_size)
    : inner_(std::move(inner)),
      blocks_(dynamic_cast<BgzfSource*>(inner_.get())),
      slot_size_(std::max<std::size_t>(slot_size, 1)),
      chunks_(std::max<std::size_t>(slots, 1)) {}

PrefetchedSource::~PrefetchedSource() = default;

/// Serial part. False at the end of the stream.
bool PrefetchedSource::fetch(Chunk& chunk, bool& inflate_later) {
  ByteSource* plain = inner_.get();
  if (blocks_ != nullptr) {
    if (blocks_->fetch(chunk.group, slot_size_)) {
      chunk.size = chunk.group.text_size;
      if (chunk.text.size() < chunk.size) chunk.text.resize(chunk.size);
      inflate_later = true;
      return true;
    }
    plain = blocks_->tail();
    if (plain == nullptr) return false;
  }
  if (chunk.text.size() < slot_size_) chunk.text.resize(slot_size_);
  chunk.size = plain->read({chunk.text.data(), slot_size_});
  return chunk.size != 0;
}

bool PrefetchedSource::step_locked(std::unique_lock<std::mutex>& lock) {
  if (fetching_ || at_end_ || fetched_ - consumed_ == chunks_.size()) return false;
  Chunk& chunk = chunks_[fetched_ % chunks_.size()];
  fetching_ = true;
  if (chunk.text.empty() && !spare_.empty()) {
    chunk.text = std::move(spare_.back());
    spare_.pop_back();
  }
  lock.unlock();
  bool inflate_later = false;
  bool more = true;
  std::exception_ptr error;
  try {
    more = fetch(chunk, inflate_later);
  } catch (...) {
    error = std::current_exception();
  }
  lock.lock();
  fetching_ = false;
  // After a failure nothing that follows can be trusted: the failed chunk is the last one.
  at_end_ = at_end_ || !more || error != nullptr;
  if (more) {
    chunk.ready = !inflate_later;
    chunk.error = error;
    ++fetched_;
  }
  if (inflate_later && !error) {
    changed_.notify_all();  // the next thread may fetch
    lock.unlock();
    try {
      blocks_->inflate(chunk.group, chunk.text.data());
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    chunk.error = error;
    if (error) at_end_ = true;
  }
  chunk.ready = more;
  changed_.notify_all();
  return true;
}

bool PrefetchedSource::step() {
  std::unique_lock lock(mutex_);
  return step_locked(lock);
}

std::size_t PrefetchedSource::read(std::span<char> buffer) {
  std::size_t filled = 0;
  std::unique_lock lock(mutex_);
  while (filled < buffer.size()) {
    Chunk& chunk = chunks_[consumed_ % chunks_.size()];
    if (consumed_ == fetched_ || !chunk.ready) {
      if (consumed_ == fetched_ && at_end_ && !fetching_) {
        // Other lanes may follow: what this stream needed is given back.
        for (Chunk& spent : chunks_) spent = Chunk();
        spare_.clear();
        break;
      }
      // Helping keeps this thread useful; waiting is for when others hold all that can be done.
      if (!step_locked(lock)) changed_.wait(lock);
      continue;
    }
    if (chunk.error) std::rethrow_exception(chunk.error);
    // The chunk belongs to the reader until consumed_ moves on.
    lock.unlock();
    const std::size_t count = std::min(buffer.size() - filled, chunk.size - chunk_begin_);
    if (count != 0) std::memcpy(buffer.data() + filled, chunk.text.data() + chunk_begin_, count);
    chunk_begin_ += count;
    filled += count;
    lock.lock();
    if (chunk_begin_ == chunk.size) {
      chunk_begin_ = 0;
      chunk.ready = false;
      spare_.push_back(std::move(chunk.text));
      chunk.text.clear();
      ++consumed_;
    }
  }
  position_ += filled;
  return filled;
}

}  // namespace immucan::io
