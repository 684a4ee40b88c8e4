#include "services/cli/rehearse_producers.h"

#include "common/base/alloc.h"
#include "common/net/loop.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PATH_BYTES = 1024,
    NOTE_FORMAT = 1,
    WAIT_MS = 20,
    FILES_EACH = 9, /* descriptors of one producer: 8 were counted, of its spool and its link */
    FILES_REST = 128,
    COMMUNE_LEVEL = 3,
    NO_STEP = -1,
};

static const char note_sent[] = "sent";
static const char note_trespass[] = "trespass";
static const struct spool_options quick = {
    .answer_ms = 2000, .backoff_ms = 20, .backoff_max_ms = 500, .blocked_ms = 500};

/* What it last stated for a day. */
struct stated {
    day_t day;
    int64_t at_ms;
    int64_t value;
};

struct producer_of {
    struct rehearse_producers *all;
    unsigned leaf;
    bool is_old;
    struct net_keypair keys;
    struct submit_client *client;
    /* As in the spool's note. */
    int64_t last_step; /* of the last statement */
    struct stated *figures;
    size_t figure_count, figure_capacity;
    uint64_t trespass; /* ticket; 0: none */
};

struct rehearse_producers {
    struct rehearse_producers_options options;
    struct loop *loop;
    struct producer_of *items;
    unsigned count;
    uint64_t answers;
    uint64_t offset;    /* the highest that an answer named */
    struct err failure; /* of a hook or a handler; code 0: none */
};

/* ---- folders and keys ---- */

const char *rehearse_producer_name(const struct rehearse *story, unsigned leaf,
                                   char out[IDENT_BYTES_MAX + 1])
{
    const struct rehearse_leaf *l = &story->leaves[leaf];
    snprintf(out, IDENT_BYTES_MAX + 1, "%s.%.24s", l->level == COMMUNE_LEVEL ? "xa" : "huyen",
             l->unit.code.text);
    return out;
}

const struct net_key *rehearse_producer_key(const struct rehearse_producers *p, unsigned leaf)
{
    return &p->items[leaf].keys.public_key;
}

bool rehearse_producer_is_old(const struct rehearse_producers *p, unsigned leaf)
{
    return p->items[leaf].is_old;
}

static const char *place(const struct producer_of *one, const char *file, char out[PATH_BYTES])
{
    const struct rehearse_producers_options *o = &one->all->options;
    snprintf(out, PATH_BYTES, "%s/%s%s%s", o->directory, o->story->leaves[one->leaf].unit.code.text,
             file[0] ? "/" : "", file);
    return out;
}

static int make_keys(struct producer_of *one, struct err *e)
{
    char path[PATH_BYTES];
    if (mkdir(place(one, "", path), 0700) != 0 && errno != EEXIST)
        return err_set(e, ERR_IO, "%s: cannot be made: %m", path);
    place(one, "key", path);
    one->is_old = access(path, F_OK) == 0;
    if (one->is_old)
        return keypair_load(path, &one->keys, e);
    keypair_generate(&one->keys);
    return keypair_save(path, &one->keys, e);
}

int rehearse_producers_open(struct rehearse_producers **out,
                            const struct rehearse_producers_options *options, struct err *e)
{
    struct rehearse_producers *p = alloc_zeroed(1, sizeof *p);
    int rc = 0;
    p->options = *options;
    p->loop = loop_create();
    p->count = options->story->leaf_count;
    p->items = alloc_zeroed(p->count, sizeof *p->items);
    for (unsigned i = 0; i < p->count && rc == 0; i++) {
        p->items[i] = (struct producer_of){.all = p, .leaf = i, .last_step = NO_STEP};
        rc = make_keys(&p->items[i], e);
    }
    if (rc != 0) {
        rehearse_producers_close(p);
        return rc;
    }
    loop_add_net(p->loop, options->cli->net);
    *out = p;
    return 0;
}

static void close_one(struct producer_of *one)
{
    if (one->client)
        loop_remove_socket(one->all->loop, submit_client_socket(one->client));
    submit_client_close(one->client);
    keypair_wipe(&one->keys);
    free(one->figures);
}

void rehearse_producers_close(struct rehearse_producers *p)
{
    if (!p)
        return;
    for (unsigned i = 0; i < p->count; i++)
        close_one(&p->items[i]);
    loop_remove_net(p->loop, p->options.cli->net);
    loop_destroy(p->loop);
    free(p->items);
    free(p);
}

/* ---- what a producer remembers ---- */

static void remember(struct producer_of *one, const struct stated *s)
{
    size_t at = 0;
    while (at < one->figure_count && one->figures[at].day < s->day)
        at++;
    if (at == one->figure_count || one->figures[at].day != s->day) {
        void *figures = one->figures;
        alloc_reserve(&figures, &one->figure_capacity, one->figure_count + 1, sizeof *one->figures);
        one->figures = figures;
        memmove(one->figures + at + 1, one->figures + at,
                (one->figure_count++ - at) * sizeof *one->figures);
    } else if (one->figures[at].at_ms > s->at_ms) {
        return;
    }
    one->figures[at] = *s;
}

static void pack_memory(const struct producer_of *one, struct buf *out)
{
    buf_u8(out, NOTE_FORMAT);
    buf_zigzag(out, one->last_step);
    buf_varint(out, one->figure_count);
    for (size_t i = 0; i < one->figure_count; i++) {
        buf_zigzag(out, one->figures[i].day);
        buf_zigzag(out, one->figures[i].at_ms);
        buf_zigzag(out, one->figures[i].value);
    }
}

static int unpack_memory(struct producer_of *one, struct slice note, struct err *e)
{
    struct reader r = reader_of(note);
    unsigned format = reader_u8(&r);
    one->last_step = reader_zigzag(&r);
    one->figure_count = 0;
    for (uint64_t left = reader_varint(&r); left > 0 && !r.bad; left--) {
        struct stated s = {.day = (day_t)reader_zigzag(&r)};
        s.at_ms = reader_zigzag(&r);
        s.value = reader_zigzag(&r);
        remember(one, &s);
    }
    if (format == NOTE_FORMAT && reader_done(&r))
        return 0;
    return err_set(e, ERR_CORRUPT,
                   "what the spool of %s has noted makes no sense: rehearse in a "
                   "new directory",
                   one->all->options.story->leaves[one->leaf].unit.code.text);
}

/* A note that is not there leaves *out empty. */
static int read_note(struct producer_of *one, const char *name, struct buf *out, struct err *e)
{
    int rc = spool_note_get(submit_client_spool(one->client), name, out, e);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int recall(struct producer_of *one, struct err *e)
{
    struct buf note = {0};
    int rc = read_note(one, note_sent, &note, e);
    if (rc == 0 && note.len > 0)
        rc = unpack_memory(one, buf_slice(&note), e);
    if (rc == 0)
        rc = read_note(one, note_trespass, &note, e);
    struct reader r = reader_of(buf_slice(&note));
    if (rc == 0 && note.len > 0)
        one->trespass = reader_u64(&r);
    buf_fini(&note);
    return rc;
}

/* ---- spools and links ---- */

static void take_answer(void *arg, uint64_t ticket, const struct wire_submit_answer *a)
{
    struct producer_of *one = arg;
    char name[IDENT_BYTES_MAX + 1];
    one->all->answers++;
    if (a->offset > one->all->offset)
        one->all->offset = a->offset;
    bool refused = a->refusal != REFUSAL_NONE || a->refused_count > 0;
    if (ticket == one->trespass || !refused)
        return;
    enum refusal why = (enum refusal)(a->refusal ? a->refusal : a->refused_codes[0]);
    err_set(&one->all->failure, ERR_INVALID, "%s: a report was refused: %s (%s)",
            rehearse_producer_name(one->all->options.story, one->leaf, name),
            refusal_sentence_en(why), refusal_name(why));
}

static void client_ready(void *arg)
{
    struct producer_of *one = arg;
    struct err e = {0};
    if (submit_client_step(one->client, &e) != 0)
        one->all->failure = e;
}

static bool is_trespasser(const struct producer_of *one)
{
    const struct rehearse *story = one->all->options.story;
    return story->trespass < story->report_count &&
           story->reports[story->trespass].leaf == one->leaf;
}

static int connect_one(struct producer_of *one, struct err *e)
{
    char path[PATH_BYTES];
    const struct rehearse_producers_options *o = &one->all->options;
    struct submit_client_options options = {
        .endpoint = o->endpoint,
        .server_key = o->server_key,
        .self = one->keys,
        .spool_directory = place(one, "spool", path),
        .keep_answers = is_trespasser(one),
        .spool = quick,
        .hooks = {.arg = one, .answered = take_answer},
    };
    int rc = submit_client_open(&one->client, o->cli->net, &options, e);
    keypair_wipe(&options.self);
    if (rc != 0)
        return rc;
    loop_add_socket(one->all->loop, submit_client_socket(one->client), client_ready, one);
    return recall(one, e);
}

static int allow_files(unsigned producers, struct err *e)
{
    struct rlimit files;
    rlim_t need = (rlim_t)producers * FILES_EACH + FILES_REST;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return err_set(e, ERR_IO, "the limit of open files cannot be read: %m");
    if (files.rlim_cur >= need)
        return 0;
    files.rlim_cur = need;
    if (need <= files.rlim_max && setrlimit(RLIMIT_NOFILE, &files) == 0)
        return 0;
    return err_set(e, ERR_LIMIT,
                   "%u producers need up to %ju open files, and this process may have %ju: raise "
                   "the limit (ulimit -Hn)",
                   producers, (uintmax_t)need, (uintmax_t)files.rlim_max);
}

int rehearse_producers_connect(struct rehearse_producers *p, struct err *e)
{
    int rc = allow_files(p->count, e);
    for (unsigned i = 0; i < p->count && rc == 0; i++)
        rc = connect_one(&p->items[i], e);
    return rc;
}

int rehearse_producers_check(const struct rehearse_producers *p, unsigned step, struct err *e)
{
    for (unsigned i = 0; i < p->count; i++)
        if (p->items[i].last_step > (int64_t)step)
            return err_set(e, ERR_INVALID,
                           "%s: these producers have sent more than this journal holds: rehearse "
                           "in a new --directory",
                           p->options.directory);
    return 0;
}

/* ---- sending ---- */

static void pack_batch(const struct rehearse *story, size_t first, size_t end, struct buf *out)
{
    struct arena arena;
    arena_init(&arena, 0);
    uint32_t count = (uint32_t)(end - first);
    const struct rehearse_report *r = &story->reports[first];
    struct slice unit = ident_slice(&story->leaves[r->about].unit.code);
    struct slice indicator = ident_slice(&story->indicator);
    struct batch b = {.reported_at_ms = r->at_ms,
                      .unit_count = 1,
                      .indicator_count = 1,
                      .row_count = count,
                      .units = &unit,
                      .indicators = &indicator,
                      .unit_refs = arena_alloc(&arena, count * sizeof *b.unit_refs),
                      .indicator_refs = arena_alloc(&arena, count * sizeof *b.indicator_refs),
                      .days = arena_alloc(&arena, count * sizeof *b.days),
                      .values = arena_alloc(&arena, count * sizeof *b.values)};
    for (uint32_t i = 0; i < count; i++) {
        b.unit_refs[i] = b.indicator_refs[i] = 0;
        b.days[i] = r[i].day;
        b.values[i] = r[i].value;
    }
    wire_pack_batch(&b, out);
    arena_fini(&arena);
}

static int put_trespass(struct producer_of *one, size_t first, struct err *e)
{
    struct buf payload = {0}, note = {0};
    if (one->trespass != 0)
        return 0;
    uint64_t ticket = spool_stored(submit_client_spool(one->client)).next_ticket;
    pack_batch(one->all->options.story, first, first + 1, &payload);
    buf_u64(&note, ticket);
    struct slice s = buf_slice(&payload);
    int rc = submit_client_put_payloads(one->client, &s, 1, note_trespass, buf_slice(&note), e);
    one->trespass = ticket;
    buf_fini(&payload);
    buf_fini(&note);
    return rc;
}

/* All batches of the step in one transaction with what is remembered of them. */
struct putting {
    struct buf *payloads;
    struct slice *slices;
    size_t count;
};

static void pack_step(struct producer_of *one, size_t first, size_t end, struct putting *out)
{
    const struct rehearse *story = one->all->options.story;
    for (size_t at = first, next; at < end; at = next) {
        next = rehearse_batch_end(story, at);
        if (story->reports[at].kind == REHEARSE_TRESPASS)
            continue;
        struct buf *b = &out->payloads[out->count];
        pack_batch(story, at, next, b);
        out->slices[out->count++] = buf_slice(b);
        for (size_t i = at; i < next; i++) {
            const struct rehearse_report *r = &story->reports[i];
            remember(one, &(struct stated){r->day, r->at_ms, r->value});
        }
    }
}

static int put_reports(struct producer_of *one, unsigned step, size_t first, size_t end,
                       struct err *e)
{
    struct buf note = {0};
    int rc = 0;
    if (one->last_step >= (int64_t)step)
        return 0;
    struct putting p = {.payloads = alloc_zeroed(end - first, sizeof *p.payloads),
                        .slices = alloc_zeroed(end - first, sizeof *p.slices)};
    pack_step(one, first, end, &p);
    one->last_step = step;
    pack_memory(one, &note);
    if (p.count > 0)
        rc = submit_client_put_payloads(one->client, p.slices, p.count, note_sent, buf_slice(&note),
                                        e);
    for (size_t i = 0; i < p.count; i++)
        buf_fini(&p.payloads[i]);
    free(p.payloads);
    free(p.slices);
    buf_fini(&note);
    return rc;
}

/* The reports first..end are all of one leaf. */
static int put_one(struct rehearse_producers *p, unsigned step, size_t first, size_t end,
                   struct err *e)
{
    const struct rehearse *story = p->options.story;
    struct producer_of *one = &p->items[story->reports[first].leaf];
    int rc = 0;
    if (story->trespass >= first && story->trespass < end)
        rc = put_trespass(one, story->trespass, e);
    if (rc == 0)
        rc = put_reports(one, step, first, end, e);
    return rc != 0 ? rc : submit_client_step(one->client, e);
}

static int put_step(struct rehearse_producers *p, unsigned step, struct err *e)
{
    const struct rehearse *story = p->options.story;
    size_t at = story->steps[step].first, end = at + story->steps[step].count;
    int rc = 0;
    while (at < end && rc == 0) {
        size_t next = at + 1;
        while (next < end && story->reports[next].leaf == story->reports[at].leaf)
            next++;
        rc = put_one(p, step, at, next, e);
        at = next;
    }
    return rc;
}

/* ---- waiting ---- */

/* Sends again what is due; returns how many are not acknowledged. */
static uint64_t push(struct rehearse_producers *p)
{
    uint64_t pending = 0;
    for (unsigned i = 0; i < p->count; i++) {
        uint64_t own = submit_client_pending(p->items[i].client);
        if (own > 0)
            client_ready(&p->items[i]);
        pending += own;
    }
    return pending;
}

static int round_once(struct rehearse_producers *p, int timeout_ms, struct err *e)
{
    int rc = loop_round(p->loop, timeout_ms, e);
    if (rc == 0 && p->failure.code != 0)
        rc = err_set(e, p->failure.code, "%s", p->failure.text);
    if (rc == 0 && cli_stop)
        rc = err_set(e, ERR_AGAIN, "stopped: the same command goes on from here");
    return rc;
}

static int await_answers(struct rehearse_producers *p, struct err *e)
{
    int64_t alive_ms = loop_now_ms();
    uint64_t answers = p->answers, pending;
    int rc = 0;
    while (rc == 0 && (pending = push(p)) > 0) {
        rc = round_once(p, WAIT_MS, e);
        if (p->answers != answers)
            alive_ms = loop_now_ms();
        answers = p->answers;
        if (rc == 0 && loop_now_ms() - alive_ms > p->options.patience_ms)
            rc = err_set(e, ERR_NET,
                         "%s: %" PRIu64 " reports wait for an answer, and none came for %d s: is "
                         "the collector running?",
                         p->options.endpoint, pending, p->options.patience_ms / 1000);
    }
    return rc;
}

int rehearse_producers_step(struct rehearse_producers *p, unsigned step, struct err *e)
{
    int rc = put_step(p, step, e);
    return rc != 0 ? rc : await_answers(p, e);
}

int rehearse_producers_wait(struct rehearse_producers *p, int64_t until_ms, struct err *e)
{
    int rc = 0;
    for (int64_t left; rc == 0 && (left = until_ms - loop_now_ms()) > 0;)
        rc = round_once(p, left < WAIT_MS ? (int)left : WAIT_MS, e);
    return rc;
}

uint64_t rehearse_producers_offset(const struct rehearse_producers *p)
{
    return p->offset;
}

/* ---- the independent count ---- */

static int64_t last_figure(const struct producer_of *one, day_t day)
{
    int64_t value = 0;
    for (size_t i = 0; i < one->figure_count && one->figures[i].day <= day; i++)
        value = one->figures[i].value;
    return value;
}

int rehearse_producers_sum(struct rehearse_producers *p, day_t day, int64_t *groups, int64_t *total,
                           struct err *e)
{
    const struct rehearse *story = p->options.story;
    int rc = 0;
    *total = 0;
    for (unsigned i = 0; groups && i < story->group_count; i++)
        groups[i] = 0;
    for (unsigned i = 0; i < p->count && rc == 0; i++) {
        rc = recall(&p->items[i], e);
        int64_t value = last_figure(&p->items[i], day);
        *total += value;
        if (groups)
            groups[story->leaves[i].group] += value;
    }
    return rc;
}

struct answer_search {
    uint64_t ticket;
    bool found;
    enum refusal refusal;
    struct arena arena;
};

static void look_at_answer(void *arg, uint64_t ticket, struct slice answer)
{
    struct answer_search *s = arg;
    struct wire_submit_answer a;
    if (ticket != s->ticket || wire_unpack_submit_answer(answer, &s->arena, &a, NULL) != 0)
        return;
    s->found = true;
    s->refusal = (enum refusal)a.refusal;
    if (a.refusal == REFUSAL_NONE && a.refused_count > 0)
        s->refusal = (enum refusal)a.refused_codes[0];
}

int rehearse_producers_trespass(struct rehearse_producers *p, enum refusal *out, struct err *e)
{
    const struct rehearse *story = p->options.story;
    *out = REFUSAL_NONE;
    if (story->trespass == story->report_count)
        return err_set(e, ERR_NOT_FOUND, "nobody reports another's figures in this one");
    struct producer_of *one = &p->items[story->reports[story->trespass].leaf];
    struct answer_search s = {.ticket = one->trespass};
    if (s.ticket == 0)
        return err_set(e, ERR_NOT_FOUND, "that report was not sent yet");
    arena_init(&s.arena, 0);
    int rc = spool_visit_answers(submit_client_spool(one->client), look_at_answer, &s, e);
    arena_fini(&s.arena);
    *out = s.refusal;
    if (rc == 0 && !s.found)
        rc = err_set(e, ERR_NOT_FOUND, "that report was not answered yet");
    return rc;
}
