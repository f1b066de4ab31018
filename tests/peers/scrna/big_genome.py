#!/usr/bin/env python3
"""big_genome.py OUT --megabases 500 --whitelist FILE [--genes 20000 --transcripts 10 --reads 1000000 --seed 1]: a genome of realistic
length with genes of realistic introns, in little memory, and reads from its transcripts: OUT/genome.fa, genes.gtf, reads_R1.fastq,
reads_R2.fastq. A tenth of the genome is copies of one 300-base and one 6,000-base repeat, diverged by 5 to 20 %."""
import argparse
import os

import numpy

BASES = numpy.frombuffer(b"ACGT", numpy.uint8)


def mutate(codes, rate, rng):
    codes = codes.copy()
    hit = rng.random(codes.size) < rate
    codes[hit] = (codes[hit] + rng.integers(1, 4, hit.sum())) % 4
    return codes


def make_genome(size, rng):
    genome = numpy.empty(size, numpy.uint8)
    for at in range(0, size, 1 << 24):
        part = rng.integers(0, 10, min(1 << 24, size - at), dtype=numpy.uint8)
        genome[at:at + part.size] = numpy.array([0, 0, 0, 1, 1, 2, 2, 3, 3, 3], numpy.uint8)[part]
    for length, share in ((300, 0.05), (6000, 0.05)):
        repeat = rng.integers(0, 4, length, dtype=numpy.uint8)
        for start in rng.integers(0, size - length, int(share * size / length)):
            genome[start:start + length] = mutate(repeat, rng.uniform(0.05, 0.2), rng)
    return genome


def make_genes(size, chromosome, count, rng):
    """(begin, strand, exons), left to right; introns take what the genome offers, as many kilobases as in man if it can."""
    slot, genes = size // count, []
    for i in range(count):
        exons = rng.integers(2, 16)
        lengths = numpy.clip(rng.gamma(4, 40, exons).astype(int) + 30, 30, 2000)
        lengths[-1 if i % 2 == 0 else 0] = rng.integers(500, 2500)
        introns = numpy.clip(rng.lognormal(7.3, 1.4, exons - 1).astype(int), 80, 200000)
        room = int(0.6 * slot) - lengths.sum()
        if introns.sum() > room:
            introns = numpy.maximum(80, (introns * (room / introns.sum())).astype(int))
        total = int(lengths.sum() + introns.sum())
        begin = i * slot + int(rng.integers(0, max(1, slot - total)))
        if begin // chromosome != (begin + total) // chromosome:
            begin = (begin // chromosome + 1) * chromosome - total - 1
        at, spans = begin, []
        for exon in range(exons):
            spans.append((at, at + int(lengths[exon])))
            at += int(lengths[exon]) + (int(introns[exon]) if exon + 1 < exons else 0)
        genes.append((spans, i % 2 == 0))
    return genes


def transcripts_of(spans, wanted, rng):
    """The whole gene, and variants that lack inner exons or begin later, all different."""
    found = {tuple(spans)}
    for _ in range(4 * wanted):
        if len(found) == wanted or len(spans) < 3:
            break
        keep = rng.random(len(spans)) < 0.8
        keep[0 if rng.random() < 0.5 else -1] = True
        if keep.sum() >= 2:
            found.add(tuple(span for span, kept in zip(spans, keep) if kept))
    return sorted(found)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--megabases", type=int, default=500)
    parser.add_argument("--genes", type=int, default=20000)
    parser.add_argument("--transcripts", type=int, default=10)
    parser.add_argument("--reads", type=int, default=1000000)
    parser.add_argument("--whitelist", required=True)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = numpy.random.default_rng(options.seed)
    os.makedirs(options.out, exist_ok=True)
    size = options.megabases * 1000000
    chromosome = size // 8
    genome = make_genome(size, rng)
    genes = make_genes(size, chromosome, options.genes, rng)
    with open(f"{options.out}/genome.fa", "wb") as out:
        for i in range(8):
            out.write(b">chr%d\n" % (i + 1))
            for at in range(i * chromosome, (i + 1) * chromosome, 8000000):
                text = BASES[genome[at:min(at + 8000000, (i + 1) * chromosome)]].tobytes()
                out.write(b"\n".join(text[j:j + 80] for j in range(0, len(text), 80)) + b"\n")
    models, number = [], 0
    with open(f"{options.out}/genes.gtf", "w", encoding="utf-8") as out:
        for i, (spans, forward) in enumerate(genes):
            name, shift = f"chr{spans[0][0] // chromosome + 1}", spans[0][0] // chromosome * chromosome
            strand = "+" if forward else "-"
            for k, exons in enumerate(transcripts_of(spans, options.transcripts, rng)):
                number += 1
                models.append((exons, forward))
                for begin, end in exons:
                    out.write(f'{name}\tsim\texon\t{begin - shift + 1}\t{end - shift}\t.\t{strand}\t.\tgene_id "G{i}"; '
                              f'transcript_id "G{i}.{k}";\n')
    with open(options.whitelist, encoding="utf-8") as lines:
        barcodes = numpy.array([line.strip() for line in lines])
    cells = rng.choice(barcodes, 2000, replace=False)
    with open(f"{options.out}/reads_R1.fastq", "w", encoding="ascii") as one, \
            open(f"{options.out}/reads_R2.fastq", "w", encoding="ascii") as two:
        for i in range(options.reads):
            exons, forward = models[int(rng.integers(len(models)))]
            if rng.random() < 0.3:  # unspliced: anywhere in the gene
                begin = int(rng.integers(exons[0][0], max(exons[0][0] + 1, exons[-1][1] - 90)))
                codes = genome[begin:begin + 90]
            else:
                # Within the last 500 bases of the transcript.
                parts, length = [], 0
                for begin, end in (exons[::-1] if forward else exons):
                    parts.append(genome[begin:end])
                    length += end - begin
                    if length >= 500:
                        break
                codes = numpy.concatenate(parts[::-1] if forward else parts)
                begin = int(rng.integers(max(1, min(400, codes.size - 90))))
                codes = codes[codes.size - 90 - begin:codes.size - begin] if forward else codes[begin:begin + 90]
            if not forward:
                codes = (3 - codes)[::-1]
            codes = mutate(codes, 0.004, rng)
            umi = BASES[rng.integers(0, 4, 12)].tobytes().decode()
            one.write(f"@r{i}\n{cells[int(rng.integers(2000))]}{umi}\n+\n{'I' * 28}\n")
            two.write(f"@r{i}\n{BASES[codes].tobytes().decode()}\n+\n{'I' * codes.size}\n")
    print(f"{size} bases, {len(genes)} genes, {number} transcripts, {options.reads} reads")


if __name__ == "__main__":
    main()
