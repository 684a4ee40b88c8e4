#include "common/client/spool.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/store/store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>

enum { STATE, BATCHES, ANSWERS, NOTES, TABLE_COUNT };
static const char *const tables[TABLE_COUNT] = {"state", "batches", "answers", "notes"};

enum {
    STORE_FORMAT = 1,
    STATE_FORMAT = 1,
    KEY_NUMBER_BYTES = 8,
    MAP_BYTES_LOG2 = 32, /* address space: 4 GiB hold a year of a province's batches */
};

struct spool {
    struct store *store;
    struct spool_stored stored;
    bool keep_answers;
};

void spool_random_id(struct spool_id *out)
{
    size_t done = 0;
    while (done < sizeof out->bytes) {
        ssize_t got = getrandom(out->bytes + done, sizeof out->bytes - done, 0);
        require(got > 0 || errno == EINTR);
        done += got > 0 ? (size_t)got : 0;
    }
}

static struct slice number_key(uint64_t number, uint8_t out[KEY_NUMBER_BYTES])
{
    for (unsigned i = 0; i < KEY_NUMBER_BYTES; i++)
        out[i] = (uint8_t)(number >> (56 - 8 * i));
    return slice_of(out, KEY_NUMBER_BYTES);
}

static uint64_t key_number(struct slice key)
{
    struct reader r = reader_of(key);
    return reader_u64(&r);
}

static void state_put(struct kv *kv, const struct spool_stored *st)
{
    struct buf b = {0};
    buf_u8(&b, STATE_FORMAT);
    buf_bytes(&b, st->id.bytes, SPOOL_ID_BYTES);
    buf_u64(&b, st->next_number);
    buf_u64(&b, st->next_ticket);
    kv_put(kv, STATE, slice_str("state"), buf_slice(&b));
    buf_fini(&b);
}

static int state_decode(struct slice value, struct spool_stored *out, struct err *e)
{
    struct reader r = reader_of(value);
    unsigned format = reader_u8(&r);
    if (format != STATE_FORMAT)
        return err_set(e, ERR_VERSION, "its state has format %u: install the newer version",
                       format);
    struct slice id = reader_bytes(&r, SPOOL_ID_BYTES);
    out->next_number = reader_u64(&r);
    out->next_ticket = reader_u64(&r);
    if (!reader_done(&r) || out->next_number == 0 || out->next_ticket == 0)
        return err_set(e, ERR_CORRUPT,
                       "its state makes no sense: move the directory away; a new spool is "
                       "numbered afresh and nothing is mistaken");
    memcpy(out->id.bytes, id.data, SPOOL_ID_BYTES);
    return 0;
}

static uint64_t first_held(struct kv *kv, uint64_t none)
{
    struct slice key;
    struct kv_cursor *c = kv_cursor_open(kv, BATCHES);
    uint64_t first = kv_cursor_move(c, KV_FIRST, &key, NULL) ? key_number(key) : none;
    kv_cursor_close(c);
    return first;
}

/* Ends the transaction; what was decided goes into memory only when it reached the disk. */
static int finish(struct spool *s, struct kv **kv, const struct spool_stored *next, struct err *e)
{
    int rc = store_commit(kv, e);
    if (rc == 0)
        s->stored = *next;
    return rc;
}

static int load(struct spool *s, struct err *e)
{
    struct kv *kv = NULL;
    int rc = store_begin(s->store, true, &kv, e);
    if (rc != 0)
        return rc;
    struct spool_stored st = {.next_number = 1, .next_ticket = 1};
    struct slice value;
    if (kv_get(kv, STATE, slice_str("state"), &value)) {
        rc = state_decode(value, &st, e);
    } else {
        spool_random_id(&st.id);
        state_put(kv, &st);
    }
    if (rc != 0) {
        store_abort(&kv);
        return rc;
    }
    st.first = first_held(kv, st.next_number);
    return finish(s, &kv, &st, e);
}

int spool_open(struct spool **out, const char *directory, bool keep_answers, struct err *e)
{
    struct spool *s = alloc_zeroed(1, sizeof *s);
    s->keep_answers = keep_answers;
    struct store_options options = {.directory = directory,
                                    .map_bytes = (size_t)1 << MAP_BYTES_LOG2,
                                    .tables = tables,
                                    .table_count = TABLE_COUNT,
                                    .kind = "spool",
                                    .format = STORE_FORMAT};
    struct err cause = {0};
    int rc = store_open(&s->store, &options, &cause);
    if (rc == 0)
        rc = load(s, &cause);
    if (rc != 0) {
        spool_close(s);
        return err_set(e, rc, "spool %s: %s", directory, cause.text);
    }
    *out = s;
    return 0;
}

void spool_close(struct spool *s)
{
    if (!s)
        return;
    store_close(s->store);
    free(s);
}

struct spool_stored spool_stored(const struct spool *s)
{
    return s->stored;
}

static void batch_put(struct kv *kv, uint64_t number, uint64_t ticket, struct slice payload)
{
    uint8_t key[KEY_NUMBER_BYTES];
    struct buf b = {0};
    buf_u64(&b, ticket);
    buf_bytes(&b, payload.data, payload.len);
    kv_put(kv, BATCHES, number_key(number, key), buf_slice(&b));
    buf_fini(&b);
}

static int put(struct spool *s, const struct slice *payloads, size_t count, const char *note,
               struct slice value, struct err *e)
{
    struct kv *kv = NULL;
    int rc = store_begin(s->store, true, &kv, e);
    if (rc != 0)
        return rc;
    struct spool_stored next = s->stored;
    for (size_t i = 0; i < count; i++)
        batch_put(kv, next.next_number++, next.next_ticket++, payloads[i]);
    if (note)
        kv_put(kv, NOTES, slice_str(note), value);
    state_put(kv, &next);
    return finish(s, &kv, &next, e);
}

int spool_put(struct spool *s, const struct slice *payloads, size_t count, uint64_t *ticket,
              struct err *e)
{
    uint64_t first = s->stored.next_ticket;
    int rc = put(s, payloads, count, NULL, slice_of(NULL, 0), e);
    if (rc == 0 && ticket)
        *ticket = first;
    return rc;
}

int spool_put_with_note(struct spool *s, const struct slice *payloads, size_t count,
                        const char *note, struct slice value, struct err *e)
{
    return put(s, payloads, count, note, value, e);
}

static int no_batch(uint64_t number, struct err *e)
{
    return err_set(e, ERR_NOT_FOUND, "the spool holds no batch %" PRIu64, number);
}

/* Splits a record; the payload borrows from it. */
static bool batch_get(struct kv *kv, uint64_t number, uint64_t *ticket, struct slice *payload)
{
    uint8_t key[KEY_NUMBER_BYTES];
    struct slice value;
    if (!kv_get(kv, BATCHES, number_key(number, key), &value))
        return false;
    struct reader r = reader_of(value);
    *ticket = reader_u64(&r);
    *payload = slice_of(r.at, (size_t)(r.end - r.at));
    return !r.bad;
}

int spool_get(struct spool *s, uint64_t number, uint64_t *ticket, struct buf *out, struct err *e)
{
    struct kv *kv = NULL;
    int rc = store_begin(s->store, false, &kv, e);
    if (rc != 0)
        return rc;
    uint64_t found;
    struct slice payload;
    if (batch_get(kv, number, &found, &payload)) {
        buf_bytes(out, payload.data, payload.len);
        if (ticket)
            *ticket = found;
    } else {
        rc = kv_failed(kv) ? err_set(e, kv->err.code, "%s", kv->err.text) : no_batch(number, e);
    }
    store_abort(&kv);
    return rc;
}

int spool_done(struct spool *s, uint64_t number, struct slice answer, struct err *e)
{
    struct kv *kv = NULL;
    int rc = store_begin(s->store, true, &kv, e);
    if (rc != 0)
        return rc;
    uint8_t key[KEY_NUMBER_BYTES];
    uint64_t ticket;
    struct slice payload;
    struct spool_stored next = s->stored;
    if (s->keep_answers && batch_get(kv, number, &ticket, &payload))
        kv_put(kv, ANSWERS, number_key(ticket, key), answer);
    kv_del(kv, BATCHES, number_key(number, key));
    next.first = first_held(kv, next.next_number);
    return finish(s, &kv, &next, e);
}

int spool_replace(struct spool *s, uint64_t number, uint64_t to, struct slice payload,
                  struct err *e)
{
    struct kv *kv = NULL;
    int rc = store_begin(s->store, true, &kv, e);
    if (rc != 0)
        return rc;
    uint8_t key[KEY_NUMBER_BYTES];
    uint64_t ticket;
    struct slice old;
    if (!batch_get(kv, number, &ticket, &old)) {
        store_abort(&kv);
        return no_batch(number, e);
    }
    struct spool_stored next = s->stored;
    kv_del(kv, BATCHES, number_key(number, key));
    batch_put(kv, to, ticket, payload);
    next.next_number = to + 1 > next.next_number ? to + 1 : next.next_number;
    next.first = first_held(kv, next.next_number);
    state_put(kv, &next);
    return finish(s, &kv, &next, e);
}

/* The n-th held batch never has a number below n, so moving them down in order overwrites none. */
static uint64_t renumber(struct kv *kv)
{
    uint64_t to = 0, from = 0, ticket;
    struct slice key, payload;
    for (;;) {
        uint8_t seek[KEY_NUMBER_BYTES];
        struct kv_cursor *c = kv_cursor_open(kv, BATCHES);
        bool more = kv_cursor_seek(c, number_key(from + 1, seek), &key, NULL);
        if (more)
            from = key_number(key);
        kv_cursor_close(c);
        if (!more || !batch_get(kv, from, &ticket, &payload))
            return to;
        if (++to == from)
            continue;
        struct buf copy = {0};
        buf_bytes(&copy, payload.data, payload.len);
        kv_del(kv, BATCHES, number_key(from, seek));
        batch_put(kv, to, ticket, buf_slice(&copy));
        buf_fini(&copy);
    }
}

int spool_reopen(struct spool *s, const struct spool_id *id, struct err *e)
{
    struct kv *kv = NULL;
    int rc = store_begin(s->store, true, &kv, e);
    if (rc != 0)
        return rc;
    struct spool_stored next = {.id = *id, .first = 1, .next_ticket = s->stored.next_ticket};
    next.next_number = renumber(kv) + 1;
    state_put(kv, &next);
    return finish(s, &kv, &next, e);
}

int spool_visit_answers(struct spool *s,
                        void (*visit)(void *arg, uint64_t ticket, struct slice answer), void *arg,
                        struct err *e)
{
    struct kv *kv = NULL;
    int rc = store_begin(s->store, false, &kv, e);
    if (rc != 0)
        return rc;
    struct slice key, value;
    struct kv_cursor *c = kv_cursor_open(kv, ANSWERS);
    for (bool more = kv_cursor_move(c, KV_FIRST, &key, &value); more;
         more = kv_cursor_move(c, KV_NEXT, &key, &value))
        visit(arg, key_number(key), value);
    kv_cursor_close(c);
    if (kv_failed(kv))
        rc = err_set(e, kv->err.code, "%s", kv->err.text);
    store_abort(&kv);
    return rc;
}

int spool_note_get(struct spool *s, const char *note, struct buf *out, struct err *e)
{
    struct kv *kv = NULL;
    int rc = store_begin(s->store, false, &kv, e);
    if (rc != 0)
        return rc;
    struct slice value;
    buf_clear(out);
    if (kv_get(kv, NOTES, slice_str(note), &value))
        buf_bytes(out, value.data, value.len);
    else
        rc = kv_failed(kv) ? err_set(e, kv->err.code, "%s", kv->err.text)
                           : err_set(e, ERR_NOT_FOUND, "the spool has no note %s", note);
    store_abort(&kv);
    return rc;
}

int spool_note_put(struct spool *s, const char *note, struct slice value, struct err *e)
{
    return put(s, NULL, 0, note, value, e);
}
