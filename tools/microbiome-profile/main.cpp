#include "bracken.h"
#include "build.h"
#include "cli/program.h"
#include "merge.h"
#include "profile.h"

int main(int argc, char** argv) {
  return immucan::cli::guarded_main("microbiome-profile", argc, argv, [](immucan::cli::Program& program) {
    program.description("Who is there, how much, and how much nobody knows: profiles of metagenomes");
    program.add(immucan::microbiome_profile::build_command());
    program.add(immucan::microbiome_profile::profile_command());
    program.add(immucan::microbiome_profile::merge_command());
    program.add(immucan::microbiome_profile::bracken_command());
  });
}
