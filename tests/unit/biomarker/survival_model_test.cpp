#include <catch2/catch.hpp>
#include <cmath>
#include <sstream>

#include "biomarker/survival_curves.h"
#include "biomarker_helpers.h"
#include "core/text.h"
#include "io/tsv.h"

using namespace immucan;

namespace {

/// Number in the line that starts with `name`, in column `column` (0 = the name).
double figure(const std::string& text, const std::string& name, std::size_t column) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto fields = core::split(line, '\t');
    if (fields[0] == name) return core::parse_double(fields.at(column)).value();
  }
  FAIL(name << " is not in the table");
  return 0;
}

void same(double value, double expected, double relative) {
  INFO(value << " for " << expected);
  CHECK(std::fabs(value - expected) <= relative * std::fabs(expected));
}

}  // namespace

TEST_CASE("model: veteran with interaction and proportional hazards", "[model]") {
  const auto table = test::shared_file("survival_r/veteran.tsv");
  const auto coefficients = test::shared_file("survival_r/reference_veteran_interaction.tsv");
  const auto zph = test::shared_file("survival_r/reference_veteran_zph.tsv");
  if (!table || !coefficients || !zph) return;
  biomarker::SurvivalModelOptions options;
  options.table = *table;
  options.time = "time";
  options.event = "status";
  options.terms = {"trt", "karno", "celltype", "trt:karno"};
  options.factors = {"trt"};
  const std::string text =
      biomarker::format_survival_model(biomarker::fit_survival_model(io::read_table(*table, test::context()), options));
  const std::vector<std::string> names{
      "trt=2", "karno", "celltype=large", "celltype=smallcell", "celltype=squamous", "trt=2:karno"};
  const io::Table expected = io::read_table(*coefficients, test::context());
  for (std::size_t i = 0; i < names.size(); ++i) {
    same(figure(text, names[i], 1), *core::parse_double(expected.rows[i][1]), 1e-9);
    same(figure(text, names[i], 3), *core::parse_double(expected.rows[i][3]), 1e-9);
  }
  const io::Table tests = io::read_table(*zph, test::context());
  for (std::size_t i = 0; i < tests.rows.size(); ++i) {
    const std::string name = "proportional_hazards:" + (i < 4 ? options.terms[i] : std::string("GLOBAL"));
    same(figure(text, name, 1), *core::parse_double(tests.rows[i][1]), 1e-9);
    same(figure(text, name, 3), *core::parse_double(tests.rows[i][3]), 1e-9);
  }
}

TEST_CASE("curves: restricted means of lung", "[model]") {
  const auto table = test::shared_file("survival_r/lung.tsv");
  const auto reference = test::shared_file("survival_r/reference_lung_rmst500.tsv");
  if (!table || !reference) return;
  // status is 1 or 2 there.
  io::Table lung = io::read_table(*table, test::context());
  std::string text = "time\tevent\tsex\n";
  for (const auto& row : lung.rows) {
    text += row[lung.require("time")] + "\t" + (row[lung.require("status")] == "2" ? "1" : "0") + "\t" +
            row[lung.require("sex")] + "\n";
  }
  test::Folder folder;
  biomarker::SurvivalCurvesOptions options;
  options.table = folder.write("lung.tsv", text);
  options.time = "time";
  options.event = "event";
  options.group = "sex";
  options.tau = 500;
  const std::string summary = biomarker::format_survival_summary(
      biomarker::survival_curves(io::read_table(options.table, test::context()), options));
  const io::Table expected = io::read_table(*reference, test::context());
  for (std::size_t g = 0; g < 2; ++g) {
    const std::string name = std::to_string(g + 1);
    same(figure(summary, name, 6), *core::parse_double(expected.rows[g][5]), 1e-9);
    same(figure(summary, name, 7), *core::parse_double(expected.rows[g][6]), 1e-9);
    same(figure(summary, name, 3), *core::parse_double(expected.rows[g][7]), 0);
  }
}

TEST_CASE("model and curves: bad input", "[model]") {
  test::Folder folder;
  biomarker::SurvivalModelOptions options;
  options.time = "time";
  options.event = "event";
  options.terms = {"x"};
  const auto run = [&](const std::string& text) {
    options.table = folder.write("t.tsv", text);
    (void)biomarker::fit_survival_model(io::read_table(options.table, test::context()), options);
  };
  const std::string head = "time\tevent\tx\n";
  const auto bad = core::Status::kBadInput;
  test::expect_error([&] { run(head + "1\t1\t2\n-2\t0\t1\n"); }, bad, {"t.tsv:3:1", "negative time (-2)"});
  test::expect_error([&] { run(head + "1\t2\t2\n2\t0\t1\n"); }, bad, {"t.tsv:2:2", "event 2"});
  test::expect_error([&] { run(head + "1\t0\t2\n2\t0\t1\n"); }, bad, {"t.tsv", "no event in 2 rows"});
  test::expect_error([&] { run(head + "soon\t1\t2\n2\t0\t1\n"); }, bad, {"t.tsv:2:1", "'soon'"});
  test::expect_error([&] { run(head + "NA\t1\t2\n2\tNA\t1\n"); }, bad, {"t.tsv", "no row has all"});
  test::expect_error([&] { run("time\tx\n1\t2\n"); }, bad, {"t.tsv", "'event' is missing"});
  test::expect_error([&] { run(head + "1\t1\tapple\n2\t0\tpear\n"); }, bad, {"column 'x'", "2 levels in 2 rows"});
}
