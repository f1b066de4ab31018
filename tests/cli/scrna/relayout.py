#!/usr/bin/env python3
"""The reads of make.py (s_R1, s_R2, list.txt in the current folder) under other layouts, each in a folder of its name:
splitseq, splitseq2, bd, bd-enhanced (lists per part and as columns), 10x5p (reverse strand, many molecules), many
(10x v3, many reads), dropseq (no list)."""
import os
import random

random.seed(4)


def reads(name):
    lines = open(name).read().split("\n")
    return lines[1::4]


def reverse(bases):
    return bases[::-1].translate(str.maketrans("ACGT", "TGCA"))


def write(folder, pairs):
    os.makedirs(folder, exist_ok=True)
    for mate in (0, 1):
        with open(f"{folder}/s_R{mate + 1}.fastq", "w") as out:
            for i, pair in enumerate(pairs):
                out.write(f"@r{i}\n{pair[mate]}\n+\n{'I' * len(pair[mate])}\n")


pairs = [(one[:16], one[16:], two) for one, two in zip(reads("s_R1.fastq"), reads("s_R2.fastq"))]
cells = [line.strip() for line in open("list.txt")]
used = [cells[0], cells[2]]


def mutate(bases):
    at = random.randrange(len(bases))
    return bases[:at] + random.choice([x for x in "ACGT" if x != bases[at]]) + bases[at + 1:]


def parts_for(size):
    """Three lists of 4 sequences, far from each other; the two cells take the first and the last of each."""
    lists = []
    for _ in range(3):
        chosen = []
        while len(chosen) < 4:
            new = "".join(random.choice("ACGT") for _ in range(size))
            if all(sum(a != b for a, b in zip(new, old)) > 3 for old in chosen):
                chosen.append(new)
        lists.append(sorted(chosen))
    return lists


layouts = {
    "splitseq": (8, 10, lambda b, u: u + b[0] + "GTGGCCGATGTTTCGCATCGGCGTACGACT" + b[1] + "ATCCACGTGCTTGAGAGGCCAGAGCATTCG" + b[2]),
    "splitseq2": (8, 10, lambda b, u: u + b[0] + "GTGGCCGATGTTTCGCATCGGCGTACGACT" + b[1] + "ATCCACGTGCTTGAGACTGTGG" + b[2]),
    "bd": (9, 8, lambda b, u: b[0] + "ACTGGCCTGCGA" + b[1] + "GGTAGCGGTGACA" + b[2] + u + "TTTTTT"),
    "bd-enhanced": (9, 8, lambda b, u: random.choice(["", "A", "GT", "TCA"]) + b[0] + "GTGA" + b[1] + "GACA" + b[2] + u + "TTTTTT"),
}
umis = sorted({umi for _, umi, _ in pairs})


def short_umis(size):
    """As many different UMIs of another length, far from each other."""
    chosen = []
    while len(chosen) < len(umis):
        new = "".join(random.choice("ACGT") for _ in range(size))
        if all(sum(a != b for a, b in zip(new, old)) > 1 for old in chosen):
            chosen.append(new)
    return dict(zip(umis, chosen))


for name, (size, umi_size, layout) in layouts.items():
    lists = parts_for(size)
    short = short_umis(umi_size)
    cell_parts = {used[0]: [l[0] for l in lists], used[1]: [l[-1] for l in lists]}
    out = []
    for i, (cell, umi, rna) in enumerate(pairs):
        parts = list(cell_parts[cell])
        if i % 3 == 0:  # an error in one part, or in two
            parts[0] = mutate(parts[0])
        if i % 6 == 0:
            parts[2] = mutate(parts[2])
        barcode_read = layout(parts, short[umi])
        out.append((rna, barcode_read) if name.startswith("split") else (barcode_read, rna))
    write(name, out)
    for i, part in enumerate(lists):
        open(f"{name}/part{i + 1}.txt", "w").write("\n".join(part) + "\n")
    with open(f"{name}/columns.txt", "w") as columns:
        for row in zip(*lists):
            columns.write(" ".join(row) + "\n")
    open(f"{name}/barcodes.txt", "w").write("".join("".join(cell_parts[c]) + "\n" for c in used))

# Four copies of every read: the molecules stay, and there are enough reads to judge a strand by.
short = short_umis(10)
oligo = "TTTCTTATATGGG"
write("10x5p", [(cell + short[umi] + oligo, reverse(rna)) for cell, umi, rna in pairs for _ in range(4)])
write("many", [(cell + umi, rna) for cell, umi, rna in pairs for _ in range(4)])

short = short_umis(8)
tags = {used[0]: "AAACCCAAGAAA", used[1]: "GTTGTTGTCTTT"}
drop = [(tags[cell] + short[umi], rna) for cell, umi, rna in pairs for _ in range(4)]
background = [("".join(random.choice("ACGT") for _ in range(12)) + short[umi], rna) for _, umi, rna in pairs for _ in range(2)]
write("dropseq", drop + background)
