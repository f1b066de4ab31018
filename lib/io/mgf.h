#pragma once
// Mascot generic format: BEGIN IONS, KEY=value lines, "m/z intensity [charge]" lines, END IONS. Every spectrum is MS2.
// KEY=value lines before a spectrum are defaults for all that follow (CHARGE matters here).
#include "io/spectrum.h"

namespace immucan::io {

class MgfReader final : public SpectrumReader {
 public:
  /// `head`: bytes already taken from the source.
  MgfReader(std::unique_ptr<ByteSource> source, std::string head);
  bool next(SpectrumText& text) override;
  void decode(const SpectrumText& text, std::vector<Spectrum>& spectra) const override;
  [[nodiscard]] const std::string& name() const override { return source_->name(); }
  /// Titles need not be unique in MGF: nothing to check.
  void check_ids(const std::vector<Spectrum>&) override {}

 private:
  bool fill(std::string& bytes);
  void outside_line(std::string_view line, bool spectra_seen);

  std::unique_ptr<ByteSource> source_;
  std::string carry_;
  std::uint64_t carry_offset_ = 0;
  std::uint64_t line_ = 1;  ///< of the first byte of carry_
  std::uint64_t index_ = 0;
  bool at_end_ = false;
  std::vector<int> default_charges_;
};

/// "2+", "2", "-3", "2+ and 3+", "2+,3+": absolute values in order, without duplicates; nullopt when malformed or 0.
[[nodiscard]] std::optional<std::vector<int>> parse_charges(std::string_view text);

}  // namespace immucan::io
