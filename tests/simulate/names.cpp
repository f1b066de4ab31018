#include "simulate/names.h"

#include <array>

namespace immucan::simulate {
namespace {

// Cell types: m malignant, c CD8 T, h CD4 T, b B, p plasma, n NK, y myeloid, f fibroblast, e endothelial.
constexpr auto kGenes = std::to_array<GeneName>({
    {"ACTB", "*"},    {"GAPDH", "*"},    {"B2M", "*"},     {"HLA-A", "*"},   {"HLA-B", "*"},    {"HLA-C", "*"},
    {"RPLP0", "*"},   {"RPL13A", "*"},   {"RPS18", "*"},   {"EEF1A1", "*"},  {"TUBA1B", "*"},   {"TMSB4X", "*"},
    {"FTL", "*"},     {"FTH1", "*"},     {"UBC", "*"},     {"PPIA", "*"},    {"VIM", "cyfe"},   {"HSP90AA1", "*"},
    {"HSPA8", "*"},   {"CALM1", "*"},    {"ENO1", "m*"},   {"LDHA", "m*"},   {"PGK1", "*"},     {"TPI1", "*"},
    {"EPCAM", "m"},   {"KRT7", "m"},     {"KRT8", "m"},    {"KRT18", "m"},   {"KRT19", "m"},    {"KRT5", ""},
    {"KRT14", ""},    {"KRT17", "m"},    {"CDH1", "m"},    {"MUC1", "m"},    {"MUC2", ""},      {"CEACAM5", "m"},
    {"CEACAM6", "m"}, {"ERBB2", "m"},    {"EGFR", "m"},    {"MET", "m"},     {"MKI67", "m"},    {"TOP2A", "m"},
    {"PCNA", "m"},    {"CCND1", "m"},    {"CCNB1", "m"},   {"CDK4", "m"},    {"MYC", "m"},      {"SOX2", ""},
    {"SOX9", "m"},    {"TP63", ""},      {"TP53", ""},     {"KRAS", ""},     {"PIK3CA", ""},    {"APC", ""},
    {"GATA3", ""},    {"ESR1", ""},      {"PGR", ""},      {"CDX2", ""},     {"NKX2-1", ""},    {"TFF3", "m"},
    {"AGR2", "m"},    {"CLDN4", "m"},    {"CLDN18", ""},   {"LGALS4", "m"},  {"S100A4", "my"},  {"S100A6", "mf"},
    {"VEGFA", "m"},   {"CD274", "my"},   {"IDO1", "my"},   {"NECTIN2", "m"}, {"CD47", "m"},     {"TGFB1", "yf"},
    {"CD3D", "ch"},   {"CD3E", "ch"},    {"CD3G", "ch"},   {"CD2", "chn"},   {"CD5", "h"},      {"CD7", "cn"},
    {"TRAC", "ch"},   {"TRBC1", "ch"},   {"IL7R", "h"},    {"CD8A", "c"},    {"CD8B", "c"},     {"GZMA", "cn"},
    {"GZMB", "cn"},   {"GZMK", "c"},     {"GZMH", "cn"},   {"PRF1", "cn"},   {"IFNG", "c"},     {"TNF", ""},
    {"NKG7", "cn"},   {"GNLY", "n"},     {"CCL4", "cn"},   {"CCL5", "cn"},   {"PDCD1", "c"},    {"LAG3", "c"},
    {"HAVCR2", "c"},  {"TIGIT", "ch"},   {"TOX", "c"},     {"CXCL13", "c"},  {"ENTPD1", "c"},   {"ITGAE", "c"},
    {"CXCR6", "c"},   {"TNFRSF9", "c"},  {"CD4", "hy"},    {"FOXP3", "h"},   {"IL2RA", "h"},    {"CTLA4", "h"},
    {"ICOS", "h"},    {"CCR7", "h"},     {"SELL", "hb"},   {"TCF7", "h"},    {"LEF1", "h"},     {"CD40LG", "h"},
    {"TNFRSF4", "h"}, {"TNFRSF18", "h"}, {"IL32", "chn"},  {"CCR8", "h"},    {"IKZF2", "h"},    {"CXCR4", "chb"},
    {"CXCR5", "b"},   {"MS4A1", "b"},    {"CD19", "b"},    {"CD79A", "bp"},  {"CD79B", "b"},    {"BANK1", "b"},
    {"PAX5", "b"},    {"CD22", "b"},     {"CR2", "b"},     {"MZB1", "p"},    {"JCHAIN", "p"},   {"XBP1", "p"},
    {"SDC1", "p"},    {"IGHG1", "p"},    {"IGKC", "bp"},   {"IGHA1", "p"},   {"TNFRSF17", "p"}, {"NCAM1", "n"},
    {"KLRD1", "n"},   {"KLRF1", "n"},    {"KLRC1", "n"},   {"KLRB1", "nh"},  {"FCGR3A", "ny"},  {"XCL1", "n"},
    {"XCL2", "n"},    {"NCR1", "n"},     {"CD14", "y"},    {"CD68", "y"},    {"LYZ", "y"},      {"S100A8", "y"},
    {"S100A9", "y"},  {"CD163", "y"},    {"MRC1", "y"},    {"SPP1", "y"},    {"C1QA", "y"},     {"C1QB", "y"},
    {"C1QC", "y"},    {"APOE", "y"},     {"TREM2", "y"},   {"CXCL9", "y"},   {"CXCL10", "y"},   {"CXCL8", "y"},
    {"FCN1", "y"},    {"IL1B", "y"},     {"IL10", ""},     {"CD74", "by"},   {"HLA-DRA", "by"}, {"HLA-DRB1", "by"},
    {"HLA-E", "*"},   {"FCER1G", "yn"},  {"TYROBP", "yn"}, {"ITGAX", "y"},   {"ITGAM", "y"},    {"CSF1R", "y"},
    {"CLEC9A", ""},   {"LAMP3", ""},     {"CD1C", "y"},    {"MARCO", "y"},   {"ARG1", ""},      {"VSIR", "y"},
    {"COL1A1", "f"},  {"COL1A2", "f"},   {"COL3A1", "f"},  {"DCN", "f"},     {"LUM", "f"},      {"FAP", "f"},
    {"ACTA2", "f"},   {"TAGLN", "f"},    {"PDGFRA", "f"},  {"PDGFRB", "f"},  {"POSTN", "f"},    {"THY1", "f"},
    {"FN1", "f"},     {"CXCL12", "f"},   {"PECAM1", "e"},  {"VWF", "e"},     {"CDH5", "e"},     {"KDR", "e"},
    {"ENG", "e"},     {"CLDN5", "e"},    {"PLVAP", "e"},   {"FLT1", "e"},    {"STAT1", "*"},    {"IRF1", "*"},
    {"GBP1", "ye"},   {"PSMB9", "*"},    {"TAP1", "*"},    {"JAK1", ""},     {"JAK2", ""},      {"IFNGR1", ""},
});

constexpr auto kFurtherGenes = std::to_array<std::string_view>({
    "PRAME",   "MAGEA4",  "MAGEA3",  "MAGEA1",  "MAGEC1",  "CTAG1B",    "SSX2",     "GAGE1",   "MLANA",   "PMEL",
    "TYR",     "WT1",     "BIRC5",   "TERT",    "FOLH1",   "KLK3",      "MSLN",     "FOLR1",   "CA9",     "AFP",
    "ACTG1",   "ACTN1",   "ACTN4",   "AHNAK",   "ALDOA",   "ANXA1",     "ANXA2",    "ANXA5",   "ARHGDIB", "ATP5F1A",
    "ATP5F1B", "CALR",    "CANX",    "CAPN1",   "CAPZA1",  "CAPZB",     "CCT2",     "CCT3",    "CCT4",    "CCT5",
    "CCT6A",   "CCT7",    "CCT8",    "CFL1",    "CLIC1",   "CLTC",      "COPA",     "COPB1",   "CORO1A",  "CSE1L",
    "CTNNA1",  "CTNNB1",  "CTSD",    "CTSB",    "CYCS",    "DDX3X",     "DDX5",     "DDX17",   "DDX21",   "DHX9",
    "DHX15",   "DNAJA1",  "DNAJB1",  "DYNC1H1", "EEF1B2",  "EEF1D",     "EEF1G",    "EEF2",    "EFTUD2",  "EIF2S1",
    "EIF3A",   "EIF3B",   "EIF3C",   "EIF3E",   "EIF3L",   "EIF4A1",    "EIF4A3",   "EIF4G1",  "EIF5A",   "EZR",
    "FASN",    "FBL",     "FLNA",    "FLNB",    "FUS",     "G3BP1",     "GANAB",    "GDI2",    "GPI",     "GSTP1",
    "HDAC1",   "HDAC2",   "HDLBP",   "HMGB1",   "HNRNPA1", "HNRNPA2B1", "HNRNPC",   "HNRNPD",  "HNRNPF",  "HNRNPH1",
    "HNRNPK",  "HNRNPL",  "HNRNPM",  "HNRNPR",  "HNRNPU",  "HSP90AB1",  "HSP90B1",  "HSPA4",   "HSPA5",   "HSPA9",
    "HSPB1",   "HSPD1",   "HSPE1",   "IARS1",   "ILF2",    "ILF3",      "IMMT",     "IPO5",    "IPO7",    "IQGAP1",
    "KHDRBS1", "KPNB1",   "LARS1",   "LASP1",   "LCP1",    "LMNA",      "LMNB1",    "LRPPRC",  "MAPK1",   "MARS1",
    "MATR3",   "MCM2",    "MCM3",    "MCM4",    "MCM5",    "MCM6",      "MCM7",     "MDH1",    "MDH2",    "MSN",
    "MYH9",    "MYL6",    "MYO1C",   "NAP1L1",  "NCL",     "NONO",      "NPM1",     "NUMA1",   "P4HB",    "PABPC1",
    "PARK7",   "PARP1",   "PCBP1",   "PCBP2",   "PDIA3",   "PDIA4",     "PDIA6",    "PFN1",    "PGAM1",   "PGD",
    "PHB1",    "PHB2",    "PHGDH",   "PKM",     "PLEC",    "PLS3",      "PPP1CA",   "PPP2R1A", "PRDX1",   "PRDX2",
    "PRDX6",   "PRKDC",   "PRPF8",   "PRPF19",  "PSMA1",   "PSMB4",     "PSMC1",    "PSMC2",   "PSMD1",   "PSMD2",
    "PSMD11",  "PTBP1",   "PTMA",    "RAB7A",   "RAC2",    "RACK1",     "RAN",      "RANBP2",  "RBBP4",   "RBBP7",
    "RBM39",   "RHOA",    "RPL3",    "RPL4",    "RPL5",    "RPL6",      "RPL7",     "RPL8",    "RPN1",    "RPN2",
    "RPS2",    "RPS3",    "RPS3A",   "RPS4X",   "RPS6",    "RPSA",      "RUVBL1",   "RUVBL2",  "SF3B1",   "SF3B3",
    "SFPQ",    "SLC25A3", "SLC25A5", "SMC1A",   "SMC3",    "SND1",      "SNRNP200", "SPTAN1",  "SPTBN1",  "SRSF1",
    "STIP1",   "STOML2",  "SYNCRIP", "TALDO1",  "TARDBP",  "TCP1",      "TKT",      "TLN1",    "TRAP1",   "TRIM28",
    "TUBB",    "TUBB4B",  "TUFM",    "TXN",     "U2AF2",   "UBA1",      "UQCRC1",   "USP5",    "VCL",     "VCP",
    "VDAC1",   "VDAC2",   "XPO1",    "XRCC5",   "XRCC6",   "YBX1",      "YWHAE",    "YWHAZ",   "ZYX",     "ZC3H15",
});

constexpr auto kSpecies = std::to_array<SpeciesName>({
    {"Akkermansia muciniphila", "Akkermansiaceae", 0, 0, 0.55, 2},
    {"Bifidobacterium longum", "Bifidobacteriaceae", 0, 0, 0.60, 2},
    {"Ruminococcus gnavus", "Lachnospiraceae", 0, 0, 0.43, 1},
    {"Hungatella hathewayi", "Lachnospiraceae", 0, 0, 0.48, 1},
    {"Ralstonia pickettii", "Burkholderiaceae", 0, 0, 0.63, 1},
    {"Bacteroides uniformis", "Bacteroidaceae", 0.12, 0, 0.46, 2},
    {"Bacteroides thetaiotaomicron", "Bacteroidaceae", 0.05, 0, 0.43, 1},
    {"Phocaeicola vulgatus", "Bacteroidaceae", 0.14, 0, 0.42, 2},
    {"Segatella copri", "Prevotellaceae", 0.10, 0, 0.45, 1},
    {"Faecalibacterium prausnitzii", "Oscillospiraceae", 0.10, 0, 0.56, 2},
    {"Agathobacter rectalis", "Lachnospiraceae", 0.07, 0, 0.42, 1},
    {"Roseburia intestinalis", "Lachnospiraceae", 0.04, 0, 0.43, 1},
    {"Blautia obeum", "Lachnospiraceae", 0.03, 0, 0.42, 1},
    {"Anaerostipes hadrus", "Lachnospiraceae", 0.03, 0, 0.37, 1},
    {"Alistipes putredinis", "Rikenellaceae", 0.04, 0, 0.53, 1},
    {"Parabacteroides distasonis", "Tannerellaceae", 0.03, 0, 0.45, 1},
    {"Collinsella aerofaciens", "Coriobacteriaceae", 0.03, 0, 0.60, 1},
    {"Ruminococcus bromii", "Oscillospiraceae", 0.05, 0, 0.41, 1},
    {"Dialister invisus", "Veillonellaceae", 0.02, 0, 0.45, 1},
    {"Escherichia coli", "Enterobacteriaceae", 0.015, 0, 0.51, 2},
    {"Methanobrevibacter smithii", "Methanobacteriaceae", 0.015, 0, 0.31, 1},
    {"Streptococcus salivarius", "Streptococcaceae", 0.015, 0.15, 0.40, 2},
    {"Streptococcus mitis", "Streptococcaceae", 0, 0.12, 0.40, 1},
    {"Rothia mucilaginosa", "Micrococcaceae", 0, 0.10, 0.59, 1},
    {"Prevotella melaninogenica", "Prevotellaceae", 0, 0.15, 0.41, 1},
    {"Veillonella atypica", "Veillonellaceae", 0.01, 0.12, 0.39, 1},
    {"Haemophilus parainfluenzae", "Pasteurellaceae", 0, 0.10, 0.39, 1},
    {"Neisseria subflava", "Neisseriaceae", 0, 0.10, 0.49, 1},
    {"Porphyromonas gingivalis", "Porphyromonadaceae", 0, 0.04, 0.48, 1},
    {"Fusobacterium nucleatum", "Fusobacteriaceae", 0, 0.05, 0.27, 1},
    {"Schaalia odontolytica", "Actinomycetaceae", 0, 0.07, 0.65, 1},
});

constexpr auto kGeneSets = std::to_array<GeneSet>({
    {"CYTOLYTIC_ACTIVITY", "Granzyme A and perforin (Rooney 2015)", "GZMA PRF1"},
    {"IFNG_RESPONSE", "Interferon gamma related genes (after Ayers 2017)", "IDO1 CXCL10 CXCL9 HLA-DRA STAT1 IFNG"},
    {"CD8_T_CELLS", "Markers of CD8 T cells", "CD8A CD8B GZMK GZMA PRF1 NKG7 CCL5"},
    {"T_CELL_EXHAUSTION", "Inhibitory receptors of T cells", "PDCD1 LAG3 HAVCR2 TIGIT TOX ENTPD1 CTLA4"},
    {"REGULATORY_T_CELLS", "Markers of regulatory T cells", "FOXP3 IL2RA CTLA4 CCR8 IKZF2 TNFRSF18 TNFRSF4"},
    {"B_CELLS", "Markers of B cells", "MS4A1 CD19 CD79A CD79B BANK1 PAX5 CD22"},
    {"MACROPHAGES", "Markers of macrophages", "CD68 CD163 MRC1 C1QA C1QB C1QC APOE CSF1R"},
    {"FIBROBLASTS", "Markers of fibroblasts", "COL1A1 COL1A2 COL3A1 DCN LUM FAP POSTN"},
    {"PROLIFERATION", "Genes of dividing cells", "MKI67 TOP2A PCNA CCNB1 CDK4"},
    {"EPITHELIAL", "Epithelial differentiation", "EPCAM KRT8 KRT18 KRT19 CDH1 MUC1 CLDN4"},
});

}  // namespace

std::span<const GeneName> genes() {
  return kGenes;
}
std::span<const std::string_view> further_genes() {
  return kFurtherGenes;
}
std::span<const SpeciesName> species() {
  return kSpecies;
}
std::span<const GeneSet> gene_sets() {
  return kGeneSets;
}

}  // namespace immucan::simulate
