#include "common/net/net_internal.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/parse.h"
#include "common/net/loop.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Hidden as a draft in the header, in force at run time. Without it CURVE fails open: with no
 * handler every key is let in, a ZAP domain or not (seen in libzmq 4.3.4). */
#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN 93
#endif

enum {
    NET_IO_THREADS = 1,
    NET_SOCKETS_MAX = 1023,
    NET_QUEUE_MESSAGES = 1000,
    NET_RETRY_MS = 5000,
    NET_HANDSHAKE_MS = 10000,
    NET_MESSAGE_BYTES = 16 * 1024 * 1024,
    /* CURVE's own framing round a frame (33 bytes in 4.3.4), so that the limit is on ours. */
    NET_CURVE_OVERHEAD_BYTES = 64,
    NET_SERVE_BATCH =
        64, /* keys and link events a round, so that a flood does not starve the rest */
};

static const char NET_ZAP_DOMAIN[] = "tonghop";

/* ---- which keys are let in ---- */

enum { ZAP_FRAMES = 7, ZAP_FIELD_BYTES = 255 };

enum zap_field {
    ZAP_VERSION,
    ZAP_REQUEST_ID,
    ZAP_DOMAIN,
    ZAP_ADDRESS,
    ZAP_IDENTITY,
    ZAP_MECHANISM,
    ZAP_CREDENTIALS,
};

struct zap_request {
    unsigned frames; /* as many as came, maybe not ZAP_FRAMES */
    bool oversized;
    size_t lens[ZAP_FRAMES];
    char fields[ZAP_FRAMES][ZAP_FIELD_BYTES + 1]; /* terminated */
};

static void zap_take_field(struct zap_request *r, zmq_msg_t *part)
{
    size_t len = zmq_msg_size(part);
    if (r->frames < ZAP_FRAMES && len <= ZAP_FIELD_BYTES) {
        memcpy(r->fields[r->frames], zmq_msg_data(part), len);
        r->fields[r->frames][len] = '\0';
        r->lens[r->frames] = len;
    } else {
        r->oversized = true;
    }
    r->frames++;
}

/* 1 a request, 0 none, negative: the handler is dead. */
static int zap_receive(void *zap, struct zap_request *r)
{
    *r = (struct zap_request){0};
    int more = 1;
    while (more) {
        zmq_msg_t part;
        zmq_msg_init(&part);
        int rc = zmq_msg_recv(&part, zap, ZMQ_DONTWAIT);
        if (rc >= 0) {
            zap_take_field(r, &part);
            more = zmq_msg_more(&part);
        }
        zmq_msg_close(&part);
        if (rc < 0 && errno == EAGAIN)
            return 0;
        if (rc < 0 && errno != EINTR)
            return ERR_NET;
    }
    return 1;
}

static bool zap_judge(const struct net *n, const struct zap_request *r, struct net_key *key)
{
    if (r->frames != ZAP_FRAMES || r->oversized || strcmp(r->fields[ZAP_VERSION], "1.0") != 0)
        return false;
    if (strcmp(r->fields[ZAP_MECHANISM], "CURVE") != 0 ||
        strcmp(r->fields[ZAP_DOMAIN], NET_ZAP_DOMAIN) != 0 ||
        r->lens[ZAP_CREDENTIALS] != NET_KEY_BYTES)
        return false;
    memcpy(key->bytes, r->fields[ZAP_CREDENTIALS], NET_KEY_BYTES);
    return n->admit && n->admit(n->admit_arg, key, r->fields[ZAP_ADDRESS]);
}

static int zap_answer(struct net *n, const struct zap_request *r)
{
    struct net_key key;
    bool admitted = zap_judge(n, r, &key);
    char user[NET_KEY_TEXT_BYTES] = "";
    if (admitted)
        key_format_z85(&key, user);
    /* 400 rather than 300: libzmq keeps a peer refused with 300 waiting for the whole handshake
     * time, and tells it nothing. */
    const struct slice fields[] = {
        slice_str("1.0"),
        slice_of(r->fields[ZAP_REQUEST_ID], r->lens[ZAP_REQUEST_ID]),
        admitted ? slice_str("200") : slice_str("400"),
        admitted ? slice_str("OK") : slice_str("this key is not known here"),
        slice_str(user),
        slice_str(""),
    };
    n->counters.peers_admitted += admitted;
    n->counters.peers_refused += !admitted;
    size_t count = sizeof fields / sizeof *fields;
    for (size_t i = 0; i < count; i++) {
        int flags = ZMQ_DONTWAIT | (i + 1 < count ? ZMQ_SNDMORE : 0);
        if (zmq_send(n->zap, fields[i].data, fields[i].len, flags) < 0)
            return ERR_NET;
    }
    return 0;
}

static int zap_serve(struct net *n, struct err *e)
{
    struct zap_request request;
    for (int i = 0; i < NET_SERVE_BATCH; i++) {
        int rc = zap_receive(n->zap, &request);
        if (rc == 0)
            return 0;
        if (rc > 0)
            rc = zap_answer(n, &request);
        if (rc < 0)
            return err_set(e, ERR_NET, "the key handler died (%s): nobody can be judged any more",
                           zmq_strerror(errno));
    }
    return 0;
}

/* ---- what becomes of the links ---- */

struct link_event {
    uint16_t event;
    uint32_t value;
};

/* 1 an event, 0 none. */
static int link_receive(void *monitor, struct link_event *out)
{
    uint8_t bytes[6];
    char endpoint[1];
    if (zmq_recv(monitor, bytes, sizeof bytes, ZMQ_DONTWAIT) != (int)sizeof bytes)
        return 0;
    (void)zmq_recv(monitor, endpoint, sizeof endpoint, ZMQ_DONTWAIT); /* the second part */
    memcpy(&out->event, bytes, sizeof out->event);
    memcpy(&out->value, bytes + sizeof out->event, sizeof out->value);
    return 1;
}

static int64_t net_jitter_ms(uint32_t span_ms)
{
    return span_ms > 0 ? randombytes_uniform(span_ms) : 0;
}

/* libzmq 4.3.4 gives a link up for good after a protocol error, a refusal among them (seen): a key
 * admitted later would stay outside until the next restart. Unless it says that it tries again, we
 * do. */
static void link_lost(struct net_socket *s)
{
    uint32_t retry_ms = s->net->options.retry_ms;
    if (s->state != NET_REFUSED)
        s->state = NET_CONNECTING;
    s->redial_at_ms = loop_now_ms() + retry_ms + net_jitter_ms(retry_ms / 2);
}

static void link_made(struct net_socket *s)
{
    s->state = NET_CONNECTED;
    s->links++;
    s->redial_at_ms = 0;
    if (s->wishes)
        net_wishes_restart(s->wishes);
}

static void link_take_connecting(struct net_socket *s, const struct link_event *event)
{
    switch (event->event) {
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        link_made(s);
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        s->state = NET_REFUSED;
        link_lost(s);
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
    case ZMQ_EVENT_DISCONNECTED:
        link_lost(s);
        break;
    default: /* libzmq goes on trying */
        s->redial_at_ms = 0;
    }
}

static void link_count(struct net_socket *s, const struct link_event *event)
{
    struct net_counters *c = &s->net->counters;
    c->links_lost += event->event == ZMQ_EVENT_DISCONNECTED;
    c->handshakes_failed += event->event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL ||
                            event->event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
}

static void link_redial(struct net_socket *s, int64_t now_ms)
{
    if (s->redial_at_ms == 0 || now_ms < s->redial_at_ms)
        return;
    zmq_disconnect(s->zmq, s->endpoint); /* fails when libzmq has forgotten it, which is as good */
    if (zmq_connect(s->zmq, s->endpoint) < 0)
        link_lost(s);
    else
        s->redial_at_ms = 0;
}

static void net_serve_socket(struct net_socket *s)
{
    struct link_event event;
    for (int i = 0; i < NET_SERVE_BATCH && link_receive(s->monitor, &event); i++) {
        link_count(s, &event);
        if (s->state != NET_LISTENING)
            link_take_connecting(s, &event);
    }
    int64_t now_ms = loop_now_ms();
    link_redial(s, now_ms);
    if (s->wishes)
        net_wishes_flush(s, now_ms);
}

/* The queue of events is unbounded on our side: libzmq's thread would stand still in front of
 * a full one. */
static int net_monitor(struct net_socket *s, struct err *e)
{
    int events = ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                 ZMQ_EVENT_DISCONNECTED;
    if (s->state != NET_LISTENING)
        events |= ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                  ZMQ_EVENT_CONNECT_DELAYED | ZMQ_EVENT_CONNECT_RETRIED | ZMQ_EVENT_CONNECTED;
    char name[64];
    snprintf(name, sizeof name, "inproc://monitor-%llu",
             (unsigned long long)++s->net->monitors_made);
    int zero = 0;
    s->monitor = zmq_socket(s->net->context, ZMQ_PAIR);
    if (s->monitor && zmq_setsockopt(s->monitor, ZMQ_LINGER, &zero, sizeof zero) == 0 &&
        zmq_setsockopt(s->monitor, ZMQ_RCVHWM, &zero, sizeof zero) == 0 &&
        zmq_socket_monitor(s->zmq, name, events) == 0 && zmq_connect(s->monitor, name) == 0)
        return 0;
    return err_set(e, ERR_NET, "watch the links of a socket: %s", zmq_strerror(errno));
}

/* ---- the net ---- */

static struct net_options net_options_fill(const struct net_options *given)
{
    struct net_options o = given ? *given : (struct net_options){0};
    o.io_threads = o.io_threads ? o.io_threads : NET_IO_THREADS;
    o.sockets_max = o.sockets_max ? o.sockets_max : NET_SOCKETS_MAX;
    o.queue_messages_max = o.queue_messages_max ? o.queue_messages_max : NET_QUEUE_MESSAGES;
    o.retry_ms = o.retry_ms ? o.retry_ms : NET_RETRY_MS;
    o.handshake_ms = o.handshake_ms ? o.handshake_ms : NET_HANDSHAKE_MS;
    o.message_bytes_max = o.message_bytes_max ? o.message_bytes_max : NET_MESSAGE_BYTES;
    return o;
}

static int net_open(struct net *n)
{
    n->context = zmq_ctx_new();
    if (!n->context || zmq_ctx_set(n->context, ZMQ_IO_THREADS, (int)n->options.io_threads) < 0 ||
        zmq_ctx_set(n->context, ZMQ_MAX_SOCKETS, (int)n->options.sockets_max) < 0 ||
        zmq_ctx_set(n->context, ZMQ_BLOCKY, 0) < 0)
        return -1;
    n->zap = zmq_socket(n->context, ZMQ_REP);
    return n->zap && zmq_bind(n->zap, "inproc://zeromq.zap.01") == 0 ? 0 : -1;
}

int net_create(struct net **out, const struct net_options *options, struct err *e)
{
    if (sodium_init() < 0)
        return err_set(e, ERR_NET, "libsodium can't be used on this machine");
    struct net *n = alloc_zeroed(1, sizeof *n);
    n->options = net_options_fill(options);
    if (net_open(n) < 0) {
        int rc = err_set(e, ERR_NET, "open the network library: %s", zmq_strerror(errno));
        net_destroy(n);
        return rc;
    }
    *out = n;
    return 0;
}

void net_destroy(struct net *n)
{
    if (!n)
        return;
    while (n->sockets)
        net_close(n->sockets);
    if (n->zap)
        zmq_close(n->zap);
    while (n->context && zmq_ctx_term(n->context) < 0 && errno == EINTR)
        continue;
    free(n);
}

const struct net_counters *net_counters(const struct net *n)
{
    return &n->counters;
}

void net_admit(struct net *n, net_admit_fn *admit, void *arg)
{
    n->admit = admit;
    n->admit_arg = arg;
}

size_t net_poll_count(const struct net *n)
{
    size_t count = 1;
    for (const struct net_socket *s = n->sockets; s; s = s->next)
        count++;
    return count;
}

void net_poll_fill(const struct net *n, zmq_pollitem_t *items)
{
    *items++ = (zmq_pollitem_t){.socket = n->zap, .fd = -1, .events = ZMQ_POLLIN};
    for (const struct net_socket *s = n->sockets; s; s = s->next)
        *items++ = (zmq_pollitem_t){.socket = s->monitor, .fd = -1, .events = ZMQ_POLLIN};
}

int net_serve(struct net *n, struct err *e)
{
    int rc = zap_serve(n, e);
    for (struct net_socket *s = n->sockets; rc == 0 && s; s = s->next)
        net_serve_socket(s);
    return rc;
}

int64_t net_deadline_ms(const struct net *n)
{
    int64_t deadline = INT64_MAX;
    for (const struct net_socket *s = n->sockets; s; s = s->next) {
        if (s->redial_at_ms != 0 && s->redial_at_ms < deadline)
            deadline = s->redial_at_ms;
        if (s->wishes && net_wishes_deadline_ms(s->wishes) < deadline)
            deadline = net_wishes_deadline_ms(s->wishes);
    }
    return deadline;
}

/* A signal ends this early and is no error: signalfd brings it to the loop. */
int net_poll(zmq_pollitem_t *items, size_t count, int64_t timeout_ms, struct err *e)
{
    int rc = zmq_poll(items, (int)count, (long)timeout_ms);
    if (rc >= 0)
        return rc;
    for (size_t i = 0; i < count; i++)
        items[i].revents = 0;
    return errno == EINTR ? 0 : err_set(e, ERR_NET, "wait for messages: %s", zmq_strerror(errno));
}

/* ---- sockets ---- */

struct option_value {
    int option;
    int value;
};

static bool net_kind_listens(enum net_kind kind)
{
    return kind == NET_ROUTER || kind == NET_XPUB;
}

static int net_set(void *zmq, int option, const void *value, size_t len, struct err *e)
{
    if (zmq_setsockopt(zmq, option, value, len) == 0)
        return 0;
    return err_set(e, ERR_NET, "socket option %d: %s", option, zmq_strerror(errno));
}

static int net_set_all(void *zmq, const struct option_value *values, size_t count, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = net_set(zmq, values[i].option, &values[i].value, sizeof values[i].value, e);
    return rc;
}

static int net_set_curve_server(void *zmq, const struct net_keypair *server, struct err *e)
{
    const struct option_value values[] = {
        {ZMQ_CURVE_SERVER, 1},     {ZMQ_ZAP_ENFORCE_DOMAIN, 1},
        {ZMQ_ROUTER_HANDOVER, 1},  /* else a client that comes back is not heard */
        {ZMQ_ROUTER_MANDATORY, 1}, /* else what can't be delivered vanishes */
        {ZMQ_BACKLOG, 1024},       /* every producer comes at once after a restart */
    };
    int rc = net_set_all(zmq, values, sizeof values / sizeof *values, e);
    if (rc == 0)
        rc = net_set(zmq, ZMQ_ZAP_DOMAIN, NET_ZAP_DOMAIN, strlen(NET_ZAP_DOMAIN), e);
    if (rc == 0)
        rc = net_set(zmq, ZMQ_CURVE_SECRETKEY, server->secret_key.bytes, NET_KEY_BYTES, e);
    return rc;
}

/* The routing id is random and secret: with handover, whoever knows a peer's id gets its answers,
 * and the ids that a router makes up by itself can be guessed. The first byte must not be 0. */
static int net_set_routing_id(void *zmq, struct err *e)
{
    uint8_t id[16];
    randombytes_buf(id, sizeof id);
    id[0] |= 1;
    return net_set(zmq, ZMQ_ROUTING_ID, id, sizeof id, e);
}

static int net_set_curve_client(void *zmq, const struct net_key *server,
                                const struct net_keypair *self, struct err *e)
{
    const struct option_value values[] = {
        {ZMQ_IMMEDIATE, 1}, /* queue nothing for a peer that is not there */
        {ZMQ_CONNECT_TIMEOUT, 5000},
    };
    int rc = net_set_all(zmq, values, sizeof values / sizeof *values, e);
    if (rc == 0)
        rc = net_set_routing_id(zmq, e);
    if (rc == 0)
        rc = net_set(zmq, ZMQ_CURVE_SERVERKEY, server->bytes, NET_KEY_BYTES, e);
    if (rc == 0)
        rc = net_set(zmq, ZMQ_CURVE_PUBLICKEY, self->public_key.bytes, NET_KEY_BYTES, e);
    if (rc == 0)
        rc = net_set(zmq, ZMQ_CURVE_SECRETKEY, self->secret_key.bytes, NET_KEY_BYTES, e);
    return rc;
}

/* The one place where a socket gets its options; all must be set before bind or connect. */
static int net_configure(struct net_socket *s, const struct net_key *server_key,
                         const struct net_keypair *self, struct err *e)
{
    const struct net_options *o = &s->net->options;
    int retry_ms = (int)o->retry_ms, first_ms = retry_ms < 200 ? retry_ms : 200;
    const struct option_value values[] = {
        /* The answers of a service's last round must still go out; -1 would hang at shutdown. */
        {ZMQ_LINGER, net_kind_listens(s->kind) ? NET_LINGER_MS : 0},
        {ZMQ_SNDHWM, (int)o->queue_messages_max},
        {ZMQ_RCVHWM, (int)o->queue_messages_max},
        {ZMQ_HANDSHAKE_IVL, (int)o->handshake_ms},
        /* Find half-open links; the TTL makes the other side look too. */
        {ZMQ_HEARTBEAT_IVL, 5000},
        {ZMQ_HEARTBEAT_TIMEOUT, 15000},
        {ZMQ_HEARTBEAT_TTL, 20000},
        /* Spread, so that a thousand clients don't come back in step. */
        {ZMQ_RECONNECT_IVL, first_ms + (int)net_jitter_ms((uint32_t)first_ms)},
        {ZMQ_RECONNECT_IVL_MAX, 2 * first_ms + retry_ms + (int)net_jitter_ms(o->retry_ms / 2)},
        {ZMQ_IPV6, strchr(s->endpoint, '[') != NULL},
    };
    int64_t bytes_max = (int64_t)o->message_bytes_max + NET_CURVE_OVERHEAD_BYTES;
    int rc = net_set_all(s->zmq, values, sizeof values / sizeof *values, e);
    if (rc == 0)
        rc = net_set(s->zmq, ZMQ_MAXMSGSIZE, &bytes_max, sizeof bytes_max, e);
    if (rc < 0)
        return rc;
    return net_kind_listens(s->kind) ? net_set_curve_server(s->zmq, self, e)
                                     : net_set_curve_client(s->zmq, server_key, self, e);
}

/* libzmq takes port 99999 for 34463. */
static bool tcp_has_port(const char *endpoint, bool listens)
{
    const char *colon = strrchr(endpoint, ':');
    struct slice port = slice_str(colon + 1);
    uint64_t number;
    if (listens && slice_equal(port, slice_str("*")))
        return true;
    return colon > endpoint + strlen("tcp://") &&
           parse_u64(port, listens ? 0 : 1, UINT16_MAX, &number, NULL) == 0;
}

static int net_endpoint_check(const char *endpoint, bool listens, struct err *e)
{
    bool tcp = strncmp(endpoint, "tcp://", 6) == 0;
    if (tcp && tcp_has_port(endpoint, listens))
        return 0;
    if (tcp)
        return err_set(e, ERR_INVALID,
                       "endpoint \"%s\": write tcp://ADDRESS:PORT with a port from %d to 65535",
                       endpoint, listens ? 0 : 1);
    if (strncmp(endpoint, "ipc:///", 7) != 0)
        return err_set(e, ERR_INVALID,
                       "endpoint \"%s\": write tcp://ADDRESS:PORT or ipc:///PATH (absolute)",
                       endpoint);
    size_t room = sizeof((struct sockaddr_un *)NULL)->sun_path - 1;
    if (strlen(endpoint + strlen("ipc://")) > room)
        return err_set(e, ERR_LIMIT,
                       "endpoint \"%s\": the path is longer than the %zu bytes that a local socket "
                       "may have: use a shorter one",
                       endpoint, room);
    return 0;
}

static struct net_socket *net_socket_create(struct net *n, enum net_kind kind, const char *endpoint)
{
    struct net_socket *s = alloc_zeroed(1, sizeof *s);
    bool listens = net_kind_listens(kind);
    s->net = n;
    s->kind = kind;
    s->state = listens ? NET_LISTENING : NET_CONNECTING;
    s->endpoint = alloc_string(endpoint);
    s->zmq = zmq_socket(n->context, listens ? ZMQ_ROUTER : ZMQ_DEALER);
    s->feed = kind == NET_XPUB ? net_feed_create() : NULL;
    s->wishes = kind == NET_SUB ? net_wishes_create() : NULL;
    s->next = n->sockets;
    n->sockets = s;
    return s;
}

static int net_socket_open(struct net *n, enum net_kind kind, const char *endpoint,
                           const struct net_key *server_key, const struct net_keypair *self,
                           struct net_socket **out, struct err *e)
{
    int rc = net_endpoint_check(endpoint, net_kind_listens(kind), e);
    if (rc < 0)
        return rc;
    struct net_socket *s = net_socket_create(n, kind, endpoint);
    if (!s->zmq)
        rc = err_set(e, ERR_NET, "make a socket: %s", zmq_strerror(errno));
    if (rc == 0)
        rc = net_configure(s, server_key, self, e);
    if (rc == 0)
        rc = net_monitor(s, e);
    if (rc < 0)
        net_close(s);
    else
        *out = s;
    return rc;
}

void net_close(struct net_socket *s)
{
    if (!s)
        return;
    struct net_socket **link = &s->net->sockets;
    while (*link != s)
        link = &(*link)->next;
    *link = s->next;
    if (s->zmq) {
        zmq_socket_monitor(s->zmq, NULL, 0);
        zmq_close(s->zmq);
    }
    if (s->monitor)
        zmq_close(s->monitor);
    net_feed_destroy(s->feed);
    net_wishes_destroy(s->wishes);
    free(s->endpoint);
    free(s);
}

const char *net_endpoint(const struct net_socket *s)
{
    return s->endpoint;
}

enum net_state net_state(const struct net_socket *s)
{
    return s->state;
}

uint64_t net_links(const struct net_socket *s)
{
    return s->links;
}

/* ---- listening ---- */

static int ipc_check_directory(const char *path, struct err *e)
{
    char directory[sizeof((struct sockaddr_un *)NULL)->sun_path];
    snprintf(directory, sizeof directory, "%s", path);
    *strrchr(directory, '/') = '\0';
    const char *name = directory[0] != '\0' ? directory : "/";
    struct stat st;
    if (stat(name, &st) < 0)
        return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
                       "listen on ipc://%s: directory %s: %s: make it, for this service alone "
                       "(mkdir -m 700 %s)",
                       path, name, strerror(errno), name);
    if (st.st_mode & (S_IWGRP | S_IWOTH))
        return err_set(e, ERR_DENIED,
                       "listen on ipc://%s: others may write in directory %s, and so put their own "
                       "socket there: chmod go-w %s, or use another",
                       path, name, name);
    return 0;
}

/* Whether a process listens there: libzmq itself would take the name away from it. */
static bool ipc_is_alive(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return true;
    bool alive =
        connect(fd, (struct sockaddr *)&address, sizeof address) == 0 || errno != ECONNREFUSED;
    close(fd);
    return alive;
}

static int net_error_in_use(const char *endpoint, struct err *e)
{
    return err_set(e, ERR_EXISTS,
                   "listen on %s: another process listens there already: stop it, or give this "
                   "service another endpoint",
                   endpoint);
}

static int ipc_prepare(const char *endpoint, struct err *e)
{
    const char *path = endpoint + strlen("ipc://");
    int rc = ipc_check_directory(path, e);
    if (rc < 0)
        return rc;
    struct stat st;
    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0
                               : err_set(e, ERR_IO, "listen on %s: %s", endpoint, strerror(errno));
    if (!S_ISSOCK(st.st_mode))
        return err_set(e, ERR_EXISTS,
                       "listen on %s: a file that is no socket stands there: name another path",
                       endpoint);
    if (ipc_is_alive(path))
        return net_error_in_use(endpoint, e);
    if (unlink(path) < 0)
        return err_set(e, ERR_IO, "listen on %s: remove the stale socket file: %s", endpoint,
                       strerror(errno));
    return 0;
}

static int net_bind_error(const char *endpoint, struct err *e)
{
    switch (errno) {
    case EADDRINUSE:
        return net_error_in_use(endpoint, e);
    case EADDRNOTAVAIL:
    case ENODEV:
        return err_set(e, ERR_NET,
                       "listen on %s: this machine has no such address: use one that it has, or *",
                       endpoint);
    case EINVAL:
        return err_set(e, ERR_INVALID,
                       "listen on %s: not an endpoint: write tcp://ADDRESS:PORT with an address in "
                       "numbers or *",
                       endpoint);
    case EACCES:
        return err_set(e, ERR_DENIED,
                       "listen on %s: permission denied: ports below 1024 are root's; use a higher "
                       "one, or a directory that this service may write to",
                       endpoint);
    default:
        return err_set(e, ERR_NET, "listen on %s: %s", endpoint, zmq_strerror(errno));
    }
}

static void net_take_endpoint(struct net_socket *s)
{
    char real[256];
    size_t len = sizeof real;
    if (zmq_getsockopt(s->zmq, ZMQ_LAST_ENDPOINT, real, &len) < 0)
        return;
    free(s->endpoint);
    s->endpoint = alloc_string(real);
}

int net_listen(struct net *n, enum net_kind kind, const char *endpoint,
               const struct net_keypair *server, struct net_socket **out, struct err *e)
{
    require(net_kind_listens(kind));
    struct net_socket *s = NULL;
    int rc = net_socket_open(n, kind, endpoint, NULL, server, &s, e);
    if (rc < 0)
        return rc;
    if (strncmp(endpoint, "ipc://", 6) == 0)
        rc = ipc_prepare(endpoint, e);
    if (rc == 0 && zmq_bind(s->zmq, endpoint) < 0)
        rc = net_bind_error(endpoint, e);
    if (rc < 0) {
        net_close(s);
        return rc;
    }
    net_take_endpoint(s);
    *out = s;
    return 0;
}

int net_connect(struct net *n, enum net_kind kind, const char *endpoint,
                const struct net_key *server_key, const struct net_keypair *self,
                struct net_socket **out, struct err *e)
{
    require(!net_kind_listens(kind));
    struct net_socket *s = NULL;
    int rc = net_socket_open(n, kind, endpoint, server_key, self, &s, e);
    if (rc < 0)
        return rc;
    if (zmq_connect(s->zmq, endpoint) < 0) {
        rc = err_set(e, ERR_INVALID, "connect to %s: %s: write tcp://HOST:PORT or ipc:///PATH",
                     endpoint, zmq_strerror(errno));
        net_close(s);
        return rc;
    }
    *out = s;
    return 0;
}

/* ---- waiting ---- */

static int64_t net_wait_step_ms(const struct net *n, int64_t deadline_ms)
{
    int64_t until = net_deadline_ms(n) < deadline_ms ? net_deadline_ms(n) : deadline_ms;
    if (until == INT64_MAX)
        return -1;
    int64_t now = loop_now_ms();
    return until > now ? until - now : 0;
}

/* One wait. 1 when the socket is ready, 0 when something else happened, or a negative err_code. */
static int net_wait_once(struct net_socket *s, short events, int64_t deadline_ms)
{
    size_t count = 1 + net_poll_count(s->net);
    zmq_pollitem_t *items = alloc_zeroed(count, sizeof *items);
    items[0] = (zmq_pollitem_t){.socket = s->zmq, .fd = -1, .events = events};
    net_poll_fill(s->net, items + 1);
    int rc = net_poll(items, count, net_wait_step_ms(s->net, deadline_ms), NULL);
    bool ready = rc > 0 && items[0].revents != 0;
    free(items);
    if (rc >= 0)
        rc = net_serve(s->net, NULL);
    return rc < 0 ? rc : ready;
}

static int net_wait_for(struct net_socket *s, short events, int timeout_ms)
{
    int64_t deadline_ms = timeout_ms < 0 ? INT64_MAX : loop_now_ms() + timeout_ms;
    for (;;) {
        int rc = net_wait_once(s, events, deadline_ms);
        if (rc != 0)
            return rc < 0 ? rc : 0;
        if (s->state == NET_REFUSED)
            return ERR_DENIED;
        if (loop_now_ms() >= deadline_ms)
            return ERR_AGAIN;
    }
}

int net_wait(struct net_socket *s, int timeout_ms)
{
    return net_wait_for(s, ZMQ_POLLIN, timeout_ms);
}

int net_wait_writable(struct net_socket *s, int timeout_ms)
{
    return net_wait_for(s, ZMQ_POLLOUT, timeout_ms);
}
