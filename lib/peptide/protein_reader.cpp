#include "core/error.h"
#include "core/text.h"
#include "io/fasta.h"
#include "peptide/protein_database.h"

namespace immucan::peptide {
namespace {

/// Adds the record, or finds that it is known already.
void add_record(const std::string& file, const io::FastaRecord& record, ProteinDatabase& database,
                DatabaseSummary& summary) {
  if (const Protein* known = database.find(record.name)) {
    if (database.letters(known->begin, known->end - known->begin) != record.sequence) {
      core::raise({file, core::Place::line(record.line),
                   "accession '" + core::printable(record.name) + "' comes twice with different sequences",
                   "Rename one of them"});
    }
    ++summary.repeated;
    return;
  }
  for (const char letter : record.sequence) summary.skipped_residues += residue_code(letter) == kNoResidue ? 1U : 0U;
  database.add(record.name + " " + record.description, record.sequence);
}

}  // namespace

ProteinDatabase read_proteins(const std::vector<std::filesystem::path>& files, core::RunContext& context,
                              DatabaseSummary& summary) {
  ProteinDatabase database;
  for (const auto& file : files) {
    // The same protein may come in two files (a proteome and its contaminants): repeats are judged by their sequence.
    io::FastaReader reader(io::open_source(file, context),
                           {.alphabet = io::FastaAlphabet::kProtein, .unique_names = false});
    io::FastaRecord record;
    while (reader.next(record)) add_record(reader.file(), record, database, summary);
  }
  return database;
}

}  // namespace immucan::peptide
