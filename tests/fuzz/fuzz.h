/* The entry point that libFuzzer calls, and the replay of the corpus by the ordinary test run. */
#ifndef TONGHOP_TESTS_FUZZ_H
#define TONGHOP_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
