#include "scrna/geometry.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "core/error.h"
#include "core/text.h"

namespace immucan::scrna {

namespace {

using Kind = Geometry::Piece::Kind;
using Pieces = std::vector<Geometry::Piece>;

constexpr std::uint32_t kLongestPiece = 1000;
constexpr std::size_t kMaximalLayouts = 64;  // of one read

/// "1{…}2{…}" by recursive descent.
class GeometryParser {
 public:
  explicit GeometryParser(std::string_view text) : text_(text) {}

  std::array<Pieces, 2> parse() {
    std::array<Pieces, 2> reads;
    for (std::size_t read = 0; read < 2; ++read) {
      expect(read == 0 ? '1' : '2');
      expect('{');
      while (peek() != '}') reads[read].push_back(piece());
      expect('}');
      if (reads[read].empty()) fail("a read without pieces");
    }
    if (at_ != text_.size()) fail("text behind the second read");
    return reads;
  }

  [[noreturn]] void fail(std::string_view what) const {
    core::raise_usage(
        fmt::format("--chemistry: {} at character {} of \"{}\". Write a chemistry's name or a geometry, say "
                    "1{{b[16]u[12]x:}}2{{r:}}.",
                    what, at_ + 1, core::printable(text_, 300)));
  }

 private:
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void expect(char wanted) {
    if (peek() != wanted) fail(fmt::format("'{}' expected", wanted));
    ++at_;
  }

  std::uint32_t number() {
    const std::size_t begin = at_;
    while (peek() >= '0' && peek() <= '9') ++at_;
    const auto value = core::parse_unsigned(text_.substr(begin, at_ - begin));
    if (!value || *value > kLongestPiece) {
      at_ = begin;
      fail(fmt::format("a length from 0 to {} expected", kLongestPiece));
    }
    return static_cast<std::uint32_t>(*value);
  }

  Geometry::Piece piece() {
    Geometry::Piece piece;
    switch (peek()) {
      case 'b':
        piece.kind = Kind::kBarcode;
        break;
      case 'u':
        piece.kind = Kind::kUmi;
        break;
      case 'r':
        piece.kind = Kind::kRna;
        break;
      case 'x':
        piece.kind = Kind::kSkipped;
        break;
      case 'f':
        piece.kind = Kind::kFixed;
        break;
      default:
        fail("one of b, u, r, x, f expected");
    }
    ++at_;
    if (piece.kind == Kind::kFixed) {
      expect('[');
      while (std::string_view("ACGT").find(peek()) != std::string_view::npos && peek() != '\0')
        piece.bases.push_back(text_[at_++]);
      if (piece.bases.empty()) fail("bases A, C, G, T expected");
      if (piece.bases.size() > kLongestPiece) fail("a shorter sequence expected");
      piece.shortest = piece.longest = static_cast<std::uint32_t>(piece.bases.size());
      expect(']');
      return piece;
    }
    if (peek() == ':') {
      ++at_;
      if (piece.kind == Kind::kBarcode || piece.kind == Kind::kUmi) fail("barcodes and UMIs need a length");
      piece.longest = Geometry::kToEnd;
      return piece;
    }
    expect('[');
    piece.shortest = piece.longest = number();
    if (peek() == '-') {
      ++at_;
      piece.longest = number();
    }
    if (piece.longest < piece.shortest || piece.longest == 0) fail("a length of at least 1, shortest first, expected");
    expect(']');
    return piece;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

bool is_variable(const Geometry::Piece& piece) {
  return piece.shortest != piece.longest && piece.longest != Geometry::kToEnd;
}

/// A variable piece shifts all that follows it: an f piece has to say by how much.
void check_order(const GeometryParser& parser, const Pieces& pieces) {
  bool waiting = false;
  std::size_t layouts = 1;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const Geometry::Piece& piece = pieces[i];
    if (piece.longest == Geometry::kToEnd && i + 1 != pieces.size())
      parser.fail("a piece of a read that goes to its end must be the last;");
    if (piece.kind == Kind::kFixed) waiting = false;
    if (!is_variable(piece)) continue;
    if (piece.kind == Kind::kUmi) parser.fail("a UMI has one length;");
    if (waiting) parser.fail("two pieces of variable length need a fixed sequence f[…] between them;");
    waiting = true;
    layouts *= piece.longest - piece.shortest + 1;
    if (layouts > kMaximalLayouts) parser.fail("too many combinations of lengths;");
  }
  if (waiting) parser.fail("a piece of variable length needs a fixed sequence f[…] behind it;");
}

}  // namespace

Geometry::Geometry(std::string_view text) : text_(text) {
  GeometryParser parser(text);
  const auto reads = parser.parse();
  std::size_t rna = 0;
  for (std::size_t read = 0; read < 2; ++read) {
    check_order(parser, reads[read]);
    for (const Piece& piece : reads[read]) {
      if (piece.kind == Kind::kBarcode) {
        if (piece.longest > CutRead::kMaximalBases) parser.fail("a barcode part has at most 16 bases;");
        if (piece.shortest == 0) parser.fail("a barcode part has at least one base;");
        part_lengths_.emplace_back(piece.longest - piece.shortest + 1);
        std::iota(part_lengths_.back().begin(), part_lengths_.back().end(), piece.shortest);
      }
      if (piece.kind == Kind::kUmi) umi_length_ += piece.longest;
      if (piece.kind == Kind::kBarcode || piece.kind == Kind::kUmi) barcode_in_[read] = true;
      if (piece.kind == Kind::kFixed) fixed_ = true;
      if (piece.kind == Kind::kRna) {
        ++rna;
        rna_read_ = read;
      }
    }
    compile(read, reads[read]);
  }
  if (part_lengths_.empty()) parser.fail("no barcode piece b[…];");
  if (part_lengths_.size() > CutRead::kMaximalParts) parser.fail("a barcode has at most four parts;");
  if (umi_length_ == 0) parser.fail("no UMI piece u[…];");
  if (umi_length_ > CutRead::kMaximalBases) parser.fail("a UMI has at most 16 bases;");
  if (rna != 1) parser.fail("one RNA piece, r: or r[…], expected;");
}

std::uint32_t Geometry::barcode_length() const {
  std::uint32_t length = 0;
  for (const auto& lengths : part_lengths_) length += lengths.back();
  return length;
}

void Geometry::compile(std::size_t read, const std::vector<Piece>& pieces) {
  // Every choice of lengths, like a counter whose digits are the variable pieces.
  std::vector<std::uint32_t> lengths;
  for (const Piece& piece : pieces) lengths.push_back(piece.shortest);
  for (;;) {
    Layout layout;
    std::uint32_t offset = 0;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const Piece& piece = pieces[i];
      const std::uint32_t size = piece.longest == kToEnd ? kToEnd : lengths[i];
      if (piece.kind != Kind::kSkipped) layout.slices.push_back({piece.kind, offset, size, piece.bases});
      if (size == kToEnd) break;
      offset += size;
      if (piece.kind == Kind::kFixed) layout.fixed_bases += size;
      if (piece.kind == Kind::kBarcode || piece.kind == Kind::kUmi || piece.kind == Kind::kFixed)
        layout.needed = offset;
    }
    layouts_[read].push_back(std::move(layout));
    std::size_t digit = 0;
    while (digit < pieces.size() && (!is_variable(pieces[digit]) || lengths[digit] == pieces[digit].longest)) {
      lengths[digit] = pieces[digit].shortest;
      ++digit;
    }
    if (digit == pieces.size()) break;
    ++lengths[digit];
  }
  shortest_[read] = std::ranges::min(layouts_[read], {}, &Layout::needed).needed;
}

const Geometry::Layout* Geometry::choose(std::size_t read, std::string_view bases, CutOutcome& outcome) const {
  const auto& layouts = layouts_[read];
  if (layouts.size() == 1 && layouts.front().fixed_bases == 0) {
    outcome = bases.size() < layouts.front().needed ? CutOutcome::kTooShort : CutOutcome::kWhole;
    return &layouts.front();
  }
  const Layout* best = nullptr;
  std::uint32_t least = std::numeric_limits<std::uint32_t>::max();
  for (const Layout& layout : layouts) {
    if (bases.size() < layout.needed) continue;
    std::uint32_t mismatches = 0;
    for (const Slice& slice : layout.slices) {
      if (slice.kind != Kind::kFixed) continue;
      for (std::uint32_t i = 0; i < slice.size; ++i) mismatches += bases[slice.offset + i] != slice.bases[i] ? 1U : 0U;
    }
    if (mismatches < least) {
      least = mismatches;
      best = &layout;
    }
  }
  if (best == nullptr) {
    outcome = CutOutcome::kTooShort;
  } else {
    outcome = least > std::max(1U, best->fixed_bases / 5) ? CutOutcome::kNoFixed : CutOutcome::kWhole;
  }
  return best;
}

CutOutcome Geometry::cut(std::string_view read1, std::string_view quality1, std::string_view read2,
                         std::string_view quality2, CutRead& out) const {
  const std::array<std::string_view, 2> bases = {read1, read2}, qualities = {quality1, quality2};
  out.parts = 0;
  out.umi = {};
  CutOutcome result = CutOutcome::kWhole;
  for (std::size_t read = 0; read < 2; ++read) {
    CutOutcome outcome = CutOutcome::kWhole;
    const Layout* layout = choose(read, bases[read], outcome);
    if (outcome == CutOutcome::kTooShort) return outcome;
    if (outcome == CutOutcome::kNoFixed) result = outcome;
    for (const Slice& slice : layout->slices) {
      const std::size_t from = std::min<std::size_t>(slice.offset, bases[read].size());
      const std::size_t size = std::min<std::size_t>(slice.size, bases[read].size() - from);
      const std::string_view piece(bases[read].data() + from, size);
      if (slice.kind == Kind::kBarcode) {
        out.barcode[out.parts] = piece;
        out.quality[out.parts++] = {qualities[read].data() + from, size};
      } else if (slice.kind == Kind::kRna) {
        out.rna = piece;
      } else if (slice.kind == Kind::kUmi) {
        if (out.umi.empty()) {
          out.umi = piece;
          continue;
        }
        char* begin = out.joined_umi.data();
        if (out.umi.data() != begin) std::ranges::copy(out.umi, begin);
        std::ranges::copy(piece, begin + out.umi.size());
        out.umi = {begin, out.umi.size() + piece.size()};
      }
    }
  }
  return result;
}

}  // namespace immucan::scrna
