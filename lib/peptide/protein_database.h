#pragma once
// Protein sequences in memory: one byte per residue, proteins behind each other.
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/run_context.h"
#include "peptide/masses.h"

namespace immucan::peptide {

struct Protein {
  std::string accession;             ///< first word of the header: "sp|P04439|HLAA_HUMAN"
  std::string gene;                  ///< GN=, else the entry name, else the accession
  std::string protein_class;         ///< class=, else "canonical"
  std::uint32_t begin = 0, end = 0;  ///< in the text
};

/// A stretch of residues that all have a mass: peptides lie inside one.
struct Segment {
  std::uint32_t begin = 0, end = 0;
  std::uint32_t protein = 0;
};

class ProteinDatabase {
 public:
  /// A stop sign '*' ends peptides; so do B, X, Z. Throws Error (65) beyond 4 G residues.
  void add(std::string_view header, std::string_view sequence);

  [[nodiscard]] const std::vector<Protein>& proteins() const { return proteins_; }
  [[nodiscard]] const std::vector<Segment>& segments() const { return segments_; }
  [[nodiscard]] const Residue* codes() const { return codes_.data(); }
  [[nodiscard]] std::string_view letters(std::uint32_t begin, std::size_t length) const {
    return std::string_view(letters_).substr(begin, length);
  }
  [[nodiscard]] std::size_t residues() const { return codes_.size(); }
  /// nullptr when no protein has this accession.
  [[nodiscard]] const Protein* find(const std::string& accession) const {
    const auto at = by_accession_.find(accession);
    return at == by_accession_.end() ? nullptr : &proteins_[at->second];
  }
  /// True where the segment begins with the first residue of its protein.
  [[nodiscard]] bool at_protein_start(const Segment& segment) const {
    return proteins_[segment.protein].begin == segment.begin;
  }

 private:
  std::vector<Protein> proteins_;
  std::vector<Segment> segments_;
  std::vector<Residue> codes_;
  std::string letters_;
  std::unordered_map<std::string, std::uint32_t> by_accession_;
};

struct DatabaseSummary {
  std::uint64_t repeated = 0;          ///< same accession and sequence again
  std::uint64_t skipped_residues = 0;  ///< B, X, Z, *
};
/// FASTA files in order. 65 with file and line: a residue that is no letter, an accession that comes twice with
/// different sequences, a record or a file without residues. The same accession and sequence again is dropped and
/// counted.
[[nodiscard]] ProteinDatabase read_proteins(const std::vector<std::filesystem::path>& files, core::RunContext& context,
                                            DatabaseSummary& summary);

}  // namespace immucan::peptide
