# Rscript read_flowcore.R FLOWCORE/R FILE...: reads FCS files with flowCore's own R sources (read.FCS of IO.R, its text
# parser in R) and prints per file: events, columns, keywords, and the sum of every column, tab-separated.
# Needs the R packages Biobase, BiocGenerics and matrixStats; flowCore itself need not be installed.
suppressPackageStartupMessages({
  library(methods); library(Biobase); library(BiocGenerics); library(matrixStats); library(stats4)
})
arguments <- commandArgs(TRUE)
# AllGenerics.R leaves these to packages that are not loaded here.
if (!isGeneric("filterReference")) {
  invisible(setGeneric("filterReference", function(from, name) standardGeneric("filterReference")))
}
for (file in c("utils.R", "AllGenerics.R", "AllClasses.R", "identifier-methods.R", "flowFrame-accessors.R", "IO.R")) {
  suppressMessages(try(source(file.path(arguments[1], file)), silent = TRUE))
}
if (!exists("read.FCS")) stop("IO.R could not be sourced")
# The matrix in $SPILLOVER is parsed by compiled code, which is not here: the keyword stays text.
.spillover_pattern <- character(0)
for (file in arguments[-1]) {
  frame <- read.FCS(file, transformation = FALSE, truncate_max_range = FALSE, emptyValue = FALSE, cpp = FALSE)
  values <- frame@exprs
  cat(basename(file), nrow(values), ncol(values), length(frame@description),
      formatC(colSums(values), digits = 17, format = "g"), sep = "\t")
  cat("\n")
}
