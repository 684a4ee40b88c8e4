/* Who hears what: the subscribers of a NET_XPUB (struct net_feed) and what a NET_SUB has asked for
 * (struct net_wishes). A request is one frame: a byte of enum request, then the topic. */
#include "common/net/net_internal.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/net/loop.h"

#include <stdlib.h>

enum request {
    REQUEST_UNSUBSCRIBE = 0,
    REQUEST_SUBSCRIBE = 1,
    REQUEST_RESTART = 2, /* a new link: forget what was asked for on the old one */
};

enum { FEED_REQUESTS_PER_CALL = 256, WISHES_RETRY_MS = 50 };

struct topic {
    uint8_t len;
    uint8_t bytes[NET_TOPIC_BYTES_MAX];
};

static struct slice topic_slice(const struct topic *t)
{
    return slice_of(t->bytes, t->len);
}

static struct topic topic_of(struct slice text)
{
    struct topic t = {.len = (uint8_t)text.len};
    if (text.len > 0)
        memcpy(t.bytes, text.data, text.len);
    return t;
}

static bool topic_covers(const struct topic *t, struct slice text)
{
    return t->len <= text.len && memcmp(t->bytes, text.data, t->len) == 0;
}

/* ---- the publishing side ---- */

struct subscriber {
    struct net_route route;
    struct net_key key;
    struct topic *topics;
    size_t count;
    size_t capacity;
};

struct net_feed {
    struct subscriber *subscribers;
    size_t count;
    size_t capacity;
    struct net_route asking; /* of the request last received */
    struct net_key asking_key;
    bool asked;
};

struct net_feed *net_feed_create(void)
{
    return alloc_zeroed(1, sizeof(struct net_feed));
}

void net_feed_destroy(struct net_feed *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->count; i++)
        free(f->subscribers[i].topics);
    free(f->subscribers);
    free(f);
}

size_t net_feed_count(const struct net_feed *f)
{
    return f->count;
}

static void feed_remove(struct net_feed *f, size_t i)
{
    free(f->subscribers[i].topics);
    f->subscribers[i] = f->subscribers[--f->count];
}

static bool route_equal(const struct net_route *a, const struct net_route *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* The index of the subscriber on this route; f->count when there is none. */
static size_t feed_find(const struct net_feed *f, const struct net_route *route)
{
    size_t i = 0;
    while (i < f->count && !route_equal(&f->subscribers[i].route, route))
        i++;
    return i;
}

/* A route taken over by another key must not inherit what the old one was given. */
static void feed_forget_stranger(struct net_feed *f, const struct net_message *m)
{
    size_t i = feed_find(f, &m->route);
    if (i < f->count && !key_equal(&f->subscribers[i].key, &m->key))
        feed_remove(f, i);
}

static void feed_restart(struct net_feed *f, const struct net_route *route)
{
    size_t i = feed_find(f, route);
    if (i < f->count)
        feed_remove(f, i);
}

static bool feed_request_valid(const struct net_message *m)
{
    if (m->malformed || m->frame_count != 1 || !m->has_key || m->frames[0].len == 0)
        return false;
    const uint8_t *bytes = m->frames[0].data;
    return bytes[0] <= REQUEST_RESTART && m->frames[0].len <= 1 + NET_TOPIC_BYTES_MAX;
}

/* True when *m is a request for the service, else it was dealt with here and cleared. */
static bool feed_take(struct net_socket *s, struct net_message *m)
{
    struct net_feed *f = s->feed;
    if (!feed_request_valid(m)) {
        s->net->counters.messages_malformed += !m->malformed; /* else counted on arrival */
        net_message_clear(m);
        return false;
    }
    feed_forget_stranger(f, m);
    if (*(const uint8_t *)m->frames[0].data == REQUEST_RESTART) {
        feed_restart(f, &m->route);
        net_message_clear(m);
        return false;
    }
    f->asking = m->route;
    f->asking_key = m->key;
    f->asked = true;
    return true;
}

int net_feed_receive(struct net_socket *s, struct net_message *m)
{
    s->feed->asked = false;
    for (int i = 0; i < FEED_REQUESTS_PER_CALL; i++) {
        int rc = net_parts_receive(s, m);
        if (rc < 0)
            return rc;
        if (feed_take(s, m))
            return 0;
    }
    return ERR_AGAIN; /* the rest brings the next round at once */
}

static struct subscriber *feed_add(struct net_feed *f)
{
    size_t i = feed_find(f, &f->asking);
    if (i < f->count)
        return &f->subscribers[i];
    void *array = f->subscribers;
    alloc_reserve(&array, &f->capacity, f->count + 1, sizeof *f->subscribers);
    f->subscribers = array;
    f->subscribers[f->count] = (struct subscriber){.route = f->asking, .key = f->asking_key};
    return &f->subscribers[f->count++];
}

static size_t subscriber_find(const struct subscriber *sub, struct slice topic)
{
    size_t i = 0;
    while (i < sub->count && !slice_equal(topic_slice(&sub->topics[i]), topic))
        i++;
    return i;
}

int net_subscription_allow(struct net_socket *s, struct slice topic)
{
    require(s->kind == NET_XPUB);
    if (!s->feed->asked)
        return ERR_NOT_FOUND;
    if (topic.len > NET_TOPIC_BYTES_MAX)
        return ERR_LIMIT;
    struct subscriber *sub = feed_add(s->feed);
    if (subscriber_find(sub, topic) < sub->count)
        return 0;
    if (sub->count == NET_TOPICS_MAX)
        return ERR_LIMIT;
    void *array = sub->topics;
    alloc_reserve(&array, &sub->capacity, sub->count + 1, sizeof *sub->topics);
    sub->topics = array;
    sub->topics[sub->count++] = topic_of(topic);
    return 0;
}

int net_subscription_remove(struct net_socket *s, struct slice topic)
{
    require(s->kind == NET_XPUB);
    struct net_feed *f = s->feed;
    size_t i = f->asked ? feed_find(f, &f->asking) : f->count;
    if (i == f->count)
        return ERR_NOT_FOUND;
    struct subscriber *sub = &f->subscribers[i];
    size_t t = subscriber_find(sub, topic);
    if (t == sub->count)
        return ERR_NOT_FOUND;
    sub->topics[t] = sub->topics[--sub->count];
    if (sub->count == 0)
        feed_remove(f, i);
    return 0;
}

void net_subscription_revoke(struct net_socket *s, const struct net_key *key)
{
    require(s->kind == NET_XPUB);
    for (size_t i = s->feed->count; i-- > 0;)
        if (key_equal(&s->feed->subscribers[i].key, key))
            feed_remove(s->feed, i);
}

static bool subscriber_wants(const struct subscriber *sub, struct slice text)
{
    for (size_t i = 0; i < sub->count; i++)
        if (topic_covers(&sub->topics[i], text))
            return true;
    return false;
}

/* The bytes are shared by all copies. */
static int feed_send_copy(struct net_socket *s, const struct subscriber *sub, zmq_msg_t *parts,
                          unsigned count)
{
    zmq_msg_t copies[NET_FRAMES_MAX];
    for (unsigned i = 0; i < count; i++) {
        zmq_msg_init(&copies[i]);
        require(zmq_msg_copy(&copies[i], &parts[i]) == 0);
    }
    return net_parts_send(s->zmq, &sub->route, copies, count);
}

int net_feed_send(struct net_socket *s, zmq_msg_t *parts, unsigned count, net_may_hear_fn *may_hear,
                  void *arg)
{
    struct slice text = slice_of(zmq_msg_data(&parts[0]), zmq_msg_size(&parts[0]));
    int rc = 0;
    for (size_t i = s->feed->count; i-- > 0 && rc != ERR_NET;) {
        const struct subscriber *sub = &s->feed->subscribers[i];
        if (!subscriber_wants(sub, text) || (may_hear && !may_hear(arg, &sub->key)))
            continue;
        rc = feed_send_copy(s, sub, parts, count);
        s->net->counters.messages_slow_dropped += rc == ERR_AGAIN;
        if (rc == ERR_NOT_FOUND)
            feed_remove(s->feed, i);
    }
    for (unsigned i = 0; i < count; i++)
        zmq_msg_close(&parts[i]);
    return rc == ERR_NET ? rc : 0;
}

/* ---- the hearing side ---- */

struct wish {
    struct topic topic;
    bool wanted;
    bool told; /* the publisher was sent it over the present link */
};

struct net_wishes {
    struct wish *wishes;
    size_t count;
    size_t capacity;
    bool restart;        /* REQUEST_RESTART comes before anything else */
    int64_t flush_at_ms; /* INT64_MAX: all is told */
};

struct net_wishes *net_wishes_create(void)
{
    struct net_wishes *w = alloc_zeroed(1, sizeof *w);
    w->flush_at_ms = INT64_MAX; /* until there is a link */
    return w;
}

void net_wishes_destroy(struct net_wishes *w)
{
    if (!w)
        return;
    free(w->wishes);
    free(w);
}

int64_t net_wishes_deadline_ms(const struct net_wishes *w)
{
    return w->flush_at_ms;
}

static void wishes_drop(struct net_wishes *w, size_t i)
{
    w->wishes[i] = w->wishes[--w->count];
}

void net_wishes_restart(struct net_wishes *w)
{
    for (size_t i = w->count; i-- > 0;) {
        w->wishes[i].told = false;
        if (!w->wishes[i].wanted)
            wishes_drop(w, i);
    }
    w->restart = true;
    w->flush_at_ms = loop_now_ms();
}

static int wishes_send(void *zmq, enum request request, struct slice topic)
{
    zmq_msg_t part;
    require(zmq_msg_init_size(&part, 1 + topic.len) == 0);
    uint8_t *bytes = zmq_msg_data(&part);
    bytes[0] = (uint8_t)request;
    if (topic.len > 0)
        memcpy(bytes + 1, topic.data, topic.len);
    return net_parts_send(zmq, NULL, &part, 1);
}

static int wishes_tell(struct net_socket *s, size_t i)
{
    struct wish *one = &s->wishes->wishes[i];
    if (one->told)
        return 0;
    int rc = wishes_send(s->zmq, one->wanted ? REQUEST_SUBSCRIBE : REQUEST_UNSUBSCRIBE,
                         topic_slice(&one->topic));
    if (rc < 0)
        return rc;
    one->told = true;
    if (!one->wanted)
        wishes_drop(s->wishes, i);
    return 0;
}

/* Reading the events makes libzmq take note of a link that was lost, so that nothing is written to
 * the dead one. */
static void wishes_settle_link(void *zmq)
{
    int events;
    size_t len = sizeof events;
    zmq_getsockopt(zmq, ZMQ_EVENTS, &events, &len);
}

void net_wishes_flush(struct net_socket *s, int64_t now_ms)
{
    struct net_wishes *w = s->wishes;
    if (now_ms < w->flush_at_ms)
        return;
    wishes_settle_link(s->zmq);
    int rc = w->restart ? wishes_send(s->zmq, REQUEST_RESTART, slice_of(NULL, 0)) : 0;
    w->restart = w->restart && rc < 0;
    for (size_t i = w->count; rc == 0 && i-- > 0;)
        rc = wishes_tell(s, i);
    w->flush_at_ms = rc < 0 ? now_ms + WISHES_RETRY_MS : INT64_MAX;
}

static int wishes_set(struct net_socket *s, struct slice topic, bool wanted)
{
    require(s->kind == NET_SUB);
    struct net_wishes *w = s->wishes;
    if (topic.len > NET_TOPIC_BYTES_MAX)
        return ERR_LIMIT;
    size_t i = 0;
    while (i < w->count && !slice_equal(topic_slice(&w->wishes[i].topic), topic))
        i++;
    if (i == w->count ? !wanted : w->wishes[i].wanted == wanted)
        return 0;
    if (i == NET_TOPICS_MAX)
        return ERR_LIMIT;
    if (i == w->count) {
        void *array = w->wishes;
        alloc_reserve(&array, &w->capacity, w->count + 1, sizeof *w->wishes);
        w->wishes = array;
        w->wishes[w->count++] = (struct wish){.topic = topic_of(topic)};
    }
    w->wishes[i].wanted = wanted;
    w->wishes[i].told = false;
    if (s->state == NET_CONNECTED) {
        w->flush_at_ms = loop_now_ms();
        net_wishes_flush(s, w->flush_at_ms);
    }
    return 0;
}

int net_subscribe(struct net_socket *s, struct slice topic)
{
    return wishes_set(s, topic, true);
}

int net_unsubscribe(struct net_socket *s, struct slice topic)
{
    return wishes_set(s, topic, false);
}
