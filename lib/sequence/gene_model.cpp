#include "sequence/gene_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "core/error.h"
#include "core/text.h"
#include "io/gtf.h"
#include "sequence/gene_model_finish.h"
#include "sequence/gene_model_gff3.h"

namespace immucan::sequence {

namespace {

class GtfBuilder {
 public:
  GtfBuilder(io::GtfReader& reader, io::GtfRow& record) : reader_(reader), record_(record) {
    model_.source = reader.file();
  }

  GeneModel build() {
    do {
      if (record_.feature == "gene") {
        find_gene();
      } else if (record_.feature == "exon") {
        add_exon();
      } else if (record_.feature == "CDS" || record_.feature == "stop_codon") {
        add_coding();
      }
    } while (reader_.next(record_));
    finish_model(std::move(raw_), model_);
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
    transcript_of(id, gene).transcript.exons.push_back({record_.start - 1, record_.end});
  }

  RawTranscript& transcript_of(std::string_view id, std::uint32_t gene) {
    const auto [entry, fresh] = transcripts_.try_emplace(std::string(id), static_cast<std::uint32_t>(raw_.size()));
    if (fresh) raw_.push_back({{std::string(id), gene, {}}, {}, record_.line});
    RawTranscript& raw = raw_[entry->second];
    if (raw.transcript.gene != gene) {
      fail(record_.line, fmt::format("transcript {} belongs to two genes", core::printable(id)),
           "Give each transcript its own transcript_id");
    }
    return raw;
  }

  /// For transcripts without exons (some files of bacteria, viruses and organelles have only CDS).
  void add_coding() {
    const auto id = record_.attribute("transcript_id");
    if (id) {
      const auto known = transcripts_.find(std::string(*id));
      if (known != transcripts_.end() && !raw_[known->second].transcript.exons.empty()) return;
    }
    if (!record_.attribute("gene_id")) return;
    const std::uint32_t gene = find_gene();
    const std::string_view name = id && !id->empty() ? *id : require("gene_id");
    transcript_of(name, gene).coding.push_back({record_.start - 1, record_.end});
  }

  io::GtfReader& reader_;
  io::GtfRow& record_;
  GeneModel model_;
  std::unordered_map<std::string, std::uint32_t> genes_, transcripts_;
  std::vector<RawTranscript> raw_;
};

/// Overlaps come with programmed frame shifts.
void merge_coding(std::vector<Interval>& coding, std::vector<Interval>& exons) {
  std::ranges::sort(coding);
  for (const Interval& piece : coding) {
    if (!exons.empty() && piece.begin < exons.back().end) {
      exons.back().end = std::max(exons.back().end, piece.end);
    } else {
      exons.push_back(piece);
    }
  }
}

void finish_exons(const RawTranscript& raw, const std::string& source, Transcript& transcript) {
  std::ranges::sort(transcript.exons);
  for (std::size_t j = 1; j < transcript.exons.size(); ++j) {
    if (transcript.exons[j].begin < transcript.exons[j - 1].end) {
      core::raise({source, core::Place::line(raw.line),
                   fmt::format("exons of transcript {} overlap", core::printable(transcript.id)),
                   "Correct the exons, or give each transcript its own transcript_id"});
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
}

void drop_genes_without_exons(GeneModel& model) {
  if (model.transcripts.empty()) {
    core::raise({model.source, core::Place::none(),
                 model.genes.empty() ? "holds no exon" : fmt::format("holds {} genes but no exon", model.genes.size()),
                 "Give a GTF or GFF3 with exon records"});
  }
  std::vector<std::uint32_t> renumbered(model.genes.size());
  std::vector<Gene> kept;
  for (std::size_t i = 0; i < model.genes.size(); ++i) {
    Gene& gene = model.genes[i];
    renumbered[i] = static_cast<std::uint32_t>(kept.size());
    if (gene.body.end == 0) {
      ++model.genes_without_exons;
      continue;
    }
    if (gene.name.empty()) gene.name = gene.id;
    kept.push_back(std::move(gene));
  }
  for (Transcript& transcript : model.transcripts) transcript.gene = renumbered[transcript.gene];
  model.genes = std::move(kept);
}

}  // namespace

void finish_model(std::vector<RawTranscript> transcripts, GeneModel& model) {
  for (RawTranscript& raw : transcripts) {
    Transcript& transcript = raw.transcript;
    if (transcript.exons.empty()) merge_coding(raw.coding, transcript.exons);
    if (transcript.exons.empty()) continue;
    finish_exons(raw, model.source, transcript);
    Interval& body = model.genes[transcript.gene].body;
    const Interval whole{transcript.exons.front().begin, transcript.exons.back().end};
    body = body.end == 0 ? whole : Interval{std::min(body.begin, whole.begin), std::max(body.end, whole.end)};
    model.transcripts.push_back(std::move(transcript));
  }
  drop_genes_without_exons(model);
}

GeneModel read_gene_model(io::GtfReader reader) {
  io::GtfRow row;
  (void)reader.next(row);  // a file without rows is refused
  return reader.format() == io::AnnotationFormat::kGtf ? GtfBuilder(reader, row).build() : read_gff3_model(reader, row);
}

GeneModel read_gene_model(const std::filesystem::path& annotation, core::RunContext& context) {
  return read_gene_model(io::GtfReader(io::open_source(annotation, context)));
}

}  // namespace immucan::sequence
