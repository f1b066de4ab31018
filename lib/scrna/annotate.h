#pragma once
// The `annotate` command: cell types, malignant cells, interactions and clonotypes of the called cells of one sample.
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/output.h"
#include "core/run_context.h"
#include "io/gmt.h"
#include "io/tenx.h"
#include "scrna/cell_annotation.h"
#include "scrna/clonotypes.h"
#include "scrna/ligand_receptor.h"
#include "scrna/malignancy.h"

namespace immucan::scrna {

struct AnnotateOptions {
  std::filesystem::path input, output;
  std::string sample, specimen = "tissue", layer;
  std::optional<std::filesystem::path> markers, pairs, index, gtf, positions, airr, signatures;
  double alpha = 0.01;
  std::int64_t neighbours = 0;
  std::vector<std::string>
      malignant_types;  ///< major types that may be malignant; empty: epithelial ones and unassigned
  bool interactions = true;
  std::int64_t permutations = 2000;
  double least_fold = 1.5;
  std::string pseudobulk = "major";  ///< level whose types get a pseudobulk: none, major, immune or minor
  std::int64_t least_cells = 10;     ///< of a pseudobulk and of an interaction
};

struct AnnotateResult {
  std::string sample;
  io::TenxMatrix matrix;  ///< genes only
  CellTypes types;
  CellAnnotation annotation;
  std::optional<MalignancyResult> malignancy;
  /// Names per level and cell, malignant cells named so; `labels` are the names that may occur at a level, in the order
  /// of the table, then "Malignant cell" and "unassigned".
  std::array<std::vector<std::string>, 3> label;
  std::array<std::vector<std::string>, 3> labels;
  std::vector<LigandReceptor> pairs;
  std::optional<InteractionResult> interactions;  ///< between major types (malignant cells apart)
  std::optional<Clonotypes> clonotypes;
  io::GeneSets signatures;
};

/// 64 on options that contradict each other; 65 on a matrix without genes or cells, or without any gene of the markers.
[[nodiscard]] AnnotateResult annotate(const AnnotateOptions& options, core::RunContext& context);
void write_annotation(core::OutputSet& outputs, const AnnotateOptions& options, const AnnotateResult& result,
                      const core::RunContext& context);

/// Cell Ontology id of a name; empty when the table gives none.
[[nodiscard]] std::string cell_ontology_id(const CellTypes& types, const std::string& name);

}  // namespace immucan::scrna
