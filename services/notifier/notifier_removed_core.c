#include "services/notifier/notifier_internal.h"

#include <stdlib.h>

#include "common/base/alloc.h"

/* Alerts whose target the plan has no more, or not at their unit. Whoever was told of one hears
 * that it no longer holds; the state ends. */

struct leftovers {
    struct notifier *n;
    struct kv *kv;
    int64_t time_ms;
    day_t today;
    struct notifier_state *items; /* in the order of the store: by plan and target */
    size_t count;
    size_t capacity;
    struct notifier_state *judged; /* one of each target that was judged today */
    size_t judged_count;
    size_t judged_capacity;
};

/* ---- which states are left over ---- */

static bool is_same(const struct ident *a, const struct ident *b)
{
    return slice_equal(ident_slice(a), ident_slice(b));
}

static bool is_same_target(const struct notifier_state *a, const struct notifier_state *b)
{
    return is_same(&a->plan, &b->plan) && is_same(&a->target, &b->target);
}

static void add(struct notifier_state **items, size_t *count, size_t *capacity,
                const struct notifier_state *s)
{
    void *memory = *items;
    alloc_reserve(&memory, capacity, *count + 1, sizeof **items);
    *items = memory;
    (*items)[(*count)++] = *s;
}

static void sort_out(void *arg, const struct notifier_state *s)
{
    struct leftovers *l = arg;
    if (s->judged_on != l->today)
        add(&l->items, &l->count, &l->capacity, s);
    else if (l->judged_count == 0 || !is_same_target(&l->judged[l->judged_count - 1], s))
        add(&l->judged, &l->judged_count, &l->judged_capacity, s);
}

static const struct plan *find_plan(const struct leftovers *l, const struct notifier_state *s)
{
    for (uint32_t i = 0; i < registry_plan_count(l->n->registry); i++)
        if (is_same(&registry_plan(l->n->registry, i)->id, &s->plan))
            return registry_plan(l->n->registry, i);
    return NULL;
}

static const struct target *find_target(const struct plan *p, const struct notifier_state *s)
{
    for (unsigned i = 0; p && i < p->target_count; i++)
        if (is_same(&p->targets[i].id, &s->target))
            return &p->targets[i];
    return NULL;
}

/* Of a target that is still there but was not judged today, nothing is over. */
static bool is_over(const struct leftovers *l, const struct notifier_state *s)
{
    if (!find_target(find_plan(l, s), s))
        return true;
    for (size_t i = 0; i < l->judged_count; i++)
        if (is_same_target(&l->judged[i], s))
            return true;
    return false;
}

static void drop_what_goes_on(struct leftovers *l)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->count; i++)
        if (is_over(l, &l->items[i]))
            l->items[kept++] = l->items[i];
    l->count = kept;
}

/* ---- what is said of them ---- */

static bool is_alert(const struct notifier_state *s)
{
    enum alert_state state = s->record.state;
    return state == STATE_AT_RISK || state == STATE_BEHIND || state == STATE_NOT_REPORTED;
}

static bool has_ended(const struct notifier_state *s)
{
    enum alert_state state = s->record.state;
    return state == STATE_MET || state == STATE_EXCEEDED || state == STATE_MISSED;
}

/* The last that this recipient was told and that stands; 0: nothing. */
static int64_t told_ms(const struct notifier_state *s, unsigned role)
{
    const struct notifier_told *t = &s->told[role];
    return t->behind_ms > t->silent_ms ? t->behind_ms : t->silent_ms;
}

static const char *name_of(const struct leftovers *l, const struct ident *code)
{
    const char *name =
        catalogue_name_near(registry_catalogue(l->n->registry), ident_slice(code), l->today);
    return name ? name : code->text;
}

static void refer(const struct notifier_state *s, unsigned role, char out[NOTIFIER_ID_BYTES])
{
    const struct notifier_told *t = &s->told[role];
    bool behind = t->behind_ms > t->silent_ms;
    notifier_id(s, &t->of, role, behind ? TEXT_BEHIND : TEXT_SILENT, s->record.state,
                told_ms(s, role), out);
}

static struct text_facts facts_of(const struct leftovers *l, const struct notifier_state *s,
                                  unsigned role)
{
    const struct plan *p = find_plan(l, s);
    const struct target *t = find_target(p, s);
    return (struct text_facts){.role = role,
                               .role_unit = name_of(l, &s->told[role].of),
                               .rehearsal = p->is_rehearsal,
                               .unit = name_of(l, &s->unit),
                               .whole = is_same(&s->unit, &s->told[role].of),
                               .document = notifier_document(p),
                               .version = p->version,
                               .target_id = s->target.text,
                               .target_title = t && t->title ? t->title : "",
                               .clause = t && t->clause ? t->clause : "",
                               .measure = "",
                               .kind = TEXT_REMOVED,
                               .told_on = day_of_ms(told_ms(s, role)),
                               .reminded_of = DAY_NEVER};
}

static struct notifier_decision decision_of(struct leftovers *l, const struct notifier_state *s,
                                            enum notifier_reason reason)
{
    return (struct notifier_decision){.plan = s->plan,
                                      .target = s->target,
                                      .unit = s->unit,
                                      .from = s->record.state,
                                      .to = STATE_NOT_STARTED,
                                      .tell = notifier_tell_of(TEXT_REMOVED),
                                      .reason = reason,
                                      .tick_ms = l->time_ms};
}

static void note(struct leftovers *l, const struct notifier_state *s, struct slice id,
                 struct slice recipient)
{
    struct notifier_decision d = decision_of(l, s, id.len > 0 ? REASON_DIGEST : REASON_QUIET);
    d.number = l->n->next_number++;
    d.id = id;
    d.recipient = recipient;
    notifier_decision_put(l->kv, &d);
}

/* ---- one recipient of one target ---- */

/* Is the same recipient told of this state, and not yet that it is over? */
static bool goes_with(const struct notifier_state *first, const struct notifier_state *s,
                      unsigned role)
{
    return is_same_target(first, s) && !has_ended(s) && told_ms(s, role) != 0 &&
           is_same(&first->told[role].of, &s->told[role].of);
}

static void say(struct leftovers *l, struct notifier_state **found, size_t count, unsigned role)
{
    char id[NOTIFIER_ID_BYTES], recipient[NOTIFIER_RECIPIENT_BYTES], corrects[NOTIFIER_ID_BYTES];
    const struct notifier_state *first = found[0];
    const struct ident *of = &first->told[role].of;
    struct text_facts f = facts_of(l, first, role);
    struct notifier_decision d = decision_of(l, first, REASON_TOLD);
    struct text_line *lines = arena_alloc(&l->n->arena, count * sizeof *lines);
    for (size_t i = 0; i < count; i++)
        lines[i] = (struct text_line){.name = name_of(l, &found[i]->unit),
                                      .told_on = day_of_ms(told_ms(found[i], role))};
    notifier_id(first, of, role, TEXT_REMOVED, STATE_NOT_STARTED, l->time_ms, id);
    notifier_recipient(role, of, recipient);
    refer(first, role, corrects);
    f.id = id;
    f.corrects = corrects;
    f.about = lines;
    f.about_count = count > 1 ? (unsigned)count : 0;
    d.id = slice_str(id);
    d.recipient = slice_str(recipient);
    d.corrects = slice_str(corrects);
    d.unit = count > 1 ? *of : first->unit;
    notifier_send(l->n, l->kv, &d, &f);
    for (size_t i = 0; i < count && count > 1; i++)
        note(l, found[i], d.id, d.recipient);
    arena_reset(&l->n->arena);
}

static void tell_recipients(struct leftovers *l, size_t at, unsigned role,
                            struct notifier_state **found)
{
    size_t count = 0;
    if (!goes_with(&l->items[at], &l->items[at], role))
        return;
    for (size_t i = at; i < l->count; i++)
        if (goes_with(&l->items[at], &l->items[i], role))
            found[count++] = &l->items[i];
    say(l, found, count, role);
    for (size_t i = 0; i < count; i++)
        found[i]->told[role].behind_ms = found[i]->told[role].silent_ms = 0;
}

static bool was_told(const struct notifier_state *s)
{
    for (unsigned role = 0; role < TEXT_ROLE_COUNT; role++)
        if (told_ms(s, role) != 0)
            return true;
    return false;
}

static void tell_all(struct leftovers *l)
{
    struct notifier_state **found = alloc_zeroed(l->count + 1, sizeof *found);
    for (size_t i = 0; i < l->count; i++)
        if (is_alert(&l->items[i]) && !was_told(&l->items[i]))
            note(l, &l->items[i], slice_str(""), slice_str(""));
    for (size_t i = 0; i < l->count; i++)
        for (unsigned role = 0; role < TEXT_ROLE_COUNT; role++)
            tell_recipients(l, i, role, found);
    for (size_t i = 0; i < l->count; i++)
        notifier_state_del(l->kv, &l->items[i]);
    free(found);
}

int notifier_tell_removed(struct notifier *n, struct kv *kv, int64_t time_ms, struct err *err)
{
    struct leftovers l = {.n = n, .kv = kv, .time_ms = time_ms, .today = day_of_ms(time_ms)};
    int rc = notifier_visit_states(kv, sort_out, &l, err);
    if (rc == 0) {
        drop_what_goes_on(&l);
        tell_all(&l);
    }
    free(l.items);
    free(l.judged);
    return rc;
}
