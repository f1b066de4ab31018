#include "io/fastq.h"

#include <catch2/catch.hpp>
#include <iostream>
#include <mutex>

#include "core/error.h"
#include "io_helpers.h"

using namespace immucan;
using namespace immucan::test;

namespace {

struct Read {
  std::string title, sequence, quality;
  bool operator==(const Read&) const = default;
};

std::vector<std::unique_ptr<io::ByteSource>> memory(const std::vector<std::string>& files) {
  std::vector<std::unique_ptr<io::ByteSource>> sources;
  for (std::size_t i = 0; i < files.size(); ++i)
    sources.push_back(io::open_memory(files[i], "R" + std::to_string(i + 1) + ".fq"));
  return sources;
}

std::vector<std::vector<Read>> read_lane(const std::vector<std::string>& files, io::FastqOptions options = {}) {
  std::vector<std::vector<std::unique_ptr<io::ByteSource>>> lanes;
  lanes.push_back(memory(files));
  io::FastqBatchReader reader(std::move(lanes), options);
  std::vector<std::vector<Read>> reads(files.size());
  io::FastqBatch batch;
  while (reader.next(batch)) {
    io::parse(batch);
    CHECK(batch.first_record == reads[0].size());
    for (std::size_t mate = 0; mate < files.size(); ++mate) {
      const io::FastqBlock& block = batch.mates[mate];
      REQUIRE(block.size() == batch.size());
      for (std::size_t i = 0; i < block.size(); ++i) {
        reads[mate].push_back(
            {std::string(block.title(i)), std::string(block.sequence(i)), std::string(block.quality(i))});
      }
    }
  }
  return reads;
}

std::string error_of(const std::vector<std::string>& files, io::FastqOptions options = {}) {
  try {
    (void)read_lane(files, options);
  } catch (const core::Error& error) {
    CHECK(error.status() == core::Status::kBadInput);
    return error.what();
  }
  return "accepted";
}

/// The slowest possible reader, for well-formed files: the oracle of the suite.
std::vector<Read> plain_reader(const std::string& text) {
  io::LineReader lines(io::open_memory(text));
  std::vector<Read> reads;
  std::string_view line;
  while (lines.next(line)) {
    Read read;
    read.title = line.substr(1);
    while (lines.next(line) && !line.starts_with('+')) read.sequence += line;
    do {
      if (lines.next(line)) read.quality += line;
    } while (read.quality.size() < read.sequence.size());
    reads.push_back(read);
  }
  return reads;
}

std::string make_reads(std::size_t count, std::size_t shortest, std::size_t longest, int mate, std::size_t wrap = 0) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t length = shortest + i * 7919 % (longest - shortest + 1);
    std::string sequence, quality;
    for (std::size_t j = 0; j < length; ++j) {
      sequence += "ACGTN"[(i * 31 + j * j) % 5];
      quality += static_cast<char>('!' + (i + j * 13) % 94);
    }
    if (wrap != 0) {
      for (std::size_t at = wrap; at < sequence.size(); at += wrap + 1) {
        sequence.insert(at, "\n");
        quality.insert(at, "\n");
      }
    }
    text += "@read" + std::to_string(i) + " " + std::to_string(mate) + ":N:0\n" + sequence + "\n+\n" + quality + "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("four-line records at any batch size") {
  const std::string text = make_reads(500, 0, 160, 1);
  const auto wanted = plain_reader(text);
  REQUIRE(wanted.size() == 500);
  for (const std::size_t bytes : {1, 10, 333, 4096, 70000, 1 << 20}) {
    CHECK(read_lane({text}, {.batch_bytes = static_cast<std::size_t>(bytes)})[0] == wanted);
  }
  CHECK(read_lane({text.substr(0, text.size() - 1)})[0] == wanted);
  CHECK(read_lane({text + "\n\r\n"})[0] == wanted);
}

TEST_CASE("carriage returns are part of the line end") {
  const std::string text = "@a b\r\nACGT\r\n+\r\nIIII\r\n@c\r\nAC\r\n+c\r\nII";
  CHECK(read_lane({text})[0] == std::vector<Read>{{"a b", "ACGT", "IIII"}, {"c", "AC", "II"}});
}

TEST_CASE("wrapped records are joined, wherever they stand") {
  const std::string text = make_reads(50, 0, 90, 1) + make_reads(300, 1, 300, 1, 60) + make_reads(50, 10, 20, 1);
  const auto wanted = plain_reader(text);
  REQUIRE(wanted.size() == 400);
  for (const std::size_t bytes : {1, 500, 20000, 1 << 20}) {
    CHECK(read_lane({text}, {.batch_bytes = static_cast<std::size_t>(bytes)})[0] == wanted);
  }
  // Line numbers stay true behind them.
  const std::string broken = text + "@last\nAC!T\n+\nIIII\n";
  const auto line = std::count(text.begin(), text.end(), '\n') + 2;
  CHECK_THAT(error_of({broken}), Catch::StartsWith("R1.fq:" + std::to_string(line) + ":"));
}

TEST_CASE("mates keep step by record count, not by bytes") {
  const std::string first = make_reads(3000, 28, 28, 1), second = make_reads(3000, 50, 250, 2, 100);
  const std::string index = make_reads(3000, 8, 8, 3);
  for (const std::size_t bytes : {100, 10000, 1 << 20}) {
    const auto reads = read_lane({first, second, index}, {.batch_bytes = static_cast<std::size_t>(bytes)});
    CHECK(reads[0] == plain_reader(first));
    CHECK(reads[1] == plain_reader(second));
    CHECK(reads[2] == plain_reader(index));
  }
}

TEST_CASE("unequal mates name the shorter file and its last record") {
  const std::string ten = make_reads(10, 30, 30, 1), nine = make_reads(9, 30, 30, 2);
  for (const std::size_t bytes : {100, 1 << 20}) {
    const io::FastqOptions options{.batch_bytes = static_cast<std::size_t>(bytes)};
    CHECK_THAT(error_of({ten, nine}, options),
               Catch::StartsWith("R2.fq") && Catch::Contains("record 9") && Catch::Contains("R1.fq has more"));
    CHECK_THAT(error_of({nine, ten}, options),
               Catch::StartsWith("R1.fq") && Catch::Contains("record 9") && Catch::Contains("R2.fq has more"));
  }
}

TEST_CASE("names of mates must agree") {
  const auto record = [](const std::string& title) { return "@" + title + "\nA\n+\nI\n"; };
  for (const auto& [a, b] : std::vector<std::pair<std::string, std::string>>{{"r1", "r1"},
                                                                             {"r1/1", "r1/2"},
                                                                             {"r1 1:N:0", "r1 2:N:0"},
                                                                             {"r1", "r1 2:N:0"},
                                                                             {"r1\tx", "r1 y"},
                                                                             {"r1/1 x", "r1/2 y"},
                                                                             {"SRR1.7.1", "SRR1.7.2"},
                                                                             {"SRR1.7.1 7", "SRR1.7.2 7"}}) {
    CHECK(error_of({record(a), record(b)}) == "accepted");
  }
  for (const auto& [a, b] : std::vector<std::pair<std::string, std::string>>{{"r1", "r2"},
                                                                             {"r1", "r11"},
                                                                             {"r1/1", "r2/2"},
                                                                             {"r1/1", "r1/22"},
                                                                             {"r.1", "r.2"},
                                                                             {"", "x"},
                                                                             {"SRR1.7.1", "SRR1.8.2"},
                                                                             {"SRR1.1", "SRR1.2"},
                                                                             {".7.1", ".7.2"},
                                                                             {"SRR1..1", "SRR1..2"}}) {
    const std::string message = error_of({record("same") + record(a), record("same") + record(b)});
    CHECK_THAT(message, Catch::StartsWith("R2.fq:5:") && Catch::Contains("stands beside"));
    CHECK(error_of({record(a), record(b)}, {.check_mate_names = false}) == "accepted");
  }
}

TEST_CASE("FASTA is read where the caller allows it") {
  const std::string text = ">a first\nACG\nTTT\n\n>b\n>c\nA\n";
  CHECK_THAT(error_of({text}), Catch::Contains("FASTA"));
  for (const std::size_t bytes : {1, 8, 1 << 20}) {
    CHECK(read_lane({text}, {.batch_bytes = static_cast<std::size_t>(bytes), .allow_fasta = true})[0] ==
          std::vector<Read>{{"a first", "ACGTTT", ""}, {"b", "", ""}, {"c", "A", ""}});
  }
  CHECK_THAT(error_of({">a\nACG\n>b\nA\n>c\nA1\n"}, {.allow_fasta = true}), Catch::StartsWith("R1.fq:6:"));
}

TEST_CASE("lanes follow each other") {
  std::vector<std::vector<std::unique_ptr<io::ByteSource>>> lanes;
  const std::string one = make_reads(7, 5, 9, 1), two = make_reads(5, 5, 9, 1);
  for (const std::string* text : {&one, &two}) {
    lanes.emplace_back();
    lanes.back().push_back(io::open_memory(*text));
  }
  io::FastqBatchReader reader(std::move(lanes), {});
  io::FastqBatch batch;
  REQUIRE(reader.next(batch));
  CHECK((batch.lane == 0 && batch.first_record == 0 && batch.size() == 7));
  REQUIRE(reader.next(batch));
  CHECK((batch.lane == 1 && batch.first_record == 7 && batch.size() == 5));
  CHECK_FALSE(reader.next(batch));
  CHECK_FALSE(reader.next(batch));
}

TEST_CASE("broken FASTQ names file and line") {
  const std::string good = "@a\nACGT\n+\nIIII\n";
  const std::vector<std::pair<std::string, std::string>> broken = {
      {"", "R1.fq:1: the file is empty"},
      {"ACGT\n", "R1.fq:1: a record begins with"},
      {good + "\n" + good, "R1.fq:5: blank line"},
      {good + "@b\nACGT\n+\nIII\n", "R1.fq:5: the file ends in the quality"},
      {good + "@b\nACGT\n+\nIIIII\n", "R1.fq:8: 5 qualities or more for 4 bases"},
      {good + "@b\nACGT\n+c\nIIII\n", "R1.fq:7: the name on the '+' line"},
      {good + "@b\nACGT\nIIII\n", "R1.fq:5: the file ends in the sequence"},
      {good + "@b\nACGT\n", "R1.fq:5: the file ends in the sequence"},
      {good + "@b\n", "R1.fq:5: the file ends in the sequence"},
      {good + "@b", "R1.fq:5: the file ends in the sequence"},
      {good + "@b\nACGT\n+", "R1.fq:5: the file ends in the '+' line"},
      {good + "@b\n+\n\n", "R1.fq:6: the record has no sequence line"},
      {good + "@b\nACGT\n@c\nACGT\n+\nIIII\n", "R1.fq:7: a title where"},
      {good + "@b\nAC T\n+\nIIII\n", "R1.fq:6: ' ' in the sequence of b"},
      {good + "@b\nAC\tT\n+\nIIII\n", "R1.fq:6: '\\x09' in the sequence of b"},
      {good + "@b\nACGT\n+\nI\x7fII\n", "R1.fq:8: '\\x7F' in the qualities of b"},
      {good + std::string("@b\nACGT\n+\nI\0II\n", 15), "R1.fq:8: '\\x00' in the qualities of b"},
      {good + "@b\nACGTACGT\n+\nIII\n@c56\n+\nACGT\n", "R1.fq:8: 3 qualities for 8 bases"},
      {std::string(1000, '\0'), "R1.fq:1: a record begins with"},
  };
  for (const auto& [text, message] : broken) CHECK_THAT(error_of({text}), Catch::StartsWith(message));
}

TEST_CASE("the same batches for any number of threads, plain, gzip and BGZF") {
  const TemporaryFolder folder;
  const std::string first = make_reads(20000, 28, 90, 1), second = make_reads(20000, 60, 150, 2);
  const auto wanted_first = plain_reader(first), wanted_second = plain_reader(second);
  for (const int form : {0, 1, 2, 3}) {
    const auto pack = [form](const std::string& text) {
      return form == 0   ? text
             : form == 1 ? gzip(text)
             : form == 2 ? bgzf(text)
                         : bgzf(text.substr(0, 100000)) + gzip(text.substr(100000));
    };
    const auto r1 = folder.write("R1.fq", pack(first)), r2 = folder.write("R2.fq", pack(second));
    for (const unsigned threads : {1u, 2u, 4u}) {
      core::RunContext context("test", "0", "test");
      context.threads = threads;
      io::FastqBatchReader reader({{{r1, r2}}, {{r1, r2}}}, {.batch_bytes = 100000}, context);
      struct Work {
        io::FastqBatch reads;
        std::uint64_t bases = 0;
      };
      std::vector<Read> delivered[2];
      core::ordered_batches<Work>(
          {.threads = threads, .interrupt = &context.interrupt, .background = reader.background()},
          [&](Work& work) { return reader.next(work.reads); }, [](Work& work) { io::parse(work.reads); },
          [&](Work& work) {
            for (std::size_t mate = 0; mate < 2; ++mate) {
              const auto& block = work.reads.mates[mate];
              for (std::size_t i = 0; i < block.size(); ++i) {
                delivered[mate].push_back(
                    {std::string(block.title(i)), std::string(block.sequence(i)), std::string(block.quality(i))});
              }
            }
          });
      REQUIRE(delivered[0].size() == 40000);
      CHECK(std::equal(wanted_first.begin(), wanted_first.end(), delivered[0].begin()));
      CHECK(std::equal(wanted_second.begin(), wanted_second.end(), delivered[1].begin() + 20000));
      CHECK(context.inputs.sorted().size() == 2);  // the ledger holds each content once
    }
  }
}

TEST_CASE("an input that is damaged ahead fails in its place for any number of threads") {
  const TemporaryFolder folder;
  std::string bytes = bgzf(make_reads(40000, 90, 150, 1));
  bytes[bytes.size() * 3 / 4] = static_cast<char>(bytes[bytes.size() * 3 / 4] ^ 1);
  const auto path = folder.write("R1.fq.gz", bytes);
  std::string message;
  for (const unsigned threads : {1u, 2u, 4u}) {
    core::RunContext context("test", "0", "test");
    context.threads = threads;
    io::FastqBatchReader reader({{{path}}}, {.batch_bytes = 100000}, context);
    try {
      core::ordered_batches<io::FastqBatch>(
          {.threads = threads, .background = reader.background()},
          [&](io::FastqBatch& batch) { return reader.next(batch); }, [](io::FastqBatch& batch) { io::parse(batch); },
          [](io::FastqBatch&) {});
      FAIL("accepted");
    } catch (const core::Error& error) {
      CHECK(error.status() == core::Status::kBadInput);
      if (message.empty()) message = error.what();
      CHECK(error.what() == message);
    }
  }
}

TEST_CASE("of several broken records the first is told for any number of threads") {
  const TemporaryFolder folder;
  const std::string good = make_reads(3000, 90, 150, 1);
  std::vector<std::size_t> records;  // where each begins
  for (std::size_t at = 0; at < good.size();) {
    records.push_back(at);
    for (int line = 0; line < 4; ++line) at = good.find('\n', at) + 1;
  }
  // A base that is no letter is seen by parsing, a title without '@' by cutting: before, in and behind a batch.
  for (const bool base_first : {true, false}) {
    for (const std::size_t distance : {1, 5, 1500}) {
      std::string text = good;
      const std::size_t base = base_first ? 700 : 700 + distance, title = base_first ? 700 + distance : 700;
      for (std::size_t record = base; record < 3000; record += 97) text[text.find('\n', records[record]) + 1] = '7';
      text[records[title]] = '#';
      const auto path = folder.write("R1.fq", text);
      for (const unsigned threads : {1u, 2u, 4u}) {
        for (int turn = 0; turn < 5; ++turn) {
          core::RunContext context("test", "0", "test");
          context.threads = threads;
          io::FastqBatchReader reader({{{path}}}, {.batch_bytes = 10000}, context);
          std::string message;
          try {
            core::ordered_batches<io::FastqBatch>(
                {.threads = threads}, [&](io::FastqBatch& batch) { return reader.next(batch); },
                [](io::FastqBatch& batch) { io::parse(batch); }, [](io::FastqBatch&) {});
          } catch (const core::Error& error) {
            message = error.what();
          }
          CHECK_THAT(message, Catch::Contains("R1.fq:" + std::to_string(4 * 700 + (base_first ? 2 : 1)) + ":"));
        }
      }
    }
  }
}

TEST_CASE("the FASTQ test suite of the Open Bioinformatics Foundation") {
  const std::filesystem::path suite = std::filesystem::path(IMMUCAN_SHARED_DATA) / "microbiome" / "fastq-test-suite";
  if (!std::filesystem::exists(suite)) {
    std::cout << "SKIPPED: no " << suite.string() << "\n";
    return;
  }
  std::size_t rejected = 0, accepted = 0;
  for (const auto& entry : std::filesystem::directory_iterator(suite)) {
    if (entry.path().extension() != ".fastq") continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    INFO(entry.path().filename().string());
    const std::string message = error_of({text});
    if (entry.path().filename().string().starts_with("error_")) {
      CHECK_THAT(message, Catch::StartsWith("R1.fq:"));
      ++rejected;
    } else {
      CHECK(message == "accepted");
      CHECK(read_lane({text})[0] == plain_reader(text));
      ++accepted;
    }
  }
  CHECK(rejected > 0);
  CHECK(accepted > 0);
}
