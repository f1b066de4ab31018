// Write, then read: whatever the bytes, the split into members and the sizes of the steps.
#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <thread>

#include "core/error.h"
#include "core/random.h"
#include "io/bgzf_writer.h"
#include "io/fastq.h"
#include "io/prefetched_source.h"
#include "unit/io/io_helpers.h"

using namespace immucan;

namespace {

/// Bytes of different kinds, long enough for more than one block: noise, runs, text.
rc::Gen<std::string> any_bytes() {
  return rc::gen::map(
      rc::gen::tuple(rc::gen::inRange(0, 200000), rc::gen::inRange(1, 256), rc::gen::arbitrary<std::uint32_t>()),
      [](const auto& form) {
        const auto [size, letters, seed] = form;
        core::Random random(seed);
        std::string bytes;
        while (bytes.size() < static_cast<std::size_t>(size)) {
          const char c = static_cast<char>(random.below(static_cast<std::uint64_t>(letters)));
          bytes.append(random.below(8) == 0 ? random.below(300) : 1, c);
        }
        return bytes;
      });
}

std::vector<std::string> split(const std::string& bytes, std::uint32_t seed) {
  core::Random random(seed, 1);
  std::vector<std::string> parts;
  std::size_t at = 0;
  while (at < bytes.size()) {
    const std::size_t size =
        std::min<std::size_t>(bytes.size() - at, random.below(random.bernoulli(0.5) ? 100000 : 40));
    parts.push_back(bytes.substr(at, size));
    at += size;
  }
  if (parts.empty()) parts.emplace_back();
  return parts;
}

std::string read(io::ByteSource& source, std::uint32_t seed) {
  core::Random random(seed, 2);
  std::string text;
  for (;;) {
    std::string buffer(1 + random.below(random.bernoulli(0.5) ? 100000 : 50), '\0');
    const std::size_t count = source.read(buffer);
    text.append(buffer, 0, count);
    if (count < buffer.size()) break;
  }
  RC_ASSERT(source.position() == text.size());
  return text;
}

void check(const std::string& stored, const std::string& text, std::uint32_t seed) {
  // Plain text that happens to begin like a compressed file cannot be told apart; compressed forms always can.
  RC_ASSERT(read(*io::open_memory(stored), seed) == text);
  io::PrefetchedSource ahead(io::open_memory(stored), 1 + seed % 4, 1000 + seed % 50000);
  std::string read_ahead;
  {
    std::vector<std::jthread> helpers;
    for (int i = 0; i < 2; ++i) {
      helpers.emplace_back([&ahead](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
          if (!ahead.step()) std::this_thread::yield();
        }
      });
    }
    read_ahead = read(ahead, seed);
  }
  RC_ASSERT(read_ahead == text);
}

}  // namespace

TEST_CASE("gzip members, zstd frames and BGZF blocks read back") {
  CHECK(rc::check("gzip", [] {
    const std::string text = *any_bytes();
    const auto seed = *rc::gen::arbitrary<std::uint32_t>();
    std::string stored;
    for (const std::string& part : split(text, seed)) stored += test::gzip(part, static_cast<int>(seed % 10));
    check(stored + std::string(seed % 3 == 0 ? seed % 600 : 0, '\0'), text, seed);
  }));
  CHECK(rc::check("zstd", [] {
    const std::string text = *any_bytes();
    const auto seed = *rc::gen::arbitrary<std::uint32_t>();
    std::string stored;
    for (const std::string& part : split(text, seed)) stored += test::zstd(part, static_cast<int>(seed % 6));
    check(stored, text, seed);
  }));
  CHECK(rc::check("BGZF", [] {
    const std::string text = *any_bytes();
    const auto seed = *rc::gen::arbitrary<std::uint32_t>();
    std::string stored;
    for (const std::string& part : split(text, seed)) stored += test::bgzf(part, 1 + seed % 60000, seed % 2 == 0);
    check(stored + (seed % 2 == 0 ? "" : test::bgzf_block("")), text, seed);
  }));
  CHECK(rc::check("BGZF, then gzip", [] {
    const std::string text = *any_bytes();
    const auto seed = *rc::gen::arbitrary<std::uint32_t>();
    const std::size_t cut = text.empty() ? 0 : seed % text.size();
    check(test::bgzf_block("") + test::bgzf(text.substr(0, cut)) + test::gzip(text.substr(cut)), text, seed);
  }));
}

TEST_CASE("our own BGZF output reads back") {
  const test::TemporaryFolder folder;
  CHECK(rc::check("BgzfWriter", [&] {
    const std::string text = *any_bytes();
    const auto seed = *rc::gen::arbitrary<std::uint32_t>();
    const auto path = folder.path() / "x.gz";
    core::OutputFile out(path);
    io::BgzfWriter writer(out, 1 + seed % 3);
    for (const std::string& part : split(text, seed)) writer.write(part);
    writer.finish();
    (void)out.commit();
    core::RunContext context("test", "0", "test");
    const auto source = io::open_source(path, context);
    RC_ASSERT(source->compression() == io::Compression::kBgzf);
    RC_ASSERT(read(*source, seed) == text);
  }));
}

TEST_CASE("truncated compressed input never reads as a shorter one") {
  CHECK(rc::check("truncation", [] {
    const std::string text = *rc::gen::suchThat(any_bytes(), [](const std::string& bytes) { return !bytes.empty(); });
    const auto seed = *rc::gen::arbitrary<std::uint32_t>();
    const std::string stored = seed % 3 == 0 ? test::gzip(text) : seed % 3 == 1 ? test::bgzf(text) : test::zstd(text);
    const std::size_t size = 4 + seed / 3 % (stored.size() - 4);  // the magic stays, else it is another file
    RC_ASSERT_THROWS_AS(io::read_all(*io::open_memory(std::string_view(stored).substr(0, size))), core::Error);
  }));
}

TEST_CASE("FASTQ records read back, wrapped or not, at any batch size") {
  CHECK(rc::check("FASTQ", [] {
    const auto seed = *rc::gen::arbitrary<std::uint32_t>();
    const auto count = *rc::gen::inRange(1, 400);
    core::Random random(seed);
    std::string files[2], wanted[2];
    for (int i = 0; i < count; ++i) {
      for (int mate = 0; mate < 2; ++mate) {
        const std::string title = "read" + std::to_string(i) + "/" + std::to_string(mate + 1);
        std::string sequence, quality;
        for (std::uint64_t n = random.below(200); n > 0; --n) {
          sequence += "ACGTNacgt.-*"[random.below(12)];
          quality += static_cast<char>('!' + random.below(94));
        }
        wanted[mate] += title + "\n" + sequence + "\n" + quality + "\n";
        const char* const end = random.below(20) == 0 ? "\r\n" : "\n";
        const std::size_t width = random.below(10) == 0 ? 1 + random.below(50) : 1000;
        files[mate] += "@" + title + end;
        std::size_t at = 0;
        do files[mate] += sequence.substr(at, width) + end;
        while ((at += width) < sequence.size());
        files[mate] += (random.below(5) == 0 ? "+" + title : "+") + end;
        at = 0;
        do files[mate] += quality.substr(at, width) + end;
        while ((at += width) < quality.size());
      }
    }
    std::vector<std::vector<std::unique_ptr<io::ByteSource>>> lanes(1);
    for (const std::string& file : files) lanes[0].push_back(io::open_memory(file));
    io::FastqBatchReader reader(std::move(lanes), {.batch_bytes = 1 + random.below(20000)});
    std::string got[2];
    for (io::FastqBatch batch; reader.next(batch);) {
      io::parse(batch);
      for (std::size_t mate = 0; mate < 2; ++mate) {
        const io::FastqBlock& block = batch.mates[mate];
        for (std::size_t i = 0; i < block.size(); ++i) {
          for (const auto part : {block.title(i), block.sequence(i), block.quality(i)}) (got[mate] += part) += '\n';
        }
      }
    }
    RC_ASSERT((got[0] == wanted[0] && got[1] == wanted[1]));
  }));
}
