#include "biomarker/report_page.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

#include "core/error.h"
#include "svg_check.h"
#include "unit/temporary_folder.h"

using namespace immucan;
using namespace immucan::biomarker;

namespace {

/// Eight patients, P1–P4 responders, P5–P7 not, P8 unknown; P8 has no sample. Feature A is the patient's number.
struct Inputs {
  std::string clinical =
      "patient_id\tarm\trandomised\ttumour_type\tresponse\tos_days\tos_event\n"
      "P-01\tici\t1\tlung\tR\t800\t0\nP-02\tici\t1\tcrc\tR\t700\t1\nP-03\tcontrol\t1\tlung\tR\t600\t0\nP-"
      "04\tcontrol\t1\tcrc\tR\t500\t1\n"
      "P-05\tici\t1\tlung\tNR\t400\t1\nP-06\tcontrol\t1\tcrc\tNR\t300\t1\nP-07\tici\t1\tlung\tNR\t200\t1\nP-"
      "08\tici\t1\tlung\tNA\t100\t0\n";
  std::string samples = "sample_id\tpatient_id\tvisit\tday\tspecimen\tmodality\tbatch\tcontrol\tfiles\n";
  std::string features = "sample_id\tfeature\tvalue\n";
  std::string response =
      "feature\tn\teffect\tse\tlower\tupper\tstatistic\tp\tfdr\ttest\tauc\tauc_lower\tauc_upper\tflag\tclaim\n"
      "cytof@blood:A_1:fraction\t7\t1.1\t0.3\t0.5\t1.7\t3\t0.001\t0.002\twilcoxon\t1\t1\t1\tseparated\tassociated\n"
      "cytof@blood:B<&:fraction\t7\t-0.7\t0.3\t-inf\t0.1\t3\t0.04\t0.04\twilcoxon\t0.2\t0.1\t0.4\tbatch_"
      "confounded\tnone\n";
  std::string survival =
      "feature\tn\tevents\teffect\tse\tlower\tupper\tstatistic\tp\tfdr\ttest\tflag\tclaim\n"
      "cytof@blood:A_1:fraction\t7\t5\t0.9\t0.3\t0.3\t1.5\t3\t0.003\t0.006\tcox\tNA\tprognostic\n";
  std::string interactions =
      "feature\tn\teffect\tse\tlower\tupper\tp\tfdr\ttest\tarm_reference\tarm_other\trandomised\tinteraction\tp_"
      "interaction\tfdr_interaction\t"
      "effect_reference\tlower_reference\tupper_reference\teffect_other\tlower_other\tupper_other\tflag\tclaim\n"
      "cytof@blood:A_1:fraction\t7\t0.9\t0.3\t0.3\t1.5\t0.003\t0.006\tcox\tcontrol\tici\t1\t1\t0.01\t0.02\t0.1\t-"
      "1\t1\t1.2\t0.2\t2.2\tNA\tpredictive\n";

  Inputs() {
    for (int i = 1; i <= 7; ++i) {
      const std::string n = std::to_string(i);
      samples += "S" + n + "\tP-0" + n + "\tnaive\t0\tblood\tcytof\tb" + (i <= 4 ? "1" : "2") + "\tsample\tfcs=x.fcs\n";
      features += "S" + n + "\tcytof@blood:A_1:fraction\t" + n + "\n";
      features +=
          "S" + n + "\tcytof@blood:B<&:fraction\t" + (i == 3 ? std::string("NA") : std::to_string((i * 5) % 7)) + "\n";
    }
  }
};

std::string build(const test::TemporaryFolder& scratch, const Inputs& inputs) {
  core::RunContext context("biomarker-score", "0.0.0", "report");
  ReportOptions options;
  options.title = "Title <of> a report";
  options.clinical = scratch.write("clinical.tsv", inputs.clinical);
  options.samples = scratch.write("samples.tsv", inputs.samples);
  options.features = scratch.write("features.tsv", inputs.features);
  options.response_associations = scratch.write("A.tsv", inputs.response);
  options.survival_associations = scratch.write("S.tsv", inputs.survival);
  options.interactions = scratch.write("I.tsv", inputs.interactions);
  std::filesystem::create_directories(scratch / "qc" / "S1");
  std::ofstream(scratch / "qc" / "S1" / "S1.cytof_phenotype_mqc.json")
      << report::multiqc_fragment("cytof_phenotype", "Cells <of>", "S1", {{"cells", "Cells", "number", 4757}});
  options.qc = {scratch / "qc"};
  const ReportData data = read_report_data(options, context);
  return report_page(data, options, context);
}

std::size_t times(const std::string& text, const std::string& piece) {
  std::size_t count = 0;
  for (std::size_t at = text.find(piece); at != std::string::npos; at = text.find(piece, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("the page is one deterministic file of well-formed pictures and no outside address") {
  const test::TemporaryFolder scratch;
  const std::string page = build(scratch, {});
  CHECK(page == build(scratch, {}));
  const auto pictures = test::pictures_of(page);
  // Flow, overlap, two bars; forest, strip, ROC, heatmap; forest and curve of survival; forest and two curves by arm.
  CHECK(pictures.size() == 13);
  for (const std::string& picture : pictures) {
    const auto elements = test::elements_of(picture);
    std::size_t marks = 0;
    for (const char* mark : {"rect", "circle", "polyline", "polygon"})
      marks += elements.contains(mark) ? elements.at(mark) : 0;
    CHECK(marks > 0);
  }
  CHECK(times(page, "http") == times(page, "http://www.w3.org/2000/svg"));
  CHECK_THAT(page, !Catch::Contains(" src=") && !Catch::Contains("@import") && !Catch::Contains("<link") &&
                       !Catch::Contains("url("));
  CHECK_THAT(page, !Catch::Contains(scratch.path().string()));
  CHECK_THAT(page, Catch::Contains("Title &lt;of&gt; a report") && !Catch::Contains("B<&") &&
                       !Catch::Contains(">nan<") && !Catch::Contains("<of>"));
}

TEST_CASE("the page says what the tables say") {
  const test::TemporaryFolder scratch;
  const std::string page = build(scratch, {});
  CHECK_THAT(page, Catch::Contains("1 of 2 tested features differs"));
  CHECK_THAT(page, Catch::Contains("1 feature follows batch and is not counted as found: B&lt;&amp;, blood."));
  CHECK_THAT(page, Catch::Contains("<span class=\"chip strong\">predictive</span>") &&
                       Catch::Contains("<span class=\"chip strong\">prognostic</span>"));
  CHECK_THAT(page, Catch::Contains("<span class=\"chip warn\">confounded by batch</span>") &&
                       Catch::Contains("<span class=\"chip\">separated</span>"));
  CHECK_THAT(page, Catch::Contains("3.00 <span class=\"small\">(1.65 to 5.47)"));  // exp of 1.1, 0.5, 1.7
  CHECK_THAT(page, Catch::Contains("research use only") && Catch::Contains("Research use only"));
  CHECK_THAT(page, Catch::Contains("8 patients") && Catch::Contains("7 with a sample") &&
                       Catch::Contains("1 without a sample"));
  CHECK_THAT(page, Catch::Contains("4 responders") && Catch::Contains("3 non-responders"));
  CHECK_THAT(page, Catch::Contains("4757") && Catch::Contains("Cells &lt;of&gt;"));
}

TEST_CASE("survival is split at the median of the feature and counted at risk") {
  const test::TemporaryFolder scratch;
  const auto pictures = test::pictures_of(build(scratch, {}));
  // Feature A is 1…7: median 4, above it patients 5, 6, 7 with 400, 300, 200 days; at or below 800, 700, 600, 500.
  bool whole = false, arm = false;
  for (const std::string& picture : pictures) {
    if (picture.find("Survival: A 1, blood</title>") != std::string::npos) {
      whole = true;
      CHECK_THAT(picture, Catch::Contains("above median (n = 3)") && Catch::Contains("at or below (n = 4)"));
    }
    if (picture.find("Survival: A 1, blood: arm control</title>") != std::string::npos) {
      arm = true;  // controls: 3 and 4 at or below, 6 above
      CHECK_THAT(picture, Catch::Contains("above median (n = 1)") && Catch::Contains("at or below (n = 2)"));
    }
  }
  CHECK(whole);
  CHECK(arm);
}

TEST_CASE("broken association tables are refused with file and line") {
  const auto fails = [](const std::function<void(Inputs&)>& change, const std::string& says) {
    const test::TemporaryFolder scratch;
    Inputs inputs;
    change(inputs);
    try {
      (void)build(scratch, inputs);
      FAIL("accepted: " + says);
    } catch (const core::Error& error) {
      CHECK(error.status() == core::Status::kBadInput);
      CHECK_THAT(std::string(error.what()), Catch::Contains(says));
    }
  };
  const auto replace = [](std::string& text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    text.replace(at, from.size(), to);
  };
  fails([&](Inputs& in) { in.response.clear(); }, "A.tsv");
  fails([&](Inputs& in) { replace(in.response, "\tfdr\t", "\tq\t"); }, "fdr");
  fails([&](Inputs& in) { replace(in.response, "0.001", "small"); }, "A.tsv:2:");
  fails([&](Inputs& in) { replace(in.response, "0.001", "1.5"); }, "A.tsv:2:");
  fails([&](Inputs& in) { replace(in.response, "0.002", "-0.1"); }, "A.tsv:2:");
  fails([&](Inputs& in) { replace(in.response, "B<&", "A_1"); }, "A.tsv:3:");
  fails([&](Inputs& in) { replace(in.response, "cytof@blood:A_1:fraction", "NA"); }, "A.tsv:2:");
  fails([&](Inputs& in) { in.response += "x\t1\n"; }, "A.tsv:4");
  fails([&](Inputs& in) { replace(in.survival, "\t5\t", "\tfive\t"); }, "S.tsv:2:");
  fails([&](Inputs& in) { replace(in.clinical, "\tR\t800", "\tyes\t800"); }, "clinical.tsv:2:5");
  fails([&](Inputs& in) { replace(in.clinical, "\t800\t0", "\t-800\t0"); }, "clinical.tsv:2:6");
  fails([&](Inputs& in) { replace(in.clinical, "\t800\t0", "\t800\t2"); }, "clinical.tsv:2:7");
  fails([&](Inputs& in) { replace(in.clinical, "os_days", "days"); }, "os_days");
}

TEST_CASE("names of features on the page") {
  CHECK(feature_label("scrna@tissue:total/CXCL13:log1p_cpm").name == "CXCL13, tissue");
  CHECK(feature_label("scrna@tissue:CD8_T/IFNG:log1p_cpm").name == "IFNG in CD8 T, tissue");
  CHECK(feature_label("peptide@tissue:PRAME:log1p_psms").name == "PRAME peptides, tissue");
  CHECK(feature_label("peptide@tissue:neoantigen:count").name == "neoantigen count, tissue");
  CHECK(feature_label("microbiome@stool:community:shannon").name == "Shannon index, stool");
  CHECK(feature_label("anything").name == "anything");
  CHECK(feature_label("anything").modality.empty());
}
