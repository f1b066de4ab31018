#include "core/threads.h"

#include <stdlib.h>

#include <catch2/catch.hpp>

using namespace immucan::core;

TEST_CASE("the budget is asked for, else SLURM, else OpenMP, never zero") {
  setenv("SLURM_CPUS_PER_TASK", "3", 1);
  setenv("OMP_NUM_THREADS", "5,2", 1);
  CHECK(thread_budget(7) == 7);
  CHECK(thread_budget(0) == 1);
  CHECK(thread_budget(std::nullopt) == 3);
  unsetenv("SLURM_CPUS_PER_TASK");
  CHECK(thread_budget(std::nullopt) == 5);
  setenv("OMP_NUM_THREADS", "many", 1);
  CHECK(thread_budget(std::nullopt) >= 1);
  unsetenv("OMP_NUM_THREADS");
}

TEST_CASE("a cgroup quota is rounded up to whole CPUs") {
  CHECK(parse_cpu_max("150000 100000") == 2U);
  CHECK(parse_cpu_max("100000 100000\n") == 1U);
  CHECK(parse_cpu_max("1 100000") == 1U);
  CHECK_FALSE(parse_cpu_max("max 100000").has_value());
  CHECK_FALSE(parse_cpu_max("").has_value());
  CHECK_FALSE(parse_cpu_max("x y").has_value());
}
