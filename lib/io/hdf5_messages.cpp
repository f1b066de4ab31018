#include "io/hdf5_messages.h"

#include <algorithm>

namespace immucan::io::detail {

namespace {

constexpr std::size_t kHighestRank = 32;
constexpr int kDeepestType = 16;
constexpr std::uint64_t kMostElements = std::uint64_t{1} << 48;
constexpr std::uint64_t kLargestChunk = 0xffffffff;

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
  }
  if ((flags & 1U) != 0) fields.skip(found.rank * length_bytes_);
  if (version == 1 && (flags & 2U) != 0) fields.skip(found.rank * length_bytes_);
  if (!fields.good()) return std::nullopt;
  return found;
}

std::uint64_t MessageChecker::compound(Fields& fields, unsigned version, std::uint64_t members, std::uint64_t size,
                                       int deepest) const {
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
                                          int deepest) const {
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

std::uint64_t MessageChecker::datatype(Fields& fields, int deepest) const {
  if (deepest == 0) return 0;
  const auto head = static_cast<unsigned>(fields.number(1));
  const unsigned version = head >> 4U, kind = head & 15U;
  const std::uint64_t bits = fields.number(3), size = fields.number(4);
  if (version < 1 || version > 3 || size == 0 || !fields.good()) return 0;
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
    case 7:  // reference
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

void MessageChecker::look_for_chunks(unsigned type, std::string_view message) {
  if (type == kLayout || type == kFilters || type == kContinuation) (void)check(type, 0, message);
}

std::optional<ChunkIndex> MessageChecker::chunk_index() const {
  auto found = chunks_;
  if (found) found->filtered = filtered_;
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
