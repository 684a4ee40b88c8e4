/* The feed's sockets: who may subscribe to what, and what goes out at each beat. */
#include <sodium.h>

#include "services/aggregator/aggregator_service.h"

enum { HEADS_MAX = 16384 /* in one message; more streams go out in several */ };

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
    feed_gates_publish(&s->feed_gates, topic, buf_slice(message), may_hear, &p);
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
    if (!s->follower.ready || s->feed_gates.count == 0)
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
    else if (s->feed_gates.count > 0)
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

static void refuse(struct aggregator_service *s, const struct feed_request *request)
{
    feed_gates_refuse(&s->feed_gates, request,
                      "outside the key's subtree, or no topic of this feed; a commune's key asks "
                      "by query");
}

/* Kept as it was asked: what it gives is judged at each message (may_hear), so it follows the tree,
 * the day and the key's rights. What is counted and logged is how it looks now. */
static void subscribe(struct aggregator_service *s, const struct feed_request *request)
{
    struct topic_parts asked;
    struct identity who = access_identify(s, request->key);
    if (!access_may_ask(who) || !parse_topic(request->topic, &asked) ||
        net_subscription_allow(request->socket, request->topic) != 0) {
        refuse(s, request);
        return;
    }
    struct view view = look(s, who, &asked);
    if (view.seen == view.asked)
        ++*s->feed_gates.counters.allowed;
    else if (view.seen > 0 || asked.heads)
        ++*s->feed_gates.counters.narrowed;
    else
        refuse(s, request);
}

void aggregator_feed_take(void *service, const struct feed_request *request)
{
    if (request->subscribe)
        subscribe(service, request);
    else
        net_subscription_remove(request->socket, request->topic);
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
            if (!access_may_ask(access_identify(s, &key)))
                feed_gates_revoke(&s->feed_gates, &key);
        }
    }
}
