#pragma once
// FASTA, one record at a time: genomes, proteomes, primers. For reads see io/fastq.h.
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_set>

#include "io/byte_source.h"

namespace immucan::io {

enum class FastaAlphabet {
  kDna,      ///< A C G T U N and the other IUPAC codes
  kProtein,  ///< the letters A to Z and '*'
  kAny,      ///< letters, '*', '-', '.'
};

struct FastaOptions {
  FastaAlphabet alphabet = FastaAlphabet::kDna;
  bool upper_case = true;    ///< soft-masked (lower-case) letters become upper case
  bool unique_names = true;  ///< a repeated name is an error
  bool allow_empty = false;  ///< records without sequence
};

struct FastaRecord {
  std::string name;         ///< title up to the first blank or tab, never empty
  std::string description;  ///< the rest of the title, without the blanks between
  std::string sequence;
  std::uint64_t line = 0;  ///< of the title
};

class FastaReader {
 public:
  explicit FastaReader(std::unique_ptr<ByteSource> source, FastaOptions options = {});
  /// False at the end. 65 with file and line on an odd character, an empty or repeated name, an empty sequence, a file
  /// that does not begin with '>' or holds nothing. A recycled record keeps its capacity.
  bool next(FastaRecord& record);
  [[nodiscard]] const std::string& file() const { return lines_.name(); }

 private:
  [[noreturn]] void fail(std::uint64_t line, std::uint64_t column, std::string what, std::string remedy) const;
  void begin_record(FastaRecord& record);
  void append(std::string& sequence, std::string_view line);

  LineReader lines_;
  FastaOptions options_;
  std::string table_;  ///< 256 entries: what a byte becomes, 0 = refused
  std::string title_;  ///< of the record to come
  std::uint64_t title_line_ = 0;
  bool started_ = false, has_title_ = false;
  std::unordered_set<std::string> names_;
};

}  // namespace immucan::io
