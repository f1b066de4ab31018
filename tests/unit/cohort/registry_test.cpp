#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

#include "cohort/checking.h"
#include "cohort/importing.h"
#include "cohort/listing.h"
#include "cohort/store.h"
#include "core/error.h"
#include "unit/temporary_folder.h"

using namespace immucan;
using namespace immucan::cohort;

namespace {

/// A folder of its own with a fresh registry in it.
class Scratch {
 public:
  Scratch() { create_registry(registry, stamp); }
  ImportResult import(const std::string& table, const std::string& text, bool dry_run = false) const {
    Database database = open_registry(registry, Database::Mode::kReadWrite);
    core::RunContext context("cohort-registry", "0", "import");
    return import_table(database, *find_import_table(table), folder.write(table + ".tsv", text), dry_run, stamp,
                        context);
  }
  [[nodiscard]] std::vector<Finding> check() const {
    Database database = open_registry(registry, Database::Mode::kReadOnly);
    return check_registry(database);
  }
  void sql(const std::string& text) const {
    Database database = open_registry(registry, Database::Mode::kReadWrite);
    database.execute(text);
  }
  [[nodiscard]] std::string bytes() const {
    std::ifstream file(registry, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  const AuditStamp stamp{"2026-01-31T12:00:00Z", "tester"};
  const test::TemporaryFolder folder;
  const std::filesystem::path registry = folder / "study.registry";
};

const std::string kClinical =
    "patient_id\tarm\trandomised\tresponse\tbest_response\tos_days\tos_event\tpfs_days\tpfs_event\tsex\tweird\n"
    "IMM-P02\tB\t1\tNR\tPD\t100\t1\t50\t1\tM\tNA\n"
    "IMM-P01\tA\t1\tR\tPR\t300.5\t0\t200\t1\tF\tx y\n";
const std::string kSamples =
    "sample_id\tpatient_id\tvisit\tday\tspecimen\tmodality\tbatch\tcontrol\tfiles\n"
    "P01-blood\tIMM-P01\tnaive\t-3.5\tblood\tcytof\tb1\tsample\tfcs=raw/a.fcs\n"
    "P01-blood-2\tIMM-P01\ton-treatment\t30\tblood\tcytof\tb1\tsample\tfcs=raw/b.fcs\n"
    "P02-stool\tIMM-P02\tnaive\t0\tstool\tmicrobiome\tNA\tsample\tread1=raw/c_1.fq;read2=raw/c_2.fq\n"
    "blank-1\tNA\tNA\tNA\tstool\tmicrobiome\tb2\tblank\tread1=raw/d.fq\n";
const std::string kConsent =
    "consent_id\tpatient_id\tform\tform_version\tsigned_on\tpermission\tdisease\n"
    "C1\tIMM-P01\tmain\t1\t2025-01-01\tGRU\tNA\nC2\tIMM-P02\tmain\t1\t2025-01-01\tDS\tlung\n";

void fill(const Scratch& scratch) {
  REQUIRE(scratch.import("clinical", kClinical).issues.empty());
  REQUIRE(scratch.import("samples", kSamples).issues.empty());
  REQUIRE(scratch.import("consent", kConsent).issues.empty());
}

core::Status status_of(const std::function<void()>& action, std::string& message) {
  try {
    action();
  } catch (const core::Error& error) {
    message = error.what();
    return error.status();
  }
  return core::Status::kOk;
}

bool has(const std::vector<Finding>& findings, std::string_view rule, std::string_view id) {
  for (const Finding& finding : findings) {
    if (finding.rule == rule && finding.id == id) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("a filled registry is sound and lists what it holds") {
  const Scratch scratch;
  fill(scratch);
  CHECK(scratch.check().empty());
  Database database = open_registry(scratch.registry, Database::Mode::kReadOnly);
  CHECK(matrix_tsv(sample_matrix(database)) ==
        "patient_id\tvisit\tconsent\tblood/cytof\tstool/microbiome\n"
        "IMM-P01\tnaive\tyes\t1\t0\nIMM-P01\ton-treatment\tyes\t1\t0\nIMM-P02\tnaive\tyes\t0\t1\n");
  CHECK_THAT(matrix_json(sample_matrix(database)), Catch::Contains("\"stool/microbiome\": 1"));
}

TEST_CASE("what list writes, import accepts as unchanged") {
  const Scratch scratch;
  fill(scratch);
  std::string samples, clinical;
  {
    Database database = open_registry(scratch.registry, Database::Mode::kReadOnly);
    samples = samples_tsv(database);
    clinical = clinical_tsv(database);
  }
  CHECK_THAT(clinical, Catch::Contains("\tweird\n") && Catch::Contains("\tx y\n"));
  const std::string before = scratch.bytes();
  const auto again = scratch.import("samples", samples);
  CHECK(again.issues.empty());
  CHECK(again.added == 0);
  CHECK(again.unchanged == 4);
  CHECK(scratch.import("clinical", clinical).unchanged == 2);
  CHECK(scratch.bytes() == before);
  // And a second registry made from the listing holds the same tables.
  const Scratch other;
  REQUIRE(other.import("clinical", clinical).issues.empty());
  REQUIRE(other.import("samples", samples).issues.empty());
  Database copy = open_registry(other.registry, Database::Mode::kReadOnly);
  CHECK(samples_tsv(copy) == samples);
  CHECK(clinical_tsv(copy) == clinical);
}

TEST_CASE("an import with one bad row leaves the file as it was and names every row") {
  const Scratch scratch;
  fill(scratch);
  const std::string before = scratch.bytes();
  const auto result = scratch.import("samples",
                                     "sample_id\tpatient_id\tvisit\tspecimen\tcontrol\n"
                                     "new-1\tIMM-P01\tnaive\tblood\tsample\n"      // good
                                     "new-1\tIMM-P01\tnaive\tblood\tsample\n"      // twice
                                     "NEW_1\tIMM-P01\tnaive\tblood\tsample\n"      // another spelling
                                     "new-2\tIMM-P09\tnaive\tblood\tsample\n"      // orphan
                                     "new-3\tIMMP-01\tnaive\tblood\tsample\n"      // orphan in another spelling
                                     "new-4\tNA\tNA\tblood\tsample\n"              // patient and visit missing
                                     "P01-blood\tIMM-P02\tnaive\tblood\tsample\n"  // differs from what is there
  );
  CHECK(scratch.bytes() == before);
  std::string all;
  for (const RowIssue& issue : result.issues) all += to_string(issue, "f") + "\n";
  CHECK_THAT(all, Catch::Contains("f:3:1: sample_id 'new-1' is on line 2 already"));
  CHECK_THAT(all, Catch::Contains("f:4:1: sample_id 'NEW_1' is 'new-1' in another spelling"));
  CHECK_THAT(all, Catch::Contains("f:5:2: patient_id 'IMM-P09' is not a patient of the registry; import that first"));
  CHECK_THAT(all, Catch::Contains("f:6:2: patient_id 'IMMP-01' is not a patient of the registry, which has 'IMM-P01'"));
  CHECK_THAT(all,
             Catch::Contains("f:7:2: patient_id 'NA' must not be missing") && Catch::Contains("f:7:3: visit 'NA'"));
  CHECK_THAT(all, Catch::Contains("f:8:2: patient_id 'IMM-P02' differs from the registry, which holds 'IMM-P01'"));
}

TEST_CASE("empty files, headers without rows and rules of the schema are issues") {
  const Scratch scratch;
  fill(scratch);
  CHECK_THAT(scratch.import("patients", "").issues.at(0).rule, Catch::Contains("empty"));
  CHECK_THAT(scratch.import("patients", "patient_id\n").issues.at(0).rule, Catch::Contains("no rows"));
  CHECK_THAT(
      scratch
          .import(
              "consent",
              "consent_id\tpatient_id\tform\tform_version\tsigned_on\tpermission\nC9\tIMM-P01\tx\t1\t2025-01-01\tDS\n")
          .issues.at(0)
          .rule,
      Catch::Contains("permission DS"));
  CHECK_THAT(scratch.import("follow-up", "follow_up_id\tpatient_id\tvital\tsource\nF1\tIMM-P01\talive\tform\n")
                 .issues.at(0)
                 .rule,
             Catch::Contains("CHECK constraint"));
  CHECK_THAT(
      scratch.import("specimens", "specimen_id\tpatient_id\tmaterial\tsop_id\tsop_version\nS1\tIMM-P01\tblood\tX\t1\n")
          .issues.at(0)
          .rule,
      Catch::Contains("FOREIGN KEY"));
}

TEST_CASE("a dry run says the same and keeps nothing") {
  const Scratch scratch;
  const std::string before = scratch.bytes();
  const auto dry = scratch.import("clinical", kClinical, true);
  CHECK(dry.added == 2);
  CHECK(dry.patients_added == 2);
  CHECK(scratch.bytes() == before);
}

TEST_CASE("the same changes give the same bytes, and another row another chain") {
  const Scratch a, b;
  fill(a);
  fill(b);
  CHECK(a.bytes() == b.bytes());
}

TEST_CASE("the audit chain sees what other programs do") {
  const Scratch scratch;
  fill(scratch);
  SECTION("a changed value") {
    scratch.sql("UPDATE clinical SET os_days = 299 WHERE patient_id = 'IMM-P01'");
    const auto findings = scratch.check();
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].rule == "audit-broken");
    CHECK(findings[0].object == "clinical");
  }
  SECTION("a row in a table that was never imported") {
    scratch.sql("INSERT INTO study VALUES ('S1', 't', 'o', 'public')");
    CHECK(has(scratch.check(), "audit-broken", ""));
  }
  SECTION("audit rows refuse to go or to change") {
    CHECK_THROWS_AS(scratch.sql("DELETE FROM audit"), ConstraintViolation);
    CHECK_THROWS_AS(scratch.sql("UPDATE audit SET actor = 'x'"), ConstraintViolation);
  }
  SECTION("a rewritten audit row") {
    scratch.sql("DROP TRIGGER audit_keeps_words; UPDATE audit SET actor = 'someone else' WHERE seq = 2");
    const auto findings = scratch.check();
    REQUIRE(findings.size() == 1);
    CHECK_THAT(findings[0].detail, Catch::Contains("row 2"));
  }
  SECTION("a removed audit row") {
    scratch.sql("DROP TRIGGER audit_keeps_rows; DELETE FROM audit WHERE seq = 2");
    CHECK_THAT(scratch.check().at(0).detail, Catch::Contains("row 2 is missing"));
  }
}

TEST_CASE("check finds each kind of contradiction") {
  struct Case {
    const char *rule, *id, *sql;
  };
  const std::vector<Case> cases{
      {"alive-after-death", "IMM-P02",
       "INSERT INTO follow_up VALUES ('F1', 'IMM-P02', 100, 'dead', NULL, 's', NULL), ('F2', 'IMM-P02', 101, 'alive', "
       "NULL, 's', NULL)"},
      {"sample-after-death", "P02-stool", "UPDATE sample SET day = 101 WHERE sample_id = 'P02-stool'"},
      {"death-disagrees", "IMM-P01", "INSERT INTO follow_up VALUES ('F1', 'IMM-P01', 400, 'dead', NULL, 's', NULL)"},
      {"progression-after-end", "IMM-P02", "UPDATE clinical SET pfs_days = 101 WHERE patient_id = 'IMM-P02'"},
      {"death-without-progression-event", "IMM-P02",
       "UPDATE clinical SET pfs_days = 100, pfs_event = 0 WHERE patient_id = 'IMM-P02'"},
      {"survival-incomplete", "IMM-P02", "UPDATE clinical SET os_event = NULL WHERE patient_id = 'IMM-P02'"},
      {"response-disagrees", "IMM-P01", "UPDATE clinical SET response = 'NR' WHERE patient_id = 'IMM-P01'"},
      {"randomised-without-arm", "IMM-P01", "UPDATE clinical SET arm = NULL WHERE patient_id = 'IMM-P01'"},
      {"stage-disagrees", "IMM-P01", "UPDATE patient SET stage = 'II', m = 'M1' WHERE patient_id = 'IMM-P01'"},
      {"stage-prefix-mixed", "IMM-P01", "UPDATE patient SET t = 'cT2', n = 'pN1' WHERE patient_id = 'IMM-P01'"},
      {"sex-disagrees", "IMM-P01", "UPDATE patient SET sex = 'male' WHERE patient_id = 'IMM-P01'"},
      {"consent-missing", "IMM-P01", "DELETE FROM consent WHERE consent_id = 'C1'"},
      {"consent-withdrawn", "IMM-P01",
       "UPDATE consent SET withdrawn_on = '2026-01-01', withdrawal = 'destroy' WHERE consent_id = 'C1'"},
      {"clinical-missing", "IMM-P09",
       "INSERT INTO patient(patient_id) VALUES ('IMM-P09'); UPDATE sample SET patient_id = 'IMM-P09' WHERE "
       "sample_id = 'P01-blood'"},
      {"naive-after-treatment", "P02-stool",
       "INSERT INTO treatment VALUES ('T1', 'IMM-P02', 1, 'ici', NULL, -7, NULL)"},
      {"sop-not-valid", "R1",
       "INSERT INTO sop VALUES ('X', '1', 't', NULL, '2026-01-01', '2026-02-01'); INSERT INTO run VALUES ('R1', "
       "'cytof', NULL, 'b', 'X', '1', "
       "'2026-02-02')"},
      {"custody-after-destruction", "S1",
       "INSERT INTO specimen(specimen_id, patient_id, material) VALUES ('S1', 'IMM-P01', 'blood'); INSERT INTO custody "
       "VALUES ('S1', 1, "
       "'destroyed', '2026-01-01', 'x', NULL), ('S1', 2, 'shipped', '2026-01-02', 'x', NULL)"},
      {"custody-backwards", "S1",
       "INSERT INTO specimen(specimen_id, patient_id, material) VALUES ('S1', 'IMM-P01', 'blood'); INSERT INTO custody "
       "VALUES ('S1', 1, "
       "'collected', '2026-01-03', 'x', NULL), ('S1', 2, 'stored', '2026-01-02', 'x', NULL)"},
      {"sample-without-files", "P01-blood", "DELETE FROM sample_file WHERE sample_id = 'P01-blood'"},
      {"duplicate-file", "raw/a.fcs", "UPDATE sample_file SET path = 'raw/a.fcs' WHERE sample_id = 'P01-blood-2'"},
      {"empty-file", "x", "INSERT INTO file VALUES ('x', 'ab', 0, 'fcs', 'raw', NULL, NULL)"},
      {"id-collision", "p01.blood",
       "INSERT INTO sample VALUES ('p01.blood', 'IMM-P01', 'naive', 0, 'blood', 'cytof', NULL, 'sample')"},
  };
  for (const Case& each : cases) {
    CAPTURE(each.rule);
    const Scratch scratch;
    fill(scratch);
    CHECK_FALSE(has(scratch.check(), each.rule, each.id));
    scratch.sql(each.sql);
    CHECK(has(scratch.check(), each.rule, each.id));
  }
}

TEST_CASE("a superseded follow-up row no longer counts") {
  const Scratch scratch;
  fill(scratch);
  REQUIRE(scratch
              .import("follow-up",
                      "follow_up_id\tpatient_id\tday\tvital\tsource\tsupersedes\n"
                      "F1\tIMM-P02\t90\tdead\tform\tNA\nF2\tIMM-P02\t100\tdead\tletter\tF1\n")
              .issues.empty());
  CHECK(scratch.check().empty());
}

TEST_CASE("orphans of a file that another program changed are found") {
  const Scratch scratch;
  fill(scratch);
  scratch.sql("PRAGMA foreign_keys = OFF; DELETE FROM patient WHERE patient_id = 'IMM-P01'");
  bool found = false;
  for (const Finding& finding : scratch.check())
    found = found || (finding.rule == "orphan" && finding.object == "sample");
  CHECK(found);
}

TEST_CASE("files that are no registry of this version are refused with their status") {
  const Scratch scratch;
  fill(scratch);
  std::string message;
  const auto open = [&](const std::filesystem::path& path) {
    return status_of(
        [&] { (void)check_registry(*std::make_unique<Database>(open_registry(path, Database::Mode::kReadOnly))); },
        message);
  };
  CHECK(open(scratch.folder / "missing") == core::Status::kNoInput);
  CHECK(open(scratch.folder.path()) == core::Status::kNoInput);
  CHECK(open(scratch.folder.write("empty", "")) == core::Status::kBadInput);
  CHECK(open(scratch.folder.write("text", kClinical)) == core::Status::kBadInput);
  CHECK_THAT(message, Catch::Contains("not a cohort registry"));
  CHECK(open(scratch.folder.write("short", scratch.bytes().substr(0, 5000))) == core::Status::kBadInput);
  CHECK(open(scratch.folder.write("magic", scratch.bytes().substr(0, 16))) == core::Status::kBadInput);
  std::string noise = scratch.bytes();
  for (std::size_t i = 200; i < 4096; ++i) noise[i] = static_cast<char>(i * 37);
  CHECK(open(scratch.folder.write("noise", noise)) == core::Status::kBadInput);
  CHECK_THAT(message, Catch::Contains("damaged"));
  SECTION("a newer schema") {
    scratch.sql("PRAGMA user_version = 7");
    CHECK(open(scratch.registry) == core::Status::kBadInput);
    CHECK_THAT(message, Catch::Contains("version 7") && Catch::Contains("newer cohort-registry"));
  }
  SECTION("another application's database") {
    scratch.sql("PRAGMA application_id = 0");
    CHECK(open(scratch.registry) == core::Status::kBadInput);
    CHECK_THAT(message, Catch::Contains("not a cohort registry"));
  }
  SECTION("a table is gone") {
    scratch.sql("PRAGMA foreign_keys = OFF; DROP TABLE sample_file");
    CHECK(open(scratch.registry) == core::Status::kBadInput);
    CHECK_THAT(message, Catch::Contains("damaged"));
  }
  CHECK(status_of([&] { create_registry(scratch.registry, scratch.stamp); }, message) == core::Status::kCannotCreate);
  CHECK(status_of([&] { create_registry(scratch.folder / "no" / "x", scratch.stamp); }, message) ==
        core::Status::kCannotCreate);
}

TEST_CASE("rules and schema name the same columns") {
  Database database("memory");
  database.execute(std::string(schema_v1_sql()));
  for (const TableRule& table : import_tables()) {
    CAPTURE(table.name);
    for (const ColumnRule& column : table.columns) {
      if (column.kind == Kind::kFiles) continue;
      CHECK_NOTHROW(Statement(database, "SELECT " + std::string(column.name) + " FROM " + std::string(table.table)));
    }
  }
}

TEST_CASE("SOURCE_DATE_EPOCH sets the time of audit rows") {
  setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
  CHECK(audit_stamp("x").at == "2023-11-14T22:13:20Z");
  setenv("SOURCE_DATE_EPOCH", "yesterday", 1);
  CHECK_THROWS_AS(audit_stamp("x"), core::Error);
  unsetenv("SOURCE_DATE_EPOCH");
}
