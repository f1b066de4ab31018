#include "io/mzml.h"

#include <expat.h>

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "core/text.h"
#include "io/mzml_spectrum.h"

namespace immucan::io {
namespace {

constexpr std::size_t kSpectrumLimit = std::size_t{1} << 30;
constexpr std::string_view kTruncated = "The file is truncated: convert or copy it again";

/// Collects parameter groups until <spectrumList>, where it stops the parser.
struct HeaderState {
  XML_Parser parser = nullptr;
  MzmlReader::ParamGroups groups;
  std::string open_group;
  bool in_group = false, root_seen = false, list_found = false, run_seen = false, mzml_ended = false;
  std::uint64_t body_offset = 0;
  std::string refused;  ///< another root element

  static void start(void* user, const XML_Char* name, const XML_Char** attributes) {
    auto& self = *static_cast<HeaderState*>(user);
    const std::string_view tag = name;
    if (!self.root_seen) {
      self.root_seen = true;
      if (tag != "mzML" && tag != "indexedmzML") {
        self.refused = tag;
        XML_StopParser(self.parser, XML_FALSE);
        return;
      }
    }
    std::string_view id;
    CvParam param;
    for (std::size_t i = 0; attributes[i] != nullptr; i += 2) {
      const std::string_view key = attributes[i];
      if (key == "id") id = attributes[i + 1];
      if (key == "accession") param.accession = attributes[i + 1];
      if (key == "value") param.value = attributes[i + 1];
      if (key == "unitAccession") param.unit_accession = attributes[i + 1];
      if (key == "unitName") param.unit_name = attributes[i + 1];
    }
    if (tag == "referenceableParamGroup") {
      self.open_group = id;
      self.in_group = true;
      self.groups[self.open_group];
    } else if (tag == "cvParam" && self.in_group) {
      self.groups[self.open_group].push_back(std::move(param));
    } else if (tag == "run") {
      self.run_seen = true;
    } else if (tag == "spectrumList") {
      self.list_found = true;
      self.body_offset = static_cast<std::uint64_t>(XML_GetCurrentByteIndex(self.parser)) +
                         static_cast<std::uint64_t>(XML_GetCurrentByteCount(self.parser));
      XML_StopParser(self.parser, XML_FALSE);
    }
  }
  static void end(void* user, const XML_Char* name) {
    auto& self = *static_cast<HeaderState*>(user);
    if (std::string_view(name) == "referenceableParamGroup") self.in_group = false;
    if (std::string_view(name) == "mzML") self.mzml_ended = true;
  }
};

struct ParserDeleter {
  void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
};
using ParserHandle = std::unique_ptr<std::remove_pointer_t<XML_Parser>, ParserDeleter>;

}  // namespace

MzmlReader::MzmlReader(std::unique_ptr<ByteSource> source, std::string head) : source_(std::move(source)) {
  read_header(std::move(head));
}

bool MzmlReader::fill(std::string& bytes) {
  return append_chunk(*source_, bytes, at_end_);
}

void MzmlReader::read_header(std::string head) {
  const ParserHandle parser(XML_ParserCreate(nullptr));
  HeaderState state;
  state.parser = parser.get();
  XML_SetUserData(parser.get(), &state);
  XML_SetElementHandler(parser.get(), &HeaderState::start, &HeaderState::end);
  std::string bytes = std::move(head);
  std::uint64_t offset = 0;
  while (true) {
    const bool last = bytes.empty();
    const auto outcome = XML_Parse(parser.get(), bytes.data(), static_cast<int>(bytes.size()), last ? 1 : 0);
    if (!state.refused.empty()) {
      core::raise({name(), core::Place::line(XML_GetCurrentLineNumber(parser.get())),
                   "root element <" + core::printable(state.refused) + "> is not mzML",
                   state.refused == "mzXML" || state.refused == "msRun"
                       ? "Convert the run to mzML, for example with msconvert"
                       : "Give a run in mzML or MGF"});
    }
    if (state.list_found) break;
    if (outcome == XML_STATUS_ERROR) {
      const auto code = XML_GetErrorCode(parser.get());
      const bool cut = last && (code == XML_ERROR_NO_ELEMENTS || code == XML_ERROR_UNCLOSED_TOKEN ||
                                code == XML_ERROR_UNCLOSED_CDATA_SECTION || code == XML_ERROR_PARTIAL_CHAR);
      core::raise(
          {name(),
           core::Place::line(XML_GetCurrentLineNumber(parser.get()), XML_GetCurrentColumnNumber(parser.get()) + 1),
           std::string(cut ? "the file ends inside its header" : "not well-formed XML") + " (" + XML_ErrorString(code) +
               ")",
           std::string(cut ? kTruncated : "Convert the run again")});
    }
    if (last) {  // well-formed, but without spectra
      list_ended_ = true;
      return;
    }
    offset += bytes.size();
    bytes.clear();
    fill(bytes);
  }
  groups_ = std::move(state.groups);
  carry_ = bytes.substr(static_cast<std::size_t>(state.body_offset - offset));
  carry_offset_ = state.body_offset;
}

void MzmlReader::finish_file(std::string_view rest) {
  std::string tail(rest);
  bool found = tail.find("</mzML>") != std::string::npos;
  while (true) {
    tail.erase(0, tail.size() > 16 ? tail.size() - 16 : 0);
    if (!fill(tail)) break;
    found = found || tail.find("</mzML>") != std::string::npos;
  }
  if (!found) {
    core::raise({name(), core::Place::byte(source_->position()), "no </mzML> at the end", std::string(kTruncated)});
  }
}

namespace {

/// Finds the ends of <spectrum> elements tag by tag; base64 text holds no '<', so it costs one memchr.
class BoundaryScanner {
 public:
  enum class Found { kSpectrum, kListEnd, kNeedMore };

  BoundaryScanner(std::string_view bytes, std::size_t begin) : bytes_(bytes), cursor_(begin) {}
  void rebind(std::string_view bytes) { bytes_ = bytes; }

  /// `what` is set when something is not mzML.
  Found next(SpectrumText::Piece& piece, std::string& what) {
    while (true) {
      const std::size_t at = bytes_.find('<', cursor_);
      if (at == std::string_view::npos) {
        if (!inside_) {
          if (bytes_.find_first_not_of(" \t\r\n", cursor_) != std::string_view::npos) what = "text between spectra";
          consumed_ = cursor_;
        }
        return Found::kNeedMore;
      }
      if (!inside_ && bytes_.substr(cursor_, at - cursor_).find_first_not_of(" \t\r\n") != std::string_view::npos) {
        what = "text between spectra";
        return Found::kNeedMore;
      }
      const std::string_view tag = bytes_.substr(at, 20);
      const std::size_t close = tag.starts_with("<!--")        ? bytes_.find("-->", at + 4)
                                : tag.starts_with("<![CDATA[") ? bytes_.find("]]>", at + 9)
                                : tag.starts_with("<?")        ? bytes_.find("?>", at + 2)
                                                               : at;
      if (close == std::string_view::npos || (tag.size() < 20 && bytes_.find('>', at) == std::string_view::npos)) {
        return Found::kNeedMore;
      }
      if (close != at || tag.starts_with("<!") || tag.starts_with("<?")) {
        irregular_ = true;
        cursor_ = close + 1;
      } else if (tag.starts_with("</spectrum>")) {
        if (!inside_) what = "</spectrum> without its beginning";
        piece = {begin_, at + 11, 0, irregular_};
        cursor_ = consumed_ = at + 11;
        inside_ = irregular_ = false;
        return Found::kSpectrum;
      } else if (tag.starts_with("</spectrumList>")) {
        if (inside_) what = "</spectrumList> inside a spectrum";
        cursor_ = consumed_ = at + 15;
        return Found::kListEnd;
      } else if (is_open(tag)) {
        if (inside_) what = "<spectrum> inside a spectrum";
        inside_ = true;
        irregular_ = false;
        begin_ = at;
        cursor_ = at + 9;
      } else {
        if (!inside_) what = "'" + core::printable(tag.substr(0, tag.find_first_of(" />", 2))) + "' between spectra";
        cursor_ = at + 1;
      }
      if (!what.empty()) {
        cursor_ = at;
        return Found::kNeedMore;
      }
    }
  }
  /// Everything before is dealt with.
  [[nodiscard]] std::size_t consumed() const { return inside_ ? begin_ : consumed_; }
  [[nodiscard]] std::size_t cursor() const { return cursor_; }
  [[nodiscard]] bool inside() const { return inside_; }

 private:
  static bool is_open(std::string_view tag) {
    return tag.starts_with("<spectrum") && tag.size() > 9 &&
           (tag[9] == ' ' || tag[9] == '\t' || tag[9] == '\n' || tag[9] == '\r' || tag[9] == '>' || tag[9] == '/');
  }
  std::string_view bytes_;
  std::size_t cursor_, begin_ = 0, consumed_ = 0;
  bool inside_ = false, irregular_ = false;
};

}  // namespace

bool MzmlReader::next(SpectrumText& text) {
  text.pieces.clear();
  text.first_index = index_;
  text.bytes.clear();
  if (list_ended_) {
    if (!at_end_) finish_file({});
    return false;
  }
  text.bytes.swap(carry_);
  text.offset = carry_offset_;
  BoundaryScanner scanner(text.bytes, 0);
  std::string what;
  while (true) {
    SpectrumText::Piece piece;
    const auto found = scanner.next(piece, what);
    if (!what.empty()) {
      core::raise({name(), core::Place::byte(text.offset + scanner.cursor()), what, "Convert the run again"});
    }
    if (found == BoundaryScanner::Found::kSpectrum) {
      text.pieces.push_back(piece);
      continue;
    }
    if (found == BoundaryScanner::Found::kListEnd) {
      list_ended_ = true;
      finish_file(std::string_view(text.bytes).substr(scanner.consumed()));
      break;
    }
    if (!text.pieces.empty() && text.bytes.size() >= kSpectrumChunk) break;
    if (text.bytes.size() - scanner.consumed() > kSpectrumLimit) {
      core::raise({name(), core::Place::byte(text.offset + scanner.consumed()), "a spectrum of more than 1 GB",
                   "The file is damaged: convert the run again"});
    }
    if (!fill(text.bytes)) {
      if (!text.pieces.empty()) break;
      core::raise({name(), core::Place::byte(text.offset + text.bytes.size()),
                   scanner.inside() ? "the file ends inside spectrum " + std::to_string(index_ + 1)
                                    : "the file ends inside <spectrumList>",
                   std::string(kTruncated)});
    }
    scanner.rebind(text.bytes);
  }
  if (!list_ended_) {
    carry_.assign(text.bytes, scanner.consumed());
    carry_offset_ = text.offset + scanner.consumed();
  }
  index_ += text.pieces.size();
  return !text.pieces.empty();
}

void MzmlReader::decode(const SpectrumText& text, std::vector<Spectrum>& spectra) const {
  spectra.resize(text.pieces.size());
  MzmlSpectrumParser parser(name(), groups_);
  for (std::size_t i = 0; i < text.pieces.size(); ++i) {
    const SpectrumText::Piece& piece = text.pieces[i];
    const std::string_view element(text.bytes.data() + piece.begin, piece.end - piece.begin);
    parser.parse(element, text.offset + piece.begin, piece.irregular, spectra[i]);
    const auto scan = scan_of_id(spectra[i].id);
    spectra[i].scan = scan ? *scan : text.first_index + i + 1;
  }
}

void MzmlReader::check_ids(const std::vector<Spectrum>& spectra) {
  for (const Spectrum& spectrum : spectra) {
    if (!ids_.insert(spectrum.id).second) {
      core::raise({name(), core::Place::byte(spectrum.place),
                   "second spectrum of id '" + core::printable(spectrum.id) + "'",
                   "Native ids are unique in mzML: convert the run again"});
    }
  }
}

}  // namespace immucan::io
