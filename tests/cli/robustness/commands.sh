# The main job of every executable on a tiny simulated cohort; sourced by the robustness tests.
# prepare_cohort makes ./c; run_tool TOOL OUT [OPTIONS…] runs one main job into OUT.

prepare_cohort() {
  simulate-cohort --small --patients 6 --seed 3 -q -o c
  fcs=$(ls c/raw/*cytof/*.fcs | head -n 1)
  read1=$(ls c/raw/*scrna/*_R1.fastq.gz | head -n 1)
  spectra=$(ls c/raw/*peptide/*.mzML.gz | head -n 1)
  metagenome=$(ls c/raw/*stool*/*_R1.fastq.gz | head -n 1)
  microbes=c/reference/microbes
  scrna-count index -q --genome c/reference/genome.fa.gz --gtf c/reference/genes.gtf.gz -o genes.idx
  microbiome-profile build -q --genomes $microbes/genome_tax.tsv --taxonomy $microbes/taxonomy \
    --genome-taxa $microbes/genome_tax.tsv --host $microbes/host.fa.gz -o microbes.db
  cohort-registry init -q registry.db
  cohort-registry import -q registry.db clinical c/clinical.tsv
  cytof-normalize normalize -q -o n "$fcs"
  cytof-normalize phenotype -q --gates c/reference/gates.tsv --sample "$(basename "$(dirname "$fcs")")" -o f n/*.normalized.fcs
}

run_tool() {
  local tool=$1 out=$2
  shift 2
  case $tool in
    cytof-normalize) cytof-normalize normalize -q -o "$out" "$@" "$fcs" ;;
    cytof-phenotype) cytof-normalize phenotype -q --gates c/reference/gates.tsv --sample S -o "$out" "$@" n/*.normalized.fcs ;;
    scrna-index) scrna-count index -q --genome c/reference/genome.fa.gz --gtf c/reference/genes.gtf.gz -o "$out/x.idx" "$@" ;;
    scrna-count) scrna-count count -q -i genes.idx --chemistry 10xv3 --whitelist c/reference/whitelist.txt.gz \
      -1 "$read1" -2 "${read1/_R1/_R2}" --sample S -o "$out" "$@" ;;
    peptide-match) peptide-match search -q -f c/reference/proteome.fasta --preset hla1 --sample S -o "$out" "$@" "$spectra" ;;
    microbiome-build) microbiome-profile build -q --genomes $microbes/genome_tax.tsv --taxonomy $microbes/taxonomy \
      --genome-taxa $microbes/genome_tax.tsv --host $microbes/host.fa.gz -o "$out/x.db" "$@" ;;
    microbiome-profile) microbiome-profile profile -q --db microbes.db -1 "$metagenome" -2 "${metagenome/_R1/_R2}" --sample S \
      -o "$out" "$@" ;;
    biomarker-score) biomarker-score assemble -q --samples c/samples.tsv --features f/*.features.tsv -o "$out/x.tsv" "$@" ;;
    cohort-registry) cohort-registry list -q registry.db "$@" > "$out/list.tsv" ;;
  esac
}

all_tools="cytof-normalize cytof-phenotype scrna-index scrna-count peptide-match microbiome-build microbiome-profile biomarker-score cohort-registry"
