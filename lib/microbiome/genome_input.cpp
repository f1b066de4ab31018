#include "microbiome/genome_input.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "io/fasta.h"
#include "io/tsv.h"
#include "sequence/kmer.h"

namespace immucan::microbiome {

namespace fs = std::filesystem;

namespace {

constexpr std::array<std::string_view, 4> kCompressed{".gz", ".bgz", ".zst", ".zstd"};
constexpr std::array<std::string_view, 5> kFasta{".fa", ".fna", ".fasta", ".fas", ".ffn"};

/// "x/GCF_1.fna.gz" → "GCF_1"; nullopt where the name is not that of a FASTA file.
std::optional<std::string> genome_name(const fs::path& path) {
  std::string name = path.filename().string();
  for (const auto suffix : kCompressed)
    if (name.ends_with(suffix)) name.resize(name.size() - suffix.size());
  for (const auto suffix : kFasta)
    if (name.size() > suffix.size() && name.ends_with(suffix)) return name.substr(0, name.size() - suffix.size());
  return std::nullopt;
}

[[noreturn]] void fail(const fs::path& file, std::uint64_t line, std::string what, std::string remedy) {
  core::raise(
      {file.string(), line == 0 ? core::Place::none() : core::Place::line(line), std::move(what), std::move(remedy)});
}

void add(std::vector<GenomeFile>& files, std::string name, const fs::path& path) {
  std::error_code error;
  const auto bytes = fs::file_size(path, error);
  if (error) core::raise_input_errno(path.string(), "opening", error.value());
  files.push_back({std::move(name), path, bytes});
}

std::vector<GenomeFile> list_folder(const fs::path& folder) {
  std::vector<GenomeFile> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (const auto name = genome_name(entry.path()); name && entry.is_regular_file()) add(files, *name, entry.path());
  if (files.empty())
    fail(folder, 0, "no FASTA file (.fa .fna .fasta .fas .ffn, also compressed) in this folder",
         "Give the folder of the genomes");
  return files;
}

std::vector<GenomeFile> list_table(const fs::path& table_path, core::RunContext& context) {
  io::TsvReader table(io::open_source(table_path, context));
  const std::size_t genome = table.require("genome"), file = table.require("file");
  std::vector<GenomeFile> files;
  while (table.next()) {
    if (core::is_missing(table.field(genome))) table.fail(genome, "the genome is missing", "Name the genome");
    if (core::is_missing(table.field(file))) table.fail(file, "the file is missing", "Give a path");
    add(files, std::string(table.field(genome)), table_path.parent_path() / fs::path(table.field(file)));
  }
  return files;
}

std::vector<GenomeFile> list_lines(const fs::path& list, core::RunContext& context) {
  io::LineReader lines(io::open_source(list, context));
  std::vector<GenomeFile> files;
  std::string_view line;
  while (lines.next(line)) {
    const auto text = core::trim(line);
    if (text.empty() || text.front() == '#') continue;
    const fs::path path = list.parent_path() / fs::path(text);
    add(files, genome_name(path).value_or(path.filename().string()), path);
  }
  return files;
}

bool is_table(const fs::path& list, core::RunContext& context) {
  io::LineReader lines(io::open_source(list, context));
  std::string_view line;
  while (lines.next(line))
    if (!line.starts_with('#')) return line.find('\t') != std::string_view::npos;
  return false;
}

/// "kraken:taxid|562" anywhere in the title; 0 = none.
std::uint64_t taxid_in(const io::FastaRecord& record) {
  static constexpr std::string_view kMark = "kraken:taxid|";
  for (const std::string* text : {&record.name, &record.description}) {
    const std::size_t at = text->find(kMark);
    if (at == std::string::npos) continue;
    const std::string_view rest = std::string_view(*text).substr(at + kMark.size());
    return core::parse_unsigned(rest.substr(0, rest.find_first_not_of("0123456789"))).value_or(0);
  }
  return 0;
}

}  // namespace

std::vector<GenomeFile> list_genomes(const fs::path& where, core::RunContext& context) {
  std::error_code error;
  const auto status = fs::status(where, error);
  if (!fs::exists(status)) core::raise_input_errno(where.string(), "opening", error ? error.value() : ENOENT);
  std::vector<GenomeFile> files;
  if (fs::is_directory(status))
    files = list_folder(where);
  else
    files = is_table(where, context) ? list_table(where, context) : list_lines(where, context);
  if (files.empty()) fail(where, 0, "no genome is listed", "Write one path per line");
  std::ranges::sort(files, {}, &GenomeFile::name);
  const auto twice = std::ranges::adjacent_find(files, {}, &GenomeFile::name);
  if (twice != files.end())
    fail(where, 0,
         fmt::format("the genome '{}' appears a second time ({})", core::printable(twice->name),
                     core::printable(std::next(twice)->path.filename().string())),
         "Keep one file per genome");
  return files;
}

GenomeContents read_genome(const fs::path& path, core::RunContext& context,
                           const std::function<void(std::string_view contig)>& visit) {
  // Only letters of nucleotides are accepted, so a protein file is refused with the place of its first odd letter.
  io::FastaReader reader(io::open_source(path, context),
                         {.alphabet = io::FastaAlphabet::kDna, .upper_case = false, .unique_names = true});
  GenomeContents contents;
  io::FastaRecord record;
  bool first = true;
  while (reader.next(record)) {
    if (std::exchange(first, false)) contents.header_taxid = taxid_in(record);
    for (const char base : record.sequence)
      contents.bases += sequence::kBaseCodes[static_cast<unsigned char>(base)] < 4 ? 1 : 0;
    ++contents.contigs;
    visit(record.sequence);
  }
  if (contents.bases == 0)
    fail(path, 0, "there is no base A, C, G or T in this genome", "Give a nucleotide FASTA file or leave it out");
  return contents;
}

}  // namespace immucan::microbiome
