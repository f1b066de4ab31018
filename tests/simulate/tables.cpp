#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "core/text.h"
#include "simulate/plan.h"

namespace immucan::simulate {
namespace {

std::string samples_table(const Cohort& cohort) {
  std::string out = "sample_id\tpatient_id\tvisit\tday\tspecimen\tmodality\tbatch\tcontrol\tfiles\n";
  for (const SamplePlan& sample : cohort.samples) {
    std::string files;
    for (const RawFile& file : raw_files(sample)) {
      files += fmt::format("{}{}={}", files.empty() ? "" : ";", file.role, file.path);
    }
    out += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\tsample\t{}\n", sample.id, cohort.patients[sample.patient].id,
                       sample.visit, sample.day, sample.specimen, sample.modality, sample.batch, files);
  }
  return out;
}

std::string clinical_table(const Cohort& cohort) {
  std::string out =
      "patient_id\tcohort\ttumour_type\tstage\tarm\trandomised\ttreatment_class\tline\tprior_ici\tresistance\t"
      "best_response\tresponse\tresponse_rule\tos_days\tos_event\tpfs_days\tpfs_event\tage\tsex\tsite\t"
      "antibiotics_30d\tpd_l1\ttmb\tmsi\n";
  for (const Patient& patient : cohort.patients) {
    out +=
        fmt::format("{}\tSIM\t{}\t{}\t{}\t1\t{}\t{}\t{}\t{}\t{}\t{}\tORR\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n",
                    patient.id, patient.tumour_type, patient.stage, patient.treated ? "ici" : "control",
                    patient.treated ? "ici" : "chemotherapy", patient.line, patient.prior_ici ? 1 : 0,
                    patient.resistance.empty() ? "NA" : patient.resistance, patient.best_response,
                    patient.responder ? "R" : "NR", patient.os_days, patient.os_event ? 1 : 0, patient.pfs_days,
                    patient.pfs_event ? 1 : 0, patient.age, patient.sex, patient.site, patient.antibiotics,
                    core::format_double(patient.pd_l1), core::format_double(patient.tmb), patient.msi);
  }
  return out;
}

/// Everybody agreed to health and biomedical research (DUO: HMB); forms were signed on consecutive days.
std::string consent_table(const Cohort& cohort) {
  std::string out = "consent_id\tpatient_id\tform\tform_version\tsigned_on\tpermission\n";
  for (std::size_t i = 0; i < cohort.patients.size(); ++i) {
    out += fmt::format("{}\t{}\tstudy\t1.0\t2024-{:02}-{:02}\tHMB\n", i + 1, cohort.patients[i].id, 1 + i / 28 % 12,
                       1 + i % 28);
  }
  return out;
}

nlohmann::ordered_json describe(const PlantedFeature& feature) {
  return {{"feature", feature.feature}, {"modality", feature.modality}};
}

/// The abundance of a species comes with its centred log-ratio: the same truth in a second measure, under a name of its
/// own.
std::optional<nlohmann::ordered_json> second_measure(const nlohmann::ordered_json& entry) {
  constexpr std::string_view kAbundance = ":abundance", kLogRatio = ":clr";
  const std::string feature = entry["feature"];
  if (!feature.ends_with(kAbundance)) return std::nullopt;
  nlohmann::ordered_json second = entry;
  second["feature"] = feature.substr(0, feature.size() - kAbundance.size()) + std::string(kLogRatio);
  second["measure_of"] = feature;
  return second;
}

void add_with_second_measure(nlohmann::ordered_json& entries, nlohmann::ordered_json entry) {
  auto second = second_measure(entry);
  entries.push_back(std::move(entry));
  if (second) entries.push_back(*std::move(second));
}

std::string truth(const Cohort& cohort) {
  nlohmann::ordered_json planted = nlohmann::ordered_json::array();
  for (std::size_t k = 0; k < planted_features().size(); ++k) {
    nlohmann::ordered_json entry = describe(planted_features()[k]);
    entry["direction"] = planted_features()[k].up ? "up" : "down";
    entry["effect_sd"] = latent_effect(cohort, k);
    add_with_second_measure(planted, std::move(entry));
  }
  nlohmann::ordered_json prognostic = describe(prognostic_feature());
  prognostic["direction"] = "up";  // a higher level, an earlier death
  prognostic["endpoint"] = "os";
  nlohmann::ordered_json confounded = describe(confounded_feature());
  confounded["follows"] = "batch";
  nlohmann::ordered_json all_confounded = nlohmann::ordered_json::array();
  add_with_second_measure(all_confounded, std::move(confounded));

  nlohmann::ordered_json levels = nlohmann::ordered_json::object();
  for (const Patient& patient : cohort.patients) {
    nlohmann::ordered_json row = nlohmann::ordered_json::object();
    for (std::size_t k = 0; k < planted_features().size(); ++k) {
      row[std::string(planted_features()[k].feature)] = patient.levels[k];
    }
    row[std::string(prognostic_feature().feature)] = patient.prognostic_level;
    levels[patient.id] = std::move(row);
  }
  const nlohmann::ordered_json document = {
      {"seed", cohort.options.seed},
      {"patients", cohort.options.patients},
      {"response", {{"column", "response"}, {"positive", "R"}}},
      {"treatment", {{"column", "arm"}, {"treated", "ici"}, {"control", "control"}}},
      {"planted", std::move(planted)},
      {"prognostic", nlohmann::ordered_json::array({std::move(prognostic)})},
      {"confounded", std::move(all_confounded)},
      {"levels", std::move(levels)}};
  return document.dump(1) + "\n";
}

}  // namespace

std::vector<SimulatedFile> cohort_tables(const Cohort& cohort) {
  return {{"samples.tsv", samples_table(cohort)},
          {"clinical.tsv", clinical_table(cohort)},
          {"consent.tsv", consent_table(cohort)},
          {"truth.json", truth(cohort)}};
}

}  // namespace immucan::simulate
