#!/usr/bin/env python3
"""Reads the outputs of `scrna-count count` in the folder given with scanpy and anndata and prints what they hold."""
import sys
import warnings

warnings.simplefilter("ignore")
import anndata
import numpy as np
import scanpy

folder = sys.argv[1]
mtx = scanpy.read_10x_mtx(f"{folder}/raw", gex_only=False, var_names="gene_ids")
h5 = scanpy.read_10x_h5(f"{folder}/raw.h5", gex_only=False)
h5ad = anndata.read_h5ad(f"{folder}/counts.h5ad")
print("mtx", mtx.shape, int(mtx.X.sum()), sorted(set(mtx.var["feature_types"])))
print("h5", h5.shape, int(h5.X.sum()), (abs(h5.X - mtx.X)).nnz)
print("h5ad", h5ad.shape, sorted(h5ad.layers), int(h5ad.X.sum()))
genes = (h5ad.var["feature_types"] == "Gene Expression").values
layers = sum(h5ad.layers[name] for name in ("spliced", "unspliced", "ambiguous"))
print("layers sum up", abs((layers - h5ad.X)[:, genes]).nnz == 0)
same = mtx[h5ad.obs_names].X
print("called cells as in raw", abs(same - h5ad.X).nnz == 0, np.array_equal(h5ad.var_names, mtx.var_names))
