#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "core/error.h"
#include "core/text.h"
#include "io/fasta.h"
#include "scrna/reference_index.h"
#include "scrna/reference_text.h"
#include "scrna/transcript_reference.h"

namespace immucan::scrna {

namespace {

void check_options(const IndexOptions& options) {
  const auto odd = [](std::int64_t value) { return value % 2 == 1; };
  if (!odd(options.seed_length) || options.seed_length < 13 || options.seed_length > 31) {
    core::raise_usage(fmt::format("--seed-length: {} is not an odd number from 13 to 31.", options.seed_length));
  }
  if (!odd(options.syncmer_length) || options.syncmer_length < 5 || options.syncmer_length > 15 ||
      options.syncmer_length >= options.seed_length) {
    core::raise_usage(fmt::format("--syncmer-length: {} is not an odd number from 5 to 15, below the seed length.",
                                  options.syncmer_length));
  }
  if (options.longest_read < options.seed_length || options.longest_read > 1000) {
    core::raise_usage(fmt::format("--longest-read: {} is not between the seed length and 1000.", options.longest_read));
  }
}

/// Names the nearest pair: "chr1" in one file and "1" in the other is what usually happened.
[[noreturn]] void refuse_names(const GenomeText& genome, const sequence::GeneModel& model,
                               const IndexOptions& options) {
  const std::string& ours = genome.chromosomes.front().name;
  std::string theirs = model.genes.front().chromosome;
  std::string mine = ours;
  for (const Chromosome& chromosome : genome.chromosomes) {
    for (const sequence::Gene& gene : model.genes) {
      if ("chr" + chromosome.name == gene.chromosome || chromosome.name == "chr" + gene.chromosome) {
        mine = chromosome.name;
        theirs = gene.chromosome;
      }
    }
  }
  core::raise({options.gtf.string(), core::Place::line(model.genes.front().line),
               fmt::format("no chromosome of the annotation is in the genome: \"{}\" here, \"{}\" in {}",
                           core::printable(theirs), core::printable(mine), options.genome.filename().string()),
               "Use genome and annotation from the same source, or rename the chromosomes of one of them"});
}

/// Genes on chromosomes the genome lacks are left out and counted; genes beyond the end of one are refused.
std::uint64_t drop_unknown_chromosomes(const GenomeText& genome, sequence::GeneModel& model,
                                       const IndexOptions& options) {
  std::unordered_map<std::string, const Chromosome*> chromosomes;
  for (const Chromosome& chromosome : genome.chromosomes) chromosomes[chromosome.name] = &chromosome;
  std::vector<sequence::Gene> kept;
  std::vector<std::uint32_t> renumbered(model.genes.size(), std::numeric_limits<std::uint32_t>::max());
  for (std::size_t i = 0; i < model.genes.size(); ++i) {
    const sequence::Gene& gene = model.genes[i];
    const auto chromosome = chromosomes.find(gene.chromosome);
    if (chromosome == chromosomes.end()) continue;
    if (gene.body.end > chromosome->second->size) {
      core::raise({options.gtf.string(), core::Place::line(gene.line),
                   fmt::format("gene {} ends at {} but {} has {} bases", core::printable(gene.id), gene.body.end,
                               core::printable(gene.chromosome), chromosome->second->size),
                   "Use genome and annotation of the same assembly"});
    }
    renumbered[i] = static_cast<std::uint32_t>(kept.size());
    kept.push_back(gene);
  }
  if (kept.empty()) refuse_names(genome, model, options);
  const std::uint64_t dropped = model.genes.size() - kept.size();
  std::erase_if(model.transcripts, [&](sequence::Transcript& transcript) {
    transcript.gene = renumbered[transcript.gene];
    return transcript.gene == std::numeric_limits<std::uint32_t>::max();
  });
  model.genes = std::move(kept);
  return dropped;
}

void write_segments(io::IndexedFileWriter& writer, const OwnedSegments& segments, const std::string& strand) {
  writer.section<std::uint32_t>("segments" + strand, segments.breakpoints);
  writer.section<std::uint32_t>("segment_starts" + strand, segments.gene_starts);
  writer.section<SegmentGene>("segment_genes" + strand, segments.genes);
  writer.section<std::uint32_t>("segment_coarse" + strand, segments.coarse);
}

void write_text(io::IndexedFileWriter& writer, const std::string& section, const std::string& text) {
  writer.begin_section(section);
  writer.write(text);
  writer.end_section();
}

void write_names(io::IndexedFileWriter& writer, const std::string& section, const std::vector<std::string>& names) {
  writer.begin_section(section);
  for (const std::string& name : names) writer.write(name + "\n");
  writer.end_section();
}

void write_genes(io::IndexedFileWriter& writer, const GenomeText& genome, const sequence::GeneModel& model) {
  std::unordered_map<std::string, std::uint32_t> ranks;
  std::vector<std::string> chromosomes, ids, names;
  std::vector<std::uint32_t> begins;
  for (const Chromosome& chromosome : genome.chromosomes) {
    ranks[chromosome.name] = static_cast<std::uint32_t>(chromosomes.size());
    chromosomes.push_back(chromosome.name);
    begins.push_back(chromosome.begin);
  }
  begins.push_back(genome.chromosomes.back().begin + genome.chromosomes.back().size);
  std::vector<IndexedGene> genes;
  for (const sequence::Gene& gene : model.genes) {
    const std::uint32_t rank = ranks.at(gene.chromosome);
    genes.push_back({begins[rank] + static_cast<std::uint32_t>(gene.body.begin),
                     begins[rank] + static_cast<std::uint32_t>(gene.body.end), gene.reverse ? 1U : 0U, rank});
    ids.push_back(gene.id);
    names.push_back(gene.name);
  }
  writer.section<std::uint32_t>("chromosome_begins", begins);
  write_names(writer, "chromosome_names", chromosomes);
  writer.section<IndexedGene>("genes", genes);
  write_names(writer, "gene_ids", ids);
  write_names(writer, "gene_names", names);
}

GenomeText read_genome(const std::filesystem::path& path, core::RunContext& context) {
  GenomeText genome;
  io::FastaReader reader(io::open_source(path, context));
  io::FastaRecord record;
  while (reader.next(record)) {
    const std::string& bases = record.sequence;
    const auto refuse = [&](std::string what, std::string remedy) {
      core::raise({path.string(), core::Place::line(record.line), std::move(what), std::move(remedy)});
    };
    if (genome.text.size() + bases.size() > kMaximalText)
      refuse("the genome exceeds 4 G bases", "Leave out alternative sequences");
    const auto begin = static_cast<std::uint32_t>(genome.text.size());
    genome.chromosomes.push_back({record.name, begin, static_cast<std::uint32_t>(bases.size())});
    genome.append(bases);
    context.interrupt.check();
  }
  return genome;
}

}  // namespace

IndexSummary build_index(const IndexOptions& options, core::OutputFile& out, core::RunContext& context) {
  check_options(options);
  IndexSummary summary;
  sequence::GeneModel model;
  GenomeText genome;
  const bool spliced_only = !options.transcripts.empty();
  if (spliced_only) {
    TranscriptReference reference = read_transcripts(options.transcripts, options.transcript_genes, context);
    genome = std::move(reference.genome);
    model = std::move(reference.model);
  } else {
    model = sequence::read_gene_model(options.gtf, context);
    genome = read_genome(options.genome, context);
    summary.genes_on_unknown_chromosomes = drop_unknown_chromosomes(genome, model, options);
  }
  summary.genes_without_exons = model.genes_without_exons;
  summary.trans_spliced_genes = model.trans_spliced_genes;
  std::vector<FeatureBarcode> features;
  if (!options.features.empty()) features = read_feature_reference(io::open_source(options.features, context));
  summary.features = features.size();
  summary.chromosomes = genome.chromosomes.size();
  summary.bases = genome.text.size();
  summary.genes = model.genes.size();
  summary.transcripts = model.transcripts.size();

  const JunctionContigs contigs =
      add_junction_contigs(genome, model, static_cast<std::uint32_t>(options.longest_read - 1));
  if (genome.text.size() > kMaximalText) {
    core::raise({(spliced_only ? options.transcripts : options.genome).string(), core::Place::none(),
                 "genome and splice junctions exceed 4 G bases",
                 "Leave out alternative sequences, or give a smaller --longest-read"});
  }
  summary.junctions = contigs.junctions;
  summary.contigs = contigs.begins.size() - 1;
  summary.contig_bases = genome.text.size() - summary.bases;
  context.interrupt.check();
  const sequence::SeedShape shape{static_cast<std::uint32_t>(options.seed_length),
                                  static_cast<std::uint32_t>(options.syncmer_length)};
  const sequence::SeedTable table = sequence::build_seed_table(genome.text, genome.pieces, shape, context.threads);
  summary.seeds = table.places.size();
  context.interrupt.check();

  io::IndexedFileWriter writer(out, ReferenceIndex::kKind, ReferenceIndex::kMajor, ReferenceIndex::kMinor,
                               context.version);
  const IndexParameters parameters[] = {
      {shape.k, shape.s, static_cast<std::uint32_t>(options.longest_read), static_cast<std::uint32_t>(summary.bases)}};
  writer.section<IndexParameters>("parameters", parameters);
  writer.section<std::uint64_t>("text", genome.text.words());
  write_genes(writer, genome, model);
  writer.section<std::uint32_t>("contig_begins", contigs.begins);
  writer.section<std::uint32_t>("contig_block_starts", contigs.block_starts);
  writer.section<GenomeBlock>("contig_blocks", contigs.blocks);
  writer.section<std::uint32_t>("contig_gene_starts", contigs.gene_starts);
  writer.section<std::uint32_t>("contig_genes", contigs.genes);
  write_segments(writer, make_segments(genome, model, false), "+");
  write_segments(writer, make_segments(genome, model, true), "-");
  writer.section<std::uint32_t>("seed_buckets", table.bucket_starts);
  writer.section<sequence::SeedPlace>("seed_places", table.places);
  write_text(writer, "reference", spliced_only ? "transcripts" : "genome");
  write_text(writer, "features", to_lines(features));
  writer.finish();
  return summary;
}

}  // namespace immucan::scrna
