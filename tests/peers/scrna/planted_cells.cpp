// planted_cells SEED FOLDER: what `cells` and `annotate` find of what is planted in tests/simulate/tumour_matrix.h, on
// one seed. A line per figure: set, figure, value. FOLDER holds matrices for the whole command and is not cleared.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>

#include "core/random.h"
#include "scrna/annotate.h"
#include "unit/scrna/tumour_truth.h"

using namespace immucan;
using namespace immucan::scrna_test;

namespace {

constexpr std::size_t kCells = 1200;  // of a tumour

void print(const std::string& set, const std::string& figure, double value) {
  fmt::print("{}\t{}\t{:.6g}\n", set, figure, value);
  std::fflush(stdout);
}

void print_calls(const std::string& set, const simulate::TumourMatrix& matrix) {
  for (const bool size_test : {true, false}) {
    const Called result = call(matrix, size_test);
    const std::string name = set + (size_test ? "" : ", --no-size-test");
    print(name, "recall", result.recall());
    print(name, "precision", result.precision());
    print(name, "missed", result.truth - result.right);
    print(name, "false", result.called - result.right);
  }
}

void cell_calling(std::uint64_t seed) {
  print_calls("400 of 6,400", simulate::simulate_tumour_matrix({.seed = seed,
                                                                .cells = 400,
                                                                .empty = 6000,
                                                                .further_genes = 1500,
                                                                .molecules = 4000,
                                                                .poor_share = 0.3,
                                                                .doublets = 0.05}));
  print_calls("1,500 of 16,500", simulate::simulate_tumour_matrix({.seed = seed,
                                                                   .cells = 1500,
                                                                   .empty = 15000,
                                                                   .further_genes = 1500,
                                                                   .molecules = 3000,
                                                                   .poor_share = 0.3,
                                                                   .doublets = 0.05}));
}

void print_malignant(const std::string& set, const Hits& hits) {
  if (hits.right + hits.missed > 0) print(set, "F1", hits.f1());
  print(set, "normal epithelium", hits.normal);
  print(set, "other cells called", hits.wrong);
}

/// The command on a file: its own cell types, malignant cells, interactions between them.
void whole_command(const std::string& set, const simulate::TumourMatrix& matrix, const std::filesystem::path& folder) {
  scrna::AnnotateOptions options{.input = folder / "matrix.h5"};
  io::write_tenx_h5(options.input, matrix.counts, "none", "none", 1);
  options.positions = folder / "positions.tsv";
  options.pairs = folder / "pairs.tsv";
  std::ofstream positions(*options.positions), pairs(*options.pairs);
  positions << "gene\tchromosome\tstart\n";
  for (const simulate::GenePlace& place : matrix.places)
    positions << fmt::format("{}\t{}\t{}\n", place.gene, place.chromosome, place.start);
  pairs << "ligand\treceptor\n";
  for (const simulate::PlantedPair& pair : matrix.pairs) pairs << pair.ligand << '\t' << pair.receptor << '\n';
  positions.close();
  pairs.close();
  Context context;
  const scrna::AnnotateResult result = scrna::annotate(options, context);
  print_malignant(set, compare(matrix, *result.malignancy));
  const auto name_of = [](const std::string& type) {
    return type == "malignant" ? std::string(scrna::kMalignantCell) : kMajor.at(type);
  };
  double named = 0, wrong = 0;
  for (std::size_t i = 0; i < matrix.type.size(); ++i) {
    named += result.label[0][i] != scrna::kUnassigned ? 1 : 0;
    wrong += result.label[0][i] != scrna::kUnassigned && result.label[0][i] != name_of(matrix.type[i]) ? 1 : 0;
  }
  print(set, "cells named", named / static_cast<double>(matrix.type.size()));
  print(set, "cells named wrongly", wrong / static_cast<double>(matrix.type.size()));
  PlantedNames planted;
  for (const auto& [ligand, sender, receiver] : planted_names(matrix))
    planted.emplace(ligand, name_of(sender), name_of(receiver));
  const Found found = compare(*result.interactions, result.pairs, result.labels[0], planted);
  print(set, "pairs planted", found.planted);
  print(set, "pairs found", found.found);
  print(set, "pairs false", found.wrong);
}

void malignant_cells(std::uint64_t seed, double molecules, const std::filesystem::path& folder) {
  simulate::TumourMatrixOptions options{.seed = seed, .cells = kCells, .molecules = molecules};
  const auto run = [&](const std::string& what, bool command) {
    const std::string set = fmt::format("{}, {} molecules", what, molecules);
    const auto matrix = simulate::simulate_tumour_matrix(options);
    print_malignant("malignant " + set, compare(matrix, malignant_of(matrix)));
    if (command) whole_command("annotate " + set, matrix, folder);
  };
  run("25 %", true);
  options.gain = 1.3;
  options.loss = 0.7;
  run("25 %, changes of 1.3 and 0.7", false);
  options = {.seed = seed, .cells = kCells, .molecules = molecules, .changed_chromosomes = 3};
  run("25 %, 3 chromosomes", false);
  options = {.seed = seed, .cells = kCells, .molecules = molecules, .malignant = 0.05};
  run("5 %", true);
  options.gain = 1.3;
  options.loss = 0.7;
  run("5 %, changes of 1.3 and 0.7", false);
  options = {.seed = seed, .cells = kCells, .molecules = molecules, .malignant = 0, .normal_epithelium = 0.3};
  run("none planted", false);
}

void interactions(std::uint64_t seed, double molecules) {
  const auto matrix = simulate::simulate_tumour_matrix({.seed = seed, .cells = kCells, .molecules = molecules});
  const std::string set = fmt::format("interactions, {} molecules", molecules);
  const Typed cells = typed(matrix);
  const auto pairs = pairs_of(matrix);
  const auto score = [&](const std::vector<std::optional<std::size_t>>& types) {
    return scrna::score_interactions(matrix.counts.counts, names_of(matrix), types, cells.names.size(), pairs, {},
                                     Context());
  };
  const auto result = score(cells.type);
  const Found found = compare(result, pairs, cells.names, planted_names(matrix));
  print(set, "planted", found.planted);
  print(set, "found", found.found);
  print(set, "false", found.wrong);
  Level one_side, none;
  for (const scrna::Interaction& row : result.tested) {
    const simulate::PlantedPair& pair = matrix.pairs[row.pair];
    if (!pair.sender.empty() && cells.names[row.sender] == pair.sender && cells.names[row.receiver] != pair.receiver)
      one_side.add(row);
  }
  auto shuffled = cells.type;
  core::Random random(seed, 3);
  random.shuffle(std::span(shuffled));
  for (const scrna::Interaction& row : score(shuffled).tested) none.add(row);
  print(set, "p <= 0.05, one side true", one_side.share());
  print(set, "p <= 0.05, shuffled labels", none.share());
  print(set, "called, shuffled labels", none.called);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "Usage: planted_cells SEED FOLDER\n");
    return 64;
  }
  try {
    const std::uint64_t seed = std::strtoull(argv[1], nullptr, 10);
    const std::filesystem::path folder = argv[2];
    cell_calling(seed);
    for (const double molecules : {600.0, 3000.0}) {
      malignant_cells(seed, molecules, folder);
      interactions(seed, molecules);
    }
  } catch (const std::exception& error) {
    fmt::print(stderr, "planted_cells: {}\n", error.what());
    return 1;
  }
  return 0;
}
