"""How each peer is run, and how its output becomes shares of species."""
import collections
import csv
import os
import shutil
import subprocess

from measure import measured


def genome_table(folder):
    with open(folder + "/genome_tax.tsv", encoding="utf-8") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


def species_lengths(folder):
    """Mean length of each species' genomes in the database."""
    lengths = collections.defaultdict(list)
    for row in genome_table(folder):
        with open(row["file"], encoding="utf-8") as lines:
            lengths[row["species_id"]].append(sum(len(line) - 1 for line in lines if line[0] != ">"))
    return {species: sum(values) / len(values) for species, values in lengths.items()}


def shares(taxonomic, sequence):
    t, s = sum(taxonomic.values()) or 1.0, sum(sequence.values()) or 1.0
    return {key: dict(taxonomic=taxonomic[key] / t, sequence=sequence.get(key, 0.0) / s) for key in taxonomic}


def run_sylph(binary, folder):
    genomes = sorted(os.path.join(folder, "db", name) for name in os.listdir(folder + "/db"))
    build = measured([binary, "sketch", "-t", "1", "-o", folder + "/sylph", "-g", *genomes])
    with open(folder + "/sylph.tsv", "wb") as out:
        profile = measured([binary, "profile", "-u", "-t", "1", folder + "/sylph.syldb", "-1", folder + "/s_R1.fastq", "-2",
                            folder + "/s_R2.fastq"], stdout=out)
    species = {os.path.basename(row["file"]): row["species_id"] for row in genome_table(folder)}
    taxonomic, sequence, known = collections.Counter(), collections.Counter(), 0.0
    with open(folder + "/sylph.tsv", encoding="utf-8") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            key = species[os.path.basename(row["Genome_file"])]
            taxonomic[key] += float(row["Taxonomic_abundance"])
            sequence[key] += float(row["Sequence_abundance"])
            known += float(row["Sequence_abundance"]) / 100
    return dict(called=shares(taxonomic, sequence), known=known, cpu=profile[0], memory=profile[1], build_cpu=build[0],
                build_memory=build[1])


def build_kraken2(binary, folder):
    database = folder + "/kraken2"
    if os.path.exists(database + "/done"):
        with open(database + "/done", encoding="utf-8") as text:
            return database, [float(x) for x in text.read().split()]
    shutil.rmtree(database, ignore_errors=True)
    os.makedirs(database)
    shutil.copytree(folder + "/taxonomy", database + "/taxonomy")
    builder = os.path.join(os.path.dirname(binary), "kraken2-build")
    with open(folder + "/kraken2_input.fa", "wb") as out:
        for name in ("library.fa", "host.fa"):
            with open(os.path.join(folder, name), "rb") as part:
                shutil.copyfileobj(part, out)
    subprocess.run([builder, "--no-masking", "--add-to-library", folder + "/kraken2_input.fa", "--db", database], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.remove(folder + "/kraken2_input.fa")
    cost = measured([builder, "--build", "--threads", "2", "--db", database])
    with open(database + "/done", "w", encoding="utf-8") as out:
        out.write(f"{cost[0]} {cost[1]}")
    return database, cost


def run_kraken2(binary, confidence):
    def run(folder):
        database, build = build_kraken2(binary, folder)
        report = f"{folder}/kraken2_{confidence}.report"
        profile = measured([binary, "--db", database, "--threads", "1", "--confidence", str(confidence), "--paired",
                            "--report", report, "--output", "-", folder + "/s_R1.fastq", folder + "/s_R2.fastq"])
        lengths, counts, total, known = species_lengths(folder), {}, 0, 0
        with open(report, encoding="utf-8") as lines:
            for line in lines:
                _, clade, direct, rank, taxid, _ = line.rstrip("\n").split("\t")
                total += int(direct)
                if rank == "S" and taxid != "9606" and int(clade) > 0:
                    counts[taxid] = int(clade)
                if taxid == "2":
                    known = int(clade)
        return dict(called=shares({k: n / lengths[k] for k, n in counts.items()}, counts), known=known / total,
                    cpu=profile[0], memory=profile[1], build_cpu=build[0], build_memory=build[1])
    return run


def run_bracken(source, kraken2, confidence):
    """`source`: Bracken's folder with src/kmer2read_distr compiled. The distribution is made for 150 bases."""
    def run(folder):
        database, build = build_kraken2(kraken2, folder)
        report, out = f"{folder}/kraken2_{confidence}.report", f"{folder}/bracken_{confidence}.tsv"
        if not os.path.exists(report):
            run_kraken2(kraken2, confidence)(folder)
        distribution, cost = database + "/database150mers.kmer_distrib", (0.0, 0.0)
        if not os.path.exists(distribution):
            with open(database + "/database.kraken", "wb") as text:
                library = sorted(os.path.join(database, "library/added", name)
                                 for name in os.listdir(database + "/library/added") if name.endswith(".fna"))
                cost = measured([kraken2, "--db", database, "--threads", "1", *library], stdout=text)
            measured([source + "/src/kmer2read_distr", "--seqid2taxid", database + "/seqid2taxid.map", "--taxonomy",
                      database + "/taxonomy", "--kraken", database + "/database.kraken", "--output",
                      database + "/database150mers.kraken", "-k", "35", "-l", "150", "-t", "1"])
            measured(["python3", source + "/src/generate_kmer_distribution.py", "-i", database + "/database150mers.kraken",
                      "-o", distribution])
        profile = measured(["python3", source + "/src/est_abundance.py", "-i", report, "-k", distribution, "-l", "S", "-t", "10",
                            "-o", out])
        lengths = species_lengths(folder)
        with open(out, encoding="utf-8") as lines:
            counts = {row["taxonomy_id"]: int(row["new_est_reads"]) for row in csv.DictReader(lines, delimiter="\t")
                      if row["taxonomy_id"] != "9606"}
        return dict(called=shares({k: n / lengths[k] for k, n in counts.items()}, counts), known=None, cpu=profile[0],
                    memory=profile[1], build_cpu=build[0] + cost[0], build_memory=build[1])
    return run


def run_sourmash(binary, folder):
    genomes = sorted(os.path.join(folder, "db", name) for name in os.listdir(folder + "/db"))
    build = measured([binary, "sketch", "dna", "-p", "k=31,scaled=1000", "--name-from-first", "-o",
                      folder + "/sourmash_db.zip", *genomes])
    reads = measured([binary, "sketch", "dna", "-p", "k=31,scaled=1000,abund", "--merge", "s", "-o", folder + "/sourmash_s.zip",
                      folder + "/s_R1.fastq", folder + "/s_R2.fastq"])
    gather = measured([binary, "gather", folder + "/sourmash_s.zip", folder + "/sourmash_db.zip", "-o",
                       folder + "/sourmash.csv"])
    species = {os.path.basename(row["file"]): row["species_id"] for row in genome_table(folder)}
    taxonomic, sequence = collections.Counter(), collections.Counter()
    by_name = {}
    for path in genomes:
        with open(path, encoding="utf-8") as lines:
            by_name[lines.readline()[1:].strip()] = species[os.path.basename(path)]
    if os.path.exists(folder + "/sourmash.csv"):
        with open(folder + "/sourmash.csv", encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                key = by_name[row["name"]]
                taxonomic[key] += float(row["average_abund"])
                sequence[key] += float(row["f_unique_weighted"])
    return dict(called=shares(taxonomic, sequence), known=sum(sequence.values()), cpu=reads[0] + gather[0],
                memory=max(reads[1], gather[1]), build_cpu=build[0], build_memory=build[1])


def jobs(name, path, tools):
    """Name of each result → function of the set's folder."""
    if name == "sylph":
        return {"sylph": lambda folder: run_sylph(path, folder)}
    if name == "sourmash":
        return {"sourmash": lambda folder: run_sourmash(path, folder)}
    if name == "kraken2":
        return {"kraken2": run_kraken2(path, 0), "kraken2_c0.1": run_kraken2(path, 0.1)}
    if name == "bracken":
        return {"bracken": run_bracken(path, tools["kraken2"], 0), "bracken_c0.1": run_bracken(path, tools["kraken2"], 0.1)}
    raise SystemExit(f"unknown peer {name}")
