#include "common/base/kv.h"

#include "common/base/check.h"

enum { KEY_BYTES_MAX = 511 };

/* An implementation that failed without a sentence still fails the transaction. */
static bool settle(struct kv *kv, int result)
{
    if (result < 0 && !kv_failed(kv))
        err_set(&kv->err, result, "the store failed (%s) and gave no reason", err_name(result));
    return result > 0;
}

static bool key_fits(struct kv *kv, unsigned table, struct slice key)
{
    if (kv_failed(kv))
        return false;
    if (key.len >= 1 && key.len <= KEY_BYTES_MAX)
        return true;
    err_set(&kv->err, ERR_LIMIT, "table %u: a key of %zu bytes: keys have 1 to %d bytes", table,
            key.len, KEY_BYTES_MAX);
    return false;
}

bool kv_get(struct kv *kv, unsigned table, struct slice key, struct slice *value)
{
    if (!key_fits(kv, table, key))
        return false;
    struct slice any = {0};
    return settle(kv, kv->ops->get(kv, table, key, value == NULL ? &any : value));
}

void kv_put(struct kv *kv, unsigned table, struct slice key, struct slice value)
{
    if (key_fits(kv, table, key))
        settle(kv, kv->ops->put(kv, table, key, value, false));
}

void kv_append(struct kv *kv, unsigned table, struct slice key, struct slice value)
{
    if (key_fits(kv, table, key))
        settle(kv, kv->ops->put(kv, table, key, value, true));
}

void kv_del(struct kv *kv, unsigned table, struct slice key)
{
    if (key_fits(kv, table, key))
        settle(kv, kv->ops->del(kv, table, key));
}

struct kv_cursor *kv_cursor_open(struct kv *kv, unsigned table)
{
    if (kv_failed(kv))
        return NULL;
    struct kv_cursor *c = NULL;
    if (!settle(kv, kv->ops->cursor_open(kv, table, &c)))
        return NULL;
    require(c != NULL && c->kv == kv);
    return c;
}

bool kv_cursor_move(struct kv_cursor *c, enum kv_move move, struct slice *key, struct slice *value)
{
    if (c == NULL || kv_failed(c->kv))
        return false;
    require(key != NULL || move != KV_SEEK);
    if (move == KV_SEEK && key->len == 0)
        move = KV_FIRST; /* stores refuse the empty key, which is below every key */
    struct slice any_key = {0}, any_value = {0};
    return settle(c->kv, c->kv->ops->cursor_move(c, move, key == NULL ? &any_key : key,
                                                 value == NULL ? &any_value : value));
}

bool kv_cursor_seek(struct kv_cursor *c, struct slice from, struct slice *key, struct slice *value)
{
    struct slice found = from;
    if (!kv_cursor_move(c, KV_SEEK, &found, value))
        return false;
    if (key != NULL)
        *key = found;
    return true;
}

void kv_cursor_close(struct kv_cursor *c)
{
    if (c != NULL)
        c->kv->ops->cursor_close(c);
}
