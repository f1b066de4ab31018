#include "scrna/transcript_reference.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/text.h"
#include "io/fasta.h"

namespace immucan::scrna {

namespace {

constexpr std::size_t kApart = 100;

using Table = std::unordered_map<std::string, TranscriptGene>;

Table::const_iterator find_transcript(const Table& table, const std::string& name) {
  const auto found = table.find(name);
  if (found != table.end()) return found;
  return table.find(name.substr(0, name.find('|')));
}

/// Transcripts of each gene in the order of the file, genes in the order of their first transcript.
struct Grouped {
  struct Group {
    TranscriptGene gene;
    std::vector<std::pair<std::string, std::string>> transcripts;  ///< name and bases
    std::uint64_t line = 0;
  };
  std::vector<Group> genes;
};

Grouped group(const std::filesystem::path& transcripts, const std::filesystem::path& table_path, const Table& table,
              core::RunContext& context) {
  Grouped grouped;
  std::unordered_map<std::string, std::size_t> ranks;
  io::FastaReader reader(io::open_source(transcripts, context));
  io::FastaRecord record;
  while (reader.next(record)) {
    const auto entry = find_transcript(table, record.name);
    if (entry == table.end()) {
      core::raise(
          {transcripts.string(), core::Place::line(record.line),
           fmt::format("transcript {} is not in {}", core::printable(record.name), table_path.filename().string()),
           "Use transcripts and table of the same release, versions included"});
    }
    const auto [rank, fresh] = ranks.try_emplace(entry->second.gene, grouped.genes.size());
    if (fresh) grouped.genes.push_back({entry->second, {}, record.line});
    grouped.genes[rank->second].transcripts.emplace_back(entry->first, record.sequence);
    context.interrupt.check();
  }
  return grouped;
}

}  // namespace

Table read_transcript_genes(std::unique_ptr<io::ByteSource> source) {
  io::LineReader lines(std::move(source));
  Table table;
  std::string_view line;
  std::vector<std::string_view> fields;
  std::size_t usa = 0;
  while (lines.next(line)) {
    const auto fail = [&](std::string what) {
      core::raise({lines.name(), core::Place::line(lines.line_number()), std::move(what),
                   "The columns are transcript, gene and, if wanted, gene name, separated by tabs"});
    };
    if (core::trim(line).empty()) continue;
    core::split(line, '\t', fields);
    if (fields.size() < 2 || fields[0].empty() || fields[1].empty())
      fail(fmt::format("{} columns, or an empty one", fields.size()));
    if (fields[0].find('\n') != std::string_view::npos) fail("a name over two lines");
    const std::string_view third = fields.size() > 2 ? fields[2] : std::string_view();
    usa += third == "S" || third == "U" || third == "A" ? 1 : 0;
    TranscriptGene gene{std::string(fields[1]), std::string(third.empty() ? fields[1] : third)};
    const auto [entry, fresh] = table.try_emplace(std::string(fields[0]), gene);
    if (!fresh && entry->second.gene != gene.gene)
      fail(fmt::format("transcript {} has two genes", core::printable(fields[0])));
  }
  if (table.empty()) {
    core::raise({lines.name(), core::Place::none(), "holds no transcript",
                 "The columns are transcript, gene and, if wanted, gene name, separated by tabs"});
  }
  if (usa == table.size()) {
    core::raise({lines.name(), core::Place::none(), "the third column tells spliced from unspliced",
                 "Introns come from --genome and --gtf; give a table of transcripts and genes"});
  }
  return table;
}

TranscriptReference read_transcripts(const std::filesystem::path& transcripts, const std::filesystem::path& table_path,
                                     core::RunContext& context) {
  const Table table = read_transcript_genes(io::open_source(table_path, context));
  const Grouped grouped = group(transcripts, table_path, table, context);
  TranscriptReference out;
  GenomeText& genome = out.genome;
  out.model.source = transcripts.string();
  for (const Grouped::Group& group : grouped.genes) {
    std::uint64_t size = kApart * (group.transcripts.size() - 1);
    for (const auto& [name, bases] : group.transcripts) size += bases.size();
    if (genome.text.size() + size > kMaximalText) {
      core::raise({transcripts.string(), core::Place::line(group.line), "the transcripts exceed 4 G bases",
                   "Leave some of them out"});
    }
    const auto begin = static_cast<std::uint32_t>(genome.text.size());
    const auto rank = static_cast<std::uint32_t>(out.model.genes.size());
    std::string text;
    for (const auto& [name, bases] : group.transcripts) {
      if (!text.empty()) text.append(kApart, 'N');
      out.model.transcripts.push_back({name, rank, {{text.size(), text.size() + bases.size()}}});
      text += bases;
    }
    genome.chromosomes.push_back({group.gene.gene, begin, static_cast<std::uint32_t>(text.size())});
    genome.append(text);
    out.model.genes.push_back(
        {group.gene.gene, group.gene.name, "", group.gene.gene, false, {0, text.size()}, group.line});
  }
  return out;
}

}  // namespace immucan::scrna
