#!/usr/bin/env python3
"""Makes thousands of small synthetic genomes on a species tree with close relatives, and samples of a few of them.

    large_database.py --out DIR [--genomes 5000] [--seed 1] [--present 40] [--pairs 200000] [--samples 5] [--length 60000-100000]

Genera of five species, each 3 to 7 % from the genus' ancestor (6 to 14 % from each other), of two genomes each (0.5 to 2.5 %
apart), 60 to 100 kb. One in four genomes holds a mobile element of 2 to 5 kb, of a hundred that are the same everywhere (up to
0.5 % different), and all hold a conserved stretch of 3 kb (1 to 3 % different). A sample: strains of `present` species
(0 to 2 % from one of the genomes), copies log-uniform from 10^-4 to 0.3; a fifth of the reads from species that are not in the
database, half of them of its genera. Reads: 150 bases, inserts 350 +- 40, 0.3 % errors. Writes DIR/{genomes/*.fa, lineages.tsv,
s1_R1.fastq, s1_R2.fastq, s1.truth.tsv, s2_R1.fastq ...} and, for Kraken 2, library.fa and taxonomy/{nodes,names}.dmp.
"""
import argparse
import os

import numpy

BASES = numpy.frombuffer(b"ACGT", dtype=numpy.uint8)
COMPLEMENT = numpy.array([3, 2, 1, 0], dtype=numpy.uint8)


def diverged(random, sequence, rate):
    out = sequence.copy()
    where = numpy.flatnonzero(random.random(len(out)) < rate)
    out[where] = (out[where] + random.integers(1, 4, len(where))) % 4
    # A few insertions and deletions.
    pieces, last = [], 0
    for at in numpy.sort(random.integers(0, len(out), random.poisson(len(out) * rate / 20))):
        if at < last:
            continue
        pieces.append(out[last:at])
        if random.random() < 0.5:
            pieces.append(random.integers(0, 4, random.integers(1, 6)).astype(numpy.uint8))
            last = at
        else:
            last = at + random.integers(1, 6)
    pieces.append(out[last:])
    return numpy.concatenate(pieces)


class World:
    def __init__(self, seed, shortest, longest):
        self.random = numpy.random.default_rng(seed)
        self.lengths = shortest, longest
        self.elements = [self.fresh(n) for n in self.random.integers(2000, 5001, 100)]
        self.conserved = self.fresh(3000)

    def fresh(self, length, gc=0.5):
        return self.random.choice(4, length, p=[(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2]).astype(numpy.uint8)

    def genus(self):
        return self.fresh(self.random.integers(self.lengths[0], self.lengths[1] + 1), self.random.uniform(0.3, 0.65))

    def species(self, genus):
        random = self.random
        genome = diverged(random, genus, random.uniform(0.03, 0.07))
        at = random.integers(0, len(genome))
        return numpy.concatenate([genome[:at], diverged(random, self.conserved, random.uniform(0.01, 0.03)), genome[at:]])

    def strain(self, species, rate):
        random = self.random
        genome = diverged(random, species, rate)
        if random.random() < 0.25:
            at = random.integers(0, len(genome))
            element = diverged(random, self.elements[random.integers(0, 100)], random.uniform(0, 0.005))
            genome = numpy.concatenate([genome[:at], element, genome[at:]])
        return genome


def write_fasta(path, name, genome):
    text = BASES[genome].tobytes().decode()
    with open(path, "w", encoding="ascii") as out:
        out.write(f">{name}\n")
        out.writelines(text[i:i + 80] + "\n" for i in range(0, len(text), 80))


def write_reads(random, prefix, genomes, weights, pairs):
    """`genomes`: sequences; `weights`: shares of pairs."""
    counts = random.multinomial(pairs, numpy.array(weights) / numpy.sum(weights))
    quality = "I" * 150
    order = random.permutation(numpy.repeat(numpy.arange(len(genomes)), counts))
    with open(prefix + "_R1.fastq", "w", encoding="ascii") as first, open(prefix + "_R2.fastq", "w", encoding="ascii") as second:
        for number, which in enumerate(order):
            genome = genomes[which]
            insert = int(min(max(random.normal(350, 40), 160), len(genome)))
            at = random.integers(0, len(genome) - insert + 1)
            mates = [genome[at:at + 150].copy(), COMPLEMENT[genome[at + insert - 150:at + insert][::-1]]]
            if random.random() < 0.5:
                mates.reverse()
            for out, mate in zip((first, second), mates):
                wrong = numpy.flatnonzero(random.random(150) < 0.003)
                mate[wrong] = (mate[wrong] + random.integers(1, 4, len(wrong))) % 4
                out.write(f"@r{number}\n{BASES[mate].tobytes().decode()}\n+\n{quality}\n")
    return counts


class Sample:
    """Which species and which unknown relatives a sample holds, gathered while the genomes are made."""

    def __init__(self, number, arguments, genera):
        self.random = numpy.random.default_rng([arguments.seed, number])
        self.chosen = set(self.random.choice(genera * 5, arguments.present, replace=False).tolist())
        self.related = set(self.random.choice(genera, 5, replace=False).tolist())
        self.known, self.unknown, self.names = [], [], []

    def write(self, prefix, world, pairs):
        random = self.random
        self.unknown += [world.strain(world.species(world.genus()), 0) for _ in range(5)]
        copies = 10 ** random.uniform(-4, -0.523, len(self.known))
        bases = copies * [len(genome) for genome in self.known]
        others = 10 ** random.uniform(-2, -0.523, len(self.unknown)) * [len(genome) for genome in self.unknown]
        weights = numpy.concatenate([0.8 * bases / bases.sum(), 0.2 * others / others.sum()])
        counts = write_reads(random, prefix, self.known + self.unknown, weights, pairs)
        with open(prefix + ".truth.tsv", "w", encoding="ascii") as truth:
            truth.write("species\ttaxonomic_abundance\tsequence_abundance\tpairs\tcoverage\n")
            for name, copy, base, pairs, genome in zip(self.names, copies, bases, counts, self.known):
                truth.write(f"{name}\t{copy / copies.sum():.6g}\t{base / bases.sum():.6g}\t{pairs}\t"
                            f"{pairs * 300 / len(genome):.4g}\n")


class KrakenFiles:
    """library.fa with taxids in its headers, and NCBI's dump files of the same tree."""

    def __init__(self, folder):
        os.makedirs(folder + "/taxonomy", exist_ok=True)
        self.library = open(folder + "/library.fa", "w", encoding="ascii")
        self.nodes = open(folder + "/taxonomy/nodes.dmp", "w", encoding="ascii")
        self.names = open(folder + "/taxonomy/names.dmp", "w", encoding="ascii")
        self.node(1, 1, "no rank", "root")
        self.node(2, 1, "superkingdom", "Bacteria")

    def node(self, taxid, parent, rank, name):
        self.nodes.write(f"{taxid}\t|\t{parent}\t|\t{rank}\t|\tXX\t|\t0\t|\n")
        self.names.write(f"{taxid}\t|\t{name}\t|\t\t|\tscientific name\t|\n")

    def genome(self, name, taxid, genome):
        self.library.write(f">{name}|kraken:taxid|{taxid}\n{BASES[genome].tobytes().decode()}\n")

    def close(self):
        for file in (self.library, self.nodes, self.names):
            file.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True)
    parser.add_argument("--genomes", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--present", type=int, default=40)
    parser.add_argument("--pairs", type=int, default=200000)
    parser.add_argument("--samples", type=int, default=1)
    parser.add_argument("--length", default="60000-100000")
    parser.add_argument("--kraken", action="store_true", help="write what kraken2-build reads, too")
    arguments = parser.parse_args()
    shortest, longest = (int(x) for x in arguments.length.split("-"))
    world = World(arguments.seed, shortest, longest)
    random = world.random
    os.makedirs(arguments.out + "/genomes", exist_ok=True)
    genera = arguments.genomes // 10
    samples = [Sample(n + 1, arguments, genera) for n in range(arguments.samples if arguments.pairs else 0)]
    kraken = KrakenFiles(arguments.out) if arguments.kraken else None
    with open(arguments.out + "/lineages.tsv", "w", encoding="ascii") as lineages:
        lineages.write("genome\tphylum\tgenus\tspecies\n")
        for g in range(genera):
            genus = world.genus()
            if kraken:
                kraken.node(10 + g, 2, "genus", f"Genus{g}")
            for s in range(5):
                species, number = world.species(genus), g * 5 + s
                if kraken:
                    kraken.node(100000 + number, 10 + g, "species", f"Genus{g} s{s}")
                for n in range(2):
                    genome = world.strain(species, random.uniform(0.0025, 0.0125))
                    name = f"G{g}S{s}N{n}"
                    write_fasta(f"{arguments.out}/genomes/{name}.fa", name, genome)
                    lineages.write(f"{name}\tP{g % 20}\tGenus{g}\tGenus{g} s{s}\n")
                    if kraken:
                        kraken.genome(name, 100000 + number, genome)
                for sample in samples:
                    if number in sample.chosen:
                        sample.known.append(world.strain(genome, random.uniform(0, 0.02)))
                        sample.names.append(f"Genus{g} s{s}")
            for sample in samples:
                if g in sample.related:
                    sample.unknown.append(world.strain(world.species(genus), 0))
    if kraken:
        kraken.close()
    for number, sample in enumerate(samples, 1):
        sample.write(f"{arguments.out}/s{number}", world, arguments.pairs)


if __name__ == "__main__":
    main()
