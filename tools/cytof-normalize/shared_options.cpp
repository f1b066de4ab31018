#include "shared_options.h"

namespace immucan::cytof_normalize {

void add_offsets_option(cli::OptionSet& set, std::string& value) {
  set.choice("--offsets", value, {"auto", "header", "text"},
             "which place of DATA to believe when HEADER and TEXT disagree");
}

}  // namespace immucan::cytof_normalize
