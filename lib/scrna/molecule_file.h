#pragma once
#include <filesystem>
#include <string>

#include "scrna/count_figures.h"

namespace immucan::scrna {

/// The molecules one by one, in the layout of Cell Ranger's molecule_info.h5 (version 3 and later): for each molecule
/// `barcode_idx` into `barcodes`, `umi` (2 bits per base, the first base highest), `feature_idx` into `features`,
/// `count` (reads), `gem_group` (1), `library_idx` (0 = genes, then one per feature type); `barcode_info/pass_filter`
/// names the called cells. Ordered by barcode, genes before features, then by UMI and gene. Needs
/// CountingRules::keep_molecules.
void write_molecule_file(const std::filesystem::path& path, const std::string& sample, const Counted& counted,
                         unsigned threads);

}  // namespace immucan::scrna
