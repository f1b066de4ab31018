#include "io/matrix_market.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/output.h"
#include "io/bgzf_writer.h"
#include "io/byte_source.h"
#include "io_helpers.h"

using namespace immucan;
using test::read_file;

namespace {

io::CsrMatrix parse(const std::string& text) {
  return io::read_matrix_market(io::open_memory(text, "m.mtx"));
}

const std::string kBanner = "%%MatrixMarket matrix coordinate integer general\n";

/// Status and message of what reading `text` throws.
void check_refused(const std::string& text, const std::string& part) {
  INFO(text);
  try {
    parse(text);
    FAIL("accepted");
  } catch (const core::Error& error) {
    CHECK(error.status() == core::Status::kBadInput);
    CHECK_THAT(error.what(), Catch::Contains("m.mtx"));
    CHECK_THAT(error.what(), Catch::Contains(part));
  }
}

}  // namespace

TEST_CASE("a coordinate matrix is read in any order of its entries") {
  const io::CsrMatrix matrix = parse(kBanner + "% comment\n\n3 4 4\n3 1 7\n1 2 5\n1 1 -2\n3 4 1\n");
  CHECK(matrix.rows == 3);
  CHECK(matrix.columns == 4);
  CHECK(matrix.row_start == std::vector<std::int64_t>{0, 2, 2, 4});
  CHECK(matrix.column == std::vector<std::int32_t>{0, 1, 0, 3});
  CHECK(matrix.value == std::vector<float>{-2, 5, 7, 1});
}

TEST_CASE("symmetric, pattern and real matrices") {
  const io::CsrMatrix symmetric = parse("%%matrixmarket MATRIX coordinate real symmetric\n2 2 2\n1 1 0.5\n2 1 1.5\n");
  CHECK(symmetric.value == std::vector<float>{0.5F, 1.5F, 1.5F});
  CHECK(symmetric.column == std::vector<std::int32_t>{0, 1, 0});
  const io::CsrMatrix pattern = parse("%%MatrixMarket matrix coordinate pattern general\n2 2 1\n2 2\n");
  CHECK(pattern.row_start == std::vector<std::int64_t>{0, 0, 1});
  CHECK(pattern.value == std::vector<float>{1});
  const io::CsrMatrix empty = parse(kBanner + "0 0 0\n");
  CHECK(empty.stored() == 0);
}

TEST_CASE("broken Matrix Market files are refused with their place") {
  check_refused("", "m.mtx:1: the file is empty");
  check_refused("1 1 1\n1 1 1\n", "m.mtx:1: not a Matrix Market banner");
  check_refused("%%MatrixMarket matrix array real general\n1 1\n1\n", "\"array\"");
  check_refused("%%MatrixMarket matrix coordinate complex general\n1 1 1\n1 1 1 1\n", "\"complex\"");
  check_refused("%%MatrixMarket matrix coordinate real hermitian\n1 1 1\n1 1 1\n", "\"hermitian\"");
  check_refused(kBanner, "size line is missing");
  check_refused(kBanner + "2 2\n", "m.mtx:2: the size line has 2 fields");
  check_refused(kBanner + "2 x 1\n", "m.mtx:2: number of columns");
  check_refused(kBanner + "4294967296 2 1\n1 1 1\n", "number of rows");
  check_refused(kBanner + "2 2 5\n", "5 entries do not fit");
  check_refused(kBanner + "2 2 18446744073709551615\n", "do not fit");
  check_refused(kBanner + "2 2 2\n1 1 1\n", "1 entries where 2 are declared");
  check_refused(kBanner + "2 2 1\n1 1 1\n2 2 1\n", "m.mtx:4: more entries than the 1 declared");
  check_refused(kBanner + "2 2 1\n3 1 1\n", "m.mtx:3: row index");
  check_refused(kBanner + "2 2 1\n1 0 1\n", "m.mtx:3: column index");
  check_refused(kBanner + "2 2 1\n1 1 1.5\n", "not a finite integer (\"1.5\")");
  check_refused("%%MatrixMarket matrix coordinate real general\n2 2 1\n1 1 nan\n", "not a finite number (\"nan\")");
  check_refused(kBanner + "2 2 1\n1 1\n", "2 fields instead of 3");
  check_refused(kBanner + "2 2 2\n1 1 1\n1 1 2\n", "(1, 1) appears twice");
  check_refused("%%MatrixMarket matrix coordinate real symmetric\n2 3 1\n1 1 1\n", "must be square");
}

TEST_CASE("what is written is read back, for any number of threads") {
  const test::TemporaryFolder folder;
  io::CsrMatrix matrix;
  matrix.rows = 40000;
  matrix.columns = 97;
  for (std::uint64_t row = 0; row < matrix.rows; ++row) {
    for (std::int32_t column = static_cast<std::int32_t>(row % 5); column < 97; column += 31) {
      matrix.column.push_back(column);
      matrix.value.push_back(static_cast<float>(1 + row * 7 % 1000));
    }
    matrix.row_start.push_back(static_cast<std::int64_t>(matrix.column.size()));
  }
  core::RunContext context("test", "0", "test");
  std::string bytes[2];
  for (const unsigned threads : {1U, 3U}) {
    const auto path = folder.path() / ("m" + std::to_string(threads) + ".mtx.gz");
    core::OutputFile out(path);
    io::write_matrix_market_gz(out, matrix, {.transposed = true, .threads = threads});
    out.commit();
    bytes[threads / 3] = read_file(path);
    const io::CsrMatrix back = io::read_matrix_market(io::open_source(path, context));
    CHECK(back.rows == 97);
    const io::CsrMatrix turned = io::transpose(back);
    CHECK(turned.row_start == matrix.row_start);
    CHECK(turned.column == matrix.column);
    CHECK(turned.value == matrix.value);
  }
  CHECK(bytes[0] == bytes[1]);
  CHECK(io::open_memory(bytes[0])->compression() == io::Compression::kBgzf);
}

TEST_CASE("real values are written by shortest round trip; fractions never as integers") {
  const test::TemporaryFolder folder;
  io::CsrMatrix matrix{1, 2, {0, 2}, {0, 1}, {0.1F, 3}};
  core::OutputFile out(folder.path() / "r.mtx.gz");
  io::write_matrix_market_gz(out, matrix, {.integers = false});
  out.commit();
  core::RunContext context("test", "0", "test");
  const auto source = io::open_source(folder.path() / "r.mtx.gz", context);
  CHECK(io::read_all(*source) == "%%MatrixMarket matrix coordinate real general\n1 2 2\n1 1 0.1\n1 2 3\n");
  io::CsrMatrix edges{1, 6, {0, 6}, {0, 1, 2, 3, 4, 5}, {0, 99999, 100000, 9, -7, 16777216}};
  std::string real, whole;
  io::format_matrix_market(edges, {.integers = false}, [&](std::string_view part) { real += part; });
  io::format_matrix_market(edges, {}, [&](std::string_view part) { whole += part; });
  CHECK_THAT(real, Catch::EndsWith("1 1 0\n1 2 99999\n1 3 1e+05\n1 4 9\n1 5 -7\n1 6 16777216\n"));
  CHECK_THAT(whole, Catch::EndsWith("1 1 0\n1 2 99999\n1 3 100000\n1 4 9\n1 5 -7\n1 6 16777216\n"));
  CHECK(parse(real).value == edges.value);
  CHECK(parse(whole).value == edges.value);
  io::CsrMatrix beyond{1, 1, {0, 1}, {0}, {1e30F}};
  CHECK_THROWS_AS(io::format_matrix_market(beyond, {}, [](std::string_view) {}), core::Error);
  core::OutputFile refused(folder.path() / "x.mtx.gz");
  CHECK_THROWS_AS(io::write_matrix_market_gz(refused, matrix, {}), core::Error);
}
