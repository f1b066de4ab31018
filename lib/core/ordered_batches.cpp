#include "core/ordered_batches.h"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace immucan::core {
namespace {

/// A failing batch fails the whole in its turn: what was produced before it is delivered first, so that the error is
/// the same for any number of threads. A failing delivery and an interrupt stop everything at once. A slot goes round:
/// produced → (worked on) → done → delivered → free. The slot freed last is taken first: where workers keep up, few of
/// them are ever used, and those stay in the cache. All state is under one mutex; a batch is about 1 MB, so the mutex
/// costs well under a per cent of the work between two visits.
class Scheduler {
 public:
  Scheduler(std::size_t slots, const detail::BatchCallbacks& callbacks, const InterruptSource* interrupt,
            std::span<BackgroundStep* const> background)
      : slots_(slots),
        slot_of_(slots),
        done_(slots, false),
        failures_(slots),
        callbacks_(callbacks),
        interrupt_(interrupt),
        background_(background) {
    for (std::size_t slot = slots; slot-- > 0;) free_.push_back(slot);
  }

  void run(unsigned threads) {
    {
      std::vector<std::jthread> helpers;
      try {
        for (unsigned i = 1; i < threads; ++i) helpers.emplace_back([this] { thread_body(); });
      } catch (...) {
        fail(std::current_exception());
      }
      thread_body();
    }
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  enum class Action { kDeliver, kProduce, kStop, kNothing };

  void thread_body() {
    try {
      loop();
    } catch (...) {
      fail(std::current_exception());
    }
  }

  void loop() {
    std::unique_lock lock(mutex_);
    for (;;) {
      switch (choose()) {
        case Action::kStop:
          return;
        case Action::kDeliver:
          deliver(lock);
          break;
        case Action::kProduce:
          produce_and_work(lock);
          break;
        case Action::kNothing:
          if (!background_step(lock)) changed_.wait(lock);
      }
    }
  }

  /// Delivering first keeps memory low.
  Action choose() const {
    if (failure_ || (at_end_ && delivered_ == produced_)) return Action::kStop;
    if (!delivering_ && delivered_ < produced_ && done_[slot_of(delivered_)]) return Action::kDeliver;
    if (!producing_ && !at_end_ && produced_ - delivered_ < slots_) return Action::kProduce;
    return Action::kNothing;
  }

  void deliver(std::unique_lock<std::mutex>& lock) {
    delivering_ = true;
    const std::size_t slot = slot_of(delivered_);
    const std::exception_ptr failure = failures_[slot];
    lock.unlock();
    if (failure) std::rethrow_exception(failure);
    callbacks_.deliver(slot);
    lock.lock();
    done_[slot] = false;
    free_.push_back(slot);
    ++delivered_;
    delivering_ = false;
    changed_.notify_all();
  }

  /// Who produced a batch works on it, while it is in that core's cache; another thread produces the next one
  /// meanwhile.
  void produce_and_work(std::unique_lock<std::mutex>& lock) {
    producing_ = true;
    const std::size_t slot = free_.back();  // there is one: fewer are produced and not delivered
    free_.pop_back();
    lock.unlock();
    if (interrupt_ != nullptr) interrupt_->check();
    bool more = false;
    std::exception_ptr failure = failure_of([&] { more = callbacks_.produce(slot); });
    lock.lock();
    producing_ = false;
    if (!more) at_end_ = true;
    if (more || failure) slot_of_[produced_++ % slots_] = slot;
    changed_.notify_all();
    if (more) {
      lock.unlock();
      failure = failure_of([&] { callbacks_.work(slot); });
      lock.lock();
    } else if (!failure) {
      return;
    }
    failures_[slot] = failure;
    done_[slot] = true;
    changed_.notify_all();
  }

  static std::exception_ptr failure_of(const auto& step) {
    try {
      step();
      return nullptr;
    } catch (...) {
      return std::current_exception();
    }
  }

  bool background_step(std::unique_lock<std::mutex>& lock) {
    if (background_.empty() || at_end_) return false;
    const std::uint64_t before = produced_ + delivered_;
    lock.unlock();
    bool stepped = false;
    for (BackgroundStep* const step : background_) stepped = step->step() || stepped;
    lock.lock();
    // Something may have changed while unlocked, its notification missed: look again before waiting.
    return stepped || before != produced_ + delivered_ || failure_ || at_end_;
  }

  [[nodiscard]] std::size_t slot_of(std::uint64_t batch) const { return slot_of_[batch % slots_]; }

  void fail(std::exception_ptr error) {
    const std::scoped_lock lock(mutex_);
    if (!failure_) failure_ = std::move(error);
    changed_.notify_all();
  }

  const std::size_t slots_;
  std::vector<std::size_t> slot_of_;  ///< of the batches that are produced and not delivered, going round
  std::vector<std::size_t> free_;
  std::vector<bool> done_;
  std::vector<std::exception_ptr> failures_;  ///< of a slot that is done
  const detail::BatchCallbacks& callbacks_;
  const InterruptSource* const interrupt_;
  const std::span<BackgroundStep* const> background_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::exception_ptr failure_;
  std::uint64_t produced_ = 0, delivered_ = 0;
  bool producing_ = false, delivering_ = false, at_end_ = false;
};

}  // namespace

namespace detail {

void run_ordered_batches(unsigned threads, std::size_t slots, const BatchCallbacks& callbacks,
                         const InterruptSource* interrupt, std::span<BackgroundStep* const> background) {
  if (threads <= 1) {
    for (;;) {
      if (interrupt != nullptr) interrupt->check();
      if (!callbacks.produce(0)) return;
      callbacks.work(0);
      callbacks.deliver(0);
    }
  }
  Scheduler(slots, callbacks, interrupt, background).run(threads);
}

}  // namespace detail

void parallel_for(unsigned threads, std::size_t count, const std::function<void(std::size_t)>& work,
                  const InterruptSource* interrupt) {
  if (threads <= 1 || count <= 1) {
    for (std::size_t i = 0; i < count; ++i) {
      if (interrupt != nullptr) interrupt->check();
      work(i);
    }
    return;
  }
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto body = [&] {
    try {
      for (std::size_t i = next++; i < count; i = next++) {
        if (interrupt != nullptr) interrupt->check();
        work(i);
      }
    } catch (...) {
      const std::scoped_lock lock(mutex);
      if (!failure) failure = std::current_exception();
      next = count;
    }
  };
  {
    std::vector<std::jthread> helpers;
    const std::size_t wanted = std::min<std::size_t>(threads, count) - 1;
    for (std::size_t i = 0; i < wanted; ++i) helpers.emplace_back(body);
    body();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace immucan::core
