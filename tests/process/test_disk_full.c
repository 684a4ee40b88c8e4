/* Stores with no room left: batches are answered `unavailable` and kept by their sender, the
 * services live and say so once, and when there is room again the same batches go through. */
#include "tests/support/mounts.h"
#include "tests/support/province.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <sys/stat.h>

enum {
    CODES = 1000,
    BATCHES_MAX = 2000,
    REFUSALS = 5,     /* of the same batch, while the disk is full */
    MOVES_MAX = 4000, /* ticks, until the map has no room for one */
    PAIRS = 100,
    SMALL_DISK_BYTES = 3 << 20,
    LARGE_DISK_BYTES = 256 << 20,
};

struct filler {
    struct cluster *cluster;
    struct net_keypair keys;
    struct peer peer;
    uint64_t accepted; /* batches */
    int64_t sum;       /* of their amounts */
    uint64_t offset;   /* of the last */
};

static void filler_open(struct filler *f, struct cluster *c)
{
    *f = (struct filler){.cluster = c};
    cluster_add_producer(c, "office", ROLE_SUBMIT, province_code, &f->keys);
    cluster_peer_collector(c, &f->peer, &f->keys);
}

/* One row of an amount that no other batch has, and a long list of codes that no row refers to. */
static void make_batch(const struct filler *f, struct buf *payload, int64_t *amount)
{
    static const char spare[] = "a-code-of-32-bytes-nobody-bears.";
    struct arena arena;
    arena_init(&arena, 0);
    *amount = (int64_t)f->peer.next_number * 1000003;
    struct batch b = province_batch(&arena, "11001", "calls", PROVINCE_DAY, OP_ADD, *amount);
    struct slice unit = b.units[0];
    b.unit_count = CODES;
    b.units = arena_alloc(&arena, CODES * sizeof *b.units);
    b.units[0] = unit;
    for (uint32_t i = 1; i < CODES; i++)
        b.units[i] = slice_of(spare, sizeof spare - 1);
    wire_pack_batch(&b, payload);
    arena_fini(&arena);
}

/* The refusal; the next number is the next batch's only when it is 0. */
static unsigned send_next(struct filler *f)
{
    struct buf payload = {0};
    struct wire_submit_answer answer;
    struct err e = {0};
    int64_t amount;
    make_batch(f, &payload, &amount);
    int rc =
        peer_submit_payload(&f->peer, f->peer.next_number, buf_slice(&payload), NULL, &answer, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    if (answer.refusal == REFUSAL_NONE) {
        ck_assert_uint_eq(answer.accepted_rows, 1);
        f->peer.next_number++;
        f->accepted++;
        f->sum += amount;
        f->offset = answer.offset;
    }
    buf_fini(&payload);
    return answer.refusal;
}

static void expect_state(struct filler *f, const char *state, bool ready)
{
    struct wire_health health;
    struct err e = {0};
    int rc = peer_ask_health(&f->peer, &health, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    ck_assert_msg(strcmp(health.state, state) == 0 && health.ready == ready, "%s, %s", health.state,
                  health.detail);
}

static void fill(struct filler *f)
{
    unsigned refusal = 0;
    for (unsigned i = 0; i < BATCHES_MAX && refusal == 0; i++)
        refusal = send_next(f);
    ck_assert_msg(refusal == REFUSAL_UNAVAILABLE, "after %llu batches: %s",
                  (unsigned long long)f->accepted, refusal_name((enum refusal)refusal));
    for (unsigned i = 0; i < REFUSALS; i++)
        ck_assert_uint_eq(send_next(f), REFUSAL_UNAVAILABLE);
    expect_state(f, "store_full", false);
    ck_assert_uint_ge(cluster_collector_count(f->cluster, "answers_unavailable_total"), REFUSALS);
    ck_assert_uint_eq(process_log_count(&f->cluster->collector, "event=commit_failed"), 1);
    ck_assert_uint_eq(cluster_collector_count(f->cluster, "batches_total{reason=\"taken\"}"),
                      f->accepted);
    ck_assert_uint_eq(cluster_collector_count(f->cluster, "rows_accepted_total"), f->accepted);
    ck_assert_uint_ge(cluster_collector_count(f->cluster, "batches_total{reason=\"unavailable\"}"),
                      REFUSALS);
}

static void count_batch(void *arg, const struct entry *e)
{
    uint64_t *numbers = arg;
    if (e->kind == ENTRY_BATCH)
        ck_assert_uint_eq(e->number, ++*numbers);
}

static void expect_all_kept(struct filler *f)
{
    struct net_keypair auditor;
    uint64_t numbers = 0;
    cluster_add_producer(f->cluster, "auditor", ROLE_SERVICE, NULL, &auditor);
    province_visit_journal(f->cluster, &auditor, count_batch, &numbers);
    ck_assert_uint_eq(numbers, f->accepted);
    ck_assert_int_eq(province_sum(f->cluster, province_code, "calls", f->offset), f->sum);
    cluster_verify(f->cluster);
}

START_TEST(a_full_map_refuses_until_it_is_raised)
{
    struct cluster c;
    struct filler f;
    cluster_open(&c, "full");
    c.options.collector_map = "4MiB";
    cluster_configure(&c);
    cluster_start(&c);
    province_apply(&c);
    filler_open(&f, &c);
    fill(&f);
    ck_assert_uint_eq(process_log_count(&c.collector, "raise store.map_size"), 1);
    peer_close(&f.peer);
    uint64_t number = f.peer.next_number;
    struct spool_id spool = f.peer.spool;
    ck_assert_int_eq(process_stop(&c.collector), 0);
    c.options.collector_map = "256MiB";
    cluster_configure(&c);
    cluster_start(&c);
    cluster_peer_collector(&c, &f.peer, &f.keys);
    f.peer.next_number = number;
    f.peer.spool = spool;
    for (unsigned i = 0; i < REFUSALS; i++)
        ck_assert_uint_eq(send_next(&f), 0);
    expect_state(&f, "ready", true);
    expect_all_kept(&f);
    peer_close(&f.peer);
    cluster_close(&c);
}
END_TEST

/* --- what is told while commits fail */

/* The journal's time, some milliseconds on. */
static struct wire_apply later(unsigned by)
{
    return (struct wire_apply){.kind = WIRE_APPLY_REPLAY_TICK, .time_ms = PROVINCE_TIME_MS + by};
}

/* Until not even a tick finds room; how many did. */
static unsigned move_until_full(struct peer *office)
{
    struct err e = {0};
    for (unsigned i = 1; i < MOVES_MAX; i++) {
        struct wire_apply tick = later(i);
        int rc = peer_apply(office, &tick, NULL, &e);
        if (rc == ERR_AGAIN)
            return i - 1;
        ck_assert_msg(rc == 0, "%s", e.text);
    }
    ck_abort_msg("%d ticks and still room", MOVES_MAX);
    return 0;
}

static void send_numbered(struct peer *p, enum wire_kind kind, uint64_t id, struct slice message)
{
    uint8_t bytes[WIRE_HEAD_BYTES];
    struct wire_head head = {.version = WIRE_VERSION, .kind = (uint8_t)kind, .id = id};
    wire_head_encode(&head, bytes);
    struct slice frames[] = {slice_of(bytes, sizeof bytes), message};
    peer_send(p, frames, 2);
}

/* Each a tick and, into the same round, the question. */
static void send_pairs(struct peer *office)
{
    struct buf message = {0};
    for (unsigned i = 0; i < PAIRS; i++) {
        struct wire_apply tick = later(MOVES_MAX + i);
        buf_clear(&message);
        wire_pack_apply(&tick, &message);
        send_numbered(office, WIRE_APPLY, 2 * i, buf_slice(&message));
        send_numbered(office, WIRE_HEALTH, 2 * i + 1, slice_of(NULL, 0));
    }
    buf_fini(&message);
}

static void take_health(struct peer *p, uint64_t id, struct wire_health *out)
{
    struct err e = {0};
    peer_receive(p, id);
    ck_assert_msg(wire_unpack_health(p->reply.frames[1], &p->arena, out, &e) == 0, "%s", e.text);
}

START_TEST(only_what_was_committed_is_told_counted_and_logged)
{
    struct cluster c;
    struct filler f;
    struct peer office;
    struct wire_health now, then;
    struct err e = {0};
    cluster_open(&c, "told");
    c.options.collector_map = "2MiB";
    cluster_configure(&c);
    cluster_start(&c);
    province_apply(&c);
    filler_open(&f, &c);
    cluster_peer_collector(&c, &office, &c.operator_keys);
    fill(&f);
    unsigned applied = process_log_count(&c.collector, "event=applied");
    unsigned moves = move_until_full(&office);
    ck_assert_uint_eq(process_log_count(&c.collector, "event=applied"), applied + moves);
    send_pairs(&office);
    ck_assert_msg(peer_ask_health(&f.peer, &now, &e) == 0, "%s", e.text);
    for (unsigned i = 0; i < PAIRS; i++) {
        take_health(&office, 2 * i + 1, &then);
        ck_assert_uint_eq(then.commit_number, now.commit_number);
        ck_assert_uint_eq(then.offset, now.offset);
        ck_assert_int_eq(then.time_ms, now.time_ms);
        ck_assert_mem_eq(then.head_hash, now.head_hash, HASH_BYTES);
    }
    ck_assert_uint_eq(process_log_count(&c.collector, "event=applied"), applied + moves);
    peer_close(&office);
    peer_close(&f.peer);
    cluster_close(&c);
}
END_TEST

/* Both stores on one small disk: whichever is full first, the other is soon. No restart. */
START_TEST(a_full_disk_refuses_until_there_is_room)
{
    struct cluster c;
    struct filler f;
    char data[TEMP_PATH_BYTES];
    const char *why = NULL;
    if (!mounts_begin(&why)) {
        printf("a_full_disk_refuses_until_there_is_room: skipped: %s\n", why);
        return;
    }
    cluster_open(&c, "full");
    ck_assert_int_eq(mkdir(temp_dir_file(&c.dir, "disk", data), 0700), 0);
    mounts_tmpfs(data, SMALL_DISK_BYTES);
    c.options.data = data;
    cluster_configure(&c);
    cluster_start(&c);
    province_apply(&c);
    filler_open(&f, &c);
    fill(&f);
    mounts_tmpfs_grow(data, LARGE_DISK_BYTES);
    for (unsigned i = 0; i < REFUSALS; i++)
        ck_assert_uint_eq(send_next(&f), 0);
    expect_state(&f, "ready", true);
    ck_assert_uint_eq(process_log_count(&c.collector, "event=commit_succeeds"), 1);
    expect_all_kept(&f);
    ck_assert_uint_eq(process_log_count(&c.aggregator, "event=checkpoint_failed"),
                      process_log_count(&c.aggregator, "event=checkpoint_succeeds"));
    peer_close(&f.peer);
    ck_assert_int_eq(process_stop(&c.aggregator), 0);
    ck_assert_int_eq(process_stop(&c.collector), 0);
    mounts_end(data);
    cluster_close(&c);
}
END_TEST

SUITE_MAIN("process/disk_full", a_full_map_refuses_until_it_is_raised,
           only_what_was_committed_is_told_counted_and_logged,
           a_full_disk_refuses_until_there_is_room)
