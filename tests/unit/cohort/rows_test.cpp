#include "cohort/rows.h"

#include <catch2/catch.hpp>

using namespace immucan::cohort;

namespace {

/// Issues of a file of one row, as "field:column:rule".
std::vector<RowIssue> issues_of(std::string_view table, std::string_view header, std::string_view row) {
  RowParser parser(*find_import_table(table));
  std::vector<RowIssue> issues;
  if (parser.header(header, 1, issues)) (void)parser.row(row, 2, issues);
  return issues;
}

}  // namespace

TEST_CASE("ids fold to one spelling") {
  CHECK(fold_id("imm_p.01 x") == "IMMP01X");
  CHECK(fold_id("IMM-P-01-X") == "IMMP01X");
  CHECK(fold_id("IMM-P-02") != fold_id("IMM-P-01"));
}

TEST_CASE("files are role=path") {
  std::string rule;
  const auto files = parse_files("read1=a b.fq;read2=x=y.fq", rule);
  REQUIRE(files);
  REQUIRE(files->size() == 2);
  CHECK((*files)[0] == std::pair<std::string, std::string>{"read1", "a b.fq"});
  CHECK((*files)[1].second == "x=y.fq");
  for (const char* broken : {"", "a.fcs", "fcs=", "=a.fcs", "picture=a.png", "fcs=a;;fcs=b"})
    CHECK_FALSE(parse_files(broken, rule));
}

TEST_CASE("a good row keeps types, missing values and further columns") {
  RowParser parser(*find_import_table("clinical"));
  std::vector<RowIssue> issues;
  REQUIRE(parser.header("patient_id\tos_days\tweird\tarm\trandomised", 1, issues));
  const auto row = parser.row("IMM-P01\t300.5\tfoo\tNA\t1", 2, issues);
  REQUIRE(row);
  CHECK(issues.empty());
  CHECK(row->values[0] == Value{std::string("IMM-P01")});
  CHECK(parser.field_of("os_days") == 2);
  const auto columns = find_import_table("clinical")->columns;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name == "os_days") CHECK(row->values[i] == Value{300.5});
    if (columns[i].name == "arm") CHECK(row->values[i] == Value{});
    if (columns[i].name == "randomised") CHECK(row->values[i] == Value{std::int64_t{1}});
  }
  REQUIRE(row->more.size() == 1);
  CHECK(row->more[0] == std::pair<std::string, Value>{"weird", Value{std::string("foo")}});
}

TEST_CASE("each broken value is named with its place") {
  struct Broken {
    const char *table, *header, *row, *column, *says;
    std::uint64_t field;
  };
  const std::vector<Broken> cases{
      {"patients", "patient_id", "abc-1", "patient_id", "capital letters", 1},
      {"patients", "patient_id", "NA", "patient_id", "missing", 1},
      {"patients", "patient_id\tsex", "IMM-1\tboth", "sex", "one of female", 2},
      {"patients", "patient_id\tage_at_anchor", "IMM-1\t12O", "age_at_anchor", "whole number", 2},
      {"patients", "patient_id\tage_at_anchor", "IMM-1\t121", "age_at_anchor", "between 0 and 120", 2},
      {"patients", "patient_id\tcountry", "IMM-1\tch", "country", "two capital letters", 2},
      {"patients", "patient_id\tsite", "IMM-1\tBern ", "site", "blank", 2},
      {"patients", "patient_id\tsite", "IMM-1\t\xC3\x28", "site", "UTF-8", 2},
      {"patients", "patient_id\tsite", "IMM-1\ta\x01z", "site", "control", 2},
      {"clinical", "patient_id\tos_days", "IMM-1\tnan", "os_days", "finite", 2},
      {"clinical", "patient_id\tos_days", "IMM-1\t-3", "os_days", "between", 2},
      {"clinical", "patient_id\tos_event", "IMM-1\tyes", "os_event", "0 or 1", 2},
      {"clinical", "patient_id\ttmb", "IMM-1\t-0.5", "tmb", "at least 0", 2},
      {"consent", "consent_id\tpatient_id\tform\tform_version\tsigned_on\tpermission",
       "C1\tIMM-1\tf\t1\t2026-02-30\tGRU", "signed_on", "date", 5},
      {"consent", "consent_id\tpatient_id\tform\tform_version\tsigned_on\tpermission\tdocument_sha256",
       "C1\tIMM-1\tf\t1\t2026-02-03\tGRU\tabc", "document_sha256", "SHA-256", 7},
      {"samples", "sample_id\tspecimen\tcontrol\tfiles", "S/1\tblood\tsample\tfcs=a", "sample_id", "letters, digits",
       1},
      {"samples", "sample_id\tspecimen\tcontrol\tfiles", "S1\tblood\tsample\ta.fcs", "files", "role=path", 4},
      {"patients", "patient_id\tsite", "IMM-1", "", "1 fields where the header has 2", 0},
      {"patients", "patient_id\tpatient_id", "IMM-1\tIMM-2", "heading", "twice", 2},
      {"patients", "patient_id\tparimary_site", "IMM-1\tx", "heading", "not a column", 2},
      {"patients", "site", "Bern", "", "patient_id of patients is missing", 0},
  };
  for (const Broken& broken : cases) {
    CAPTURE(broken.table, broken.row);
    const auto issues = issues_of(broken.table, broken.header, broken.row);
    REQUIRE(issues.size() == 1);
    CHECK(issues[0].column == broken.column);
    CHECK(issues[0].field == broken.field);
    CHECK_THAT(issues[0].rule, Catch::Contains(broken.says));
  }
  CHECK(to_string({3, 2, "sex", "b\toth", "must be one of x"}, "p.tsv") ==
        "p.tsv:3:2: sex 'b\\x09oth' must be one of x");
}

TEST_CASE("every bad value of a row is reported") {
  CHECK(issues_of("patients", "patient_id\tsex\tage_at_anchor", "x\tboth\told").size() == 3);
}
