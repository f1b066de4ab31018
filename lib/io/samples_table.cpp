#include "io/samples_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "core/text.h"

namespace immucan::io {
namespace {

constexpr std::array<std::string_view, 4> kVisits = {"naive", "on-treatment", "progression", "follow-up"};
constexpr std::array<std::string_view, 4> kSpecimens = {"tissue", "blood", "stool", "saliva"};
constexpr std::array<std::string_view, 3> kControls = {"sample", "blank", "reference"};
constexpr std::array<std::string_view, 6> kRoles = {"fcs", "read1", "read2", "bam", "spectra", "vcf"};

template <std::size_t N>
std::string listed(const std::array<std::string_view, N>& words) {
  std::string text;
  for (const std::string_view word : words) {
    if (!text.empty()) text += ", ";
    text += word;
  }
  return text;
}

/// One column of the table, checked against its vocabulary.
template <std::size_t N>
std::string from_vocabulary(const TsvReader& reader, std::size_t column,
                            const std::array<std::string_view, N>& vocabulary) {
  const std::string_view text = reader.field(column);
  if (std::ranges::find(vocabulary, text) == vocabulary.end()) {
    reader.fail(column, fmt::format("unknown value '{}'", core::printable(text)), "Use one of: " + listed(vocabulary));
  }
  return std::string(text);
}

std::string required_id(const TsvReader& reader, std::size_t column) {
  const std::string_view text = reader.field(column);
  if (core::is_missing(text)) reader.fail(column, "the id is missing", "Give every row an id; NA is never an id");
  return std::string(text);
}

std::vector<SampleFile> parse_files(const TsvReader& reader, std::size_t column, const std::filesystem::path& folder) {
  std::vector<SampleFile> files;
  if (core::is_missing(reader.field(column))) return files;
  for (const std::string_view item : core::split(reader.field(column), ';')) {
    const std::size_t equals = item.find('=');
    const std::string_view role = item.substr(0, equals);
    if (equals == std::string_view::npos || equals + 1 == item.size()) {
      reader.fail(column, fmt::format("'{}' is not of the form role=path", core::printable(item)),
                  "Join files by ';', e.g. read1=a_R1.fastq.gz;read2=a_R2.fastq.gz");
    }
    if (std::ranges::find(kRoles, role) == kRoles.end()) {
      reader.fail(column, fmt::format("unknown role '{}'", core::printable(role)), "Use one of: " + listed(kRoles));
    }
    files.push_back({std::string(role), folder / std::string(item.substr(equals + 1))});
  }
  return files;
}

std::string optional_text(const TsvReader& reader, std::optional<std::size_t> column) {
  if (!column || core::is_missing(reader.field(*column))) return "";
  return std::string(reader.field(*column));
}

/// Blanks and references need no patient, visit or specimen, but what they say must be a known word.
template <std::size_t N>
std::string word(const TsvReader& reader, std::size_t column, const std::array<std::string_view, N>& vocabulary,
                 bool needed) {
  return needed || !core::is_missing(reader.field(column)) ? from_vocabulary(reader, column, vocabulary) : "";
}

/// A sample's outputs are named after it.
std::string sample_id_at(const TsvReader& reader, std::size_t column) {
  std::string id = required_id(reader, column);
  const auto odd = [](char c) { return c == '/' || static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  if (std::ranges::any_of(id, odd) || id.starts_with('.')) {
    reader.fail(column, fmt::format("'{}' cannot name a file", core::printable(id)),
                "A sample_id holds no '/' or control characters and does not begin with '.'");
  }
  return id;
}

}  // namespace

std::vector<Sample> read_samples(const std::filesystem::path& path, core::RunContext& context) {
  return read_samples(open_source(path, context), path.parent_path());
}

std::vector<Sample> read_samples(std::unique_ptr<ByteSource> source, const std::filesystem::path& folder) {
  TsvReader reader(std::move(source));
  const std::size_t sample_column = reader.require("sample_id");
  const std::size_t patient_column = reader.require("patient_id");
  const std::size_t visit_column = reader.require("visit");
  const std::size_t specimen_column = reader.require("specimen");
  const std::size_t modality_column = reader.require("modality");
  const auto day_column = reader.find("day");
  const auto batch_column = reader.find("batch");
  const auto control_column = reader.find("control");
  const auto files_column = reader.find("files");

  std::vector<Sample> samples;
  std::map<std::string, std::uint64_t> line_of_id;
  while (reader.next()) {
    Sample sample;
    sample.sample_id = sample_id_at(reader, sample_column);
    const auto [known, inserted] = line_of_id.emplace(sample.sample_id, reader.line());
    if (!inserted) {
      reader.fail(sample_column,
                  fmt::format("'{}' stands in line {} already", core::printable(sample.sample_id), known->second),
                  "Every sample has its own sample_id");
    }
    sample.control = control_column && !core::is_missing(reader.field(*control_column))
                         ? from_vocabulary(reader, *control_column, kControls)
                         : "sample";
    const bool patient_needed = sample.control == "sample";
    sample.patient_id = patient_needed ? required_id(reader, patient_column) : optional_text(reader, patient_column);
    sample.visit = word(reader, visit_column, kVisits, patient_needed);
    sample.specimen = word(reader, specimen_column, kSpecimens, patient_needed);
    sample.modality = optional_text(reader, modality_column);
    if (day_column) sample.day = reader.number(*day_column);
    sample.batch = optional_text(reader, batch_column);
    if (files_column) sample.files = parse_files(reader, *files_column, folder);
    samples.push_back(std::move(sample));
  }
  return samples;
}

Table read_clinical(const std::filesystem::path& path, core::RunContext& context) {
  Table table = read_table(path, context);
  const std::size_t column = table.require("patient_id");
  std::map<std::string, std::uint64_t> line_of_id;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const std::string& id = table.rows[row][column];
    if (core::is_missing(id)) table.fail(row, column, "the id is missing", "NA is never an id");
    const auto [known, inserted] = line_of_id.emplace(id, table.lines[row]);
    if (!inserted) {
      table.fail(row, column, fmt::format("'{}' stands in line {} already", core::printable(id), known->second),
                 "clinical.tsv has one row per patient");
    }
  }
  return table;
}

}  // namespace immucan::io
