#include "io/tenx.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>
#include <unordered_set>

#include "core/error.h"
#include "core/text.h"
#include "io/bgzf_writer.h"
#include "io/byte_source.h"
#include "io/hdf5.h"
#include "io/matrix_market.h"

namespace immucan::io {

void write_tenx_folder(core::OutputSet& outputs, const std::filesystem::path& relative, const TenxMatrix& matrix,
                       unsigned threads, bool integers) {
  write_matrix_market_gz(outputs.add(relative / "matrix.mtx.gz"), matrix.counts,
                         {.transposed = true, .integers = integers, .threads = threads});
  BgzfWriter barcodes(outputs.add(relative / "barcodes.tsv.gz"), threads);
  for (const std::string& barcode : matrix.barcodes) barcodes.write(barcode + "\n");
  barcodes.finish();
  BgzfWriter features(outputs.add(relative / "features.tsv.gz"), threads);
  for (const TenxFeature& feature : matrix.features) {
    features.write(feature.id + "\t" + feature.name + "\t" + feature.type + "\n");
  }
  features.finish();
}

namespace {

/// matrix.mtx.gz or matrix.mtx.
std::filesystem::path member(const std::filesystem::path& folder, const std::string& name) {
  const std::filesystem::path compressed = folder / (name + ".gz");
  std::error_code error;
  return std::filesystem::exists(compressed, error) ? compressed : folder / name;
}

std::vector<TenxFeature> read_feature_list(const std::filesystem::path& path, core::RunContext& context) {
  LineReader lines(open_source(path, context));
  std::vector<TenxFeature> features;
  std::unordered_set<std::string> seen;
  std::string_view line;
  std::vector<std::string_view> fields;
  while (lines.next(line)) {
    core::split(line, '\t', fields);
    const auto fail = [&](std::string what) {
      core::raise(
          {lines.name(), core::Place::line(lines.line_number()), std::move(what), "The columns are id, name and type"});
    };
    if (fields.size() < 2 || fields[0].empty()) fail(fmt::format("{} columns instead of 3", fields.size()));
    if (!seen.emplace(fields[0]).second)
      fail(fmt::format("feature id appears twice (\"{}\")", core::printable(fields[0])));
    features.push_back({std::string(fields[0]), std::string(fields[1]),
                        fields.size() > 2 ? std::string(fields[2]) : "Gene Expression"});
  }
  return features;
}

}  // namespace

std::vector<std::string> read_barcode_list(std::unique_ptr<ByteSource> source) {
  LineReader lines(std::move(source));
  std::vector<std::string> barcodes;
  std::unordered_set<std::string> seen;
  std::string_view line;
  while (lines.next(line)) {
    const auto fail = [&](std::string what) {
      core::raise(
          {lines.name(), core::Place::line(lines.line_number()), std::move(what), "One barcode per line, each once"});
    };
    if (line.empty()) fail("empty barcode");
    if (!seen.emplace(line).second) fail(fmt::format("barcode appears twice (\"{}\")", core::printable(line)));
    barcodes.emplace_back(line);
  }
  return barcodes;
}

TenxMatrix read_tenx_folder(const std::filesystem::path& folder, core::RunContext& context) {
  TenxMatrix matrix;
  const std::filesystem::path counts = member(folder, "matrix.mtx");
  matrix.counts = read_matrix_market(open_source(counts, context), true);
  matrix.barcodes = read_barcode_list(open_source(member(folder, "barcodes.tsv"), context));
  matrix.features = read_feature_list(member(folder, "features.tsv"), context);
  if (matrix.counts.columns != matrix.features.size() || matrix.counts.rows != matrix.barcodes.size()) {
    core::raise({counts.string(), core::Place::none(),
                 fmt::format("{} x {} entries for {} features and {} barcodes", matrix.counts.columns,
                             matrix.counts.rows, matrix.features.size(), matrix.barcodes.size()),
                 "The three files must come from one run"});
  }
  return matrix;
}

void write_tenx_h5(const std::filesystem::path& path, const TenxMatrix& matrix, const std::string& genome,
                   std::string_view chemistry, unsigned threads) {
  Hdf5Writer out(path, 0, threads);
  out.attribute("/", "chemistry_description", chemistry);
  out.attribute("/", "filetype", "matrix");
  out.attribute("/", "version", std::int64_t{2});
  out.group("/matrix");
  out.fixed_strings("/matrix/barcodes", matrix.barcodes);
  const std::vector<std::int32_t> data(matrix.counts.value.begin(), matrix.counts.value.end());
  out.array<std::int32_t>("/matrix/data", data);
  const std::vector<std::int64_t> indices(matrix.counts.column.begin(), matrix.counts.column.end());
  out.array<std::int64_t>("/matrix/indices", indices);
  out.array<std::int64_t>("/matrix/indptr", matrix.counts.row_start);
  const std::vector<std::int32_t> shape = {static_cast<std::int32_t>(matrix.features.size()),
                                           static_cast<std::int32_t>(matrix.barcodes.size())};
  out.array<std::int32_t>("/matrix/shape", shape);
  out.group("/matrix/features");
  std::vector<std::string> ids, names, types, genomes;
  for (const TenxFeature& feature : matrix.features) {
    ids.push_back(feature.id);
    names.push_back(feature.name);
    types.push_back(feature.type);
    genomes.push_back(feature.type == "Gene Expression" ? genome : "");  // tags are of no genome
  }
  out.fixed_strings("/matrix/features/_all_tag_keys", std::vector<std::string>{"genome"});
  out.fixed_strings("/matrix/features/id", ids);
  out.fixed_strings("/matrix/features/name", names);
  out.fixed_strings("/matrix/features/feature_type", types);
  out.fixed_strings("/matrix/features/genome", genomes);
  out.close();
}

namespace {

/// Ids and barcodes are names of rows and columns.
void refuse_twice(const Hdf5Reader& in, const std::string& path, const std::vector<std::string>& names) {
  std::unordered_set<std::string_view> seen;
  for (const std::string& name : names) {
    if (!seen.insert(name).second)
      in.fail(path, fmt::format("\"{}\" appears twice", core::printable(name)), "Make the names unique");
  }
}

void check_counts(const Hdf5Reader& in, const CsrMatrix& counts) {
  if (counts.row_start.size() != counts.rows + 1 || counts.value.size() != counts.column.size() ||
      counts.row_start.front() != 0 || counts.row_start.back() != static_cast<std::int64_t>(counts.column.size()) ||
      !std::ranges::is_sorted(counts.row_start)) {
    in.fail("/matrix/indptr",
            fmt::format("does not ascend from 0 to {} in {} steps", counts.column.size(), counts.rows));
  }
  std::uint32_t highest = 0;  // a negative index is a high one; one pass without a branch
  for (const std::int32_t column : counts.column) highest = std::max(highest, static_cast<std::uint32_t>(column));
  if (counts.column.empty() || highest < counts.columns) return;
  in.fail("/matrix/indices", fmt::format("index {} is outside 0..{}", static_cast<std::int32_t>(highest),
                                         static_cast<std::int64_t>(counts.columns) - 1));
}

/// Files of other tools may hold a barcode's features in any order; transposing twice sorts them.
void sort_features(const Hdf5Reader& in, CsrMatrix& counts) {
  const auto ascending = [&] {
    for (std::size_t row = 0; row < counts.rows; ++row) {
      const auto columns = counts.row_columns(row);
      for (std::size_t i = 1; i < columns.size(); ++i) {
        if (columns[i - 1] >= columns[i]) return false;
      }
    }
    return true;
  };
  if (ascending()) return;
  counts = transpose(transpose(counts));
  if (!ascending()) in.fail("/matrix/indices", "names a feature twice for one barcode");
}

}  // namespace

TenxMatrix read_tenx_h5(const Hdf5Reader& in) {
  if (in.kind("/matrix") != Hdf5Kind::kGroup)
    in.fail("/matrix", "group is missing", "Give a 10x .h5 of Cell Ranger 3 or later");
  TenxMatrix matrix;
  matrix.barcodes = in.strings("/matrix/barcodes");
  refuse_twice(in, "/matrix/barcodes", matrix.barcodes);
  const auto ids = in.strings("/matrix/features/id");
  refuse_twice(in, "/matrix/features/id", ids);
  const auto names = in.strings("/matrix/features/name");
  const auto types = in.strings("/matrix/features/feature_type");
  if (names.size() != ids.size() || types.size() != ids.size()) in.fail("/matrix/features", "columns differ in length");
  for (std::size_t i = 0; i < ids.size(); ++i) matrix.features.push_back({ids[i], names[i], types[i]});
  CsrMatrix& counts = matrix.counts;
  counts.rows = matrix.barcodes.size();
  counts.columns = ids.size();
  counts.row_start = in.array<std::int64_t>("/matrix/indptr");
  counts.column = in.array<std::int32_t>("/matrix/indices");
  counts.value = in.array<float>("/matrix/data");
  const auto shape = in.array<std::int64_t>("/matrix/shape");
  if (shape.size() != 2 || shape[0] != static_cast<std::int64_t>(ids.size()) ||
      shape[1] != static_cast<std::int64_t>(counts.rows)) {
    in.fail("/matrix/shape",
            fmt::format("is not [{}, {}], the numbers of features and barcodes", ids.size(), counts.rows));
  }
  check_counts(in, counts);
  sort_features(in, counts);
  return matrix;
}

TenxMatrix read_tenx_h5(const std::filesystem::path& path, core::RunContext& context) {
  return read_tenx_h5(Hdf5Reader(path, context));
}

}  // namespace immucan::io
