#include <cctype>

#include "core/error.h"
#include "core/text.h"
#include "io/byte_source.h"
#include "peptide/protein_database.h"

namespace immucan::peptide {
namespace {

/// One file into the database.
class FastaLoader {
 public:
  FastaLoader(ProteinDatabase& database, DatabaseSummary& summary, std::string file)
      : database_(database), summary_(summary), file_(std::move(file)) {}

  void line(std::string_view text, std::uint64_t number) {
    number_ = number;
    text = core::trim(text);
    if (text.starts_with('>')) {
      finish();
      header_ = core::trim(text.substr(1));
      header_line_ = number;
      open_ = true;
      if (header_.empty()) fail(number, "header without a name", "Give every sequence a name");
      return;
    }
    if (text.empty() || text.starts_with(';')) return;
    if (!open_) {
      fail(number, "'" + core::printable(text) + "' before the first '>'", "Give protein sequences in FASTA");
    }
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (std::isalpha(static_cast<unsigned char>(c)) == 0 && c != '*') {
        core::raise({file_, core::Place::line(number, i + 1),
                     "'" + core::printable(text.substr(i, 1)) + "' is not a residue",
                     c == '>' ? "A line end is missing before '>'" : "Residues are letters, '*' is a stop"});
      }
      sequence_ += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
  }

  void finish() {
    if (!open_) return;
    if (sequence_.empty())
      fail(header_line_, "'" + core::printable(header_) + "' has no residues", "Remove the header");
    const std::string accession = header_.substr(0, header_.find_first_of(" \t"));
    if (const Protein* known = database_.find(accession)) {
      if (database_.letters(known->begin, known->end - known->begin) != sequence_) {
        fail(header_line_, "accession '" + core::printable(accession) + "' comes twice with different sequences",
             "Rename one of them");
      }
      ++summary_.repeated;
    } else {
      for (const char c : sequence_) summary_.skipped_residues += residue_code(c) == kNoResidue ? 1U : 0U;
      database_.add(header_, sequence_);
    }
    sequence_.clear();
    open_ = false;
  }

  [[noreturn]] void fail(std::uint64_t line, std::string what, std::string remedy) const {
    core::raise({file_, core::Place::line(line), std::move(what), std::move(remedy)});
  }

 private:
  ProteinDatabase& database_;
  DatabaseSummary& summary_;
  std::string file_;
  std::string header_, sequence_;
  std::uint64_t number_ = 0, header_line_ = 0;
  bool open_ = false;
};

}  // namespace

ProteinDatabase read_proteins(const std::vector<std::filesystem::path>& files, core::RunContext& context,
                              DatabaseSummary& summary) {
  ProteinDatabase database;
  for (const auto& file : files) {
    io::LineReader lines(io::open_source(file, context));
    FastaLoader loader(database, summary, lines.name());
    const std::size_t before = database.proteins().size() + summary.repeated;
    std::string_view line;
    while (lines.next(line)) loader.line(line, lines.line_number());
    loader.finish();
    if (database.proteins().size() + summary.repeated == before) {
      core::raise({lines.name(), core::Place::none(), "no protein in the file", "Give protein sequences in FASTA"});
    }
  }
  return database;
}

}  // namespace immucan::peptide
