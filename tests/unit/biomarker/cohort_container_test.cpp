#include "biomarker/cohort_container.h"

#include <catch2/catch.hpp>
#include <cmath>

using namespace immucan;

namespace {

io::Sample sample(std::string id, std::string patient, std::string visit, std::string specimen, std::string modality,
                  std::optional<double> day = std::nullopt, std::string batch = "") {
  io::Sample one;
  one.sample_id = std::move(id);
  one.patient_id = std::move(patient);
  one.visit = std::move(visit);
  one.specimen = std::move(specimen);
  one.modality = std::move(modality);
  one.day = day;
  one.batch = std::move(batch);
  one.control = "sample";
  return one;
}

biomarker::Assembly small_assembly() {
  biomarker::Assembly assembly;
  assembly.table = {sample("S2", "P2", "on-treatment", "blood", "cytof", 21, "B2"),
                    sample("S1", "P2", "naive", "blood", "cytof", 0, "B1"),
                    sample("S3", "P1", "naive", "stool", "microbiome"),
                    sample("S4", "P3", "naive", "blood", "cytof"),  // has no value: not an observation
                    sample("S5", "P2", "naive", "tissue", "cytof")};
  assembly.values = {{"S1", "cytof@blood:CD8_T:fraction", 0.25},
                     {"S2", "cytof@blood:CD8_T:fraction", std::nullopt},
                     {"S2", "cytof@blood:B:fraction", 0.0},
                     {"S5", "cytof@tissue:B:fraction", 0.75},
                     {"S3", "microbiome@stool:X:abundance", 1.0}};
  return assembly;
}

}  // namespace

TEST_CASE("patients' visits are observations, modalities hold what was measured") {
  const io::MuData data = biomarker::cohort_container(small_assembly(), std::nullopt);
  CHECK(data.obs.index == std::vector<std::string>{"P2:naive", "P2:on-treatment", "P1:naive"});
  REQUIRE(data.modalities.size() == 2);
  const io::Modality& cytof = data.modalities[0];
  CHECK(cytof.name == "cytof");
  CHECK(cytof.obs_map == std::vector<std::uint32_t>{1, 2, 0});
  CHECK(data.modalities[1].obs_map == std::vector<std::uint32_t>{0, 0, 1});
  CHECK(cytof.data.var.index ==
        std::vector<std::string>{"cytof@blood:B:fraction", "cytof@blood:CD8_T:fraction", "cytof@tissue:B:fraction"});
  CHECK(data.var.index.size() == 4);
  CHECK_FALSE(cytof.data.x);
  const io::DenseMatrix& values = cytof.data.dense_layers.at(0).second;
  REQUIRE(values.values.size() == 6);
  CHECK(std::isnan(values.values[0]));  // not measured
  CHECK(values.values[1] == 0.25);
  CHECK(values.values[2] == 0.75);
  CHECK(values.values[3] == 0);         // measured, and 0
  CHECK(std::isnan(values.values[4]));  // NA
  const auto& columns = cytof.data.obs.columns;
  CHECK(std::get<std::vector<std::string>>(columns[0].values) == std::vector<std::string>{"S1;S5", "S2"});
  CHECK(std::get<io::Categorical>(columns[1].values).categories == std::vector<std::string>{"blood", "blood;tissue"});
}

TEST_CASE("clinical columns are numbers or categories, by patient") {
  io::Table clinical;
  clinical.name = "clinical.tsv";
  clinical.header = {"patient_id", "age", "response", "a/b", "visit", "none"};
  clinical.rows = {
      {"P1", "60", "R", "x", "1", "NA"}, {"P2", "NA", "NR", "7", "2", ""}, {"P9", "50", "R", "z", "3", "1"}};
  clinical.lines = {2, 3, 4};
  const io::MuData data = biomarker::cohort_container(small_assembly(), clinical);
  const auto column = [&](const std::string& name) -> const io::DataFrameColumn& {
    for (const io::DataFrameColumn& one : data.obs.columns) {
      if (one.name == name) return one;
    }
    FAIL("no column " << name);
    return data.obs.columns[0];
  };
  const auto& ages = std::get<std::vector<double>>(column("age").values);
  CHECK(std::isnan(ages[0]));
  CHECK(std::isnan(ages[1]));
  CHECK(ages[2] == 60);
  const auto& response = std::get<io::Categorical>(column("response").values);
  CHECK(response.categories == std::vector<std::string>{"NR", "R"});
  CHECK(response.codes == std::vector<std::int32_t>{0, 0, 1});
  CHECK(std::get<io::Categorical>(column("a_b").values).codes == std::vector<std::int32_t>{0, 0, 1});
  CHECK(std::get<std::vector<double>>(column("clinical_visit").values) == std::vector<double>{2, 2, 1});
  CHECK(std::get<io::Categorical>(column("none").values).codes == std::vector<std::int32_t>{-1, -1, -1});
}
