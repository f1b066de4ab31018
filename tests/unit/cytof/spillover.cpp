#include "cytof/spillover.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "core/random.h"
#include "cytof/debarcoding.h"
#include "cytof_helpers.h"
#include "io/tsv.h"

namespace {

using namespace immucan;
using cytof::SpilloverMethod;

TEST_CASE("spillover of single-stained beads against CATALYST, both methods") {
  const auto folder = test::cytof_data() / "comp";
  if (test::skipped(folder)) return;
  core::RunContext context("test", "0", "test");
  const auto measured = test::read_matrix(folder / "ss_exp.fcs");
  const cytof::Panel panel(measured.parameters);
  cytof::SingleStains stains;
  cytof::BarcodeKey key;
  key.positives = 1;
  for (const cytof::Channel& channel : panel.channels()) {
    REQUIRE(channel.mass);
    // Three channels of the panel were not stained: barium, cerium 140 and gadolinium 157.
    if (channel.mass != 138 && channel.mass != 140 && channel.mass != 157) {
      key.codes.push_back(std::uint64_t{1} << key.masses.size());
      key.masses.push_back(*channel.mass);
      key.labels.push_back(std::to_string(*channel.mass));
      stains.stained.push_back(stains.channels.size());
    }
    stains.channels.push_back(channel);
  }
  for (const double value : measured.values) stains.intensities.push_back(static_cast<float>(value));
  std::vector<float> barcodes;
  for (std::size_t row = 0; row < measured.rows(); ++row) {
    for (const std::size_t c : stains.stained) barcodes.push_back(static_cast<float>(measured.at(row, c)));
  }
  stains.stain = cytof::debarcode(key, barcodes, {.cofactor = 5, .cutoff = std::nullopt, .mahalanobis = 30}).label;
  for (const auto& [method, name] : {std::pair{SpilloverMethod::kDefault, "ss_exp.catalyst_spillmat.tsv"},
                                     std::pair{SpilloverMethod::kClassic, "ss_exp.catalyst_spillmat_classic.tsv"}}) {
    const io::Table theirs = io::read_table(folder / name, context);
    const auto ours = cytof::estimate_spillover(stains, {.method = method});
    REQUIRE(ours.matrix.emitters.size() == theirs.rows.size());
    REQUIRE(ours.matrix.receivers.size() + 1 == theirs.header.size());
    double worst = 0;
    std::size_t entries = 0;
    for (std::size_t r = 0; r < theirs.rows.size(); ++r) {
      CHECK(cytof::isotope_label(theirs.rows[r][0]) == ours.matrix.emitters[r]);
      for (std::size_t c = 1; c < theirs.header.size(); ++c) {
        const double expected = theirs.number(r, c).value();
        const double got = ours.matrix.values[r * ours.matrix.receivers.size() + c - 1];
        if (expected != 0) ++entries;
        worst = std::max(worst, std::abs(got - expected));
      }
    }
    CAPTURE(name, entries, worst);
    CHECK(entries > 100);
    CHECK(worst < 1e-6);
  }
}

TEST_CASE("spillover planted in simulated single stains is found, and nothing else") {
  core::Random random(7);
  const std::vector<std::string> names{"La139Di", "Pr141Di", "Nd142Di", "Gd155Di", "Tb159Di"};
  cytof::SingleStains stains;
  for (const std::string& name : names) {
    stains.stained.push_back(stains.channels.size());
    stains.channels.push_back({name, "", cytof::isotope_mass(name), true});
  }
  const std::size_t n = names.size();
  for (int event = 0; event < 5000; ++event) {
    const std::size_t stain = random.below(n);
    std::vector<double> x(n);
    for (double& value : x) value = random.uniform();
    const double signal = 500 + 100 * random.uniform();
    x[stain] += signal;
    if (stain == 0) x[3] += 0.03 * signal;  // oxide
    if (stain == 1) x[2] += 0.05 * signal;  // next mass
    if (stain == 1) x[4] += 0.2 * signal;   // 18 units: no candidate
    for (const double value : x) stains.intensities.push_back(static_cast<float>(value));
    stains.stain.push_back(static_cast<std::int32_t>(stain));
  }
  for (const auto method : {SpilloverMethod::kDefault, SpilloverMethod::kClassic}) {
    const auto found = cytof::estimate_spillover(stains, {.method = method});
    const auto& s = found.matrix.values;
    CHECK(std::abs(s[0 * n + 3] - 0.03) < 2e-3);
    CHECK(std::abs(s[1 * n + 2] - 0.05) < 2e-3);
    CHECK(s[1 * n + 4] == 0);
    CHECK(s[2 * n + 1] < 2e-3);
    CHECK(s[3 * n + 0] == 0);
    for (std::size_t i = 0; i < n; ++i) CHECK(s[i * n + i] == 1);
  }
}

TEST_CASE("candidates of spillover: neighbours, oxides, isotopes of the metal") {
  std::vector<cytof::Channel> channels;
  for (const char* name : {"La139Di", "Pr141Di", "Nd142Di", "Nd143Di", "Nd150Di", "Eu151Di", "Gd155Di", "Gd158Di"}) {
    channels.push_back({name, "", cytof::isotope_mass(name), true});
  }
  CHECK(cytof::spillover_candidates(channels, 0) == std::vector<std::size_t>{6});           // 155: oxide
  CHECK(cytof::spillover_candidates(channels, 2) == std::vector<std::size_t>{1, 3, 4, 7});  // 141, 143, 150, 158
  CHECK(cytof::spillover_candidates(channels, 5) == std::vector<std::size_t>{4});
}

TEST_CASE("trimmed means as R gives them") {
  std::vector<double> x{9, 1, 2, 3, 4, 5, 6, 7, 8, 100};
  CHECK(cytof::trimmed_mean(x, 0.1) == 5.5);
  CHECK(cytof::trimmed_mean(x, 0.25) == 5.5);
  CHECK(cytof::trimmed_mean(x, 0) == 14.5);
  std::vector<double> odd{5, 1, 100};
  CHECK(cytof::trimmed_mean(odd, 0.5) == 5);
  CHECK(std::isnan(cytof::trimmed_mean({}, 0.5)));
}

}  // namespace
