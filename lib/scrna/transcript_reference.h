#pragma once
// A reference without a genome: transcripts, and a table that says which gene each belongs to.
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/run_context.h"
#include "io/byte_source.h"
#include "scrna/reference_text.h"
#include "sequence/gene_model.h"

namespace immucan::scrna {

struct TranscriptGene {
  std::string gene, name;  ///< name = gene where the table has no third column
};

/// transcript, gene and, if there, gene name, separated by tabs; without a header. 65 on a row of fewer columns, an
/// empty field, a transcript that appears twice with different genes, a table of alevin-fry's USA mode (third column S,
/// U, A).
[[nodiscard]] std::unordered_map<std::string, TranscriptGene> read_transcript_genes(
    std::unique_ptr<io::ByteSource> source);

struct TranscriptReference {
  GenomeText genome;          ///< a "chromosome" per gene, named as it: its transcripts, 100 unknown bases between them
  sequence::GeneModel model;  ///< every transcript one exon
};

/// FASTA names count up to the first blank, or up to the first "|" (GENCODE) where the table knows that. 65 for a
/// transcript that the table lacks, or more than 4 G bases.
[[nodiscard]] TranscriptReference read_transcripts(const std::filesystem::path& transcripts,
                                                   const std::filesystem::path& table, core::RunContext& context);

}  // namespace immucan::scrna
