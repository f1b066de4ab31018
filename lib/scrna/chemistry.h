#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace immucan::scrna {

/// Where barcode and UMI lie in read 1, and which strand read 2 comes from.
struct Chemistry {
  std::string_view name;
  std::string_view description;  ///< as Cell Ranger words it in its .h5
  std::uint32_t barcode_length = 16;
  std::uint32_t umi_length = 12;
  bool sense = true;  ///< read 2 has the strand of the transcript
  [[nodiscard]] std::uint32_t read1_length() const { return barcode_length + umi_length; }
};

/// "10xv2" (16 + 10) and "10xv3" (16 + 12), both 3' and sense.
[[nodiscard]] std::span<const Chemistry> chemistries();
[[nodiscard]] std::optional<Chemistry> find_chemistry(std::string_view name);

}  // namespace immucan::scrna
