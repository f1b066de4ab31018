// CPU seconds (user and system) of writing and reading a matrix of counts in our containers:
//   bench_containers DIR [MILLIONS=20] [THREADS=1] [RUNS=3] [h5ad|tenx|mtx]
// Cells × genes, sorted; a gene's share of the counts falls as 1/rank, values are geometric: the spread of index gaps
// and values that makes single-cell counts compress as they do. "raw" is 8 bytes per stored value and 8 per row. "no
// hash" leaves out the SHA-256 that every input gets. The least of the runs is printed, of several quantities in turn.
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/output.h"
#include "core/random.h"
#include "io/anndata.h"
#include "io/matrix_market.h"
#include "io/tenx.h"

namespace {

using namespace immucan;

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

constexpr std::uint64_t kGenes = 20000;
constexpr std::size_t kPerCell = 2000;

io::CsrMatrix counts(std::size_t stored) {
  core::Random random(1);
  io::CsrMatrix matrix;
  matrix.columns = kGenes;
  matrix.rows = std::max<std::size_t>(1, stored / kPerCell);
  // Rank → gene in a fixed scrambled order; probability of being seen falls with the rank.
  std::vector<double> seen(kGenes);
  for (std::size_t rank = 0; rank < kGenes; ++rank) {
    seen[rank * 7919 % kGenes] = std::min(0.95, 600.0 / static_cast<double>(rank + 300));
  }
  double expected = 0;
  for (const double p : seen) expected += p;
  for (double& p : seen) p = std::min(0.99, p * static_cast<double>(kPerCell) / expected);
  for (std::uint64_t row = 0; row < matrix.rows; ++row) {
    for (std::size_t gene = 0; gene < kGenes; ++gene) {
      if (!random.bernoulli(seen[gene])) continue;
      float value = 1;
      while (value < 1000 && random.bernoulli(0.2 + 0.6 * seen[gene])) ++value;
      matrix.column.push_back(static_cast<std::int32_t>(gene));
      matrix.value.push_back(value);
    }
    matrix.row_start.push_back(static_cast<std::int64_t>(matrix.column.size()));
  }
  return matrix;
}

std::string file_bytes(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Bench {
  std::filesystem::path folder;
  unsigned threads;
  int runs;
  io::AnnData data;
  io::TenxMatrix tenx;
  core::RunContext context{"bench_containers", "0", "bench"};

  [[nodiscard]] const io::CsrMatrix& matrix() const { return *data.x; }
  [[nodiscard]] double raw_megabytes() const {
    return 1e-6 * 8 * static_cast<double>(matrix().stored() + matrix().rows);
  }

  void require(const io::CsrMatrix& other) const {
    if (other.row_start != matrix().row_start || other.column != matrix().column || other.value != matrix().value) {
      std::fprintf(stderr, "bench_containers: a matrix came back changed\n");
      std::exit(1);
    }
  }

  void print(const char* what, double amount, const char* unit, const std::function<void()>& work) const {
    double least = std::numeric_limits<double>::max();
    for (int run = 0; run < runs; ++run) {
      const double before = cpu_seconds();
      work();
      least = std::min(least, cpu_seconds() - before);
    }
    std::printf("%s\t%.3f s\t%.1f %s per CPU second\n", what, least, amount / least, unit);
    std::fflush(stdout);
  }

  void h5ad() {
    const auto path = folder / "counts.h5ad";
    print("h5ad write", raw_megabytes(), "MB", [&] { io::write_anndata(path, data, threads); });
    io::AnnData back;
    print("h5ad read", raw_megabytes(), "MB", [&] { back = io::read_anndata(path, context); });
    require(*back.x);
    const std::string image = file_bytes(path);
    const io::Hdf5Reader in(image, "image");
    print("h5ad read, no hash", raw_megabytes(), "MB", [&] { back = io::read_anndata(in); });
    require(*back.x);
    std::printf("h5ad size\t%.1f MB of %.1f MB\n", 1e-6 * static_cast<double>(image.size()), raw_megabytes());
  }

  void tenx_h5() {
    const auto path = folder / "counts.h5";
    print("10x .h5 write", raw_megabytes(), "MB", [&] { io::write_tenx_h5(path, tenx, "g", "any", threads); });
    io::TenxMatrix back;
    print("10x .h5 read", raw_megabytes(), "MB", [&] { back = io::read_tenx_h5(path, context); });
    require(back.counts);
  }

  void matrix_market() {
    const double millions = 1e-6 * static_cast<double>(matrix().stored());
    for (const bool integers : {true, false}) {
      const std::string kind = integers ? "Matrix Market integer" : "Matrix Market real";
      std::string text;
      const io::MatrixMarketOptions options{.transposed = true, .integers = integers, .threads = threads};
      print((kind + " format").c_str(), millions, "M", [&] {
        text.clear();
        io::format_matrix_market(matrix(), options, [&](std::string_view part) { text.append(part); });
      });
      print((kind + " write .gz").c_str(), millions, "M", [&] {
        core::OutputFile out(folder / "m.mtx.gz");
        io::write_matrix_market_gz(out, matrix(), options);
        out.commit();
      });
      io::CsrMatrix back;
      print((kind + " parse").c_str(), millions, "M",
            [&] { back = io::read_matrix_market(io::open_memory(text, "text")); });
      require(io::transpose(back));
      print((kind + " read .gz").c_str(), millions, "M",
            [&] { back = io::read_matrix_market(io::open_source(folder / "m.mtx.gz", context)); });
      require(io::transpose(back));
    }
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench_containers DIR [MILLIONS] [THREADS] [RUNS] [h5ad|tenx|mtx]\n");
    return 64;
  }
  const auto number = [&](int at, unsigned long otherwise) {
    return argc > at ? std::strtoul(argv[at], nullptr, 10) : otherwise;
  };
  try {
    Bench bench;
    bench.folder = argv[1];
    bench.threads = static_cast<unsigned>(number(3, 1));
    bench.context.threads = bench.threads;
    bench.runs = static_cast<int>(number(4, 3));
    bench.data.x = counts(number(2, 20) * 1000000);
    for (std::uint64_t i = 0; i < bench.matrix().rows; ++i) bench.data.obs.index.push_back("c" + std::to_string(i));
    for (std::uint64_t i = 0; i < kGenes; ++i) bench.data.var.index.push_back("g" + std::to_string(i));
    bench.tenx.barcodes = bench.data.obs.index;
    for (const std::string& gene : bench.data.var.index) bench.tenx.features.push_back({gene, gene});
    bench.tenx.counts = bench.matrix();
    std::printf("stored values\t%.1f M, %u threads\n", 1e-6 * static_cast<double>(bench.matrix().stored()),
                bench.threads);
    const std::string only = argc > 5 ? argv[5] : "";
    if (only.empty() || only == "h5ad") bench.h5ad();
    if (only.empty() || only == "tenx") bench.tenx_h5();
    if (only.empty() || only == "mtx") bench.matrix_market();
  } catch (const core::Error& error) {
    std::fprintf(stderr, "bench_containers: %s\n", error.what());
    return static_cast<int>(error.status());
  }
  return 0;
}
