#include "services/notifier/notifier_internal.h"

#include <stdlib.h>

#include "common/base/alloc.h"

/* What a message says: the facts of its units and of those below, handed to text_core. */

enum { LINES_MAX = 64, LINES_SOME = 10 };

static bool stands(const struct judged *u, enum alert_state state)
{
    return u->state.record.state == state;
}

/* ---- reports of the days that are missing ---- */

static uint32_t reports_on(struct judging *j, uint32_t part, const struct judged *u, day_t d)
{
    struct buf key = {0};
    struct slice value;
    notifier_cell_key(ident_slice(&registry_indicator(j->n->registry, part)->id),
                      ident_slice(&u->state.unit), d, &key);
    bool found = kv_get(j->kv, NOTIFIER_CELLS, buf_slice(&key), &value);
    buf_fini(&key);
    if (!found)
        return 0;
    struct reader r = reader_of(value);
    reader_zigzag(&r);
    reader_zigzag(&r);
    return (uint32_t)reader_varint(&r);
}

static void count_reports(struct judging *j, const struct judged *u, day_t from, day_t to,
                          struct text_line *out)
{
    out->owed = out->reported = 0;
    for (day_t d = from; d <= to; d++) {
        if (pace_is_suspended(j->target, d))
            continue;
        for (unsigned k = 0; k < j->part_count; k++) {
            uint32_t owed = registry_owed(j->n->registry, j->parts[k], u->unit, d);
            uint32_t come = owed == 0 ? 0 : reports_on(j, j->parts[k], u, d);
            out->owed += owed;
            out->reported += come < owed ? come : owed;
        }
    }
}

/* ---- lines ---- */

static struct text_line line_of(const struct judged *u)
{
    const struct pace *p = &u->state.pace;
    bool silent = stands(u, STATE_NOT_REPORTED);
    return (struct text_line){.name = u->name,
                              .state = u->state.record.state,
                              .level = p->actual,
                              .lower = u->state.lower,
                              .projected = -1,
                              .owed = silent ? u->silent_owed : p->owed,
                              .reported = silent ? u->silent_reported : p->reported,
                              .judged = p->judged,
                              .from = 1,
                              .to = 0,
                              .told_on = DAY_NEVER};
}

/* A unit that the message is about beside others. */
static struct text_line line_about(const struct telling *t)
{
    const struct pace *p = &t->unit->state.pace;
    struct text_line l = line_of(t->unit);
    l.level = p->level;
    l.told_on = t->kind == TEXT_SILENT ? t->reminded_of : t->told_on;
    if (t->kind == TEXT_BEHIND) {
        l.late = p->expected - p->level;
        l.projected = p->projected;
    } else if (t->kind == TEXT_SILENT) {
        l.from = t->unit->state.silent_from;
        l.to = t->unit->state.silent_to;
    }
    return l;
}

static bool lies_below(const struct judging *j, const struct judged *u, const struct judged *up)
{
    return u->above != NOTIFIER_NO_UNIT && &j->units[u->above] == up;
}

static bool is_worth_a_line(const struct judged *u, enum text_kind kind, bool whole,
                            const struct text_line *l)
{
    switch (kind) {
    case TEXT_SILENT:
        return l->reported < l->owed;
    case TEXT_BEHIND:
        return whole || stands(u, STATE_NOT_REPORTED) || stands(u, STATE_BEHIND) ||
               stands(u, STATE_AT_RISK);
    case TEXT_FINAL:
    case TEXT_REVISED:
        return stands(u, STATE_NOT_REPORTED) || stands(u, STATE_MISSED);
    default: /* by a plan as amended, what was behind quietly may clear up in a day or two */
        return stands(u, STATE_BEHIND) && !u->state.pace.clear;
    }
}

/* The fewest reports first. */
static int compare_silent(const void *a, const void *b)
{
    const struct text_line *x = a, *y = b;
    uint64_t left = (uint64_t)x->reported * y->owed, right = (uint64_t)y->reported * x->owed;
    if (left != right)
        return left < right ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* The lowest share reached first. */
static int compare_lines(const void *a, const void *b)
{
    const struct text_line *x = a, *y = b;
    __int128 left = (__int128)x->level * y->lower, right = (__int128)y->level * x->lower;
    if (left != right)
        return left < right ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* Borrowed from the arena. Leaders and whoever is to ask for reports see all of them, others the
 * worst. */
static void list_below(struct judging *j, const struct judged *u, struct text_facts *f)
{
    struct text_line *lines = arena_alloc(&j->n->arena, j->unit_count * sizeof *lines);
    bool some = f->kind == TEXT_BEHIND && !f->whole;
    unsigned count = 0, most = some ? LINES_SOME : LINES_MAX;
    for (size_t i = 0; i < j->unit_count; i++) {
        const struct judged *one = &j->units[i];
        if (!lies_below(j, one, u))
            continue;
        struct text_line l = line_of(one);
        if (f->kind == TEXT_SILENT)
            count_reports(j, one, u->state.silent_from, u->state.silent_to, &l);
        f->below++;
        f->below_reached += one->state.pace.actual >= one->state.lower;
        if (is_worth_a_line(one, f->kind, f->whole, &l))
            lines[count++] = l;
    }
    if (count > 1)
        qsort(lines, count, sizeof *lines, f->kind == TEXT_SILENT ? compare_silent : compare_lines);
    f->lines = lines;
    f->line_count = count < most ? count : most;
    f->more = count - f->line_count;
}

/* ---- facts ---- */

const char *notifier_document(const struct plan *p)
{
    return p->document && p->document[0] != '\0' ? p->document : p->title;
}

static struct text_facts facts_of(const struct judging *j, const struct telling *t)
{
    const struct target *target = j->target;
    bool ratio = j->indicator->kind == INDICATOR_RATIO;
    return (struct text_facts){.role = t->role,
                               .role_unit = t->of->name,
                               .rehearsal = j->plan->is_rehearsal,
                               .unit = t->of->name,
                               .sparse = notifier_is_sparse(j),
                               .document = notifier_document(j->plan),
                               .version = j->plan->version,
                               .target_id = target->id.text,
                               .target_title = target->title ? target->title : "",
                               .clause = target->clause ? target->clause : "",
                               .measure = ratio ? "" : j->indicator->measure.text,
                               .ratio = ratio,
                               .weekend_permille = target->weekend_permille,
                               .due = target->due,
                               .kind = t->kind,
                               .to = t->to,
                               .reminded_of = t->reminded_of,
                               .amended = t->amended,
                               .corrected = t->corrected,
                               .told_on = t->told_on,
                               .told_judged = DAY_NEVER,
                               .corrects = t->corrects};
}

static void add_before(const struct telling *t, struct text_facts *f)
{
    const struct notifier_told *last = notifier_told_last(&t->unit->state), *b = &t->before;
    bool result = f->kind == TEXT_REVISED || f->kind == TEXT_WITHDRAWN;
    f->from = result ? b->final : t->unit->outcome.from;
    f->told_lower = result ? b->final_lower : b->lower;
    f->told_level = b->level;
    f->corrected_level = t->unit->told_now;
    /* What stands there now was looked up for one day alone. */
    if (last && last->judged == b->judged)
        f->told_judged = b->judged;
}

static void add_unit(struct judging *j, const struct telling *t, struct text_facts *f)
{
    const struct judged *u = t->unit;
    const struct notifier_state *s = &u->state;
    f->unit = u->name;
    f->whole = u == &j->units[0];
    f->lower = s->lower;
    f->stretch = s->stretch;
    f->pace = &s->pace;
    f->left_out_from = s->pace.stopped_from;
    f->left_out_to = s->pace.stopped_from + (day_t)s->pace.stopped_days - 1;
    f->silent_from = s->silent_from;
    f->silent_to = s->silent_to;
    f->silent_owed = u->silent_owed;
    f->silent_reported = u->silent_reported;
    f->heard = u->heard;
    add_before(t, f);
    list_below(j, u, f);
}

/* Those that go with the unit above them; of what begins, its list has them all. */
static void add_others(struct judging *j, const struct telling *lead, struct telling *const *all,
                       size_t count, struct text_facts *f)
{
    struct text_line *lines = arena_alloc(&j->n->arena, count * sizeof *lines);
    unsigned kept = 0;
    for (size_t i = 0; i < count && f->kind != TEXT_BEHIND && f->kind != TEXT_SILENT; i++)
        if (all[i] != lead)
            lines[kept++] = line_about(all[i]);
    f->also = lines;
    f->also_count = kept;
}

/* A reminder only where none of them is news. */
static void add_units(struct judging *j, struct telling *const *all, size_t count,
                      struct text_facts *f)
{
    struct text_line *lines = arena_alloc(&j->n->arena, count * sizeof *lines);
    for (size_t i = 0; i < count; i++) {
        lines[i] = line_about(all[i]);
        if (all[i]->reminded_of == DAY_NEVER)
            f->reminded_of = DAY_NEVER;
    }
    f->about = lines;
    f->about_count = (unsigned)count;
}

/* ---- decisions ---- */

enum state_tell notifier_tell_of(enum text_kind kind)
{
    static const enum state_tell tells[TEXT_KIND_COUNT] = {
        [TEXT_BEHIND] = TELL_BEHIND,       [TEXT_SILENT] = TELL_SILENT,
        [TEXT_RECOVERED] = TELL_RECOVERED, [TEXT_UNDONE] = TELL_UNDONE,
        [TEXT_AMENDED] = TELL_UNDONE,      [TEXT_FINAL] = TELL_FINAL,
        [TEXT_REVISED] = TELL_REVISED,     [TEXT_WITHDRAWN] = TELL_REVISED,
        [TEXT_REMOVED] = TELL_RECOVERED,
    };
    return tells[kind];
}

void notifier_send(struct notifier *n, struct kv *kv, struct notifier_decision *d,
                   struct text_facts *f)
{
    struct buf subject = {0}, body = {0}, whom = {0};
    text_subject(f, false, &subject);
    text_body(f, false, &body);
    text_recipient(f, false, &whom);
    d->number = n->next_number++;
    d->reason = REASON_TOLD;
    d->recipient_name = buf_slice(&whom);
    d->subject = buf_slice(&subject);
    d->body = buf_slice(&body);
    notifier_decision_put(kv, d);
    buf_fini(&subject);
    buf_fini(&body);
    buf_fini(&whom);
}

static struct notifier_decision decision_of(const struct judging *j, const struct telling *t)
{
    return (struct notifier_decision){.plan = t->unit->state.plan,
                                      .target = t->unit->state.target,
                                      .unit = t->unit->state.unit,
                                      .from = t->unit->outcome.from,
                                      .to = t->to,
                                      .tell = notifier_tell_of(t->kind),
                                      .reason = REASON_DIGEST,
                                      .tick_ms = j->time_ms,
                                      .corrects = slice_str(t->corrects)};
}

static const char *first_corrects(struct telling *const *all, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (all[i]->corrects[0] != '\0')
            return all[i]->corrects;
    return "";
}

/* Of those that stand in the message of another: where. */
static void note_others(struct judging *j, const struct telling *lead, struct telling *const *all,
                        size_t count, struct slice id, struct slice recipient)
{
    for (size_t i = 0; i < count; i++) {
        if (all[i] == lead)
            continue;
        struct notifier_decision d = decision_of(j, all[i]);
        d.number = j->n->next_number++;
        d.id = id;
        d.recipient = recipient;
        notifier_decision_put(j->kv, &d);
    }
}

void notifier_say(struct judging *j, const struct telling *lead, struct telling *const *all,
                  size_t count)
{
    const struct telling *first = lead ? lead : all[0];
    char id[NOTIFIER_ID_BYTES], recipient[NOTIFIER_RECIPIENT_BYTES];
    struct text_facts f = facts_of(j, first);
    struct notifier_decision d = decision_of(j, first);
    notifier_id(&first->unit->state, &first->of->state.unit, first->role, first->kind, first->to,
                j->time_ms, id);
    notifier_recipient(first->role, &first->of->state.unit, recipient);
    f.id = id;
    d.id = slice_str(id);
    d.recipient = slice_str(recipient);
    if (lead) {
        add_unit(j, lead, &f);
        add_others(j, lead, all, count, &f);
    } else {
        add_units(j, all, count, &f);
        d.unit = first->of->state.unit;
        d.from = d.to;
        d.corrects = slice_str(first_corrects(all, count));
    }
    notifier_send(j->n, j->kv, &d, &f);
    note_others(j, lead, all, count, d.id, d.recipient);
    arena_reset(&j->n->arena);
}
