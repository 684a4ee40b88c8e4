/* The maildir as a disk has it, and the world's memory of what the notifier decided: what goes out
 * must be what was committed, word for word, and once and for all. */
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/be.h"
#include "common/wire/alert_wire.h"
#include "services/notifier/mail_core.h"

enum { NUMBER_BYTES = 8, ADDRESS_BYTES = 200 };

static struct random *dice_of(struct sim *w)
{
    return &w->dice[SIM_NOTIFIER];
}

/* --- wrapping, as notifier_deliver.c does it --- */

static void format_name(const struct notification *n, struct buf *out)
{
    buf_printf(out, "%lld.", (long long)(n->decision.tick_ms / 1000));
    for (const char *c = n->id; *c; c++)
        buf_u8(out, (uint8_t)(*c == '/' ? '=' : *c == ':' ? '+' : *c));
}

static const char *text_of(struct sim *w, struct slice text)
{
    return arena_string(&w->memory, text.data, text.len);
}

static void wrap_mail(struct sim *w, const struct notification *n, struct buf *place,
                      struct buf *message)
{
    char address[ADDRESS_BYTES];
    snprintf(address, sizeof address, "%s@example.vn", text_of(w, n->decision.recipient));
    struct mail mail = {.from_name = "Tổng hợp",
                        .from_address = "tonghop@example.vn",
                        .to_name = text_of(w, n->decision.recipient_name),
                        .to_address = address,
                        .domain = "example.vn",
                        .id = slice_str(n->id),
                        .corrects = slice_str(n->corrects),
                        .subject = n->decision.subject,
                        .body = n->decision.body,
                        .time_ms = n->decision.tick_ms};
    format_name(n, place);
    mail_format(&mail, message);
}

static void wrap_feed(struct sim *w, const struct notification *n, struct buf *place,
                      struct buf *message)
{
    const struct notifier_decision *d = &n->decision;
    struct wire_notification out = {.id = n->id,
                                    .plan = d->plan,
                                    .target = d->target,
                                    .unit = d->unit,
                                    .from_state = d->from,
                                    .to_state = d->to,
                                    .tick_ms = d->tick_ms,
                                    .recipient = text_of(w, d->recipient),
                                    .recipient_name = text_of(w, d->recipient_name),
                                    .channel = notifier_channel_names[n->channel],
                                    .subject = text_of(w, d->subject),
                                    .body = text_of(w, d->body),
                                    .corrects = n->corrects,
                                    .number = n->number};
    buf_printf(place, "a/%s/%s/%s/", d->plan.text, d->target.text, d->unit.text);
    wire_pack_notification(&out, message);
}

void sim_post_wrap(struct sim *w, const struct notification *n, struct slice *place,
                   struct slice *message)
{
    struct buf where = {0}, bytes = {0};
    if (n->channel == CHANNEL_MAILDIR)
        wrap_mail(w, n, &where, &bytes);
    else
        wrap_feed(w, n, &where, &bytes);
    *place = sim_keep(w, buf_slice(&where));
    *message = sim_keep(w, buf_slice(&bytes));
    buf_fini(&where);
    buf_fini(&bytes);
}

/* --- decisions --- */

static struct sim_decision *decision_at(struct sim *w, uint64_t number)
{
    return number >= 1 && number <= w->post.count ? &w->post.decisions[number - 1] : NULL;
}

static struct sim_decision *decision_named(struct sim *w, struct slice name)
{
    struct sim_post *p = &w->post;
    for (size_t i = 0; i < p->count; i++)
        if (p->decisions[i].told && slice_equal(p->decisions[i].mail.name, name))
            return &p->decisions[i];
    return NULL;
}

static bool read_record(struct kv *kv, uint64_t number, struct slice *out)
{
    uint8_t key[NUMBER_BYTES];
    be_put_u64(key, number);
    return kv_get(kv, NOTIFIER_HISTORY, slice_of(key, sizeof key), out);
}

static void fill_messages(struct sim *w, const struct notifier_decision *d,
                          struct sim_decision *out)
{
    for (unsigned channel = 0; channel < CHANNEL_COUNT; channel++) {
        struct notification n = {
            .number = d->number, .channel = (enum notifier_channel)channel, .decision = *d};
        const char *name = notifier_channel_names[channel];
        struct slice place, message;
        snprintf(n.id, sizeof n.id, "%s/%s", text_of(w, d->id), name);
        if (d->corrects.len > 0)
            snprintf(n.corrects, sizeof n.corrects, "%s/%s", text_of(w, d->corrects), name);
        sim_post_wrap(w, &n, &place, &message);
        if (n.channel == CHANNEL_FEED) {
            out->notification = message;
        } else {
            out->mail.name = place;
            out->text = message;
        }
    }
    if (decision_named(w, out->mail.name) != NULL)
        sim_fail(w, "decision %" PRIu64 " has the id of an earlier one: %s", d->number,
                 text_of(w, d->id));
}

struct walk {
    struct sim *w;
    struct kv *kv;
};

static void count_kinds(struct sim_post *p, const struct notifier_decision *d)
{
    p->told += d->reason == REASON_TOLD;
    p->tells[d->tell] += d->reason == REASON_TOLD;
    p->moves[d->from][d->to] = true;
}

static bool add_decision(void *arg, const struct notifier_decision *d)
{
    const struct walk *walk = arg;
    struct sim *w = walk->w;
    struct sim_post *p = &w->post;
    struct sim_decision new = {.told = d->reason == REASON_TOLD};
    struct slice record = {0};
    if (d->number != p->count + 1 || !read_record(walk->kv, d->number, &record))
        sim_fail(w, "decision %" PRIu64 " comes after %zu", d->number, p->count);
    if (d->tick_ms > w->notifier.done.time_ms)
        sim_fail(w, "decision %" PRIu64 " is of a tick later than the position", d->number);
    new.record = sim_keep(w, record);
    if (new.told)
        fill_messages(w, d, &new);
    count_kinds(p, d);
    void *decisions = p->decisions;
    alloc_reserve(&decisions, &p->capacity, p->count + 1, sizeof *p->decisions);
    p->decisions = decisions;
    p->decisions[p->count++] = new;
    return true;
}

/* --- what is marked as delivered --- */

static bool is_in_maildir(const struct sim_decision *d)
{
    return d->mail.kept_whole && slice_equal(d->mail.kept, d->text);
}

static void check_done(struct sim *w, uint64_t number, struct sim_decision *d)
{
    if (d->done[CHANNEL_MAILDIR] && !is_in_maildir(d))
        sim_fail(w, "message %" PRIu64 " is marked as delivered, and is not in the maildir to stay",
                 number);
    if (d->done[CHANNEL_FEED] && d->published == 0)
        sim_fail(w, "message %" PRIu64 " is marked as delivered, and was never sent to the feed",
                 number);
}

static void look_at_outbox(struct sim *w, struct kv *kv)
{
    struct sim_post *p = &w->post;
    for (size_t i = p->open_from; i < p->count; i++) {
        struct sim_decision *d = &p->decisions[i];
        for (unsigned channel = 0; channel < CHANNEL_COUNT; channel++) {
            bool waiting = notifier_is_waiting(kv, i + 1, (enum notifier_channel)channel);
            if (waiting && (!d->told || d->done[channel]))
                sim_fail(w, "message %zu waits for channel %u, and should not", i + 1, channel);
            d->done[channel] = d->told && !waiting;
        }
        check_done(w, i + 1, d);
        if (i == p->open_from && (!d->told || (d->done[CHANNEL_MAILDIR] && d->done[CHANNEL_FEED])))
            p->open_from++;
    }
}

void sim_post_follow(struct sim *w)
{
    struct sim_post *p = &w->post;
    struct err err = {0};
    if (w->notifier.done.offset < p->offset)
        sim_fail(w, "the notifier's position goes back from %" PRIu64 " to %" PRIu64, p->offset,
                 w->notifier.done.offset);
    p->offset = w->notifier.done.offset;
    struct kv *kv = memkv_begin(w->notifier.disk, false);
    struct walk walk = {w, kv};
    if (notifier_visit_history(kv, p->count, add_decision, &walk, &err) != 0)
        sim_fail(w, "the notifier's history: %s", err.text);
    look_at_outbox(w, kv);
    memkv_abort(&kv);
}

/* --- the feed --- */

static void check_notification(struct sim *w, uint64_t number, struct slice message)
{
    const struct sim_decision *d = decision_at(w, number);
    if (d == NULL || !d->told)
        sim_fail(w, "notification %" PRIu64 " of the feed was never decided for good", number);
    if (!slice_equal(d->notification, message))
        sim_fail(w, "notification %" PRIu64 " of the feed is not what was decided", number);
}

void sim_post_publish(struct sim *w, uint64_t number, struct slice message)
{
    check_notification(w, number, message);
    w->post.redelivered += decision_at(w, number)->published++ > 0;
}

void sim_post_hear(struct sim *w, const struct sim_message *m)
{
    check_notification(w, m->notification.number, m->notification.bytes);
}

/* --- the maildir --- */

struct sim_mail *sim_mail_write(struct sim *w, struct slice name, struct slice text)
{
    struct sim_decision *d = decision_named(w, name);
    if (d == NULL)
        sim_fail(w, "a message is written that was never decided for good: %s", text_of(w, name));
    d->mail.written = text;
    d->mail.written_synced = false;
    return &d->mail;
}

void sim_mail_sync(struct sim_mail *mail)
{
    mail->written_synced = true;
}

/* From now on somebody may read it. */
void sim_mail_place(struct sim *w, struct sim_mail *mail)
{
    if (!slice_equal(decision_named(w, mail->name)->text, mail->written))
        sim_fail(w, "message %s is not what was decided", text_of(w, mail->name));
    w->post.redelivered += mail->placed.len > 0;
    mail->placed = mail->written;
    mail->placed_synced = mail->written_synced;
    mail->written = slice_of(NULL, 0);
}

static void keep(struct sim_mail *mail)
{
    mail->kept = mail->placed;
    mail->kept_whole = mail->placed.len > 0 && mail->placed_synced;
}

void sim_maildir_sync(struct sim *w)
{
    for (size_t i = 0; i < w->post.count; i++)
        keep(&w->post.decisions[i].mail);
}

/* A place that was not synced may be there or not; bytes that were not, in part. */
static void crash_mail(struct sim *w, struct sim_mail *mail)
{
    bool moved = mail->placed.data != mail->kept.data;
    mail->written = slice_of(NULL, 0);
    if (moved && random_chance(dice_of(w), 50))
        keep(mail);
    mail->placed = mail->kept;
    mail->placed_synced = mail->kept_whole;
    if (mail->kept.len > 0 && !mail->kept_whole)
        sim_fail(w, "message %s stands in new after a crash, and may be torn",
                 text_of(w, mail->name));
}

void sim_maildir_crash(struct sim *w)
{
    for (size_t i = 0; i < w->post.count; i++)
        crash_mail(w, &w->post.decisions[i].mail);
}

/* --- at the end --- */

void sim_post_check_end(struct sim *w, struct kv *kv)
{
    for (size_t i = 0; i < w->post.count; i++) {
        const struct sim_decision *d = &w->post.decisions[i];
        struct slice record = {0};
        if (!read_record(kv, i + 1, &record) || !slice_equal(record, d->record))
            sim_fail(w, "decision %zu would not have been made, had nothing happened", i + 1);
        if (d->told && (!is_in_maildir(d) || d->published == 0))
            sim_fail(w, "decision %zu is not in the maildir, or was not sent to the feed", i + 1);
    }
}

void sim_post_fini(struct sim_post *p)
{
    free(p->decisions);
}
