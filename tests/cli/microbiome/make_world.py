#!/usr/bin/env python3
"""Writes a small world into the working directory: genomes/, taxonomy/, genome_tax.tsv, host.fa, r_R1.fastq and r_R2.fastq."""
import os
import random

rng = random.Random(1)


def sequence(length):
    return "".join(rng.choice("ACGT") for _ in range(length))


def reverse_complement(text):
    return text[::-1].translate(str.maketrans("ACGT", "TGCA"))


genomes = {"akk": sequence(60000), "bac": sequence(80000), "phage": sequence(5000)}
host, unknown = sequence(50000), sequence(30000)
os.makedirs("genomes")
os.makedirs("taxonomy")
for name, text in genomes.items():
    with open(f"genomes/{name}.fa", "w") as out:
        out.write(f">{name}\n{text}\n")
with open("host.fa", "w") as out:
    out.write(f">chr1\n{host}\n")
taxa = [(1, 1, "no rank", "root"), (2, 1, "domain", "Bacteria"), (20, 2, "genus", "Akkermansia"),
        (200, 20, "species", "Akkermansia muciniphila"), (2000, 200, "strain", "akk"),
        (21, 2, "genus", "Bacteroides"), (201, 21, "species", "Bacteroides fragilis"), (202, 1, "species", "A phage"),
        (9606, 1, "species", "Homo sapiens")]
with open("taxonomy/nodes.dmp", "w") as nodes, open("taxonomy/names.dmp", "w") as names:
    for taxid, parent, rank, name in taxa:
        nodes.write(f"{taxid}\t|\t{parent}\t|\t{rank}\t|\n")
        names.write(f"{taxid}\t|\t{name}\t|\t\t|\tscientific name\t|\n")
with open("genome_tax.tsv", "w") as out:
    out.write("genome\tgenome_taxid\tspecies_id\tspecies\tfile\n")
    for name, taxid, species in (("akk", 2000, 200), ("bac", 201, 201), ("phage", 202, 202)):
        out.write(f"{name}\t{taxid}\t{species}\tx\tgenomes/{name}.fa\n")
with open("gtdb.tsv", "w") as out:
    for name, genus, species in (("akk", "Akkermansia", "Akkermansia muciniphila"),
                                 ("bac", "Bacteroides", "Bacteroides fragilis"), ("phage", "P", "A phage")):
        out.write(f"{name}\td__B;p__P;c__C;o__O;f__F;g__{genus};s__{species}\n")
number = 0
with open("r_R1.fastq", "w") as first, open("r_R2.fastq", "w") as second:
    for text, pairs in ((genomes["akk"], 300), (genomes["bac"], 100), (host, 60), (unknown, 40)):
        for _ in range(pairs):
            start = rng.randrange(len(text) - 300)
            insert = text[start:start + 300]
            if rng.random() < 0.5:
                insert = reverse_complement(insert)
            number += 1
            first.write(f"@r{number}/1\n{insert[:100]}\n+\n{'I' * 100}\n")
            second.write(f"@r{number}/2\n{reverse_complement(insert[-100:])}\n+\n{'I' * 100}\n")
