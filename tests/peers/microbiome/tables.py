"""Pooled figures of all tools, from the stored results."""
import statistics

COVERAGE = [(0.0, 0.003), (0.003, 0.01), (0.01, 0.1), (0.1, float("inf"))]
PAIRS = [(0, 1), (1, 2), (2, 3), (3, 5), (5, 10), (10, 20), (20, 50), (50, 10**12)]


def distance(called, truth, key):
    total = sum(c[key] for c in called.values()) or 1.0
    return sum(abs(called.get(s, {key: 0})[key] / total - truth.get(s, {key: 0})[key]) for s in set(called) | set(truth))


def spread(values):
    return f"{statistics.median(values):.3g} ({min(values):.3g}-{max(values):.3g})" if values else "-"


def recall_curve(name, results, truth, key, bins):
    cells = []
    for low, high in bins:
        found = total = 0
        for seed, result in results.items():
            for species, entry in truth[seed]["species"].items():
                if low <= entry[key] < high:
                    total += 1
                    found += species in result["called"]
        cells.append(f"{low:g}-{high:g}: {found}/{total}" + (f" = {found / total:.3f}" if total else ""))
    print(f"  {name:14} recall by {key:8} " + "   ".join(cells))


def show_tool(name, results, truth, floors):
    hits = called = true = 0
    taxonomic, sequence, known, covered, intervals = [], [], [], 0, 0
    for seed, result in sorted(results.items()):
        species = truth[seed]["species"]
        hits += len(set(species) & set(result["called"]))
        called += len(result["called"])
        true += len(species)
        taxonomic.append(distance(result["called"], species, "taxonomic") / floors[seed][0])
        sequence.append(distance(result["called"], species, "sequence") / floors[seed][1])
        if result.get("known") is not None:
            known.append(100 * (result["known"] - truth[seed]["known_fraction"]))
        for key, entry in result["called"].items():
            if "lower" in entry and key in species:
                intervals += 1
                covered += entry["lower"] <= species[key]["taxonomic"] <= entry["upper"]
    precision, recall = hits / max(1, called), hits / max(1, true)
    print(f"\n{name}: {len(results)} sets")
    print(f"  T1 precision {precision:.4f}  recall {recall:.4f}  F1 {2 * precision * recall / max(1e-9, precision + recall):.4f}"
          f"  ({hits} of {true} found, {called - hits} false)")
    recall_curve("T2", results, truth, "coverage", COVERAGE)
    recall_curve("T2", results, truth, "pairs", PAIRS)
    print(f"  T3 L1 / floor, median (range): taxonomic {spread(taxonomic)}, sequence {spread(sequence)};"
          f" sets within 1.4: {sum(x <= 1.4 for x in taxonomic)}, within 2.3: {sum(x <= 2.3 for x in sequence)}")
    if known:
        print(f"  T4 known share, error in points: {spread(known)}; within 1.5: {sum(abs(x) <= 1.5 for x in known)} of {len(known)}")
    if intervals:
        print(f"  T10 truth within the 95 % interval: {covered} of {intervals} = {100 * covered / intervals:.1f} %")
    print(f"  CPU s: profile {spread([r['cpu'] for r in results.values()])}, build"
          f" {spread([r['build_cpu'] for r in results.values()])}; MB: profile {spread([r['memory'] for r in results.values()])},"
          f" build {spread([r['build_memory'] for r in results.values()])}")


def show_detail(results, truth, floors):
    for seed, result in sorted(results.items()):
        species = truth[seed]["species"]
        totals = {key: sum(c[key] for c in result["called"].values()) for key in ("taxonomic", "sequence")}
        print(f"\nset {seed}: floors {floors[seed][0]:.4f} {floors[seed][1]:.4f},"
              f" L1 {distance(result['called'], species, 'taxonomic'):.4f} {distance(result['called'], species, 'sequence'):.4f}")
        for key, entry in sorted(species.items(), key=lambda item: -item[1]["sequence"]):
            mine = result["called"].get(key)
            kinds = ",".join(f"{kind}{'' if ani == 'None' else ':' + ani}@{depth:.3g}" for kind, ani, depth in entry["kinds"])
            if mine is None:
                print(f"  {key:>6} missed: {entry['pairs']} pairs, {kinds}")
                continue
            t, s = mine["taxonomic"] / totals["taxonomic"], mine["sequence"] / totals["sequence"]
            print(f"  {key:>6} taxonomic {entry['taxonomic']:.5f} {t / entry['taxonomic'] - 1:+.1%} (L1 {abs(t - entry['taxonomic']):.4f})"
                  f"  sequence {entry['sequence']:.5f} {s / entry['sequence'] - 1:+.1%} (L1 {abs(s - entry['sequence']):.4f}) {kinds}")
        for key in set(result["called"]) - set(species):
            print(f"  {key:>6} false")


def show(results, detail):
    truth = results["truth"]
    floors = {seed: (entry["floor_taxonomic"], entry["floor_sequence"]) for seed, entry in truth.items()}
    print(f"{len(truth)} sets, {sum(len(entry['species']) for entry in truth.values())} species present; floors:"
          f" taxonomic {spread([f[0] for f in floors.values()])}, sequence {spread([f[1] for f in floors.values()])}")
    for name, entries in results.items():
        if name == "truth":
            continue
        show_tool(name, entries, truth, floors)
        if detail and name not in ("sylph", "sourmash") and not name.startswith(("kraken2", "bracken")):
            show_detail(entries, truth, floors)
