// Schema version 2: what the tools' run records say. Frozen once released, like version 1.
#include "cohort/schema.h"

namespace immucan::cohort {

std::string_view schema_v2_sql() {
  return R"sql(
-- One run of one tool: a run record without its execution part. run_digest = SHA-256 of that part.
CREATE TABLE tool_run(
  run_digest TEXT PRIMARY KEY CHECK(length(run_digest) = 64), tool TEXT NOT NULL, version TEXT NOT NULL,
  command TEXT NOT NULL, parameters TEXT NOT NULL CHECK(parameters GLOB '{*}')) STRICT, WITHOUT ROWID;
-- What it read and wrote. `sha256` of an index that was read is the digest in its own header ("xxh3-128:..."), which the
-- run that wrote it states in `digest`.
CREATE TABLE tool_run_file(
  run_digest TEXT NOT NULL REFERENCES tool_run, direction TEXT NOT NULL CHECK(direction IN ('input', 'output')),
  name TEXT NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL CHECK(size >= 0), digest TEXT,
  PRIMARY KEY(run_digest, direction, name, sha256)) STRICT, WITHOUT ROWID;
CREATE INDEX tool_run_file_by_sha256 ON tool_run_file(sha256, direction);
CREATE INDEX tool_run_file_by_digest ON tool_run_file(digest) WHERE digest IS NOT NULL;
)sql";
}

}  // namespace immucan::cohort
