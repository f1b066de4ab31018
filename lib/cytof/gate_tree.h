#pragma once
// Populations as a tree of gates (gates.tsv): intervals of markers on the arcsinh(x/5) scale.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/run_context.h"
#include "io/byte_source.h"

namespace immucan::cytof {

/// lower ≤ value < upper.
struct Interval {
  std::string marker;
  double lower = -std::numeric_limits<double>::infinity();
  double upper = std::numeric_limits<double>::infinity();
  std::uint64_t line = 0;  ///< of the gate table, for messages
};

struct Population {
  std::string name;
  std::optional<std::size_t> parent;  ///< index of the parent, always smaller than the own; nullopt = root
  std::vector<Interval> intervals;    ///< all must hold, and the parent's
};

struct GateTree {
  std::string file;
  std::vector<Population> populations;  ///< parents before children, else in the order of the table
};

/// Columns population, parent, marker, min, max; several rows of one population all hold. 65 on a missing or repeated
/// name, an unknown parent, a cycle, two parents, or an empty interval.
[[nodiscard]] GateTree read_gates(const std::filesystem::path& path, core::RunContext& context);
[[nodiscard]] GateTree read_gates(std::unique_ptr<io::ByteSource> source);

}  // namespace immucan::cytof
