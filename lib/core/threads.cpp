#include "core/threads.h"

#include <sched.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "core/text.h"

namespace immucan::core {
namespace {

std::optional<unsigned> from_environment(const char* name) {
  const char* const text = std::getenv(name);
  if (text == nullptr) return std::nullopt;
  // OMP_NUM_THREADS may be a list for nested levels: the first counts.
  const std::string_view first = std::string_view(text).substr(0, std::string_view(text).find(','));
  const auto value = parse_unsigned(trim(first));
  if (!value || *value == 0 || *value > 4096) return std::nullopt;
  return static_cast<unsigned>(*value);
}

unsigned affinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

std::optional<std::string> first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  return line;
}

/// The quota of the process's own cgroup and of every cgroup above it; v2 first, then v1.
std::optional<unsigned> cgroup_quota() {
  std::optional<unsigned> quota;
  const auto tighten = [&](std::optional<unsigned> value) {
    if (value) quota = quota ? std::min(*quota, *value) : *value;
  };
  std::ifstream cgroups("/proc/self/cgroup");
  for (std::string line; std::getline(cgroups, line);) {
    if (!line.starts_with("0::")) continue;
    for (std::string path = line.substr(3);; path.resize(path.rfind('/'))) {
      if (const auto text = first_line("/sys/fs/cgroup" + path + "/cpu.max")) tighten(parse_cpu_max(*text));
      if (path.find('/') == std::string::npos) break;
    }
  }
  const auto v1_quota = first_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  const auto v1_period = first_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  if (v1_quota && v1_period && !v1_quota->starts_with('-')) tighten(parse_cpu_max(*v1_quota + " " + *v1_period));
  return quota;
}

}  // namespace

std::optional<unsigned> parse_cpu_max(const std::string& line) {
  const auto fields = split(trim(line), ' ');
  if (fields.size() != 2) return std::nullopt;
  const auto quota = parse_unsigned(fields[0]);
  const auto period = parse_unsigned(fields[1]);
  if (!quota || !period || *quota == 0 || *period == 0) return std::nullopt;
  return static_cast<unsigned>(std::clamp<std::uint64_t>((*quota - 1) / *period + 1, 1, 4096));
}

unsigned thread_budget(std::optional<unsigned> requested) {
  if (requested) return std::max(1U, *requested);
  if (const auto slurm = from_environment("SLURM_CPUS_PER_TASK")) return *slurm;
  if (const auto omp = from_environment("OMP_NUM_THREADS")) return *omp;
  return std::min(affinity(), cgroup_quota().value_or(4096U));
}

}  // namespace immucan::core
