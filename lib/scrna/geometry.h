#pragma once
// Where barcode, UMI and RNA lie in a pair of reads, written in the fragment geometry description language of
// alevin-fry and simpleaf (COMBINE-lab/seq_geom_parser 0.3, frag_geom.pest):
//
//   geometry = "1{" piece+ "}2{" piece+ "}"
//   piece    = kind "[" length "]" | kind "[" shortest "-" longest "]" | kind ":" | "f[" bases "]"
//   kind     = "b" (barcode) | "u" (UMI) | "r" (RNA) | "x" (skipped); ":" = to the end of the read
//
// for example 1{b[16]u[12]x:}2{r:}. Several b pieces are the parts of one barcode, several u pieces of one UMI, in the
// order of the text. A piece of variable length must be followed by an f piece before the next one: the lengths under
// which the f pieces of the read fit best are taken.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace immucan::scrna {

/// Views into a pair of reads; valid as long as they are.
struct CutRead {
  static constexpr std::size_t kMaximalParts = 4;
  static constexpr std::size_t kMaximalBases = 16;  ///< of a part, and of the UMI: 2 bits each in 32
  std::array<std::string_view, kMaximalParts> barcode, quality;
  std::size_t parts = 0;
  std::string_view umi, rna;
  std::array<char, kMaximalBases> joined_umi{};  ///< holds the UMI where it has several pieces
};

enum class CutOutcome : std::uint8_t {
  kWhole,
  kTooShort,  ///< a read ends before its last barcode or UMI piece
  kNoFixed    ///< the fixed sequences are not there: more than one base in five (and than one) differs
};

class Geometry {
 public:
  struct Piece {
    enum class Kind : std::uint8_t { kBarcode, kUmi, kRna, kSkipped, kFixed };
    Kind kind = Kind::kSkipped;
    std::uint32_t shortest = 0, longest = 0;  ///< longest = kToEnd: whatever is left
    std::string bases;                        ///< of kFixed
  };
  static constexpr std::uint32_t kToEnd = 0xffffffff;

  Geometry() = default;
  /// 64 on text that is not of the grammar, without barcode, UMI or RNA, with more than four barcode parts, parts or
  /// UMIs of more than 16 bases, a second r piece, or a variable piece that nothing anchors.
  explicit Geometry(std::string_view text);

  [[nodiscard]] const std::string& text() const { return text_; }
  /// Lengths that each barcode part can have, ascending; one for most.
  [[nodiscard]] const std::vector<std::vector<std::uint32_t>>& part_lengths() const { return part_lengths_; }
  /// Bases of all parts, at their longest.
  [[nodiscard]] std::uint32_t barcode_length() const;
  [[nodiscard]] std::uint32_t umi_length() const { return umi_length_; }
  /// Bases that read 0 or 1 must have.
  [[nodiscard]] std::uint32_t shortest_read(std::size_t read) const { return shortest_[read]; }
  [[nodiscard]] bool has_fixed() const { return fixed_; }
  /// Whether parts of the barcode or UMI lie in this read.
  [[nodiscard]] bool has_barcode(std::size_t read) const { return barcode_in_[read]; }
  /// The read that holds the RNA.
  [[nodiscard]] std::size_t rna_read() const { return rna_read_; }

  [[nodiscard]] CutOutcome cut(std::string_view read1, std::string_view quality1, std::string_view read2,
                               std::string_view quality2, CutRead& out) const;

 private:
  struct Slice {
    Piece::Kind kind;
    std::uint32_t offset, size;  ///< size = kToEnd: to the end
    std::string bases;           ///< of kFixed
  };
  /// A read under one choice of the variable lengths.
  struct Layout {
    std::vector<Slice> slices;  ///< without skipped ones
    std::uint32_t needed = 0, fixed_bases = 0;
  };
  void compile(std::size_t read, const std::vector<Piece>& pieces);
  [[nodiscard]] const Layout* choose(std::size_t read, std::string_view bases, CutOutcome& outcome) const;

  std::string text_;
  std::array<std::vector<Layout>, 2> layouts_;
  std::array<std::uint32_t, 2> shortest_{};
  std::array<bool, 2> barcode_in_{};
  std::vector<std::vector<std::uint32_t>> part_lengths_;
  std::uint32_t umi_length_ = 0;
  std::size_t rna_read_ = 1;
  bool fixed_ = false;
};

}  // namespace immucan::scrna
