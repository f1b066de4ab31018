// Schema version 1. Frozen once released: a change is a new script in a new file, applied by migration.
// Days are integers relative to the patient's anchor (day 0 = diagnosis or start of the study treatment). No direct
// identifier has a place here: names, hospital numbers and birth dates stay in a vault of their own.
#include "cohort/schema.h"

namespace immucan::cohort {

std::string_view schema_v1_sql() {
  return R"sql(
CREATE TABLE audit(
  seq INTEGER PRIMARY KEY, at TEXT NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, object TEXT NOT NULL,
  payload TEXT NOT NULL CHECK(payload GLOB '{*}'),
  prev BLOB NOT NULL CHECK(length(prev) = 32), hash BLOB NOT NULL UNIQUE CHECK(length(hash) = 32)) STRICT;
CREATE TRIGGER audit_keeps_rows BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit rows are never deleted'); END;
CREATE TRIGGER audit_keeps_words BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit rows are never changed'); END;

-- Every id once more, upper-cased and without '-', '_', '.' and blanks: two spellings of one id cannot both enter.
CREATE TABLE folded_id(
  kind TEXT NOT NULL, folded TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY(kind, folded)) STRICT, WITHOUT ROWID;

CREATE TABLE study(
  study_id TEXT PRIMARY KEY, title TEXT NOT NULL, owner TEXT NOT NULL,
  owner_kind TEXT NOT NULL CHECK(owner_kind IN ('academic', 'company', 'public'))) STRICT;

CREATE TABLE patient(
  patient_id TEXT PRIMARY KEY CHECK(patient_id NOT GLOB '*[^A-Z0-9-]*' AND length(patient_id) BETWEEN 4 AND 40),
  study_id TEXT REFERENCES study, site TEXT, country TEXT CHECK(length(country) = 2),
  sex TEXT CHECK(sex IN ('female', 'male', 'other', 'unknown')), age_at_anchor INTEGER CHECK(age_at_anchor BETWEEN 0 AND 120),
  anchor_year INTEGER CHECK(anchor_year BETWEEN 1950 AND 2100), diagnosis TEXT, t TEXT, n TEXT, m TEXT, stage TEXT) STRICT;

CREATE TABLE clinical(
  patient_id TEXT PRIMARY KEY REFERENCES patient, cohort TEXT, tumour_type TEXT, stage TEXT, arm TEXT,
  randomised INTEGER CHECK(randomised IN (0, 1)), treatment_class TEXT, line INTEGER CHECK(line >= 0),
  prior_ici INTEGER CHECK(prior_ici IN (0, 1)), resistance TEXT, best_response TEXT, response TEXT, response_rule TEXT,
  os_days REAL CHECK(os_days >= 0), os_event INTEGER CHECK(os_event IN (0, 1)),
  pfs_days REAL CHECK(pfs_days >= 0), pfs_event INTEGER CHECK(pfs_event IN (0, 1)),
  age REAL CHECK(age BETWEEN 0 AND 120), sex TEXT, site TEXT, antibiotics_30d INTEGER CHECK(antibiotics_30d IN (0, 1)),
  pd_l1 REAL, tmb REAL, msi TEXT) STRICT;
-- Columns of clinical.tsv beyond those above, as they were written; position keeps the order of the file.
CREATE TABLE clinical_more(
  patient_id TEXT NOT NULL REFERENCES clinical, name TEXT NOT NULL, position INTEGER NOT NULL, value TEXT,
  PRIMARY KEY(patient_id, name)) STRICT, WITHOUT ROWID;

CREATE TABLE consent(
  consent_id TEXT PRIMARY KEY, patient_id TEXT NOT NULL REFERENCES patient, form TEXT NOT NULL, form_version TEXT NOT NULL,
  signed_on TEXT NOT NULL, permission TEXT NOT NULL CHECK(permission IN ('NRES', 'GRU', 'HMB', 'DS', 'POA')), disease TEXT,
  withdrawn_on TEXT, withdrawal TEXT CHECK(withdrawal IN ('future-use', 'destroy')), document_sha256 TEXT,
  CHECK((permission = 'DS') = (disease IS NOT NULL)), CHECK((withdrawn_on IS NULL) = (withdrawal IS NULL)),
  CHECK(withdrawn_on IS NULL OR withdrawn_on >= signed_on), UNIQUE(patient_id, form, form_version)) STRICT;
CREATE TABLE consent_modifier(
  consent_id TEXT NOT NULL REFERENCES consent, code TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY(consent_id, code, value)) STRICT, WITHOUT ROWID;

CREATE TABLE visit(
  visit_id TEXT PRIMARY KEY, patient_id TEXT NOT NULL REFERENCES patient,
  kind TEXT NOT NULL CHECK(kind IN ('naive', 'on-treatment', 'progression', 'follow-up')), day INTEGER NOT NULL,
  UNIQUE(patient_id, kind, day)) STRICT;
CREATE TABLE treatment(
  treatment_id TEXT PRIMARY KEY, patient_id TEXT NOT NULL REFERENCES patient, line INTEGER CHECK(line >= 0),
  class TEXT NOT NULL, agent TEXT, start_day INTEGER, end_day INTEGER,
  CHECK(end_day IS NULL OR start_day IS NULL OR end_day >= start_day)) STRICT;
CREATE TABLE response(
  patient_id TEXT NOT NULL REFERENCES patient, day INTEGER NOT NULL, criteria TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY(patient_id, day, criteria)) STRICT, WITHOUT ROWID;
-- Append-only: a correction is a new row that names the one it supersedes.
CREATE TABLE follow_up(
  follow_up_id TEXT PRIMARY KEY, patient_id TEXT NOT NULL REFERENCES patient, day INTEGER,
  vital TEXT NOT NULL CHECK(vital IN ('alive', 'dead', 'lost')), disease TEXT, source TEXT NOT NULL,
  supersedes TEXT REFERENCES follow_up, CHECK(day IS NOT NULL OR vital = 'dead')) STRICT;
CREATE TRIGGER follow_up_keeps_rows BEFORE DELETE ON follow_up
  BEGIN SELECT RAISE(ABORT, 'follow-up rows are never deleted; supersede them'); END;
CREATE TRIGGER follow_up_keeps_words BEFORE UPDATE ON follow_up
  BEGIN SELECT RAISE(ABORT, 'follow-up rows are never changed; supersede them'); END;

CREATE VIEW current_follow_up AS
  SELECT * FROM follow_up AS f WHERE NOT EXISTS (SELECT 1 FROM follow_up AS g WHERE g.supersedes = f.follow_up_id);

CREATE TABLE sop(
  sop_id TEXT NOT NULL, version TEXT NOT NULL, title TEXT NOT NULL, sha256 TEXT, valid_from TEXT NOT NULL, valid_to TEXT,
  PRIMARY KEY(sop_id, version), CHECK(valid_to IS NULL OR valid_to >= valid_from)) STRICT, WITHOUT ROWID;
CREATE TABLE specimen(
  specimen_id TEXT PRIMARY KEY, patient_id TEXT NOT NULL REFERENCES patient, visit_id TEXT REFERENCES visit,
  parent_id TEXT REFERENCES specimen, material TEXT NOT NULL, preservation TEXT, sop_id TEXT, sop_version TEXT,
  collected_day INTEGER, cold_ischaemia_min INTEGER CHECK(cold_ischaemia_min >= 0), storage_c REAL, amount REAL CHECK(amount >= 0),
  unit TEXT, status TEXT CHECK(status IN ('available', 'reserved', 'shipped', 'depleted', 'destroyed')),
  FOREIGN KEY(sop_id, sop_version) REFERENCES sop, CHECK((amount IS NULL) = (unit IS NULL)),
  CHECK((sop_id IS NULL) = (sop_version IS NULL))) STRICT;
CREATE TRIGGER specimen_of_one_patient BEFORE INSERT ON specimen
  WHEN NEW.patient_id <> coalesce((SELECT patient_id FROM visit WHERE visit_id = NEW.visit_id), NEW.patient_id)
    OR NEW.patient_id <> coalesce((SELECT patient_id FROM specimen WHERE specimen_id = NEW.parent_id), NEW.patient_id)
  BEGIN SELECT RAISE(ABORT, 'specimen, visit and parent belong to different patients'); END;
CREATE TABLE custody(
  specimen_id TEXT NOT NULL REFERENCES specimen, seq INTEGER NOT NULL, action TEXT NOT NULL, at TEXT NOT NULL, site TEXT NOT NULL,
  temp_c REAL, PRIMARY KEY(specimen_id, seq)) STRICT, WITHOUT ROWID;
CREATE TABLE run(
  run_id TEXT PRIMARY KEY, assay TEXT NOT NULL, instrument TEXT, batch TEXT NOT NULL, sop_id TEXT, sop_version TEXT,
  started TEXT NOT NULL, FOREIGN KEY(sop_id, sop_version) REFERENCES sop, CHECK((sop_id IS NULL) = (sop_version IS NULL))) STRICT;

-- One measurement of one specimen at one visit: a row of samples.tsv. Controls need no patient.
CREATE TABLE sample(
  sample_id TEXT PRIMARY KEY, patient_id TEXT REFERENCES patient, visit TEXT, day REAL, specimen TEXT NOT NULL, modality TEXT,
  batch TEXT, control TEXT NOT NULL CHECK(control IN ('sample', 'blank', 'reference')),
  CHECK(control <> 'sample' OR (patient_id IS NOT NULL AND visit IS NOT NULL))) STRICT;
CREATE TABLE sample_file(
  sample_id TEXT NOT NULL REFERENCES sample, position INTEGER NOT NULL, role TEXT NOT NULL, path TEXT NOT NULL,
  PRIMARY KEY(sample_id, position)) STRICT, WITHOUT ROWID;
-- Known bytes. The same bytes under two names are allowed in and reported by check.
CREATE TABLE file(
  path TEXT PRIMARY KEY, sha256 TEXT NOT NULL, size INTEGER NOT NULL CHECK(size >= 0), format TEXT NOT NULL,
  level TEXT NOT NULL CHECK(level IN ('raw', 'processed', 'result', 'document')), sample_id TEXT REFERENCES sample,
  run_id TEXT REFERENCES run) STRICT;

CREATE INDEX sample_by_patient ON sample(patient_id);
CREATE INDEX specimen_by_patient ON specimen(patient_id);
CREATE INDEX follow_up_by_patient ON follow_up(patient_id);
CREATE INDEX file_by_digest ON file(sha256);
CREATE INDEX sample_file_by_path ON sample_file(path);
)sql";
}

}  // namespace immucan::cohort
