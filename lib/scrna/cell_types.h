#pragma once
// Cell types in three levels and the genes that tell them.
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/byte_source.h"

namespace immucan::scrna {

inline constexpr std::array<std::string_view, 3> kLevels = {"major", "immune", "minor"};
inline constexpr std::string_view kUnassigned = "unassigned";
inline constexpr std::string_view kMalignantCell = "Malignant cell";
inline constexpr std::string_view kMalignantCellId = "CL:0001064";

enum class Compartment : std::uint8_t { kUnknown, kImmune, kStromal, kEpithelial };

struct CellType {
  std::string name, cl_id;            ///< cl_id may be empty
  std::size_t level = 0;              ///< of kLevels
  std::optional<std::size_t> parent;  ///< a type of a higher level; none for major types
  Compartment compartment = Compartment::kUnknown;
  std::vector<std::string> genes;  ///< distinct
  std::vector<double> weights;     ///< positive: expressed; negative: lacked
};

struct CellTypes {
  std::string file;
  std::vector<CellType> types;  ///< in the order of the table
  [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const;
};

/// A row per type and gene. Columns: `cell_type`, `gene`; optional `level` (major), `parent`, `cl_id`, `compartment`
/// (immune, stromal, epithelial), `weight` (1) and any others. 65 on a missing name, an unknown level or compartment, a
/// weight that is 0 or no number, a gene twice in a type, rows of a type that disagree, a parent that is not there or
/// not of a higher level, a type below `major` without parent, a type without a gene of positive weight, a reserved
/// name (unassigned, Malignant cell), an id not of the form CL:0000000, or no row.
[[nodiscard]] CellTypes read_cell_types(std::unique_ptr<io::ByteSource> source);

}  // namespace immucan::scrna
