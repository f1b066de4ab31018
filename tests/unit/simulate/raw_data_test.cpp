// What the raw data hold, read by the readers of io: the levels of the plan are there.
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <set>

#include "io/fcs.h"
#include "io/mzml.h"
#include "simulate/cytof.h"
#include "simulate/peptide.h"

using namespace immucan;

namespace {

const simulate::SamplePlan& find(const simulate::Cohort& cohort, std::string_view modality, std::string_view visit,
                                 bool second_batch) {
  for (const simulate::SamplePlan& sample : cohort.samples) {
    if (sample.modality == modality && sample.visit == visit && sample.second_batch == second_batch) return sample;
  }
  throw std::runtime_error("no such sample");
}

}  // namespace

TEST_CASE("FCS: beads fall with the sensitivity, and planted populations have their fraction") {
  const simulate::Cohort cohort = simulate::plan_cohort({.patients = 24, .seed = 4, .small = false});
  for (const bool second_batch : {false, true}) {
    const simulate::SamplePlan& sample = find(cohort, "cytof", "naive", second_batch);
    const simulate::SimulatedFile file = simulate::simulate_cytof(cohort, sample);
    io::FcsFile fcs(file.bytes, file.path, {});
    const io::FcsDataset& data = fcs.single();
    CHECK(data.warnings.empty());
    REQUIRE(data.events == simulate::sizes(cohort.options).events);
    std::map<std::string, std::size_t> column;
    for (std::size_t c = 0; c < data.parameters.size(); ++c) {
      CHECK(column.emplace(data.parameters[c].marker, c).second);
    }
    io::FcsEvents events(fcs, data);
    io::FcsBlock block;
    double time = -1, cells = 0, beads = 0, pd1 = 0, treg = 0;
    double first_half = 0, second_half = 0, first_beads = 0;
    while (events.next(block)) {
      for (std::size_t e = 0; e < block.events; ++e) {
        const auto row = block.row(e);
        const auto level = [&](const char* marker) { return std::asinh(row[column.at(marker)] / 5); };
        CHECK(row[column.at("Time")] > time);
        time = row[column.at("Time")];
        if (level("EQ_Ce140") > 3 && level("DNA1") < 3) {
          ++beads;
          const bool early = block.first_event + e < data.events / 2;
          (early ? first_half : second_half) += row[column.at("EQ_Ho165")];
          first_beads += early;
        } else if (level("DNA1") > 4) {
          ++cells;
          if (level("CD3") > 2 && level("CD8") > 2 && level("PD-1") > 2) ++pd1;
          if (level("CD3") > 2 && level("CD4") > 2 && level("FoxP3") > 2) ++treg;
        }
      }
    }
    CHECK(beads / static_cast<double>(data.events) == Approx(0.05).margin(0.012));
    CHECK(first_half / first_beads > 1.08 * second_half / (beads - first_beads));
    CHECK((first_half / first_beads > 800) == !second_batch);
    // Counting noise: three standard deviations of a binomial, and the few that a gate loses.
    const auto close = [&](double count, std::string_view feature) {
      const double expected = simulate::sample_level(cohort, sample, feature) * cells;
      INFO(feature << " " << count << " of " << expected);
      CHECK(std::abs(count - expected) < 3 * std::sqrt(expected) + 0.05 * expected);
    };
    close(pd1, "cytof@blood:CD8_PD1:fraction");
    close(treg, "cytof@blood:Treg:fraction");
  }
}

TEST_CASE("every gate is on a marker of the panel, below a population that is defined") {
  const simulate::Cohort cohort = simulate::plan_cohort({.patients = 4, .seed = 1, .small = true});
  const simulate::SimulatedFile file = simulate::simulate_cytof(cohort, find(cohort, "cytof", "naive", false));
  io::FcsFile fcs(file.bytes, file.path, {});
  std::set<std::string> markers, populations = {"NA"};
  for (const io::FcsParameter& parameter : fcs.single().parameters) markers.insert(parameter.marker);
  const std::string gates = simulate::simulate_gates().bytes;
  std::size_t begin = gates.find('\n') + 1;
  while (begin < gates.size()) {
    const std::size_t end = gates.find('\n', begin);
    std::vector<std::string> fields(1);
    for (const char letter : gates.substr(begin, end - begin)) {
      if (letter == '\t') {
        fields.emplace_back();
      } else {
        fields.back() += letter;
      }
    }
    REQUIRE(fields.size() == 5);
    populations.insert(fields[0]);
    CHECK(populations.count(fields[1]) == 1);
    CHECK(markers.count(fields[2]) == 1);
    CHECK((fields[3] == "NA") != (fields[4] == "NA"));
    begin = end + 1;
  }
  CHECK(populations.size() >= 20);
  for (const char* planted : {"CD8_PD1", "Treg", "M_MDSC"}) CHECK(populations.count(planted) == 1);
}

TEST_CASE("mzML: our reader takes every spectrum, and their number is the sum of what the plan asks for") {
  const simulate::Cohort cohort = simulate::plan_cohort({.patients = 24, .seed = 4, .small = false});
  const simulate::Proteome proteome(cohort);
  const simulate::Sizes sizes = simulate::sizes(cohort.options);
  for (const bool second_batch : {false, true}) {
    const simulate::SamplePlan& sample = find(cohort, "peptide", "naive", second_batch);
    const simulate::SimulatedFile file = proteome.simulate(cohort, sample);
    const auto reader = io::open_spectra(io::open_memory(file.bytes));
    core::RunContext context("test", "0", "test");
    double spectra = 0, last = 0;
    io::for_each_spectrum(*reader, context, [&](io::Spectrum& spectrum) {
      ++spectra;
      CHECK(spectrum.scan == static_cast<std::uint64_t>(spectra));
      CHECK(spectrum.ms_level == 2);
      CHECK(spectrum.kind == io::Spectrum::Kind::kCentroid);
      CHECK(spectrum.retention_seconds >= last);
      last = spectrum.retention_seconds;
      REQUIRE(spectrum.precursor);
      CHECK(spectrum.precursor->charges.size() == 1);
      CHECK(spectrum.mz.size() >= 10);
    });
    const double variants = std::round(simulate::sample_level(cohort, sample, "peptide@tissue:neoantigen:count"));
    const double canonical =
        spectra - variants - static_cast<double>(sizes.foreign_spectra) - static_cast<double>(sizes.noise_spectra);
    // log-normal around the median, SD 0.15
    CHECK(std::abs(std::log(canonical / sizes.canonical_spectra)) < 0.5);
  }
}
