#pragma once
// One <spectrum> element of mzML into a record. Internal to the mzML reader.
#include <memory>
#include <string>
#include <string_view>

#include "io/mzml.h"
#include "io/spectrum.h"

namespace immucan::io {

class MzmlSpectrumParser {
 public:
  /// Both must outlive the parser. One parser per thread.
  MzmlSpectrumParser(const std::string& file, const MzmlReader::ParamGroups& groups);
  ~MzmlSpectrumParser();
  /// `element`: from "<spectrum" to "</spectrum>"; `offset`: its byte offset in the file; `strict`: straight to expat.
  void parse(std::string_view element, std::uint64_t offset, bool strict, Spectrum& out);

 private:
  struct Builder;
  bool tokenize(std::string_view element);
  void parse_strictly(std::string_view element);
  std::unique_ptr<Builder> builder_;
};

/// Standard base64 with padding; blanks and line ends are skipped. False when anything else is found.
[[nodiscard]] bool decode_base64(std::string_view text, std::string& bytes);

}  // namespace immucan::io
