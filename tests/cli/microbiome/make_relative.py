#!/usr/bin/env python3
"""Beside make_world.py: pairs of a relative of Akkermansia, about 93 % identical to it (n_R1.fastq, n_R2.fastq), and long reads of
Akkermansia itself with 4.5 % errors (long.fastq)."""
import random

rng = random.Random(7)


def reverse_complement(text):
    return text[::-1].translate(str.maketrans("ACGT", "TGCA"))


def redrawn(text, share):
    """Each base drawn anew with that probability, so that a quarter of these stay what they were."""
    return "".join(rng.choice("ACGT") if rng.random() < share else base for base in text)


def write(out, name, text):
    out.write(f"@{name}\n{text}\n+\n{'I' * len(text)}\n")


with open("genomes/akk.fa") as lines:
    genome = "".join(line.strip() for line in lines if line[0] != ">")
relative = redrawn(genome, 0.09)
with open("n_R1.fastq", "w") as first, open("n_R2.fastq", "w") as second:
    for number in range(2000):
        start = rng.randrange(len(relative) - 300)
        insert = relative[start:start + 300]
        write(first, f"n{number}/1", insert[:150])
        write(second, f"n{number}/2", reverse_complement(insert[-150:]))
with open("long.fastq", "w") as out:
    for number in range(40):
        start = rng.randrange(len(genome) - 6000)
        write(out, f"l{number}", redrawn(genome[start:start + 6000], 0.06))
