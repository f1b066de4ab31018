// Many profiles as one table.
#include <catch2/catch.hpp>
#include <cmath>

#include "core/error.h"
#include "microbiome/profile_merge.h"
#include "unit/microbiome/world.h"

using namespace immucan;
using namespace immucan::microbiome;

namespace {

const std::string kHeader =
    "taxid\trank\tname\ttaxonomic_abundance\tsequence_abundance\treads\tcoverage\tani\tlower\tupper\tdetection_limit\t"
    "genome_length\tlineage\n";

/// Two profiles of ours and one of CAMI's.
struct Inputs {
  Folder folder;
  Context run;
  Inputs() {
    folder.write("a/A.profile.tsv", kHeader +
                                        "2\tdomain\tBacteria\t1\t1\t100\t3\tNA\t1\t1\tNA\tNA\tk__B\n"
                                        "20\tspecies\tx\t0.75\t0.6\t60\t2.25\t0.99\t0.7\t0.8\t0.01\t1000\tk__B;s__x\n"
                                        "30\tspecies\ty\t0.25\t0.4\t40\t0.75\t0.99\t0.2\t0.3\t0.02\t500\tk__B;s__y\n");
    folder.write("a/A.summary.json",
                 R"({"sample_id":"A","input_fragments":200,"host_fraction":0.25,"unknown_fraction":0.1,"shannon":0.56,)"
                 R"("total_coverage":3,"detectable_bases":30})");
    folder.write("b/B.profile.tsv", kHeader + "30\tspecies\ty\t1\t1\t10\t1\t0.99\t1\t1\t0.03\t500\tk__B;s__y\n");
    folder.write("b/B.summary.json", R"({"sample_id":"B","total_coverage":1,"detectable_bases":10,"shannon":null})");
    folder.write("C.cami",
                 "@SampleID:C\n@Version:0.9.1\n@Ranks:superkingdom|species\n"
                 "@@TAXID\tRANK\tTAXPATH\tTAXPATHSN\tPERCENTAGE\n20\tspecies\t2|20\tB|x\t40\n");
  }
  MergedProfiles merge(const std::vector<fs::path>& files) {
    std::vector<fs::path> paths;
    for (const auto& file : files) paths.push_back(folder.path / file);
    return merge_profiles(paths, "species", run);
  }
};

}  // namespace

TEST_CASE("what a sample lacks is 0, with the limit from which it would have been noticed") {
  Inputs inputs;
  const auto merged = inputs.merge({"a", "b/B.profile.tsv", "C.cami"});
  REQUIRE(merged.taxa.size() == 2);
  REQUIRE(merged.samples.size() == 3);
  CHECK(merged.taxa[0].taxid == "20");
  CHECK(merged.taxonomic_abundance == std::vector<double>{0.75, 0, 0.4, 0.25, 1, 0});
  CHECK(merged.reads[merged.at(0, 1)] == 0);
  CHECK(std::isnan(merged.reads[merged.at(0, 2)]));
  // B lacks species 20 of 1000 bases: 10 bases would do, a depth of 0.01 beside 1.
  CHECK(merged.detection_limits[merged.at(0, 1)] == Approx(0.01 / 1.01));
  CHECK(merged.detection_limits[merged.at(1, 0)] == 0.02);  // as the profile says
  CHECK(std::isnan(merged.detection_limits[merged.at(1, 2)]));
  CHECK(merged.samples[0].fragments == 200);
  CHECK(std::isnan(merged.samples[1].shannon));
  CHECK(merged_tsv(merged, Measure::kTaxonomicAbundance) ==
        "taxid\trank\tname\tlineage\tA\tB\tC\n20\tspecies\tx\tk__B;s__x\t0.75\t0\t0.4\n"
        "30\tspecies\ty\tk__B;s__y\t0.25\t1\t0\n");
  CHECK(merged_samples_tsv(merged).find("A\t200\t0.25\t0.1\t0.56\t2\n") != std::string::npos);
}

TEST_CASE("merged containers are read back as they were") {
  Inputs inputs;
  const auto merged = inputs.merge({"a", "b"});
  io::write_biom(inputs.folder.path / "m.biom", merged_biom(merged));
  const auto biom = io::read_biom(inputs.folder.path / "m.biom", inputs.run);
  CHECK(biom.observation_ids == std::vector<std::string>{"20", "30"});
  CHECK(biom.sample_ids == std::vector<std::string>{"A", "B"});
  CHECK(biom.values.value == std::vector<double>{60, 40, 10});
  io::write_anndata(inputs.folder.path / "m.h5ad", merged_anndata(merged));
  const auto data = io::read_anndata(inputs.folder.path / "m.h5ad", inputs.run, {.keep_dense = true});
  CHECK(data.obs.index == biom.sample_ids);
  REQUIRE(data.dense_x);
  CHECK(data.dense_x->values == std::vector<double>{0.75, 0.25, 0, 1});
  CHECK(data.dense_layers.size() == 4);
}

TEST_CASE("contaminants are taken out and abundances scaled") {
  Inputs inputs;
  auto merged = inputs.merge({"a", "b"});
  merged.contaminants.resize(2);
  merged.contaminants[0].contaminant = true;
  remove_contaminants(merged, {{"A", "sample", "", {}}, {"B", "blank", "", {}}});
  REQUIRE(merged.taxa.size() == 1);
  REQUIRE(merged.samples.size() == 1);
  CHECK(merged.taxonomic_abundance == std::vector<double>{1});
  CHECK(merged.reads == std::vector<double>{40});
  CHECK(merged.contaminants.size() == 1);
}

TEST_CASE("samples twice, folders of nothing, broken profiles, samples without a control") {
  Inputs inputs;
  const auto status = [&](const std::vector<fs::path>& files, const std::string& words) {
    try {
      (void)inputs.merge(files);
    } catch (const core::Error& error) {
      INFO(error.what());
      CHECK(std::string(error.what()).find(words) != std::string::npos);
      return error.status();
    }
    return core::Status::kOk;
  };
  CHECK(status({"a", "a/A.profile.tsv"}, "the sample 'A' is in") == core::Status::kBadInput);
  fs::create_directories(inputs.folder.path / "none");
  CHECK(status({"none"}, "the folder holds no file") == core::Status::kNoInput);
  CHECK(status({"absent.tsv"}, "absent.tsv") == core::Status::kNoInput);
  const auto broken = [&](const std::string& text, const std::string& words) {
    inputs.folder.write("x.profile.tsv", text);
    CHECK(status({"x.profile.tsv"}, words) == core::Status::kBadInput);
  };
  const std::string row = "20\tspecies\tx\t0.75\t0.6\t60\t2.25\t0.99\t0.7\t0.8\t0.01\t1000\tk__B;s__x\n";
  broken("taxid\trank\n", "column 'name' is missing");
  broken(kHeader + row + row, "x.profile.tsv:3:1: column 'taxid': taxid 20 appears");
  broken(kHeader + "20\tspecies\tx\t1.75\t0.6\t60\t2.25\t0.99\t0.7\t0.8\t0.01\t1000\tk\n", "1.75 is not from 0 to 1");
  broken(kHeader + "x\tspecies\tx\t0.75\t0.6\t60\t2.25\t0.99\t0.7\t0.8\t0.01\t1000\tk\n", "the taxid 'x'");
  inputs.folder.write("a/A.summary.json", "{");
  CHECK(status({"a"}, "A.summary.json: this is not a JSON object") == core::Status::kBadInput);
  auto merged = inputs.merge({"b"});
  CHECK_THROWS_WITH(add_contaminants(merged, {}, "c.tsv", {}), Catch::Contains("c.tsv: the sample 'B' has no row"));
}
