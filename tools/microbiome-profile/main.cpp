#include "cli/program.h"

int main(int argc, char** argv) {
  return immucan::cli::guarded_main("microbiome-profile", argc, argv, [](immucan::cli::Program&) {});
}
