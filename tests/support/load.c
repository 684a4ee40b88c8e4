#include "tests/support/load.h"

#include "common/base/alloc.h"
#include "common/net/loop.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

enum { PENDING_MAX = 24, WAIT_MS = 5, AMOUNT_STEP = 1000003 };

static const struct spool_options quick = {
    .answer_ms = 1000, .backoff_ms = 5, .backoff_max_ms = 40, .blocked_ms = 50};

/* --- hooks */

static void take_answer(void *arg, uint64_t ticket, const struct wire_submit_answer *answer)
{
    struct load_client *c = arg;
    ck_assert_msg(answer->refusal == 0, "batch %llu was refused: %s", (unsigned long long)ticket,
                  refusal_name((enum refusal)answer->refusal));
    ck_assert_uint_eq(answer->accepted_rows, 1);
    ck_assert_uint_ge(ticket, 1);
    ck_assert_uint_le(ticket, c->stated);
    ck_assert_msg(c->offsets[ticket] == 0, "batch %llu was answered twice",
                  (unsigned long long)ticket);
    c->offsets[ticket] = answer->offset;
    c->answered++;
}

static void take_reopened(void *arg, enum spool_reason reason, const struct spool_id *id)
{
    struct load_client *c = arg;
    (void)reason;
    (void)id;
    c->reopened++;
}

static void client_ready(void *arg)
{
    struct load_client *c = arg;
    struct err e = {0};
    ck_assert_msg(submit_client_step(c->client, &e) == 0, "%s", e.text);
}

/* --- producers */

static void open_client(struct load_client *c)
{
    struct cluster *cluster = c->load->cluster;
    struct submit_client_options options = {
        .endpoint = cluster->collector_ipc,
        .server_key = cluster->collector_keys.public_key,
        .self = c->keys,
        .spool_directory = c->spool,
        .spool = quick,
        .hooks = {.arg = c, .answered = take_answer, .reopened = take_reopened},
    };
    struct err e = {0};
    int rc = submit_client_open(&c->client, cluster->net, &options, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    loop_add_socket(c->load->loop, submit_client_socket(c->client), client_ready, c);
}

static void close_client(struct load_client *c)
{
    loop_remove_socket(c->load->loop, submit_client_socket(c->client));
    submit_client_close(c->client);
}

void load_open(struct load *l, struct cluster *cluster)
{
    memset(l, 0, sizeof *l);
    l->cluster = cluster;
    l->loop = loop_create();
    for (unsigned i = 0; i < LOAD_CLIENTS; i++) {
        struct load_client *c = &l->clients[i];
        char name[32];
        snprintf(name, sizeof name, "producer.%u", i);
        c->load = l;
        c->offsets = alloc_zeroed(LOAD_BATCHES_MAX, sizeof *c->offsets);
        temp_dir_file(&cluster->dir, name, c->spool);
        cluster_add_producer(cluster, name, ROLE_SUBMIT, province_code, &c->keys);
        open_client(c);
    }
    cluster_add_producer(cluster, "auditor", ROLE_SERVICE, NULL, &l->auditor);
}

void load_close(struct load *l)
{
    for (unsigned i = 0; i < LOAD_CLIENTS; i++) {
        close_client(&l->clients[i]);
        free(l->clients[i].offsets);
    }
    loop_remove_net(l->loop, l->cluster->net);
    loop_destroy(l->loop);
}

void load_reopen(struct load *l, unsigned client)
{
    close_client(&l->clients[client]);
    open_client(&l->clients[client]);
}

/* --- the work */

static void state_one(struct load_client *c, unsigned index)
{
    struct arena arena;
    struct err e = {0};
    uint64_t ticket = 0, number = c->stated + 1;
    unsigned commune = (unsigned)((number + index) % PROVINCE_COMMUNES);
    int64_t amount = (int64_t)(number * LOAD_CLIENTS + index) * AMOUNT_STEP;
    ck_assert_uint_lt(number, LOAD_BATCHES_MAX);
    arena_init(&arena, 0);
    struct batch b =
        province_batch(&arena, province_communes[commune], "calls", PROVINCE_DAY, OP_ADD, amount);
    c->stated = number;
    int rc = submit_client_put(c->client, &b, &ticket, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    ck_assert_uint_eq(ticket, number);
    c->load->sums[commune] += amount;
    arena_fini(&arena);
}

void load_step(struct load *l, bool more)
{
    struct err e = {0};
    for (unsigned i = 0; i < LOAD_CLIENTS; i++) {
        struct load_client *c = &l->clients[i];
        if (more && submit_client_pending(c->client) < PENDING_MAX)
            state_one(c, i);
        client_ready(c);
    }
    ck_assert_msg(loop_round(l->loop, more ? 0 : WAIT_MS, &e) == 0, "%s", e.text);
}

void load_work(struct load *l, struct random *random, unsigned most_ms, uint64_t answers_min)
{
    uint64_t wanted = load_answered(l) + answers_min;
    int64_t moment_ms = loop_now_ms() + random_below(random, most_ms);
    int64_t patience_ms = loop_now_ms() + PROCESS_PATIENCE_MS;
    while (loop_now_ms() < moment_ms || load_answered(l) < wanted) {
        load_step(l, true);
        ck_assert_msg(loop_now_ms() < patience_ms, "hardly an answer for %d s",
                      PROCESS_PATIENCE_MS / 1000);
    }
}

static uint64_t pending(const struct load *l)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < LOAD_CLIENTS; i++)
        count += submit_client_pending(l->clients[i].client);
    return count;
}

void load_finish(struct load *l)
{
    int64_t patience_ms = loop_now_ms() + PROCESS_PATIENCE_MS;
    while (pending(l) > 0) {
        load_step(l, false);
        ck_assert_msg(loop_now_ms() < patience_ms, "%llu batches are still not answered",
                      (unsigned long long)pending(l));
    }
}

uint64_t load_stated(const struct load *l)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < LOAD_CLIENTS; i++)
        count += l->clients[i].stated;
    return count;
}

uint64_t load_answered(const struct load *l)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < LOAD_CLIENTS; i++)
        count += l->clients[i].answered;
    return count;
}

/* --- what must have come of it */

/* Producers are registered first, in their order, so that their ordinals are 0, 1, 2. */
struct journal_count {
    struct load *load;
    uint64_t numbers[LOAD_CLIENTS];
};

static void count_entry(void *arg, const struct entry *e)
{
    struct journal_count *n = arg;
    if (e->kind != ENTRY_BATCH)
        return;
    ck_assert_uint_lt(e->producer, LOAD_CLIENTS);
    struct load_client *c = &n->load->clients[e->producer];
    uint64_t expected = ++n->numbers[e->producer];
    ck_assert_msg(e->number == expected, "producer %u: number %llu in the journal after %llu",
                  e->producer, (unsigned long long)e->number, (unsigned long long)expected - 1);
    ck_assert_uint_le(e->number, c->stated);
    ck_assert_msg(c->offsets[e->number] == e->offset,
                  "producer %u number %llu stands at %llu, its answer said %llu", e->producer,
                  (unsigned long long)e->number, (unsigned long long)e->offset,
                  (unsigned long long)c->offsets[e->number]);
}

static void check_journal(struct load *l)
{
    struct journal_count n = {.load = l};
    province_visit_journal(l->cluster, &l->auditor, count_entry, &n);
    for (unsigned i = 0; i < LOAD_CLIENTS; i++) {
        ck_assert_uint_eq(n.numbers[i], l->clients[i].stated);
        ck_assert_uint_eq(l->clients[i].answered, l->clients[i].stated);
        ck_assert_uint_eq(l->clients[i].reopened, 0);
    }
}

static uint64_t last_offset(const struct load *l)
{
    uint64_t last = 0;
    for (unsigned i = 0; i < LOAD_CLIENTS; i++)
        for (uint64_t t = 1; t <= l->clients[i].stated; t++)
            if (l->clients[i].offsets[t] > last)
                last = l->clients[i].offsets[t];
    return last;
}

static void check_sum(const struct load *l, const char *unit, uint64_t not_before, int64_t wanted)
{
    int64_t got = province_sum(l->cluster, unit, "calls", not_before);
    ck_assert_msg(got == wanted, "%s: %lld counted, %lld stated", unit, (long long)got,
                  (long long)wanted);
}

static void check_sums(const struct load *l)
{
    uint64_t last = last_offset(l);
    int64_t districts[PROVINCE_DISTRICTS] = {0}, province = 0;
    for (unsigned i = 0; i < PROVINCE_COMMUNES; i++) {
        check_sum(l, province_communes[i], last, l->sums[i]);
        districts[i * PROVINCE_DISTRICTS / PROVINCE_COMMUNES] += l->sums[i];
    }
    for (unsigned i = 0; i < PROVINCE_DISTRICTS; i++) {
        check_sum(l, province_districts[i], last, districts[i]);
        province += districts[i];
    }
    check_sum(l, province_code, last, province);
}

void load_check(struct load *l)
{
    check_journal(l);
    check_sums(l);
}

uint64_t load_setting(const char *name, uint64_t standard)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : standard;
}
