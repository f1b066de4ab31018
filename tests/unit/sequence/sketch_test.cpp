#include "sequence/sketch.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <optional>
#include <string>

#include "core/random.h"

using namespace immucan;

namespace {

/// The definition, base by base: no rolling.
std::optional<std::uint64_t> canonical_by_definition(std::string_view word) {
  const auto pack = [](std::string_view text) -> std::optional<std::uint64_t> {
    std::uint64_t value = 0;
    for (const char base : text) {
      const auto code = std::string_view("ACGT").find(base);
      if (code == std::string_view::npos) return std::nullopt;
      value = value * 4 + code;
    }
    return value;
  };
  std::string reverse(word.rbegin(), word.rend());
  for (char& base : reverse) {
    const auto code = std::string_view("ACGT").find(base);
    if (code != std::string_view::npos) base = "TGCA"[code];
  }
  const auto a = pack(word), b = pack(reverse);
  if (!a || !b) return std::nullopt;
  return std::min(*a, *b);
}

std::string random_sequence(core::Random& random, std::size_t length, double ambiguous) {
  std::string text;
  for (std::size_t i = 0; i < length; ++i) text += random.bernoulli(ambiguous) ? 'N' : "ACGT"[random.below(4)];
  return text;
}

}  // namespace

TEST_CASE("rolling canonical k-mers are those of the definition") {
  core::Random random(7);
  for (const unsigned k : {1U, 2U, 15U, 21U, 30U, 31U}) {
    for (int repeat = 0; repeat < 20; ++repeat) {
      const std::string text = random_sequence(random, random.below(200), 0.02);
      std::vector<std::pair<std::uint64_t, std::size_t>> expected, got;
      for (std::size_t i = 0; i + k <= text.size(); ++i)
        if (const auto value = canonical_by_definition(std::string_view(text).substr(i, k)))
          expected.emplace_back(*value, i + k - 1);
      sequence::for_each_canonical_kmer(text, k,
                                        [&](std::uint64_t kmer, std::size_t end) { got.emplace_back(kmer, end); });
      REQUIRE(got == expected);
    }
  }
}

TEST_CASE("lower case and U are bases, everything else breaks a k-mer") {
  std::vector<std::uint64_t> upper, mixed;
  sequence::for_each_canonical_kmer("ACGTTGCA", 4, [&](std::uint64_t kmer, std::size_t) { upper.push_back(kmer); });
  sequence::for_each_canonical_kmer("acgUuGcA", 4, [&](std::uint64_t kmer, std::size_t) { mixed.push_back(kmer); });
  CHECK(upper.size() == 5);
  CHECK(upper == mixed);
  std::size_t broken = 0;
  sequence::for_each_canonical_kmer("ACG-TGCA", 4, [&](std::uint64_t, std::size_t) { ++broken; });
  CHECK(broken == 1);
}

TEST_CASE("the hash is that of SplitMix64") {
  // First outputs of SplitMix64 from seed 0 (reference implementation by Vigna): state after k steps is k times the
  // golden gamma, and the output is the hash of the state.
  CHECK(sequence::hash_kmer(0x9e3779b97f4a7c15ULL) == 0xe220a8397b1dcdafULL);
  CHECK(sequence::hash_kmer(2 * 0x9e3779b97f4a7c15ULL) == 0x6e789e6aa1b965f4ULL);
  CHECK(sequence::hash_kmer(3 * 0x9e3779b97f4a7c15ULL) == 0x06c45d188009454fULL);
}

TEST_CASE("a sketch is every k-mer below the threshold, strand by strand the same") {
  core::Random random(11);
  const std::string text = random_sequence(random, 20000, 0.001);
  const std::uint64_t threshold = sequence::sampling_threshold(20);
  std::vector<sequence::SampledKmer> sampled, expected;
  const std::uint64_t seen = sequence::sample_kmers(text, 21, threshold, 1000, sampled);
  std::uint64_t expected_seen = 0;
  for (std::size_t i = 0; i + 21 <= text.size(); ++i) {
    const auto kmer = canonical_by_definition(std::string_view(text).substr(i, 21));
    if (!kmer) continue;
    ++expected_seen;
    if (sequence::hash_kmer(*kmer) < threshold) expected.push_back({sequence::hash_kmer(*kmer), 1000 + i});
  }
  CHECK(seen == expected_seen);
  CHECK(sampled == expected);
  // One in twenty: the count is binomial; 5 standard deviations.
  const double mean = static_cast<double>(seen) / 20;
  CHECK(std::abs(static_cast<double>(sampled.size()) - mean) < 5 * std::sqrt(mean));

  std::string reverse(text.rbegin(), text.rend());
  for (char& base : reverse)
    if (base != 'N') base = "TGCA"[std::string_view("ACGT").find(base)];
  std::vector<sequence::SampledKmer> other;
  sequence::sample_kmers(reverse, 21, threshold, 0, other);
  const auto hashes = [](const std::vector<sequence::SampledKmer>& kmers) {
    std::vector<std::uint64_t> values;
    for (const auto& kmer : kmers) values.push_back(kmer.hash);
    std::ranges::sort(values);
    return values;
  };
  CHECK(hashes(other) == hashes(sampled));
}

TEST_CASE("sketches nest: a sparser one is part of a denser one, and 1 keeps all") {
  core::Random random(13);
  const std::string text = random_sequence(random, 5000, 0);
  std::vector<sequence::SampledKmer> all, some;
  const std::uint64_t seen = sequence::sample_kmers(text, 31, sequence::sampling_threshold(1), 0, all);
  CHECK(seen == all.size());
  sequence::sample_kmers(text, 31, sequence::sampling_threshold(7.5), 0, some);
  for (const auto& kmer : some) CHECK(std::ranges::find(all, kmer) != all.end());
  CHECK(sequence::sampling_threshold(0.5) == sequence::sampling_threshold(1));
  CHECK(sequence::sampling_threshold(2) == (std::uint64_t{1} << 63));
}
