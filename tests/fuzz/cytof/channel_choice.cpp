#include "cytof/channel_choice.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/error.h"

/// Reads the bytes as a list of channels and looks them up in a panel: what is found is found again by its name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace immucan;
  const cytof::Panel panel({{.name = "Time"},
                            {.name = "Nd146Di", .marker = "146Nd_CD8"},
                            {.name = "CD4(Nd145)Di"},
                            {.name = "Ir191Di", .marker = "DNA"}});
  try {
    const auto names = cytof::read_channel_list(io::open_memory({reinterpret_cast<const char*>(data), size}, "<fuzz>"));
    const auto set = cytof::choose_channels(names, panel, "<fuzz>");
    if (set.names.size() != names.size() || set.labels.size() != names.size()) std::abort();
    const core::Log log("fuzz", core::LogLevel::kQuiet);
    if (cytof::locate_channels(set, panel, "<fuzz>", log).size() != names.size()) std::abort();
  } catch (const core::Error& error) {
    if (error.status() != core::Status::kBadInput && error.status() != core::Status::kUsage) std::abort();
  }
  return 0;
}
