#include "microbiome/profile_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <unordered_map>

#include "core/text.h"
#include "microbiome/diversity.h"
#include "microbiome/lineage.h"
#include "microbiome/species_list.h"
#include "report/html_page.h"
#include "report/plots.h"
#include "report/svg.h"

namespace immucan::microbiome {

namespace {

constexpr std::size_t kBars = 25;
constexpr std::array<std::size_t, 4> kRings{1, 4, 5, 6};  // phylum, family, genus, species
constexpr std::size_t kColours = 7;                       // of groups; further ones are grey

std::string per_cent(double share) {
  return report::short_number(100 * share) + " %";
}

class PageMaker {
 public:
  PageMaker(const Database& database, const SampleProfile& profile, std::string_view sample_id,
            std::string_view program)
      : taxonomy_(database.taxonomy()), profile_(profile), sample_(sample_id), program_(program), page_(sample_) {
    std::unordered_map<std::uint64_t, const ProfileRow*> rows;
    for (const ProfileRow& row : profile.rows) rows[row.taxid] = &row;
    for (const ListedSpecies& species : listed_species(database)) {
      const auto found = rows.find(taxonomy_[species.taxon].taxid);
      if (found != rows.end()) species_.push_back({species.taxon, found->second, lineage_of(taxonomy_, species.taxon)});
    }
    std::ranges::stable_sort(species_, std::greater{}, [](const Member& m) { return m.row->taxonomic_abundance; });
    choose_rings();
    choose_colours();
  }

  std::string run() {
    page_.head(fmt::format("<h1>{}</h1>\n<p class=\"lead\">Microbiome profile: {} species in {} {}</p>\n",
                           core::escape_xml(sample_), species_.size(), profile_.fragments,
                           profile_.reads > profile_.fragments ? "read pairs" : "reads"));
    reads_section();
    if (!species_.empty()) {
      community_section();
      species_section();
    }
    table_section();
    return page_.finish();
  }

 private:
  struct Member {
    TaxonIndex taxon;
    const ProfileRow* row;
    Lineage lineage;
  };

  /// Ranks that have names here, and the highest one that divides the sample for the colours.
  void choose_rings() {
    const auto values = [&](std::size_t rank) {
      std::set<std::optional<TaxonIndex>> taxa;
      for (const Member& member : species_) taxa.insert(at_rank(member, rank));
      return taxa;
    };
    for (const std::size_t rank : kRings) {
      const auto taxa = values(rank);
      if (taxa.size() > 1 || !taxa.contains(std::nullopt)) rings_.push_back(rank);
    }
    const std::array<std::size_t, 6> ranks{1, 2, 3, 4, 5, 0};
    for (std::size_t i = 0; i < ranks.size() && colour_rank_ == 0; ++i)
      if (values(ranks[i]).size() > 1) colour_rank_ = ranks[i];
  }

  [[nodiscard]] static std::optional<TaxonIndex> at_rank(const Member& member, std::size_t rank) {
    return rank == kSpeciesRank ? std::optional(member.taxon) : member.lineage[rank];
  }

  void choose_colours() {
    std::map<std::optional<TaxonIndex>, double> shares;
    for (const Member& member : species_) shares[group_of(member)] += member.row->taxonomic_abundance;
    std::vector<std::pair<double, std::optional<TaxonIndex>>> order;
    for (const auto& [group, share] : shares) order.emplace_back(share, group);
    std::ranges::stable_sort(order, std::greater{}, &std::pair<double, std::optional<TaxonIndex>>::first);
    for (std::size_t i = 0; i < order.size(); ++i) {
      const bool own = i < kColours && order[i].second;
      colours_[order[i].second] = own ? report::colour::category(i) : report::colour::kGrey;
      if (own) legend_.emplace_back(taxonomy_[*order[i].second].name, report::colour::category(i));
    }
    if (legend_.size() < order.size()) legend_.emplace_back("others", report::colour::kGrey);
  }

  [[nodiscard]] std::optional<TaxonIndex> group_of(const Member& member) const { return at_rank(member, colour_rank_); }
  [[nodiscard]] std::string colour_of(const Member& member) const { return std::string(colours_.at(group_of(member))); }

  void reads_section() {
    page_.section("reads", "Reads");
    const auto all = static_cast<double>(profile_.fragments), host = static_cast<double>(profile_.host_fragments);
    const double known = profile_.known_fraction * all;
    report::BarPlot bars;
    bars.title = "What the reads are of";
    bars.axis = profile_.reads > profile_.fragments ? "read pairs" : "reads";
    bars.parts = {{"host", std::string(report::colour::kVermilion)},
                  {"species of the database", std::string(report::colour::kBlue)},
                  {"unknown", std::string(report::colour::kGrey)}};
    bars.bars = {{sample_, {host, known, std::max(0.0, all - host - known)}}};
    page_.figure(report::bar_plot(bars),
                 fmt::format("Host {}; of the rest {} is unknown: no species of the database explains it.",
                             per_cent(profile_.host_fraction), per_cent(profile_.unknown_fraction)));
  }

  void community_section() {
    page_.section("community", "Community");
    report::SunburstPlot plot;
    plot.title = "Taxonomic abundance";
    plot.subtitle = "shares of genome copies among the known species";
    plot.centre = fmt::format("{} species", species_.size());
    for (const std::size_t rank : rings_) plot.rings.emplace_back(kRankNames[rank]);
    plot.legend = legend_;
    add_sectors(plot, 0, species_, 0);
    std::vector<double> abundances;
    for (const Member& member : species_) abundances.push_back(member.row->taxonomic_abundance);
    page_.figure(report::sunburst_plot(plot),
                 fmt::format("Shannon {} (natural logarithm), Simpson {}. Rest the pointer on a sector for its name; "
                             "sectors without a name stand for ranks that the taxonomy lacks.",
                             report::short_number(shannon(abundances)), report::short_number(simpson(abundances))));
  }

  /// Sectors of one ring within a clade, larger ones first.
  void add_sectors(report::SunburstPlot& plot, std::size_t ring, const std::vector<Member>& members,
                   std::size_t parent) {
    if (ring == rings_.size()) return;
    std::map<std::optional<TaxonIndex>, std::vector<Member>> groups;
    for (const Member& member : members) groups[at_rank(member, rings_[ring])].push_back(member);
    const auto share = [](const std::vector<Member>& group) {
      double sum = 0;
      for (const Member& member : group) sum += member.row->taxonomic_abundance;
      return sum;
    };
    std::vector<std::pair<double, std::optional<TaxonIndex>>> order;
    for (const auto& [taxon, group] : groups) order.emplace_back(share(group), taxon);
    std::ranges::stable_sort(order, std::greater{}, &std::pair<double, std::optional<TaxonIndex>>::first);
    for (const auto& [sum, taxon] : order) {
      const std::string name = taxon ? taxonomy_[*taxon].name : std::string{};
      const auto& group = groups.at(taxon);
      plot.sectors.push_back({name, fmt::format("{}: {}", name.empty() ? "no name" : name, per_cent(sum)),
                              colour_of(group.front()), sum, ring, parent,
                              (taxon ? 0.92 : 0.25) - 0.14 * static_cast<double>(ring) * (taxon ? 1 : 0)});
      add_sectors(plot, ring + 1, group, plot.sectors.size() - 1);
    }
  }

  void species_section() {
    page_.section("species", "Species");
    report::SharePlot plot;
    plot.title = species_.size() > kBars ? fmt::format("The {} most abundant species", kBars) : "Species";
    plot.axis = "taxonomic abundance, with 95 % interval";
    plot.note_heading = "abundance, ANI";
    for (std::size_t i = 0; i < std::min(kBars, species_.size()); ++i) {
      const ProfileRow& row = *species_[i].row;
      plot.rows.push_back(
          {row.name,
           per_cent(row.taxonomic_abundance) +
               (std::isnan(row.ani) ? std::string{} : fmt::format(", {:.1f} %", 100 * row.ani)),
           fmt::format("{}: {} fragments, depth {}", row.name, row.reads, report::short_number(row.coverage)),
           colour_of(species_[i]), row.taxonomic_abundance, row.lower, row.upper});
    }
    page_.figure(report::share_plot(plot),
                 "The intervals come from the sampling of reads and from the depth's correction; see the "
                 "documentation for what they leave out.");
  }

  void table_section() {
    page_.section("table", "Table");
    report::HtmlTable table;
    table.id = "taxa";
    table.filter = true;
    table.columns = {{"taxon", ""},
                     {"rank", ""},
                     {"taxonomic abundance %", "share of genome copies among known species"},
                     {"95 % from", ""},
                     {"to", ""},
                     {"sequence abundance %", "share of reads among those of known species"},
                     {"reads", "pairs or single reads of the clade"},
                     {"depth", "mean depth of the genome"},
                     {"ANI %", "average nucleotide identity of the parts that are there"}};
    for (const ProfileRow& row : profile_.rows) {
      const auto number = [](double value) {
        return std::isnan(value) ? report::text_cell("") : report::number_cell(value, 4);
      };
      table.rows.push_back({report::text_cell(row.name),
                            report::text_cell(row.rank),
                            number(100 * row.taxonomic_abundance),
                            number(100 * row.lower),
                            number(100 * row.upper),
                            number(100 * row.sequence_abundance),
                            {std::to_string(row.reads), std::to_string(row.reads), true},
                            number(row.coverage),
                            number(100 * row.ani)});
    }
    page_.table(table);
    page_.paragraph(fmt::format("Written by {}. The host is left out of all abundances.", core::escape_xml(program_)),
                    "lead");
  }

  const Taxonomy& taxonomy_;
  const SampleProfile& profile_;
  std::string sample_, program_;
  report::HtmlPage page_;
  std::vector<Member> species_;
  std::vector<std::size_t> rings_;
  std::size_t colour_rank_ = 0;
  std::map<std::optional<TaxonIndex>, std::string_view> colours_;
  std::vector<std::pair<std::string, std::string>> legend_;
};

}  // namespace

std::string profile_page(const Database& database, const SampleProfile& profile, std::string_view sample_id,
                         std::string_view program) {
  return PageMaker(database, profile, sample_id, program).run();
}

}  // namespace immucan::microbiome
