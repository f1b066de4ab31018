#include "io/hdf5_strings.h"

#include <hdf5.h>

#include <string_view>
#include <utility>

#include "io/hdf5_handle.h"

namespace immucan::io::detail {

namespace {

constexpr const char* kCannotBeRead = "cannot be read (damaged or truncated texts)";
constexpr std::uint64_t kAlwaysAllowedBytes = std::uint64_t{1} << 26;
constexpr std::size_t kWidestText = std::size_t{1} << 20;

/// Reference → opaque of the same size: nothing to do.
herr_t keep_reference(hid_t, hid_t destination, H5T_cdata_t* data, std::size_t, std::size_t, std::size_t, void*, void*,
                      hid_t) {
  if (data->command != H5T_CONV_INIT) return 0;
  data->need_bkg = H5T_BKG_NO;
  return H5Tget_class(destination) == H5T_OPAQUE ? 0 : -1;
}

/// Reference → text: refused.
herr_t refuse_reference(hid_t, hid_t, H5T_cdata_t* data, std::size_t, std::size_t, std::size_t, void*, void*, hid_t) {
  if (data->command == H5T_CONV_INIT) data->need_bkg = H5T_BKG_NO;
  return data->command == H5T_CONV_CONV ? -1 : 0;
}

Hdf5Handle text_type() {
  Hdf5Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.get(), H5T_VARIABLE);
  return type;
}

/// A damaged type message can leave an attribute with fewer bytes than its type takes; libhdf5 reads on behind them.
bool has_bytes(TextHolder holder, hid_t object, std::size_t bytes) {
  return holder == TextHolder::kDataset || H5Aget_storage_size(object) >= bytes;
}

herr_t read_into(TextHolder holder, hid_t object, hid_t memory, void* out) {
  return holder == TextHolder::kDataset ? H5Dread(object, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, out)
                                        : H5Aread(object, memory, out);
}

/// Fixed strings end at the first NUL or, blank-padded, at the last non-blank.
std::vector<std::string> unpack_fixed(const std::string& packed, std::size_t width, bool blank_padded) {
  std::vector<std::string> values;
  values.reserve(packed.size() / width);
  for (std::size_t at = 0; at + width <= packed.size(); at += width) {
    std::string_view one = std::string_view(packed).substr(at, width);
    one = one.substr(0, one.find('\0'));
    while (blank_padded && one.ends_with(' ')) one.remove_suffix(1);
    values.emplace_back(one);
  }
  return values;
}

}  // namespace

RawReferences::RawReferences() {
  const Hdf5Handle text = text_type();
  const Hdf5Handle opaque(H5Tcreate(H5T_OPAQUE, 1), H5Tclose);
  H5Tregister(H5T_PERS_SOFT, "keep_reference", text.get(), opaque.get(), keep_reference);
  H5Tregister(H5T_PERS_SOFT, "refuse_reference", text.get(), text.get(), refuse_reference);
}

RawReferences::~RawReferences() {
  H5Tunregister(H5T_PERS_SOFT, "refuse_reference", -1, -1, refuse_reference);
  H5Tunregister(H5T_PERS_SOFT, "keep_reference", -1, -1, keep_reference);
}

std::expected<std::vector<std::string>, std::string> read_texts(TextHolder holder, std::int64_t object,
                                                                std::int64_t type, std::size_t elements,
                                                                HeapReader& heaps, std::optional<std::string> stored) {
  if (H5Tis_variable_str(type) <= 0) {
    const std::size_t width = H5Tget_size(type);
    if (width == 0 || width > kWidestText) return std::unexpected("holds texts of unusual width");
    if (stored) return unpack_fixed(*stored, width, H5Tget_strpad(type) == H5T_STR_SPACEPAD);
    if (!has_bytes(holder, object, elements * width)) return std::unexpected(kCannotBeRead);
    std::string packed(elements * width, '\0');
    if (elements != 0 && read_into(holder, object, type, packed.data()) < 0) return std::unexpected(kCannotBeRead);
    return unpack_fixed(packed, width, H5Tget_strpad(type) == H5T_STR_SPACEPAD);
  }
  std::vector<std::string> values;
  if (elements == 0) return values;
  const std::size_t size = heaps.reference_bytes();
  if (!has_bytes(holder, object, elements * size)) return std::unexpected(kCannotBeRead);
  std::string references = stored ? std::move(*stored) : std::string(elements * size, '\0');
  const Hdf5Handle opaque(H5Tcreate(H5T_OPAQUE, size), H5Tclose);
  if (!stored && read_into(holder, object, opaque.get(), references.data()) < 0) {
    return std::unexpected(kCannotBeRead);
  }
  values.reserve(elements);
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < elements; ++i) {
    auto text = heaps.text(std::string_view(references).substr(i * size, size));
    if (!text) return std::unexpected(std::move(text.error()));
    // Many references may name one long text: a bomb. Honest files write a text for each, deflated references or not.
    total += text->size();
    if (total > kAlwaysAllowedBytes && total > heaps.file_bytes()) {
      return std::unexpected("holds more text than the file has bytes");
    }
    values.push_back(std::move(*text));
  }
  return values;
}

}  // namespace immucan::io::detail
