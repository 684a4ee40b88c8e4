/* The seam under the pure cores: an ordered key-value transaction. In the services it is an LMDB
 * transaction (common/store), in the simulator and the model checks a sorted map in memory, so the
 * decisions run a million times with every fault and never know the difference.
 *
 * Errors are sticky: the first failure is kept in the transaction, later calls do nothing, and
 * commit reports it; a core only asks what is there. Keys are 1 to 511 bytes, ordered as bytes.
 * Memory handed out lives until the next write to the same transaction or its end: decode at once.
 */
#ifndef TONGHOP_BASE_KV_H
#define TONGHOP_BASE_KV_H

#include "common/base/err.h"
#include "common/base/slice.h"

struct kv;
struct kv_cursor;

enum kv_move {
    KV_FIRST,
    KV_LAST,
    KV_NEXT,
    KV_PREV,
    KV_SEEK, /* to the first key not below *key */
};

/* What an implementation provides. Each returns 1 found/done, 0 not there, or a negative err_code
 * after filling kv->err. */
struct kv_ops {
    int (*get)(struct kv *kv, unsigned table, struct slice key, struct slice *value);
    /* append: the caller knows that key is above every key of the table; a hint that may be checked
     */
    int (*put)(struct kv *kv, unsigned table, struct slice key, struct slice value, bool append);
    int (*del)(struct kv *kv, unsigned table, struct slice key);
    int (*cursor_open)(struct kv *kv, unsigned table, struct kv_cursor **out);
    int (*cursor_move)(struct kv_cursor *c, enum kv_move move, struct slice *key,
                       struct slice *value);
    void (*cursor_close)(struct kv_cursor *c);
};

/* The head of every implementation's transaction object. */
struct kv {
    const struct kv_ops *ops;
    struct err err; /* code is 0 until the first failure */
};

struct kv_cursor {
    struct kv *kv;
};

/* `value` may be NULL when only the presence matters; so may the `key` and `value` of a cursor move
 * (but not the key of KV_SEEK, where an empty key means KV_FIRST). False: not there, or failed. */
bool kv_get(struct kv *kv, unsigned table, struct slice key, struct slice *value);
void kv_put(struct kv *kv, unsigned table, struct slice key, struct slice value);
void kv_append(struct kv *kv, unsigned table, struct slice key, struct slice value);
void kv_del(struct kv *kv, unsigned table, struct slice key);
/* NULL once the transaction has failed; every cursor call accepts NULL. A cursor is positioned by
 * KV_FIRST, KV_LAST or KV_SEEK; after a write to its table, or a move that found nothing, it must
 * be positioned again. Close it before the transaction ends. */
struct kv_cursor *kv_cursor_open(struct kv *kv, unsigned table);
bool kv_cursor_move(struct kv_cursor *c, enum kv_move move, struct slice *key, struct slice *value);
/* The first key not below `from`: KV_SEEK without an in-out key. */
bool kv_cursor_seek(struct kv_cursor *c, struct slice from, struct slice *key, struct slice *value);
void kv_cursor_close(struct kv_cursor *c);
static inline bool kv_failed(const struct kv *kv)
{
    return kv->err.code != 0;
}

#endif
