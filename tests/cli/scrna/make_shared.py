#!/usr/bin/env python3
"""Two genes with the same last 300 bases, and reads of molecules planted in what is A's, what is B's and what both have, into the
current folder: 30, 10 and 8 of one cell. EM shares the 8 out as 6 and 2. Also many_R1.fastq and many_R2.fastq: 40,000 molecules of one
cell, more than a small --memory holds of one."""
import random

random.seed(8)


def sequence(size):
    return "".join(random.choice("ACGT") for _ in range(size))


tail = sequence(300)
parts = {"A": sequence(600), "B": sequence(600)}
genome = sequence(1000) + parts["A"] + tail + sequence(2000) + parts["B"] + tail + sequence(1000)
with open("genome.fa", "w") as out:
    out.write(">chr1\n" + genome + "\n")
with open("genes.gtf", "w") as out:
    for gene in "AB":
        begin = genome.index(parts[gene])
        out.write(f'chr1\tx\texon\t{begin + 1}\t{begin + 900}\t.\t+\t.\tgene_id "{gene}"; transcript_id "{gene}.1";\n')
barcode = "AAACCCAAGAAACACT"
with open("list.txt", "w") as out:
    out.write(barcode + "\nGTTTGGGTCTTTGTCA\n")


def umi(number):
    """Far from one another: every digit is there three times."""
    return "".join("ACGT"[number >> shift & 3] for shift in (0, 2, 4, 6)) * 3


def fastq(name, rows):
    with open(f"{name}_R1.fastq", "w") as one, open(f"{name}_R2.fastq", "w") as two:
        for i, (code, bases) in enumerate(rows):
            one.write(f"@r{i}\n{barcode}{code}\n+\n{'I' * 28}\n")
            two.write(f"@r{i}\n{bases}\n+\n{'I' * len(bases)}\n")


planted = ["A"] * 30 + ["B"] * 10 + ["both"] * 8
# From 1: a UMI of one letter is dropped.
fastq("s", [(umi(i + 1 + (i + 1) // 85), (parts[where] if where != "both" else tail)[(at := random.randrange(200)):at + 90])
            for i, where in enumerate(planted) for _ in range(2)])
fastq("many", [("".join("ACGT"[(i * 7919 + 12345) >> shift & 3] for shift in range(0, 24, 2)), parts["A"][i % 500:i % 500 + 90])
               for i in range(40000)])
