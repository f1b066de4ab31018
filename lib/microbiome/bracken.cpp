#include "microbiome/bracken.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/error.h"
#include "core/text.h"
#include "microbiome/apportion.h"

namespace immucan::microbiome {

KmerDistribution read_kmer_distribution(std::unique_ptr<io::ByteSource> source) {
  io::LineReader lines(std::move(source));
  KmerDistribution distribution;
  std::string_view line;
  const auto fail = [&](std::string what) {
    core::raise({lines.name(), core::Place::line(std::max<std::uint64_t>(1, lines.line_number())), std::move(what),
                 "Give the databaseXmers.kmer_distrib that bracken-build made"});
  };
  if (!lines.next(line) || !line.starts_with("mapped_taxid\t")) fail("the header 'mapped_taxid ...' is missing");
  while (lines.next(line)) {
    if (line.empty()) continue;
    const auto tab = line.find('\t');
    const auto taxid = core::parse_unsigned(line.substr(0, tab));
    if (tab == std::string_view::npos || !taxid)
      fail(fmt::format("'{}' does not begin with a taxid and a tab", core::printable(line, 40)));
    auto& genomes = distribution[*taxid];
    if (!genomes.empty()) fail(fmt::format("taxid {} appears a second time", *taxid));
    for (const std::string_view part : core::split(line.substr(tab + 1), ' ')) {
      if (part.empty()) continue;
      const auto fields = core::split(part, ':');
      const auto genome = core::parse_unsigned(fields[0]);
      const auto mapped = fields.size() == 3 ? core::parse_unsigned(fields[1]) : std::nullopt;
      const auto total = fields.size() == 3 ? core::parse_unsigned(fields[2]) : std::nullopt;
      if (!genome || !mapped || !total) fail(fmt::format("'{}' is not genome:mapped:total", core::printable(part)));
      if (*total == 0 || *mapped > *total)
        fail(fmt::format("'{}': {} of {} k-mers cannot be mapped", core::printable(part), *mapped, *total));
      genomes.emplace_back(*genome, static_cast<double>(*mapped) / static_cast<double>(*total));
    }
    if (genomes.empty()) fail(fmt::format("taxid {} has no genome", *taxid));
  }
  return distribution;
}

namespace {

class Redistribution {
 public:
  Redistribution(const KrakenReport& report, const KmerDistribution& distribution, const BrackenOptions& options)
      : report_(report), distribution_(distribution), options_(options) {}

  BrackenResult run(const std::string& name) {
    result_.level = options_.level;
    result_.unclassified = report_.unclassified;
    find_taxa(name);
    stay_.resize(report_.rows.size());
    added_.assign(report_.rows.size(), 0);
    for (std::size_t row = 0; row < report_.rows.size(); ++row)
      if (taxon_[row] == kAbove) distribute(row);
    fill_rows();
    fill_report();
    return std::move(result_);
  }

 private:
  static constexpr std::size_t kAbove = static_cast<std::size_t>(-1);

  /// For every row the row of the level that holds it; rows that none holds are above.
  void find_taxa(const std::string& name) {
    std::set<std::string> codes;
    taxon_.assign(report_.rows.size(), kAbove);
    std::uint64_t kept = 0;
    for (std::size_t row = 0; row < report_.rows.size(); ++row) {
      const ReportRow& line = report_.rows[row];
      codes.insert(line.code);
      if (row != 0) taxon_[row] = taxon_[report_.parents[row]];
      if (taxon_[row] == kAbove && line.code == options_.level) taxon_[row] = row;
      if (taxon_[row] != row) {
        if (taxon_[row] != kAbove && enough(taxon_[row])) genomes_[line.taxid] = row;
        continue;
      }
      ++result_.taxa;
      (enough(row) ? result_.kept : result_.below_threshold) += line.clade;
      if (!enough(row)) continue;
      ++kept;
      genomes_[line.taxid] = row;
    }
    if (result_.taxa == 0)
      core::raise(
          {name, core::Place::none(), fmt::format("no taxon has the rank code '{}'", options_.level),
           fmt::format("Choose --level among the report's codes: {}", core::join({codes.begin(), codes.end()}, ", "))});
    if (kept == 0)
      core::raise(
          {name, core::Place::none(),
           fmt::format("none of {} taxa of rank '{}' has {} reads", result_.taxa, options_.level, options_.threshold),
           "Lower --threshold, or give a sample with more reads"});
  }

  [[nodiscard]] bool enough(std::size_t row) const {
    return report_.rows[row].clade >= static_cast<std::uint64_t>(std::max<std::int64_t>(1, options_.threshold));
  }

  /// Bayes: P(genome | reads at this node) ∝ P(node | genome) × reads of the genome in the sample, the latter from the
  /// reads that only it can have.
  void distribute(std::size_t row) {
    const ReportRow& line = report_.rows[row];
    stay_[row] = line.direct;
    const auto mapped = distribution_.find(line.taxid);
    std::vector<std::size_t> targets;
    std::vector<double> weights;
    double sum = 0;
    if (line.direct != 0 && mapped != distribution_.end()) {
      for (const auto& [genome, share] : mapped->second) {
        const auto target = genomes_.find(genome);
        if (target == genomes_.end()) continue;
        targets.push_back(taxon_[target->second]);
        weights.push_back(share * static_cast<double>(report_.rows[target->second].direct) / own_share(genome));
        sum += weights.back();
      }
    }
    if (sum <= 0) {
      result_.not_distributed += line.direct;
      return;
    }
    stay_[row] = 0;
    result_.distributed += line.direct;
    for (std::size_t i = 0; i < targets.size(); ++i)
      added_[targets[i]] += static_cast<double>(line.direct) * weights[i] / sum;
  }

  /// Share of a genome's windows that Kraken gives to the genome itself.
  [[nodiscard]] double own_share(std::uint64_t genome) const {
    const auto own = distribution_.find(genome);
    if (own == distribution_.end()) return 1;
    const auto entry = std::ranges::find(own->second, genome, &std::pair<std::uint64_t, double>::first);
    return entry == own->second.end() || entry->second <= 0 ? 1 : entry->second;
  }

  void fill_rows() {
    std::vector<std::size_t> rows;
    std::vector<double> shares;
    for (std::size_t row = 0; row < report_.rows.size(); ++row) {
      if (taxon_[row] != row || !enough(row)) continue;
      rows.push_back(row);
      shares.push_back(added_[row]);
    }
    const auto added = apportion_in_order(result_.distributed, shares);
    const auto total = static_cast<double>(result_.kept + result_.distributed);
    given_.assign(report_.rows.size(), 0);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const ReportRow& line = report_.rows[rows[i]];
      given_[rows[i]] = added[i];
      result_.rows.push_back(
          {line.name, line.taxid, line.clade, added[i], static_cast<double>(line.clade + added[i]) / total});
    }
  }

  void fill_report() {
    std::vector<ReportRow> rows = report_.rows;
    for (std::size_t row = 0; row < rows.size(); ++row) {
      rows[row].direct = taxon_[row] == row ? rows[row].clade + given_[row] : stay_[row];
      rows[row].clade = rows[row].direct;
      rows[row].kmers = rows[row].distinct_kmers = 0;
    }
    for (std::size_t row = rows.size(); row-- > 1;)
      if (taxon_[row] == kAbove || taxon_[row] == row) rows[report_.parents[row]].clade += rows[row].clade;
    if (report_.unclassified != 0)
      result_.report.push_back({report_.unclassified, report_.unclassified, "U", 0, 0, "unclassified"});
    for (std::size_t row = 0; row < rows.size(); ++row)
      if ((taxon_[row] == kAbove || taxon_[row] == row) && rows[row].clade != 0) result_.report.push_back(rows[row]);
  }

  const KrakenReport& report_;
  const KmerDistribution& distribution_;
  const BrackenOptions& options_;
  BrackenResult result_;
  std::vector<std::size_t> taxon_;
  std::unordered_map<std::uint64_t, std::size_t> genomes_;  ///< taxid → row, of kept taxa and what is below them
  std::vector<std::uint64_t> stay_;                         ///< reads of rows above that are not distributed
  std::vector<double> added_;                               ///< by row of the level
  std::vector<std::uint64_t> given_;                        ///< the same in whole reads
};

}  // namespace

BrackenResult redistribute_reads(const KrakenReport& report, const KmerDistribution& distribution,
                                 const BrackenOptions& options, const std::string& name) {
  return Redistribution(report, distribution, options).run(name);
}

std::string bracken_table(const std::vector<BrackenRow>& rows, const std::string& level) {
  std::string out =
      "name\ttaxonomy_id\ttaxonomy_lvl\tkraken_assigned_reads\tadded_reads\tnew_est_reads\tfraction_total_reads\n";
  for (const BrackenRow& row : rows)
    out += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{:.5f}\n", row.name, row.taxid, level, row.assigned, row.added,
                       row.assigned + row.added, row.fraction);
  return out;
}

}  // namespace immucan::microbiome
