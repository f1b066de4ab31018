#include "simulate/cohort.h"

#include "core/ordered_batches.h"
#include "core/output.h"
#include "simulate/cytof.h"
#include "simulate/microbiome.h"
#include "simulate/peptide.h"
#include "simulate/scrna.h"

namespace immucan::simulate {
namespace {

struct Batch {
  const SamplePlan* sample = nullptr;
  std::vector<SimulatedFile> files;
};

void write(core::OutputSet& outputs, const std::vector<SimulatedFile>& files) {
  for (const SimulatedFile& file : files) {
    core::OutputFile& out = outputs.add(file.path);
    out.write(file.bytes);
    out.finish();  // hundreds of files: do not keep them all open
  }
}

}  // namespace

void write_cohort(const Options& options, const std::filesystem::path& directory, core::RunContext& context) {
  const Cohort cohort = plan_cohort(options);
  core::OutputSet outputs = core::OutputSet::folder(context, directory);
  const Transcriptome transcriptome(options);
  const Microbes microbes(options);
  const Proteome proteome(cohort);
  write(outputs, cohort_tables(cohort));
  write(outputs, {simulate_gates(), proteome.file()});
  write(outputs, transcriptome.files());
  write(outputs, microbes.files());

  std::size_t next = 0;
  core::ordered_batches<Batch>(
      {.threads = context.threads, .slots = 0, .interrupt = &context.interrupt, .background = {}},
      [&](Batch& batch) {
        if (next == cohort.samples.size()) return false;
        batch.sample = &cohort.samples[next++];
        return true;
      },
      [&](Batch& batch) {
        const SamplePlan& sample = *batch.sample;
        if (sample.modality == "cytof") {
          batch.files = {simulate_cytof(cohort, sample)};
        } else if (sample.modality == "scrna") {
          batch.files = transcriptome.simulate(cohort, sample);
        } else if (sample.modality == "peptide") {
          batch.files = {proteome.simulate(cohort, sample)};
        } else {
          batch.files = microbes.simulate(cohort, sample);
        }
      },
      [&](Batch& batch) {
        write(outputs, batch.files);
        batch.files.clear();
      });
  outputs.count("patients", static_cast<std::int64_t>(cohort.patients.size()));
  outputs.count("samples", static_cast<std::int64_t>(cohort.samples.size()));
  outputs.commit();
}

}  // namespace immucan::simulate
