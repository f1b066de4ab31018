#include "core/output.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "core/digest.h"
#include "core/error.h"
#include "core/run_context.h"
#include "unit/temporary_folder.h"

using namespace immucan::core;
namespace fs = std::filesystem;

namespace {

struct Folder : immucan::test::TemporaryFolder {
  [[nodiscard]] std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(path()), fs::directory_iterator()));
  }
};

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Status status_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.status();
  }
  return Status::kOk;
}

}  // namespace

TEST_CASE("a file appears only by commit, and what is not committed leaves nothing") {
  const Folder folder;
  const fs::path target = folder / "out.tsv";
  {
    OutputFile file(target);
    file.write("half");
    CHECK_FALSE(fs::exists(target));
    CHECK(folder.entries() == 1);
  }
  CHECK(folder.entries() == 0);
  OutputFile file(target);
  const std::string text(700000, 'x');
  file.write(text);
  const FileRecord record = file.commit();
  CHECK(content(target) == text);
  CHECK(record.size == text.size());
  CHECK(record.sha256 == sha256_hex(text));
  CHECK(folder.entries() == 1);
}

TEST_CASE("an earlier file stays whole until the new one is") {
  const Folder folder;
  const fs::path target = folder / "out";
  std::ofstream(target) << "old";
  {
    OutputFile file(target);
    file.write("new");
    CHECK(content(target) == "old");
  }
  CHECK(content(target) == "old");
}

TEST_CASE("symbolic links are followed, dangling ones too") {
  const Folder folder;
  fs::create_symlink("real", folder / "link");
  OutputFile file(folder / "link");
  file.write("text");
  file.commit();
  CHECK(fs::is_symlink(folder / "link"));
  CHECK(content(folder / "real") == "text");
}

TEST_CASE("what is not a regular file is written directly") {
  CHECK_NOTHROW([] {
    OutputFile file("/dev/null");
    file.write("gone");
    file.commit();
  }());
  if (fs::exists("/dev/full")) {
    CHECK(status_of([] {
            OutputFile file("/dev/full");
            file.write("lost");
            file.commit();
          }) == Status::kIoError);
  }
  CHECK(fs::is_character_file("/dev/null"));
}

TEST_CASE("a folder that is missing or a target that is a folder is 73") {
  const Folder folder;
  CHECK(status_of([&] { OutputFile file(folder / "absent" / "out"); }) == Status::kCannotCreate);
  CHECK(status_of([&] { OutputFile file(folder.path()); }) == Status::kCannotCreate);
  std::ofstream(folder / "plain") << "x";
  RunContext context("tool", "0.0.0", "command");
  CHECK(status_of([&] { OutputSet::folder(context, folder / "plain"); }) == Status::kCannotCreate);
  CHECK(status_of([&] { OutputSet::folder(context, folder / "plain" / "below"); }) == Status::kCannotCreate);
}

TEST_CASE("a set publishes everything at once, the run record last") {
  const Folder folder;
  RunContext context("tool", "1.2.3", "command");
  context.parameters = {{"method", std::string("finck")}, {"cofactor", 5.0}};
  context.inputs.add({"b.fcs", 2, "bb"});
  context.inputs.add({"a.fcs", 1, "aa"});
  context.inputs.add({"a.fcs", 1, "aa"});
  OutputSet set = OutputSet::folder(context, folder / "deep" / "out");
  set.add("z.tsv").write("z");
  set.add("sub/a.tsv").write("a");
  std::ofstream(set.add_external("x.h5")) << "external";
  set.count("events", std::int64_t{7});
  CHECK_FALSE(fs::exists(folder / "deep/out/z.tsv"));
  set.commit();
  CHECK(content(folder / "deep/out/sub/a.tsv") == "a");
  CHECK(content(folder / "deep/out/x.h5") == "external");

  const auto record = nlohmann::json::parse(content(folder / "deep/out/run.json"));
  CHECK(record["tool"] == "tool");
  CHECK(record["version"] == "1.2.3");
  CHECK(record["parameters"]["cofactor"] == 5.0);
  CHECK(record["counts"]["events"] == 7);
  REQUIRE(record["inputs"].size() == 2);
  CHECK(record["inputs"][0]["name"] == "a.fcs");
  REQUIRE(record["outputs"].size() == 3);
  CHECK(record["outputs"][0]["name"] == "sub/a.tsv");
  CHECK(record["outputs"][1]["sha256"] == sha256_hex("external"));
}

TEST_CASE("a set that is not committed removes its files and the folders it made, and spares an earlier run") {
  const Folder folder;
  RunContext context("tool", "1.2.3", "command");
  {
    OutputSet set = OutputSet::folder(context, folder / "a" / "b");
    set.add("c/d.tsv").write("d");
  }
  CHECK(folder.entries() == 0);
  std::ofstream(folder / "run.json") << "earlier";
  {
    OutputSet set = OutputSet::folder(context, folder.path());
    set.add("d.tsv").write("d");
  }
  CHECK(content(folder / "run.json") == "earlier");
}

TEST_CASE("a single output has its record beside it, stdout and devices have none") {
  const Folder folder;
  RunContext context("tool", "1.2.3", "command");
  OutputSet set = OutputSet::single(context, folder / "out.tsv");
  set.file().write("x");
  set.commit();
  CHECK(nlohmann::json::parse(content(folder / "out.tsv.run.json"))["outputs"][0]["name"] == "out.tsv");
  OutputSet nowhere = OutputSet::single(context, "/dev/null");
  nowhere.commit();
  CHECK_FALSE(fs::exists("/dev/null.run.json"));
}
