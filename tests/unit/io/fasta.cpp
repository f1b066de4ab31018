#include "io/fasta.h"

#include <catch2/catch.hpp>

#include "core/error.h"
#include "io_helpers.h"

using namespace immucan;

namespace {

std::vector<io::FastaRecord> read(const std::string& text, io::FastaOptions options = {}) {
  io::FastaReader reader(io::open_memory(text, "x.fa"), options);
  std::vector<io::FastaRecord> records;
  for (io::FastaRecord record; reader.next(record);) records.push_back(record);
  io::FastaRecord none;
  CHECK_FALSE(reader.next(none));
  return records;
}

std::string error_of(const std::string& text, io::FastaOptions options = {}) {
  try {
    (void)read(text, options);
  } catch (const core::Error& error) {
    CHECK(error.status() == core::Status::kBadInput);
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("records with titles, wrapped lines, soft masking, either line end") {
  const std::string text = "\n>chr1  first one \r\nACgt\r\nNN\r\n\r\nrY\r\n>chr2\nA\n>chr3\tx\nacgt";
  const auto records = read(test::gzip(text));
  REQUIRE(records.size() == 3);
  CHECK(records[0].name == "chr1");
  CHECK(records[0].description == "first one");
  CHECK(records[0].sequence == "ACGTNNRY");
  CHECK(records[0].line == 2);
  CHECK(records[1].name == "chr2");
  CHECK(records[1].description.empty());
  CHECK(records[2].description == "x");
  CHECK(records[2].sequence == "ACGT");
  CHECK(read(text, {.upper_case = false})[0].sequence == "ACgtNNrY");
}

TEST_CASE("protein and free alphabets") {
  CHECK(read(">p\nMKUXBZJO*\n", {.alphabet = io::FastaAlphabet::kProtein})[0].sequence == "MKUXBZJO*");
  CHECK(read(">p\nA-.*e\n", {.alphabet = io::FastaAlphabet::kAny})[0].sequence == "A-.*E");
  CHECK(read(">p\n>q\nA\n", {.allow_empty = true}).size() == 2);
  CHECK(read(">p\nA\n>p\nC\n", {.unique_names = false}).size() == 2);
}

TEST_CASE("broken FASTA names file and place") {
  const std::vector<std::pair<std::string, std::string>> broken = {
      {"", "x.fa:1: the file holds no sequence"},
      {"\n \n", "x.fa:1: the file holds no sequence"},
      {"ACGT\n", "x.fa:1:1: 'ACGT' where '>'"},
      {"@a\nA\n+\nI\n", "x.fa:1:1: "},
      {">a\nACGT\n>\nA\n", "x.fa:3:1: the record has no name"},
      {"> a\nA\n", "x.fa:1:1: the record has no name"},
      {">a\nA\n>b\nC\n>a\nT\n", "x.fa:5:2: the name 'a' occurs a second time"},
      {">a\n>b\nC\n", "x.fa:1: 'a' has no sequence"},
      {">a\nC\n>b\n", "x.fa:3: 'b' has no sequence"},
      {">a\nACGT\nAC1T\n", "x.fa:3:3: '1' is no letter"},
      {">a\nAC GT\n", "x.fa:2:3: ' ' is no letter"},
      {">a\nACGTE\n", "x.fa:2:5: 'E' is no letter"},
      {std::string(">a\nA\0C\n", 7), "x.fa:2:2: '\\x00' is no letter"},
      {">a\nAC*\n", "x.fa:2:3: '*' is no letter"},
  };
  for (const auto& [text, message] : broken) CHECK_THAT(error_of(text), Catch::StartsWith(message));
  CHECK_THAT(error_of(">p\nMK-L\n", {.alphabet = io::FastaAlphabet::kProtein}), Catch::StartsWith("x.fa:2:3: '-'"));
}
