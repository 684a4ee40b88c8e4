/* What a producer's client makes of its link and of a collector that takes nothing: real sockets, a
 * real spool, and a collector that answers what the test says. */
#include "common/client/submit_client.h"
#include "common/net/loop.h"
#include "tests/support/suite.h"
#include "tests/support/temp_dir.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { WAIT_MS = 20000, QUIET_MS = 300, RETRY_MS = 20, SAYS = 3, HOUR_MS = 3600 * 1000 };

/* --- a collector */

struct said {
    enum refusal refusal;
    const char *failure; /* instead, the sentence of a Failure; NULL: none */
    bool silent;         /* nothing at all */
};

struct collector {
    struct net *net;
    struct net_keypair keys;
    struct net_socket *socket;
    struct loop *loop;
    struct said says[SAYS]; /* to the first batch that comes, the second, and all others */
    unsigned taken;
    unsigned links; /* handshakes, over all its lives */
    pthread_t thread;
    atomic_bool stop;
};

static bool admit_all(void *arg, const struct net_key *key, const char *peer_address)
{
    struct collector *c = arg;
    (void)key;
    (void)peer_address;
    c->links++;
    return true;
}

static void pack_answer(const struct said *says, struct wire_head *head, struct buf *out)
{
    struct wire_submit_answer answer = {.refusal = says->refusal, .offset = 7};
    head->kind = (says->failure ? WIRE_FAILURE : WIRE_SUBMIT) | WIRE_ANSWER;
    if (says->failure)
        wire_pack_failure(ERR_AGAIN, says->failure, out);
    else
        wire_pack_submit_answer(&answer, out);
}

static void answer(struct collector *c, const struct net_message *m)
{
    const struct said *says = &c->says[c->taken < SAYS ? c->taken : SAYS - 1];
    uint8_t bytes[WIRE_HEAD_BYTES];
    struct wire_head head;
    struct buf message = {0};
    c->taken++;
    if (says->silent || wire_head_decode(m->frames[0], &head, NULL) != 0)
        return;
    pack_answer(says, &head, &message);
    wire_head_encode(&head, bytes);
    struct slice frames[] = {slice_of(bytes, sizeof bytes), buf_slice(&message)};
    net_send(c->socket, &m->route, frames, 2, NULL);
    buf_fini(&message);
}

static void take(void *arg)
{
    struct collector *c = arg;
    struct net_message m;
    while (net_receive(c->socket, &m) == 0) {
        answer(c, &m);
        net_message_clear(&m);
    }
}

static void collector_listen(struct collector *c, const char *endpoint)
{
    struct err e = {0};
    ck_assert_msg(net_create(&c->net, NULL, &e) == 0, "%s", e.text);
    net_admit(c->net, admit_all, c);
    ck_assert_msg(net_listen(c->net, NET_ROUTER, endpoint, &c->keys, &c->socket, &e) == 0, "%s",
                  e.text);
    loop_add_socket(c->loop, c->socket, take, c);
}

static void collector_leave(struct collector *c)
{
    loop_remove_socket(c->loop, c->socket);
    net_close(c->socket);
    loop_remove_net(c->loop, c->net);
    net_destroy(c->net);
}

static void *serve(void *arg)
{
    struct collector *c = arg;
    while (!atomic_load(&c->stop))
        loop_round(c->loop, RETRY_MS, NULL);
    return NULL;
}

/* --- both */

struct world {
    struct temp_dir dir;
    struct collector collector;
    struct net *net;
    struct submit_client *client;
    char endpoint[TEMP_PATH_BYTES + 16];
};

static void put_batch(struct world *w)
{
    struct slice unit = slice_str("11001"), indicator = slice_str("classes");
    struct batch b = {.units = &unit, .unit_count = 1, .indicators = &indicator};
    struct err e = {0};
    b.indicator_count = 1;
    ck_assert_msg(submit_client_put(w->client, &b, NULL, &e) == 0, "%s", e.text);
}

static void world_open(struct world *w, const struct said says[SAYS])
{
    char path[TEMP_PATH_BYTES];
    struct net_options net = {.retry_ms = RETRY_MS};
    struct submit_client_options options = {.endpoint = w->endpoint,
                                            .spool = {.answer_ms = HOUR_MS, .backoff_ms = 10}};
    struct err e = {0};
    memset(w, 0, sizeof *w);
    temp_dir_open(&w->dir, "client");
    snprintf(w->endpoint, sizeof w->endpoint, "ipc://%s", temp_dir_file(&w->dir, "c.sock", path));
    w->collector.loop = loop_create();
    memcpy(w->collector.says, says, sizeof w->collector.says);
    keypair_generate(&w->collector.keys);
    keypair_generate(&options.self);
    options.server_key = w->collector.keys.public_key;
    options.spool_directory = temp_dir_file(&w->dir, "spool", path);
    collector_listen(&w->collector, w->endpoint);
    ck_assert_msg(net_create(&w->net, &net, &e) == 0, "%s", e.text);
    ck_assert_msg(submit_client_open(&w->client, w->net, &options, &e) == 0, "%s", e.text);
}

static void world_close(struct world *w)
{
    submit_client_close(w->client);
    net_destroy(w->net);
    collector_leave(&w->collector);
    loop_destroy(w->collector.loop);
    temp_dir_close(&w->dir);
}

/* --- what is said when nothing goes on */

#define SILENCE "no answer for "

static const struct quiet {
    const char *reason;
    struct said says[SAYS];
    unsigned batches;
    int code;
    const char *sentence; /* behind the endpoint */
    enum refusal refusal;
} quiets[] = {
    {"nobody answers",
     {{.silent = true}, {.silent = true}, {.silent = true}},
     1,
     ERR_NET,
     SILENCE,
     REFUSAL_NONE},
    {"its store is full, and it says so",
     {{.refusal = REFUSAL_UNAVAILABLE},
      {.refusal = REFUSAL_UNAVAILABLE},
      {.refusal = REFUSAL_UNAVAILABLE}},
     1,
     ERR_AGAIN,
     "unavailable: The collector cannot take figures just now",
     REFUSAL_UNAVAILABLE},
    {"a Failure has its own sentence",
     {{.failure = "not before noon"}, {.silent = true}, {.silent = true}},
     1,
     ERR_AGAIN,
     "not before noon",
     REFUSAL_UNAVAILABLE},
    {"a good answer came after it",
     {{.failure = "not before noon"}, {.refusal = REFUSAL_NONE}, {.silent = true}},
     2,
     ERR_NET,
     SILENCE,
     REFUSAL_NONE},
    {"a batch was taken, the next finds silence",
     {{.refusal = REFUSAL_NONE}, {.silent = true}, {.silent = true}},
     2,
     ERR_NET,
     SILENCE,
     REFUSAL_NONE},
    {"a batch was refused for good, the next finds silence",
     {{.refusal = REFUSAL_EMPTY}, {.silent = true}, {.silent = true}},
     2,
     ERR_NET,
     SILENCE,
     REFUSAL_NONE},
};

static void expect_sentence(const struct world *w, const struct quiet *q, const struct err *e)
{
    const char *said = e->text + strlen(w->endpoint) + strlen(": ");
    size_t len = strlen(q->sentence);
    ck_assert_msg(strncmp(said, q->sentence, len) == 0, "%s: %s", q->reason, e->text);
    if (q->code == ERR_NET)
        ck_assert_msg(atoi(said + len) >= QUIET_MS, "%s: %s", q->reason, e->text);
}

START_TEST(who_is_left_without_an_answer_hears_why)
{
    static struct world w;
    for (size_t i = 0; i < sizeof quiets / sizeof *quiets; i++) {
        const struct quiet *q = &quiets[i];
        struct err e = {0};
        world_open(&w, q->says);
        for (unsigned n = 0; n < q->batches; n++)
            put_batch(&w);
        ck_assert_int_eq(pthread_create(&w.collector.thread, NULL, serve, &w.collector), 0);
        int rc = submit_client_run(w.client, QUIET_MS, NULL, &e);
        atomic_store(&w.collector.stop, true);
        ck_assert_int_eq(pthread_join(w.collector.thread, NULL), 0);
        ck_assert_msg(rc == q->code, "%s: %s: %s", q->reason, err_name(rc), e.text);
        expect_sentence(&w, q, &e);
        ck_assert_int_eq(submit_client_refusal(w.client), q->refusal);
        world_close(&w);
    }
}
END_TEST

/* --- the link */

static void await(struct world *w, struct loop *client_loop, const unsigned *count, unsigned wanted)
{
    struct err e = {0};
    int64_t end_ms = loop_now_ms() + WAIT_MS;
    while (*count < wanted) {
        ck_assert_msg(loop_now_ms() < end_ms, "%u, not %u", *count, wanted);
        ck_assert_int_eq(loop_round(w->collector.loop, RETRY_MS, NULL), 0);
        if (client_loop) {
            ck_assert_int_eq(loop_round(client_loop, 0, NULL), 0);
            ck_assert_msg(submit_client_step(w->client, &e) == 0, "%s", e.text);
        }
    }
}

/* Without the client's loop turning nobody here sees the loss; waiting for the answer that went
 * with the link would take an hour. */
START_TEST(what_was_in_flight_goes_again_though_nobody_saw_the_link_go)
{
    static const struct said silence[SAYS] = {{.silent = true}, {.silent = true}, {.silent = true}};
    static struct world w;
    struct loop *loop = loop_create();
    world_open(&w, silence);
    loop_add_net(loop, w.net);
    put_batch(&w);
    await(&w, loop, &w.collector.taken, 1);
    collector_leave(&w.collector);
    collector_listen(&w.collector, w.endpoint);
    unsigned links = w.collector.links;
    await(&w, NULL, &w.collector.links, links + 1);
    await(&w, loop, &w.collector.taken, 2);
    loop_remove_net(loop, w.net);
    loop_destroy(loop);
    world_close(&w);
}
END_TEST

SUITE_MAIN("submit_client", who_is_left_without_an_answer_hears_why,
           what_was_in_flight_goes_again_though_nobody_saw_the_link_go)
