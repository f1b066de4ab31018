#include "peptide/decoys.h"

#include <algorithm>
#include <array>

namespace immucan::peptide {
namespace {

/// Positions that may move.
std::size_t free_positions(std::size_t length, Enzyme enzyme, std::array<std::uint8_t, 256>& positions) {
  std::size_t count = 0;
  for (std::size_t i = 0; i + 1 < length; ++i) {
    if (enzyme == Enzyme::kNone && i == 1) continue;
    positions[count++] = static_cast<std::uint8_t>(i);
  }
  return count;
}

/// SplitMix64: small state, one per peptide.
class Stream {
 public:
  explicit Stream(std::uint64_t seed) : state_(seed) {}
  std::uint32_t below(std::uint32_t bound) {
    state_ += 0x9E3779B97F4A7C15ULL;
    std::uint64_t x = state_;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    x ^= x >> 31;
    return static_cast<std::uint32_t>(((x >> 32) * bound) >> 32);
  }

 private:
  std::uint64_t state_;
};

}  // namespace

void make_decoy(std::span<const Residue> target, std::uint64_t target_hash, Enzyme enzyme, int attempt,
                std::span<Residue> decoy) {
  std::array<std::uint8_t, 256> positions;
  const std::size_t count = free_positions(target.size(), enzyme, positions);
  std::array<Residue, 256> moved;
  for (std::size_t i = 0; i < count; ++i) moved[i] = target[positions[i]];
  if (attempt == 0) {
    std::reverse(moved.begin(), moved.begin() + static_cast<std::ptrdiff_t>(count));
  } else {
    Stream stream(target_hash + static_cast<std::uint64_t>(attempt) * 0xD1B54A32D192ED03ULL);
    for (std::size_t i = count; i > 1; --i) std::swap(moved[i - 1], moved[stream.below(static_cast<std::uint32_t>(i))]);
  }
  std::copy(target.begin(), target.end(), decoy.begin());
  for (std::size_t i = 0; i < count; ++i) decoy[positions[i]] = moved[i];
}

int find_decoy(std::span<const Residue> target, std::uint64_t target_hash, Enzyme enzyme, std::span<Residue> decoy,
               const std::function<bool(std::uint64_t)>& is_target) {
  const std::size_t fixed = enzyme == Enzyme::kNone ? 2 : 1;
  const std::size_t most_kept = target.size() > fixed ? (target.size() - fixed) / 2 : 0;
  int fallback = kDecoyAttempts;
  std::size_t fallback_kept = target.size();
  for (int attempt = 0; attempt < kDecoyAttempts; ++attempt) {
    make_decoy(target, target_hash, enzyme, attempt, decoy);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < target.size(); ++i) kept += target[i] == decoy[i] ? 1U : 0U;
    kept -= fixed;
    if (kept >= fallback_kept) continue;
    if (is_target(sequence_hash(decoy))) continue;
    if (kept <= most_kept) return attempt;
    fallback = attempt;
    fallback_kept = kept;
  }
  if (fallback < kDecoyAttempts) make_decoy(target, target_hash, enzyme, fallback, decoy);
  return fallback;
}

}  // namespace immucan::peptide
