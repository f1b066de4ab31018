#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "io/byte_source.h"
#include "io/samples_table.h"
#include "simulate/bytes.h"
#include "simulate/cohort.h"
#include "simulate/peptide.h"
#include "simulate/spectrum.h"

using namespace immucan;
namespace fs = std::filesystem;

namespace {

/// A cohort in a folder of its own, removed at the end.
class Written {
 public:
  Written(const std::string& name, std::uint64_t seed, unsigned threads)
      : directory(fs::temp_directory_path() / ("immucan-simulate-" + name + "-" + std::to_string(std::rand()))) {
    core::RunContext context("simulate-cohort", "0", "cohort");
    context.threads = threads;
    context.seed = seed;
    simulate::write_cohort({.patients = 8, .seed = seed, .small = true}, directory, context);
  }
  ~Written() { fs::remove_all(directory); }
  Written(const Written&) = delete;
  Written& operator=(const Written&) = delete;

  /// Everything but run.json, whose execution part differs.
  [[nodiscard]] std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> contents;
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
      if (!entry.is_regular_file() || entry.path().filename() == "run.json") continue;
      std::ifstream in(entry.path(), std::ios::binary);
      contents[fs::relative(entry.path(), directory).string()] =
          std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    }
    return contents;
  }

  fs::path directory;
};

std::vector<std::string> lines(const fs::path& path, core::RunContext& context) {
  io::LineReader reader(io::open_source(path, context));
  std::vector<std::string> all;
  std::string_view line;
  while (reader.next(line)) all.emplace_back(line);
  return all;
}

}  // namespace

TEST_CASE("the same seed gives the same bytes for any number of threads, another seed others") {
  const Written one("one", 5, 1), three("three", 5, 3), other("other", 6, 1);
  const auto files = one.files();
  CHECK(files.size() > 60);
  CHECK(files == three.files());
  const auto others = other.files();
  CHECK(files.at("reference/gates.tsv") == others.at("reference/gates.tsv"));
  CHECK(files.at("clinical.tsv") != others.at("clinical.tsv"));
  CHECK(files.at("reference/genome.fa.gz") != others.at("reference/genome.fa.gz"));
}

TEST_CASE("the cohort of test-data is what its command makes") {
  const fs::path committed = fs::path(IMMUCAN_SOURCE_DIR) / "test-data/cohort";
  const Written made("committed", 1, 2);
  // Compared as inflated: libdeflate's bytes differ between its versions.
  const auto inflated = [](const std::string& bytes) { return io::read_all(*io::open_memory(bytes)); };
  std::size_t files = 0;
  for (const auto& [name, bytes] : made.files()) {
    INFO(name);
    REQUIRE(fs::is_regular_file(committed / name));
    std::ifstream in(committed / name, std::ios::binary);
    const std::string expected{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    // mzML holds compressed arrays inside.
    if (!name.ends_with(".mzML.gz")) CHECK(inflated(bytes) == inflated(expected));
    ++files;
  }
  CHECK(files == static_cast<std::size_t>(std::count_if(fs::recursive_directory_iterator(committed), {},
                                                        [](const auto& entry) { return entry.is_regular_file(); })));
}

TEST_CASE("tables name files that are there, and reads have the lengths of their kind") {
  const Written cohort("layout", 1, 2);
  core::RunContext context("test", "0", "test");
  const auto samples = io::read_samples(cohort.directory / "samples.tsv", context);
  const io::Table clinical = io::read_clinical(cohort.directory / "clinical.tsv", context);
  CHECK(clinical.rows.size() == 8);
  std::set<std::string> whitelist;
  for (std::string& line : lines(cohort.directory / "reference/whitelist.txt.gz", context)) {
    whitelist.insert(std::move(line));
  }
  for (const io::Sample& sample : samples) {
    INFO(sample.sample_id);
    for (const io::SampleFile& file : sample.files) CHECK(fs::is_regular_file(file.path));
    if (sample.files.size() != 2) continue;
    const auto first = lines(sample.files[0].path, context);
    const auto second = lines(sample.files[1].path, context);
    REQUIRE(first.size() == second.size());
    REQUIRE(first.size() % 4 == 0);
    std::size_t exact = 0;
    for (std::size_t i = 0; i < first.size(); i += 4) {
      REQUIRE(first[i] == second[i]);
      REQUIRE(first[i + 1].size() == first[i + 3].size());
      REQUIRE(second[i + 1].size() == second[i + 3].size());
      REQUIRE(first[i + 1].size() == (sample.modality == "scrna" ? 28 : 150));
      REQUIRE(second[i + 1].size() == (sample.modality == "scrna" ? 90 : 150));
      exact += whitelist.count(first[i + 1].substr(0, 16));
    }
    // 16 bases at 0.3 % errors each: about 95 % of the barcodes are read without one.
    if (sample.modality == "scrna") CHECK(exact > first.size() / 4 * 92 / 100);
  }
}

TEST_CASE("variants are private, and responders have more of them") {
  const simulate::Cohort cohort = simulate::plan_cohort({.patients = 24, .seed = 2, .small = false});
  const std::string fasta = simulate::Proteome(cohort).file().bytes;
  std::set<std::string> names;
  std::size_t proteins = 0, variants = 0;
  for (std::size_t at = fasta.find('>'); at != std::string::npos; at = fasta.find('>', at + 1)) {
    const std::string header = fasta.substr(at + 1, fasta.find('\n', at) - at - 1);
    CHECK(names.insert(header.substr(0, header.find(' '))).second);
    (header.ends_with(" class=variant") ? variants : proteins) += 1;
  }
  CHECK(proteins >= 400);
  CHECK(proteins <= 600);
  CHECK(variants > 12 * 50 / 2);
}

TEST_CASE("a spectrum holds ascending peaks around the ions of its peptide") {
  core::Random random(1);
  for (int repeat = 0; repeat < 50; ++repeat) {
    const simulate::Spectrum spectrum = simulate::peptide_spectrum(random, "SIINFEKL");
    CHECK(std::is_sorted(spectrum.mz.begin(), spectrum.mz.end()));
    CHECK(spectrum.mz.size() == spectrum.intensity.size());
    // M = 962.5437 Da: 482.2791 at two charges, 321.8552 at three.
    const double expected = spectrum.charge == 2 ? 482.2791 : 321.8552;
    CHECK(spectrum.precursor_mz == Approx(expected).epsilon(1e-5));
    const auto has = [&](double mz) {
      return std::any_of(spectrum.mz.begin(), spectrum.mz.end(),
                         [&](double peak) { return std::abs(peak - mz) < 20e-6 * mz; });
    };
    // y2 … y7 and b2 … b7 of SIINFEKL, from published fragment tables.
    int found = 0;
    for (const double ion : {260.1969, 389.2395, 536.3079, 650.3508, 763.4349, 876.5189, 201.1234, 314.2074, 428.2504,
                             575.3188, 704.3614, 832.4563}) {
      found += has(ion);
    }
    CHECK(found >= 6);
  }
}

TEST_CASE("streams belong to their unit and repeat") {
  core::Random a = simulate::stream(1, "P01"), b = simulate::stream(1, "P01"), c = simulate::stream(1, "P02"),
               d = simulate::stream(2, "P01");
  const std::uint64_t first = a.next();
  CHECK(first == b.next());
  CHECK(first != c.next());
  CHECK(first != d.next());
}

TEST_CASE("compressed bytes come back, and substitutions keep to their rate") {
  core::Random random(7);
  const std::string dna = simulate::random_dna(random, 100000, 0.6);
  const auto gc =
      static_cast<double>(std::count(dna.begin(), dna.end(), 'G') + std::count(dna.begin(), dna.end(), 'C'));
  CHECK(gc / 1e5 == Approx(0.6).margin(0.01));
  const std::string packed = simulate::gzip(dna);
  CHECK(packed.substr(4, 4) == std::string(4, '\0'));  // modification time
  CHECK(io::read_all(*io::open_memory(packed)) == dna);
  const std::string changed = simulate::substitute(random, dna, 0.02);
  std::size_t differences = 0;
  for (std::size_t i = 0; i < dna.size(); ++i) differences += dna[i] != changed[i];
  CHECK(static_cast<double>(differences) / 1e5 == Approx(0.02).margin(0.002));
  CHECK(simulate::reverse_complement("AACGT") == "ACGTT");
}
