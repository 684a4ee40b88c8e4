#include "services/cli/plan_file.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e;
    struct plan_file p;
    if (plan_file_parse("p.yaml", slice_of(data, size), &p, &e) == 0)
        plan_file_fini(&p);
    return 0;
}
