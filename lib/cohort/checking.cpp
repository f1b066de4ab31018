#include "cohort/checking.h"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "cohort/provenance.h"
#include "cohort/rows.h"
#include "core/error.h"
#include "core/text.h"

namespace immucan::cohort {
namespace {

/// A rule that is one query: rows of (id, detail).
struct QueryRule {
  std::string_view name, object, meaning;
  std::string_view sql;
};

constexpr auto kQueries = std::to_array<QueryRule>({
    {"alive-after-death", "patient", "a patient is seen alive after the day of death",
     "SELECT a.patient_id, 'alive on day ' || a.day || ', dead on day ' || d.day FROM current_follow_up AS a JOIN "
     "current_follow_up AS d ON d.patient_id = a.patient_id WHERE a.vital = 'alive' AND d.vital = 'dead' AND a.day > "
     "d.day"},
    {"sample-after-death", "sample", "a sample was taken after the day of death",
     "SELECT s.sample_id, 'day ' || printf('%g', s.day) || ', dead on day ' || printf('%g', c.os_days) FROM sample s "
     "JOIN clinical c "
     "USING(patient_id) WHERE c.os_event = 1 AND s.day > c.os_days UNION SELECT s.sample_id, 'day ' || printf('%g', "
     "s.day) || ', dead on "
     "day ' || f.day FROM sample s JOIN current_follow_up AS f USING(patient_id) WHERE f.vital = 'dead' AND s.day > "
     "f.day"},
    {"death-disagrees", "patient", "clinical and follow-up rows disagree on death",
     "SELECT c.patient_id, CASE WHEN c.os_event = 0 THEN 'alive in clinical, dead on day ' || coalesce(f.day, 'NA') || "
     "' in follow-up' "
     "ELSE 'dead on day ' || printf('%g', c.os_days) || ' in clinical, ' || f.day || ' in follow-up' END FROM clinical "
     "c "
     "JOIN current_follow_up AS f USING(patient_id) WHERE f.vital = 'dead' AND (c.os_event = 0 OR (c.os_event = 1 AND "
     "f.day <> c.os_days))"},
    {"progression-after-end", "patient", "progression-free survival ends after overall survival",
     "SELECT patient_id, 'pfs_days ' || printf('%g', pfs_days) || ' > os_days ' || printf('%g', os_days) FROM clinical "
     "WHERE pfs_days > os_days"},
    {"death-without-progression-event", "patient",
     "a death that does not count as an event of progression-free survival",
     "SELECT patient_id, 'os_event 1 and pfs_event 0 on the same day' FROM clinical WHERE os_event = 1 AND pfs_event = "
     "0 AND pfs_days = "
     "os_days"},
    {"survival-incomplete", "patient", "a survival time without its event, or the reverse",
     "SELECT patient_id, 'os' FROM clinical WHERE (os_days IS NULL) <> (os_event IS NULL) UNION ALL SELECT patient_id, "
     "'pfs' FROM clinical "
     "WHERE (pfs_days IS NULL) <> (pfs_event IS NULL)"},
    {"response-disagrees", "patient", "response and best_response contradict each other",
     "SELECT patient_id, 'best_response ' || best_response || ', response ' || response FROM clinical WHERE "
     "(best_response IN ('CR', 'PR') "
     "AND response = 'NR') OR (best_response = 'PD' AND response = 'R')"},
    {"randomised-without-arm", "patient", "a randomised patient has no arm",
     "SELECT patient_id, 'arm is NA' FROM clinical WHERE randomised = 1 AND arm IS NULL"},
    {"stage-disagrees", "patient", "stage and M category contradict each other",
     "SELECT patient_id, 'stage ' || stage || ', m ' || m FROM patient WHERE stage IS NOT NULL AND ((m LIKE '%1%' AND "
     "stage NOT LIKE 'IV%') "
     "OR (m LIKE '%0%' AND stage LIKE 'IV%'))"},
    {"stage-prefix-mixed", "patient", "clinical (c) and pathological (p) categories are mixed",
     "SELECT patient_id, coalesce(t, '') || ' ' || coalesce(n, '') FROM patient WHERE substr(t, 1, 1) IN ('c', 'p') "
     "AND substr(n, 1, 1) IN "
     "('c', 'p') AND substr(t, 1, 1) <> substr(n, 1, 1)"},
    {"sex-disagrees", "patient", "patients and clinical rows disagree on sex",
     "SELECT patient_id, p.sex || ' and ' || c.sex FROM patient p JOIN clinical c USING(patient_id) WHERE p.sex <> "
     "'unknown' AND c.sex <> "
     "'unknown' AND upper(substr(p.sex, 1, 1)) <> upper(substr(c.sex, 1, 1))"},
    {"consent-missing", "patient", "data or material of a patient without any consent",
     "SELECT patient_id, 'no consent row' FROM patient p WHERE NOT EXISTS (SELECT 1 FROM consent c WHERE c.patient_id "
     "= p.patient_id) AND "
     "(EXISTS (SELECT 1 FROM sample s WHERE s.patient_id = p.patient_id) OR EXISTS (SELECT 1 FROM specimen s WHERE "
     "s.patient_id = "
     "p.patient_id) OR EXISTS (SELECT 1 FROM clinical c WHERE c.patient_id = p.patient_id))"},
    {"consent-withdrawn", "patient", "every consent is withdrawn, data or material is still here",
     "SELECT patient_id, 'last withdrawn on ' || max(withdrawn_on) FROM consent c GROUP BY patient_id HAVING count(*) "
     "= count(withdrawn_on) "
     "AND (EXISTS (SELECT 1 FROM sample s WHERE s.patient_id = c.patient_id) OR EXISTS (SELECT 1 FROM specimen s WHERE "
     "s.patient_id = "
     "c.patient_id AND coalesce(s.status, 'available') NOT IN ('destroyed', 'depleted')))"},
    {"clinical-missing", "patient", "a patient with samples has no clinical row",
     "SELECT DISTINCT patient_id, 'samples but no clinical row' FROM sample WHERE patient_id IS NOT NULL AND "
     "patient_id NOT IN (SELECT "
     "patient_id FROM clinical)"},
    {"naive-after-treatment", "sample", "a sample called naive was taken after the first treatment began",
     "SELECT s.sample_id, 'day ' || printf('%g', s.day) || ', treated from day ' || min(t.start_day) FROM sample s "
     "JOIN treatment t "
     "USING(patient_id) WHERE s.visit = 'naive' GROUP BY s.sample_id HAVING s.day > min(t.start_day)"},
    {"specimen-patient-disagrees", "specimen", "a specimen and its visit or parent belong to different patients",
     "SELECT s.specimen_id, s.patient_id || ' and ' || v.patient_id FROM specimen s JOIN visit v USING(visit_id) WHERE "
     "v.patient_id <> "
     "s.patient_id UNION ALL SELECT s.specimen_id, s.patient_id || ' and ' || p.patient_id FROM specimen s JOIN "
     "specimen p ON p.specimen_id = "
     "s.parent_id WHERE p.patient_id <> s.patient_id"},
    {"sop-not-valid", "run", "a run began outside the validity of its procedure",
     "SELECT r.run_id, r.started || ' outside ' || s.valid_from || ' to ' || coalesce(s.valid_to, 'now') FROM run r "
     "JOIN sop s ON s.sop_id = "
     "r.sop_id AND s.version = r.sop_version WHERE r.started < s.valid_from OR r.started > s.valid_to"},
    {"custody-after-destruction", "specimen", "custody goes on after the specimen was destroyed",
     "SELECT a.specimen_id, b.action || ' after destroyed' FROM custody a JOIN custody b ON b.specimen_id = "
     "a.specimen_id AND b.seq > a.seq "
     "WHERE a.action = 'destroyed'"},
    {"custody-backwards", "specimen", "custody dates go backwards",
     "SELECT a.specimen_id, b.at || ' after ' || a.at FROM custody a JOIN custody b ON b.specimen_id = a.specimen_id "
     "AND b.seq = (SELECT "
     "min(seq) FROM custody c WHERE c.specimen_id = a.specimen_id AND c.seq > a.seq) WHERE b.at < a.at"},
    {"sample-without-files", "sample", "a sample names no file",
     "SELECT sample_id, coalesce(modality, 'no modality') FROM sample s WHERE NOT EXISTS (SELECT 1 FROM sample_file f "
     "WHERE f.sample_id = "
     "s.sample_id) AND NOT EXISTS (SELECT 1 FROM file f WHERE f.sample_id = s.sample_id)"},
    {"duplicate-file", "file", "one file serves two samples, or the same bytes lie under two names",
     "SELECT path, 'named by ' || group_concat(sample_id, ', ') FROM (SELECT DISTINCT path, sample_id FROM sample_file "
     "ORDER BY path, "
     "sample_id) GROUP BY path HAVING count(*) > 1 UNION ALL SELECT path, 'named twice by ' || sample_id FROM "
     "sample_file GROUP BY path, "
     "sample_id HAVING count(*) > 1 UNION ALL SELECT min(path), 'same bytes as ' || group_concat(path, ', ') FROM "
     "(SELECT path, sha256 FROM "
     "file ORDER BY path) GROUP BY sha256 HAVING count(*) > 1"},
    {"empty-file", "file", "a file of no bytes", "SELECT path, 'size 0' FROM file WHERE size = 0"},
});

void integrity(Database& database, std::vector<Finding>& findings) {
  Statement pages(database, "PRAGMA integrity_check(100)");
  while (pages.step()) {
    if (const std::string text = pages.text(0); text != "ok")
      findings.push_back({"file-damaged", "registry", "", core::printable(text)});
  }
  std::map<std::pair<std::string, std::string>, std::size_t> orphans;
  Statement foreign(database, "PRAGMA foreign_key_check");
  while (foreign.step()) ++orphans[{foreign.text(0), foreign.text(2)}];
  for (const auto& [tables, count] : orphans) {
    findings.push_back({"orphan", tables.first, "",
                        std::to_string(count) + " rows refer to a " + tables.second + " that is not there"});
  }
}

/// The store refuses colliding ids; a file changed by another program may still hold them.
void id_collisions(Database& database, std::vector<Finding>& findings) {
  constexpr std::array<std::pair<const char*, const char*>, 4> kIds{
      {{"patient", "patient_id"}, {"sample", "sample_id"}, {"specimen", "specimen_id"}, {"visit", "visit_id"}}};
  for (const auto& [table, column] : kIds) {
    std::map<std::string, std::string> first;
    Statement ids(database, std::string("SELECT ") + column + " FROM " + table + " ORDER BY 1");
    while (ids.step()) {
      const std::string id = ids.text(0);
      const auto [at, is_new] = first.emplace(fold_id(id), id);
      if (!is_new) findings.push_back({"id-collision", table, id, "is '" + at->second + "' in another spelling"});
    }
  }
}

/// A raw file of one sample that two runs read with different bytes. (Names of several samples say nothing.)
void changed_raw_files(Database& database, std::vector<Finding>& findings) {
  std::map<std::pair<std::string, std::string>, std::set<std::string>> bytes;
  for (const ProvenanceEdge& edge : provenance(database)) {
    if (edge.samples.size() == 1) bytes[{edge.samples.front(), edge.name}].insert(edge.sha256);
  }
  for (const auto& [file, digests] : bytes) {
    if (digests.size() > 1) {
      findings.push_back({"raw-file-changed", "sample", file.first,
                          file.second + " was read with " + std::to_string(digests.size()) + " different contents"});
    }
  }
}

}  // namespace

std::vector<CheckRule> check_rules() {
  std::vector<CheckRule> rules{
      {"file-damaged", "SQLite's own integrity check fails"},
      {"orphan", "a row refers to something that is not in the registry"},
      {"audit-broken", "the chain of audit rows does not hold, or a table was changed by another program"},
      {"id-collision", "two ids differ only in capitals, '-', '_', '.' or blanks"},
      {"raw-file-changed", "linked runs read different bytes under one file name of one sample"},
  };
  for (const QueryRule& query : kQueries) rules.push_back({std::string(query.name), std::string(query.meaning)});
  return rules;
}

std::vector<Finding> check_registry(Database& database) {
  std::vector<Finding> findings;
  integrity(database, findings);
  for (const AuditProblem& problem : verify_audit(database))
    findings.push_back({"audit-broken", problem.object, "", problem.detail});
  id_collisions(database, findings);
  changed_raw_files(database, findings);
  for (const QueryRule& query : kQueries) {
    Statement rows(database, query.sql);
    while (rows.step())
      findings.push_back({std::string(query.name), std::string(query.object), rows.text(0), rows.text(1)});
  }
  std::ranges::sort(findings);
  findings.erase(std::ranges::unique(findings).begin(), findings.end());
  return findings;
}

std::string findings_tsv(const std::vector<Finding>& findings) {
  std::string out = "rule\tobject\tid\tdetail\n";
  for (const Finding& finding : findings) {
    out += finding.rule + '\t' + finding.object + '\t' +
           (finding.id.empty() ? "NA" : core::printable(finding.id, 1000)) + '\t' +
           core::printable(finding.detail, 1000) + '\n';
  }
  return out;
}

std::string findings_json(const std::vector<Finding>& findings) {
  nlohmann::ordered_json root;
  root["findings"] = nlohmann::ordered_json::array();
  for (const Finding& finding : findings) {
    root["findings"].push_back(
        {{"rule", finding.rule}, {"object", finding.object}, {"id", finding.id}, {"detail", finding.detail}});
  }
  root["count"] = findings.size();
  return root.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace immucan::cohort
