#include "scrna/chemistry.h"

#include <array>

namespace immucan::scrna {

namespace {

// Layouts: 10x Genomics' user guides CG000204, CG000315, CG000331, CG000731; Macosko 2015 (Drop-seq, Cell 161:1202);
// Rosenberg 2018 (SPLiT-seq, Science 360:176, table S12); Parse Biosciences' second version with its shorter linker; BD
// Rhapsody's documentation, "Annotate R1 Cell Label and UMI".
struct Row {
  std::string_view name, description, geometry;
  bool sense;
  std::string_view barcode_list;
};
constexpr std::array<Row, 10> kRows = {{
    {"10xv2", "Single Cell 3' v2", "1{b[16]u[10]x:}2{r:}", true, "737K-august-2016.txt"},
    {"10xv3", "Single Cell 3' v3", "1{b[16]u[12]x:}2{r:}", true, "3M-february-2018.txt"},
    {"10xv4", "Single Cell 3' v4", "1{b[16]u[12]x:}2{r:}", true, "3M-3pgex-may-2023.txt"},
    {"10x5p", "Single Cell 5' R2-only", "1{b[16]u[10]x:}2{r:}", false, "737K-august-2016.txt"},
    {"10x5pv3", "Single Cell 5' R2-only v3", "1{b[16]u[12]x:}2{r:}", false, "3M-5pgex-jan-2023.txt"},
    {"dropseq", "Drop-seq", "1{b[12]u[8]x:}2{r:}", true, ""},
    {"splitseq", "SPLiT-seq",
     "1{r:}2{u[10]b[8]f[GTGGCCGATGTTTCGCATCGGCGTACGACT]b[8]f[ATCCACGTGCTTGAGAGGCCAGAGCATTCG]b[8]x:}", true,
     "the lists of rounds 3, 2 and 1"},
    {"splitseq2", "SPLiT-seq, second version",
     "1{r:}2{u[10]b[8]f[GTGGCCGATGTTTCGCATCGGCGTACGACT]b[8]f[ATCCACGTGCTTGAGACTGTGG]b[8]x:}", true,
     "the lists of rounds 3, 2 and 1"},
    {"bd", "BD Rhapsody", "1{b[9]f[ACTGGCCTGCGA]b[9]f[GGTAGCGGTGACA]b[9]u[8]x:}2{r:}", true,
     "the three lists of cell label sections"},
    {"bd-enhanced", "BD Rhapsody, enhanced beads", "1{x[0-3]b[9]f[GTGA]b[9]f[GACA]b[9]u[8]x:}2{r:}", true,
     "the three lists of cell label sections"},
}};

Chemistry chemistry_of(const Row& row) {
  return {std::string(row.name), std::string(row.description), Geometry(row.geometry), row.sense,
          std::string(row.barcode_list)};
}

}  // namespace

std::vector<Chemistry> chemistries() {
  std::vector<Chemistry> out;
  for (const Row& row : kRows) out.push_back(chemistry_of(row));
  return out;
}

std::optional<Chemistry> find_chemistry(std::string_view name) {
  for (const Row& row : kRows) {
    if (row.name == name) return chemistry_of(row);
  }
  if (name.find('{') != std::string_view::npos) return Chemistry{"geometry", "custom", Geometry(name), true, ""};
  return std::nullopt;
}

}  // namespace immucan::scrna
