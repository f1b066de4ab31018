#include "simulate/bytes.h"

#include <libdeflate.h>

#include <cmath>
#include <memory>
#include <new>

namespace immucan::simulate {
namespace {

constexpr std::string_view kBases = "ACGT";
/// Fast, and the reads hold about 2 bits per base anyway.
constexpr int kCompressionLevel = 3;

struct FreeCompressor {
  void operator()(libdeflate_compressor* compressor) const { libdeflate_free_compressor(compressor); }
};
using Compressor = std::unique_ptr<libdeflate_compressor, FreeCompressor>;

Compressor make_compressor() {
  Compressor compressor(libdeflate_alloc_compressor(kCompressionLevel));
  if (!compressor) throw std::bad_alloc();
  return compressor;
}

char other_base(core::Random& random, char base) {
  char letter = base;
  while (letter == base) letter = kBases[random.below(4)];
  return letter;
}

/// Calls visit(position) at positions hit with the given rate; far cheaper than one draw per base.
template <class Visit>
void visit_rare(core::Random& random, std::size_t length, double rate, Visit&& visit) {
  if (rate <= 0) return;
  const double scale = 1 / std::log1p(-rate);
  for (double position = std::floor(std::log1p(-random.uniform()) * scale); position < static_cast<double>(length);
       position += 1 + std::floor(std::log1p(-random.uniform()) * scale)) {
    visit(static_cast<std::size_t>(position));
  }
}

}  // namespace

core::Random stream(std::uint64_t seed, std::string_view unit) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a, 64 bits
  for (const char letter : unit) {
    hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3ULL;
  }
  return core::Random(seed, hash);
}

double bounded_normal(core::Random& random) {
  double value = random.normal();
  while (std::fabs(value) > 2) value = random.normal();
  return value;
}

std::string gzip(std::string_view bytes) {
  const Compressor compressor = make_compressor();
  std::string out(libdeflate_gzip_compress_bound(compressor.get(), bytes.size()), '\0');
  out.resize(libdeflate_gzip_compress(compressor.get(), bytes.data(), bytes.size(), out.data(), out.size()));
  return out;
}

std::string zlib_base64(std::string_view bytes) {
  const Compressor compressor = make_compressor();
  std::string packed(libdeflate_zlib_compress_bound(compressor.get(), bytes.size()), '\0');
  packed.resize(libdeflate_zlib_compress(compressor.get(), bytes.data(), bytes.size(), packed.data(), packed.size()));

  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((packed.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < packed.size(); i += 3) {
    const auto byte = [&](std::size_t k) -> std::uint32_t {
      return i + k < packed.size() ? static_cast<unsigned char>(packed[i + k]) : 0U;
    };
    const std::uint32_t group = byte(0) << 16 | byte(1) << 8 | byte(2);
    out += letters[group >> 18];
    out += letters[group >> 12 & 63];
    out += i + 1 < packed.size() ? letters[group >> 6 & 63] : '=';
    out += i + 2 < packed.size() ? letters[group & 63] : '=';
  }
  return out;
}

std::string random_dna(core::Random& random, std::size_t length, double gc) {
  std::string sequence(length, 'A');
  for (char& base : sequence) {
    const double draw = random.uniform();
    base = draw < gc ? (draw < gc / 2 ? 'C' : 'G') : (draw < (1 + gc) / 2 ? 'A' : 'T');
  }
  return sequence;
}

std::string reverse_complement(std::string_view sequence) {
  std::string out(sequence.rbegin(), sequence.rend());
  for (char& base : out) base = base == 'A' ? 'T' : base == 'C' ? 'G' : base == 'G' ? 'C' : 'A';
  return out;
}

std::string substitute(core::Random& random, std::string sequence, double rate) {
  visit_rare(random, sequence.size(), rate, [&](std::size_t i) { sequence[i] = other_base(random, sequence[i]); });
  return sequence;
}

void append_fasta(std::string& out, std::string_view name, std::string_view sequence) {
  out += '>';
  out += name;
  out += '\n';
  for (std::size_t i = 0; i < sequence.size(); i += 80) {
    out += sequence.substr(i, 80);
    out += '\n';
  }
}

void append_fastq(std::string& out, core::Random& random, std::string_view name, std::string sequence,
                  double error_rate) {
  std::string quality(sequence.size(), 'F');
  visit_rare(random, sequence.size(), 0.02, [&](std::size_t i) { quality[i] = random.bernoulli(0.7) ? ':' : ','; });
  visit_rare(random, sequence.size(), error_rate, [&](std::size_t i) {
    sequence[i] = other_base(random, sequence[i]);
    if (random.bernoulli(0.7)) quality[i] = random.bernoulli(0.5) ? ',' : '#';
  });
  out += '@';
  out += name;
  out += '\n';
  out += sequence;
  out += "\n+\n";
  out += quality;
  out += '\n';
}

}  // namespace immucan::simulate
