#pragma once
// BAM (SAM/BAM specification v1, https://samtools.github.io/hts-specs/SAMv1.pdf §4.2): records one after the other, in
// any order, with their tags. Indexes and CRAM are not read.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/byte_source.h"

namespace immucan::io {

/// One record. Views are valid until the next call of BamReader::next.
class BamRecord {
 public:
  static constexpr std::uint16_t kUnmapped = 0x4, kReverse = 0x10, kSecondary = 0x100, kSupplementary = 0x800;

  [[nodiscard]] std::uint16_t flag() const { return flag_; }
  [[nodiscard]] bool is_primary() const { return (flag_ & (kSecondary | kSupplementary)) == 0; }
  [[nodiscard]] std::string_view name() const { return name_; }
  /// The read as it was sequenced: records on the reverse strand are turned back. Letters ACGTN and IUPAC codes.
  void append_sequence(std::string& out) const;
  /// Phred + 33, likewise turned back; 'I' for every base where the file has none.
  void append_qualities(std::string& out) const;
  [[nodiscard]] std::size_t length() const { return length_; }
  /// Value of a tag of type Z or A ("" when present but empty); nullopt when absent or of another type.
  [[nodiscard]] std::optional<std::string_view> text_tag(const char (&name)[3]) const;
  /// Value of a tag of an integer type; nullopt when absent or of another type.
  [[nodiscard]] std::optional<std::int64_t> number_tag(const char (&name)[3]) const;

 private:
  friend class BamReader;
  struct Tag {
    char type = 0;
    std::string_view value;
  };
  [[nodiscard]] std::optional<Tag> tag(const char (&name)[3]) const;
  std::uint16_t flag_ = 0;
  std::size_t length_ = 0;
  std::string_view name_, packed_bases_, qualities_, tags_;
};

class BamReader {
 public:
  /// Reads the header. 65 when this is no BAM, or cut off.
  explicit BamReader(std::unique_ptr<ByteSource> source);
  /// False at the end. 65 with the record's number on lengths that do not fit, an unknown tag type, a cut-off record.
  bool next(BamRecord& record);
  /// The SAM header.
  [[nodiscard]] const std::string& header() const { return header_; }
  [[nodiscard]] const std::string& name() const { return source_->name(); }
  /// 1-based number of the record last returned.
  [[nodiscard]] std::uint64_t record_number() const { return records_; }

 private:
  [[noreturn]] void fail(const std::string& what) const;
  void need(std::size_t bytes);
  std::uint32_t header_number();
  void check_tags(std::string_view tags) const;

  std::unique_ptr<ByteSource> source_;
  std::string header_;
  std::string buffer_;
  std::size_t begin_ = 0, end_ = 0;
  std::uint64_t records_ = 0;
};

}  // namespace immucan::io
