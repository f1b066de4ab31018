#pragma once
// Which chemistry the first reads are of, and whether the one that was named can be right.
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/run_context.h"
#include "io/fastq.h"
#include "scrna/chemistry.h"
#include "scrna/reference_index.h"
#include "scrna/whitelist.h"

namespace immucan::scrna {

/// The first pairs of a library, copied.
struct FirstReads {
  static constexpr std::size_t kReads = 20000;
  std::string file1, file2;
  std::vector<std::string> read1, quality1, read2, quality2;
  [[nodiscard]] std::size_t size() const { return read1.size(); }
};

/// Over all lanes. Empty when a file is a stream; 65 when there are no reads.
[[nodiscard]] FirstReads read_first(std::span<const std::filesystem::path> read1,
                                    std::span<const std::filesystem::path> read2, const core::RunContext& context);

struct DetectionOptions {
  std::vector<std::filesystem::path> read1, read2, whitelists;
  std::string chemistry;                       ///< "auto", a name or a geometry
  std::string strand;                          ///< "forward", "reverse", else the chemistry's
  std::optional<std::int64_t> expected_cells;  ///< for a list found in the reads
};

/// What is counted with, and why.
struct ChosenChemistry {
  Chemistry chemistry;
  Whitelist whitelist;
  bool detected = false;                   ///< --chemistry auto
  bool barcodes_found = false;             ///< the list was made from the reads
  std::size_t reads_judged = 0;            ///< 0: the input is a stream, nothing was judged
  double listed = 0;                       ///< share of them whose barcode is on the list
  std::uint64_t sense = 0, antisense = 0;  ///< of the reads judged: in a gene, on either strand
};

/// Reads the lists and looks at the first 20,000 pairs (unless read 1 or 2 is a stream, which can be read only once).
///
/// "auto" takes, among the chemistries whose geometry the reads are long enough for and whose parts have the lengths of
/// the list, the one with most listed barcodes; without a list, the one whose fixed sequences are there, or Drop-seq
/// when read 1 has 20 to 25 bases. Those that share barcode and list are told apart by what follows the UMI (poly-T or
/// the template switch oligo) or else by the length of read 1, by the strand of the reads that fall into genes, and by
/// the size of the list (10x v4).
///
/// 65 when fewer than 1 % of the barcodes are on the list (swapped mates, reverse complements and the chemistry that
/// fits instead are named), when a chemistry known by name contradicts the strand or the bases behind the UMI, when
/// nothing fits; 64 for an unknown name, "auto" with a stream, or no list where the chemistry needs one.
[[nodiscard]] ChosenChemistry choose_chemistry(const DetectionOptions& options, const ReferenceIndex& index,
                                               core::RunContext& context);

/// 64 unless it is "auto", a name or a geometry.
void require_known_chemistry(const std::string& name);

/// 65 for a pair that is too short for the chemistry; names the chemistry of that length.
[[noreturn]] void refuse_length(const io::FastqBatch& reads, std::size_t i, const Chemistry& chemistry);

}  // namespace immucan::scrna
