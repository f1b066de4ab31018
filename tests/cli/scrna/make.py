#!/usr/bin/env python3
"""A genome of 12 kb, two genes, a barcode list and reads with planted molecules, into the current folder.

Also expected.mtx: the matrix that scrna-count must write (genes in the order of the GTF, barcodes that occur, ascending)."""
import random

random.seed(6)
genome = "".join(random.choice("ACGT") for _ in range(12000))


def reverse(bases):
    return bases[::-1].translate(str.maketrans("ACGT", "TGCA"))


def exon(gene, begin, end, strand):
    return f'chr1\tx\texon\t{begin + 1}\t{end}\t.\t{strand}\t.\tgene_id "{gene}"; transcript_id "{gene}.1"; gene_name "{gene}n";\n'


with open("genome.fa", "w") as out:
    out.write(">chr1\n" + genome + "\n")
with open("genes.gtf", "w") as out:
    out.write(exon("A", 1000, 1400, "+") + exon("A", 2000, 2600, "+") + exon("B", 6000, 7000, "-"))
with open("genes.gff3", "w") as out:
    out.write("##gff-version 3\n")
    for gene, exons, strand in (("A", [(1000, 1400), (2000, 2600)], "+"), ("B", [(6000, 7000)], "-")):
        begin, end = exons[0][0] + 1, exons[-1][1]
        out.write(f"chr1\tx\tgene\t{begin}\t{end}\t.\t{strand}\t.\tID=gene:{gene};Name={gene}n;gene_id={gene}\n")
        out.write(f"chr1\tx\tmRNA\t{begin}\t{end}\t.\t{strand}\t.\tID=transcript:{gene}.1;Parent=gene:{gene}\n")
        for first, last in exons:
            out.write(f"chr1\tx\texon\t{first + 1}\t{last}\t.\t{strand}\t.\tParent=transcript:{gene}.1\n")
barcodes = ["AAACCCAAGAAACACT", "GTTTGGGTCTTTGTCA", "TTTGTTGTCTTTCTTC"]
with open("list.txt", "w") as out:
    out.write("\n".join(barcodes) + "\n")
message = {"A": genome[1000:1400] + genome[2000:2600], "B": reverse(genome[6000:7000])}
with open("transcripts.fa", "w") as out:
    for gene in "AB":
        out.write(f">{gene}.1 cdna\n{message[gene]}\n")
    out.write(f">A.2|A|x\n{genome[1000:1400]}\n")
with open("t2g.tsv", "w") as out:
    out.write("A.1\tA\tAn\nA.2\tA\tAn\nB.1\tB\tBn\n")
with open("features.csv", "w") as out:
    out.write("id,name,read,pattern,sequence,feature_type\n")
    out.write("CD3,CD3_TotalB,R2,5PNNNNNNNNNN(BC)NNNNNNNNN,AACAAGACCCTTGAG,Antibody Capture\n")
    out.write("CD19,CD19_TotalB,R2,5PNNNNNNNNNN(BC)NNNNNNNNN,TACCCGTAATAGCGT,Antibody Capture\n")
    out.write("guide1,guide1,R2,TTCCAGCTTAGCTCTTAAAC(BC),GATTACAGATTACAGATTAC,CRISPR Guide Capture\n")
planted = [("A", 0, 12), ("B", 0, 3), ("A", 2, 1), ("B", 2, 9)]
reads = []
umis = set()
for gene, cell, molecules in planted:
    for _ in range(molecules):
        while True:  # UMIs far from each other: none is corrected into another
            umi = "".join(random.choice("ACGT") for _ in range(12))
            if all(sum(a != b for a, b in zip(umi, other)) > 2 for other in umis):
                break
        umis.add(umi)
        for _ in range(random.randint(1, 3)):
            at = random.randrange(len(message[gene]) - 90)
            reads.append((barcodes[cell] + umi, message[gene][at:at + 90]))
random.shuffle(reads)
with open("s_R1.fastq", "w") as first, open("s_R2.fastq", "w") as second:
    for i, (one, two) in enumerate(reads):
        first.write(f"@r{i}\n{one}\n+\n{'I' * len(one)}\n")
        second.write(f"@r{i}\n{two}\n+\n{'I' * len(two)}\n")
with open("expected.mtx", "w") as out:
    out.write("%%MatrixMarket matrix coordinate integer general\n2 2 4\n1 1 12\n2 1 3\n1 2 1\n2 2 9\n")
