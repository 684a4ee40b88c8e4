#include "common/service/responder.h"

#include "common/base/check.h"
#include "common/net/loop.h"

/* --- sending */

void responder_send(struct responder *r, const struct asker *to, uint8_t kind, struct slice message,
                    struct slice body)
{
    uint8_t bytes[WIRE_HEAD_BYTES];
    struct wire_head head = to->head;
    head.version = WIRE_VERSION;
    head.kind = kind | WIRE_ANSWER;
    wire_head_encode(&head, bytes);
    struct slice frames[] = {slice_of(bytes, sizeof bytes), message, body};
    int rc = net_send(to->socket, &to->route, frames, body.len > 0 ? 3 : 2, NULL);
    if (rc != 0)
        ++*(rc == ERR_NOT_FOUND ? r->count.dropped_gone : r->count.dropped_full);
}

static void send_alone(struct responder *r, const struct asker *to, uint8_t kind,
                       const struct buf *message)
{
    responder_send(r, to, kind, buf_slice(message), slice_of(NULL, 0));
}

void responder_fail(struct responder *r, const struct asker *to, const struct err *e)
{
    struct buf message = {0};
    wire_pack_failure(e->code, e->text, &message);
    send_alone(r, to, WIRE_FAILURE, &message);
    buf_fini(&message);
}

/* --- health and counters */

static void take_health(struct responder *r, const struct asker *from)
{
    struct wire_health health = {.service = service_name(r->service), .version = TONGHOP_VERSION};
    struct buf message = {0};
    r->definition->health(r->owner, &health);
    if (service_draining(r->service)) {
        health.ready = false;
        health.state = "draining";
    }
    wire_pack_health(&health, &message);
    send_alone(r, from, WIRE_HEALTH, &message);
    buf_fini(&message);
}

static void refresh(struct responder *r)
{
    const struct net_counters *net = net_counters(r->net);
    *r->count.net_admitted = net->peers_admitted;
    *r->count.net_refused = net->peers_refused;
    *r->count.net_handshakes_failed = net->handshakes_failed;
    *r->count.net_links_lost = net->links_lost;
    *r->count.net_malformed = net->messages_malformed;
    if (r->definition->refresh)
        r->definition->refresh(r->owner);
}

static void take_counters(struct responder *r, const struct asker *from)
{
    struct buf text = {0}, message = {0};
    refresh(r);
    counters_render(service_counters(r->service), &text);
    buf_u8(&text, 0);
    wire_pack_counters((const char *)text.data, &message);
    send_alone(r, from, WIRE_COUNTERS, &message);
    buf_fini(&message);
    buf_fini(&text);
}

/* --- who may ask what */

static bool admit(void *responder, const struct net_key *key, const char *peer_address)
{
    struct responder *r = responder;
    struct identity who = r->definition->identify(r->owner, key);
    if ((who.roles & r->definition->roles) != 0)
        return true;
    char text[NET_KEY_TEXT_BYTES];
    ++*r->count.keys_refused;
    key_format_z85(key, text);
    log_complain(r->log, &r->key_complaint, log_event("key_refused"), log_text("key", text),
                 log_text("address", peer_address),
                 log_text("revoked", who.revoked ? "true" : "false"));
    return false;
}

static uint32_t roles_needed(const struct responder *r, uint8_t kind)
{
    switch (kind) {
    case WIRE_HEALTH:
        return r->definition->roles;
    case WIRE_COUNTERS:
        return ROLE_OPERATE;
    default:
        return r->kinds[kind]->roles;
    }
}

int responder_check(struct responder *r, const struct asker *from, struct err *e)
{
    uint32_t needed = roles_needed(r, from->head.kind);
    if (needed == 0)
        return 0;
    struct identity who = r->definition->identify(r->owner, &from->key);
    if ((who.roles & needed) != 0)
        return 0;
    ++*r->count.denied;
    char key[NET_KEY_TEXT_BYTES];
    key_format_z85(&from->key, key);
    log_complain(r->log, &r->denied_complaint, log_event("request_denied"), log_text("key", key),
                 log_uint("kind", from->head.kind),
                 log_text("revoked", who.revoked ? "true" : "false"));
    return err_set(e, ERR_DENIED,
                   who.revoked ? "this key was revoked: ask provincial IT for a new one"
                               : "this key may not ask that: ask provincial IT for the role");
}

/* --- one request */

static int check_head(struct responder *r, struct asker *from, const struct net_message *m,
                      struct err *e)
{
    unsigned most = r->definition->frames_max;
    int rc = wire_head_decode(responder_frame(m, 0), &from->head, e);
    if (rc == ERR_VERSION) {
        ++*r->count.version;
        return rc;
    }
    if (rc == 0 && (m->malformed || !m->has_key || m->frame_count < 2 || m->frame_count > most))
        rc = err_set(e, ERR_INVALID,
                     most > 2 ? "a request has two or three frames"
                              : "a request has two frames, a head and a message");
    if (rc != 0)
        ++*r->count.malformed;
    return rc;
}

static int check_kind(struct responder *r, uint8_t kind, struct err *e)
{
    if (kind < WIRE_FAILURE && r->count.requests[kind])
        return 0;
    ++*r->count.unknown;
    return err_set(e, ERR_INVALID, "the %s serves no requests of kind %u", service_name(r->service),
                   kind);
}

static int dispatch(struct responder *r, const struct asker *from, const struct net_message *m,
                    struct err *e)
{
    uint8_t kind = from->head.kind;
    ++*r->count.requests[kind];
    if (kind == WIRE_HEALTH)
        take_health(r, from);
    else if (kind == WIRE_COUNTERS)
        take_counters(r, from);
    else
        return r->kinds[kind]->take(r->owner, from, m, e);
    return 0;
}

static void take(struct responder *r, struct net_socket *gate, const struct net_message *m)
{
    const struct responder_definition *d = r->definition;
    struct asker from = {.socket = gate, .route = m->route, .key = m->key};
    struct err e;
    int rc = check_head(r, &from, m, &e);
    if (rc == ERR_VERSION && d->answer_version && d->answer_version(r->owner, &from))
        return;
    if (rc == 0)
        rc = check_kind(r, from.head.kind, &e);
    if (rc == 0)
        rc = responder_check(r, &from, &e);
    if (rc == 0)
        rc = dispatch(r, &from, m, &e);
    if (rc != 0)
        responder_fail(r, &from, &e);
}

/* --- rounds */

static bool has_room(const struct responder *r)
{
    return r->messages < r->round_messages && r->bytes < r->round_bytes;
}

static void take_all(struct responder *r, struct net_socket *gate)
{
    struct net_message m;
    while (has_room(r) && net_receive(gate, &m) == 0) {
        r->messages++;
        for (unsigned i = 0; i < m.frame_count; i++)
            r->bytes += (int64_t)m.frames[i].len;
        take(r, gate, &m);
        arena_reset(r->arena);
        net_message_clear(&m);
    }
}

/* Whichever gate has something: a busy one must not take the whole of every round. */
static void on_readable(void *responder)
{
    struct responder *r = responder;
    for (unsigned i = 0; i < r->gate_count; i++)
        take_all(r, r->gates[(r->first_gate + i) % r->gate_count]);
}

static void end_round(void *responder)
{
    struct responder *r = responder;
    r->messages = 0;
    r->bytes = 0;
    r->first_gate = (r->first_gate + 1) % r->gate_count;
}

/* --- opening and closing */

static void serve_kind(struct responder *r, uint8_t kind, const char *name)
{
    struct counters *c = service_counters(r->service);
    require(kind < WIRE_FAILURE && !r->count.requests[kind]);
    r->count.requests[kind] = counters_add(c, "requests_total", name, "Requests taken, by kind.");
}

static void register_kinds(struct responder *r)
{
    for (size_t i = 0; i < r->definition->kind_count; i++) {
        const struct responder_kind *kind = &r->definition->kinds[i];
        serve_kind(r, kind->kind, kind->name);
        r->kinds[kind->kind] = kind;
    }
    serve_kind(r, WIRE_HEALTH, "health");
    serve_kind(r, WIRE_COUNTERS, "counters");
}

static void register_counters(struct responder *r)
{
    static const char refused[] = "Requests not served, by reason.";
    static const char dropped[] = "Answers that could not be sent; the peer asks again.";
    struct counters *c = service_counters(r->service);
    r->count.malformed = counters_add(c, "requests_refused_total", "malformed", refused);
    r->count.unknown = counters_add(c, "requests_refused_total", "unknown_kind", refused);
    r->count.denied = counters_add(c, "requests_refused_total", "denied", refused);
    r->count.version = counters_add(c, "requests_refused_total", "bad_version", refused);
    r->count.dropped_full = counters_add(c, "answers_dropped_total", "queue_full", dropped);
    r->count.dropped_gone = counters_add(c, "answers_dropped_total", "peer_gone", dropped);
    r->count.keys_refused = counters_add(c, "keys_refused_total", NULL,
                                         "Handshakes under keys that are unknown or were revoked.");
    r->count.net_admitted = counters_gauge(c, "net_peers_admitted", NULL, "Peers let in.");
    r->count.net_refused = counters_gauge(c, "net_peers_refused", NULL, "Peers not let in.");
    r->count.net_handshakes_failed =
        counters_gauge(c, "net_handshakes_failed", NULL, "Handshakes that came to nothing.");
    r->count.net_links_lost = counters_gauge(c, "net_links_lost", NULL, "Links lost.");
    r->count.net_malformed =
        counters_gauge(c, "net_messages_malformed", NULL, "Messages of too many frames.");
}

int responder_listen(struct responder *r, enum net_kind kind, const char *endpoint,
                     const char *serves, struct net_socket **out, struct err *e)
{
    int rc = net_listen(r->net, kind, endpoint, &r->keys, out, e);
    if (rc == 0)
        log_info(r->log, log_event("listening"), log_text("for", serves),
                 log_text("endpoint", net_endpoint(*out)));
    return rc;
}

static int open_gate(struct responder *r, const char *endpoint, struct err *e)
{
    struct net_socket **gate = &r->gates[r->gate_count];
    int rc = responder_listen(r, NET_ROUTER, endpoint, r->definition->serves, gate, e);
    if (rc != 0)
        return rc;
    r->gate_count++;
    loop_add_socket(service_loop(r->service), *gate, on_readable, r);
    return 0;
}

static int open_net(struct responder *r, const struct responder_options *o, struct err *e)
{
    int rc = keypair_load(o->endpoint->key_file, &r->keys, e);
    if (rc == 0)
        rc = net_create(&r->net, &o->net, e);
    if (rc == 0)
        net_admit(r->net, admit, r);
    for (size_t i = 0; rc == 0 && i < o->endpoint->listen.count; i++)
        rc = open_gate(r, o->endpoint->listen.items[i], e);
    return rc;
}

int responder_open(struct responder *r, struct service *service,
                   const struct responder_definition *definition, void *owner,
                   const struct responder_options *options, struct err *e)
{
    r->definition = definition;
    r->owner = owner;
    r->service = service;
    r->log = service_log(service);
    r->arena = options->arena;
    r->round_messages = options->round_messages;
    r->round_bytes = options->round_bytes;
    register_kinds(r);
    register_counters(r);
    int rc = open_net(r, options, e);
    if (rc == 0)
        loop_after(service_loop(service), end_round, r);
    return rc;
}

void responder_close_socket(struct responder *r, struct net_socket *socket)
{
    if (socket)
        loop_remove_socket(service_loop(r->service), socket);
    net_close(socket);
}

void responder_close(struct responder *r)
{
    for (unsigned i = 0; i < r->gate_count; i++)
        responder_close_socket(r, r->gates[i]);
    if (r->net)
        loop_remove_net(service_loop(r->service), r->net);
    net_destroy(r->net);
    keypair_wipe(&r->keys);
}
