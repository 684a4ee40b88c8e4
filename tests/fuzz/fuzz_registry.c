#include "common/wire/wire.h"
#include "tests/fuzz/fuzz.h"

/* The first byte says which document the rest is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct slice rest = slice_of(data + 1, size - 1);
    struct arena arena;
    struct err err;
    struct catalogue_spec spec;
    struct plan plan;
    struct producer_change change;
    struct wire_apply apply;
    arena_init(&arena, 0);
    if (data[0] == 0)
        wire_unpack_catalogue(rest, &arena, &spec, &err);
    else if (data[0] == 1 && wire_unpack_plan(rest, &arena, &plan, &err) == 0)
        plan_check(&plan, &err);
    else if (data[0] == 2)
        wire_unpack_producer_change(rest, &arena, &change, &err);
    else if (data[0] == 3)
        wire_unpack_apply(rest, &arena, &apply, &err);
    arena_fini(&arena);
    return 0;
}
