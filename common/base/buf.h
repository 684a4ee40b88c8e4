/* Bytes being written (struct buf) and bytes being read (struct reader). The encodings of every
 * record that is ours are made of these: big-endian fixed integers (so that byte order is logical
 * order in keys), LEB128 varints, zigzag for signed ones. Never a memcpy of a struct. */
#ifndef TONGHOP_BASE_BUF_H
#define TONGHOP_BASE_BUF_H

#include "common/base/slice.h"

struct buf {
    uint8_t *data;
    size_t len; /* bytes */
    size_t cap;
};

void buf_init(struct buf *b); /* owns nothing yet; {0} is as good */
void buf_fini(struct buf *b);
void buf_clear(struct buf *b); /* keeps the memory */
void buf_reserve(struct buf *b, size_t more);
void buf_u8(struct buf *b, uint8_t v);
void buf_u16(struct buf *b, uint16_t v);
void buf_u32(struct buf *b, uint32_t v);
void buf_u64(struct buf *b, uint64_t v);
/* Signed, with the sign bit turned over: byte order is numeric order, for keys. */
void buf_i32_ordered(struct buf *b, int32_t v);
void buf_i64_ordered(struct buf *b, int64_t v);
void buf_varint(struct buf *b, uint64_t v);
void buf_zigzag(struct buf *b, int64_t v);
void buf_bytes(struct buf *b, const void *data, size_t len);
void buf_block(struct buf *b, struct slice s); /* varint length, then the bytes */
/* The text is followed by a NUL that `len` does not count. */
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline struct slice buf_slice(const struct buf *b)
{
    return slice_of(b->data, b->len);
}

/* Reading is sticky: past the end or malformed sets `bad`, and every later read gives zero; check
 * once at the end. A slice read stays borrowed from the memory under the reader. */
struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
};

struct reader reader_of(struct slice s);
uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
int32_t reader_i32_ordered(struct reader *r);
int64_t reader_i64_ordered(struct reader *r);
uint64_t reader_varint(struct reader *r); /* refuses more than ten bytes and bits past 64 */
int64_t reader_zigzag(struct reader *r);
struct slice reader_bytes(struct reader *r, size_t len);
struct slice reader_block(struct reader *r);
static inline bool reader_done(const struct reader *r) /* read to the end, nothing wrong */
{
    return !r->bad && r->at == r->end;
}

#endif
