// convert, concat and clean on files made here.
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <sstream>

#include "core/error.h"
#include "core/random.h"
#include "cytof/clean_events.h"
#include "cytof/concatenate.h"
#include "cytof/convert.h"
#include "cytof/output_columns.h"
#include "file_helpers.h"
#include "io/anndata.h"
#include "unit/temporary_folder.h"

namespace {

using namespace immucan;

std::string text_of(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::uint64_t to_table(const std::filesystem::path& from, const std::filesystem::path& to, core::RunContext& context) {
  core::OutputFile out(to);
  const std::uint64_t events = cytof::fcs_to_table({.file = from}, ',', out, context);
  out.commit();
  return events;
}

std::uint64_t from_table(const std::filesystem::path& from, const std::filesystem::path& to,
                         core::RunContext& context) {
  core::OutputFile out(to);
  const std::uint64_t events = cytof::table_to_fcs({.file = from}, ',', out, context);
  out.commit();
  return events;
}

TEST_CASE("convert: a table holds every bit, and a file made of it holds every bit") {
  const test::TemporaryFolder folder;
  core::RunContext context("test", "0", "test");
  core::Random random(7, 0);
  std::vector<double> single, whole;
  for (int i = 0; i < 600; ++i) {
    single.push_back(static_cast<float>(std::sinh(20 * random.uniform() - 10)));
    whole.push_back(std::sinh(40 * random.uniform() - 20));
  }
  for (const auto& [rows, type] : {std::pair{single, io::FcsType::kFloat}, std::pair{whole, io::FcsType::kDouble}}) {
    test::write_fcs(folder / "a.fcs", {"Time", "CD3 \"all\"", "Nd146Di"}, rows, {}, type);
    CHECK(to_table(folder / "a.fcs", folder / "a.csv", context) == 200);
    CHECK(from_table(folder / "a.csv", folder / "b.fcs", context) == 200);
    const auto again = test::read_matrix(folder / "b.fcs");
    CHECK(again.values == rows);
    CHECK(again.parameters[0].type == type);
    CHECK(again.parameters[1].name == "CD3 \"all\"");
  }
}

TEST_CASE("convert: a table with a missing value, text, or a short row is refused with its place") {
  const test::TemporaryFolder folder;
  core::RunContext context("test", "0", "test");
  const auto fails = [&](const std::string& table, const std::string& message) {
    std::ofstream(folder / "t.csv") << table;
    CHECK_THROWS_WITH(from_table(folder / "t.csv", folder / "t.fcs", context), Catch::Contains(message));
    CHECK_FALSE(std::filesystem::exists(folder / "t.fcs"));
  };
  fails("a,b\n1,2\n3,NA\n", "t.csv:3:2");
  fails("a,b\n1,x\n", "'x'");
  fails("a,b\n1\n", "t.csv:2");
  fails("a,\n1,2\n", "a column has no name");
  fails("a,b\n1,inf\n", "t.csv:2:2");
}

TEST_CASE("convert: AnnData is sparse float32, or float64 in full where that is needed") {
  const test::TemporaryFolder folder;
  core::RunContext context("test", "0", "test");
  const std::vector<double> rows{0, 1.5, 16777217, 0, 2, 0.1};
  test::write_fcs(folder / "f.fcs", {"A", "A"}, rows);
  CHECK(cytof::fcs_to_anndata({.file = folder / "f.fcs"}, folder / "f.h5ad", context) == 3);
  const io::AnnData single = io::read_anndata(folder / "f.h5ad", context);
  REQUIRE(single.x);
  CHECK(single.var.index == std::vector<std::string>{"A", "A_2"});
  CHECK(single.x->value.size() == 4);
  test::write_fcs(folder / "d.fcs", {"A", "B"}, rows, {}, io::FcsType::kDouble);
  CHECK(cytof::fcs_to_anndata({.file = folder / "d.fcs"}, folder / "d.h5ad", context) == 3);
  const io::AnnData whole = io::read_anndata(folder / "d.h5ad", context, {.keep_dense = true});
  REQUIRE(whole.dense_x);
  CHECK(whole.dense_x->values == rows);
}

io::FcsKeywords acquired(const std::string& time) {
  io::FcsKeywords keywords;
  keywords.add("$DATE", "18-MAY-2026");
  keywords.add("$BTIM", time);
  keywords.add("SOURCE", "kept");
  return keywords;
}

std::uint64_t joined(const cytof::ConcatenateOptions& options, const std::filesystem::path& to,
                     core::RunContext& context) {
  core::OutputFile out(to);
  const std::uint64_t events = cytof::concatenate_files(options, out, context);
  out.commit();
  return events;
}

TEST_CASE("concat: order of acquisition, Time that runs on, keywords of the first") {
  const test::TemporaryFolder folder;
  core::RunContext context("test", "0", "test");
  test::write_fcs(folder / "late.fcs", {"Time", "La139Di"}, {1, 30, 7, 40}, acquired("10:00:00"));
  test::write_fcs(folder / "early.fcs", {"Time", "La139Di"}, {0, 10, 5, 20}, acquired("09:59:59.5"));
  CHECK(joined({.files = {folder / "late.fcs", folder / "early.fcs"}}, folder / "c.fcs", context) == 4);
  core::RunContext reading("test", "0", "test");
  io::FcsFile file(folder / "c.fcs", {}, reading);
  CHECK(test::read_matrix(file).values == std::vector<double>{0, 10, 5, 20, 6, 30, 12, 40});
  CHECK(file.single().keywords.find("SOURCE") == "kept");
  CHECK(file.single().keywords.find("$BTIM") == "09:59:59.5");
  CHECK(file.single().parameters[0].range == "12");
}

TEST_CASE("concat: a Time that float32 cannot hold makes the file float64") {
  const test::TemporaryFolder folder;
  core::RunContext context("test", "0", "test");
  test::write_fcs(folder / "a.fcs", {"Time", "X"}, {0, 1, 16777215, 2});
  test::write_fcs(folder / "b.fcs", {"Time", "X"}, {2, 3, 4, 4});
  CHECK(joined({.files = {folder / "a.fcs", folder / "b.fcs"}, .order = "given"}, folder / "c.fcs", context) == 4);
  CHECK(test::read_matrix(folder / "c.fcs").values == std::vector<double>{0, 1, 16777215, 2, 16777217, 3, 16777219, 4});
}

TEST_CASE("concat: no times, equal times and other panels are refused") {
  const test::TemporaryFolder folder;
  core::RunContext context("test", "0", "test");
  const auto plain = test::write_fcs(folder / "plain.fcs", {"Time", "X"}, {0, 1});
  const auto dated = test::write_fcs(folder / "dated.fcs", {"Time", "X"}, {0, 1}, acquired("10:00:00"));
  const auto twin = test::write_fcs(folder / "twin.fcs", {"Time", "X"}, {0, 1}, acquired("10:00:00"));
  const auto other = test::write_fcs(folder / "other.fcs", {"Time", "Y"}, {0, 1}, acquired("11:00:00"));
  const auto wide = test::write_fcs(folder / "wide.fcs", {"Time", "X", "Y"}, {0, 1, 2}, acquired("12:00:00"));
  const auto fails = [&](std::vector<std::filesystem::path> files, const std::string& message) {
    CHECK_THROWS_WITH(joined({.files = std::move(files)}, folder / "c.fcs", context), Catch::Contains(message));
    CHECK_FALSE(std::filesystem::exists(folder / "c.fcs"));
  };
  fails({plain, dated}, "no $DATE and $BTIM");
  fails({dated, twin}, "begins at the same time");
  fails({dated, other}, "channel 2 is 'Y'");
  fails({dated, wide}, "3 channels, 2 in");
}

struct Cleaned {
  test::Matrix kept;
  std::string table;
};

Cleaned cleaned(const test::TemporaryFolder& folder, cytof::CleanOptions options) {
  core::RunContext context("test", "0", "test");
  auto outputs = core::OutputSet::folder(context, folder / "out");
  cytof::clean_files(options, outputs, context);
  outputs.commit();
  return {test::read_matrix(folder / "out/run.cleaned.fcs"), text_of(folder / "out/run.clean.tsv")};
}

/// 1,000 cells; every 50th has one planted fault, in turn: ion cloud, debris, doublet, dead.
std::vector<double> planted() {
  core::Random random(11, 0);
  std::vector<double> rows;
  for (int i = 0; i < 1000; ++i) {
    double width = 50 + 4 * random.uniform(), dna = 300 * std::exp(0.3 * random.uniform()), dead = 3 * random.uniform();
    const int fault = i % 50 == 25 ? i / 50 % 4 : -1;
    if (fault == 0) width = 200;
    if (fault == 1) dna = 2;
    if (fault == 2) dna *= 30;
    if (fault == 3) dead = 2000;
    rows.insert(rows.end(), {10.0 * i + (i >= 500 ? 20000 : 0), width, dna, dead});
  }
  return rows;
}

TEST_CASE("clean: exactly the planted faults go, gate by gate") {
  const test::TemporaryFolder folder;
  const std::vector<std::string> names{"Time", "Width", "Ir191Di", "Pt195Di"};
  const auto file = test::write_fcs(folder / "run.fcs", names, planted());
  const auto no_gap = cleaned(folder, {.files = {file}, .gap_seconds = 0});
  CHECK(no_gap.kept.rows() == 980);
  for (std::size_t i = 0; i < no_gap.kept.rows(); ++i) CHECK(no_gap.kept.at(i, 3) < 4);
  CHECK_THAT(no_gap.table, Catch::Contains("gaussian\tWidth") && Catch::Contains("\t5\t5\ndna") &&
                               Catch::Contains("\t10\t10\ndead") && !Catch::Contains("time_gap"));
  // A pause of 20 s lies between the halves: 1 s on both sides of it, 100 events each, goes too.
  const auto gap = cleaned(folder, {.files = {file}, .gap_seconds = 10, .margin_seconds = 1});
  for (std::size_t i = 0; i < gap.kept.rows(); ++i) {
    CHECK((gap.kept.at(i, 0) <= 3990 || gap.kept.at(i, 0) >= 26000));
  }
  CHECK(gap.kept.rows() < 800);
  CHECK(gap.kept.rows() > 770);
  CHECK(cleaned(folder, {.files = {file}, .deviations = 0, .dna_deviations = 0, .dead_deviations = 0, .gap_seconds = 0})
            .kept.values == test::read_matrix(file).values);
}

TEST_CASE("clean: falling Time, an unknown viability channel, nothing left") {
  const test::TemporaryFolder folder;
  const std::vector<std::string> names{"Time", "Width", "Ir191Di", "Pt195Di"};
  const auto falls = test::write_fcs(folder / "run.fcs", names, {5, 50, 300, 1, 4, 50, 300, 1});
  CHECK_THROWS_WITH(cleaned(folder, {.files = {falls}}), Catch::Contains("Time is no number or falls"));
  CHECK_THROWS_WITH(cleaned(folder, {.files = {falls}, .viability = "CD99", .gap_seconds = 0}),
                    Catch::Contains("'CD99' is not there"));
  const auto debris = test::write_fcs(folder / "run.fcs", names, {5, 50, 1, 1, 6, 50, 1, 1});
  CHECK_THROWS_WITH(cleaned(folder, {.files = {debris}}), Catch::Contains("no event is left"));
  CHECK_FALSE(std::filesystem::exists(folder / "out/run.json"));
}

TEST_CASE("output columns: type and ranges of what a file holds") {
  const test::TemporaryFolder folder;
  core::RunContext context("test", "0", "test");
  io::FcsDataset set;
  set.parameters = {{.name = "A", .type = io::FcsType::kInteger, .bytes = 4, .mask = (1U << 18) - 1},
                    {.name = "B", .type = io::FcsType::kFloat}};
  CHECK(cytof::exact_type(set) == io::FcsType::kFloat);
  set.parameters[0].mask = 0xFFFFFFFF;
  CHECK(cytof::exact_type(set) == io::FcsType::kDouble);
  const auto path = test::write_fcs(folder / "a.fcs", {"A", "B"}, {1, -2, std::nan(""), 7, 3, 0});
  for (const unsigned threads : {1U, 4U}) {
    context.threads = threads;
    io::FcsFile file(path, {}, context);
    const auto ranges = cytof::column_ranges(file, {}, context);
    CHECK(ranges[0].lowest == 1);
    CHECK(ranges[0].highest == 3);
    CHECK(ranges[1].lowest == -2);
    CHECK(ranges[1].highest == 7);
  }
}

}  // namespace
