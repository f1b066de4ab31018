#include "stats/moderated_t.h"

#include <catch2/catch.hpp>
#include <map>

#include "io/matrix_table.h"
#include "reference_data.h"

using namespace immucan;

namespace {

/// R against NR, gene by gene, as in the reference tables.
struct Genes {
  std::vector<std::string> names;
  std::vector<double> effect, error, variance, df, mean;
};

Genes liu(const io::Table& clinical, const io::Table& matrix) {
  Genes genes;
  std::map<std::string, std::string> response;
  const std::size_t sample = clinical.require("sample"), column = clinical.require("response");
  for (const auto& row : clinical.rows) response[row[sample]] = row[column];
  for (const auto& row : matrix.rows) {
    double sum[2] = {0, 0}, count[2] = {0, 0}, square = 0;
    for (int pass = 0; pass < 2; ++pass) {
      for (std::size_t j = 1; j < row.size(); ++j) {
        const std::string& group = response[matrix.header[j]];
        if (group != "R" && group != "NR") continue;
        const int g = group == "R" ? 1 : 0;
        const double value = core::parse_double(row[j]).value();
        if (pass == 0) {
          sum[g] += value;
          count[g] += 1;
        } else {
          square += (value - sum[g] / count[g]) * (value - sum[g] / count[g]);
        }
      }
    }
    genes.names.push_back(row[0]);
    genes.effect.push_back(sum[1] / count[1] - sum[0] / count[0]);
    genes.error.push_back(std::sqrt(1 / count[0] + 1 / count[1]));
    genes.df.push_back(count[0] + count[1] - 2);
    genes.variance.push_back(square / genes.df.back());
    genes.mean.push_back((sum[0] + sum[1]) / (count[0] + count[1]));
  }
  return genes;
}

}  // namespace

TEST_CASE("moderated t, p, B, prior degrees of freedom and variance against limma", "[limma]") {
  const auto clinical = test::reference("cohorts/Liu.clinical.tsv");
  const auto matrix = test::reference("cohorts/Liu.expr.tsv.gz");
  if (!clinical || !matrix) return;
  const Genes genes = liu(*clinical, *matrix);
  for (const bool trend : {false, true}) {
    for (const bool robust : {false, true}) {
      const auto reference = test::reference("reference_Liu/limma_trend" + std::to_string(static_cast<int>(trend)) +
                                             "_robust" + std::to_string(static_cast<int>(robust)) + ".tsv.gz");
      if (!reference) return;
      std::map<std::string, std::size_t> at;
      for (std::size_t i = 0; i < reference->rows.size(); ++i) at[reference->rows[i][0]] = i;
      const auto fit =
          stats::moderated_t(genes.effect, genes.error, genes.variance, genes.df, genes.mean, {trend, robust});
      std::map<std::string, double> worst;
      for (std::size_t i = 0; i < genes.names.size(); ++i) {
        const auto compare = [&](const std::string& column, double value) {
          const double expected = test::number(*reference, at.at(genes.names[i]), column);
          worst[column] = std::max(worst[column], std::fabs(value - expected) / std::fabs(expected));
        };
        compare("logFC", genes.effect[i]);
        compare("AveExpr", genes.mean[i]);
        compare("t", fit.t[i]);
        compare("P.Value", fit.p[i]);
        compare("B", fit.log_odds[i]);
        compare("s2.prior", fit.prior_variance[i]);
        compare("df.prior", fit.prior_df[i]);
      }
      for (const auto& [column, difference] : worst) {
        INFO("trend " << trend << " robust " << robust << " " << column << " " << difference);
        CHECK(difference <= 1e-8);
      }
    }
  }
}
