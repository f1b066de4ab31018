#include "core/interrupt.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "core/error.h"

namespace immucan::core {
namespace {

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  return set;
}

}  // namespace

InterruptSource::InterruptSource() {
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  // A reader that went away is an error of write (EPIPE, status 74), not a silent death.
  std::signal(SIGPIPE, SIG_IGN);
  signal_descriptor_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

InterruptSource::~InterruptSource() {
  if (signal_descriptor_ >= 0) close(signal_descriptor_);
}

void InterruptSource::check() const {
  sigset_t pending;
  if (sigpending(&pending) != 0) return;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    // The signal stays pending: guarded_main unblocks it at the end, which delivers it with its default action.
    if (sigismember(&pending, number) == 1) throw Interrupted(number);
  }
}

bool InterruptSource::wait_once(int file_descriptor, short events, int milliseconds) const {
  pollfd descriptors[2] = {{file_descriptor, events, 0}, {signal_descriptor_, POLLIN, 0}};
  const int ready = poll(descriptors, 2, milliseconds);
  if (ready < 0 && errno == EINTR) return false;
  check();
  return ready <= 0 || descriptors[0].revents != 0;
}

void InterruptSource::wait_readable(int file_descriptor) const {
  while (!wait_once(file_descriptor, POLLIN, -1)) {
  }
}

void InterruptSource::wait_writable(int file_descriptor) const {
  while (!wait_once(file_descriptor, POLLOUT, -1)) {
  }
}

void InterruptSource::pause(std::chrono::milliseconds time) const {
  while (!wait_once(-1, 0, static_cast<int>(time.count()))) {
  }
}

}  // namespace immucan::core
