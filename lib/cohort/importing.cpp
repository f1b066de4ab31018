#include "cohort/importing.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "core/text.h"
#include "io/byte_source.h"

namespace immucan::cohort {
namespace {

constexpr std::uint64_t kRowsPerInterruptCheck = 1024;

std::string column_list(const TableRule& table) {
  std::string list;
  for (const ColumnRule& rule : table.columns) {
    if (rule.kind == Kind::kFiles) continue;  // kept in a table of their own
    if (!list.empty()) list += ", ";
    list += rule.name;
  }
  return list;
}

std::string insert_sql(const TableRule& table) {
  const auto stored =
      std::ranges::count_if(table.columns, [](const ColumnRule& rule) { return rule.kind != Kind::kFiles; });
  std::string marks;
  for (std::ptrdiff_t i = 0; i < stored; ++i) marks += i == 0 ? "?" : ", ?";
  return fmt::format("INSERT INTO {}({}) VALUES ({})", table.table, column_list(table), marks);
}

std::string select_sql(const TableRule& table) {
  std::string where;
  for (const std::string_view key : table.key) where += fmt::format("{}{} = ?", where.empty() ? "" : " AND ", key);
  return fmt::format("SELECT {} FROM {} WHERE {}", column_list(table), table.table, where);
}

/// Puts parsed rows into the open transaction and says what the registry has against them.
class Loader {
 public:
  Loader(Database& database, const TableRule& table, const RowParser& parser, ImportResult& result)
      : table_(table),
        parser_(parser),
        result_(result),
        insert_(database, insert_sql(table)),
        select_(database, select_sql(table)),
        fold_find_(database, "SELECT id FROM folded_id WHERE kind = ? AND folded = ?"),
        fold_add_(database, "INSERT INTO folded_id(kind, folded, id) VALUES (?, ?, ?)"),
        patient_find_(database, "SELECT 1 FROM patient WHERE patient_id = ?"),
        patient_add_(database, "INSERT INTO patient(patient_id) VALUES (?)"),
        more_find_(database, "SELECT name, value FROM clinical_more WHERE patient_id = ? ORDER BY name"),
        more_add_(database, "INSERT INTO clinical_more(patient_id, name, position, value) VALUES (?, ?, ?, ?)"),
        file_find_(database, "SELECT role || '=' || path FROM sample_file WHERE sample_id = ? ORDER BY position"),
        file_add_(database, "INSERT INTO sample_file(sample_id, position, role, path) VALUES (?, ?, ?, ?)") {
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      const std::string_view parent = table.columns[i].parent;
      if (parent.empty()) continue;
      const std::size_t dot = parent.find('.');
      parents_.push_back({i, std::string(parent.substr(0, dot)),
                          Statement(database, fmt::format("SELECT 1 FROM {} WHERE {} = ?", parent.substr(0, dot),
                                                          parent.substr(dot + 1)))});
    }
  }

  void load(const Row& row) {
    const std::size_t before = result_.issues.size();
    if (!first_in_file(row)) return;
    check_parents(row);
    check_together(row);
    if (result_.issues.size() != before) return;
    if (present(row)) return;
    if (result_.issues.size() != before) return;
    if (!enter_id(row)) return;
    try {
      if (table_.table == "clinical") add_patient(row);
      insert(row);
      if (table_.table == "clinical") insert_more(row);
      if (table_.table == "sample") insert_files(row);
      ++result_.added;
    } catch (const ConstraintViolation& violation) {
      complain(row, {}, {}, fmt::format("cannot be stored: {}", violation.what()));
    }
  }

 private:
  struct Parent {
    std::size_t column;
    std::string table;
    Statement find;
  };

  void complain(const Row& row, std::string_view column, std::string value, std::string rule) {
    result_.issues.push_back({row.line, column.empty() ? 0 : parser_.field_of(column), std::string(column),
                              std::move(value), std::move(rule)});
  }
  [[nodiscard]] std::size_t column_index(std::string_view name) const {
    return static_cast<std::size_t>(std::ranges::find(table_.columns, name, &ColumnRule::name) -
                                    table_.columns.begin());
  }
  [[nodiscard]] const Value& value(const Row& row, std::string_view name) const {
    return row.values[column_index(name)];
  }
  static bool missing(const Value& value) { return std::holds_alternative<std::monostate>(value); }

  bool first_in_file(const Row& row) {
    std::string key;
    for (const std::string_view name : table_.key) key += to_text(value(row, name)) + '\t';
    const auto [at, is_new] = lines_.emplace(std::move(key), row.line);
    if (!is_new) {
      complain(row, table_.key.front(), to_text(value(row, table_.key.front())),
               fmt::format("is on line {} already", at->second));
    }
    return is_new;
  }

  void check_parents(const Row& row) {
    for (Parent& parent : parents_) {
      const Value& id = row.values[parent.column];
      if (missing(id)) continue;
      parent.find.bind(1, id);
      const bool found = parent.find.step();
      parent.find.reset();
      if (found) continue;
      const std::string text = to_text(id);
      const std::string other = folded_owner(parent.table, text);
      complain(row, table_.columns[parent.column].name, text,
               other.empty()
                   ? fmt::format("is not a {} of the registry; import that first", parent.table)
                   : fmt::format("is not a {} of the registry, which has '{}'", parent.table, core::printable(other)));
    }
  }

  /// Rules over several columns that deserve a better sentence than the schema's.
  void check_together(const Row& row) {
    if (table_.table == "sample" && to_text(value(row, "control")) == "sample") {
      for (const std::string_view column : {"patient_id", "visit"}) {
        if (missing(value(row, column))) complain(row, column, "NA", "must not be missing where control is 'sample'");
      }
    }
    if (table_.table == "consent") {
      const bool disease = to_text(value(row, "permission")) == "DS";
      if (disease == missing(value(row, "disease"))) {
        complain(row, "disease", to_text(value(row, "disease")), "must be given for permission DS, and only there");
      }
      if (missing(value(row, "withdrawn_on")) != missing(value(row, "withdrawal"))) {
        complain(row, "withdrawal", to_text(value(row, "withdrawal")), "must be given together with withdrawn_on");
      }
    }
  }

  std::string folded_owner(std::string_view kind, std::string_view id) {
    fold_find_.bind_text(1, kind);
    fold_find_.bind_text(2, fold_id(id));
    const std::string owner = fold_find_.step() ? fold_find_.text(0) : std::string{};
    fold_find_.reset();
    return owner;
  }

  /// Whether the row is in the registry already; other values than these are an issue.
  bool present(const Row& row) {
    for (std::size_t i = 0; i < table_.key.size(); ++i)
      select_.bind(static_cast<int>(i) + 1, value(row, table_.key[i]));
    if (!select_.step()) {
      select_.reset();
      return false;
    }
    bool same = true;
    int stored = 0;
    for (std::size_t i = 0; i < table_.columns.size(); ++i) {
      if (table_.columns[i].kind == Kind::kFiles) continue;
      const Value held = select_.value(stored++);
      if (held == row.values[i]) continue;
      same = false;
      complain(row, parser_.field_of(table_.columns[i].name) == 0 ? table_.key.front() : table_.columns[i].name,
               to_text(row.values[i]),
               fmt::format("differs from the registry, which holds '{}'", core::printable(to_text(held))));
    }
    select_.reset();
    same = same_more(row) && same;
    same = same_files(row) && same;
    if (same) ++result_.unchanged;
    return true;
  }

  bool same_more(const Row& row) {
    if (table_.table != "clinical") return true;
    std::vector<std::pair<std::string, Value>> given = row.more, held;
    std::ranges::sort(given, {}, &std::pair<std::string, Value>::first);
    more_find_.bind(1, row.values.front());
    while (more_find_.step()) held.emplace_back(more_find_.text(0), more_find_.value(1));
    more_find_.reset();
    if (given == held) return true;
    complain(row, table_.key.front(), to_text(row.values.front()), "differs from the registry in a further column");
    return false;
  }

  bool same_files(const Row& row) {
    if (table_.table != "sample") return true;
    std::vector<std::string> held;
    file_find_.bind(1, row.values.front());
    while (file_find_.step()) held.push_back(file_find_.text(0));
    file_find_.reset();
    const Value& given = value(row, "files");
    const std::string joined = held.empty() ? "NA" : core::join(held, ";");
    if (joined == to_text(given)) return true;
    complain(row, "files", to_text(given),
             fmt::format("differs from the registry, which holds '{}'", core::printable(joined)));
    return false;
  }

  bool enter_id(const Row& row) {
    if (table_.id_kind.empty()) return true;
    const std::string id = to_text(row.values.front());
    const std::string owner = folded_owner(table_.id_kind, id);
    if (owner == id) return true;
    if (!owner.empty()) {
      complain(row, table_.columns.front().name, id,
               fmt::format("is '{}' in another spelling: capitals, '-', '_', '.' and blanks do not tell ids apart",
                           core::printable(owner)));
      return false;
    }
    fold_add_.bind_text(1, table_.id_kind);
    fold_add_.bind_text(2, fold_id(id));
    fold_add_.bind_text(3, id);
    fold_add_.step();
    fold_add_.reset();
    return true;
  }

  void add_patient(const Row& row) {
    patient_find_.bind(1, row.values.front());
    const bool known = patient_find_.step();
    patient_find_.reset();
    if (known) return;
    patient_add_.bind(1, row.values.front());
    patient_add_.step();
    patient_add_.reset();
    ++result_.patients_added;
  }

  void insert(const Row& row) {
    int parameter = 0;
    for (std::size_t i = 0; i < table_.columns.size(); ++i) {
      if (table_.columns[i].kind != Kind::kFiles) insert_.bind(++parameter, row.values[i]);
    }
    insert_.step();
    insert_.reset();
  }

  void insert_more(const Row& row) {
    std::int64_t position = 0;
    for (const auto& [name, held] : row.more) {
      more_add_.bind(1, row.values.front());
      more_add_.bind_text(2, name);
      more_add_.bind(3, Value{++position});
      more_add_.bind(4, held);
      more_add_.step();
      more_add_.reset();
    }
  }

  void insert_files(const Row& row) {
    const Value& given = value(row, "files");
    if (missing(given)) return;
    std::string rule;
    const auto files = parse_files(std::get<std::string>(given), rule);
    for (std::size_t i = 0; files && i < files->size(); ++i) {
      file_add_.bind(1, row.values.front());
      file_add_.bind(2, Value{static_cast<std::int64_t>(i) + 1});
      file_add_.bind_text(3, (*files)[i].first);
      file_add_.bind_text(4, (*files)[i].second);
      file_add_.step();
      file_add_.reset();
    }
  }

  const TableRule& table_;
  const RowParser& parser_;
  ImportResult& result_;
  Statement insert_, select_, fold_find_, fold_add_, patient_find_, patient_add_, more_find_, more_add_, file_find_,
      file_add_;
  std::vector<Parent> parents_;
  std::unordered_map<std::string, std::uint64_t> lines_;
};

bool next_line(io::LineReader& lines, std::string_view& line, bool before_header) {
  while (lines.next(line)) {
    if (!before_header || !line.starts_with('#')) return true;
  }
  return false;
}

std::map<std::string, TableDigest> touched_tables(Database& database, const TableRule& table) {
  std::vector<std::string> names{std::string(table.table), "folded_id"};
  if (table.table == "clinical") names.insert(names.end(), {"patient", "clinical_more"});
  if (table.table == "sample") names.emplace_back("sample_file");
  std::map<std::string, TableDigest> digests;
  for (const std::string& name : names) digests.emplace(name, table_digest(database, name));
  return digests;
}

}  // namespace

ImportResult import_table(Database& database, const TableRule& table, const std::filesystem::path& file, bool dry_run,
                          const AuditStamp& stamp, core::RunContext& context) {
  ImportResult result;
  io::LineReader lines(io::open_source(file, context));
  RowParser parser(table);
  std::string_view line;
  if (!next_line(lines, line, true)) {
    result.issues.push_back({1, 0, {}, {}, "the file is empty; a header line and rows are needed"});
    return result;
  }
  if (!parser.header(line, lines.line_number(), result.issues)) return result;
  Transaction transaction(database);
  {
    Loader loader(database, table, parser, result);
    while (next_line(lines, line, false)) {
      if (++result.rows % kRowsPerInterruptCheck == 0) context.interrupt.check();
      if (const auto row = parser.row(line, lines.line_number(), result.issues)) loader.load(*row);
    }
  }
  if (result.rows == 0) result.issues.push_back({lines.line_number(), 0, {}, {}, "the file has a header and no rows"});
  if (!result.issues.empty() || dry_run || result.added == 0) return result;
  const auto inputs = context.inputs.sorted();
  append_audit(database, stamp, "import", table.table,
               change_payload(file == "-" ? "stdin" : file.filename().string(),
                              inputs.empty() ? std::string{} : inputs.back().sha256, result.added, result.unchanged,
                              touched_tables(database, table)));
  transaction.commit();
  return result;
}

}  // namespace immucan::cohort
