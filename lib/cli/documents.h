#pragma once
// Documents a program prints about itself; pure functions of its description, the same bytes for the same program.
#include <string>
#include <string_view>

#include "cli/description.h"

namespace immucan::cli {

/// One page in Markdown: every command with its usage, example and a table per option group. Without the version, so
/// that the page changes only when the options do.
[[nodiscard]] std::string markdown_page(const ProgramDescription& program);

/// A man page (section 1) in roff's man macros.
[[nodiscard]] std::string man_page(const ProgramDescription& program);

/// A script for `shell`: "bash", "zsh" or "fish"; to be sourced, or saved where the shell looks for completions.
[[nodiscard]] std::string completion_script(const ProgramDescription& program, std::string_view shell);

}  // namespace immucan::cli
