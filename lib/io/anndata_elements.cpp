#include "io/anndata_elements.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <unordered_set>

#include "core/text.h"

namespace immucan::io {

void Dictionary::add(std::string name, Element value) {
  names.push_back(std::move(name));
  values.push_back(std::move(value));
}

const Element* Dictionary::find(std::string_view name) const {
  const auto at = std::ranges::find(names, name);
  return at == names.end() ? nullptr : &values[static_cast<std::size_t>(at - names.begin())];
}

namespace detail {

namespace {

struct KnownVersions {
  std::string_view type;
  std::array<std::string_view, 2> versions;
};
/// Of the encodings that we read. A later version may mean something else, so it is refused.
constexpr std::array<KnownVersions, 16> kKnown = {{{"anndata", {"0.1.0", ""}},
                                                   {"MuData", {"0.1.0", ""}},
                                                   {"dataframe", {"0.1.0", "0.2.0"}},
                                                   {"array", {"0.2.0", ""}},
                                                   {"string-array", {"0.2.0", ""}},
                                                   {"categorical", {"0.2.0", ""}},
                                                   {"csr_matrix", {"0.1.0", ""}},
                                                   {"csc_matrix", {"0.1.0", ""}},
                                                   {"dict", {"0.1.0", ""}},
                                                   {"raw", {"0.1.0", ""}},
                                                   {"nullable-integer", {"0.1.0", ""}},
                                                   {"nullable-boolean", {"0.1.0", ""}},
                                                   {"nullable-string-array", {"0.1.0", ""}},
                                                   {"numeric-scalar", {"0.2.0", ""}},
                                                   {"string", {"0.2.0", ""}},
                                                   {"rec-array", {"0.2.0", ""}}}};

constexpr int kDeepestDictionary = 32;

template <class T>
std::vector<T> numbers(const Hdf5Reader& in, const std::string& path, std::size_t count) {
  auto values = in.array<T>(path);
  check_length(in, path, values.size(), count);
  return values;
}

std::vector<std::string> read_categories(const Hdf5Reader& in, const std::string& path) {
  std::string values = path;
  if (in.kind(path) == Hdf5Kind::kGroup) values += "/values";
  std::vector<std::string> categories;
  if (in.kind(values) == Hdf5Kind::kStrings) {
    categories = in.strings(values);
  } else if (in.kind(values) == Hdf5Kind::kBooleans) {
    for (const std::uint8_t value : in.booleans(values)) categories.emplace_back(value != 0 ? "True" : "False");
  } else {
    for (const double value : in.array<double>(values)) categories.push_back(core::format_double(value));
  }
  std::unordered_set<std::string_view> seen;
  for (const std::string& category : categories) {
    if (!seen.insert(category).second)
      in.fail(values, fmt::format("category \"{}\" appears twice", core::printable(category)));
  }
  return categories;
}

void check_codes(const Hdf5Reader& in, const std::string& path, const Categorical& column) {
  for (const std::int32_t code : column.codes) {
    if (code < -1 || code >= static_cast<std::int32_t>(column.categories.size())) {
      in.fail(path, fmt::format("code {} names no category", code));
    }
  }
}

Categorical read_categorical(const Hdf5Reader& in, const std::string& path) {
  Categorical column;
  column.codes = in.array<std::int32_t>(path + "/codes");
  column.categories = read_categories(in, path + "/categories");
  column.ordered = in.boolean_attribute(path, "ordered").value_or(false);
  check_codes(in, path + "/codes", column);
  return column;
}

DataFrameColumn read_nullable(const Hdf5Reader& in, const std::string& path, std::string name, std::size_t count) {
  auto mask = in.booleans(path + "/mask");
  check_length(in, path + "/mask", mask.size(), count);
  const std::string values = path + "/values";
  switch (in.kind(values)) {
    case Hdf5Kind::kStrings: {
      NullableStrings column{in.strings(values), std::move(mask)};
      check_length(in, values, column.values.size(), count);
      return {std::move(name), std::move(column)};
    }
    case Hdf5Kind::kBooleans: {
      NullableBooleans column{{in.booleans(values), std::move(mask)}};
      check_length(in, values, column.values.size(), count);
      return {std::move(name), std::move(column)};
    }
    case Hdf5Kind::kReals: {
      auto reals = numbers<double>(in, values, count);
      for (std::size_t i = 0; i < count; ++i) {
        if (mask[i] != 0) reals[i] = std::numeric_limits<double>::quiet_NaN();
      }
      return {std::move(name), std::move(reals)};
    }
    default:
      return {std::move(name), NullableIntegers{numbers<std::int64_t>(in, values, count), std::move(mask)}};
  }
}

/// Before dataframe 0.2.0 the codes carry a reference to their categories, which lie under __categories by name.
DataFrameColumn read_old_categorical(const Hdf5Reader& in, const std::string& frame, const std::string& name,
                                     std::size_t count) {
  Categorical column;
  const std::string categories = frame + "/__categories/" + name;
  column.codes = numbers<std::int32_t>(in, frame + "/" + name, count);
  column.categories = read_categories(in, categories);
  column.ordered = in.boolean_attribute(categories, "ordered").value_or(false);
  check_codes(in, frame + "/" + name, column);
  return {name, std::move(column)};
}

DataFrameColumn read_column(const Hdf5Reader& in, const std::string& frame, const std::string& name,
                            std::size_t count) {
  const std::string path = frame + "/" + name;
  switch (in.kind(path)) {
    case Hdf5Kind::kAbsent:
      in.fail(path, "is named in column-order but missing");
    case Hdf5Kind::kGroup: {
      const std::string type = encoding_of(in, path);
      if (type == "categorical") {
        Categorical column = read_categorical(in, path);
        check_length(in, path + "/codes", column.codes.size(), count);
        return {name, std::move(column)};
      }
      if (type.starts_with("nullable-")) return read_nullable(in, path, name, count);
      in.fail(path, fmt::format("column of encoding \"{}\" is not read", core::printable(type)));
    }
    case Hdf5Kind::kStrings: {
      auto values = in.strings(path);
      check_length(in, path, values.size(), count);
      return {name, std::move(values)};
    }
    case Hdf5Kind::kBooleans: {
      Booleans column{in.booleans(path)};
      check_length(in, path, column.values.size(), count);
      return {name, std::move(column)};
    }
    case Hdf5Kind::kIntegers:
      if (in.has_attribute(path, "categories")) return read_old_categorical(in, frame, name, count);
      return {name, numbers<std::int64_t>(in, path, count)};
    case Hdf5Kind::kReals:
      return {name, numbers<double>(in, path, count)};
    case Hdf5Kind::kOther:
      break;
  }
  in.fail(path, "column of this type is not read");
}

/// Texts, or (from mudata 0.4) texts with a mask that must be all false.
std::vector<std::string> read_index(const Hdf5Reader& in, const std::string& path) {
  if (in.kind(path) != Hdf5Kind::kGroup) return in.strings(path);
  const std::string type = encoding_of(in, path);
  if (type != "nullable-string-array") {
    in.fail(path, fmt::format("index of encoding \"{}\" is not read", core::printable(type)));
  }
  auto names = in.strings(path + "/values");
  const auto mask = in.booleans(path + "/mask");
  check_length(in, path + "/mask", mask.size(), names.size());
  if (std::ranges::find(mask, 1) != mask.end()) in.fail(path + "/mask", "marks a name of the index as missing");
  return names;
}

Element read_scalar(const Hdf5Reader& in, const std::string& path, Hdf5Kind kind) {
  if (kind == Hdf5Kind::kStrings) return {in.strings(path).at(0)};
  if (kind == Hdf5Kind::kBooleans) return {in.booleans(path).at(0) != 0};
  if (kind == Hdf5Kind::kIntegers) return {in.array<std::int64_t>(path).at(0)};
  return {in.array<double>(path).at(0)};
}

Element read_array(const Hdf5Reader& in, const std::string& path, Hdf5Kind kind,
                   const std::vector<std::uint64_t>& shape) {
  if (kind == Hdf5Kind::kStrings) return {in.strings(path)};
  if (kind == Hdf5Kind::kBooleans) return {Booleans{in.booleans(path)}};
  if (kind == Hdf5Kind::kIntegers) return {NumberArray<std::int64_t>{shape, in.array<std::int64_t>(path)}};
  return {NumberArray<double>{shape, in.array<double>(path)}};
}

/// nullopt when there is no place for it.
std::optional<Element> read_element(const Hdf5Reader& in, const std::string& path,
                                    std::vector<std::string>& passed_over, int depth) {
  const Hdf5Kind kind = in.kind(path);
  if (kind == Hdf5Kind::kGroup) {
    const std::string type = encoding_of(in, path);
    if (type == "dataframe") return Element{read_frame(in, path, false)};
    if (type == "categorical") return Element{read_categorical(in, path)};
    if (is_sparse(in, path)) {
      const auto shape = in.integers_attribute(path, "shape");
      if (!shape || shape->size() != 2 || (*shape)[0] < 0 || (*shape)[1] < 0)
        in.fail(path, "attribute shape is missing");
      return Element{
          read_matrix(in, path, static_cast<std::uint64_t>((*shape)[0]), static_cast<std::uint64_t>((*shape)[1]))};
    }
    if (type != "dict" && !type.empty()) return std::nullopt;
    return Element{read_dictionary(in, path, passed_over, depth + 1)};
  }
  if (kind == Hdf5Kind::kOther || kind == Hdf5Kind::kAbsent) return std::nullopt;
  const auto shape = in.shape(path);
  if (shape.empty()) return read_scalar(in, path, kind);
  const bool one_dimension_only = kind == Hdf5Kind::kStrings || kind == Hdf5Kind::kBooleans;
  if (one_dimension_only && shape.size() != 1) return std::nullopt;
  return read_array(in, path, kind, shape);
}

}  // namespace

std::string encoding_of(const Hdf5Reader& in, const std::string& path) {
  std::string type = in.string_attribute(path, "encoding-type").value_or("");
  const auto version = in.string_attribute(path, "encoding-version");
  if (!version) return type;
  for (const KnownVersions& known : kKnown) {
    if (known.type != type || std::ranges::find(known.versions, *version) != known.versions.end()) continue;
    in.fail(path, fmt::format("encoding-version \"{}\" of {} is not known", core::printable(*version), type),
            "Write the file with anndata 0.7 to 0.12, or use a later version of this tool");
  }
  return type;
}

void check_length(const Hdf5Reader& in, const std::string& path, std::size_t have, std::size_t want) {
  if (have != want) in.fail(path, fmt::format("has {} values where {} are wanted", have, want));
}

DataFrame read_frame(const Hdf5Reader& in, const std::string& path, bool unique) {
  if (in.kind(path) != Hdf5Kind::kGroup)
    in.fail(path, "group is missing", "Give a file written by anndata 0.7 or later");
  const std::string type = encoding_of(in, path);
  if (!type.empty() && type != "dataframe") {
    in.fail(path, fmt::format("encoding \"{}\" is not a table", core::printable(type)));
  }
  const auto index = in.string_attribute(path, "_index");
  if (!index) in.fail(path, "attribute _index is missing");
  DataFrame frame;
  frame.index = read_index(in, path + "/" + *index);
  std::unordered_set<std::string_view> seen;
  for (const std::string& name : frame.index) {
    if (unique && !seen.insert(name).second) {
      in.fail(path + "/" + *index, fmt::format("\"{}\" appears twice", core::printable(name)), "Make the names unique");
    }
  }
  const auto order = in.strings_attribute(path, "column-order");
  if (!order) in.fail(path, "attribute column-order is missing");
  for (const std::string& name : *order) frame.columns.push_back(read_column(in, path, name, frame.index.size()));
  return frame;
}

Dictionary read_dictionary(const Hdf5Reader& in, const std::string& path, std::vector<std::string>& passed_over,
                           int depth) {
  if (depth > kDeepestDictionary) in.fail(path, "is nested too deeply (a circle of links?)");
  Dictionary dictionary;
  for (const std::string& name : in.members(path)) {
    const std::string object = path + "/" + name;
    auto element = read_element(in, object, passed_over, depth);
    if (element) {
      dictionary.add(name, std::move(*element));
    } else {
      passed_over.push_back(object);
    }
  }
  return dictionary;
}

}  // namespace detail

}  // namespace immucan::io
