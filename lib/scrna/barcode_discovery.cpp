#include "scrna/barcode_discovery.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <unordered_map>

#include "core/error.h"
#include "core/ordered_batches.h"
#include "io/fastq.h"

namespace immucan::scrna {

namespace {

constexpr std::uint64_t kErrorRatio = 10;

using Counts = std::unordered_map<std::uint32_t, std::uint64_t>;

struct Batch {
  io::FastqBatch reads;
  std::vector<std::uint32_t> codes;
};

/// The whole barcode as one number; nullopt with N, or a UMI that counting would drop.
std::optional<std::uint32_t> whole_code(const CutRead& read) {
  std::uint32_t code = 0;
  for (std::size_t part = 0; part < read.parts; ++part) {
    const auto piece = encode_bases(read.barcode[part]);
    if (!piece) return std::nullopt;
    const auto bits = static_cast<unsigned>(2 * read.barcode[part].size());
    code = bits >= 32 ? *piece : (code << bits) | *piece;
  }
  const bool usable = read.umi.find_first_not_of("ACGTacgt") == std::string_view::npos &&
                      read.umi.find_first_not_of(read.umi.front()) != std::string_view::npos;
  return usable ? std::optional(code) : std::nullopt;
}

Counts count_barcodes(std::span<const std::filesystem::path> read1, std::span<const std::filesystem::path> read2,
                      const Chemistry& chemistry, core::RunContext& context) {
  // A context of its own: the files enter the run record when they are counted.
  core::RunContext apart(context.tool, context.version, context.command);
  apart.threads = context.threads;
  std::vector<io::FastqLane> lanes;
  for (std::size_t i = 0; i < read1.size(); ++i) lanes.push_back({{read1[i], read2[i]}});
  io::FastqBatchReader reader(lanes, {}, apart);
  Counts counts;
  core::ordered_batches<Batch>(
      {.threads = context.threads, .interrupt = &context.interrupt, .background = reader.background()},
      [&](Batch& batch) { return reader.next(batch.reads); },
      [&](Batch& batch) {
        io::parse(batch.reads);
        batch.codes.clear();
        CutRead cut;
        const auto& mates = batch.reads.mates;
        for (std::size_t i = 0; i < batch.reads.size(); ++i) {
          if (chemistry.geometry.cut(mates[0].sequence(i), mates[0].quality(i), mates[1].sequence(i),
                                     mates[1].quality(i), cut) != CutOutcome::kWhole) {
            continue;
          }
          if (const auto code = whole_code(cut)) batch.codes.push_back(*code);
        }
      },
      [&](Batch& batch) {
        for (const std::uint32_t code : batch.codes) ++counts[code];
      });
  return counts;
}

std::uint64_t threshold_of(const std::vector<std::uint64_t>& sorted, std::optional<std::int64_t> expected_cells) {
  if (!expected_cells) return sorted[knee_of(sorted) - 1];
  const auto rank = static_cast<std::size_t>(std::round(static_cast<double>(*expected_cells) / 100));
  const double high = static_cast<double>(sorted[std::min(rank, sorted.size() - 1)]);
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::round(high / 10)));
}

/// Whether a barcode at one substitution has many more reads.
bool is_error(std::uint32_t code, std::uint64_t reads, std::uint32_t length, const Counts& counts) {
  for (std::uint32_t i = 0; i < length; ++i) {
    for (std::uint32_t change = 1; change < 4; ++change) {
      const auto other = counts.find(code ^ (change << (2 * i)));
      if (other != counts.end() && other->second >= kErrorRatio * reads) return true;
    }
  }
  return false;
}

}  // namespace

std::size_t knee_of(std::span<const std::uint64_t> counts) {
  if (counts.size() < 3 || counts.front() == counts.back()) return counts.size();
  // Singletons make the tail as long as the library is deep; the line ends at the first of the least count.
  const auto last = static_cast<std::size_t>(std::ranges::find(counts, counts.back()) - counts.begin());
  const double width = std::log(static_cast<double>(last + 1));
  const double top = std::log(static_cast<double>(counts.front()));
  const double drop = top - std::log(static_cast<double>(std::max<std::uint64_t>(1, counts.back())));
  double farthest = 0;
  std::size_t knee = last == 0 ? counts.size() : last;
  for (std::size_t i = 0; i < last; ++i) {
    const double x = std::log(static_cast<double>(i + 1)) / width;
    const double y = (std::log(static_cast<double>(counts[i])) - top) / drop + 1;  // 1 at the first, 0 at the last
    if (x + y - 1 > farthest) {
      farthest = x + y - 1;
      knee = i + 1;
    }
  }
  return knee;
}

Whitelist discover_barcodes(std::span<const std::filesystem::path> read1, std::span<const std::filesystem::path> read2,
                            const Chemistry& chemistry, std::optional<std::int64_t> expected_cells,
                            core::RunContext& context) {
  const Counts counts = count_barcodes(read1, read2, chemistry, context);
  if (counts.empty()) {
    core::raise({read1.front().string(), core::Place::none(), "no read has a barcode without N",
                 "Check --chemistry and the order of the files"});
  }
  std::vector<std::uint64_t> sorted;
  for (const auto& [code, reads] : counts) sorted.push_back(reads);
  std::ranges::sort(sorted, std::greater{});
  const std::uint64_t threshold = threshold_of(sorted, expected_cells);
  const std::uint32_t length = chemistry.geometry.barcode_length();
  std::vector<std::string> found;
  for (const auto& [code, reads] : counts) {
    if (reads >= threshold && !is_error(code, reads, length, counts)) found.push_back(decode_bases(code, length));
  }
  return {found, length};
}

}  // namespace immucan::scrna
