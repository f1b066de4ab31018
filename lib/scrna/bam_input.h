#pragma once
// Aligned reads of other programs as input: mapped anew, or with the genes that the other program gave them.
#include <array>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "io/byte_source.h"
#include "scrna/count.h"

namespace immucan::scrna {

/// The primary records of a BAM as two FASTQ texts: barcode and UMI as sequenced (tags CR, CY, UR, UY of Cell Ranger
/// and STARsolo, or STARsolo's sS and sQ), and the read as sequenced. 65 when a record has no such tags.
[[nodiscard]] std::array<std::unique_ptr<io::ByteSource>, 2> bam_as_fastq(const std::filesystem::path& bam,
                                                                          core::RunContext& context);

/// Counts with the barcodes (CB, else none) and genes (gx of all places of a read, else GX) of the BAMs themselves, and
/// UMIs as sequenced (UR). 65 when no record has such tags, or one names a gene that is not in the index or a barcode
/// that is not on the list.
[[nodiscard]] CountResult count_tagged(const CountOptions& options, const ReferenceIndex& index,
                                       const Whitelist& whitelist, core::RunContext& context);

/// The UMI rules of the STARsolo run that wrote a BAM, from the command line in its header; STARsolo's defaults for
/// what it does not say; nullopt when STAR did not write it.
[[nodiscard]] std::optional<CountingRules> starsolo_rules(std::string_view header);
/// Of the first BAM.
[[nodiscard]] std::optional<CountingRules> starsolo_rules_of(const std::filesystem::path& bam);

}  // namespace immucan::scrna
