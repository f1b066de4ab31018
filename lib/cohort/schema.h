#pragma once
// What a registry holds: the SQL of each schema version, and for each table what an import file must look like.
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

namespace immucan::cohort {

/// "IMRG": SQLite's application_id field tells a registry from any other database.
inline constexpr std::int64_t kApplicationId = 0x494D5247;
inline constexpr std::int64_t kSchemaVersion = 2;

/// SQL that makes an empty registry of version 1.
[[nodiscard]] std::string_view schema_v1_sql();
/// SQL that turns version 1 into version 2.
[[nodiscard]] std::string_view schema_v2_sql();

enum class Kind {
  kPatientId,  ///< [A-Z0-9-]{4,40}
  kId,         ///< [A-Za-z0-9._-]{1,80}
  kText,       ///< UTF-8 without control characters
  kInteger,
  kReal,
  kFlag,     ///< 0 or 1
  kDate,     ///< YYYY-MM-DD, a day that exists
  kSha256,   ///< 64 lower-case hexadecimal digits
  kCountry,  ///< two capital letters
  kChoice,   ///< one of `choices`
  kFiles,    ///< role=path joined by ';'
};

/// A column of an import file. Bounds are inclusive.
struct ColumnRule {
  std::string_view name;
  Kind kind = Kind::kText;
  bool required = false;
  std::string_view choices = {};  ///< joined by '|'
  double minimum = -std::numeric_limits<double>::infinity();
  double maximum = std::numeric_limits<double>::infinity();
  std::string_view parent = {};  ///< "table.column" that must hold the value already
};

/// A table of the registry as `import` names it. Columns have the same names in the file and in SQL.
struct TableRule {
  std::string_view name;     ///< on the command line
  std::string_view table;    ///< in SQL
  std::string_view id_kind;  ///< ids of the first column may not collide within this kind; empty = not an id table
  std::span<const ColumnRule> columns;
  std::span<const std::string_view> key;
  bool keeps_more_columns = false;  ///< unknown columns are kept as text (clinical)
};

[[nodiscard]] std::span<const TableRule> import_tables();
/// nullptr when there is no such table.
[[nodiscard]] const TableRule* find_import_table(std::string_view name);

inline constexpr std::string_view kVisits = "naive|on-treatment|progression|follow-up";
inline constexpr std::string_view kFileRoles = "fcs|read1|read2|bam|spectra|vcf";

}  // namespace immucan::cohort
