/* The feed's sockets: who may subscribe to what, and what goes out at each beat. */
#include <sodium.h>

#include "services/aggregator/aggregator_service.h"

enum {
    HEADS_MAX = 16384,    /* in one message; more streams go out in several */
    REQUESTS_A_ROUND = 64 /* subscriptions taken before the others have their turn */
};

static const char root_stream[] = "@"; /* see proto/feed.proto */

static const struct registry *registry_of(const struct aggregator_service *s)
{
    return ledger_registry(s->ledger);
}

/* --- values */

struct wire_stream aggregator_feed_stream_to_wire(const struct aggregator_service *s,
                                                  struct feed_stream stream)
{
    struct wire_stream out = {.indicator =
                                  registry_indicator(registry_of(s), stream.indicator)->id};
    const char *subtree =
        stream.subtree == FEED_ROOT
            ? root_stream
            : catalogue_code_text(registry_catalogue(registry_of(s)), stream.subtree);
    memcpy(out.subtree.text, subtree, strlen(subtree) + 1);
    return out;
}

bool aggregator_feed_stream_from_wire(const struct aggregator_service *s,
                                      const struct wire_stream *stream, struct feed_stream *out)
{
    const struct registry *r = registry_of(s);
    bool root = strcmp(stream->subtree.text, root_stream) == 0;
    out->indicator = registry_indicator_find(r, ident_slice(&stream->indicator));
    out->subtree = root ? FEED_ROOT
                        : catalogue_code_find(registry_catalogue(r), ident_slice(&stream->subtree));
    return out->indicator != REGISTRY_NONE && (root || out->subtree != CATALOGUE_NONE);
}

void aggregator_feed_cells_to_wire(struct aggregator_service *s, const struct feed_cells *cells,
                                   struct wire_cells *out)
{
    const struct catalogue *c = registry_catalogue(registry_of(s));
    *out = (struct wire_cells){.epoch = feed_epoch(s->feed),
                               .number = cells->number,
                               .offset = s->done.offset,
                               .time_ms = s->done.time_ms,
                               .stream = aggregator_feed_stream_to_wire(s, cells->stream),
                               .cell_count = (uint32_t)cells->cell_count,
                               .message = ""};
    out->cells = arena_alloc(&s->arena, (cells->cell_count + 1) * sizeof *out->cells);
    for (size_t i = 0; i < cells->cell_count; i++) {
        const struct feed_cell *from = &cells->cells[i];
        const char *code = catalogue_code_text(c, from->code);
        out->cells[i] = (struct wire_cell){.day = from->day,
                                           .amount = from->value.amount,
                                           .figures = from->value.figures,
                                           .reported = from->value.reported,
                                           .on_time = from->value.on_time};
        memcpy(out->cells[i].unit.text, code, strlen(code) + 1);
    }
}

/* --- out */

static void publish(struct aggregator_service *s, struct slice topic, const struct buf *message)
{
    struct slice frames[] = {topic, buf_slice(message)};
    for (unsigned i = 0; i < s->feed_count; i++)
        net_send(s->feeds[i].socket, NULL, frames, 2, NULL); /* a loss shows in the numbers */
}

static size_t format_topic(const struct wire_stream *stream, char out[NET_TOPIC_BYTES_MAX])
{
    return (size_t)snprintf(out, NET_TOPIC_BYTES_MAX, "s/%s/%s/", stream->indicator.text,
                            stream->subtree.text);
}

static void publish_update(struct aggregator_service *s, const struct feed_cells *cells,
                           struct buf *message)
{
    struct wire_cells update;
    char topic[NET_TOPIC_BYTES_MAX];
    aggregator_feed_cells_to_wire(s, cells, &update);
    size_t len = format_topic(&update.stream, topic);
    buf_clear(message);
    wire_pack_update(&update, message);
    publish(s, slice_of(topic, len), message);
    arena_reset(&s->arena);
    ++*s->count.feed_updates;
    *s->count.feed_cells += cells->cell_count;
}

static void publish_updates(struct aggregator_service *s, struct buf *message)
{
    const struct feed_cells *updates;
    struct kv *kv = NULL;
    struct err e;
    if (store_begin(s->store, false, &kv, &e) != 0) {
        log_warn(s->log, log_event("read_failed"), log_err(&e));
        return; /* what was noted goes out with the next beat */
    }
    size_t count = feed_beat(s->feed, registry_of(s), kv, &updates);
    store_abort(&kv);
    for (size_t i = 0; i < count; i++)
        publish_update(s, &updates[i], message);
}

static void publish_heads(struct aggregator_service *s, const struct feed_head *heads, size_t count,
                          struct buf *message)
{
    struct wire_heads out = {.epoch = feed_epoch(s->feed),
                             .offset = s->done.offset,
                             .time_ms = s->done.time_ms,
                             .head_count = (uint32_t)count};
    out.heads = arena_alloc(&s->arena, (count + 1) * sizeof *out.heads);
    for (size_t i = 0; i < count; i++)
        out.heads[i] = (struct wire_stream_head){aggregator_feed_stream_to_wire(s, heads[i].stream),
                                                 heads[i].number};
    buf_clear(message);
    wire_pack_heads(&out, message);
    publish(s, slice_str("h/"), message);
    arena_reset(&s->arena);
}

void aggregator_feed_beat(void *service)
{
    struct aggregator_service *s = service;
    struct buf message = {0};
    const struct feed_head *heads;
    if (!s->ready || s->feed_count == 0)
        return;
    publish_updates(s, &message);
    size_t count = feed_heads(s->feed, &heads), done = 0;
    do {
        size_t part = count - done < HEADS_MAX ? count - done : HEADS_MAX;
        publish_heads(s, heads + done, part, &message);
        done += part;
    } while (done < count);
    buf_fini(&message);
}

void aggregator_feed_begin(struct aggregator_service *s)
{
    uint64_t epoch;
    randombytes_buf(&epoch, sizeof epoch); /* no two alike, whatever the clock was set to */
    feed_begin(s->feed, registry_of(s), epoch);
    ++*s->count.feed_epochs;
}

void aggregator_feed_changed(struct aggregator_service *s, const struct ledger_changes *changes)
{
    if (changes->everything)
        aggregator_feed_begin(s);
    else if (s->feed_count > 0)
        feed_note(s->feed, changes->cells, changes->cell_count);
}

/* --- subscriptions */

struct topic_parts {
    bool all;   /* "", "s", "s/": every stream */
    bool heads; /* "" or "h…" */
    struct wire_stream stream;
    bool has_indicator;
    bool has_subtree;
};

/* One part up to its slash; false when it does not end in one. */
static bool take_part(struct slice *rest, struct ident *out)
{
    const char *text = rest->data;
    const char *slash = rest->len > 0 ? memchr(text, '/', rest->len) : NULL;
    if (slash == NULL || (size_t)(slash - text) > IDENT_BYTES_MAX)
        return false;
    size_t len = (size_t)(slash - text);
    memset(out, 0, sizeof *out);
    memcpy(out->text, text, len);
    *rest = slice_of(slash + 1, rest->len - len - 1);
    return len > 0;
}

/* False: no topic of this feed, or one that stops in the middle of a name. */
static bool parse_topic(struct slice topic, struct topic_parts *out)
{
    const char *text = topic.data;
    *out = (struct topic_parts){.all = topic.len == 0, .heads = topic.len == 0};
    if (topic.len == 0)
        return true;
    if (text[0] == 'h') {
        out->heads = true;
        return topic.len == 1 || (topic.len == 2 && text[1] == '/');
    }
    out->all = topic.len <= 2;
    if (text[0] != 's' || (topic.len >= 2 && text[1] != '/'))
        return false;
    if (out->all)
        return true;
    struct slice rest = slice_of(text + 2, topic.len - 2);
    out->has_indicator = take_part(&rest, &out->stream.indicator);
    if (!out->has_indicator || rest.len == 0)
        return out->has_indicator;
    out->has_subtree = take_part(&rest, &out->stream.subtree);
    return out->has_subtree && rest.len == 0;
}

struct grant {
    struct net_socket *socket;
    bool subscribe; /* else take away */
    unsigned count;
};

static void give(struct grant *g, struct slice topic)
{
    int rc = g->subscribe ? net_subscription_allow(g->socket, topic)
                          : net_subscription_remove(g->socket, topic);
    g->count += rc == 0;
}

static bool is_asked(const struct topic_parts *asked, const struct wire_stream *stream)
{
    if (asked->all)
        return true;
    if (!asked->has_indicator || strcmp(asked->stream.indicator.text, stream->indicator.text) != 0)
        return false;
    return !asked->has_subtree || strcmp(asked->stream.subtree.text, stream->subtree.text) == 0;
}

/* Of what was asked, the streams that the key may see, each by its own topic. Heads go to all: they
 * tell numbers, not figures. */
static void give_scope(struct aggregator_service *s, struct identity who,
                       const struct topic_parts *asked, struct grant *g)
{
    const struct feed_head *heads;
    size_t count = feed_heads(s->feed, &heads);
    char topic[NET_TOPIC_BYTES_MAX];
    for (size_t i = 0; i < count; i++) {
        struct wire_stream stream = aggregator_feed_stream_to_wire(s, heads[i].stream);
        if (is_asked(asked, &stream) && access_sees_subtree(s, who, heads[i].stream.subtree))
            give(g, slice_of(topic, format_topic(&stream, topic)));
    }
    if (asked->heads)
        give(g, slice_str("h/"));
}

static void log_refused(struct aggregator_service *s, const struct net_message *m,
                        struct slice topic)
{
    char key[NET_KEY_TEXT_BYTES], text[NET_TOPIC_BYTES_MAX + 1];
    size_t len = topic.len < NET_TOPIC_BYTES_MAX ? topic.len : NET_TOPIC_BYTES_MAX;
    memcpy(text, topic.data, len);
    text[len] = '\0';
    key_format_z85(&m->key, key);
    ++*s->count.subscriptions_refused;
    log_complain(s->log, &s->subscription_complaint, log_event("subscription_refused"),
                 log_text("key", key), log_text("topic", text),
                 log_text("message", "outside the key's subtree, or no topic of this feed; a "
                                     "commune's key asks by query"));
}

static void take_request(struct aggregator_service *s, struct net_socket *socket,
                         const struct net_message *m)
{
    const uint8_t *bytes = m->frames[0].data;
    struct slice topic = slice_of(bytes + 1, m->frames[0].len - 1);
    struct grant g = {socket, bytes[0] == 1, 0};
    struct topic_parts asked;
    struct identity who = access_identify(s, &m->key);
    bool valid = parse_topic(topic, &asked) && access_may_ask(who);
    bool whole = valid && (access_sees_all(s, who) || (asked.heads && !asked.all));
    if (whole)
        give(&g, topic);
    else if (valid)
        give_scope(s, who, &asked, &g);
    if (!g.subscribe)
        return;
    if (g.count == 0)
        log_refused(s, m, topic);
    else
        ++*(whole ? s->count.subscriptions_allowed : s->count.subscriptions_narrowed);
}

static void on_request(void *gate)
{
    struct aggregator_gate *g = gate;
    struct net_message m;
    for (unsigned i = 0; i < REQUESTS_A_ROUND && net_receive(g->socket, &m) == 0; i++) {
        if (m.has_key && m.frame_count == 1 && m.frames[0].len >= 1)
            take_request(g->owner, g->socket, &m);
        net_message_clear(&m);
    }
}

void aggregator_feed_open(struct aggregator_service *s)
{
    for (unsigned i = 0; i < s->feed_count; i++)
        loop_add_socket(service_loop(s->service), s->feeds[i].socket, on_request, &s->feeds[i]);
}

void aggregator_feed_revoke(struct aggregator_service *s, const struct follow_effects *effects)
{
    for (size_t i = 0; i < effects->producer_count; i++) {
        if (effects->producers[i] == REGISTRY_NONE)
            continue;
        const struct producer *p = registry_producer(registry_of(s), effects->producers[i]);
        for (unsigned k = 0; k < p->key_count; k++) {
            struct net_key key;
            memcpy(key.bytes, p->keys[k].bytes, KEY_BYTES);
            for (unsigned f = 0; f < s->feed_count; f++)
                net_subscription_revoke(s->feeds[f].socket, &key);
            ++*s->count.subscriptions_revoked;
        }
    }
}
