#pragma once
#include <string_view>

namespace immucan::report {

[[nodiscard]] std::string_view page_style();
[[nodiscard]] std::string_view page_script();

}  // namespace immucan::report
