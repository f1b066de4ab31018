#!/usr/bin/env python3
"""A BAM as Cell Ranger writes it, from the reads of make.py in the current folder: s.bam (gzip members, no aligner needed).

Tags CR, CY, UR, UY as read, CB as corrected, UB, and the gene in GX. Every second read is stored on the reverse strand; the
first has a secondary record, which does not count. Beside it cut.bam, that ends within a record, bare.bam, whose last read has no
barcode, and text.bam, which is SAM."""
import gzip
import struct


def record(name, flag, bases, tags, places=1):
    body = struct.pack("<iiBBHHHIiii", -1, -1, len(name) + 1, 0, 0, 0, flag, len(bases), -1, -1, 0) + name.encode() + b"\0"
    codes = ["=ACMGRSVTWYHKDBN".index(base) for base in bases] + [0]
    body += bytes(codes[i] << 4 | codes[i + 1] for i in range(0, len(bases), 2)) + b"\xff" * len(bases)
    for tag, value in tags.items():
        body += tag.encode() + b"Z" + value.encode() + b"\0"
    body += b"NHC" + bytes([places])
    return struct.pack("<I", len(body)) + body


def reverse(bases):
    return bases[::-1].translate(str.maketrans("ACGT", "TGCA"))


def fastq(path):
    lines = open(path).read().split("\n")
    return lines[1::4]


def message(path):
    genes, name = {}, ""
    for line in open(path):
        if line.startswith(">"):
            name = line[1:].split()[0]
        else:
            genes[name] = line.strip()
    return {"A": genes["A.1"], "B": genes["B.1"]}


genes = message("transcripts.fa")
records = []
for i, (one, two) in enumerate(zip(fastq("s_R1.fastq"), fastq("s_R2.fastq"))):
    if not one:
        continue
    gene = "A" if two in genes["A"] else "B"
    barcode, umi = one[:16], one[16:]
    tags = {"CR": barcode, "CY": "I" * 16, "CB": barcode + "-1", "UR": umi, "UY": "I" * 12, "UB": umi, "GX": gene}
    back = i % 2 == 1
    records.append(record(f"r{i}", 0x10 if back else 0, reverse(two) if back else two, tags))
    if i == 0:
        records.append(record(f"r{i}", 0x100, two, tags))
bare = record("none", 0, "ACGTACGTACGTACGTACGTACGTACGT", {"UR": "ACGTACGTAAAA", "UY": "I" * 12})
head = b"BAM\1" + struct.pack("<II", 0, 0)
with open("s.bam", "wb") as out:
    out.write(gzip.compress(head + b"".join(records[:20]), mtime=0) + gzip.compress(b"".join(records[20:]), mtime=0))
with open("bare.bam", "wb") as out:
    out.write(gzip.compress(head + b"".join(records) + bare, mtime=0))
with open("cut.bam", "wb") as out:
    out.write(gzip.compress((head + b"".join(records))[:-7], mtime=0))
with open("text.bam", "w") as out:
    out.write("@HD\tVN:1.6\nr0\t0\t*\t0\t0\t*\t*\t0\t0\tACGT\tIIII\n")
