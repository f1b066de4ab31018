// The first byte chooses: a report, a report redistributed, or a distribution of k-mers. What is read must add up, be
// written back as it was read, and lose no read.
#include "microbiome/kraken_report.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/error.h"
#include "microbiome/bracken.h"

using namespace immucan;

namespace {

constexpr std::string_view kDistribution =
    "mapped_taxid\tgenome_taxids:kmers_mapped:total_genome_kmers\n"
    "100\t100:600:1000 1000:100:1000\n1000\t1000:500:1000\n101\t101:800:1000\n"
    "1\t100:1:1000\n10\t100:400:1000 1000:400:1000 101:200:1000 999:500:1000\n";
constexpr std::string_view kReport =
    "10\t10\t10\tU\t0\tunclassified\n90\t90\t5\tR\t1\troot\n85\t85\t15\tG\t10\t  Genus\n"
    "40\t40\t30\tS\t100\t    a\n10\t10\t10\tS1\t1000\t      s\n30\t30\t30\tS\t101\t    b\n";

void check(const microbiome::KrakenReport& report) {
  if (report.rows.size() != report.parents.size()) std::abort();
  for (std::size_t i = 1; i < report.rows.size(); ++i)
    if (report.parents[i] >= i || report.rows[report.parents[i]].depth + 1 != report.rows[i].depth) std::abort();
  const std::string text = microbiome::write_kraken_report(report.rows, report.total(), report.kmer_columns);
  if (report.rows.empty()) return;
  const auto again = microbiome::read_kraken_report(io::open_memory(text));
  if (microbiome::write_kraken_report(again.rows, report.total(), again.kmer_columns) != text) std::abort();
}

void redistribute(const microbiome::KrakenReport& report, const microbiome::KmerDistribution& distribution) {
  const auto result = microbiome::redistribute_reads(report, distribution, {"S", 3}, "report");
  std::uint64_t reads = 0, direct = 0;
  for (const auto& row : result.rows) reads += row.assigned + row.added;
  for (const auto& row : result.report) direct += row.direct;
  if (reads != result.kept + result.distributed || direct != report.total()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    switch (data[0] % 3) {
      case 0:
        check(microbiome::read_kraken_report(io::open_memory(text)));
        break;
      case 1:
        redistribute(microbiome::read_kraken_report(io::open_memory(text)),
                     microbiome::read_kmer_distribution(io::open_memory(kDistribution)));
        break;
      default:
        redistribute(microbiome::read_kraken_report(io::open_memory(kReport)),
                     microbiome::read_kmer_distribution(io::open_memory(text)));
        break;
    }
  } catch (const core::Error& error) {
    if (error.status() != core::Status::kBadInput) std::abort();
  }
  return 0;
}
