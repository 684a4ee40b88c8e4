/* The dialogue of who follows, over real sockets: what counts as an answer, and when it is asked
 * again. The clock is the test's own; every wait is for an event. */
#include "common/service/pull.h"
#include "tests/support/suite.h"
#include "tests/support/temp_dir.h"

#include <stdio.h>
#include <string.h>

enum { WAIT_MS = 20000, ROUND_MS = 20, PULL_WAIT_MS = 1000 };

static int judge(int code)
{
    return code == ERR_INVALID ? ERR_CORRUPT : code;
}

static const struct pull_peer peer = {.name = "collector", .kind = WIRE_FETCH, .judge = judge};

/* Who asks, and who is asked. */
struct pair {
    struct temp_dir directory;
    char endpoint[TEMP_PATH_BYTES];
    struct net_keypair server_keys, keys;
    struct net *server_net, *net;
    struct net_socket *server;
    struct net_message asked; /* the last that came */
    struct pull pull;
};

static bool admit(void *arg, const struct net_key *key, const char *peer_address)
{
    (void)arg, (void)key, (void)peer_address;
    return true;
}

static void server_open(struct pair *p)
{
    struct net_options options = {.retry_ms = ROUND_MS};
    struct err e = {0};
    ck_assert_msg(net_create(&p->server_net, &options, &e) == 0, "%s", e.text);
    net_admit(p->server_net, admit, NULL);
    ck_assert_msg(
        net_listen(p->server_net, NET_ROUTER, p->endpoint, &p->server_keys, &p->server, &e) == 0,
        "%s", e.text);
}

static void server_close(struct pair *p)
{
    net_message_clear(&p->asked);
    net_close(p->server);
    net_destroy(p->server_net);
}

static void pair_open(struct pair *p)
{
    struct net_options options = {.retry_ms = ROUND_MS};
    struct net_socket *socket;
    struct err e = {0};
    *p = (struct pair){0};
    temp_dir_open(&p->directory, "pull");
    snprintf(p->endpoint, sizeof p->endpoint, "ipc://%s/gate", p->directory.path);
    keypair_generate(&p->server_keys);
    keypair_generate(&p->keys);
    server_open(p);
    ck_assert_msg(net_create(&p->net, &options, &e) == 0, "%s", e.text);
    ck_assert_msg(net_connect(p->net, NET_DEALER, p->endpoint, &p->server_keys.public_key, &p->keys,
                              &socket, &e) == 0,
                  "%s", e.text);
    pull_init(&p->pull, &peer, socket, PULL_WAIT_MS);
}

static void pair_close(struct pair *p)
{
    net_close(p->pull.socket);
    net_destroy(p->net);
    server_close(p);
    temp_dir_close(&p->directory);
}

/* Both sides have their turn. */
static void turn(struct pair *p)
{
    net_wait(p->server, ROUND_MS);
    net_wait(p->pull.socket, 0);
}

static void connect_links(struct pair *p, uint64_t links)
{
    for (int i = 0; i < WAIT_MS / ROUND_MS && net_links(p->pull.socket) < links; i++)
        turn(p);
    ck_assert_uint_eq(net_links(p->pull.socket), links);
    ck_assert_int_eq(net_state(p->pull.socket), NET_CONNECTED);
}

static void ask_at(struct pair *p, int64_t now_ms)
{
    pull_send(&p->pull, slice_str("more"), now_ms);
    ck_assert(p->pull.waiting);
    net_message_clear(&p->asked);
    ck_assert_int_eq(net_wait(p->server, WAIT_MS), 0);
    ck_assert_int_eq(net_receive(p->server, &p->asked), 0);
}

static void answer(struct pair *p, uint8_t kind, uint64_t id, struct slice message)
{
    struct wire_head head = {.version = WIRE_VERSION, .kind = kind, .id = id};
    uint8_t bytes[WIRE_HEAD_BYTES];
    wire_head_encode(&head, bytes);
    struct slice frames[] = {slice_of(bytes, sizeof bytes), message, slice_str("rest")};
    ck_assert_int_eq(net_send(p->server, &p->asked.route, frames, 3, NULL), 0);
    ck_assert_int_eq(net_wait(p->pull.socket, WAIT_MS), 0);
}

START_TEST(an_answer_is_handed_on_and_ends_the_request)
{
    struct pair p;
    struct pull_reply reply = {0};
    struct err e = {0};
    pair_open(&p);
    connect_links(&p, 1);
    ck_assert(pull_is_due(&p.pull, 0));
    ask_at(&p, 0);
    ck_assert(!pull_is_due(&p.pull, PULL_WAIT_MS + 3000));
    answer(&p, WIRE_FETCH | WIRE_ANSWER, p.pull.id, slice_str("answer"));
    ck_assert_msg(pull_receive(&p.pull, 10, &reply, &e) == 0, "%s", e.text);
    ck_assert_uint_eq(reply.answer.len, 6);
    ck_assert_mem_eq(reply.rest.data, "rest", 4);
    pull_answered(&p.pull);
    ck_assert(pull_is_due(&p.pull, 10));
    pull_reply_clear(&reply);
    ck_assert(!reply.held);
    pair_close(&p);
}
END_TEST

/* Also when two looks at the socket find it connected and what was asked is nevertheless gone. */
START_TEST(what_was_asked_over_a_lost_link_is_asked_again)
{
    struct pair p;
    pair_open(&p);
    connect_links(&p, 1);
    ask_at(&p, 0);
    server_close(&p);
    server_open(&p);
    connect_links(&p, 2);
    ck_assert(!pull_is_due(&p.pull, 50));
    ck_assert_uint_eq(p.pull.retries, 1);
    ck_assert(pull_is_due(&p.pull, 150));
    pair_close(&p);
}
END_TEST

START_TEST(silence_and_failures_are_met_with_growing_pauses)
{
    static const int64_t pauses_ms[] = {100, 200, 400, 800, 1600, 3200, 5000, 5000};
    struct pair p;
    int64_t now_ms = 0;
    pair_open(&p);
    connect_links(&p, 1);
    for (size_t i = 0; i < sizeof pauses_ms / sizeof *pauses_ms; i++) {
        ask_at(&p, now_ms);
        now_ms += PULL_WAIT_MS + 3001;
        ck_assert(!pull_is_due(&p.pull, now_ms));
        ck_assert_int_eq(p.pull.not_before_ms - now_ms, pauses_ms[i]);
        now_ms = p.pull.not_before_ms;
        ck_assert(pull_is_due(&p.pull, now_ms));
    }
    ck_assert_uint_eq(p.pull.retries, sizeof pauses_ms / sizeof *pauses_ms);
    pair_close(&p);
}
END_TEST

static const struct {
    const char *reason;
    uint8_t kind;
    int failure;   /* 0: the message is no Failure */
    int64_t id_by; /* beside the request's own */
    int rc;
    const char *sentence;
} bad_answers[] = {
    {"to a request that was given up", WIRE_FETCH | WIRE_ANSWER, 0, -1, ERR_AGAIN,
     "an answer to a request that was given up"},
    {"of another kind", WIRE_QUERY | WIRE_ANSWER, 0, 0, ERR_CORRUPT,
     "the collector's answer to a pull cannot be read: is it of the same release?"},
    {"a failure that is none", WIRE_FAILURE | WIRE_ANSWER, 0, 0, ERR_CORRUPT,
     "the collector's answer to a pull cannot be read: is it of the same release?"},
    {"a failure that may pass", WIRE_FAILURE | WIRE_ANSWER, ERR_FULL, 0, ERR_FULL,
     "the collector says: no"},
    {"a failure that is judged", WIRE_FAILURE | WIRE_ANSWER, ERR_INVALID, 0, ERR_CORRUPT,
     "the collector says: no"},
};

START_TEST(what_is_no_answer_says_why)
{
    struct pair p;
    pair_open(&p);
    connect_links(&p, 1);
    for (size_t i = 0; i < sizeof bad_answers / sizeof *bad_answers; i++) {
        struct pull_reply reply = {0};
        struct buf message = {0};
        struct err e = {0};
        if (bad_answers[i].failure != 0)
            wire_pack_failure(bad_answers[i].failure, "no", &message);
        else
            buf_u8(&message, 0xff);
        ask_at(&p, 0);
        answer(&p, bad_answers[i].kind, p.pull.id + (uint64_t)bad_answers[i].id_by,
               buf_slice(&message));
        int rc = pull_receive(&p.pull, 0, &reply, &e);
        ck_assert_msg(rc == bad_answers[i].rc, "%s: %d %s", bad_answers[i].reason, rc, e.text);
        ck_assert_str_eq(e.text, bad_answers[i].sentence);
        ck_assert(!reply.held);
        pull_forget(&p.pull);
        buf_fini(&message);
    }
    ck_assert_uint_eq(p.pull.stale, 1);
    pair_close(&p);
}
END_TEST

SUITE_MAIN("service/pull", an_answer_is_handed_on_and_ends_the_request,
           what_was_asked_over_a_lost_link_is_asked_again,
           silence_and_failures_are_met_with_growing_pauses, what_is_no_answer_says_why)
