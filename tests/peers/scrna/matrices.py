"""Matrices of the tools as {(barcode, gene): value}, and comparisons of two."""
import gzip


def lines(path):
    with (gzip.open(path, "rt") if str(path).endswith(".gz") else open(path, encoding="utf-8")) as text:
        for line in text:
            yield line.rstrip("\n")


def read_matrix(matrix, barcodes, features):
    """Genes × barcodes MTX; explicit zeros are left out."""
    cells = [line.split("\t")[0].split("-")[0] for line in lines(barcodes)]
    genes = [line.split("\t")[0] for line in lines(features)]
    values, declared = {}, False
    for line in lines(matrix):
        if line.startswith("%"):
            continue
        gene, cell, value = line.split()
        if not declared:
            declared = True
            continue
        if float(value) != 0:
            values[cells[int(cell) - 1], genes[int(gene) - 1]] = float(value)
    return values


def folder(path, matrix=None):
    """A 10x folder, compressed or not."""
    try:
        open(f"{path}/barcodes.tsv.gz", "rb").close()
        return read_matrix(f"{path}/{matrix or 'matrix.mtx.gz'}", f"{path}/barcodes.tsv.gz", f"{path}/features.tsv.gz")
    except FileNotFoundError:
        return read_matrix(f"{path}/{matrix or 'matrix.mtx'}", f"{path}/barcodes.tsv", f"{path}/features.tsv")


def identical_share(ours, theirs, tolerance=0.0):
    """Share of the entries of either that are the same in both, and the entries that are not."""
    keys = ours.keys() | theirs.keys()
    different = {key: (ours.get(key, 0.0), theirs.get(key, 0.0)) for key in keys
                 if abs(ours.get(key, 0.0) - theirs.get(key, 0.0)) > tolerance * max(1.0, theirs.get(key, 0.0))}
    return (len(keys) - len(different)) / max(1, len(keys)), different
