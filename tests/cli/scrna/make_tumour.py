#!/usr/bin/env python3
"""Cells of a tumour as a 10x folder into the current folder: cells/ (40 each of T cells, B cells, macrophages, malignant and
normal epithelium), genes.tsv (places of genes), pairs.tsv (one planted pair), airr.tsv, sets.gmt and expected.tsv (barcode,
type). The malignant cells have gained chromosome 1 and lost half of chromosome 2."""
import gzip
import os
import random

random.seed(23)
MARKERS = {"T": "CD3D CD3E CD3G CD2 TRAC CD6", "B": "MS4A1 CD19 CD79A CD79B CD22", "M": "CD68 CD163 CD14 CSF1R LYZ",
           "E": "EPCAM CDH1 KRT18 KRT19 KRT8"}
genes = [gene for names in MARKERS.values() for gene in names.split()] + ["LIG", "REC"] + [f"X{i:03}" for i in range(400)]
base = {gene: random.lognormvariate(0.5, 0.6) for gene in genes}
place = {gene: (f"chr{1 + i % 8}", 1000 * (i // 8 + 1)) for i, gene in enumerate(genes)}


def profile(kind, malignant=False):
    weights = []
    for gene in genes:
        weight = base[gene]
        for owner, names in MARKERS.items():
            if gene in names.split():
                weight = 12 if owner == kind else 0.05
        if gene == "LIG":
            weight = 12 if kind == "M" else 1
        if gene == "REC":
            weight = 12 if kind == "T" else 1
        if malignant and place[gene][0] == "chr1":
            weight *= 2
        if malignant and place[gene][0] == "chr2":
            weight *= 0.3
        weights.append(weight)
    return weights


kinds = [("T", "T cell", False), ("B", "B cell", False), ("M", "Mononuclear phagocyte", False), ("E", "Malignant cell", True), ("E", "Epithelial cell", False)]
os.makedirs("cells")
entries, barcodes, expected = [], [], []
airr = ["cell_id\tlocus\tv_call\tj_call\tjunction_aa\tproductive\tduplicate_count\n"]
for kind, name, malignant in kinds:
    weights = profile(kind, malignant)
    for number in range(40):
        barcode = "".join(random.choice("ACGT") for _ in range(16))
        barcodes.append(barcode)
        expected.append(f"{barcode}\t{name}\n")
        counts = {}
        for gene in random.choices(range(len(genes)), weights, k=random.randint(1500, 2500)):
            counts[gene] = counts.get(gene, 0) + 1
        entries += [(gene + 1, len(barcodes), count) for gene, count in sorted(counts.items())]
        if kind == "T":
            airr.append(f"{barcode}\tTRB\tTRBV2*01\tTRBJ1-1\tCASS{'A' if number < 10 else 'CDEFGHIKLMNPQRSTVWY'[number % 19] * (number // 19 + 1)}F\tT\t5\n")
with gzip.open("cells/matrix.mtx.gz", "wt") as out:
    out.write(f"%%MatrixMarket matrix coordinate integer general\n{len(genes)} {len(barcodes)} {len(entries)}\n")
    out.writelines(f"{row} {column} {value}\n" for row, column, value in entries)
with gzip.open("cells/barcodes.tsv.gz", "wt") as out:
    out.writelines(barcode + "\n" for barcode in barcodes)
with gzip.open("cells/features.tsv.gz", "wt") as out:
    out.writelines(f"ID{i:04}\t{gene}\tGene Expression\n" for i, gene in enumerate(genes))
with open("genes.tsv", "w") as out:
    out.write("gene\tchromosome\tstart\n" + "".join(f"{gene}\t{where}\t{start}\n" for gene, (where, start) in place.items()))
with open("pairs.tsv", "w") as out:
    out.write("ligand\treceptor\nLIG\tREC\nX001\tX002\nX003\tX004+X005\n")
with open("airr.tsv", "w") as out:
    out.writelines(airr)
with open("sets.gmt", "w") as out:
    out.write("T_MARKERS\tmarkers\tCD3D\tCD3E\n")
with open("expected.tsv", "w") as out:
    out.writelines(expected)
