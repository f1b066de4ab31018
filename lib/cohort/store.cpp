#include "cohort/store.h"

#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "cohort/schema.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/output.h"
#include "core/text.h"

namespace immucan::cohort {
namespace {

std::string audit_hash(std::string_view previous, std::int64_t seq, std::string_view at, std::string_view actor,
                       std::string_view action, std::string_view object, std::string_view payload) {
  const nlohmann::json row{{"seq", seq},       {"at", at},         {"actor", actor},
                           {"action", action}, {"object", object}, {"payload", payload}};
  core::Sha256 digest;
  digest.update(previous);
  // Keys are sorted and nothing is indented; a byte that is not UTF-8 cannot enter through append_audit.
  digest.update(row.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace));
  const auto bytes = digest.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::int64_t pragma_number(Database& database, const char* pragma) {
  Statement statement(database, pragma);
  return statement.step() ? statement.integer(0) : 0;
}

/// Tags and lengths keep ("a", "bc") and ("ab", "c") apart.
void digest_value(std::string& out, const Value& value) {
  const std::string text = to_text(value);
  out += static_cast<char>('0' + static_cast<int>(value.index()));
  out += std::to_string(text.size());
  out += ':';
  out += text;
}

}  // namespace

AuditStamp audit_stamp(std::string actor) {
  using std::chrono::seconds;
  auto now = std::chrono::floor<seconds>(std::chrono::system_clock::now());
  if (const char* epoch = std::getenv("SOURCE_DATE_EPOCH"); epoch != nullptr && *epoch != '\0') {
    const auto number = core::parse_int(epoch);
    constexpr std::int64_t kYear9999 = 253402300799;
    if (!number || *number < 0 || *number > kYear9999) {
      core::raise_usage(fmt::format("SOURCE_DATE_EPOCH is not a number of seconds ({}). Unset it or give one.",
                                    core::printable(epoch)));
    }
    now = std::chrono::sys_seconds(seconds(*number));
  }
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(now - day);
  return {fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                      time.minutes().count(), time.seconds().count()),
          std::move(actor)};
}

void create_registry(const std::filesystem::path& path, const AuditStamp& stamp) {
  std::error_code code;
  if (std::filesystem::symlink_status(path, code).type() != std::filesystem::file_type::not_found) {
    throw core::Error(core::Status::kCannotCreate,
                      path.string() + ": exists already. A registry is never overwritten; choose another name.");
  }
  Database database(path.string());
  database.execute(std::string(schema_v1_sql()) + std::string(schema_v2_sql()));
  database.execute(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", kApplicationId, kSchemaVersion));
  append_audit(database, stamp, "init", "registry", fmt::format(R"({{"schema":{}}})", kSchemaVersion));
  core::OutputFile out(path);
  out.write(database.serialize());
  out.commit();
}

Database open_registry(const std::filesystem::path& path, Database::Mode mode) {
  Database database(path, mode);
  if (pragma_number(database, "PRAGMA application_id") != kApplicationId) {
    core::raise(core::ParseError{path.string(), core::Place::none(), "this SQLite file is not a cohort registry",
                                 "Name the file that 'cohort-registry init' made"});
  }
  const std::int64_t version = pragma_number(database, "PRAGMA user_version");
  if (version < 1 || version > kSchemaVersion) {
    core::raise(core::ParseError{
        path.string(), core::Place::none(),
        fmt::format("the registry has schema version {}, this program knows version {}", version, kSchemaVersion),
        version > kSchemaVersion ? "Use a newer cohort-registry" : "Restore it from a copy"});
  }
  return database;
}

void migrate_registry(Database& database, const AuditStamp& stamp) {
  const std::int64_t version = pragma_number(database, "PRAGMA user_version");
  if (version >= kSchemaVersion) return;
  Transaction transaction(database);
  database.execute(std::string(schema_v2_sql()));
  database.execute(fmt::format("PRAGMA user_version = {}", kSchemaVersion));
  append_audit(database, stamp, "migrate", "registry",
               fmt::format(R"({{"from":{},"schema":{}}})", version, kSchemaVersion));
  transaction.commit();
}

void append_audit(Database& database, const AuditStamp& stamp, std::string_view action, std::string_view object,
                  std::string_view payload) {
  std::string previous(32, '\0');
  std::int64_t seq = 1;
  Statement last(database, "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1");
  if (last.step()) {
    seq = last.integer(0) + 1;
    previous = last.blob(1);
  }
  last.reset();
  Statement insert(
      database,
      "INSERT INTO audit(seq, at, actor, action, object, payload, prev, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  insert.bind(1, Value{seq});
  insert.bind_text(2, stamp.at);
  insert.bind_text(3, stamp.actor);
  insert.bind_text(4, action);
  insert.bind_text(5, object);
  insert.bind_text(6, payload);
  insert.bind_blob(7, previous);
  insert.bind_blob(8, audit_hash(previous, seq, stamp.at, stamp.actor, action, object, payload));
  insert.step();
}

bool has_provenance(Database& database) {
  return pragma_number(database, "PRAGMA user_version") >= 2;
}

TableDigest table_digest(Database& database, std::string_view table) {
  std::string order = "1";
  {
    Statement columns(database, fmt::format("SELECT count(*) FROM pragma_table_info('{}')", table));
    columns.step();
    for (std::int64_t i = 2; i <= columns.integer(0); ++i) order += fmt::format(", {}", i);
  }
  Statement rows(database, fmt::format("SELECT * FROM {} ORDER BY {}", table, order));
  core::Sha256 digest;
  TableDigest result;
  std::string line;
  while (rows.step()) {
    line.clear();
    for (int i = 0; i < rows.columns(); ++i) digest_value(line, rows.value(i));
    line += '\n';
    digest.update(line);
    ++result.rows;
  }
  result.sha256 = digest.hex();
  return result;
}

std::string change_payload(std::string_view file_name, std::string_view file_sha256, std::uint64_t rows_added,
                           std::uint64_t rows_unchanged, const std::map<std::string, TableDigest>& tables) {
  nlohmann::json payload{
      {"file", file_name}, {"sha256", file_sha256}, {"added", rows_added}, {"unchanged", rows_unchanged}};
  for (const auto& [table, digest] : tables)
    payload["tables"][table] = {{"rows", digest.rows}, {"sha256", digest.sha256}};
  return payload.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

std::vector<AuditProblem> verify_audit(Database& database) {
  std::vector<AuditProblem> problems;
  std::map<std::string, TableDigest> promised;
  std::string previous(32, '\0');
  std::int64_t expected = 1;
  Statement rows(database, "SELECT seq, at, actor, action, object, payload, prev, hash FROM audit ORDER BY seq");
  while (rows.step()) {
    const std::int64_t seq = rows.integer(0);
    const std::string hash = rows.blob(7);
    const std::string payload = rows.text(5);
    if (seq != expected) {
      problems.push_back({"audit", fmt::format("row {} is missing from the chain", expected)});
      return problems;  // what follows cannot be trusted
    }
    if (rows.blob(6) != previous ||
        hash != audit_hash(previous, seq, rows.text(1), rows.text(2), rows.text(3), rows.text(4), payload)) {
      problems.push_back({"audit", fmt::format("row {} does not fit the chain of hashes", seq)});
      return problems;
    }
    auto json = nlohmann::json::parse(payload, nullptr, false);
    if (json.is_object() && json.contains("tables") && json["tables"].is_object()) {
      for (auto& [table, digest] : json["tables"].items()) {
        if (!digest.is_object() || !digest["rows"].is_number_unsigned() || !digest["sha256"].is_string()) continue;
        promised[table] = {digest["rows"].get<std::uint64_t>(), digest["sha256"].get<std::string>()};
      }
    }
    previous = hash;
    ++expected;
  }
  if (expected == 1) problems.push_back({"audit", "the chain is empty"});
  const std::string empty = core::sha256_hex({});
  for (const TableRule& rule : import_tables()) promised.try_emplace(std::string(rule.table), TableDigest{0, empty});
  for (const auto* table : {"clinical_more", "sample_file", "folded_id"})
    promised.try_emplace(table, TableDigest{0, empty});
  if (has_provenance(database)) {
    for (const auto* table : {"tool_run", "tool_run_file"}) promised.try_emplace(table, TableDigest{0, empty});
  }
  for (const auto& [table, digest] : promised) {
    Statement known(database, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?");
    known.bind_text(1, table);
    known.step();
    if (known.integer(0) == 0) {
      problems.push_back({table, "the table is gone"});
    } else if (table_digest(database, table) != digest) {
      problems.push_back({table, "changed since its last audit row, by something other than this program"});
    }
  }
  return problems;
}

}  // namespace immucan::cohort
