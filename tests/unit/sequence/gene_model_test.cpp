#include "sequence/gene_model.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>

#include "core/error.h"

using namespace immucan;

namespace {

class GtfFile {
 public:
  explicit GtfFile(const std::string& text)
      : path_(std::filesystem::temp_directory_path() / ("immucan-genes-" + std::to_string(getpid()) + ".gtf")) {
    std::ofstream(path_) << text;
  }
  ~GtfFile() { std::filesystem::remove(path_); }
  [[nodiscard]] sequence::GeneModel read() const {
    core::RunContext context("test", "0", "test");
    return sequence::read_gene_model(path_, context);
  }

 private:
  std::filesystem::path path_;
};

std::string row(const std::string& feature, int start, int end, const std::string& strand,
                const std::string& attributes, const std::string& chromosome = "1") {
  return chromosome + "\tx\t" + feature + "\t" + std::to_string(start) + "\t" + std::to_string(end) + "\t.\t" + strand +
         "\t.\t" + attributes + "\n";
}

std::string ids(const std::string& gene, const std::string& transcript) {
  return "gene_id \"" + gene + "\"; transcript_id \"" + transcript + "\";";
}

void check_refused(const std::string& text, const std::string& part) {
  INFO(text);
  try {
    (void)GtfFile(text).read();
    FAIL("accepted");
  } catch (const core::Error& error) {
    CHECK(error.status() == core::Status::kBadInput);
    CHECK_THAT(error.what(), Catch::Contains(part));
  }
}

}  // namespace

TEST_CASE("genes and transcripts come from exons in any order; exons that touch are joined") {
  const auto model =
      GtfFile(row("gene", 90, 400, "+", "gene_id \"g1\"; gene_name \"IFNG\"; gene_biotype \"protein_coding\";") +
              row("exon", 301, 400, "+", ids("g1", "t1")) + row("exon", 101, 200, "+", ids("g1", "t1")) +
              row("CDS", 120, 130, "+", ids("g1", "t1")) + row("exon", 201, 210, "+", ids("g1", "t1")) +
              row("exon", 51, 60, "-", ids("g2", "t2")) + row("gene", 500, 600, "-", "gene_id \"empty\";"))
          .read();
  REQUIRE(model.genes.size() == 2);
  CHECK(model.genes[0].name == "IFNG");
  CHECK(model.genes[0].biotype == "protein_coding");
  CHECK(model.genes[0].body == sequence::Interval{100, 400});
  CHECK_FALSE(model.genes[0].reverse);
  CHECK(model.genes[1].name == "g2");
  CHECK(model.genes[1].reverse);
  CHECK(model.genes_without_exons == 1);
  REQUIRE(model.transcripts.size() == 2);
  CHECK(model.transcripts[0].exons == std::vector<sequence::Interval>{{100, 210}, {300, 400}});
  CHECK(model.transcripts[1].gene == 1);
}

TEST_CASE("annotations that cannot be right are refused with their line") {
  check_refused(row("gene", 1, 9, "+", "gene_id \"g\";"), "holds 1 genes but no exon");
  check_refused(row("CDS", 1, 9, "+", ids("g", "t")), "holds no exon");
  check_refused(row("exon", 1, 9, "+", "transcript_id \"t\";"), ":1: exon without gene_id");
  check_refused(row("exon", 1, 9, "+", "gene_id \"g\";"), ":1: exon without transcript_id");
  check_refused(row("exon", 1, 9, ".", ids("g", "t")), ":1: gene g has no strand");
  check_refused(row("exon", 1, 9, "+", ids("g", "t")) + row("exon", 11, 19, "-", ids("g", "t")),
                ":2: gene g lies on 1- here and on 1+ in line 1");
  check_refused(row("exon", 1, 9, "+", ids("g", "t")) + row("exon", 11, 19, "+", ids("g", "t2"), "2"),
                ":2: gene g lies on 2+");
  check_refused(row("exon", 1, 9, "+", ids("g", "t")) + row("exon", 11, 19, "+", ids("h", "t")),
                ":2: transcript t belongs to two genes");
  check_refused(row("exon", 1, 9, "+", ids("g", "t")) + row("exon", 5, 19, "+", ids("g", "t")),
                ":1: exons of transcript t overlap");
  check_refused("1\tx\texon\t9\t1\t.\t+\t.\t" + ids("g", "t") + "\n", ":1");
  check_refused("", "");
}
