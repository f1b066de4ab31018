// --max-expansion holds for every reader of HDF5: compressed chunks must not become more memory than the user allows.
#include <catch2/catch.hpp>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/run_context.h"
#include "io/anndata.h"
#include "io/biom.h"
#include "io/hdf5.h"
#include "io/mudata.h"
#include "io/tenx.h"
#include "io_helpers.h"

using namespace immucan;

namespace {

std::vector<std::string> names(const std::string& stem, std::size_t count) {
  std::vector<std::string> result;
  for (std::size_t i = 0; i < count; ++i) result.push_back(stem + std::to_string(i));
  return result;
}

/// Every value 1: 4.3 million of them, whose chunks deflate by several hundred to one.
constexpr std::size_t kRows = 4300, kColumns = 1000;

template <class Value>
io::SparseMatrix<Value> all_ones() {
  io::SparseMatrix<Value> matrix;
  matrix.rows = kRows;
  matrix.columns = kColumns;
  for (std::size_t row = 0; row < kRows; ++row) {
    for (std::size_t column = 0; column < kColumns; ++column) {
      matrix.column.push_back(static_cast<std::int32_t>(column));
    }
    matrix.row_start.push_back(static_cast<std::int64_t>(matrix.column.size()));
  }
  matrix.value.assign(matrix.column.size(), Value{1});
  return matrix;
}

template <class Read>
void check_limits(const std::filesystem::path& path, Read&& read) {
  core::RunContext any("test", "0", "test");
  CHECK_NOTHROW(read(path, any));  // an honest file may hold equal values
  core::RunContext careful("test", "0", "test");
  careful.max_expansion = 20;
  try {
    (void)read(path, careful);
    FAIL("accepted");
  } catch (const core::Error& error) {
    const std::string what = error.what();
    CHECK(error.status() == core::Status::kBadInput);
    CHECK_THAT(what, Catch::Contains(path.filename().string()));
    CHECK_THAT(what, Catch::Contains("declares 4300000 values but the file stores"));
    CHECK_THAT(what, Catch::Contains("or give a higher --max-expansion"));
    CHECK(what.find('\n') == std::string::npos);
  }
}

}  // namespace

TEST_CASE("readers of containers refuse what grows beyond --max-expansion") {
  test::TemporaryFolder folder;
  io::AnnData data;
  data.obs.index = names("c", kRows);
  data.var.index = names("g", kColumns);
  data.x = all_ones<float>();
  SECTION("h5ad") {
    const auto path = folder.path() / "bomb.h5ad";
    io::write_anndata(path, data);
    check_limits(path, [](const auto& file, auto& context) { return io::read_anndata(file, context); });
  }
  SECTION("h5mu") {
    const auto path = folder.path() / "bomb.h5mu";
    io::write_mudata(path, io::join_modalities({{"rna", data}}));
    check_limits(path, [](const auto& file, auto& context) { return io::read_mudata(file, context); });
  }
  SECTION("10x") {
    const auto path = folder.path() / "bomb.h5";
    io::TenxMatrix matrix;
    matrix.barcodes = data.obs.index;
    for (const std::string& name : data.var.index) matrix.features.push_back({name, name});
    matrix.counts = all_ones<float>();
    io::write_tenx_h5(path, matrix, "genome", "any", 1);
    check_limits(path, [](const auto& file, auto& context) { return io::read_tenx_h5(file, context); });
  }
  SECTION("BIOM") {
    const auto path = folder.path() / "bomb.biom";
    io::BiomTable table;
    table.observation_ids = data.obs.index;
    table.sample_ids = data.var.index;
    table.values = all_ones<double>();
    io::write_biom(path, table);
    check_limits(path, [](const auto& file, auto& context) { return io::read_biom(file, context); });
  }
}

TEST_CASE("many data sets below the limit are a bomb together, and so is one under many names") {
  test::TemporaryFolder folder;
  const auto path = folder.path() / "many.h5";
  const std::vector<double> zeros(std::size_t{1} << 21);  // 16 MB, which alone are let through
  io::Hdf5Writer out(path);
  out.array<double>("/zeros", zeros);
  out.close();
  core::RunContext context("test", "0", "test");
  context.max_expansion = 100;
  const io::Hdf5Reader in(path, context);
  const auto read_often = [&] {
    for (int i = 0; i < 17; ++i) (void)in.array<double>("/zeros");
  };
  CHECK_THROWS_WITH(read_often(), Catch::Contains("takes, with all that was read before, 285212672 bytes of memory") &&
                                      Catch::Contains("--max-expansion"));
}
