#include "core/interrupt.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>

#include "core/error.h"

using namespace immucan::core;

namespace {

/// Takes the pending signal away, so that the next test starts clean.
void consume(int signal_number) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal_number);
  int taken = 0;
  sigwait(&set, &taken);
}

}  // namespace

TEST_CASE("a pending SIGTERM is seen by check, in the thread of main and in workers") {
  const InterruptSource interrupt;
  CHECK_NOTHROW(interrupt.check());
  kill(getpid(), SIGTERM);
  CHECK_THROWS_AS(interrupt.check(), Interrupted);
  int seen = 0;
  std::thread([&] {
    try {
      interrupt.check();
    } catch (const Interrupted& interrupted) {
      seen = interrupted.signal_number();
    }
  }).join();
  CHECK(seen == SIGTERM);
  consume(SIGTERM);
  CHECK_NOTHROW(interrupt.check());
}

TEST_CASE("waiting for a pipe ends by data or by a signal") {
  const InterruptSource interrupt;
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  REQUIRE(write(ends[1], "x", 1) == 1);
  CHECK_NOTHROW(interrupt.wait_readable(ends[0]));
  char byte = 0;
  REQUIRE(read(ends[0], &byte, 1) == 1);
  kill(getpid(), SIGINT);
  CHECK_THROWS_AS(interrupt.wait_readable(ends[0]), Interrupted);
  consume(SIGINT);
  close(ends[0]);
  close(ends[1]);
}

TEST_CASE("waiting for room in a full pipe, and pausing, end by a signal") {
  const InterruptSource interrupt;
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  CHECK_NOTHROW(interrupt.wait_writable(ends[1]));
  const std::string bytes(4096, 'x');
  for (int i = 0; i < 16; ++i) REQUIRE(write(ends[1], bytes.data(), bytes.size()) == 4096);  // Linux: 64 KiB
  CHECK_NOTHROW(interrupt.pause(std::chrono::milliseconds(1)));
  kill(getpid(), SIGTERM);
  CHECK_THROWS_AS(interrupt.wait_writable(ends[1]), Interrupted);
  CHECK_THROWS_AS(interrupt.pause(std::chrono::milliseconds(60000)), Interrupted);
  consume(SIGTERM);
  close(ends[0]);
  CHECK_NOTHROW(interrupt.wait_writable(ends[1]));  // write will say EPIPE
  close(ends[1]);
}
