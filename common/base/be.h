/* Big-endian integers into memory of the caller's: keys, where byte order is logical order, and
 * small records of fixed size. What grows is written with buf.h, which also reads. */
#ifndef TONGHOP_BASE_BE_H
#define TONGHOP_BASE_BE_H

#include <stdint.h>

static inline void be_put_u16(uint8_t out[2], uint16_t v)
{
    out[0] = (uint8_t)(v >> 8);
    out[1] = (uint8_t)v;
}

static inline void be_put_u32(uint8_t out[4], uint32_t v)
{
    be_put_u16(out, (uint16_t)(v >> 16));
    be_put_u16(out + 2, (uint16_t)v);
}

static inline void be_put_u64(uint8_t out[8], uint64_t v)
{
    be_put_u32(out, (uint32_t)(v >> 32));
    be_put_u32(out + 4, (uint32_t)v);
}

#endif
