#pragma once
// What libhdf5 keeps of a damaged file that it refuses halfway is never given back: its loss, not ours. Our own memory
// is still watched. For the one source of a test program.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libhdf5";
}
