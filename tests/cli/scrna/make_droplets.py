#!/usr/bin/env python3
"""Droplets of two kinds of cells with sample tags, as 10x folders into the current folder: raw/ (genes and tags, 60 cells and
600 empty droplets), tags.tsv, and expected.tsv, the barcodes of the cells with the tag of each."""
import gzip
import os
import random

random.seed(11)
GENES, TAGS, CELLS, EMPTY = 120, 3, 60, 600
features = [(f"ENSG{i:05}", f"G{i:03}", "Gene Expression") for i in range(GENES)]
features += [(f"HTO{i + 1}", f"Hashtag{i + 1}", "Antibody Capture") for i in range(TAGS)]
profiles = [[5 if g % 2 == kind else 1 for g in range(GENES)] for kind in (0, 1)]
soup = [3] * GENES
barcodes = set()
while len(barcodes) < CELLS + EMPTY:
    barcodes.add("".join(random.choice("ACGT") for _ in range(16)))
barcodes = sorted(barcodes)
cells = sorted(random.sample(range(CELLS + EMPTY), CELLS))
entries, expected = [], []
for column, barcode in enumerate(barcodes):
    counts = {}
    cell = column in set(cells)
    weights, total = (profiles[cells.index(column) % 2], random.randint(800, 1500)) if cell else (soup, random.randint(5, 30))
    for gene in random.choices(range(GENES), weights, k=total):
        counts[gene] = counts.get(gene, 0) + 1
    for tag in range(TAGS):
        counts[GENES + tag] = random.randint(0, 4)
    if cell:
        tag = cells.index(column) % TAGS
        counts[GENES + tag] += random.randint(80, 200)
        expected.append(f"{barcode}\tHashtag{tag + 1}\n")
    entries += [(row + 1, column + 1, value) for row, value in sorted(counts.items()) if value]
os.makedirs("raw")
with gzip.open("raw/matrix.mtx.gz", "wt") as out:
    out.write(f"%%MatrixMarket matrix coordinate integer general\n{len(features)} {len(barcodes)} {len(entries)}\n")
    out.writelines(f"{row} {column} {value}\n" for row, column, value in entries)
with gzip.open("raw/barcodes.tsv.gz", "wt") as out:
    out.writelines(barcode + "\n" for barcode in barcodes)
with gzip.open("raw/features.tsv.gz", "wt") as out:
    out.writelines("\t".join(feature) + "\n" for feature in features)
with open("tags.tsv", "w") as out:
    out.write("tag\tsample\n" + "".join(f"HTO{i + 1}\tP{i + 1}\n" for i in range(TAGS)))
with open("expected.tsv", "w") as out:
    out.writelines(expected)
