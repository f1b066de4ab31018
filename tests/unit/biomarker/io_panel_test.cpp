#include "biomarker/io_panel.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>

#include "biomarker/panel_models.h"
#include "biomarker/signature_store.h"
#include "biomarker_helpers.h"
#include "core/digest.h"
#include "core/random.h"
#include "core/text.h"

using namespace immucan;

namespace {

std::size_t row_named(const biomarker::ScoreTable& table, const std::string& name) {
  return static_cast<std::size_t>(std::ranges::find(table.sets, name) - table.sets.begin());
}

/// Every gene of the panel in `samples` samples of random TPM, and a few others.
io::MatrixTable panel_matrix(std::size_t samples) {
  std::vector<std::string> genes{"OTHER1", "OTHER2", "OTHER3"};
  for (const std::string_view line : core::split(biomarker::shipped_signature("io_panel.tsv"), '\n')) {
    const auto fields = core::split(line, '\t');
    if (fields.size() != 4 || fields[0] == "signature") continue;
    for (const std::string_view gene : core::split(fields[1], '>')) {
      if (std::ranges::find(genes, gene) == genes.end()) genes.emplace_back(gene);
    }
  }
  io::MatrixTable matrix;
  matrix.name = "e.tsv";
  for (std::size_t i = 0; i < samples; ++i) matrix.column_names.push_back("S" + std::to_string(i));
  core::Random random(5);
  for (const std::string& gene : genes) {
    for (double& v : matrix.add_row(gene)) v = random.lognormal(2, 2);
  }
  return matrix;
}

double tpm(const io::MatrixTable& matrix, const std::string& gene, std::size_t sample) {
  const auto found = std::ranges::find(matrix.row_names, gene);
  REQUIRE(found != matrix.row_names.end());
  return matrix.row(static_cast<std::size_t>(found - matrix.row_names.begin()))[sample];
}

}  // namespace

TEST_CASE("the shipped gene tables are those of the documentation", "[panel]") {
  const std::map<std::string, std::string> digests{
      {"io_panel.tsv", "7cf5c96745a607dde43141c87935f57920ce54076b5e8577d54f976ef622e858"},
      {"mcp_counter.tsv", "09f060d8c5038ac5d086c90cd6b56a82ec45a0f432e11f4c08bb503ce28dd2a3"},
      {"til10.tsv", "cf410d0631a367761556545f463609e3f425c0f7cdb9aa42390afca13c5cea26"},
      {"til10_mrna.tsv", "75cac2fc654399d56c0ea6bf75a49d6016437f9cd53315807f7e5092ae730237"},
  };
  for (const auto& [file, digest] : digests) {
    INFO(file);
    CHECK(core::sha256_hex(biomarker::shipped_signature(file)) == digest);
  }
  CHECK(biomarker::shipped_signature("nothing").empty());
}

TEST_CASE("the panel by its equations", "[panel]") {
  const auto matrix = panel_matrix(6);
  const auto table = biomarker::io_panel_scores(matrix, {}, test::context());
  const auto value = [&](const std::string& name, std::size_t sample) {
    return table.at(row_named(table, name), sample);
  };
  for (std::size_t s = 0; s < 6; ++s) {
    double ifn = 0;
    for (const std::string gene : {"IFNG", "STAT1", "CXCL9", "CXCL10", "IDO1", "HLA-DRA"}) {
      ifn += std::log2(tpm(matrix, gene, s) + 1) / 6;
    }
    CHECK(value("IFNg_6", s) == Approx(ifn).epsilon(1e-12));
    CHECK(value("CYT", s) ==
          Approx(std::sqrt((tpm(matrix, "GZMA", s) + 0.01) * (tpm(matrix, "PRF1", s) + 0.01))).epsilon(1e-12));
    const double y_linked = std::log2(tpm(matrix, "EIF1AY", s) + 1);
    CHECK(9 * value("TLS_Cabrita9", s) - y_linked == Approx(8 * value("TLS_Cabrita8", s)).epsilon(1e-10));
    CHECK(value("IMPRES", s) >= 0);
    CHECK(value("IMPRES", s) <= 15);
  }
  // One more STAT1 by a factor of ten in TPM + 1 is its weight on the scale of log10.
  auto raised = panel_matrix(6);
  const auto row = static_cast<std::size_t>(std::ranges::find(raised.row_names, "STAT1") - raised.row_names.begin());
  for (double& v : raised.row(row)) v = 10 * (v + 1) - 1;
  const auto after = biomarker::io_panel_scores(raised, {}, test::context());
  const std::size_t gep = row_named(table, "T_cell_inflamed_GEP");
  CHECK(after.at(gep, 0) - table.at(gep, 0) == Approx(0.250229).epsilon(1e-9));
  const auto base2 = biomarker::io_panel_scores(matrix, {.log_base = 2}, test::context());
  CHECK(base2.at(gep, 0) == Approx(table.at(gep, 0) / std::log10(2.0)).epsilon(1e-12));
  // A housekeeping gene that rises lowers it.
  auto noisy = panel_matrix(6);
  const auto tbp = static_cast<std::size_t>(std::ranges::find(noisy.row_names, "TBP") - noisy.row_names.begin());
  for (double& v : noisy.row(tbp)) v = 10 * (v + 1) - 1;
  CHECK(biomarker::io_panel_scores(noisy, {}, test::context()).at(gep, 0) < table.at(gep, 0));
}

TEST_CASE("IMPRES counts its pairs; former symbols are known", "[panel]") {
  auto matrix = panel_matrix(1);
  for (std::string& name : matrix.row_names) name = name == "VSIR" ? "C10orf54" : name;
  for (std::size_t row = 0; row < matrix.rows(); ++row) matrix.row(row)[0] = 1;
  const auto set = [&](const std::string& gene, double v) {
    matrix.row(static_cast<std::size_t>(std::ranges::find(matrix.row_names, gene) - matrix.row_names.begin()))[0] = v;
  };
  set("CD274", 5);  // over VSIR; CD40 > CD274 fails anyway
  set("CD40", 3);   // over CD28, PDCD1, CD80, not over CD274
  const auto table = biomarker::io_panel_scores(matrix, {}, test::context());
  CHECK(table.at(row_named(table, "IMPRES"), 0) == 4);
  CHECK(std::isnan(table.at(row_named(table, "Chemokine12"), 0)));  // one sample has no component
  CHECK(std::isfinite(table.at(row_named(table, "T_cell_inflamed_GEP"), 0)));
}

TEST_CASE("chemokine 12 is the first principal component", "[panel]") {
  const auto matrix = panel_matrix(8);
  const auto table = biomarker::io_panel_scores(matrix, {}, test::context());
  const std::size_t row = row_named(table, "Chemokine12");
  // Its variance is the largest eigenvalue of the correlation matrix, found here by power iteration.
  std::vector<std::vector<double>> z;
  for (const std::string gene :
       {"CCL2", "CCL3", "CCL4", "CCL5", "CCL8", "CCL18", "CCL19", "CCL21", "CXCL9", "CXCL10", "CXCL11", "CXCL13"}) {
    std::vector<double> v(8);
    double mean = 0, square = 0;
    for (std::size_t i = 0; i < 8; ++i) mean += (v[i] = std::log2(tpm(matrix, gene, i) + 1)) / 8;
    for (const double x : v) square += (x - mean) * (x - mean);
    for (double& x : v) x = (x - mean) / std::sqrt(square / 7);
    z.push_back(v);
  }
  std::vector<double> loading(12, 1.0), score(8);
  double eigen = 0;
  for (int step = 0; step < 5000; ++step) {
    std::ranges::fill(score, 0);
    for (std::size_t g = 0; g < 12; ++g) {
      for (std::size_t i = 0; i < 8; ++i) score[i] += loading[g] * z[g][i];
    }
    double norm = 0;
    for (std::size_t g = 0; g < 12; ++g) {
      loading[g] = 0;
      for (std::size_t i = 0; i < 8; ++i) loading[g] += z[g][i] * score[i] / 7;
      norm += loading[g] * loading[g];
    }
    eigen = std::sqrt(norm);
    for (double& v : loading) v /= eigen;
  }
  double variance = 0;
  for (std::size_t i = 0; i < 8; ++i) variance += table.at(row, i) * table.at(row, i) / 7;
  CHECK(variance == Approx(eigen).epsilon(1e-6));
}

TEST_CASE("missing genes are refused, or NA when asked", "[panel]") {
  auto matrix = panel_matrix(2);
  for (std::string& name : matrix.row_names) name = name == "GZMA" || name == "PRF1" ? name + "x" : name;
  test::expect_error([&] { (void)biomarker::io_panel_scores(matrix, {}, test::context()); }, core::Status::kBadInput,
                     {"e.tsv", "2 of 2 genes of CYT", "GZMA, PRF1", "--skip-thin"});
  const auto table = biomarker::io_panel_scores(matrix, {.skip_thin = true}, test::context());
  CHECK(std::isnan(table.at(row_named(table, "CYT"), 0)));
  CHECK(std::isfinite(table.at(row_named(table, "Roh_IS"), 0)));
}

TEST_CASE("the immunophenoscore and TIDE on tables of the user", "[panel]") {
  test::Folder folder;
  io::MatrixTable matrix;
  matrix.name = "e.tsv";
  matrix.column_names = {"A", "B", "C"};
  core::Random random(31);
  for (const std::string gene : {"M1", "M2", "C1", "E1", "E2", "S1", "CD8A", "CD8B", "GZMA", "GZMB", "PRF1"}) {
    for (double& v : matrix.add_row(gene)) v = random.lognormal(1, 1);
  }
  const auto items = biomarker::read_ips_genes(
      folder.write("ips.tsv",
                   "gene_name\tname\tclass\tweight\nM1\tM1\tMHC\t1\nM2\tM2\tMHC\t1\nC1\tC1\tCP\t-1\n"
                   "E1\tAct\tEC\t1\nE2\tAct\tEC\t1\nS1\tMDSC\tSC\t-1\n"),
      test::context());
  REQUIRE(items.size() == 5);
  const auto ips = biomarker::immunophenoscore(matrix, items, {});
  std::vector<double> log;
  for (std::size_t row = 0; row < matrix.rows(); ++row) log.push_back(std::log2(matrix.row(row)[1] + 1));
  double mean = 0, square = 0;
  for (const double v : log) mean += v / 11;
  for (const double v : log) square += (v - mean) * (v - mean) / 10;
  const auto z = [&](std::size_t row) { return (log[row] - mean) / std::sqrt(square); };
  CHECK(ips.at(0, 1) == Approx((z(0) + z(1)) / 2));
  CHECK(ips.at(1, 1) == Approx(-z(2)));
  CHECK(ips.at(2, 1) == Approx((z(3) + z(4)) / 2));
  CHECK(ips.at(3, 1) == Approx(-z(5)));
  const double az = ips.at(0, 1) + ips.at(1, 1) + ips.at(2, 1) + ips.at(3, 1);
  CHECK(ips.at(4, 1) == Approx(az));
  CHECK(ips.at(5, 1) == (az <= 0 ? 0 : az >= 3 ? 10 : std::round(10 * az / 3)));
  test::expect_error(
      [&] {
        (void)biomarker::read_ips_genes(folder.write("b.tsv", "gene_name\tname\tclass\tweight\nM1\tM1\tXX\t1\n"),
                                        test::context());
      },
      core::Status::kBadInput, {"b.tsv:2", "'XX'"});

  // A profile equal to a sample's centred values correlates perfectly with it.
  std::string model = "gene\tdysfunction\texclusion\nSD\t0.5\t0.25\n";
  for (std::size_t row = 0; row < 6; ++row) {
    double centre = 0;
    for (const double v : matrix.row(row)) centre += std::log2(v + 1) / 3;
    const double own = std::log2(matrix.row(row)[0] + 1) - centre;
    model += matrix.row_names[row] + "\t" + core::format_double(own) + "\t" + core::format_double(-3 * own) + "\n";
  }
  const auto tide = biomarker::tide_scores(
      matrix, biomarker::read_tide_model(folder.write("t.tsv", model), test::context()), {}, test::context().log);
  CHECK(tide.at(0, 0) == Approx(2));
  CHECK(tide.at(1, 0) == Approx(-4));
  CHECK(tide.at(3, 0) == (tide.at(2, 0) == 1 ? tide.at(0, 0) : tide.at(1, 0)));
}

TEST_CASE("log2 tables become TPM; another offset is noticed", "[panel]") {
  io::MatrixTable matrix;
  matrix.name = "e.tsv";
  matrix.column_names = {"A"};
  matrix.add_row("G")[0] = std::log2(7 + 0.001);
  matrix.add_row("H")[0] = -9.96578;
  test::expect_error([&] { biomarker::to_linear(matrix, "auto", 1); }, core::Status::kBadInput,
                     {"e.tsv", "'H'", "log2(TPM + 1)", "--log-offset"});
  matrix.row(0)[0] = std::log2(7 + 0.001);
  biomarker::to_linear(matrix, "auto", 0.001);
  CHECK(matrix.row(0)[0] == Approx(7));
  CHECK(matrix.row(1)[0] == Approx(0).margin(1e-8));
}
