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
/// the same for any number of threads. A failing delivery and an interrupt stop everything at once. Slots go round:
/// produced → (worked on) → done → delivered → free. All state is under one mutex; a batch is about 1 MB, so the mutex
/// costs well under a per cent of the work between two visits.
class Scheduler {
 public:
  Scheduler(std::size_t slots, const detail::BatchCallbacks& callbacks, const InterruptSource* interrupt,
            std::span<BackgroundStep* const> background)
      : slots_(slots),
        done_(slots, false),
        failures_(slots),
        callbacks_(callbacks),
        interrupt_(interrupt),
        background_(background) {}

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
  enum class Action { kDeliver, kProduce, kWork, kStop, kNothing };

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
          produce(lock);
          break;
        case Action::kWork:
          work(lock);
          break;
        case Action::kNothing:
          if (!background_step(lock)) changed_.wait(lock);
      }
    }
  }

  /// Delivering first keeps memory low; producing before working keeps the other threads fed.
  Action choose() const {
    if (failure_ || (at_end_ && delivered_ == produced_)) return Action::kStop;
    if (!delivering_ && delivered_ < started_ && done_[delivered_ % slots_]) return Action::kDeliver;
    if (!producing_ && !at_end_ && produced_ - delivered_ < slots_) return Action::kProduce;
    if (started_ < produced_) return Action::kWork;
    return Action::kNothing;
  }

  void deliver(std::unique_lock<std::mutex>& lock) {
    delivering_ = true;
    const std::size_t slot = delivered_ % slots_;
    const std::exception_ptr failure = failures_[slot];
    lock.unlock();
    if (failure) std::rethrow_exception(failure);
    callbacks_.deliver(slot);
    lock.lock();
    done_[slot] = false;
    ++delivered_;
    delivering_ = false;
    changed_.notify_all();
  }

  void produce(std::unique_lock<std::mutex>& lock) {
    producing_ = true;
    const std::size_t slot = produced_ % slots_;
    lock.unlock();
    if (interrupt_ != nullptr) interrupt_->check();
    bool more = false;
    std::exception_ptr failure;
    try {
      more = callbacks_.produce(slot);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    producing_ = false;
    if (failure) {
      failures_[slot] = failure;
      done_[slot] = true;
    }
    if (more || failure) ++produced_;
    if (!more) at_end_ = true;
    changed_.notify_all();
  }

  void work(std::unique_lock<std::mutex>& lock) {
    const std::size_t slot = started_ % slots_;
    ++started_;
    if (done_[slot]) {  // its production failed: only to be delivered
      changed_.notify_all();
      return;
    }
    lock.unlock();
    std::exception_ptr failure;
    try {
      callbacks_.work(slot);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    failures_[slot] = failure;
    done_[slot] = true;
    changed_.notify_all();
  }

  bool background_step(std::unique_lock<std::mutex>& lock) {
    if (background_.empty() || at_end_) return false;
    const std::uint64_t before = produced_ + started_ + delivered_;
    lock.unlock();
    bool stepped = false;
    for (BackgroundStep* const step : background_) stepped = step->step() || stepped;
    lock.lock();
    // Something may have changed while unlocked, its notification missed: look again before waiting.
    return stepped || before != produced_ + started_ + delivered_ || failure_ || at_end_;
  }

  void fail(std::exception_ptr error) {
    const std::scoped_lock lock(mutex_);
    if (!failure_) failure_ = std::move(error);
    changed_.notify_all();
  }

  const std::size_t slots_;
  std::vector<bool> done_;
  std::vector<std::exception_ptr> failures_;  ///< of a slot that is done
  const detail::BatchCallbacks& callbacks_;
  const InterruptSource* const interrupt_;
  const std::span<BackgroundStep* const> background_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::exception_ptr failure_;
  std::uint64_t produced_ = 0, started_ = 0, delivered_ = 0;
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
