#pragma once
// A registry file: made whole, opened with care, and every change written into an append-only chain of audit rows.
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cohort/sqlite.h"

namespace immucan::cohort {

/// When and by whom a change is made: the only clock of this room, and it reaches audit rows only.
struct AuditStamp {
  std::string at;     ///< UTC, "2026-01-31T12:00:00Z"
  std::string actor;  ///< a name the operator gives; never taken from the system
};
/// Now, or SOURCE_DATE_EPOCH (seconds since 1970) where it is set.
[[nodiscard]] AuditStamp audit_stamp(std::string actor);

/// Writes an empty registry, complete or not at all. 73 when something of that name exists.
void create_registry(const std::filesystem::path& path, const AuditStamp& stamp);

/// Opens a registry of this schema version or an earlier one: 65 for any other file or a newer version, 66 when
/// missing.
[[nodiscard]] Database open_registry(const std::filesystem::path& path, Database::Mode mode);
/// Brings a registry of an earlier schema version to this one, whole or not at all. Nothing to do for a current one.
void migrate_registry(Database& database, const AuditStamp& stamp);
/// Whether the registry has the tables of run records (schema version 2).
[[nodiscard]] bool has_provenance(Database& database);

/// Appends one row: hash = SHA-256(previous hash, canonical JSON of seq, at, actor, action, object, payload).
/// `payload` is a JSON object; it holds counts and digests, never what a patient's row says.
void append_audit(Database& database, const AuditStamp& stamp, std::string_view action, std::string_view object,
                  std::string_view payload);

struct TableDigest {
  std::uint64_t rows = 0;
  std::string sha256;  ///< over all rows in order of all columns, types and lengths included
  bool operator==(const TableDigest&) const = default;
};
[[nodiscard]] TableDigest table_digest(Database& database, std::string_view table);

/// Payload of a change: what was read and what the touched tables hold now.
[[nodiscard]] std::string change_payload(std::string_view file_name, std::string_view file_sha256,
                                         std::uint64_t rows_added, std::uint64_t rows_unchanged,
                                         const std::map<std::string, TableDigest>& tables);

/// Where the chain breaks, and where a table differs from what its last audit row says.
struct AuditProblem {
  std::string object;  ///< "audit" or a table
  std::string detail;
};
[[nodiscard]] std::vector<AuditProblem> verify_audit(Database& database);

}  // namespace immucan::cohort
