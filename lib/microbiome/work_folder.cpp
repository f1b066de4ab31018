#include "microbiome/work_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>

#include "core/error.h"
#include "core/output.h"
#include "io/indexed_file.h"

namespace immucan::microbiome {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kRunKind = "microbiome-run";
constexpr std::uint32_t kRunMajor = 1;

std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class FileRun : public KmerRun {
 public:
  FileRun(const fs::path& path, std::vector<std::uint32_t> numbers, core::RunContext& context)
      : name_(path.string()),
        file_(path, kRunKind, kRunMajor, remedy(path), {.map = true, .record = false}, context),
        ends_(file_.section<std::uint64_t>("ends")),
        kmers_(file_.bytes("kmers")),
        numbers_(std::move(numbers)) {
    std::uint64_t last = 0;
    for (const std::uint64_t end : ends_) {
      if (end < last) broken();
      last = end;
    }
    if (ends_.size() != kParts || last != kmers_.size()) broken();
  }
  void read(std::size_t part, std::vector<Occurrence>& occurrences) const override {
    const std::size_t first = occurrences.size();
    const std::uint64_t begin = part == 0 ? 0 : ends_[part - 1];
    if (!unpack(kmers_.substr(begin, ends_[part] - begin), part, occurrences)) broken();
    renumber(occurrences, first, numbers_);
    file_.release();
  }
  [[nodiscard]] std::span<const SketchedGenome> genomes() const { return file_.section<SketchedGenome>("genomes"); }
  [[nodiscard]] std::uint64_t packed_bytes() const { return kmers_.size(); }

 private:
  static std::string remedy(const fs::path& path) {
    return "Remove the folder " + path.parent_path().filename().string() + " and build again";
  }
  [[noreturn]] void broken() const {
    core::raise({name_, core::Place::none(), "the packed k-mers are broken", remedy(name_)});
  }
  std::string name_;
  io::IndexedFile file_;
  std::span<const std::uint64_t> ends_;
  std::string_view kmers_;
  std::vector<std::uint32_t> numbers_;
};

fs::path run_path(const fs::path& folder, std::size_t number) {
  return folder / fmt::format("run.{}", number);
}

void remove_files(const fs::path& folder) {
  std::error_code error;
  for (std::size_t run = 0; fs::remove(run_path(folder, run), error); ++run) continue;
  fs::remove(folder / "plan", error);
}

}  // namespace

WorkFolder::WorkFolder(fs::path folder, std::string plan, core::RunContext& context)
    : folder_(std::move(folder)), plan_(std::move(plan)), context_(context) {
  std::error_code error;
  if (!fs::exists(folder_, error)) return;
  if (!fs::exists(folder_ / "plan", error)) {
    if (fs::is_directory(folder_, error) && fs::is_empty(folder_, error)) return;
    throw core::Error(core::Status::kCannotCreate,
                      folder_.string() + ": this is not the folder of an interrupted build. Move it away.");
  }
  lock();
  if (text_of(folder_ / "plan") != plan_) {
    context_.log.warning(
        fmt::format("{}: the genomes or options differ from those of the build that was interrupted: it is begun again",
                    folder_.filename().string()));
    remove_files(folder_);
    ::close(std::exchange(lock_, -1));
    return;
  }
  for (; fs::exists(run_path(folder_, runs_), error); ++runs_) {
    const FileRun run(run_path(folder_, runs_), {}, context_);
    const auto genomes = run.genomes();
    finished_.insert(finished_.end(), genomes.begin(), genomes.end());
    packed_bytes_ += run.packed_bytes();
  }
  context_.log.info(fmt::format("{}: going on after {} genomes", folder_.filename().string(), finished_.size()));
}

WorkFolder::~WorkFolder() {
  if (lock_ >= 0) ::close(lock_);
}

void WorkFolder::lock() {
  const fs::path plan = folder_ / "plan";
  lock_ = ::open(plan.c_str(), O_RDONLY | O_CLOEXEC);
  if (lock_ < 0) core::raise_input_errno(plan.string(), "open", errno);
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0)
    throw core::Error(core::Status::kCannotCreate,
                      folder_.string() + ": another build is at work here. Wait for it, or choose another output.");
}

void WorkFolder::begin() {
  std::error_code error;
  fs::create_directory(folder_, error);
  if (error) core::raise_create_errno(folder_.string(), error.value());
  core::OutputFile file(folder_ / "plan");
  file.write(plan_);
  file.commit();
  lock();
}

void WorkFolder::add(const PackedParts& parts, std::span<const SketchedGenome> finished) {
  if (lock_ < 0) begin();
  core::OutputFile out(run_path(folder_, runs_));
  io::IndexedFileWriter file(out, std::string(kRunKind), kRunMajor, 0, context_.version);
  file.section("genomes", finished);
  std::vector<std::uint64_t> ends;
  file.begin_section("kmers");
  for (const std::string& part : parts) {
    file.write(part);
    ends.push_back((ends.empty() ? 0 : ends.back()) + part.size());
  }
  file.end_section();
  file.section("ends", std::span<const std::uint64_t>(ends));
  file.finish();
  out.commit();
  packed_bytes_ += ends.back();
  ++runs_;
}

std::vector<std::unique_ptr<KmerRun>> WorkFolder::runs(const std::vector<std::uint32_t>& numbers) const {
  std::vector<std::unique_ptr<KmerRun>> runs;
  for (std::size_t run = 0; run < runs_; ++run)
    runs.push_back(std::make_unique<FileRun>(run_path(folder_, run), numbers, context_));
  return runs;
}

void WorkFolder::remove(const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(folder / "plan", error)) return;
  remove_files(folder);
  fs::remove(folder, error);
}

}  // namespace immucan::microbiome
