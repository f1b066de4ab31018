#pragma once
// Inside the room: what program.cpp and option_set.cpp share about one command's options.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/description.h"
#include "cli/program.h"
#include "core/run_record.h"

namespace CLI {
class App;
}

namespace immucan::cli {

struct OptionSet::Detail {
  CLI::App& app;
  std::string group = "Options";
  /// Reads the values for the run record once the command line has been parsed.
  std::vector<std::function<void(core::Parameters&)>> recorders;
  std::vector<OptionDescription> described;
};

/// Options every command has; they concern how a run is carried out, not what it computes.
struct SharedOptions {
  std::optional<std::int64_t> threads;
  std::int64_t seed = 1;
  std::int64_t max_expansion = core::kDefaultMaxExpansion;
  std::optional<std::filesystem::path> tmpdir;
  bool quiet = false;
  bool verbose = false;
  bool progress = true;
};

/// Declares them under the heading "Execution".
void declare_shared(OptionSet::Detail& detail, SharedOptions& shared);

}  // namespace immucan::cli
