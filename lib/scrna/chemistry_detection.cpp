#include "scrna/chemistry_detection.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>

#include "core/error.h"
#include "core/text.h"
#include "scrna/barcode_discovery.h"
#include "scrna/barcodes.h"
#include "scrna/read_mapping.h"

namespace immucan::scrna {

namespace {

constexpr double kLeastListed = 0.01;   // below it the list or the chemistry is wrong
constexpr double kEnough = 0.1;         // from it on an alternative is worth naming
constexpr std::size_t kFewReads = 100;  // fewer reads say nothing about bases and strands
constexpr std::size_t kMappedReads = 4000;
constexpr std::size_t kSizeOf10xv4List = 3686400;  // 3M-3pgex-may-2023

bool is_stream(const std::filesystem::path& path) {
  std::error_code error;
  return path == "-" || (std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error));
}

std::string reverse_complement(std::string_view bases) {
  std::string out(bases.rbegin(), bases.rend());
  for (char& base : out) {
    const std::uint8_t code = sequence::kBaseCodes[static_cast<unsigned char>(base)];
    if (code < 4) base = "TGCA"[code];
  }
  return out;
}

/// How well a geometry and a list go with the reads; counts of reads.
struct Fit {
  std::size_t whole = 0;     ///< long enough, fixed sequences in place
  std::size_t listed = 0;    ///< barcode on the list
  std::size_t reversed = 0;  ///< its reverse complement
};

Fit fit(const FirstReads& reads, const Geometry& geometry, const Whitelist* whitelist, bool swapped) {
  Fit fit;
  CutRead cut;
  BarcodeCall call;
  for (std::size_t i = 0; i < reads.size(); ++i) {
    const auto &one = swapped ? reads.read2[i] : reads.read1[i], &two = swapped ? reads.read1[i] : reads.read2[i];
    const auto &quality1 = swapped ? reads.quality2[i] : reads.quality1[i],
               &quality2 = swapped ? reads.quality1[i] : reads.quality2[i];
    if (geometry.cut(one, quality1, two, quality2, cut) != CutOutcome::kWhole) continue;
    ++fit.whole;
    if (whitelist == nullptr) continue;
    call_barcode(cut, *whitelist, call);
    fit.listed += call.listed ? 1 : 0;
    std::array<std::string, CutRead::kMaximalParts> turned;
    for (std::size_t part = 0; part < cut.parts; ++part) {
      turned[part] = reverse_complement(cut.barcode[part]);
      cut.barcode[part] = turned[part];
    }
    call_barcode(cut, *whitelist, call);
    fit.reversed += call.listed ? 1 : 0;
  }
  return fit;
}

double share(std::size_t part, std::size_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string percent(double value) {
  return fmt::format("{:.1f} %", 100 * value);
}

/// What stands behind a UMI that ends at `offset` of read 1.
struct BehindUmi {
  std::size_t reads = 0;  ///< that reach far enough
  double poly_t = 0;      ///< share of T in the two bases behind
  double switch_oligo = 0;
};

BehindUmi behind_umi(const FirstReads& reads, std::size_t offset) {
  constexpr std::string_view kSwitchOligo = "TTTCTTATATGGG";  // 10x 5', CG000331
  BehindUmi out;
  std::size_t t = 0, oligo = 0, long_reads = 0;
  for (const std::string& read : reads.read1) {
    if (read.size() < offset + 2) continue;
    ++out.reads;
    t += (read[offset] == 'T' ? 1 : 0) + (read[offset + 1] == 'T' ? 1 : 0);
    if (read.size() < offset + kSwitchOligo.size()) continue;
    ++long_reads;
    oligo += read.compare(offset, kSwitchOligo.size(), kSwitchOligo) == 0 ? 1 : 0;
  }
  out.poly_t = share(t, 2 * out.reads);
  out.switch_oligo = share(oligo, long_reads);
  return out;
}

/// UMI bases of a 10x library; 0 when read 1 says nothing.
std::uint32_t umi_of_10x(const FirstReads& reads) {
  const BehindUmi ten = behind_umi(reads, 26), twelve = behind_umi(reads, 28);
  if (ten.reads < kFewReads) return 0;
  if (ten.switch_oligo > 0.5) return 10;
  if (twelve.switch_oligo > 0.5) return 12;
  return ten.poly_t > 0.8 ? 10 : ten.poly_t < 0.6 ? 12 : 0;
}

std::size_t usual_length(const std::vector<std::string>& reads) {
  std::map<std::size_t, std::size_t> lengths;
  for (const std::string& read : reads) ++lengths[read.size()];
  return std::ranges::max_element(lengths, {}, [](const auto& entry) { return entry.second; })->first;
}

class Detector {
 public:
  Detector(const DetectionOptions& options, const ReferenceIndex& index, core::RunContext& context)
      : options_(options),
        index_(index),
        context_(context),
        reads_(read_first(options.read1, options.read2, context)) {}

  ChosenChemistry run() {
    return options_.chemistry == "auto" ? detect() : check(find_chemistry(options_.chemistry).value());
  }

 private:
  /// The list as this geometry needs it; read once per shape. nullptr when its columns have other lengths.
  const Whitelist* list_for(const Geometry& geometry) {
    if (options_.whitelists.empty()) return nullptr;
    const auto& lengths = geometry.part_lengths();
    if (shapes_.empty()) {
      for (const auto& path : options_.whitelists) shapes_.push_back(first_line_lengths(path));
    }
    const auto has = [](const std::vector<std::uint32_t>& wanted, std::uint32_t length) {
      return std::ranges::find(wanted, length) != wanted.end();
    };
    bool fits = false;
    if (shapes_.size() == lengths.size()) {
      fits = true;
      for (std::size_t i = 0; i < lengths.size(); ++i) fits &= !shapes_[i].empty() && has(lengths[i], shapes_[i][0]);
    } else if (shapes_.size() == 1 && shapes_[0].size() == 1) {
      fits = shapes_[0][0] == geometry.barcode_length() || has(lengths.front(), shapes_[0][0]);
    } else if (shapes_.size() == 1) {
      fits = shapes_[0].size() == lengths.size() && has(lengths.front(), shapes_[0][0]);
    }
    if (!fits) return nullptr;
    auto [entry, fresh] = lists_.try_emplace(lengths, nullptr);
    if (fresh) {
      core::RunContext apart(context_.tool, context_.version, context_.command);
      entry->second = std::make_unique<Whitelist>(options_.whitelists, geometry, lists_.size() == 1 ? context_ : apart);
    }
    return entry->second.get();
  }

  Whitelist take_list(const Geometry& geometry) {
    (void)list_for(geometry);
    return std::move(*lists_.at(geometry.part_lengths()));
  }

  /// Reads in genes on either strand, by the RNA of reads whose barcode is whole.
  void judge_strand(const Geometry& geometry, ChosenChemistry& chosen) const {
    std::vector<std::string_view> rna;
    CutRead cut;
    for (std::size_t i = 0; i < reads_.size() && rna.size() < kMappedReads; ++i) {
      if (geometry.cut(reads_.read1[i], reads_.quality1[i], reads_.read2[i], reads_.quality2[i], cut) ==
          CutOutcome::kWhole) {
        rna.push_back(cut.rna);
      }
    }
    std::vector<ReadMapping> mappings(rna.size());
    ReadMapper(index_, {}).map(rna, mappings);
    for (const ReadMapping& mapping : mappings) {
      chosen.sense += mapping.read_class == ReadClass::kGene ? 1 : 0;
      chosen.antisense += mapping.read_class == ReadClass::kAntisense ? 1 : 0;
    }
  }

  [[nodiscard]] static bool says_strand(const ChosenChemistry& chosen) {
    return chosen.sense + chosen.antisense >= kFewReads;
  }

  /// The chemistry that fits best; nullopt when none does.
  std::optional<ChosenChemistry> best() {
    const Chemistry* best = nullptr;
    double most = 0;
    for (const Chemistry& chemistry : known_) {
      const Whitelist* list = list_for(chemistry.geometry);
      if (list == nullptr && !options_.whitelists.empty()) continue;
      const double score = list == nullptr ? score_without_list(chemistry)
                                           : share(fit(reads_, chemistry.geometry, list, false).listed, reads_.size());
      if (score > most) {
        most = score;
        best = &chemistry;
      }
    }
    if (best == nullptr || most < (options_.whitelists.empty() ? kEnough : kLeastListed)) return std::nullopt;
    ChosenChemistry chosen{*best, Whitelist(std::span<const std::string>(), 1)};
    chosen.listed = options_.whitelists.empty() ? 0 : most;
    judge_strand(best->geometry, chosen);
    const bool reverse = says_strand(chosen) && chosen.antisense > chosen.sense;
    if (best->geometry.part_lengths() == known_.front().geometry.part_lengths()) {
      chosen.chemistry = choose_10x(reverse, list_for(best->geometry)->size());
    } else {
      chosen.chemistry.sense = !reverse;
    }
    return chosen;
  }

  [[nodiscard]] double score_without_list(const Chemistry& chemistry) const {
    if (chemistry.geometry.has_fixed())
      return share(fit(reads_, chemistry.geometry, nullptr, false).whole, reads_.size());
    const std::size_t length = usual_length(reads_.read1);
    return chemistry.name == "dropseq" && length >= 20 && length <= 25 ? kEnough : 0;
  }

  ChosenChemistry detect() {
    auto chosen = best();
    if (!chosen) refuse_all();
    if (options_.whitelists.empty() && chosen->chemistry.geometry.barcode_length() > CutRead::kMaximalBases)
      refuse_no_list(chosen->chemistry);
    chosen->detected = true;
    finish(*chosen);
    return std::move(*chosen);
  }

  /// 10x chemistries share barcode and often list.
  [[nodiscard]] Chemistry choose_10x(bool reverse, std::size_t list_size) const {
    std::uint32_t umi = umi_of_10x(reads_);
    if (umi == 0) umi = usual_length(reads_.read1) >= 28 ? 12 : 10;
    const char* name = reverse                         ? (umi == 10 ? "10x5p" : "10x5pv3")
                       : umi == 10                     ? "10xv2"
                       : list_size == kSizeOf10xv4List ? "10xv4"
                                                       : "10xv3";
    return find_chemistry(name).value();
  }

  [[noreturn]] void refuse_all() {
    if (options_.whitelists.empty()) {
      core::raise_usage(
          fmt::format("--whitelist: needed, for read 1 of {} (usually {} bases) shows no chemistry that does "
                      "without. Give the barcode list of the library.",
                      core::printable(reads_.file1), usual_length(reads_.read1)));
    }
    std::string remedy = "Give the barcode list of the library, or its --chemistry or geometry";
    std::size_t most = 0;
    bool any = false;
    for (const Chemistry& chemistry : known_) {
      const Whitelist* list = list_for(chemistry.geometry);
      if (list == nullptr) continue;
      any = true;
      most = std::max(most, fit(reads_, chemistry.geometry, list, false).listed);
      const std::string other = turned_round(chemistry.geometry, *list);
      if (!other.empty()) remedy = other;
    }
    const std::string list = options_.whitelists.front().filename().string();
    if (!any) {
      core::raise({options_.whitelists.front().string(), core::Place::line(1),
                   fmt::format("barcode of {} bases, which no chemistry known by name has",
                               shapes_[0].empty() ? 0 : shapes_[0][0]),
                   "Give the barcode list of the library, or its geometry as --chemistry"});
    }
    core::raise({reads_.file1, core::Place::none(),
                 fmt::format("only {} of the first {} reads carry a barcode of {}, whatever the chemistry", most,
                             reads_.size(), list),
                 remedy});
  }

  [[noreturn]] static void refuse_no_list(const Chemistry& chemistry) {
    core::raise_usage(fmt::format("--whitelist: {} needs a barcode list ({}). Give it.", chemistry.name,
                                  chemistry.barcode_list.empty() ? "of its parts" : chemistry.barcode_list));
  }

  /// Words for mates or barcodes the wrong way round; empty otherwise.
  [[nodiscard]] std::string turned_round(const Geometry& geometry, const Whitelist& list) const {
    const Fit here = fit(reads_, geometry, &list, false), swapped = fit(reads_, geometry, &list, true);
    if (share(swapped.listed, reads_.size()) >= kEnough) return "Read 2 does carry barcodes: swap -1 and -2";
    if (share(here.reversed, reads_.size()) >= kEnough)
      return "Their reverse complements are on the list: give the list in the orientation of the reads";
    if (share(swapped.reversed, reads_.size()) >= kEnough)
      return "Read 2 carries their reverse complements: swap -1 and -2, and turn the list round";
    return {};
  }

  ChosenChemistry check(const Chemistry& chemistry) {
    ChosenChemistry chosen{chemistry, Whitelist(std::span<const std::string>(), 1)};
    if (options_.whitelists.empty()) {
      if (chemistry.geometry.barcode_length() > CutRead::kMaximalBases) refuse_no_list(chemistry);
      check_length(chemistry);
      judge_strand(chemistry.geometry, chosen);
      check_strand(chosen);
      finish(chosen);
      return chosen;
    }
    if (list_for(chemistry.geometry) == nullptr) refuse_shape(chemistry);
    const Whitelist& whitelist = *list_for(chemistry.geometry);
    const Fit found = fit(reads_, chemistry.geometry, &whitelist, false);
    const double listed = share(found.listed, reads_.size());
    if (listed < kLeastListed) refuse_list(chemistry, whitelist, found);
    check_length(chemistry);
    judge_strand(chemistry.geometry, chosen);
    check_umi(chemistry);
    check_strand(chosen);
    chosen.whitelist = take_list(chemistry.geometry);
    chosen.reads_judged = reads_.size();
    chosen.listed = listed;
    return chosen;
  }

  /// The list has barcodes of another length: which chemistry has them, or the list's own message.
  [[noreturn]] void refuse_shape(const Chemistry& chemistry) {
    const std::string other = better(chemistry);
    if (!other.empty()) {
      core::raise({options_.whitelists.front().string(), core::Place::line(1),
                   fmt::format("barcode of {} bases where {} has others", shapes_[0].empty() ? 0 : shapes_[0][0],
                               chemistry.name),
                   other});
    }
    (void)Whitelist(options_.whitelists, chemistry.geometry, context_);
    core::raise({options_.whitelists.front().string(), core::Place::line(1),
                 fmt::format("the list does not fit the barcode of {}", chemistry.name),
                 "Give the barcode list of this chemistry"});
  }

  /// Words for a chemistry that fits where `chemistry` does not; empty when none does.
  std::string better(const Chemistry& chemistry) {
    const auto other = best();
    if (!other || other->listed < kEnough || other->chemistry.geometry.text() == chemistry.geometry.text()) return {};
    return fmt::format("{} of the reads fit --chemistry {}", percent(other->listed), other->chemistry.name);
  }

  [[noreturn]] void refuse_list(const Chemistry& chemistry, const Whitelist& whitelist, const Fit& found) {
    std::string remedy = turned_round(chemistry.geometry, whitelist);
    if (remedy.empty()) {
      check_length(chemistry);
      remedy = better(chemistry);
    }
    if (remedy.empty() && chemistry.geometry.has_fixed() && share(found.whole, reads_.size()) < kLeastListed)
      remedy = fmt::format("The fixed sequences of {} are not in the reads: check --chemistry", chemistry.name);
    if (remedy.empty()) {
      remedy = "Check --chemistry and give the barcode list that belongs to it";
      if (!chemistry.barcode_list.empty()) remedy += fmt::format(" ({}: {})", chemistry.name, chemistry.barcode_list);
    }
    core::raise({reads_.file1, core::Place::none(),
                 fmt::format("only {} of the first {} reads carry a barcode of {}", found.listed, reads_.size(),
                             whitelist.name()),
                 remedy});
  }

  void check_length(const Chemistry& chemistry) const {
    CutRead cut;
    for (std::size_t i = 0; i < reads_.size(); ++i) {
      if (chemistry.geometry.cut(reads_.read1[i], reads_.quality1[i], reads_.read2[i], reads_.quality2[i], cut) ==
          CutOutcome::kTooShort) {
        refuse_pair(i, chemistry);
      }
    }
  }

  [[noreturn]] void refuse_pair(std::size_t i, const Chemistry& chemistry) const;

  /// A library of the other UMI length shows poly-T too early or not at all.
  void check_umi(const Chemistry& chemistry) const {
    if (!chemistry.name.starts_with("10x") || reads_.size() < kFewReads) return;
    const std::uint32_t found = umi_of_10x(reads_);
    if (found == 0 || found == chemistry.geometry.umi_length()) return;
    const char* other = chemistry.sense ? (found == 10 ? "10xv2" : "10xv3") : (found == 10 ? "10x5p" : "10x5pv3");
    core::raise(
        {reads_.file1, core::Place::none(),
         fmt::format("the bases behind the barcode look like a UMI of {} bases where {} has {}", found, chemistry.name,
                     chemistry.geometry.umi_length()),
         fmt::format("Use --chemistry {}; a geometry ({}) is taken as it is", other, chemistry.geometry.text())});
  }

  void check_strand(const ChosenChemistry& chosen) const {
    if (options_.strand == "forward" || options_.strand == "reverse" || !says_strand(chosen)) return;
    const std::uint64_t right = chosen.chemistry.sense ? chosen.sense : chosen.antisense;
    const std::uint64_t wrong = chosen.chemistry.sense ? chosen.antisense : chosen.sense;
    if (right * 4 > wrong) return;
    const bool ten = chosen.chemistry.geometry.part_lengths() == known_.front().geometry.part_lengths() &&
                     chosen.chemistry.name.starts_with("10x");
    const bool short_umi = chosen.chemistry.geometry.umi_length() == 10;
    std::string remedy = fmt::format("Use --strand {}", chosen.chemistry.sense ? "reverse" : "forward");
    if (ten) {
      remedy = fmt::format("Use --chemistry {}", chosen.chemistry.sense ? (short_umi ? "10x5p" : "10x5pv3")
                                                 : short_umi            ? "10xv2"
                                                                        : "10xv3");
    }
    core::raise({reads_.file2, core::Place::none(),
                 fmt::format("{} of {} reads in genes lie on the other strand than {} has", wrong, wrong + right,
                             chosen.chemistry.name),
                 remedy});
  }

  void finish(ChosenChemistry& chosen) {
    chosen.reads_judged = reads_.size();
    if (!options_.whitelists.empty()) chosen.whitelist = take_list(chosen.chemistry.geometry);
  }

  const DetectionOptions& options_;
  const ReferenceIndex& index_;
  core::RunContext& context_;
  const std::vector<Chemistry> known_ = chemistries();
  FirstReads reads_;
  std::vector<std::vector<std::uint32_t>> shapes_;
  std::map<std::vector<std::vector<std::uint32_t>>, std::unique_ptr<Whitelist>> lists_;
};

[[noreturn]] void refuse_lengths(const std::string& file, std::uint64_t line, std::size_t read, std::size_t length,
                                 const Chemistry& chemistry) {
  std::string remedy = "Give the file of barcodes as -1, untrimmed";
  if (read == 1) remedy = "Give the files in the order of the chemistry, untrimmed";
  for (const Chemistry& other : chemistries()) {
    if (length != other.geometry.shortest_read(read) || other.sense != chemistry.sense ||
        !other.geometry.has_barcode(read))
      continue;
    remedy = fmt::format("That is the length of {}: use --chemistry {}; or untrimmed reads, if others are longer",
                         other.name, other.name);
    break;
  }
  std::string layout = fmt::format("needs {}", chemistry.geometry.shortest_read(read));
  if (chemistry.geometry.part_lengths().size() == 1 && !chemistry.geometry.has_fixed()) {
    layout = fmt::format("has {} of barcode and {} of UMI", chemistry.geometry.barcode_length(),
                         chemistry.geometry.umi_length());
  }
  core::raise({file, core::Place::line(line),
               fmt::format("read {} has {} bases where {} {}", read + 1, length, chemistry.name, layout), remedy});
}

void Detector::refuse_pair(std::size_t i, const Chemistry& chemistry) const {
  const bool first = reads_.read1[i].size() < chemistry.geometry.shortest_read(0);
  // Of reads on four lines each; wrapped FASTQ of droplets does not occur.
  refuse_lengths(first ? reads_.file1 : reads_.file2, 4 * i + 2, first ? 0 : 1,
                 first ? reads_.read1[i].size() : reads_.read2[i].size(), chemistry);
}

}  // namespace

void refuse_length(const io::FastqBatch& reads, std::size_t i, const Chemistry& chemistry) {
  const std::size_t read = reads.mates[0].sequence(i).size() < chemistry.geometry.shortest_read(0) ? 0 : 1;
  const io::FastqBlock& block = reads.mates[read];
  refuse_lengths(block.file(), block.line(i) + 1, read, block.sequence(i).size(), chemistry);
}

FirstReads read_first(std::span<const std::filesystem::path> read1, std::span<const std::filesystem::path> read2,
                      const core::RunContext& context) {
  FirstReads first{read1.front().string(), read2.front().string(), {}, {}, {}, {}};
  if (std::ranges::any_of(read1, is_stream) || std::ranges::any_of(read2, is_stream)) return first;
  // A context of its own: the files are recorded, with their digests, when they are counted.
  core::RunContext apart(context.tool, context.version, context.command);
  std::vector<io::FastqLane> lanes;
  for (std::size_t i = 0; i < read1.size(); ++i) lanes.push_back({{read1[i], read2[i]}});
  io::FastqBatchReader reader(lanes, {}, apart);
  io::FastqBatch batch;
  while (first.size() < FirstReads::kReads && reader.next(batch)) {
    io::parse(batch);
    for (std::size_t i = 0; i < batch.size() && first.size() < FirstReads::kReads; ++i) {
      first.read1.emplace_back(batch.mates[0].sequence(i));
      first.quality1.emplace_back(batch.mates[0].quality(i));
      first.read2.emplace_back(batch.mates[1].sequence(i));
      first.quality2.emplace_back(batch.mates[1].quality(i));
    }
  }
  if (first.size() == 0)
    core::raise({first.file1, core::Place::none(), "holds no reads", "Give the FASTQ files of a sequenced library"});
  return first;
}

void require_known_chemistry(const std::string& name) {
  if (name == "auto" || find_chemistry(name)) return;
  std::vector<std::string> names = {"auto"};
  for (const Chemistry& chemistry : chemistries()) names.push_back(chemistry.name);
  core::raise_usage(fmt::format("--chemistry: \"{}\" is not known. Write {} or a geometry.", core::printable(name),
                                core::join(names, ", ")));
}

ChosenChemistry choose_chemistry(const DetectionOptions& options, const ReferenceIndex& index,
                                 core::RunContext& context) {
  require_known_chemistry(options.chemistry);
  const bool automatic = options.chemistry == "auto";
  const auto named = automatic ? std::nullopt : find_chemistry(options.chemistry);
  const auto streams = std::ranges::any_of(options.read1, is_stream) || std::ranges::any_of(options.read2, is_stream);
  if (streams && (automatic || options.whitelists.empty())) {
    core::raise_usage(fmt::format("{}: reads that come as a stream cannot be looked at first. Give {}.",
                                  automatic ? "--chemistry auto" : "--whitelist",
                                  automatic ? "--chemistry" : "a barcode list, or files"));
  }
  ChosenChemistry chosen = streams ? ChosenChemistry{*named, Whitelist(options.whitelists, named->geometry, context)}
                                   : Detector(options, index, context).run();
  if (options.strand == "forward") chosen.chemistry.sense = true;
  if (options.strand == "reverse") chosen.chemistry.sense = false;
  if (options.whitelists.empty()) {
    chosen.whitelist =
        discover_barcodes(options.read1, options.read2, chosen.chemistry, options.expected_cells, context);
    chosen.barcodes_found = true;
  }
  return chosen;
}

}  // namespace immucan::scrna
