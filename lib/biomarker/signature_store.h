#pragma once
// Gene tables that ship with the program: lib/biomarker/signatures, sources and checksums in docs/signatures.md.
#include <string_view>

namespace immucan::biomarker {

/// Text of a shipped table ("mcp_counter.tsv"); empty when there is none of that name.
[[nodiscard]] std::string_view shipped_signature(std::string_view file);

}  // namespace immucan::biomarker
