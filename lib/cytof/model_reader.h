#pragma once
// Reading the model files of this room with the checks that a foreign or damaged file needs.
#include <cstddef>
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/run_context.h"

namespace immucan::cytof {

/// Members of one JSON object; whatever is not as asked is an error of status 65 that names file and member.
class ModelReader {
 public:
  /// 65 unless the file is an object of this schema and version.
  ModelReader(const std::filesystem::path& path, std::string_view schema, int version, std::string_view command,
              core::RunContext& context);
  ~ModelReader();

  [[noreturn]] void fail(std::string what) const;
  [[nodiscard]] const nlohmann::json& root() const { return *json_; }
  [[nodiscard]] const nlohmann::json& member(const nlohmann::json& object, const char* name) const;
  [[nodiscard]] std::size_t whole(const nlohmann::json& object, const char* name, std::size_t least,
                                  std::size_t most) const;
  [[nodiscard]] std::size_t whole(const char* name, std::size_t least, std::size_t most) const;
  /// Above 0.
  [[nodiscard]] double positive(const char* name) const;
  /// Different names, at least so many.
  [[nodiscard]] std::vector<std::string> names(const char* name, std::size_t least) const;
  /// Finite, exactly so many.
  [[nodiscard]] std::vector<double> numbers(const nlohmann::json& list, std::size_t size, const char* what) const;
  [[nodiscard]] std::vector<double> numbers(const char* name, std::size_t size) const;
  [[nodiscard]] std::vector<std::size_t> whole_numbers(const nlohmann::json& object, const char* name, std::size_t size,
                                                       std::size_t most) const;
  [[nodiscard]] std::vector<std::size_t> whole_numbers(const char* name, std::size_t size, std::size_t most) const;

 private:
  std::unique_ptr<nlohmann::json> json_;
  std::string file_, command_;
};

/// Without control characters and broken UTF-8, which JSON cannot hold.
[[nodiscard]] std::vector<std::string> printable_names(const std::vector<std::string>& names);

}  // namespace immucan::cytof
