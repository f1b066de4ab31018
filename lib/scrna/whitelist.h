#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/run_context.h"
#include "io/byte_source.h"
#include "scrna/geometry.h"

namespace immucan::scrna {

/// The sequences that one part of a barcode can have; a sequence is known by its rank, shorter ones first, ascending.
class BarcodePart {
 public:
  /// 2-bit numbers, the first base in the highest bits: ranks ascend as the texts do.
  void add(std::uint32_t code, std::uint32_t length);
  /// Sorts. The first code (with its length) that is there twice, else nullopt.
  [[nodiscard]] std::optional<std::string> index();

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::string text(std::uint32_t rank) const;
  [[nodiscard]] std::optional<std::uint32_t> find(std::uint32_t code, std::uint32_t length) const {
    for (const Table& table : tables_) {
      if (table.length == length) return find_in(table, code);
    }
    return std::nullopt;
  }
  /// Asks for the memory that `find` will look at: first where the bucket begins, later what is in it. Always inline:
  /// GCC takes a function that only prefetches for one without effect, and leaves out its calls.
  [[gnu::always_inline]] void prefetch_bucket(std::uint32_t code, std::uint32_t length) const {
    for (const Table& table : tables_) {
      if (table.length == length) __builtin_prefetch(&table.bucket_starts[code >> table.shift]);
    }
  }
  [[gnu::always_inline]] void prefetch_codes(std::uint32_t code, std::uint32_t length) const {
    for (const Table& table : tables_) {
      if (table.length == length) __builtin_prefetch(table.codes.data() + table.bucket_starts[code >> table.shift]);
    }
  }
  /// A listed sequence that differs from a given one in one base.
  struct Neighbour {
    std::uint32_t rank = 0;
    std::uint32_t position = 0;  ///< of that base, 0-based
  };
  /// All of them, by position and then ascending; with `unknown_at` those that differ nowhere but there, which may be
  /// one of the same code. `out` is cleared.
  void neighbours(std::uint32_t code, std::uint32_t length, std::optional<std::uint32_t> unknown_at,
                  std::vector<Neighbour>& out) const;

 private:
  struct Table {
    std::uint32_t length = 0;
    std::uint32_t first_rank = 0;
    unsigned shift = 0;
    std::vector<std::uint32_t> codes, bucket_starts;
    /// By their second half, the first halves (of up to eight bases) of the codes that end so: what differs in the
    /// first half lies here side by side, what differs in the second so in `codes`.
    unsigned low_bits = 0;  ///< of the second half
    std::vector<std::uint16_t> first_halves;
    std::vector<std::uint32_t> first_half_starts;
  };
  [[nodiscard]] static std::optional<std::uint32_t> find_in(const Table& table, std::uint32_t code);
  std::vector<Table> tables_;  // one for most parts
  std::size_t size_ = 0;
};

/// The barcodes that can occur: every combination of the sequences of its parts. A barcode is known by its rank, the
/// first part most significant.
class Whitelist {
 public:
  /// Lists for the parts of `geometry`:
  ///   one file per part, one sequence per line; or
  ///   one file with as many columns as parts (blanks or tabs; "-" where a column has ended); or
  ///   one file of one column: whole barcodes of up to 16 bases, or sequences that all parts share.
  /// With one part only the first column is read (Cell Ranger's translation lists have two). 65 on another length,
  /// other letters, a sequence that appears twice, no sequence, more than 2^28 combinations; 64 on another number of
  /// files.
  Whitelist(std::span<const std::filesystem::path> paths, const Geometry& geometry, core::RunContext& context);
  /// From memory (tests, fuzzing): a column per part.
  Whitelist(std::unique_ptr<io::ByteSource> columns, const Geometry& geometry);
  /// From memory: whole barcodes of one length.
  Whitelist(std::span<const std::string> barcodes, std::uint32_t length);

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] const std::vector<BarcodePart>& parts() const { return parts_; }
  [[nodiscard]] std::string text(std::uint32_t rank) const;
  /// Names of the files, for messages.
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  void finish();
  std::vector<BarcodePart> parts_;
  std::size_t size_ = 0;
  std::string name_ = "the list";
};

/// Lengths of the columns of the first line: what a list looks like before it is read.
[[nodiscard]] std::vector<std::uint32_t> first_line_lengths(const std::filesystem::path& list);

/// nullopt when a base is not ACGT (either case).
[[nodiscard]] std::optional<std::uint32_t> encode_bases(std::string_view bases);
/// `length` bases of a 2-bit number whose first base is highest.
[[nodiscard]] std::string decode_bases(std::uint32_t code, std::uint32_t length);

}  // namespace immucan::scrna
