#include "services/notifier/notifier_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"

/* From outcomes to messages: who is to be told, what holds it back, what goes into one message. */

enum {
    LEVEL_DISTRICT = 2,
    REMIND_DAYS = 7,
    /* What is about to be said of the unit above is not waited for longer. */
    HOLD_DAYS = 3,
    TIME_TEXT = 32,
    TIME_MINUTE = 16,
};

struct tellings {
    struct telling *items;
    size_t count;
    size_t capacity;
};

static const struct judged *whole(const struct judging *j)
{
    return &j->units[0];
}

static const struct judged *above(const struct judging *j, const struct judged *u)
{
    return u->above == NOTIFIER_NO_UNIT ? NULL : &j->units[u->above];
}

static bool is_whole(const struct judging *j, const struct judged *u)
{
    return u == whole(j);
}

static bool is_below_district(const struct judging *j, const struct judged *u)
{
    return !is_whole(j, u) && u->level > LEVEL_DISTRICT;
}

/* ---- names ---- */

void notifier_recipient(enum text_role role, const struct ident *of,
                        char out[NOTIFIER_RECIPIENT_BYTES])
{
    static const char *const names[TEXT_ROLE_COUNT] = {
        [TEXT_TO_LEADERS] = "lanhdao",
        [TEXT_TO_OFFICE] = "vanphong",
        [TEXT_TO_DISTRICT] = "quanhuyen",
    };
    snprintf(out, NOTIFIER_RECIPIENT_BYTES, "%s.%s", names[role], of->text);
}

/* Part of ids: never change one. Who is not told a result, as nobody reported, is told that. */
static void kind_name(enum text_kind kind, enum alert_state to, char out[NOTIFIER_RECIPIENT_BYTES])
{
    static const char *const names[TEXT_KIND_COUNT] = {
        [TEXT_BEHIND] = "behind",   [TEXT_SILENT] = "not-reported", [TEXT_RECOVERED] = "recovered",
        [TEXT_UNDONE] = "undone",   [TEXT_AMENDED] = "amended",     [TEXT_WITHDRAWN] = "withdrawn",
        [TEXT_REMOVED] = "removed",
    };
    const char *result = to == STATE_NOT_REPORTED ? "no-result" : alert_state_id(to);
    if (names[kind])
        snprintf(out, NOTIFIER_RECIPIENT_BYTES, "%s", names[kind]);
    else
        snprintf(out, NOTIFIER_RECIPIENT_BYTES, "%s%s", kind == TEXT_REVISED ? "revised-" : "",
                 result);
}

void notifier_id(const struct notifier_state *s, const struct ident *of, enum text_role role,
                 enum text_kind kind, enum alert_state to, int64_t time_ms,
                 char out[NOTIFIER_ID_BYTES])
{
    char time[TIME_TEXT], what[NOTIFIER_RECIPIENT_BYTES], whom[NOTIFIER_RECIPIENT_BYTES];
    day_time_format(time_ms, time);
    kind_name(kind, to, what);
    notifier_recipient(role, of, whom);
    snprintf(out, NOTIFIER_ID_BYTES, "%s/%s/%s/%s/%.*s/%s", s->plan.text, s->target.text, of->text,
             what, TIME_MINUTE, time, whom);
}

/* ---- routes, until contacts and routes of a plan come ---- */

/* Whose leaders, office or officers hear of this; NULL: nobody in that role does. The scope itself:
 * its leaders, but its office when reports are missing. A district: itself, and of its pace the
 * leaders, of its silence the office. What lies below: the district's officers. */
static const struct judged *route(const struct judging *j, const struct judged *u,
                                  enum text_kind kind, enum text_role role)
{
    bool silent = kind == TEXT_SILENT;
    if (is_whole(j, u))
        return role == (silent ? TEXT_TO_OFFICE : TEXT_TO_LEADERS) ? u : NULL;
    if (is_below_district(j, u)) {
        const struct judged *up = above(j, u);
        return role == (is_whole(j, up) ? TEXT_TO_OFFICE : TEXT_TO_DISTRICT) ? up : NULL;
    }
    if (role == TEXT_TO_DISTRICT)
        return u;
    bool final = kind == TEXT_FINAL;
    return !final && role == (silent ? TEXT_TO_OFFICE : TEXT_TO_LEADERS) ? whole(j) : NULL;
}

/* ---- what was told ---- */

static struct notifier_told *told_to(struct judged *u, enum text_role role)
{
    return &u->state.told[role];
}

const struct notifier_told *notifier_told_last(const struct notifier_state *s)
{
    const struct notifier_told *last = NULL;
    for (unsigned i = 0; i < TEXT_ROLE_COUNT; i++)
        if (s->told[i].behind_ms > (last ? last->behind_ms : 0))
            last = &s->told[i];
    return last;
}

static uint64_t mix(uint64_t sum, int64_t v)
{
    return (sum ^ (uint64_t)v) * UINT64_C(1099511628211);
}

uint64_t notifier_terms(const struct target *t, const struct notifier_state *s)
{
    uint64_t sum = mix(UINT64_C(14695981039346656037), s->lower);
    sum = mix(mix(mix(sum, s->stretch), t->start), t->due);
    sum = mix(sum, t->weekend_permille);
    for (unsigned i = 0; i < t->suspended_count; i++)
        sum = mix(mix(sum, t->suspended[i].from), t->suspended[i].to);
    return sum;
}

static bool takes_back(enum text_kind kind)
{
    return kind == TEXT_RECOVERED || kind == TEXT_UNDONE || kind == TEXT_AMENDED;
}

/* ---- what holds a message back ---- */

static bool stands(const struct judged *u, enum alert_state state)
{
    return u->state.record.state == state;
}

static bool was_told(const struct judged *u, enum state_fact fact)
{
    return (u->state.record.told & (uint32_t)fact) != 0;
}

/* Will probably be said of it in a day or two: the fact is there, and has not held yet. */
static bool is_about_to_be(const struct judged *u, enum text_kind kind)
{
    if (kind == TEXT_SILENT)
        return !stands(u, STATE_NOT_REPORTED) && u->state.silent_to > u->state.silent_from;
    return (stands(u, STATE_ON_PACE) || stands(u, STATE_AT_RISK)) && u->state.pace.has_forecast &&
           u->state.pace.behind;
}

static bool holds(const struct judging *j, const struct judged *up, const struct judged *u,
                  enum text_kind kind)
{
    return is_about_to_be(up, kind) && j->today - u->state.record.since < HOLD_DAYS;
}

/* Who is told already, or will be at once, of what this would say: a silent district of its
 * communes' silence, one that is behind of theirs, the office of a silent province of its
 * districts', and leaders who are about to hear of the whole. */
static const struct judged *inhibitor(const struct judging *j, const struct judged *u,
                                      enum text_kind kind, enum text_role role)
{
    const struct judged *up = above(j, u);
    if (!up || (kind != TEXT_SILENT && kind != TEXT_BEHIND))
        return NULL;
    if (is_whole(j, up) && kind == TEXT_SILENT)
        return role == TEXT_TO_OFFICE && stands(up, STATE_NOT_REPORTED) ? up : NULL;
    if (is_whole(j, up))
        return role == TEXT_TO_LEADERS && holds(j, up, u, kind) ? up : NULL;
    bool silent = kind == TEXT_SILENT && stands(up, STATE_NOT_REPORTED);
    bool behind = kind == TEXT_BEHIND && stands(up, STATE_BEHIND) && was_told(up, FACT_TOLD_BEHIND);
    return silent || behind || holds(j, up, u, kind) ? up : NULL;
}

/* ---- lines of the history that no message goes with ---- */

static void keep_back(struct judging *j, const struct judged *u, enum notifier_reason reason,
                      const struct judged *by, const char *recipient)
{
    struct notifier_decision d = {.number = j->n->next_number++,
                                  .plan = u->state.plan,
                                  .target = u->state.target,
                                  .unit = u->state.unit,
                                  .from = u->outcome.from,
                                  .to = u->outcome.to,
                                  .tell = u->outcome.tell,
                                  .reason = reason,
                                  .tick_ms = j->time_ms,
                                  .recipient = slice_str(recipient)};
    if (by)
        d.inhibitor = by->state.unit;
    notifier_decision_put(j->kv, &d);
}

static void keep_back_from(struct judging *j, const struct judged *u, enum text_kind kind,
                           enum text_role role, const struct judged *by)
{
    char recipient[NOTIFIER_RECIPIENT_BYTES];
    notifier_recipient(role, &route(j, u, kind, role)->state.unit, recipient);
    keep_back(j, u, REASON_INHIBITED, by, recipient);
}

/* ---- what is to be told ---- */

static struct telling *add_telling(struct tellings *all, struct judged *u, enum text_role role,
                                   const struct judged *of, enum text_kind kind)
{
    void *items = all->items;
    alloc_reserve(&items, &all->capacity, all->count + 1, sizeof *all->items);
    all->items = items;
    struct telling *t = &all->items[all->count++];
    *t = (struct telling){.unit = u,
                          .role = role,
                          .of = of,
                          .kind = kind,
                          .to = u->state.record.state,
                          .told_on = DAY_NEVER,
                          .reminded_of = DAY_NEVER,
                          .before = *told_to(u, role)};
    return t;
}

static void refer_to_behind(struct telling *t)
{
    const struct notifier_told *b = &t->before;
    notifier_id(&t->unit->state, &b->of, t->role, TEXT_BEHIND, STATE_BEHIND, b->behind_ms,
                t->corrects);
    t->told_on = day_of_ms(b->behind_ms);
}

static void refer_to_result(struct telling *t)
{
    const struct notifier_told *b = &t->before;
    notifier_id(&t->unit->state, &b->of, t->role, b->revised ? TEXT_REVISED : TEXT_FINAL, b->final,
                b->final_ms, t->corrects);
    t->told_on = day_of_ms(b->final_ms);
}

/* The unit of that code: whoever was told is told again, though the tree may have changed. */
static const struct judged *find_unit(const struct judging *j, const struct ident *code)
{
    for (size_t i = 0; i < j->unit_count; i++)
        if (strcmp(j->units[i].state.unit.text, code->text) == 0)
            return &j->units[i];
    return whole(j);
}

static size_t take_back(struct judging *j, struct tellings *all, struct judged *u,
                        enum text_kind kind)
{
    uint64_t terms = notifier_terms(j->target, &u->state);
    size_t count = 0;
    for (unsigned role = 0; role < TEXT_ROLE_COUNT; role++) {
        const struct notifier_told *told = told_to(u, role);
        if (told->behind_ms == 0)
            continue;
        bool amended = told->terms != terms;
        struct telling *t = add_telling(all, u, role, find_unit(j, &told->of),
                                        kind == TEXT_UNDONE && amended ? TEXT_AMENDED : kind);
        t->amended = amended;
        refer_to_behind(t);
        count++;
    }
    return count;
}

static size_t revise(struct judging *j, struct tellings *all, struct judged *u, enum text_kind kind)
{
    size_t count = 0;
    for (unsigned role = 0; role < TEXT_ROLE_COUNT; role++) {
        const struct notifier_told *told = told_to(u, role);
        if (told->final_ms == 0)
            continue;
        struct telling *t = add_telling(all, u, role, find_unit(j, &told->of), kind);
        t->amended = told->final_terms != notifier_terms(j->target, &u->state);
        t->corrected = told->final_level != u->state.pace.actual;
        refer_to_result(t);
        count++;
    }
    return count;
}

/* To all whom it concerns; of those held back there is a line when it is news. */
static size_t announce(struct judging *j, struct tellings *all, struct judged *u,
                       enum text_kind kind)
{
    size_t count = 0;
    for (unsigned role = 0; role < TEXT_ROLE_COUNT; role++) {
        const struct judged *of = route(j, u, kind, role);
        const struct judged *by = of ? inhibitor(j, u, kind, role) : NULL;
        if (by && u->outcome.moved)
            keep_back_from(j, u, kind, role, by);
        if (!of || by)
            continue;
        add_telling(all, u, role, of, kind);
        count++;
    }
    return count;
}

/* What stands is told to those whom something kept from hearing of it, once that is over; and
 * silence again each week while it lasts. */
static bool is_owed(const struct judging *j, const struct judged *u, enum text_kind kind,
                    enum text_role role)
{
    const struct notifier_told *told = &u->state.told[role];
    if (kind == TEXT_BEHIND)
        return told->behind_ms == 0;
    return told->silent_ms == 0 || j->today - day_of_ms(told->silent_ms) >= REMIND_DAYS;
}

static void remind(struct judging *j, struct tellings *all, struct judged *u, enum text_kind kind)
{
    for (unsigned role = 0; role < TEXT_ROLE_COUNT; role++) {
        const struct judged *of = route(j, u, kind, role);
        if (!of || !is_owed(j, u, kind, role) || inhibitor(j, u, kind, role))
            continue;
        struct telling *t = add_telling(all, u, role, of, kind);
        if (kind == TEXT_SILENT && t->before.silent_ms != 0)
            t->reminded_of = day_of_ms(t->before.silent_ms);
    }
}

static void tell_what_stands(struct judging *j, struct tellings *all, struct judged *u)
{
    uint32_t facts = u->state.record.facts;
    if (stands(u, STATE_BEHIND) && was_told(u, FACT_TOLD_BEHIND) && (facts & FACT_JUDGED) != 0 &&
        (facts & FACT_BEHIND) != 0)
        remind(j, all, u, TEXT_BEHIND);
    if (stands(u, STATE_NOT_REPORTED) && was_told(u, FACT_TOLD_SILENT) &&
        (facts & FACT_OVERDUE) != 0 && (facts & FACT_FINAL) == 0)
        remind(j, all, u, TEXT_SILENT);
}

/* The result was told, and the target goes on: it was extended. */
static bool is_reopened(const struct judged *u)
{
    bool final = (u->state.record.facts & FACT_FINAL) != 0;
    for (unsigned role = 0; role < TEXT_ROLE_COUNT; role++)
        if (u->state.told[role].final_ms != 0 && !final)
            return true;
    return false;
}

static size_t collect_outcome(struct judging *j, struct tellings *all, struct judged *u)
{
    switch (u->outcome.tell) {
    case TELL_BEHIND:
        return announce(j, all, u, TEXT_BEHIND);
    case TELL_SILENT:
        return announce(j, all, u, TEXT_SILENT);
    case TELL_FINAL:
        return announce(j, all, u, TEXT_FINAL);
    case TELL_RECOVERED:
        return take_back(j, all, u, TEXT_RECOVERED);
    case TELL_UNDONE:
        return take_back(j, all, u, TEXT_UNDONE);
    case TELL_REVISED:
        return revise(j, all, u, TEXT_REVISED);
    case TELL_NOBODY:
        break;
    }
    return 0;
}

static void collect(struct judging *j, struct tellings *all, struct judged *u)
{
    enum state_tell tell = u->outcome.tell;
    bool result = tell == TELL_FINAL || tell == TELL_REVISED;
    if (is_reopened(u)) {
        revise(j, all, u, TEXT_WITHDRAWN);
    } else if (result && is_below_district(j, u)) {
        keep_back(j, u, REASON_DIGEST, NULL, "");
    } else if (tell != TELL_NOBODY) {
        if (collect_outcome(j, all, u) == 0)
            state_untell(&u->state.record, tell);
    } else if (u->outcome.moved) {
        keep_back(j, u, REASON_QUIET, NULL, "");
    } else {
        tell_what_stands(j, all, u);
    }
}

/* ---- what goes into one message ---- */

static bool is_same_message(const struct telling *a, const struct telling *b)
{
    bool result = a->kind == TEXT_FINAL || a->kind == TEXT_REVISED;
    return a->role == b->role && a->of == b->of && a->kind == b->kind &&
           (!result || a->to == b->to);
}

static void remember(const struct judging *j, struct telling *t)
{
    const struct notifier_state *s = &t->unit->state;
    struct notifier_told *told = told_to(t->unit, t->role);
    told->of = t->of->state.unit;
    if (t->kind == TEXT_BEHIND) {
        told->behind_ms = j->time_ms;
        told->judged = s->pace.judged;
        told->level = s->pace.level;
        told->lower = s->lower;
        told->terms = notifier_terms(j->target, s);
    } else if (t->kind == TEXT_SILENT) {
        told->silent_ms = j->time_ms;
    } else if (takes_back(t->kind)) {
        told->behind_ms = 0;
    } else {
        told->final_ms = t->kind == TEXT_WITHDRAWN ? 0 : j->time_ms;
        told->final = t->to;
        told->revised = t->kind == TEXT_REVISED;
        told->final_level = s->pace.actual;
        told->final_lower = s->lower;
        told->final_terms = notifier_terms(j->target, s);
    }
}

/* All that is said to the recipient of `first` of the same kind, in the order of the tree; its own
 * unit, or the only one, leads. */
static void send_with(struct judging *j, struct tellings *all, struct telling *first,
                      struct telling **found)
{
    const struct telling *lead = NULL;
    size_t count = 0;
    for (struct telling *t = first; t < all->items + all->count; t++) {
        if (t->sent || !is_same_message(first, t))
            continue;
        t->sent = true;
        found[count++] = t;
        if (t->unit == t->of)
            lead = t;
    }
    notifier_say(j, lead || count > 1 ? lead : first, found, count);
    for (size_t i = 0; i < count; i++)
        remember(j, found[i]);
}

/* Silence that has ended begins anew. */
static void forget_silence(struct judged *u)
{
    for (unsigned role = 0; role < TEXT_ROLE_COUNT && !stands(u, STATE_NOT_REPORTED); role++)
        u->state.told[role].silent_ms = 0;
}

int notifier_tell(struct judging *j, struct err *err)
{
    struct tellings all = {0};
    for (size_t i = 0; i < j->unit_count; i++)
        collect(j, &all, &j->units[i]);
    struct telling **found = alloc_zeroed(all.count + 1, sizeof *found);
    for (size_t i = 0; i < all.count; i++)
        if (!all.items[i].sent)
            send_with(j, &all, &all.items[i], found);
    for (size_t i = 0; i < j->unit_count; i++) {
        forget_silence(&j->units[i]);
        notifier_state_put(j->kv, &j->units[i].state);
    }
    free(found);
    free(all.items);
    return kv_failed(j->kv) ? err_set(err, j->kv->err.code, "%s", j->kv->err.text) : 0;
}
