#include "common/service/feed_gates.h"

#include "common/net/loop.h"

enum { REQUESTS_A_ROUND = 64 /* subscriptions taken before the others have their turn */ };

/* --- counters */

void feed_gates_register(struct feed_gates *f, struct counters *c)
{
    static const char asked[] = "Subscriptions, by what was given.";
    f->counters.dropped = counters_gauge(c, "feed_messages_dropped", NULL,
                                         "Messages dropped for subscribers that were too slow.");
    f->counters.allowed = counters_add(c, "subscriptions_total", "allowed", asked);
    f->counters.narrowed = counters_add(c, "subscriptions_total", "narrowed", asked);
    f->counters.refused = counters_add(c, "subscriptions_total", "refused", asked);
    f->counters.revoked =
        counters_add(c, "subscriptions_revoked_total", NULL,
                     "Keys whose subscriptions were taken away because their rights changed.");
}

void feed_gates_refresh(struct feed_gates *f)
{
    *f->counters.dropped = net_counters(f->responder->net)->messages_slow_dropped;
}

/* --- opening and closing */

int feed_gates_open(struct feed_gates *f, struct responder *r, const struct schema_strings *listen,
                    feed_request_fn *take, struct err *e)
{
    int rc = 0;
    f->responder = r;
    f->take = take;
    for (size_t i = 0; rc == 0 && i < listen->count; i++) {
        struct feed_gate *gate = &f->gates[i];
        gate->all = f;
        rc = responder_listen(r, NET_XPUB, listen->items[i], "subscriptions", &gate->socket, e);
        f->count += rc == 0;
    }
    return rc;
}

void feed_gates_close(struct feed_gates *f)
{
    for (unsigned i = 0; i < f->count; i++)
        responder_close_socket(f->responder, f->gates[i].socket);
    f->count = 0;
}

/* --- requests */

static void on_request(void *gate)
{
    struct feed_gate *g = gate;
    struct feed_gates *f = g->all;
    struct net_message m;
    for (unsigned i = 0; i < REQUESTS_A_ROUND && net_receive(g->socket, &m) == 0; i++) {
        if (m.has_key && m.frame_count == 1 && m.frames[0].len >= 1) {
            const uint8_t *bytes = m.frames[0].data;
            struct feed_request request = {.socket = g->socket,
                                           .key = &m.key,
                                           .topic = slice_of(bytes + 1, m.frames[0].len - 1),
                                           .subscribe = bytes[0] == 1};
            f->take(f->responder->owner, &request);
        }
        net_message_clear(&m);
    }
}

void feed_gates_start(struct feed_gates *f)
{
    struct loop *loop = service_loop(f->responder->service);
    for (unsigned i = 0; i < f->count; i++)
        loop_add_socket(loop, f->gates[i].socket, on_request, &f->gates[i]);
}

void feed_gates_refuse(struct feed_gates *f, const struct feed_request *request,
                       const char *message)
{
    char key[NET_KEY_TEXT_BYTES], topic[NET_TOPIC_BYTES_MAX + 1];
    size_t len =
        request->topic.len < NET_TOPIC_BYTES_MAX ? request->topic.len : NET_TOPIC_BYTES_MAX;
    memcpy(topic, request->topic.data, len);
    topic[len] = '\0';
    key_format_z85(request->key, key);
    ++*f->counters.refused;
    log_complain(f->responder->log, &f->refused_complaint, log_event("subscription_refused"),
                 log_text("key", key), log_text("topic", topic), log_text("message", message));
}

/* --- out */

void feed_gates_publish(struct feed_gates *f, struct slice topic, struct slice message,
                        net_may_hear_fn *may_hear, void *arg)
{
    struct slice frames[] = {topic, message};
    for (unsigned i = 0; i < f->count; i++)
        if (may_hear)
            net_publish(f->gates[i].socket, frames, 2, may_hear, arg, NULL);
        else
            net_send(f->gates[i].socket, NULL, frames, 2, NULL);
}

void feed_gates_revoke(struct feed_gates *f, const struct net_key *key)
{
    for (unsigned i = 0; i < f->count; i++)
        net_subscription_revoke(f->gates[i].socket, key);
    ++*f->counters.revoked;
}
