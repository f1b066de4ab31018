#!/usr/bin/env python3
"""make_run.py OUT.fcs EVENTS [SEED]: a simulated mass cytometry run of EVENTS x 50 float32 columns.

Cells of three kinds with DNA, 5 % calibration beads (140, 151, 153, 165, 175) without DNA, debris; the sensitivity falls
by 30 % over the run, so that normalisation has work to do. Written in parts; needs numpy.
"""
import sys

import numpy

METALS = ["In113", "La139", "Ce140", "Pr141", "Nd142", "Nd143", "Nd144", "Nd145", "Nd146", "Sm147", "Nd148", "Sm149",
          "Nd150", "Eu151", "Sm152", "Eu153", "Sm154", "Gd155", "Gd156", "Gd157", "Gd158", "Tb159", "Gd160", "Dy161",
          "Dy162", "Dy163", "Dy164", "Ho165", "Er166", "Er167", "Er168", "Tm169", "Er170", "Yb171", "Yb172", "Yb173",
          "Yb174", "Lu175", "Yb176", "Ir191", "Ir193", "Pt195", "Pd102", "Pd104", "Pd105", "Pd106", "Pd108", "Pd110"]
BEADS = {"Ce140": 600, "Eu151": 450, "Eu153": 620, "Ho165": 640, "Lu175": 560}
NAMES = ["Time", "Event_length"] + [f"({m})Di" for m in METALS]


def header(events):
    """HEADER and TEXT of FCS 3.1."""
    text = {"$BEGINANALYSIS": "0", "$ENDANALYSIS": "0", "$BEGINSTEXT": "0", "$ENDSTEXT": "0", "$BYTEORD": "1,2,3,4",
            "$DATATYPE": "F", "$MODE": "L", "$NEXTDATA": "0", "$PAR": str(len(NAMES)), "$TOT": str(events)}
    for i, name in enumerate(NAMES, 1):
        text |= {f"$P{i}N": name, f"$P{i}S": name, f"$P{i}B": "32", f"$P{i}E": "0,0", f"$P{i}R": "16777216"}
    begin = 8192
    text |= {"$BEGINDATA": str(begin), "$ENDDATA": str(begin + 4 * len(NAMES) * events - 1)}
    body = ("|" + "|".join(f"{k}|{v}" for k, v in text.items()) + "|").encode()
    end = begin + 4 * len(NAMES) * events - 1
    places = (begin, end) if end <= 99_999_999 else (0, 0)
    head = b"FCS3.1    " + b"".join(f"{n:>8}".encode() for n in (58, 58 + len(body) - 1, *places, 0, 0))
    return (head + body).ljust(begin, b" ")


def block(random, first, events, total):
    """Rows first … first + events of the run."""
    data = random.exponential(1.0, (events, len(NAMES)))
    kind = random.choice(5, events, p=[0.35, 0.25, 0.25, 0.05, 0.10])
    for population in range(3):
        rows = kind == population
        levels = 5 + 400 * (numpy.arange(len(METALS)) % (population + 2) == 0)
        data[rows, 2:] += levels * random.lognormal(0, 0.4, (rows.sum(), len(METALS)))
        for dna in ("Ir191", "Ir193"):
            data[rows, 2 + METALS.index(dna)] = 500 * random.lognormal(0, 0.25, rows.sum())
    beads = kind == 3
    for metal, level in BEADS.items():
        data[beads, 2 + METALS.index(metal)] = level * random.lognormal(0, 0.1, beads.sum())
    order = numpy.arange(first, first + events)
    data[:, 2:] *= (1 - 0.3 * order / total)[:, None]
    data[:, 0] = order * 3 + random.integers(0, 3, events)
    data[:, 1] = random.integers(10, 75, events)
    return data.astype("<f4")


def main():
    path, events = sys.argv[1], int(sys.argv[2])
    random = numpy.random.default_rng(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    with open(path, "wb") as out:
        out.write(header(events))
        for first in range(0, events, 50_000):
            out.write(block(random, first, min(50_000, events - first), events).tobytes())


if __name__ == "__main__":
    main()
