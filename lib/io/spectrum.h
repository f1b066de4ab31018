#pragma once
// Mass spectra of any format: one record, one reader interface. Reading has two halves so that it can run in
// core::ordered_batches: next() cuts whole spectra out of the stream (serial, fast), decode() turns them into records
// (concurrent, where the time goes).
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "core/run_context.h"
#include "io/byte_source.h"

namespace immucan::io {

/// The ion that was selected for fragmentation.
struct Precursor {
  double mz = 0;
  std::vector<int> charges;  ///< possible charges, the sign dropped; empty = not known
  double intensity = std::numeric_limits<double>::quiet_NaN();
  double isolation_lower = std::numeric_limits<double>::quiet_NaN();  ///< width below the target in m/z
  double isolation_upper = std::numeric_limits<double>::quiet_NaN();
};

struct Spectrum {
  enum class Kind { kUnknown, kCentroid, kProfile };

  std::string id;           ///< native id (mzML) or title (MGF)
  std::uint64_t scan = 0;   ///< scan number of the id where it holds one, else the 1-based position in the file
  std::uint64_t place = 0;  ///< byte offset (mzML) or line (MGF) at which the record begins, for messages
  int ms_level = 0;         ///< 0 = not said
  Kind kind = Kind::kUnknown;
  double retention_seconds = std::numeric_limits<double>::quiet_NaN();
  std::optional<Precursor> precursor;
  std::vector<double> mz;        ///< in file order, finite and not negative
  std::vector<float> intensity;  ///< finite, same length as mz

  /// Everything back to the defaults; the arrays keep their capacity.
  void clear();
};

/// Whole spectra as they lie in the file, cut by SpectrumReader::next().
struct SpectrumText {
  struct Piece {
    std::size_t begin = 0, end = 0;  ///< in `bytes`
    std::uint64_t place = 0;         ///< line (MGF) of the beginning
    bool irregular = false;          ///< holds comments or CDATA: for the strict parser
  };
  std::string bytes;
  std::uint64_t offset = 0;       ///< of bytes[0] in the decompressed stream
  std::uint64_t first_index = 0;  ///< 0-based position in the file of the first piece
  std::vector<Piece> pieces;
  std::vector<int> default_charges;  ///< MGF: CHARGE of the file's head
};

class SpectrumReader {
 public:
  virtual ~SpectrumReader() = default;
  /// The next megabyte or so of whole spectra; false at the end of the file. Serial. A truncated file throws (65).
  virtual bool next(SpectrumText& text) = 0;
  /// One record per piece. Const and thread-safe. Malformed content throws (65) with file, place and spectrum.
  virtual void decode(const SpectrumText& text, std::vector<Spectrum>& spectra) const = 0;
  [[nodiscard]] virtual const std::string& name() const = 0;
  /// To be called with each decoded batch in order: two spectra of one id throw (65) where the format forbids it.
  virtual void check_ids(const std::vector<Spectrum>& spectra) = 0;
};

inline constexpr std::size_t kSpectrumChunk = std::size_t{1} << 20;
/// Appends the source's next kSpectrumChunk bytes, fewer at its end, which sets `at_end`; false when there was none.
[[nodiscard]] bool append_chunk(ByteSource& source, std::string& bytes, bool& at_end);

/// mzML or MGF, told apart by the first bytes; compressed or not. mzXML and everything else is 65.
[[nodiscard]] std::unique_ptr<SpectrumReader> open_spectra(std::unique_ptr<ByteSource> source);
[[nodiscard]] std::unique_ptr<SpectrumReader> open_spectra(const std::filesystem::path& path,
                                                           core::RunContext& context);

/// All spectra in file order on context.threads threads; `deliver` is called serially.
void for_each_spectrum(SpectrumReader& reader, const core::RunContext& context,
                       const std::function<void(Spectrum&)>& deliver);

/// The number behind the last "scan=" of a native id or title, or an id that is a number; nullopt otherwise.
[[nodiscard]] std::optional<std::uint64_t> scan_of_id(std::string_view id);

}  // namespace immucan::io
