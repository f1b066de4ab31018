#pragma once
// FCS 2.0, 3.0, 3.1 and 3.2 (ISAC Flow Cytometry Standard): header, TEXT and events in blocks. A file of any size is
// read with bounded memory; values are given as stored (no gain, no logarithm, no clipping to $PnR).
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/run_context.h"
#include "io/fcs_text.h"

namespace immucan::io {

class FcsBytes;

/// What to believe when HEADER and TEXT give different places for DATA. kAuto takes the one whose length agrees with
/// $TOT and $PnB when exactly one does, and refuses the file otherwise.
enum class FcsOffsets { kAuto, kHeader, kText };
/// "auto", "header", "text"; nullopt otherwise.
[[nodiscard]] std::optional<FcsOffsets> parse_fcs_offsets(std::string_view text);

enum class FcsType : char { kInteger = 'I', kFloat = 'F', kDouble = 'D', kAscii = 'A' };

struct FcsParameter {
  std::string name;    ///< $PnN as stored (bytes, may repeat); "Pn" when the file has none
  std::string marker;  ///< $PnS, empty when absent
  FcsType type = FcsType::kFloat;
  std::uint32_t bytes = 4;  ///< width; characters per value for 'A', 0 = free-format 'A'
  std::uint64_t mask = 0;   ///< bit mask of an integer (from $PnR, as the standard asks); all ones = none
  std::string range;        ///< $PnR as stored
};

/// One data set of a file: its keywords in file order and where its events lie.
struct FcsDataset {
  std::string version;  ///< "FCS3.1"
  std::size_t index = 0;
  FcsKeywords keywords;
  std::vector<FcsParameter> parameters;
  std::uint64_t events = 0;
  std::array<std::uint8_t, 8> byte_order{};  ///< significance of each stored byte, of `byte_order_size` bytes
  std::size_t byte_order_size = 4;
  bool big_endian = false;    ///< for widths other than byte_order_size
  bool mixed_endian = false;  ///< neither ascending nor descending: every width must equal byte_order_size
  std::uint64_t data_begin = 0, data_end = 0;  ///< absolute, end exclusive
  std::vector<std::string> warnings;           ///< what was tolerated, one sentence each
};

struct FcsOptions {
  FcsOffsets offsets = FcsOffsets::kAuto;
};

/// Events of consecutive rows, row-major: values[event * columns + column].
struct FcsBlock {
  std::uint64_t first_event = 0;
  std::size_t events = 0;
  std::size_t columns = 0;
  std::vector<double> values;
  [[nodiscard]] std::span<const double> row(std::size_t event) const {
    return {values.data() + event * columns, columns};
  }

 private:
  friend class FcsEvents;
  std::vector<char> raw_;
};

/// An open file. Cheap to read several times; the SHA-256 is taken as the bytes are first read in order and entered in
/// the ledger by finish().
class FcsFile {
 public:
  /// Plain files are read in place; compressed input and "-" are first inflated into an unlinked temporary file.
  /// 65 malformed or truncated, 66 missing.
  FcsFile(const std::filesystem::path& path, const FcsOptions& options, core::RunContext& context);
  /// Bytes in memory (tests, fuzzing), which must outlive the object.
  FcsFile(std::string_view bytes, std::string name, const FcsOptions& options);
  ~FcsFile();
  FcsFile(FcsFile&&) noexcept;
  FcsFile& operator=(FcsFile&&) noexcept;

  [[nodiscard]] const std::string& name() const;
  [[nodiscard]] const std::vector<FcsDataset>& datasets() const { return datasets_; }
  /// The only data set; 65 when there are several (which one a command should take is then not clear).
  [[nodiscard]] const FcsDataset& single() const;
  /// Reads what has not been read yet into the digest and enters the ledger. Idempotent.
  void finish();

 private:
  friend class FcsEvents;
  std::unique_ptr<FcsBytes> bytes_;
  std::vector<FcsDataset> datasets_;
};

/// A forward cursor over the events of one data set. Several cursors of one file may exist, used by one thread at a
/// time.
class FcsEvents {
 public:
  /// All columns, or only those listed (decoded in that order). A block holds about `block_values` stored values.
  FcsEvents(FcsFile& file, const FcsDataset& dataset, std::vector<std::size_t> columns = {},
            std::size_t block_values = std::size_t{1} << 17);
  /// False at the end. The block's buffers are recycled.
  bool next(FcsBlock& block);
  /// The two halves of next(): the bytes, one block after the other, and their values, which any thread may do.
  bool read(FcsBlock& block);
  void decode(FcsBlock& block) const;

 private:
  bool next_free_ascii(FcsBlock& block);
  [[noreturn]] void fail(std::uint64_t offset, std::string what, std::string remedy) const;

  FcsFile* file_;
  const FcsDataset* dataset_;
  std::vector<std::size_t> columns_;
  bool all_columns_;
  std::vector<std::uint64_t> byte_offsets_;  ///< of each parameter within an event
  std::uint64_t event_bytes_ = 0;
  std::size_t block_events_ = 1;
  std::uint64_t next_event_ = 0;
  std::uint64_t text_position_ = 0;  ///< free-format 'A' only
  std::string carry_;                ///< free-format 'A': unread characters
  enum class Fast { kNone, kFloatNative, kFloatSwapped } fast_ = Fast::kNone;
};

}  // namespace immucan::io
