#include "cohort/provenance.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "cohort/importing.h"
#include "cohort/schema.h"
#include "core/digest.h"
#include "core/error.h"
#include "unit/temporary_folder.h"

using namespace immucan;
using namespace immucan::cohort;
namespace fs = std::filesystem;

namespace {

/// Two samples through index, two counts and one table: files with real bytes, records as the tools write them.
class Study {
 public:
  Study() {
    create_registry(registry, stamp);
    core::RunRecord index = record("scrna-count", "index", {"genome.fa", "genes.gtf"}, {"ref.idx"});
    index.outputs[0].digest = "xxh3-128:beef";
    write_record("ref.idx.run.json", index);
    for (const std::string sample : {"A", "B"}) {
      core::RunRecord count = record("scrna-count", "count", {sample + ".fastq"}, {sample + ".features.tsv"}, sample);
      count.inputs.push_back({"ref.idx", 7, "xxh3-128:beef"});
      write_record(sample + "/run.json", count);
    }
    write_record("all.tsv.run.json",
                 record("biomarker-score", "assemble", {"A.features.tsv", "B.features.tsv"}, {"all.tsv"}));
  }
  void write_record(const fs::path& name, const core::RunRecord& record) const {
    folder.write(name, core::to_json(record));
  }
  [[nodiscard]] core::RunRecord record(const std::string& tool, const std::string& command,
                                       const std::vector<std::string>& inputs, const std::vector<std::string>& outputs,
                                       const std::string& subfolder = "") const {
    core::RunRecord record;
    record.tool = tool;
    record.version = "0.1.0";
    record.command = command;
    for (const std::string& name : inputs) record.inputs.push_back({name, name.size(), core::sha256_hex(name)});
    for (const std::string& name : outputs) {
      folder.write(subfolder.empty() ? fs::path(name) : fs::path(subfolder) / name,
                   name);  // the bytes of a file are its name
      record.outputs.push_back({name, name.size(), core::sha256_hex(name)});
    }
    return record;
  }
  [[nodiscard]] LinkResult link() const {
    Database database = open_registry(registry, Database::Mode::kReadWrite);
    core::RunContext context("cohort-registry", "0", "link");
    return link_runs(database, find_run_records({folder.path()}), stamp, context);
  }
  [[nodiscard]] Database open() const { return open_registry(registry, Database::Mode::kReadOnly); }
  [[nodiscard]] std::vector<std::string> verify(unsigned threads = 1) const {
    Database database = open();
    core::RunContext context("cohort-registry", "0", "verify");
    context.threads = threads;
    std::vector<std::string> found;
    for (const Finding& finding : verify_outputs(database, find_run_records({folder.path()}), context))
      found.push_back(finding.rule + " " + fs::relative(finding.id, folder.path()).string());
    return found;
  }

  const AuditStamp stamp{"2026-01-31T12:00:00Z", "tester"};
  const test::TemporaryFolder folder;
  const fs::path registry = folder / "study.registry";
};

}  // namespace

TEST_CASE("run records are linked once and the chain of audit rows holds", "[cohort]") {
  const Study study;
  const LinkResult first = study.link(), second = study.link();
  CHECK(first.records == 4);
  CHECK(first.added == 4);
  CHECK(second.added == 0);
  CHECK(second.unchanged == 4);
  Database database = study.open();
  CHECK(verify_audit(database).empty());
  Database writer = open_registry(study.registry, Database::Mode::kReadWrite);
  writer.execute("UPDATE tool_run SET version = '9'");
  CHECK(verify_audit(database).size() == 1);
}

TEST_CASE("the ancestry of a file reaches every raw file and nothing beside", "[cohort]") {
  const Study study;
  (void)study.link();
  Database database = study.open();
  CHECK(provenance(database).size() == 3 + 3 + 3 + 3);
  const auto used = [](const std::vector<ProvenanceEdge>& edges) {
    std::set<std::string> names;
    for (const auto& edge : edges) {
      if (edge.direction == "used" && edge.generated_by.empty()) names.insert(edge.name);
    }
    return names;
  };
  CHECK(used(provenance(database, core::sha256_hex("all.tsv"))) ==
        std::set<std::string>{"A.fastq", "B.fastq", "genes.gtf", "genome.fa"});
  const auto of_a = provenance(database, core::sha256_hex("A.features.tsv"));
  CHECK(used(of_a) == std::set<std::string>{"A.fastq", "genes.gtf", "genome.fa"});
  // The index is found by the digest in its header, which its readers record.
  CHECK(std::ranges::any_of(of_a, [](const auto& edge) {
    return edge.name == "ref.idx" && edge.direction == "used" && edge.generated_by.size() == 1;
  }));
  CHECK_THROWS_AS(provenance(database, core::sha256_hex("unheard of")), core::Error);
}

TEST_CASE("raw inputs lead to their samples, and raw bytes that changed are found", "[cohort]") {
  const Study study;
  study.folder.write("samples.txt",
                     "sample_id\tpatient_id\tvisit\tspecimen\tcontrol\tfiles\n"
                     "A\tNA\tNA\ttissue\tblank\tread1=raw/A.fastq\nB\tNA\tNA\ttissue\tblank\tread1=raw/B.fastq\n");
  {
    Database database = open_registry(study.registry, Database::Mode::kReadWrite);
    core::RunContext context("cohort-registry", "0", "import");
    REQUIRE(
        import_table(database, *find_import_table("samples"), study.folder / "samples.txt", false, study.stamp, context)
            .issues.empty());
  }
  (void)study.link();
  Database database = study.open();
  for (const ProvenanceEdge& edge : provenance(database)) {
    if (edge.name == "A.fastq") CHECK(edge.samples == std::vector<std::string>{"A"});
    if (edge.name == "genome.fa") CHECK(edge.samples.empty());
  }
  const auto changed = [&] {
    return std::ranges::count_if(check_registry(database),
                                 [](const Finding& finding) { return finding.rule == "raw-file-changed"; });
  };
  CHECK(changed() == 0);
  core::RunRecord again = study.record("scrna-count", "count", {"A.fastq"}, {"A.again.tsv"}, "again");
  again.inputs[0].sha256 = core::sha256_hex("other bytes");
  study.write_record("again/run.json", again);
  (void)study.link();
  CHECK(changed() == 1);
}

TEST_CASE("verify finds a flipped byte, a lost file, an altered record", "[cohort]") {
  const Study study;
  CHECK(study.verify().size() == 4);  // nothing is linked yet
  (void)study.link();
  CHECK(study.verify().empty());
  study.folder.write("A/A.features.tsv", "B.features.tsv");  // as many bytes
  fs::remove(study.folder / "all.tsv");
  const std::vector<std::string> expected{"output-changed A/A.features.tsv", "output-missing all.tsv"};
  CHECK(study.verify() == expected);
  CHECK(study.verify(4) == expected);
  core::RunRecord altered = study.record("biomarker-score", "assemble", {"A.features.tsv"}, {"all.tsv"});
  study.write_record("all.tsv.run.json", altered);
  CHECK(study.verify() ==
        std::vector<std::string>{"output-changed A/A.features.tsv", "record-unknown all.tsv.run.json"});
}

TEST_CASE("a registry of schema version 1 is read, and migrated by the first link", "[cohort]") {
  const Study study;
  {
    Database database(study.registry, Database::Mode::kReadWrite);
    database.execute("DROP TABLE tool_run_file; DROP TABLE tool_run; PRAGMA user_version = 1");
  }
  {
    Database database = study.open();
    CHECK(provenance(database).empty());
    CHECK(verify_audit(database).empty());
  }
  CHECK(study.link().added == 4);
  Database database = study.open();
  CHECK(provenance(database).size() == 12);
  CHECK(verify_audit(database).empty());
}

TEST_CASE("folders without a record and paths that are not there", "[cohort]") {
  const Study study;
  fs::create_directory(study.folder / "empty");
  const auto status = [](const fs::path& path) {
    try {
      (void)find_run_records({path});
    } catch (const core::Error& error) {
      return error.status();
    }
    return core::Status::kOk;
  };
  CHECK(status(study.folder / "empty") == core::Status::kBadInput);
  CHECK(status(study.folder / "nowhere") == core::Status::kNoInput);
  CHECK(find_run_records({study.folder.path(), study.folder / "A"}).size() == 4);  // named twice, found once
}
