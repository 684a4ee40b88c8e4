#include "services/notifier/notifier_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"

/* From outcomes to messages: who is told, what holds a message back, and the words. */

enum { LEVEL_DISTRICT = 2, RECIPIENTS_MAX = 2, LINES_MAX = 8, TIME_TEXT = 32, TIME_MINUTE = 16 };

struct recipient {
    enum text_role role;
    const struct judged *at; /* whose leaders, office or officers */
    char name[NOTIFIER_RECIPIENT_BYTES];
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

/* ---- routes, until contacts and routes of a plan come ---- */

static struct recipient recipient_at(enum text_role role, const struct judged *at)
{
    static const char *const names[] = {
        [TEXT_TO_LEADERS] = "lanhdao",
        [TEXT_TO_OFFICE] = "vanphong",
        [TEXT_TO_DISTRICT] = "quanhuyen",
    };
    struct recipient r = {.role = role, .at = at};
    snprintf(r.name, sizeof r.name, "%s.%s", names[role], at->state.unit.text);
    return r;
}

/* The scope itself: its leaders, but its office when reports are missing. A district: itself, and
 * of its pace the leaders. What lies below: the district's officers. */
static unsigned route(const struct judging *j, const struct judged *u,
                      struct recipient out[RECIPIENTS_MAX])
{
    enum state_tell tell = u->outcome.tell;
    if (is_whole(j, u)) {
        out[0] = recipient_at(tell == TELL_SILENT ? TEXT_TO_OFFICE : TEXT_TO_LEADERS, u);
        return 1;
    }
    if (u->level > LEVEL_DISTRICT) {
        const struct judged *district = above(j, u);
        bool has_district = !is_whole(j, district);
        out[0] = recipient_at(has_district ? TEXT_TO_DISTRICT : TEXT_TO_OFFICE, district);
        return 1;
    }
    out[0] = recipient_at(TEXT_TO_DISTRICT, u);
    if (tell == TELL_SILENT || tell == TELL_FINAL)
        return 1;
    out[1] = recipient_at(TEXT_TO_LEADERS, whole(j));
    return 2;
}

/* ---- what holds a message back ---- */

static bool stands(const struct judged *u, enum alert_state state)
{
    return u->state.record.state == state;
}

static bool was_told_behind(const struct judged *u)
{
    return (u->state.record.told & FACT_TOLD_BEHIND) != 0;
}

/* Who is told already of what this message would say: a silent district of its communes' silence,
 * one that is behind of theirs, and leaders who know that the whole is behind of its districts. */
static const struct judged *inhibitor(const struct judging *j, const struct judged *u,
                                      const struct recipient *to)
{
    const struct judged *up = above(j, u);
    if (!up)
        return NULL;
    if (u->outcome.tell == TELL_SILENT && !is_whole(j, up) && stands(up, STATE_NOT_REPORTED))
        return up;
    if (u->outcome.tell != TELL_BEHIND)
        return NULL;
    if (!is_whole(j, up) && stands(up, STATE_BEHIND) && was_told_behind(up))
        return up;
    bool to_leaders = to->role == TEXT_TO_LEADERS;
    return to_leaders && stands(whole(j), STATE_BEHIND) ? whole(j) : NULL;
}

/* ---- ids ---- */

static const char *transition_name(enum state_tell tell, enum alert_state to,
                                   char out[NOTIFIER_RECIPIENT_BYTES])
{
    const char *prefix = tell == TELL_REVISED ? "revised-" : "";
    if (tell == TELL_RECOVERED)
        return "recovered";
    if (tell == TELL_UNDONE)
        return "undone";
    snprintf(out, NOTIFIER_RECIPIENT_BYTES, "%s%s", prefix, alert_state_id(to));
    return out;
}

static void make_id(const struct judged *u, enum state_tell tell, enum alert_state to,
                    int64_t time_ms, const char *recipient, char out[NOTIFIER_ID_BYTES])
{
    char time[TIME_TEXT], transition[NOTIFIER_RECIPIENT_BYTES];
    day_time_format(time_ms, time);
    snprintf(out, NOTIFIER_ID_BYTES, "%s/%s/%s/%s/%.*s/%s", u->state.plan.text,
             u->state.target.text, u->state.unit.text, transition_name(tell, to, transition),
             TIME_MINUTE, time, recipient);
}

/* What the message takes back or ends, if this recipient was told; "" otherwise. */
static int find_earlier(struct judging *j, const struct judged *u, const char *recipient,
                        char out[NOTIFIER_ID_BYTES], struct err *err)
{
    const struct notifier_state *s = &u->state;
    struct notifier_decision found;
    out[0] = '\0';
    if (u->outcome.tell == TELL_RECOVERED || u->outcome.tell == TELL_UNDONE)
        make_id(u, TELL_BEHIND, STATE_BEHIND, s->told_behind_ms, recipient, out);
    else if (u->outcome.tell == TELL_REVISED && s->told_final_ms != 0)
        make_id(u, TELL_FINAL, s->told_final, s->told_final_ms, recipient, out);
    int rc = out[0] == '\0' ? 0 : notifier_find(j->kv, slice_str(out), &found, err);
    if (rc == 0 && out[0] != '\0' && u->outcome.tell == TELL_REVISED) {
        make_id(u, TELL_REVISED, s->told_final, s->told_final_ms, recipient, out);
        rc = notifier_find(j->kv, slice_str(out), &found, err);
    }
    if (rc <= 0)
        out[0] = '\0';
    return rc < 0 ? rc : 0;
}

/* ---- the units below ---- */

static bool worth_a_line(const struct judged *u, enum state_tell tell)
{
    bool silent = stands(u, STATE_NOT_REPORTED);
    switch (tell) {
    case TELL_SILENT:
        return silent;
    case TELL_BEHIND:
        return silent || stands(u, STATE_BEHIND) || stands(u, STATE_AT_RISK);
    case TELL_FINAL:
    case TELL_REVISED:
        return silent || stands(u, STATE_MISSED);
    case TELL_NOBODY:
    case TELL_RECOVERED:
    case TELL_UNDONE:
        break;
    }
    return false;
}

/* The lowest share reached first; of equals, by place in the tree. */
static int compare_lines(const void *a, const void *b)
{
    const struct judged *x = *(const struct judged *const *)a;
    const struct judged *y = *(const struct judged *const *)b;
    __int128 left = (__int128)x->state.pace.actual * y->state.lower;
    __int128 right = (__int128)y->state.pace.actual * x->state.lower;
    if (left != right)
        return left < right ? -1 : 1;
    return (x > y) - (x < y);
}

static void fill_line(const struct judged *u, struct text_line *out)
{
    bool silent = stands(u, STATE_NOT_REPORTED);
    *out = (struct text_line){.name = u->name,
                              .level = u->state.pace.actual,
                              .lower = u->state.lower,
                              .silent = silent,
                              .owed = silent ? u->silent_owed : u->state.pace.owed,
                              .reported = silent ? u->silent_reported : u->state.pace.reported};
}

static void list_below(const struct judging *j, const struct judged *u, struct text_facts *f,
                       struct text_line lines[LINES_MAX])
{
    const struct judged **found = alloc_zeroed(j->unit_count, sizeof(struct judged *));
    unsigned count = 0;
    for (size_t i = 0; i < j->unit_count; i++) {
        const struct judged *one = &j->units[i];
        if (above(j, one) != u)
            continue;
        f->below++;
        f->below_reached += one->state.pace.actual >= one->state.lower;
        if (worth_a_line(one, u->outcome.tell))
            found[count++] = one;
    }
    if (count > 1 && u->outcome.tell != TELL_SILENT)
        qsort(found, count, sizeof *found, compare_lines);
    f->line_count = count < LINES_MAX ? count : LINES_MAX;
    f->more = count - f->line_count;
    f->lines = lines;
    for (unsigned i = 0; i < f->line_count; i++)
        fill_line(found[i], &lines[i]);
    free(found);
}

/* ---- the words ---- */

static const char *document_of(const struct plan *p)
{
    return p->document && p->document[0] != '\0' ? p->document : p->title;
}

static const char *measure_of(const struct judging *j)
{
    return j->indicator->kind == INDICATOR_RATIO ? "" : j->indicator->measure.text;
}

static void fill_texts(const struct judging *j, const struct judged *u, const struct recipient *to,
                       struct text_facts *f)
{
    const struct target *t = j->target;
    f->role = to->role;
    f->role_unit = to->at->name;
    f->unit = u->name;
    f->whole = is_whole(j, u);
    f->sparse = notifier_is_sparse(j);
    f->document = document_of(j->plan);
    f->target_id = t->id.text;
    f->target_title = t->title ? t->title : t->id.text;
    f->clause = t->clause ? t->clause : "";
    f->measure = measure_of(j);
    f->ratio = j->indicator->kind == INDICATOR_RATIO;
    f->weekend_permille = t->weekend_permille;
    f->due = t->due;
}

static void fill_facts(const struct judging *j, const struct judged *u, const struct recipient *to,
                       struct text_facts *f)
{
    const struct notifier_state *s = &u->state;
    bool final = u->outcome.tell == TELL_REVISED;
    *f = (struct text_facts){.lower = s->lower,
                             .stretch = s->stretch,
                             .tell = u->outcome.tell,
                             .from = u->outcome.from,
                             .to = u->outcome.to,
                             .pace = &s->pace,
                             .silent_from = s->silent_from,
                             .silent_to = s->silent_to,
                             .silent_owed = u->silent_owed,
                             .silent_reported = u->silent_reported,
                             .heard = u->heard,
                             .told_on = day_of_ms(final ? s->told_final_ms : s->told_behind_ms),
                             .told_judged = s->told_judged,
                             .told_level = s->told_level,
                             .corrected_level = u->told_now};
    fill_texts(j, u, to, f);
}

/* ---- decisions ---- */

static struct notifier_decision decision_of(struct judging *j, const struct judged *u,
                                            enum notifier_reason reason)
{
    return (struct notifier_decision){.number = j->n->next_number++,
                                      .plan = u->state.plan,
                                      .target = u->state.target,
                                      .unit = u->state.unit,
                                      .from = u->outcome.from,
                                      .to = u->outcome.to,
                                      .tell = u->outcome.tell,
                                      .reason = reason,
                                      .tick_ms = j->time_ms};
}

static void send(struct judging *j, const struct judged *u, const struct recipient *to,
                 const char *corrects)
{
    struct text_facts f;
    struct text_line lines[LINES_MAX];
    struct buf subject = {0}, body = {0}, whom = {0};
    char id[NOTIFIER_ID_BYTES];
    make_id(u, u->outcome.tell, u->outcome.to, j->time_ms, to->name, id);
    fill_facts(j, u, to, &f);
    list_below(j, u, &f, lines);
    f.id = id;
    f.corrects = corrects;
    text_subject(&f, false, &subject);
    text_body(&f, false, &body);
    text_recipient(&f, false, &whom);
    struct notifier_decision d = decision_of(j, u, REASON_TOLD);
    d.id = slice_str(id);
    d.recipient = slice_str(to->name);
    d.recipient_name = buf_slice(&whom);
    d.subject = buf_slice(&subject);
    d.body = buf_slice(&body);
    d.corrects = slice_str(corrects);
    notifier_decision_put(j->kv, &d);
    buf_fini(&subject);
    buf_fini(&body);
    buf_fini(&whom);
}

static void keep_back(struct judging *j, const struct judged *u, enum notifier_reason reason,
                      const struct judged *by, const struct recipient *to)
{
    struct notifier_decision d = decision_of(j, u, reason);
    if (by)
        d.inhibitor = by->state.unit;
    if (to)
        d.recipient = slice_str(to->name);
    notifier_decision_put(j->kv, &d);
}

static bool refers_back(enum state_tell tell)
{
    return tell == TELL_RECOVERED || tell == TELL_UNDONE || tell == TELL_REVISED;
}

/* 1 told, 0 held back. */
static int tell_one(struct judging *j, const struct judged *u, const struct recipient *to,
                    struct err *err)
{
    char corrects[NOTIFIER_ID_BYTES];
    const struct judged *by = inhibitor(j, u, to);
    if (by) {
        if (u->outcome.moved)
            keep_back(j, u, REASON_INHIBITED, by, to);
        return 0;
    }
    int rc = find_earlier(j, u, to->name, corrects, err);
    /* Whoever was not told has nothing to take back. */
    if (rc < 0 || (refers_back(u->outcome.tell) && corrects[0] == '\0'))
        return rc;
    send(j, u, to, corrects);
    return 1;
}

static void remember(const struct judging *j, struct judged *u)
{
    struct notifier_state *s = &u->state;
    switch (u->outcome.tell) {
    case TELL_BEHIND:
        s->told_behind_ms = j->time_ms;
        s->told_judged = s->pace.judged;
        s->told_level = s->pace.level;
        break;
    case TELL_FINAL:
    case TELL_REVISED:
        s->told_final_ms = j->time_ms;
        s->told_final = s->record.state;
        break;
    case TELL_NOBODY:
    case TELL_SILENT:
    case TELL_RECOVERED:
    case TELL_UNDONE:
        break;
    }
}

static int tell_unit(struct judging *j, struct judged *u, struct err *err)
{
    struct recipient to[RECIPIENTS_MAX];
    bool of_commune = !is_whole(j, u) && u->level > LEVEL_DISTRICT;
    unsigned told = 0, count = route(j, u, to);
    if (of_commune && (u->outcome.tell == TELL_FINAL || u->outcome.tell == TELL_REVISED)) {
        keep_back(j, u, REASON_DIGEST, NULL, NULL);
        return 0;
    }
    for (unsigned i = 0; i < count; i++) {
        int rc = tell_one(j, u, &to[i], err);
        if (rc < 0)
            return rc;
        told += (unsigned)rc;
    }
    if (told > 0)
        remember(j, u);
    else
        state_untell(&u->state.record, u->outcome.tell);
    return 0;
}

int notifier_tell(struct judging *j, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; i < j->unit_count && rc == 0; i++) {
        struct judged *u = &j->units[i];
        if (u->outcome.tell != TELL_NOBODY)
            rc = tell_unit(j, u, err);
        else if (u->outcome.moved)
            keep_back(j, u, REASON_QUIET, NULL, NULL);
        notifier_state_put(j->kv, &u->state);
    }
    return rc;
}
