#include "cli/program.h"

int main(int argc, char** argv) {
  return immucan::cli::guarded_main("cytof-normalize", argc, argv, [](immucan::cli::Program&) {});
}
