#include "io/byte_source.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/digest.h"
#include "core/error.h"
#include "io_helpers.h"

using namespace immucan;
using namespace immucan::test;

namespace {

std::string text_of(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; text.size() < size; ++i) text += "line " + std::to_string(i * 2654435761u % 100003) + "\n";
  text.resize(size);
  return text;
}

std::string read_in_steps(std::string_view bytes, std::size_t step) {
  const auto source = io::open_memory(bytes);
  std::string out, buffer(step, '\0');
  while (const std::size_t count = source->read(buffer)) {
    out.append(buffer, 0, count);
    if (count < step) break;
  }
  CHECK(source->read(buffer) == 0);
  CHECK(source->position() == out.size());
  return out;
}

void check_broken(std::string bytes, const std::string& what) {
  INFO(what);
  try {
    const auto source = io::open_memory(bytes, "reads.gz");
    (void)io::read_all(*source);
    FAIL("accepted");
  } catch (const core::Error& error) {
    CHECK(error.status() == core::Status::kBadInput);
    CHECK_THAT(error.what(), Catch::StartsWith("reads.gz: byte "));
    CHECK_THAT(error.what(), Catch::Contains(what));
  }
}

}  // namespace

TEST_CASE("every compression is detected from the bytes and read back") {
  const std::string text = text_of(300000);
  const std::vector<std::pair<std::string, io::Compression>> forms = {
      {text, io::Compression::kPlain},
      {gzip(text), io::Compression::kGzip},
      {gzip(text.substr(0, 1000)) + gzip("") + gzip(text.substr(1000)), io::Compression::kGzip},
      {gzip(text) + std::string(1000, '\0'), io::Compression::kGzip},
      {bgzf(text), io::Compression::kBgzf},
      {bgzf(text.substr(0, 70000)) + bgzf(text.substr(70000)), io::Compression::kBgzf},
      {bgzf(text.substr(0, 70000)) + gzip(text.substr(70000)), io::Compression::kBgzf},
      {zstd(text), io::Compression::kZstd},
      {zstd(text.substr(0, 5)) + zstd("") + zstd(text.substr(5)), io::Compression::kZstd},
      {std::string("\x50\x2a\x4d\x18\x03\x00\x00\x00xyz", 11) + zstd(text), io::Compression::kZstd},
  };
  for (const auto& [bytes, compression] : forms) {
    CHECK(io::open_memory(bytes)->compression() == compression);
    for (const std::size_t step : {std::size_t{977}, std::size_t{65536}, std::size_t{1} << 20}) {
      CHECK(read_in_steps(bytes, step) == text);
    }
  }
}

TEST_CASE("empty inputs are empty") {
  for (const std::string& bytes : {std::string(), gzip(""), bgzf(""), zstd("")})
    CHECK(read_in_steps(bytes, 10).empty());
}

TEST_CASE("gzip headers with name, comment, extra field and header checksum") {
  for (const int flags : {1, 2, 4, 8}) {
    std::string header("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", 10);
    header[3] = static_cast<char>(flags == 1 ? 0x01 : flags == 2 ? 0x08 : flags == 4 ? 0x10 : 0x04);
    if (flags == 2) header += std::string("name.fastq\0", 11);
    if (flags == 4) header += std::string("a comment\0", 10);
    if (flags == 8) header += std::string("\x06\x00XY\x02\x00zz", 8);
    CHECK(read_in_steps(header + gzip("some text").substr(10), 100) == "some text");
  }
}

TEST_CASE("broken compressed inputs are refused with the place") {
  const std::string text = text_of(200000);
  const std::string good_gzip = gzip(text), good_bgzf = bgzf(text), good_zstd = zstd(text);
  const auto flipped = [](std::string bytes, std::size_t at) {
    bytes[at] = static_cast<char>(bytes[at] ^ 0x55);
    return bytes;
  };
  check_broken(good_gzip.substr(0, good_gzip.size() / 2), "middle of a member");
  check_broken(good_gzip.substr(0, good_gzip.size() - 1), "middle of a member");
  check_broken(good_gzip.substr(0, good_gzip.size() - 8), "middle of a member");
  check_broken(good_gzip.substr(0, 5), "middle of a member");
  check_broken(good_gzip + "garbage", "not gzip follow");
  check_broken(good_gzip + std::string(300000, '\0') + "x", "not gzip follow");
  check_broken(good_gzip + "\x1f", "not gzip follow");
  check_broken(good_gzip + "\x1f\x8b", "middle of a member");
  check_broken(flipped(good_gzip, good_gzip.size() - 6), "checksum");
  check_broken(flipped(good_gzip, good_gzip.size() - 2), "checksum");
  check_broken(flipped(good_gzip, 2), "compression method");
  check_broken(good_bgzf.substr(0, good_bgzf.size() - 28), "end-of-file block is missing");
  check_broken(good_bgzf.substr(0, good_bgzf.size() - 10), "cut off");
  check_broken(good_bgzf.substr(0, good_bgzf.size() / 2), "cut off");
  check_broken(good_bgzf + "garbage", "not gzip follow");
  check_broken(flipped(good_bgzf, 200), "BGZF block");
  {
    std::string oversized = good_bgzf;  // a block that claims 4 GB of text
    const std::size_t block =
        (static_cast<unsigned char>(oversized[16]) | static_cast<unsigned char>(oversized[17]) << 8) + 1u;
    for (std::size_t i = block - 4; i < block; ++i) oversized[i] = '\xff';
    check_broken(oversized, "4294967295");
    std::string small = good_bgzf;
    small[16] = 3;
    small[17] = 0;
    check_broken(small, "smaller than its header");
  }
  check_broken(good_zstd.substr(0, good_zstd.size() / 2), "middle of a frame");
  check_broken(good_zstd.substr(0, 5), "middle of a frame");
  check_broken(good_zstd + "garbage", "cannot be decoded");
  check_broken(flipped(good_zstd, 20), "cannot be decoded");
}

TEST_CASE("input that grows beyond --max-expansion is refused") {
  const TemporaryFolder folder;
  const std::string zeros(std::size_t{24} << 20, '\0');
  for (const auto& [form, bytes] : std::vector<std::pair<std::string, std::string>>{
           {"gzip", gzip(zeros)}, {"bgzf", bgzf(zeros)}, {"zstd", zstd(zeros)}}) {
    INFO(form);
    const auto path = folder.write("bomb", bytes);
    const auto read = [&](std::uint64_t limit) {
      core::RunContext context("test", "0", "test");
      context.max_expansion = limit;
      const auto source = io::open_source(path, context);
      return io::read_all(*source).size();
    };
    CHECK(read(0) == zeros.size());
    CHECK(read(100000) == zeros.size());
    CHECK_THROWS_MATCHES(read(100), core::Error,
                         Catch::Matchers::Predicate<core::Error>(
                             [](const core::Error& error) {
                               const std::string what = error.what();
                               return error.status() == core::Status::kBadInput &&
                                      what.find("more than 100 times") != std::string::npos &&
                                      what.find("--max-expansion") != std::string::npos;
                             },
                             "names limit and option"));
  }
  // By default gzip of nothing but zeros (1030:1) is refused, and so is such a zstd frame.
  const std::string bomb = gzip(zeros), frame = zstd(zeros);
  CHECK_THROWS_AS(io::read_all(*io::open_memory(bomb)), core::Error);
  CHECK_THROWS_AS(io::read_all(*io::open_memory(frame)), core::Error);
  // Little text may come from anything.
  const std::string some(std::size_t{15} << 20, '\0'), packed = zstd(some);
  CHECK(io::read_all(*io::open_memory(packed)).size() == some.size());
}

TEST_CASE("compressions that are not read are named") {
  for (const auto& [bytes, kind] :
       std::vector<std::pair<std::string, std::string>>{{"BZh91AY&SY....", "bzip2"},
                                                        {std::string("\xfd") + "7zXZ" + std::string(3, '\0'), "xz"},
                                                        {"PK\x03\x04....", "zip"}}) {
    try {
      (void)io::open_memory(bytes, "x.bin");
      FAIL("accepted");
    } catch (const core::Error& error) {
      CHECK(error.status() == core::Status::kBadInput);
      CHECK_THAT(error.what(), Catch::Contains(kind));
    }
  }
}

TEST_CASE("files are hashed as stored and enter the ledger at their end") {
  const TemporaryFolder folder;
  const std::string text = text_of(900000);
  const auto path = folder.write("reads.fastq.gz", gzip(text));
  core::RunContext context("test", "0", "test");
  const auto source = io::open_source(path, context);
  std::string buffer(1000, '\0');
  CHECK(source->read(buffer) == 1000);
  CHECK(context.inputs.sorted().empty());
  CHECK(buffer + io::read_all(*source) == text);
  const auto records = context.inputs.sorted();
  REQUIRE(records.size() == 1);
  CHECK(records[0].name == "reads.fastq.gz");
  CHECK(records[0].size == gzip(text).size());
  CHECK(records[0].sha256 == core::sha256_hex(gzip(text)));
}

TEST_CASE("gzip members that end anywhere near the end of the window of stored bytes") {
  // The decoder looks some bytes ahead and hands them back at the end of a member, perhaps after the window has moved
  // on.
  const TemporaryFolder folder;
  const std::string first = text_of(20000), second = text_of(3000);
  const std::string plain = gzip(first);
  constexpr std::size_t kWindow = std::size_t{256} << 10;
  for (std::size_t total = kWindow - 24; total <= kWindow + 24; ++total) {
    std::string bytes;  // padding members of 60 KB of header, then one whose end lies at `total`
    const auto padded = [&](const std::string& member, std::size_t extra) {
      std::string header = member.substr(0, 10);
      header[3] = 4;
      return header + little_endian(extra, 2) + std::string(extra, 'x') + member.substr(10);
    };
    std::string wanted;
    while (total - bytes.size() > 65000 + plain.size()) {
      bytes += padded(gzip("a"), 60000);
      wanted += "a";
    }
    bytes += padded(plain, total - bytes.size() - plain.size() - 2);
    REQUIRE(bytes.size() == total);
    bytes += gzip(second);
    wanted += first + second;
    core::RunContext context("test", "0", "test");
    const auto source = io::open_source(folder.write("x.gz", bytes), context);
    CHECK(source->compression() == io::Compression::kGzip);
    CHECK(io::read_all(*source) == wanted);
  }
}

TEST_CASE("missing files and folders are status 66") {
  const TemporaryFolder folder;
  core::RunContext context("test", "0", "test");
  for (const auto& path : {folder.path() / "absent.fq", folder.path()}) {
    try {
      (void)io::open_source(path, context);
      FAIL("accepted");
    } catch (const core::Error& error) {
      CHECK(error.status() == core::Status::kNoInput);
      CHECK_THAT(error.what(), Catch::Contains(path.string()));
    }
  }
}

TEST_CASE("a FIFO whose writer is slow is read to its end") {
  const TemporaryFolder folder;
  const auto path = folder.path() / "fifo";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const std::string bytes = gzip(text_of(500000));
  std::thread writer([&] {
    std::ofstream out(path, std::ios::binary);
    for (std::size_t at = 0; at < bytes.size(); at += 10007) {
      out.write(bytes.data() + at, static_cast<std::streamsize>(std::min<std::size_t>(10007, bytes.size() - at)));
      out.flush();
      std::this_thread::yield();
    }
  });
  core::RunContext context("test", "0", "test");
  const auto source = io::open_source(path, context);
  CHECK(io::read_all(*source) == text_of(500000));
  writer.join();
  CHECK(context.inputs.sorted().at(0).sha256 == core::sha256_hex(bytes));
}

TEST_CASE("waiting for a FIFO without a writer can be interrupted") {
  const TemporaryFolder folder;
  const auto path = folder.path() / "fifo";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  core::RunContext context("test", "0", "test");
  REQUIRE(::kill(::getpid(), SIGTERM) == 0);  // blocked by the context, so it stays pending
  CHECK_THROWS_AS(io::open_source(path, context), core::Interrupted);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  const timespec now{};
  CHECK(::sigtimedwait(&set, nullptr, &now) == SIGTERM);
}

TEST_CASE("read_all refuses more than its limit") {
  const std::string bytes = gzip(std::string(5000000, 'a'));
  const auto source = io::open_memory(bytes);
  CHECK_THROWS_AS(io::read_all(*source, 1000000), core::Error);
}

TEST_CASE("lines with either end, without the last end, at any buffer size") {
  const std::string text = "one\r\ntwo\n\n  three\tx\nlast";
  for (std::size_t buffer = 1; buffer < 40; ++buffer) {
    io::LineReader reader(io::open_memory(text), buffer);
    std::string_view line;
    for (const std::string_view wanted : {"one", "two", "", "  three\tx", "last"}) {
      REQUIRE(reader.next(line));
      CHECK(line == wanted);
    }
    CHECK(reader.line_number() == 5);
    CHECK_FALSE(reader.next(line));
    CHECK_FALSE(reader.next(line));
    CHECK(reader.line_number() == 5);
  }
  io::LineReader empty(io::open_memory(""));
  std::string_view line;
  CHECK_FALSE(empty.next(line));
}
