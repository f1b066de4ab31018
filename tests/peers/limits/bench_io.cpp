// CPU seconds of reading one FASTQ file through the library, for comparison with `igzip -d` on the same file:
//   bench_io read|read-unhashed|parse|parse-views FILE [THREADS]
// "read" takes the bytes as the FASTQ reader does, "parse" cuts and checks every record as well, "parse-views" also
// looks at the first and last letter of every sequence and quality. One mode per process, so that nothing is warm but
// the page cache.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "io/fastq.h"

namespace {

using namespace immucan;

double cpu_seconds(double& system) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  system = seconds(usage.ru_stime);
  return seconds(usage.ru_utime);
}

std::uint64_t drain(io::ByteSource& source) {
  std::vector<char> buffer(std::size_t{1} << 20);
  std::uint64_t bytes = 0;
  while (const std::size_t count = source.read(buffer)) bytes += count;
  return bytes;
}

struct Totals {
  std::uint64_t records = 0, bytes = 0, sum = 0;
};

Totals parse_all(const std::string& path, unsigned threads, bool views, core::RunContext& context) {
  io::FastqBatchReader reader({{{path}}}, {}, context);
  struct Work {
    io::FastqBatch reads;
    Totals totals;
  };
  Totals totals;
  core::ordered_batches<Work>(
      {.threads = threads, .interrupt = &context.interrupt, .background = reader.background()},
      [&](Work& work) { return reader.next(work.reads); },
      [views](Work& work) {
        io::parse(work.reads);
        work.totals = {};
        const io::FastqBlock& block = work.reads.mates[0];
        work.totals.records = block.size();
        if (!views) return;
        for (std::size_t i = 0; i < block.size(); ++i) {
          const std::string_view sequence = block.sequence(i), quality = block.quality(i);
          work.totals.bytes += block.title(i).size() + sequence.size() + quality.size();
          if (!sequence.empty()) {
            work.totals.sum +=
                static_cast<unsigned char>(sequence.front()) + static_cast<unsigned char>(quality.back());
          }
        }
      },
      [&](Work& work) {
        totals.records += work.totals.records;
        totals.bytes += work.totals.bytes;
        totals.sum += work.totals.sum;
      });
  return totals;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: bench_io read|read-unhashed|parse|parse-views FILE [THREADS]\n");
    return 64;
  }
  const std::string_view mode(argv[1]);
  const std::string path(argv[2]);
  try {
    core::RunContext context("bench_io", "0", std::string(mode));
    context.threads = argc > 3 ? static_cast<unsigned>(std::strtoul(argv[3], nullptr, 10)) : 1;
    std::string stored;
    if (mode == "read-unhashed") {
      std::ifstream file(path, std::ios::binary);
      stored.resize(std::filesystem::file_size(path));
      file.read(stored.data(), static_cast<std::streamsize>(stored.size()));
    }
    double system_before = 0, system_after = 0;
    const double before = cpu_seconds(system_before);
    const auto start = std::chrono::steady_clock::now();
    Totals totals;
    if (mode == "read") {
      totals.bytes = drain(*io::open_source(path, context));
    } else if (mode == "read-unhashed") {
      totals.bytes = drain(*io::open_memory(stored, path));
    } else {
      totals = parse_all(path, context.threads, mode == "parse-views", context);
    }
    const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const double user = cpu_seconds(system_after) - before;
    std::printf("%s\tuser %.3f\tsystem %.3f\twall %.3f\trecords %llu\tbytes %llu\tsum %llu\n", argv[1], user,
                system_after - system_before, wall, static_cast<unsigned long long>(totals.records),
                static_cast<unsigned long long>(totals.bytes), static_cast<unsigned long long>(totals.sum));
  } catch (const core::Error& error) {
    std::fprintf(stderr, "bench_io: %s\n", error.what());
    return static_cast<int>(error.status());
  }
  return 0;
}
