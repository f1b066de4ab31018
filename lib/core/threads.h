#pragma once
#include <optional>
#include <string>

namespace immucan::core {

/// A strict budget: the requested number, else SLURM_CPUS_PER_TASK, else OMP_NUM_THREADS, else the smaller of the CPU
/// affinity and the cgroup quota (v1 and v2). Never the bare core count. At least 1.
[[nodiscard]] unsigned thread_budget(std::optional<unsigned> requested);

/// CPUs of a cgroup v2 "cpu.max" line ("max 100000", "150000 100000"): rounded up; nullopt = no limit.
[[nodiscard]] std::optional<unsigned> parse_cpu_max(const std::string& line);

}  // namespace immucan::core
