#include "cohort/provenance.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "core/digest.h"
#include "core/error.h"
#include "core/ordered_batches.h"
#include "core/text.h"
#include "io/byte_source.h"

namespace immucan::cohort {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kLargestRecord = std::uint64_t{1} << 28;
constexpr std::string_view kRecordName = "run.json";

bool is_record_name(const fs::path& path) {
  const std::string name = path.filename().string();
  return name == kRecordName || name.ends_with("." + std::string(kRecordName));
}

std::string read_file(const fs::path& path, core::RunContext& context) {
  const auto source = io::open_source(path, context);
  return io::read_all(*source, kLargestRecord);
}

/// Puts runs into the open transaction.
class RunLoader {
 public:
  explicit RunLoader(Database& database)
      : find_(database, "SELECT 1 FROM tool_run WHERE run_digest = ?"),
        add_(database, "INSERT INTO tool_run(run_digest, tool, version, command, parameters) VALUES (?, ?, ?, ?, ?)"),
        add_file_(database,
                  "INSERT OR IGNORE INTO tool_run_file(run_digest, direction, name, sha256, size, digest) "
                  "VALUES (?, ?, ?, ?, ?, ?)") {}

  /// False when the run is known.
  bool add(const core::RunRecord& record, const std::string& parameters) {
    const std::string run = core::run_digest(record);
    find_.bind_text(1, run);
    const bool known = find_.step();
    find_.reset();
    if (known) return false;
    int parameter = 0;
    for (const std::string& text : {run, record.tool, record.version, record.command, parameters})
      add_.bind_text(++parameter, text);
    add_.step();
    add_.reset();
    add_files(run, "input", record.inputs);
    add_files(run, "output", record.outputs);
    return true;
  }

 private:
  void add_files(const std::string& run, std::string_view direction, const std::vector<core::FileRecord>& files) {
    for (const core::FileRecord& file : files) {
      add_file_.bind_text(1, run);
      add_file_.bind_text(2, direction);
      add_file_.bind_text(3, file.name);
      add_file_.bind_text(4, file.sha256);
      add_file_.bind(5, Value{static_cast<std::int64_t>(file.size)});
      add_file_.bind(6, file.digest.empty() ? Value{} : Value{file.digest});
      add_file_.step();
      add_file_.reset();
    }
  }

  Statement find_, add_, add_file_;
};

/// The member "parameters" as the record holds it, without blanks.
std::string parameters_text(std::string_view json) {
  return nlohmann::ordered_json::parse(json)["parameters"].dump(-1, ' ', true,
                                                                nlohmann::ordered_json::error_handler_t::replace);
}

using Producers = std::map<std::string, std::set<std::string>, std::less<>>;

/// Bytes (by SHA-256, an index also by its own digest) and the runs that wrote them.
Producers producers_of(Database& database) {
  Producers producers;
  Statement rows(database, "SELECT run_digest, sha256, digest FROM tool_run_file WHERE direction = 'output'");
  while (rows.step()) {
    producers[rows.text(1)].insert(rows.text(0));
    if (!rows.is_null(2)) producers[rows.text(2)].insert(rows.text(0));
  }
  return producers;
}

/// Samples by the digest and by the file name of their files.
Producers samples_of(Database& database) {
  Producers samples;
  Statement named(database, "SELECT path, sample_id FROM sample_file");
  while (named.step()) samples[fs::path(named.text(0)).filename().string()].insert(named.text(1));
  Statement known(database, "SELECT sha256, sample_id FROM file WHERE sample_id IS NOT NULL");
  while (known.step()) samples[known.text(0)].insert(known.text(1));
  return samples;
}

std::vector<std::string> found_in(const Producers& map, std::string_view key) {
  const auto found = map.find(key);
  return found == map.end() ? std::vector<std::string>{}
                            : std::vector<std::string>(found->second.begin(), found->second.end());
}

/// The digests of everything that `of` rests on, itself included; the runs on the way are those that wrote them.
std::set<std::string> ancestry(const std::vector<ProvenanceEdge>& edges, const Producers& producers,
                               const std::string& of) {
  std::map<std::string, std::vector<const ProvenanceEdge*>> inputs;
  for (const ProvenanceEdge& edge : edges) {
    if (edge.direction == "used") inputs[edge.run].push_back(&edge);
  }
  std::set<std::string> reached{of};
  std::deque<std::string> open{of};
  while (!open.empty()) {
    const std::string digest = std::move(open.front());
    open.pop_front();
    for (const std::string& run : found_in(producers, digest)) {
      for (const ProvenanceEdge* input : inputs[run]) {
        if (reached.insert(input->sha256).second) open.push_back(input->sha256);
      }
    }
  }
  return reached;
}

void keep_ancestry(std::vector<ProvenanceEdge>& edges, const Producers& producers, const std::string& of) {
  if (!producers.contains(of)) {
    throw core::Error(
        core::Status::kBadInput,
        of + ": no linked run wrote bytes of this SHA-256. Link the run records of the folder it lies in.");
  }
  const std::set<std::string> reached = ancestry(edges, producers, of);
  std::set<std::string> runs;
  for (const std::string& digest : reached) {
    for (const std::string& run : found_in(producers, digest)) runs.insert(run);
  }
  std::erase_if(edges, [&](const ProvenanceEdge& edge) {
    return !runs.contains(edge.run) || (edge.direction != "used" && !reached.contains(edge.sha256));
  });
}

/// Findings of one record and the outputs that lie beside it.
std::vector<Finding> verify_record(const fs::path& path, const core::RunRecord& record,
                                   const core::InterruptSource& interrupt) {
  std::vector<Finding> findings;
  const fs::path folder = path.parent_path();
  for (const core::FileRecord& output : record.outputs) {
    const fs::path file = folder / output.name;
    std::error_code code;
    if (!fs::exists(file, code)) {
      findings.push_back({"output-missing", "file", file.string(), "written by " + path.string() + ", not there now"});
      continue;
    }
    const core::FileDigest now = core::digest_of_file(file, interrupt);
    if (now.size != output.size || now.sha256 != output.sha256) {
      findings.push_back({"output-changed", "file", file.string(),
                          fmt::format("{} bytes, SHA-256 {}; the record says {} bytes, {}", now.size, now.sha256,
                                      output.size, output.sha256)});
    }
  }
  return findings;
}

}  // namespace

std::vector<fs::path> find_run_records(const std::vector<fs::path>& paths) {
  std::set<fs::path> records;
  for (const fs::path& path : paths) {
    std::error_code code;
    const fs::file_status status = fs::status(path, code);
    if (status.type() == fs::file_type::not_found) core::raise_input_errno(path.string(), "open", ENOENT);
    if (status.type() != fs::file_type::directory) {
      records.insert(path);
      continue;
    }
    bool found = false;
    for (fs::recursive_directory_iterator entry(path, fs::directory_options::skip_permission_denied, code), end;
         !code && entry != end; entry.increment(code)) {
      if (!is_record_name(entry->path()) || !entry->is_regular_file(code)) continue;
      records.insert(entry->path());
      found = true;
    }
    if (code) core::raise_input_errno(path.string(), "list", code.value());
    if (!found) {
      throw core::Error(core::Status::kBadInput,
                        path.string() +
                            ": no run record (run.json, NAME.run.json) in this folder. Name the folder that "
                            "a tool wrote to.");
    }
  }
  return {records.begin(), records.end()};
}

LinkResult link_runs(Database& database, const std::vector<fs::path>& records, const AuditStamp& stamp,
                     core::RunContext& context) {
  LinkResult result;
  core::Sha256 read;  // what was loaded, for the audit row
  migrate_registry(database, stamp);
  Transaction transaction(database);
  RunLoader loader(database);
  for (const fs::path& path : records) {
    context.interrupt.check();
    const std::string text = read_file(path, context);
    const core::RunRecord record = core::parse_run_record(text, path.string());
    read.update(core::run_digest(record));
    ++result.records;
    ++(loader.add(record, parameters_text(text)) ? result.added : result.unchanged);
  }
  if (result.added > 0) {
    std::map<std::string, TableDigest> tables;
    for (const auto* table : {"tool_run", "tool_run_file"}) tables.emplace(table, table_digest(database, table));
    append_audit(database, stamp, "link", "tool_run",
                 change_payload(fmt::format("{} run records", result.records), read.hex(), result.added,
                                result.unchanged, tables));
  }
  transaction.commit();
  return result;
}

std::vector<ProvenanceEdge> provenance(Database& database, const std::string& of_sha256) {
  std::vector<ProvenanceEdge> edges;
  if (!has_provenance(database)) return edges;
  const Producers producers = producers_of(database), samples = samples_of(database);
  Statement rows(database,
                 "SELECT r.run_digest, tool, version, command, direction, name, sha256, size FROM tool_run_file f JOIN "
                 "tool_run r USING(run_digest)");
  while (rows.step()) {
    const bool input = rows.text(4) == "input";
    ProvenanceEdge edge{.run = rows.text(0),
                        .tool = rows.text(1),
                        .version = rows.text(2),
                        .command = rows.text(3),
                        .direction = input ? "used" : "wasGeneratedBy",
                        .name = rows.text(5),
                        .sha256 = rows.text(6),
                        .size = static_cast<std::uint64_t>(rows.integer(7)),
                        .generated_by = {},
                        .samples = {}};
    if (input) {
      edge.generated_by = found_in(producers, edge.sha256);
      if (edge.generated_by.empty()) edge.samples = found_in(samples, edge.sha256);
      if (edge.generated_by.empty() && edge.samples.empty()) edge.samples = found_in(samples, edge.name);
    }
    edges.push_back(std::move(edge));
  }
  if (!of_sha256.empty()) keep_ancestry(edges, producers, of_sha256);
  const auto order = [](const ProvenanceEdge& edge) {
    return std::tie(edge.tool, edge.command, edge.run, edge.direction, edge.name, edge.sha256);
  };
  std::ranges::sort(edges, {}, order);
  return edges;
}

std::string provenance_tsv(const std::vector<ProvenanceEdge>& edges) {
  const auto list = [](const std::vector<std::string>& items) { return items.empty() ? "NA" : core::join(items, ","); };
  std::string out = "run\ttool\tversion\tcommand\tdirection\tname\tsha256\tsize\tgenerated_by\tsamples\n";
  for (const ProvenanceEdge& edge : edges) {
    out += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", edge.run, edge.tool, edge.version, edge.command,
                       edge.direction, core::printable(edge.name, 1000), edge.sha256, edge.size,
                       list(edge.generated_by), list(edge.samples));
  }
  return out;
}

std::string provenance_json(const std::vector<ProvenanceEdge>& edges) {
  nlohmann::ordered_json runs = nlohmann::ordered_json::object(), files = nlohmann::ordered_json::object();
  for (const ProvenanceEdge& edge : edges) {
    auto& run = runs[edge.run];
    if (run.is_null()) {
      run = {{"tool", edge.tool}, {"version", edge.version}, {"command", edge.command}};
      run["used"] = nlohmann::ordered_json::array();
      run["generated"] = nlohmann::ordered_json::array();
    }
    run[edge.direction == "used" ? "used" : "generated"].push_back(edge.sha256);
    auto& file = files[edge.sha256];
    if (file.is_null()) file = {{"name", edge.name}, {"size", edge.size}};
    if (!edge.generated_by.empty()) file["generated_by"] = edge.generated_by;
    if (!edge.samples.empty()) file["samples"] = edge.samples;
  }
  const nlohmann::ordered_json root{{"runs", runs}, {"files", files}};
  return root.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::vector<Finding> verify_outputs(Database& database, const std::vector<fs::path>& records,
                                    core::RunContext& context) {
  std::vector<core::RunRecord> parsed;
  std::vector<Finding> findings;
  std::optional<Statement> known;
  if (has_provenance(database)) known.emplace(database, "SELECT 1 FROM tool_run WHERE run_digest = ?");
  for (const fs::path& path : records) {
    parsed.push_back(core::parse_run_record(read_file(path, context), path.string()));
    const std::string digest = core::run_digest(parsed.back());
    if (known) known->bind_text(1, digest);
    if (!known || !known->step()) {
      findings.push_back({"record-unknown", "run", path.string(),
                          "the registry does not know this run: it was not linked, or its record was changed"});
    }
    if (known) known->reset();
  }
  std::vector<std::vector<Finding>> found(records.size());
  core::parallel_for(
      context.threads, records.size(),
      [&](std::size_t i) { found[i] = verify_record(records[i], parsed[i], context.interrupt); }, &context.interrupt);
  for (const auto& some : found) findings.insert(findings.end(), some.begin(), some.end());
  std::ranges::sort(findings);
  return findings;
}

}  // namespace immucan::cohort
