#include "scrna/bam_input.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "core/error.h"
#include "core/text.h"
#include "io/bam.h"
#include "io/temporary_file.h"
#include "sequence/packed_sequence.h"

namespace immucan::scrna {

namespace {

/// Records decoded once for both texts.
class FastqOfBam {
 public:
  explicit FastqOfBam(std::unique_ptr<io::ByteSource> source) : reader_(std::move(source)) {}
  [[nodiscard]] const std::string& name() const { return reader_.name(); }

  std::size_t read(std::size_t which, std::span<char> buffer) {
    Text& text = texts_[which];
    while (text.bytes.size() - text.begin < buffer.size() && add_record()) {
    }
    const std::size_t part = std::min(buffer.size(), text.bytes.size() - text.begin);
    std::memcpy(buffer.data(), text.bytes.data() + text.begin, part);
    text.begin += part;
    if (text.begin > kKept) {
      text.bytes.erase(0, text.begin);
      text.begin = 0;
    }
    return part;
  }

 private:
  static constexpr std::size_t kKept = std::size_t{1} << 20;
  struct Text {
    std::string bytes;
    std::size_t begin = 0;
  };

  bool add_record() {
    do {
      if (!reader_.next(record_)) return false;
    } while (!record_.is_primary());
    add_barcode(texts_[0].bytes);
    std::string& read = texts_[1].bytes;
    fmt::format_to(std::back_inserter(read), "@{}\n", record_.name());
    record_.append_sequence(read);
    read += "\n+\n";
    record_.append_qualities(read);
    read += '\n';
    return true;
  }

  void add_barcode(std::string& out) const {
    std::string bases(record_.text_tag("sS").value_or("")), qualities(record_.text_tag("sQ").value_or(""));
    if (bases.empty()) {
      const auto barcode = record_.text_tag("CR"), umi = record_.text_tag("UR");
      if (!barcode || !umi) {
        core::raise({reader_.name(), core::Place::record(reader_.record_number()),
                     fmt::format("read {} has no barcode and UMI as sequenced (tags CR and UR, or sS)",
                                 core::printable(record_.name())),
                     "Give a BAM of Cell Ranger, or of STARsolo with --outSAMattributes CR CY UR UY"});
      }
      bases = fmt::format("{}{}", *barcode, *umi);
      qualities = fmt::format("{}{}", record_.text_tag("CY").value_or(""), record_.text_tag("UY").value_or(""));
    }
    if (qualities.size() != bases.size()) qualities.assign(bases.size(), 'I');
    fmt::format_to(std::back_inserter(out), "@{}\n{}\n+\n{}\n", record_.name(), bases, qualities);
  }

  io::BamReader reader_;
  io::BamRecord record_;
  std::array<Text, 2> texts_;
};

class FastqHalf : public io::ByteSource {
 public:
  FastqHalf(std::shared_ptr<FastqOfBam> both, std::size_t which) : both_(std::move(both)), which_(which) {}
  std::size_t read(std::span<char> buffer) override {
    const std::size_t part = both_->read(which_, buffer);
    position_ += part;
    return part;
  }
  [[nodiscard]] io::Compression compression() const override { return io::Compression::kBgzf; }
  [[nodiscard]] const std::string& name() const override { return both_->name(); }
  [[nodiscard]] std::uint64_t position() const override { return position_; }

 private:
  std::shared_ptr<FastqOfBam> both_;
  std::size_t which_;
  std::uint64_t position_ = 0;
};

bool is_absent(const std::optional<std::string_view>& tag) {
  return !tag || tag->empty() || *tag == "-";
}

class TagCounter {
 public:
  TagCounter(const CountOptions& options, const ReferenceIndex& index, const Whitelist& whitelist,
             core::RunContext& context)
      : options_(options),
        index_(index),
        whitelist_(whitelist),
        context_(context),
        store_(store_budget(options, index, whitelist, 1), io::temporary_folder(context)) {
    for (std::uint32_t gene = 0; gene < index.gene_ids().size(); ++gene) genes_[index.gene_ids()[gene]] = gene;
  }

  CountResult run() {
    for (const std::filesystem::path& path : options_.bam) {
      io::BamReader reader(io::open_source(path, context_));
      io::BamRecord record;
      while (reader.next(record)) {
        add(reader, record);
        if (reader.record_number() % kPolled == 0) context_.interrupt.check();
      }
      // Reads of which fewer places were written than NH says.
      for (auto& [name, read] : unfinished_) finish(read);
      unfinished_.clear();
    }
    flush();
    if (tagged_ == 0) {
      core::raise({options_.bam.front().string(), core::Place::none(),
                   fmt::format("none of {} reads has a barcode, a UMI and a gene (tags CB, UR and GX)", summary_.reads),
                   "Give a BAM of Cell Ranger or STARsolo with these tags, or --bam-genes map"});
    }
    return collect_counts(store_, sets_, summary_, options_.rules, options_, context_);
  }

 private:
  static constexpr std::uint64_t kPolled = 65536;
  static constexpr std::size_t kAddedAtOnce = 65536;

  /// What the records of one read say together.
  struct TaggedRead {
    std::uint32_t cell = 0, umi = 0, evidence = 0;
    std::int64_t places = 1;  ///< records still to come, and this one
    bool mapped = false;
    bool with_barcode = false;
    std::vector<std::uint32_t> genes;
  };

  void add(const io::BamReader& reader, const io::BamRecord& record) {
    // STAR gives every place of a read its own gene (gx), and GX only where all places together have one. Cell Ranger
    // says so in the record itself (xf).
    const auto flags = record.number_tag("xf");
    const std::int64_t places = flags ? 1 : record.number_tag("NH").value_or(1);
    if (places <= 1) {
      if (!record.is_primary()) return;
      one_.genes.clear();
      begin(reader, record, one_);
      if (!flags || (*flags & 1) != 0) add_genes(reader, record, one_);
      finish(one_);
      return;
    }
    const auto [found, is_new] = unfinished_.try_emplace(std::string(record.name()));
    TaggedRead& read = found->second;
    if (is_new) {
      begin(reader, record, read);
      read.places = places;
    }
    add_genes(reader, record, read);
    if (--read.places > 0) return;
    finish(read);
    unfinished_.erase(found);
  }

  void begin(const io::BamReader& reader, const io::BamRecord& record, TaggedRead& read) {
    ++summary_.reads;
    const auto barcode = record.text_tag("CB");
    const auto umi = record.text_tag("UR");
    const BarcodeClass barcode_class = class_of(barcode, record.text_tag("CR"), umi);
    ++summary_.barcodes[static_cast<std::size_t>(barcode_class)];
    read.with_barcode = barcode_class == BarcodeClass::kExact || barcode_class == BarcodeClass::kOneMismatch;
    read.mapped = (record.flag() & io::BamRecord::kUnmapped) == 0;
    if (!read.with_barcode) return;
    read.cell = rank_of(reader, *barcode);
    read.umi = *encode_bases(*umi);
    read.evidence = evidence_of(record);
  }

  void add_genes(const io::BamReader& reader, const io::BamRecord& record, TaggedRead& read) const {
    if (!read.with_barcode) return;
    auto tag = record.text_tag("gx");
    if (is_absent(tag)) tag = record.text_tag("GX");
    if (is_absent(tag)) return;
    for (const std::string_view id : core::split(*tag, tag->find(';') == std::string_view::npos ? ',' : ';'))
      read.genes.push_back(gene_number(reader, id));
  }

  void finish(TaggedRead& read) {
    if (!read.with_barcode) return;
    std::ranges::sort(read.genes);
    read.genes.erase(std::ranges::unique(read.genes).begin(), read.genes.end());
    const ReadClass read_class = read.genes.size() == 1  ? ReadClass::kGene
                                 : read.genes.size() > 1 ? ReadClass::kSeveralGenes
                                 : read.mapped           ? ReadClass::kNoGene
                                                         : ReadClass::kUnmapped;
    ++summary_.mapping[static_cast<std::size_t>(read_class)];
    if (read.genes.empty() || (read.genes.size() > 1 && !needs_gene_sets(options_.rules))) return;
    const std::uint32_t gene = read.genes.size() == 1 ? read.genes.front() : sets_.intern(read.genes);
    ++tagged_;
    waiting_.push_back({read.cell, gene, read.umi, MoleculeReads::kOneRead | read.evidence});
    if (waiting_.size() >= kAddedAtOnce) flush();
  }

  BarcodeClass class_of(const std::optional<std::string_view>& barcode,
                        const std::optional<std::string_view>& as_sequenced,
                        const std::optional<std::string_view>& umi) const {
    if (is_absent(barcode)) return BarcodeClass::kNoMatch;
    const auto code = is_absent(umi) || umi->size() > 16 ? std::nullopt : encode_bases(*umi);
    if (!code) return BarcodeClass::kUmiN;
    if (umi->find_first_not_of(umi->front()) == std::string_view::npos) return BarcodeClass::kUmiHomopolymer;
    const std::string_view plain = barcode->substr(0, barcode->find('-'));
    return as_sequenced && *as_sequenced != plain ? BarcodeClass::kOneMismatch : BarcodeClass::kExact;
  }

  std::uint32_t rank_of(const io::BamReader& reader, std::string_view barcode) const {
    const std::string_view plain = barcode.substr(0, barcode.find('-'));
    std::optional<std::uint32_t> rank;
    const auto code = plain.size() <= 16 ? encode_bases(plain) : std::nullopt;
    const auto size = static_cast<std::uint32_t>(plain.size());
    if (code && whitelist_.parts().size() == 1) rank = whitelist_.parts().front().find(*code, size);
    if (!rank) {
      core::raise({reader.name(), core::Place::record(reader.record_number()),
                   fmt::format("barcode {} is not on the list", core::printable(barcode)),
                   "Give --chemistry and the barcode list that the BAM was made with"});
    }
    return *rank;
  }

  std::uint32_t gene_number(const io::BamReader& reader, std::string_view id) const {
    const auto found = genes_.find(id);
    if (found == genes_.end()) {
      core::raise({reader.name(), core::Place::record(reader.record_number()),
                   fmt::format("gene {} is not in the index", core::printable(id)),
                   "Give an index of the annotation that the BAM was made with, or --bam-genes map"});
    }
    return found->second;
  }

  /// Cell Ranger's region: N intronic.
  static std::uint32_t evidence_of(const io::BamRecord& record) {
    return record.text_tag("RE").value_or("") == "N" ? kIntron : 0U;
  }

  void flush() {
    store_.add(waiting_, scratch_);
    waiting_.clear();
    context_.progress.update("reads", summary_.reads);
  }

  const CountOptions& options_;
  const ReferenceIndex& index_;
  const Whitelist& whitelist_;
  core::RunContext& context_;
  std::unordered_map<std::string_view, std::uint32_t> genes_;
  TaggedRead one_;
  std::unordered_map<std::string, TaggedRead> unfinished_;  ///< by name: reads with several places
  std::vector<MoleculeReads> waiting_;
  MoleculeStore::Scratch scratch_;
  GeneSets sets_;
  MoleculeStore store_;
  ReadSummary summary_;
  std::uint64_t tagged_ = 0;
};

/// The first word behind an option of a command line; nullopt when the option is not there.
std::optional<std::string_view> argument_of(std::string_view command, std::string_view option) {
  std::size_t at = 0;
  while ((at = command.find(option, at)) != std::string_view::npos) {
    const std::size_t end = at + option.size();
    if (end < command.size() && command[end] == ' ' && at > 0 && command[at - 1] == ' ') {
      const std::size_t begin = std::min(command.find_first_not_of(' ', end), command.size());
      return command.substr(begin, command.find(' ', begin) - begin);
    }
    at = end;
  }
  return std::nullopt;
}

}  // namespace

std::array<std::unique_ptr<io::ByteSource>, 2> bam_as_fastq(const std::filesystem::path& bam,
                                                            core::RunContext& context) {
  const auto both = std::make_shared<FastqOfBam>(io::open_source(bam, context));
  return {std::make_unique<FastqHalf>(both, 0), std::make_unique<FastqHalf>(both, 1)};
}

CountResult count_tagged(const CountOptions& options, const ReferenceIndex& index, const Whitelist& whitelist,
                         core::RunContext& context) {
  return TagCounter(options, index, whitelist, context).run();
}

std::optional<CountingRules> starsolo_rules(std::string_view header) {
  constexpr std::string_view kCommand = "@CO\tuser command line: ";
  const std::size_t at = header.find(kCommand);
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view command = header.substr(at + kCommand.size());
  command = command.substr(0, command.find('\n'));
  if (command.find("--soloType") == std::string_view::npos) return std::nullopt;
  CountingRules rules;
  rules.umi = UmiRule::k1mmAll;
  rules.multi_gene = MultiGeneRule::kKeep;
  rules.correct_shared = false;
  const std::string_view umi = argument_of(command, "--soloUMIdedup").value_or("");
  if (umi == "1MM_CR") rules.umi = UmiRule::k1mmCr;
  if (umi == "1MM_Directional") rules.umi = UmiRule::kDirectional;
  if (umi == "1MM_Directional_UMItools") rules.umi = UmiRule::kDirectionalUmitools;
  if (umi == "Exact") rules.umi = UmiRule::kExact;
  const std::string_view genes = argument_of(command, "--soloUMIfiltering").value_or("");
  if (genes == "MultiGeneUMI") rules.multi_gene = MultiGeneRule::kMostReads;
  // Read by STAR 2.7.11b, but applied to reads of several genes only: counts of single genes are those of "-".
  rules.known_umis_are_counted = genes == "MultiGeneUMI_All";
  if (genes == "MultiGeneUMI_CR") rules.multi_gene = MultiGeneRule::kCorrectedReads;
  return rules;
}

std::optional<CountingRules> starsolo_rules_of(const std::filesystem::path& bam) {
  core::RunContext aside("", "", "");
  return starsolo_rules(io::BamReader(io::open_source(bam, aside)).header());
}

}  // namespace immucan::scrna
