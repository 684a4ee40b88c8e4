/* Real sockets in one process. Every wait is for an event, with a bound that only a failure meets.
 */
#include "common/net/loop.h"
#include "common/net/net.h"
#include "common/net/net_internal.h"
#include "tests/support/suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { WAIT_MS = 20000, RETRY_MS = 50, HEARD_MAX = 64, TEXT_BYTES = 128 };

/* ---- a directory, a server and a client ---- */

static char directory[] = "/tmp/test-net-XXXXXX";

static void directory_make(void)
{
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void directory_remove(void)
{
    static const char *const names[] = {"a.sock", "b.key", "c.key", "d.pub", "plain"};
    char path[256];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        unlink(path);
    }
    ck_assert_int_eq(rmdir(directory), 0);
}

static const char *file_in_directory(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static const char *ipc_endpoint(void)
{
    static char endpoint[256];
    snprintf(endpoint, sizeof endpoint, "ipc://%s/a.sock", directory);
    return endpoint;
}

static struct sockaddr_un ipc_address(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(ipc_endpoint() + 6);
    ck_assert_uint_lt(len, sizeof address.sun_path);
    memcpy(address.sun_path, ipc_endpoint() + 6, len);
    return address;
}

/* What one socket heard: the parts of net_message that outlive it. */
struct heard {
    struct net_route route;
    struct net_key key;
    bool has_key;
    bool malformed;
    unsigned frame_count;
    size_t first_len;
    char first[TEXT_BYTES]; /* the first frame, cut, terminated */
};

struct ear {
    struct net_socket *socket;
    struct heard heard[HEARD_MAX];
    unsigned count;
    bool narrow; /* a NET_XPUB that gives "a/" to whoever asks for anything */
};

static void ear_take(struct ear *ear, const struct net_message *m)
{
    ck_assert_uint_lt(ear->count, HEARD_MAX);
    struct heard *h = &ear->heard[ear->count++];
    *h = (struct heard){m->route, m->key, m->has_key, m->malformed, m->frame_count, 0, ""};
    if (m->frame_count == 0)
        return;
    h->first_len = m->frames[0].len;
    size_t len = h->first_len < TEXT_BYTES - 1 ? h->first_len : TEXT_BYTES - 1;
    memcpy(h->first, m->frames[0].data, len);
}

static void ear_narrow(struct ear *ear, const struct net_message *m)
{
    bool subscribe = *(const uint8_t *)m->frames[0].data == 1;
    int rc = subscribe ? net_subscription_allow(ear->socket, slice_str("a/"))
                       : net_subscription_remove(ear->socket, slice_str("a/"));
    ck_assert_int_eq(rc, 0);
}

static void ear_ready(void *arg)
{
    struct ear *ear = arg;
    struct net_message m;
    if (net_receive(ear->socket, &m) != 0)
        return;
    ear_take(ear, &m);
    if (ear->narrow)
        ear_narrow(ear, &m);
    net_message_clear(&m);
}

struct server {
    struct net *net;
    struct net_keypair keys;
    struct ear ear;
    struct net_key known[4];
    unsigned known_count;
};

struct client {
    struct net *net;
    struct net_keypair keys;
    struct ear ear;
};

static bool server_admits(void *arg, const struct net_key *key, const char *peer_address)
{
    const struct server *s = arg;
    ck_assert_ptr_nonnull(peer_address);
    for (unsigned i = 0; i < s->known_count; i++)
        if (key_equal(&s->known[i], key))
            return true;
    return false;
}

static struct net *net_make(struct net_options options)
{
    struct net *n = NULL;
    struct err e = {0};
    options.retry_ms = RETRY_MS;
    ck_assert_msg(net_create(&n, &options, &e) == 0, "%s", e.text);
    return n;
}

static void server_listen(struct server *s, struct loop *l, enum net_kind kind,
                          const char *endpoint)
{
    struct err e = {0};
    ck_assert_msg(net_listen(s->net, kind, endpoint, &s->keys, &s->ear.socket, &e) == 0, "%s",
                  e.text);
    loop_add_socket(l, s->ear.socket, ear_ready, &s->ear);
}

static void server_start(struct server *s, struct loop *l, enum net_kind kind, const char *endpoint,
                         struct net_options options)
{
    *s = (struct server){.net = net_make(options)};
    keypair_generate(&s->keys);
    net_admit(s->net, server_admits, s);
    server_listen(s, l, kind, endpoint);
}

static void server_know(struct server *s, const struct client *c)
{
    s->known[s->known_count++] = c->keys.public_key;
}

static void client_start(struct client *c, struct loop *l, enum net_kind kind,
                         const struct server *s, struct net_options options)
{
    *c = (struct client){.net = net_make(options)};
    keypair_generate(&c->keys);
    struct err e = {0};
    ck_assert_msg(net_connect(c->net, kind, net_endpoint(s->ear.socket), &s->keys.public_key,
                              &c->keys, &c->ear.socket, &e) == 0,
                  "%s", e.text);
    loop_add_socket(l, c->ear.socket, ear_ready, &c->ear);
}

static void ear_stop(struct ear *ear, struct loop *l)
{
    loop_remove_socket(l, ear->socket);
    net_close(ear->socket);
    ear->socket = NULL;
}

static void client_stop(struct client *c, struct loop *l)
{
    ear_stop(&c->ear, l);
    loop_remove_net(l, c->net);
    net_destroy(c->net);
}

static void server_stop(struct server *s, struct loop *l)
{
    ear_stop(&s->ear, l);
    loop_remove_net(l, s->net);
    net_destroy(s->net);
}

typedef bool until_fn(const void *arg);

/* Turns the loop until the event; the bound is met by a failure only. */
static void pump(struct loop *l, until_fn *until, const void *arg, const char *what)
{
    int64_t end = loop_now_ms() + WAIT_MS;
    while (!until(arg)) {
        struct err e = {0};
        ck_assert_msg(loop_now_ms() < end, "waited in vain: %s", what);
        ck_assert_msg(loop_round(l, 50, &e) == 0, "%s", e.text);
    }
}

static bool is_connected(const void *arg)
{
    return net_state(((const struct client *)arg)->ear.socket) == NET_CONNECTED;
}

static bool is_refused(const void *arg)
{
    return net_state(((const struct client *)arg)->ear.socket) == NET_REFUSED;
}

static bool has_heard_one(const void *arg)
{
    return ((const struct ear *)arg)->count >= 1;
}

static bool has_heard_two(const void *arg)
{
    return ((const struct ear *)arg)->count >= 2;
}

static bool has_lost_link(const void *arg)
{
    return net_counters(arg)->links_lost >= 1;
}

/* Sends as soon as there is a link. */
static void client_send(struct client *c, struct loop *l, const struct slice *frames,
                        unsigned count)
{
    int64_t end = loop_now_ms() + WAIT_MS;
    struct err e = {0};
    int rc;
    while ((rc = net_send(c->ear.socket, NULL, frames, count, &e)) == ERR_AGAIN) {
        ck_assert_msg(loop_now_ms() < end, "no link to send on");
        ck_assert_int_eq(loop_round(l, 50, NULL), 0);
    }
    ck_assert_msg(rc == 0, "%s", e.text);
}

static void client_say(struct client *c, struct loop *l, const char *text)
{
    struct slice frame = slice_str(text);
    client_send(c, l, &frame, 1);
}

/* A peer that is not ours: a plain ZeroMQ socket that has the right keys. */
static void *hostile_connect(void *context, int type, const struct server *s,
                             const struct net_keypair *keys, const char *routing_id)
{
    void *z = zmq_socket(context, type);
    int zero = 0;
    ck_assert_ptr_nonnull(z);
    ck_assert_int_eq(zmq_setsockopt(z, ZMQ_LINGER, &zero, sizeof zero), 0);
    ck_assert_int_eq(zmq_setsockopt(z, ZMQ_CURVE_SERVERKEY, s->keys.public_key.bytes, 32), 0);
    ck_assert_int_eq(zmq_setsockopt(z, ZMQ_CURVE_PUBLICKEY, keys->public_key.bytes, 32), 0);
    ck_assert_int_eq(zmq_setsockopt(z, ZMQ_CURVE_SECRETKEY, keys->secret_key.bytes, 32), 0);
    if (routing_id)
        ck_assert_int_eq(zmq_setsockopt(z, ZMQ_ROUTING_ID, routing_id, strlen(routing_id)), 0);
    ck_assert_int_eq(zmq_connect(z, net_endpoint(s->ear.socket)), 0);
    return z;
}

/* ---- who gets in ---- */

static const char *endpoint_of(int i)
{
    return i == 0 ? "tcp://127.0.0.1:*" : ipc_endpoint();
}

START_TEST(known_key_is_let_in_and_stands_on_the_message)
{
    directory_make();
    for (int i = 0; i < 2; i++) {
        struct loop *l = loop_create();
        struct server s;
        struct client c;
        server_start(&s, l, NET_ROUTER, endpoint_of(i), (struct net_options){0});
        client_start(&c, l, NET_DEALER, &s, (struct net_options){0});
        server_know(&s, &c);
        client_say(&c, l, "hello");
        pump(l, has_heard_one, &s.ear, "the message");
        ck_assert_str_eq(s.ear.heard[0].first, "hello");
        ck_assert(s.ear.heard[0].has_key && key_equal(&s.ear.heard[0].key, &c.keys.public_key));
        struct slice answer[] = {slice_str("good"), slice_str("day")};
        ck_assert_int_eq(net_send(s.ear.socket, &s.ear.heard[0].route, answer, 2, NULL), 0);
        pump(l, has_heard_one, &c.ear, "the answer");
        ck_assert_str_eq(c.ear.heard[0].first, "good");
        ck_assert_uint_eq(c.ear.heard[0].frame_count, 2);
        ck_assert_uint_eq(net_counters(s.net)->peers_admitted, 1);
        client_stop(&c, l);
        server_stop(&s, l);
        loop_destroy(l);
    }
    directory_remove();
}
END_TEST

START_TEST(strangers_key_is_refused)
{
    directory_make();
    for (int i = 0; i < 2; i++) {
        struct loop *l = loop_create();
        struct server s;
        struct client stranger;
        server_start(&s, l, NET_ROUTER, endpoint_of(i), (struct net_options){0});
        client_start(&stranger, l, NET_DEALER, &s, (struct net_options){0});
        pump(l, is_refused, &stranger, "the refusal");
        ck_assert_uint_ge(net_counters(s.net)->peers_refused, 1);
        struct slice frame = slice_str("let me in");
        ck_assert_int_eq(net_send(stranger.ear.socket, NULL, &frame, 1, NULL), ERR_AGAIN);
        ck_assert_uint_eq(s.ear.count, 0);
        client_stop(&stranger, l);
        server_stop(&s, l);
        loop_destroy(l);
    }
    directory_remove();
}
END_TEST

START_TEST(nobody_is_let_in_before_admit_is_set)
{
    struct loop *l = loop_create();
    struct server s;
    struct client c;
    server_start(&s, l, NET_ROUTER, endpoint_of(0), (struct net_options){0});
    net_admit(s.net, NULL, NULL);
    client_start(&c, l, NET_DEALER, &s, (struct net_options){0});
    server_know(&s, &c);
    pump(l, is_refused, &c, "the refusal");
    client_stop(&c, l);
    server_stop(&s, l);
    loop_destroy(l);
}
END_TEST

static bool has_failed_handshake(const void *arg)
{
    const struct client *c = arg;
    const struct net_counters *n = net_counters(c->net);
    return is_refused(c) || is_connected(c) || n->handshakes_failed + n->links_lost > 0;
}

START_TEST(without_a_key_handler_nobody_gets_in_and_the_loop_ends)
{
    struct loop *l = loop_create(), *clients = loop_create();
    struct server s;
    struct client c;
    server_start(&s, l, NET_ROUTER, endpoint_of(0), (struct net_options){0});
    ck_assert_int_eq(zmq_close(s.net->zap), 0);
    s.net->zap = NULL;
    client_start(&c, clients, NET_DEALER, &s, (struct net_options){.handshake_ms = 500});
    server_know(&s, &c);
    pump(clients, has_failed_handshake, &c, "the handshake to fail");
    ck_assert_int_ne(net_state(c.ear.socket), NET_CONNECTED);
    struct err e = {0};
    ck_assert_int_eq(loop_round(l, 0, &e), ERR_NET);
    ck_assert_msg(strstr(e.text, "key handler died"), "%s", e.text);
    client_stop(&c, clients);
    server_stop(&s, l);
    loop_destroy(clients);
    loop_destroy(l);
}
END_TEST

START_TEST(refused_key_gets_in_once_it_is_admitted)
{
    struct loop *l = loop_create();
    struct server s;
    struct client c;
    server_start(&s, l, NET_ROUTER, endpoint_of(0), (struct net_options){0});
    client_start(&c, l, NET_DEALER, &s, (struct net_options){0});
    pump(l, is_refused, &c, "the refusal");
    server_know(&s, &c);
    client_say(&c, l, "at last");
    pump(l, has_heard_one, &s.ear, "the message");
    ck_assert_int_eq(net_state(c.ear.socket), NET_CONNECTED);
    client_stop(&c, l);
    server_stop(&s, l);
    loop_destroy(l);
}
END_TEST

START_TEST(client_with_the_wrong_server_key_never_connects)
{
    struct loop *l = loop_create();
    struct server s;
    struct client c;
    server_start(&s, l, NET_ROUTER, endpoint_of(0), (struct net_options){0});
    struct net_keypair right = s.keys;
    keypair_generate(&s.keys);
    client_start(&c, l, NET_DEALER, &s, (struct net_options){0});
    s.keys = right;
    server_know(&s, &c);
    pump(l, has_failed_handshake, &c, "the handshake to fail");
    ck_assert_int_ne(net_state(c.ear.socket), NET_CONNECTED);
    client_stop(&c, l);
    server_stop(&s, l);
    loop_destroy(l);
}
END_TEST

/* ---- hostile and broken peers ---- */

START_TEST(later_client_with_the_same_routing_id_is_heard_under_its_own_key)
{
    struct loop *l = loop_create();
    struct server s;
    struct client a = {0}, b = {0};
    server_start(&s, l, NET_ROUTER, endpoint_of(0), (struct net_options){0});
    keypair_generate(&a.keys);
    keypair_generate(&b.keys);
    server_know(&s, &a);
    server_know(&s, &b);
    void *context = zmq_ctx_new();
    void *first = hostile_connect(context, ZMQ_DEALER, &s, &a.keys, "twin");
    ck_assert_int_eq(zmq_send(first, "one", 3, 0), 3);
    pump(l, has_heard_one, &s.ear, "the first twin");
    void *second = hostile_connect(context, ZMQ_DEALER, &s, &b.keys, "twin");
    ck_assert_int_eq(zmq_send(second, "two", 3, 0), 3);
    pump(l, has_heard_two, &s.ear, "the second twin");
    ck_assert_str_eq(s.ear.heard[1].first, "two");
    ck_assert(key_equal(&s.ear.heard[0].key, &a.keys.public_key));
    ck_assert(key_equal(&s.ear.heard[1].key, &b.keys.public_key));
    zmq_close(first);
    zmq_close(second);
    zmq_ctx_term(context);
    server_stop(&s, l);
    loop_destroy(l);
}
END_TEST

START_TEST(oversized_frame_does_not_arrive_and_its_sender_is_not_wedged)
{
    struct loop *l = loop_create();
    struct server s;
    struct client c;
    static const char bytes[4000];
    server_start(&s, l, NET_ROUTER, endpoint_of(0),
                 (struct net_options){.message_bytes_max = 1000});
    client_start(&c, l, NET_DEALER, &s, (struct net_options){0});
    server_know(&s, &c);
    struct slice largest = slice_of(bytes, 1000), oversized = slice_of(bytes, sizeof bytes);
    client_send(&c, l, &largest, 1);
    pump(l, has_heard_one, &s.ear, "the largest frame");
    ck_assert_uint_eq(s.ear.heard[0].first_len, 1000);
    client_send(&c, l, &oversized, 1);
    pump(l, has_lost_link, c.net, "the link to be cut");
    pump(l, is_connected, &c, "the link to be made anew");
    client_say(&c, l, "small");
    pump(l, has_heard_two, &s.ear, "the small frame");
    ck_assert_str_eq(s.ear.heard[1].first, "small");
    client_stop(&c, l);
    server_stop(&s, l);
    loop_destroy(l);
}
END_TEST

START_TEST(oversized_answer_does_not_wedge_the_client)
{
    struct loop *l = loop_create();
    struct server s;
    struct client c;
    static const char bytes[4000];
    server_start(&s, l, NET_ROUTER, endpoint_of(0), (struct net_options){0});
    client_start(&c, l, NET_DEALER, &s, (struct net_options){.message_bytes_max = 1000});
    server_know(&s, &c);
    client_say(&c, l, "ask");
    pump(l, has_heard_one, &s.ear, "the question");
    struct slice oversized = slice_of(bytes, sizeof bytes);
    ck_assert_int_eq(net_send(c.ear.socket, NULL, &oversized, 1, NULL), ERR_LIMIT);
    ck_assert_int_eq(net_send(s.ear.socket, &s.ear.heard[0].route, &oversized, 1, NULL), 0);
    pump(l, has_lost_link, c.net, "the link to be cut");
    pump(l, is_connected, &c, "the link to be made anew");
    client_say(&c, l, "again");
    pump(l, has_heard_two, &s.ear, "the second question");
    ck_assert_uint_eq(c.ear.count, 0);
    client_stop(&c, l);
    server_stop(&s, l);
    loop_destroy(l);
}
END_TEST

static void hostile_send_frames(void *z, const char *first, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const char *text = i == 0 ? first : "x";
        int flags = i + 1 < count ? ZMQ_SNDMORE : 0;
        ck_assert_int_eq(zmq_send(z, text, strlen(text), flags), (int)strlen(text));
    }
}

START_TEST(too_many_frames_are_flagged_and_the_next_message_is_whole)
{
    struct loop *l = loop_create();
    struct server s;
    struct client c = {0};
    server_start(&s, l, NET_ROUTER, endpoint_of(0), (struct net_options){0});
    keypair_generate(&c.keys);
    server_know(&s, &c);
    void *context = zmq_ctx_new();
    void *z = hostile_connect(context, ZMQ_DEALER, &s, &c.keys, NULL);
    hostile_send_frames(z, "many", 200);
    hostile_send_frames(z, "", 2);
    pump(l, has_heard_two, &s.ear, "both messages");
    ck_assert(s.ear.heard[0].malformed && !s.ear.heard[1].malformed);
    ck_assert_uint_eq(s.ear.heard[0].frame_count, NET_FRAMES_MAX);
    ck_assert_uint_eq(s.ear.heard[1].frame_count, 2);
    ck_assert(s.ear.heard[0].has_key);
    ck_assert_uint_eq(net_counters(s.net)->messages_malformed, 1);
    zmq_close(z);
    zmq_ctx_term(context);
    server_stop(&s, l);
    loop_destroy(l);
}
END_TEST

START_TEST(bytes_that_are_no_handshake_do_no_harm)
{
    directory_make();
    struct loop *l = loop_create();
    struct server s;
    struct client c;
    server_start(&s, l, NET_ROUTER, ipc_endpoint(), (struct net_options){0});
    struct sockaddr_un address = ipc_address();
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    static const char request[] = "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00NULL and then "
                                  "whatever comes to mind, for as long as a greeting should be";
    ck_assert_int_eq(write(fd, request, sizeof request), (ssize_t)sizeof request);
    client_start(&c, l, NET_DEALER, &s, (struct net_options){0});
    server_know(&s, &c);
    client_say(&c, l, "hello");
    pump(l, has_heard_one, &s.ear, "the message");
    ck_assert_uint_eq(s.ear.count, 1);
    close(fd);
    client_stop(&c, l);
    server_stop(&s, l);
    loop_destroy(l);
    directory_remove();
}
END_TEST

/* What is sent while the loss is not noticed yet goes down with the link. */
static bool is_unreachable(const void *arg)
{
    const struct server *s = arg;
    struct slice frame = slice_str("answer");
    return net_send(s->ear.socket, &s->ear.heard[0].route, &frame, 1, NULL) == ERR_NOT_FOUND;
}

START_TEST(vanished_peer_is_not_found)
{
    struct loop *l = loop_create();
    struct server s;
    struct client c;
    server_start(&s, l, NET_ROUTER, endpoint_of(0), (struct net_options){0});
    client_start(&c, l, NET_DEALER, &s, (struct net_options){0});
    server_know(&s, &c);
    client_say(&c, l, "hello");
    pump(l, has_heard_one, &s.ear, "the message");
    client_stop(&c, l);
    pump(l, is_unreachable, &s, "the peer to be gone");
    struct slice frame = slice_str("answer");
    struct err e = {0};
    struct net_route nobody = {3, "abc"};
    ck_assert_int_eq(net_send(s.ear.socket, &nobody, &frame, 1, &e), ERR_NOT_FOUND);
    server_stop(&s, l);
    loop_destroy(l);
}
END_TEST

/* More than the system's sockets hold. The peer is a plain socket: one of ours forgets what it has
 * not read when its link goes (ZMQ_IMMEDIATE), and asks again. */
START_TEST(what_was_sent_before_a_listener_closes_still_arrives)
{
    static uint8_t bytes[256 * 1024];
    struct slice answer = slice_of(bytes, sizeof bytes);
    struct loop *l = loop_create();
    struct server s;
    struct net_keypair keys;
    int patience_ms = WAIT_MS;
    void *context = zmq_ctx_new();
    server_start(&s, l, NET_ROUTER, endpoint_of(0), (struct net_options){0});
    keypair_generate(&keys);
    s.known[s.known_count++] = keys.public_key;
    void *z = hostile_connect(context, ZMQ_DEALER, &s, &keys, NULL);
    ck_assert_int_eq(zmq_setsockopt(z, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms), 0);
    ck_assert_int_eq(zmq_send(z, "question", 8, 0), 8);
    pump(l, has_heard_one, &s.ear, "the question");
    for (unsigned n = 0; n < HEARD_MAX; n++)
        ck_assert_int_eq(net_send(s.ear.socket, &s.ear.heard[0].route, &answer, 1, NULL), 0);
    server_stop(&s, l);
    for (unsigned n = 0; n < HEARD_MAX; n++)
        ck_assert_msg(zmq_recv(z, bytes, sizeof bytes, 0) == sizeof bytes, "answer %u is lost", n);
    zmq_close(z);
    zmq_ctx_term(context);
    loop_destroy(l);
}
END_TEST

/* The peer takes nothing: closing gives up in time. */
START_TEST(a_peer_that_reads_nothing_delays_no_end)
{
    static uint8_t bytes[1024 * 1024];
    struct slice answer = slice_of(bytes, sizeof bytes);
    struct loop *l = loop_create();
    struct server s;
    struct client c;
    server_start(&s, l, NET_ROUTER, "tcp://127.0.0.1:*", (struct net_options){0});
    client_start(&c, l, NET_DEALER, &s, (struct net_options){.queue_messages_max = 1});
    server_know(&s, &c);
    client_say(&c, l, "question");
    pump(l, has_heard_one, &s.ear, "the question");
    for (unsigned n = 0; n < HEARD_MAX; n++)
        ck_assert_int_eq(net_send(s.ear.socket, &s.ear.heard[0].route, &answer, 1, NULL), 0);
    int64_t begin_ms = loop_now_ms();
    server_stop(&s, l);
    int64_t took_ms = loop_now_ms() - begin_ms;
    ck_assert_msg(took_ms >= NET_LINGER_MS / 2 && took_ms < WAIT_MS, "%lld ms", (long long)took_ms);
    client_stop(&c, l);
    loop_destroy(l);
}
END_TEST

/* Both events are there when the client looks again. */
START_TEST(a_link_lost_and_made_again_between_two_looks_shows)
{
    struct loop *there = loop_create(), *here = loop_create();
    struct server s;
    struct client c;
    directory_make();
    server_start(&s, there, NET_ROUTER, ipc_endpoint(), (struct net_options){0});
    client_start(&c, here, NET_DEALER, &s, (struct net_options){0});
    server_know(&s, &c);
    int64_t end = loop_now_ms() + WAIT_MS;
    while (!is_connected(&c) && loop_now_ms() < end) {
        ck_assert_int_eq(loop_round(there, 1, NULL), 0);
        ck_assert_int_eq(loop_round(here, 1, NULL), 0);
    }
    ck_assert_uint_eq(net_links(c.ear.socket), 1);
    server_stop(&s, there);
    s.net = net_make((struct net_options){0});
    net_admit(s.net, server_admits, &s);
    server_listen(&s, there, NET_ROUTER, ipc_endpoint());
    while (net_counters(s.net)->peers_admitted < 1 && loop_now_ms() < end)
        ck_assert_int_eq(loop_round(there, 50, NULL), 0);
    ck_assert_uint_eq(net_links(c.ear.socket), 1);
    while (net_links(c.ear.socket) < 2 && loop_now_ms() < end)
        ck_assert_int_eq(loop_round(here, 50, NULL), 0);
    ck_assert_uint_eq(net_links(c.ear.socket), 2);
    ck_assert(is_connected(&c));
    client_stop(&c, here);
    server_stop(&s, there);
    loop_destroy(here);
    loop_destroy(there);
    directory_remove();
}
END_TEST

START_TEST(full_queue_says_later_and_loses_no_half)
{
    enum { TRIES = 100000, FRAME = 65536 };
    static char bytes[FRAME];
    struct loop *l = loop_create();
    struct server s;
    struct client c;
    server_start(&s, l, NET_ROUTER, endpoint_of(0), (struct net_options){.queue_messages_max = 2});
    client_start(&c, l, NET_DEALER, &s, (struct net_options){.queue_messages_max = 2});
    server_know(&s, &c);
    client_say(&c, l, "hello");
    pump(l, has_heard_one, &s.ear, "the message");
    struct slice frames[] = {slice_str("head"), slice_of(bytes, sizeof bytes)};
    unsigned sent = 0;
    int rc = 0;
    while (sent < TRIES &&
           (rc = net_send(s.ear.socket, &s.ear.heard[0].route, frames, 2, NULL)) == 0)
        sent++;
    ck_assert_int_eq(rc, ERR_AGAIN);
    for (unsigned i = 0; i < sent; i++) {
        struct net_message m;
        ck_assert_int_eq(net_wait(c.ear.socket, WAIT_MS), 0);
        ck_assert_int_eq(net_receive(c.ear.socket, &m), 0);
        ck_assert_uint_eq(m.frame_count, 2);
        ck_assert_uint_eq(m.frames[1].len, FRAME);
        net_message_clear(&m);
    }
    client_stop(&c, l);
    server_stop(&s, l);
    loop_destroy(l);
}
END_TEST

/* ---- feeds ---- */

static void publish(struct server *s, const char *text)
{
    struct slice frame = slice_str(text);
    ck_assert_int_eq(net_send(s->ear.socket, NULL, &frame, 1, NULL), 0);
}

START_TEST(subscription_is_narrowed_and_taken_away)
{
    struct loop *l = loop_create();
    struct server s;
    struct client c;
    server_start(&s, l, NET_XPUB, endpoint_of(0), (struct net_options){0});
    s.ear.narrow = true;
    client_start(&c, l, NET_SUB, &s, (struct net_options){0});
    server_know(&s, &c);
    ck_assert_int_eq(net_subscribe(c.ear.socket, slice_str("")), 0);
    pump(l, has_heard_one, &s.ear, "the request");
    ck_assert_uint_eq(s.ear.heard[0].first_len, 1);
    ck_assert_int_eq(s.ear.heard[0].first[0], 1);
    ck_assert(s.ear.heard[0].has_key && key_equal(&s.ear.heard[0].key, &c.keys.public_key));
    publish(&s, "b/secret");
    publish(&s, "a/figure");
    pump(l, has_heard_one, &c.ear, "the figure");
    ck_assert_str_eq(c.ear.heard[0].first, "a/figure");
    ck_assert_int_eq(net_unsubscribe(c.ear.socket, slice_str("")), 0);
    pump(l, has_heard_two, &s.ear, "the second request");
    ck_assert_int_eq(s.ear.heard[1].first[0], 0);
    publish(&s, "a/late");
    s.ear.narrow = false;
    s.ear.count = 0;
    ck_assert_int_eq(net_subscribe(c.ear.socket, slice_str("mark")), 0);
    pump(l, has_heard_one, &s.ear, "the third request");
    ck_assert_uint_eq(c.ear.count, 1);
    client_stop(&c, l);
    server_stop(&s, l);
    loop_destroy(l);
}
END_TEST

START_TEST(revoked_key_hears_no_more)
{
    struct loop *l = loop_create();
    struct server s;
    struct client kept, revoked;
    server_start(&s, l, NET_XPUB, endpoint_of(0), (struct net_options){0});
    s.ear.narrow = true;
    client_start(&kept, l, NET_SUB, &s, (struct net_options){0});
    client_start(&revoked, l, NET_SUB, &s, (struct net_options){0});
    server_know(&s, &kept);
    server_know(&s, &revoked);
    net_subscribe(kept.ear.socket, slice_str("a"));
    net_subscribe(revoked.ear.socket, slice_str("a"));
    pump(l, has_heard_two, &s.ear, "both requests");
    publish(&s, "a/1");
    pump(l, has_heard_one, &kept.ear, "the first figure");
    pump(l, has_heard_one, &revoked.ear, "the first figure");
    net_subscription_revoke(s.ear.socket, &revoked.keys.public_key);
    publish(&s, "a/2");
    pump(l, has_heard_two, &kept.ear, "the second figure");
    ck_assert_uint_eq(net_feed_count(s.ear.socket->feed), 1);
    ck_assert_uint_eq(revoked.ear.count, 1);
    client_stop(&kept, l);
    client_stop(&revoked, l);
    server_stop(&s, l);
    loop_destroy(l);
}
END_TEST

static bool is_key(void *arg, const struct net_key *key)
{
    return key_equal(arg, key);
}

START_TEST(who_may_hear_is_asked_at_each_message)
{
    struct loop *l = loop_create();
    struct server s;
    struct client one, two;
    struct slice first = slice_str("a/1"), second = slice_str("a/2");
    server_start(&s, l, NET_XPUB, endpoint_of(0), (struct net_options){0});
    s.ear.narrow = true;
    client_start(&one, l, NET_SUB, &s, (struct net_options){0});
    client_start(&two, l, NET_SUB, &s, (struct net_options){0});
    server_know(&s, &one);
    server_know(&s, &two);
    net_subscribe(one.ear.socket, slice_str("a"));
    net_subscribe(two.ear.socket, slice_str("a"));
    pump(l, has_heard_two, &s.ear, "both requests");
    struct net_socket *feed = s.ear.socket;
    ck_assert_int_eq(net_publish(feed, &first, 1, is_key, &one.keys.public_key, NULL), 0);
    ck_assert_int_eq(net_publish(feed, &second, 1, is_key, &two.keys.public_key, NULL), 0);
    publish(&s, "a/3");
    pump(l, has_heard_two, &one.ear, "what the first may hear");
    pump(l, has_heard_two, &two.ear, "what the second may hear");
    ck_assert_str_eq(one.ear.heard[0].first, "a/1");
    ck_assert_str_eq(one.ear.heard[1].first, "a/3");
    ck_assert_str_eq(two.ear.heard[0].first, "a/2");
    ck_assert_str_eq(two.ear.heard[1].first, "a/3");
    client_stop(&one, l);
    client_stop(&two, l);
    server_stop(&s, l);
    loop_destroy(l);
}
END_TEST

START_TEST(subscription_is_asked_again_after_a_restart_of_the_publisher)
{
    directory_make();
    struct loop *l = loop_create();
    struct server s;
    struct client c;
    server_start(&s, l, NET_XPUB, ipc_endpoint(), (struct net_options){0});
    s.ear.narrow = true;
    client_start(&c, l, NET_SUB, &s, (struct net_options){0});
    server_know(&s, &c);
    net_subscribe(c.ear.socket, slice_str("a/"));
    pump(l, has_heard_one, &s.ear, "the request");
    ear_stop(&s.ear, l);
    pump(l, has_lost_link, c.net, "the link to be lost");
    s.ear.count = 0;
    server_listen(&s, l, NET_XPUB, ipc_endpoint());
    pump(l, has_heard_one, &s.ear, "the request again");
    publish(&s, "a/figure");
    pump(l, has_heard_one, &c.ear, "the figure");
    client_stop(&c, l);
    server_stop(&s, l);
    loop_destroy(l);
    directory_remove();
}
END_TEST

static bool has_dropped(const void *arg)
{
    return net_counters(arg)->messages_slow_dropped > 0;
}

START_TEST(stalled_subscriber_does_not_slow_the_others)
{
    enum { ROUNDS = 3000, FRAME = 32768 };
    static char figure[FRAME] = "a/";
    struct loop *l = loop_create();
    struct server s;
    struct client quick, stalled;
    server_start(&s, l, NET_XPUB, endpoint_of(0), (struct net_options){.queue_messages_max = 100});
    s.ear.narrow = true;
    client_start(&quick, l, NET_SUB, &s, (struct net_options){.queue_messages_max = 100});
    client_start(&stalled, l, NET_SUB, &s, (struct net_options){.queue_messages_max = 100});
    server_know(&s, &quick);
    server_know(&s, &stalled);
    net_subscribe(quick.ear.socket, slice_str("a/"));
    net_subscribe(stalled.ear.socket, slice_str("a/"));
    pump(l, has_heard_two, &s.ear, "both requests");
    loop_remove_socket(l, quick.ear.socket);
    loop_remove_socket(l, stalled.ear.socket);
    struct slice frame = slice_of(figure, sizeof figure);
    unsigned received = 0;
    for (int i = 0; i < ROUNDS; i++) {
        struct net_message m;
        ck_assert_int_eq(net_send(s.ear.socket, NULL, &frame, 1, NULL), 0);
        ck_assert_int_eq(net_wait(quick.ear.socket, WAIT_MS), 0);
        ck_assert_int_eq(net_receive(quick.ear.socket, &m), 0);
        net_message_clear(&m);
        received++;
    }
    ck_assert_uint_eq(received, ROUNDS);
    ck_assert_msg(has_dropped(s.net), "nothing was dropped for the stalled one");
    client_stop(&quick, l);
    client_stop(&stalled, l);
    server_stop(&s, l);
    loop_destroy(l);
}
END_TEST

START_TEST(what_is_no_request_does_not_reach_a_publisher)
{
    struct loop *l = loop_create();
    struct server s;
    struct client c = {0};
    server_start(&s, l, NET_XPUB, endpoint_of(0), (struct net_options){0});
    keypair_generate(&c.keys);
    server_know(&s, &c);
    void *context = zmq_ctx_new();
    void *z = hostile_connect(context, ZMQ_DEALER, &s, &c.keys, NULL);
    char longest[1 + NET_TOPIC_BYTES_MAX + 1] = "\1";
    hostile_send_frames(z, "", 1);
    hostile_send_frames(z, "\1a", 2);
    hostile_send_frames(z, "\3a", 1);
    ck_assert_int_ge(zmq_send(z, longest, sizeof longest, 0), 0);
    hostile_send_frames(z, "\1", 9);
    hostile_send_frames(z, "\2", 1);
    hostile_send_frames(z, "\1good", 1);
    pump(l, has_heard_one, &s.ear, "the good request");
    ck_assert_str_eq(s.ear.heard[0].first, "\1good");
    ck_assert_uint_eq(net_counters(s.net)->messages_malformed, 5);
    zmq_close(z);
    zmq_ctx_term(context);
    server_stop(&s, l);
    loop_destroy(l);
}
END_TEST

static bool has_no_subscriber(const void *arg)
{
    const struct server *s = arg;
    struct slice frame = slice_str("a/figure");
    ck_assert_int_eq(net_send(s->ear.socket, NULL, &frame, 1, NULL), 0);
    return net_feed_count(s->ear.socket->feed) == 0;
}

START_TEST(subscriber_that_left_before_its_answer_is_forgotten)
{
    struct loop *l = loop_create();
    struct server s;
    struct client c;
    server_start(&s, l, NET_XPUB, endpoint_of(0), (struct net_options){0});
    s.ear.narrow = true;
    client_start(&c, l, NET_SUB, &s, (struct net_options){0});
    server_know(&s, &c);
    loop_remove_socket(l, s.ear.socket);
    net_subscribe(c.ear.socket, slice_str("a/"));
    ck_assert_int_eq(net_subscription_allow(s.ear.socket, slice_str("a/")), ERR_NOT_FOUND);
    pump(l, is_connected, &c, "the link");
    ck_assert_int_eq(loop_round(l, 0, NULL), 0);
    client_stop(&c, l);
    pump(l, has_lost_link, s.net, "the link to be lost");
    loop_add_socket(l, s.ear.socket, ear_ready, &s.ear);
    ck_assert_int_eq(loop_round(l, 50, NULL), 0);
    ck_assert_int_eq(loop_round(l, 50, NULL), 0);
    pump(l, has_no_subscriber, &s, "the subscriber to be forgotten");
    server_stop(&s, l);
    loop_destroy(l);
}
END_TEST

/* ---- endpoints ---- */

START_TEST(endpoint_in_use_is_said_with_what_to_do)
{
    directory_make();
    for (int i = 0; i < 2; i++) {
        struct loop *l = loop_create();
        struct server s;
        server_start(&s, l, NET_ROUTER, endpoint_of(i), (struct net_options){0});
        struct net_socket *second = NULL;
        struct err e = {0};
        const char *endpoint = net_endpoint(s.ear.socket);
        ck_assert_int_eq(net_listen(s.net, NET_ROUTER, endpoint, &s.keys, &second, &e), ERR_EXISTS);
        ck_assert_ptr_null(second);
        ck_assert_msg(strstr(e.text, endpoint) && strstr(e.text, "another process listens"), "%s",
                      e.text);
        struct client c;
        client_start(&c, l, NET_DEALER, &s, (struct net_options){0});
        server_know(&s, &c);
        pump(l, is_connected, &c, "the first listener to go on");
        client_stop(&c, l);
        server_stop(&s, l);
        loop_destroy(l);
    }
    directory_remove();
}
END_TEST

START_TEST(stale_socket_file_is_replaced_and_a_plain_file_is_not)
{
    directory_make();
    struct loop *l = loop_create();
    struct sockaddr_un address = ipc_address();
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd);
    struct server s;
    server_start(&s, l, NET_ROUTER, ipc_endpoint(), (struct net_options){0});
    close(open(file_in_directory("plain"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    char endpoint[300];
    snprintf(endpoint, sizeof endpoint, "ipc://%s", file_in_directory("plain"));
    struct net_socket *second = NULL;
    struct err e = {0};
    ck_assert_int_eq(net_listen(s.net, NET_ROUTER, endpoint, &s.keys, &second, &e), ERR_EXISTS);
    ck_assert_int_eq(access(file_in_directory("plain"), F_OK), 0);
    server_stop(&s, l);
    loop_destroy(l);
    directory_remove();
}
END_TEST

START_TEST(shared_directory_is_refused_for_a_local_socket)
{
    directory_make();
    ck_assert_int_eq(chmod(directory, 0770), 0);
    struct net *n = net_make((struct net_options){0});
    struct net_keypair keys;
    keypair_generate(&keys);
    struct net_socket *s = NULL;
    struct err e = {0};
    ck_assert_int_eq(net_listen(n, NET_ROUTER, ipc_endpoint(), &keys, &s, &e), ERR_DENIED);
    ck_assert_msg(strstr(e.text, "chmod go-w"), "%s", e.text);
    net_destroy(n);
    directory_remove();
}
END_TEST

START_TEST(bad_endpoints_are_refused_with_a_sentence)
{
    static const struct {
        const char *endpoint;
        int code;
        const char *says;
    } rows[] = {
        {"", ERR_INVALID, "write tcp://"},
        {"tcp://", ERR_INVALID, "write tcp://"},
        {"tcp://127.0.0.1", ERR_INVALID, "write tcp://"},
        {"tcp://127.0.0.1:99999", ERR_INVALID, "write tcp://"},
        {"tcp://:5555", ERR_INVALID, "write tcp://"},
        {"tcp://localhost.invalid:0", ERR_NET, "no such address"},
        {"tcp://127.0.0.1:+1", ERR_INVALID, "write tcp://"},
        {"tcp://203.0.113.7:0", ERR_NET, "no such address"},
        {"inproc://x", ERR_INVALID, "write tcp://"},
        {"ipc://@abstract", ERR_INVALID, "ipc:///PATH"},
        {"ipc://relative", ERR_INVALID, "ipc:///PATH"},
        {"ipc:///no/such/directory/x.sock", ERR_NOT_FOUND, "mkdir"},
        {"ipc:///"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         ERR_LIMIT, "shorter"},
    };
    struct net *n = net_make((struct net_options){0});
    struct net_keypair keys;
    keypair_generate(&keys);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct net_socket *s = NULL;
        struct err e = {0};
        int rc = net_listen(n, NET_ROUTER, rows[i].endpoint, &keys, &s, &e);
        ck_assert_msg(rc == rows[i].code && strstr(e.text, rows[i].says), "\"%s\": %s: %s",
                      rows[i].endpoint, err_name(rc), e.text);
    }
    net_destroy(n);
}
END_TEST

/* ---- waiting without a loop ---- */

START_TEST(wait_ends_with_a_message_with_a_refusal_or_in_time)
{
    struct net *n = net_make((struct net_options){0});
    struct server s = {.net = n};
    struct client known = {.net = n}, stranger = {.net = n};
    keypair_generate(&s.keys);
    keypair_generate(&known.keys);
    keypair_generate(&stranger.keys);
    server_know(&s, &known);
    net_admit(n, server_admits, &s);
    ck_assert_int_eq(net_listen(n, NET_ROUTER, endpoint_of(0), &s.keys, &s.ear.socket, NULL), 0);
    const char *endpoint = net_endpoint(s.ear.socket);
    net_connect(n, NET_DEALER, endpoint, &s.keys.public_key, &known.keys, &known.ear.socket, NULL);
    net_connect(n, NET_DEALER, endpoint, &s.keys.public_key, &stranger.keys, &stranger.ear.socket,
                NULL);
    ck_assert_int_eq(net_wait(stranger.ear.socket, WAIT_MS), ERR_DENIED);
    ck_assert_int_eq(net_wait_writable(known.ear.socket, WAIT_MS), 0);
    ck_assert_int_eq(net_wait(known.ear.socket, 1), ERR_AGAIN);
    struct slice frame = slice_str("hello");
    ck_assert_int_eq(net_send(known.ear.socket, NULL, &frame, 1, NULL), 0);
    ck_assert_int_eq(net_wait(s.ear.socket, WAIT_MS), 0);
    net_destroy(n);
}
END_TEST

/* ---- key files ---- */

static void file_write(const char *path, const char *text, mode_t mode)
{
    unlink(path);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, mode);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fchmod(fd, mode), 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

START_TEST(keys_come_back_from_their_files)
{
    directory_make();
    struct net_keypair made, loaded;
    struct net_key public_key;
    struct err e = {0};
    keypair_generate(&made);
    ck_assert_int_eq(keypair_save(file_in_directory("b.key"), &made, &e), 0);
    ck_assert_msg(keypair_load(file_in_directory("b.key"), &loaded, &e) == 0, "%s", e.text);
    ck_assert_mem_eq(&made, &loaded, sizeof made);
    ck_assert_int_eq(keypair_save(file_in_directory("b.key"), &made, &e), ERR_EXISTS);
    ck_assert_int_eq(key_public_load(file_in_directory("b.key"), &public_key, &e), ERR_INVALID);
    ck_assert_int_eq(key_public_save(file_in_directory("d.pub"), &made.public_key, &e), 0);
    ck_assert_int_eq(key_public_load(file_in_directory("d.pub"), &public_key, &e), 0);
    ck_assert(key_equal(&public_key, &made.public_key));
    ck_assert_int_eq(keypair_load(file_in_directory("c.key"), &loaded, &e), ERR_NOT_FOUND);
    directory_remove();
}
END_TEST

START_TEST(key_file_that_others_can_read_is_refused)
{
    directory_make();
    struct net_keypair made, loaded;
    keypair_generate(&made);
    ck_assert_int_eq(keypair_save(file_in_directory("b.key"), &made, NULL), 0);
    static const mode_t modes[] = {0640, 0604, 0660, 0644};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct err e = {0};
        char advice[300];
        snprintf(advice, sizeof advice, "chmod 600 %s", file_in_directory("b.key"));
        ck_assert_int_eq(chmod(file_in_directory("b.key"), modes[i]), 0);
        ck_assert_int_eq(keypair_load(file_in_directory("b.key"), &loaded, &e), ERR_DENIED);
        ck_assert_msg(strstr(e.text, advice), "mode %o: %s", modes[i], e.text);
    }
    directory_remove();
}
END_TEST

#define SOME_PUBLIC "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
#define SOME_SECRET "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"

START_TEST(bad_key_files_are_refused_where_they_are_wrong)
{
    static const struct {
        const char *text;
        const char *says; /* NULL: good */
        const char *why;
    } rows[] = {
        {"public = \"" SOME_SECRET "\"\nsecret = \"" SOME_SECRET "\"\n", "does not belong",
         "the halves of two pairs"},
        {"", "lacks the line public", "empty"},
        {"# only a comment\n", "lacks the line public", "comment"},
        {"public = \"" SOME_PUBLIC "\"\n", "lacks the line secret", "half a pair"},
        {"publik = \"" SOME_PUBLIC "\"\n", ":1:1: expected a line such as public", "misspelt"},
        {"\n\n  = \"x\"\n", ":3:3: expected a line", "no name"},
        {"public \"x\"\n", ":1:8: expected =", "no equals sign"},
        {"public = x\n", ":1:10: expected the key in double quotes", "no quotes"},
        {"public = \"x\n", ":1:12: expected a closing", "open quotes"},
        {"public = \"x\"\n", ":1:11: a key is 40 characters", "short"},
        {"public = \"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf~\"\n", "character 40", "alphabet"},
        {"public = \"########################################\"\n", "no valid Z85", "too large"},
        {"public = \"" SOME_PUBLIC "\" x\n", ":1:53: nothing may follow", "junk behind"},
        {"public = \"" SOME_PUBLIC "\"\npublic = \"" SOME_PUBLIC "\"\n", ":2:1: stands here",
         "twice"},
        {"# ours\r\n\tpublic=\"" SOME_PUBLIC "\" # new\r\n\r\nsecret\t= \"" SOME_SECRET "\"", NULL,
         "blanks, comments, no last line end"},
    };
    directory_make();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct net_keypair loaded;
        struct err e = {0};
        file_write(file_in_directory("b.key"), rows[i].text, 0600);
        int rc = keypair_load(file_in_directory("b.key"), &loaded, &e);
        if (rows[i].says)
            ck_assert_msg(rc == ERR_INVALID && strstr(e.text, rows[i].says), "%s: %s: %s",
                          rows[i].why, err_name(rc), e.text);
        else
            ck_assert_msg(rc == 0, "%s: %s", rows[i].why, e.text);
    }
    directory_remove();
}
END_TEST

/* ---- the loop ---- */

struct trace {
    struct loop *loop;
    char text[64];
    size_t len;
    int pipe[2];
    uint64_t timer;
};

static void trace_add(struct trace *t, char what)
{
    ck_assert_uint_lt(t->len, sizeof t->text - 1);
    t->text[t->len++] = what;
}

static void trace_read(void *arg)
{
    struct trace *t = arg;
    char byte;
    ck_assert_int_eq(read(t->pipe[0], &byte, 1), 1);
    trace_add(t, byte);
}

static void trace_tick(void *arg)
{
    trace_add(arg, 't');
}

static void trace_after(void *arg)
{
    trace_add(arg, '|');
}

static void trace_stop(void *arg)
{
    struct trace *t = arg;
    trace_add(t, 's');
    loop_stop(t->loop);
}

static void trace_cancel(void *arg)
{
    struct trace *t = arg;
    trace_add(t, 'c');
    loop_cancel_timer(t->loop, t->timer);
    loop_remove_fd(t->loop, t->pipe[0]);
}

START_TEST(what_a_handler_leaves_brings_the_next_round_and_each_round_ends_with_after)
{
    struct trace t = {.loop = loop_create()};
    ck_assert_int_eq(pipe(t.pipe), 0);
    ck_assert_int_eq(write(t.pipe[1], "abc", 3), 3);
    loop_add_fd(t.loop, t.pipe[0], LOOP_READ, trace_read, &t);
    loop_after(t.loop, trace_after, &t);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(loop_round(t.loop, WAIT_MS, NULL), 0);
    ck_assert_str_eq(t.text, "a|b|c|");
    loop_set_fd(t.loop, t.pipe[0], 0);
    ck_assert_int_eq(write(t.pipe[1], "d", 1), 1);
    ck_assert_int_eq(loop_round(t.loop, 0, NULL), 0);
    ck_assert_str_eq(t.text, "a|b|c||");
    close(t.pipe[0]);
    close(t.pipe[1]);
    loop_destroy(t.loop);
}
END_TEST

START_TEST(timers_fire_in_turn_until_cancelled_and_stop_finishes_its_round)
{
    struct trace t = {.loop = loop_create()};
    loop_after(t.loop, trace_after, &t);
    t.timer = loop_add_timer(t.loop, 1, trace_tick, &t);
    ck_assert_int_eq(loop_round(t.loop, -1, NULL), 0);
    ck_assert_int_eq(loop_round(t.loop, -1, NULL), 0);
    loop_cancel_timer(t.loop, t.timer);
    loop_cancel_timer(t.loop, 0);
    loop_add_timer_once(t.loop, 2, trace_stop, &t);
    struct err e = {0};
    ck_assert_msg(loop_run(t.loop, &e) == 0, "%s", e.text);
    ck_assert_int_eq(loop_round(t.loop, 0, NULL), 0);
    /* A wait may end a moment before the timer is due, in a round of its own. */
    ck_assert_msg(strchr(t.text, 's') && strstr(strchr(t.text, 's'), "s|"), "%s", t.text);
    unsigned ticks = 0, stops = 0;
    for (const char *c = t.text; *c; c++) {
        ticks += *c == 't';
        stops += *c == 's';
    }
    ck_assert_uint_ge(ticks, 1);
    ck_assert_uint_eq(stops, 1);
    loop_destroy(t.loop);
}
END_TEST

START_TEST(removed_in_the_same_round_is_not_called)
{
    struct trace t = {.loop = loop_create()};
    int first[2];
    ck_assert_int_eq(pipe(first), 0);
    ck_assert_int_eq(pipe(t.pipe), 0);
    ck_assert_int_eq(write(first[1], "x", 1), 1);
    ck_assert_int_eq(write(t.pipe[1], "y", 1), 1);
    loop_add_fd(t.loop, first[0], LOOP_READ, trace_cancel, &t);
    loop_add_fd(t.loop, t.pipe[0], LOOP_READ, trace_read, &t);
    t.timer = loop_add_timer_once(t.loop, 0, trace_tick, &t);
    ck_assert_int_eq(loop_round(t.loop, WAIT_MS, NULL), 0);
    ck_assert_str_eq(t.text, "c");
    close(first[0]);
    close(first[1]);
    close(t.pipe[0]);
    close(t.pipe[1]);
    loop_destroy(t.loop);
}
END_TEST

SUITE_MAIN(
    "net", known_key_is_let_in_and_stands_on_the_message, strangers_key_is_refused,
    nobody_is_let_in_before_admit_is_set, without_a_key_handler_nobody_gets_in_and_the_loop_ends,
    refused_key_gets_in_once_it_is_admitted, client_with_the_wrong_server_key_never_connects,
    later_client_with_the_same_routing_id_is_heard_under_its_own_key,
    oversized_frame_does_not_arrive_and_its_sender_is_not_wedged,
    oversized_answer_does_not_wedge_the_client,
    too_many_frames_are_flagged_and_the_next_message_is_whole,
    bytes_that_are_no_handshake_do_no_harm, vanished_peer_is_not_found,
    full_queue_says_later_and_loses_no_half, what_was_sent_before_a_listener_closes_still_arrives,
    a_peer_that_reads_nothing_delays_no_end, a_link_lost_and_made_again_between_two_looks_shows,
    subscription_is_narrowed_and_taken_away, revoked_key_hears_no_more,
    who_may_hear_is_asked_at_each_message,
    subscription_is_asked_again_after_a_restart_of_the_publisher,
    stalled_subscriber_does_not_slow_the_others, what_is_no_request_does_not_reach_a_publisher,
    subscriber_that_left_before_its_answer_is_forgotten, endpoint_in_use_is_said_with_what_to_do,
    stale_socket_file_is_replaced_and_a_plain_file_is_not,
    shared_directory_is_refused_for_a_local_socket, bad_endpoints_are_refused_with_a_sentence,
    wait_ends_with_a_message_with_a_refusal_or_in_time, keys_come_back_from_their_files,
    key_file_that_others_can_read_is_refused, bad_key_files_are_refused_where_they_are_wrong,
    what_a_handler_leaves_brings_the_next_round_and_each_round_ends_with_after,
    timers_fire_in_turn_until_cancelled_and_stop_finishes_its_round,
    removed_in_the_same_round_is_not_called)
