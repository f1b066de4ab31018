#include "sequence/gene_model.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace immucan;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const sequence::GeneModel model = sequence::read_gene_model(io::GtfReader(io::open_memory(text)));
    for (const sequence::Transcript& transcript : model.transcripts) {
      if (transcript.gene >= model.genes.size() || transcript.exons.empty()) std::abort();
      const sequence::Interval& body = model.genes[transcript.gene].body;
      for (std::size_t i = 0; i < transcript.exons.size(); ++i) {
        const sequence::Interval& exon = transcript.exons[i];
        if (exon.begin >= exon.end || exon.begin < body.begin || exon.end > body.end) std::abort();
        if (i > 0 && transcript.exons[i - 1].end >= exon.begin) std::abort();
      }
    }
  } catch (const core::Error& error) {
    if (error.status() != core::Status::kBadInput) std::abort();
  }
  return 0;
}
