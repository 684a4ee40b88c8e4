#include "tests/support/history.h"

#include <check.h>

static const char *const code_texts[HISTORY_CODES] = {"31",    "30",    "312",   "318",   "306",
                                                      "11341", "11347", "11587", "11599", "11602",
                                                      "v.9",   "v.10",  "V.1",   "v-2"};

const char *history_code(int code)
{
    return code_texts[code];
}

struct ident history_ident(const char *text)
{
    struct ident out = {""};
    if (text[0] != '\0')
        ck_assert_msg(ident_set(&out, slice_str(text)), "%s", text);
    return out;
}

/* splitmix64 */
uint32_t history_random(struct history *h, uint32_t below)
{
    uint64_t z = h->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ z >> 31) >> 32) % below;
}

static bool chance(struct history *h, uint32_t percent)
{
    return history_random(h, 100) < percent;
}

static uint8_t first_level(int code)
{
    return code < 2 ? 1 : code < 5 ? 2 : code < 10 ? 3 : 4;
}

static bool may_be_parent(const struct history *h, int parent, int code, int day)
{
    const struct history_cell *p = &h->cells[parent][day];
    return p->alive && p->level < h->cells[code][day].level;
}

static int choose_parent(struct history *h, int code, int day)
{
    if (chance(h, 15))
        return -1;
    int start = (int)history_random(h, HISTORY_CODES);
    for (int i = 0; i < code; i++)
        if (may_be_parent(h, (start + i) % code, code, day))
            return (start + i) % code;
    return -1;
}

/* Codes are grown in order of index, so that those who may be parents are known for the day. */
static void grow_cell(struct history *h, int code, int day)
{
    struct history_cell *now = &h->cells[code][day];
    struct history_cell before = {.level = first_level(code), .parent = -1};
    if (day > 0)
        before = h->cells[code][day - 1];
    *now = before;
    now->alive = before.alive ? !chance(h, 3) : chance(h, day == 0 ? 70 : 8);
    if (2 <= code && code < 5 && chance(h, 2))
        now->level = now->level == 2 ? 3 : 2;
    bool keeps = before.alive && (now->parent < 0 || may_be_parent(h, now->parent, code, day));
    if (!keeps || chance(h, 4))
        now->parent = choose_parent(h, code, day);
    if (now->alive && (!before.alive || chance(h, 3)))
        now->unit++;
}

static bool same_span(const struct history_cell *a, const struct history_cell *b)
{
    return b->alive && a->unit == b->unit && a->parent == b->parent && a->level == b->level;
}

static int add_span(struct history *h, int code, int day)
{
    const struct history_cell *cells = h->cells[code];
    int end = day;
    while (end + 1 < HISTORY_DAYS && same_span(&cells[day], &cells[end + 1]) && !chance(h, 2))
        end++;
    struct unit_span *s = &h->spec.spans[h->spec.span_count++];
    *s = (struct unit_span){.from = HISTORY_FIRST + day,
                            .to = end + 1 == HISTORY_DAYS ? DAY_NEVER : HISTORY_FIRST + end,
                            .name = "Xã",
                            .type = "Xã",
                            .level = cells[day].level};
    s->begins = day == 0 || !cells[day - 1].alive || cells[day - 1].unit != cells[day].unit;
    ident_set(&s->code, slice_str(history_code(code)));
    if (cells[day].parent >= 0)
        ident_set(&s->parent, slice_str(history_code(cells[day].parent)));
    return end + 1;
}

static void add_spans(struct history *h, int code)
{
    for (int day = 0; day < HISTORY_DAYS;)
        day = h->cells[code][day].alive ? add_span(h, code, day) : day + 1;
}

static void shuffle_spans(struct history *h)
{
    for (uint32_t i = h->spec.span_count; i > 1; i--) {
        uint32_t other = history_random(h, i);
        struct unit_span kept = h->spans[i - 1];
        h->spans[i - 1] = h->spans[other];
        h->spans[other] = kept;
    }
}

static bool said_already(const struct history *h, const struct succession *s)
{
    for (uint32_t i = 0; i < h->spec.succession_count; i++) {
        const struct succession *one = &h->successions[i];
        if (one->on != s->on || strcmp(one->old_code.text, s->old_code.text) != 0)
            continue;
        if (strcmp(one->new_code.text, s->new_code.text) == 0 ||
            (one->people == PEOPLE_ALL && s->people == PEOPLE_ALL))
            return true;
    }
    return false;
}

static void add_succession(struct history *h, int code, int day)
{
    int heir = (int)history_random(h, HISTORY_CODES);
    if (!h->cells[heir][day].alive)
        return;
    struct succession s = {.on = HISTORY_FIRST + day,
                           .people = (enum succession_people)history_random(h, 3)};
    ident_set(&s.old_code, slice_str(history_code(code)));
    ident_set(&s.new_code, slice_str(history_code(heir)));
    if (!said_already(h, &s))
        h->successions[h->spec.succession_count++] = s;
}

static void add_successions(struct history *h, int code)
{
    for (int day = 1; day < HISTORY_DAYS; day++) {
        const struct history_cell *before = &h->cells[code][day - 1], *now = &h->cells[code][day];
        if (!before->alive || (now->alive && now->unit == before->unit))
            continue;
        for (uint32_t i = history_random(h, 4); i > 0; i--)
            add_succession(h, code, day);
    }
}

void history_make(struct history *h, uint64_t seed)
{
    memset(h, 0, sizeof *h);
    h->random = seed;
    h->spec.spans = h->spans;
    h->spec.successions = h->successions;
    for (int day = 0; day < HISTORY_DAYS; day++)
        for (int code = 0; code < HISTORY_CODES; code++)
            grow_cell(h, code, day);
    for (int code = 0; code < HISTORY_CODES; code++)
        add_spans(h, code);
    for (int code = 0; code < HISTORY_CODES; code++)
        add_successions(h, code);
    shuffle_spans(h);
}
