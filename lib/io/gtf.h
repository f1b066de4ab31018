#pragma once
// Gene annotation rows: GTF (Ensembl, GENCODE) and GFF3 (Ensembl, RefSeq). Which of the two is decided by the first
// row.
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/byte_source.h"

namespace immucan::io {

enum class AnnotationFormat { kGtf, kGff3 };

struct Attribute {
  std::string_view key, value;  ///< without quotes; percent-decoded (GFF3)
};

/// One row. Views are valid until the next call of next().
struct GtfRow {
  std::string_view sequence, source, feature;
  std::uint64_t start = 0, end = 0;  ///< 1-based, both inclusive, start ≤ end
  std::optional<double> score;
  char strand = '.';                  ///< + - . ?
  std::optional<int> phase;           ///< 0, 1, 2
  std::vector<Attribute> attributes;  ///< in the order of the row; keys may repeat (GTF tags)
  std::uint64_t line = 0;

  /// Value of the first attribute of that key, or nullopt.
  [[nodiscard]] std::optional<std::string_view> attribute(std::string_view key) const;
};

class GtfReader {
 public:
  explicit GtfReader(std::unique_ptr<ByteSource> source);
  /// Comment lines are passed over; "##FASTA" ends a GFF3. False at the end. 65 with file, line and column on a row
  /// that is not of nine columns, a coordinate that is no number or reversed, another strand or phase, broken
  /// attributes; also when the file holds no row at all.
  bool next(GtfRow& row);
  /// Valid after the first row.
  [[nodiscard]] AnnotationFormat format() const { return format_; }
  [[nodiscard]] const std::string& file() const { return lines_.name(); }
  /// ParseError at the row last returned: what a reader of genes finds wrong in it (a missing gene_id …).
  [[noreturn]] void fail(std::string what, std::string remedy) const;

 private:
  [[noreturn]] void fail_at(const char* at, std::string what, std::string remedy) const;
  void parse_row(GtfRow& row);
  std::uint64_t coordinate(std::string_view field) const;
  void parse_gtf_attributes(std::string_view text, std::vector<Attribute>& attributes) const;
  void parse_gff3_attributes(std::string_view text, std::vector<Attribute>& attributes);
  std::string_view decoded(std::string_view text);

  LineReader lines_;
  std::string_view line_;
  std::vector<std::string_view> fields_;
  std::deque<std::string> decoded_;  ///< percent-decoded values of the current row
  bool decided_ = false, finished_ = false;
  AnnotationFormat format_ = AnnotationFormat::kGtf;
};

}  // namespace immucan::io
