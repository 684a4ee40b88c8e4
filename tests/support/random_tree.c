#include "tests/support/random_tree.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "tests/support/random_world.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    EVENTS_MAX = 40,
    LIVES_MAX = 160, /* units in force at one time */
    SPANS_MAX = 1024,
    SUCCESSIONS_MAX = 512,
    CODES_MAX = 64,
    NOBODY = -1,
};

enum event_kind {
    EVENT_MOVE,
    EVENT_MERGE_INTO_NEW,
    EVENT_MERGE_INTO_SELF, /* one of them begins anew under its old code */
    EVENT_MERGE_INTO_ONE,  /* one of them goes on */
    EVENT_SPLIT,
    EVENT_RETIRE,
    EVENT_BEGIN,
    EVENT_BEGIN_ANEW,
    EVENT_RENAME,
    EVENT_DISSOLVE, /* a unit ends, those below it go to its parent */
    EVENT_LEVEL,
    EVENT_KIND_COUNT
};

struct event {
    day_t on;
    enum event_kind kind;
    uint64_t chance; /* what else is chosen, the same each time the history is worked out */
};

struct random_tree {
    day_t first;
    bool merging;
    unsigned districts;
    unsigned communes;
    struct event events[EVENTS_MAX]; /* by day */
    unsigned event_count;
    struct event before[EVENTS_MAX]; /* the last change */
    unsigned before_count;
};

struct random_tree *random_tree_create(struct random *random, day_t first, bool merging)
{
    struct random_tree *t = alloc_zeroed(1, sizeof *t);
    t->first = first;
    t->merging = merging;
    t->districts = (unsigned)random_between(random, 1, 3);
    t->communes = (unsigned)random_between(random, 2, 6);
    return t;
}

void random_tree_destroy(struct random_tree *t)
{
    free(t);
}

/* ---- events ---- */

static void take_out(struct random_tree *t, unsigned at)
{
    t->event_count--;
    memmove(&t->events[at], &t->events[at + 1], (t->event_count - at) * sizeof *t->events);
}

static void put_in(struct random_tree *t, struct event event)
{
    unsigned at = t->event_count++;
    for (; at > 0 && t->events[at - 1].on > event.on; at--)
        t->events[at] = t->events[at - 1];
    t->events[at] = event;
}

/* Days come in bunches, as a decree changes many units on one day. */
static day_t event_day(struct random_tree *t, struct random *random, day_t first, day_t last)
{
    if (t->event_count > 0 && random_chance(random, 30)) {
        day_t near = t->events[random_below(random, t->event_count)].on;
        return near + random_between(random, 0, 1);
    }
    return random_between(random, first + 1, last > first ? last : first + 1);
}

static enum event_kind some_kind(const struct random_tree *t, struct random *random)
{
    static const enum event_kind handing_over[] = {EVENT_MERGE_INTO_NEW, EVENT_MERGE_INTO_SELF,
                                                   EVENT_MERGE_INTO_ONE, EVENT_BEGIN_ANEW};
    if (t->merging && random_chance(random, 70))
        return handing_over[random_below(random, 4)];
    return (enum event_kind)random_below(random, EVENT_KIND_COUNT);
}

void random_tree_change(struct random_tree *t, struct random *random, day_t first, day_t last)
{
    memcpy(t->before, t->events, sizeof t->before);
    t->before_count = t->event_count;
    if (t->event_count > 0 && random_chance(random, 15))
        take_out(t, random_below(random, t->event_count));
    for (int i = random_between(random, 1, 3); i > 0 && t->event_count < EVENTS_MAX; i--)
        put_in(t, (struct event){event_day(t, random, first, last), some_kind(t, random),
                                 random_next(random)});
}

void random_tree_undo(struct random_tree *t)
{
    memcpy(t->events, t->before, sizeof t->events);
    t->event_count = t->before_count;
}

/* ---- working the history out ---- */

struct life {
    unsigned code; /* "u" and this */
    int parent;    /* code, or NOBODY */
    uint8_t level;
    unsigned span; /* the open one */
};

struct story {
    struct arena *arena;
    struct random random; /* of the event at hand */
    day_t on;
    struct unit_span *spans;
    unsigned span_count;
    struct succession *successions;
    unsigned succession_count;
    struct life lives[LIVES_MAX];
    unsigned life_count;
    unsigned code_count;
};

static struct ident code_ident(int code)
{
    struct ident id = {""};
    if (code != NOBODY)
        snprintf(id.text, sizeof id.text, "u%d", code);
    return id;
}

static const char *some_name(struct story *s)
{
    char name[32];
    int len = snprintf(name, sizeof name, "Xã %u", s->span_count);
    return arena_string(s->arena, name, (size_t)len);
}

static void open_span(struct story *s, struct life *life, bool begins)
{
    require(s->span_count < SPANS_MAX);
    life->span = s->span_count;
    s->spans[s->span_count] = (struct unit_span){
        code_ident((int)life->code), s->on, DAY_NEVER, some_name(s), "xã", life->level,
        code_ident(life->parent),    begins};
    s->span_count++;
}

static struct life *begin(struct story *s, unsigned code, int parent, uint8_t level)
{
    require(s->life_count < LIVES_MAX);
    struct life *life = &s->lives[s->life_count++];
    *life = (struct life){.code = code, .parent = parent, .level = level};
    open_span(s, life, true);
    return life;
}

/* What changed holds from this day on; a span opened today is written over. */
static void cut(struct story *s, struct life *life)
{
    struct unit_span *span = &s->spans[life->span];
    if (span->from == s->on) {
        span->parent = code_ident(life->parent);
        span->level = life->level;
        return;
    }
    span->to = s->on - 1;
    open_span(s, life, false);
}

static bool may_end(const struct story *s, const struct life *life)
{
    return s->spans[life->span].from < s->on;
}

static void end(struct story *s, struct life *life)
{
    s->spans[life->span].to = s->on - 1;
    *life = s->lives[--s->life_count];
}

static struct life *find(struct story *s, int code)
{
    for (unsigned i = 0; i < s->life_count; i++)
        if ((int)s->lives[i].code == code)
            return &s->lives[i];
    return NULL;
}

static struct life *some_life(struct story *s)
{
    return &s->lives[random_below(&s->random, s->life_count)];
}

static bool has_below(const struct story *s, unsigned code)
{
    for (unsigned i = 0; i < s->life_count; i++)
        if (s->lives[i].parent == (int)code)
            return true;
    return false;
}

static void move_below(struct story *s, unsigned from, int to)
{
    for (unsigned i = 0; i < s->life_count; i++)
        if (s->lives[i].parent == (int)from) {
            s->lives[i].parent = to;
            cut(s, &s->lives[i]);
        }
}

static void succeed(struct story *s, unsigned old_code, unsigned new_code,
                    enum succession_people people)
{
    require(s->succession_count < SUCCESSIONS_MAX);
    s->successions[s->succession_count++] =
        (struct succession){s->on, code_ident((int)old_code), code_ident((int)new_code), people};
}

static enum succession_people mostly_all(struct story *s)
{
    if (random_chance(&s->random, 80))
        return PEOPLE_ALL;
    return random_chance(&s->random, 50) ? PEOPLE_PART : PEOPLE_NONE;
}

/* A code nobody bears: sometimes one that was borne before. */
static unsigned free_code(struct story *s)
{
    unsigned code = random_below(&s->random, s->code_count);
    if (random_chance(&s->random, 30) && !find(s, (int)code))
        return code;
    return s->code_count < CODES_MAX ? s->code_count++ : s->code_count - 1;
}

/* ---- what happens ---- */

static void move(struct story *s)
{
    struct life *life = some_life(s), *to = some_life(s);
    if (life->level <= to->level || life->parent == (int)to->code)
        return;
    life->parent = (int)to->code;
    cut(s, life);
}

/* Up to three of one level, those it could end; the first is the one the event is about. */
static unsigned gather(struct story *s, unsigned codes[3])
{
    struct life *about = some_life(s);
    unsigned count = 0, start = random_below(&s->random, s->life_count);
    if (about->level < 2 && random_chance(&s->random, 70))
        return 0;
    if (!may_end(s, about))
        return 0;
    codes[count++] = about->code;
    for (unsigned i = 0; i < s->life_count && count < 3; i++) {
        struct life *other = &s->lives[(start + i) % s->life_count];
        if (other != about && other->level == about->level && may_end(s, other))
            codes[count++] = other->code;
    }
    return count > 2 && random_chance(&s->random, 50) ? 2 : count;
}

static void pass_over(struct story *s, unsigned old_code, unsigned to)
{
    move_below(s, old_code, (int)to);
    end(s, find(s, (int)old_code));
    succeed(s, old_code, to, mostly_all(s));
}

static void merge(struct story *s, enum event_kind kind)
{
    unsigned codes[3];
    unsigned count = gather(s, codes);
    if (count < 2)
        return;
    struct life about = *find(s, (int)codes[0]);
    unsigned to = about.code;
    if (kind == EVENT_MERGE_INTO_NEW) {
        to = free_code(s);
        if (find(s, (int)to))
            return;
        begin(s, to, about.parent, about.level);
    }
    if (kind == EVENT_MERGE_INTO_SELF) {
        end(s, find(s, (int)to));
        begin(s, to, about.parent, about.level);
        succeed(s, to, to, mostly_all(s));
    }
    for (unsigned i = kind == EVENT_MERGE_INTO_NEW ? 0 : 1; i < count; i++)
        pass_over(s, codes[i], to);
}

static void split(struct story *s)
{
    struct life about = *some_life(s);
    if (about.level < 2 || !may_end(s, find(s, (int)about.code)))
        return;
    bool keeps_code = random_chance(&s->random, 40);
    unsigned one = keeps_code ? about.code : free_code(s);
    if (!keeps_code && find(s, (int)one))
        return;
    end(s, find(s, (int)about.code));
    begin(s, one, about.parent, about.level);
    unsigned other = free_code(s);
    if (!find(s, (int)other))
        begin(s, other, about.parent, about.level);
    if (one != about.code)
        move_below(s, about.code, (int)one);
    bool decided = random_chance(&s->random, 40);
    succeed(s, about.code, one, decided ? PEOPLE_ALL : PEOPLE_PART);
    if (other != one)
        succeed(s, about.code, other, PEOPLE_PART);
}

static void retire(struct story *s)
{
    struct life *life = some_life(s);
    if (life->level >= 2 && !has_below(s, life->code) && may_end(s, life))
        end(s, life);
}

static void begin_one(struct story *s)
{
    struct life parent = *some_life(s);
    unsigned code = free_code(s);
    if (parent.level < 6 && !find(s, (int)code))
        begin(s, code, (int)parent.code, (uint8_t)(parent.level + 1 + random_below(&s->random, 2)));
}

static void begin_anew(struct story *s)
{
    struct life about = *some_life(s);
    if (!may_end(s, find(s, (int)about.code)))
        return;
    end(s, find(s, (int)about.code));
    begin(s, about.code, about.parent, about.level);
    if (random_chance(&s->random, 85))
        succeed(s, about.code, about.code, mostly_all(s));
}

static void dissolve(struct story *s)
{
    struct life about = *some_life(s);
    if (about.parent == NOBODY || !may_end(s, find(s, (int)about.code)))
        return;
    move_below(s, about.code, about.parent);
    end(s, find(s, (int)about.code));
    if (random_chance(&s->random, 60))
        succeed(s, about.code,
                random_chance(&s->random, 50) ? (unsigned)about.parent : some_life(s)->code,
                mostly_all(s));
}

static void change_level(struct story *s)
{
    struct life *life = some_life(s);
    const struct life *parent = find(s, life->parent);
    if (parent && parent->level + 1 < life->level) {
        life->level--;
        cut(s, life);
    } else if (!has_below(s, life->code) && parent && life->level < 5) {
        life->level++;
        cut(s, life);
    }
}

static void happen(struct story *s, const struct event *event)
{
    s->on = event->on;
    s->random = (struct random){event->chance};
    switch (event->kind) {
    case EVENT_MOVE:
        move(s);
        break;
    case EVENT_MERGE_INTO_NEW:
    case EVENT_MERGE_INTO_SELF:
    case EVENT_MERGE_INTO_ONE:
        merge(s, event->kind);
        break;
    case EVENT_SPLIT:
        split(s);
        break;
    case EVENT_RETIRE:
        retire(s);
        break;
    case EVENT_BEGIN:
        begin_one(s);
        break;
    case EVENT_BEGIN_ANEW:
        begin_anew(s);
        break;
    case EVENT_RENAME:
        cut(s, some_life(s));
        break;
    case EVENT_DISSOLVE:
        dissolve(s);
        break;
    case EVENT_LEVEL:
        change_level(s);
        break;
    case EVENT_KIND_COUNT:
        break;
    }
}

static void begin_story(struct story *s, const struct random_tree *t)
{
    s->on = t->first;
    begin(s, s->code_count++, NOBODY, 1);
    for (unsigned i = 0; i < t->districts; i++)
        begin(s, s->code_count++, 0, 2);
    for (unsigned i = 0; i < t->communes; i++)
        begin(s, s->code_count++, 1 + (int)(i % t->districts), 3);
    begin(s, s->code_count++, NOBODY, 1); /* a second province */
    begin(s, s->code_count, (int)s->code_count - 1, 3);
    s->code_count++;
}

void random_tree_spec(const struct random_tree *t, struct arena *arena, struct catalogue_spec *out)
{
    struct story *s = alloc_zeroed(1, sizeof *s);
    s->arena = arena;
    s->spans = arena_alloc(arena, SPANS_MAX * sizeof *s->spans);
    s->successions = arena_alloc(arena, SUCCESSIONS_MAX * sizeof *s->successions);
    begin_story(s, t);
    for (unsigned i = 0; i < t->event_count; i++)
        happen(s, &t->events[i]);
    *out = (struct catalogue_spec){s->spans, s->span_count, s->successions, s->succession_count};
    free(s);
}
