// A run record either reads and writes itself back, or is refused with status 65.
#include "core/run_record.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace immucan::core;
  try {
    const RunRecord record = parse_run_record({reinterpret_cast<const char*>(data), size}, "run.json");
    const std::string text = to_json(record);
    if (to_json(parse_run_record(text, "run.json")) != text) __builtin_trap();
  } catch (const Error& error) {
    if (error.status() != Status::kBadInput) __builtin_trap();
  }
  return 0;
}
