#!/usr/bin/env python3
"""From the genomes of make_world.py: reads of 10 samples (Akkermansia and a phage, Bacteroides as a contaminant of constant
amount) and 3 blanks (Bacteroides alone), and samples.tsv with controls and concentrations."""
import random

rng = random.Random(11)
genomes = {}
for name in ("akk", "bac", "phage"):
    genomes[name] = "".join(line.strip() for line in open(f"genomes/{name}.fa") if not line.startswith(">"))
table = ["sample_id\tpatient_id\tvisit\tday\tspecimen\tmodality\tbatch\tcontrol\tconcentration\tfiles\n"]
for number in range(13):
    blank = number >= 10
    concentration = 10 ** (number / 6)
    share = 1 if blank else 0.3 / (0.3 + concentration)
    sample = f"B{number}" if blank else f"S{number}"
    with open(f"{sample}.fq", "w") as out:
        for read in range(120 if blank else 300):
            name = "bac" if rng.random() < share else ("phage" if rng.random() < 0.2 else "akk")
            start = rng.randrange(len(genomes[name]) - 150)
            out.write(f"@{sample}.{read}\n{genomes[name][start:start + 150]}\n+\n{'I' * 150}\n")
    table.append(f"{sample}\tP{number}\tnaive\t0\ttissue\tmicrobiome\t1\t{'blank' if blank else 'sample'}\t"
                 f"{'NA' if blank else f'{concentration:.4g}'}\tread1={sample}.fq\n")
with open("samples.tsv", "w") as out:
    out.writelines(table)
