#include "services/collector/collector_core.h"

#include <stdio.h>

#include "common/base/be.h"
#include "services/collector/journal_store_core.h"
#include "tests/support/memkv.h"
#include "tests/support/suite.h"
#include "tests/unit/services/collector/small_world.h"

#define NOW "2024-09-05T08:00:00+07:00"

enum { MINUTE = CLOCK_TICK_MS, HOUR = CLOCK_JUMP_MS };

/* Keys: a byte repeated. */
enum {
    KEY_OPERATOR = 1, /* of the service's own file */
    KEY_SERVICE,
    KEY_OFFICER, /* hong-bang, scope 303 */
    KEY_OTHER,   /* le-chan, scope 304 */
    KEY_GATEWAY,
    KEY_READER,
    KEY_STRANGER,
};

static const char *const roles_named[] = {"hong-bang submit 303", "le-chan submit 304",
                                          "gateway delegate", "reader subscribe"};

/* ---- bodies of registry entries are commands in words ---- */

static int unpack_catalogue(struct slice s, struct arena *arena, struct catalogue_spec *out,
                            struct err *err)
{
    if (!slice_equal(s, slice_str("catalogue")))
        return err_set(err, ERR_INVALID, "no catalogue");
    world_catalogue(arena, out);
    return 0;
}

static int unpack_plan(struct slice s, struct arena *arena, struct plan *out, struct err *err)
{
    unsigned version;
    char text[64] = "";
    memcpy(text, s.data, s.len < sizeof text ? s.len : sizeof text - 1);
    if (sscanf(text, "plan %u", &version) != 1)
        return err_set(err, ERR_INVALID, "no plan");
    world_plan(arena, out);
    out->version = version;
    return 0;
}

static uint32_t role_of(const char *name)
{
    if (strcmp(name, "submit") == 0)
        return ROLE_SUBMIT;
    return strcmp(name, "delegate") == 0 ? ROLE_DELEGATE : ROLE_SUBSCRIBE;
}

static void set_change(const char *role, const char *scope, struct producer_change *out)
{
    out->producer.roles = role_of(role);
    if (scope[0] == '\0')
        return;
    out->producer.source = world_ident("hkh");
    out->producer.scopes[0] = world_ident(scope);
    out->producer.scope_count = 1;
}

/* "set NAME ROLE [SCOPE]", "key NAME BYTE", "revoke NAME BYTE", "retire NAME" */
static int unpack_producer(struct slice s, struct arena *arena, struct producer_change *out,
                           struct err *err)
{
    (void)arena;
    char text[64] = "", verb[64] = "", name[64] = "", first[64] = "", second[64] = "";
    memcpy(text, s.data, s.len < sizeof text ? s.len : sizeof text - 1);
    if (sscanf(text, "%63s %63s %63s %63s", verb, name, first, second) < 2)
        return err_set(err, ERR_INVALID, "no change of a producer");
    *out = (struct producer_change){.producer.name = world_ident(name)};
    memset(out->key, atoi(first), KEY_BYTES);
    if (strcmp(verb, "set") == 0)
        set_change(first, second, out);
    else if (strcmp(verb, "key") == 0)
        out->kind = PRODUCER_KEY_ADD;
    else
        out->kind = strcmp(verb, "revoke") == 0 ? PRODUCER_KEY_REVOKE : PRODUCER_RETIRE;
    return 0;
}

static const struct codec codec = {.unpack_catalogue = unpack_catalogue,
                                   .unpack_plan = unpack_plan,
                                   .unpack_producer_change = unpack_producer};

/* ---- a collector with its store and its clocks ---- */

struct desk {
    struct memkv *store;
    struct collector *collector;
    struct kv *kv; /* the open round */
    struct arena arena;
    int64_t wall_ms;
    int64_t monotonic_ms;
    bool replay;
};

static const uint8_t *key_of(int byte)
{
    static uint8_t keys[256][KEY_BYTES];
    memset(keys[byte], byte, KEY_BYTES);
    return keys[byte];
}

static int desk_start(struct desk *d, struct err *err)
{
    static struct fixed_key fixed[] = {{.roles = ROLE_OPERATE}, {.roles = ROLE_SERVICE}};
    memcpy(fixed[0].key, key_of(KEY_OPERATOR), KEY_BYTES);
    memcpy(fixed[1].key, key_of(KEY_SERVICE), KEY_BYTES);
    struct collector_options options = {.replay = d->replay,
                                        .instance = "an instance id",
                                        .fixed_keys = fixed,
                                        .fixed_key_count = 2,
                                        .now = {.wall_ms = d->wall_ms,
                                                .monotonic_ms = d->monotonic_ms,
                                                .boot_id = "the only boot"}};
    struct kv *kv = memkv_begin(d->store, true);
    d->collector = NULL;
    int rc = collector_open(&d->collector, kv, &codec, &options, err);
    if (rc != 0)
        memkv_abort(&kv);
    return rc != 0 ? rc : memkv_commit(&kv, err);
}

static void round_begin(struct desk *d)
{
    if (d->kv)
        return;
    clock_read(collector_clock(d->collector), d->wall_ms, d->monotonic_ms);
    d->kv = memkv_begin(d->store, true);
}

/* As the service does it: a failed commit is followed by a reload. */
static int round_end(struct desk *d)
{
    struct err err = {0};
    round_begin(d);
    collector_seal(d->collector, d->kv);
    int rc = memkv_commit(&d->kv, NULL);
    if (rc != 0) {
        struct kv *kv = memkv_begin(d->store, false);
        ck_assert_msg(collector_reload(d->collector, kv, &err) == 0, "reload: %s", err.text);
        memkv_abort(&kv);
    }
    return rc;
}

static uint64_t apply(struct desk *d, enum entry_kind kind, const char *body)
{
    struct collector_change change = {.kind = kind, .body = slice_str(body)};
    struct err err = {0};
    uint64_t offset;
    round_begin(d);
    journal_hash(change.body, change.hash);
    int rc = collector_apply(d->collector, d->kv, key_of(KEY_OPERATOR), &change, &offset, &err);
    ck_assert_msg(rc == 0, "%s: %s", body, err.text);
    return offset;
}

static void apply_world(struct desk *d)
{
    char text[64];
    apply(d, ENTRY_CATALOGUE, "catalogue");
    apply(d, ENTRY_PLAN, "plan 1");
    for (int i = 0; i < (int)COUNT_OF(roles_named); i++) {
        snprintf(text, sizeof text, "set %s", roles_named[i]);
        apply(d, ENTRY_PRODUCER, text);
        snprintf(text, sizeof text, "key %.*s %d", (int)strcspn(roles_named[i], " "),
                 roles_named[i], KEY_OFFICER + i);
        apply(d, ENTRY_PRODUCER, text);
    }
    ck_assert_int_eq(round_end(d), 0);
}

static struct desk desk_new(bool replay, const char *now)
{
    struct desk d = {.store = memkv_create(COLLECTOR_TABLE_COUNT),
                     .wall_ms = world_ms(now),
                     .monotonic_ms = 5000,
                     .replay = replay};
    struct err err = {0};
    arena_init(&d.arena, 1 << 20);
    ck_assert_msg(desk_start(&d, &err) == 0, "open: %s", err.text);
    return d;
}

static struct desk desk_open(void)
{
    struct desk d = desk_new(false, NOW);
    apply_world(&d);
    return d;
}

static void desk_restart(struct desk *d)
{
    struct err err = {0};
    memkv_abort(&d->kv);
    collector_close(d->collector);
    ck_assert_msg(desk_start(d, &err) == 0, "open again: %s", err.text);
}

static void desk_close(struct desk *d)
{
    memkv_abort(&d->kv);
    collector_close(d->collector);
    memkv_destroy(d->store);
    arena_fini(&d->arena);
}

static void pass(struct desk *d, int64_t ms)
{
    d->wall_ms += ms;
    d->monotonic_ms += ms;
}

/* ---- submissions ---- */

struct sent {
    int key;
    const char *officer;
    char spool;
    uint64_t number;
    const char *payload; /* stands for its rows */
    const char *unit;
    int unpack_code;
    int64_t ahead_ms;
    bool empty;
};

static struct verdict submit(struct desk *d, struct sent s)
{
    struct world_row rows[] = {
        {s.unit ? s.unit : "11329", "classes", "2024-09-04", OP_SET, 5},
        {"11400", "classes", "2024-09-04", OP_SET, 7}, /* out of hong-bang's scope */
    };
    round_begin(d);
    struct batch batch =
        world_batch(&d->arena, world_ms(NOW) + s.ahead_ms, rows, s.empty ? 0 : COUNT_OF(rows));
    struct submission in = {.number = s.number,
                            .officer = slice_str(s.officer ? s.officer : ""),
                            .payload = slice_str(s.payload ? s.payload : "payload"),
                            .unpack_code = s.unpack_code,
                            .batch = s.unpack_code == 0 ? &batch : NULL};
    struct verdict v;
    memcpy(in.key, key_of(s.key ? s.key : KEY_OFFICER), KEY_BYTES);
    memset(in.spool.bytes, s.spool ? s.spool : 'A', SPOOL_ID_BYTES);
    journal_hash(in.payload, in.hash);
    collector_submit(d->collector, d->kv, &in, &d->arena, &v);
    return v;
}

static const char *verdict_text(const struct verdict *v, char out[256])
{
    int len = snprintf(out, 256, "%s offset %llu time %lld rows %u expected %llu refused",
                       refusal_name((enum refusal)v->refusal), (unsigned long long)v->offset,
                       (long long)v->time_ms, v->row_count, (unsigned long long)v->expected_number);
    for (uint32_t i = 0; i < v->refused_count && len < 200; i++)
        len += snprintf(out + len, 256 - (size_t)len, " %u:%s", v->refused[i].row,
                        refusal_name((enum refusal)v->refused[i].code));
    return out;
}

static void same_answer(const struct verdict *a, const struct verdict *b, const char *what)
{
    char first[256], second[256];
    verdict_text(a, first);
    verdict_text(b, second);
    ck_assert_msg(strcmp(first, second) == 0, "%s: %s, then %s", what, first, second);
}

static void refused_as(const struct verdict *v, enum refusal expected, const char *what)
{
    char text[256];
    ck_assert_msg(v->refusal == expected, "%s: expected %s, got %s", what, refusal_name(expected),
                  verdict_text(v, text));
}

/* ---- the journal, as a follower reads it ---- */

struct follower {
    uint64_t next_offset;
    uint64_t next_row;
    uint64_t commits;
    uint64_t batches;
    int64_t time_ms;
    uint8_t hash[HASH_BYTES];
    char trail[4096]; /* kinds of entries, a commit each in brackets with its time */
};

static void follow_entry(struct follower *f, const struct entry *e)
{
    static const char letters[] = "-GBCPRTK";
    size_t len = strlen(f->trail);
    ck_assert_uint_eq(e->offset, f->next_offset);
    f->next_offset++;
    f->trail[len] = letters[e->kind];
    if (e->kind != ENTRY_BATCH)
        return;
    ck_assert_uint_eq(e->first_row, f->next_row);
    f->next_row += e->row_count;
    f->batches++;
    ck_assert_msg((e->refusal == REFUSAL_NONE) == (e->body.len > 0), "body kept, refusal %s",
                  refusal_name((enum refusal)e->refusal));
}

static void follow_commit(struct desk *d, struct follower *f, struct slice commit)
{
    struct commit_head head;
    struct slice entries;
    struct err err = {0};
    char text[32];
    ck_assert_msg(journal_commit_decode(commit, &head, &entries, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(head.number, ++f->commits);
    ck_assert_mem_eq(head.previous_hash, f->hash, HASH_BYTES);
    ck_assert_msg(head.time_ms >= f->time_ms, "commit %llu goes back",
                  (unsigned long long)head.number);
    f->time_ms = head.time_ms;
    memcpy(f->hash, head.hash, HASH_BYTES);
    size_t len = strlen(f->trail);
    ck_assert(len < sizeof f->trail - 256);
    snprintf(f->trail + len, 64, "%.16s[", day_time_format(head.time_ms, text));
    for (uint32_t i = 0; i < head.entry_count; i++) {
        struct entry e;
        ck_assert_msg(journal_entry_decode(&entries, &head, i, true, &d->arena, &e, &err) == 0,
                      "%s", err.text);
        follow_entry(f, &e);
    }
    f->trail[strlen(f->trail)] = ']';
}

static uint32_t fetch(struct desk *d, struct follower *f, size_t bytes_max)
{
    struct buf out = {0};
    struct err err = {0};
    uint32_t count;
    struct kv *kv = memkv_begin(d->store, false);
    int rc = journal_store_fetch(kv, f->next_offset, f->hash, bytes_max, &out, &count, &err);
    ck_assert_msg(rc == 0, "fetch from %llu: %s", (unsigned long long)f->next_offset, err.text);
    struct reader r = reader_of(buf_slice(&out));
    for (uint32_t i = 0; i < count; i++)
        follow_commit(d, f, reader_bytes(&r, reader_u32(&r)));
    ck_assert(reader_done(&r));
    memkv_abort(&kv);
    buf_fini(&out);
    return count;
}

static struct follower follow_all(struct desk *d)
{
    struct follower f = {.next_offset = 1};
    while (fetch(d, &f, 500) > 0)
        continue;
    struct collector_head head = collector_head(d->collector);
    ck_assert_uint_eq(head.offset, f.next_offset - 1);
    ck_assert_uint_eq(head.commit_number, f.commits);
    ck_assert_mem_eq(head.hash, f.hash, HASH_BYTES);
    return f;
}

static void same_journal(struct desk *a, struct desk *b, const char *what)
{
    struct buf difference = {0};
    ck_assert_msg(memkv_equal(a->store, b->store, &difference), "%s: %s", what,
                  (const char *)difference.data);
    buf_fini(&difference);
}

/* ---- opening ---- */

START_TEST(a_journal_goes_on_where_it_stands)
{
    struct desk d = desk_open();
    struct collector_head before = collector_head(d.collector);
    ck_assert_uint_eq(before.offset, 11);
    desk_restart(&d);
    struct collector_head after = collector_head(d.collector);
    ck_assert_uint_eq(after.offset, before.offset);
    ck_assert_mem_eq(after.hash, before.hash, HASH_BYTES);
    struct follower f = follow_all(&d);
    ck_assert_str_eq(f.trail, "2024-09-05T08:00[G]2024-09-05T08:00[CPRRRRRRRR]");
    desk_close(&d);
}
END_TEST

START_TEST(the_mode_of_a_journal_is_fixed)
{
    struct desk d = desk_open();
    struct err err = {0};
    collector_close(d.collector);
    d.replay = true;
    ck_assert_int_eq(desk_start(&d, &err), ERR_INVALID);
    ck_assert_msg(strstr(err.text, "begun in live mode") != NULL, "%s", err.text);
    desk_close(&d);
}
END_TEST

START_TEST(a_damaged_store_is_not_opened)
{
    static const struct {
        const char *why;
        unsigned table;
        int code;
    } rows[] = {{"no state", COLLECTOR_META, ERR_CORRUPT},
                {"no last commit", COLLECTOR_COMMITS, ERR_CORRUPT}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct desk d = desk_open();
        struct kv *kv = memkv_begin(d.store, true);
        struct kv_cursor *cursor = kv_cursor_open(kv, rows[i].table);
        struct slice key;
        uint8_t copy[64];
        ck_assert(kv_cursor_move(cursor, KV_LAST, &key, NULL));
        memcpy(copy, key.data, key.len);
        size_t len = key.len;
        kv_cursor_close(cursor);
        kv_del(kv, rows[i].table, slice_of(copy, len));
        ck_assert_int_eq(memkv_commit(&kv, NULL), 0);
        collector_close(d.collector);
        int rc = desk_start(&d, NULL);
        ck_assert_msg(rc == rows[i].code, "%s: %d", rows[i].why, rc);
        desk_close(&d);
    }
}
END_TEST

/* ---- numbers ---- */

START_TEST(an_answer_is_given_again_in_the_same_words)
{
    struct desk d = desk_open();
    struct verdict first = submit(&d, (struct sent){.number = 1, .payload = "one"});
    refused_as(&first, REFUSAL_NONE, "first");
    ck_assert_uint_eq(first.row_count, 2);
    ck_assert_uint_eq(first.refused_count, 1);
    struct verdict same_group = submit(&d, (struct sent){.number = 1, .payload = "one"});
    ck_assert_int_eq(round_end(&d), 0);
    pass(&d, 90 * 1000);
    struct verdict next_round = submit(&d, (struct sent){.number = 1, .payload = "one"});
    ck_assert_int_eq(round_end(&d), 0);
    pass(&d, 10 * (int64_t)HOUR);
    desk_restart(&d);
    struct verdict next_process = submit(&d, (struct sent){.number = 1, .payload = "one"});
    same_answer(&first, &same_group, "in the same group");
    same_answer(&first, &next_round, "in the next round");
    same_answer(&first, &next_process, "after a restart");
    ck_assert(!first.repeated && same_group.repeated && next_process.repeated);
    ck_assert_int_eq(round_end(&d), 0);
    ck_assert_uint_eq(follow_all(&d).batches, 1);
    desk_close(&d);
}
END_TEST

START_TEST(a_number_holds_one_content_and_follows_the_one_before)
{
    static const struct {
        const char *why;
        struct sent sent;
        enum refusal refusal;
        uint64_t expected_number;
    } rows[] = {
        {"the first may not be 2", {.number = 2}, REFUSAL_NUMBER_GAP, 1},
        {"nor 0", {.number = 0}, REFUSAL_NUMBER_GAP, 1},
        {"1 it is", {.number = 1, .payload = "one"}, REFUSAL_NONE, 0},
        {"3 leaves a gap", {.number = 3}, REFUSAL_NUMBER_GAP, 2},
        {"the largest", {.number = UINT64_MAX}, REFUSAL_NUMBER_GAP, 2},
        {"1 with another content", {.number = 1, .payload = "x"}, REFUSAL_NUMBER_REUSED, 2},
        {"2", {.number = 2, .payload = "one"}, REFUSAL_NONE, 0},
        {"another spool begins at 1", {.number = 1, .spool = 'B'}, REFUSAL_NONE, 0},
        {"another producer's spool of that id", {.key = KEY_OTHER, .number = 1}, REFUSAL_NONE, 0},
        {"1 as it was", {.number = 1, .payload = "one"}, REFUSAL_NONE, 0},
    };
    struct desk d = desk_open();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct verdict v = submit(&d, rows[i].sent);
        refused_as(&v, rows[i].refusal, rows[i].why);
        ck_assert_msg(v.expected_number == rows[i].expected_number, "%s: expected number %llu",
                      rows[i].why, (unsigned long long)v.expected_number);
        ck_assert_msg((v.offset != 0) == (rows[i].refusal == REFUSAL_NONE), "%s: offset %llu",
                      rows[i].why, (unsigned long long)v.offset);
    }
    ck_assert_int_eq(round_end(&d), 0);
    ck_assert_uint_eq(follow_all(&d).batches, 4);
    desk_close(&d);
}
END_TEST

/* The riskiest place: all that may happen to a number, in one group. */
enum { TROUBLED = 5 };
static void submit_troubled(struct desk *d, struct verdict out[TROUBLED])
{
    out[0] = submit(d, (struct sent){.number = 1, .payload = "one"});
    out[1] = submit(d, (struct sent){.number = 1, .payload = "one"});
    out[2] = submit(d, (struct sent){.number = 1, .payload = "another"});
    out[3] = submit(d, (struct sent){.number = 2, .payload = "two"});
    out[4] = submit(d, (struct sent){.number = 1, .spool = 'B', .payload = "one"});
}

static void troubled_as(const struct verdict got[TROUBLED], const struct verdict want[TROUBLED],
                        const char *when, long countdown)
{
    char what[64];
    for (int i = 0; i < TROUBLED; i++) {
        snprintf(what, sizeof what, "%s, fault %ld, message %d", when, countdown, i);
        same_answer(&want[i], &got[i], what);
    }
}

START_TEST(number_duplicate_reuse_and_next_in_one_failed_group)
{
    struct desk calm = desk_open();
    struct verdict want[TROUBLED], got[TROUBLED];
    submit_troubled(&calm, want);
    ck_assert_int_eq(round_end(&calm), 0);
    refused_as(&want[1], REFUSAL_NONE, "duplicate");
    refused_as(&want[2], REFUSAL_NUMBER_REUSED, "reuse");
    refused_as(&want[3], REFUSAL_NONE, "next");
    for (long countdown = 0, failed = -1; failed != 0; countdown++) {
        struct desk d = desk_open();
        if (countdown == 0)
            memkv_fail_commit_after(d.store, 1, ERR_FULL);
        else
            memkv_fail_put_after(d.store, countdown, ERR_FULL);
        submit_troubled(&d, got);
        failed = round_end(&d);
        if (failed != 0) {
            submit_troubled(&d, got);
            ck_assert_int_eq(round_end(&d), 0);
        }
        troubled_as(got, want, "sent again", countdown);
        same_journal(&d, &calm, "journal after a failed commit");
        ck_assert_uint_eq(follow_all(&d).batches, 3);
        submit_troubled(&d, got);
        got[2].expected_number--; /* number 2 was not there yet */
        troubled_as(got, want, "in the next round", countdown);
        desk_close(&d);
    }
    desk_close(&calm);
}
END_TEST

START_TEST(after_a_fault_every_answer_of_the_round_is_unavailable)
{
    struct desk d = desk_open();
    memkv_fail_put_after(d.store, 1, ERR_FULL);
    struct verdict v = submit(&d, (struct sent){.number = 1});
    refused_as(&v, REFUSAL_UNAVAILABLE, "at the fault");
    v = submit(&d, (struct sent){.number = 1});
    refused_as(&v, REFUSAL_UNAVAILABLE, "after it");
    ck_assert_int_eq(round_end(&d), ERR_FULL);
    v = submit(&d, (struct sent){.number = 1});
    refused_as(&v, REFUSAL_NONE, "when there is room");
    desk_close(&d);
}
END_TEST

START_TEST(poison_batch_does_not_block_its_spool)
{
    static const struct {
        struct sent sent;
        enum refusal refusal;
    } rows[] = {
        {{.unpack_code = ERR_INVALID}, REFUSAL_MALFORMED},
        {{.unpack_code = ERR_LIMIT}, REFUSAL_TOO_LARGE},
        {{.ahead_ms = 6 * MINUTE}, REFUSAL_CLOCK_AHEAD},
        {{.empty = true}, REFUSAL_EMPTY},
        {{.unit = "NGUYEN VAN A, sinh 1950"}, REFUSAL_BAD_CODE},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *what = refusal_name(rows[i].refusal);
        struct desk d = desk_open();
        struct sent poison = rows[i].sent, next = {.number = 2, .payload = "next"};
        poison.number = 1;
        struct verdict first = submit(&d, poison), after = submit(&d, next);
        ck_assert_int_eq(round_end(&d), 0);
        refused_as(&first, rows[i].refusal, what);
        refused_as(&after, REFUSAL_NONE, what);
        struct verdict again = submit(&d, poison);
        same_answer(&first, &again, what);
        struct entry e;
        ck_assert_int_eq(collector_entry(d.collector, d.kv, first.offset, &d.arena, &e, NULL), 0);
        ck_assert_msg(e.body.len == 0 && e.body_bytes == strlen("payload") && e.row_count == 0,
                      "%s: body %zu of %u bytes", what, e.body.len, e.body_bytes);
        ck_assert_msg(e.refused_count == (e.refusal == REFUSAL_BAD_CODE), "%s: %u rows listed",
                      what, e.refused_count);
        ck_assert_int_eq(round_end(&d), 0);
        follow_all(&d);
        desk_close(&d);
    }
}
END_TEST

START_TEST(rows_with_bad_codes_are_told_again_in_the_same_words)
{
    struct desk d = desk_open();
    struct sent sent = {.number = 1, .unit = "Lạc Viên"};
    struct verdict first = submit(&d, sent);
    ck_assert_uint_eq(first.refused_count, 1);
    ck_assert_uint_eq(first.refused[0].row, 0);
    ck_assert_uint_eq(first.refused[0].code, REFUSAL_BAD_CODE);
    struct verdict same_group = submit(&d, sent);
    ck_assert_int_eq(round_end(&d), 0);
    desk_restart(&d);
    struct verdict next_process = submit(&d, sent);
    same_answer(&first, &same_group, "in the same group");
    same_answer(&first, &next_process, "after a restart");
    desk_close(&d);
}
END_TEST

/* 4,096 resent singles of one commit must not cost 4,096 times that commit. */
START_TEST(a_repeated_number_is_found_without_a_look_at_its_neighbours)
{
    struct desk d = desk_open();
    uint8_t key[8];
    struct slice stored;
    struct verdict first[3];
    for (uint64_t n = 1; n <= 3; n++)
        first[n - 1] = submit(&d, (struct sent){.number = n});
    ck_assert_int_eq(round_end(&d), 0);
    round_begin(&d);
    be_put_u64(key, first[0].offset);
    ck_assert(kv_get(d.kv, COLLECTOR_COMMITS, slice_of(key, sizeof key), &stored));
    size_t len = stored.len, each = (len - JOURNAL_COMMIT_HEAD_BYTES) / 3;
    uint8_t *commit = arena_alloc(&d.arena, len);
    memcpy(commit, stored.data, len);
    memset(commit + JOURNAL_COMMIT_HEAD_BYTES, 0xFF, each);
    memset(commit + len - each, 0xFF, each);
    kv_put(d.kv, COLLECTOR_COMMITS, slice_of(key, sizeof key), slice_of(commit, len));
    struct verdict again = submit(&d, (struct sent){.number = 2});
    same_answer(&first[1], &again, "between two that cannot be read");
    ck_assert(again.repeated);
    again = submit(&d, (struct sent){.number = 3});
    refused_as(&again, REFUSAL_UNAVAILABLE, "one that cannot be read");
    desk_close(&d);
}
END_TEST

/* ---- trimming ---- */

static void trim(struct desk *d, uint64_t offset)
{
    struct err err = {0};
    struct kv *kv = memkv_begin(d->store, true);
    ck_assert_msg(collector_trim(kv, offset, &err) == 0, "%s", err.text);
    ck_assert_int_eq(memkv_commit(&kv, NULL), 0);
}

static uint64_t first_kept(struct desk *d)
{
    struct commit_head first = {0}, last;
    struct kv *kv = memkv_begin(d->store, false);
    ck_assert_int_eq(journal_store_ends(kv, &first, &last, NULL), 0);
    memkv_abort(&kv);
    return first.first_offset;
}

/* Genesis at 1, the world from 2 to 11, then a commit of two batches at 12 and 13, one at 14, and
 * one at 15 from another spool. */
static void fill_for_trimming(struct desk *d)
{
    submit(d, (struct sent){.number = 1});
    submit(d, (struct sent){.number = 2});
    ck_assert_int_eq(round_end(d), 0);
    submit(d, (struct sent){.number = 3});
    ck_assert_int_eq(round_end(d), 0);
    submit(d, (struct sent){.number = 1, .spool = 'B'});
    ck_assert_int_eq(round_end(d), 0);
}

START_TEST(trimming_removes_whole_commits_below_an_offset)
{
    static const struct {
        uint64_t offset, first;
    } rows[] = {{0, 1},   {1, 1},   {2, 2},   {11, 2},  {12, 12},
                {13, 12}, {14, 14}, {15, 15}, {16, 15}, {UINT64_MAX, 15}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct desk d = desk_open();
        fill_for_trimming(&d);
        trim(&d, rows[i].offset);
        ck_assert_msg(first_kept(&d) == rows[i].first, "below %llu: first is %llu, not %llu",
                      (unsigned long long)rows[i].offset, (unsigned long long)first_kept(&d),
                      (unsigned long long)rows[i].first);
        desk_close(&d);
    }
}
END_TEST

START_TEST(batches_trimmed_are_settled_and_their_spools_go_on)
{
    struct desk d = desk_open();
    fill_for_trimming(&d);
    trim(&d, 14);
    for (int restarted = 0; restarted < 2; restarted++) {
        struct verdict v = submit(&d, (struct sent){.number = 1});
        refused_as(&v, REFUSAL_SETTLED, "trimmed");
        v = submit(&d, (struct sent){.number = 2, .payload = "another"});
        refused_as(&v, REFUSAL_SETTLED, "trimmed, with a content that cannot be compared");
        v = submit(&d, (struct sent){.number = 3});
        refused_as(&v, REFUSAL_NONE, "kept");
        ck_assert(v.repeated);
        desk_restart(&d); /* the catalogue, the plan and the keys were trimmed as well */
    }
    trim(&d, 15);
    struct verdict v = submit(&d, (struct sent){.number = 3});
    refused_as(&v, REFUSAL_SETTLED, "the last number of its spool");
    v = submit(&d, (struct sent){.number = 5});
    refused_as(&v, REFUSAL_NUMBER_GAP, "a number too far");
    v = submit(&d, (struct sent){.number = 4});
    refused_as(&v, REFUSAL_NONE, "the next");
    ck_assert_uint_eq(v.offset, 16);
    desk_close(&d);
}
END_TEST

START_TEST(trimming_forgets_all_numbers_but_the_last_of_a_spool)
{
    struct desk d = desk_open();
    unsigned kept = 0;
    fill_for_trimming(&d);
    trim(&d, UINT64_MAX);
    round_begin(&d);
    struct kv_cursor *cursor = kv_cursor_open(d.kv, COLLECTOR_NUMBERS);
    for (bool more = kv_cursor_move(cursor, KV_FIRST, NULL, NULL); more;
         more = kv_cursor_move(cursor, KV_NEXT, NULL, NULL))
        kept++;
    kv_cursor_close(cursor);
    ck_assert_uint_eq(kept, 2);
    desk_close(&d);
}
END_TEST

START_TEST(a_follower_below_the_first_kept_is_sent_to_a_backup)
{
    static const struct {
        const char *why;
        uint64_t from;
        int code;
        const char *said;
    } rows[] = {{"the beginning", 1, ERR_NOT_FOUND, "first is 12"},
                {"a commit that was trimmed", 2, ERR_NOT_FOUND, "first is 12"},
                {"the first kept, of another journal", 12, ERR_CORRUPT, "restored from a backup"},
                {"the middle of a commit", 13, ERR_INVALID, "starts no commit"},
                {"beyond the head", 17, ERR_INVALID, "the journal has 12 to 15"}};
    struct desk d = desk_open();
    struct buf out = {0};
    struct follower f = {.next_offset = 1};
    fill_for_trimming(&d);
    fetch(&d, &f, 0);
    fetch(&d, &f, 0);
    trim(&d, 12);
    struct kv *kv = memkv_begin(d.store, false);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint32_t count;
        struct err err = {0};
        int rc = journal_store_fetch(kv, rows[i].from, (uint8_t[HASH_BYTES]){9}, 1 << 20, &out,
                                     &count, &err);
        ck_assert_msg(rc == rows[i].code && strstr(err.text, rows[i].said) != NULL, "%s: %d, %s",
                      rows[i].why, rc, err.text);
    }
    memkv_abort(&kv);
    ck_assert_uint_eq(fetch(&d, &f, 1 << 20), 3); /* one that had come so far goes on */
    ck_assert_uint_eq(f.next_offset, 16);
    buf_fini(&out);
    desk_close(&d);
}
END_TEST

START_TEST(a_spool_tells_its_last_number)
{
    struct desk d = desk_open();
    struct spool_id spool;
    memset(spool.bytes, 'A', SPOOL_ID_BYTES);
    submit(&d, (struct sent){.number = 1});
    submit(&d, (struct sent){.number = 2});
    static const struct {
        const char *why;
        int key;
        const char *officer;
        int code;
        uint64_t last;
    } rows[] = {{"the officer", KEY_OFFICER, "", 0, 2},
                {"another officer", KEY_OTHER, "", 0, 0},
                {"the gateway for the officer", KEY_GATEWAY, "hong-bang", 0, 2},
                {"the gateway for nobody we know", KEY_GATEWAY, "hong-bnag", ERR_NOT_FOUND, 99},
                {"the gateway for a reader", KEY_GATEWAY, "reader", ERR_DENIED, 99},
                {"a reader", KEY_READER, "", ERR_DENIED, 99},
                {"a reader for the officer", KEY_READER, "hong-bang", ERR_DENIED, 99}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t last = 99;
        struct err err = {0};
        int rc = collector_last_number(d.collector, d.kv, key_of(rows[i].key),
                                       slice_str(rows[i].officer), &spool, &last, &err);
        ck_assert_msg(rc == rows[i].code && last == rows[i].last, "%s: %d (%s), %llu", rows[i].why,
                      rc, err.text, (unsigned long long)last);
    }
    desk_close(&d);
}
END_TEST

/* ---- who may ---- */

START_TEST(who_may_submit_and_for_whom)
{
    static const struct {
        const char *why;
        struct sent sent;
        enum refusal refusal;
    } rows[] = {
        {"an officer", {.key = KEY_OFFICER}, REFUSAL_NONE},
        {"a stranger", {.key = KEY_STRANGER}, REFUSAL_NOT_ALLOWED},
        {"a reader", {.key = KEY_READER}, REFUSAL_NOT_ALLOWED},
        {"a key of the service's file", {.key = KEY_OPERATOR}, REFUSAL_NOT_ALLOWED},
        {"an officer for another", {.key = KEY_OFFICER, .officer = "le-chan"}, REFUSAL_NOT_ALLOWED},
        {"the gateway for an officer", {.key = KEY_GATEWAY, .officer = "le-chan"}, REFUSAL_NONE},
        {"the gateway for nobody", {.key = KEY_GATEWAY}, REFUSAL_UNKNOWN_OFFICER},
        {"the gateway for a stranger",
         {.key = KEY_GATEWAY, .officer = "kiến an"},
         REFUSAL_UNKNOWN_OFFICER},
        {"the gateway for one who may not submit",
         {.key = KEY_GATEWAY, .officer = "reader"},
         REFUSAL_NOT_ALLOWED},
        {"the gateway for itself", {.key = KEY_GATEWAY, .officer = "gateway"}, REFUSAL_NOT_ALLOWED},
    };
    struct desk d = desk_open();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct sent sent = rows[i].sent;
        sent.number = 1;
        struct verdict v = submit(&d, sent);
        refused_as(&v, rows[i].refusal, rows[i].why);
        ck_assert_msg((v.offset != 0) == (rows[i].refusal == REFUSAL_NONE), "%s: offset",
                      rows[i].why);
    }
    ck_assert_int_eq(round_end(&d), 0);
    ck_assert_uint_eq(follow_all(&d).batches, 2);
    desk_close(&d);
}
END_TEST

START_TEST(a_delegate_speaks_with_the_officers_scope_and_numbers)
{
    struct desk d = desk_open();
    struct verdict own = submit(&d, (struct sent){.number = 1});
    struct verdict v = submit(
        &d,
        (struct sent){.key = KEY_GATEWAY, .officer = "hong-bang", .number = 2, .unit = "11400"});
    ck_assert_uint_eq(own.refused_count, 1);
    ck_assert_uint_eq(v.refused_count, 2); /* le-chan's communes */
    struct entry e;
    ck_assert_int_eq(collector_entry(d.collector, d.kv, v.offset, &d.arena, &e, NULL), 0);
    ck_assert_uint_eq(e.producer, 0);
    ck_assert_uint_eq(e.delegate, 2);
    ck_assert_int_eq(collector_entry(d.collector, d.kv, own.offset, &d.arena, &e, NULL), 0);
    ck_assert_uint_eq(e.producer, 0);
    ck_assert_uint_eq(e.delegate, UINT32_MAX);
    desk_close(&d);
}
END_TEST

START_TEST(revocation_takes_effect_at_the_next_message)
{
    struct desk d = desk_open();
    struct verdict v = submit(&d, (struct sent){.number = 1});
    refused_as(&v, REFUSAL_NONE, "before");
    apply(&d, ENTRY_PRODUCER, "revoke hong-bang 3");
    v = submit(&d, (struct sent){.number = 2});
    refused_as(&v, REFUSAL_REVOKED, "in the same round");
    ck_assert_int_eq(round_end(&d), 0);
    desk_restart(&d);
    v = submit(&d, (struct sent){.number = 2});
    refused_as(&v, REFUSAL_REVOKED, "after a restart");
    apply(&d, ENTRY_PRODUCER, "retire le-chan");
    v = submit(&d, (struct sent){.key = KEY_OTHER, .number = 1});
    refused_as(&v, REFUSAL_NOT_ALLOWED, "retired");
    v = submit(&d, (struct sent){.key = KEY_GATEWAY, .officer = "le-chan", .number = 1});
    refused_as(&v, REFUSAL_NOT_ALLOWED, "a delegate for one who is retired");
    ck_assert_uint_eq(collector_identify(d.collector, key_of(KEY_OTHER)).roles, 0);
    desk_close(&d);
}
END_TEST

START_TEST(a_revocation_that_was_not_committed_did_not_happen)
{
    struct desk d = desk_open();
    apply(&d, ENTRY_PRODUCER, "revoke hong-bang 3");
    memkv_fail_commit_after(d.store, 1, ERR_IO);
    ck_assert_int_eq(round_end(&d), ERR_IO);
    struct verdict v = submit(&d, (struct sent){.number = 1});
    refused_as(&v, REFUSAL_NONE, "the key is as good as before");
    desk_close(&d);
}
END_TEST

/* ---- what is applied ---- */

static int try_apply(struct desk *d, int key, const char *body, bool dry_run, uint64_t *offset)
{
    struct collector_change change = {
        .kind = ENTRY_PLAN, .body = slice_str(body), .dry_run = dry_run};
    round_begin(d);
    journal_hash(change.body, change.hash);
    return collector_apply(d->collector, d->kv, key_of(key), &change, offset, NULL);
}

START_TEST(only_an_operator_applies_and_only_what_holds_is_journalled)
{
    static const struct {
        const char *why;
        int key;
        const char *body;
        bool dry_run;
        int code;
        bool journalled;
    } rows[] = {
        {"an officer", KEY_OFFICER, "plan 2", false, ERR_DENIED, false},
        {"a service", KEY_SERVICE, "plan 2", false, ERR_DENIED, false},
        {"a trial of what is no plan", KEY_OPERATOR, "plan", true, ERR_INVALID, false},
        {"a trial", KEY_OPERATOR, "plan 2", true, 0, false},
        {"the trial again, as it changed nothing", KEY_OPERATOR, "plan 2", true, 0, false},
        {"no plan", KEY_OPERATOR, "plan", false, ERR_INVALID, false},
        {"version 2", KEY_OPERATOR, "plan 2", false, 0, true},
        {"version 2 again", KEY_OPERATOR, "plan 2", false, ERR_INVALID, false},
        {"a trial after it, in the same round", KEY_OPERATOR, "plan 2", true, ERR_INVALID, false},
        {"a trial of version 3", KEY_OPERATOR, "plan 3", true, 0, false},
    };
    struct desk d = desk_open();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t offset;
        int rc = try_apply(&d, rows[i].key, rows[i].body, rows[i].dry_run, &offset);
        ck_assert_msg(rc == rows[i].code && (offset != 0) == rows[i].journalled,
                      "%s: %d, offset %llu", rows[i].why, rc, (unsigned long long)offset);
    }
    ck_assert_int_eq(round_end(&d), 0);
    desk_restart(&d);
    uint64_t offset;
    ck_assert_int_eq(try_apply(&d, KEY_OPERATOR, "plan 2", false, &offset), ERR_INVALID);
    desk_close(&d);
}
END_TEST

/* ---- time ---- */

START_TEST(missed_midnights_come_before_the_first_entry_after_them)
{
    struct desk d = desk_open();
    pass(&d, 2 * 24 * (int64_t)HOUR + 90 * 1000);
    desk_restart(&d);
    struct verdict v = submit(&d, (struct sent){.number = 1});
    ck_assert_int_eq(v.time_ms, d.wall_ms);
    ck_assert_int_eq(round_end(&d), 0);
    struct follower f = follow_all(&d);
    const char *expected = "[CPRRRRRRRR]2024-09-06T00:00[T]2024-09-07T00:00[T]2024-09-07T08:01[T]"
                           "2024-09-07T08:01[B]";
    ck_assert_msg(strstr(f.trail, expected) != NULL, "%s", f.trail);
    struct entry e;
    round_begin(&d);
    ck_assert_int_eq(collector_entry(d.collector, d.kv, v.offset, &d.arena, &e, NULL), 0);
    ck_assert_int_eq(e.time_ms, v.time_ms);
    desk_close(&d);
}
END_TEST

START_TEST(ticks_go_on_when_nothing_else_happens)
{
    struct desk d = desk_open();
    for (int i = 0; i < 4; i++) {
        pass(&d, MINUTE / 2);
        memkv_fail_commit_after(d.store, i == 1, ERR_IO);
        round_end(&d);
    }
    struct follower f = follow_all(&d);
    /* The first is lost with its commit and made up for in the next round. */
    ck_assert_msg(strstr(f.trail, "]2024-09-05T08:01[T]2024-09-05T08:02[T]") != NULL, "%s",
                  f.trail);
    round_begin(&d);
    ck_assert(!collector_seal(d.collector, d.kv));
    desk_close(&d);
}
END_TEST

static int move(struct desk *d, const char *time, uint64_t *offset)
{
    round_begin(d);
    return collector_replay_tick(d->collector, d->kv, key_of(KEY_OPERATOR), world_ms(time), offset,
                                 NULL);
}

START_TEST(replay_moves_when_told_and_a_lost_move_did_not_happen)
{
    struct desk d = desk_new(true, "2025-11-11T11:11:11+07:00");
    uint64_t offset, again;
    apply_world(&d);
    ck_assert_int_eq(move(&d, NOW, &offset), 0);
    ck_assert_int_eq(round_end(&d), 0);
    ck_assert_uint_eq(offset, 12);
    submit(&d, (struct sent){.number = 1});
    ck_assert_int_eq(move(&d, "2024-09-07T08:00:00+07:00", &offset), 0);
    memkv_fail_commit_after(d.store, 1, ERR_FULL);
    ck_assert_int_eq(round_end(&d), ERR_FULL);
    ck_assert_int_eq(collector_clock(d.collector)->time_ms, world_ms(NOW));
    submit(&d, (struct sent){.number = 1});
    ck_assert_int_eq(move(&d, "2024-09-06T08:00:00+07:00", &offset), 0);
    struct verdict v = submit(&d, (struct sent){.number = 2});
    ck_assert_int_eq(v.time_ms, world_ms("2024-09-06T08:00:00+07:00"));
    ck_assert_int_eq(round_end(&d), 0);
    ck_assert_int_eq(move(&d, NOW, &again), ERR_INVALID);
    ck_assert_int_eq(move(&d, "2024-09-06T08:00:00+07:00", &again), 0);
    ck_assert_uint_ge(again, offset);
    ck_assert_int_eq(round_end(&d), 0);
    struct follower f = follow_all(&d);
    ck_assert_str_eq(f.trail, "1970-01-01T07:00[G]1970-01-01T07:00[CPRRRRRRRR]2024-09-05T08:00[T]"
                              "2024-09-05T08:00[B]2024-09-06T00:00[T]2024-09-06T08:00[T]"
                              "2024-09-06T08:00[B]");
    desk_close(&d);
}
END_TEST

START_TEST(replay_moves_for_an_operator_alone)
{
    struct desk d = desk_new(true, NOW);
    uint64_t offset;
    apply_world(&d);
    round_begin(&d);
    for (int key = KEY_OPERATOR; key <= KEY_STRANGER; key++) {
        int rc =
            collector_replay_tick(d.collector, d.kv, key_of(key), world_ms(NOW), &offset, NULL);
        ck_assert_msg(rc == (key == KEY_OPERATOR ? 0 : ERR_DENIED), "key %d: %d", key, rc);
    }
    desk_close(&d);
}
END_TEST

START_TEST(a_restart_does_not_make_a_jump_true)
{
    struct desk d = desk_open();
    pass(&d, MINUTE);
    ck_assert_int_eq(round_end(&d), 0);
    d.wall_ms += 26 * (int64_t)HOUR;
    desk_restart(&d);
    ck_assert(collector_clock(d.collector)->held);
    pass(&d, MINUTE);
    struct verdict v = submit(&d, (struct sent){.number = 1});
    ck_assert_int_eq(v.time_ms, world_ms(NOW) + 2 * MINUTE);
    ck_assert_int_eq(round_end(&d), 0);
    desk_restart(&d);
    ck_assert(collector_clock(d.collector)->held);
    d.wall_ms -= 26 * (int64_t)HOUR;
    desk_restart(&d);
    ck_assert(!collector_clock(d.collector)->held);
    desk_close(&d);
}
END_TEST

START_TEST(a_jump_waits_for_an_operator_and_for_its_commit)
{
    struct desk d = desk_open();
    uint64_t offset;
    d.wall_ms += 26 * (int64_t)HOUR;
    struct verdict v = submit(&d, (struct sent){.number = 1});
    ck_assert_int_eq(v.time_ms, world_ms(NOW));
    ck_assert_int_eq(
        collector_clock_accept(d.collector, d.kv, key_of(KEY_OFFICER), d.wall_ms, &offset, NULL),
        ERR_DENIED);
    for (int failing = 1; failing >= 0; failing--) {
        round_begin(&d);
        ck_assert(collector_clock(d.collector)->held);
        submit(&d, (struct sent){.number = 1});
        ck_assert_int_eq(collector_clock_accept(d.collector, d.kv, key_of(KEY_OPERATOR), d.wall_ms,
                                                &offset, NULL),
                         0);
        memkv_fail_commit_after(d.store, failing, ERR_FULL);
        ck_assert_int_eq(round_end(&d), failing ? ERR_FULL : 0);
    }
    v = submit(&d, (struct sent){.number = 2});
    ck_assert_int_eq(v.time_ms, d.wall_ms);
    struct entry e;
    ck_assert_int_eq(collector_entry(d.collector, d.kv, offset, &d.arena, &e, NULL), 0);
    ck_assert_int_eq(e.time_before_ms, world_ms(NOW));
    ck_assert_int_eq(e.time_ms, d.wall_ms);
    ck_assert_uint_eq(e.operator_producer, UINT32_MAX);
    ck_assert_int_eq(round_end(&d), 0);
    struct follower f = follow_all(&d);
    ck_assert_msg(strstr(f.trail, "2024-09-05T08:00[B]2024-09-06T00:00[T]2024-09-06T10:00[T]"
                                  "2024-09-06T10:00[K]2024-09-06T10:00[B]") != NULL,
                  "%s", f.trail);
    desk_close(&d);
}
END_TEST

/* ---- following ---- */

START_TEST(fetch_gives_whole_commits_within_the_bytes_asked_for)
{
    struct desk d = desk_open();
    for (uint64_t n = 1; n <= 5; n++) {
        submit(&d, (struct sent){.number = n});
        ck_assert_int_eq(round_end(&d), 0);
    }
    struct follower one = {.next_offset = 1}, all = {.next_offset = 1};
    ck_assert_uint_eq(fetch(&d, &one, 0), 1); /* never none, however small the answer may be */
    ck_assert_uint_eq(fetch(&d, &all, 1 << 20), 7);
    ck_assert_uint_eq(fetch(&d, &all, 1 << 20), 0);
    desk_close(&d);
}
END_TEST

START_TEST(fetch_refuses_what_is_not_this_journal)
{
    struct desk d = desk_open();
    struct follower first = {.next_offset = 1}, head = follow_all(&d);
    fetch(&d, &first, 0);
    uint8_t wrong[HASH_BYTES] = {1};
    struct {
        const char *why;
        uint64_t from;
        const uint8_t *hash;
        int code;
    } rows[] = {
        {"the beginning", 1, (uint8_t[HASH_BYTES]){0}, 0},
        {"the beginning after something", 1, wrong, ERR_CORRUPT},
        {"the second commit", 2, first.hash, 0},
        {"the second commit after another", 2, wrong, ERR_CORRUPT},
        {"nothing new", 12, head.hash, 0},
        {"nothing new after another", 12, wrong, ERR_CORRUPT},
        {"the middle of a commit", 3, first.hash, ERR_INVALID},
        {"no offset", 0, wrong, ERR_INVALID},
        {"beyond the head", 13, head.hash, ERR_INVALID},
        {"far beyond it", UINT64_MAX, head.hash, ERR_INVALID},
    };
    struct buf out = {0};
    struct kv *kv = memkv_begin(d.store, false);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint32_t count = 99;
        buf_clear(&out);
        int rc = journal_store_fetch(kv, rows[i].from, rows[i].hash, 1 << 20, &out, &count, NULL);
        ck_assert_msg(rc == rows[i].code, "%s: %d", rows[i].why, rc);
        ck_assert_msg((count > 0) == (out.len > 0) && count < 99, "%s: %u in %zu bytes",
                      rows[i].why, count, out.len);
    }
    memkv_abort(&kv);
    buf_fini(&out);
    desk_close(&d);
}
END_TEST

START_TEST(the_open_group_is_not_fetched_but_its_entries_are_found)
{
    struct desk d = desk_open();
    struct collector_head before = collector_head(d.collector);
    struct verdict v = submit(&d, (struct sent){.number = 1, .payload = "held"});
    struct entry e;
    ck_assert_uint_eq(collector_head(d.collector).offset, before.offset);
    ck_assert_int_eq(collector_entry(d.collector, d.kv, v.offset, &d.arena, &e, NULL), 0);
    ck_assert(slice_equal(e.body, slice_str("held")));
    ck_assert_int_eq(collector_entry(d.collector, d.kv, v.offset + 1, &d.arena, &e, NULL),
                     ERR_NOT_FOUND);
    ck_assert_int_eq(collector_entry(d.collector, d.kv, 0, &d.arena, &e, NULL), ERR_NOT_FOUND);
    desk_close(&d);
}
END_TEST

START_TEST(a_large_round_becomes_several_commits)
{
    enum { BODY_BYTES = 1 << 20, BATCHES = 40 };
    struct desk d = desk_open();
    struct verdict first = {0};
    char *payload = malloc(BODY_BYTES + 1);
    memset(payload, 'x', BODY_BYTES);
    payload[BODY_BYTES] = '\0';
    for (uint64_t n = 1; n <= BATCHES; n++) {
        struct verdict v = submit(&d, (struct sent){.number = n, .payload = payload});
        first = n == 1 ? v : first;
    }
    struct verdict again = submit(&d, (struct sent){.number = 1, .payload = payload});
    same_answer(&first, &again, "from a commit of the same transaction");
    ck_assert_uint_ge(collector_group_bytes(d.collector), (size_t)BODY_BYTES * BATCHES);
    ck_assert_int_eq(round_end(&d), 0);
    ck_assert_uint_eq(collector_group_bytes(d.collector), 0);
    struct follower f = follow_all(&d);
    ck_assert_uint_eq(f.batches, BATCHES);
    ck_assert_uint_ge(f.commits, 4);
    free(payload);
    desk_close(&d);
}
END_TEST

/* ---- restarts ---- */

static void live_a_round(struct desk *d, unsigned round)
{
    char payload[32];
    for (unsigned i = 0; i < 6; i++) {
        unsigned at = round * 6 + i;
        snprintf(payload, sizeof payload, "payload %u", at);
        submit(d, (struct sent){.key = at % 3 == 0 ? KEY_OTHER : KEY_OFFICER,
                                .spool = (char)('A' + at % 5),
                                .number = at / 15 + 1,
                                .payload = payload,
                                .unpack_code = at % 11 == 0 ? ERR_INVALID : 0});
    }
    if (round == 7)
        apply(d, ENTRY_PRODUCER, "set hong-bang submit 11329");
    ck_assert_int_eq(round_end(d), 0);
    pass(d, 7 * (int64_t)HOUR + 1234);
}

START_TEST(restarted_at_every_round_or_never_the_journal_is_the_same)
{
    struct desk steady = desk_open(), broken = desk_open();
    for (unsigned round = 0; round < 30; round++) {
        live_a_round(&steady, round);
        live_a_round(&broken, round);
        desk_restart(&broken);
    }
    same_journal(&steady, &broken, "after restarts");
    ck_assert_uint_gt(follow_all(&broken).batches, 20);
    desk_close(&steady);
    desk_close(&broken);
}
END_TEST

SUITE_MAIN(
    "collector", a_journal_goes_on_where_it_stands, the_mode_of_a_journal_is_fixed,
    a_damaged_store_is_not_opened, an_answer_is_given_again_in_the_same_words,
    a_number_holds_one_content_and_follows_the_one_before,
    number_duplicate_reuse_and_next_in_one_failed_group,
    after_a_fault_every_answer_of_the_round_is_unavailable, poison_batch_does_not_block_its_spool,
    rows_with_bad_codes_are_told_again_in_the_same_words,
    a_repeated_number_is_found_without_a_look_at_its_neighbours,
    trimming_removes_whole_commits_below_an_offset,
    batches_trimmed_are_settled_and_their_spools_go_on,
    trimming_forgets_all_numbers_but_the_last_of_a_spool,
    a_follower_below_the_first_kept_is_sent_to_a_backup, a_spool_tells_its_last_number,
    who_may_submit_and_for_whom, a_delegate_speaks_with_the_officers_scope_and_numbers,
    revocation_takes_effect_at_the_next_message, a_revocation_that_was_not_committed_did_not_happen,
    only_an_operator_applies_and_only_what_holds_is_journalled,
    missed_midnights_come_before_the_first_entry_after_them, ticks_go_on_when_nothing_else_happens,
    replay_moves_when_told_and_a_lost_move_did_not_happen, replay_moves_for_an_operator_alone,
    a_restart_does_not_make_a_jump_true, a_jump_waits_for_an_operator_and_for_its_commit,
    fetch_gives_whole_commits_within_the_bytes_asked_for, fetch_refuses_what_is_not_this_journal,
    the_open_group_is_not_fetched_but_its_entries_are_found, a_large_round_becomes_several_commits,
    restarted_at_every_round_or_never_the_journal_is_the_same)
