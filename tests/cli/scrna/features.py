#!/usr/bin/env python3
"""A feature library for the cells of make.py, into the current folder: f_R1.fastq, f_R2.fastq (barcodes as the RNA's),
t_R1.fastq (barcodes as the beads' feature oligos carry them: bases 8 and 9 complemented) and full.txt, a list that holds
both. Planted molecules: CD3 7 and guide1 3 in the first cell, CD19 5 in the third, CD3 2 in the second, which has no RNA."""
import random

random.seed(12)
cells = [line.strip() for line in open("list.txt")]
tags = {"CD3": "AACAAGACCCTTGAG", "CD19": "TACCCGTAATAGCGT", "guide1": "GATTACAGATTACAGATTAC"}
planted = [("CD3", 0, 7), ("guide1", 0, 3), ("CD19", 2, 5), ("CD3", 1, 2)]


def bases(size):
    return "".join(random.choice("ACGT") for _ in range(size))


def translate(barcode):
    turn = str.maketrans("ACGT", "TGCA")
    return barcode[:7] + barcode[7:9].translate(turn) + barcode[9:]


def mutate(text):
    at = random.randrange(len(text))
    return text[:at] + random.choice([x for x in "ACGT" if x != text[at]]) + text[at + 1:]


umis, reads = set(), []
for tag, cell, molecules in planted:
    for k in range(molecules):
        while True:
            umi = bases(12)
            if all(sum(a != b for a, b in zip(umi, other)) > 2 for other in umis):
                break
        umis.add(umi)
        for copy in range(3):
            sequence = mutate(tags[tag]) if copy == 1 else tags[tag]
            if tag == "guide1":
                read = bases(5 + 3 * k) + "TTCCAGCTTAGCTCTTAAAC" + sequence + bases(10)
            else:
                read = bases(10) + sequence + bases(40)
            reads.append((cells[cell], umi, read))
for _ in range(6):  # nothing of the reference
    reads.append((cells[0], bases(12), bases(70)))
random.shuffle(reads)
for name, turn in (("f", str), ("t", translate)):
    with open(f"{name}_R1.fastq", "w") as one, open(f"{name}_R2.fastq", "w") as two:
        for i, (cell, umi, read) in enumerate(reads):
            first = turn(cell) + umi
            one.write(f"@f{i}\n{first}\n+\n{'I' * len(first)}\n")
            two.write(f"@f{i}\n{read}\n+\n{'I' * len(read)}\n")
with open("full.txt", "w") as out:
    out.write("\n".join(sorted(set(cells) | {translate(cell) for cell in cells})) + "\n")
with open("expected_features.mtx", "w") as out:
    out.write("%%MatrixMarket matrix coordinate integer general\n5 3 8\n")
    out.write("1 1 12\n2 1 3\n3 1 7\n5 1 3\n3 2 2\n1 3 1\n2 3 9\n4 3 5\n")
