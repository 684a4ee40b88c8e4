#include "tests/support/memkv.h"

#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/check.h"

/* A key and its value never change once made, so tables of several stores and the undo log share
 * them by count. */
struct record {
    uint32_t uses;
    uint32_t key_len;
    uint32_t value_len;
    unsigned char bytes[]; /* key, then value */
};

/* Sorted by key. Inserting moves pointers; at the sizes of a simulation that beats a tree. */
struct table {
    struct record **records;
    size_t count;
    size_t cap;
    uint64_t writes; /* a cursor that saw another number has lost its place */
};

/* One write: `before` NULL for an insertion, `after` NULL for a deletion. Owns one use of before.
 */
struct undo {
    unsigned table;
    struct record *before;
    struct record *after;
};

struct fault {
    long countdown; /* 0: not armed */
    int code;
};

struct txn;
struct memkv {
    struct table *tables;
    unsigned table_count;
    struct txn *open; /* list of all that are open */
    struct undo *undo;
    size_t undo_count;
    size_t undo_cap;
    struct fault commit_fault;
    struct fault put_fault;
};

struct cursor {
    struct kv_cursor head;
    struct txn *txn;
    struct cursor *next;
    unsigned table;
    bool positioned;
    size_t at;
    uint64_t writes_seen;
};

struct txn {
    struct kv head;
    struct memkv *m;
    struct txn *next;
    struct cursor *cursors;
    bool write;
};

static struct slice record_key(const struct record *r)
{
    return slice_of(r->bytes, r->key_len);
}

static struct slice record_value(const struct record *r)
{
    return slice_of(r->bytes + r->key_len, r->value_len);
}

static struct record *record_create(struct slice key, struct slice value)
{
    require(value.len <= UINT32_MAX);
    struct record *r = alloc_bytes(sizeof *r + key.len + value.len);
    r->uses = 1;
    r->key_len = (uint32_t)key.len;
    r->value_len = (uint32_t)value.len;
    memcpy(r->bytes, key.data, key.len);
    if (value.len > 0)
        memcpy(r->bytes + key.len, value.data, value.len);
    return r;
}

static void record_release(struct record *r)
{
    if (r != NULL && --r->uses == 0)
        free(r);
}

/* Tables. */

/* Index of the first key not below `key`; *found when it is that key. */
static size_t table_search(const struct table *t, struct slice key, bool *found)
{
    size_t low = 0, high = t->count;
    *found = false;
    if (high > 0 && slice_compare(key, record_key(t->records[high - 1])) > 0)
        return high; /* keys mostly come in order */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = slice_compare(record_key(t->records[middle]), key);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void table_insert(struct table *t, size_t at, struct record *r)
{
    void *records = t->records;
    alloc_reserve(&records, &t->cap, t->count + 1, sizeof *t->records);
    t->records = records;
    memmove(t->records + at + 1, t->records + at, (t->count - at) * sizeof *t->records);
    t->records[at] = r;
    t->count++;
}

static void table_remove(struct table *t, size_t at)
{
    t->count--;
    memmove(t->records + at, t->records + at + 1, (t->count - at) * sizeof *t->records);
}

static struct table *table_of(const struct memkv *m, unsigned table)
{
    require(table < m->table_count);
    return &m->tables[table];
}

/* Undoing. */

static void remember(struct memkv *m, unsigned table, struct record *before, struct record *after)
{
    void *undo = m->undo;
    alloc_reserve(&undo, &m->undo_cap, m->undo_count + 1, sizeof *m->undo);
    m->undo = undo;
    m->undo[m->undo_count++] = (struct undo){table, before, after};
}

static void forget_undo(struct memkv *m)
{
    for (size_t i = 0; i < m->undo_count; i++)
        record_release(m->undo[i].before);
    m->undo_count = 0;
}

static void undo_one(struct memkv *m, struct undo u)
{
    struct table *t = table_of(m, u.table);
    bool found;
    size_t at = table_search(t, record_key(u.after != NULL ? u.after : u.before), &found);
    require(found == (u.after != NULL));
    if (u.after == NULL)
        table_insert(t, at, u.before);
    else if (u.before == NULL)
        table_remove(t, at);
    else
        t->records[at] = u.before;
    record_release(u.after);
}

static void undo_all(struct memkv *m)
{
    while (m->undo_count > 0)
        undo_one(m, m->undo[--m->undo_count]);
}

/* Operations. */

static bool strikes(struct fault *f)
{
    return f->countdown > 0 && --f->countdown == 0;
}

static struct txn *writer_of(struct kv *kv)
{
    struct txn *txn = (struct txn *)kv;
    require(txn->write);
    return txn;
}

static int op_get(struct kv *kv, unsigned table, struct slice key, struct slice *value)
{
    const struct table *t = table_of(((struct txn *)kv)->m, table);
    bool found;
    size_t at = table_search(t, key, &found);
    if (!found)
        return 0;
    *value = record_value(t->records[at]);
    return 1;
}

static int op_put(struct kv *kv, unsigned table, struct slice key, struct slice value, bool append)
{
    struct memkv *m = writer_of(kv)->m;
    struct table *t = table_of(m, table);
    if (strikes(&m->put_fault))
        return err_set(&kv->err, m->put_fault.code, "put into table %u: armed fault (%s)", table,
                       err_name(m->put_fault.code));
    bool found;
    size_t at = table_search(t, key, &found);
    if (append && (found || at < t->count))
        return err_set(&kv->err, ERR_EXISTS,
                       "append to table %u: the key is not above the last one", table);
    struct record *after = record_create(key, value);
    remember(m, table, found ? t->records[at] : NULL, after);
    if (found)
        t->records[at] = after;
    else
        table_insert(t, at, after);
    t->writes++;
    return 1;
}

static int op_del(struct kv *kv, unsigned table, struct slice key)
{
    struct memkv *m = writer_of(kv)->m;
    struct table *t = table_of(m, table);
    if (strikes(&m->put_fault))
        return err_set(&kv->err, m->put_fault.code, "delete from table %u: armed fault (%s)", table,
                       err_name(m->put_fault.code));
    bool found;
    size_t at = table_search(t, key, &found);
    if (!found)
        return 0;
    remember(m, table, t->records[at], NULL);
    table_remove(t, at);
    t->writes++;
    return 1;
}

static int op_cursor_open(struct kv *kv, unsigned table, struct kv_cursor **out)
{
    struct txn *txn = (struct txn *)kv;
    table_of(txn->m, table);
    struct cursor *c = alloc_zeroed(1, sizeof *c);
    c->head.kv = kv;
    c->txn = txn;
    c->table = table;
    c->next = txn->cursors;
    txn->cursors = c;
    *out = &c->head;
    return 1;
}

static void op_cursor_close(struct kv_cursor *head)
{
    struct cursor *c = (struct cursor *)head;
    struct cursor **link = &c->txn->cursors;
    while (*link != c)
        link = &(*link)->next;
    *link = c->next;
    free(c);
}

/* Where a move leads; the count of the table or more when nowhere. */
static size_t move_target(const struct cursor *c, const struct table *t, enum kv_move move,
                          struct slice key)
{
    bool found;
    if (move == KV_FIRST)
        return 0;
    if (move == KV_LAST)
        return t->count - 1; /* of an empty table: SIZE_MAX, nowhere */
    if (move == KV_SEEK)
        return table_search(t, key, &found);
    bool in_place = c->positioned && c->writes_seen == t->writes;
    require(in_place);
    return move == KV_NEXT ? c->at + 1 : c->at - 1;
}

static int op_cursor_move(struct kv_cursor *head, enum kv_move move, struct slice *key,
                          struct slice *value)
{
    struct cursor *c = (struct cursor *)head;
    const struct table *t = table_of(c->txn->m, c->table);
    c->at = move_target(c, t, move, *key);
    c->writes_seen = t->writes;
    c->positioned = c->at < t->count;
    if (!c->positioned)
        return 0;
    *key = record_key(t->records[c->at]);
    *value = record_value(t->records[c->at]);
    return 1;
}

static const struct kv_ops ops = {
    .get = op_get,
    .put = op_put,
    .del = op_del,
    .cursor_open = op_cursor_open,
    .cursor_move = op_cursor_move,
    .cursor_close = op_cursor_close,
};

/* Transactions. */

struct kv *memkv_begin(struct memkv *m, bool write)
{
    /* One writer, or readers: a reader beside a writer would need versions. */
    bool may_open = m->open == NULL || (!write && !m->open->write);
    require(may_open);
    struct txn *txn = alloc_bytes(sizeof *txn);
    txn->head.ops = &ops;
    txn->head.err.code = 0;
    txn->head.err.text[0] = '\0';
    txn->m = m;
    txn->cursors = NULL;
    txn->write = write;
    txn->next = m->open;
    m->open = txn;
    return &txn->head;
}

static void txn_free(struct txn *txn)
{
    struct txn **link = &txn->m->open;
    while (*link != txn)
        link = &(*link)->next;
    *link = txn->next;
    while (txn->cursors != NULL)
        op_cursor_close(&txn->cursors->head);
    free(txn);
}

static struct txn *txn_take(struct kv **kv)
{
    struct txn *txn = (struct txn *)*kv;
    bool cursors_are_closed = txn->cursors == NULL;
    require(cursors_are_closed);
    *kv = NULL;
    return txn;
}

static void txn_roll_back(struct txn *txn)
{
    if (txn->write)
        undo_all(txn->m);
    txn_free(txn);
}

int memkv_commit(struct kv **kv, struct err *e)
{
    struct txn *txn = txn_take(kv);
    struct memkv *m = txn->m;
    int rc = 0;
    if (kv_failed(&txn->head))
        rc = err_set(e, txn->head.err.code, "%s", txn->head.err.text);
    else if (txn->write && strikes(&m->commit_fault))
        rc = err_set(e, m->commit_fault.code, "commit: armed fault (%s)",
                     err_name(m->commit_fault.code));
    if (rc == 0 && txn->write)
        forget_undo(m);
    txn_roll_back(txn); /* after a commit there is nothing left to undo */
    return rc;
}

void memkv_abort(struct kv **kv)
{
    if (*kv != NULL)
        txn_roll_back(txn_take(kv));
}

void memkv_crash(struct memkv *m)
{
    while (m->open != NULL)
        txn_roll_back(m->open);
}

/* Stores. */

struct memkv *memkv_create(unsigned tables)
{
    struct memkv *m = alloc_zeroed(1, sizeof *m);
    m->tables = alloc_zeroed(tables, sizeof *m->tables);
    m->table_count = tables;
    return m;
}

static void table_fini(struct table *t)
{
    for (size_t i = 0; i < t->count; i++)
        record_release(t->records[i]);
    free(t->records);
}

void memkv_destroy(struct memkv *m)
{
    if (m == NULL)
        return;
    memkv_crash(m);
    for (unsigned i = 0; i < m->table_count; i++)
        table_fini(&m->tables[i]);
    free(m->tables);
    free(m->undo);
    free(m);
}

struct memkv *memkv_copy(const struct memkv *m)
{
    require(m->open == NULL || !m->open->write);
    struct memkv *copy = memkv_create(m->table_count);
    for (unsigned i = 0; i < m->table_count; i++) {
        const struct table *from = &m->tables[i];
        struct table *to = &copy->tables[i];
        if (from->count == 0)
            continue;
        to->records = alloc_resize(NULL, from->count, sizeof *to->records);
        to->cap = to->count = from->count;
        memcpy(to->records, from->records, from->count * sizeof *to->records);
        for (size_t r = 0; r < to->count; r++)
            to->records[r]->uses++;
    }
    return copy;
}

void memkv_fail_commit_after(struct memkv *m, long countdown, int code)
{
    require(countdown == 0 || (countdown > 0 && code < 0));
    m->commit_fault = (struct fault){countdown, code};
}

void memkv_fail_put_after(struct memkv *m, long countdown, int code)
{
    require(countdown == 0 || (countdown > 0 && code < 0));
    m->put_fault = (struct fault){countdown, code};
}

size_t memkv_count(const struct memkv *m, unsigned table)
{
    return table_of(m, table)->count;
}

/* Comparing. */

static bool records_equal(const struct record *a, const struct record *b)
{
    return a == b || (slice_equal(record_key(a), record_key(b)) &&
                      slice_equal(record_value(a), record_value(b)));
}

static void say_bytes(struct buf *out, struct slice bytes)
{
    const uint8_t *at = bytes.data;
    for (size_t i = 0; i < bytes.len && i < 64; i++)
        buf_printf(out, "%02x", at[i]);
    if (bytes.len > 64)
        buf_printf(out, "... (%zu bytes)", bytes.len);
}

static void say_record(struct buf *out, const struct table *t, size_t at)
{
    if (at >= t->count) {
        buf_printf(out, "end");
        return;
    }
    say_bytes(out, record_key(t->records[at]));
    buf_printf(out, "=");
    say_bytes(out, record_value(t->records[at]));
}

static bool tables_equal(const struct table *a, const struct table *b, unsigned number,
                         struct buf *difference)
{
    size_t at = 0;
    while (at < a->count && at < b->count && records_equal(a->records[at], b->records[at]))
        at++;
    if (at == a->count && at == b->count)
        return true;
    if (difference != NULL) {
        buf_printf(difference, "table %u (%zu and %zu records), record %zu: ", number, a->count,
                   b->count, at);
        say_record(difference, a, at);
        buf_printf(difference, " and ");
        say_record(difference, b, at);
        buf_printf(difference, "\n");
    }
    return false;
}

bool memkv_equal(const struct memkv *a, const struct memkv *b, struct buf *difference)
{
    require(a->table_count == b->table_count);
    bool equal = true;
    for (unsigned i = 0; i < a->table_count; i++)
        if (!tables_equal(&a->tables[i], &b->tables[i], i, difference))
            equal = false;
    return equal;
}
