#pragma once
// Compressors independent of the readers under test.
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

#include "unit/temporary_folder.h"

namespace immucan::test {

/// One gzip member by zlib (mtime 0), or raw deflate with `window_bits` -15.
inline std::string zlib_deflate(std::string_view text, int level, int window_bits) {
  z_stream stream{};
  if (deflateInit2(&stream, level, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("zlib");
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int code = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (code != Z_STREAM_END) throw std::runtime_error("zlib");
  return out;
}

inline std::string gzip(std::string_view text, int level = 6) {
  return zlib_deflate(text, level, 15 + 16);
}

inline std::string zstd(std::string_view text, int level = 3) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  ZSTD_CCtx* const context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  const std::size_t size = ZSTD_compress2(context, out.data(), out.size(), text.data(), text.size());
  ZSTD_freeCCtx(context);
  if (ZSTD_isError(size)) throw std::runtime_error("zstd");
  out.resize(size);
  return out;
}

inline std::string little_endian(std::uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
  return out;
}

inline std::string bgzf_block(std::string_view text) {
  const std::string payload = zlib_deflate(text, 6, -15);
  std::string block("\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\xff\x06\x00\x42\x43\x02\x00", 16);
  block += little_endian(payload.size() + 25, 2) + payload;
  const uLong crc = crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size()));
  return block + little_endian(crc, 4) + little_endian(text.size(), 4);
}

/// Blocks of `block_text` bytes and, unless told otherwise, the end-of-file block.
inline std::string bgzf(std::string_view text, std::size_t block_text = 60000, bool with_end = true) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += block_text) {
    out += bgzf_block(text.substr(at, std::min(block_text, text.size() - at)));
  }
  return with_end ? out + bgzf_block("") : out;
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace immucan::test
