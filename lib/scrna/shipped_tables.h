#pragma once
// Tables that ship with the program: lib/scrna/tables.
#include <string_view>

namespace immucan::scrna {

/// Text of a shipped table ("cell_markers.tsv"); empty when there is none of that name.
[[nodiscard]] std::string_view shipped_table(std::string_view file);

}  // namespace immucan::scrna
