#!/usr/bin/env python3
"""Host reads removed (T8) and pairs of strains told apart (T9), on real genomes.

    host_and_strains.py --pool POOL --simulator MGSIM --work DIR [--binary FILE]

T8: 20,000 pairs of the host, exact, and with 0.1 % SNPs, indels and 0.5 % errors; 100,000 pairs of six bacteria with errors. T9:
twelve genomes with a copy of 99, 98.5 or 98 % identity each, all in the database as strains, both in the sample at 0.3 to 1 x.
"""
import argparse
import csv
import json
import os
import subprocess

import numpy

import large_database

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
BACTERIA = ["GCF_001457655.1", "NC_010655.1", "GCF_009759685.1", "e.coli-K12", "GCA_000209935", "GCF_001544255.1"]
STRAINS = ["GCF_001457655.1", "NC_010655.1", "GCF_009759685.1", "GCA_000209935", "GCF_001544255.1", "GCF_001096185.1",
           "GCA_000020625", "GCA_000014945.1_ASM1494v1", "GCF_000154325", "GCA_002478565.1_ASM247856v1",
           "GCF_002214165.1_ASM221416v1", "GCF_000092685.1_ASM9268v1"]
CODES = numpy.full(256, 4, dtype=numpy.uint8)
CODES[numpy.frombuffer(b"ACGTacgt", dtype=numpy.uint8)] = [0, 1, 2, 3, 0, 1, 2, 3]


def contigs(path):
    """Contigs of at least 2 kb, without those that hold an ambiguous base."""
    with open(path, encoding="ascii") as text:
        records = text.read().split(">")[1:]
    coded = [CODES[numpy.frombuffer("".join(r.split("\n")[1:]).encode(), dtype=numpy.uint8)] for r in records]
    return [c for c in coded if len(c) >= 2000 and c.max() < 4]


def write_pairs(random, sequences, pairs, errors, prefix):
    weights = numpy.array([len(s) for s in sequences], dtype=float)
    with open(prefix + "_R1.fastq", "w", encoding="ascii") as first, open(prefix + "_R2.fastq", "w", encoding="ascii") as second:
        for number, which in enumerate(random.choice(len(sequences), pairs, p=weights / weights.sum())):
            insert = int(max(random.normal(350, 40), 160))
            at = random.integers(0, len(sequences[which]) - insert)
            piece = sequences[which][at:at + insert]
            for out, mate in ((first, piece[:150].copy()), (second, large_database.COMPLEMENT[piece[-150:][::-1]])):
                wrong = numpy.flatnonzero(random.random(150) < errors)
                mate[wrong] = (mate[wrong] + random.integers(1, 4, len(wrong))) % 4
                out.write(f"@r{number}\n{large_database.BASES[mate].tobytes().decode()}\n+\n{'I' * 150}\n")


def profile(binary, database, prefix, out):
    subprocess.run([binary, "profile", "--db", database, "-1", prefix + "_R1.fastq", "-2", prefix + "_R2.fastq", "--sample", "s",
                    "-o", out, "-q"], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pool", required=True)
    parser.add_argument("--simulator", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--binary", default=os.path.join(ROOT, "build/release/bin/microbiome-profile"))
    arguments = parser.parse_args()
    random = numpy.random.default_rng(7)
    work, binary = arguments.work, arguments.binary
    os.makedirs(work + "/db", exist_ok=True)
    database, bases, weights = work + "/x.db", [], []
    with open(work + "/lineages.tsv", "w", encoding="ascii") as lineages:
        lineages.write("genome\tgenus\tspecies\tstrain\n")
        for i, genome in enumerate(STRAINS):
            for j, identity in enumerate((1.0, (0.99, 0.985, 0.98)[i % 3])):
                path = f"{work}/db/{genome}_{j}.fa"
                subprocess.run([arguments.simulator, "mutate", f"{arguments.pool}/{genome}.fa", str(identity), str(100 + i), path],
                               check=True)
                lineages.write(f"{genome}_{j}\tG{i}\tG{i} s\t{genome}_{j}\n")
                bases.append((f"{genome}_{j}", path))
                weights.append(os.path.getsize(path) * (0.3, 0.3, 0.6, 1.0)[(i + j) % 4])
    subprocess.run([binary, "build", "--genomes", work + "/db", "--lineages", work + "/lineages.tsv", "--host",
                    arguments.pool + "/human_hg18_trimmed.fa", "-o", database, "-q"], check=True)
    host = contigs(arguments.pool + "/human_hg18_trimmed.fa")
    variant = [large_database.diverged(random, sequence, 0.001) for sequence in host]
    microbes = [c for genome in BACTERIA for c in contigs(f"{arguments.pool}/{genome}.fa")]
    for name, sequences, pairs, errors in (("host, exact", host, 20000, 0.0), ("host, variants and errors", variant, 20000, 0.005),
                                           ("bacteria", microbes, 100000, 0.005)):
        write_pairs(random, sequences, pairs, errors, work + "/h")
        profile(binary, database, work + "/h", work + "/h")
        with open(work + "/h/s.summary.json", encoding="utf-8") as text:
            summary = json.load(text)
        print(f"T8 {name}: {summary['host_fragments']} of {summary['input_fragments']} removed as host")
    with open(work + "/spec.tsv", "w", encoding="ascii") as spec:
        for (name, path), weight in zip(bases, weights):
            spec.write(f"{name}\t{path}\t{weight / sum(weights):.9g}\n")
    subprocess.run([arguments.simulator, "reads", work + "/spec.tsv", str(int(sum(weights) / 300)), "5", work + "/r"], check=True)
    profile(binary, database, work + "/r", work + "/r")
    with open(work + "/r/s.profile.tsv", encoding="utf-8") as lines:
        strains = {row["name"] for row in csv.DictReader(lines, delimiter="\t") if row["rank"] == "strain"}
    both = sum({f"{genome}_0", f"{genome}_1"} <= strains for genome in STRAINS)
    print(f"T9 both strains reported: {both} of {len(STRAINS)}")


if __name__ == "__main__":
    main()
