#pragma once
// Run records of the tools as a graph: which run read which bytes and wrote which. Bytes are known by their digest,
// never by their name, so the graph holds wherever the files lie.
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cohort/checking.h"
#include "cohort/store.h"
#include "core/run_context.h"

namespace immucan::cohort {

/// Every run record (run.json, NAME.run.json) below the folders of `paths`, and the records named in it, sorted.
/// 66 when a path is missing; 65 when a folder holds no record.
[[nodiscard]] std::vector<std::filesystem::path> find_run_records(const std::vector<std::filesystem::path>& paths);

struct LinkResult {
  std::uint64_t records = 0;    ///< read
  std::uint64_t added = 0;      ///< new in the registry
  std::uint64_t unchanged = 0;  ///< known before
};
/// Loads run records in one transaction: all or none (65 for a file that is not one).
[[nodiscard]] LinkResult link_runs(Database& database, const std::vector<std::filesystem::path>& records,
                                   const AuditStamp& stamp, core::RunContext& context);

/// One file at one end of one run.
struct ProvenanceEdge {
  std::string run;  ///< digest of the run
  std::string tool, version, command;
  std::string direction;  ///< "used" (an input) or "wasGeneratedBy" (an output), the words of W3C PROV
  std::string name;
  std::string sha256;
  std::uint64_t size = 0;
  std::vector<std::string> generated_by;  ///< of an input: the runs that wrote these bytes; empty = raw, or not linked
  std::vector<std::string> samples;  ///< of an input no run wrote: samples whose files have this digest or file name
  auto operator<=>(const ProvenanceEdge&) const = default;
};
/// The whole graph, or, with the digest of a file, what that file rests on: the runs from it back to raw files, with
/// their inputs and with those outputs that lie on the way. Sorted by tool, command, run, direction, name.
[[nodiscard]] std::vector<ProvenanceEdge> provenance(Database& database, const std::string& of_sha256 = {});
/// `run tool version command direction name sha256 size generated_by samples`; lists joined by ',', NA where empty.
[[nodiscard]] std::string provenance_tsv(const std::vector<ProvenanceEdge>& edges);
[[nodiscard]] std::string provenance_json(const std::vector<ProvenanceEdge>& edges);

/// Hashes what the run records say was written beside them, and compares: record unknown to the registry
/// (`record-unknown`) or altered, output gone (`output-missing`) or other bytes (`output-changed`). Sorted. Uses
/// `context.threads`.
[[nodiscard]] std::vector<Finding> verify_outputs(Database& database, const std::vector<std::filesystem::path>& records,
                                                  core::RunContext& context);

}  // namespace immucan::cohort
