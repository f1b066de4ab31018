#!/usr/bin/env python3
"""Writes profiles/*.profile.tsv of 16 samples and 4 blanks with ten species and two reagent species, and controls.tsv."""
import os
import random

rng = random.Random(3)
os.makedirs("profiles")
rows = ["sample_id\tcontrol\tbatch\tconcentration\n"]
for number in range(20):
    blank = number >= 16
    concentration = 0 if blank else 10 ** rng.uniform(-1, 1.5)
    counts = {}
    for species in range(10):
        if not blank:
            counts[100 + species, f"Species {species}"] = concentration * rng.lognormvariate(0, 1)
    for reagent, name in ((900, "Reagent one"), (901, "Reagent two")):
        counts[reagent, name] = 0.2 * rng.lognormvariate(0, 0.3)
    total = sum(counts.values())
    sample = f"blank{number}" if blank else f"S{number}"
    with open(f"profiles/{sample}.profile.tsv", "w") as out:
        out.write("taxid\trank\tname\ttaxonomic_abundance\tsequence_abundance\treads\tcoverage\n")
        for (taxid, name), value in counts.items():
            share = value / total
            out.write(f"{taxid}\tspecies\t{name}\t{share:.6g}\t{share:.6g}\t{round(share * 5000)}\t{value:.6g}\n")
    rows.append(f"{sample}\t{'blank' if blank else 'sample'}\t1\t{'NA' if blank else f'{concentration:.4g}'}\n")
with open("controls.tsv", "w") as out:
    out.writelines(rows)
