#!/usr/bin/env python3
"""format_bounds.py COPY_CONTAINER FOLDER: one .h5ad for each format bound of this h5py, with arrays that make every index
of chunks, read and written again by us and compared value by value."""
import subprocess
import sys
import warnings

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp

warnings.simplefilter("ignore")
COPY, FOLDER = sys.argv[1:]
BOUNDS = ["earliest", "v108", "v110", "v112", "latest"]
failures = 0


def allocated_early():
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    return properties


def arrays():
    """Name → (values, options of create_dataset). The indexes of chunks are those of v110 and later."""
    random = np.random.default_rng(1)
    numbers = lambda *shape: random.integers(0, 1000, shape)
    gzip = dict(compression="gzip", compression_opts=1)
    found = {
        "contiguous": (numbers(50), {}),
        "single": (numbers(50), dict(chunks=(50,))),
        "single_gzip": (numbers(50), dict(chunks=(50,), shuffle=True, **gzip)),
        "implicit": (numbers(33), dict(chunks=(5,), dcpl=allocated_early())),
        "fixed_array": (numbers(5000), dict(chunks=(7,))),
        "fixed_array_gzip": (numbers(20000), dict(chunks=(5,), shuffle=True, **gzip)),  # several pages
        "fixed_array_grows": (numbers(30, 20), dict(chunks=(7, 3), maxshape=(100, 90), **gzip)),
        "extensible": (numbers(6000), dict(chunks=(3,), maxshape=(None,))),
        "extensible_gzip": (numbers(300000), dict(chunks=(4,), maxshape=(None,), **gzip)),  # super blocks, pages
        "extensible_second": (numbers(9, 40), dict(chunks=(2, 3), maxshape=(11, None), **gzip)),
        "tree": (numbers(40, 30), dict(chunks=(1, 2), maxshape=(None, None))),
        "tree_gzip": (numbers(100, 90), dict(chunks=(1, 1), maxshape=(None, None), **gzip)),  # several levels
        "checksums": (numbers(100, 11), dict(chunks=(9, 4), maxshape=(None, None), fletcher32=True, **gzip)),
        "filled": (np.where(np.arange(1000) < 900, 7, 0), dict(chunks=(10,), fillvalue=7, **gzip)),
        "halves": (np.linspace(0, 1, 1001).astype(np.float16), dict(chunks=(13,), maxshape=(None,), **gzip)),
        "big_endian": (numbers(777).astype(">i4"), dict(chunks=(10,), maxshape=(None,), shuffle=True, **gzip)),
        "flags": (random.random(500) > 0.5, dict(chunks=(11,), maxshape=(None,), **gzip)),
        "texts": (np.array([f"ü{i}" for i in range(700)], object), dict(chunks=(9,), maxshape=(None,), shuffle=True, **gzip)),
        "fixed_texts": (np.array([f"t{i}" for i in range(700)], "S5"), dict(chunks=(9,), maxshape=(None,), **gzip)),
    }
    return found


def make(path, bound):
    random = np.random.default_rng(2)
    counts = sp.random(300, 200, 0.1, "csr", np.float32, random)
    counts.data = np.ceil(counts.data * 9)
    obs = pd.DataFrame({f"column{i}": random.normal(size=300) for i in range(20)}, index=[f"c{i}" for i in range(300)])
    obs["class"] = pd.Categorical(random.choice(list("abc"), 300), ordered=True)
    data = ad.AnnData(counts, obs=obs, var=pd.DataFrame(index=[f"g{i}" for i in range(200)]))
    data.layers["dense"] = counts.toarray()
    with h5py.File(path, "w", libver=bound) as file:
        ad.io.write_elem(file, "/", data, dataset_kwargs={"compression": "gzip"})
        for name, (values, options) in arrays().items():
            kind = h5py.string_dtype() if values.dtype == object else None
            made = file["uns"].create_dataset(name, shape=values.shape, dtype=kind or values.dtype, **options)
            written = slice(900, None) if name == "filled" else slice(None)
            made[written] = values[written]
            texts = values.dtype.kind in "OS"
            made.attrs.update({"encoding-type": "string-array" if texts else "array", "encoding-version": "0.2.0"})


def check(good, what):
    global failures
    failures += not good
    if not good:
        print("FAILED", what)


def same(path, again, bound):
    a, b = ad.read_h5ad(path), ad.read_h5ad(again)
    check(a.obs.equals(b.obs) and a.var.equals(b.var), f"{bound} obs, var")
    check((a.X != b.X).nnz == 0 and np.array_equal(a.layers["dense"], b.layers["dense"]), f"{bound} X")
    for name, (values, _) in arrays().items():
        read = np.asarray(b.uns[name])
        values = np.char.decode(values) if values.dtype.kind == "S" else values
        check(read.shape == values.shape and np.array_equal(read.astype(str) if read.dtype == object else read, values),
              f"{bound} {name}")


for bound in BOUNDS:
    path = f"{FOLDER}/{bound}.h5ad"
    try:
        make(path, bound)
    except ValueError as error:
        print(f"not tried: {bound} ({error})")
        continue
    copied = subprocess.run([COPY, "h5ad", path, path + ".copy"], capture_output=True, text=True)
    check(copied.returncode == 0, f"{bound}: {copied.returncode} {copied.stderr}")
    if copied.returncode == 0:
        same(path, path + ".copy", bound)
print("format bounds", "not equal" if failures else "equal")
sys.exit(failures != 0)
