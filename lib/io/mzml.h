#pragma once
// mzML 1.1, indexed or not (the index is not needed and not trusted). The part before <spectrumList> goes through
// expat; spectra are cut by a hand tokenizer and decoded in the worker. What the tokenizer does not expect (comments,
// CDATA, entities of its own) is parsed again by expat, so well-formed input is never refused for its looks. Source of
// the layout: HUPO-PSI mzML 1.1.0 schema and the PSI-MS controlled vocabulary.
#include <map>

#include "io/spectrum.h"

namespace immucan::io {

/// A controlled-vocabulary parameter, as far as we use it.
struct CvParam {
  std::string accession, value, unit_accession, unit_name;
};

class MzmlReader final : public SpectrumReader {
 public:
  /// `head`: bytes already taken from the source. Parses up to <spectrumList>.
  MzmlReader(std::unique_ptr<ByteSource> source, std::string head);
  bool next(SpectrumText& text) override;
  void decode(const SpectrumText& text, std::vector<Spectrum>& spectra) const override;
  [[nodiscard]] const std::string& name() const override { return source_->name(); }
  void check_ids(const std::vector<Spectrum>& spectra) override;

  using ParamGroups = std::map<std::string, std::vector<CvParam>, std::less<>>;

 private:
  bool fill(std::string& bytes);
  void read_header(std::string head);
  void finish_file(std::string_view rest);

  std::unique_ptr<ByteSource> source_;
  ParamGroups groups_;
  std::string carry_;
  std::uint64_t carry_offset_ = 0;
  std::uint64_t index_ = 0;
  bool at_end_ = false, list_ended_ = false;
  std::unordered_set<std::string> ids_;
};

}  // namespace immucan::io
