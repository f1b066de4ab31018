"""The tools that are compared, each as a chain from FASTQ to matrices with its processor seconds and peak memory."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))


class Cost:
    """Processor seconds (sum), peak memory in MB (largest process) and wall seconds of what was run."""

    def __init__(self):
        self.cpu, self.memory, self.wall = 0.0, 0.0, 0.0

    def run(self, command, log, cwd=None):
        """By GNU time: a child forked from here would be charged with this interpreter's memory."""
        with tempfile.NamedTemporaryFile("r") as report, open(log, "ab") as out:
            timed = ["/usr/bin/time", "-f", "%U %S %M %e", "-o", report.name, *[str(part) for part in command]]
            done = subprocess.run(timed, stdout=out, stderr=out, cwd=cwd, check=False)
            if done.returncode != 0:
                sys.exit(f"failed, see {log}: {' '.join(timed[6:])}")
            user, system, kilobytes, wall = (float(field) for field in report.read().split())
        self.cpu += user + system
        self.memory = max(self.memory, kilobytes / 1024)
        self.wall += wall

    def as_dict(self):
        return {"cpu": self.cpu, "memory_mb": self.memory, "wall": self.wall}


def cached(folder, make):
    """The result of make(folder) kept in folder/done.json; an unfinished folder is made again."""
    mark = os.path.join(folder, "done.json")
    if os.path.exists(mark):
        with open(mark, encoding="utf-8") as text:
            return json.load(text)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    result = make(folder)
    with open(mark, "w", encoding="utf-8") as text:
        json.dump(result, text)
    return result


def size_of(path):
    if os.path.isfile(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(base, name)) for base, _, names in os.walk(path) for name in names)


def simulate(tools, out, whitelist, seed, reads, extra=()):
    if os.path.exists(os.path.join(out, "truth", "summary.json")):
        return
    with open(out + ".log", "wb") as log:
        subprocess.run([sys.executable, os.path.join(tools, "simulate.py"), out, "--seed", str(seed), "--reads",
                        str(reads), "--whitelist", whitelist, *extra], check=True, stdout=log)


def plain_whitelist(whitelist, work):
    """STAR, salmon and alevin-fry want it uncompressed."""
    path = os.path.join(work, "whitelist.txt")
    if not os.path.exists(path):
        with open(path + ".part", "wb") as out:
            subprocess.run(["zcat", "-f", whitelist], check=True, stdout=out)
        os.rename(path + ".part", path)
    return path


# ---------------------------------------------------------------- scrna-count
def ours_index(binary, ref, folder, threads):
    def make(out):
        cost = Cost()
        cost.run([binary, "index", "--genome", f"{ref}/genome.fa", "--gtf", f"{ref}/genes.gtf", "-o", f"{out}/ref.idx",
                  "-t", threads], f"{out}/log")
        return {**cost.as_dict(), "bytes": size_of(f"{out}/ref.idx")}
    return cached(folder, make)


def ours_count(binary, index, whitelist, reads1, reads2, folder, threads, extra=()):
    def make(out):
        cost = Cost()
        cost.run([binary, "count", "-i", index, "--chemistry", "10xv3", "--whitelist", whitelist, "-1", *reads1, "-2",
                  *reads2, "-o", f"{out}/out", "-t", threads, *extra], f"{out}/log")
        return cost.as_dict()
    return cached(folder, make)


# ---------------------------------------------------------------- STARsolo
def star_index(star, ref, folder, threads, sparse=()):
    def make(out):
        cost = Cost()
        cost.run([star, "--runMode", "genomeGenerate", "--genomeDir", f"{out}/genome", "--genomeFastaFiles",
                  f"{ref}/genome.fa", "--sjdbGTFfile", f"{ref}/genes.gtf", "--sjdbOverhang", 89, "--genomeSAindexNbases",
                  11, "--runThreadN", threads, "--outFileNamePrefix", f"{out}/", *sparse], f"{out}/log")
        return {**cost.as_dict(), "bytes": size_of(f"{out}/genome")}
    return cached(folder, make)


STARSOLO_RULES = ("--soloCBmatchWLtype", "1MM_multi_Nbase_pseudocounts", "--soloUMIdedup", "1MM_CR",
                  "--soloUMIfiltering", "MultiGeneUMI_CR")


def starsolo(star, index, whitelist, reads1, reads2, folder, threads, features=("Gene", "GeneFull_Ex50pAS", "Velocyto"),
             rules=STARSOLO_RULES, bam=False):
    def make(out):
        cost = Cost()
        sam = ["--outSAMtype", "None"]
        if bam:
            sam = ["--outSAMtype", "BAM", "SortedByCoordinate", "--outSAMunmapped", "Within", "--outSAMattributes", "NH",
                   "HI", "nM", "AS", "CR", "CY", "UR", "UY", "CB", "UB", "GX", "GN", "gx", "gn", "sS", "sQ", "sM", "--limitBAMsortRAM",
                   2000000000]
        cost.run([star, "--genomeDir", f"{index}/genome", "--readFilesIn", ",".join(reads2), ",".join(reads1),
                  "--readFilesCommand", "zcat", "--runThreadN", threads, "--outFileNamePrefix", f"{out}/", *sam,
                  "--soloType", "CB_UMI_Simple", "--soloCBwhitelist", whitelist, "--soloCBstart", 1, "--soloCBlen", 16,
                  "--soloUMIstart", 17, "--soloUMIlen", 12, "--soloBarcodeReadLength", 0, "--soloFeatures", *features,
                  "--soloMultiMappers", "EM", *rules], f"{out}/log")
        return cost.as_dict()
    return cached(folder, make)


# ---------------------------------------------------------------- salmon --sketch and alevin-fry
def alevin_index(salmon, tools, ref, folder, threads, read_length=90):
    def make(out):
        cost = Cost()
        shutil.copy(f"{ref}/genome.fa", out)
        shutil.copy(f"{ref}/genes.gtf", out)
        subprocess.run([sys.executable, os.path.join(tools, "splici.py"), out, str(read_length - 5)], check=True)
        cost.run([salmon, "index", "-t", f"{out}/splici.fa", "-i", f"{out}/index", "-p", threads], f"{out}/log")
        os.remove(f"{out}/genome.fa")
        return {**cost.as_dict(), "bytes": size_of(f"{out}/index")}
    return cached(folder, make)


def alevin(salmon, fry, index, whitelist, reads1, reads2, folder, threads, resolution="cr-like"):
    def make(out):
        cost = Cost()
        log = f"{out}/log"
        cost.run([salmon, "alevin", "-l", "ISR", "-i", f"{index}/index", "-1", *reads1, "-2", *reads2, "--chromiumV3", "-p",
                  threads, "--sketch", "-o", f"{out}/map", "--tgMap", f"{index}/t2g_3col.tsv"], log)
        cost.run([fry, "generate-permit-list", "-d", "fw", "-i", f"{out}/map", "-o", f"{out}/fry", "-u", whitelist], log)
        cost.run([fry, "collate", "-i", f"{out}/fry", "-r", f"{out}/map", "-t", threads], log)
        cost.run([fry, "quant", "-i", f"{out}/fry", "-m", f"{index}/t2g_3col.tsv", "-t", threads, "-r", resolution, "-o",
                  f"{out}/quant", "--use-mtx"], log)
        return cost.as_dict()
    return cached(folder, make)


# ---------------------------------------------------------------- kallisto|bustools
def kb_index(kb, ref, folder, threads):
    def make(out):
        cost = Cost()
        cost.run([kb, "ref", "--workflow", "nac", "-t", threads, "-i", f"{out}/index.idx", "-g", f"{out}/t2g.txt", "-c1",
                  f"{out}/c1", "-c2", f"{out}/c2", "-f1", f"{out}/f1.fa", "-f2", f"{out}/f2.fa", f"{ref}/genome.fa",
                  f"{ref}/genes.gtf"], f"{out}/log", cwd=out)
        return {**cost.as_dict(), "bytes": size_of(f"{out}/index.idx")}
    return cached(folder, make)


def kallisto(kb, index, whitelist, reads1, reads2, folder, threads):
    def make(out):
        cost = Cost()
        pairs = [path for pair in zip(reads1, reads2) for path in pair]
        cost.run([kb, "count", "--workflow", "nac", "--sum", "total", "-x", "10XV3", "-w", whitelist, "-t", threads, "-m",
                  "2G", "-i", f"{index}/index.idx", "-g", f"{index}/t2g.txt", "-c1", f"{index}/c1", "-c2",
                  f"{index}/c2", "-o", f"{out}/out", *pairs], f"{out}/log", cwd=out)
        return cost.as_dict()
    return cached(folder, make)
