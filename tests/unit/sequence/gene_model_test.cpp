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

namespace {

/// "chr1 + 100-200,300-400 A1 name biotype" for every transcript.
std::string shown(const sequence::GeneModel& model) {
  std::string out;
  for (const auto& transcript : model.transcripts) {
    const auto& gene = model.genes[transcript.gene];
    out += gene.id + " " + gene.name + " " + gene.biotype + " " + gene.chromosome + (gene.reverse ? "-" : "+") + " " +
           transcript.id + ":";
    for (const auto& exon : transcript.exons) out += " " + std::to_string(exon.begin) + "-" + std::to_string(exon.end);
    out += "\n";
  }
  return out;
}

}  // namespace

TEST_CASE("GFF3 of Ensembl, GENCODE and NCBI give the genes of the GTF") {
  const std::string gtf =
      row("gene", 101, 400, "-", "gene_id \"G1\"; gene_name \"IFNG\"; gene_biotype \"protein_coding\";") +
      row("exon", 301, 400, "-", ids("G1", "T1")) + row("exon", 101, 200, "-", ids("G1", "T1")) +
      row("exon", 151, 200, "-", ids("G1", "T2")) +
      row("gene", 600, 700, "+", "gene_id \"G2\"; gene_biotype \"miRNA\";") +
      row("exon", 601, 700, "+", ids("G2", "T3"));
  const std::string expected =
      "G1 IFNG protein_coding 1- T1: 100-200 300-400\nG1 IFNG protein_coding 1- T2: 150-200\nG2 G2 miRNA 1+ T3: "
      "600-700\n";
  CHECK(shown(GtfFile(gtf).read()) == expected);
  const std::string ensembl =
      "##gff-version 3\n" + row("chromosome", 1, 9000, ".", "ID=chromosome:1;Alias=CM1") +
      row("gene", 101, 400, "-", "ID=gene:G1;Name=IFNG;biotype=protein_coding;gene_id=G1;version=3") +
      row("mRNA", 101, 400, "-", "ID=transcript:T1;Parent=gene:G1;transcript_id=T1") +
      row("exon", 301, 400, "-", "Parent=transcript:T1;Name=E1") +
      row("CDS", 310, 350, "-", "ID=CDS:P1;Parent=transcript:T1") + row("exon", 101, 200, "-", "Parent=transcript:T1") +
      "###\n" + row("lnc_RNA", 151, 200, "-", "ID=transcript:T2;Parent=gene:G1;transcript_id=T2") +
      row("exon", 151, 200, "-", "Parent=transcript:T2") +
      row("ncRNA_gene", 601, 700, "+", "ID=gene:G2;biotype=miRNA;gene_id=G2") +
      row("miRNA", 601, 700, "+", "ID=transcript:T3;Parent=gene:G2") +
      row("exon", 601, 700, "+", "Parent=transcript:T3");
  CHECK(shown(GtfFile(ensembl).read()) == expected);
  const std::string gencode =
      row("gene", 101, 400, "-", "ID=G1;gene_id=G1;gene_type=protein_coding;gene_name=IFNG;level=2") +
      row("transcript", 101, 400, "-", "ID=T1;Parent=G1;gene_id=G1;transcript_id=T1") +
      row("exon", 301, 400, "-", "ID=exon:T1:1;Parent=T1;gene_id=G1;transcript_id=T1") +
      row("exon", 101, 200, "-", "ID=exon:T1:2;Parent=T1") +
      row("transcript", 151, 200, "-", "ID=T2;Parent=G1;gene_id=G1;transcript_id=T2") +
      row("exon", 151, 200, "-", "ID=exon:T2:1;Parent=T2") +
      row("gene", 601, 700, "+", "ID=G2;gene_id=G2;gene_type=miRNA") +
      row("transcript", 601, 700, "+", "ID=T3;Parent=G2") + row("exon", 601, 700, "+", "ID=exon:T3:1;Parent=T3");
  CHECK(shown(GtfFile(gencode).read()) == expected);
  const std::string ncbi =
      row("region", 1, 9000, "+", "ID=NC_1:1..9000;Dbxref=taxon:9606") +
      row("gene", 101, 400, "-", "ID=gene-G1;Name=IFNG;gene=IFNG;gene_biotype=protein_coding") +
      row("mRNA", 101, 400, "-", "ID=rna-T1;Parent=gene-G1;gene=IFNG") +
      row("exon", 301, 400, "-", "ID=exon-T1-1;Parent=rna-T1") +
      row("exon", 101, 200, "-", "ID=exon-T1-2;Parent=rna-T1") + row("CDS", 310, 350, "-", "ID=cds-P1;Parent=rna-T1") +
      row("CDS", 150, 200, "-", "ID=cds-P1;Parent=rna-T1") + row("mRNA", 151, 200, "-", "ID=rna-T2;Parent=gene-G1") +
      row("exon", 151, 200, "-", "ID=exon-T2-1;Parent=rna-T2") +
      row("gene", 601, 700, "+", "ID=gene-G2;gene_biotype=miRNA") +
      row("primary_transcript", 601, 700, "+", "ID=rna-T3;Parent=gene-G2") +
      row("exon", 601, 700, "+", "ID=exon-T3-1;Parent=rna-T3");
  CHECK(shown(GtfFile(ncbi).read()) == expected);
}

TEST_CASE("genes of CDS only, exons of several parents, exons under a gene, features over several rows") {
  CHECK(shown(GtfFile(row("gene", 1, 99, "+", "gene_id \"g\";") + row("CDS", 11, 40, "+", ids("g", "t")) +
                      row("CDS", 51, 90, "+", ids("g", "t")) + row("stop_codon", 91, 93, "+", ids("g", "t")))
                  .read()) == "g g  1+ t: 10-40 50-93\n");
  CHECK(shown(GtfFile(row("gene", 1, 99, "+", "ID=gene-g;Name=n") + row("CDS", 11, 40, "+", "ID=c;Parent=gene-g") +
                      row("CDS", 40, 90, "+", "ID=c;Parent=gene-g"))
                  .read()) == "g n  1+ gene-g: 10-90\n");
  CHECK(shown(GtfFile(row("gene", 1, 99, "+", "ID=g") + row("mRNA", 1, 99, "+", "ID=a;Parent=g") +
                      row("mRNA", 1, 99, "+", "ID=b;Parent=g") + row("exon", 11, 40, "+", "Parent=a,b") +
                      row("exon", 51, 60, "+", "Parent=b"))
                  .read()) == "g g  1+ a: 10-40\ng g  1+ b: 10-40 50-60\n");
  CHECK(shown(GtfFile(row("pseudogene", 1, 99, "+", "ID=g") + row("exon", 11, 40, "+", "ID=e;Parent=g")).read()) ==
        "g g  1+ g: 10-40\n");
  CHECK(shown(GtfFile(row("exon", 11, 40, "+", "Parent=late") + row("gene", 1, 99, "+", "ID=late")).read()) ==
        "late late  1+ late: 10-40\n");
  const auto model =
      GtfFile(row("gene", 1, 99, "+", "ID=g;exception=trans-splicing") +
              row("gene", 1, 99, "-", "ID=g;exception=trans-splicing") + row("exon", 1, 9, "+", "Parent=g") +
              row("gene", 200, 300, "+", "ID=h") + row("exon", 200, 300, "+", "Parent=h"))
          .read();
  CHECK(model.trans_spliced_genes == 1);
  REQUIRE(model.genes.size() == 1);
  CHECK(model.genes[0].id == "h");
}

TEST_CASE("GFF3 that cannot be right is refused with its line") {
  check_refused(row("exon", 1, 9, "+", "ID=e"), ":1: exon without Parent");
  check_refused(row("exon", 1, 9, "+", "Parent=t"), ":1: the Parent t is not in the file");
  check_refused(row("mRNA", 1, 9, "+", "ID=a;Parent=b") + row("mRNA", 1, 9, "+", "ID=b;Parent=a") +
                    row("exon", 1, 9, "+", "Parent=a"),
                "go round in a circle");
  check_refused(row("gene", 1, 9, ".", "ID=g") + row("exon", 1, 9, ".", "Parent=g"), ":1: gene g has no strand");
  check_refused(row("gene", 1, 9, "+", "ID=g") + row("exon", 1, 9, "-", "Parent=g"), ":2: g lies on 1- here and on 1+");
  check_refused(
      row("gene", 1, 9, "+", "ID=g") + row("mRNA", 1, 9, "-", "ID=t;Parent=g") + row("exon", 1, 9, "-", "Parent=t"),
      "does not lie on 1+ as its gene g");
  check_refused(row("gene", 1, 9, "+", "ID=g"), "holds 1 genes but no exon");
  check_refused(
      row("gene", 1, 9, "+", "ID=g") + row("exon", 1, 9, "+", "Parent=g") + row("exon", 5, 9, "+", "Parent=g"),
      "exons of transcript g overlap");
}
