#pragma once
// The one concurrency primitive: ordered, bounded batches. Threads have no fixed roles: a free thread delivers the next
// finished batch in order, or produces the next one, or works on one, or takes a background step (say, inflates ahead).
// With one thread everything runs inline and nothing is spawned. Results are delivered in production order for any
// thread count, so whatever `deliver` accumulates is deterministic.
#include <cstddef>
#include <functional>
#include <memory>
#include <span>

#include "core/interrupt.h"

namespace immucan::core {

/// Something a free thread may advance, one step at a time (an inflate stream reading ahead). Implementations lock
/// themselves; step() returns false when there is nothing to do at the moment.
class BackgroundStep {
 public:
  virtual ~BackgroundStep() = default;
  virtual bool step() = 0;
};

namespace detail {
/// Type-erased body: slots are numbered 0..slots-1 and recycled.
struct BatchCallbacks {
  std::function<bool(std::size_t slot)> produce;  ///< fills the slot; false = no more. Never called concurrently
  std::function<void(std::size_t slot)> work;     ///< called concurrently, one thread per slot
  std::function<void(std::size_t slot)> deliver;  ///< called in production order, never concurrently
};
void run_ordered_batches(unsigned threads, std::size_t slots, const BatchCallbacks& callbacks,
                         const InterruptSource* interrupt, std::span<BackgroundStep* const> background);
}  // namespace detail

struct BatchOptions {
  unsigned threads = 1;
  std::size_t slots = 0;                             ///< batches in flight; 0 = 2 × threads + 2
  const InterruptSource* interrupt = nullptr;        ///< polled per batch
  std::span<BackgroundStep* const> background = {};  ///< stepped by idle threads
};

/// `Batch` is default-constructed once per slot and recycled: buffers inside keep their capacity.
///   produce(Batch&) -> bool     serial, false at the end
///   work(Batch&) -> void        concurrent
///   deliver(Batch&) -> void     serial, in order
/// An exception of produce or work is rethrown here in its turn, after what was produced before it has been delivered:
/// the same one for any number of threads. One of deliver stops everything.
template <class Batch, class Produce, class Work, class Deliver>
void ordered_batches(const BatchOptions& options, Produce&& produce, Work&& work, Deliver&& deliver) {
  const std::size_t slots =
      options.slots != 0 ? options.slots : (options.threads <= 1 ? 1 : 2 * std::size_t{options.threads} + 2);
  const auto batches = std::make_unique<Batch[]>(slots);
  detail::run_ordered_batches(
      options.threads, slots,
      {[&](std::size_t slot) { return static_cast<bool>(produce(batches[slot])); },
       [&](std::size_t slot) { work(batches[slot]); }, [&](std::size_t slot) { deliver(batches[slot]); }},
      options.interrupt, options.background);
}

/// Runs work(i) for i in [0, count) on up to `threads` threads. Write results to element i only: order-independent.
void parallel_for(unsigned threads, std::size_t count, const std::function<void(std::size_t)>& work,
                  const InterruptSource* interrupt = nullptr);

}  // namespace immucan::core
