#include "common/wire/wire.h"

void wire_head_encode(const struct wire_head *h, uint8_t out[WIRE_HEAD_BYTES])
{
    memset(out, 0, WIRE_HEAD_BYTES);
    out[0] = h->version;
    out[1] = h->kind;
    for (unsigned i = 0; i < 8; i++)
        out[4 + i] = (uint8_t)(h->id >> (56 - 8 * i));
    memcpy(out + 12, h->spool.bytes, SPOOL_ID_BYTES);
}

int wire_head_decode(struct slice frame, struct wire_head *out, struct err *err)
{
    if (frame.len != WIRE_HEAD_BYTES)
        return err_set(err, ERR_INVALID, "head frame of %zu bytes instead of %d", frame.len,
                       WIRE_HEAD_BYTES);
    struct reader r = reader_of(frame);
    out->version = reader_u8(&r);
    out->kind = reader_u8(&r);
    uint16_t zero = reader_u16(&r);
    out->id = reader_u64(&r);
    memcpy(out->spool.bytes, reader_bytes(&r, SPOOL_ID_BYTES).data, SPOOL_ID_BYTES);
    if (out->version != WIRE_VERSION)
        return err_set(err, ERR_VERSION,
                       "head of protocol version %u: version %d is spoken here; install the same "
                       "release on both sides",
                       out->version, WIRE_VERSION);
    if (zero != 0)
        return err_set(err, ERR_INVALID, "head with %u where zero belongs; mend the sender", zero);
    return 0;
}
