#include "core/ordered_batches.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace immucan::core;

namespace {

struct Batch {
  int number = 0;
  long squared = 0;
};

std::vector<long> squares(unsigned threads, int count, std::size_t slots = 0) {
  std::vector<long> delivered;
  int next = 0;
  ordered_batches<Batch>(
      {.threads = threads, .slots = slots},
      [&](Batch& batch) {
        batch.number = next;
        return next++ < count;
      },
      [](Batch& batch) {
        if (batch.number % 7 == 0) std::this_thread::sleep_for(std::chrono::microseconds(300));
        batch.squared = long{batch.number} * batch.number;
      },
      [&](Batch& batch) { delivered.push_back(batch.squared); });
  return delivered;
}

}  // namespace

TEST_CASE("batches are delivered in the order of production for any thread count") {
  const std::vector<long> expected = squares(1, 500);
  REQUIRE(expected.size() == 500);
  CHECK(expected[499] == 499L * 499L);
  for (const unsigned threads : {2U, 3U, 4U, 8U}) {
    CHECK(squares(threads, 500) == expected);
    CHECK(squares(threads, 500, 1) == expected);
  }
  CHECK(squares(4, 0).empty());
}

TEST_CASE("never more batches in flight than slots, never two at once in produce or deliver") {
  std::atomic<int> in_flight{0}, producing{0}, delivering{0};
  int most = 0, produced = 0;
  std::atomic<bool> overlapped{false};
  ordered_batches<Batch>(
      {.threads = 4, .slots = 3},
      [&](Batch&) {
        if (++producing != 1) overlapped = true;
        most = std::max(most, ++in_flight);
        --producing;
        if (produced++ == 300) {
          --in_flight;
          return false;
        }
        return true;
      },
      [](Batch&) { std::this_thread::yield(); },
      [&](Batch&) {
        if (++delivering != 1) overlapped = true;
        --in_flight;
        --delivering;
      });
  CHECK_FALSE(overlapped.load());
  // produce() of the next batch may begin while the last one is still inside deliver().
  CHECK(most <= 4);
}

TEST_CASE("the first exception of any callback stops everything and comes out") {
  for (const unsigned threads : {1U, 4U}) {
    for (const int where : {0, 1, 2}) {
      int next = 0;
      const auto body = [&] {
        ordered_batches<Batch>(
            {.threads = threads},
            [&](Batch& batch) {
              batch.number = next++;
              if (where == 0 && batch.number == 20) throw std::runtime_error("stop");
              return true;
            },
            [&](Batch& batch) {
              if (where == 1 && batch.number == 20) throw std::runtime_error("stop");
            },
            [&](Batch& batch) {
              if (where == 2 && batch.number == 20) throw std::runtime_error("stop");
            });
      };
      CHECK_THROWS_WITH(body(), "stop");
    }
  }
}

TEST_CASE("of several failing batches the first produced is told, and what came before it is delivered") {
  for (const unsigned threads : {1u, 2u, 4u}) {
    for (int turn = 0; turn < 50; ++turn) {
      int next = 0, delivered = 0;
      std::string told;
      try {
        ordered_batches<Batch>(
            {.threads = threads},
            [&](Batch& batch) {
              if (next == 9) throw std::runtime_error("production of 9");
              batch.number = next++;
              return true;
            },
            [](Batch& batch) {
              if (batch.number == 5) std::this_thread::sleep_for(std::chrono::milliseconds(1));
              if (batch.number >= 5) throw std::runtime_error("work on " + std::to_string(batch.number));
            },
            [&](Batch&) { ++delivered; });
      } catch (const std::runtime_error& error) {
        told = error.what();
      }
      CHECK(told == "work on 5");
      CHECK(delivered == 5);
    }
  }
}

TEST_CASE("one thread spawns nothing: every callback runs in the caller") {
  const auto self = std::this_thread::get_id();
  bool elsewhere = false;
  int left = 5;
  ordered_batches<Batch>(
      {.threads = 1},
      [&](Batch&) {
        elsewhere = elsewhere || std::this_thread::get_id() != self;
        return left-- > 0;
      },
      [&](Batch&) { elsewhere = elsewhere || std::this_thread::get_id() != self; },
      [&](Batch&) { elsewhere = elsewhere || std::this_thread::get_id() != self; });
  parallel_for(1, 5, [&](std::size_t) { elsewhere = elsewhere || std::this_thread::get_id() != self; });
  CHECK_FALSE(elsewhere);
}

TEST_CASE("idle threads take background steps") {
  struct Counter : BackgroundStep {
    std::atomic<int> steps{0};
    bool step() override { return ++steps < 50; }
  } counter;
  BackgroundStep* const steps[] = {&counter};
  int left = 20;
  ordered_batches<Batch>(
      {.threads = 3, .background = steps},
      [&](Batch&) {
        std::this_thread::sleep_for(std::chrono::microseconds(200));
        return left-- > 0;
      },
      [](Batch&) {}, [](Batch&) {});
  CHECK(counter.steps > 0);
}

TEST_CASE("parallel_for visits every index once and rethrows") {
  for (const unsigned threads : {1U, 4U}) {
    std::vector<int> visits(1000, 0);
    parallel_for(threads, visits.size(), [&](std::size_t i) { ++visits[i]; });
    CHECK(visits == std::vector<int>(1000, 1));
    CHECK_THROWS_WITH(parallel_for(threads, 100,
                                   [](std::size_t i) {
                                     if (i == 50) throw std::runtime_error("fifty");
                                   }),
                      "fifty");
  }
}
