#include "microbiome/profile_merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "core/error.h"
#include "core/text.h"
#include "io/tsv.h"
#include "microbiome/cami_profile.h"
#include "microbiome/lineage.h"
#include "microbiome/species_list.h"

namespace immucan::microbiome {

namespace fs = std::filesystem;

namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
constexpr std::string_view kSuffix = ".profile.tsv", kCamiSuffix = ".cami.profile";

MergedSample unknown_sample(std::string id) {
  return {std::move(id), kUnknown, kUnknown, kUnknown, kUnknown, kUnknown, kUnknown};
}

/// "out/P01.profile.tsv" → "P01".
std::string sample_of(const fs::path& file) {
  std::string name = file.filename().string();
  for (const std::string_view suffix : {std::string_view(".gz"), std::string_view(".zst"), kSuffix})
    if (name.size() > suffix.size() && name.ends_with(suffix)) name.resize(name.size() - suffix.size());
  return name;
}

}  // namespace

ProfileTable read_profile_table(std::unique_ptr<io::ByteSource> source, const std::string& rank) {
  io::TsvReader table(std::move(source));
  const std::size_t taxid = table.require("taxid"), rank_column = table.require("rank"), name = table.require("name");
  const std::size_t taxonomic = table.require("taxonomic_abundance"), sequence = table.require("sequence_abundance");
  const std::size_t reads = table.require("reads"), coverage = table.require("coverage");
  const auto limit = table.find("detection_limit"), length = table.find("genome_length"),
             lineage = table.find("lineage");
  const auto value_of = [&](std::size_t column, double most) {
    const double value = table.number(column).value_or(kUnknown);
    if (value < 0 || value > most)
      table.fail(column, fmt::format("{} is not from 0 to {}", value, most), "Give a profile as it was written");
    return value;
  };
  ProfileTable profile;
  std::set<std::string> seen;
  while (table.next()) {
    if (!core::parse_unsigned(table.field(taxid)))
      table.fail(taxid, fmt::format("the taxid '{}' is not a number", core::printable(table.field(taxid))),
                 "Give a profile as it was written");
    if (table.field(rank_column) != rank) continue;
    ProfileTable::Row row;
    row.taxon.taxid = table.field(taxid);
    if (!seen.insert(row.taxon.taxid).second)
      table.fail(taxid, fmt::format("taxid {} appears a second time", row.taxon.taxid), "Keep one row per taxon");
    row.taxon.rank = rank;
    row.taxon.name = table.field(name);
    if (lineage && !core::is_missing(table.field(*lineage))) row.taxon.lineage = table.field(*lineage);
    row.taxon.genome_length = length ? value_of(*length, 1e15) : kUnknown;
    row.taxonomic_abundance = value_of(taxonomic, 1 + 1e-6);
    row.sequence_abundance = value_of(sequence, 1 + 1e-6);
    row.reads = value_of(reads, 1e18);
    row.coverage = value_of(coverage, 1e18);
    row.detection_limit = limit ? value_of(*limit, 1) : kUnknown;
    profile.rows.push_back(std::move(row));
  }
  return profile;
}

void read_summary(std::string_view json, const std::string& file, MergedSample& sample) {
  const auto summary = nlohmann::json::parse(json, nullptr, false);
  if (!summary.is_object())
    core::raise({file, core::Place::none(), "this is not a JSON object", "Profile the sample again"});
  const auto value = [&](const char* name) {
    const auto found = summary.find(name);
    return found != summary.end() && found->is_number() ? found->get<double>() : kUnknown;
  };
  if (const auto id = summary.find("sample_id"); id != summary.end() && id->is_string())
    sample.id = id->get<std::string>();
  sample.fragments = value("input_fragments");
  sample.host_fraction = value("host_fraction");
  sample.unknown_fraction = value("unknown_fraction");
  sample.shannon = value("shannon");
  sample.total_coverage = value("total_coverage");
  sample.detectable_bases = value("detectable_bases");
}

namespace {

/// One file's samples.
std::vector<ProfileTable> read_file(const fs::path& file, const std::string& rank, core::RunContext& context) {
  std::string text = io::read_all(*io::open_source(file, context));
  const auto open = [&] { return io::open_memory(text, file.string()); };
  std::vector<ProfileTable> tables;
  if (!text.starts_with('@') && !text.starts_with('#')) {
    tables.push_back(read_profile_table(open(), rank));
    tables[0].sample = unknown_sample(sample_of(file));
    const fs::path summary = file.parent_path() / (sample_of(file) + ".summary.json");
    if (fs::exists(summary))
      read_summary(io::read_all(*io::open_source(summary, context)), summary.string(), tables[0].sample);
    return tables;
  }
  for (const CamiSample& sample : read_cami_profiles(open())) {
    ProfileTable table{unknown_sample(sample.sample_id), {}};
    for (const CamiRow& row : sample.rows) {
      if (row.rank != rank) continue;
      ProfileTable::Row entry;
      std::string lineage;
      for (std::size_t i = 0; i < row.names.size() && i < kStandardRanks; ++i)
        lineage += fmt::format("{}{}__{}", i == 0 ? "" : ";", kRankLetters[i], plain_name(row.names[i]));
      entry.taxon = {row.taxid, rank, row.names.empty() ? row.taxid : row.names.back(), lineage, kUnknown};
      entry.taxonomic_abundance = row.percentage / 100;
      entry.sequence_abundance = entry.reads = entry.coverage = entry.detection_limit = kUnknown;
      table.rows.push_back(std::move(entry));
    }
    tables.push_back(std::move(table));
  }
  return tables;
}

std::vector<fs::path> files_of(const std::vector<fs::path>& inputs) {
  std::vector<fs::path> files;
  for (const fs::path& input : inputs) {
    if (!fs::is_directory(input)) {
      files.push_back(input);
      continue;
    }
    std::vector<fs::path> inside;
    for (const auto& entry : fs::directory_iterator(input))
      if (entry.path().filename().string().ends_with(kSuffix)) inside.push_back(entry.path());
    if (inside.empty())
      throw core::Error(
          core::Status::kNoInput,
          fmt::format("{}: the folder holds no file *{}. Give folders that 'profile' wrote.", input.string(), kSuffix));
    std::ranges::sort(inside);
    files.insert(files.end(), inside.begin(), inside.end());
  }
  return files;
}

}  // namespace

MergedProfiles merge_tables(std::vector<ProfileTable> tables) {
  MergedProfiles merged;
  // The same taxon in several profiles; lengths from whichever knows them.
  std::map<std::pair<std::string, std::string>, MergedTaxon> taxa;  // lineage, taxid
  std::map<std::string, std::pair<std::string, std::string>> keys;  // taxid → place
  for (const ProfileTable& table : tables) {
    for (const ProfileTable::Row& row : table.rows) {
      const auto key = keys.try_emplace(row.taxon.taxid, row.taxon.lineage, row.taxon.taxid).first->second;
      MergedTaxon& taxon = taxa.try_emplace(key, row.taxon).first->second;
      if (std::isnan(taxon.genome_length)) taxon.genome_length = row.taxon.genome_length;
    }
  }
  std::map<std::string, std::size_t> rows;
  for (auto& [key, taxon] : taxa) {
    rows[taxon.taxid] = merged.taxa.size();
    merged.taxa.push_back(taxon);
  }
  for (const ProfileTable& table : tables) merged.samples.push_back(table.sample);
  const std::size_t size = merged.taxa.size() * tables.size();
  for (auto* values : {&merged.taxonomic_abundance, &merged.sequence_abundance, &merged.reads, &merged.coverage})
    values->assign(size, 0);
  merged.detection_limits.assign(size, kUnknown);
  for (std::size_t s = 0; s < tables.size(); ++s) {
    const MergedSample& sample = tables[s].sample;
    for (std::size_t t = 0; t < merged.taxa.size(); ++t)
      merged.detection_limits[merged.at(t, s)] =
          detection_limit(sample.detectable_bases, merged.taxa[t].genome_length, sample.total_coverage);
    for (const ProfileTable::Row& row : tables[s].rows) {
      const std::size_t at = merged.at(rows.at(row.taxon.taxid), s);
      merged.taxonomic_abundance[at] = row.taxonomic_abundance;
      merged.sequence_abundance[at] = row.sequence_abundance;
      merged.reads[at] = row.reads;
      merged.coverage[at] = row.coverage;
      if (!std::isnan(row.detection_limit)) merged.detection_limits[at] = row.detection_limit;
    }
  }
  return merged;
}

MergedProfiles merge_profiles(const std::vector<fs::path>& inputs, const std::string& rank, core::RunContext& context) {
  std::vector<ProfileTable> tables;
  std::map<std::string, std::string> seen;
  for (const fs::path& file : files_of(inputs)) {
    context.interrupt.check();
    for (ProfileTable& table : read_file(file, rank, context)) {
      const auto [entry, inserted] = seen.emplace(table.sample.id, file.string());
      if (!inserted)
        core::raise({file.string(), core::Place::none(),
                     fmt::format("the sample '{}' is in {} too", core::printable(table.sample.id), entry->second),
                     "Give every sample once"});
      tables.push_back(std::move(table));
    }
  }
  return merge_tables(std::move(tables));
}

void add_contaminants(MergedProfiles& merged, const std::vector<ControlRow>& controls, const std::string& controls_name,
                      const ContaminantOptions& options) {
  std::map<std::string, const ControlRow*> by_id;
  for (const ControlRow& row : controls) by_id[row.sample_id] = &row;
  std::vector<ControlRow> samples;
  for (const MergedSample& sample : merged.samples) {
    const auto found = by_id.find(sample.id);
    if (found == by_id.end())
      core::raise({controls_name, core::Place::none(),
                   fmt::format("the sample '{}' has no row", core::printable(sample.id)),
                   "Give a row for every sample that is merged"});
    samples.push_back(*found->second);
  }
  // Fragments are what contamination adds to; profiles of others have abundances only.
  const bool counted = std::ranges::none_of(merged.reads, [](double value) { return std::isnan(value); });
  const auto& values = counted ? merged.reads : merged.taxonomic_abundance;
  std::vector<std::vector<double>> shares(merged.taxa.size(), std::vector<double>(merged.samples.size()));
  for (std::size_t s = 0; s < merged.samples.size(); ++s) {
    double sum = 0;
    for (std::size_t t = 0; t < merged.taxa.size(); ++t) sum += values[merged.at(t, s)];
    for (std::size_t t = 0; t < merged.taxa.size() && sum > 0; ++t) shares[t][s] = values[merged.at(t, s)] / sum;
  }
  merged.contaminants = score_contaminants(shares, samples, options);
}

void remove_contaminants(MergedProfiles& merged, const std::vector<ControlRow>& controls) {
  std::set<std::string> blanks;
  for (const ControlRow& row : controls)
    if (row.control == "blank") blanks.insert(row.sample_id);
  std::vector<std::size_t> taxa, samples;
  for (std::size_t t = 0; t < merged.taxa.size(); ++t)
    if (merged.contaminants.empty() || !merged.contaminants[t].contaminant) taxa.push_back(t);
  for (std::size_t s = 0; s < merged.samples.size(); ++s)
    if (!blanks.contains(merged.samples[s].id)) samples.push_back(s);
  const auto select = [&](std::vector<double>& values, bool scale) {
    std::vector<double> kept(taxa.size() * samples.size());
    for (std::size_t j = 0; j < samples.size(); ++j) {
      double before = 0, after = 0;
      for (std::size_t t = 0; t < merged.taxa.size(); ++t) before += values[merged.at(t, samples[j])];
      for (const std::size_t t : taxa) after += values[merged.at(t, samples[j])];
      for (std::size_t i = 0; i < taxa.size(); ++i) {
        const double value = values[merged.at(taxa[i], samples[j])];
        kept[i * samples.size() + j] = scale && after > 0 ? value * before / after : value;
      }
    }
    values = std::move(kept);
  };
  select(merged.taxonomic_abundance, true);
  select(merged.sequence_abundance, true);
  select(merged.reads, false);
  select(merged.coverage, false);
  select(merged.detection_limits, false);
  MergedProfiles kept;
  for (const std::size_t t : taxa) {
    kept.taxa.push_back(merged.taxa[t]);
    if (!merged.contaminants.empty()) kept.contaminants.push_back(merged.contaminants[t]);
  }
  for (const std::size_t s : samples) kept.samples.push_back(merged.samples[s]);
  merged.taxa = std::move(kept.taxa);
  merged.samples = std::move(kept.samples);
  merged.contaminants = std::move(kept.contaminants);
}

namespace {

const std::vector<double>& values_of(const MergedProfiles& merged, Measure measure) {
  switch (measure) {
    case Measure::kSequenceAbundance:
      return merged.sequence_abundance;
    case Measure::kReads:
      return merged.reads;
    case Measure::kCoverage:
      return merged.coverage;
    case Measure::kDetectionLimit:
      return merged.detection_limits;
    default:
      return merged.taxonomic_abundance;
  }
}

}  // namespace

std::string merged_tsv(const MergedProfiles& merged, Measure measure) {
  const auto& values = values_of(merged, measure);
  std::string out = "taxid\trank\tname\tlineage";
  for (const MergedSample& sample : merged.samples) out += "\t" + sample.id;
  out += '\n';
  for (std::size_t t = 0; t < merged.taxa.size(); ++t) {
    const MergedTaxon& taxon = merged.taxa[t];
    out += fmt::format("{}\t{}\t{}\t{}", taxon.taxid, taxon.rank, taxon.name,
                       taxon.lineage.empty() ? "NA" : taxon.lineage);
    for (std::size_t s = 0; s < merged.samples.size(); ++s) {
      out += '\t';
      core::append_double(out, values[merged.at(t, s)]);
    }
    out += '\n';
  }
  return out;
}

std::string merged_samples_tsv(const MergedProfiles& merged) {
  std::string out = "sample_id\tfragments\thost_fraction\tunknown_fraction\tshannon\ttaxa\n";
  for (std::size_t s = 0; s < merged.samples.size(); ++s) {
    const MergedSample& sample = merged.samples[s];
    std::size_t taxa = 0;
    for (std::size_t t = 0; t < merged.taxa.size(); ++t)
      taxa += merged.taxonomic_abundance[merged.at(t, s)] > 0 ? 1 : 0;
    out += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\n", sample.id, core::format_double(sample.fragments),
                       core::format_double(sample.host_fraction), core::format_double(sample.unknown_fraction),
                       core::format_double(sample.shannon), taxa);
  }
  return out;
}

std::string contaminants_tsv(const MergedProfiles& merged) {
  std::string out =
      "taxid\tname\tcontaminant\tp\tfdr\tmean_share\tin_samples\tin_blanks\tslope\tp_frequency\tp_prevalence\t"
      "p_enrichment\tdecontam_frequency\tdecontam_prevalence\n";
  for (std::size_t t = 0; t < merged.contaminants.size(); ++t) {
    const ContaminantScore& score = merged.contaminants[t];
    out += fmt::format("{}\t{}\t{}", merged.taxa[t].taxid, merged.taxa[t].name, score.contaminant ? 1 : 0);
    const auto add = [&](double value) { out += "\t" + core::format_double(value); };
    for (const double value : {score.p, score.fdr, score.mean_share}) add(value);
    out += fmt::format("\t{}\t{}", score.in_samples, score.in_blanks);
    for (const double value : {score.slope, score.p_frequency, score.p_prevalence, score.p_enrichment,
                               score.decontam_frequency, score.decontam_prevalence})
      add(value);
    out += '\n';
  }
  return out;
}

io::BiomTable merged_biom(const MergedProfiles& merged) {
  const bool counted = std::ranges::none_of(merged.reads, [](double value) { return std::isnan(value); });
  const auto& values = counted ? merged.reads : merged.taxonomic_abundance;
  io::BiomTable table;
  table.type = "Taxon table";
  for (const MergedSample& sample : merged.samples) table.sample_ids.push_back(sample.id);
  table.values.columns = merged.samples.size();
  std::vector<std::vector<std::string>> lineages;
  std::vector<std::string> names;
  std::vector<double> contaminants;
  for (std::size_t t = 0; t < merged.taxa.size(); ++t) {
    const MergedTaxon& taxon = merged.taxa[t];
    table.observation_ids.push_back(taxon.taxid);
    names.push_back(taxon.name);
    lineages.emplace_back();
    for (const auto part : core::split(taxon.lineage, ';')) lineages.back().emplace_back(part);
    if (!merged.contaminants.empty()) contaminants.push_back(merged.contaminants[t].contaminant ? 1 : 0);
    for (std::size_t s = 0; s < merged.samples.size(); ++s) {
      if (values[merged.at(t, s)] == 0) continue;
      table.values.column.push_back(static_cast<std::int32_t>(s));
      table.values.value.push_back(values[merged.at(t, s)]);
    }
    table.values.row_start.push_back(static_cast<std::int64_t>(table.values.column.size()));
  }
  table.values.rows = merged.taxa.size();
  if (!merged.taxa.empty()) {
    table.observation_metadata.push_back({"taxonomy", std::move(lineages)});
    table.observation_metadata.push_back({"name", std::move(names)});
    if (!contaminants.empty()) table.observation_metadata.push_back({"contaminant", std::move(contaminants)});
  }
  return table;
}

io::AnnData merged_anndata(const MergedProfiles& merged) {
  const std::size_t taxa = merged.taxa.size(), samples = merged.samples.size();
  io::AnnData data;
  const auto sample_column = [&](const char* name, double MergedSample::* member) {
    std::vector<double> values;
    for (const MergedSample& sample : merged.samples) values.push_back(sample.*member);
    data.obs.columns.push_back({name, std::move(values)});
  };
  for (const MergedSample& sample : merged.samples) data.obs.index.push_back(sample.id);
  sample_column("fragments", &MergedSample::fragments);
  sample_column("host_fraction", &MergedSample::host_fraction);
  sample_column("unknown_fraction", &MergedSample::unknown_fraction);
  sample_column("shannon", &MergedSample::shannon);
  std::vector<std::string> ranks, names, lineages;
  std::vector<double> lengths;
  io::Booleans contaminants;
  for (std::size_t t = 0; t < taxa; ++t) {
    data.var.index.push_back(merged.taxa[t].taxid);
    ranks.push_back(merged.taxa[t].rank);
    names.push_back(merged.taxa[t].name);
    lineages.push_back(merged.taxa[t].lineage);
    lengths.push_back(merged.taxa[t].genome_length);
    if (!merged.contaminants.empty()) contaminants.values.push_back(merged.contaminants[t].contaminant ? 1 : 0);
  }
  data.var.columns.push_back({"name", std::move(names)});
  data.var.columns.push_back({"rank", std::move(ranks)});
  data.var.columns.push_back({"lineage", std::move(lineages)});
  data.var.columns.push_back({"genome_length", std::move(lengths)});
  if (!contaminants.values.empty()) data.var.columns.push_back({"contaminant", std::move(contaminants)});
  const auto transposed = [&](const std::vector<double>& values) {
    io::DenseMatrix matrix{samples, taxa, std::vector<double>(samples * taxa)};
    for (std::size_t s = 0; s < samples; ++s)
      for (std::size_t t = 0; t < taxa; ++t) matrix.values[s * taxa + t] = values[merged.at(t, s)];
    return matrix;
  };
  data.dense_x = transposed(merged.taxonomic_abundance);
  data.dense_layers.emplace_back("coverage", transposed(merged.coverage));
  data.dense_layers.emplace_back("detection_limit", transposed(merged.detection_limits));
  data.dense_layers.emplace_back("reads", transposed(merged.reads));
  data.dense_layers.emplace_back("sequence_abundance", transposed(merged.sequence_abundance));
  return data;
}

}  // namespace immucan::microbiome
