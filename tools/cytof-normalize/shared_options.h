#pragma once
// Options that mean the same in every command that reads FCS files.
#include <string>

#include "cli/program.h"

namespace immucan::cytof_normalize {

/// --offsets auto|header|text: which place of DATA to believe when HEADER and TEXT disagree.
void add_offsets_option(cli::OptionSet& set, std::string& value);

}  // namespace immucan::cytof_normalize
