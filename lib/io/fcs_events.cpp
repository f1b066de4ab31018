// Decoding of events: the cursor of io/fcs.h.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>

#include "core/error.h"
#include "core/text.h"
#include "io/fcs.h"
#include "io/fcs_bytes.h"

namespace immucan::io {
namespace {

static_assert(std::endian::native == std::endian::little, "values are assembled for little-endian machines");

template <class T>
T load(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

std::uint64_t load_ascending(const char* at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes; i-- > 0;) value = value << 8 | static_cast<unsigned char>(at[i]);
  return value;
}

std::uint64_t load_descending(const char* at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | static_cast<unsigned char>(at[i]);
  return value;
}

std::uint64_t load_word(const char* at, std::size_t bytes, const FcsDataset& set) {
  if (set.mixed_endian) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i) {
      value |= std::uint64_t{static_cast<unsigned char>(at[i])} << (8 * set.byte_order[i]);
    }
    return value;
  }
  return set.big_endian ? load_descending(at, bytes) : load_ascending(at, bytes);
}

bool is_separator(char c) {
  return c == ' ' || c == ',' || c == '\t' || c == '\r' || c == '\n';
}

}  // namespace

FcsEvents::FcsEvents(FcsFile& file, const FcsDataset& dataset, std::vector<std::size_t> columns,
                     std::size_t block_values)
    : file_(&file), dataset_(&dataset), columns_(std::move(columns)), all_columns_(columns_.empty()) {
  if (all_columns_) {
    columns_.resize(dataset.parameters.size());
    std::iota(columns_.begin(), columns_.end(), std::size_t{0});
  }
  bool floats = !dataset.mixed_endian;
  for (const FcsParameter& parameter : dataset.parameters) {
    byte_offsets_.push_back(event_bytes_);
    event_bytes_ += parameter.bytes;
    floats = floats && parameter.type == FcsType::kFloat;
  }
  if (floats) fast_ = dataset.big_endian ? Fast::kFloatSwapped : Fast::kFloatNative;
  block_events_ = std::max<std::size_t>(1, block_values / dataset.parameters.size());
  text_position_ = dataset.data_begin;
}

void FcsEvents::fail(std::uint64_t offset, std::string what, std::string remedy) const {
  core::raise({file_->name(), core::Place::byte(offset), std::move(what), std::move(remedy)});
}

bool FcsEvents::next(FcsBlock& block) {
  if (!read(block)) return false;
  decode(block);
  return true;
}

bool FcsEvents::read(FcsBlock& block) {
  block.first_event = next_event_;
  block.columns = columns_.size();
  block.events = static_cast<std::size_t>(std::min<std::uint64_t>(block_events_, dataset_->events - next_event_));
  if (block.events == 0) return false;
  if (dataset_->parameters.front().bytes == 0) {
    block.raw_.clear();
    block.values.resize(block.events * columns_.size());
    return next_free_ascii(block);  // numbers of no fixed width are read one after the other: nothing is left to decode
  }
  block.raw_.resize(static_cast<std::size_t>(block.events * event_bytes_));
  file_->bytes_->read_at(dataset_->data_begin + next_event_ * event_bytes_, block.raw_);
  next_event_ += block.events;
  return true;
}

void FcsEvents::decode(FcsBlock& block) const {
  if (block.raw_.empty()) return;
  block.values.resize(block.events * columns_.size());
  const char* raw = block.raw_.data();
  double* out = block.values.data();
  if (fast_ != Fast::kNone && all_columns_) {
    const std::size_t count = block.values.size();
    if (fast_ == Fast::kFloatNative) {
      for (std::size_t i = 0; i < count; ++i) out[i] = load<float>(raw + 4 * i);
    } else {
      for (std::size_t i = 0; i < count; ++i) {
        out[i] = std::bit_cast<float>(__builtin_bswap32(load<std::uint32_t>(raw + 4 * i)));
      }
    }
    return;
  }
  for (std::size_t event = 0; event < block.events; ++event, raw += event_bytes_) {
    for (const std::size_t column : columns_) {
      const FcsParameter& parameter = dataset_->parameters[column];
      const char* at = raw + byte_offsets_[column];
      if (parameter.type == FcsType::kAscii) {
        const std::string_view text = core::trim({at, parameter.bytes});
        const auto value = core::parse_double(text);
        if (!value) {
          fail(dataset_->data_begin + static_cast<std::uint64_t>(at - block.raw_.data()) +
                   block.first_event * event_bytes_,
               fmt::format("'{}' is not a number", core::printable(text)), "Export the file again");
        }
        *out++ = *value;
        continue;
      }
      const std::uint64_t word = load_word(at, parameter.bytes, *dataset_);
      switch (parameter.type) {
        case FcsType::kFloat:
          *out++ = std::bit_cast<float>(static_cast<std::uint32_t>(word));
          break;
        case FcsType::kDouble:
          *out++ = std::bit_cast<double>(word);
          break;
        default:
          *out++ = static_cast<double>(word & parameter.mask);
          break;
      }
    }
  }
}

bool FcsEvents::next_free_ascii(FcsBlock& block) {
  constexpr std::uint64_t kChunk = std::uint64_t{1} << 16;
  const std::size_t width = dataset_->parameters.size();
  std::vector<double> row(width);
  std::size_t used = 0;
  const auto number = [&]() -> double {
    while (true) {
      while (used < carry_.size() && is_separator(carry_[used])) ++used;
      const auto end = std::find_if(carry_.begin() + static_cast<std::ptrdiff_t>(used), carry_.end(), is_separator);
      const bool at_end = text_position_ == dataset_->data_end;
      if (end != carry_.end() || (at_end && used < carry_.size())) {
        const std::string_view text(carry_.data() + used, static_cast<std::size_t>(end - carry_.begin()) - used);
        const auto value = core::parse_double(text);
        if (!value) {
          fail(text_position_ - (carry_.size() - used), fmt::format("'{}' is not a number", core::printable(text)),
               "Export the file again");
        }
        used += text.size();
        return *value;
      }
      if (at_end) fail(text_position_, "DATA ends before the last event", "Copy the file again, it is not complete");
      if (carry_.size() - used > kChunk) fail(text_position_, "a number of more than 65536 characters", "Export again");
      carry_.erase(0, used);
      used = 0;
      const std::size_t old = carry_.size();
      carry_.resize(old + static_cast<std::size_t>(std::min(kChunk, dataset_->data_end - text_position_)));
      file_->bytes_->read_at(text_position_, {carry_.data() + old, carry_.size() - old});
      text_position_ += carry_.size() - old;
    }
  };
  for (std::size_t event = 0; event < block.events; ++event) {
    for (double& value : row) value = number();
    for (std::size_t i = 0; i < columns_.size(); ++i) block.values[event * columns_.size() + i] = row[columns_[i]];
  }
  carry_.erase(0, used);
  next_event_ += block.events;
  return true;
}

}  // namespace immucan::io
