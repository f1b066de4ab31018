#include "io/hdf5_driver.h"

#include <fcntl.h>
#include <hdf5.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <memory>

#include "core/error.h"

namespace immucan::io::detail {

/// The functions libhdf5 asks of a driver (H5FDpublic.h). It reads only.
struct Hdf5Bytes::Driver {
  /// The library knows the file by its first member.
  struct File {
    H5FD_t known{};
    const Hdf5Bytes* bytes = nullptr;
    haddr_t end = 0;  ///< of what the library has addressed
  };
  static_assert(offsetof(File, known) == 0);
  static File& of(H5FD_t* file) { return *reinterpret_cast<File*>(file); }
  static const File& of(const H5FD_t* file) { return *reinterpret_cast<const File*>(file); }

  static H5FD_t* open(const char* /*name*/, unsigned flags, hid_t access, haddr_t /*most*/) {
    const void* const info = H5Pget_driver_info(access);
    if (info == nullptr || (flags & H5F_ACC_RDWR) != 0) return nullptr;
    auto file = std::make_unique<File>();
    std::memcpy(&file->bytes, info, sizeof(file->bytes));
    return &file.release()->known;
  }
  static herr_t close(H5FD_t* file) {
    const std::unique_ptr<File> gone(&of(file));
    return 0;
  }
  static herr_t query(const H5FD_t* /*file*/, unsigned long* flags) {
    // No reading ahead of metadata: what is to be seen otherwise is known when an object is first looked at.
    if (flags != nullptr) *flags = H5FD_FEAT_DATA_SIEVE;
    return 0;
  }
  static haddr_t get_eoa(const H5FD_t* file, H5FD_mem_t /*type*/) { return of(file).end; }
  static herr_t set_eoa(H5FD_t* file, H5FD_mem_t /*type*/, haddr_t end) {
    of(file).end = end;
    return 0;
  }
  static haddr_t get_eof(const H5FD_t* file, H5FD_mem_t /*type*/) { return of(file).bytes->size(); }
  static herr_t read(H5FD_t* file, H5FD_mem_t /*type*/, hid_t /*transfer*/, haddr_t place, std::size_t size,
                     void* out) {
    of(file).bytes->read_for_library(place, size, static_cast<char*>(out));
    return 0;
  }
  static herr_t write(H5FD_t*, H5FD_mem_t, hid_t, haddr_t, std::size_t, const void*) { return -1; }

  static H5FD_class_t functions() {
    H5FD_class_t driver{};
#ifdef H5FD_CLASS_VERSION  // since 1.14
    driver.version = H5FD_CLASS_VERSION;
    driver.value = static_cast<H5FD_class_value_t>(600);  // of those left to users
#endif
    driver.name = "immucan";
    driver.maxaddr = HADDR_MAX;
    driver.fc_degree = H5F_CLOSE_STRONG;
    driver.fapl_size = sizeof(const Hdf5Bytes*);
    driver.open = open;
    driver.close = close;
    driver.query = query;
    driver.get_eoa = get_eoa;
    driver.set_eoa = set_eoa;
    driver.get_eof = get_eof;
    driver.read = read;
    driver.write = write;
    constexpr H5FD_mem_t kTypes[H5FD_MEM_NTYPES] = H5FD_FLMAP_DICHOTOMY;
    std::copy(std::begin(kTypes), std::end(kTypes), driver.fl_map);
    return driver;
  }
};

Hdf5Bytes::Hdf5Bytes(const std::filesystem::path& path, const std::string& name)
    : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  struct stat status{};
  if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0) core::raise_input_errno(name, "open", errno);
  size_ = static_cast<std::uint64_t>(std::max<off_t>(status.st_size, 0));
}

Hdf5Bytes::~Hdf5Bytes() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::size_t Hdf5Bytes::read(std::uint64_t place, std::size_t size, char* out) const {
  if (place >= size_) return 0;
  size = static_cast<std::size_t>(std::min<std::uint64_t>(size, size_ - place));
  if (descriptor_ < 0) {
    std::memcpy(out, image_.data() + place, size);
    return size;
  }
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::pread(descriptor_, out + done, size - done, static_cast<off_t>(place + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

void Hdf5Bytes::read(std::uint64_t place, std::size_t size, std::string& bytes) const {
  bytes.resize(place >= size_ ? 0 : static_cast<std::size_t>(std::min<std::uint64_t>(size, size_ - place)));
  bytes.resize(read(place, bytes.size(), bytes.data()));
}

void Hdf5Bytes::read_for_library(std::uint64_t place, std::size_t size, char* out) const {
  const std::size_t got = read(place, size, out);
  std::fill(out + got, out + size, '\0');  // as the library's own drivers do behind the end
  auto next = instead_.upper_bound(place);
  if (next != instead_.begin()) --next;
  for (; next != instead_.end() && next->first < place + size; ++next) {
    const std::uint64_t begin = std::max(place, next->first);
    const std::uint64_t end = std::min<std::uint64_t>(place + size, next->first + next->second.size());
    if (begin >= end) continue;
    std::memcpy(out + (begin - place), next->second.data() + (begin - next->first),
                static_cast<std::size_t>(end - begin));
  }
}

Hdf5Handle Hdf5Bytes::open_in_library() {
  const H5FD_class_t functions = Driver::functions();
  driver_ = {H5FDregister(&functions), H5FDunregister};
  const Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  const Hdf5Bytes* const self = this;
  H5Pset_driver(access.get(), driver_.get(), &self);
  H5Pset_fclose_degree(access.get(), H5F_CLOSE_STRONG);
  return {H5Fopen("container", H5F_ACC_RDONLY, access.get()), H5Fclose};
}

}  // namespace immucan::io::detail
