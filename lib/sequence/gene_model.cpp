#include "sequence/gene_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "core/error.h"
#include "core/text.h"
#include "io/gtf.h"

namespace immucan::sequence {

namespace {

class Builder {
 public:
  Builder(const std::filesystem::path& path, core::RunContext& context) : reader_(io::open_source(path, context)) {
    model_.source = path.string();
  }

  GeneModel build() {
    while (reader_.next(record_)) {
      if (reader_.format() != io::AnnotationFormat::kGtf) {
        fail(record_.line, "GFF3 attributes where those of GTF are wanted", "Convert the annotation to GTF");
      }
      if (record_.feature == "gene") {
        find_gene();
      } else if (record_.feature == "exon") {
        add_exon();
      }
    }
    finish_transcripts();
    drop_genes_without_exons();
    return std::move(model_);
  }

 private:
  [[noreturn]] void fail(std::uint64_t line, std::string what, std::string remedy) const {
    core::raise({model_.source, core::Place::line(line), std::move(what), std::move(remedy)});
  }

  std::string_view require(std::string_view attribute) const {
    const auto value = record_.attribute(attribute);
    if (!value || value->empty()) {
      fail(record_.line, fmt::format("{} without {}", record_.feature, attribute),
           "Give a GTF with gene_id and transcript_id on every exon");
    }
    return *value;
  }

  std::uint32_t find_gene() {
    const std::string_view id = require("gene_id");
    if (record_.strand != '+' && record_.strand != '-') {
      fail(record_.line, fmt::format("gene {} has no strand (\"{}\")", core::printable(id), record_.strand),
           "Give every gene the strand + or -");
    }
    const bool reverse = record_.strand == '-';
    const auto [entry, fresh] = genes_.try_emplace(std::string(id), static_cast<std::uint32_t>(model_.genes.size()));
    if (fresh) {
      Gene gene;
      gene.id = id;
      gene.chromosome = record_.sequence;
      gene.reverse = reverse;
      gene.line = record_.line;
      model_.genes.push_back(std::move(gene));
    }
    Gene& gene = model_.genes[entry->second];
    if (gene.chromosome != record_.sequence || gene.reverse != reverse) {
      fail(record_.line,
           fmt::format("gene {} lies on {}{} here and on {}{} in line {}", core::printable(id),
                       core::printable(record_.sequence), reverse ? '-' : '+', core::printable(gene.chromosome),
                       gene.reverse ? '-' : '+', gene.line),
           "Give each copy of a gene its own gene_id");
    }
    if (gene.name.empty()) gene.name = first_of({"gene_name", "gene"});
    if (gene.biotype.empty()) gene.biotype = first_of({"gene_biotype", "gene_type"});
    return entry->second;
  }

  std::string first_of(std::initializer_list<std::string_view> names) const {
    for (const std::string_view name : names) {
      if (const auto value = record_.attribute(name)) return std::string(*value);
    }
    return {};
  }

  void add_exon() {
    const std::uint32_t gene = find_gene();
    const std::string_view id = require("transcript_id");
    const auto [entry, fresh] =
        transcripts_.try_emplace(std::string(id), static_cast<std::uint32_t>(model_.transcripts.size()));
    if (fresh) {
      model_.transcripts.push_back({std::string(id), gene, {}});
      lines_.push_back(record_.line);
    }
    Transcript& transcript = model_.transcripts[entry->second];
    if (transcript.gene != gene) {
      fail(record_.line, fmt::format("transcript {} belongs to two genes", core::printable(id)),
           "Give each transcript its own transcript_id");
    }
    transcript.exons.push_back({record_.start - 1, record_.end});
  }

  void finish_transcripts() {
    for (std::size_t i = 0; i < model_.transcripts.size(); ++i) {
      Transcript& transcript = model_.transcripts[i];
      std::ranges::sort(transcript.exons);
      for (std::size_t j = 1; j < transcript.exons.size(); ++j) {
        if (transcript.exons[j].begin < transcript.exons[j - 1].end) {
          fail(lines_[i], fmt::format("exons of transcript {} overlap", core::printable(transcript.id)),
               "Correct the exons, or give each transcript its own transcript_id");
        }
      }
      // Exons that touch are one: there is no junction between them.
      std::vector<Interval> joined;
      for (const Interval& exon : transcript.exons) {
        if (!joined.empty() && joined.back().end == exon.begin) {
          joined.back().end = exon.end;
        } else {
          joined.push_back(exon);
        }
      }
      transcript.exons = std::move(joined);
      Interval& body = model_.genes[transcript.gene].body;
      const Interval whole{transcript.exons.front().begin, transcript.exons.back().end};
      body = body.end == 0 ? whole : Interval{std::min(body.begin, whole.begin), std::max(body.end, whole.end)};
    }
  }

  void drop_genes_without_exons() {
    if (model_.transcripts.empty()) {
      core::raise(
          {model_.source, core::Place::none(),
           model_.genes.empty() ? "holds no exon" : fmt::format("holds {} genes but no exon", model_.genes.size()),
           "Give a GTF with exon records"});
    }
    std::vector<std::uint32_t> renumbered(model_.genes.size());
    std::vector<Gene> kept;
    for (std::size_t i = 0; i < model_.genes.size(); ++i) {
      Gene& gene = model_.genes[i];
      renumbered[i] = static_cast<std::uint32_t>(kept.size());
      if (gene.body.end == 0) {
        ++model_.genes_without_exons;
        continue;
      }
      if (gene.name.empty()) gene.name = gene.id;
      kept.push_back(std::move(gene));
    }
    for (Transcript& transcript : model_.transcripts) transcript.gene = renumbered[transcript.gene];
    model_.genes = std::move(kept);
  }

  io::GtfReader reader_;
  io::GtfRow record_;
  GeneModel model_;
  std::unordered_map<std::string, std::uint32_t> genes_, transcripts_;
  std::vector<std::uint64_t> lines_;
};

}  // namespace

GeneModel read_gene_model(const std::filesystem::path& gtf, core::RunContext& context) {
  return Builder(gtf, context).build();
}

}  // namespace immucan::sequence
