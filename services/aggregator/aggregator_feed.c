/* The feed's sockets: who may subscribe to what, and what goes out at each beat. */
#include <sodium.h>

#include "services/aggregator/aggregator_service.h"

enum {
    HEADS_MAX = 16384,    /* in one message; more streams go out in several */
    REQUESTS_A_ROUND = 64 /* subscriptions taken before the others have their turn */
};

static const struct registry *registry_of(const struct aggregator_service *s)
{
    return ledger_registry(s->ledger);
}

/* --- values */

struct wire_stream aggregator_feed_stream_to_wire(const struct aggregator_service *s,
                                                  struct feed_stream stream)
{
    const struct registry *r = registry_of(s);
    struct wire_stream out = {.indicator = registry_indicator(r, stream.indicator)->id,
                              .root = stream.root};
    const char *code = catalogue_code_text(registry_catalogue(r), stream.code);
    memcpy(out.subtree.text, code, strlen(code) + 1);
    return out;
}

bool aggregator_feed_stream_from_wire(const struct aggregator_service *s,
                                      const struct wire_stream *stream, struct feed_stream *out)
{
    const struct registry *r = registry_of(s);
    out->indicator = registry_indicator_find(r, ident_slice(&stream->indicator));
    out->code = catalogue_code_find(registry_catalogue(r), ident_slice(&stream->subtree));
    out->root = stream->root;
    return out->indicator != REGISTRY_NONE && out->code != CATALOGUE_NONE;
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

/* What goes out, for the question who may hear it. */
struct publication {
    const struct aggregator_service *service;
    const struct feed_stream *stream; /* NULL: heads, which tell numbers and not figures */
};

static bool may_hear(void *arg, const struct net_key *key)
{
    const struct publication *p = arg;
    struct identity who = access_identify(p->service, key);
    if (!access_may_ask(who))
        return false;
    return p->stream == NULL || access_sees_stream(p->service, who, *p->stream);
}

static void publish(struct aggregator_service *s, const struct feed_stream *stream,
                    struct slice topic, const struct buf *message)
{
    struct publication p = {s, stream};
    struct slice frames[] = {topic, buf_slice(message)};
    for (unsigned i = 0; i < s->feed_count; i++) /* a loss shows in the numbers */
        net_publish(s->feeds[i].socket, frames, 2, may_hear, &p, NULL);
}

static void publish_update(struct aggregator_service *s, const struct feed_cells *cells,
                           struct buf *message)
{
    struct wire_cells update;
    char topic[NET_TOPIC_BYTES_MAX], subtree[WIRE_SUBTREE_BYTES];
    aggregator_feed_cells_to_wire(s, cells, &update);
    int len = snprintf(topic, sizeof topic, "s/%s/%s/", update.stream.indicator.text,
                       wire_subtree_format(&update.stream, subtree));
    buf_clear(message);
    wire_pack_update(&update, message);
    publish(s, &cells->stream, slice_of(topic, (size_t)len), message);
    arena_reset(&s->arena);
    ++*s->count.feed_updates;
    *s->count.feed_cells += cells->cell_count;
}

/* False: the store could not be read. */
static bool read_updates(struct aggregator_service *s, const struct feed_cells **updates,
                         size_t *count)
{
    struct kv *kv = NULL;
    struct err e;
    int rc = store_begin(s->store, false, &kv, &e);
    if (rc == 0)
        *count = feed_beat(s->feed, registry_of(s), kv, updates);
    if (rc == 0 && kv_failed(kv))
        rc = err_set(&e, kv->err.code, "%s", kv->err.text);
    store_abort(&kv);
    if (rc != 0)
        log_warn(s->log, log_event("read_failed"), log_err(&e));
    return rc == 0;
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
    publish(s, NULL, slice_str("h/"), message);
    arena_reset(&s->arena);
}

void aggregator_feed_beat(void *service)
{
    struct aggregator_service *s = service;
    struct buf message = {0};
    const struct feed_cells *updates;
    const struct feed_head *heads;
    size_t count, done = 0;
    if (!s->ready || s->feed_count == 0)
        return;
    if (!read_updates(s, &updates, &count))
        return; /* heads would say that nothing has changed */
    for (size_t i = 0; i < count; i++)
        publish_update(s, &updates[i], &message);
    count = feed_heads(s->feed, &heads);
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
    bool all;   /* "", "s", "s/": every stream that the key may see */
    bool heads; /* "" or "h…" */
    struct wire_stream stream;
    bool has_indicator;
    bool has_subtree;
};

/* One part up to its slash; false when it does not end in one. */
static bool take_part(struct slice *rest, struct slice *part)
{
    const char *text = rest->data;
    const char *slash = rest->len > 0 ? memchr(text, '/', rest->len) : NULL;
    if (slash == NULL)
        return false;
    *part = slice_of(text, (size_t)(slash - text));
    *rest = slice_of(slash + 1, rest->len - part->len - 1);
    return true;
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
    struct slice part, rest = slice_of(text + 2, topic.len - 2);
    if (!take_part(&rest, &part) || !ident_set(&out->stream.indicator, part))
        return false;
    out->has_indicator = true;
    if (rest.len == 0)
        return true;
    out->has_subtree = take_part(&rest, &part) && wire_subtree_parse(part, &out->stream);
    return out->has_subtree && rest.len == 0;
}

static bool is_asked(const struct topic_parts *asked, const struct wire_stream *stream)
{
    if (asked->all)
        return true;
    if (!asked->has_indicator || strcmp(asked->stream.indicator.text, stream->indicator.text) != 0)
        return false;
    return !asked->has_subtree || (asked->stream.root == stream->root &&
                                   strcmp(asked->stream.subtree.text, stream->subtree.text) == 0);
}

/* How many streams there are now of what is asked, and how many of them the key may see. */
struct view {
    size_t asked;
    size_t seen;
};

static struct view look(const struct aggregator_service *s, struct identity who,
                        const struct topic_parts *asked)
{
    const struct feed_head *heads;
    size_t count = feed_heads(s->feed, &heads);
    struct view view = {0};
    for (size_t i = 0; i < count; i++) {
        struct wire_stream stream = aggregator_feed_stream_to_wire(s, heads[i].stream);
        if (!is_asked(asked, &stream))
            continue;
        view.asked++;
        view.seen += access_sees_stream(s, who, heads[i].stream);
    }
    return view;
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

/* Kept as it was asked: what it gives is judged at each message (may_hear), so it follows the tree,
 * the day and the key's rights. What is counted and logged is how it looks now. */
static void take_subscription(struct aggregator_service *s, struct net_socket *socket,
                              const struct net_message *m, struct slice topic)
{
    struct topic_parts asked;
    struct identity who = access_identify(s, &m->key);
    if (!access_may_ask(who) || !parse_topic(topic, &asked) ||
        net_subscription_allow(socket, topic) != 0) {
        log_refused(s, m, topic);
        return;
    }
    struct view view = look(s, who, &asked);
    if (view.seen == view.asked)
        ++*s->count.subscriptions_allowed;
    else if (view.seen > 0 || asked.heads)
        ++*s->count.subscriptions_narrowed;
    else
        log_refused(s, m, topic);
}

static void take_request(struct aggregator_service *s, struct net_socket *socket,
                         const struct net_message *m)
{
    const uint8_t *bytes = m->frames[0].data;
    struct slice topic = slice_of(bytes + 1, m->frames[0].len - 1);
    if (bytes[0] == 1)
        take_subscription(s, socket, m, topic);
    else
        net_subscription_remove(socket, topic);
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
            if (access_may_ask(access_identify(s, &key)))
                continue;
            for (unsigned f = 0; f < s->feed_count; f++)
                net_subscription_revoke(s->feeds[f].socket, &key);
            ++*s->count.subscriptions_revoked;
        }
    }
}
