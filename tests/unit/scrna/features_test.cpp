// Feature references, their patterns, and features counted with the barcodes of the RNA.
#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "core/error.h"
#include "scrna/count_figures.h"
#include "scrna/feature_counting.h"
#include "scrna/feature_matching.h"
#include "scrna/feature_reference.h"
#include "scrna/transcript_reference.h"

using namespace immucan;
using scrna::FeatureClass;

namespace {

const std::string kHeader = "id,name,read,pattern,sequence,feature_type\n";

std::vector<scrna::FeatureBarcode> read(const std::string& rows) {
  const std::string text = kHeader + rows;
  return scrna::read_feature_reference(io::open_memory(text, "features.csv"));
}

std::string refusal(const std::string& rows) {
  try {
    (void)read(rows);
  } catch (const core::Error& error) {
    CHECK(error.status() == core::Status::kBadInput);
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("a feature reference: columns in any order, quotes, byte order mark; kept by the index") {
  const std::string text =
      "\xef\xbb\xbfname,id,feature_type,\"read\",pattern,sequence,target\r\n\"CD3, total\",cd3,Antibody "
      "Capture,R2,5PNN(BC),ACGT,x\r\n";
  const auto features = scrna::read_feature_reference(io::open_memory(text));
  REQUIRE(features.size() == 1);
  CHECK(features[0].id == "cd3");
  CHECK(features[0].name == "CD3, total");
  CHECK(features[0].read == 1);
  const auto back = scrna::from_lines(scrna::to_lines(features), "x.idx");
  REQUIRE(back.size() == 1);
  CHECK(back[0].name == "CD3, total");
  CHECK(back[0].pattern == "5PNN(BC)");
  CHECK(back[0].type == "Antibody Capture");
  CHECK_THROWS_AS(scrna::from_lines("a\tb\n", "x.idx"), core::Error);
  CHECK_THAT(refusal("a,a,R2,(BC),ACGT,T\na,b,R2,(BC),ACGA,T\n"), Catch::Contains("features.csv:3: feature id a"));
  CHECK_THAT(refusal("a,\"a,R2,(BC),ACGT,T\n"), Catch::Contains("a quote is not closed"));
  CHECK_THAT(refusal("a,a,R2,(BC)x,ACGT,T\n"), Catch::Contains("is no pattern"));
  CHECK_THAT(refusal("a,a,R2,(BC),ACGTACGTACGTACGTACGTACGTACGTACGT,T\n"), Catch::Contains("is no sequence"));
}

TEST_CASE("patterns say where a feature lies") {
  const auto classify = [](const std::string& rows, const std::string& two, const std::string& one = "") {
    const auto features = read(rows);
    const auto match = scrna::FeatureMatcher(features).match(one, two);
    const bool found = match.feature_class == FeatureClass::kExact || match.feature_class == FeatureClass::kOneMismatch;
    return std::string(scrna::name_of(match.feature_class)) + (found ? " " + features[match.feature].id : "");
  };
  const std::string begin = "a,a,R2,5PNN(BC)N,ACGTACGT,T\nb,b,R2,^NN(BC)N,TTGGTTGG,T\n";
  CHECK(classify(begin, "GGACGTACGTCCCC") == "exact a");
  CHECK(classify(begin, "GGTTGGTTGGCCCC") == "exact b");
  CHECK(classify(begin, "GGACGTACGACCCC") == "one_mismatch a");
  CHECK(classify(begin, "GGACGTACGNCCCC") == "one_mismatch a");
  CHECK(classify(begin, "GGACGTACNNCCCC") == "none");
  CHECK(classify(begin, "GGACGTACAACCCC") == "none");
  CHECK(classify(begin, "GGGACGTACGTCCC") == "none");  // shifted
  CHECK(classify(begin, "GGACGTACGT") == "none");      // a base short
  const std::string end = "a,a,R2,(BC)NN3P,ACGTACGT,T\n";
  CHECK(classify(end, "CCCCCACGTACGTGG") == "exact a");
  CHECK(classify(end, "CCCCCACGTACGTGGG") == "none");
  const std::string anchored = "a,a,R1,GATTACAGATTA(BC),ACGTACGT,T\n";
  CHECK(classify(anchored, "", "CCCGATTACAGATTAACGTACGT") == "exact a");
  CHECK(classify(anchored, "", "CCCGATTACAGAATAACGTACCT") == "one_mismatch a");  // one of ten fixed bases may differ
  CHECK(classify(anchored, "", "CCCGATTACTGAATAACGTACGT") == "none");
  CHECK(classify(anchored, "CCCGATTACAGATTAACGTACGT") == "none");  // the other read
  const std::string anywhere = "a,a,R2,(BC),ACGTACGTAC,T\nb,b,R2,(BC),TTGGTTGGAA,T\n";
  CHECK(classify(anywhere, "CCCCCACGTACGTACCCC") == "exact a");
  CHECK(classify(anywhere, "CCCCCACGTACGTAGCCC") == "none");
  CHECK(classify(anywhere, "ACGTACGTACTTGGTTGGAA") == "several");
  CHECK(classify("a,a,R2,5P(BC),ACGTACGT,T\nb,b,R2,5P(BC),ACGTACGG,T\n", "ACGTACGA") == "several");
  CHECK(classify("a,a,R2,5P(BC),ACGTACGT,T\nb,b,R2,5P(BC),ACGTACGG,T\n", "ACGTACGG") == "exact b");
}

TEST_CASE("the feature barcode of a 10x v3 bead differs in bases 8 and 9") {
  // The first pair of Cell Ranger's translation/3M-february-2018.txt.
  CHECK(scrna::translated_barcode("AAACCCAAGAAACACT") == "AAACCCATCAAACACT");
  CHECK(scrna::translated_barcode("AAACCCATCAAACACT") == "AAACCCAAGAAACACT");
}

TEST_CASE("genes and features get the same barcodes; called cells stay the same") {
  scrna::CountResult expression;
  scrna::FeatureCounts features;
  for (const std::uint32_t rank : {3U, 8U, 20U}) {
    expression.barcodes.emplace_back();
    expression.barcodes.back().cell = rank;
    expression.barcodes.back().genes = {{rank, 1, 0, 0}};
  }
  expression.call.cells = {0, 2};
  for (const std::uint32_t rank : {1U, 8U, 30U}) {
    features.barcodes.emplace_back();
    features.barcodes.back().cell = rank;
  }
  scrna::join_barcodes(expression, features);
  REQUIRE(expression.barcodes.size() == 5);
  REQUIRE(features.barcodes.size() == 5);
  const std::vector<std::uint32_t> ranks = {1, 3, 8, 20, 30};
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(expression.barcodes[i].cell == ranks[i]);
    CHECK(features.barcodes[i].cell == ranks[i]);
  }
  CHECK(expression.barcodes[0].genes.empty());
  CHECK(expression.barcodes[3].genes.size() == 1);
  CHECK(expression.call.cells == std::vector<std::size_t>{1, 3});
}

TEST_CASE("tables of transcripts and genes") {
  const auto table = [](const std::string& text) {
    return scrna::read_transcript_genes(io::open_memory(text, "t2g.tsv"));
  };
  CHECK(table("t1\tg1\nt2\tg1\tIFNG\n").at("t2").name == "IFNG");
  CHECK(table("t1\tg1\n").at("t1").name == "g1");
  CHECK(table("t1\tg1\nt1\tg1\n").size() == 1);
  CHECK_THROWS_WITH(table("t1\n"), Catch::Contains("t2g.tsv:1: 1 columns"));
  CHECK_THROWS_WITH(table("t1\tg1\nt1\tg2\n"), Catch::Contains("t2g.tsv:2: transcript t1 has two genes"));
  CHECK_THROWS_WITH(table(""), Catch::Contains("holds no transcript"));
  CHECK_THROWS_WITH(table("t1\tg1\tS\nt1-I\tg1\tU\n"), Catch::Contains("tells spliced from unspliced"));
}

TEST_CASE("saturation by parts of the reads: molecules of n reads are seen with 1 - (1 - f)^n") {
  scrna::MoleculeSummary summary;
  summary.reads_per_molecule = {0, 10, 0, 5};  // 25 reads of 15 molecules
  const auto curve = scrna::saturation_curve(summary, 2);
  REQUIRE(curve.size() == 3);
  CHECK(curve[0].molecules == 0);
  CHECK(curve[1].reads == 12.5);
  CHECK(curve[1].molecules == Approx(10 * 0.5 + 5 * 0.875));
  CHECK(curve[2].molecules == Approx(15));
  CHECK(curve[2].saturation == Approx(0.4));
}
