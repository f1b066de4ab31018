// The first byte chooses the parser; the rest is the file. Accepted input must give a tree whose nodes reach the root.
#include "microbiome/taxonomy.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/error.h"
#include "io/byte_source.h"

using namespace immucan;

namespace {

void check(const microbiome::Taxonomy& taxonomy) {
  for (microbiome::TaxonIndex i = 0; i < taxonomy.size(); ++i) {
    unsigned steps = 0;
    for (auto at = i; at != 0; at = taxonomy[at].parent)
      if (++steps > taxonomy.size()) std::abort();
    if (steps != taxonomy.depth(i) || taxonomy.find(taxonomy[i].taxid) != i) std::abort();
  }
  if (microbiome::rank_codes(taxonomy).size() != taxonomy.size()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  static constexpr std::string_view kNodes = "1|1|no rank|\n2|1|genus|\n3|2|species|\n4|2|species|\n";
  try {
    switch (data[0] % 6) {
      case 0:
        check(microbiome::read_nodes(io::open_memory(text)));
        break;
      case 1: {
        auto taxonomy = microbiome::read_nodes(io::open_memory(kNodes));
        microbiome::read_names(io::open_memory(text), taxonomy);
        check(taxonomy);
        break;
      }
      case 2: {
        auto taxonomy = microbiome::read_nodes(io::open_memory(kNodes));
        microbiome::read_merged(io::open_memory(text), taxonomy);
        check(taxonomy);
        break;
      }
      case 3:
        (void)microbiome::read_genome_taxa(io::open_memory(text));
        break;
      case 4:
        check(microbiome::read_gtdb(io::open_memory(text)).taxonomy);
        break;
      default:
        check(microbiome::read_lineages(io::open_memory(text)).taxonomy);
        break;
    }
  } catch (const core::Error& error) {
    if (error.status() != core::Status::kBadInput) std::abort();
  }
  return 0;
}
