#include "core/error.h"
#include "core/text.h"
#include "io/byte_source.h"
#include "peptide/protein_database.h"
namespace immucan::peptide {
ProteinDatabase read_proteins(const std::vector<std::filesystem::path>& files, core::RunContext& context,
                              DatabaseSummary&) {
  ProteinDatabase database;
  for (const auto& file : files) {
    io::LineReader lines(io::open_source(file, context));
    std::string header, seq;
    bool any = false;
    std::string_view line;
    while (lines.next(line)) {
      if (line.starts_with('>')) {
        if (any) database.add(header, seq);
        any = true;
        header = line.substr(1);
        seq.clear();
      } else seq += line;
    }
    if (any) database.add(header, seq);
  }
  return database;
}
}  // namespace immucan::peptide
