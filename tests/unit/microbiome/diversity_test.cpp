// Diversity against scikit-bio's numbers on real genus counts of 102 patients.
#include "microbiome/diversity.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <map>

#include "io/tsv.h"

using namespace immucan;
using namespace immucan::microbiome;
namespace fs = std::filesystem;

namespace {

using Rows = std::map<std::string, std::vector<double>>;

/// First column the name, the others numbers. An unnamed first column of a header is named.
Rows read_rows(const fs::path& path, core::RunContext& run, std::vector<std::string>* header = nullptr) {
  std::string text = io::read_all(*io::open_source(path, run));
  if (text.starts_with('\t')) text.insert(0, "sample");
  io::TsvReader table(io::open_memory(text, path.string()));
  if (header != nullptr) *header = table.header();
  Rows rows;
  while (table.next()) {
    auto& row = rows[std::string(table.field(0))];
    for (std::size_t i = 1; i < table.fields().size(); ++i) row.push_back(table.number(i).value_or(std::nan("")));
  }
  return rows;
}

}  // namespace

TEST_CASE("indices by hand") {
  const std::vector<double> even{5, 5, 0, 5, 5}, one{0, 7}, none{0, 0};
  CHECK(shannon(even) == Approx(std::log(4)));
  CHECK(simpson(even) == Approx(0.75));
  CHECK(pielou_evenness(even) == Approx(1));
  CHECK(observed_taxa(even) == 4);
  CHECK(shannon(one) == 0);
  CHECK(std::isnan(pielou_evenness(one)));
  CHECK(shannon(none) == 0);
  CHECK(simpson(none) == 0);
  CHECK(chao1(std::vector<double>{1, 1, 1, 2, 9, 0}) == Approx(5 + 3.0 * 2 / (2 * 2)));
  CHECK(bray_curtis(std::vector<double>{1, 2, 0}, std::vector<double>{0, 2, 3}) == Approx(0.5));
  CHECK(jaccard(std::vector<double>{1, 2, 0}, std::vector<double>{0, 2, 3}) == Approx(2.0 / 3));
  CHECK(bray_curtis(none, none) == 0);
  CHECK(jaccard(none, none) == 0);
}

TEST_CASE("centred log-ratios: those present sum to 0, those absent lie below their limit") {
  const std::vector<double> values{0.5, 0.4, 0.1, 0}, limits{0.01, 0.01, 0.01, 0.02};
  const auto ratios = centred_log_ratios(values, limits);
  CHECK(ratios[0] + ratios[1] + ratios[2] == Approx(0).margin(1e-12));
  CHECK(ratios[0] - ratios[2] == Approx(std::log(5)));
  CHECK(ratios[3] - ratios[2] == Approx(std::log(0.65 * 0.02 / 0.1)));
  CHECK(std::isnan(centred_log_ratios(std::vector<double>{0, 0}, std::vector<double>{1, 1})[0]));
}

TEST_CASE("scikit-bio's numbers of a cohort") {
  const fs::path data = fs::path(IMMUCAN_SHARED_DATA) / "microbiome/cancer_tables/KIM_ADENOMAS_2020";
  if (!fs::exists(data)) {
    std::cout << "SKIPPED: shared data microbiome/cancer_tables not there\n";
    return;
  }
  core::RunContext run("test", "0.0.0", "test");
  const Rows counts = read_rows(data / "genera.counts.tsv.gz", run);
  const Rows alpha = read_rows(data / "skbio_alpha.tsv", run);  // shannon simpson chao1 observed_features pielou_e
  REQUIRE(alpha.size() > 100);
  for (const auto& [sample, expected] : alpha) {
    INFO(sample);
    const auto& row = counts.at(sample);
    CHECK(shannon(row) == Approx(expected[0]).epsilon(1e-12));
    CHECK(simpson(row) == Approx(expected[1]).epsilon(1e-12));
    CHECK(chao1(row) == Approx(expected[2]).epsilon(1e-12));
    CHECK(static_cast<double>(observed_taxa(row)) == expected[3]);
    CHECK(pielou_evenness(row) == Approx(expected[4]).epsilon(1e-12));
  }
  for (const auto& [file, distance] :
       {std::pair{"skbio_braycurtis_first20.tsv", &bray_curtis}, std::pair{"skbio_jaccard_first20.tsv", &jaccard}}) {
    std::vector<std::string> names;
    const Rows expected = read_rows(data / file, run, &names);
    REQUIRE(expected.size() == 20);
    for (const auto& [sample, distances] : expected)
      for (std::size_t i = 0; i < distances.size(); ++i)
        CHECK(distance(counts.at(sample), counts.at(names[i + 1])) ==
              Approx(distances[i]).epsilon(1e-12).margin(1e-12));
  }
}
