#include "scrna/barcodes.h"

#include <algorithm>
#include <cmath>

#include "sequence/packed_sequence.h"

namespace immucan::scrna {

namespace {

constexpr std::uint8_t kMaximalQuality = 33;
constexpr double kPosterior = 0.975;
constexpr std::size_t kMaximalCandidates = 64;

}  // namespace

std::string_view name_of(BarcodeClass barcode_class) {
  constexpr std::array<std::string_view, kBarcodeClasses> kNames = {
      "exact", "one_mismatch", "multi", "no_match", "barcode_many_n", "umi_n", "umi_homopolymer", "no_linker"};
  return kNames[static_cast<std::size_t>(barcode_class)];
}

namespace {

PartCode encode_part(std::string_view bases) {
  PartCode part;
  part.length = static_cast<std::uint32_t>(bases.size());
  for (std::uint32_t i = 0; i < part.length; ++i) {
    const std::uint8_t digit = sequence::kBaseCodes[static_cast<unsigned char>(bases[i])];
    if (digit > 3) {
      ++part.unknown;
      part.unknown_at = i;
    }
    part.code = (part.code << 2) | (digit & 3U);
  }
  return part;
}

std::uint8_t capped_quality(char quality) {
  return static_cast<std::uint8_t>(std::clamp(quality - 33, 0, static_cast<int>(kMaximalQuality)));
}

/// All sequences of the list that differ from the part at one place; with an unknown base only there.
void substitute(const PartCode& part, std::string_view qualities, const BarcodePart& list,
                std::vector<BarcodePart::Neighbour>& neighbours, std::vector<BarcodeCandidate>& candidates) {
  list.neighbours(part.code, part.length, part.unknown == 1 ? std::optional(part.unknown_at) : std::nullopt,
                  neighbours);
  for (const auto& [rank, position] : neighbours) candidates.push_back({rank, capped_quality(qualities[position])});
}

/// The UMI's class if it is bad.
std::optional<BarcodeClass> judge_umi(std::string_view bases, std::uint32_t& code) {
  const auto umi = encode_bases(bases);
  if (!umi) return BarcodeClass::kUmiN;
  code = *umi;
  const std::uint32_t one_letter = 0x55555555U >> (32 - 2 * bases.size());
  if (code % one_letter == 0 && code / one_letter < 4) return BarcodeClass::kUmiHomopolymer;
  return std::nullopt;
}

/// The parts that the list knows: those of the geometry, or all of them as one.
class ListedParts {
 public:
  ListedParts(const CutRead& read, std::size_t wanted) {
    if (read.parts == wanted) {
      bases_ = read.barcode;
      qualities_ = read.quality;
      return;
    }
    std::size_t size = 0;
    for (std::size_t i = 0; i < read.parts; ++i) {
      std::ranges::copy(read.barcode[i], joined_.begin() + static_cast<std::ptrdiff_t>(size));
      std::ranges::copy(read.quality[i], joined_quality_.begin() + static_cast<std::ptrdiff_t>(size));
      size += read.barcode[i].size();
    }
    bases_[0] = {joined_.data(), size};
    qualities_[0] = {joined_quality_.data(), size};
  }
  [[nodiscard]] std::string_view bases(std::size_t i) const { return bases_[i]; }
  [[nodiscard]] std::string_view quality(std::size_t i) const { return qualities_[i]; }

 private:
  std::array<std::string_view, CutRead::kMaximalParts> bases_, qualities_;
  std::array<char, CutRead::kMaximalParts * CutRead::kMaximalBases> joined_, joined_quality_;
};

/// Candidates of the whole barcode: every combination of those of its parts. Empty when a part has none.
void combine(const std::vector<BarcodeCandidate>& part, std::size_t size, std::vector<BarcodeCandidate>& candidates) {
  std::vector<BarcodeCandidate> combined;
  for (const BarcodeCandidate& left : candidates) {
    for (const BarcodeCandidate& right : part) {
      if (combined.size() == kMaximalCandidates) break;
      combined.push_back({static_cast<std::uint32_t>(left.rank * size + right.rank),
                          static_cast<std::uint8_t>(left.quality + right.quality)});
    }
  }
  candidates = std::move(combined);
}

void find_candidates(const ListedParts& read, std::span<const PartCode> codes,
                     std::span<const std::optional<std::uint32_t>> found, const Whitelist& whitelist,
                     BarcodeCall& call) {
  const auto& parts = whitelist.parts();
  std::vector<BarcodeCandidate>& candidates = call.candidates;
  if (parts.size() == 1) {
    substitute(codes[0], read.quality(0), parts[0], call.neighbours, candidates);
    return;
  }
  candidates.push_back({0, 0});
  std::vector<BarcodeCandidate> part;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    part.clear();
    if (found[i]) {
      part.push_back({*found[i], 0});
    } else {
      substitute(codes[i], read.quality(i), parts[i], call.neighbours, part);
    }
    combine(part, parts[i].size(), candidates);
  }
}

}  // namespace

PartCodes encode_barcode(const CutRead& read, const Whitelist& whitelist) {
  const std::size_t parts = whitelist.parts().size();
  PartCodes codes;
  if (read.parts == parts) {
    for (std::size_t i = 0; i < parts; ++i) codes[i] = encode_part(read.barcode[i]);
  } else {
    const ListedParts listed(read, parts);
    for (std::size_t i = 0; i < parts; ++i) codes[i] = encode_part(listed.bases(i));
  }
  return codes;
}

void call_barcode(const CutRead& read, const Whitelist& whitelist, BarcodeCall& call) {
  call_barcode(read, encode_barcode(read, whitelist), whitelist, call);
}

void call_barcode(const CutRead& read, const PartCodes& codes, const Whitelist& whitelist, BarcodeCall& call) {
  const auto& parts = whitelist.parts();
  std::array<std::optional<std::uint32_t>, CutRead::kMaximalParts> found;
  call.candidates.clear();
  call.listed = true;
  std::uint32_t rank = 0;
  bool many_unknown = false;
  call.unknown_base = false;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    many_unknown |= codes[i].unknown > 1;
    call.unknown_base |= codes[i].unknown > 0;
    if (codes[i].unknown == 0) found[i] = parts[i].find(codes[i].code, codes[i].length);
    call.listed &= found[i].has_value();
    rank = static_cast<std::uint32_t>(rank * parts[i].size() + found[i].value_or(0));
  }
  if (call.listed) call.rank = rank;
  if (const auto bad = judge_umi(read.umi, call.umi)) {
    call.barcode_class = *bad;
    return;
  }
  if (call.listed) {
    call.barcode_class = BarcodeClass::kExact;
    return;
  }
  if (many_unknown) {
    call.barcode_class = BarcodeClass::kBarcodeManyN;
    return;
  }
  find_candidates(ListedParts(read, parts.size()), codes, found, whitelist, call);
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
                                                std::span<const std::uint32_t> exact_reads, BarcodeRule rule) {
  const double pseudocount = rule == BarcodeRule::kPseudocounts ? 1 : 0;
  double sum = 0, best = -1;
  std::uint32_t chosen = 0;
  for (const BarcodeCandidate& candidate : candidates) {
    const double weight = (exact_reads[candidate.rank] + pseudocount) * std::pow(10.0, -candidate.quality / 10.0);
    sum += weight;
    // Equal weights go to the later barcode of the list; only a threshold below one half could make that matter.
    if (weight > best || (weight == best && candidate.rank > chosen)) {
      best = weight;
      chosen = candidate.rank;
    }
  }
  if (sum <= 0 || best < kPosterior * sum) return std::nullopt;
  return chosen;
}

}  // namespace immucan::scrna
