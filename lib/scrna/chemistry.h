#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scrna/geometry.h"

namespace immucan::scrna {

/// How a library is laid out and which strand its RNA reads have.
struct Chemistry {
  std::string name;         ///< "geometry" for one of the user's own
  std::string description;  ///< as Cell Ranger words it in its .h5, where it knows the chemistry
  Geometry geometry;
  bool sense = true;         ///< the RNA read has the strand of the transcript
  std::string barcode_list;  ///< the vendor's name of the list, for messages; empty where there is none
};

/// The chemistries known by name, in the order of the documentation.
[[nodiscard]] std::vector<Chemistry> chemistries();
/// By name, or any text with a brace as a geometry (sense; 64 when it cannot be read); nullopt for another name.
[[nodiscard]] std::optional<Chemistry> find_chemistry(std::string_view name);

}  // namespace immucan::scrna
