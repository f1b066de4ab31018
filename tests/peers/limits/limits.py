#!/usr/bin/env python3
"""The limits of this machine, for the benchmark of any room: the kernels of bench_limits, and ratios to them.

    import os, sys
    sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "limits"))
    import limits

    limit = limits.measure("build/release", "lookup-1024MB-huge", "fastq-scan")
    limits.print_ratio("reads classified", mb_per_cpu_second, limit, "fastq-scan")

From a shell: `tests/peers/limits/limits.py [--build build/release] [--text FILE] [KERNEL ...]` prints the table itself
(kernel, rate, unit; tab-separated). Rates are work per CPU second of one core; they drift with the neighbours of a shared
machine, so measure them in the run whose figures are held against them.
"""
import argparse
import os
import subprocess


def measure(build, *kernels, text=None):
    """{kernel: (rate, unit)} of the kernels whose names begin like those asked for, all of them when none is.

    text: a plain FASTQ file that the inflating and scanning kernels take instead of simulated reads.
    """
    command = [os.path.join(build, "bin", "bench_limits")]
    if text is not None:
        command += ["--text", text]
    printed = subprocess.run([*command, *kernels], capture_output=True, text=True, check=True).stdout
    rows = [line.split("\t") for line in printed.splitlines()[1:]]
    return {kernel: (float(rate), unit) for kernel, rate, unit in rows}


def serial(*rates):
    """The rate of stages that follow each other on one core, each given as work of the whole per CPU second."""
    return 1 / sum(1 / rate for rate in rates)


def print_ratio(what, rate, limit, kernel, asked=None):
    """One tab-separated line: what, rate, kernel, its rate, ratio (and what is asked of the ratio)."""
    most, unit = limit[kernel]
    row = [what, f"{rate:.4g}", kernel, f"{most:.4g} {unit}", f"{rate / most:.3f}"]
    print("\t".join(row + ([f"asked: {asked}"] if asked else [])), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kernels", nargs="*")
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--text")
    arguments = parser.parse_args()
    print("kernel\trate\tunit")
    for kernel, (rate, unit) in measure(arguments.build, *arguments.kernels, text=arguments.text).items():
        print(f"{kernel}\t{rate:.6g}\t{unit}")


if __name__ == "__main__":
    main()
