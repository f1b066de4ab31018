#include "io/gtf.h"

#include <catch2/catch.hpp>

#include "core/error.h"
#include "io_helpers.h"

using namespace immucan;

namespace {

std::string error_of(const std::string& text) {
  try {
    io::GtfReader reader(io::open_memory(text, "x.gtf"));
    io::GtfRow row;
    while (reader.next(row)) {
    }
  } catch (const core::Error& error) {
    CHECK(error.status() == core::Status::kBadInput);
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("GTF rows and their attributes") {
  const std::string text =
      "#!genome-build X\n"
      "chr1\tHAVANA\texon\t11869\t12227\t.\t+\t.\tgene_id \"ENSG1\"; gene_name \"A; B\"; exon_number 2; tag \"x\"; tag "
      "\"y\"\n"
      "\n"
      "chr2\tE\tCDS\t5\t5\t0.5\t-\t2\tgene_id \"\";\r\n";
  io::GtfReader reader(io::open_memory(text));
  io::GtfRow row;
  REQUIRE(reader.next(row));
  CHECK(reader.format() == io::AnnotationFormat::kGtf);
  CHECK((row.sequence == "chr1" && row.source == "HAVANA" && row.feature == "exon" && row.line == 2));
  CHECK((row.start == 11869 && row.end == 12227 && row.strand == '+' && !row.phase && !row.score));
  CHECK(row.attributes.size() == 5);
  CHECK(row.attribute("gene_id") == "ENSG1");
  CHECK(row.attribute("gene_name") == "A; B");
  CHECK(row.attribute("exon_number") == "2");
  CHECK(row.attribute("tag") == "x");
  CHECK_FALSE(row.attribute("absent"));
  REQUIRE(reader.next(row));
  CHECK((row.score == 0.5 && row.phase == 2 && row.strand == '-' && row.attribute("gene_id") == ""));
  CHECK_FALSE(reader.next(row));
}

TEST_CASE("GFF3 rows, percent-encoding, the FASTA part") {
  const std::string text =
      "##gff-version 3\n"
      "1\tensembl\tgene\t1\t10\t.\t+\t.\tID=gene:E1;Name=a%3Bb%20c;Note=50%;Dbxref=A:1,B:2;\n"
      "1\tensembl\tgene\t1\t10\t.\t?\t.\t.\n"
      "##FASTA\n>1\nACGT\n";
  io::GtfReader reader(io::open_memory(text));
  io::GtfRow row;
  REQUIRE(reader.next(row));
  CHECK(reader.format() == io::AnnotationFormat::kGff3);
  CHECK(row.attribute("ID") == "gene:E1");
  CHECK(row.attribute("Name") == "a;b c");
  CHECK(row.attribute("Note") == "50%");
  CHECK(row.attribute("Dbxref") == "A:1,B:2");
  REQUIRE(reader.next(row));
  CHECK(row.attributes.empty());
  CHECK_FALSE(reader.next(row));
}

TEST_CASE("broken annotation names file, line and column") {
  const std::string good = "1\ts\tgene\t1\t9\t.\t+\t.\tgene_id \"g\";\n";
  const std::vector<std::pair<std::string, std::string>> broken = {
      {"", "x.gtf: the file holds no annotation row"},
      {"# only a comment\n", "x.gtf: the file holds no annotation row"},
      {good + "1\ts\tgene\t1\t9\t.\t+\t.\n", "x.gtf:2: the row has 8 columns"},
      {good + "1 s gene 1 9 . + . gene_id\n", "x.gtf:2: the row has 1 columns"},
      {good + "\ts\tgene\t1\t9\t.\t+\t.\t.\n", "x.gtf:2:1: the name of the sequence"},
      {good + "1\ts\t\t1\t9\t.\t+\t.\t.\n", "x.gtf:2:5: the feature type"},
      {good + "1\ts\tgene\tx\t9\t.\t+\t.\t.\n", "x.gtf:2:10: 'x' is no coordinate"},
      {good + "1\ts\tgene\t0\t9\t.\t+\t.\t.\n", "x.gtf:2:10: '0' is no coordinate"},
      {good + "1\ts\tgene\t1\t99999999999999999999\t.\t+\t.\t.\n", "x.gtf:2:12: '99999999999999999999'"},
      {good + "1\ts\tgene\t9\t1\t.\t+\t.\t.\n", "x.gtf:2:12: the end 1 lies before"},
      {good + "1\ts\tgene\t1\t9\tz\t+\t.\t.\n", "x.gtf:2:14: 'z' is no score"},
      {good + "1\ts\tgene\t1\t9\t.\t*\t.\t.\n", "x.gtf:2:16: '*' is no strand"},
      {good + "1\ts\tgene\t1\t9\t.\t+\t3\t.\n", "x.gtf:2:18: '3' is no phase"},
      {good + "1\ts\tgene\t1\t9\t.\t+\t.\tgene_id \"g\n", "x.gtf:2:28: the quote of an attribute"},
      {good + "1\ts\tgene\t1\t9\t.\t+\t.\tgene_id\n", "x.gtf:2:20: the attribute 'gene_id' has no value"},
      {good + "1\ts\tgene\t1\t9\t.\t+\t.\tgene_id ;\n", "x.gtf:2:28: the attribute 'gene_id' has no value"},
      {"1\ts\tgene\t1\t9\t.\t+\t.\tID=1;lost\n", "x.gtf:1:25: the attribute 'lost' is not of the form"},
      {"1\ts\tgene\t1\t9\t.\t+\t.\tID=1;=2\n", "x.gtf:1:25: the attribute '=2' is not of the form"},
  };
  for (const auto& [text, message] : broken) CHECK_THAT(error_of(text), Catch::StartsWith(message));
}
