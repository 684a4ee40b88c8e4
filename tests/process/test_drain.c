/* What those hear who wait for an answer while a service ends: that it stops, or, when it comes
 * back, the answer, without asking again themselves. */
#include "common/client/request.h"
#include "common/net/loop.h"
#include "tests/support/province.h"
#include "tests/support/suite.h"

#include <pthread.h>

enum { NEVER = 1 << 30, WAIT_MS = 30000 };

/* Asked from a thread of its own, as a command would ask it. */
struct question {
    struct request_peer peer;
    enum wire_kind kind;
    struct buf message;
    struct buf reply;
    pthread_t thread;
    int code;
    struct err said;
};

static void *ask(void *arg)
{
    struct question *q = arg;
    struct net_options options = {.retry_ms = 20};
    struct net *net = NULL;
    struct request *r = NULL;
    q->code = net_create(&net, &options, &q->said);
    if (q->code == 0)
        q->code = request_open(&r, net, &q->peer, &q->said);
    if (q->code == 0)
        q->code = request_ask(r, q->kind, buf_slice(&q->message), PEER_PATIENCE_MS, NULL, &q->reply,
                              &q->said);
    request_close(r);
    net_destroy(net);
    return NULL;
}

static void question_ask(struct question *q)
{
    ck_assert_int_eq(pthread_create(&q->thread, NULL, ask, q), 0);
}

typedef uint64_t count_fn(struct cluster *c, const char *counter);

static void await_arrival(struct cluster *c, count_fn *count, const char *counter)
{
    int64_t end_ms = loop_now_ms() + WAIT_MS;
    while (count(c, counter) == 0)
        ck_assert_msg(loop_now_ms() < end_ms, "the question never arrived");
}

static void question_expect(struct question *q, int code, const char *said)
{
    ck_assert_int_eq(pthread_join(q->thread, NULL), 0);
    ck_assert_msg(q->code == code && strstr(q->said.text, said), "%s: %s", err_name(q->code),
                  q->said.text);
}

static void question_fini(struct question *q)
{
    buf_fini(&q->message);
    buf_fini(&q->reply);
}

/* Without the collector nobody can say that the entry will not come. */
START_TEST(who_waits_hears_that_the_aggregator_stops)
{
    static const char asked[] = "requests_total{reason=\"query\"}";
    struct wire_query query = {.not_before = NEVER, .wait_ms = WAIT_MS};
    struct cluster c;
    cluster_open(&c, "drain");
    struct question q = {
        .peer = {c.query_ipc, c.aggregator_keys.public_key, c.operator_keys},
        .kind = WIRE_QUERY,
    };
    wire_pack_query(&query, &q.message);
    cluster_start(&c);
    ck_assert_int_eq(process_stop(&c.collector), 0);
    question_ask(&q);
    await_arrival(&c, cluster_aggregator_count, asked);
    ck_assert_int_eq(process_stop(&c.aggregator), 0);
    question_expect(&q, ERR_AGAIN, "the aggregator is stopping: ask again");
    question_fini(&q);
    cluster_close(&c);
}
END_TEST

static void start_collector(struct cluster *c)
{
    process_start(&c->collector);
    process_await_ready(&c->collector);
}

/* For the next commit, which is not there yet. */
static void pack_pull(struct cluster *c, struct buf *out)
{
    struct peer p;
    struct wire_health health;
    struct wire_fetch pull = {.wait_ms = WAIT_MS};
    struct err e = {0};
    cluster_peer_collector(c, &p, &c->operator_keys);
    ck_assert_msg(peer_ask_health(&p, &health, &e) == 0, "%s", e.text);
    pull.from_offset = health.offset + 1;
    memcpy(pull.previous_hash, health.head_hash, HASH_BYTES);
    wire_pack_fetch(&pull, out);
    peer_close(&p);
}

START_TEST(a_question_whose_link_was_lost_is_asked_again)
{
    static const char asked[] = "requests_total{reason=\"fetch\"}";
    struct producer clerk = cluster_producer("clerk", ROLE_SUBSCRIBE, NULL);
    struct wire_commits commits;
    struct cluster c;
    cluster_open(&c, "again");
    struct question q = {
        .peer = {c.collector_ipc, c.collector_keys.public_key, c.aggregator_keys},
        .kind = WIRE_FETCH,
    };
    start_collector(&c);
    pack_pull(&c, &q.message);
    question_ask(&q);
    await_arrival(&c, cluster_collector_count, asked);
    process_kill(&c.collector);
    start_collector(&c);
    await_arrival(&c, cluster_collector_count, asked);
    cluster_set_producer(&c, &clerk);
    question_expect(&q, 0, "");
    ck_assert_int_eq(wire_unpack_commits(buf_slice(&q.reply), &commits, NULL), 0);
    ck_assert_uint_eq(commits.commit_count, 1);
    question_fini(&q);
    cluster_close(&c);
}
END_TEST

SUITE_MAIN("process/drain", who_waits_hears_that_the_aggregator_stops,
           a_question_whose_link_was_lost_is_asked_again)
