#include "count.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <cmath>
#include <memory>
#include <string>

#include "core/error.h"
#include "core/output.h"
#include "core/text.h"
#include "scrna/bam_input.h"
#include "scrna/chemistry_detection.h"
#include "scrna/count.h"
#include "scrna/count_outputs.h"
#include "scrna/feature_counting.h"
#include "scrna/presets.h"

namespace immucan::scrna_count {

namespace {

/// Rules as text: "preset" is filled in from the preset.
struct RuleOptions {
  std::string preset = "default", umi = "preset", multi_gene = "preset";
  bool expectation_maximisation = false;
};

struct Options {
  scrna::CountOptions count;
  RuleOptions rules;
  std::optional<std::string> memory;
  bool share_index = false;
  std::string bam_genes = "map";
  scrna::FeatureOptions features;
  std::optional<std::filesystem::path> feature_reference;
  bool molecules = true;
};

void declare_rules(cli::OptionSet& set, RuleOptions& rules) {
  std::vector<std::string> names;
  for (const scrna::Preset& preset : scrna::presets()) names.emplace_back(preset.name);
  set.choice("--preset", rules.preset, names, "Counting rules of another program");
  set.choice("--umi-rule", rules.umi, {"preset", "1mm-cr", "directional", "directional-umitools", "1mm-all", "exact"},
             "Which UMIs of a cell and gene are one");
  set.choice("--multi-gene-umis", rules.multi_gene,
             {"preset", "corrected-reads", "most-reads", "drop", "keep", "winner"},
             "Which gene gets a UMI that has reads of several");
  set.flag("--em", rules.expectation_maximisation,
           "Also distribute molecules of several genes by expectation maximisation: layer total_em");
}

/// The preset starsolo takes the rules of the run that wrote the BAM.
scrna::CountingRules rules_of(const RuleOptions& options, const std::vector<std::filesystem::path>& bam) {
  scrna::CountingRules rules = scrna::find_preset(options.preset).value().rules;
  if (options.preset == "starsolo" && !bam.empty()) rules = scrna::starsolo_rules_of(bam.front()).value_or(rules);
  rules.umi = scrna::find_umi_rule(options.umi).value_or(rules.umi);
  rules.multi_gene = scrna::find_multi_gene_rule(options.multi_gene).value_or(rules.multi_gene);
  rules.expectation_maximisation = options.expectation_maximisation;
  return rules;
}

void declare(cli::OptionSet& set, Options& all) {
  scrna::CountOptions& options = all.count;
  set.group("Input");
  set.option("-i,--index", options.index, "Index made by scrna-count index", true);
  set.option(
      "--whitelist", options.whitelists,
      "Barcodes of the chemistry, one per line; one file per part, or a column per part. Without: found in the reads");
  set.option("-1,--read1", options.read1, "FASTQ with barcode and UMI, one file per lane");
  set.option("-2,--read2", options.read2, "FASTQ with the RNA, in the same order");
  set.option("--bam", options.bam, "BAM of Cell Ranger or STARsolo instead of FASTQ; needs --chemistry");
  set.choice(
      "--bam-genes", all.bam_genes, {"map", "tags"},
      "map: barcodes and reads as sequenced (CR, CY, UR, UY), from the start; tags: barcode, UMI and gene of the "
      "BAM (CB, UR, GX, gx)");
  set.option("--sample", options.sample, "Sample id; by default the beginning of the name of the first read 2 file");
  set.option("--feature-1", all.features.read1,
             "FASTQ with barcode and UMI of a feature library (antibodies, hashtags)");
  set.option("--feature-2", all.features.read2, "FASTQ with its features, in the same order");
  set.option("--features", all.feature_reference, "Feature reference CSV; by default that of the index");
  set.choice("--specimen", options.specimen, {"tissue", "blood", "stool", "saliva"}, "What was sampled");
  set.group("Output");
  set.output_folder(options.output);
  set.flag("--molecules,!--no-molecules", all.molecules,
           "Write molecule_info.h5, 12 bytes of memory per molecule; never with --memory");
  set.group("Algorithm");
  set.option("--chemistry", options.chemistry,
             "auto, 10xv2, 10xv3, 10xv4, 10x5p, 10x5pv3, dropseq, splitseq, splitseq2, bd, bd-enhanced, or a geometry "
             "such as 1{b[16]u[12]x:}2{r:}");
  set.choice("--strand", options.strand, {"chemistry", "forward", "reverse"},
             "Strand of the RNA read; by default that of the chemistry");
  set.flag("--introns,!--no-introns", options.introns,
           "Count reads of introns, too (STARsolo's GeneFull_Ex50pAS); else only those wholly in exons (its Gene)");
  set.option("--expected-cells", options.expected_cells, "Cells loaded; estimated from the counts by default");
  set.choice("--translate-features", all.features.translation, {"auto", "on", "off"},
             "Feature barcodes of 10x v3 beads: bases 8 and 9 complemented");
  declare_rules(set, all.rules);
  set.group("Resources");
  set.option("--memory", all.memory, "Memory not to exceed, as 800M or 4G; beyond it reads wait in a temporary file");
  set.share_index(all.share_index);
}

void tell(const scrna::ChosenChemistry& chosen, const core::RunContext& context) {
  if (chosen.reads_judged == 0) return;
  std::string words = "chemistry " + chosen.chemistry.name + " (" + chosen.chemistry.geometry.text() + ")";
  words += chosen.barcodes_found
               ? "; " + std::to_string(chosen.whitelist.size()) + " barcodes found in the reads"
               : "; " + core::format_double(std::round(1000 * chosen.listed) / 10) + " % of the first " +
                     std::to_string(chosen.reads_judged) + " reads carry a listed barcode";
  words += "; of those in genes " + std::to_string(chosen.sense) + " sense and " + std::to_string(chosen.antisense) +
           " antisense";
  context.log.info(words);
}

void check_lanes(const char* first, std::size_t firsts, const char* second, std::size_t seconds) {
  if (firsts == seconds) return;
  core::raise_usage(std::string(first) + " has " + std::to_string(firsts) + " files and " + second + " has " +
                    std::to_string(seconds) + ": give one of each per lane.");
}

/// The tags to count; empty without a feature library.
std::vector<scrna::FeatureBarcode> feature_reference(const Options& all, const scrna::ReferenceIndex& index,
                                                     core::RunContext& context) {
  if (all.features.read1.empty()) {
    if (all.feature_reference)
      core::raise_usage("--features: the reads are missing. Give --feature-1 and --feature-2.");
    return {};
  }
  auto features = all.feature_reference
                      ? scrna::read_feature_reference(io::open_source(*all.feature_reference, context))
                      : index.features();
  if (features.empty())
    core::raise_usage("--feature-1: the index holds no features. Give --features, or build the index with them.");
  return features;
}

/// Reads in waiting grow by pieces of a megabyte on every thread: in heaps the pieces they outgrow stay behind, as
/// pages of their own they are given back (20 M pairs: 315 instead of 368 MB, in the same time).
void keep_large_blocks_out_of_heaps() {
#if defined(__GLIBC__)
  constexpr int kLarge = 1 << 18;
  (void)mallopt(M_MMAP_THRESHOLD, kLarge);
#endif
}

core::Status run(const Options& all, core::RunContext& context) {
  keep_large_blocks_out_of_heaps();
  scrna::CountOptions options = all.count;
  options.bam_tags = all.bam_genes == "tags";
  options.keep_index = false;
  if (options.bam.empty() == options.read1.empty())
    core::raise_usage(options.bam.empty() ? "Give reads: -1 and -2, or --bam." : "Give either -1 and -2, or --bam.");
  if (options.bam.empty() && options.bam_tags)
    core::raise_usage("--bam-genes: there is no BAM. Give --bam, or leave it out.");
  if (options.bam_tags && !options.introns)
    core::raise_usage("--no-introns: with --bam-genes tags the genes are those of the BAM. Leave one of them out.");
  options.rules = rules_of(all.rules, options.bam);
  options.barcode_rule = scrna::find_preset(all.rules.preset).value().barcode_rule;
  if (all.memory) {
    options.memory = core::parse_bytes(*all.memory);
    if (!options.memory)
      core::raise_usage("--memory: \"" + *all.memory + "\" is not a size. Give a number with M or G.");
  }
  options.rules.keep_molecules = all.molecules && !options.memory;
  check_lanes("-1", options.read1.size(), "-2", options.read2.size());
  check_lanes("--feature-1", all.features.read1.size(), "--feature-2", all.features.read2.size());
  if (options.expected_cells && *options.expected_cells < 1)
    core::raise_usage("--expected-cells: " + std::to_string(*options.expected_cells) + " is not a positive number.");
  scrna::require_known_chemistry(options.chemistry);
  const scrna::ReferenceIndex index(options.index, context, all.share_index);
  const std::vector<scrna::FeatureBarcode> tags = feature_reference(all, index, context);
  // A BAM is read once, as a stream is.
  const std::vector<std::filesystem::path> stream = {"-"};
  const bool bam = !options.bam.empty();
  const scrna::ChosenChemistry chosen =
      scrna::choose_chemistry({bam ? stream : options.read1, bam ? stream : options.read2, options.whitelists,
                               options.chemistry, options.strand, options.expected_cells},
                              index, context);
  tell(chosen, context);
  scrna::CountResult result = scrna::count_reads(options, chosen.chemistry, index, chosen.whitelist, context);
  scrna::FeatureCounts features;
  if (!tags.empty()) {
    features =
        scrna::count_features(all.features, tags, chosen.chemistry, chosen.whitelist, result, options.rules, context);
    scrna::join_barcodes(result, features);
  }
  core::OutputSet outputs = core::OutputSet::folder(context, options.output);
  scrna::write_count_outputs(outputs, {options, chosen, index, result, features}, context);
  outputs.commit();
  context.log.info(std::to_string(result.reads.reads) + " reads, " + std::to_string(result.molecules.molecules) +
                   " molecules, " + std::to_string(result.call.cells.size()) + " cells");
  return core::Status::kOk;
}

}  // namespace

cli::Command count_command() {
  auto options = std::make_shared<Options>();
  return {.name = "count",
          .summary = "Count molecules per gene and cell.",
          .example =
              "scrna-count count -i GRCh38.idx --chemistry 10xv3 --whitelist 3M-february-2018.txt.gz -1 "
              "P01_R1.fastq.gz -2 P01_R2.fastq.gz -o P01",
          .declare = [options](cli::OptionSet& set) { declare(set, *options); },
          .run = [options](core::RunContext& context) { return run(*options, context); }};
}

}  // namespace immucan::scrna_count
