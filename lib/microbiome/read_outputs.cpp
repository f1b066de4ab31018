#include "microbiome/read_outputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <set>
#include <unordered_set>
#include <vector>

#include "core/error.h"
#include "core/text.h"
#include "io/bgzf_writer.h"
#include "io/temporary_file.h"

namespace immucan::microbiome {

namespace {

constexpr std::uint32_t kNoClass = 0xffffffff, kHostClass = 0xfffffffe;
constexpr std::size_t kBuffer = std::size_t{1} << 20;

/// A fragment that waits. Its name and then its records follow.
struct Waiting {
  std::uint32_t number = kNoClass;  ///< of its class
  std::uint32_t name_bytes = 0;
  std::array<std::uint32_t, 2> record_bytes{};
  std::array<std::uint32_t, 2> lengths{};
  std::uint32_t hits = 0;
};

void append_record(std::string& out, const io::FastqBlock& block, std::size_t record) {
  out += block.is_fasta() ? '>' : '@';
  out += block.title(record);
  out += '\n';
  out += block.sequence(record);
  if (!block.is_fasta()) {
    out += "\n+\n";
    out += block.quality(record);
  }
  out += '\n';
}

/// One compressed file per mate.
class FastqOutput {
 public:
  FastqOutput(core::OutputSet& outputs, const std::string& stem, std::size_t mates, bool fasta, unsigned threads) {
    for (std::size_t mate = 0; mate < mates; ++mate) {
      const std::string part = mates == 1 ? "" : fmt::format("_R{}", mate + 1);
      writers_.emplace_back(outputs.add(fmt::format("{}{}.{}.gz", stem, part, fasta ? "fasta" : "fastq")), threads);
    }
  }
  void write(std::size_t mate, std::string_view record) { writers_[mate].write(record); }
  void finish() {
    for (auto& writer : writers_) writer.finish();
  }

 private:
  std::vector<io::BgzfWriter> writers_;
};

/// What a fragment of a class is, now that the species present are known.
class Verdicts {
 public:
  Verdicts(const Database& database, const SampleCounts& counts, const SampleProfile& profile)
      : database_(database), counts_(counts) {
    for (const ProfileRow& row : profile.rows) reported_.insert(row.taxid);
    for (const SpeciesEvidence& evidence : profile.evidence)
      if (evidence.present) present_.insert(evidence.species);
    verdicts_.resize(counts.class_counts.size());
  }

  struct Verdict {
    bool known = false;
    TaxonIndex taxon = 0;             ///< lowest common ancestor of the candidates; 0 without any
    std::vector<TaxonIndex> species;  ///< candidates
  };
  const Verdict& of(std::uint32_t number) {
    Verdict& verdict = verdicts_[number];
    if (verdict.known) return verdict;
    verdict.known = true;
    std::optional<TaxonIndex> taxon;
    for (const std::uint32_t genome : counts_.class_members(number)) {
      const GenomeRecord& record = database_.genomes()[genome];
      if (!present_.contains(record.species)) continue;
      if (std::ranges::find(verdict.species, record.species) == verdict.species.end())
        verdict.species.push_back(record.species);
      // A strain that is not reported leaves its reads to the species.
      const bool own = reported_.contains(database_.taxonomy()[record.taxon].taxid);
      const TaxonIndex node = own ? record.taxon : record.species;
      taxon = taxon ? database_.taxonomy().lowest_common_ancestor(*taxon, node) : node;
    }
    verdict.taxon = taxon.value_or(0);
    return verdict;
  }

 private:
  const Database& database_;
  const SampleCounts& counts_;
  std::unordered_set<std::uint64_t> reported_;
  std::set<TaxonIndex> present_;
  std::vector<Verdict> verdicts_;
};

}  // namespace

struct ReadOutputs::State {
  core::OutputSet& outputs;
  const Database& database;
  std::string sample;
  ReadOutputOptions options;
  core::RunContext& context;
  std::size_t mates = 1;
  std::optional<bool> fasta;  ///< once the first batch has come
  std::optional<FastqOutput> host;
  std::optional<io::TemporaryFile> file;
  std::string buffer;

  /// Whether a fragment of this kind has to wait.
  [[nodiscard]] bool waits(FragmentKind kind) const {
    if (kind == FragmentKind::kHost) return options.assignments;
    return options.assignments || options.classified || options.unmapped;
  }

  void begin(const io::FastqBatch& reads) {
    const bool is_fasta = reads.mates[0].is_fasta();
    if (!fasta) {
      fasta = is_fasta;
      mates = reads.mates.size();
      open_host();
    }
    for (const io::FastqBlock& block : reads.mates)
      if (block.is_fasta() != *fasta)
        core::raise({block.file(), core::Place::none(), "FASTA and FASTQ cannot be written into one file",
                     "Give lanes of one kind, or no read outputs"});
  }

  void open_host() {
    if (options.host) host.emplace(outputs, sample + ".host", mates, fasta.value_or(false), 1);
  }

  void flush() {
    if (buffer.empty()) return;
    if (!file) file.emplace(io::temporary_folder(context));
    file->append(buffer);
    buffer.clear();
  }

  void keep(const io::FastqBatch& reads, std::size_t record, const FragmentRecord& fragment, std::uint32_t number) {
    Waiting waiting;
    waiting.number = number;
    waiting.hits = fragment.hits;
    const bool with_records = number != kHostClass && (options.classified || options.unmapped);
    const std::string_view name = options.assignments ? reads.mates[0].name(record) : std::string_view{};
    waiting.name_bytes = static_cast<std::uint32_t>(name.size());
    const std::size_t at = buffer.size();
    buffer.resize(at + sizeof waiting);
    buffer += name;
    for (std::size_t mate = 0; mate < mates; ++mate) {
      waiting.lengths[mate] = static_cast<std::uint32_t>(reads.mates[mate].sequence(record).size());
      const std::size_t begin = buffer.size();
      if (with_records) append_record(buffer, reads.mates[mate], record);
      waiting.record_bytes[mate] = static_cast<std::uint32_t>(buffer.size() - begin);
    }
    std::memcpy(buffer.data() + at, &waiting, sizeof waiting);
    if (buffer.size() >= kBuffer) flush();
  }
};

ReadOutputs::ReadOutputs(core::OutputSet& outputs, const Database& database, std::string sample_id,
                         const ReadOutputOptions& options, core::RunContext& context)
    : state_(new State{outputs, database, std::move(sample_id), options, context, 1, {}, {}, {}, {}}) {}

ReadOutputs::~ReadOutputs() = default;

void ReadOutputs::add(const io::FastqBatch& reads, const FragmentScanner& scanner, SampleCounts& counts) {
  State& state = *state_;
  if (reads.size() == 0) return;
  state.begin(reads);
  std::string record;
  for (std::size_t i = 0; i < reads.size(); ++i) {
    const FragmentRecord& fragment = scanner.fragments()[i];
    if (fragment.kind == FragmentKind::kHost && state.host) {
      for (std::size_t mate = 0; mate < state.mates; ++mate) {
        record.clear();
        append_record(record, reads.mates[mate], i);
        state.host->write(mate, record);
      }
    }
    if (!state.waits(fragment.kind)) continue;
    std::uint32_t number = kNoClass;
    if (fragment.kind == FragmentKind::kHost) number = kHostClass;
    if (fragment.kind == FragmentKind::kMicrobial) number = counts.classes.intern(scanner.members(fragment));
    state.keep(reads, i, fragment, number);
  }
}

namespace {

/// The fragments that waited, one by one.
class WaitingReader {
 public:
  explicit WaitingReader(const io::TemporaryFile& file) : file_(file) {}
  bool next() {
    if (!available(sizeof waiting)) return false;
    std::memcpy(&waiting, buffer_.data() + at_, sizeof waiting);
    const std::size_t bytes =
        sizeof waiting + waiting.name_bytes + waiting.record_bytes[0] + std::size_t{waiting.record_bytes[1]};
    (void)available(bytes);
    const std::string_view text = std::string_view(buffer_).substr(at_, bytes);
    name = text.substr(sizeof waiting, waiting.name_bytes);
    records[0] = text.substr(sizeof waiting + waiting.name_bytes, waiting.record_bytes[0]);
    records[1] = text.substr(bytes - waiting.record_bytes[1]);
    at_ += bytes;
    return true;
  }
  Waiting waiting;
  std::string_view name;
  std::array<std::string_view, 2> records;

 private:
  /// Makes that many bytes stand in the buffer; false at the end.
  bool available(std::size_t bytes) {
    if (buffer_.size() - at_ >= bytes) return true;
    buffer_.erase(0, at_);
    at_ = 0;
    const std::size_t have = buffer_.size();
    const std::uint64_t more = std::min<std::uint64_t>(std::max(bytes - have, kBuffer), file_.size() - read_);
    buffer_.resize(have + more);
    file_.read_at(read_, std::span(buffer_).subspan(have));
    read_ += more;
    return buffer_.size() >= bytes;
  }
  const io::TemporaryFile& file_;
  std::string buffer_;
  std::size_t at_ = 0;
  std::uint64_t read_ = 0;
};

}  // namespace

void ReadOutputs::finish(const SampleCounts& counts, const SampleProfile& profile) {
  State& state = *state_;
  const Taxonomy& taxonomy = state.database.taxonomy();
  if (state.options.host && !state.host) state.open_host();
  if (state.host) state.host->finish();
  state.flush();
  const unsigned threads = state.context.threads;
  const bool fasta = state.fasta.value_or(false);
  std::optional<io::BgzfWriter> assignments;
  std::optional<FastqOutput> classified, unmapped;
  if (state.options.assignments) assignments.emplace(state.outputs.add(state.sample + ".reads.tsv.gz"), threads);
  if (state.options.classified)
    classified.emplace(state.outputs, state.sample + ".classified", state.mates, fasta, threads);
  if (state.options.unmapped) unmapped.emplace(state.outputs, state.sample + ".unmapped", state.mates, fasta, threads);
  Verdicts verdicts(state.database, counts, profile);
  const Verdicts::Verdict nothing;
  if (state.file) {
    WaitingReader fragments(*state.file);
    std::string line;
    while (fragments.next()) {
      const Waiting& waiting = fragments.waiting;
      const bool host = waiting.number == kHostClass;
      const auto& verdict = host || waiting.number == kNoClass ? nothing : verdicts.of(waiting.number);
      const bool known = !verdict.species.empty();
      if (assignments) {
        const std::uint64_t host_taxid = host ? taxonomy[state.database.genomes()[0].taxon].taxid : std::uint64_t{0};
        line = fmt::format("{}\t{}\t{}\t{}", known || host ? 'C' : 'U', fragments.name,
                           host ? host_taxid : (known ? taxonomy[verdict.taxon].taxid : 0), waiting.lengths[0]);
        if (state.mates == 2) line += fmt::format("|{}", waiting.lengths[1]);
        line += '\t';
        if (host) line += fmt::format("{}:{}", host_taxid, waiting.hits);
        if (!host && !known) line += fmt::format("0:{}", waiting.hits);
        for (std::size_t i = 0; i < verdict.species.size(); ++i)
          line += fmt::format("{}{}:{}", i == 0 ? "" : " ", taxonomy[verdict.species[i]].taxid, waiting.hits);
        line += '\n';
        assignments->write(line);
      }
      auto& output = known ? classified : unmapped;
      if (host || !output) continue;
      for (std::size_t mate = 0; mate < state.mates; ++mate) output->write(mate, fragments.records[mate]);
    }
  }
  if (assignments) assignments->finish();
  if (classified) classified->finish();
  if (unmapped) unmapped->finish();
  state.file.reset();
}

}  // namespace immucan::microbiome
