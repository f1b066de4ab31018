#pragma once
// Inside the room: the bytes of an HDF5 file, for us as they are, for libhdf5 with what it must see otherwise. Includes
// no HDF5 header.
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "io/hdf5_handle.h"

namespace immucan::io::detail {

class Hdf5Bytes {
 public:
  /// 66 when it cannot be opened. `name`: as the user knows it.
  Hdf5Bytes(const std::filesystem::path& path, const std::string& name);
  /// A file image that outlives this.
  explicit Hdf5Bytes(std::string_view image) : image_(image), size_(image.size()) {}
  ~Hdf5Bytes();
  Hdf5Bytes(const Hdf5Bytes&) = delete;
  Hdf5Bytes& operator=(const Hdf5Bytes&) = delete;

  [[nodiscard]] std::uint64_t size() const { return size_; }
  /// Number of bytes read, fewer at the end of the file (or where it cannot be read).
  std::size_t read(std::uint64_t place, std::size_t size, char* out) const;
  void read(std::uint64_t place, std::size_t size, std::string& bytes) const;
  /// Zeros behind the end.
  void read_for_library(std::uint64_t place, std::size_t size, char* out) const;
  /// The library sees these bytes instead, once it reads.
  void show_instead(std::uint64_t place, const std::string& bytes) { instead_[place] = bytes; }

  /// Opened by libhdf5 for reading, through this object, which must outlive the handle.
  [[nodiscard]] Hdf5Handle open_in_library();

 private:
  struct Driver;
  int descriptor_ = -1;
  std::string_view image_;
  std::uint64_t size_ = 0;
  std::map<std::uint64_t, std::string> instead_;  ///< by place; none overlap
  Hdf5Handle driver_;
};

}  // namespace immucan::io::detail
