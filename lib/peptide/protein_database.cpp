#include "peptide/protein_database.h"

#include <limits>

#include "core/error.h"
#include "core/text.h"
#include "io/byte_source.h"

namespace immucan::peptide {
namespace {

/// Value of "KEY=value" among the words of a header; empty when absent.
std::string_view header_value(std::string_view header, std::string_view key) {
  for (const std::string_view word : core::split(header, ' ')) {
    if (word.starts_with(key)) return word.substr(key.size());
  }
  return {};
}

/// "sp|P04439|HLAA_HUMAN" → "HLAA_HUMAN"; without bars the accession itself.
std::string_view entry_name(std::string_view accession) {
  const std::size_t bar = accession.rfind('|');
  return bar == std::string_view::npos || bar + 1 == accession.size() ? accession : accession.substr(bar + 1);
}

}  // namespace

void ProteinDatabase::add(std::string_view header, std::string_view sequence) {
  if (letters_.size() + sequence.size() > std::numeric_limits<std::uint32_t>::max()) {
    throw core::Error(core::Status::kBadInput,
                      "more than 4294967295 residues of protein sequence. Search a smaller database.");
  }
  const std::string_view accession = header.substr(0, header.find_first_of(" \t"));
  const std::string_view gene = header_value(header, "GN=");
  const std::string_view given_class = header_value(header, "class=");
  Protein protein;
  protein.accession = accession;
  protein.gene = gene.empty() ? entry_name(accession) : gene;
  protein.protein_class = given_class.empty() ? "canonical" : given_class;
  protein.begin = static_cast<std::uint32_t>(letters_.size());
  protein.end = protein.begin + static_cast<std::uint32_t>(sequence.size());
  const auto index = static_cast<std::uint32_t>(proteins_.size());
  letters_ += sequence;
  codes_.reserve(letters_.size());
  std::uint32_t begin = protein.begin;
  for (std::uint32_t at = protein.begin; at < protein.end; ++at) {
    const Residue code = residue_code(letters_[at]);
    codes_.push_back(code);
    if (code != kNoResidue) continue;
    if (at > begin) segments_.push_back({begin, at, index});
    begin = at + 1;
  }
  if (protein.end > begin) segments_.push_back({begin, protein.end, index});
  by_accession_.emplace(protein.accession, index);
  proteins_.push_back(std::move(protein));
}

}  // namespace immucan::peptide
