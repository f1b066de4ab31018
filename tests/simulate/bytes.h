#pragma once
// Small things all simulated formats need: reproducible streams, nucleotides, compression with a fixed header.
#include <cstdint>
#include <string>
#include <string_view>

#include "core/random.h"

namespace immucan::simulate {

/// One file of the cohort, path relative to its folder.
struct SimulatedFile {
  std::string path;
  std::string bytes;
};

/// The stream of one unit of work (a sample, a reference): any subset of the cohort is the same bytes.
[[nodiscard]] core::Random stream(std::uint64_t seed, std::string_view unit);

/// A normal deviate cut at ±2 (redrawn), so that no planted level is an outlier of its class.
[[nodiscard]] double bounded_normal(core::Random& random);

/// One gzip member, modification time 0.
[[nodiscard]] std::string gzip(std::string_view bytes);
/// zlib stream, then base64: the binary arrays of mzML.
[[nodiscard]] std::string zlib_base64(std::string_view bytes);

[[nodiscard]] std::string random_dna(core::Random& random, std::size_t length, double gc);
[[nodiscard]] std::string reverse_complement(std::string_view sequence);
/// Substitutions only, at the given rate per base.
[[nodiscard]] std::string substitute(core::Random& random, std::string sequence, double rate);
/// ">name" and lines of 80 letters.
void append_fasta(std::string& out, std::string_view name, std::string_view sequence);
/// One FASTQ record: `sequence` gets sequencing errors at `error_rate`; qualities are binned (F : , #) and mostly low
/// where an error sits.
void append_fastq(std::string& out, core::Random& random, std::string_view name, std::string sequence,
                  double error_rate);

}  // namespace immucan::simulate
