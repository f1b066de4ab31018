#pragma once
// The one place that talks to SQLite: a connection, prepared statements and a transaction, each released by its
// destructor. Every failure of the library becomes a core::Error that names the registry file and carries the right
// status.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

struct sqlite3;
struct sqlite3_stmt;

namespace immucan::cohort {

/// What a cell of a registry table holds; monostate = missing.
using Value = std::variant<std::monostate, std::int64_t, double, std::string>;
/// Text of a value as tables show it: shortest round trip for numbers, "NA" for a missing one.
[[nodiscard]] std::string to_text(const Value& value);

class Database;

/// A prepared statement. Parameters are numbered from 1, columns from 0, as in SQLite.
class Statement {
 public:
  Statement(Database& database, std::string_view sql);
  void bind(int parameter, const Value& value);
  void bind_text(int parameter, std::string_view text);
  void bind_blob(int parameter, std::string_view bytes);
  /// True while there is a row. After the last row, or after reset(), the statement can run again with new parameters.
  bool step();
  void reset();
  [[nodiscard]] Value value(int column) const;
  [[nodiscard]] std::string text(int column) const;
  /// 0 where the column is not an integer.
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] std::string blob(int column) const;
  [[nodiscard]] int columns() const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  Database* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// A row that a constraint or a trigger of the schema refuses. `what()` is SQLite's sentence.
class ConstraintViolation : public std::exception {
 public:
  explicit ConstraintViolation(std::string message) : message_(std::move(message)) {}
  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }

 private:
  std::string message_;
};

class Database {
 public:
  enum class Mode { kReadOnly, kReadWrite };
  /// Opens a file that exists; foreign keys are enforced and every commit reaches the disk.
  Database(const std::filesystem::path& path, Mode mode);
  /// An empty database in memory; `name` is for messages.
  explicit Database(std::string name);

  /// Runs one or more statements that return nothing.
  void execute(const std::string& sql);
  /// The bytes that the database would have as a file.
  [[nodiscard]] std::string serialize();
  [[nodiscard]] const std::string& name() const { return name_; }
  /// Throws what the last failed call means: ConstraintViolation, or an Error of status 65, 66, 71, 73 or 74.
  [[noreturn]] void raise(int code) const;
  [[nodiscard]] sqlite3* handle() const { return handle_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  std::string name_;
  Mode mode_ = Mode::kReadWrite;
  std::unique_ptr<sqlite3, Close> handle_;
};

/// Write lock from the first moment; rolled back unless committed.
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace immucan::cohort
