#include "sequence/packed_sequence.h"

namespace immucan::sequence {

void PackedSequence::append_code(std::uint8_t code) {
  words_[size_ / kBasesPerWord] |= std::uint64_t{code} << (size_ % kBasesPerWord * 2);
  if (++size_ % kBasesPerWord == 0) words_.push_back(0);
}

void PackedSequence::append(std::string_view bases) {
  for (const char base : bases) {
    const std::uint8_t code = kBaseCodes[static_cast<unsigned char>(base)];
    append_code(code < 4 ? code : 0);
  }
}

void PackedSequence::append(const PackedSequence& other, std::uint64_t begin, std::uint64_t count) {
  for (std::uint64_t i = begin; i < begin + count; ++i) append_code(other.at(i));
}

}  // namespace immucan::sequence
