#include "io/bam.h"

#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <vector>

#include "core/error.h"

using namespace immucan;

namespace {

template <class T>
std::string bytes(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}

/// Letters of the specification's table by value.
std::string packed(const std::string& bases) {
  const std::string codes = "=ACMGRSVTWYHKDBN";
  std::string out((bases.size() + 1) / 2, '\0');
  for (std::size_t i = 0; i < bases.size(); ++i) {
    const auto code = static_cast<int>(codes.find(bases[i]));
    out[i / 2] = static_cast<char>(out[i / 2] | (i % 2 == 0 ? code << 4 : code));
  }
  return out;
}

std::string record(const std::string& name, std::uint16_t flag, const std::string& bases, const std::string& qualities,
                   const std::string& tags) {
  std::string body = bytes<std::int32_t>(0) + bytes<std::int32_t>(99) +
                     bytes(static_cast<std::uint8_t>(name.size() + 1)) + bytes<std::uint8_t>(255) +
                     bytes<std::uint16_t>(4681) + bytes<std::uint16_t>(1) + bytes(flag) +
                     bytes(static_cast<std::uint32_t>(bases.size())) + bytes<std::int32_t>(-1) +
                     bytes<std::int32_t>(-1) + bytes<std::int32_t>(0) + name + '\0' +
                     bytes(static_cast<std::uint32_t>(bases.size() << 4)) + packed(bases) + qualities + tags;
  return bytes(static_cast<std::uint32_t>(body.size())) + body;
}

std::string bam(const std::string& records, const std::string& text = "@HD\tVN:1.6\n") {
  return std::string("BAM\1", 4) + bytes(static_cast<std::uint32_t>(text.size())) + text + bytes<std::uint32_t>(1) +
         bytes<std::uint32_t>(5) + std::string("chr1\0", 5) + bytes<std::uint32_t>(1000) + records;
}

void check_refused(const std::string& all, const std::string& part) {
  INFO(part);
  try {
    io::BamReader reader(io::open_memory(all));
    for (io::BamRecord one; reader.next(one);) {
    }
    FAIL("accepted");
  } catch (const core::Error& error) {
    CHECK(error.status() == core::Status::kBadInput);
    CHECK_THAT(error.what(), Catch::Contains(part));
  }
}

}  // namespace

TEST_CASE("records come back with bases, qualities and tags, turned to the strand they were sequenced on") {
  const std::string tags = std::string("CBZACGT-1\0", 10) + "REAN" + "NHC\3" + "xfi" + bytes<std::int32_t>(-25) +
                           "sFBi" + bytes<std::uint32_t>(2) + bytes<std::int32_t>(1) + bytes<std::int32_t>(2) +
                           std::string("URZ\0", 4);
  const std::string all = bam(record("first", 0, "ACGTN", "\1\2\3\4\5", tags) +
                              record("second", 0x10, "AACCG", "\1\2\3\4\5", "") + record("third", 0x104, "", "", ""));
  io::BamReader reader(io::open_memory(all));
  CHECK(reader.header() == "@HD\tVN:1.6\n");
  io::BamRecord one;
  std::string bases, qualities;
  REQUIRE(reader.next(one));
  CHECK(one.name() == "first");
  one.append_sequence(bases);
  one.append_qualities(qualities);
  CHECK(bases == "ACGTN");
  CHECK(qualities == "\"#$%&");
  CHECK(one.text_tag("CB") == "ACGT-1");
  CHECK(one.text_tag("RE") == "N");
  CHECK(one.text_tag("UR") == "");
  CHECK(!one.text_tag("XX"));
  CHECK(!one.text_tag("NH"));
  CHECK(one.number_tag("NH") == 3);
  CHECK(one.number_tag("xf") == -25);
  CHECK(!one.number_tag("CB"));
  CHECK(one.is_primary());
  REQUIRE(reader.next(one));
  bases.clear();
  qualities.clear();
  one.append_sequence(bases);
  one.append_qualities(qualities);
  CHECK(bases == "CGGTT");
  CHECK(qualities == "&%$#\"");
  REQUIRE(reader.next(one));
  CHECK(one.length() == 0);
  CHECK(!one.is_primary());
  CHECK(!reader.next(one));
}

TEST_CASE("damaged BAMs are refused") {
  const std::string good = bam(record("first", 0, "ACGTN", "\1\2\3\4\5", std::string("CBZACGT\0", 8)));
  check_refused("@HD\tVN:1.6\n", "is no BAM");
  check_refused("", "is no BAM");
  for (const std::size_t size : {std::size_t{6}, std::size_t{20}, std::size_t{30}, good.size() - 60, good.size() - 1})
    check_refused(good.substr(0, size), "cut off");
  check_refused(bam(record("first", 0, "AC", "\1\2", std::string("CBZACGT", 7))), "tag CB of type \"Z\"");
  check_refused(bam(record("first", 0, "AC", "\1\2", std::string("CBQACGT", 7))), "tag CB of type \"Q\"");
  check_refused(bam(record("first", 0, "AC", "\1\2", "CB")), "a cut-off tag");
  check_refused(bam(bytes<std::uint32_t>(7) + "1234567"), "a record of 7 bytes");
  std::string bad = good;
  bad[bad.find("first") - 16] = '\x7f';  // the length of the sequence
  check_refused(bad, "lengths that do not fit");
}
