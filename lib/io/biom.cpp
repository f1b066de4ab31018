#include "io/biom.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <limits>
#include <optional>
#include <unordered_set>

#include "core/error.h"
#include "core/text.h"

namespace immucan::io {

namespace {

constexpr std::array<std::string_view, 8> kTypes = {
    "OTU table",  "Pathway table",    "Function table", "Ortholog table",
    "Gene table", "Metabolite table", "Taxon table",    ""};

bool is_known_type(std::string_view type) {
  return std::ranges::find(kTypes, type) != kTypes.end();
}

// --- writing

[[noreturn]] void refuse(std::string what) {
  throw core::Error(core::Status::kInternal, "BIOM table: " + std::move(what));
}

void require_unique(const std::vector<std::string>& ids, std::uint64_t count, std::string_view axis) {
  if (ids.size() != count) refuse(fmt::format("{} {} ids for {} in the matrix", ids.size(), axis, count));
  const std::unordered_set<std::string_view> unique(ids.begin(), ids.end());
  if (unique.size() != ids.size()) refuse(fmt::format("{} ids are not unique", axis));
}

/// No clock in an output: the moment comes from outside, else it is the first one.
std::string creation_date() {
  std::int64_t seconds = 0;
  if (const char* epoch = std::getenv("SOURCE_DATE_EPOCH"); epoch != nullptr && *epoch != '\0') {
    const auto value = core::parse_unsigned(epoch);
    constexpr std::uint64_t kYear9999 = 253402300799;
    if (!value || *value > kYear9999) {
      core::raise_usage(fmt::format("SOURCE_DATE_EPOCH is not a number of seconds ({}). Unset it or give one.",
                                    core::printable(epoch)));
    }
    seconds = static_cast<std::int64_t>(*value);
  }
  using namespace std::chrono;
  const sys_seconds moment{std::chrono::seconds(seconds)};
  const auto day = floor<days>(moment);
  const year_month_day date(day);
  const hh_mm_ss time(moment - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count());
}

struct MetadataWriter {
  Hdf5Writer& out;
  const std::string& path;
  std::size_t count;

  void operator()(const std::vector<std::string>& values) const {
    check(values.size());
    out.strings(path, values);
  }
  void operator()(const std::vector<double>& values) const {
    check(values.size());
    out.array<double>(path, values);
  }
  void operator()(const std::vector<std::vector<std::string>>& lists) const {
    check(lists.size());
    std::size_t longest = 0;
    for (const auto& list : lists) longest = std::max(longest, list.size());
    std::vector<std::string> flat;
    flat.reserve(lists.size() * longest);
    for (const auto& list : lists) {
      flat.insert(flat.end(), list.begin(), list.end());
      flat.resize(flat.size() + longest - list.size());
    }
    const std::uint64_t shape[] = {lists.size(), longest};
    out.strings(path, flat, shape);
  }

 private:
  void check(std::size_t have) const {
    if (have != count) refuse(fmt::format("{} has {} values for {} ids", path, have, count));
  }
};

void write_axis(Hdf5Writer& out, const std::string& axis, const std::vector<std::string>& ids,
                const SparseMatrix<double>& matrix, const std::vector<BiomMetadata>& metadata) {
  out.group(axis);
  out.strings(axis + "/ids", ids);
  out.group(axis + "/matrix");
  out.array<double>(axis + "/matrix/data", matrix.value);
  out.array<std::int32_t>(axis + "/matrix/indices", matrix.column);
  // The format says 32 bits; beyond them only 64 can be true.
  if (matrix.stored() <= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    const std::vector<std::int32_t> narrow(matrix.row_start.begin(), matrix.row_start.end());
    out.array<std::int32_t>(axis + "/matrix/indptr", narrow);
  } else {
    out.array<std::int64_t>(axis + "/matrix/indptr", matrix.row_start);
  }
  out.group(axis + "/metadata");
  for (const BiomMetadata& one : metadata) {
    if (one.name.empty() || one.name.find('/') != std::string::npos) {
      refuse(fmt::format("\"{}\" cannot name metadata", core::printable(one.name)));
    }
    const std::string path = axis + "/metadata/" + one.name;
    std::visit(MetadataWriter{out, path, ids.size()}, one.values);
  }
  out.group(axis + "/group-metadata");
}

}  // namespace

void write_biom(const std::filesystem::path& path, const BiomTable& table, unsigned threads) {
  if (!is_known_type(table.type)) refuse(fmt::format("type \"{}\" is not of the list", core::printable(table.type)));
  require_unique(table.observation_ids, table.values.rows, "observation");
  require_unique(table.sample_ids, table.values.columns, "sample");
  Hdf5Writer out(path, 0, threads);
  out.attribute("/", "id", table.id);
  out.attribute("/", "type", table.type);
  out.attribute("/", "format-url", "http://biom-format.org");
  const std::int64_t version[] = {2, 1};
  out.attribute("/", "format-version", std::span<const std::int64_t>(version));
  out.attribute("/", "generated-by", table.generated_by.empty() ? "immucan " IMMUCAN_VERSION : table.generated_by);
  out.attribute("/", "creation-date", table.creation_date.empty() ? creation_date() : table.creation_date);
  const std::int64_t shape[] = {static_cast<std::int64_t>(table.values.rows),
                                static_cast<std::int64_t>(table.values.columns)};
  out.attribute("/", "shape", std::span<const std::int64_t>(shape));
  out.attribute("/", "nnz", static_cast<std::int64_t>(table.values.stored()));
  write_axis(out, "/observation", table.observation_ids, table.values, table.observation_metadata);
  write_axis(out, "/sample", table.sample_ids, transpose(table.values), table.sample_metadata);
  out.close();
}

// --- reading

namespace {

std::vector<std::string> read_ids(const Hdf5Reader& in, const std::string& path, std::uint64_t count) {
  // An empty axis is stored by some writers as an empty array of numbers.
  const Hdf5Kind kind = in.kind(path);
  const bool empty = count == 0 && (kind == Hdf5Kind::kReals || kind == Hdf5Kind::kIntegers);
  auto ids = empty ? std::vector<std::string>{} : in.strings(path);
  if (ids.size() != count) in.fail(path, fmt::format("has {} ids where shape says {}", ids.size(), count));
  std::unordered_set<std::string_view> seen;
  for (const std::string& id : ids) {
    if (!seen.insert(id).second)
      in.fail(path, fmt::format("\"{}\" appears twice", core::printable(id)), "Make the ids unique");
  }
  return ids;
}

SparseMatrix<double> read_compressed(const Hdf5Reader& in, const std::string& path, std::uint64_t rows,
                                     std::uint64_t columns, std::uint64_t stored) {
  SparseMatrix<double> matrix;
  matrix.rows = rows;
  matrix.columns = columns;
  matrix.row_start = in.array<std::int64_t>(path + "/indptr");
  matrix.column = in.array<std::int32_t>(path + "/indices");
  matrix.value = in.array<double>(path + "/data");
  // biom-format leaves the pointers of an empty matrix out.
  if (matrix.row_start.empty() && stored == 0) matrix.row_start.assign(static_cast<std::size_t>(rows) + 1, 0);
  if (matrix.value.size() != stored) {
    in.fail(path + "/data", fmt::format("has {} values where attribute nnz says {}", matrix.value.size(), stored));
  }
  if (matrix.column.size() != stored) {
    in.fail(path + "/indices", fmt::format("has {} values where attribute nnz says {}", matrix.column.size(), stored));
  }
  const auto& start = matrix.row_start;
  if (start.size() != rows + 1 || start.front() != 0 || start.back() != static_cast<std::int64_t>(stored) ||
      !std::ranges::is_sorted(start)) {
    in.fail(path + "/indptr", fmt::format("does not ascend from 0 to {} in {} steps", stored, rows));
  }
  for (const std::int32_t column : matrix.column) {
    if (column < 0 || static_cast<std::uint64_t>(column) >= columns) {
      in.fail(path + "/indices",
              fmt::format("index {} is outside 0..{}", column, static_cast<std::int64_t>(columns) - 1));
    }
  }
  return matrix;
}

/// Transposed twice, the rows of any compressed matrix are in order; equal neighbours are then duplicates.
SparseMatrix<double> sorted(const Hdf5Reader& in, const std::string& path, const SparseMatrix<double>& by_other_axis) {
  SparseMatrix<double> matrix = transpose(by_other_axis);
  for (std::size_t row = 0; row < matrix.rows; ++row) {
    const auto columns = matrix.row_columns(row);
    for (std::size_t i = 1; i < columns.size(); ++i) {
      if (columns[i - 1] == columns[i]) in.fail(path, fmt::format("holds ({}, {}) twice", row, columns[i]));
    }
  }
  return matrix;
}

std::vector<std::vector<std::string>> read_lists(const Hdf5Reader& in, const std::string& path, std::size_t rows,
                                                 std::size_t columns) {
  auto flat = in.strings(path);
  std::vector<std::vector<std::string>> lists(rows);
  for (std::size_t row = 0; row < rows; ++row) {
    const auto begin = flat.begin() + static_cast<std::ptrdiff_t>(row * columns);
    lists[row].assign(begin, begin + static_cast<std::ptrdiff_t>(columns));
    while (!lists[row].empty() && lists[row].back().empty()) lists[row].pop_back();
  }
  return lists;
}

std::vector<BiomMetadata> read_metadata(const Hdf5Reader& in, const std::string& group, std::size_t count,
                                        std::vector<std::string>& passed_over) {
  std::vector<BiomMetadata> metadata;
  if (in.kind(group) != Hdf5Kind::kGroup) in.fail(group, "group is missing");
  for (const std::string& name : in.members(group)) {
    const std::string path = group + "/" + name;
    const Hdf5Kind kind = in.kind(path);
    const bool numbers = kind == Hdf5Kind::kReals || kind == Hdf5Kind::kIntegers;
    const auto shape = numbers || kind == Hdf5Kind::kStrings ? in.shape(path) : std::vector<std::uint64_t>{};
    if (!shape.empty() && shape.front() != count) {
      in.fail(path, fmt::format("has {} values for {} ids", shape.front(), count));
    }
    if (shape.size() == 1 && numbers) {
      metadata.push_back({name, in.array<double>(path)});
    } else if (shape.size() == 1) {
      metadata.push_back({name, in.strings(path)});
    } else if (shape.size() == 2 && !numbers) {
      metadata.push_back({name, read_lists(in, path, count, static_cast<std::size_t>(shape[1]))});
    } else {
      passed_over.push_back(path);
    }
  }
  return metadata;
}

void check_version(const Hdf5Reader& in) {
  const auto version = in.integers_attribute("/", "format-version");
  if (!version) in.fail("/", "attribute format-version is missing", "Give a BIOM 2.1 file");
  if (version->size() != 2 || (*version)[0] != 2 || (*version)[1] < 0 || (*version)[1] > 1) {
    in.fail("/", "attribute format-version is neither [2, 0] nor [2, 1]", "Convert it to BIOM 2.1");
  }
}

std::string required_text(const Hdf5Reader& in, const std::string& name) {
  auto value = in.string_attribute("/", name);
  if (!value) in.fail("/", fmt::format("attribute {} is missing", name));
  return std::move(*value);
}

}  // namespace

BiomTable read_biom(const Hdf5Reader& in) {
  check_version(in);
  BiomTable table;
  table.id = required_text(in, "id");
  table.type = required_text(in, "type");
  (void)required_text(in, "format-url");
  table.generated_by = required_text(in, "generated-by");
  table.creation_date = required_text(in, "creation-date");
  if (!is_known_type(table.type)) {
    in.fail("/", fmt::format("type \"{}\" is not of the list of BIOM", core::printable(table.type)),
            "Use \"OTU table\", \"Taxon table\", \"Gene table\" or another one of the format");
  }
  const auto shape = in.integers_attribute("/", "shape");
  const auto stored = in.integers_attribute("/", "nnz");
  if (!shape || shape->size() != 2 || (*shape)[0] < 0 || (*shape)[1] < 0)
    in.fail("/", "attribute shape is not two sizes");
  if (!stored || stored->size() != 1 || (*stored)[0] < 0) in.fail("/", "attribute nnz is not a number");
  const auto rows = static_cast<std::uint64_t>((*shape)[0]), columns = static_cast<std::uint64_t>((*shape)[1]);
  const auto nnz = static_cast<std::uint64_t>((*stored)[0]);
  table.observation_ids = read_ids(in, "/observation/ids", rows);
  table.sample_ids = read_ids(in, "/sample/ids", columns);
  const auto by_sample = read_compressed(in, "/sample/matrix", columns, rows, nnz);
  const auto by_observation = read_compressed(in, "/observation/matrix", rows, columns, nnz);
  table.values = sorted(in, "/sample/matrix", by_sample);
  const auto other = sorted(in, "/observation/matrix", transpose(by_observation));
  if (table.values.row_start != other.row_start || table.values.column != other.column ||
      table.values.value != other.value) {
    in.fail("/sample/matrix", "differs from /observation/matrix, which must be the same table");
  }
  table.observation_metadata =
      read_metadata(in, "/observation/metadata", table.observation_ids.size(), table.passed_over);
  table.sample_metadata = read_metadata(in, "/sample/metadata", table.sample_ids.size(), table.passed_over);
  return table;
}

BiomTable read_biom(const std::filesystem::path& path, core::RunContext& context) {
  return read_biom(Hdf5Reader(path, context));
}

}  // namespace immucan::io
