#pragma once
// run.json: what a run read, did and wrote. Everything but "execution" is deterministic.
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace immucan::core {

using ParameterValue = std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>>;
/// Scientific parameters in the order of declaration; paths are recorded by file name only.
using Parameters = std::vector<std::pair<std::string, ParameterValue>>;

struct FileRecord {
  std::string name;  ///< file name of an input, path relative to the output folder of an output
  std::uint64_t size = 0;
  std::string
      sha256;  ///< of the bytes as stored (compressed where the file is); "xxh3-128:…" of an index that was read
  std::string digest = {};  ///< "xxh3-128:…" of an index that was written: what its readers record; else empty
};

/// Inputs as they are read to their end, in the order of `name` then content; filled by the byte sources. Thread-safe.
class InputLedger {
 public:
  void add(FileRecord record);
  [[nodiscard]] std::vector<FileRecord> sorted() const;

 private:
  mutable std::mutex mutex_;
  std::vector<FileRecord> records_;
};

struct Execution {
  unsigned threads = 1;
  double wall_seconds = 0;
  double cpu_seconds = 0;
  std::uint64_t peak_memory_bytes = 0;
};

struct RunRecord {
  std::string tool, version, command;
  Parameters parameters;
  std::vector<FileRecord> inputs, outputs;
  std::map<std::string, ParameterValue> counts;  ///< what the command counted (events, reads, cells …)
  Execution execution;
};

/// Indented JSON with a final newline.
[[nodiscard]] std::string to_json(const RunRecord& record);
/// Reads what to_json wrote; unknown members are ignored. Status 65 naming `file` when it is no run record.
[[nodiscard]] RunRecord parse_run_record(std::string_view json, const std::string& file);
/// SHA-256 (hex) of everything but `execution`: the same work on the same bytes is the same run.
[[nodiscard]] std::string run_digest(const RunRecord& record);

}  // namespace immucan::core
