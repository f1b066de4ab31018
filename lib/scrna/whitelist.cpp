#include "scrna/whitelist.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "core/error.h"
#include "core/text.h"
#include "io/byte_source.h"
#include "sequence/packed_sequence.h"

namespace immucan::scrna {

namespace {

constexpr unsigned kMostBucketBits = 20;
constexpr std::size_t kMaximalBarcodes = std::size_t{1} << 28;

/// Columns of a line: separated by blanks or tabs.
void split_columns(std::string_view line, std::vector<std::string_view>& columns) {
  columns.clear();
  for (std::size_t begin = 0; begin <= line.size();) {
    const std::size_t end = std::min(line.find_first_of(" \t,", begin), line.size());
    if (end > begin) columns.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
}

std::string lengths_text(std::span<const std::uint32_t> lengths) {
  return lengths.size() == 1 ? std::to_string(lengths.front())
                             : fmt::format("{} to {}", lengths.front(), lengths.back());
}

/// Reads lists into the parts they belong to.
class ListReader {
 public:
  /// Column i of the file goes to parts[i]; further columns are passed over.
  static void read(std::unique_ptr<io::ByteSource> source, std::span<BarcodePart* const> parts,
                   std::span<const std::vector<std::uint32_t>> lengths) {
    io::LineReader lines(std::move(source));
    std::string_view line;
    std::vector<std::string_view> columns;
    bool any = false;
    while (lines.next(line)) {
      split_columns(line, columns);
      if (columns.empty()) columns.emplace_back();
      const auto fail = [&](std::string what, std::string remedy) {
        core::raise({lines.name(), core::Place::line(lines.line_number()), std::move(what), std::move(remedy)});
      };
      if (columns.size() < parts.size()) {
        fail(fmt::format("{} columns where the barcode has {} parts", columns.size(), parts.size()),
             "Give one list per part, or one column per part");
      }
      for (std::size_t i = 0; i < parts.size(); ++i) {
        if (columns[i] == "-" && parts.size() > 1) continue;
        if (std::ranges::find(lengths[i], columns[i].size()) == lengths[i].end()) {
          fail(fmt::format("barcode of {} bases where the chemistry has {} (\"{}\")", columns[i].size(),
                           lengths_text(lengths[i]), core::printable(columns[i])),
               "Give the barcode list of this chemistry, one barcode per line");
        }
        const auto code = encode_bases(columns[i]);
        if (!code) {
          fail(fmt::format("not a barcode (\"{}\")", core::printable(columns[i])),
               "Barcodes are made of the letters A, C, G and T");
        }
        parts[i]->add(*code, static_cast<std::uint32_t>(columns[i].size()));
        any = true;
      }
    }
    if (!any)
      core::raise({lines.name(), core::Place::none(), "holds no barcode", "Give the barcode list of this chemistry"});
    for (BarcodePart* part : parts) {
      if (const auto twice = part->index()) {
        core::raise({lines.name(), core::Place::none(), fmt::format("barcode {} appears twice", *twice),
                     "Every barcode may appear once: sort -u the list"});
      }
    }
  }
};

}  // namespace

std::optional<std::uint32_t> encode_bases(std::string_view bases) {
  std::uint32_t code = 0;
  for (const char base : bases) {
    const std::uint8_t digit = sequence::kBaseCodes[static_cast<unsigned char>(base)];
    if (digit > 3) return std::nullopt;
    code = (code << 2) | digit;
  }
  return code;
}

std::string decode_bases(std::uint32_t code, std::uint32_t length) {
  std::string bases(length, 'A');
  for (std::uint32_t i = 0; i < length; ++i) bases[length - 1 - i] = "ACGT"[(code >> (2 * i)) & 3];
  return bases;
}

std::vector<std::uint32_t> first_line_lengths(const std::filesystem::path& list) {
  core::RunContext apart("scrna-count", "", "count");  // the list is read, and recorded, when its chemistry is known
  io::LineReader lines(io::open_source(list, apart));
  std::string_view line;
  std::vector<std::uint32_t> lengths;
  std::vector<std::string_view> columns;
  if (lines.next(line)) split_columns(line, columns);
  for (const std::string_view column : columns) lengths.push_back(static_cast<std::uint32_t>(column.size()));
  return lengths;
}

void BarcodePart::add(std::uint32_t code, std::uint32_t length) {
  auto table = std::ranges::find(tables_, length, &Table::length);
  if (table == tables_.end()) {
    tables_.push_back({.length = length});
    table = tables_.end() - 1;
  }
  table->codes.push_back(code);
}

std::optional<std::string> BarcodePart::index() {
  std::ranges::sort(tables_, {}, &Table::length);
  size_ = 0;
  for (Table& table : tables_) {
    if (!std::ranges::is_sorted(table.codes)) std::ranges::sort(table.codes);
    const auto twice = std::ranges::adjacent_find(table.codes);
    if (twice != table.codes.end()) return decode_bases(*twice, table.length);
    const unsigned bits = 2 * table.length;
    table.low_bits = 2 * (table.length / 2);
    table.first_rank = static_cast<std::uint32_t>(size_);
    // About one code to a bucket, and no bucket across two first halves.
    const unsigned bucket_bits = std::min(bits, std::clamp(static_cast<unsigned>(std::bit_width(table.codes.size())),
                                                           bits - table.low_bits, kMostBucketBits));
    table.shift = bits - bucket_bits;
    const auto starts_of = [&](std::size_t buckets, const auto& bucket_of) {
      std::vector<std::uint32_t> starts(buckets + 1, 0);
      for (const std::uint32_t code : table.codes) ++starts[bucket_of(code) + 1];
      for (std::size_t i = 1; i < starts.size(); ++i) starts[i] += starts[i - 1];
      return starts;
    };
    const auto second_half = [&](std::uint32_t code) { return code & ((std::size_t{1} << table.low_bits) - 1); };
    table.bucket_starts =
        starts_of(std::size_t{1} << bucket_bits, [&](std::uint32_t code) { return code >> table.shift; });
    table.first_half_starts = starts_of(std::size_t{1} << table.low_bits, second_half);
    table.first_halves.resize(table.codes.size());
    std::vector<std::uint32_t> next = table.first_half_starts;
    for (const std::uint32_t code : table.codes)
      table.first_halves[next[second_half(code)]++] = static_cast<std::uint16_t>(code >> table.low_bits);
    size_ += table.codes.size();
  }
  return std::nullopt;
}

namespace {

/// Which base sets two codes apart, counted from the last; nullopt when it is not exactly one.
std::optional<std::uint32_t> single_difference(std::uint32_t a, std::uint32_t b) {
  const std::uint32_t bits = a ^ b, bases = (bits | (bits >> 1)) & 0x55555555U;
  if (!std::has_single_bit(bases)) return std::nullopt;
  return static_cast<std::uint32_t>(std::countr_zero(bases)) / 2;
}

}  // namespace

void BarcodePart::neighbours(std::uint32_t code, std::uint32_t length, std::optional<std::uint32_t> unknown_at,
                             std::vector<Neighbour>& out) const {
  out.clear();
  const auto found = std::ranges::find(tables_, length, &Table::length);
  if (found == tables_.end()) return;
  const Table& table = *found;
  const auto consider = [&](std::uint32_t other, auto&& rank) {
    auto from_end = single_difference(code, other);
    if (unknown_at && other == code) from_end = length - 1 - *unknown_at;
    if (!from_end || (unknown_at && length - 1 - *from_end != *unknown_at)) return;
    out.push_back({rank(), length - 1 - *from_end});
  };
  const std::uint32_t first_half = code >> table.low_bits;
  const unsigned buckets = table.low_bits - table.shift;
  for (std::uint32_t i = table.bucket_starts[std::size_t{first_half} << buckets];
       i < table.bucket_starts[(std::size_t{first_half} + 1) << buckets]; ++i) {
    consider(table.codes[i], [&] { return table.first_rank + i; });
  }
  const std::uint32_t second_half = code & static_cast<std::uint32_t>((std::uint64_t{1} << table.low_bits) - 1);
  for (std::uint32_t i = table.first_half_starts[second_half]; i < table.first_half_starts[second_half + 1]; ++i) {
    const std::uint32_t other = (std::uint32_t{table.first_halves[i]} << table.low_bits) | second_half;
    if (other != code) consider(other, [&] { return find_in(table, other).value(); });
  }
  std::ranges::sort(out, {}, [](const Neighbour& one) { return std::pair(one.position, one.rank); });
}

std::string BarcodePart::text(std::uint32_t rank) const {
  std::size_t i = tables_.size() - 1;
  while (i > 0 && tables_[i].first_rank > rank) --i;
  return decode_bases(tables_[i].codes[rank - tables_[i].first_rank], tables_[i].length);
}

std::optional<std::uint32_t> BarcodePart::find_in(const Table& table, std::uint32_t code) {
  const std::size_t bucket = code >> table.shift;
  const auto begin = table.codes.begin() + table.bucket_starts[bucket];
  const auto end = table.codes.begin() + table.bucket_starts[bucket + 1];
  const auto at = std::lower_bound(begin, end, code);
  if (at == end || *at != code) return std::nullopt;
  return table.first_rank + static_cast<std::uint32_t>(at - table.codes.begin());
}

Whitelist::Whitelist(std::span<const std::filesystem::path> paths, const Geometry& geometry,
                     core::RunContext& context) {
  const auto& lengths = geometry.part_lengths();
  name_.clear();
  for (const auto& path : paths) name_ += (name_.empty() ? "" : ", ") + path.filename().string();
  const auto read_all = [&](std::span<const std::vector<std::uint32_t>> part_lengths) {
    parts_.resize(part_lengths.size());
    std::vector<BarcodePart*> targets;
    for (BarcodePart& part : parts_) targets.push_back(&part);
    ListReader::read(io::open_source(paths.front(), context), targets, part_lengths);
  };
  if (lengths.size() == 1 && paths.size() == 1) {
    read_all(lengths);
  } else if (paths.size() == lengths.size()) {
    parts_.resize(paths.size());
    for (std::size_t i = 0; i < paths.size(); ++i) {
      BarcodePart* const part = &parts_[i];
      ListReader::read(io::open_source(paths[i], context), std::span(&part, 1), std::span(&lengths[i], 1));
    }
  } else if (paths.size() == 1) {
    const std::uint32_t whole = geometry.barcode_length();
    const auto shape = first_line_lengths(paths.front());
    const std::vector<std::uint32_t> joined = {whole};
    if (shape.size() == 1 && shape.front() == whole && whole <= CutRead::kMaximalBases) {
      read_all(std::span(&joined, 1));
    } else if (shape.size() == 1 && std::ranges::all_of(lengths, [&](const auto& l) { return l == lengths.front(); })) {
      read_all(std::span(&lengths.front(), 1));
      parts_.resize(lengths.size(), BarcodePart(parts_.front()));
    } else {
      read_all(lengths);
    }
  } else {
    core::raise_usage(
        fmt::format("--whitelist: {} files where the barcode has {} part{}. Give one list per part, or one "
                    "file with a column per part.",
                    paths.size(), lengths.size(), lengths.size() == 1 ? "" : "s"));
  }
  finish();
}

Whitelist::Whitelist(std::unique_ptr<io::ByteSource> columns, const Geometry& geometry)
    : parts_(geometry.part_lengths().size()) {
  std::vector<BarcodePart*> targets;
  for (BarcodePart& part : parts_) targets.push_back(&part);
  ListReader::read(std::move(columns), targets, geometry.part_lengths());
  finish();
}

Whitelist::Whitelist(std::span<const std::string> barcodes, std::uint32_t length) : parts_(1) {
  if (length == 0 || length > CutRead::kMaximalBases)
    throw core::Error(core::Status::kInternal, "barcodes of more than 16 bases do not fit a code");
  for (const std::string& barcode : barcodes) parts_.front().add(encode_bases(barcode).value(), length);
  (void)parts_.front().index();
  finish();
}

void Whitelist::finish() {
  size_ = 1;
  for (const BarcodePart& part : parts_) {
    size_ *= part.size();
    if (size_ > kMaximalBarcodes) {
      core::raise({name_, core::Place::none(), "the lists make more than 268,435,456 barcodes",
                   "Give the lists of the barcodes that were used"});
    }
  }
}

std::string Whitelist::text(std::uint32_t rank) const {
  std::string out;
  for (std::size_t i = parts_.size(); i-- > 0;) {
    const auto size = static_cast<std::uint32_t>(parts_[i].size());
    out.insert(0, parts_[i].text(rank % size));
    rank /= size;
  }
  return out;
}

}  // namespace immucan::scrna
