#pragma once
// SIGINT and SIGTERM without a handler and without globals: the signals are blocked in every thread and polled between
// units of work, so that unwinding removes temporary files; guarded_main then re-raises the signal.
#include <chrono>

namespace immucan::core {

/// Blocks SIGINT, SIGTERM and SIGHUP for this thread and those it starts, for good; ignores SIGPIPE.
class InterruptSource {
 public:
  InterruptSource();
  ~InterruptSource();
  InterruptSource(const InterruptSource&) = delete;
  InterruptSource& operator=(const InterruptSource&) = delete;

  /// Throws Interrupted when a signal is pending. One system call: call it per batch, not per record. Thread-safe.
  void check() const;
  /// Waits until `file_descriptor` is readable (poll's sense) or a signal is pending (then throws). For pipes and
  /// terminals.
  void wait_readable(int file_descriptor) const;
  /// The same until it can be written: at least PIPE_BUF bytes into a pipe, or an error that write will tell.
  void wait_writable(int file_descriptor) const;
  /// Waits that long, or until a signal is pending (then throws).
  void pause(std::chrono::milliseconds time) const;

 private:
  /// One poll for `events` of a descriptor (-1 for none) and for signals; whether it is over.
  bool wait_once(int file_descriptor, short events, int milliseconds) const;

  int signal_descriptor_ = -1;
};

}  // namespace immucan::core
