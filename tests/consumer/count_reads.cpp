// Counts reads and bases of a FASTQ file: what a stranger writes on the first day.
#include <cstdio>
#include <vector>

#include "core/error.h"
#include "io/fastq.h"
#include "stats/multiple_testing.h"

int main(int argc, char** argv) try {
  using namespace immucan;
  if (argc != 2) return static_cast<int>(core::Status::kUsage);
  core::RunContext context("count_reads", "1", "count");
  io::FastqBatchReader reader({{.files = {argv[1]}}}, {}, context);
  unsigned long long reads = 0, bases = 0;
  for (io::FastqBatch batch; reader.next(batch);) {
    io::parse(batch);
    reads += batch.size();
    for (std::size_t i = 0; i < batch.size(); ++i) bases += batch.mates[0].sequence(i).size();
  }
  const std::vector<double> p{0.01, 0.04};
  if (stats::benjamini_hochberg(p)[0] != 0.02) return 1;
  std::printf("%llu reads, %llu bases\n", reads, bases);
  return 0;
} catch (const immucan::core::Error& error) {
  std::fprintf(stderr, "count_reads: error: %s\n", error.what());
  return static_cast<int>(error.status());
}
