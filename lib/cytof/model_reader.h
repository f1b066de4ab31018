#pragma once
// Reading the model files of this room with the checks that a foreign or damaged file needs.
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/byte_source.h"

namespace immucan::cytof {

/// A value within a model file, which must outlive it.
class ModelPart {
 public:
  /// The elements of a list; nullopt when it is none.
  [[nodiscard]] std::optional<std::vector<ModelPart>> items() const;

 private:
  friend class ModelReader;
  explicit ModelPart(const void* json) : json_(json) {}
  const void* json_;  ///< of the JSON library, which headers do not see
};

/// Members of one JSON object; whatever is not as asked is an error of status 65 that names file and member.
class ModelReader {
 public:
  /// 65 unless the file is an object of this schema and version.
  ModelReader(io::ByteSource& source, std::string_view schema, int version, std::string_view command);
  ~ModelReader();

  [[noreturn]] void fail(std::string what) const;
  [[nodiscard]] ModelPart root() const;
  [[nodiscard]] ModelPart member(ModelPart object, const char* name) const;
  [[nodiscard]] std::size_t whole(ModelPart object, const char* name, std::size_t least, std::size_t most) const;
  [[nodiscard]] std::size_t whole(const char* name, std::size_t least, std::size_t most) const;
  /// Above 0.
  [[nodiscard]] double positive(const char* name) const;
  /// Different names, at least so many.
  [[nodiscard]] std::vector<std::string> names(const char* name, std::size_t least) const;
  /// Finite, exactly so many.
  [[nodiscard]] std::vector<double> numbers(ModelPart list, std::size_t size, const char* what) const;
  [[nodiscard]] std::vector<double> numbers(const char* name, std::size_t size) const;
  /// Within float32, exactly so many.
  [[nodiscard]] std::vector<float> floats(ModelPart list, std::size_t size, const char* what) const;
  [[nodiscard]] std::vector<std::size_t> whole_numbers(ModelPart object, const char* name, std::size_t size,
                                                       std::size_t most) const;
  [[nodiscard]] std::vector<std::size_t> whole_numbers(const char* name, std::size_t size, std::size_t most) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::string file_, command_;
};

/// Without control characters and broken UTF-8, which JSON cannot hold.
[[nodiscard]] std::vector<std::string> printable_names(const std::vector<std::string>& names);

}  // namespace immucan::cytof
