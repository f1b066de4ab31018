// The FCS reader and writer of io/fcs.h: layouts, delimiters, offsets, broken files, and the zoo of real files.
#include "io/fcs.h"

#include <fmt/format.h>
#include <unistd.h>

#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>

#include "core/digest.h"
#include "core/error.h"
#include "core/random.h"
#include "core/text.h"
#include "cytof_helpers.h"
#include "io/fcs_writer.h"
#include "io/tsv.h"
#include "unit/temporary_folder.h"

namespace {

using namespace immucan;

using Keywords = std::vector<std::pair<std::string, std::string>>;

/// Parts of a file, to be put together right or wrong.
struct Parts {
  std::string version = "FCS3.1";
  Keywords keywords;
  std::string data;
  char delimiter = '/';
  std::string tail;

  void set(const std::string& key, const std::string& value) {
    for (auto& [k, v] : keywords) {
      if (k == key) {
        v = value;
        return;
      }
    }
    keywords.emplace_back(key, value);
  }
  void erase(const std::string& key) {
    std::erase_if(keywords, [&](const auto& item) { return item.first == key; });
  }
  [[nodiscard]] std::string text() const {
    std::string result(1, delimiter);
    for (const auto& [key, value] : keywords) result += key + delimiter + value + delimiter;
    return result;
  }
  [[nodiscard]] std::uint64_t data_begin() const { return 58 + text().size(); }
  [[nodiscard]] std::string bytes() const { return with_offsets(data_begin(), data_begin() + data.size() - 1); }
  [[nodiscard]] std::string with_offsets(std::uint64_t begin, std::uint64_t end) const {
    return fmt::format("{}    {:8}{:8}{:8}{:8}{:8}{:8}", version, 58, 57 + text().size(), begin, end, 0, 0) + text() +
           data + tail;
  }
};

std::string little_floats(const std::vector<float>& values) {
  std::string bytes(values.size() * 4, '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

Parts good() {
  Parts parts;
  parts.keywords = {{"$BYTEORD", "1,2,3,4"}, {"$DATATYPE", "F"}, {"$MODE", "L"}, {"$NEXTDATA", "0"}, {"$PAR", "2"},
                    {"$TOT", "3"},           {"$P1N", "Time"},   {"$P1B", "32"}, {"$P1R", "10"},     {"$P1E", "0,0"},
                    {"$P2N", "Ce140Di"},     {"$P2S", "beads"},  {"$P2B", "32"}, {"$P2R", "10"},     {"$P2E", "0,0"}};
  parts.data = little_floats({1, 100, 2, 200, 3, -7.5F});
  return parts;
}

std::vector<double> values_of(const std::string& bytes, std::size_t dataset = 0) {
  io::FcsFile file(bytes, "test.fcs", {});
  return test::read_matrix(file, dataset, 3).values;
}

Parts integers(const std::string& order, const std::vector<std::pair<int, std::string>>& widths, std::string data,
               int events) {
  Parts parts = good();
  parts.keywords = {{"$BYTEORD", order},
                    {"$DATATYPE", "I"},
                    {"$MODE", "L"},
                    {"$PAR", fmt::format("{}", widths.size())},
                    {"$TOT", fmt::format("{}", events)}};
  for (std::size_t i = 0; i < widths.size(); ++i) {
    parts.set(fmt::format("$P{}B", i + 1), fmt::format("{}", widths[i].first));
    parts.set(fmt::format("$P{}R", i + 1), widths[i].second);
  }
  parts.data = std::move(data);
  return parts;
}

TEST_CASE("fcs: float32 of both byte orders, in blocks and by column") {
  Parts parts = good();
  const std::vector<double> expected{1, 100, 2, 200, 3, -7.5};
  CHECK(values_of(parts.bytes()) == expected);
  std::string swapped = parts.data;
  for (std::size_t i = 0; i < swapped.size(); i += 4)
    std::reverse(swapped.begin() + static_cast<long>(i), swapped.begin() + static_cast<long>(i) + 4);
  parts.data = swapped;
  parts.set("$BYTEORD", "4,3,2,1");
  CHECK(values_of(parts.bytes()) == expected);
  const std::string bytes = parts.bytes();
  io::FcsFile file(bytes, "test.fcs", {});
  io::FcsEvents events(file, file.single(), {1}, 4);
  io::FcsBlock block;
  std::vector<double> column;
  while (events.next(block)) column.insert(column.end(), block.values.begin(), block.values.end());
  CHECK(column == std::vector<double>{100, 200, -7.5});
}

TEST_CASE("fcs: integers of 8 to 64 bits, mixed, masked by $PnR and never clipped") {
  using namespace std::string_literals;
  const auto widths = std::vector<std::pair<int, std::string>>{{8, "256"}, {16, "1024"}, {24, "16777216"}, {64, "0"}};
  const std::string big = "\x07\x83\xff\x01\x02\x03\x00\x00\x00\x00\x00\x01\x00\x00"s;
  CHECK(values_of(integers("4,3,2,1", widths, big, 1).bytes()) == std::vector<double>{7, 0x3FF, 0x010203, 65536});
  const std::string little = "\x07\xff\x83\x03\x02\x01\x00\x00\x01\x00\x00\x00\x00\x00"s;
  CHECK(values_of(integers("1,2,3,4", widths, little, 1).bytes()) == std::vector<double>{7, 0x3FF, 0x010203, 65536});
  // A range that is no power of two keeps the bits of the next one: 1000 → 10 bits.
  CHECK(values_of(integers("1,2", {{16, "1000"}}, "\xff\x07"s, 1).bytes()) == std::vector<double>{0x3FF});
  // Bytes of significance 3,4,1,2.
  CHECK(values_of(integers("3,4,1,2", {{32, "4294967296"}}, "\x01\x02\x03\x04"s, 1).bytes()) ==
        std::vector<double>{0x02010403});
}

TEST_CASE("fcs: double, mixed types of 3.2, ASCII of fixed width and free") {
  Parts parts = good();
  parts.version = "FCS3.2";
  parts.set("$P1DATATYPE", "I");
  parts.set("$P1B", "16");
  parts.set("$P1R", "65536");
  parts.set("$P2DATATYPE", "D");
  parts.set("$P2B", "64");
  parts.set("$TOT", "1");
  parts.data = std::string("\x05\x00", 2) + std::string(8, '\0');
  const double value = -1e300;
  std::memcpy(parts.data.data() + 2, &value, 8);
  CHECK(values_of(parts.bytes()) == std::vector<double>{5, -1e300});

  Parts ascii = good();
  ascii.set("$DATATYPE", "A");
  ascii.set("$P1B", "4");
  ascii.set("$P2B", "3");
  ascii.set("$TOT", "2");
  ascii.data = "  12  7 340999";
  CHECK(values_of(ascii.bytes()) == std::vector<double>{12, 7, 340, 999});
  ascii.set("$P1B", "*");
  ascii.set("$P2B", "*");
  ascii.data = "12,7 340\r\n999";
  CHECK(values_of(ascii.bytes()) == std::vector<double>{12, 7, 340, 999});
  ascii.data = "12,7 340\r\n";
  CHECK_THROWS_AS(values_of(ascii.bytes()), core::Error);
}

TEST_CASE("fcs: delimiters, escapes, empty values, odd bytes") {
  const auto parse = [](std::string_view text) {
    auto result = io::parse_fcs_text(text, "f", 0);
    REQUIRE(result.has_value());
    std::map<std::string, std::string> map;
    for (const auto& [key, value] : result->items()) map[key] = value;
    return map;
  };
  using Map = std::map<std::string, std::string>;
  CHECK(parse("/a/1/b/2/") == Map{{"a", "1"}, {"b", "2"}});
  CHECK(parse("/a/1/b/2") == Map{{"a", "1"}, {"b", "2"}});
  CHECK(parse("\x0c"
              "a\x0c"
              "1\x0c"
              "b\x0c"
              "2\x0c  ") == Map{{"a", "1"}, {"b", "2"}});
  CHECK(parse("/F/488//10/b/2/") == Map{{"F", "488/10"}, {"b", "2"}});
  CHECK(parse("/a///x/b/2/") == Map{{"a", "/x"}, {"b", "2"}});
  CHECK(parse("/EMPTY//VENDOR/x/") == Map{{"EMPTY", ""}, {"VENDOR", "x"}});
  CHECK(parse("/a////b/2/") == Map{{"a", "/"}, {"b", "2"}});
  CHECK(parse("/b/2/LAST//") == Map{{"b", "2"}, {"LAST", ""}});
  CHECK(parse("/$P1S//$P2S/x/") == Map{{"$P1S", ""}, {"$P2S", "x"}});
  CHECK(parse("/$P1S//OTHER//LAST/x/$A//$B/1/") ==
        Map{{"$P1S", ""}, {"OTHER", ""}, {"LAST", "x"}, {"$A", ""}, {"$B", "1"}});
  CHECK(parse("/a\xe9/\xff\xfe/") == Map{{"a\xe9", "\xff\xfe"}});
  CHECK_FALSE(io::parse_fcs_text("/a/1/b", "f", 0).has_value());
  CHECK_FALSE(io::parse_fcs_text("/", "f", 0).has_value());
}

TEST_CASE("fcs: text written is text read, whatever the bytes") {
  core::Random random(5);
  for (int round = 0; round < 300; ++round) {
    io::FcsKeywords keywords;
    const std::uint64_t count = 1 + random.below(6);
    for (std::uint64_t i = 0; i < count; ++i) {
      std::string value;
      for (std::uint64_t k = random.below(12) + 1; k > 0; --k) value += static_cast<char>(1 + random.below(255));
      keywords.add(fmt::format("KEY{}", i), value);
    }
    const auto again = io::parse_fcs_text(io::format_fcs_text(keywords), "f", 0);
    REQUIRE(again.has_value());
    REQUIRE(again->items().size() == keywords.items().size());
    for (std::size_t i = 0; i < keywords.items().size(); ++i) {
      CHECK(again->items()[i].value == keywords.items()[i].value);
    }
  }
}

TEST_CASE("fcs: offsets in TEXT only, one too long, and in disagreement") {
  Parts parts = good();
  parts.set("$BEGINDATA", "00000000");
  parts.set("$ENDDATA", "00000000");
  const auto begin = parts.data_begin();
  parts.set("$BEGINDATA", fmt::format("{:08}", begin));
  parts.set("$ENDDATA", fmt::format("{:08}", begin + 23));
  const std::vector<double> expected{1, 100, 2, 200, 3, -7.5};
  CHECK(values_of(parts.with_offsets(0, 0)) == expected);
  CHECK(values_of(parts.with_offsets(99999999, 99999999)) == expected);
  CHECK(values_of(parts.with_offsets(begin, begin + 24)) == expected);        // exclusive end of some writers
  CHECK(values_of(parts.with_offsets(begin - 100, begin + 23)) == expected);  // only TEXT agrees with $TOT
  // Both lengths fit, the places do not: no guess.
  const std::string ambiguous = parts.with_offsets(begin - 4, begin + 19);
  CHECK_THROWS_WITH(values_of(ambiguous), Catch::Contains("--offsets"));
  io::FcsFile by_text(ambiguous, "t", {.offsets = io::FcsOffsets::kText});
  CHECK(test::read_matrix(by_text).values == expected);
  io::FcsFile by_header(ambiguous, "t", {.offsets = io::FcsOffsets::kHeader});
  CHECK(by_header.single().data_begin == begin - 4);
}

TEST_CASE("fcs: several data sets, supplemental TEXT, duplicate names, no $TOT") {
  Parts parts = good();
  parts.set("$NEXTDATA", fmt::format("{}", parts.bytes().size() + 2));
  REQUIRE(std::to_string(parts.bytes().size()) == parts.keywords[3].second);
  const std::string two = parts.bytes() + good().bytes();
  CHECK(values_of(two, 1) == std::vector<double>{1, 100, 2, 200, 3, -7.5});
  io::FcsFile file(two, "two.fcs", {});
  CHECK_THROWS_WITH(file.single(), Catch::Contains("2 data sets"));

  Parts supplement = good();
  supplement.set("$BEGINSTEXT", "00000000");
  supplement.set("$ENDSTEXT", "00000000");
  const auto at = supplement.data_begin() + supplement.data.size();
  supplement.tail = "/LATE/v/$P1N/ignored/";
  supplement.set("$BEGINSTEXT", fmt::format("{:08}", at));
  supplement.set("$ENDSTEXT", fmt::format("{:08}", at + supplement.tail.size() - 1));
  const std::string bytes = supplement.bytes();
  io::FcsFile with(bytes, "s.fcs", {});
  CHECK(with.single().keywords.find("LATE") == "v");
  CHECK(with.single().parameters[0].name == "Time");

  Parts twice = good();
  twice.set("$P2N", "Time");
  twice.erase("$TOT");
  CHECK(values_of(twice.bytes()).size() == 6);
}

TEST_CASE("fcs: broken files end with status 65, the file's name and the place") {
  struct Broken {
    const char* what;
    std::string bytes;
    const char* message;
  };
  const auto changed = [](const std::string& key, const std::string& value) {
    Parts parts = good();
    parts.set(key, value);
    return parts.bytes();
  };
  const auto without = [](const std::string& key) {
    Parts parts = good();
    parts.erase(key);
    return parts.bytes();
  };
  const std::string whole = good().bytes();
  std::string bad_offset = whole;
  bad_offset.replace(10, 8, "  x12   ");
  std::string huge_text = whole;
  huge_text.replace(18, 8, "99999998");
  Parts odd = good();
  odd.tail.clear();
  std::string unpaired = odd.bytes();
  const std::vector<Broken> cases = {
      {"empty", "", "58 bytes, 0 are left"},
      {"truncated header", whole.substr(0, 40), "58 bytes, 40 are left"},
      {"wrong magic", "PNG" + whole.substr(3), "no FCS file"},
      {"future version", "FCS9.9" + whole.substr(6), "version 'FCS9.9'"},
      {"offset not a number", bad_offset, "is not a number"},
      {"TEXT behind the end", huge_text, "TEXT ends at byte 99999998"},
      {"truncated TEXT", whole.substr(0, 90), "TEXT ends at byte"},
      {"truncated DATA", whole.substr(0, whole.size() - 5), "DATA takes 24 bytes, the file has 19 more"},
      {"no $PAR", without("$PAR"), "$PAR is missing"},
      {"no $PnB", without("$P2B"), "$P2B is missing"},
      {"no $DATATYPE", without("$DATATYPE"), "$DATATYPE is missing"},
      {"no $BYTEORD", without("$BYTEORD"), "$BYTEORD is missing"},
      {"$PAR 4294967295", changed("$PAR", "4294967295"), "$P3B is missing"},
      {"$PAR not a number", changed("$PAR", "two"), "$PAR is not a whole number ('two')"},
      {"$PAR 0", changed("$PAR", "0"), "$PAR must be at least 1"},
      {"$TOT too large to multiply", changed("$TOT", "18446744073709551615"), "$TOT is too large"},
      {"$TOT more than DATA", changed("$TOT", "4000000000"), "$TOT asks for 4000000000 events"},
      {"negative $TOT", changed("$TOT", "-1"), "$TOT is not a whole number"},
      {"unknown $DATATYPE", changed("$DATATYPE", "Q"), "$DATATYPE is none of IFDA ('Q')"},
      {"histogram mode", changed("$MODE", "U"), "$MODE is none of L"},
      {"float of 16 bits", changed("$P1B", "16"), "$P1B must be 32"},
      {"byte order repeats", changed("$BYTEORD", "1,1,3,4"), "$BYTEORD is no order of bytes"},
      {"byte order of nine", changed("$BYTEORD", "1,2,3,4,5,6,7,8,9"), "more than 8 bytes"},
      {"next data set behind the end", changed("$NEXTDATA", "1000000000000"), "lies behind the end"},
      {"next data set is none", changed("$NEXTDATA", "100"), "no FCS file"},
      {"DATA end before begin", good().with_offsets(500, 400), "DATA cannot lie at bytes 500 to 400"},
      {"no DATA offsets", good().with_offsets(0, 0), "neither HEADER nor TEXT"},
  };
  for (const Broken& broken : cases) {
    CAPTURE(broken.what);
    bool threw = false;
    try {
      (void)values_of(broken.bytes);
    } catch (const core::Error& error) {
      threw = true;
      CHECK(error.status() == core::Status::kBadInput);
      CHECK_THAT(error.what(), Catch::StartsWith("test.fcs"));
      CHECK_THAT(error.what(), Catch::Contains(broken.message));
      CHECK_THAT(error.what(), Catch::Contains("byte "));
    }
    CHECK(threw);
  }
  CHECK_THROWS_AS(values_of(integers("1,2,3,4", {{10, "1024"}}, "\x01\x02", 1).bytes()), core::Error);
}

TEST_CASE("fcs: no mutation of a good file does more than raise an error") {
  core::Random random(11);
  const std::string whole = good().bytes();
  int read = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = whole;
    for (std::uint64_t k = 1 + random.below(3); k > 0; --k)
      bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
    if (random.bernoulli(0.2)) bytes.resize(random.below(bytes.size() + 1));
    try {
      (void)values_of(bytes);
      ++read;
    } catch (const core::Error&) {
    }
  }
  CHECK(read > 0);
}

TEST_CASE("fcs: write and read again: same values, same keywords") {
  const test::TemporaryFolder scratch;
  const auto path = scratch / "w.fcs";
  io::FcsKeywords carried;
  for (const auto& [key, value] : Keywords{{"$CYT", "Helios"},
                                           {"$TOT", "99"},
                                           {"VENDOR/KEY", "a|b\\c\xff"},
                                           {"$P1V", "350"},
                                           {"$P1N", "old"},
                                           {"$FIL", "x"},
                                           {"EMPTY", ""}}) {
    carried.add(key, value);
  }
  const std::vector<double> rows{1, 1e-30F, -2.5, std::numeric_limits<float>::infinity(), 3e8, 0.1F};
  core::OutputFile out(path);
  io::FcsWriter writer(out, carried, {{"Time", "", 5, 0}, {"La139Di", "139La_CD8", 1e300, std::nullopt}}, 3);
  writer.write(rows);
  writer.finish();
  out.commit();
  const test::Matrix again = test::read_matrix(path);
  CHECK(again.values == rows);
  core::RunContext context("test", "0", "test");
  io::FcsFile file(path, {}, context);
  const io::FcsKeywords& keywords = file.single().keywords;
  CHECK(file.single().warnings.empty());
  CHECK(keywords.find("$CYT") == "Helios");
  CHECK(keywords.find("VENDOR/KEY") == "a|b\\c\xff");
  CHECK(keywords.find("$P1V") == "350");
  CHECK(keywords.find("$P1N") == "Time");
  CHECK(keywords.find("EMPTY") == " ");
  CHECK(keywords.find("$TOT") == "3");
  CHECK(keywords.find("$P2S") == "139La_CD8");
  file.finish();
  REQUIRE(context.inputs.sorted().size() == 1);
  std::ifstream stream(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  CHECK(context.inputs.sorted()[0].sha256 == core::sha256_hex(bytes));
  CHECK(context.inputs.sorted()[0].size == bytes.size());
}

TEST_CASE("fcs: $PnR is finite and not below the data") {
  CHECK(io::fcs_range_text(std::numeric_limits<double>::infinity()) == "1");
  CHECK(io::fcs_range_text(std::nan("")) == "1");
  CHECK(io::fcs_range_text(1023.2) == "1024");
  CHECK(io::fcs_range_text(1e30) == "9000000000000000000");
}

TEST_CASE("fcs: the zoo of real files, shapes and column sums") {
  const auto zoo = test::cytof_data() / "fcs_zoo";
  if (test::skipped(zoo)) return;
  core::RunContext context("test", "0", "test");
  const io::Table expected = io::read_table(zoo / "expected.tsv", context);
  std::size_t read = 0;
  for (const auto& row : expected.rows) {
    CAPTURE(row[0], row[1]);
    const auto path = zoo / row[0];
    if (row[3] == "ERR") {
      CHECK_THROWS_AS(test::read_matrix(path), core::Error);
      continue;
    }
    io::FcsFile file(path, {}, context);
    const auto dataset = static_cast<std::size_t>(core::parse_unsigned(row[1]).value());
    const test::Matrix matrix = test::read_matrix(file, dataset);
    CHECK(matrix.rows() == core::parse_unsigned(row[3]).value());
    CHECK(matrix.columns == core::parse_unsigned(row[4]).value());
    const auto sums = core::split(row[7], ' ');
    REQUIRE(sums.size() == matrix.columns);
    for (std::size_t c = 0; c < matrix.columns; ++c) {
      double sum = 0;
      for (std::size_t r = 0; r < matrix.rows(); ++r) sum += matrix.at(r, c);
      const double theirs = core::parse_double(sums[c]).value();
      CHECK(std::abs(sum - theirs) <= 1e-7 * std::max(1.0, std::abs(theirs)));
    }
    ++read;
  }
  CHECK(read >= 12);
}

}  // namespace
