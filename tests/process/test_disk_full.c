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
    REFUSALS = 5, /* of the same batch, while the disk is full */
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
           a_full_disk_refuses_until_there_is_room)
