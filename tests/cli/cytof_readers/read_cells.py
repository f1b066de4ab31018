#!/usr/bin/env python3
"""read_cells.py FILE.h5ad [TABLE.tsv]: opened by anndata; with a table, the same channels and the same values."""
import sys

import anndata
import numpy

cells = anndata.read_h5ad(sys.argv[1])
values = cells.X.toarray() if hasattr(cells.X, "toarray") else numpy.asarray(cells.X)
assert cells.n_obs > 0 and cells.n_vars > 0, cells
if len(sys.argv) > 2:
    with open(sys.argv[2], encoding="utf-8") as table:
        names = table.readline().rstrip("\n").split("\t")
        rows = numpy.loadtxt(table, delimiter="\t", ndmin=2)
    assert list(cells.var_names) == names, (list(cells.var_names), names)
    assert values.shape == rows.shape and numpy.array_equal(values.astype("f4"), rows.astype("f4"))
print(f"{cells.n_obs} cells, {cells.n_vars} channels")
