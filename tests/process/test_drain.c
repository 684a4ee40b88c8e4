/* What those hear who wait for an answer while a service ends: that it stops, or, when it comes
 * back, the answer, without asking again themselves. */
#include "common/client/request.h"
#include "tests/support/province.h"
#include "tests/support/suite.h"

#include <pthread.h>
#include <signal.h>

enum { NEVER = 1 << 30, WAIT_MS = 30000 };

/* One question, asked from a thread of its own as a command would ask it. */
struct question {
    struct cluster *cluster;
    uint64_t not_before;
    pthread_t thread;
    int code;
    struct err said;
};

static void *ask(void *arg)
{
    struct question *q = arg;
    struct cluster *c = q->cluster;
    struct request_peer peer = {c->query_ipc, c->aggregator_keys.public_key, c->operator_keys};
    struct net_options options = {.retry_ms = 20};
    struct wire_query query = {.not_before = q->not_before, .wait_ms = WAIT_MS};
    struct net *net = NULL;
    struct request *r = NULL;
    struct buf message = {0}, reply = {0};
    wire_pack_query(&query, &message);
    q->code = net_create(&net, &options, &q->said);
    if (q->code == 0)
        q->code = request_open(&r, net, &peer, &q->said);
    if (q->code == 0)
        q->code = request_ask(r, WIRE_QUERY, buf_slice(&message), PEER_PATIENCE_MS, NULL, &reply,
                              &q->said);
    request_close(r);
    net_destroy(net);
    buf_fini(&message);
    buf_fini(&reply);
    return NULL;
}

/* When it returns the question waits in the aggregator. */
static void question_ask(struct question *q, struct cluster *c, uint64_t not_before)
{
    static const char counter[] = "requests_total{reason=\"query\"}";
    uint64_t before = cluster_aggregator_count(c, counter);
    *q = (struct question){.cluster = c, .not_before = not_before};
    ck_assert_int_eq(pthread_create(&q->thread, NULL, ask, q), 0);
    while (cluster_aggregator_count(c, counter) == before)
        continue;
}

static void question_expect(struct question *q, int code, const char *said)
{
    ck_assert_int_eq(pthread_join(q->thread, NULL), 0);
    ck_assert_msg(q->code == code && strstr(q->said.text, said), "%s: %s", err_name(q->code),
                  q->said.text);
}

START_TEST(who_waits_hears_that_the_aggregator_stops)
{
    static struct cluster c;
    struct question q;
    cluster_open(&c, "drain");
    cluster_start(&c);
    for (int i = 0; i < 50; i++) {
    question_ask(&q, &c, NEVER);
    ck_assert_int_eq(process_stop(&c.aggregator), 0);
    question_expect(&q, ERR_AGAIN, "the aggregator is stopping: ask again");
    cluster_start(&c);
    }
    cluster_close(&c);
}
END_TEST

SUITE_MAIN("process/drain", who_waits_hears_that_the_aggregator_stops)
