#pragma once
// Atomic outputs. A regular file appears by rename from a random O_EXCL name in the same folder, after fsync and a
// checked close; symbolic links are resolved first; an existing target that is not a regular file (FIFO, /dev/null,
// /dev/full) is written directly. Whatever is not committed is removed by the destructor, so an error or a signal
// leaves nothing behind.
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/run_record.h"

namespace immucan::core {

class InterruptSource;
struct RunContext;

/// Buffered bytes into one output. "-" is stdout (no rename, flushed and checked by commit).
class OutputFile {
 public:
  /// With `interrupt`, waiting for the reader of a pipe ends when a signal is pending (Interrupted is thrown).
  explicit OutputFile(std::filesystem::path target, const InterruptSource* interrupt = nullptr);
  ~OutputFile();
  OutputFile(OutputFile&&) noexcept;
  OutputFile& operator=(OutputFile&&) noexcept;

  void write(std::string_view bytes);
  /// What readers of this file record instead of its SHA-256 (FileRecord::digest).
  void set_digest(std::string digest);
  /// Flush, fsync, close, all checked. The target does not exist yet; publish() renames. Idempotent.
  FileRecord finish();
  void publish();
  /// finish() and publish().
  FileRecord commit();
  [[nodiscard]] const std::filesystem::path& target() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// All outputs of one command. With a folder (-o DIR) DIR/run.json is renamed last and is the commit mark that resuming
/// relies on; with a single file (-o FILE) the record is FILE.run.json; with "-" there is none.
class OutputSet {
 public:
  /// Creates DIR (73 when that fails). What an earlier run left stays complete until commit() begins, which removes its
  /// run.json first: a folder being rewritten is not complete.
  static OutputSet folder(const RunContext& context, std::filesystem::path directory);
  static OutputSet single(const RunContext& context, std::filesystem::path file);
  ~OutputSet();
  OutputSet(OutputSet&&) noexcept;

  /// Opens DIR/relative (sub-folders are made). The reference lives as long as the set.
  OutputFile& add(const std::filesystem::path& relative);
  /// The one file of `single`.
  OutputFile& file();
  /// For libraries that write by path (HDF5, SQLite): an empty O_EXCL temporary file that commit() will fsync, hash and
  /// rename to DIR/relative. With a single file, `relative` is the whole path of a further output.
  std::filesystem::path add_external(const std::filesystem::path& relative);
  /// Whether this output has been added already.
  [[nodiscard]] bool contains(const std::filesystem::path& relative) const;
  void count(std::string name, ParameterValue value);
  [[nodiscard]] const RunContext& context() const;
  /// Finishes and publishes everything, the run record last.
  void commit();

 private:
  struct State;
  explicit OutputSet(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace immucan::core
