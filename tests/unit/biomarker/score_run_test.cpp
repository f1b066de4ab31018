#include "biomarker/score_run.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <numeric>

#include "biomarker/aucell.h"
#include "biomarker/expression_input.h"
#include "biomarker/score_reference.h"
#include "biomarker_helpers.h"
#include "core/output.h"
#include "core/random.h"
#include "core/text.h"
#include "io/anndata.h"
#include "io/hdf5.h"
#include "io/tenx.h"
#include "io/tsv.h"

using namespace immucan;

namespace {

io::MatrixTable reordered(const io::MatrixTable& matrix, const std::vector<std::size_t>& rows,
                          const std::vector<std::size_t>& columns) {
  io::MatrixTable result;
  result.name = matrix.name;
  for (const std::size_t column : columns) result.column_names.push_back(matrix.column_names[column]);
  for (const std::size_t row : rows) {
    const auto values = result.add_row(matrix.row_names[row]);
    for (std::size_t i = 0; i < columns.size(); ++i) values[i] = matrix.row(row)[columns[i]];
  }
  return result;
}

std::vector<std::size_t> counting(std::size_t size) {
  std::vector<std::size_t> order(size);
  std::iota(order.begin(), order.end(), std::size_t{0});
  return order;
}

double worst_difference(const biomarker::ScoreTable& table, const std::filesystem::path& path) {
  const auto expected = io::read_table(path, test::context());
  std::map<std::pair<std::string, std::string>, double> reference;
  for (std::size_t row = 0; row < expected.rows.size(); ++row) {
    for (std::size_t column = 1; column < expected.header.size(); ++column) {
      reference[{expected.rows[row][0], expected.header[column]}] = *expected.number(row, column);
    }
  }
  CHECK(reference.size() == table.values.size());
  double worst = 0;
  for (std::size_t set = 0; set < table.sets.size(); ++set) {
    for (std::size_t sample = 0; sample < table.samples.size(); ++sample) {
      const double gap = std::fabs(table.at(set, sample) - reference.at({table.sets[set], table.samples[sample]}));
      worst = std::isnan(gap) ? INFINITY : std::max(worst, gap);
    }
  }
  return worst;
}

std::string hundred_genes(double a, double b) {
  std::string text = "gene\tP1\tP2\n";
  for (int i = 0; i < 120; ++i)
    text +=
        "G" + std::to_string(i) + "\t" + std::to_string(a * (i + 0.5)) + "\t" + std::to_string(b * (i + 0.25)) + "\n";
  return text;
}

}  // namespace

TEST_CASE("ssGSEA on Liu: 100 shuffles of the rows, samples added and removed", "[real]") {
  const auto expression = test::shared_file("cohorts/Liu.expr.tsv.gz");
  const auto sets_path = test::shared_file("reference_Liu/sets_used.gmt");
  if (!expression || !sets_path) return;
  const auto matrix = io::read_matrix_table(*expression, test::context());
  const auto gene_sets = io::read_gene_sets(*sets_path, test::context());
  const auto score = [&](const io::MatrixTable& table) {
    const auto sets = biomarker::match_sets(gene_sets, table, {1, 0.0, false, true}, test::context().log);
    return biomarker::ssgsea_scores(table, sets, 0.25, biomarker::TieOrder::kShared, 1, nullptr);
  };
  const auto expected = score(matrix);
  core::Random random(2);
  double worst = 0;
  for (int round = 0; round < 100; ++round) {
    auto rows = counting(matrix.rows());
    random.shuffle(std::span(rows));
    const auto shuffled = score(reordered(matrix, rows, counting(matrix.columns())));
    for (std::size_t i = 0; i < shuffled.values.size(); ++i) {
      worst = std::max(worst, std::fabs(shuffled.values[i] - expected.values[i]));
    }
  }
  CHECK(worst == 0);  // asked: at most 1e-12
  for (const std::size_t kept : {std::size_t{1}, std::size_t{20}, std::size_t{73}}) {
    auto columns = counting(matrix.columns());
    random.shuffle(std::span(columns));
    columns.resize(kept);
    const auto fewer = score(reordered(matrix, counting(matrix.rows()), columns));
    bool same = true;
    for (std::size_t set = 0; set < fewer.sets.size(); ++set) {
      for (std::size_t i = 0; i < kept; ++i) same = same && fewer.at(set, i) == expected.at(set, columns[i]);
    }
    CHECK(same);  // the same bits
  }
}

TEST_CASE("gseapy's scores on Liu", "[real]") {
  const auto expression = test::shared_file("cohorts/Liu.expr.tsv.gz");
  const auto sets = test::shared_file("reference_Liu/sets_used.gmt");
  if (!expression || !sets) return;
  biomarker::ScoreOptions options;
  options.expression = *expression;
  options.sets = *sets;
  options.compat = "gseapy";
  options.normalize = false;
  const auto folder = sets->parent_path();
  CHECK(worst_difference(biomarker::score_samples(options, test::context()), folder / "gseapy_ssgsea_ES.tsv.gz") <=
        1e-9);
  options.normalize = true;
  CHECK(worst_difference(biomarker::score_samples(options, test::context()), folder / "gseapy_ssgsea_NES.tsv.gz") <=
        1e-10);
  options.method = "gsva";
  CHECK(worst_difference(biomarker::score_samples(options, test::context()), folder / "gseapy_gsva.tsv.gz") <= 1e-10);
}

TEST_CASE("contributions of genes sum to the score", "[score]") {
  io::MatrixTable matrix;
  matrix.column_names = {"P"};
  core::Random random(3);
  for (int i = 0; i < 50; ++i) matrix.add_row("G" + std::to_string(i))[0] = std::floor(4 * random.normal());
  const std::vector<biomarker::SetRows> sets{{"S", {1, 4, 9, 16, 25, 36, 49}, 7, true}};
  const auto genes = biomarker::ssgsea_contributions(matrix, 0, sets, 0.25)[0];
  REQUIRE(genes.size() == 7);
  double sum = 0;
  for (const auto& gene : genes) sum += gene.contribution;
  const auto scores = biomarker::ssgsea_scores(matrix, sets, 0.25, biomarker::TieOrder::kShared, 1, nullptr);
  CHECK(sum == Approx(scores.at(0, 0)).epsilon(1e-12));
  CHECK(genes.front().contribution >= genes.back().contribution);
}

TEST_CASE("a frozen reference: percentiles, and z-scores that do not move", "[score]") {
  test::Folder folder;
  std::string text = "gene\tA\tB\tC\tD\n", one = "gene\tB\n";
  core::Random random(12);
  for (int i = 0; i < 30; ++i) {
    std::vector<double> v(4);
    for (double& x : v) x = random.normal();
    const std::string name = "G" + std::to_string(i);
    text += name;
    for (const double x : v) text += "\t" + std::to_string(x);
    text += "\n";
    one += name + "\t" + std::to_string(v[1]) + "\n";
  }
  biomarker::ScoreOptions options;
  options.expression = folder.write("all.tsv", text);
  options.sets = folder.write("s.gmt", "S\tx\tG1\tG2\tG3\tG4\tG5\nT\tx\tG11\tG12\tG13\tG14\tG25\n");
  for (const std::string method : {"zscore", "ssgsea", "singscore"}) {
    options.method = method;
    options.expression = folder.path() / "all.tsv";
    options.reference.reset();
    biomarker::ScoreExtras extras;
    extras.want_reference = true;
    const auto cohort = biomarker::score_samples(options, test::context(), &extras);
    options.reference = folder.write("reference.tsv", extras.reference);
    options.expression = folder.write("one.tsv", one);
    biomarker::ScoreExtras after;
    const auto alone = biomarker::score_samples(options, test::context(), &after);
    REQUIRE(after.percentiles.has_value());
    for (std::size_t set = 0; set < 2; ++set) {
      INFO(method);
      CHECK(alone.at(set, 0) == cohort.at(set, 1));
      double below = 0;
      for (std::size_t i = 0; i < 4; ++i) {
        below += cohort.at(set, i) < cohort.at(set, 1) ? 1 : cohort.at(set, i) == cohort.at(set, 1) ? 0.5 : 0;
      }
      CHECK(after.percentiles->at(set, 0) == 100 * below / 4);
    }
  }
  options.method = "ssgsea";
  test::expect_error([&] { (void)biomarker::score_samples(options, test::context()); }, core::Status::kBadInput,
                     {"reference.tsv", "'singscore'", "'ssgsea'"});
  options.method = "singscore";
  options.expression = folder.write("other.tsv", one + "EXTRA\t1\n");
  test::expect_error([&] { (void)biomarker::score_samples(options, test::context()); }, core::Status::kBadInput,
                     {"reference.tsv", "genes_sha256"});
}

TEST_CASE("scores of a patient by a frozen cohort are the cohort's, to the bit, in any company", "[real]") {
  const auto expression = test::shared_file("cohorts/Liu.expr.tsv.gz");
  const auto sets = test::shared_file("reference_Liu/sets_used.gmt");
  if (!expression || !sets) return;
  test::Folder folder;
  const auto matrix = io::read_matrix_table(*expression, test::context());
  const auto write = [&](const io::MatrixTable& table) {
    std::string text = "gene";
    for (const std::string& sample : table.column_names) text += "\t" + sample;
    for (std::size_t gene = 0; gene < table.rows(); ++gene) {
      text += "\n" + table.row_names[gene];
      for (const double v : table.row(gene)) text += "\t" + core::format_double(v);
    }
    return folder.write("few.tsv", text + "\n");
  };
  biomarker::ScoreOptions options;
  options.sets = *sets;
  options.min_genes = 1;
  options.min_coverage = 0;
  options.skip_absent = true;
  core::Random random(4);
  struct Run {
    std::string method, kernel, compat = "none";
  };
  for (const Run& run : {Run{"gsva", "gaussian"}, Run{"gsva", "none"}, Run{"gsva", "gaussian", "gsva"},
                         Run{"plage", "gaussian"}, Run{"zscore", "gaussian"}}) {
    INFO(run.method << " " << run.kernel << " " << run.compat);
    options.method = run.method;
    options.kernel = run.kernel;
    options.compat = run.compat;
    options.expression = *expression;
    options.reference.reset();
    biomarker::ScoreExtras extras;
    extras.want_reference = true;
    const auto cohort = biomarker::score_samples(options, test::context(), &extras);
    options.reference = folder.write("reference.tsv", extras.reference);
    for (const std::size_t kept : {std::size_t{1}, std::size_t{20}, std::size_t{74}}) {
      auto columns = counting(matrix.columns());
      random.shuffle(std::span(columns));
      columns.resize(kept);
      options.expression = write(reordered(matrix, counting(matrix.rows()), columns));
      const auto fewer = biomarker::score_samples(options, test::context());
      std::size_t compared = 0, different = 0;
      for (std::size_t set = 0; set < fewer.sets.size(); ++set) {
        for (std::size_t i = 0; i < kept; ++i) {
          const double now = fewer.at(set, i), then = cohort.at(set, columns[i]);
          if (std::isnan(now) && std::isnan(then)) continue;
          ++compared;
          different += now == then ? 0 : 1;
        }
      }
      CHECK(compared >= kept * fewer.sets.size() / 2);
      CHECK(different == 0);
    }
  }
}

TEST_CASE("a frozen cohort: patients beyond all of it, sets of other genes, both options at once", "[score]") {
  test::Folder folder;
  std::string text = "gene\tA\tB\tC\n", extreme = "gene\tX\tY\n";
  core::Random random(14);
  for (int i = 0; i < 30; ++i) {
    text += "G" + std::to_string(i);
    for (int k = 0; k < 3; ++k) text += "\t" + std::to_string(random.normal());
    text += "\n";
    extreme += "G" + std::to_string(i) + (i < 5 ? "\t1e300\t-1e300\n" : "\t-50\t50\n");
  }
  biomarker::ScoreOptions options;
  options.method = "gsva";
  options.expression = folder.write("all.tsv", text);
  options.sets = folder.write("s.gmt", "S\tx\tG0\tG1\tG2\tG3\tG4\n");
  biomarker::ScoreExtras extras;
  extras.want_reference = true;
  (void)biomarker::score_samples(options, test::context(), &extras);
  options.reference = folder.write("reference.tsv", extras.reference);
  options.expression = folder.write("extreme.tsv", extreme);
  const auto far = biomarker::score_samples(options, test::context());
  CHECK(far.at(0, 0) == Approx(1));
  CHECK(far.at(0, 1) == Approx(-1));
  test::expect_error([&] { (void)biomarker::score_samples(options, test::context(), &extras); }, core::Status::kUsage,
                     {"--save-reference", "--reference"});
  options.sets = folder.write("t.gmt", "S\tx\tG0\tG1\tG2\tG3\tG7\n");
  test::expect_error([&] { (void)biomarker::score_samples(options, test::context()); }, core::Status::kBadInput,
                     {"reference.tsv", "1 of 1 sets", "'S'"});
  options.sets = folder.path() / "s.gmt";
  options.kernel = "none";
  test::expect_error([&] { (void)biomarker::score_samples(options, test::context()); }, core::Status::kBadInput,
                     {"reference.tsv", "kernel 'gaussian'", "'none'"});
}

TEST_CASE("aliases rename genes of matrices and sets", "[score]") {
  test::Folder folder;
  biomarker::ScoreOptions options;
  options.expression = folder.write("e.tsv", "gene\tP\nC10orf54\t5\nA\t1\nB\t0\n");
  options.sets = folder.write("s.gmt", "S\tx\tVSIR\nT\tx\tC10orf54\n");
  options.aliases = folder.write("a.tsv", "alias\tgene\nC10orf54\tVSIR\n");
  options.min_genes = 1;
  const auto scores = biomarker::score_samples(options, test::context());
  CHECK(scores.at(0, 0) == scores.at(1, 0));
  options.expression = folder.write("two.tsv", "gene\tP\nC10orf54\t5\nGI24\t1\nB\t0\n");
  options.aliases = folder.write("b.tsv", "alias\tgene\nC10orf54\tVSIR\nGI24\tVSIR\n");
  test::expect_error([&] { (void)biomarker::score_samples(options, test::context()); }, core::Status::kBadInput,
                     {"two.tsv", "1 rows repeat a gene ('VSIR'", "--duplicates"});
  options.duplicates = "mean";
  CHECK(std::isfinite(biomarker::score_samples(options, test::context()).at(0, 0)));
  options.aliases = folder.write("c.tsv", "alias\tgene\nC10orf54\tVSIR\nC10orf54\tA\n");
  test::expect_error([&] { (void)biomarker::score_samples(options, test::context()); }, core::Status::kBadInput,
                     {"c.tsv:3", "'VSIR' and 'A'"});
}

TEST_CASE("an .h5ad scores as its table does", "[score]") {
  test::Folder folder;
  io::AnnData data;
  data.obs.index = {"c1", "c2"};
  data.var.index = {"E1", "E2", "E3"};
  data.var.columns.push_back({"symbol", std::vector<std::string>{"A", "B", "C"}});
  io::CsrMatrix x;
  x.rows = 2;
  x.columns = 3;
  x.row_start = {0, 2, 3};
  x.column = {0, 2, 1};
  x.value = {3, 1, 7};
  data.x = x;
  io::write_anndata(folder.path() / "e.h5ad", data);
  biomarker::ExpressionOptions options;
  options.path = folder.path() / "e.h5ad";
  options.gene_column = "symbol";
  const auto matrix = biomarker::read_expression(options, {}, test::context());
  REQUIRE(matrix.row_names == std::vector<std::string>{"A", "B", "C"});
  REQUIRE(matrix.column_names == std::vector<std::string>{"c1", "c2"});
  CHECK(std::vector<double>(matrix.row(0).begin(), matrix.row(0).end()) == std::vector<double>{3, 0});
  CHECK(std::vector<double>(matrix.row(1).begin(), matrix.row(1).end()) == std::vector<double>{0, 7});
  CHECK(std::vector<double>(matrix.row(2).begin(), matrix.row(2).end()) == std::vector<double>{1, 0});
  options.gene_column = "nothing";
  test::expect_error([&] { (void)biomarker::read_expression(options, {}, test::context()); }, core::Status::kBadInput,
                     {"e.h5ad", "'nothing'", "symbol"});
}

TEST_CASE("log and linear samples in one table; counts where TPM is needed", "[score]") {
  test::Folder folder;
  const auto read = [&](const std::string& text) {
    return biomarker::read_expression({folder.write("e.tsv", text), {}, {}, biomarker::DuplicateGenes::kRefuse}, {},
                                      test::context());
  };
  test::expect_error([&] { biomarker::refuse_mixed_scales(read(hundred_genes(100, 0.1))); }, core::Status::kBadInput,
                     {"e.tsv", "1 samples look linear (P1", "1 logarithmic (P2"});
  CHECK_NOTHROW(biomarker::refuse_mixed_scales(read(hundred_genes(100, 30))));
  CHECK_NOTHROW(biomarker::refuse_mixed_scales(read(hundred_genes(0.1, 0.05))));
  // Shallow and deep cells hold whole numbers: no logarithms.
  CHECK_NOTHROW(biomarker::refuse_mixed_scales(read("gene\tP1\tP2\n" + [] {
    std::string rows;
    for (int i = 0; i < 120; ++i) {
      rows += "G" + std::to_string(i) + "\t" + std::to_string(i % 4) + "\t" + std::to_string(i * 7) + "\n";
    }
    return rows;
  }())));
  test::expect_error([&] { biomarker::refuse_counts(read(hundred_genes(2, 4)), "quantiseq"); }, core::Status::kBadInput,
                     {"e.tsv", "look like counts", "quantiseq needs TPM"});
  CHECK_NOTHROW(biomarker::refuse_counts(read(hundred_genes(0.3, 0.4)), "quantiseq"));
}

TEST_CASE("MCP-counter's means on Liu", "[real]") {
  const auto expression = test::shared_file("cohorts/Liu.expr.tsv.gz");
  const auto expected = test::shared_file("reference_Liu/mcpcounter_mean_log2.tsv");
  if (!expression || !expected) return;
  biomarker::ScoreOptions options;
  options.expression = *expression;
  options.method = "mcpcounter";
  options.min_coverage = 0;
  options.skip_thin = options.skip_absent = true;
  auto table = biomarker::score_samples(options, test::context());
  const auto reference = io::read_table(*expected, test::context());
  double worst = 0;
  std::size_t compared = 0;
  for (std::size_t row = 0; row < reference.rows.size(); ++row) {
    const auto set = std::ranges::find(table.sets, reference.rows[row][0]);
    REQUIRE(set != table.sets.end());
    for (std::size_t column = 1; column < reference.header.size(); ++column) {
      const auto sample = std::ranges::find(table.samples, reference.header[column]);
      REQUIRE(sample != table.samples.end());
      const double ours = table.at(static_cast<std::size_t>(set - table.sets.begin()),
                                   static_cast<std::size_t>(sample - table.samples.begin()));
      worst = std::max(worst, std::fabs(ours - *reference.number(row, column)));
      ++compared;
    }
  }
  CHECK(compared > 500);
  CHECK(worst <= 1e-10);
}

TEST_CASE("AUCell by hand, and without influence of the rows' order", "[score]") {
  io::MatrixTable matrix;
  matrix.column_names = {"c"};
  const double values[10] = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
  for (int i = 0; i < 10; ++i) matrix.add_row("G" + std::to_string(i))[0] = values[i];
  // T = 5: genes at places 1 and 3 give 4 + 2 of the possible 4 + 3.
  const std::vector<biomarker::SetRows> sets{{"S", {0, 2}, 2, true}, {"low", {8, 9}, 2, true}};
  const auto table = biomarker::aucell_scores(matrix, sets, 0.5, 1, nullptr);
  CHECK(table.at(0, 0) == Approx(6.0 / 7));
  CHECK(table.at(1, 0) == 0);
  // All tied: every gene has the mean area (4 + 3 + 2 + 1) / 10.
  for (std::size_t i = 0; i < 10; ++i) matrix.row(i)[0] = 1;
  CHECK(biomarker::aucell_scores(matrix, sets, 0.5, 1, nullptr).at(1, 0) == Approx(2.0 / 7));
}

TEST_CASE("a 10x folder and .h5 are read by names or ids", "[score]") {
  test::Folder folder;
  io::TenxMatrix data;
  data.barcodes = {"AAAC-1", "AAAG-1"};
  data.features = {{"ENSG1", "A"}, {"ENSG2", "B"}, {"ENSG3", "A"}};
  data.counts.rows = 2;
  data.counts.columns = 3;
  data.counts.row_start = {0, 2, 3};
  data.counts.column = {0, 2, 1};
  data.counts.value = {3, 1, 7};
  io::write_tenx_h5(folder.path() / "m.h5", data, "g", "v3", 1);
  biomarker::ExpressionOptions options;
  options.path = folder.path() / "m.h5";
  test::expect_error([&] { (void)biomarker::read_expression(options, {}, test::context()); }, core::Status::kBadInput,
                     {"m.h5", "repeat a gene ('A'", "--duplicates"});
  options.gene_column = "id";
  const auto matrix = biomarker::read_expression(options, {}, test::context());
  REQUIRE(matrix.row_names == std::vector<std::string>{"ENSG1", "ENSG2", "ENSG3"});
  CHECK(matrix.row(1)[1] == 7);
  options.path = folder.write("cut.h5", std::string("\x89HDF\r\n\x1a\n") + "rubbish");
  test::expect_error([&] { (void)biomarker::read_expression(options, {}, test::context()); }, core::Status::kBadInput,
                     {"cut.h5"});
  auto& outputs_context = test::context();
  auto outputs = core::OutputSet::folder(outputs_context, folder.path() / "out");
  io::write_tenx_folder(outputs, "m", data, 1);
  outputs.commit();
  options.path = folder.path() / "out" / "m";
  options.gene_column.reset();
  options.duplicates = biomarker::DuplicateGenes::kMean;
  const auto merged = biomarker::read_expression(options, {}, test::context());
  REQUIRE(merged.row_names == std::vector<std::string>{"A", "B"});
  CHECK(merged.row(0)[0] == 2);
}

TEST_CASE("broken references are told with their line", "[score]") {
  test::Folder folder;
  const auto broken = [&](const std::string& text, std::initializer_list<std::string_view> fragments) {
    const auto path = folder.write("r.tsv", text);
    test::expect_error([&] { (void)biomarker::read_score_reference(path, test::context()); }, core::Status::kBadInput,
                       fragments);
  };
  broken("", {"r.tsv"});
  broken("kind\tname\tvalue\n", {"r.tsv", "other"});
  broken("kind\tname\tvalue\tother\nscore\tS\thigh\tNA\n", {"r.tsv:2", "high"});
  broken("kind\tname\tvalue\tother\nscore\tS\tNA\tNA\n", {"r.tsv:2", "missing"});
  broken("kind\tname\tvalue\tother\nscore\tS\tinf\tNA\n", {"r.tsv:2", "inf"});
  broken("kind\tname\tvalue\tother\ngene\tA\t1\tNA\n", {"r.tsv:2", "missing"});
  broken("kind\tname\tvalue\tother\nthing\tA\t1\tNA\n", {"r.tsv:2", "'thing'"});
  broken("kind\tname\tvalue\tother\nscore\tS\t1\n", {"r.tsv:2"});
  broken("kind\tname\tvalue\tother\nscore\tNA\t1\tNA\n", {"r.tsv:2", "missing name"});
  broken("kind\tname\tvalue\tother\ngene\tA\t1\t-1\n", {"r.tsv:2", "negative"});
  broken("kind\tname\tvalue\tother\ngene\tA\t1\t1\ngene\tA\t1\t1\n", {"r.tsv:3", "second record of 'A'"});
  broken("kind\tname\tvalue\tother\nvalues\tA\t1,x\tNA\n", {"r.tsv:2", "'x'"});
  broken("kind\tname\tvalue\tother\nvalues\tA\t1,inf\tNA\n", {"r.tsv:2", "'inf'"});
  broken("kind\tname\tvalue\tother\nvalues\tA\t1\tNA\n", {"r.tsv:2", "values of 1 samples"});
  broken("kind\tname\tvalue\tother\nvalues\tA\t1,2\tNA\nvalues\tB\t1,2,3\tNA\n", {"r.tsv:3", "values of 3 samples"});
  broken("kind\tname\tvalue\tother\nloading\tS\thigh\tA\n", {"r.tsv:2", "high"});
  broken("kind\tname\tvalue\tother\nloading\tS\t1\tA\nloading\tS\t1\tA\n", {"r.tsv:3", "second record of 'A'"});
}
