#include "scrna/barcodes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/text.h"
#include "io/byte_source.h"
#include "sequence/packed_sequence.h"

namespace immucan::scrna {

namespace {

constexpr unsigned kBucketBits = 20;
constexpr std::uint32_t kMaximalBarcodeLength = 16;  // a code fills 32 bits
constexpr std::uint8_t kMaximalQuality = 33;
constexpr double kPosterior = 0.975;

/// nullopt when a base is not ACGT.
std::optional<std::uint32_t> encode_bases(std::string_view bases) {
  std::uint32_t code = 0;
  for (const char base : bases) {
    const std::uint8_t digit = sequence::kBaseCodes[static_cast<unsigned char>(base)];
    if (digit > 3) return std::nullopt;
    code = (code << 2) | digit;
  }
  return code;
}

}  // namespace

std::string decode_bases(std::uint32_t code, std::uint32_t length) {
  std::string bases(length, 'A');
  for (std::uint32_t i = 0; i < length; ++i) bases[length - 1 - i] = "ACGT"[(code >> (2 * i)) & 3];
  return bases;
}

Whitelist::Whitelist(const std::filesystem::path& path, std::uint32_t length, core::RunContext& context)
    : length_(length) {
  io::LineReader lines(io::open_source(path, context));
  std::string_view line;
  while (lines.next(line)) {
    const auto fail = [&](std::string what, std::string remedy) {
      core::raise({lines.name(), core::Place::line(lines.line_number()), std::move(what), std::move(remedy)});
    };
    // Cell Ranger's translation lists hold a second column.
    line = line.substr(0, line.find('\t'));
    if (line.size() != length) {
      fail(fmt::format("barcode of {} bases where the chemistry has {} (\"{}\")", line.size(), length,
                       core::printable(line)),
           "Give the barcode list of this chemistry, one barcode per line");
    }
    const auto code = encode_bases(line);
    if (!code) {
      fail(fmt::format("not a barcode (\"{}\")", core::printable(line)),
           "Barcodes are made of the letters A, C, G and T");
    }
    codes_.push_back(*code);
  }
  if (codes_.empty()) {
    core::raise({lines.name(), core::Place::none(), "holds no barcode", "Give the barcode list of this chemistry"});
  }
  std::ranges::sort(codes_);
  const auto twice = std::ranges::adjacent_find(codes_);
  if (twice != codes_.end()) {
    core::raise({lines.name(), core::Place::none(),
                 fmt::format("barcode {} appears twice", decode_bases(*twice, length)),
                 "Every barcode may appear once: sort -u the list"});
  }
  index();
}

Whitelist::Whitelist(std::span<const std::string> barcodes, std::uint32_t length) : length_(length) {
  for (const std::string& barcode : barcodes) codes_.push_back(encode_bases(barcode).value());
  std::ranges::sort(codes_);
  index();
}

void Whitelist::index() {
  if (length_ == 0 || length_ > kMaximalBarcodeLength) {
    throw core::Error(core::Status::kInternal, "barcodes of more than 16 bases do not fit a code");
  }
  const unsigned bits = 2 * length_;
  shift_ = bits > kBucketBits ? bits - kBucketBits : 0;
  bucket_starts_.assign((std::size_t{1} << (bits - shift_)) + 1, 0);
  for (const std::uint32_t code : codes_) ++bucket_starts_[(code >> shift_) + 1];
  for (std::size_t i = 1; i < bucket_starts_.size(); ++i) bucket_starts_[i] += bucket_starts_[i - 1];
}

std::string Whitelist::text(std::uint32_t rank) const {
  return decode_bases(codes_[rank], length_);
}

std::optional<std::uint32_t> Whitelist::find(std::uint32_t code) const {
  const std::size_t bucket = code >> shift_;
  const auto begin = codes_.begin() + bucket_starts_[bucket];
  const auto end = codes_.begin() + bucket_starts_[bucket + 1];
  const auto at = std::lower_bound(begin, end, code);
  if (at == end || *at != code) return std::nullopt;
  return static_cast<std::uint32_t>(at - codes_.begin());
}

std::string_view name_of(BarcodeClass barcode_class) {
  constexpr std::array<std::string_view, kBarcodeClasses> kNames = {
      "exact", "one_mismatch", "multi", "no_match", "barcode_many_n", "umi_n", "umi_homopolymer"};
  return kNames[static_cast<std::size_t>(barcode_class)];
}

namespace {

/// All barcodes of the list that differ from `code` at `position` (from the first base).
void substitute(std::uint32_t code, std::uint32_t position, std::uint8_t quality, const Whitelist& whitelist,
                bool unknown, std::vector<BarcodeCandidate>& candidates) {
  const unsigned shift = 2 * (whitelist.barcode_length() - 1 - position);
  const std::uint32_t original = (code >> shift) & 3;
  for (std::uint32_t base = 0; base < 4; ++base) {
    if (base == original && !unknown) continue;
    const auto rank = whitelist.find((code & ~(3U << shift)) | (base << shift));
    if (rank) candidates.push_back({*rank, quality});
  }
}

std::uint8_t capped_quality(char quality) {
  return static_cast<std::uint8_t>(std::clamp(quality - 33, 0, static_cast<int>(kMaximalQuality)));
}

}  // namespace

void call_barcode(std::string_view bases, std::string_view qualities, const Chemistry& chemistry,
                  const Whitelist& whitelist, BarcodeCall& call) {
  call.candidates.clear();
  call.listed = false;
  std::uint32_t code = 0, unknown = 0, unknown_at = 0;
  for (std::uint32_t i = 0; i < chemistry.barcode_length; ++i) {
    const std::uint8_t digit = sequence::kBaseCodes[static_cast<unsigned char>(bases[i])];
    if (digit > 3) {
      ++unknown;
      unknown_at = i;
    }
    code = (code << 2) | (digit & 3U);
  }
  if (unknown == 0) {
    if (const auto rank = whitelist.find(code)) {
      call.listed = true;
      call.rank = *rank;
    }
  }
  const auto umi = encode_bases(bases.substr(chemistry.barcode_length, chemistry.umi_length));
  if (!umi) {
    call.barcode_class = BarcodeClass::kUmiN;
    return;
  }
  call.umi = *umi;
  const std::uint32_t one_letter = 0x55555555U >> (32 - 2 * chemistry.umi_length);
  if (*umi % one_letter == 0 && *umi / one_letter < 4) {
    call.barcode_class = BarcodeClass::kUmiHomopolymer;
    return;
  }
  if (call.listed) {
    call.barcode_class = BarcodeClass::kExact;
    return;
  }
  if (unknown > 1) {
    call.barcode_class = BarcodeClass::kBarcodeManyN;
    return;
  }
  for (std::uint32_t i = 0; i < chemistry.barcode_length; ++i) {
    if (unknown == 1 && i != unknown_at) continue;
    substitute(code, i, capped_quality(qualities[i]), whitelist, unknown == 1, call.candidates);
  }
  if (call.candidates.empty()) {
    call.barcode_class = BarcodeClass::kNoMatch;
  } else if (call.candidates.size() == 1) {
    call.barcode_class = BarcodeClass::kOneMismatch;
    call.rank = call.candidates.front().rank;
  } else {
    call.barcode_class = BarcodeClass::kMulti;
  }
}

std::optional<std::uint32_t> resolve_candidates(std::span<const BarcodeCandidate> candidates,
                                                std::span<const std::uint32_t> exact_reads) {
  double sum = 0, best = -1;
  std::uint32_t chosen = 0;
  for (const BarcodeCandidate& candidate : candidates) {
    const double weight = (exact_reads[candidate.rank] + 1.0) * std::pow(10.0, -candidate.quality / 10.0);
    sum += weight;
    // Equal weights go to the later barcode of the list; only a threshold below one half could make that matter.
    if (weight > best || (weight == best && candidate.rank > chosen)) {
      best = weight;
      chosen = candidate.rank;
    }
  }
  if (best < kPosterior * sum) return std::nullopt;
  return chosen;
}

}  // namespace immucan::scrna
