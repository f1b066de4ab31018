#include "io/hdf5_messages.h"

#include <algorithm>
#include <array>

namespace immucan::io::detail {

namespace {

constexpr std::size_t kHighestRank = 32;
constexpr int kDeepestType = 16;
constexpr std::uint64_t kMostElements = std::uint64_t{1} << 48;
constexpr std::uint64_t kLargestChunk = 0xffffffff;
constexpr unsigned kPlainType = 3, kNewestType = 5;  // versions of descriptions of types

// Types of messages.
constexpr unsigned kSpace = 1, kLinkInfo = 2, kDatatype = 3, kOldFill = 4, kFill = 5, kLink = 6, kExternalFiles = 7,
                   kLayout = 8, kGroupInfo = 10, kFilters = 11, kAttribute = 12, kComment = 13, kOldTime = 14,
                   kContinuation = 16, kSymbolTable = 17, kTime = 18, kTreeSizes = 19, kDriver = 20,
                   kAttributeInfo = 21, kReferences = 22;

bool filters(Fields& fields) {
  const std::uint64_t version = fields.number(1), count = fields.number(1);
  if (version != 1 && version != 2) return false;
  if (version == 1) fields.skip(6);
  constexpr std::uint64_t kMostFilters = 32, kFirstNamed = 256;
  if (count > kMostFilters) return false;
  for (std::uint64_t i = 0; i < count && fields.good(); ++i) {
    const std::uint64_t id = fields.number(2);
    const std::uint64_t name = version == 2 && id < kFirstNamed ? 0 : fields.number(2);
    if (version == 1 && name % 8 != 0) return false;
    fields.skip(2);
    const std::uint64_t values = fields.number(2);
    const std::string_view text = fields.text(static_cast<std::size_t>(name));
    if (!text.empty() && text.find('\0') == std::string_view::npos) return false;
    fields.skip(static_cast<std::size_t>(4 * values));
    if (version == 1 && values % 2 != 0) fields.skip(4);
  }
  return fields.good();
}

bool link(Fields& fields, std::size_t address_bytes) {
  if (fields.number(1) != 1) return false;
  const std::uint64_t flags = fields.number(1);
  const std::uint64_t type = (flags & 8U) != 0 ? fields.number(1) : 0;
  if ((flags & 4U) != 0) fields.skip(8);
  if ((flags & 16U) != 0) fields.skip(1);
  const std::uint64_t length = fields.number(std::size_t{1} << (flags & 3U));
  if (length == 0 || length > fields.left()) return false;
  fields.skip(static_cast<std::size_t>(length));
  if (type == 0) {
    fields.skip(address_bytes);
  } else {
    const std::uint64_t value = fields.number(2);
    // The two names of a link into another file end by NUL.
    if (value == 0 || (type != 1 && value < 3)) return false;
    const std::string_view text = fields.text(static_cast<std::size_t>(value));
    if (type != 1 && (text.empty() || text.back() != '\0' || std::ranges::count(text.substr(1), '\0') < 2))
      return false;
  }
  return fields.good();
}

/// Whether the bits of a number lie within its bytes.
bool number_fits(std::uint64_t bit_offset, std::uint64_t precision, std::uint64_t size) {
  return precision != 0 && bit_offset + precision <= 8 * size;
}

}  // namespace

std::uint64_t Fields::number(std::size_t size) {
  const std::string_view bytes = text(size);
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

std::string_view Fields::text(std::size_t size) {
  if (size > left()) {
    good_ = false;
    at_ = bytes_.size();
    return {};
  }
  at_ += size;
  return bytes_.substr(at_ - size, size);
}

std::string_view Fields::name() {
  const std::size_t end = bytes_.find('\0', at_);
  if (end == std::string_view::npos) {
    good_ = false;
    at_ = bytes_.size();
    return {};
  }
  const std::string_view found = bytes_.substr(at_, end - at_);
  at_ = end + 1;
  return found;
}

void Fields::align(std::size_t begin) {
  skip((8 - (at_ - begin) % 8) % 8);
}

std::optional<Space> MessageChecker::space(Fields& fields) const {
  const std::uint64_t version = fields.number(1), rank = fields.number(1), flags = fields.number(1);
  if ((version != 1 && version != 2) || rank > kHighestRank) return std::nullopt;
  const std::uint64_t kind = fields.number(1);
  if (version == 1) fields.skip(4);
  Space found{.rank = static_cast<std::size_t>(rank)};
  if (version == 2) {
    if (kind > 2 || (kind != 1 && rank != 0)) return std::nullopt;
    if (kind == 2) found.elements = 0;
  }
  for (std::uint64_t i = 0; i < rank; ++i) {
    const std::uint64_t dimension = fields.number(length_bytes_);
    if (dimension != 0 && found.elements > kMostElements / dimension) return std::nullopt;
    found.elements *= dimension;
    found.now.push_back(dimension);
  }
  found.most = found.now;
  const std::uint64_t without_end = length_bytes_ == 8 ? ~std::uint64_t{0} : 0xffffffff;
  for (std::uint64_t& most : found.most) {
    if ((flags & 1U) == 0) break;
    most = fields.number(length_bytes_);
    if (most == without_end) most = ~std::uint64_t{0};
  }
  if (version == 1 && (flags & 2U) != 0) fields.skip(found.rank * length_bytes_);
  if (!fields.good()) return std::nullopt;
  return found;
}

std::uint64_t MessageChecker::compound(Fields& fields, unsigned version, std::uint64_t members, std::uint64_t size,
                                       int deepest) {
  std::size_t offset_bytes = 4;
  if (version >= 3) {
    offset_bytes = 1;
    while (offset_bytes < 4 && size >> (8 * offset_bytes) != 0) ++offset_bytes;
  }
  for (std::uint64_t i = 0; i < members && fields.good(); ++i) {
    const std::size_t begin = fields.at();
    fields.name();
    if (version < 3) fields.align(begin);
    const std::uint64_t offset = fields.number(offset_bytes);
    if (version == 1) fields.skip(28);
    const std::uint64_t member = datatype(fields, deepest - 1);
    if (member == 0 || offset > size || member > size - offset) return 0;
  }
  return fields.good() && members != 0 ? size : 0;
}

std::uint64_t MessageChecker::enumeration(Fields& fields, unsigned version, std::uint64_t members, std::uint64_t size,
                                          int deepest) {
  const std::uint64_t base = datatype(fields, deepest - 1);
  if (base != size) return 0;  // values are copied in the size of the whole
  for (std::uint64_t i = 0; i < members && fields.good(); ++i) {
    const std::size_t begin = fields.at();
    fields.name();
    if (version < 3) fields.align(begin);
  }
  fields.skip(static_cast<std::size_t>(members * base));
  return fields.good() ? size : 0;
}

std::uint64_t MessageChecker::datatype(Fields& fields, int deepest) {
  if (deepest == 0) return 0;
  const std::size_t begin = fields.at();
  const auto head = static_cast<unsigned>(fields.number(1));
  const unsigned version = head >> 4U, kind = head & 15U;
  const std::uint64_t bits = fields.number(3), size = fields.number(4);
  if (version < 1 || version > newest_type_ || size == 0 || !fields.good()) return 0;
  if (version > kPlainType) new_types_.push_back(begin);
  switch (kind) {
    case 0:    // whole number
    case 4: {  // bits
      const std::uint64_t offset = fields.number(2), precision = fields.number(2);
      if (size > 64 || !number_fits(offset, precision, size)) return 0;
      break;
    }
    case 1: {  // real
      const std::uint64_t offset = fields.number(2), precision = fields.number(2), exponent = fields.number(1),
                          exponent_bits = fields.number(1), mantissa = fields.number(1),
                          mantissa_bits = fields.number(1);
      fields.skip(4);
      const std::uint64_t sign = bits >> 8 & 0xffU;
      if (size > 64 || !number_fits(offset, precision, size) || sign >= precision || exponent_bits == 0 ||
          mantissa_bits == 0 || exponent + exponent_bits > precision || mantissa + mantissa_bits > precision) {
        return 0;
      }
      break;
    }
    case 2:  // time
      fields.skip(2);
      break;
    case 3:  // text
      break;
    case 7:  // reference
      if (version > kPlainType) return 0;
      break;
    case 5:  // opaque
      fields.skip(static_cast<std::size_t>(bits & 0xffU));
      break;
    case 6:
      return compound(fields, version, bits & 0xffffU, size, deepest);
    case 8:
      return enumeration(fields, version, bits & 0xffffU, size, deepest);
    case 9:  // of variable length
      if (size != 8 + address_bytes_ || datatype(fields, deepest - 1) == 0) return 0;
      break;
    case 10: {  // array
      const std::uint64_t rank = fields.number(1);
      if (rank == 0 || rank > kHighestRank) return 0;
      if (version < 3) fields.skip(3);
      std::uint64_t elements = 1;
      for (std::uint64_t i = 0; i < rank; ++i) {
        elements *= fields.number(4);
        if (elements == 0 || elements > kMostElements) return 0;
      }
      if (version < 3) fields.skip(static_cast<std::size_t>(4 * rank));
      const std::uint64_t base = datatype(fields, deepest - 1);
      if (base == 0 || size % base != 0 || size / base != elements) return 0;
      break;
    }
    default:
      return 0;
  }
  return fields.good() ? size : 0;
}

bool MessageChecker::fill(Fields& fields) {
  const std::uint64_t version = fields.number(1);
  bool has_value = false;
  if (version == 3) {
    has_value = (fields.number(1) & 0x20U) != 0;
  } else {
    if (version != 1 && version != 2) return false;
    fields.skip(2);
    has_value = fields.number(1) != 0 || version == 1;
  }
  if (has_value) {
    const std::uint64_t size = fields.number(4);
    constexpr std::uint64_t kNone = 0xffffffff;
    return fill_value(fields, size == kNone ? 0 : size);
  }
  return fields.good();
}

/// Messages of two kinds may say it; the library copies it in the size of an element.
bool MessageChecker::fill_value(Fields& fields, std::uint64_t size) {
  if (size != 0 && fill_size_ != 0 && size != fill_size_) return false;
  if (size != 0) fill_size_ = size;
  fields.skip(static_cast<std::size_t>(size));
  return fields.good();
}

bool MessageChecker::attribute(Fields& fields) {
  const auto version = static_cast<unsigned>(fields.number(1)), flags = static_cast<unsigned>(fields.number(1));
  if (version < 1 || version > 3) return false;
  const auto name_size = static_cast<std::size_t>(fields.number(2)),
             type_size = static_cast<std::size_t>(fields.number(2)),
             space_size = static_cast<std::size_t>(fields.number(2));
  if (version == 3) fields.skip(1);
  const std::size_t begin = fields.at();
  const auto part = [&](std::size_t size) {
    const std::string_view bytes = fields.text(size);
    if (version == 1) fields.align(begin);
    return bytes;
  };
  const std::string_view name = part(name_size);
  if (name.find('\0') == std::string_view::npos) return false;
  const std::string_view type = part(type_size), dimensions = part(space_size);
  if (!fields.good()) return false;
  lies_elsewhere_ = version > 1 && (flags & 3U) != 0;  // type or dimensions
  if (lies_elsewhere_) return false;
  Fields type_fields(type), space_fields(dimensions);
  const std::uint64_t size = datatype(type_fields, kDeepestType);
  const auto extent = space(space_fields);
  if (size == 0 || !extent) return false;
  return extent->elements == 0 || size <= fields.left() / extent->elements;
}

bool MessageChecker::old_layout(Fields& fields, unsigned version) {
  const std::uint64_t rank = fields.number(1), kind = fields.number(1);
  fields.skip(5);
  if (version < 1 || rank > kHighestRank + 1 || kind > 2) return false;
  const std::uint64_t address = kind != 0 ? fields.number(address_bytes_) : 0;
  if (kind == 2) return chunked(fields, address, rank);
  fields.skip(static_cast<std::size_t>(4 * rank));
  if (kind == 0) {
    stored_ = fields.number(4);
    fields.skip(static_cast<std::size_t>(*stored_));
  }
  return fields.good();
}

/// The dimensions, as the library multiplies them in 32 bits.
bool MessageChecker::chunked(Fields& fields, std::uint64_t address, std::uint64_t rank) {
  if (rank < 2 || rank > kHighestRank + 1) return false;
  ChunkIndex found{.root = address};
  std::uint64_t bytes = 1;
  for (std::uint64_t i = 0; i < rank; ++i) {
    const std::uint64_t dimension = fields.number(4);
    if (dimension == 0 || dimension > kLargestChunk / bytes) return false;
    bytes *= dimension;
    found.dimensions.push_back(dimension);
  }
  chunks_ = std::move(found);
  return fields.good();
}

bool MessageChecker::layout(Fields& fields) {
  const auto version = static_cast<unsigned>(fields.number(1));
  if (version < 3) return old_layout(fields, version);
  if (version != 3) return false;  // 4 comes with headers of version 2
  const std::uint64_t kind = fields.number(1);
  if (kind == 0) {
    stored_ = fields.number(2);
    fields.skip(static_cast<std::size_t>(*stored_));
  } else if (kind == 1) {
    fields.skip(address_bytes_);
    stored_ = fields.number(length_bytes_);
  } else if (kind == 2) {
    const std::uint64_t rank = fields.number(1);
    return chunked(fields, fields.number(address_bytes_), rank);
  } else {
    return false;
  }
  return fields.good();
}

/// nullopt where the library must say what it makes of a description that is not known here.
std::optional<std::vector<Replacement>> MessageChecker::replace_types(std::string_view message, std::size_t at,
                                                                      std::size_t size) {
  new_types_.clear();
  newest_type_ = kNewestType;
  Fields fields(message.substr(std::min(at, message.size()), size));
  const bool sound = datatype(fields, kDeepestType) != 0;
  newest_type_ = kPlainType;
  std::vector<Replacement> found;
  for (const std::size_t place : new_types_) {
    if (!sound) return std::nullopt;
    const auto kind = static_cast<unsigned char>(message[at + place]) & 15U;
    found.push_back({at + place, std::string(1, static_cast<char>(kPlainType << 4U | kind))});
  }
  return found;
}

std::optional<std::vector<Replacement>> MessageChecker::replace_layout(std::string_view message) {
  constexpr std::uint64_t kChunked = 2, kVirtual = 3, kKnown = 4, kNewest = 5;
  Fields fields(message);
  const std::uint64_t version = fields.number(1), kind = fields.number(1);
  std::vector<Replacement> found = {{0, std::string(1, static_cast<char>(kKnown))}};
  if (version < kKnown || version > kNewest || kind > kVirtual) return std::nullopt;
  if (kind == kVirtual) return found;  // never read
  if (kind != kChunked) {
    constexpr char kSame = 3;  // these two have not changed since
    std::string older(message);
    older[0] = kSame;
    if (!check(kLayout, 0, older)) return std::nullopt;
    return found;
  }
  constexpr std::uint64_t kPlainEdges = 1, kSingleFiltered = 2;
  const std::uint64_t flags = fields.number(1), rank = fields.number(1);
  const auto dimension_bytes = static_cast<std::size_t>(fields.number(1));
  if (rank < 2 || rank > kHighestRank + 1 || dimension_bytes == 0 || dimension_bytes > 8) return std::nullopt;
  ChunkIndex index{.plain_edges = (flags & kPlainEdges) != 0};
  std::uint64_t bytes = 1;
  for (std::uint64_t i = 0; i < rank; ++i) {
    const std::uint64_t dimension = fields.number(dimension_bytes);
    if (dimension == 0 || dimension > kLargestChunk / bytes) return std::nullopt;
    bytes *= dimension;
    index.dimensions.push_back(dimension);
  }
  constexpr std::array<std::size_t, 6> kParameters = {0, 0, 0,
                                                      1, 5, 6};  // of the kinds in turn; the indexes repeat them
  const std::uint64_t type = fields.number(1);
  if (type == 0 || type >= kParameters.size()) return std::nullopt;
  index.kind = static_cast<ChunkIndexKind>(type);
  if (index.kind == ChunkIndexKind::kSingle && (flags & kSingleFiltered) != 0) {
    index.stored = fields.number(length_bytes_);
    index.skipped = static_cast<std::uint32_t>(fields.number(4));
  }
  fields.skip(kParameters[static_cast<std::size_t>(type)]);
  const std::size_t place = fields.at();
  index.root = fields.number(address_bytes_);
  if (!fields.good()) return std::nullopt;
  chunks_ = std::move(index);
  found.push_back({place, std::string(address_bytes_, '\xff')});
  return found;
}

std::optional<std::vector<Replacement>> MessageChecker::check_new(unsigned type, unsigned flags,
                                                                  std::string_view message) {
  constexpr unsigned kElsewhere = 2;
  std::vector<Replacement> found;
  if (type == kExternalFiles) return found;  // refused with the data set, in better words
  if (type == kTreeSizes) {
    Fields fields(message);
    fields.skip(1);
    const std::uint64_t half = fields.number(2);
    if (fields.good()) chunk_entries_ = static_cast<unsigned>(2 * half);
    return found;
  }
  if (type == kLayout && !message.empty() && message[0] > 3) return replace_layout(message);
  if ((type == kDatatype || type == kAttribute) && (flags & kElsewhere) == 0) {
    std::size_t at = 0, size = message.size();
    if (type == kAttribute) {
      constexpr std::size_t kFixed = 9;
      Fields fields(message);
      fields.skip(2);
      at = kFixed + static_cast<std::size_t>(fields.number(2));
      size = static_cast<std::size_t>(fields.number(2));
      if (message.empty() || message[0] != 3) size = 0;  // such attributes are older than such types
    }
    auto replaced = size == 0 ? found : replace_types(message, at, size);
    if (!replaced) return found;
    found = std::move(*replaced);
  }
  std::string shown(message);
  for (const Replacement& one : found) shown.replace(one.at, one.bytes.size(), one.bytes);
  if (!check(type, flags, shown)) return std::nullopt;
  return found;
}

std::optional<ChunkIndex> MessageChecker::chunk_index() const {
  auto found = chunks_;
  if (!found) return found;
  found->filtered = filtered_;
  if (space_) {
    found->now = space_->now;
    found->most = space_->most;
  }
  return found;
}

bool MessageChecker::check(unsigned type, unsigned flags, std::string_view message) {
  Fields fields(message);
  constexpr unsigned kElsewhere = 2;
  // The library would follow the address. No container of ours keeps anything there.
  lies_elsewhere_ = (flags & kElsewhere) != 0;
  if (lies_elsewhere_) return false;
  switch (type) {
    case kSpace:
      space_ = space(fields);
      return space_.has_value();
    case kDatatype:
      element_size_ = datatype(fields, kDeepestType);
      return element_size_ != 0;
    case kOldFill:
      return fill_value(fields, fields.number(4));
    case kFill:
      return fill(fields);
    case kLink:
      return link(fields, address_bytes_);
    case kLayout:
      return layout(fields);
    case kFilters:
      filtered_ = message.size() > 1 && message[1] != 0;
      return filters(fields);
    case kAttribute:
      return attribute(fields);
    case kComment:
      fields.name();
      return fields.good();
    case kSymbolTable: {
      const std::uint64_t tree = fields.number(address_bytes_);
      old_group_ = {tree, fields.number(address_bytes_)};
      return fields.good();
    }
    case kContinuation: {
      const std::uint64_t address = fields.number(address_bytes_);
      continuation_ = {address, fields.number(length_bytes_)};
      return fields.good();
    }
    case kLinkInfo:
    case kAttributeInfo: {
      if (fields.number(1) != 0) return false;
      const std::uint64_t tracked = fields.number(1);
      if ((tracked & 1U) != 0) fields.skip(type == kLinkInfo ? 8 : 2);
      fields.skip(2 * address_bytes_);
      if ((tracked & 2U) != 0) fields.skip(address_bytes_);
      return fields.good();
    }
    case kGroupInfo: {
      if (fields.number(1) != 0) return false;
      const std::uint64_t stored = fields.number(1);
      if ((stored & 1U) != 0) fields.skip(4);
      if ((stored & 2U) != 0) fields.skip(4);
      return fields.good();
    }
    case kOldTime:
      fields.skip(16);
      return fields.good();
    case kTime:
      fields.skip(8);
      return fields.good();
    case kReferences:
      fields.skip(5);
      return fields.good();
    case kExternalFiles:
    case kTreeSizes:
    case kDriver:
      return false;  // values in other files; the rest has no place in an object's header
    default:
      return true;  // nothing the library decodes
  }
}

bool MessageChecker::fits_together() const {
  if (!space_ || element_size_ == 0) return true;
  if (fill_size_ != 0 && fill_size_ != element_size_) return false;
  if (chunks_) return chunks_->dimensions.size() == space_->rank + 1 && chunks_->dimensions.back() == element_size_;
  if (stored_) return space_->elements == 0 || element_size_ <= *stored_ / space_->elements;
  return true;
}

}  // namespace immucan::io::detail
