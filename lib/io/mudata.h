#pragma once
// MuData (.h5mu), format 0.1.0: several AnnData that share observations or variables, with the maps between them
// (https://mudata.readthedocs.io, "MuData specification").
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "core/run_context.h"
#include "io/anndata.h"

namespace immucan::io {

struct Modality {
  std::string name;
  AnnData data;
  /// As long as the global table: 1-based position in the modality, 0 = absent.
  std::vector<std::uint32_t> obs_map, var_map;
};

/// What the modalities share: observations (variables are then lined up one after the other), variables, or both.
enum class SharedAxis { kObservations = 0, kVariables = 1, kBoth = -1 };

struct MuData {
  DataFrame obs, var;  ///< index = the names of all modalities
  SharedAxis axis = SharedAxis::kObservations;
  std::vector<Modality> modalities;
  std::vector<std::pair<std::string, DenseMatrix>> obsm, varm;  ///< without the membership of the modalities
  std::vector<std::pair<std::string, CsrMatrix>> obsp, varp;
  Dictionary uns;
  std::vector<std::string> passed_over;  ///< objects of the file that have no place here, by path
};

/// Global names and maps: along a shared axis every name once, in order of first appearance; along the other one after
/// the other. The global tables have no further columns.
[[nodiscard]] MuData join_modalities(std::vector<std::pair<std::string, AnnData>> modalities,
                                     SharedAxis axis = SharedAxis::kObservations);

/// Status 70 when a map does not fit its tables (join_modalities makes fitting ones).
void write_mudata(const std::filesystem::path& path, const MuData& data, unsigned threads = 1);

/// Reads files of mudata 0.1 to 0.4; where a file has no maps, names join. 65 naming the object when the first bytes
/// are not MuData's, mod-order and members disagree, a map is no permutation of its modality or joins different names,
/// or a membership mask contradicts its map.
[[nodiscard]] MuData read_mudata(const Hdf5Reader& in, const AnnDataReading& reading = {.keep_dense = true});
[[nodiscard]] MuData read_mudata(const std::filesystem::path& path, core::RunContext& context,
                                 const AnnDataReading& reading = {.keep_dense = true});

}  // namespace immucan::io
