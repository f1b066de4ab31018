// Count matrices of any shape read back as they were written; geometries cut what was put together.
#include <rapidcheck.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "core/output.h"
#include "core/random.h"
#include "io/anndata.h"
#include "io/tenx.h"
#include "scrna/geometry.h"

using namespace immucan;

namespace {

std::string bases(std::size_t size, core::Random& random) {
  std::string out;
  for (std::size_t i = 0; i < size; ++i) out.push_back("ACGT"[random.below(4)]);
  return out;
}

/// Any number of barcodes and features (from one), any part of the entries, tags among the genes.
io::TenxMatrix any_matrix() {
  core::Random random(*rc::gen::arbitrary<std::uint32_t>());
  const auto rows = *rc::gen::inRange<std::size_t>(1, 60), columns = *rc::gen::inRange<std::size_t>(1, 60);
  const auto percent = *rc::gen::inRange<std::uint64_t>(0, 101);
  io::TenxMatrix matrix;
  for (std::size_t row = 0; row < rows; ++row) matrix.barcodes.push_back(bases(10, random) + std::to_string(row));
  for (std::size_t column = 0; column < columns; ++column) {
    const bool tag = random.below(5) == 0;
    matrix.features.push_back({"id" + std::to_string(column), "name" + std::to_string(column % 7),
                               tag ? "Antibody Capture" : "Gene Expression"});
  }
  matrix.counts.rows = rows;
  matrix.counts.columns = columns;
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t column = 0; column < columns; ++column) {
      if (random.below(100) >= percent) continue;
      matrix.counts.column.push_back(static_cast<std::int32_t>(column));
      matrix.counts.value.push_back(static_cast<float>(1 + random.below(100000)));
    }
    matrix.counts.row_start.push_back(static_cast<std::int64_t>(matrix.counts.column.size()));
  }
  return matrix;
}

void check_same(const io::CsrMatrix& a, const io::CsrMatrix& b) {
  RC_ASSERT(a.rows == b.rows);
  RC_ASSERT(a.columns == b.columns);
  RC_ASSERT(a.row_start == b.row_start);
  RC_ASSERT(a.column == b.column);
  RC_ASSERT(a.value == b.value);
}

void check_same(const io::TenxMatrix& a, const io::TenxMatrix& b) {
  RC_ASSERT(a.barcodes == b.barcodes);
  RC_ASSERT(a.features.size() == b.features.size());
  for (std::size_t i = 0; i < a.features.size(); ++i) {
    RC_ASSERT(a.features[i].id == b.features[i].id);
    RC_ASSERT(a.features[i].name == b.features[i].name);
    RC_ASSERT(a.features[i].type == b.features[i].type);
  }
  check_same(a.counts, b.counts);
}

}  // namespace

TEST_CASE("10x folder, 10x .h5 and .h5ad hold the matrix that was written") {
  const auto folder = std::filesystem::temp_directory_path() / ("immucan-matrices-" + std::to_string(getpid()));
  CHECK(rc::check("matrices", [&] {
    const io::TenxMatrix matrix = any_matrix();
    core::RunContext context("test", "0", "test");
    core::OutputSet outputs = core::OutputSet::folder(context, folder);
    io::write_tenx_folder(outputs, "raw", matrix, 1 + context.threads);
    io::write_tenx_h5(outputs.add_external("raw.h5"), matrix, "reference", "any", 1);
    io::AnnData data;
    data.obs.index = matrix.barcodes;
    for (const auto& feature : matrix.features) data.var.index.push_back(feature.id);
    data.x = matrix.counts;
    data.layers = {{"again", matrix.counts}};
    io::write_anndata(outputs.add_external("counts.h5ad"), data, 1);
    outputs.commit();
    check_same(io::read_tenx_folder(folder / "raw", context), matrix);
    check_same(io::read_tenx_h5(folder / "raw.h5", context), matrix);
    const io::AnnData back = io::read_anndata(folder / "counts.h5ad", context);
    RC_ASSERT(back.obs.index == data.obs.index);
    RC_ASSERT(back.var.index == data.var.index);
    check_same(back.x.value(), matrix.counts);
    check_same(back.layers.at(0).second, matrix.counts);
  }));
  std::filesystem::remove_all(folder);
}

TEST_CASE("a geometry cuts the pieces that a read was put together from") {
  CHECK(rc::check("geometry", [] {
    core::Random random(*rc::gen::arbitrary<std::uint32_t>());
    const auto parts = *rc::gen::inRange<std::size_t>(1, 5);
    const bool barcode_first = *rc::gen::arbitrary<bool>();
    std::string text, read, umi;
    std::vector<std::string> barcodes;
    for (std::size_t part = 0; part < parts; ++part) {
      const std::size_t size = 1 + random.below(16), skipped = random.below(6);
      if (skipped > 0) text += "x[" + std::to_string(skipped) + "]";
      read += bases(skipped, random);
      barcodes.push_back(bases(size, random));
      text += "b[" + std::to_string(size) + "]";
      read += barcodes.back();
      if (part + 1 == parts || random.below(3) == 0) {
        const std::size_t more = 1 + random.below(4);
        if (umi.size() + more > 16) continue;
        text += "u[" + std::to_string(more) + "]";
        umi += bases(more, random);
        read += umi.substr(umi.size() - more);
      }
    }
    const std::string rna = bases(random.below(50), random);
    const scrna::Geometry geometry(barcode_first ? "1{" + text + "x:}2{r:}" : "1{r:}2{" + text + "x:}");
    const std::string whole = read + bases(random.below(20), random);
    scrna::CutRead cut;
    const std::string &one = barcode_first ? whole : rna, &two = barcode_first ? rna : whole;
    RC_ASSERT(geometry.cut(one, one, two, two, cut) == scrna::CutOutcome::kWhole);
    RC_ASSERT(cut.parts == parts);
    for (std::size_t part = 0; part < parts; ++part) RC_ASSERT(std::string(cut.barcode[part]) == barcodes[part]);
    RC_ASSERT(std::string(cut.umi) == umi);
    RC_ASSERT(std::string(cut.rna) == rna);
    const std::string shorter = read.substr(0, read.size() - 1);
    const std::string &first = barcode_first ? shorter : rna, &second = barcode_first ? rna : shorter;
    RC_ASSERT(geometry.cut(first, first, second, second, cut) == scrna::CutOutcome::kTooShort);
  }));
}
