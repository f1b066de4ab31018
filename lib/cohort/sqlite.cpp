#include "cohort/sqlite.h"

#include <sqlite3.h>

#include <cerrno>
#include <fstream>
#include <system_error>

#include "core/error.h"
#include "core/text.h"

namespace immucan::cohort {
namespace {

constexpr int kBusyMilliseconds = 5000;
constexpr std::string_view kMagic{"SQLite format 3\0", 16};

/// SQLite creates or ignores what is not a database, so the file is looked at first.
void require_database_file(const std::filesystem::path& path) {
  std::error_code code;
  const auto status = std::filesystem::status(path, code);
  if (status.type() == std::filesystem::file_type::not_found) core::raise_input_errno(path.string(), "open", ENOENT);
  if (code) core::raise_input_errno(path.string(), "open", code.value());
  if (status.type() == std::filesystem::file_type::directory) core::raise_input_errno(path.string(), "open", EISDIR);
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) core::raise_input_errno(path.string(), "open", errno != 0 ? errno : EACCES);
  std::string head(kMagic.size(), '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  if (file.gcount() != static_cast<std::streamsize>(kMagic.size()) || head != kMagic) {
    core::raise(core::ParseError{path.string(), core::Place::byte(0), "this is not a cohort registry",
                                 "Name the file that 'cohort-registry init' made"});
  }
}

}  // namespace

std::string to_text(const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return std::to_string(*integer);
  if (const auto* real = std::get_if<double>(&value)) return core::format_double(*real);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  return "NA";
}

void Database::Close::operator()(sqlite3* database) const {
  sqlite3_close_v2(database);
}
void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

Database::Database(const std::filesystem::path& path, Mode mode) : name_(path.string()), mode_(mode) {
  require_database_file(path);
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw,
                                   mode == Mode::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE, nullptr);
  handle_.reset(raw);
  if (code != SQLITE_OK) raise(code);
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_busy_timeout(raw, kBusyMilliseconds);
  // A registry is data from elsewhere: functions and views inside it get no privileges.
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  execute("PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL");
}

Database::Database(std::string name) : name_(std::move(name)) {
  sqlite3* raw = nullptr;
  const int code =
      sqlite3_open_v2(":memory:", &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY, nullptr);
  handle_.reset(raw);
  if (code != SQLITE_OK) raise(code);
  sqlite3_extended_result_codes(raw, 1);
  execute("PRAGMA foreign_keys = ON");
}

void Database::raise(int code) const {
  const std::string detail = handle_ ? sqlite3_errmsg(handle_.get()) : sqlite3_errstr(code);
  switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
      throw ConstraintViolation(detail);
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      core::raise(core::ParseError{name_, core::Place::none(), "the registry is damaged (" + detail + ")",
                                   "Restore it from a copy; 'cohort-registry check' tells when it is sound"});
    case SQLITE_NOMEM:
      throw core::Error(core::Status::kOsLimit, name_ + ": out of memory. Run with more.");
    case SQLITE_READONLY:
    case SQLITE_PERM:
      throw core::Error(core::Status::kCannotCreate, name_ + ": the registry cannot be changed (" + detail +
                                                         "). Make the file and its folder writable.");
    case SQLITE_CANTOPEN:
      if (mode_ == Mode::kReadWrite) {
        throw core::Error(core::Status::kCannotCreate,
                          name_ + ": the registry cannot be changed: its folder takes no new file (" + detail +
                              "). Make the folder writable.");
      }
      throw core::Error(core::Status::kNoInput,
                        name_ + ": cannot open (" + detail + "). Check the path and its permissions.");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw core::Error(core::Status::kIoError,
                        name_ + ": another process is changing the registry. Try again when it is done.");
    case SQLITE_IOERR:
    case SQLITE_FULL:
      throw core::Error(core::Status::kIoError,
                        name_ + ": " + detail + ". Check the disk and try again; nothing was changed.");
    default:
      throw core::Error(core::Status::kInternal, name_ + ": " + detail + " (SQLite code " + std::to_string(code) + ")");
  }
}

void Database::execute(const std::string& sql) {
  const int code = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) raise(code);
}

std::string Database::serialize() {
  sqlite3_int64 size = 0;
  const std::unique_ptr<unsigned char, decltype(&sqlite3_free)> bytes(
      sqlite3_serialize(handle_.get(), "main", &size, 0), &sqlite3_free);
  if (!bytes) throw core::Error(core::Status::kOsLimit, name_ + ": out of memory. Run with more.");
  return {reinterpret_cast<const char*>(bytes.get()), static_cast<std::size_t>(size)};
}

Statement::Statement(Database& database, std::string_view sql) : database_(&database) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v2(database.handle(), sql.data(), static_cast<int>(sql.size()), &raw, nullptr);
  statement_.reset(raw);
  if (code != SQLITE_OK) {
    // A table or column that is not there: the file says it is a registry of this version, and is not.
    if ((code & 0xff) == SQLITE_ERROR) {
      core::raise(core::ParseError{database.name(), core::Place::none(),
                                   std::string("the registry is damaged (") + sqlite3_errmsg(database.handle()) + ")",
                                   "Restore it from a copy"});
    }
    database.raise(code);
  }
}

void Statement::bind(int parameter, const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return bind_text(parameter, *text);
  int code = SQLITE_OK;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    code = sqlite3_bind_int64(statement_.get(), parameter, *integer);
  } else if (const auto* real = std::get_if<double>(&value)) {
    code = sqlite3_bind_double(statement_.get(), parameter, *real);
  } else {
    code = sqlite3_bind_null(statement_.get(), parameter);
  }
  if (code != SQLITE_OK) database_->raise(code);
}

void Statement::bind_text(int parameter, std::string_view text) {
  const int code = sqlite3_bind_text64(statement_.get(), parameter, text.data() == nullptr ? "" : text.data(),
                                       text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  if (code != SQLITE_OK) database_->raise(code);
}

void Statement::bind_blob(int parameter, std::string_view bytes) {
  const int code = sqlite3_bind_blob64(statement_.get(), parameter, bytes.data(), bytes.size(), SQLITE_TRANSIENT);
  if (code != SQLITE_OK) database_->raise(code);
}

bool Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  // The message must be taken before the reset clears it, and the statement must not stay open in the transaction.
  try {
    database_->raise(code);
  } catch (...) {
    sqlite3_reset(statement_.get());
    throw;
  }
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
}

Value Statement::value(int column) const {
  switch (sqlite3_column_type(statement_.get(), column)) {
    case SQLITE_INTEGER:
      return static_cast<std::int64_t>(sqlite3_column_int64(statement_.get(), column));
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement_.get(), column);
    case SQLITE_TEXT:
      return text(column);
    case SQLITE_BLOB:
      return blob(column);
    default:
      return std::monostate{};
  }
}

std::string Statement::text(int column) const {
  const auto* bytes = sqlite3_column_text(statement_.get(), column);
  if (bytes == nullptr) return {};
  return {reinterpret_cast<const char*>(bytes),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::string Statement::blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_INTEGER
             ? sqlite3_column_int64(statement_.get(), column)
             : 0;
}
bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}
int Statement::columns() const {
  return sqlite3_column_count(statement_.get());
}

Transaction::Transaction(Database& database) : database_(database) {
  database_.execute("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  if (open_) sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

}  // namespace immucan::cohort
