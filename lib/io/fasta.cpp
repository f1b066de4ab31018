#include "io/fasta.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/text.h"

namespace immucan::io {

namespace {

std::string make_table(const FastaOptions& options) {
  std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  std::string_view others;
  switch (options.alphabet) {
    case FastaAlphabet::kDna:
      letters = "ACGTUNRYSWKMBDHV";
      break;
    case FastaAlphabet::kProtein:
      others = "*";
      break;
    case FastaAlphabet::kAny:
      others = "*-.";
      break;
  }
  std::string table(256, '\0');
  for (const char letter : letters) {
    const char lower = static_cast<char>(letter | 0x20);
    table[static_cast<unsigned char>(letter)] = letter;
    table[static_cast<unsigned char>(lower)] = options.upper_case ? letter : lower;
  }
  for (const char other : others) table[static_cast<unsigned char>(other)] = other;
  return table;
}

const char* describe(FastaAlphabet alphabet) {
  switch (alphabet) {
    case FastaAlphabet::kDna:
      return "Nucleotide sequences hold IUPAC codes (ACGTU, N and RYSWKMBDHV)";
    case FastaAlphabet::kProtein:
      return "Protein sequences hold letters and '*'";
    default:
      return "Sequences hold letters, '*', '-' and '.'";
  }
}

}  // namespace

FastaReader::FastaReader(std::unique_ptr<ByteSource> source, FastaOptions options)
    : lines_(std::move(source)), options_(options), table_(make_table(options)) {}

void FastaReader::fail(std::uint64_t line, std::uint64_t column, std::string what, std::string remedy) const {
  core::raise(core::ParseError{lines_.name(), core::Place::line(line, column), std::move(what), std::move(remedy)});
}

void FastaReader::begin_record(FastaRecord& record) {
  const std::string_view title(title_);
  const std::size_t name_size = std::min(title.find_first_of(" \t"), title.size());
  if (name_size == 0) fail(title_line_, 1, "the record has no name", "Write the name directly after '>'");
  record.name = title.substr(0, name_size);
  record.description = core::trim(title.substr(name_size));
  record.sequence.clear();
  record.line = title_line_;
  if (options_.unique_names && !names_.insert(record.name).second) {
    fail(title_line_, 2, fmt::format("the name '{}' occurs a second time", core::printable(record.name)),
         "Names of sequences must be unique: rename or remove one");
  }
}

void FastaReader::append(std::string& sequence, std::string_view line) {
  const std::size_t before = sequence.size();
  sequence.resize(before + line.size());
  char refused = 1;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char letter = table_[static_cast<unsigned char>(line[i])];
    sequence[before + i] = letter;
    refused = static_cast<char>(refused & (letter != '\0'));
  }
  if (refused != 0) return;
  const auto odd = std::ranges::find_if(line, [&](char c) { return table_[static_cast<unsigned char>(c)] == '\0'; });
  fail(lines_.line_number(), static_cast<std::uint64_t>(odd - line.begin()) + 1,
       fmt::format("'{}' is no letter of a sequence", core::printable({&*odd, 1})), describe(options_.alphabet));
}

bool FastaReader::next(FastaRecord& record) {
  std::string_view line;
  if (!started_) {
    started_ = true;
    while (lines_.next(line) && core::trim(line).empty()) {
    }
    if (lines_.line_number() == 0 || core::trim(line).empty()) {
      fail(1, 0, "the file holds no sequence", "A FASTA record begins with '>' and a name");
    }
    if (line.front() != '>') {
      fail(lines_.line_number(), 1, fmt::format("'{}' where '>' is expected", core::printable(line, 20)),
           "A FASTA record begins with '>' and a name");
    }
    title_ = line.substr(1);
    title_line_ = lines_.line_number();
    has_title_ = true;
  }
  if (!has_title_) return false;
  begin_record(record);
  has_title_ = false;
  while (lines_.next(line)) {
    if (!line.empty() && line.front() == '>') {
      title_ = line.substr(1);
      title_line_ = lines_.line_number();
      has_title_ = true;
      break;
    }
    while (!line.empty() && (line.back() == ' ' || line.back() == '\t')) line.remove_suffix(1);
    append(record.sequence, line);
  }
  if (record.sequence.empty() && !options_.allow_empty) {
    fail(record.line, 0, fmt::format("'{}' has no sequence", core::printable(record.name)),
         "Remove the record, or complete the file");
  }
  return true;
}

}  // namespace immucan::io
