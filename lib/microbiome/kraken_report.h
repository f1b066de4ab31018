#pragma once
// Reports of Kraken 1 and 2: one line per taxon, depth first, with the reads of its clade and its own.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/byte_source.h"

namespace immucan::microbiome {

/// One line. The unclassified line has taxid 0, code U and depth 0.
struct ReportRow {
  std::uint64_t clade = 0, direct = 0;
  std::string code;  ///< rank: one letter, or a letter and the distance below that rank
  std::uint64_t taxid = 0;
  unsigned depth = 0;
  std::string name;
  std::uint64_t kmers = 0, distinct_kmers = 0;  ///< of the clade: how many were seen in reads, and how many different
};

/// Lines without the unclassified one, in preorder; row 0 is the root, and `parents` holds the row above.
struct KrakenReport {
  std::vector<ReportRow> rows;
  std::vector<std::size_t> parents;
  std::uint64_t unclassified = 0;
  bool kmer_columns = false;  ///< eight columns instead of six
  [[nodiscard]] std::uint64_t total() const { return unclassified + (rows.empty() ? 0 : rows[0].clade); }
};

/// Six or eight columns, with Windows line ends too. Codes '-' and '' (Kraken 1, early versions of Kraken 2) become the
/// code of the row above with the distance appended (G1, G2 …). 65 with file and line on anything else: a second
/// unclassified line or root, a repeated taxid, a depth that jumps, a clade that is not its own reads plus its
/// children.
[[nodiscard]] KrakenReport read_kraken_report(std::unique_ptr<io::ByteSource> source);

/// Per cent, clade, direct, [k-mers, distinct k-mers,] code, taxid, name indented by two blanks per level. The
/// unclassified row, where there is one, is the first of `rows`. Per cents are of `total`.
[[nodiscard]] std::string write_kraken_report(const std::vector<ReportRow>& rows, std::uint64_t total,
                                              bool kmer_columns);

}  // namespace immucan::microbiome
