#include "cytof/compensation.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>

#include "core/error.h"
#include "core/random.h"
#include "cytof_helpers.h"
#include "io/tsv.h"

namespace {

using namespace immucan;
using cytof::CompensationMethod;

/// Largest violation of x ≥ 0, gradient ≥ 0, x · gradient = 0, relative to the largest intensity.
double kkt_residual(const cytof::PanelSpillover& s, std::span<const double> y, std::span<const double> x) {
  const std::size_t n = s.size();
  std::vector<double> residual(n);
  double scale = 1, worst = 0;
  for (std::size_t j = 0; j < n; ++j) {
    residual[j] = -y[j];
    scale = std::max(scale, std::abs(y[j]));
    for (std::size_t i = 0; i < n; ++i) residual[j] += x[i] * s.values[i * n + j];
  }
  for (std::size_t i = 0; i < n; ++i) {
    double gradient = 0;
    for (std::size_t j = 0; j < n; ++j) gradient += s.values[i * n + j] * residual[j];
    worst = std::max({worst, -x[i], x[i] > 0 ? std::abs(gradient) : -gradient});
  }
  return worst / scale;
}

TEST_CASE("compensation against CATALYST on single-stained beads") {
  const auto folder = test::cytof_data() / "comp";
  if (test::skipped(folder)) return;
  core::RunContext context("test", "0", "test");
  const auto measured = test::read_matrix(folder / "ss_exp.fcs");
  const auto spillover = cytof::adapt_spillover(cytof::read_spillover(folder / "ss_exp.catalyst_spillmat.tsv", context),
                                                cytof::Panel(measured.parameters));
  const io::Table adapted = io::read_table(folder / "ss_exp.catalyst_adapted_spillmat.tsv", context);
  REQUIRE(spillover.size() == adapted.rows.size());
  double worst_entry = 0;
  for (std::size_t i = 0; i < spillover.size(); ++i) {
    for (std::size_t j = 0; j < spillover.size(); ++j) {
      worst_entry = std::max(worst_entry,
                             std::abs(spillover.values[i * spillover.size() + j] - adapted.number(i, j + 1).value()));
    }
  }
  CHECK(worst_entry < 1e-9);
  for (const auto& [method, name] : {std::pair{CompensationMethod::kNnls, "ss_exp.nnls_comp.fcs"},
                                     std::pair{CompensationMethod::kFlow, "ss_exp.flow_comp.fcs"}}) {
    const auto expected = test::read_matrix(folder / name);
    cytof::Compensator compensator(spillover, method, "matrix");
    double worst = 0, worst_kkt = 0;
    for (std::size_t row = 0; row < measured.rows(); ++row) {
      const std::span<const double> y(measured.values.data() + row * measured.columns, measured.columns);
      std::vector<double> x(y.begin(), y.end());
      compensator.solve(x);
      for (std::size_t c = 0; c < x.size(); ++c) worst = std::max(worst, std::abs(x[c] - expected.at(row, c)));
      if (method == CompensationMethod::kNnls) worst_kkt = std::max(worst_kkt, kkt_residual(spillover, y, x));
    }
    CAPTURE(name, worst, worst_kkt);
    CHECK(worst < 1e-6);
    CHECK(worst_kkt < 1e-8);
  }
}

TEST_CASE("non-negative least squares meets its optimality conditions for strong random spillover") {
  core::Random random(4);
  for (int round = 0; round < 50; ++round) {
    cytof::PanelSpillover s;
    const std::size_t n = 2 + random.below(12);
    for (std::size_t i = 0; i < n * n; ++i) s.values.push_back(random.bernoulli(0.5) ? 0.4 * random.uniform() : 0);
    for (std::size_t i = 0; i < n; ++i) {
      s.columns.push_back(i);
      s.values[i * n + i] = 1;
    }
    cytof::Compensator compensator(s, CompensationMethod::kNnls, "matrix");
    std::vector<double> y;
    for (std::size_t i = 0; i < n; ++i) y.push_back(100 * random.normal());
    std::vector<double> x = y;
    compensator.solve(x);
    CHECK(kkt_residual(s, y, x) < 1e-8);
  }
}

TEST_CASE("two channels that are almost one are solved exactly, and those that are one are refused") {
  const cytof::PanelSpillover close{{0, 1}, {1, 0.9999, 0.9999, 1}, {}};
  cytof::Compensator compensator(close, CompensationMethod::kNnls, "m.tsv");
  // Measured from 300 and 200: given back; and a measurement that only a negative signal would explain.
  std::vector<double> inside{300 + 0.9999 * 200, 0.9999 * 300 + 200}, outside{100, 0};
  compensator.solve(inside);
  CHECK(inside[0] == Approx(300).epsilon(1e-6));
  CHECK(inside[1] == Approx(200).epsilon(1e-6));
  compensator.solve(outside);
  CHECK(outside[0] == Approx(100 / (1 + 0.9999 * 0.9999)));
  CHECK(outside[1] == 0);
  const cytof::PanelSpillover same{{0, 1}, {1, 1, 1, 1}, {}};
  CHECK_THROWS_WITH(cytof::Compensator(same, CompensationMethod::kNnls, "m.tsv"),
                    Catch::Contains("cannot be told apart"));
}

TEST_CASE("no solution is above the bound that $PnR is written from") {
  core::Random random(3, 0);
  constexpr std::size_t n = 6;
  cytof::PanelSpillover spillover{{0, 1, 2, 3, 4, 5}, std::vector<double>(n * n), {}};
  for (std::size_t i = 0; i < n * n; ++i) spillover.values[i] = i % (n + 1) == 0 ? 1 : 0.2 * random.uniform();
  for (const auto method : {CompensationMethod::kNnls, CompensationMethod::kFlow}) {
    cytof::Compensator compensator(spillover, method, "m.tsv");
    std::vector<double> lowest(n, 1e9), highest(n, -1e9), most(n, -1e9);
    for (int event = 0; event < 500; ++event) {
      std::vector<double> values(n);
      for (std::size_t c = 0; c < n; ++c) {
        values[c] = 1000 * random.uniform() - 50;
        lowest[c] = std::min(lowest[c], values[c]);
        highest[c] = std::max(highest[c], values[c]);
      }
      compensator.solve(values);
      for (std::size_t c = 0; c < n; ++c) most[c] = std::max(most[c], values[c]);
    }
    const auto bounds = compensator.upper_bounds(lowest, highest);
    for (std::size_t c = 0; c < n; ++c) CHECK(most[c] <= bounds[c]);
  }
}

TEST_CASE("a panel that the matrix does not know completely is adapted") {
  const std::vector<io::FcsParameter> parameters = {{.name = "Time"},    {.name = "La139Di"}, {.name = "Pr141Di"},
                                                    {.name = "Gd155Di"}, {.name = "Er155Di"}, {.name = "Ir191Di"}};
  const cytof::SpilloverMatrix matrix{{"La139", "Pr141"}, {"La139", "Pr141", "Gd155"}, {1, 0.1, 0.02, 0.05, 1, 0.03}};
  const auto adapted = cytof::adapt_spillover(matrix, cytof::Panel(parameters));
  REQUIRE(adapted.columns == std::vector<std::size_t>{1, 2, 3, 4, 5});
  const std::vector<double> expected{1, 0.1, 0.02, 0.02, 0, 0.05, 1, 0.03, 0.03, 0, 0, 0, 1,
                                     0, 0,   0,    0,    0, 1,    0, 0,    0,    0, 0, 1};
  CHECK(adapted.values == expected);
  CHECK(adapted.not_estimated == std::vector<std::string>{"Gd155Di", "Er155Di", "Ir191Di"});
}

TEST_CASE("spillover matrices: mistakes are named") {
  const auto path = std::filesystem::temp_directory_path() / fmt::format("immucan-spill-{}.tsv", ::getpid());
  core::RunContext context("test", "0", "test");
  const auto message = [&](const std::string& text) -> std::string {
    std::ofstream(path, std::ios::binary) << text;
    try {
      (void)cytof::read_spillover(path, context);
    } catch (const core::Error& error) {
      CHECK(error.status() == core::Status::kBadInput);
      return error.what();
    }
    return "no error";
  };
  const std::string header = "channel\tLa139Di\tPr141Di\n";
  CHECK(message(header + "La139Di\t1\t0.1\n") == "no error");
  CHECK_THAT(message(header + "La139Di\t1\t1.5\n"),
             Catch::Contains(":2") && Catch::Contains("'1.5' is not from 0 to 1"));
  CHECK_THAT(message(header + "La139Di\t1\t-0.1\n"), Catch::Contains("not from 0 to 1"));
  CHECK_THAT(message(header + "La139Di\t1\tNA\n"), Catch::Contains("not from 0 to 1"));
  CHECK_THAT(message(header + "La139Di\t0.9\t0\n"), Catch::Contains("the diagonal is 0.9"));
  CHECK_THAT(message(header + "Gd155Di\t0\t0\n"), Catch::Contains("no column of its own"));
  CHECK_THAT(message(header + "La139Di\t1\t0\n139La\t1\t0\n"), Catch::Contains("given twice"));
  CHECK_THAT(message(header + "CD45\t1\t0\n"), Catch::Contains("names no isotope"));
  CHECK_THAT(message(header), Catch::Contains("no rows"));
  std::filesystem::remove(path);

  cytof::PanelSpillover singular{{0, 1}, {1, 1, 1, 1}, {}};
  CHECK_THROWS_WITH(cytof::Compensator(singular, CompensationMethod::kFlow, "m.tsv"),
                    Catch::Contains("cannot be inverted"));
}

}  // namespace
