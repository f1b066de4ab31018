# Reads the outputs of `scrna-count count` in the folder given with Matrix, DropletUtils and Seurat.
folder <- commandArgs(trailingOnly = TRUE)[1]
quiet <- function(x) suppressWarnings(suppressPackageStartupMessages(suppressMessages(x)))
mtx <- Matrix::readMM(gzfile(file.path(folder, "raw", "matrix.mtx.gz")))
cat("readMM", dim(mtx), sum(mtx), "\n")
quiet(library(DropletUtils))
sce <- quiet(read10xCounts(file.path(folder, "raw")))
cat("read10xCounts", dim(sce), sum(SummarizedExperiment::assay(sce)), unique(SummarizedExperiment::rowData(sce)$Type), "\n")
molecules <- quiet(read10xMolInfo(file.path(folder, "molecule_info.h5"), extract.library.info = TRUE))
cat("read10xMolInfo", nrow(molecules$data), sum(molecules$data$reads), length(molecules$genes), length(molecules$library.info), "\n")
counted <- quiet(makeCountMatrix(molecules$genes[molecules$data$gene], molecules$data$cell, all.genes = molecules$genes))
cells <- sce$Barcode
cat("molecules make the matrix", all(counted[, cells] == as.matrix(mtx)), "\n")
if (requireNamespace("Seurat", quietly = TRUE)) {
  seurat <- quiet(Seurat::Read10X(file.path(folder, "raw")))
  sums <- if (is.list(seurat)) sapply(seurat, sum) else sum(seurat)
  cat("Seurat", sum(sums), "\n")
}
