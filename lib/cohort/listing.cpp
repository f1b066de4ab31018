#include "cohort/listing.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "cohort/schema.h"
#include "core/text.h"

namespace immucan::cohort {
namespace {

std::size_t visit_rank(std::string_view visit) {
  const auto visits = core::split(kVisits, '|');
  return static_cast<std::size_t>(std::ranges::find(visits, visit) - visits.begin());
}

std::map<std::string, std::string> consent_states(Database& database) {
  std::map<std::string, std::string> states;
  Statement rows(database,
                 "SELECT p.patient_id, count(c.consent_id), count(c.withdrawn_on) FROM patient p LEFT JOIN consent c "
                 "USING(patient_id) "
                 "GROUP BY p.patient_id");
  while (rows.step()) {
    states[rows.text(0)] = rows.integer(1) == 0 ? "none" : rows.integer(1) == rows.integer(2) ? "withdrawn" : "yes";
  }
  return states;
}

/// Rows of a query as tab-separated lines; values hold no tabs (the import refuses control characters).
std::string rows_tsv(Statement& rows) {
  std::string out;
  while (rows.step()) {
    for (int i = 0; i < rows.columns(); ++i) out += (i == 0 ? "" : "\t") + to_text(rows.value(i));
    out += '\n';
  }
  return out;
}

}  // namespace

Matrix sample_matrix(Database& database) {
  struct Key {
    std::string patient;
    std::size_t rank;
    std::string visit;
    auto operator<=>(const Key&) const = default;
  };
  std::map<Key, std::map<std::string, std::uint64_t>> counted;
  std::set<std::string> columns;
  Statement rows(database,
                 "SELECT patient_id, visit, specimen || '/' || coalesce(modality, 'NA'), count(*) FROM sample WHERE "
                 "control = 'sample' "
                 "GROUP BY 1, 2, 3");
  std::set<std::string> seen;
  while (rows.step()) {
    const std::string visit = rows.text(1);
    counted[{rows.text(0), visit_rank(visit), visit}][rows.text(2)] += static_cast<std::uint64_t>(rows.integer(3));
    columns.insert(rows.text(2));
    seen.insert(rows.text(0));
  }
  const auto consent = consent_states(database);
  for (const auto& [patient, state] : consent) {
    if (!seen.contains(patient)) counted[{patient, visit_rank("NA"), "NA"}];
  }
  Matrix matrix;
  matrix.columns.assign(columns.begin(), columns.end());
  for (const auto& [key, counts] : counted) {
    const auto state = consent.find(key.patient);
    Matrix::Entry entry{key.patient, key.visit, state == consent.end() ? "none" : state->second, {}};
    for (const std::string& column : matrix.columns) {
      const auto found = counts.find(column);
      entry.counts.push_back(found == counts.end() ? 0 : found->second);
    }
    matrix.rows.push_back(std::move(entry));
  }
  return matrix;
}

std::string matrix_tsv(const Matrix& matrix) {
  std::string out = "patient_id\tvisit\tconsent";
  for (const std::string& column : matrix.columns) out += '\t' + column;
  out += '\n';
  for (const Matrix::Entry& row : matrix.rows) {
    out += row.patient_id + '\t' + row.visit + '\t' + row.consent;
    for (const std::uint64_t count : row.counts) out += '\t' + std::to_string(count);
    out += '\n';
  }
  return out;
}

std::string matrix_json(const Matrix& matrix) {
  nlohmann::ordered_json root;
  root["columns"] = matrix.columns;
  root["rows"] = nlohmann::ordered_json::array();
  for (const Matrix::Entry& row : matrix.rows) {
    nlohmann::ordered_json samples = nlohmann::ordered_json::object();
    for (std::size_t i = 0; i < matrix.columns.size(); ++i) {
      if (row.counts[i] > 0) samples[matrix.columns[i]] = row.counts[i];
    }
    root["rows"].push_back(
        {{"patient_id", row.patient_id}, {"visit", row.visit}, {"consent", row.consent}, {"samples", samples}});
  }
  return root.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string samples_tsv(Database& database) {
  Statement rows(database,
                 "SELECT sample_id, patient_id, visit, day, specimen, modality, batch, control, (SELECT "
                 "group_concat(role || '=' || path, ';') "
                 "FROM (SELECT role, path FROM sample_file f WHERE f.sample_id = s.sample_id ORDER BY position)) FROM "
                 "sample s ORDER BY "
                 "sample_id");
  return "sample_id\tpatient_id\tvisit\tday\tspecimen\tmodality\tbatch\tcontrol\tfiles\n" + rows_tsv(rows);
}

std::string clinical_tsv(Database& database) {
  const TableRule& rule = *find_import_table("clinical");
  std::string header, columns;
  for (const ColumnRule& column : rule.columns) {
    header += (header.empty() ? "" : "\t") + std::string(column.name);
    columns += (columns.empty() ? "" : ", ") + std::string(column.name);
  }
  std::vector<std::string> more;
  Statement names(database, "SELECT name FROM clinical_more GROUP BY name ORDER BY min(position), name");
  while (names.step()) more.push_back(names.text(0));
  for (const std::string& name : more) header += '\t' + name;

  std::string out = header + '\n';
  Statement rows(database, "SELECT " + columns + " FROM clinical ORDER BY patient_id");
  Statement value(database, "SELECT value FROM clinical_more WHERE patient_id = ? AND name = ?");
  while (rows.step()) {
    for (int i = 0; i < rows.columns(); ++i) out += (i == 0 ? "" : "\t") + to_text(rows.value(i));
    for (const std::string& name : more) {
      value.bind(1, rows.value(0));
      value.bind_text(2, name);
      out += '\t' + (value.step() ? to_text(value.value(0)) : std::string("NA"));
      value.reset();
    }
    out += '\n';
  }
  return out;
}

}  // namespace immucan::cohort
