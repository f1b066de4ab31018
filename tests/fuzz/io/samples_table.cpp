#include "io/samples_table.h"

#include <cstdlib>
#include <set>
#include <string>

#include "core/error.h"
#include "core/text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace immucan;
  try {
    std::set<std::string> ids;
    for (const io::Sample& sample :
         io::read_samples(io::open_memory({reinterpret_cast<const char*>(data), size}), "folder")) {
      if (core::is_missing(sample.sample_id) || !ids.insert(sample.sample_id).second) std::abort();
      if (sample.control == "sample" && core::is_missing(sample.patient_id)) std::abort();
    }
  } catch (const core::Error& error) {
    if (error.status() != core::Status::kBadInput) std::abort();
  }
  return 0;
}
