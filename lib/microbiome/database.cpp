#include "microbiome/database.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "core/error.h"
#include "core/text.h"
#include "microbiome/database_format.h"
#include "microbiome/kmer_runs.h"

namespace immucan::microbiome {

namespace {

[[noreturn]] void broken(const std::string& name, std::string what) {
  core::raise({name, core::Place::none(), std::move(what), std::string(kRebuildRemedy)});
}

/// Lines of a text section; the last ends in a newline too.
std::vector<std::string_view> section_lines(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.empty()) return {};
  return core::split(text, '\n');
}

}  // namespace

Database::Database(const std::filesystem::path& path, core::RunContext& context, bool map)
    : name_(path.string()),
      map_(map),
      file_(path, kDatabaseKind, kDatabaseMajor, std::string(kRebuildRemedy),
            {.map = map, .threads = context.threads, .unread = "kmers"}, context) {
  const std::string& name = name_;
  const auto parameters = file_.section<DatabaseParameters>("parameters");
  if (parameters.size() != 1) broken(name, "the parameters are incomplete");
  parameters_ = parameters[0];
  load_taxonomy(name);
  genomes_ = file_.section<GenomeRecord>("genomes");
  for (const auto line : section_lines(file_.bytes("genome_names"))) genome_names_.emplace_back(line);
  set_offsets_ = file_.section<std::uint64_t>("set_offsets");
  set_members_ = file_.section<std::uint32_t>("set_members");
  units_ = file_.section<UnitRecord>("units");
  index_ = KmerIndex(file_.section<IndexBucket>("index"), parameters_.unit_bits);
  filter_ = DenseFilter(file_.section<std::uint64_t>("dense_filter"));
  for (const auto& genome : genomes_) bins_ += genome.bins;
  check(name);
  load_kmers(name, map);
  find_set_species();
  file_.release();
}

void Database::load_kmers(const std::string& name, bool map) {
  if (file_.has("origin")) {
    const auto origin = file_.section<DatabaseOrigin>("origin");
    if (origin.size() != 1) broken(name, "the record of its making is incomplete");
    origin_ = origin[0];
  }
  if (!has_kmers() || !map) return;
  packed_kmers_ = file_.bytes("kmers");
  packed_ends_ = file_.section<std::uint64_t>("kmer_ends");
  if (packed_ends_.size() != kParts || packed_ends_.back() != packed_kmers_.size() ||
      !std::ranges::is_sorted(packed_ends_))
    broken(name, "the parts of the sampled k-mers are malformed");
}

std::string_view Database::packed_kmers(std::size_t part) const {
  if (packed_ends_.empty()) broken(name_, "the sampled k-mers of its genomes are not in the file");
  const std::uint64_t begin = part == 0 ? 0 : packed_ends_[part - 1];
  return packed_kmers_.substr(begin, packed_ends_[part] - begin);
}

void Database::keep_resident() const {
  // Small files stay as they are: to ask costs more.
  if (!map_ || index_.entries() / IndexBucket::kEntries * sizeof(IndexBucket) < kMostResident) return;
  // Fields: pages of the program in all, resident, and of these shared with files.
  std::ifstream statistics("/proc/self/statm");
  std::uint64_t pages = 0, resident = 0, shared = 0;
  if (!(statistics >> pages >> resident >> shared)) return;
  if (shared * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) > kMostResident) file_.release();
}

void Database::find_set_species() {
  set_species_.resize(sets());
  for (std::size_t number = 0; number < set_species_.size(); ++number) {
    const auto members = set(number);
    set_species_[number] = genomes_[members[0]].species;
    for (const std::uint32_t genome : members)
      if (genomes_[genome].species != set_species_[number]) set_species_[number] = kMixed;
  }
}

void Database::load_taxonomy(const std::string& name) {
  const auto records = file_.section<TaxonRecord>("taxa");
  const auto lines = section_lines(file_.bytes("taxon_text"));
  if (records.empty() || lines.size() != records.size()) broken(name, "the taxonomy is incomplete");
  std::vector<Taxon> nodes(records.size());
  std::vector<std::uint64_t> parents(records.size());
  for (std::size_t i = 0; i < records.size(); ++i) {
    const std::size_t tab = lines[i].find('\t');
    if (tab == std::string_view::npos || records[i].parent >= records.size()) broken(name, "a taxon is malformed");
    nodes[i] = {records[i].taxid, 0, std::string(lines[i].substr(0, tab)), std::string(lines[i].substr(tab + 1))};
    parents[i] = records[records[i].parent].taxid;
  }
  taxonomy_ = Taxonomy::from_nodes(std::move(nodes), parents, {}, name);
}

void Database::check(const std::string& name) const {
  if (parameters_.k < 1 || parameters_.k > 31 || parameters_.unit_bits < 1 || parameters_.unit_bits > 31)
    broken(name, "the k-mer length or unit size is out of range");
  if (genomes_.empty() || genome_names_.size() != genomes_.size()) broken(name, "the list of genomes is incomplete");
  std::uint64_t next_bin = 0;
  for (const auto& genome : genomes_) {
    if (genome.taxon >= taxonomy_.size() || genome.species >= taxonomy_.size() || genome.first_bin != next_bin ||
        genome.length == 0)
      broken(name, "a genome refers to a taxon or stretch that does not exist");
    next_bin += genome.bins;
  }
  if (next_bin > 0xffffffffULL) broken(name, "there are too many stretches");
  if (set_offsets_.size() < 2 || set_offsets_.front() != 0 || set_offsets_.back() != set_members_.size())
    broken(name, "the genome sets are incomplete");
  for (std::size_t i = 0; i + 1 < set_offsets_.size(); ++i)
    if (set_offsets_[i] >= set_offsets_[i + 1]) broken(name, "a genome set is empty");
  for (const std::uint32_t member : set_members_)
    if (member >= genomes_.size()) broken(name, "a genome set holds an unknown genome");
  for (const auto& unit : units_)
    if (unit.set >= sets() || unit.bin >= next_bin) broken(name, "a unit refers to an unknown set or stretch");
  const auto filter_words = file_.section<std::uint64_t>("dense_filter").size();
  if (filter_words == 0 || (filter_words & (filter_words - 1)) != 0) broken(name, "the dense filter is malformed");
  if (units_.empty() || index_.entries() <= bucket_count(0) * IndexBucket::kEntries - IndexBucket::kEntries ||
      !index_.check_units(units_.size() - 1, [this] { keep_resident(); }))
    broken(name, "the k-mer index is malformed");
}

}  // namespace immucan::microbiome
