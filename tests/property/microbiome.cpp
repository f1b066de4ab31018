// Reports and profiles of any shape: written and read back; reads divided and none lost.
#include <rapidcheck.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

#include "core/random.h"
#include "microbiome/apportion.h"
#include "microbiome/bracken.h"
#include "microbiome/kraken_report.h"

using namespace immucan;

namespace {

/// A random tree in preorder with random direct reads.
std::vector<microbiome::ReportRow> any_rows(std::uint64_t seed, std::size_t nodes) {
  core::Random random(seed);
  static constexpr std::string_view kCodes = "RDPCOFGS";
  std::vector<microbiome::ReportRow> rows;
  std::vector<std::size_t> path;
  for (std::size_t i = 0; i < nodes; ++i) {
    const std::size_t depth = i == 0 ? 0 : 1 + random.below(std::min<std::uint64_t>(path.size(), 7));
    path.resize(depth);
    microbiome::ReportRow row;
    row.direct = random.bernoulli(0.3) ? 0 : random.below(1000);
    row.depth = static_cast<unsigned>(depth);
    row.code = kCodes[depth];
    row.taxid = i + 1;
    row.name = "taxon " + std::to_string(random.below(1000000));
    row.kmers = random.below(1000000);
    row.distinct_kmers = random.below(row.kmers + 1);
    row.clade = row.direct;
    for (const std::size_t above : path) rows[above].clade += row.direct;
    path.push_back(i);
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string written(const std::vector<microbiome::ReportRow>& rows, bool kmer_columns) {
  return microbiome::write_kraken_report(rows, rows[0].clade, kmer_columns);
}

}  // namespace

TEST_CASE("a report is read back as it was written") {
  rc::check([](std::uint64_t seed, bool kmer_columns) {
    const auto rows = any_rows(seed, 1 + seed % 200);
    const std::string text = written(rows, kmer_columns);
    const auto report = microbiome::read_kraken_report(io::open_memory(text));
    RC_ASSERT(report.rows.size() == rows.size());
    RC_ASSERT(report.kmer_columns == kmer_columns);
    RC_ASSERT(written(report.rows, kmer_columns) == text);
  });
}

TEST_CASE("redistribution loses no read, whatever the distribution") {
  rc::check([](std::uint64_t seed) {
    const auto report = microbiome::read_kraken_report(io::open_memory(written(any_rows(seed, 2 + seed % 150), false)));
    core::Random random(seed, 1);
    microbiome::KmerDistribution distribution;
    for (const auto& row : report.rows)
      for (int i = 0; i < 4; ++i)
        distribution[row.taxid].emplace_back(1 + random.below(report.rows.size()), random.uniform());
    const std::string level = report.rows[random.below(report.rows.size())].code;
    const bool any =
        std::ranges::any_of(report.rows, [&](const auto& row) { return row.code == level && row.clade > 0; });
    if (!any) return;
    const auto result = microbiome::redistribute_reads(report, distribution, {level, 1}, "r");
    std::uint64_t reads = 0, direct = 0;
    for (const auto& row : result.rows) reads += row.assigned + row.added;
    for (const auto& row : result.report) direct += row.direct;
    RC_ASSERT(reads == result.kept + result.distributed);
    RC_ASSERT(direct == report.total());
  });
}

TEST_CASE("parts of a total: whole, all given, every run of neighbours within one of its share") {
  rc::check([](std::uint64_t seed, std::uint32_t total) {
    core::Random random(seed);
    std::vector<double> shares(1 + random.below(50));
    for (double& share : shares) share = random.bernoulli(0.2) ? 0 : random.lognormal(0, 3);
    shares[0] += 1e-3;
    const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
    const auto parts = microbiome::apportion_in_order(total, shares);
    RC_ASSERT(std::accumulate(parts.begin(), parts.end(), std::uint64_t{0}) == total);
    for (std::size_t begin = 0; begin < parts.size(); ++begin) {
      double exact = 0;
      std::uint64_t given = 0;
      for (std::size_t end = begin; end < parts.size(); ++end) {
        exact += total * shares[end] / sum;
        given += parts[end];
        RC_ASSERT(std::abs(static_cast<double>(given) - exact) <= 1 + 1e-6 * exact);
      }
    }
  });
}
