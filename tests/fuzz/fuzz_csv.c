#include "services/cli/import_file.h"
#include "services/cli/plan_file.h"
#include "tests/fuzz/fuzz.h"

/* The first byte says what the file is taken for; successions follow the units after a NUL. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e;
    if (size == 0)
        return 0;
    struct slice csv = slice_of(data + 1, size - 1);
    if (data[0] == 'i') {
        struct import_file f;
        if (import_file_read("f.csv", csv, 0, true, &f, &e) == 0)
            import_file_fini(&f);
        return 0;
    }
    struct plan_file p;
    const uint8_t *nul = memchr(csv.data, 0, csv.len);
    size_t units = nul ? (size_t)(nul - (const uint8_t *)csv.data) : csv.len;
    struct slice rest = nul ? slice_of(nul + 1, csv.len - units - 1) : slice_of(NULL, 0);
    if (plan_file_parse_units("u.csv", slice_of(csv.data, units), "s.csv", rest, &p, &e) == 0)
        plan_file_fini(&p);
    return 0;
}
