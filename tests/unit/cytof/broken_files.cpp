// The seeds of the fuzz targets: what is named broken_* is refused with one error of bad input, what is named good*
// read.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

#include "core/error.h"
#include "cytof/batch_model.h"
#include "cytof/cell_map.h"
#include "cytof/channel_choice.h"
#include "cytof/compensation.h"
#include "cytof/debarcoding.h"
#include "cytof/gate_tree.h"
#include "cytof/normalisation_model.h"

namespace {

using namespace immucan;

void check_seeds(const std::string& target, const std::function<void(std::unique_ptr<io::ByteSource>)>& read,
                 core::Status refusal = core::Status::kBadInput) {
  std::size_t broken = 0, good = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(IMMUCAN_SOURCE_DIR "/tests/fuzz/cytof/corpus/" + target)) {
    const std::string name = entry.path().filename().string();
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    CAPTURE(target, name);
    if (name.starts_with("good")) {
      ++good;
      CHECK_NOTHROW(read(io::open_memory(bytes, name)));
    } else if (name.starts_with("broken_")) {
      ++broken;
      try {
        read(io::open_memory(bytes, name));
        FAIL_CHECK("was read");
      } catch (const core::Error& error) {
        CHECK((error.status() == core::Status::kBadInput || error.status() == refusal));
        CHECK(std::string(error.what()).find('\n') == std::string::npos);
      }
    }
  }
  CHECK(good >= 1);
  CHECK(broken >= 10);
}

TEST_CASE("broken models, keys, matrices and lists are refused") {
  using Source = std::unique_ptr<io::ByteSource>;
  check_seeds("normalisation_model", [](Source s) { (void)cytof::read_normalisation_model(std::move(s)); });
  check_seeds("batch_model", [](Source s) { (void)cytof::read_batch_model(std::move(s)); });
  check_seeds("cell_map", [](Source s) { (void)cytof::read_cell_map(std::move(s)); });
  check_seeds("gate_tree", [](Source s) { (void)cytof::read_gates(std::move(s)); });
  check_seeds("spillover_matrix", [](Source s) { (void)cytof::read_spillover(std::move(s)); });
  check_seeds("barcode_key", [](Source s) { (void)cytof::read_barcode_key(std::move(s)); });
  check_seeds(
      "channel_choice",
      [](Source s) {
        const cytof::Panel panel({{.name = "Nd146Di", .marker = "146Nd_CD8"}, {.name = "CD4(Nd145)Di"}});
        (void)cytof::choose_channels(cytof::read_channel_list(std::move(s)), panel, "panel");
      },
      core::Status::kUsage);
}

}  // namespace
