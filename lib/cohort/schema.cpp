#include "cohort/schema.h"

#include <algorithm>
#include <array>

namespace immucan::cohort {
namespace {

constexpr double kNoLimit = std::numeric_limits<double>::infinity();
constexpr bool kRequired = true;
constexpr bool kOptional = false;
constexpr std::string_view kPatient = "patient.patient_id";
constexpr std::string_view kTumourTypes = "crc|lung|hnscc|breast|gastric|other";
constexpr std::string_view kTreatments = "surgery|radiotherapy|chemotherapy|targeted|ici|combination|none|other";
constexpr std::string_view kStages = "0|I|IA|IB|IC|II|IIA|IIB|IIC|III|IIIA|IIIB|IIIC|IV|IVA|IVB|IVC";
constexpr std::string_view kModifiers = "RS|NMDS|GSO|NPUNCU|PUB|COL|IRB|GS|MOR|TS|US|PS|IS|RTN|CC|NPOA|NPU|NCU";

constexpr auto kStudies = std::to_array<ColumnRule>({
    {"study_id", Kind::kId, kRequired},
    {"title", Kind::kText, kRequired},
    {"owner", Kind::kText, kRequired},
    {"owner_kind", Kind::kChoice, kRequired, "academic|company|public"},
});
constexpr auto kPatients = std::to_array<ColumnRule>({
    {"patient_id", Kind::kPatientId, kRequired},
    {"study_id", Kind::kId, kOptional, {}, -kNoLimit, kNoLimit, "study.study_id"},
    {"site", Kind::kText},
    {"country", Kind::kCountry},
    {"sex", Kind::kChoice, kOptional, "female|male|other|unknown"},
    {"age_at_anchor", Kind::kInteger, kOptional, {}, 0, 120},
    {"anchor_year", Kind::kInteger, kOptional, {}, 1950, 2100},
    {"diagnosis", Kind::kText},
    {"t", Kind::kText},
    {"n", Kind::kText},
    {"m", Kind::kText},
    {"stage", Kind::kChoice, kOptional, kStages},
});
constexpr auto kClinical = std::to_array<ColumnRule>({
    {"patient_id", Kind::kPatientId, kRequired},
    {"cohort", Kind::kText},
    {"tumour_type", Kind::kChoice, kOptional, kTumourTypes},
    {"stage", Kind::kChoice, kOptional, kStages},
    {"arm", Kind::kText},
    {"randomised", Kind::kFlag},
    {"treatment_class", Kind::kChoice, kOptional, kTreatments},
    {"line", Kind::kInteger, kOptional, {}, 0, 99},
    {"prior_ici", Kind::kFlag},
    {"resistance", Kind::kChoice, kOptional, "primary|acquired|none"},
    {"best_response", Kind::kChoice, kOptional, "CR|PR|SD|PD|NE"},
    {"response", Kind::kChoice, kOptional, "R|NR"},
    {"response_rule", Kind::kText},
    {"os_days", Kind::kReal, kOptional, {}, 0, 36525},
    {"os_event", Kind::kFlag},
    {"pfs_days", Kind::kReal, kOptional, {}, 0, 36525},
    {"pfs_event", Kind::kFlag},
    {"age", Kind::kReal, kOptional, {}, 0, 120},
    {"sex", Kind::kChoice, kOptional, "female|male|other|unknown|F|M"},
    {"site", Kind::kText},
    {"antibiotics_30d", Kind::kFlag},
    {"pd_l1", Kind::kReal, kOptional, {}, 0, kNoLimit},
    {"tmb", Kind::kReal, kOptional, {}, 0, kNoLimit},
    {"msi", Kind::kText},
});
constexpr auto kConsent = std::to_array<ColumnRule>({
    {"consent_id", Kind::kId, kRequired},
    {"patient_id", Kind::kPatientId, kRequired, {}, -kNoLimit, kNoLimit, kPatient},
    {"form", Kind::kText, kRequired},
    {"form_version", Kind::kText, kRequired},
    {"signed_on", Kind::kDate, kRequired},
    {"permission", Kind::kChoice, kRequired, "NRES|GRU|HMB|DS|POA"},
    {"disease", Kind::kText},
    {"withdrawn_on", Kind::kDate},
    {"withdrawal", Kind::kChoice, kOptional, "future-use|destroy"},
    {"document_sha256", Kind::kSha256},
});
constexpr auto kConsentModifiers = std::to_array<ColumnRule>({
    {"consent_id", Kind::kId, kRequired, {}, -kNoLimit, kNoLimit, "consent.consent_id"},
    {"code", Kind::kChoice, kRequired, kModifiers},
    {"value", Kind::kText, kRequired},
});
constexpr auto kVisitColumns = std::to_array<ColumnRule>({
    {"visit_id", Kind::kId, kRequired},
    {"patient_id", Kind::kPatientId, kRequired, {}, -kNoLimit, kNoLimit, kPatient},
    {"kind", Kind::kChoice, kRequired, kVisits},
    {"day", Kind::kInteger, kRequired, {}, -36525, 36525},
});
constexpr auto kTreatmentColumns = std::to_array<ColumnRule>({
    {"treatment_id", Kind::kId, kRequired},
    {"patient_id", Kind::kPatientId, kRequired, {}, -kNoLimit, kNoLimit, kPatient},
    {"line", Kind::kInteger, kOptional, {}, 0, 99},
    {"class", Kind::kChoice, kRequired, kTreatments},
    {"agent", Kind::kText},
    {"start_day", Kind::kInteger, kOptional, {}, -36525, 36525},
    {"end_day", Kind::kInteger, kOptional, {}, -36525, 36525},
});
constexpr auto kResponses = std::to_array<ColumnRule>({
    {"patient_id", Kind::kPatientId, kRequired, {}, -kNoLimit, kNoLimit, kPatient},
    {"day", Kind::kInteger, kRequired, {}, -36525, 36525},
    {"criteria", Kind::kChoice, kRequired, "RECIST1.1|iRECIST"},
    {"value", Kind::kChoice, kRequired, "CR|PR|SD|PD|NE|iUPD|iCPD"},
});
constexpr auto kFollowUp = std::to_array<ColumnRule>({
    {"follow_up_id", Kind::kId, kRequired},
    {"patient_id", Kind::kPatientId, kRequired, {}, -kNoLimit, kNoLimit, kPatient},
    {"day", Kind::kInteger, kOptional, {}, -36525, 36525},
    {"vital", Kind::kChoice, kRequired, "alive|dead|lost"},
    {"disease", Kind::kChoice, kOptional, "none|stable|progression|unknown"},
    {"source", Kind::kText, kRequired},
    {"supersedes", Kind::kId, kOptional, {}, -kNoLimit, kNoLimit, "follow_up.follow_up_id"},
});
constexpr auto kSops = std::to_array<ColumnRule>({
    {"sop_id", Kind::kId, kRequired},
    {"version", Kind::kText, kRequired},
    {"title", Kind::kText, kRequired},
    {"sha256", Kind::kSha256},
    {"valid_from", Kind::kDate, kRequired},
    {"valid_to", Kind::kDate},
});
constexpr auto kSpecimens = std::to_array<ColumnRule>({
    {"specimen_id", Kind::kId, kRequired},
    {"patient_id", Kind::kPatientId, kRequired, {}, -kNoLimit, kNoLimit, kPatient},
    {"visit_id", Kind::kId, kOptional, {}, -kNoLimit, kNoLimit, "visit.visit_id"},
    {"parent_id", Kind::kId, kOptional, {}, -kNoLimit, kNoLimit, "specimen.specimen_id"},
    {"material", Kind::kChoice, kRequired, "tissue|blood|stool|saliva|plasma|serum|pbmc|dna|rna|cells|peptides"},
    {"preservation", Kind::kChoice, kOptional, "ffpe|snap-frozen|fresh|edta|cfdna-tube|stabilised|cryopreserved|none"},
    {"sop_id", Kind::kId},
    {"sop_version", Kind::kText},
    {"collected_day", Kind::kInteger, kOptional, {}, -36525, 36525},
    {"cold_ischaemia_min", Kind::kInteger, kOptional, {}, 0, 1e6},
    {"storage_c", Kind::kReal, kOptional, {}, -273.15, 100},
    {"amount", Kind::kReal, kOptional, {}, 0, kNoLimit},
    {"unit", Kind::kChoice, kOptional, "mg|uL|ng|cells|section"},
    {"status", Kind::kChoice, kOptional, "available|reserved|shipped|depleted|destroyed"},
});
constexpr auto kCustody = std::to_array<ColumnRule>({
    {"specimen_id", Kind::kId, kRequired, {}, -kNoLimit, kNoLimit, "specimen.specimen_id"},
    {"seq", Kind::kInteger, kRequired, {}, 1, 1e9},
    {"action", Kind::kChoice, kRequired, "collected|received|stored|aliquoted|shipped|thawed|consumed|destroyed"},
    {"at", Kind::kDate, kRequired},
    {"site", Kind::kText, kRequired},
    {"temp_c", Kind::kReal, kOptional, {}, -273.15, 100},
});
constexpr auto kRuns = std::to_array<ColumnRule>({
    {"run_id", Kind::kId, kRequired},
    {"assay", Kind::kChoice, kRequired, "cytof|imc|mif|scrna|rnaseq|wes|peptide|amplicon|microbiome|he|other"},
    {"instrument", Kind::kText},
    {"batch", Kind::kText, kRequired},
    {"sop_id", Kind::kId},
    {"sop_version", Kind::kText},
    {"started", Kind::kDate, kRequired},
});
constexpr auto kSamples = std::to_array<ColumnRule>({
    {"sample_id", Kind::kId, kRequired},
    {"patient_id", Kind::kPatientId, kOptional, {}, -kNoLimit, kNoLimit, kPatient},
    {"visit", Kind::kChoice, kOptional, kVisits},
    {"day", Kind::kReal, kOptional, {}, -36525, 36525},
    {"specimen", Kind::kChoice, kRequired, "tissue|blood|stool|saliva"},
    {"modality", Kind::kId},
    {"batch", Kind::kText},
    {"control", Kind::kChoice, kRequired, "sample|blank|reference"},
    {"files", Kind::kFiles},
});
constexpr auto kFileColumns = std::to_array<ColumnRule>({
    {"path", Kind::kText, kRequired},
    {"sha256", Kind::kSha256, kRequired},
    {"size", Kind::kInteger, kRequired, {}, 0, 9.2e18},
    {"format", Kind::kText, kRequired},
    {"level", Kind::kChoice, kRequired, "raw|processed|result|document"},
    {"sample_id", Kind::kId, kOptional, {}, -kNoLimit, kNoLimit, "sample.sample_id"},
    {"run_id", Kind::kId, kOptional, {}, -kNoLimit, kNoLimit, "run.run_id"},
});

using Key = std::string_view;
constexpr auto kStudyKey = std::to_array<Key>({"study_id"});
constexpr auto kPatientKey = std::to_array<Key>({"patient_id"});
constexpr auto kConsentKey = std::to_array<Key>({"consent_id"});
constexpr auto kModifierKey = std::to_array<Key>({"consent_id", "code", "value"});
constexpr auto kVisitKey = std::to_array<Key>({"visit_id"});
constexpr auto kTreatmentKey = std::to_array<Key>({"treatment_id"});
constexpr auto kResponseKey = std::to_array<Key>({"patient_id", "day", "criteria"});
constexpr auto kFollowUpKey = std::to_array<Key>({"follow_up_id"});
constexpr auto kSopKey = std::to_array<Key>({"sop_id", "version"});
constexpr auto kSpecimenKey = std::to_array<Key>({"specimen_id"});
constexpr auto kCustodyKey = std::to_array<Key>({"specimen_id", "seq"});
constexpr auto kRunKey = std::to_array<Key>({"run_id"});
constexpr auto kSampleKey = std::to_array<Key>({"sample_id"});
constexpr auto kFileKey = std::to_array<Key>({"path"});

constexpr auto kTables = std::to_array<TableRule>({
    {"studies", "study", "study", kStudies, kStudyKey},
    {"patients", "patient", "patient", kPatients, kPatientKey},
    {"clinical", "clinical", "patient", kClinical, kPatientKey, true},
    {"consent", "consent", "consent", kConsent, kConsentKey},
    {"consent-modifiers", "consent_modifier", {}, kConsentModifiers, kModifierKey},
    {"visits", "visit", "visit", kVisitColumns, kVisitKey},
    {"treatments", "treatment", "treatment", kTreatmentColumns, kTreatmentKey},
    {"responses", "response", {}, kResponses, kResponseKey},
    {"follow-up", "follow_up", "follow_up", kFollowUp, kFollowUpKey},
    {"sops", "sop", {}, kSops, kSopKey},
    {"specimens", "specimen", "specimen", kSpecimens, kSpecimenKey},
    {"custody", "custody", {}, kCustody, kCustodyKey},
    {"runs", "run", "run", kRuns, kRunKey},
    {"samples", "sample", "sample", kSamples, kSampleKey},
    {"files", "file", {}, kFileColumns, kFileKey},
});

}  // namespace

std::span<const TableRule> import_tables() {
  return kTables;
}

const TableRule* find_import_table(std::string_view name) {
  const auto found = std::ranges::find(kTables, name, &TableRule::name);
  return found == kTables.end() ? nullptr : &*found;
}

}  // namespace immucan::cohort
