/* Questions, answered from a read of the last checkpoint. */
#include <stdlib.h>

#include "common/base/alloc.h"
#include "services/aggregator/aggregator_service.h"

enum {
    /* Days in all questions of one request: coverage is counted period by period, and nobody else
     * is served meanwhile. 65,536 questions of two months each. */
    QUERY_DAYS_MAX = 4 << 20,
};

struct asking {
    struct aggregator_service *service;
    const struct registry *registry;
    struct kv *kv;
    struct identity who;
    uint64_t as_known; /* offset; 0: now */
    int64_t days_left;
};

static const char *keep_text(struct asking *a, const struct err *e)
{
    return arena_string(&a->service->arena, e->text, strlen(e->text));
}

/* --- names to ordinals */

static int find_indicator(const struct asking *a, const struct ident *id, uint32_t *out,
                          struct err *e)
{
    *out = registry_indicator_find(a->registry, ident_slice(id));
    if (*out != REGISTRY_NONE)
        return 0;
    return err_set(e, ERR_NOT_FOUND, "no plan has an indicator %s", id->text);
}

static int find_source(const struct asking *a, const struct ident *id, uint32_t *out, struct err *e)
{
    *out = REGISTRY_NONE;
    if (id->text[0] == '\0')
        return 0;
    *out = registry_source_find(a->registry, ident_slice(id));
    if (*out != REGISTRY_NONE)
        return 0;
    return err_set(e, ERR_NOT_FOUND, "no plan has a source %s", id->text);
}

/* The code's ordinal, and that the key may see the unit that bears it on that day. What was known
 * earlier may have had another tree: with `any_day` the nearest unit of the code decides. */
static int find_unit(const struct asking *a, const struct ident *id, day_t on, bool any_day,
                     uint32_t *code, uint32_t *unit, struct err *e)
{
    const struct catalogue *c = registry_catalogue(a->registry);
    char day[DAY_TEXT_BYTES];
    *code = catalogue_code_find(c, ident_slice(id));
    if (*code == CATALOGUE_NONE)
        return err_set(e, ERR_NOT_FOUND, "no unit ever had the code %s", id->text);
    *unit = catalogue_unit_on(c, *code, on);
    if (*unit == CATALOGUE_NONE && any_day && access_sees_all(a->service, a->who))
        return 0;
    if (*unit == CATALOGUE_NONE)
        return err_set(e, ERR_NOT_FOUND, "no unit bears the code %s on %s", id->text,
                       day_format(on, day));
    if (access_sees_unit(a->service, a->who, *unit, on))
        return 0;
    ++*a->service->count.questions_denied;
    return err_set(e, ERR_DENIED, "unit %s is outside the subtree that this key may see", id->text);
}

/* --- figures */

static int resolve(struct asking *a, const struct wire_question *q, struct ledger_question *out,
                   struct err *e)
{
    uint32_t unit;
    *out = (struct ledger_question){.first = q->first, .last = q->last};
    if (q->first > q->last)
        return err_set(e, ERR_INVALID, "the first day lies behind the last one");
    a->days_left -= (int64_t)q->last - q->first + 1;
    if (a->days_left < 0)
        return err_set(e, ERR_LIMIT,
                       "too many days in one request: ask for shorter periods, or in several");
    int rc = find_unit(a, &q->unit, q->last, a->as_known != 0, &out->code, &unit, e);
    if (rc == 0)
        rc = find_indicator(a, &q->indicator, &out->indicator, e);
    return rc != 0 ? rc : find_source(a, &q->source, &out->source, e);
}

static void fill_answer(const struct asking *a, const struct ledger_value *v,
                        struct wire_answer *out)
{
    *out = (struct wire_answer){
        .has_value = v->has_value,
        .value = v->value,
        .numerator = v->numerator,
        .denominator = v->denominator,
        .figures = v->figures,
        .owed = v->owed,
        .reported = v->reported,
        .on_time = v->on_time,
    };
    if (v->source != REGISTRY_NONE)
        out->source = registry_source(a->registry, v->source)->id;
}

static void answer_one(struct asking *a, const struct wire_question *q, struct wire_answer *out)
{
    struct ledger_question question;
    struct ledger_value value;
    struct err e;
    struct ledger *ledger = a->service->ledger;
    int rc = resolve(a, q, &question, &e);
    if (rc == 0 && a->as_known == 0)
        rc = ledger_query(ledger, a->kv, &question, &value, &e);
    else if (rc == 0)
        rc = ledger_query_as_known(ledger, a->kv, a->as_known, &question, &value, &e);
    if (rc == 0)
        fill_answer(a, &value, out);
    else
        *out = (struct wire_answer){.code = rc, .message = keep_text(a, &e)};
}

static void answer_nothing_known(struct asking *a, struct wire_answer *out)
{
    struct err e;
    int rc = err_set(&e, ERR_NOT_FOUND, "the journal begins after that day: nothing was known");
    *out = (struct wire_answer){.code = rc, .message = keep_text(a, &e)};
}

void aggregator_answer_query(struct aggregator_service *s, struct kv *kv, struct identity who,
                             const struct wire_query *q, struct buf *out)
{
    struct asking a = {s, ledger_registry(s->ledger), kv, who, 0, QUERY_DAYS_MAX};
    struct wire_query_reply reply = {
        .offset = s->done.offset, .time_ms = s->done.time_ms, .answer_count = q->question_count};
    reply.answers = arena_alloc(&s->arena, (q->question_count + 1) * sizeof *reply.answers);
    if (q->has_as_known_on)
        a.as_known = ledger_offset_on(kv, q->as_known_on);
    for (uint32_t i = 0; i < q->question_count; i++)
        if (q->has_as_known_on && a.as_known == 0)
            answer_nothing_known(&a, &reply.answers[i]);
        else
            answer_one(&a, &q->questions[i], &reply.answers[i]);
    wire_pack_query_reply(&reply, out);
}

/* --- the history of a cell */

/* Of each source the newest versions of the page, of which the newest are then the page. */
struct trace_walk {
    struct asking *asking;
    const struct wire_trace *wanted;
    uint32_t page_max;
    uint32_t source;       /* under way */
    uint32_t source_count; /* of its versions */
    struct wire_version *versions;
    size_t count;
    size_t capacity;
    bool more;
};

static void name_producer(const struct registry *r, uint32_t ordinal, struct ident *out)
{
    if (ordinal < registry_producer_count(r))
        *out = registry_producer(r, ordinal)->name;
}

static bool lies_before(const struct ledger_version *v, uint64_t offset, uint32_t row)
{
    return offset == 0 || v->offset < offset || (v->offset == offset && v->stamp.row < row);
}

static bool trace_visit(void *arg, const struct ledger_version *v)
{
    struct trace_walk *w = arg;
    const struct registry *r = w->asking->registry;
    if (w->source != v->source)
        w->source_count = 0;
    w->source = v->source;
    if (!lies_before(v, w->wanted->before_offset, w->wanted->before_row))
        return true;
    if (w->source_count++ == w->page_max) {
        w->more = true;
        return false;
    }
    alloc_reserve((void **)&w->versions, &w->capacity, w->count + 1, sizeof *w->versions);
    struct wire_version *out = &w->versions[w->count++];
    *out = (struct wire_version){
        .source = registry_source(r, v->source)->id,
        .op = v->op,
        .value = v->value,
        .holds = v->holds,
        .superseded = v->superseded,
        .reported_at_ms = v->stamp.reported_at_ms,
        .received_at_ms = v->received_at_ms,
        .spool = v->stamp.spool,
        .number = v->stamp.number,
        .row = v->stamp.row,
        .offset = v->offset,
        .commit = v->commit,
    };
    name_producer(r, v->stamp.producer, &out->producer);
    name_producer(r, v->delegate, &out->delegate);
    return true;
}

static int version_compare(const void *a, const void *b)
{
    const struct wire_version *x = a, *y = b;
    if (x->offset != y->offset)
        return x->offset > y->offset ? -1 : 1;
    return x->row > y->row ? -1 : x->row < y->row;
}

static int trace(struct asking *a, const struct wire_trace *t, struct trace_walk *w, struct err *e)
{
    uint32_t code, unit, indicator, source;
    int rc = find_unit(a, &t->unit, t->day, false, &code, &unit, e);
    if (rc == 0)
        rc = find_indicator(a, &t->indicator, &indicator, e);
    if (rc == 0)
        rc = find_source(a, &t->source, &source, e);
    if (rc == 0)
        rc = ledger_trace(a->service->ledger, a->kv, indicator, code, t->day, source, trace_visit,
                          w, e);
    return rc;
}

/* Who does not know of pages is told that there is more. */
static int cut_page(struct trace_walk *w, struct err *e)
{
    if (w->count > 1)
        qsort(w->versions, w->count, sizeof *w->versions, version_compare);
    w->more |= w->count > w->page_max;
    if (w->count > w->page_max)
        w->count = w->page_max;
    if (!w->more || w->wanted->versions_max > 0)
        return 0;
    return err_set(e, ERR_LIMIT, "only the newest %u versions are given", w->page_max);
}

static uint32_t page_max_of(const struct wire_trace *t)
{
    if (t->versions_max == 0)
        return WIRE_TRACE_VERSIONS_MAX;
    return t->versions_max < WIRE_TRACE_PAGE_MAX ? t->versions_max : WIRE_TRACE_PAGE_MAX;
}

void aggregator_answer_trace(struct aggregator_service *s, struct kv *kv, struct identity who,
                             const struct wire_trace *t, struct buf *out)
{
    struct asking a = {s, ledger_registry(s->ledger), kv, who, 0, 0};
    struct trace_walk w = {
        .asking = &a, .wanted = t, .page_max = page_max_of(t), .source = REGISTRY_NONE};
    struct err e = {0};
    struct wire_trace_reply reply = {.offset = s->done.offset, .message = e.text};
    reply.code = trace(&a, t, &w, &e);
    if (reply.code == 0)
        reply.code = cut_page(&w, &e);
    reply.more = w.more;
    reply.version_count = (uint32_t)w.count;
    reply.versions = w.versions;
    wire_pack_trace_reply(&reply, out);
    free(w.versions);
}

/* --- the tree */

enum { NO_TOP = UINT32_MAX };

struct units_walk {
    struct asking *asking;
    day_t on;
    uint32_t depth_max;
    unsigned top; /* depth of the highest visible ancestor of what is being visited; NO_TOP */
    struct wire_unit_info *units;
    size_t count;
    size_t capacity;
};

/* Above what the key may see nothing is named. */
static struct ident parent_shown(const struct units_walk *w, uint32_t unit,
                                 const struct unit_span *span)
{
    const struct asking *a = w->asking;
    uint32_t parent = catalogue_parent_on(registry_catalogue(a->registry), unit, w->on);
    if (parent == CATALOGUE_NONE || !access_sees_unit(a->service, a->who, parent, w->on))
        return (struct ident){""};
    return span->parent;
}

static void add_unit(struct units_walk *w, uint32_t unit)
{
    const struct catalogue *c = registry_catalogue(w->asking->registry);
    const struct unit *u = catalogue_unit(c, unit);
    const struct unit_span *span = catalogue_span_on(c, unit, w->on);
    alloc_reserve((void **)&w->units, &w->capacity, w->count + 1, sizeof *w->units);
    w->units[w->count++] = (struct wire_unit_info){
        .code = span->code,
        .name = span->name,
        .type = span->type,
        .level = span->level,
        .parent = parent_shown(w, unit, span),
        .from = u->from,
        .to = u->to,
    };
}

static void units_visit(void *arg, uint32_t unit, unsigned depth)
{
    struct units_walk *w = arg;
    if (w->top != NO_TOP && depth <= w->top)
        w->top = NO_TOP; /* another branch */
    if (w->top == NO_TOP) {
        if (!access_sees_unit(w->asking->service, w->asking->who, unit, w->on))
            return;
        w->top = depth;
    }
    if (depth - w->top <= w->depth_max)
        add_unit(w, unit);
}

static void fill_indicators(struct asking *a, struct wire_units_reply *reply)
{
    reply->indicator_count = registry_indicator_count(a->registry);
    reply->indicators =
        arena_alloc(&a->service->arena, (reply->indicator_count + 1) * sizeof *reply->indicators);
    for (uint32_t i = 0; i < reply->indicator_count; i++) {
        const struct indicator *from = registry_indicator(a->registry, i);
        reply->indicators[i] = (struct wire_indicator_info){
            .id = from->id,
            .name = from->name,
            .kind = from->kind,
            .period = from->period,
            .calendar = from->calendar,
            .measure = from->measure,
        };
    }
}

void aggregator_answer_units(struct aggregator_service *s, struct identity who,
                             const struct wire_units *u, struct buf *out)
{
    struct asking a = {s, ledger_registry(s->ledger), NULL, who, 0, 0};
    struct units_walk w = {.asking = &a, .on = u->day, .depth_max = u->depth, .top = NO_TOP};
    struct err e = {0};
    struct wire_units_reply reply = {.message = e.text};
    uint32_t code, root = CATALOGUE_NONE;
    if (u->unit.text[0] != '\0')
        reply.code = find_unit(&a, &u->unit, u->day, false, &code, &root, &e);
    if (reply.code == 0) {
        catalogue_visit_on(registry_catalogue(a.registry), root, u->day, units_visit, &w);
        fill_indicators(&a, &reply);
    }
    reply.unit_count = (uint32_t)w.count;
    reply.units = w.units;
    wire_pack_units_reply(&reply, out);
    free(w.units);
}

/* --- streams */

static int check_stream(struct asking *a, const struct wire_stream *wire, struct feed_stream *out,
                        struct err *e)
{
    char subtree[WIRE_SUBTREE_BYTES];
    wire_subtree_format(wire, subtree);
    if (!aggregator_feed_stream_from_wire(a->service, wire, out))
        return err_set(e, ERR_NOT_FOUND, "there is no stream %s/%s", wire->indicator.text, subtree);
    if (access_sees_stream(a->service, a->who, *out))
        return 0;
    ++*a->service->count.questions_denied;
    return err_set(e, ERR_DENIED, "stream %s/%s is outside the subtree that this key may see",
                   wire->indicator.text, subtree);
}

static int fill_snapshot(struct asking *a, const struct wire_stream *stream, struct wire_cells *out,
                         struct err *e)
{
    struct feed_stream which;
    struct feed_cells cells;
    char subtree[WIRE_SUBTREE_BYTES];
    int rc = check_stream(a, stream, &which, e);
    if (rc != 0)
        return rc;
    if (!feed_snapshot(a->service->feed, a->registry, a->kv, which, &cells))
        return err_set(e, ERR_NOT_FOUND, "there is no stream %s/%s", stream->indicator.text,
                       wire_subtree_format(stream, subtree));
    aggregator_feed_cells_to_wire(a->service, &cells, out);
    return 0;
}

static void pack_refused_snapshot(const struct wire_cells *cells, struct err *e, struct buf *out)
{
    struct wire_cells refused = *cells;
    refused.cell_count = 0;
    refused.code = e->code;
    refused.message = e->text;
    buf_clear(out);
    wire_pack_snapshot(&refused, out);
}

void aggregator_answer_snapshot(struct aggregator_service *s, struct kv *kv, struct identity who,
                                const struct wire_stream *stream, struct buf *out)
{
    struct asking a = {s, ledger_registry(s->ledger), kv, who, 0, 0};
    struct err e = {0};
    struct wire_cells cells = {.epoch = feed_epoch(s->feed),
                               .offset = s->done.offset,
                               .time_ms = s->done.time_ms,
                               .stream = *stream,
                               .message = ""};
    int rc = fill_snapshot(&a, stream, &cells, &e);
    if (rc == 0) {
        wire_pack_snapshot(&cells, out);
        if (out->len > WIRE_MESSAGE_BYTES_MAX)
            rc = err_set(&e, ERR_LIMIT, "the stream has %u cells, more than one message holds",
                         cells.cell_count);
    }
    if (rc != 0)
        pack_refused_snapshot(&cells, &e, out);
}
