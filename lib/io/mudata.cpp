#include "io/mudata.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <optional>
#include <unordered_map>

#include "core/error.h"
#include "core/text.h"
#include "io/anndata_elements.h"

namespace immucan::io {

using namespace detail;

namespace {

constexpr std::size_t kUserBlock = 512;
constexpr std::string_view kMagic = "MuData (format-version=";

std::vector<std::uint32_t> map_of(const std::vector<std::string>& global, const std::vector<std::string>& names) {
  std::unordered_map<std::string_view, std::uint32_t> position;
  for (std::size_t i = 0; i < names.size(); ++i) position.emplace(names[i], static_cast<std::uint32_t>(i + 1));
  std::vector<std::uint32_t> map;
  map.reserve(global.size());
  for (const std::string& name : global) {
    const auto found = position.find(name);
    map.push_back(found == position.end() ? 0 : found->second);
  }
  return map;
}

/// Fills one global index and one map per modality.
template <class Names, class Map>
void join_axis(std::vector<Modality>& modalities, bool shared, DataFrame& frame, Names&& names_of, Map&& map_of_one) {
  std::unordered_map<std::string, bool> seen;
  for (const Modality& modality : modalities) {
    for (const std::string& name : names_of(modality).index) {
      if (!shared || seen.emplace(name, true).second) frame.index.push_back(name);
    }
  }
  std::size_t before = 0;
  for (Modality& modality : modalities) {
    const auto& names = names_of(modality).index;
    auto& map = map_of_one(modality);
    if (shared) {
      map = map_of(frame.index, names);
      continue;
    }
    map.assign(frame.index.size(), 0);
    for (std::size_t i = 0; i < names.size(); ++i) map[before + i] = static_cast<std::uint32_t>(i + 1);
    before += names.size();
  }
}

/// What is wrong with a map, if anything.
std::optional<std::string> fault_of(const std::vector<std::uint32_t>& map, const std::vector<std::string>& global,
                                    const std::vector<std::string>& names) {
  if (map.size() != global.size()) return fmt::format("has {} values where {} are wanted", map.size(), global.size());
  std::vector<bool> used(names.size(), false);
  std::size_t present = 0;
  for (std::size_t i = 0; i < map.size(); ++i) {
    if (map[i] == 0) continue;
    const std::size_t at = map[i] - 1;
    if (at >= names.size()) return fmt::format("position {} is beyond the {} of the modality", map[i], names.size());
    if (used[at]) return fmt::format("position {} appears twice", map[i]);
    if (names[at] != global[i]) {
      return fmt::format("joins \"{}\" with \"{}\"", core::printable(global[i]), core::printable(names[at]));
    }
    used[at] = true;
    ++present;
  }
  if (present != names.size()) return fmt::format("reaches {} of the {} names of the modality", present, names.size());
  return std::nullopt;
}

void write_map(Hdf5Writer& out, const std::string& axis, const Modality& modality,
               const std::vector<std::uint32_t>& map, const DataFrame& global, const DataFrame& own) {
  if (const auto fault = fault_of(map, global.index, own.index)) {
    throw core::Error(core::Status::kInternal, fmt::format("{}map of {}: {}", axis, modality.name, *fault));
  }
  const std::string map_path = "/" + axis + "map/" + modality.name;
  out.array<std::uint32_t>(map_path, map);
  encode(out, map_path, "array", "0.2.0");
  std::vector<std::uint8_t> mask;
  mask.reserve(map.size());
  for (const std::uint32_t position : map) mask.push_back(position != 0 ? 1 : 0);
  const std::string mask_path = "/" + axis + "m/" + modality.name;
  const std::uint64_t shape[] = {mask.size(), 1};
  out.booleans(mask_path, mask, shape);
  encode(out, mask_path, "array", "0.2.0");
}

void write_user_block(const std::filesystem::path& path) {
  std::string text = fmt::format("{}0.1.0;creator=immucan;creator-version={})", kMagic, IMMUCAN_VERSION);
  text.resize(kUserBlock, '\0');
  errno = 0;
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  file.close();
  if (!file) core::raise_write_errno(path.string(), "write", errno != 0 ? errno : EIO);
}

}  // namespace

MuData join_modalities(std::vector<std::pair<std::string, AnnData>> modalities, SharedAxis axis) {
  MuData data;
  data.axis = axis;
  for (auto& [name, one] : modalities) data.modalities.push_back({std::move(name), std::move(one), {}, {}});
  join_axis(
      data.modalities, axis != SharedAxis::kVariables, data.obs,
      [](const Modality& m) -> const DataFrame& { return m.data.obs; },
      [](Modality& m) -> std::vector<std::uint32_t>& { return m.obs_map; });
  join_axis(
      data.modalities, axis != SharedAxis::kObservations, data.var,
      [](const Modality& m) -> const DataFrame& { return m.data.var; },
      [](Modality& m) -> std::vector<std::uint32_t>& { return m.var_map; });
  return data;
}

void write_mudata(const std::filesystem::path& path, const MuData& data, unsigned threads) {
  Hdf5Writer out(path, kUserBlock, threads);
  encode(out, "/", "MuData", "0.1.0");
  out.attribute("/", "encoder", "immucan");
  out.attribute("/", "encoder-version", IMMUCAN_VERSION);
  out.attribute("/", "axis", static_cast<std::int64_t>(data.axis));
  out.group("/mod");
  std::vector<std::string> order;
  for (const Modality& modality : data.modalities) order.push_back(modality.name);
  out.attribute("/mod", "mod-order", std::span<const std::string>(order));
  for (const Modality& modality : data.modalities) {
    out.group("/mod/" + modality.name);
    write_anndata_members(out, "/mod/" + modality.name, modality.data);
  }
  write_frame(out, "/obs", data.obs);
  write_frame(out, "/var", data.var);
  for (const char* name : {"/obsm", "/varm", "/obsp", "/varp", "/obsmap", "/varmap"}) write_dictionary_group(out, name);
  for (const auto& [name, matrix] : data.obsm) write_dense(out, "/obsm/" + name, matrix);
  for (const auto& [name, matrix] : data.varm) write_dense(out, "/varm/" + name, matrix);
  for (const auto& [name, matrix] : data.obsp) write_csr(out, "/obsp/" + name, matrix);
  for (const auto& [name, matrix] : data.varp) write_csr(out, "/varp/" + name, matrix);
  for (const Modality& modality : data.modalities) {
    write_map(out, "obs", modality, modality.obs_map, data.obs, modality.data.obs);
    write_map(out, "var", modality, modality.var_map, data.var, modality.data.var);
  }
  write_dictionary(out, "/uns", data.uns);
  out.close();
  write_user_block(path);
}

// --- reading

namespace {

/// Of generations that stored only the mask, or nothing, names decide.
std::vector<std::uint32_t> read_map(const Hdf5Reader& in, const std::string& axis, const std::string& modality,
                                    const DataFrame& global, const DataFrame& own) {
  const std::string map_path = "/" + axis + "map/" + modality;
  std::vector<std::uint32_t> map;
  if (in.kind(map_path) == Hdf5Kind::kAbsent) {
    map = map_of(global.index, own.index);
    if (const auto fault = fault_of(map, global.index, own.index)) {
      in.fail(map_path, "is missing and the names do not join: " + *fault);
    }
  } else {
    if (in.kind(map_path) != Hdf5Kind::kIntegers) in.fail(map_path, "is not an array of integers");
    for (const std::uint64_t position : in.array<std::uint64_t>(map_path)) {
      map.push_back(static_cast<std::uint32_t>(std::min<std::uint64_t>(position, 0xffffffffU)));
    }
    if (const auto fault = fault_of(map, global.index, own.index)) in.fail(map_path, *fault);
  }
  const std::string mask_path = "/" + axis + "m/" + modality;
  if (in.kind(mask_path) == Hdf5Kind::kAbsent) return map;
  const auto mask = in.booleans(mask_path);
  check_length(in, mask_path, mask.size(), map.size());
  for (std::size_t i = 0; i < map.size(); ++i) {
    if ((mask[i] != 0) != (map[i] != 0)) {
      in.fail(mask_path, fmt::format("says {} of \"{}\", the map says otherwise", mask[i] != 0 ? "present" : "absent",
                                     core::printable(global.index[i])));
    }
  }
  return map;
}

/// The order of mod-order, which must list exactly the members; without it, by name.
std::vector<std::string> modality_order(const Hdf5Reader& in) {
  std::vector<std::string> members = in.members("/mod");
  auto order = in.strings_attribute("/mod", "mod-order");
  if (!order) return members;
  std::vector<std::string> sorted = *order;
  std::ranges::sort(sorted);
  if (sorted != members) {
    in.fail("/mod", fmt::format("attribute mod-order lists {} names that are not the {} members", sorted.size(),
                                members.size()));
  }
  return std::move(*order);
}

SharedAxis read_axis(const Hdf5Reader& in) {
  const auto axis = in.integers_attribute("/", "axis");
  if (!axis) return SharedAxis::kObservations;
  if (axis->size() != 1 || (*axis)[0] < -1 || (*axis)[0] > 1) in.fail("/", "attribute axis is not 0, 1 or -1");
  return static_cast<SharedAxis>((*axis)[0]);
}

}  // namespace

MuData read_mudata(const Hdf5Reader& in, const AnnDataReading& reading) {
  if (!in.user_block().starts_with(kMagic)) {
    core::raise({in.name(), core::Place::byte(0), fmt::format("does not begin with \"{}\"", kMagic),
                 "Give an .h5mu file; a single modality is read as .h5ad"});
  }
  const std::string type = encoding_of(in, "/");
  if (!type.empty() && type != "MuData") in.fail("/", fmt::format("holds {}, not MuData", core::printable(type)));
  MuData data;
  data.axis = read_axis(in);
  // Lined up one after the other, names of different modalities may be the same.
  data.obs = read_frame(in, "/obs", data.axis != SharedAxis::kVariables);
  data.var = read_frame(in, "/var", data.axis != SharedAxis::kObservations);
  if (in.kind("/mod") != Hdf5Kind::kGroup) in.fail("/mod", "group is missing");
  std::vector<std::string> names = modality_order(in);
  for (const std::string& name : names) {
    Modality modality{name, read_anndata(in, "/mod/" + name, reading), {}, {}};
    modality.obs_map = read_map(in, "obs", name, data.obs, modality.data.obs);
    modality.var_map = read_map(in, "var", name, data.var, modality.data.var);
    data.passed_over.insert(data.passed_over.end(), modality.data.passed_over.begin(), modality.data.passed_over.end());
    data.modalities.push_back(std::move(modality));
  }
  data.obsm = read_aligned(in, "/obsm", data.obs.index.size(), data.passed_over, names);
  data.varm = read_aligned(in, "/varm", data.var.index.size(), data.passed_over, names);
  data.obsp = read_pairwise(in, "/obsp", data.obs.index.size());
  data.varp = read_pairwise(in, "/varp", data.var.index.size());
  if (in.kind("/uns") == Hdf5Kind::kGroup) data.uns = read_dictionary(in, "/uns", data.passed_over);
  return data;
}

MuData read_mudata(const std::filesystem::path& path, core::RunContext& context, const AnnDataReading& reading) {
  return read_mudata(Hdf5Reader(path, context), reading);
}

}  // namespace immucan::io
