#pragma once
// SIGINT and SIGTERM without a handler and without globals: the signals are blocked in every thread and polled between
// units of work, so that unwinding removes temporary files; guarded_main then re-raises the signal.
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

 private:
  int signal_descriptor_ = -1;
};

}  // namespace immucan::core
