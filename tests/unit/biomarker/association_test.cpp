#include "biomarker/association.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <map>

#include "biomarker/assembly.h"
#include "biomarker_helpers.h"
#include "core/random.h"
#include "core/text.h"

using namespace immucan;

namespace {

/// A cohort of 24: one feature follows response, one is noise, one is constant, one follows the batch, one is rare.
struct Cohort {
  std::string clinical = "patient_id\tresponse\tos_days\tos_event\tarm\trandomised\tage\tsite\n";
  std::string samples = "sample_id\tpatient_id\tvisit\tspecimen\tmodality\tbatch\tcontrol\n";
  std::string features = "sample_id\tfeature\tvalue\n";

  explicit Cohort(bool aliased = false) {
    core::Random random(12);
    for (int i = 0; i < 24; ++i) {
      const std::string id = "P" + std::to_string(100 + i);
      const bool responder = i % 2 == 0;
      const bool second_batch = aliased ? responder : responder != (i % 12 == 4 || i % 12 == 5);
      const double level = responder ? 3 : 0;
      clinical += id + (responder ? "\tR\t" : "\tNR\t") + core::format_double(100 + 10 * i + (responder ? 200 : 0)) +
                  "\t" + (i % 3 == 0 ? "0" : "1") + "\t" + (i / 2 % 2 == 0 ? "ici" : "control") + "\t1\t" +
                  std::to_string(50 + i % 7) + "\t" + (i % 5 < 2 ? "A" : "B") + "\n";
      for (const std::string visit : {"naive", "on-treatment"}) {
        const std::string sample = id + "-" + visit;
        samples += sample + "\t" + id + "\t" + visit + "\tblood\tcytof\t" + (second_batch ? "b2" : "b1") + "\tsample\n";
        const auto add = [&](const std::string& name, double value) {
          features += sample + "\tcytof@blood:" + name + ":fraction\t" + core::format_double(value) + "\n";
        };
        add("marker", visit == "naive" ? level + random.normal() : random.normal());
        add("noise", random.normal());
        add("constant", 0.5);
        add("kit", (second_batch ? 10 : 0) + 0.01 * ((i * 7) % 24));
        if (i < 4) add("rare", random.normal());
      }
    }
  }
};

struct Written {
  test::Folder folder;
  biomarker::AssociateOptions options;
  explicit Written(const Cohort& cohort) {
    options.clinical = folder.write("clinical.tsv", cohort.clinical);
    options.cohort.samples = folder.write("samples.tsv", cohort.samples);
    options.cohort.features = folder.write("features.tsv", cohort.features);
    options.outcome.response = "response";
  }
  biomarker::AssociationTable run() const { return biomarker::associate(options, test::context()); }
};

const biomarker::Association& row_of(const biomarker::AssociationTable& table, std::string_view name) {
  const std::string full = "cytof@blood:" + std::string(name) + ":fraction";
  return *std::ranges::find(table.rows, full, &biomarker::Association::feature);
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("response: planted, constant, rare and confounded features", "[association]") {
  const Written cohort{Cohort()};
  const auto table = cohort.run();
  REQUIRE(table.rows.size() == 5);
  CHECK(table.tested == 3);
  const auto& marker = row_of(table, "marker");
  CHECK(table.rows[0].feature == marker.feature);
  CHECK(marker.fdr < 0.01);
  CHECK(marker.n == 24);
  CHECK(marker.responders == 12);
  CHECK(marker.effect > 0);
  CHECK(marker.auc > 0.9);
  CHECK(marker.median_responders > marker.median_nonresponders);
  CHECK(marker.test == "wilcoxon_exact");
  CHECK(marker.flag.find("batch") == std::string::npos);
  CHECK(marker.p_batch_adjusted < 0.05);
  CHECK(marker.claim == "associated");
  const auto& kit = row_of(table, "kit");
  CHECK(kit.p < 0.05);
  CHECK(kit.batch_p < 1e-4);
  CHECK(kit.p_batch_adjusted > 0.05);
  CHECK(kit.flag == "batch_confounded");
  CHECK(kit.claim == "none");
  CHECK(std::isnan(row_of(table, "constant").p));
  CHECK(row_of(table, "constant").flag == "constant");
  CHECK(row_of(table, "rare").flag == "few_samples");
  CHECK(row_of(table, "rare").n == 4);
  CHECK(std::isnan(table.rows.back().p));
}

TEST_CASE("the visit is one at a time", "[association]") {
  Written cohort{Cohort()};
  cohort.options.cohort.visit = "on-treatment";
  CHECK(row_of(cohort.run(), "marker").p > 0.05);
  cohort.options.cohort.visit = "progression";
  test::expect_error([&] { (void)cohort.run(); }, core::Status::kBadInput, {"features.tsv", "progression"});
}

TEST_CASE("missing response is missing, not a non-responder", "[association]") {
  Cohort text;
  text.clinical = replaced(text.clinical, "P100\tR", "P100\tNA");
  text.clinical = replaced(text.clinical, "P101\tNR", "P101\t");
  const auto marker = row_of(Written(text).run(), "marker");
  CHECK(marker.n == 22);
  CHECK(marker.responders == 11);
  CHECK(marker.nonresponders == 11);
}

TEST_CASE("threads and order of rows change nothing", "[association]") {
  Cohort text;
  const std::string expected = biomarker::format_associations(Written(text).run());
  core::RunContext threaded("test", "0", "test");
  threaded.threads = 3;
  Written cohort{text};
  CHECK(biomarker::format_associations(biomarker::associate(cohort.options, threaded)) == expected);
}

TEST_CASE("covariates change the test of record to the score test", "[association]") {
  Written cohort{Cohort()};
  cohort.options.outcome.covariates = {"age", "site"};
  const auto table = cohort.run();
  const auto& marker = row_of(table, "marker");
  CHECK(marker.test.starts_with("logistic"));
  CHECK(marker.p < 0.01);
}

TEST_CASE("survival: Cox per standard deviation, arms, claims only from randomised arms", "[association]") {
  // In the arm that is treated the marker protects; in the other it does nothing.
  core::Random random(21);
  std::string clinical = "patient_id\tos_days\tos_event\tarm\trandomised\n", features = "sample_id\tfeature\tvalue\n";
  for (int i = 0; i < 120; ++i) {
    const double marker = random.normal(), prognostic = random.normal();
    const bool treated = i % 2 == 0;
    const double hazard = std::exp((treated ? -1.6 * marker : 0) + 1.0 * prognostic);
    const std::string id = "P" + std::to_string(i);
    clinical += id + "\t" + core::format_double(std::ceil(300 * random.exponential(hazard))) + "\t1\t" +
                (treated ? "ici" : "control") + "\t1\n";
    features += id + "\trna@tissue:marker:score\t" + core::format_double(marker) + "\n";
    features += id + "\trna@tissue:prognostic:score\t" + core::format_double(prognostic) + "\n";
  }
  test::Folder folder;
  biomarker::AssociateOptions options;
  options.clinical = folder.write("clinical.tsv", clinical);
  options.cohort.features = folder.write("features.tsv", features);
  options.outcome.time = "os_days";
  options.outcome.event = "os_event";
  options.outcome.treatment = "arm";
  const auto find = [](const biomarker::AssociationTable& table, const std::string& name) {
    return *std::ranges::find(table.rows, "rna@tissue:" + name + ":score", &biomarker::Association::feature);
  };
  auto table = biomarker::associate(options, test::context());
  CHECK(table.arms == std::vector<std::string>{"control", "ici"});
  CHECK(table.randomised);
  CHECK(find(table, "marker").claim == "predictive");
  CHECK(find(table, "marker").effect_arm[1] < -0.8);
  CHECK(std::fabs(find(table, "marker").effect_arm[0]) < std::fabs(find(table, "marker").effect_arm[1]) / 2);
  CHECK(find(table, "prognostic").claim == "prognostic");
  CHECK(find(table, "prognostic").effect > 0.5);
  CHECK(find(table, "prognostic").test == "cox_score");
  // The same numbers without randomisation carry a weaker word.
  std::string observed = clinical;
  for (std::size_t at = 0; (at = observed.find("\t1\n", at)) != std::string::npos; at += 3) observed[at + 1] = '0';
  options.clinical = folder.write("observed.tsv", observed);
  table = biomarker::associate(options, test::context());
  CHECK_FALSE(table.randomised);
  CHECK(find(table, "marker").p_interaction < 0.001);
  CHECK(find(table, "marker").claim != "predictive");
  CHECK(find(table, "prognostic").claim == "associated");
}

TEST_CASE("associate: bad input is one clear error", "[association]") {
  struct Case {
    std::string what;
    std::function<void(Cohort&)> text;
    std::function<void(biomarker::AssociateOptions&)> change;
    std::vector<std::string_view> fragments;
    core::Status status = core::Status::kBadInput;
  };
  const auto none = [](auto&) {};
  const auto replace_all = [](std::string& text, const std::string& from, const std::string& to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
      text.replace(at, from.size(), to);
  };
  const auto survival = [](biomarker::AssociateOptions& options) {
    options.outcome.response.reset();
    options.outcome.time = "os_days";
    options.outcome.event = "os_event";
  };
  const std::vector<Case> cases{
      {"one class",
       [&](Cohort& c) { replace_all(c.clinical, "\tNR\t", "\tR\t"); },
       none,
       {"clinical.tsv", "response", "one class only", "24 responders"}},
      {"unknown word",
       [&](Cohort& c) { c.clinical = replaced(c.clinical, "P103\tNR", "P103\tPD"); },
       none,
       {"clinical.tsv:5:2", "'PD'"}},
      {"no column", none, [](auto& o) { o.outcome.response = "benefit"; }, {"clinical.tsv", "'benefit' is missing"}},
      {"no events",
       [&](Cohort& c) {
         replace_all(c.clinical, "\t1\tici", "\t0\tici");
         replace_all(c.clinical, "\t1\tcontrol", "\t0\tcontrol");
       },
       survival,
       {"os_event", "no event"}},
      {"negative time",
       [&](Cohort& c) { c.clinical = replaced(c.clinical, "P101\tNR\t110", "P101\tNR\t-110"); },
       survival,
       {"clinical.tsv:3:3", "negative time (-110)"}},
      {"text as time",
       [&](Cohort& c) { c.clinical = replaced(c.clinical, "P101\tNR\t110", "P101\tNR\tlong"); },
       survival,
       {"clinical.tsv:3:3", "'long'"}},
      {"event 2",
       [&](Cohort& c) { c.clinical = replaced(c.clinical, "P101\tNR\t110\t1", "P101\tNR\t110\t2"); },
       survival,
       {"clinical.tsv:3:4", "event 2"}},
      {"NaN in features",
       [&](Cohort& c) { c.features = replaced(c.features, "noise:fraction\t", "noise:fraction\tnan"); },
       none,
       {"features.tsv:3"}},
      {"unknown sample",
       [&](Cohort& c) { c.features += "X1\tcytof@blood:noise:fraction\t1\n"; },
       none,
       {"features.tsv", "1 sample_id is not in samples.tsv", "'X1'"}},
      {"unknown patients",
       [&](Cohort& c) { replace_all(c.clinical, "P10", "Q10"); },
       none,
       {"features.tsv", "10 of 24 patients", "'P100'", "5 more"}},
      {"ids that are not patients",
       none,
       [](auto& o) { o.cohort.samples.reset(); },
       {"48 of 48 sample_ids", "must equal patient_id"}},
      {"two samples",
       [&](Cohort& c) {
         c.samples += "twin\tP100\tnaive\tblood\tcytof\tb1\tsample\n";
         c.features += "twin\tcytof@blood:noise:fraction\t1\n";
       },
       none,
       {"'P100-naive' and 'twin'", "--aggregate"}},
      {"duplicate patient",
       [&](Cohort& c) { c.clinical += "P100\tR\t1\t1\tici\t1\t50\tA\n"; },
       none,
       {"clinical.tsv:26:1", "'P100'"}},
      {"mixed covariate",
       [&](Cohort& c) { c.clinical = replaced(c.clinical, "\t1\t50\t", "\t1\tfifty\t"); },
       [](auto& o) { o.outcome.covariates = {"age"}; },
       {"clinical.tsv", "'fifty' is text"}},
      {"constant covariate",
       none,
       [](auto& o) { o.outcome.covariates = {"randomised"}; },
       {"'randomised'", "does not vary"}},
      {"an id as covariate",
       none,
       [](auto& o) { o.outcome.covariates = {"patient_id"}; },
       {"'patient_id'", "24 different texts"}},
      {"three arms",
       [&](Cohort& c) { c.clinical = replaced(c.clinical, "ici", "other"); },
       [](auto& o) { o.outcome.treatment = "arm"; },
       {"'arm'", "3 arms"}},
      {"response and time", none, [](auto& o) { o.outcome.time = "os_days"; }, {"--response"}, core::Status::kUsage},
      {"time alone",
       none,
       [](auto& o) {
         o.outcome.response.reset();
         o.outcome.time = "os_days";
       },
       {"--event"},
       core::Status::kUsage},
      {"no file",
       none,
       [](auto& o) { o.cohort.features = "/nonexistent/f.tsv"; },
       {"/nonexistent/f.tsv"},
       core::Status::kNoInput},
  };
  for (const Case& one : cases) {
    INFO(one.what);
    Cohort text;
    one.text(text);
    Written cohort{text};
    one.change(cohort.options);
    try {
      (void)cohort.run();
      FAIL_CHECK("nothing was raised");
    } catch (const core::Error& error) {
      INFO(error.what());
      CHECK(error.status() == one.status);
      for (const auto fragment : one.fragments) CHECK(std::string(error.what()).find(fragment) != std::string::npos);
    }
  }
  test::expect_error([] { (void)Written(Cohort(true)).run(); }, core::Status::kBadInput,
                     {"cytof@blood", "batch_aliased", "'b1', 'b2'"});
}

TEST_CASE("a wide table of scores is read like a long one", "[association]") {
  test::Folder folder;
  biomarker::AssociateOptions options;
  options.clinical = folder.write("c.tsv", "patient_id\tresponse\nA\tR\nB\tR\nC\tR\nD\tNR\nE\tNR\nF\tNR\nG\tNA\n");
  options.cohort.features =
      folder.write("scores.tsv", "set\tA\tB\tC\tD\tE\tF\tG\nup\t4\t5\t6\t1\t2\t3\t9\ndown\t1\t2\tNA\t4\t5\t6\t9\n");
  options.outcome.response = "response";
  options.min_samples = 5;
  const auto table = biomarker::associate(options, test::context());
  CHECK(table.rows[0].feature == "up");
  CHECK(table.rows[0].p == Approx(0.1).epsilon(1e-14));  // 2 / choose(6, 3)
  CHECK(table.rows[0].auc == 1);
  CHECK(table.rows[0].flag == "separated");
  CHECK(std::isfinite(table.rows[0].effect));
  CHECK(table.rows[1].n == 5);
  CHECK(table.rows[1].auc == 0);
  options.cohort.features =
      folder.write("twice.tsv", "set\tA\tB\tC\tD\tE\tF\nx\t1\t2\t3\t4\t5\t6\nx\t1\t2\t3\t4\t5\t6\n");
  test::expect_error([&] { (void)biomarker::associate(options, test::context()); }, core::Status::kBadInput,
                     {"twice.tsv:3", "'x' occurs twice"});
}

TEST_CASE("assembly joins, checks and merges", "[assembly]") {
  test::Folder folder;
  biomarker::AssembleOptions options;
  options.samples = folder.write("samples.tsv",
                                 "sample_id\tpatient_id\tvisit\tspecimen\tmodality\tcontrol\n"
                                 "b\tP1\tnaive\tblood\tcytof\tsample\na\tP1\tnaive\tblood\tcytof\tsample\n"
                                 "c\tP2\tnaive\tblood\tcytof\tsample\nk\tNA\tNA\tNA\tcytof\tblank\n");
  folder.write("r/a/a.features.tsv", "sample_id\tfeature\tvalue\na\tcytof@blood:B:fraction\t0.1\n");
  folder.write("r/c/c.features.tsv", "sample_id\tfeature\tvalue\nc\tcytof@blood:B:fraction\tNA\n");
  folder.write("r/k.features.tsv", "sample_id\tfeature\tvalue\nk\tcytof@blood:B:fraction\t9\n");
  options.features = {folder.path() / "r"};
  const auto one = biomarker::assemble_features(options, test::context());
  CHECK(one.files == 3);
  REQUIRE(one.values.size() == 2);
  CHECK(one.patients == 2);
  CHECK_FALSE(one.values[1].value.has_value());

  folder.write("r/b/b.features.tsv", "sample_id\tfeature\tvalue\nb\tcytof@blood:B:fraction\t0.3\n");
  test::expect_error([&] { (void)biomarker::assemble_features(options, test::context()); }, core::Status::kBadInput,
                     {"'b' and 'a' both give 'cytof@blood:B:fraction' for patient 'P1', visit naive"});
  options.aggregate = "mean";
  const auto mean = biomarker::assemble_features(options, test::context());
  CHECK(mean.values[0].sample_id == "b");
  CHECK(*mean.values[0].value == Approx(0.2));
  options.aggregate = "first";
  CHECK(*biomarker::assemble_features(options, test::context()).values[0].value == 0.3);

  folder.write("r/z.features.tsv", "sample_id\tfeature\tvalue\nzz\tcytof@blood:B:fraction\t0.3\n");
  test::expect_error([&] { (void)biomarker::assemble_features(options, test::context()); }, core::Status::kBadInput,
                     {"z.features.tsv", "1 sample_id is not in samples.tsv: 'zz'"});
  options.features = {folder.path() / "r/b", folder.path() / "r/b/b.features.tsv"};
  test::expect_error([&] { (void)biomarker::assemble_features(options, test::context()); }, core::Status::kBadInput,
                     {"stands in b.features.tsv already"});
  std::filesystem::create_directories(folder.path() / "empty");
  options.features = {folder.path() / "empty"};
  test::expect_error([&] { (void)biomarker::assemble_features(options, test::context()); }, core::Status::kNoInput,
                     {"no file named *.features.tsv"});
}
