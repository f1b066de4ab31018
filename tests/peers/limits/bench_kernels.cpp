// The speed limits of this machine: the kernels our tools depend on, alone, as work per CPU second of one core.
//   bench_limits [--text FILE] [NAME…]     prints kernel, rate, unit; all kernels, or those whose name begins with a
//   NAME
// Data are made here (seeded), so that two machines can be compared. A tool's benchmark divides its own rate by these;
// as inflating depends on the text, it gives the text it reads itself (its first 32 MB are taken).
#include <hdf5.h>
#include <isa-l/igzip_lib.h>
#include <libdeflate.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/digest.h"
#include "io/mzml_spectrum.h"

namespace {

using Random = std::mt19937_64;

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Keeps a result alive without telling the compiler what is done with it.
void keep(std::uint64_t value) {
  asm volatile("" : : "r"(value) : "memory");
}

/// Work per CPU second: the median of five runs, each repeated until 0.1 s have gone by.
double rate(double work, const std::function<std::uint64_t()>& kernel) {
  keep(kernel());  // warms caches and pages
  std::array<double, 5> rates{};
  for (double& result : rates) {
    const double start = cpu_seconds();
    double done = 0, spent = 0;
    do {
      keep(kernel());
      done += work;
      spent = cpu_seconds() - start;
    } while (spent < 0.1);
    result = done / spent;
  }
  std::ranges::sort(rates);
  return rates[2];
}

struct Kernel {
  std::string name, unit;
  std::function<double()> measure;  ///< makes its data, then the rate
};

// ---- text and compression

constexpr std::size_t kTextBytes = std::size_t{32} << 20;

/// Reads of 150 letters with four quality values, as recent instruments write them.
std::string fastq_text(std::size_t bytes) {
  Random random(1);
  std::string text;
  while (text.size() < bytes) {
    text += "@A00001:1:HXXX:1:1101:" + std::to_string(random() % 30000) + ":" + std::to_string(random() % 30000) + "\n";
    for (int i = 0; i < 150; ++i) text += "ACGT"[random() % 4];
    text += "\n+\n";
    for (int i = 0; i < 150; ++i) text += "FFFFFFFF:,#"[std::min<std::uint64_t>(random() % 40, 10)];
    text += '\n';
  }
  return text;
}

using Deflater = std::unique_ptr<libdeflate_compressor, decltype(&libdeflate_free_compressor)>;
using Inflater = std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)>;

std::string gzip(std::string_view text, int level) {
  const Deflater deflater(libdeflate_alloc_compressor(level), libdeflate_free_compressor);
  std::string out(libdeflate_gzip_compress_bound(deflater.get(), text.size()), '\0');
  out.resize(libdeflate_gzip_compress(deflater.get(), text.data(), text.size(), out.data(), out.size()));
  return out;
}

double inflate_stream(const std::string& text) {
  std::string stored = gzip(text, 6);
  std::vector<std::uint8_t> out(1 << 20);
  return 1e-6 * rate(static_cast<double>(text.size()), [&] {
           auto state = std::make_unique<inflate_state>();
           isal_inflate_init(state.get());
           state->crc_flag = ISAL_GZIP;
           state->next_in = reinterpret_cast<std::uint8_t*>(stored.data());
           state->avail_in = static_cast<std::uint32_t>(stored.size());
           std::uint64_t bytes = 0;
           do {
             state->next_out = out.data();
             state->avail_out = static_cast<std::uint32_t>(out.size());
             if (isal_inflate(state.get()) != ISAL_DECOMP_OK) return std::uint64_t{0};
             bytes += out.size() - state->avail_out;
           } while (state->block_state != ISAL_BLOCK_FINISH);
           return bytes;
         });
}

double inflate_blocks(const std::string& text) {
  constexpr std::size_t kBlock = 65280;  // as bgzip cuts
  std::vector<std::string> blocks;
  for (std::size_t at = 0; at < text.size(); at += kBlock) {
    blocks.push_back(gzip(std::string_view(text).substr(at, kBlock), 6));
  }
  const Inflater inflater(libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
  std::string out(kBlock, '\0');
  return 1e-6 * rate(static_cast<double>(text.size()), [&] {
           std::uint64_t bytes = 0;
           for (const std::string& block : blocks) {
             std::size_t size = 0;
             libdeflate_gzip_decompress(inflater.get(), block.data(), block.size(), out.data(), out.size(), &size);
             bytes += size;
           }
           return bytes;
         });
}

double scan_fastq(const std::string& text) {
  return 1e-6 * rate(static_cast<double>(text.size()), [&] {
           std::uint64_t reads = 0;
           const char* at = text.data();
           const char* const end = at + text.size();
           constexpr std::ptrdiff_t kLongestRead = 4096;
           const auto line_end = [&](const char* from) {
             return static_cast<const char*>(std::memchr(from, '\n', static_cast<std::size_t>(end - from)));
           };
           // Stops short of the last read, which may be cut.
           while (end - at > kLongestRead) {
             const char* const sequence = line_end(at) + 1;
             const char* const plus = line_end(sequence) + 1;
             const char* const quality = line_end(plus) + 1;
             at = quality + (plus - sequence);  // the quality is as long as the sequence
             reads += at[-1] == '\n' && *plus == '+' ? 1 : 0;
           }
           return reads;
         });
}

/// What every input costs that enters a run record.
double hash_bytes() {
  const std::string bytes(std::size_t{8} << 20, 'x');
  return 1e-6 * rate(static_cast<double>(bytes.size()),
                     [&] { return static_cast<std::uint64_t>(immucan::core::sha256_hex(bytes)[0]); });
}

double decode_base64() {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  Random random(2);
  std::string text(std::size_t{1} << 20, '\0');
  for (char& letter : text) letter = kLetters[random() % 64];
  std::string out;
  return 1e-6 * rate(static_cast<double>(text.size()), [&] {
           out.clear();
           return immucan::io::decode_base64(text, out) ? out.size() : 0;
         });
}

// ---- memory

/// An anonymous mapping with or without huge pages.
class Table {
 public:
  Table(std::size_t bytes, bool huge) : bytes_(bytes) {
    memory_ = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
    madvise(memory_, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    std::memset(memory_, 1, bytes);
  }
  ~Table() { munmap(memory_, bytes_); }
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;
  [[nodiscard]] std::span<const std::uint64_t> words() const {
    return {static_cast<const std::uint64_t*>(memory_), bytes_ / sizeof(std::uint64_t)};
  }

 private:
  std::size_t bytes_;
  void* memory_ = nullptr;
};

/// Random lines of 64 bytes, in batches of 32 that are asked for before they are read.
double look_up(std::size_t bytes, bool huge) {
  const Table table(bytes, huge);
  const auto words = table.words();
  const std::uint64_t mask = bytes / 64 - 1;
  constexpr std::size_t kBatch = 32, kBatches = 4096;
  Random random(3);
  return 1e-6 * rate(kBatch * kBatches, [&] {
           std::uint64_t sum = 0, state = random();
           std::array<std::size_t, kBatch> places{};
           for (std::size_t batch = 0; batch < kBatches; ++batch) {
             for (std::size_t& place : places) {
               state = state * 6364136223846793005U + 1442695040888963407U;
               place = ((state >> 20) & mask) * 8;
               __builtin_prefetch(&words[place]);
             }
             for (const std::size_t place : places) sum += words[place];
           }
           return sum;
         });
}

double copy_memory() {
  const std::vector<char> from(64 << 20, 'x');
  std::vector<char> to(from.size());
  return 1e-6 * rate(static_cast<double>(from.size()), [&] {
           std::memcpy(to.data(), from.data(), from.size());
           return static_cast<std::uint64_t>(to[from.size() / 2]);
         });
}

// ---- events, matrices, statistics

/// Big-endian float rows of 50 channels into columns, 64 events at a time.
double swap_and_transpose() {
  constexpr std::size_t kChannels = 50, kEvents = 1 << 18, kBlock = 64;
  std::vector<std::uint32_t> rows(kChannels * kEvents, std::byteswap(std::bit_cast<std::uint32_t>(1.5F)));
  std::vector<std::uint32_t> columns(rows.size());
  return 1e-6 * rate(static_cast<double>(rows.size() * sizeof(float)), [&] {
           for (std::size_t begin = 0; begin < kEvents; begin += kBlock) {
             for (std::size_t channel = 0; channel < kChannels; ++channel) {
               const std::uint32_t* const from = rows.data() + begin * kChannels + channel;
               std::uint32_t* const to = columns.data() + channel * kEvents + begin;
               for (std::size_t event = 0; event < kBlock; ++event) to[event] = std::byteswap(from[event * kChannels]);
             }
           }
           return static_cast<std::uint64_t>(columns[kEvents]);
         });
}

/// Small counts in a sparse matrix: values and indices, shuffled by bytes, deflated at level 1, written as chunks.
double write_chunks() {
  constexpr std::size_t kValues = 1 << 17, kChunks = 32;
  Random random(4);
  std::geometric_distribution<std::uint32_t> counts(0.6);
  std::vector<std::uint32_t> values(kValues * kChunks);
  std::uint32_t column = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    column = (column + static_cast<std::uint32_t>(random() % 20)) % 20000;
    values[i] = i / kValues % 2 == 0 ? column : std::bit_cast<std::uint32_t>(static_cast<float>(counts(random) + 1));
  }
  const Deflater deflater(libdeflate_alloc_compressor(1), libdeflate_free_compressor);
  std::string shuffled(kValues * 4, '\0'), stored(libdeflate_zlib_compress_bound(deflater.get(), kValues * 4), '\0');
  return 1e-6 * rate(static_cast<double>(values.size() * 4), [&] {
           const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
           H5Pset_fapl_core(access, 1 << 20, 0);
           const hid_t file = H5Fcreate("limits.h5", H5F_ACC_TRUNC, H5P_DEFAULT, access);
           const hsize_t size = values.size(), chunk = kValues;
           const hid_t space = H5Screate_simple(1, &size, nullptr), creation = H5Pcreate(H5P_DATASET_CREATE);
           H5Pset_chunk(creation, 1, &chunk);
           H5Pset_shuffle(creation);
           H5Pset_deflate(creation, 1);
           const hid_t data = H5Dcreate2(file, "x", H5T_STD_U32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
           std::uint64_t bytes = 0;
           for (hsize_t at = 0; at < size; at += kValues) {
             const auto* const from = reinterpret_cast<const char*>(values.data() + at);
             for (std::size_t byte = 0; byte < 4; ++byte) {
               for (std::size_t i = 0; i < kValues; ++i) shuffled[byte * kValues + i] = from[i * 4 + byte];
             }
             const std::size_t length = libdeflate_zlib_compress(deflater.get(), shuffled.data(), shuffled.size(),
                                                                 stored.data(), stored.size());
             H5Dwrite_chunk(data, H5P_DEFAULT, 0, &at, length, stored.data());
             bytes += length;
           }
           H5Dclose(data);
           H5Pclose(creation);
           H5Sclose(space);
           H5Fclose(file);
           H5Pclose(access);
           return bytes;
         });
}

std::vector<double> expression(std::size_t size) {
  Random random(5);
  std::normal_distribution<double> normal;
  std::vector<double> values(size);
  for (double& value : values) value = normal(random);
  return values;
}

double sort_values() {
  const std::vector<double> values = expression(20000);
  std::vector<double> work;
  return rate(1, [&] {
    work = values;
    std::ranges::sort(work);
    return std::bit_cast<std::uint64_t>(work[10000]);
  });
}

/// Order of a sample's genes by six radix passes of 11 bits over the doubles' bits.
double rank_values() {
  const std::vector<double> values = expression(20000);
  struct Item {
    std::uint64_t key;
    std::uint32_t index;
  };
  std::vector<Item> items(values.size()), other(values.size());
  return rate(1, [&] {
    std::array<std::array<std::uint32_t, 2048>, 6> counts{};
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto bits = std::bit_cast<std::uint64_t>(values[i]);
      const std::uint64_t key = bits ^ (bits >> 63 != 0 ? ~std::uint64_t{0} : std::uint64_t{1} << 63);
      items[i] = {key, static_cast<std::uint32_t>(i)};
      for (std::size_t pass = 0; pass < 6; ++pass) ++counts[pass][key >> (11 * pass) & 2047];
    }
    for (std::size_t pass = 0; pass < 6; ++pass) {
      std::exclusive_scan(counts[pass].begin(), counts[pass].end(), counts[pass].begin(), 0U);
      for (const Item& item : items) other[counts[pass][item.key >> (11 * pass) & 2047]++] = item;
      items.swap(other);
    }
    return static_cast<std::uint64_t>(items[10000].index);
  });
}

std::vector<Kernel> kernels(const std::string& text) {
  std::vector<Kernel> list = {
      {"gzip-inflate", "MB/s of text, one stream (ISA-L, CRC checked)", [&] { return inflate_stream(text); }},
      {"bgzf-inflate", "MB/s of text, blocks of 64 KB (libdeflate, CRC checked)", [&] { return inflate_blocks(text); }},
      {"sha256", "MB/s of bytes as they are stored, core::Sha256", hash_bytes},
      {"fastq-scan", "MB/s of text, memchr and lengths", [&] { return scan_fastq(text); }},
      {"base64", "MB/s of text, io::decode_base64", decode_base64},
      {"copy", "MB/s, memcpy of 64 MB", copy_memory},
      {"fcs-columns", "MB/s of big-endian float rows into columns", swap_and_transpose},
      {"hdf5-chunks", "MB/s of raw CSR, shuffle + libdeflate 1 + direct chunk write", write_chunks},
      {"sort", "samples/s of 20 000 doubles, std::sort", sort_values},
      {"rank", "samples/s of 20 000 doubles, radix order", rank_values},
  };
  for (const std::size_t megabytes : {1, 64, 1024}) {
    for (const bool huge : {false, true}) {
      list.push_back({"lookup-" + std::to_string(megabytes) + "MB-" + (huge ? "huge" : "4K"),
                      "million random lines/s, batches of 32 prefetched",
                      [=] { return look_up(megabytes << 20, huge); }});
    }
  }
  return list;
}

}  // namespace

int main(int argc, char** argv) {
  std::span arguments(argv + 1, static_cast<std::size_t>(argc - 1));
  std::string text;
  if (arguments.size() >= 2 && std::string_view(arguments[0]) == "--text") {
    text.resize(kTextBytes);
    std::ifstream file(arguments[1], std::ios::binary);
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    arguments = arguments.subspan(2);
    if (text.empty()) {
      std::fprintf(stderr, "bench_limits: no text\n");
      return 66;
    }
  } else {
    text = fastq_text(kTextBytes);
  }
  std::printf("kernel\trate\tunit (per CPU second of one core)\n");
  for (const Kernel& kernel : kernels(text)) {
    const bool asked = arguments.empty() || std::ranges::any_of(arguments, [&](const char* name) {
                         return std::string_view(kernel.name).starts_with(name);
                       });
    if (!asked) continue;
    std::printf("%s\t%.0f\t%s\n", kernel.name.c_str(), kernel.measure(), kernel.unit.c_str());
    std::fflush(stdout);
  }
  return 0;
}
