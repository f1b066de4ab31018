#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <numeric>

#include "biomarker/gsva.h"
#include "biomarker/plage.h"
#include "biomarker/sample_scores.h"
#include "biomarker/score_run.h"
#include "biomarker/singscore.h"
#include "biomarker_helpers.h"
#include "core/random.h"
#include "io/tsv.h"
#include "stats/kernel_cdf.h"

using namespace immucan;

namespace {

io::MatrixTable table_of(const std::vector<std::vector<double>>& rows, const std::vector<std::string>& names) {
  io::MatrixTable table;
  table.name = "e.tsv";
  for (std::size_t i = 0; i < rows[0].size(); ++i) table.column_names.push_back("S" + std::to_string(i));
  for (std::size_t r = 0; r < rows.size(); ++r) std::ranges::copy(rows[r], table.add_row(names[r]).begin());
  return table;
}

/// ssGSEA by walking down the sorted list, as its authors describe it; for values without ties.
double walked_ssgsea(const std::vector<double>& values, const std::vector<std::uint32_t>& set, double alpha) {
  const std::size_t p = values.size();
  std::vector<std::size_t> order(p);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](auto a, auto b) { return values[a] > values[b]; });
  std::vector<bool> in(p, false);
  for (const auto row : set) in[row] = true;
  double total = 0;
  for (std::size_t i = 0; i < p; ++i) total += in[order[i]] ? std::pow(static_cast<double>(p - i), alpha) : 0;
  double hit = 0, miss = 0, sum = 0;
  for (std::size_t i = 0; i < p; ++i) {
    if (in[order[i]]) {
      hit += std::pow(static_cast<double>(p - i), alpha) / total;
    } else {
      miss += 1 / static_cast<double>(p - set.size());
    }
    sum += hit - miss;
  }
  return sum;
}

std::map<std::pair<std::string, std::string>, double> reference_scores(const std::filesystem::path& path) {
  const auto table = io::read_table(path, test::context());
  std::map<std::pair<std::string, std::string>, double> result;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    for (std::size_t column = 1; column < table.header.size(); ++column) {
      result[{table.rows[row][0], table.header[column]}] = *table.number(row, column);
    }
  }
  return result;
}

double worst_difference(const biomarker::ScoreTable& table, const std::filesystem::path& path, bool absolute = false) {
  const auto expected = reference_scores(path);
  CHECK(expected.size() == table.values.size());
  double worst = 0;
  for (std::size_t set = 0; set < table.sets.size(); ++set) {
    for (std::size_t sample = 0; sample < table.samples.size(); ++sample) {
      double value = table.at(set, sample), reference = expected.at({table.sets[set], table.samples[sample]});
      if (absolute) {
        value = std::fabs(value);
        reference = std::fabs(reference);
      }
      const double difference = std::fabs(value - reference);
      worst = std::isnan(difference) ? INFINITY : std::max(worst, difference);
    }
  }
  return worst;
}

}  // namespace

TEST_CASE("ssGSEA equals its walk, with and without R's order", "[score]") {
  core::Random random(4);
  std::vector<std::vector<double>> rows(40, std::vector<double>(3));
  std::vector<std::string> names;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    names.push_back("G" + std::to_string(r));
    for (double& v : rows[r]) v = random.normal();
  }
  const auto matrix = table_of(rows, names);
  const std::vector<biomarker::SetRows> sets{
      {"A", {1, 5, 7, 20, 33}, 5, true}, {"B", {0, 39}, 2, true}, {"C", {2}, 1, false}};
  for (const auto ties : {biomarker::TieOrder::kShared, biomarker::TieOrder::kGsva, biomarker::TieOrder::kGseapy}) {
    const auto table = biomarker::ssgsea_scores(matrix, sets, 0.25, ties, 1, nullptr);
    for (std::size_t set = 0; set < 2; ++set) {
      for (std::size_t sample = 0; sample < 3; ++sample) {
        std::vector<double> values;
        for (const auto& row : rows) values.push_back(row[sample]);
        CHECK(table.at(set, sample) == Approx(walked_ssgsea(values, sets[set].rows, 0.25)).epsilon(1e-12));
      }
    }
    CHECK(std::isnan(table.at(2, 0)));
  }
}

TEST_CASE("ties: the default is the mean over their orders in position and weight", "[score]") {
  // Two genes tie at the top: each has tail 3.5 and the mean of the weights of ranks 3 and 4.
  const auto matrix = table_of({{5}, {5}, {1}, {0}}, {"A", "B", "C", "D"});
  const std::vector<biomarker::SetRows> sets{{"A", {0}, 1, true}, {"B", {1}, 1, true}};
  const auto table = biomarker::ssgsea_scores(matrix, sets, 0.25, biomarker::TieOrder::kShared, 1, nullptr);
  CHECK(table.at(0, 0) == Approx(3.5 - (10 - 3.5) / 3).epsilon(1e-14));
  CHECK(table.at(0, 0) == table.at(1, 0));
  const auto gsva = biomarker::ssgsea_scores(matrix, sets, 0.25, biomarker::TieOrder::kGsva, 1, nullptr);
  CHECK(gsva.at(0, 0) == Approx(4 - (10 - 4.0) / 3).epsilon(1e-14));
  CHECK(gsva.at(1, 0) == Approx(3 - (10 - 3.0) / 3).epsilon(1e-14));
}

TEST_CASE("default ssGSEA does not depend on the order of rows, other samples or threads", "[score]") {
  core::Random random(8);
  std::vector<std::vector<double>> rows(200, std::vector<double>(40));
  std::vector<std::string> names;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    names.push_back("G" + std::to_string(r));
    for (double& v : rows[r]) v = std::max(0.0, std::floor(3 * random.normal()));
  }
  io::GeneSets gene_sets{"s.gmt", {}, 0};
  for (int s = 0; s < 10; ++s) {
    io::GeneSet set{"S" + std::to_string(s), "", {}};
    for (int i = 0; i < 15; ++i) set.genes.push_back("G" + std::to_string(s * 20 + i));
    gene_sets.sets.push_back(set);
  }
  const auto score = [&](const std::vector<std::vector<double>>& values, const std::vector<std::string>& genes,
                         unsigned threads) {
    const auto matrix = table_of(values, genes);
    const auto sets = biomarker::match_sets(gene_sets, matrix, {}, test::context().log);
    return biomarker::ssgsea_scores(matrix, sets, 0.25, biomarker::TieOrder::kShared, threads, nullptr).values;
  };
  const auto expected = score(rows, names, 1);
  CHECK(score(rows, names, 3) == expected);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::size_t> order(rows.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    random.shuffle(std::span(order));
    std::vector<std::vector<double>> shuffled;
    std::vector<std::string> shuffled_names;
    for (const std::size_t r : order) {
      shuffled.push_back(rows[r]);
      shuffled_names.push_back(names[r]);
    }
    CHECK(score(shuffled, shuffled_names, 1) == expected);  // the same bits
  }
  std::vector<std::vector<double>> one;
  for (const auto& row : rows) one.push_back({row[17]});
  const auto alone = score(one, names, 1);
  for (std::size_t set = 0; set < 10; ++set) CHECK(alone[set] == expected[set * 40 + 17]);
}

TEST_CASE("z-scores by hand; a constant gene does not count", "[score]") {
  auto matrix = table_of({{1, 2, 3}, {4, 4, 4}, {2, 0, 1}}, {"A", "B", "C"});
  const auto table = biomarker::zscore_scores(matrix, {{"S", {0, 1, 2}, 3, true}, {"K", {1}, 1, true}}, 1, nullptr);
  CHECK(table.at(0, 0) == Approx((-1 + 1) / std::sqrt(2.0)).margin(1e-15));
  CHECK(table.at(0, 1) == Approx((0 - 1) / std::sqrt(2.0)));
  CHECK(table.at(0, 2) == Approx((1 + 0) / std::sqrt(2.0)));
  CHECK(std::isnan(table.at(1, 0)));
}

TEST_CASE("coverage: thin sets are NA, absent sets an error", "[score]") {
  const auto matrix = table_of({{1}, {2}, {3}}, {"A", "B", "C"});
  const io::GeneSets thin{"s.gmt", {{"full", "", {"A", "B"}}, {"thin", "", {"C", "X", "Y", "Z"}}}, 0};
  const auto matched = biomarker::match_sets(thin, matrix, {.min_genes = 1, .min_coverage = 0.5, .skip_thin = true},
                                             test::context().log);
  CHECK(matched[0].scored);
  CHECK_FALSE(matched[1].scored);
  test::expect_error([&] { (void)biomarker::match_sets(thin, matrix, {.min_genes = 1}, test::context().log); },
                     core::Status::kBadInput, {"s.gmt", "1 of 2 sets", "thin: 1 of 4", "--skip-thin"});
  io::GeneSets absent = thin;
  absent.sets.push_back({"elsewhere", "", {"Q"}});
  test::expect_error([&] { (void)biomarker::match_sets(absent, matrix, {.min_genes = 1}, test::context().log); },
                     core::Status::kBadInput, {"s.gmt", "no gene of 1 of 3 sets", "elsewhere", "--skip-absent"});
  CHECK_FALSE(biomarker::match_sets(absent, matrix, {.min_genes = 1, .skip_absent = true, .skip_thin = true},
                                    test::context().log)[2]
                  .scored);
  test::expect_error([&] { (void)biomarker::match_sets(thin, matrix, {}, test::context().log); },
                     core::Status::kBadInput, {"none of 2 sets", "--min-genes"});
}

TEST_CASE("duplicate genes are merged as asked", "[score]") {
  const auto matrix = table_of({{1, 5}, {2, 2}, {3, 0}, {8, 1}}, {"A", "B", "A", "A"});
  const auto mean = biomarker::merge_duplicates(table_of({{1, 5}, {2, 2}, {3, 0}, {8, 1}}, {"A", "B", "A", "A"}),
                                                biomarker::DuplicateGenes::kMean);
  REQUIRE(mean.rows() == 2);
  CHECK(mean.row(0)[0] == 4);
  CHECK(mean.row(1)[0] == 2);
  CHECK(biomarker::merge_duplicates(table_of({{1, 5}, {3, 0}, {8, 1}}, {"A", "A", "A"}),
                                    biomarker::DuplicateGenes::kMedian)
            .row(0)[0] == 3);
  CHECK(biomarker::merge_duplicates(table_of({{1, 5}, {3, 0}, {8, 1}}, {"A", "A", "A"}),
                                    biomarker::DuplicateGenes::kMaxVariance)
            .row(0)[0] == 8);
}

TEST_CASE("every score agrees with R on Liu", "[real]") {
  const auto expression = test::shared_file("cohorts/Liu.expr.tsv.gz");
  const auto sets = test::shared_file("reference_Liu/sets_used.gmt");
  if (!expression || !sets) return;
  biomarker::ScoreOptions options;
  options.expression = *expression;
  options.sets = *sets;
  options.compat = "gsva";
  const auto reference = [&](const std::string& name) { return sets->parent_path() / name; };
  options.normalize = false;
  CHECK(worst_difference(biomarker::score_samples(options, test::context()), reference("ssgsea_raw.tsv.gz")) <= 1e-9);
  options.normalize = true;
  CHECK(worst_difference(biomarker::score_samples(options, test::context()), reference("ssgsea_norm.tsv.gz")) <= 1e-10);
  options.method = "zscore";
  CHECK(worst_difference(biomarker::score_samples(options, test::context()), reference("zscore.tsv.gz")) <= 1e-10);
  options.method = "plage";
  CHECK(worst_difference(biomarker::score_samples(options, test::context()), reference("plage.tsv.gz"), true) <= 1e-10);
  options.method = "gsva";
  CHECK(worst_difference(biomarker::score_samples(options, test::context()), reference("gsva_gauss_mxdiff.tsv.gz")) <=
        1e-10);
  options.max_difference = false;
  CHECK(worst_difference(biomarker::score_samples(options, test::context()), reference("gsva_gauss_max.tsv.gz")) <=
        1e-10);
  options.max_difference = true;
  options.kernel = "none";
  CHECK(worst_difference(biomarker::score_samples(options, test::context()), reference("gsva_none_mxdiff.tsv.gz")) <=
        1e-10);
  options.method = "singscore";
  biomarker::ScoreExtras extras;
  CHECK(worst_difference(biomarker::score_samples(options, test::context(), &extras),
                         reference("singscore_up_centered.tsv.gz")) <= 1e-10);
  REQUIRE(extras.dispersions.has_value());
  CHECK(worst_difference(*extras.dispersions, reference("singscore_up_dispersion.tsv.gz")) <= 1e-10);
}

TEST_CASE("singscore: up and down sets become one row, as in R on Liu", "[real]") {
  const auto expression = test::shared_file("cohorts/Liu.expr.tsv.gz");
  const auto sets = test::shared_file("reference_Liu/sets_used.gmt");
  const auto expected_path = test::shared_file("reference_Liu/singscore_CD8Teff_up_PanFTBRs_down.tsv");
  if (!expression || !sets || !expected_path) return;
  io::GeneSets gene_sets = io::read_gene_sets(*sets, test::context());
  std::erase_if(gene_sets.sets,
                [](const io::GeneSet& set) { return set.name != "CD_8_T_effector" && set.name != "Pan_F_TBRs"; });
  for (io::GeneSet& set : gene_sets.sets) set.name = set.name == "Pan_F_TBRs" ? "X_DN" : "X_UP";
  const auto matrix = io::read_matrix_table(*expression, test::context());
  const auto rows = biomarker::match_sets(gene_sets, matrix, {1, 0.0, false}, test::context().log);
  const auto table = biomarker::singscore_scores(matrix, rows, true, 1, nullptr);
  REQUIRE(table.scores.sets == std::vector<std::string>{"X"});
  const auto expected = io::read_table(*expected_path, test::context());
  double worst = 0;
  for (std::size_t row = 0; row < expected.rows.size(); ++row) {
    REQUIRE(expected.rows[row][0] == table.scores.samples[row]);
    worst = std::max(worst, std::fabs(*expected.number(row, 1) - table.scores.at(0, row)));
    worst = std::max(worst, std::fabs(*expected.number(row, 2) - table.dispersions.at(0, row)));
  }
  CHECK(worst <= 1e-10);
}

TEST_CASE("the fast kernel is within 1e-12 of the direct sum", "[score]") {
  core::Random random(6);
  stats::GaussianKernelCdf kernel;
  for (int round = 0; round < 30; ++round) {
    std::vector<double> values(49 + random.below(500));
    for (double& v : values) {
      v = round % 3 == 0          ? random.normal()
          : round % 3 == 1        ? std::floor(random.lognormal(1, 1))
          : random.bernoulli(0.9) ? 0
                                  : random.lognormal(0, 3);
    }
    double mean = 0, square = 0;
    for (const double v : values) mean += v / static_cast<double>(values.size());
    for (const double v : values) square += (v - mean) * (v - mean);
    const double bandwidth = std::sqrt(square / static_cast<double>(values.size() - 1)) / 4;
    std::vector<double> fast(values.size()), slow(values.size());
    kernel.evaluate(values, bandwidth, fast);
    stats::GaussianKernelCdf::direct(values, bandwidth, slow);
    double worst = 0;
    for (std::size_t i = 0; i < values.size(); ++i) worst = std::max(worst, std::fabs(fast[i] - slow[i]));
    CHECK(worst <= 1e-12);
  }
}

TEST_CASE("GSVA, PLAGE and singscore by hand", "[score]") {
  // Three genes in three samples; the ECDF ranks each gene over the samples.
  auto matrix = table_of({{1, 2, 3}, {3, 2, 1}, {2, 1, 3}, {4, 4, 4}}, {"A", "B", "C", "D"});
  const std::vector<biomarker::SetRows> sets{{"S", {0}, 1, true}, {"D", {3}, 1, true}};
  const auto gsva = biomarker::gsva_scores(
      matrix, sets, {biomarker::GsvaKernel::kNone, true, biomarker::TieOrder::kGsva}, 1, nullptr);
  // Sample 3: A and C at 1, B at 1/3; A first of three: all of its weight, then two misses.
  CHECK(gsva.at(0, 2) == Approx(1));
  // Sample 1: B at 1, C at 2/3, A last: two misses, then the hit.
  CHECK(gsva.at(0, 0) == Approx(-1));
  CHECK(std::isnan(gsva.at(1, 0)));  // a constant gene is no gene
  auto pair = table_of({{1, 2, 3}, {2, 4, 6}}, {"A", "B"});
  const auto plage = biomarker::plage_scores(pair, {{"S", {0, 1}, 2, true}}, 1, nullptr);
  CHECK(plage.at(0, 0) == Approx(-std::sqrt(0.5)));
  CHECK(plage.at(0, 1) == Approx(0).margin(1e-15));
  const auto five = table_of({{1}, {2}, {3}, {4}, {5}}, {"A", "B", "C", "D", "E"});
  const auto known = biomarker::singscore_scores(five, {{"top", {3, 4}, 2, true}}, true, 1, nullptr);
  CHECK(known.scores.at(0, 0) == Approx(0.5));
  // Unknown direction: ranks 1 … 5 from the middle are 2 1 0 1 2; the extremes score highest.
  const auto unknown = biomarker::singscore_scores(five, {{"ends", {0, 4}, 2, true}}, false, 1, nullptr);
  CHECK(unknown.scores.at(0, 0) == Approx((2 - 1.0) / (3 - 1)));
}

TEST_CASE("the kernel CDF is the direct sum, at its points and at others, near and far", "[score]") {
  core::Random random(31);
  for (const std::size_t size : {std::size_t{20}, std::size_t{60}, std::size_t{1000}}) {
    std::vector<double> sources(size), targets{-1e6, -30, 30, 1e6, 0};
    for (double& v : sources) v = random.bernoulli(0.2) ? 0 : random.normal();
    for (int i = 0; i < 200; ++i) targets.push_back(2 * random.normal());
    targets.insert(targets.end(), sources.begin(), sources.end());
    std::vector<double> fast(targets.size()), direct(targets.size()), own(size);
    stats::GaussianKernelCdf kernel;
    kernel.evaluate(sources, 0.25, targets, fast);
    stats::GaussianKernelCdf::direct(sources, 0.25, targets, direct);
    double worst = 0;
    for (std::size_t i = 0; i < targets.size(); ++i) worst = std::max(worst, std::fabs(fast[i] - direct[i]));
    CHECK(worst <= 1e-12);
    CHECK(fast[0] == 0);
    CHECK(fast[3] == 1);
    // A target's value does not depend on the others.
    kernel.evaluate(sources, 0.25, own);
    CHECK(std::equal(own.begin(), own.end(), fast.end() - static_cast<std::ptrdiff_t>(size)));
  }
}
