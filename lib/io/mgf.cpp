#include "io/mgf.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "core/error.h"
#include "core/text.h"

namespace immucan::io {
namespace {

constexpr std::size_t kSpectrumLimit = std::size_t{1} << 28;

std::string_view without_return(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool is_comment(std::string_view line) {
  return line.empty() || line.front() == '#' || line.front() == ';' || line.front() == '!' || line.front() == '/';
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  return out;
}

/// Numbers separated by blanks or tabs at the front of `text`.
std::optional<double> take_number(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || !std::isfinite(value)) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (!text.empty() && text.front() != ' ' && text.front() != '\t') return std::nullopt;
  return value;
}

/// Decodes the lines of one spectrum.
class BlockParser {
 public:
  BlockParser(const std::string& file, std::uint64_t line, Spectrum& out) : file_(file), line_(line), out_(out) {}

  void line(std::string_view text) {
    text = without_return(text);
    if (is_comment(text)) return;
    const char first = text.front();
    if ((first >= '0' && first <= '9') || first == '.' || first == ' ' || first == '\t' || first == '-' ||
        first == '+') {
      peak(text);
    } else {
      parameter(text);
    }
  }
  void next_line() { ++line_; }

  [[noreturn]] void fail(std::string what, std::string remedy) const {
    core::raise({file_, core::Place::line(line_), std::move(what), std::move(remedy)});
  }

 private:
  void peak(std::string_view text) {
    std::string_view rest = core::trim(text);
    if (rest.empty()) return;
    const auto mz = take_number(rest);
    const auto intensity = mz ? take_number(rest) : std::nullopt;
    if (!mz || !intensity || *mz < 0 || !std::isfinite(static_cast<float>(*intensity))) {
      fail("not a peak: '" + core::printable(text) + "'", "A peak is 'm/z intensity' in finite numbers");
    }
    out_.mz.push_back(*mz);
    out_.intensity.push_back(static_cast<float>(*intensity));
  }

  void parameter(std::string_view text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) {
      fail("neither a peak nor KEY=value: '" + core::printable(text) + "'", "Correct or remove the line");
    }
    const std::string key = upper(core::trim(text.substr(0, equals)));
    const std::string_view value = core::trim(text.substr(equals + 1));
    if (key == "TITLE") {
      out_.id = value;
    } else if (key == "PEPMASS") {
      pepmass(value);
    } else if (key == "CHARGE") {
      const auto charges = parse_charges(value);
      if (!charges) fail("CHARGE '" + core::printable(value) + "' is not a charge", "Write it as 2+ or '2+ and 3+'");
      precursor().charges = *charges;
    } else if (key == "RTINSECONDS") {
      // A range "a-b" stands for merged scans: its beginning is the time.
      std::string_view begin = value.substr(0, value.find_first_of("-,", 1));
      const auto seconds = core::parse_double(core::trim(begin));
      if (!seconds || !std::isfinite(*seconds)) {
        fail("RTINSECONDS '" + core::printable(value) + "' is not a number", "Give seconds");
      }
      out_.retention_seconds = *seconds;
    } else if (key == "SCANS") {
      scans_ = core::parse_unsigned(value.substr(0, value.find_first_not_of("0123456789")));
    }
  }

  void pepmass(std::string_view value) {
    std::string_view rest = value;
    const auto mz = take_number(rest);
    if (!mz || *mz <= 0) {
      fail("PEPMASS '" + core::printable(value) + "' is not a positive m/z", "Write it as 'm/z [intensity [charge]]'");
    }
    precursor().mz = *mz;
    if (const auto intensity = take_number(rest)) precursor().intensity = *intensity;
  }

  Precursor& precursor() {
    if (!out_.precursor) out_.precursor.emplace();
    return *out_.precursor;
  }

  const std::string& file_;
  std::uint64_t line_;
  Spectrum& out_;

 public:
  std::optional<std::uint64_t> scans_;
};

}  // namespace

std::optional<std::vector<int>> parse_charges(std::string_view text) {
  std::vector<int> charges;
  int value = 0;
  bool digits = false;
  const auto flush = [&] {
    if (digits && std::find(charges.begin(), charges.end(), value) == charges.end()) charges.push_back(value);
    const bool ok = !digits || value > 0;
    value = 0;
    digits = false;
    return ok;
  };
  std::string plain = upper(text);
  for (std::size_t at = plain.find("AND"); at != std::string::npos; at = plain.find("AND")) plain.replace(at, 3, ",");
  for (const char c : plain) {
    if (c >= '0' && c <= '9') {
      value = value * 10 + (c - '0');
      digits = true;
      if (value > 100) return std::nullopt;
    } else if (c == '+' || c == '-' || c == ',' || c == ' ' || c == '\t') {
      if (!flush()) return std::nullopt;
    } else {
      return std::nullopt;
    }
  }
  if (!flush() || charges.empty()) return std::nullopt;
  return charges;
}

MgfReader::MgfReader(std::unique_ptr<ByteSource> source, std::string head)
    : source_(std::move(source)), carry_(std::move(head)) {
  if (carry_.starts_with("\xEF\xBB\xBF")) {
    carry_.erase(0, 3);
    carry_offset_ = 3;
  }
}

bool MgfReader::fill(std::string& bytes) {
  return append_chunk(*source_, bytes, at_end_);
}

void MgfReader::outside_line(std::string_view line, bool spectra_seen) {
  const auto fail = [&](std::string what, std::string remedy) {
    core::raise({name(), core::Place::line(line_), std::move(what), std::move(remedy)});
  };
  if (is_comment(line) || core::trim(line).empty()) return;
  const std::size_t equals = line.find('=');
  if (line.starts_with("END IONS")) fail("END IONS without BEGIN IONS", "Restore the beginning of the spectrum");
  if (equals == std::string_view::npos) {
    fail("'" + core::printable(line) + "' outside of BEGIN IONS … END IONS", "Give an MGF or mzML file");
  }
  if (upper(core::trim(line.substr(0, equals))) == "CHARGE") {
    if (spectra_seen) fail("CHARGE between spectra", "Defaults stand before the first spectrum, others inside theirs");
    const auto charges = parse_charges(core::trim(line.substr(equals + 1)));
    if (!charges) {
      fail("CHARGE '" + core::printable(line.substr(equals + 1)) + "' is not a charge", "Write it as '2+ and 3+'");
    }
    default_charges_ = *charges;
  }
}

bool MgfReader::next(SpectrumText& text) {
  text.bytes.clear();
  text.bytes.swap(carry_);
  text.offset = carry_offset_;
  text.pieces.clear();
  text.first_index = index_;
  std::size_t cursor = 0, done = 0;
  std::uint64_t piece_line = 0, done_line = line_;
  std::optional<std::size_t> begin;
  while (true) {
    const std::size_t newline = text.bytes.find('\n', cursor);
    if (newline == std::string::npos) {
      if (!text.pieces.empty() && text.bytes.size() >= kSpectrumChunk) break;
      if (text.bytes.size() - done > kSpectrumLimit) {
        core::raise({name(), core::Place::line(begin ? piece_line : line_), "a spectrum of more than 256 MB",
                     "The file is damaged: END IONS is missing"});
      }
      if (fill(text.bytes)) continue;
      if (cursor == text.bytes.size()) break;
    }
    const std::size_t end = std::min(newline, text.bytes.size());
    const std::string_view line = without_return({text.bytes.data() + cursor, end - cursor});
    const std::string_view word = core::trim(line);
    if (word == "BEGIN IONS") {
      if (begin) {
        core::raise({name(), core::Place::line(line_),
                     "BEGIN IONS inside the spectrum that begins in line " + std::to_string(piece_line),
                     "Restore the missing END IONS"});
      }
      begin = cursor;
      piece_line = line_;
    } else if (begin && word == "END IONS") {
      text.pieces.push_back({*begin, end, piece_line, false});
      begin.reset();
    } else if (!begin) {
      outside_line(line, index_ + text.pieces.size() > 0);
    }
    cursor = std::min(end + 1, text.bytes.size());
    ++line_;
    if (!begin) {
      done = cursor;
      done_line = line_;
    }
  }
  if (begin && at_end_ && text.pieces.empty()) {
    core::raise({name(), core::Place::line(piece_line), "the spectrum has no END IONS", "The file is truncated"});
  }
  carry_.assign(text.bytes, done);
  carry_offset_ = text.offset + done;
  line_ = done_line;
  index_ += text.pieces.size();
  text.default_charges = default_charges_;
  return !text.pieces.empty();
}

void MgfReader::decode(const SpectrumText& text, std::vector<Spectrum>& spectra) const {
  spectra.resize(text.pieces.size());
  for (std::size_t i = 0; i < text.pieces.size(); ++i) {
    const SpectrumText::Piece& piece = text.pieces[i];
    Spectrum& out = spectra[i];
    out.clear();
    out.place = piece.place;
    out.ms_level = 2;
    BlockParser parser(name(), piece.place, out);
    std::string_view rest(text.bytes.data() + piece.begin, piece.end - piece.begin);
    bool first = true;
    while (!rest.empty()) {
      const std::size_t newline = std::min(rest.find('\n'), rest.size());
      const std::string_view line = rest.substr(0, newline);
      rest.remove_prefix(std::min(newline + 1, rest.size()));
      if (!first && !rest.empty()) parser.line(line);  // the first and last lines are BEGIN IONS and END IONS
      if (!rest.empty()) parser.next_line();
      first = false;
    }
    if (!out.precursor || out.precursor->mz <= 0) {
      core::raise({name(), core::Place::line(piece.place), "spectrum without PEPMASS", "Add the precursor m/z"});
    }
    if (out.precursor->charges.empty()) out.precursor->charges = text.default_charges;
    const auto of_title = scan_of_id(out.id);
    out.scan = parser.scans_ ? *parser.scans_ : of_title ? *of_title : text.first_index + i + 1;
  }
}

}  // namespace immucan::io
