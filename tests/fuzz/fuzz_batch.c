#include "common/base/check.h"
#include "common/wire/wire.h"
#include "tests/fuzz/fuzz.h"

/* What was read once is written and read again the same. */
static void read_again(const struct batch *b, struct arena *arena)
{
    struct buf bytes = {0};
    struct batch again;
    wire_pack_batch(b, &bytes);
    if (bytes.len <= BATCH_PAYLOAD_BYTES_MAX) {
        int rc = wire_unpack_batch(buf_slice(&bytes), arena, &again, NULL);
        require(rc == 0);
        require(again.row_count == b->row_count);
        for (uint32_t i = 0; i < b->row_count; i++)
            require(again.days[i] == b->days[i] && again.values[i] == b->values[i]);
    }
    buf_fini(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct batch b;
    struct err err;
    arena_init(&arena, 0);
    if (wire_unpack_batch(slice_of(data, size), &arena, &b, &err) == 0)
        read_again(&b, &arena);
    arena_fini(&arena);
    return 0;
}
