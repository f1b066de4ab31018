#include "io/line_deflate.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <span>
#include <utility>

namespace immucan::io::detail {

namespace {

constexpr std::size_t kLeastLength = 3, kMostLength = 258;
constexpr unsigned kLongestCode = 15;
constexpr std::size_t kEndOfBlock = 256, kFirstLength = 257;

/// Symbol of a length or distance, and the bits that follow it (RFC 1951, 3.2.5).
struct Graded {
  std::uint16_t symbol = 0;
  std::uint8_t extra_bits = 0;
  std::uint16_t extra = 0;
};

/// Steps of 1 first, then two (distances) or four (lengths) symbols for each further extra bit.
constexpr Graded graded(std::size_t offset, unsigned symbol_bits) {
  const std::size_t plain = std::size_t{2} << symbol_bits;
  if (offset < plain) return {static_cast<std::uint16_t>(offset), 0, 0};
  const auto extra_bits = static_cast<unsigned>(std::bit_width(offset)) - 1 - symbol_bits;
  const std::size_t symbol = (extra_bits << symbol_bits) + (offset >> extra_bits);
  return {static_cast<std::uint16_t>(symbol), static_cast<std::uint8_t>(extra_bits),
          static_cast<std::uint16_t>(offset & ((std::size_t{1} << extra_bits) - 1))};
}

Graded length_of(std::size_t length) {
  static constexpr auto kTable = [] {
    std::array<Graded, kMostLength + 1> table{};
    for (std::size_t i = kLeastLength; i < kMostLength; ++i) table[i] = graded(i - kLeastLength, 2);
    table[kMostLength] = {28, 0, 0};
    return table;
  }();
  return kTable[length];
}

Graded distance_of(std::size_t distance) {
  static constexpr std::size_t kNear = 256;
  static constexpr auto kTable = [] {
    std::array<Graded, kNear + 1> table{};
    for (std::size_t i = 1; i <= kNear; ++i) table[i] = graded(i - 1, 1);
    return table;
  }();
  return distance <= kNear ? kTable[distance] : graded(distance - 1, 1);
}

struct Code {
  std::uint32_t bits = 0;  ///< the first bit of the code lowest
  unsigned length = 0;
};

std::uint32_t reversed(std::uint32_t code, unsigned length) {
  std::uint32_t out = 0;
  for (unsigned i = 0; i < length; ++i) out |= (code >> i & 1U) << (length - 1 - i);
  return out;
}

/// Huffman's depths by two queues. Too deep a tree is built again from counts that lie closer together.
void find_lengths(std::span<const std::uint32_t> counts, std::span<Code> codes) {
  std::vector<std::pair<std::uint32_t, std::size_t>> leaves;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    codes[i].length = 0;
    if (counts[i] != 0) leaves.emplace_back(counts[i], i);
  }
  if (leaves.size() < 2) {  // a code of one bit, be it for nothing
    codes[leaves.empty() ? 0 : leaves[0].second].length = 1;
    return;
  }
  for (;;) {
    std::ranges::sort(leaves);
    const std::size_t n = leaves.size();
    std::vector<std::uint32_t> weight(2 * n - 1);
    std::vector<std::size_t> parent(2 * n - 1);
    for (std::size_t i = 0; i < n; ++i) weight[i] = leaves[i].first;
    std::size_t leaf = 0, inner = n;
    for (std::size_t next = n; next < 2 * n - 1; ++next) {
      for (int side = 0; side < 2; ++side) {
        const bool takes_leaf = leaf < n && (inner == next || weight[leaf] <= weight[inner]);
        const std::size_t child = takes_leaf ? leaf++ : inner++;
        weight[next] += weight[child];
        parent[child] = next;
      }
    }
    std::vector<unsigned> depth(2 * n - 1);
    unsigned deepest = 0;
    for (std::size_t i = 2 * n - 2; i-- > 0;) {
      depth[i] = depth[parent[i]] + 1;
      deepest = std::max(deepest, depth[i]);
    }
    if (deepest <= kLongestCode) {
      for (std::size_t i = 0; i < n; ++i) codes[leaves[i].second].length = depth[i];
      return;
    }
    for (auto& one : leaves) one.first = one.first / 2 + 1;
  }
}

/// Codes of a length ascend with the symbol, those of greater length follow (3.2.2).
void number_codes(std::span<Code> codes) {
  std::array<std::uint32_t, kLongestCode + 2> next{}, count{};
  for (const Code& code : codes) ++count[code.length];
  count[0] = 0;
  for (unsigned length = 1; length <= kLongestCode; ++length) next[length + 1] = (next[length] + count[length]) << 1U;
  for (Code& code : codes) {
    if (code.length != 0) code.bits = reversed(next[code.length]++, code.length);
  }
}

/// Writes up to 8 bytes beyond what is put.
class BitWriter {
 public:
  explicit BitWriter(char* out) : out_(out) {}
  /// Up to 56 bits.
  void put(std::uint64_t bits, unsigned count) {
    held_ |= bits << used_;
    used_ += count;
    std::memcpy(out_, &held_, sizeof held_);  // little-endian, as all that we write
    out_ += used_ / 8;
    held_ >>= used_ & ~7U;  // at most 56 of the 63 bits that may be there
    used_ %= 8;
  }
  void put(const Code& code) { put(code.bits, code.length); }
  char* finish() {
    if (used_ > 0) *out_++ = static_cast<char>(held_);
    return out_;
  }

 private:
  char* out_;
  std::uint64_t held_ = 0;
  unsigned used_ = 0;
};

/// The lengths of both codes under a fixed code of their own: 4 bits for 0 to 13 and for a run of zeros, 5 for 14, 15.
void put_lengths(BitWriter& out, std::span<const Code> literals, std::span<const Code> distances) {
  constexpr std::array<std::uint8_t, 19> kOrder = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
  constexpr std::size_t kRun = 18, kShortestRun = 11, kLongestRun = 138;
  std::array<Code, 19> codes{};
  for (std::size_t i = 0; i < 14; ++i) codes[i].length = 4;
  codes[14].length = codes[15].length = 5;
  codes[kRun].length = 4;
  number_codes(codes);
  out.put(literals.size() - kFirstLength, 5);
  out.put(distances.size() - 1, 5);
  out.put(kOrder.size() - 4, 4);
  for (const std::uint8_t symbol : kOrder) out.put(codes[symbol].length, 3);
  std::vector<unsigned> lengths;
  for (const Code& code : literals) lengths.push_back(code.length);
  for (const Code& code : distances) lengths.push_back(code.length);
  for (std::size_t i = 0; i < lengths.size();) {
    std::size_t run = 0;
    while (i + run < lengths.size() && run < kLongestRun && lengths[i + run] == 0) ++run;
    if (run >= kShortestRun) {
      out.put(codes[kRun]);
      out.put(run - kShortestRun, 7);
      i += run;
    } else {
      out.put(codes[lengths[i++]]);
    }
  }
}

/// How far the text goes on alike at both places, at most kMostLength.
inline std::size_t common(std::string_view text, std::size_t before, std::size_t at) {
  const std::size_t most = std::min(text.size() - at, kMostLength);
  std::size_t length = 0;
  for (; length + 8 <= most; length += 8) {
    std::uint64_t a = 0, b = 0;
    std::memcpy(&a, text.data() + before + length, 8);
    std::memcpy(&b, text.data() + at + length, 8);
    if (a != b) return length + static_cast<std::size_t>(std::countr_zero(a ^ b)) / 8;
  }
  while (length < most && text[before + length] == text[at + length]) ++length;
  return length;
}

}  // namespace

void LineDeflate::find_repeats(std::string_view text) {
  // A repeat of four bytes costs about as much as four digits; at the blank of a line it covers the whole number
  // behind.
  constexpr std::size_t kFarthest = 32768, kAfterNewline = 5, kAfterBlank = kLeastLength;
  constexpr std::size_t kNone = ~std::size_t{0};
  if (tokens_.size() < text.size()) tokens_.resize(text.size());
  std::uint32_t* token = tokens_.data();
  std::size_t newline = kNone, blank = kNone;  // of the line before, or of this one once they are passed
  std::size_t covered = 0;                     // by a repeat
  const auto try_repeat = [&](std::size_t before, std::size_t at, std::size_t least) -> std::size_t {
    if (before == kNone || at - before > kFarthest) return 0;
    const std::size_t length = common(text, before, at);
    if (length < least) return 0;
    ++literal_counts_[kFirstLength + length_of(length).symbol];
    ++distance_counts_[distance_of(at - before).symbol];
    *token++ = static_cast<std::uint32_t>(length << 16U | (at - before));
    covered = at + length;
    return length;
  };
  // Fractions come back, from whichever line: where one like it was seen last.
  std::array<std::size_t, 64> fractions;
  fractions.fill(kNone);
  const auto try_fraction = [&](std::size_t at) {
    std::uint32_t begin = 0;
    std::memcpy(&begin, text.data() + at, sizeof begin);
    std::size_t& seen = fractions[(begin * 2654435761U) >> 26U];
    (void)try_repeat(std::exchange(seen, at), at, sizeof begin);
  };
  bool first_blank = true;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '\n') {
      if (at >= covered) (void)try_repeat(newline, at, kAfterNewline);
      newline = at;
      first_blank = true;
    } else if (c == ' ' && first_blank) {
      const std::size_t before = blank, line_end = newline;
      blank = at;
      first_blank = false;
      const std::size_t length = at >= covered ? try_repeat(before, at, kAfterBlank) : 0;
      // Up to this blank the newline that was copied is the only mark: on behind the repeat.
      if (length != 0 && length <= at - before) {
        if (before + length > line_end) {
          newline = at + (line_end - before);
          first_blank = true;
        }
        at = covered;
        continue;
      }
    }
    if (at >= covered && at + 4 <= text.size() && text[at + 1] == '.') try_fraction(at);
    if (at >= covered) {
      const auto symbol = static_cast<unsigned char>(c);
      ++literal_counts_[symbol];
      *token++ = symbol;
    }
    ++at;
  }
  token_count_ = static_cast<std::size_t>(token - tokens_.data());
}

/// Those that follow the codes of lengths and distances.
std::uint64_t LineDeflate::extra_bits() const {
  std::uint64_t bits = 0;
  for (std::size_t i = 8; i < kLiterals - kFirstLength - 1; ++i)
    bits += literal_counts_[kFirstLength + i] * (i / 4 - 1);
  for (std::size_t i = 4; i < kDistances; ++i) bits += std::uint64_t{distance_counts_[i]} * (i / 2 - 1);
  return bits;
}

std::size_t LineDeflate::compress(std::string_view text, char* out, std::size_t capacity) {
  literal_counts_.fill(0);
  distance_counts_.fill(0);
  literal_counts_[kEndOfBlock] = 1;
  find_repeats(text);
  std::array<Code, kLiterals> literals{};
  std::array<Code, kDistances> distances{};
  find_lengths(literal_counts_, literals);
  find_lengths(distance_counts_, distances);
  number_codes(literals);
  number_codes(distances);
  std::size_t last = kLiterals, last_distance = kDistances;
  while (last > kFirstLength && literals[last - 1].length == 0) --last;
  while (last_distance > 1 && distances[last_distance - 1].length == 0) --last_distance;
  std::uint64_t bits = extra_bits();
  for (std::size_t i = 0; i < last; ++i) bits += std::uint64_t{literal_counts_[i]} * literals[i].length;
  for (std::size_t i = 0; i < last_distance; ++i) bits += std::uint64_t{distance_counts_[i]} * distances[i].length;
  constexpr std::uint64_t kMostHeader = 256, kBeyond = 8;  // bytes; of the lengths at 5 bits each, and of the writer
  if (bits / 8 + kMostHeader + kBeyond > capacity) return 0;

  BitWriter writer(out);
  constexpr std::uint64_t kFinal = 1, kOwnCodes = 2;
  writer.put(kFinal | kOwnCodes << 1U, 3);
  put_lengths(writer, std::span(literals).first(last), std::span(distances).first(last_distance));
  for (const std::uint32_t token : std::span(tokens_).first(token_count_)) {
    if (token < kEndOfBlock) {
      writer.put(literals[token]);
      continue;
    }
    const Graded length = length_of(token >> 16U), distance = distance_of(token & 0xffffU);
    const Code& code = literals[kFirstLength + length.symbol];
    const Code& far = distances[distance.symbol];
    const unsigned length_bits = code.length + length.extra_bits, all = length_bits + far.length;
    writer.put(code.bits | std::uint64_t{length.extra} << code.length | std::uint64_t{far.bits} << length_bits |
                   std::uint64_t{distance.extra} << all,
               all + distance.extra_bits);
  }
  writer.put(literals[kEndOfBlock]);
  return static_cast<std::size_t>(writer.finish() - out);
}

}  // namespace immucan::io::detail
