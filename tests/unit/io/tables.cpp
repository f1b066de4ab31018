#include <catch2/catch.hpp>
#include <functional>

#include "core/error.h"
#include "io/features_table.h"
#include "io/samples_table.h"
#include "io/tsv.h"
#include "io_helpers.h"

using namespace immucan;
using namespace immucan::test;

namespace {

std::string error_of(const std::function<void(core::RunContext&)>& read) {
  core::RunContext context("test", "0", "test");
  try {
    read(context);
  } catch (const core::Error& error) {
    CHECK(error.status() == core::Status::kBadInput);
    return error.what();
  }
  return "accepted";
}

std::string tsv_error(const std::string& text) {
  return error_of([&](core::RunContext&) {
    io::TsvReader reader(io::open_memory(text, "t.tsv"));
    while (reader.next()) {
      (void)reader.number(reader.require("x"));
      if (reader.find("n")) (void)reader.integer(*reader.find("n"));
    }
  });
}

constexpr const char* kSamplesHeader = "sample_id\tpatient_id\tvisit\tday\tspecimen\tmodality\tbatch\tcontrol\tfiles\n";

}  // namespace

TEST_CASE("tables: header, comments, byte order mark, missing values, line numbers") {
  const std::string text = "\xEF\xBB\xBF# a comment\r\nid\tx\tn\r\na\t1.5e3\t-7\r\n\r\nb\tNA\t\r\nc\t\tNA";
  io::TsvReader reader(io::open_memory(gzip(text)));
  CHECK(reader.header() == std::vector<std::string>{"id", "x", "n"});
  CHECK((reader.require("n") == 2 && !reader.find("y")));
  REQUIRE(reader.next());
  CHECK((reader.field(0) == "a" && reader.number(1) == 1500.0 && reader.integer(2) == -7 && reader.line() == 3));
  REQUIRE(reader.next());
  CHECK((reader.field(0) == "b" && !reader.number(1) && !reader.integer(2) && reader.line() == 5));
  REQUIRE(reader.next());
  CHECK((!reader.number(1) && !reader.integer(2)));
  CHECK_FALSE(reader.next());
  io::TsvReader infinite(io::open_memory("x\ninf\n"));
  REQUIRE(infinite.next());
  CHECK(infinite.number(0, false).has_value());
  CHECK(io::TsvReader(io::open_memory("a,b\n1,2\n"), ',').header().size() == 2);
}

TEST_CASE("broken tables name file, line and column") {
  const std::vector<std::pair<std::string, std::string>> broken = {
      {"", "t.tsv:1: the table is empty"},
      {"# only\n# comments\n", "t.tsv:1: the table is empty"},
      {"\n1\n", "t.tsv:1:1: a column has no name"},
      {"x\t\n1\t2\n", "t.tsv:1:2: a column has no name"},
      {"x\ty\tx\n", "t.tsv:1:3: column 'x' appears twice"},
      {"a\tb\n1\t2\n", "t.tsv:1: column 'x' is missing"},
      {"x\ty\n1\n", "t.tsv:2: 1 fields where the header has 2"},
      {"x\ty\n1\t2\n1\t2\t3\n", "t.tsv:3: 3 fields where the header has 2"},
      {"y\tx\n1\ttwo\n", "t.tsv:2:2: column 'x': 'two' is not a finite number"},
      {"x\n1,5\n", "t.tsv:2:1: column 'x': '1,5'"},
      {"x\n 1\n", "t.tsv:2:1: column 'x': ' 1'"},
      {"x\n0x10\n", "t.tsv:2:1: column 'x': '0x10'"},
      {"x\nnan\n", "t.tsv:2:1: column 'x': 'nan'"},
      {"x\n1\n-inf\n", "t.tsv:3:1: column 'x': '-inf'"},
      {"x\n1e999\n", "t.tsv:2:1: column 'x': '1e999'"},
      {"x\tn\n1\t1.5\n", "t.tsv:2:2: column 'n': '1.5' is not a whole number"},
      {"x\tn\n1\t99999999999999999999\n", "t.tsv:2:2: column 'n': '9999"},
      {std::string("x\n1\0\n", 5), "t.tsv:2:1: column 'x': '1\\x00'"},
  };
  for (const auto& [text, message] : broken) CHECK_THAT(tsv_error(text), Catch::StartsWith(message));
}

TEST_CASE("samples.tsv: vocabulary, files beside the table, controls without a patient") {
  const TemporaryFolder folder;
  const auto path = folder.write(
      "samples.tsv",
      std::string(kSamplesHeader) +
          "S2\tP1\tnaive\t-3.5\tblood\tscrna\tB1\tsample\tread1=a/x_R1.fq.gz;read1=y=1.fq;read2=/abs/z.fq\n"
          "S1\tNA\tNA\tNA\tNA\tcytof\tNA\tblank\tNA\n");
  core::RunContext context("test", "0", "test");
  const auto samples = io::read_samples(path, context);
  REQUIRE(samples.size() == 2);
  CHECK((samples[0].sample_id == "S2" && samples[0].patient_id == "P1" && samples[0].visit == "naive" &&
         samples[0].day == -3.5));
  CHECK((samples[0].specimen == "blood" && samples[0].modality == "scrna" && samples[0].batch == "B1"));
  REQUIRE(samples[0].files.size() == 3);
  CHECK((samples[0].files[0].role == "read1" && samples[0].files[0].path == folder.path() / "a/x_R1.fq.gz"));
  CHECK(samples[0].files[1].path == folder.path() / "y=1.fq");
  CHECK(samples[0].files[2].path == "/abs/z.fq");
  CHECK(
      (samples[1].control == "blank" && samples[1].patient_id.empty() && samples[1].files.empty() && !samples[1].day));
  CHECK(context.inputs.sorted().size() == 1);
}

TEST_CASE("broken samples.tsv") {
  const TemporaryFolder folder;
  const std::vector<std::pair<std::string, std::string>> broken = {
      {"NA\tP1\tnaive\t0\tblood\tscrna\tB\tsample\tNA\n", "2:1: column 'sample_id': the id is missing"},
      {"\tP1\tnaive\t0\tblood\tscrna\tB\tsample\tNA\n", "2:1: column 'sample_id': the id is missing"},
      {"../S\tP1\tnaive\t0\tblood\tscrna\tB\tsample\tNA\n", "2:1: column 'sample_id': '../S' cannot name a file"},
      {"S\tNA\tnaive\t0\tblood\tscrna\tB\tsample\tNA\n", "2:2: column 'patient_id': the id is missing"},
      {"S\tP1\tbaseline\t0\tblood\tscrna\tB\tsample\tNA\n", "2:3: column 'visit': unknown value 'baseline'"},
      {"S\tP1\tNA\t0\tblood\tscrna\tB\tsample\tNA\n", "2:3: column 'visit': unknown value"},
      {"S\tP1\tnaive\tsoon\tblood\tscrna\tB\tsample\tNA\n", "2:4: column 'day': 'soon'"},
      {"S\tP1\tnaive\tinf\tblood\tscrna\tB\tsample\tNA\n", "2:4: column 'day': 'inf'"},
      {"S\tP1\tnaive\t0\tplasma\tscrna\tB\tsample\tNA\n", "2:5: column 'specimen': unknown value 'plasma'"},
      {"S\tP1\tnaive\t0\tblood\tscrna\tB\tempty\tNA\n", "2:8: column 'control': unknown value 'empty'"},
      {"S\tNA\tlater\t0\tNA\tscrna\tB\tblank\tNA\n", "2:3: column 'visit': unknown value 'later'"},
      {"S\tP1\tnaive\t0\tblood\tscrna\tB\tsample\tfastq=x\n", "2:9: column 'files': unknown role 'fastq'"},
      {"S\tP1\tnaive\t0\tblood\tscrna\tB\tsample\tread1\n", "2:9: column 'files': 'read1' is not of the form"},
      {"S\tP1\tnaive\t0\tblood\tscrna\tB\tsample\tread1=a;\n", "2:9: column 'files': '' is not of the form"},
      {"S\tP1\tnaive\t0\tblood\tscrna\tB\tsample\n", "2: 8 fields"},
      {"S\tP1\tnaive\t0\tblood\tscrna\tB\tsample\tNA\nS\tP2\tnaive\t0\tblood\tscrna\tB\tsample\tNA\n",
       "3:1: column 'sample_id': 'S' stands in line 2 already"},
  };
  for (const auto& [rows, message] : broken) {
    const auto path = folder.write("samples.tsv", kSamplesHeader + rows);
    CHECK_THAT(error_of([&](core::RunContext& context) { (void)io::read_samples(path, context); }),
               Catch::StartsWith(path.string() + ":" + message));
  }
  const auto path = folder.write("samples.tsv", "sample_id\tpatient_id\n");
  CHECK_THAT(error_of([&](core::RunContext& context) { (void)io::read_samples(path, context); }),
             Catch::Contains("column 'visit' is missing"));
}

TEST_CASE("clinical.tsv keeps every column; patients are unique") {
  const TemporaryFolder folder;
  core::RunContext context("test", "0", "test");
  const io::Table table =
      io::read_clinical(folder.write("c.tsv", "patient_id\tage\tmore\nP1\t61\tx\nP2\tNA\t\n"), context);
  CHECK((table.rows.size() == 2 && table.number(0, 1) == 61.0 && !table.number(1, 1) && table.rows[0][2] == "x"));
  for (const auto& [text, message] : std::vector<std::pair<std::string, std::string>>{
           {"patient_id\nP1\nP1\n", ":3:1: column 'patient_id': 'P1' stands in line 2"},
           {"patient_id\nNA\n", ":2:1: column 'patient_id': the id is missing"},
           {"patient_id\n\nP1\n\n", ":2:1: column 'patient_id': the id is missing"},
           {"patient_id\tage\nP1\n", ":2: 1 fields where the header has 2"},
           {"patient_id\tage\nP1\t6\t1\n", ":2: 3 fields where the header has 2"},
           {"patient_id\tage\tage\nP1\t61\t61\n", ":1:3: column 'age' appears twice"},
           {"patient_id\t\nP1\t61\n", ":1:2: a column has no name"},
           {"", ":1: the table is empty"},
           {"# only a comment\n", ":1: the table is empty"},
           {"patient_id,age\nP1,61\n", ":1: column 'patient_id' is missing"},
           {"id\nP1\n", ":1: column 'patient_id' is missing"}}) {
    const auto path = folder.write("c.tsv", text);
    CHECK_THAT(error_of([&](core::RunContext& run) { (void)io::read_clinical(path, run); }),
               Catch::StartsWith(path.string() + message));
  }
}

TEST_CASE("feature names and their parts") {
  CHECK(io::feature_name("cytof", "blood", "CD8 T:x%\n", "fraction") == "cytof@blood:CD8_T%3Ax%25%0A:fraction");
  const auto parts = io::parse_feature("scrna@tissue:CD8_T/IFNG:log1p_cpm");
  REQUIRE(parts);
  CHECK((parts->modality == "scrna" && parts->specimen == "tissue" && parts->entity == "CD8_T/IFNG" &&
         parts->measure == "log1p_cpm"));
  for (const char* bad : {"", "a", "a@b", "a@b:c", "a@b:c:d:e", "ab:c:d", "@b:c:d", "a@:c:d", "a@b::d",
                          "a@b:c:", "a@b:c d:e", "a@b:c\t:d"}) {
    CHECK_FALSE(io::parse_feature(bad));
  }
}

TEST_CASE("features are written sorted and read back the same") {
  const TemporaryFolder folder;
  const auto path = folder.path() / "S.features.tsv";
  core::OutputFile out(path);
  io::write_features(out, {{"S2", "a@b:c:d", 0.1}, {"S1", "z@b:c:d", std::nullopt}, {"S1", "a@b:c:d", -1e-300}});
  (void)out.commit();
  core::RunContext context("test", "0", "test");
  const auto values = io::read_features(path, context);
  REQUIRE(values.size() == 3);
  CHECK((values[0].sample_id == "S1" && values[0].feature == "a@b:c:d" && values[0].value == -1e-300));
  CHECK((values[1].feature == "z@b:c:d" && !values[1].value));
  CHECK((values[2].sample_id == "S2" && values[2].value == 0.1));
  core::OutputFile twice(folder.path() / "twice.tsv");
  CHECK_THROWS_AS(io::write_features(twice, {{"S", "a@b:c:d", 1.0}, {"S", "a@b:c:d", 2.0}}), core::Error);
  for (const auto& [rows, message] : std::vector<std::pair<std::string, std::string>>{
           {"NA\ta@b:c:d\t1\n", ":2:1: column 'sample_id'"},
           {"S\ta@b:c\t1\n", ":2:2: column 'feature': 'a@b:c' is not of the form"},
           {"S\ta@b:c:d\tnan\n", ":2:3: column 'value': 'nan'"},
           {"S\ta@b:c:d\tinf\n", ":2:3: column 'value': 'inf'"},
           {"S\ta@b:c:d\thigh\n", ":2:3: column 'value': 'high'"},
           {"S\ta@b:c:d\t1\nS\ta@b:c:d\t1\n", ": sample 'S' has the feature 'a@b:c:d' twice"},
           {"S\ta@b:c:d\t0,5\n", ":2:3: column 'value': '0,5'"},
           {"S\ta@b:c:d\t1e999\n", ":2:3: column 'value': '1e999'"},
           {"S\ta@b:c d:e\t1\n", ":2:2: column 'feature': 'a@b:c d:e' is not of the form"},
           {"S\tNA\t1\n", ":2:2: column 'feature': 'NA' is not of the form"},
           {"S\ta@b:c:d\t1\textra\n", ":2: 4 fields"},
           {"S\ta@b:c:d\n", ":2: 2 fields"}}) {
    const auto broken = folder.write("broken.tsv", "sample_id\tfeature\tvalue\n" + rows);
    CHECK_THAT(error_of([&](core::RunContext& run) { (void)io::read_features(broken, run); }),
               Catch::StartsWith(broken.string() + message));
  }
}
