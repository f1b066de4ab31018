#include "io/mzml_spectrum.h"

#include <expat.h>
#include <libdeflate.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "core/error.h"
#include "core/text.h"

namespace immucan::io {
namespace {

constexpr std::array<std::uint8_t, 256> base64_values() {
  std::array<std::uint8_t, 256> table{};
  table.fill(0xFF);
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    table[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return table;
}
constexpr auto kBase64 = base64_values();

struct Attribute {
  std::string_view key, value;
};

/// What one <binaryDataArray> says about itself.
struct ArrayHeader {
  enum class Meaning { kOther, kMz, kIntensity };
  enum class Type { kNone, kFloat32, kFloat64, kInt32, kInt64 };
  Meaning meaning = Meaning::kOther;
  Type type = Type::kNone;
  bool zlib = false;
  std::string unsupported;  ///< name of a compression we do not read
  std::uint64_t encoded_length = 0;
  std::uint64_t values = 0;

  [[nodiscard]] std::size_t width() const { return type == Type::kFloat32 || type == Type::kInt32 ? 4 : 8; }
};

template <class T>
T load(const char* bytes) {
  static_assert(std::endian::native == std::endian::little, "mzML arrays are little-endian");
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

struct DecompressorDeleter {
  void operator()(libdeflate_decompressor* handle) const { libdeflate_free_decompressor(handle); }
};

}  // namespace

bool decode_base64(std::string_view text, std::string& bytes) {
  bytes.resize(text.size() / 4 * 3 + 3);
  auto* out = reinterpret_cast<unsigned char*>(bytes.data());
  const auto* in = reinterpret_cast<const unsigned char*>(text.data());
  const auto* const end = in + text.size();
  // Whole quartets of the alphabet; anything else (padding, blanks) falls to the loop below.
  while (end - in >= 4) {
    const std::uint32_t a = kBase64[in[0]], b = kBase64[in[1]], c = kBase64[in[2]], d = kBase64[in[3]];
    if (((a | b | c | d) & 0x80U) != 0) break;
    const std::uint32_t bits = a << 18 | b << 12 | c << 6 | d;
    out[0] = static_cast<unsigned char>(bits >> 16);
    out[1] = static_cast<unsigned char>(bits >> 8);
    out[2] = static_cast<unsigned char>(bits);
    out += 3;
    in += 4;
  }
  std::uint32_t bits = 0;
  int symbols = 0, padding = 0;
  for (; in != end; ++in) {
    if (*in == ' ' || *in == '\n' || *in == '\r' || *in == '\t') continue;
    if (*in == '=') {
      ++padding;
      continue;
    }
    const std::uint8_t value = kBase64[*in];
    if (value == 0xFF || padding != 0) return false;
    bits = bits << 6 | value;
    if (++symbols == 4) {
      *out++ = static_cast<unsigned char>(bits >> 16);
      *out++ = static_cast<unsigned char>(bits >> 8);
      *out++ = static_cast<unsigned char>(bits);
      bits = 0;
      symbols = 0;
    }
  }
  if (symbols == 1 || padding > 2 || (symbols != 0 && symbols + padding != 4) || (symbols == 0 && padding != 0)) {
    return false;
  }
  if (symbols >= 2) *out++ = static_cast<unsigned char>(bits >> (symbols == 2 ? 4 : 10));
  if (symbols == 3) *out++ = static_cast<unsigned char>(bits >> 2);
  bytes.resize(static_cast<std::size_t>(reinterpret_cast<char*>(out) - bytes.data()));
  return true;
}

/// Receives elements from either tokenizer and fills the record.
struct MzmlSpectrumParser::Builder {
  Builder(const std::string& file_name, const MzmlReader::ParamGroups& param_groups)
      : file(file_name), groups(param_groups), decompressor(libdeflate_alloc_decompressor()) {
    if (!decompressor) throw std::bad_alloc();
  }

  const std::string& file;
  const MzmlReader::ParamGroups& groups;
  std::unique_ptr<libdeflate_decompressor, DecompressorDeleter> decompressor;
  Spectrum* out = nullptr;
  std::uint64_t offset = 0;
  std::uint64_t array_length = 0;
  std::size_t precursors = 0, scans = 0, ions = 0;
  bool in_precursor = false, in_ion = false, in_scan = false, in_array = false, in_binary = false;
  bool mz_seen = false, intensity_seen = false;
  ArrayHeader array;
  std::string binary_text;  ///< only when expat delivers it in parts
  std::string decoded, inflated;
  std::vector<Attribute> attributes;
  std::vector<std::string> unescaped;  ///< storage of attribute values that held entities

  void begin(Spectrum& spectrum, std::uint64_t at) {
    out = &spectrum;
    out->clear();
    out->place = offset = at;
    array_length = precursors = scans = ions = 0;
    in_precursor = in_ion = in_scan = in_array = in_binary = mz_seen = intensity_seen = false;
    binary_text.clear();
  }

  [[noreturn]] void fail(const std::string& what, std::string remedy = "Convert the run again") const {
    const std::string of = out->id.empty() ? "" : "spectrum '" + core::printable(out->id) + "': ";
    core::raise({file, core::Place::byte(offset), of + what, std::move(remedy)});
  }

  std::string_view value_of(std::string_view key) const {
    for (const Attribute& attribute : attributes) {
      if (attribute.key == key) return attribute.value;
    }
    return {};
  }

  double number(std::string_view value, std::string_view meaning) const {
    const auto parsed = core::parse_double(core::trim(value));
    if (!parsed || !std::isfinite(*parsed)) {
      fail(std::string(meaning) + " '" + core::printable(value) + "' is not a finite number");
    }
    return *parsed;
  }
  std::uint64_t whole(std::string_view value, std::string_view meaning) const {
    const auto parsed = core::parse_unsigned(core::trim(value));
    if (!parsed) fail(std::string(meaning) + " '" + core::printable(value) + "' is not a whole number");
    return *parsed;
  }

  void element_begin(std::string_view name) {
    if (name == "cvParam") {
      param(value_of("accession"), value_of("value"), value_of("unitAccession"), value_of("unitName"));
    } else if (name == "referenceableParamGroupRef") {
      const auto group = groups.find(value_of("ref"));
      if (group == groups.end()) {
        fail("unknown referenceableParamGroup '" + core::printable(value_of("ref")) + "'");
      }
      for (const CvParam& p : group->second) param(p.accession, p.value, p.unit_accession, p.unit_name);
    } else if (name == "spectrum") {
      out->id = value_of("id");
      if (out->id.empty()) fail("spectrum without id");
      array_length = whole(value_of("defaultArrayLength"), "defaultArrayLength");
    } else if (name == "precursor") {
      in_precursor = ++precursors == 1;
      if (in_precursor) out->precursor.emplace();
    } else if (name == "selectedIon") {
      in_ion = in_precursor && ++ions == 1;
    } else if (name == "scan") {
      in_scan = ++scans == 1;
    } else if (name == "binaryDataArray") {
      in_array = true;
      array = {};
      array.encoded_length = whole(value_of("encodedLength"), "encodedLength");
      const std::string_view own = value_of("arrayLength");
      array.values = own.empty() ? array_length : whole(own, "arrayLength");
    } else if (name == "binary") {
      in_binary = true;
      binary_text.clear();
    }
  }

  void element_end(std::string_view name) {
    if (name == "precursor") in_precursor = false;
    if (name == "selectedIon") in_ion = false;
    if (name == "scan") in_scan = false;
    if (name == "binaryDataArray") in_array = false;
    if (name == "binary") in_binary = false;
  }

  void param(std::string_view accession, std::string_view value, std::string_view unit, std::string_view unit_name) {
    if (!accession.starts_with("MS:")) return;
    const auto code = core::parse_unsigned(accession.substr(3));
    if (!code) return;
    if (in_array) {
      array_param(*code);
    } else if (in_precursor) {
      precursor_param(*code, value);
    } else if (in_scan && *code == 1000016) {
      const double time = number(value, "scan start time");
      const bool minutes = unit == "UO:0000031" || unit == "MS:1000038" || (unit.empty() && unit_name == "minute");
      const bool milliseconds = unit == "UO:0000028" || (unit.empty() && unit_name == "millisecond");
      out->retention_seconds = minutes ? time * 60 : milliseconds ? time / 1000 : time;
    } else if (*code == 1000511) {
      const auto level = whole(value, "ms level");
      if (level > 100) fail("ms level " + std::to_string(level) + " is out of range");
      out->ms_level = static_cast<int>(level);
    } else if (*code == 1000579 && out->ms_level == 0) {
      out->ms_level = 1;
    } else if (*code == 1000127) {
      out->kind = Spectrum::Kind::kCentroid;
    } else if (*code == 1000128) {
      out->kind = Spectrum::Kind::kProfile;
    }
  }

  void precursor_param(std::uint64_t code, std::string_view value) {
    Precursor& precursor = *out->precursor;
    if (in_ion && (code == 1000744 || code == 1000040)) {
      precursor.mz = number(value, "selected ion m/z");
    } else if (code == 1000827 && precursor.mz == 0) {
      precursor.mz = number(value, "isolation window target m/z");  // replaced by the selected ion where there is one
    } else if (code == 1000828) {
      precursor.isolation_lower = number(value, "isolation window lower offset");
    } else if (code == 1000829) {
      precursor.isolation_upper = number(value, "isolation window upper offset");
    } else if (in_ion && code == 1000042) {
      precursor.intensity = number(value, "peak intensity");
    } else if (in_ion && (code == 1000041 || code == 1000633)) {
      const auto charge = core::parse_int(core::trim(value));
      if (!charge || std::abs(*charge) > 100) fail("charge state '" + core::printable(value) + "' is not a charge");
      if (*charge != 0) precursor.charges.push_back(static_cast<int>(std::abs(*charge)));
    }
  }

  void array_param(std::uint64_t code) {
    switch (code) {
      case 1000514:
        array.meaning = ArrayHeader::Meaning::kMz;
        break;
      case 1000515:
        array.meaning = ArrayHeader::Meaning::kIntensity;
        break;
      case 1000521:
        array.type = ArrayHeader::Type::kFloat32;
        break;
      case 1000523:
        array.type = ArrayHeader::Type::kFloat64;
        break;
      case 1000519:
        array.type = ArrayHeader::Type::kInt32;
        break;
      case 1000522:
        array.type = ArrayHeader::Type::kInt64;
        break;
      case 1000574:
        array.zlib = true;
        break;
      case 1002312:
      case 1002746:
        array.unsupported = "MS-Numpress linear";
        break;
      case 1002313:
      case 1002747:
        array.unsupported = "MS-Numpress positive integer";
        break;
      case 1002314:
      case 1002748:
        array.unsupported = "MS-Numpress short logged float";
        break;
      case 1003780:
      case 1003781:
      case 1003782:
        array.unsupported = "zstd";
        break;
      default:
        break;
    }
  }

  /// The whole text of one <binary>.
  void binary(std::string_view text) {
    if (array.meaning == ArrayHeader::Meaning::kOther) return;
    const bool is_mz = array.meaning == ArrayHeader::Meaning::kMz;
    const std::string label = is_mz ? "m/z array" : "intensity array";
    bool& seen = is_mz ? mz_seen : intensity_seen;
    if (seen) fail("second " + label);
    seen = true;
    if (!array.unsupported.empty()) {
      fail(label + " compressed by " + array.unsupported, "Convert with zlib or without compression");
    }
    if (array.type == ArrayHeader::Type::kNone) fail(label + " without a number type");
    if (!decode_base64(text, decoded)) {
      fail(label + " is not base64 (" + std::to_string(text.size()) + " characters, encodedLength " +
           std::to_string(array.encoded_length) + ")");
    }
    const std::string& raw = array.zlib ? inflate(label) : decoded;
    if (raw.size() / array.width() != array.values || raw.size() % array.width() != 0) {
      fail(label + " holds " + std::to_string(raw.size()) + " bytes where " + std::to_string(array.values) +
           " values of " + std::to_string(array.width()) + " bytes are announced (encodedLength " +
           std::to_string(array.encoded_length) + ", found " + std::to_string(text.size()) + ")");
    }
    const auto count = static_cast<std::size_t>(array.values);
    if (is_mz) {
      convert(raw, count, out->mz, label);
    } else {
      convert(raw, count, out->intensity, label);
    }
  }

  const std::string& inflate(const std::string& label) {
    if (array.values == 0 && decoded.empty()) return decoded;
    // deflate expands at most 1032-fold: a larger announcement is a lie, refused before it is allocated.
    if (array.values > (decoded.size() * 1032 + 64) / array.width()) {
      fail(label + " announces " + std::to_string(array.values) + " values, more than its " +
           std::to_string(decoded.size()) + " compressed bytes can hold");
    }
    inflated.resize(static_cast<std::size_t>(array.values) * array.width() + 1);
    std::size_t size = 0;
    const auto result = libdeflate_zlib_decompress(decompressor.get(), decoded.data(), decoded.size(), inflated.data(),
                                                   inflated.size(), &size);
    if (result == LIBDEFLATE_INSUFFICIENT_SPACE) {
      fail(label + " inflates to more than the " + std::to_string(array.values) + " values announced");
    }
    if (result != LIBDEFLATE_SUCCESS) fail(label + " is not a zlib stream");
    inflated.resize(size);
    return inflated;
  }

  template <class T>
  void convert(const std::string& raw, std::size_t count, std::vector<T>& values, const std::string& label) {
    values.resize(count);
    const char* bytes = raw.data();
    switch (array.type) {
      case ArrayHeader::Type::kFloat32:
        for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<T>(load<float>(bytes + 4 * i));
        break;
      case ArrayHeader::Type::kInt32:
        for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<T>(load<std::int32_t>(bytes + 4 * i));
        break;
      case ArrayHeader::Type::kInt64:
        for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<T>(load<std::int64_t>(bytes + 8 * i));
        break;
      default:
        for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<T>(load<double>(bytes + 8 * i));
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (!std::isfinite(values[i]) || (std::is_same_v<T, double> && values[i] < 0)) {
        fail(label + " holds " + core::format_double(static_cast<double>(values[i])) + " at position " +
             std::to_string(i + 1));
      }
    }
  }

  void finish() {
    if (mz_seen != intensity_seen) fail(mz_seen ? "no intensity array" : "no m/z array");
    if (out->mz.size() != out->intensity.size()) {
      fail(std::to_string(out->mz.size()) + " m/z values and " + std::to_string(out->intensity.size()) +
           " intensities");
    }
    if (!mz_seen && array_length != 0) {
      fail("defaultArrayLength is " + std::to_string(array_length) + " but there are no arrays");
    }
    if (out->precursor && out->precursor->mz <= 0) out->precursor.reset();
  }
};

MzmlSpectrumParser::MzmlSpectrumParser(const std::string& file, const MzmlReader::ParamGroups& groups)
    : builder_(std::make_unique<Builder>(file, groups)) {}
MzmlSpectrumParser::~MzmlSpectrumParser() = default;

void MzmlSpectrumParser::parse(std::string_view element, std::uint64_t offset, bool strict, Spectrum& out) {
  builder_->begin(out, offset);
  if (strict || !tokenize(element)) {
    builder_->begin(out, offset);
    parse_strictly(element);
  }
  builder_->finish();
}

namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// The five entities of XML; false for any other.
bool unescape(std::string_view text, std::string& out) {
  out.clear();
  while (!text.empty()) {
    const std::size_t ampersand = std::min(text.find('&'), text.size());
    out += text.substr(0, ampersand);
    text.remove_prefix(ampersand);
    if (text.empty()) break;
    const std::size_t semicolon = text.find(';');
    if (semicolon == std::string_view::npos) return false;
    const std::string_view entity = text.substr(1, semicolon - 1);
    if (entity == "amp")
      out += '&';
    else if (entity == "lt")
      out += '<';
    else if (entity == "gt")
      out += '>';
    else if (entity == "quot")
      out += '"';
    else if (entity == "apos")
      out += '\'';
    else
      return false;
    text.remove_prefix(semicolon + 1);
  }
  return true;
}

}  // namespace

/// False at anything that is not plain elements with quoted attributes; expat then has the last word.
bool MzmlSpectrumParser::tokenize(std::string_view element) {
  Builder& builder = *builder_;
  std::size_t at = 0;
  int depth = 0;
  while (true) {
    at = element.find('<', at);
    if (at == std::string_view::npos) return depth == 0;
    ++at;
    if (at >= element.size()) return false;
    if (element[at] == '/') {
      const std::size_t close = element.find('>', at);
      if (close == std::string_view::npos || --depth < 0) return false;
      builder.element_end(element.substr(at + 1, close - at - 1));
      at = close + 1;
      continue;
    }
    std::size_t end = at;
    while (end < element.size() && !is_blank(element[end]) && element[end] != '>' && element[end] != '/') ++end;
    const std::string_view name = element.substr(at, end - at);
    if (name.empty() || name.front() == '!' || name.front() == '?') return false;
    builder.attributes.clear();
    builder.unescaped.clear();
    builder.unescaped.reserve(16);
    bool self_closing = false;
    at = end;
    while (true) {
      while (at < element.size() && is_blank(element[at])) ++at;
      if (at >= element.size()) return false;
      if (element[at] == '>') break;
      if (element[at] == '/') {
        self_closing = true;
        ++at;
        continue;
      }
      const std::size_t equals = element.find('=', at);
      if (equals == std::string_view::npos || equals + 1 >= element.size()) return false;
      const char quote = element[equals + 1];
      if (quote != '"' && quote != '\'') return false;
      const std::size_t close = element.find(quote, equals + 2);
      if (close == std::string_view::npos) return false;
      std::string_view value = element.substr(equals + 2, close - equals - 2);
      if (value.find('&') != std::string_view::npos) {
        if (builder.unescaped.size() == builder.unescaped.capacity()) return false;
        std::string& plain = builder.unescaped.emplace_back();
        if (!unescape(value, plain)) return false;
        value = plain;
      }
      builder.attributes.push_back({element.substr(at, equals - at), value});
      at = close + 1;
    }
    ++at;
    builder.element_begin(name);
    if (name == "binary" && builder.in_array) {
      // encodedLength says where the text ends; where it does not, the next tag does.
      std::size_t stop = self_closing ? at : at + builder.array.encoded_length;
      if (stop > element.size() || stop < at || (!self_closing && element.substr(stop, 2) != "</")) {
        stop = element.find('<', at);
        if (stop == std::string_view::npos) return false;
      }
      builder.binary(element.substr(at, stop - at));
      at = stop;
    }
    if (self_closing) {
      builder.element_end(name);
    } else {
      ++depth;
    }
  }
}

namespace {

/// What expat's callbacks need; exceptions cannot cross C frames, so they are carried.
template <class Builder>
struct StrictState {
  Builder* builder;
  XML_Parser parser;
  std::exception_ptr error;

  template <class Call>
  void guarded(Call&& call) {
    if (error) return;
    try {
      call();
    } catch (...) {
      error = std::current_exception();
      XML_StopParser(parser, XML_FALSE);
    }
  }
  static void begin(void* user, const XML_Char* name, const XML_Char** attributes) {
    auto& self = *static_cast<StrictState*>(user);
    self.guarded([&] {
      self.builder->attributes.clear();
      for (std::size_t i = 0; attributes[i] != nullptr; i += 2) {
        self.builder->attributes.push_back({attributes[i], attributes[i + 1]});
      }
      self.builder->element_begin(name);
    });
  }
  static void end(void* user, const XML_Char* name) {
    auto& self = *static_cast<StrictState*>(user);
    self.guarded([&] {
      if (std::string_view(name) == "binary" && self.builder->in_array) self.builder->binary(self.builder->binary_text);
      self.builder->element_end(name);
    });
  }
  static void text(void* user, const XML_Char* characters, int length) {
    auto& self = *static_cast<StrictState*>(user);
    self.guarded([&] {
      if (self.builder->in_binary) self.builder->binary_text.append(characters, static_cast<std::size_t>(length));
    });
  }
};

struct ParserDeleter {
  void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
};

}  // namespace

void MzmlSpectrumParser::parse_strictly(std::string_view element) {
  const std::unique_ptr<std::remove_pointer_t<XML_Parser>, ParserDeleter> parser(XML_ParserCreate("UTF-8"));
  if (!parser) throw std::bad_alloc();
  using State = StrictState<Builder>;
  State state{builder_.get(), parser.get(), nullptr};
  XML_SetUserData(parser.get(), &state);
  XML_SetElementHandler(parser.get(), &State::begin, &State::end);
  XML_SetCharacterDataHandler(parser.get(), &State::text);
  const auto outcome = XML_Parse(parser.get(), element.data(), static_cast<int>(element.size()), 1);
  if (state.error) std::rethrow_exception(state.error);
  if (outcome == XML_STATUS_ERROR) {
    builder_->offset += static_cast<std::uint64_t>(std::max<XML_Index>(0, XML_GetCurrentByteIndex(parser.get())));
    builder_->fail(std::string("not well-formed XML (") + XML_ErrorString(XML_GetErrorCode(parser.get())) + ")");
  }
}

}  // namespace immucan::io
