// Index, mapping and counting on a small synthetic genome with planted reads.
#include "scrna/count.h"

#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/output.h"
#include "core/random.h"
#include "scrna/count_outputs.h"
#include "scrna/read_mapping.h"
#include "scrna/reference_index.h"
#include "scrna/splicing_evidence.h"

using namespace immucan;
using scrna::ReadClass;

namespace {

std::string random_bases(std::size_t size, core::Random& random) {
  std::string bases;
  for (std::size_t i = 0; i < size; ++i) bases.push_back("ACGT"[random.below(4)]);
  return bases;
}

std::string reversed(std::string bases) {
  std::ranges::reverse(bases);
  for (char& base : bases) base = base == 'A' ? 'T' : base == 'C' ? 'G' : base == 'G' ? 'C' : 'A';
  return bases;
}

std::string substituted(std::string bases, std::initializer_list<std::size_t> places) {
  for (const std::size_t at : places) bases[at] = bases[at] == 'A' ? 'C' : 'A';
  return bases;
}

/// chr1 of 20,000 bases. FWD: exons [1000,1300) [2000,2200) [3000,3600); a second transcript skips the middle exon.
/// REV: exons [6000,6500) [7000,7400) on the other strand. COPY: one exon [9000,9500), equal to the end of FWD but for
/// 1 base in 30; and an unannotated copy of REV's first exon at 12000.
class Reference {
 public:
  Reference() : folder_(std::filesystem::temp_directory_path() / ("immucan-scrna-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(folder_);
    core::Random random(17);
    genome = random_bases(20000, random);
    std::string copy = genome.substr(3100, 500);
    for (std::size_t i = 15; i < copy.size(); i += 30) copy[i] = copy[i] == 'G' ? 'T' : 'G';
    genome.replace(9000, 500, copy);
    std::string pseudogene = genome.substr(6000, 500);
    for (std::size_t i = 20; i < pseudogene.size(); i += 40) pseudogene[i] = pseudogene[i] == 'G' ? 'T' : 'G';
    genome.replace(12000, 500, pseudogene);
    write("genome.fa", ">chr1 test\n" + genome + "\n>chr2\n" + random_bases(500, random) + "\n");
    write("genes.gtf", exon("FWD", "f1", 1000, 1300, '+') + exon("FWD", "f1", 2000, 2200, '+') +
                           exon("FWD", "f1", 3000, 3600, '+') + exon("FWD", "f2", 1000, 1300, '+') +
                           exon("FWD", "f2", 3000, 3600, '+') + exon("REV", "r1", 6000, 6500, '-') +
                           exon("REV", "r1", 7000, 7400, '-') + exon("COPY", "c1", 9000, 9500, '+'));
    build("a.idx");
  }
  ~Reference() { std::filesystem::remove_all(folder_); }

  static std::string exon(const std::string& gene, const std::string& transcript, int begin, int end, char strand,
                          const std::string& chromosome = "chr1") {
    return chromosome + "\tx\texon\t" + std::to_string(begin + 1) + "\t" + std::to_string(end) + "\t.\t" + strand +
           "\t.\tgene_id \"" + gene + "\"; transcript_id \"" + transcript + "\"; gene_name \"" + gene + "n\";\n";
  }
  std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return folder_ / name;
  }
  [[nodiscard]] std::filesystem::path path(const std::string& name) const { return folder_ / name; }
  scrna::IndexSummary build(const std::string& name) const {
    core::RunContext context("scrna-count", "0", "index");
    core::OutputFile out(folder_ / name);
    const auto summary =
        scrna::build_index({.genome = path("genome.fa"), .gtf = path("genes.gtf"), .output = {}}, out, context);
    out.commit();
    return summary;
  }
  [[nodiscard]] scrna::ReferenceIndex load(const std::string& name = "a.idx") const {
    core::RunContext context("scrna-count", "0", "count");
    return {path(name), context};
  }
  std::string genome;

 private:
  std::filesystem::path folder_;
};

struct Mapped {
  ReadClass read_class;
  std::string gene;
  unsigned evidence;
};

Mapped map(const scrna::ReferenceIndex& index, const std::string& read, const scrna::MappingOptions& options = {}) {
  scrna::ReadMapper mapper(index, options);
  const std::vector<std::string_view> reads = {read};
  std::vector<scrna::ReadMapping> results(1);
  mapper.map(reads, results);
  const bool gene = results[0].read_class == ReadClass::kGene;
  return {results[0].read_class, gene ? std::string(index.gene_ids()[results[0].gene]) : "", results[0].evidence};
}

void check_refused(core::Status status, const std::string& part, const std::function<void()>& action) {
  INFO(part);
  try {
    action();
    FAIL("accepted");
  } catch (const core::Error& error) {
    CHECK(error.status() == status);
    CHECK_THAT(error.what(), Catch::Contains(part));
  }
}

}  // namespace

TEST_CASE("reads are placed where they come from, with what they say") {
  const Reference reference;
  const auto index = reference.load();
  const std::string& g = reference.genome;
  const auto check = [&](const std::string& read, ReadClass read_class, const std::string& gene, unsigned evidence) {
    const Mapped mapped = map(index, read);
    CHECK(mapped.read_class == read_class);
    CHECK(mapped.gene == gene);
    CHECK((mapped.evidence & 7U) == evidence);
  };
  check(g.substr(1050, 90), ReadClass::kGene, "FWD", 0);
  check(g.substr(1250, 50) + g.substr(2000, 40), ReadClass::kGene, "FWD", scrna::kJunction | scrna::kEitherWay);
  check(g.substr(1250, 50) + g.substr(3000, 40), ReadClass::kGene, "FWD", scrna::kJunction);
  check(g.substr(1295, 5) + g.substr(2000, 85), ReadClass::kGene, "FWD", scrna::kJunction | scrna::kEitherWay);
  check(g.substr(2190, 10) + g.substr(3000, 80), ReadClass::kGene, "FWD", scrna::kJunction | scrna::kEitherWay);
  check(g.substr(1400, 90), ReadClass::kGene, "FWD", scrna::kIntron);
  check(g.substr(1260, 90), ReadClass::kGene, "FWD", scrna::kIntron);
  check(g.substr(2050, 90), ReadClass::kGene, "FWD", scrna::kEitherWay);
  check(reversed(g.substr(1050, 90)), ReadClass::kAntisense, "", 0);
  check(reversed(g.substr(7050, 90)), ReadClass::kGene, "REV", 0);
  check(reversed(g.substr(6460, 40) + g.substr(7000, 50)), ReadClass::kGene, "REV", scrna::kJunction);
  check(g.substr(15000, 90), ReadClass::kNoGene, "", 0);
  check(g.substr(3560, 90), ReadClass::kNoGene, "", 0);  // beyond the end of the gene
  core::Random random(99);
  check(random_bases(90, random), ReadClass::kUnmapped, "", 0);
  check("ACGTACGT", ReadClass::kTooShort, "", 0);
  check("", ReadClass::kTooShort, "", 0);
  check(std::string(90, 'N'), ReadClass::kUnmapped, "", 0);
}

TEST_CASE("reads know how far from the end of their transcript they are") {
  const Reference reference;
  const auto index = reference.load();
  const std::string& g = reference.genome;
  const auto far = [&](const std::string& read) { return map(index, read).evidence & ~7U; };
  // FWD ends at 3600; 300 + 200 + 600 bases, or 300 + 600 without the middle exon.
  CHECK(far(g.substr(3300, 90)) == 0);
  CHECK(far(g.substr(3050, 90)) == scrna::far_bits(460));
  CHECK(far(g.substr(2050, 90)) == scrna::far_bits(60 + 600));
  CHECK(far(g.substr(1050, 90)) == scrna::far_bits(160 + 600));
  CHECK(far(g.substr(1250, 50) + g.substr(3000, 40)) == scrna::far_bits(560));
  // REV ends at 6000: 400 bases from 7000 on, then 500.
  CHECK(far(reversed(g.substr(6010, 90))) == 0);
  CHECK(far(reversed(g.substr(6355, 90))) == scrna::far_bits(355));
  CHECK(far(reversed(g.substr(7020, 90))) == scrna::far_bits(520));
  CHECK(scrna::far_bits(349) == 0);
  CHECK(scrna::far_bits(350) == scrna::far_bit(0));
  CHECK(scrna::far_bits(5000) == 0xf8);
}

TEST_CASE("distance is evidence only where nascent RNA explains what lies there and nothing is spliced") {
  const Reference reference;
  const auto index = reference.load();
  // Places for reads of 90 in FWD: 211 + 111 + 511 exonic, of its body's 2,511; 211 + 111 + 162 of them at 350 or
  // further.
  std::vector<std::uint32_t> intronic(3, 0);
  intronic[0] = 16780;
  scrna::SplicingReads reads;
  reads.reads = 1;
  reads.bases = 90;
  REQUIRE(index.gene_ids()[0] == "FWD");
  const auto enough = [&] {
    const auto far = scrna::far_enough(index, reads, intronic);
    return far ? static_cast<int>(scrna::kFarDistances[*far]) : 0;
  };
  reads.exonic_far = {4840, 3840, 2840, 0, 0};  // ten at every such place, as in introns
  CHECK(enough() == 350);
  reads.exonic_far[0] = 9840;  // spliced ones, too, nearer than 450
  CHECK(enough() == 450);
  reads.junction_far = {200, 150, 100, 0, 0};
  CHECK(enough() == 450);
  reads.junction_far = {2000, 1500, 1000, 0, 0};  // internal priming
  CHECK(enough() == 0);
  reads.junction_far = {};
  reads.exonic_far = {90, 80, 70, 0, 0};
  CHECK(enough() == 0);
  intronic[0] = 0;
  reads.exonic_far = {4840, 3840, 2840, 0, 0};
  CHECK(enough() == 0);
}

TEST_CASE("without introns only reads wholly in exons have a gene") {
  const Reference reference;
  const auto index = reference.load();
  const std::string& g = reference.genome;
  const scrna::MappingOptions exons{.introns = false};
  const auto class_of = [&](const std::string& read) { return map(index, read, exons).read_class; };
  CHECK(class_of(g.substr(1050, 90)) == ReadClass::kGene);
  CHECK(class_of(g.substr(1255, 45) + g.substr(2000, 45)) == ReadClass::kGene);
  CHECK(map(index, g.substr(1250, 90)).read_class == ReadClass::kGene);  // beyond the end of an exon
  CHECK(class_of(g.substr(1250, 90)) == ReadClass::kNoGene);
  CHECK(map(index, g.substr(1500, 90)).read_class == ReadClass::kGene);  // within an intron
  CHECK(class_of(g.substr(1500, 90)) == ReadClass::kNoGene);
}

TEST_CASE("the better of two copies wins, in spite of errors") {
  const Reference reference;
  const auto index = reference.load();
  const std::string& g = reference.genome;
  // Three sequencing errors; copies differ in three bases of 90.
  CHECK(map(index, substituted(g.substr(3200, 90), {2, 40, 71})).gene == "FWD");
  CHECK(map(index, substituted(g.substr(9100, 90), {2, 40, 71})).gene == "COPY");
  CHECK(map(index, reversed(g.substr(6100, 90))).gene == "REV");
  CHECK(map(index, reversed(g.substr(12100, 90))).read_class == ReadClass::kNoGene);
  // A stretch in which they are the same belongs to either.
  CHECK(map(index, g.substr(3116, 28)).read_class == ReadClass::kSeveralGenes);
}

TEST_CASE("reads at every place of a transcript find it, with one error anywhere") {
  const Reference reference;
  const auto index = reference.load();
  const std::string& g = reference.genome;
  const std::string transcript = g.substr(1000, 300) + g.substr(2000, 200) + g.substr(3000, 600);
  core::Random random(4);
  std::size_t right = 0, all = 0;
  for (std::size_t at = 0; at + 90 <= transcript.size(); at += 3) {
    const std::string read = substituted(transcript.substr(at, 90), {static_cast<std::size_t>(random.below(90))});
    right += map(index, read).gene == "FWD" ? 1 : 0;
    ++all;
  }
  // All but those whose error makes the copies equally good.
  CHECK(right + 3 >= all);
}

TEST_CASE("soft ends: a poly-A tail does not lose the read") {
  const Reference reference;
  const auto index = reference.load();
  CHECK(map(index, reference.genome.substr(2130, 70) + std::string(20, 'A')).gene == "FWD");
}

TEST_CASE("counting: planted molecules come back, with the same bytes for any number of threads") {
  const Reference reference;
  const auto index = reference.load();
  const std::string& g = reference.genome;
  const std::vector<std::string> list = {"AAACCCAAGAAACACT", "AAACCCAAGAAACCAT", "GTTTGGGTCTTTGTCA",
                                         "TTTGTTGTCTTTCTTC"};
  const scrna::ChosenChemistry chosen{scrna::find_chemistry("10xv3").value(), scrna::Whitelist(list, 16)};
  std::string r1, r2;
  int reads = 0;
  const auto add = [&](const std::string& barcode, const std::string& umi, const std::string& rna) {
    const std::string title = "@r" + std::to_string(reads++) + "\n";
    r1 += title + barcode + umi + "\n+\n" + std::string(barcode.size() + umi.size(), 'I') + "\n";
    r2 += title + rna + "\n+\n" + std::string(rna.size(), 'I') + "\n";
  };
  core::Random random(8);
  for (int molecule = 0; molecule < 50; ++molecule) {
    const std::string umi = random_bases(12, random);
    for (int copy = 0; copy < 3; ++copy) add(list[0], umi, g.substr(1000 + random.below(200), 90));  // spliced, FWD
  }
  for (int molecule = 0; molecule < 20; ++molecule)
    add(list[2], random_bases(12, random), reversed(g.substr(6500 + random.below(400), 90)));
  add("GTTTGGGTCTTTGTCT", "ACGTTGCAACGT", reversed(g.substr(7100, 90)));  // one error in the barcode
  add(list[2], "NCGTTGCAACGT", reversed(g.substr(7100, 90)));
  add(list[2], "AAAAAAAAAAAA", reversed(g.substr(7100, 90)));
  scrna::CountOptions options;
  options.read1 = {reference.write("P01_S1_L001_R1_001.fastq", r1)};
  options.read2 = {reference.write("P01_S1_L001_R2_001.fastq", r2)};
  options.rules.keep_molecules = true;
  std::vector<std::string> h5ad, mtx;
  for (const unsigned threads : {1U, 2U, 4U}) {
    core::RunContext context("scrna-count", "0", "count");
    context.threads = threads;
    auto result = scrna::count_reads(options, chosen.chemistry, index, chosen.whitelist, context);
    CHECK(result.reads.reads == 173);
    CHECK(result.reads.valid_barcodes() == 171);
    CHECK(result.molecules.molecules == 71);
    REQUIRE(result.barcodes.size() == 2);
    CHECK(result.barcodes[0].genes[0].spliced == 50);
    CHECK(result.barcodes[1].genes[0].spliced == 1);
    CHECK(result.barcodes[1].genes[0].unspliced == 20);
    core::OutputSet outputs = core::OutputSet::folder(context, reference.path("out" + std::to_string(threads)));
    scrna::FeatureCounts features;
    scrna::write_count_outputs(outputs, {options, chosen, index, result, features}, context);
    outputs.commit();
    const auto read = [&](const std::string& name) {
      std::ifstream in(reference.path("out" + std::to_string(threads)) / name, std::ios::binary);
      return std::string(std::istreambuf_iterator<char>(in), {});
    };
    h5ad.push_back(read("counts.h5ad"));
    mtx.push_back(read("raw/matrix.mtx.gz"));
    CHECK_THAT(read("P01.features.tsv"), Catch::Contains("P01\tscrna@tissue:total/FWDn:log1p_cpm\t"));
  }
  CHECK((h5ad[0].size() > 1000 && h5ad[0] == h5ad[1] && h5ad[1] == h5ad[2]));
  CHECK((!mtx[0].empty() && mtx[0] == mtx[1] && mtx[1] == mtx[2]));
}

namespace {

template <class T>
std::string bytes(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}

/// One record of a BAM: flag, bases and text tags as "CR:…".
std::string bam_record(const std::string& name, std::uint16_t flag, const std::string& bases,
                       const std::vector<std::string>& tags, int places = 1) {
  std::string body(8, '\0');
  body += static_cast<char>(name.size() + 1);
  body += std::string(5, '\0') + bytes(flag) + bytes(static_cast<std::uint32_t>(bases.size())) + std::string(12, '\0') +
          name + '\0';
  for (std::size_t i = 0; i < bases.size(); i += 2) {
    const auto code = [&](std::size_t at) {
      return at < bases.size() ? 1U << std::string("ACGT").find(bases[at]) : 0U;
    };
    body += static_cast<char>(code(i) << 4U | code(i + 1));
  }
  body += std::string(bases.size(), '\xff');
  for (const std::string& tag : tags) body += tag.substr(0, 2) + "Z" + tag.substr(3) + '\0';
  body += "NHC" + std::string(1, static_cast<char>(places));
  return bytes(static_cast<std::uint32_t>(body.size())) + body;
}

}  // namespace

TEST_CASE("a BAM is counted anew from its reads, or by its own barcodes and genes") {
  const Reference reference;
  const auto index = reference.load();
  const std::string& g = reference.genome;
  const std::vector<std::string> list = {"AAACCCAAGAAACACT", "TTTGTTGTCTTTCTTC"};
  const scrna::Whitelist whitelist(list, 16);
  const std::vector<std::string> cell = {"CR:" + list[0], "CB:" + list[0] + "-1"};
  const auto tags = [&](const std::string& umi, const std::string& gene, const std::string& genes = "-") {
    auto all = cell;
    for (const std::string& tag : {"UR:" + umi, "GX:" + gene, "gx:" + genes}) all.push_back(tag);
    return all;
  };
  std::string bam = std::string("BAM\1", 4) + bytes<std::uint32_t>(0) + bytes<std::uint32_t>(0);
  bam += bam_record("a", 0, g.substr(1050, 90), tags("ACGTTGCAACGT", "FWD"));
  bam += bam_record("a2", 0, g.substr(1060, 90), tags("ACGTTGCAACGA", "FWD"));    // one error in the UMI
  bam += bam_record("b", 0x10, g.substr(7050, 90), tags("TTGTTGCAACGT", "REV"));  // stored as on the forward strand
  // One read at two places of two genes, and one whose second place has the gene.
  bam += bam_record("c", 0, g.substr(3116, 28), tags("GGGTTGCAACGT", "-", "FWD"), 2);
  bam += bam_record("d", 0, g.substr(15000, 90), tags("CCGTTGCAACGT", "-"), 2);
  bam += bam_record("c", 0x100, g.substr(3116, 28), tags("GGGTTGCAACGT", "-", "COPY"), 2);
  bam += bam_record("d", 0x100, g.substr(15000, 90), tags("CCGTTGCAACGT", "COPY", "COPY"), 2);
  scrna::CountOptions options;
  options.bam = {reference.write("P01.bam", bam)};
  options.rules.expectation_maximisation = true;
  const auto chemistry = scrna::find_chemistry("10xv3").value();
  const auto count = [&] {
    core::RunContext context("scrna-count", "0", "count");
    return scrna::count_reads(options, chemistry, index, whitelist, context);
  };
  const auto anew = count();
  CHECK(anew.reads.reads == 5);
  REQUIRE(anew.barcodes.size() == 1);
  REQUIRE(anew.barcodes[0].genes.size() == 2);
  CHECK(anew.molecules.molecules == 2);
  CHECK(anew.molecules.shared == 1);
  options.bam_tags = true;
  const auto tagged = count();
  CHECK(tagged.reads.reads == 5);
  CHECK(tagged.molecules.molecules == 3);
  CHECK(tagged.molecules.shared == 1);
  REQUIRE(tagged.barcodes[0].genes.size() == 3);
  check_refused(core::Status::kBadInput, "gene OTHER is not in the index", [&] {
    options.bam = {reference.write("P02.bam", bam + bam_record("e", 0, "ACGT", tags("ACGTTGCAACGT", "OTHER")))};
    (void)count();
  });
  check_refused(core::Status::kBadInput, "none of 1 reads has a barcode, a UMI and a gene", [&] {
    options.bam = {reference.write("P02.bam", bam.substr(0, 12) + bam_record("e", 0, "ACGT", {}))};
    (void)count();
  });
  check_refused(core::Status::kBadInput, "read e has no barcode and UMI as sequenced", [&] {
    options.bam_tags = false;
    (void)count();
  });
}

TEST_CASE("input that cannot be counted") {
  const Reference reference;
  const auto index = reference.load();
  const auto list = reference.write("list.txt", "AAACCCAAGAAACACT\n");
  const auto attempt = [&](const std::string& r1, const std::string& r2) {
    scrna::CountOptions options;
    options.read1 = {reference.write("r1.fastq", r1)};
    options.read2 = {reference.write("r2.fastq", r2)};
    core::RunContext context("scrna-count", "0", "count");
    const auto chosen =
        scrna::choose_chemistry({options.read1, options.read2, {list}, "10xv3", "chemistry", {}}, index, context);
    (void)scrna::count_reads(options, chosen.chemistry, index, chosen.whitelist, context);
  };
  const std::string good1 = "@a\nAAACCCAAGAAACACTACGTTGCAACGT\n+\nIIIIIIIIIIIIIIIIIIIIIIIIIIII\n";
  const std::string other1 = "@a\nCCCCCCCCGAAACACTACGTTGCAACGT\n+\nIIIIIIIIIIIIIIIIIIIIIIIIIIII\n";
  const std::string rna = "@a\n" + reference.genome.substr(1000, 40) + "\n+\n" + std::string(40, 'I') + "\n";
  const std::string junk = "@a\n" + std::string(40, 'A') + "\n+\n" + std::string(40, 'I') + "\n";
  check_refused(core::Status::kBadInput, "none of 1 reads with a barcode maps to a gene",
                [&] { attempt(good1, junk); });
  check_refused(core::Status::kBadInput, "only 0 of the first 1 reads carry a barcode of list.txt",
                [&] { attempt(other1, rna); });
  check_refused(core::Status::kBadInput, "swap -1 and -2",
                [&] { attempt("@a\n" + std::string(40, 'C') + "\n+\n" + std::string(40, 'I') + "\n", good1); });
  check_refused(core::Status::kBadInput, "reverse complements",
                [&] { attempt("@a\nAGTGTTTCTTGGGTTTACGTTGCAACGT\n+\nIIIIIIIIIIIIIIIIIIIIIIIIIIII\n", rna); });
  check_refused(core::Status::kBadInput, "use --chemistry 10xv2",
                [&] { attempt("@a\nAAACCCAAGAAACACTACGTTGCAAC\n+\nIIIIIIIIIIIIIIIIIIIIIIIIII\n", rna); });
  check_refused(core::Status::kBadInput, "r2.fastq", [&] { attempt(good1 + "@b" + good1.substr(2), rna); });
  check_refused(core::Status::kBadInput, "fastq", [&] { attempt("", ""); });
}

TEST_CASE("broken indexes and references") {
  const Reference reference;
  std::ifstream in(reference.path("a.idx"), std::ios::binary);
  const std::string good(std::istreambuf_iterator<char>(in), {});
  for (const std::size_t at : {std::size_t{0}, std::size_t{9}, good.size() / 3, good.size() / 2, good.size() - 100}) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    reference.write("bad.idx", bad);
    check_refused(core::Status::kBadInput, "bad.idx", [&] { (void)reference.load("bad.idx"); });
  }
  for (const std::size_t size : {std::size_t{0}, std::size_t{20}, good.size() / 2, good.size() - 1}) {
    reference.write("bad.idx", good.substr(0, size));
    check_refused(core::Status::kBadInput, "bad.idx", [&] { (void)reference.load("bad.idx"); });
  }
  check_refused(core::Status::kNoInput, "absent.idx", [&] { (void)reference.load("absent.idx"); });
  reference.write("genes.gtf", Reference::exon("A", "a", 10, 200, '+', "1"));
  check_refused(core::Status::kBadInput,
                "no chromosome of the annotation is in the genome: \"1\" here, \"chr1\" in genome.fa",
                [&] { reference.build("b.idx"); });
  reference.write("genes.gtf", Reference::exon("A", "a", 10, 20001, '+'));
  check_refused(core::Status::kBadInput, "gene A ends at 20001 but chr1 has 20000 bases",
                [&] { reference.build("b.idx"); });
}

TEST_CASE("sample ids from file names") {
  CHECK(scrna::sample_of("x/P01_S1_L001_R2_001.fastq.gz") == "P01");
  CHECK(scrna::sample_of("P01-naive_R2.fastq.gz") == "P01-naive");
  CHECK(scrna::sample_of("SRR1_2.fq") == "SRR1");
  CHECK(scrna::sample_of("other.fastq.gz") == "other");
}
