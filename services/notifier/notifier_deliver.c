/* From the outbox to maildir and feed: taken, laid down, synced, marked as delivered. */
#include "services/notifier/mail_core.h"
#include "services/notifier/notifier_service.h"

enum {
    DELIVER_A_ROUND = 64, /* of one channel, before the sockets have their turn */
    ADDRESS_BYTES = NOTIFIER_RECIPIENT_BYTES + 160,
    RETRY_FIRST_MS = 1000,
    RETRY_MAX_MS = 60000,
};

/* A message as it goes out, on its own: the transaction it was read in is over then. */
struct parcel {
    uint64_t number;
    struct buf place; /* name of the file, or topic */
    struct buf message;
};

static void parcel_fini(struct parcel *p)
{
    buf_fini(&p->place);
    buf_fini(&p->message);
}

/* --- wrapping */

/* One to one: an id has neither '=' nor '+' of its own. The time in front sorts a folder. */
static void format_name(const struct notification *n, struct buf *out)
{
    buf_printf(out, "%lld.", (long long)(n->decision.tick_ms / 1000));
    for (const char *c = n->id; *c; c++)
        buf_u8(out, (uint8_t)(*c == '/' ? '=' : *c == ':' ? '+' : *c));
    buf_u8(out, 0);
}

static const char *text_of(struct notifier_service *s, struct slice text)
{
    return arena_string(&s->arena, text.data, text.len);
}

static void wrap_mail(struct notifier_service *s, const struct notification *n, struct parcel *p)
{
    const struct notifier_config *c = s->config;
    char address[ADDRESS_BYTES];
    snprintf(address, sizeof address, "%.*s@%s", (int)n->decision.recipient.len,
             (const char *)n->decision.recipient.data, c->domain);
    struct mail mail = {.from_name = c->from_name,
                        .from_address = c->from_address,
                        .to_name = text_of(s, n->decision.recipient_name),
                        .to_address = address,
                        .domain = c->domain,
                        .id = slice_str(n->id),
                        .corrects = slice_str(n->corrects),
                        .subject = n->decision.subject,
                        .body = n->decision.body,
                        .time_ms = n->decision.tick_ms};
    format_name(n, &p->place);
    mail_format(&mail, &p->message);
}

static void wrap_feed(struct notifier_service *s, const struct notification *n, struct parcel *p)
{
    const struct notifier_decision *d = &n->decision;
    struct wire_notification out = {.id = n->id,
                                    .plan = d->plan,
                                    .target = d->target,
                                    .unit = d->unit,
                                    .from_state = d->from,
                                    .to_state = d->to,
                                    .tick_ms = d->tick_ms,
                                    .recipient = text_of(s, d->recipient),
                                    .recipient_name = text_of(s, d->recipient_name),
                                    .channel = notifier_channel_names[n->channel],
                                    .subject = text_of(s, d->subject),
                                    .body = text_of(s, d->body),
                                    .corrects = n->corrects,
                                    .number = n->number};
    notifier_feed_format_topic(d, &p->place);
    wire_pack_notification(&out, &p->message);
}

/* --- taking */

/* The next of this channel; 1 found, 0 none, negative. */
static int next_of(struct kv *kv, enum notifier_channel channel, uint64_t after,
                   struct notification *n, struct err *e)
{
    enum notifier_channel after_channel = channel;
    int rc;
    while ((rc = notifier_outbox_next(kv, after, after_channel, n, e)) > 0 &&
           n->channel != channel) {
        after = n->number;
        after_channel = n->channel;
    }
    return rc;
}

static int take_parcels(struct notifier_service *s, enum notifier_channel channel,
                        struct parcel parcels[DELIVER_A_ROUND], unsigned *count, struct err *e)
{
    struct notification n;
    struct kv *kv = NULL;
    uint64_t after = s->channels[channel].done_number;
    int rc = store_begin(s->store, false, &kv, e);
    while (rc == 0 && *count < DELIVER_A_ROUND) {
        rc = next_of(kv, channel, after, &n, e);
        if (rc <= 0)
            break;
        struct parcel *p = &parcels[(*count)++];
        *p = (struct parcel){.number = after = n.number};
        if (channel == CHANNEL_MAILDIR)
            wrap_mail(s, &n, p);
        else
            wrap_feed(s, &n, p);
        arena_reset(&s->arena);
        rc = 0;
    }
    if (kv && kv_failed(kv))
        rc = err_set(e, kv->err.code, "%s", kv->err.text);
    store_abort(&kv);
    return rc;
}

/* --- handing over */

static const char *place_of(const struct parcel *p)
{
    return (const char *)p->place.data;
}

/* *count: how many of them are there to stay. */
static int hand_over_mail(struct notifier_service *s, const struct parcel *parcels, unsigned *count,
                          struct err *e)
{
    unsigned done = 0;
    int rc = 0;
    while (rc == 0 && done < *count) {
        rc = maildir_put(&s->maildir, place_of(&parcels[done]), buf_slice(&parcels[done].message),
                         e);
        done += rc == 0;
    }
    int synced = done > 0 ? maildir_sync(&s->maildir, rc == 0 ? e : NULL) : 0;
    *count = synced == 0 ? done : 0;
    return rc != 0 ? rc : synced;
}

static int hand_over(struct notifier_service *s, enum notifier_channel channel,
                     const struct parcel *parcels, unsigned *count, struct err *e)
{
    if (channel == CHANNEL_MAILDIR)
        return hand_over_mail(s, parcels, count, e);
    for (unsigned i = 0; i < *count; i++)
        notifier_feed_publish(s, buf_slice(&parcels[i].place), buf_slice(&parcels[i].message));
    return 0;
}

static int mark(struct notifier_service *s, enum notifier_channel channel,
                const struct parcel *parcels, unsigned count, struct err *e)
{
    struct kv *kv = NULL;
    int rc = store_begin(s->store, true, &kv, e);
    for (unsigned i = 0; rc == 0 && i < count; i++)
        notifier_outbox_delivered(kv, parcels[i].number, channel);
    if (rc == 0)
        rc = store_commit(&kv, e);
    return rc;
}

static void tell_delivered(struct notifier_service *s, enum notifier_channel channel,
                           const struct parcel *parcels, unsigned count)
{
    *s->count.delivered[channel] += count;
    for (unsigned i = 0; channel == CHANNEL_MAILDIR && i < count; i++)
        log_info(s->log, log_event("delivered"), log_uint("number", parcels[i].number),
                 log_text("file", place_of(&parcels[i])));
}

/* --- a channel's turn */

static void failed(struct notifier_service *s, struct notifier_delivery *d,
                   enum notifier_channel channel, const struct err *e)
{
    int64_t pause_ms = backoff_grow(&d->backoff);
    d->not_before_ms = loop_now_ms() + pause_ms;
    ++*s->count.deliveries_failed;
    log_complain(s->log, &s->delivery_complaint, log_event("delivery_failed"),
                 log_text("channel", notifier_channel_names[channel]), log_err(e),
                 log_int("retry_ms", pause_ms));
}

static void succeeded(struct notifier_service *s, struct notifier_delivery *d)
{
    if (d->backoff.pause_ms > 0)
        log_complain_over(s->log, &s->delivery_complaint, "delivery_succeeds");
    backoff_reset(&d->backoff);
}

/* Heads may tell of all that was decided once nothing of it waits. */
static void note_head(struct notifier_service *s)
{
    struct slice key;
    struct kv *kv = NULL;
    if (store_begin(s->store, false, &kv, NULL) != 0)
        return;
    struct kv_cursor *c = kv_cursor_open(kv, NOTIFIER_HISTORY);
    if (kv_cursor_move(c, KV_LAST, &key, NULL)) {
        struct reader r = reader_of(key);
        s->head_number = reader_u64(&r);
    }
    kv_cursor_close(c);
    store_abort(&kv);
}

static void work(struct notifier_service *s, enum notifier_channel channel)
{
    struct notifier_delivery *d = &s->channels[channel];
    struct parcel parcels[DELIVER_A_ROUND];
    struct err e;
    unsigned taken = 0;
    int rc = take_parcels(s, channel, parcels, &taken, &e);
    unsigned done = rc == 0 ? taken : 0;
    struct err why;
    if (done > 0)
        rc = hand_over(s, channel, parcels, &done, &e);
    int marked = done > 0 ? mark(s, channel, parcels, done, &why) : 0;
    if (marked == 0 && done > 0) {
        d->done_number = parcels[done - 1].number;
        tell_delivered(s, channel, parcels, done);
    }
    d->idle = rc == 0 && marked == 0 && taken < DELIVER_A_ROUND;
    if (rc != 0 || marked != 0)
        failed(s, d, channel, rc != 0 ? &e : &why);
    else
        succeeded(s, d);
    if (d->idle && channel == CHANNEL_FEED)
        note_head(s);
    for (unsigned i = 0; i < taken; i++)
        parcel_fini(&parcels[i]);
}

void notifier_deliver_init(struct notifier_service *s)
{
    for (unsigned i = 0; i < CHANNEL_COUNT; i++)
        s->channels[i].backoff =
            (struct backoff){.first_ms = RETRY_FIRST_MS, .max_ms = RETRY_MAX_MS};
}

void notifier_deliver_round(struct notifier_service *s)
{
    for (unsigned i = 0; i < CHANNEL_COUNT; i++) {
        struct notifier_delivery *d = &s->channels[i];
        if (d->idle)
            continue;
        int64_t wait_ms = d->not_before_ms - loop_now_ms();
        if (d->backoff.pause_ms == 0 || wait_ms <= 0)
            work(s, (enum notifier_channel)i);
        if (!d->idle)
            notifier_follow_wake(s,
                                 d->backoff.pause_ms == 0 ? 0 : d->not_before_ms - loop_now_ms());
    }
}

void notifier_deliver_more(struct notifier_service *s)
{
    for (unsigned i = 0; i < CHANNEL_COUNT; i++)
        s->channels[i].idle = false;
}

bool notifier_deliver_rests(const struct notifier_service *s)
{
    for (unsigned i = 0; i < CHANNEL_COUNT; i++)
        if (!s->channels[i].idle && s->channels[i].backoff.pause_ms == 0)
            return false;
    return true;
}
