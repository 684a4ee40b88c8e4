/* Random values and hostile bytes for the tests of common/wire. */
#ifndef TONGHOP_TESTS_WIRE_RANDOM_H
#define TONGHOP_TESTS_WIRE_RANDOM_H

#include <check.h>
#include <stdlib.h>

#include "common/wire/wire.h"

struct random {
    uint64_t state; /* never 0; print it when a test fails */
};

static inline uint64_t random_next(struct random *r)
{
    r->state ^= r->state << 13;
    r->state ^= r->state >> 7;
    r->state ^= r->state << 17;
    return r->state;
}

/* Of any size, small ones as often as large ones: varints of every length. */
static inline uint64_t random_u64(struct random *r)
{
    uint64_t bits = random_next(r) % 65;
    return bits == 0 ? 0 : random_next(r) >> (64 - bits);
}

static inline int64_t random_i64(struct random *r)
{
    return (int64_t)(random_u64(r) ^ (random_next(r) % 2 == 0 ? 0 : UINT64_MAX));
}

static inline uint32_t random_below(struct random *r, uint32_t n)
{
    return (uint32_t)(random_next(r) % n);
}

static inline day_t random_day(struct random *r)
{
    return (day_t)(DAY_FIRST + (int32_t)random_below(r, DAY_LAST - DAY_FIRST + 1));
}

/* Milliseconds of a day that may be. */
static inline int64_t random_time(struct random *r)
{
    return day_start_ms(random_day(r)) + random_below(r, 24 * 3600 * 1000);
}

static inline struct ident random_ident(struct random *r)
{
    static const char letters[] = "0123456789ABCXYZabcxyz._-";
    struct ident id = {0};
    size_t len = 1 + random_below(r, IDENT_BYTES_MAX);
    for (size_t i = 0; i < len; i++)
        id.text[i] = letters[random_below(r, sizeof letters - 1)];
    return id;
}

static inline struct ident random_ident_or_empty(struct random *r)
{
    return random_below(r, 3) == 0 ? (struct ident){0} : random_ident(r);
}

static inline const char *random_text(struct random *r)
{
    static const char *const texts[] = {"", "x", "Xã Đại Hợp", "hai dòng\nmột\ttab",
                                        "phường Gia Viên, quận Ngô Quyền"};
    return texts[random_below(r, sizeof texts / sizeof *texts)];
}

static inline void random_bytes(struct random *r, void *out, size_t len)
{
    uint8_t *bytes = out;
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)random_next(r);
}

/* A decoder under attack: takes any bytes and gives the code. */
typedef int decoder(struct slice s, struct arena *arena, struct err *err);

/* In memory of just that size, so that the sanitizer sees a read past the end. */
static inline int decode_exact(decoder *decode, const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len == 0 ? 1 : len);
    if (len > 0)
        memcpy(copy, bytes, len);
    struct arena arena;
    struct err err = {0};
    arena_init(&arena, 0);
    int rc = decode(slice_of(copy, len), &arena, &err);
    ck_assert_msg(rc == 0 || rc == ERR_INVALID || rc == ERR_LIMIT || rc == ERR_VERSION,
                  "code %d: %s", rc, err.text);
    ck_assert_msg(rc == err.code, "code %d, and the sentence says %d: %s", rc, err.code, err.text);
    arena_fini(&arena);
    free(copy);
    return rc;
}

/* Cut at every length, changed at every byte, and replaced by noise: an answer, never a crash. */
static inline void attack(decoder *decode, const struct buf *valid, struct random *r)
{
    for (size_t len = 0; len < valid->len; len++)
        decode_exact(decode, valid->data, len);
    for (size_t at = 0; at < valid->len; at++) {
        uint8_t kept = valid->data[at];
        valid->data[at] = (uint8_t)random_next(r);
        decode_exact(decode, valid->data, valid->len);
        valid->data[at] = kept ^ (uint8_t)(1u << random_below(r, 8));
        decode_exact(decode, valid->data, valid->len);
        valid->data[at] = kept;
    }
    uint8_t noise[128];
    for (unsigned i = 0; i < 2000; i++) {
        random_bytes(r, noise, sizeof noise);
        decode_exact(decode, noise, random_below(r, sizeof noise));
    }
}

#endif
