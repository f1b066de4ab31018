#pragma once
// Mates in which no k-mer of the database was found, kept for the end of the sample: some are of parts of a present
// species' genome that the database lacks.
#include <cstdint>
#include <string_view>
#include <vector>

#include "sequence/packed_sequence.h"

namespace immucan::microbiome {

struct UnmatchedMate {
  std::uint64_t fragment = 0;    ///< number in the sample
  std::uint64_t first_base = 0;  ///< in UnmatchedReads::bases()
  std::uint32_t anchor = 0;  ///< the class of its fragment, when the partner matches well; else one of the two below
  std::uint16_t length = 0;
};

class UnmatchedReads {
 public:
  static constexpr std::uint32_t kNoPartner = 0xffffffff;    ///< the partner is without a hit, too
  static constexpr std::uint32_t kWeakPartner = 0xfffffffe;  ///< the partner has one hit, or was kept by nobody
  /// Longer reads are not kept: they are no mates, and carry their own neighbourhood.
  static constexpr std::size_t kLongest = 500;
  /// When more mates than this came, every second fragment is forgotten, by a hash of its number.
  static constexpr std::size_t kMostMates = std::size_t{1} << 19;

  /// Keeps the longest stretch without an ambiguous base. Fragments come in order, `mate` 0 before 1.
  void add(std::uint64_t fragment, std::uint8_t mate, std::string_view read, std::uint32_t anchor);

  [[nodiscard]] const std::vector<UnmatchedMate>& mates() const { return mates_; }
  [[nodiscard]] const sequence::PackedSequence& bases() const { return bases_; }
  /// Share of the fragments that were kept.
  [[nodiscard]] double kept_share() const { return 1.0 / static_cast<double>(std::uint64_t{1} << halvings_); }

 private:
  [[nodiscard]] bool keeps(std::uint64_t fragment) const;
  void halve();

  std::vector<UnmatchedMate> mates_;
  sequence::PackedSequence bases_;
  unsigned halvings_ = 0;
};

}  // namespace immucan::microbiome
