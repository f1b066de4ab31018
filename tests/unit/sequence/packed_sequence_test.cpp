// Packed sequences grow by text, codes, words and parts of others, and stay what was appended.
#include "sequence/packed_sequence.h"

#include <catch2/catch.hpp>
#include <string>

#include "core/random.h"

using namespace immucan;
using namespace immucan::sequence;

TEST_CASE("whatever is appended, the bases are those of the text") {
  core::Random random(8);
  for (int round = 0; round < 50; ++round) {
    PackedSequence packed, other;
    std::string text, other_text;
    const auto bases = [&](std::size_t length) {
      std::string some(length, 'A');
      for (char& base : some) base = "ACGTNacgt"[random.below(9)];
      return some;
    };
    other_text = bases(300);
    other.append(other_text);
    for (int part = 0; part < 12; ++part) {
      switch (random.below(3)) {
        case 0: {
          const std::string more = bases(random.below(1200));
          packed.append(more);
          text += more;
          break;
        }
        case 1: {
          packed.append_code(2);
          text += 'G';
          break;
        }
        default: {
          const std::size_t begin = random.below(150), count = random.below(150);
          packed.append(other, begin, count);
          text += other_text.substr(begin, count);
        }
      }
    }
    REQUIRE(packed.size() == text.size());
    CHECK(packed.words().size() >= words_for(text.size()) + 1);
    bool same = true;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const std::uint8_t code = base_code(text[i]);
      same = same && packed.at(i) == (code < 4 ? code : 0);
    }
    CHECK(same);
    // Behind the last base lie zeros, for those who read by words.
    const std::uint64_t last = load_bases(packed.words().data(), text.size());
    CHECK((text.empty() || last == 0));
  }
}
