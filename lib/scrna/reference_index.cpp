#include "scrna/reference_index.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>

#include "core/error.h"
#include "core/text.h"

namespace immucan::scrna {

namespace {

constexpr const char* kRebuild = "Build it again: scrna-count index --genome GENOME --gtf GTF -o INDEX";

/// Texts one after the other, each ended by a newline.
std::vector<std::string_view> split_names(std::string_view bytes) {
  std::vector<std::string_view> names;
  while (!bytes.empty()) {
    const std::size_t end = std::min(bytes.find('\n'), bytes.size());
    names.push_back(bytes.substr(0, end));
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
  }
  return names;
}

SegmentTable load_segments(const io::IndexedFile& file, const std::string& strand) {
  return {file.section<std::uint32_t>("segments" + strand), file.section<std::uint32_t>("segment_starts" + strand),
          file.section<SegmentGene>("segment_genes" + strand), file.section<std::uint32_t>("segment_coarse" + strand)};
}

}  // namespace

ReferenceIndex::ReferenceIndex(const std::filesystem::path& path, core::RunContext& context, bool map)
    : file_(path, kKind, kMajor, kRebuild, {.map = map, .verify = true, .threads = context.threads}, context),
      bytes_(std::filesystem::file_size(path)) {
  const auto parameters = file_.section<IndexParameters>("parameters");
  if (parameters.size() == 1) parameters_ = parameters.front();
  text_ = file_.section<std::uint64_t>("text");
  chromosome_begins_ = file_.section<std::uint32_t>("chromosome_begins");
  contig_begins_ = file_.section<std::uint32_t>("contig_begins");
  contig_block_starts_ = file_.section<std::uint32_t>("contig_block_starts");
  contig_blocks_ = file_.section<GenomeBlock>("contig_blocks");
  contig_gene_starts_ = file_.section<std::uint32_t>("contig_gene_starts");
  contig_genes_ = file_.section<std::uint32_t>("contig_genes");
  segments_[0] = load_segments(file_, "+");
  segments_[1] = load_segments(file_, "-");
  genes_ = file_.section<IndexedGene>("genes");
  gene_ids_ = split_names(file_.bytes("gene_ids"));
  gene_names_ = split_names(file_.bytes("gene_names"));
  chromosome_names_ = split_names(file_.bytes("chromosome_names"));
  seeds_ = {file_.section<std::uint32_t>("seed_buckets"), file_.section<sequence::SeedPlace>("seed_places")};
  check(path);
  rank_contigs();
  if (file_.has("reference")) spliced_only_ = file_.bytes("reference") == "transcripts";
  if (file_.has("features")) features_ = from_lines(file_.bytes("features"), path.string());
}

ReferenceIndex::Span ReferenceIndex::span_of(std::uint32_t position) const {
  if (in_genome(position)) {
    const auto next = std::ranges::upper_bound(chromosome_begins_, position);
    return {*(next - 1), *next, kNoContig};
  }
  std::uint32_t contig = contig_ranks_[(position - parameters_.genome_bases) >> kContigRankBits];
  while (contig_begins_[contig + 1] <= position) ++contig;
  return {contig_begins_[contig], contig_begins_[contig + 1], contig};
}

void ReferenceIndex::forget_sequences() const {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto forget = [page](const auto& section) {
    const auto bytes = std::as_bytes(section);
    const auto first = (reinterpret_cast<std::uintptr_t>(bytes.data()) + page - 1) / page * page;
    const auto last = reinterpret_cast<std::uintptr_t>(bytes.data() + bytes.size()) / page * page;
    // Advice: where it is not followed the memory is merely kept.
    if (first < last) (void)::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
  };
  forget(text_);
  forget(file_.section<sequence::SeedPlace>("seed_places"));
  forget(file_.section<std::uint32_t>("seed_buckets"));
}

void ReferenceIndex::rank_contigs() {
  const std::uint64_t end = contig_begins_.back();
  std::uint32_t contig = 0;
  for (std::uint64_t at = parameters_.genome_bases; at < end; at += std::uint64_t{1} << kContigRankBits) {
    while (contig_begins_[contig + 1] <= at) ++contig;
    contig_ranks_.push_back(contig);
  }
}

void ReferenceIndex::check(const std::filesystem::path& path) const {
  // Checksums hold already; this refuses files whose parts do not belong together, so that no lookup can leave the
  // text.
  const auto ascends = [](std::span<const std::uint32_t> starts, std::size_t last) {
    return !starts.empty() && std::ranges::is_sorted(starts) && starts.back() == last;
  };
  const auto table_good = [&](const SegmentTable& table) {
    return !table.breakpoints.empty() && table.breakpoints.front() == 0 && std::ranges::is_sorted(table.breakpoints) &&
           table.gene_starts.size() == table.breakpoints.size() + 1 && ascends(table.gene_starts, table.genes.size()) &&
           table.coarse.size() > (parameters_.genome_bases >> SegmentTable::kCoarseBits) &&
           std::ranges::all_of(table.coarse, [&](std::uint32_t i) { return i < table.breakpoints.size(); }) &&
           std::ranges::all_of(table.genes, [&](const SegmentGene& gene) { return gene.gene < genes_.size(); });
  };
  const std::uint64_t text_bases = contig_begins_.empty() ? 0 : contig_begins_.back();
  const bool good =
      parameters_.k % 2 == 1 && parameters_.k <= 31 && parameters_.s % 2 == 1 && parameters_.s < parameters_.k &&
      parameters_.s <= 15 && ascends(chromosome_begins_, parameters_.genome_bases) && !contig_begins_.empty() &&
      std::ranges::is_sorted(contig_begins_) && contig_begins_.front() == parameters_.genome_bases &&
      chromosome_begins_.size() == chromosome_names_.size() + 1 && text_.size() > sequence::words_for(text_bases) &&
      contig_block_starts_.size() == contig_begins_.size() && contig_gene_starts_.size() == contig_begins_.size() &&
      ascends(contig_block_starts_, contig_blocks_.size()) && ascends(contig_gene_starts_, contig_genes_.size()) &&
      std::ranges::all_of(contig_genes_, [&](std::uint32_t gene) { return gene < genes_.size(); }) &&
      std::ranges::all_of(contig_blocks_,
                          [&](const GenomeBlock& block) {
                            return std::uint64_t{block.begin} + block.size <= parameters_.genome_bases;
                          }) &&
      gene_ids_.size() == genes_.size() && gene_names_.size() == genes_.size() && table_good(segments_[0]) &&
      table_good(segments_[1]) && seeds_.consistent() &&
      std::ranges::all_of(file_.section<sequence::SeedPlace>("seed_places"), [&](const sequence::SeedPlace& place) {
        return place.position + std::uint64_t{parameters_.k} <= text_bases;
      });
  if (!good) core::raise({path.string(), core::Place::none(), "the parts of the index do not fit together", kRebuild});
}

}  // namespace immucan::scrna
