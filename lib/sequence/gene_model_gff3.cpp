#include "sequence/gene_model_gff3.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "core/error.h"
#include "core/text.h"
#include "sequence/gene_model_finish.h"

namespace immucan::sequence {

namespace {

constexpr std::uint32_t kNone = 0xffffffff;
constexpr int kDeepest = 16;  // Parent chains are gene – transcript – exon, with one more level for microRNAs

/// A feature that has an ID or is somebody's Parent.
struct Node {
  std::string id;
  std::uint32_t parent = kNone;
  bool declared = false, trans_spliced = false, gene_like = false;
  std::string chromosome;
  char strand = '.';
  std::uint64_t line = 0;  ///< of its row, or of the first row that names it as Parent
  std::string gene_id, transcript_id, name, biotype;
  std::vector<Interval> exons, coding;
};

std::string without(std::string_view id, std::initializer_list<std::string_view> prefixes) {
  for (const std::string_view prefix : prefixes) {
    if (id.starts_with(prefix) && id.size() > prefix.size()) return std::string(id.substr(prefix.size()));
  }
  return std::string(id);
}

class Gff3Builder {
 public:
  Gff3Builder(io::GtfReader& reader, io::GtfRow& row) : reader_(reader), row_(row) { model_.source = reader.file(); }

  GeneModel build() {
    do {
      if (row_.feature == "exon" || row_.feature == "pseudogenic_exon") {
        add_parts(&Node::exons);
      } else if (row_.feature == "CDS") {
        add_parts(&Node::coding);
      } else if (const auto id = row_.attribute("ID"); id && !id->empty()) {
        declare(*id);
      }
    } while (reader_.next(row_));
    make_transcripts();
    finish_model(std::move(transcripts_), model_);
    return std::move(model_);
  }

 private:
  [[noreturn]] void fail(std::uint64_t line, std::string what, std::string remedy) const {
    core::raise({model_.source, core::Place::line(line), std::move(what), std::move(remedy)});
  }

  std::uint32_t node_of(std::string_view id) {
    const auto [entry, fresh] = numbers_.try_emplace(std::string(id), static_cast<std::uint32_t>(nodes_.size()));
    if (fresh) {
      nodes_.emplace_back();
      nodes_.back().id = id;
      nodes_.back().line = row_.line;
    }
    return entry->second;
  }

  std::string first_of(std::initializer_list<std::string_view> names) const {
    for (const std::string_view name : names) {
      if (const auto value = row_.attribute(name); value && !value->empty()) return std::string(*value);
    }
    return {};
  }

  void declare(std::string_view id) {
    std::uint32_t parent = kNone;
    // Of several parents the first: a transcript belongs to one gene.
    if (const auto parents = row_.attribute("Parent"); parents && !parents->empty())
      parent = node_of(parents->substr(0, parents->find(',')));
    Node& node = nodes_[node_of(id)];
    if (row_.attribute("exception") == "trans-splicing") node.trans_spliced = true;
    if (node.declared) {  // a feature over several rows
      if (node.chromosome != row_.sequence || node.strand != row_.strand) refuse_scattered(node);
      return;
    }
    node.declared = true;
    node.parent = parent;
    node.line = row_.line;
    node.gene_like = row_.feature.find("gene") != std::string_view::npos;
    node.chromosome = row_.sequence;
    node.strand = row_.strand;
    node.gene_id = first_of({"gene_id"});
    node.transcript_id = first_of({"transcript_id"});
    node.name = first_of({"gene_name", "Name", "gene"});
    node.biotype = first_of({"gene_biotype", "gene_type", "biotype"});
  }

  void refuse_scattered(Node& node) const {
    if (node.trans_spliced) return;
    fail(row_.line,
         fmt::format("{} lies on {}{} here and on {}{} in line {}", core::printable(node.id),
                     core::printable(row_.sequence), row_.strand, core::printable(node.chromosome), node.strand,
                     node.line),
         "Give each copy of a feature its own ID");
  }

  void add_parts(std::vector<Interval> Node::* parts) {
    const auto parents = row_.attribute("Parent");
    if (!parents || parents->empty()) {
      if (parts == &Node::coding) return;  // a CDS on its own says nothing about a gene
      fail(row_.line, "exon without Parent", "Give a GFF3 whose exons name their transcript");
    }
    for (std::string_view rest = *parents; !rest.empty();) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      if (comma > 0) {
        Node& node = nodes_[node_of(rest.substr(0, comma))];
        if (row_.attribute("exception") == "trans-splicing") node.trans_spliced = true;
        (node.*parts).push_back({row_.start - 1, row_.end});
        check_place(node);
      }
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }

  /// Parts lie where their parent does; parents that come later are checked by their first part.
  void check_place(Node& node) const {
    if (node.chromosome.empty()) {
      node.chromosome = row_.sequence;
      node.strand = row_.strand;
    } else if (node.chromosome != row_.sequence || node.strand != row_.strand) {
      refuse_scattered(node);
    }
  }

  std::uint32_t root_of(std::uint32_t number) const {
    std::uint32_t at = number;
    for (int depth = 0; depth < kDeepest; ++depth) {
      const Node& node = nodes_[at];
      if (!node.declared) {
        fail(node.line, fmt::format("the Parent {} is not in the file", core::printable(node.id)),
             "Give the whole annotation");
      }
      if (node.parent == kNone) return at;
      at = node.parent;
    }
    fail(nodes_[number].line, fmt::format("the Parents of {} go round in a circle", core::printable(nodes_[number].id)),
         "Correct the Parent attributes");
  }

  void make_transcripts() {
    std::vector<std::uint32_t> roots(nodes_.size(), kNone);
    std::vector<bool> has_exons(nodes_.size(), false), left_out(nodes_.size(), false);
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
      const Node& node = nodes_[i];
      if (node.exons.empty() && node.coding.empty()) continue;
      roots[i] = root_of(i);
      if (!node.exons.empty()) has_exons[roots[i]] = true;
      if (node.trans_spliced) left_out[roots[i]] = true;
    }
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
      if (nodes_[i].declared && nodes_[i].gene_like && nodes_[i].parent == kNone && !left_out[i] &&
          (roots[i] != kNone || nodes_[i].strand == '+' || nodes_[i].strand == '-')) {
        (void)gene_of(i);
      }
      if (left_out[i]) ++model_.trans_spliced_genes;
    }
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
      const std::uint32_t root = roots[i];
      if (root == kNone || left_out[root]) continue;
      Node& node = nodes_[i];
      // CDS beside the transcripts of a gene add nothing.
      if (node.exons.empty() && root == i && has_exons[root]) continue;
      const std::uint32_t gene = gene_of(root);
      const Gene& whole = model_.genes[gene];
      if (node.chromosome != whole.chromosome || (node.strand == '-') != whole.reverse) {
        fail(node.line,
             fmt::format("{} does not lie on {}{} as its gene {}", core::printable(node.id),
                         core::printable(whole.chromosome), whole.reverse ? '-' : '+', core::printable(whole.id)),
             "Correct the Parent attributes");
      }
      transcripts_.push_back(
          {{node.transcript_id.empty() ? without(node.id, {"transcript:", "rna-"}) : node.transcript_id, gene,
            std::move(node.exons)},
           std::move(node.coding),
           node.line});
    }
  }

  std::uint32_t gene_of(std::uint32_t root) {
    const auto [entry, fresh] = genes_.try_emplace(root, static_cast<std::uint32_t>(model_.genes.size()));
    if (!fresh) return entry->second;
    const Node& node = nodes_[root];
    if (node.strand != '+' && node.strand != '-') {
      fail(node.line, fmt::format("gene {} has no strand (\"{}\")", core::printable(node.id), node.strand),
           "Give every gene the strand + or -");
    }
    Gene gene;
    gene.id = node.gene_id.empty() ? without(node.id, {"gene:", "gene-"}) : node.gene_id;
    if (!ids_.insert({gene.id, root}).second) {  // copies on both sex chromosomes in older releases
      gene.id = node.id;
      if (!ids_.insert({gene.id, root}).second)
        fail(node.line, fmt::format("gene {} appears twice", core::printable(gene.id)), "Give each gene its own ID");
    }
    gene.name = node.name;
    gene.biotype = node.biotype;
    gene.chromosome = node.chromosome;
    gene.reverse = node.strand == '-';
    gene.line = node.line;
    model_.genes.push_back(std::move(gene));
    return entry->second;
  }

  io::GtfReader& reader_;
  io::GtfRow& row_;
  GeneModel model_;
  std::vector<Node> nodes_;
  std::unordered_map<std::string, std::uint32_t> numbers_, ids_;
  std::unordered_map<std::uint32_t, std::uint32_t> genes_;
  std::vector<RawTranscript> transcripts_;
};

}  // namespace

GeneModel read_gff3_model(io::GtfReader& reader, io::GtfRow& row) {
  return Gff3Builder(reader, row).build();
}

}  // namespace immucan::sequence
