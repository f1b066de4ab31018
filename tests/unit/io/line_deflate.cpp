#include "io/line_deflate.h"

#include <libdeflate.h>

#include <catch2/catch.hpp>
#include <string>
#include <string_view>

#include "core/random.h"

using namespace immucan;

namespace {

/// Inflated by libdeflate; "" when the encoder gave up.
std::string there_and_back(std::string_view text, std::size_t& stored) {
  io::detail::LineDeflate encoder;
  std::string packed(2 * text.size() + 512, '\0');
  stored = encoder.compress(text, packed.data(), packed.size());
  std::string back(text.size() + 1, '\0');
  libdeflate_decompressor* const inflater = libdeflate_alloc_decompressor();
  std::size_t consumed = 0, size = 0;
  const auto result =
      libdeflate_deflate_decompress_ex(inflater, packed.data(), stored, back.data(), back.size(), &consumed, &size);
  libdeflate_free_decompressor(inflater);
  CHECK(result == LIBDEFLATE_SUCCESS);
  CHECK(consumed == stored);
  back.resize(size);
  return back;
}

std::string lines(core::Random& random, bool turned) {
  std::string text;
  std::uint64_t gene = 0;
  for (std::uint64_t cell = 1; text.size() < 60000;) {
    gene += 1 + random.below(30);
    if (gene > 20000) {
      gene = 1;
      ++cell;
    }
    const std::string a = std::to_string(gene), b = std::to_string(cell);
    const std::string value = random.bernoulli(0.7)   ? "1"
                              : random.bernoulli(0.5) ? "0.25"
                                                      : std::to_string(random.below(999));
    text += (turned ? a + " " + b : b + " " + a) + " " + value + "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("lines deflated by their likeness inflate to themselves, and are small") {
  core::Random random(7);
  for (const bool turned : {false, true}) {
    const std::string text = lines(random, turned);
    std::size_t stored = 0;
    CHECK(there_and_back(text, stored) == text);
    CHECK(stored < text.size() / 3);
  }
}

TEST_CASE("any text survives, repeats of every length and odd alphabets too") {
  core::Random random(11);
  std::size_t stored = 0;
  for (const std::string& text :
       {std::string("\n"), std::string(" "), std::string("a b c"), std::string(65535, '\n'), std::string(65535, ' '),
        std::string("1 1 1\n") + std::string(400, '2') + " 3\n" + std::string(400, '2') + " 3\n"}) {
    CHECK(there_and_back(text, stored) == text);
  }
  for (std::size_t length = 1; length < 300; ++length) {
    const std::string line = " " + std::string(length, 'x') + std::to_string(length) + "\n";
    const std::string text = line + line + "y" + line + line;
    CHECK(there_and_back(text, stored) == text);
  }
  for (int round = 0; round < 200; ++round) {
    std::string text(1 + random.below(65535), '\0');
    const std::uint64_t alphabet = 1 + random.below(255);
    for (char& c : text) {
      const std::uint64_t pick = random.below(6);
      c = pick == 0 ? '\n' : pick == 1 ? ' ' : static_cast<char>(random.below(alphabet));
    }
    CHECK(there_and_back(text, stored) == text);
  }
  // Counts like Fibonacci's numbers make the deepest trees.
  std::string deep;
  for (std::size_t symbol = 0, a = 1, b = 1; deep.size() + a < 65536; ++symbol, b += a, a = b - a) {
    deep += std::string(a, static_cast<char>('A' + symbol));
  }
  CHECK(there_and_back(deep, stored) == deep);
}

TEST_CASE("what does not fit is not written") {
  io::detail::LineDeflate encoder;
  std::string out(64, '\0');
  CHECK(encoder.compress("1 2 3\n1 2 3\n1 2 3\n", out.data(), 8) == 0);
  CHECK(out.substr(8) == std::string(56, '\0'));
}
