#include "io/spectrum.h"

#include <cctype>

#include "core/error.h"
#include "core/ordered_batches.h"
#include "core/text.h"
#include "io/mgf.h"
#include "io/mzml.h"

namespace immucan::io {

void Spectrum::clear() {
  id.clear();
  scan = 0;
  place = 0;
  ms_level = 0;
  kind = Kind::kUnknown;
  retention_seconds = std::numeric_limits<double>::quiet_NaN();
  precursor.reset();
  mz.clear();
  intensity.clear();
}

bool append_chunk(ByteSource& source, std::string& bytes, bool& at_end) {
  if (at_end) return false;
  const std::size_t old = bytes.size();
  bytes.resize(old + kSpectrumChunk);
  const std::size_t count = source.read({bytes.data() + old, kSpectrumChunk});
  bytes.resize(old + count);
  at_end = count < kSpectrumChunk;
  return count != 0;
}

std::unique_ptr<SpectrumReader> open_spectra(std::unique_ptr<ByteSource> source) {
  constexpr std::size_t kPeek = 4096;
  std::string head(kPeek, '\0');
  head.resize(source->read({head.data(), head.size()}));
  std::string_view text = head;
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    core::raise({source->name(), core::Place::byte(0), "UTF-16 text", "Convert the file to UTF-8"});
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  if (text.empty()) {
    core::raise({source->name(), core::Place::byte(0), "empty file", "Give a run in mzML or MGF"});
  }
  if (text.front() == '<') return std::make_unique<MzmlReader>(std::move(source), std::move(head));
  return std::make_unique<MgfReader>(std::move(source), std::move(head));
}

std::unique_ptr<SpectrumReader> open_spectra(const std::filesystem::path& path, core::RunContext& context) {
  return open_spectra(open_source(path, context));
}

void for_each_spectrum(SpectrumReader& reader, const core::RunContext& context,
                       const std::function<void(Spectrum&)>& deliver) {
  struct Batch {
    SpectrumText text;
    std::vector<Spectrum> spectra;
  };
  core::ordered_batches<Batch>(
      {.threads = context.threads, .slots = 0, .interrupt = &context.interrupt, .background = {}},
      [&](Batch& batch) { return reader.next(batch.text); },
      [&](Batch& batch) { reader.decode(batch.text, batch.spectra); },
      [&](Batch& batch) {
        reader.check_ids(batch.spectra);
        for (Spectrum& spectrum : batch.spectra) deliver(spectrum);
      });
}

std::optional<std::uint64_t> scan_of_id(std::string_view id) {
  if (const auto whole = core::parse_unsigned(id)) return whole;
  const std::size_t at = id.rfind("scan=");
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view digits = id.substr(at + 5);
  std::size_t count = 0;
  while (count < digits.size() && digits[count] >= '0' && digits[count] <= '9') ++count;
  return core::parse_unsigned(digits.substr(0, count));
}

}  // namespace immucan::io
