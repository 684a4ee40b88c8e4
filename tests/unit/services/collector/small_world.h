/* A district with two communes, one that ends, its neighbour, and an island district that has a
 * commune for a month; one plan; and batches written as rows of text. */
#ifndef TONGHOP_TESTS_SMALL_WORLD_H
#define TONGHOP_TESTS_SMALL_WORLD_H

#include <string.h>

#include "common/base/arena.h"
#include "common/model/observation.h"
#include "common/model/registry.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static inline struct ident world_ident(const char *text)
{
    struct ident id = {""};
    ident_set(&id, slice_str(text));
    return id;
}

static inline day_t world_day(const char *text)
{
    day_t d = DAY_NEVER;
    day_parse(slice_str(text), &d, NULL);
    return d;
}

static inline int64_t world_ms(const char *text)
{
    int64_t time_ms = -1;
    day_time_parse(slice_str(text), &time_ms, NULL);
    return time_ms;
}

static inline void world_catalogue(struct arena *arena, struct catalogue_spec *out)
{
    static const struct {
        const char *code, *from, *to, *type, *parent;
        uint8_t level;
    } rows[] = {
        {"31", "2020-01-01", "", "province", "", 1},
        {"303", "2020-01-01", "2025-06-30", "district", "31", 2},
        {"304", "2020-01-01", "2025-06-30", "district", "31", 2},
        {"11329", "2020-01-01", "2025-06-30", "commune", "303", 3},
        {"1132901", "2025-02-01", "2025-02-28", "village", "11329", 4},
        {"11341", "2020-01-01", "2024-12-31", "commune", "303", 3},
        {"11342", "2025-01-01", "2025-06-30", "commune", "303", 3},
        {"11400", "2020-01-01", "2025-06-30", "commune", "304", 3},
        {"318", "2020-01-01", "2025-06-30", "district", "31", 2},
        {"11500", "2025-02-01", "2025-02-28", "commune", "318", 3},
    };
    *out = (struct catalogue_spec){.span_count = COUNT_OF(rows)};
    out->spans = arena_alloc(arena, sizeof *out->spans * COUNT_OF(rows));
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        out->spans[i] = (struct unit_span){.code = world_ident(rows[i].code),
                                           .from = world_day(rows[i].from),
                                           .to = rows[i].to[0] ? world_day(rows[i].to) : DAY_NEVER,
                                           .name = rows[i].code,
                                           .type = rows[i].type,
                                           .level = rows[i].level,
                                           .parent = world_ident(rows[i].parent)};
}

static inline struct indicator world_indicator(const char *id, enum indicator_kind kind,
                                               enum indicator_entry entry, int64_t minimum,
                                               int64_t maximum, uint32_t reporters,
                                               enum period_kind period)
{
    struct indicator i = {.id = world_ident(id),
                          .name = id,
                          .kind = kind,
                          .entry = entry,
                          .measure = world_ident("persons"),
                          .minimum = minimum,
                          .maximum = maximum,
                          .reporters = reporters,
                          .period = period,
                          .record_count = 1};
    i.records[0] = (struct source_of_record){world_day("2020-01-01"), world_ident("hkh")};
    return i;
}

static inline void world_plan(struct arena *arena, struct plan *out)
{
    const int64_t most = OBSERVATION_VALUE_MAX;
    struct indicator share = {.id = world_ident("share"),
                              .name = "share",
                              .kind = INDICATOR_RATIO,
                              .numerator = world_ident("classes"),
                              .denominator = world_ident("visits")};
    struct indicator all[] = {
        world_indicator("classes", INDICATOR_FLOW, ENTRY_SET, 0, 1000, REPORTS_LEAF, PERIOD_DAY),
        world_indicator("members", INDICATOR_STOCK, ENTRY_SET, 0, most, REPORTS_LEAF, PERIOD_MONTH),
        world_indicator("calls", INDICATOR_FLOW, ENTRY_TALLY, -100, 100, REPORTS_LEAF, PERIOD_DAY),
        world_indicator("visits", INDICATOR_FLOW, ENTRY_SET, -most, most, 1u << 2, PERIOD_DAY),
        share,
    };
    *out = (struct plan){.id = world_ident("plan"),
                         .version = 1,
                         .title = "plan",
                         .document = "document",
                         .root = world_ident("31"),
                         .from = world_day("2024-01-01"),
                         .to = world_day("2025-12-31"),
                         .source_count = 1,
                         .indicator_count = COUNT_OF(all)};
    out->sources = arena_alloc(arena, sizeof *out->sources);
    out->sources[0] = (struct source){world_ident("hkh"), "hkh"};
    out->indicators = arena_alloc(arena, sizeof all);
    memcpy(out->indicators, all, sizeof all);
}

struct world_row {
    const char *unit;
    const char *indicator;
    const char *day;
    enum op op;
    int64_t value;
};

static inline uint32_t world_add(struct slice *dictionary, uint32_t *count, const char *text)
{
    for (uint32_t i = 0; i < *count; i++)
        if (slice_equal(dictionary[i], slice_str(text)))
            return i;
    dictionary[*count] = slice_str(text);
    return (*count)++;
}

static inline struct batch world_batch(struct arena *arena, int64_t reported_at_ms,
                                       const struct world_row *rows, uint32_t count)
{
    struct batch b = {.reported_at_ms = reported_at_ms, .row_count = count};
    b.units = arena_alloc(arena, count * sizeof *b.units);
    b.indicators = arena_alloc(arena, count * sizeof *b.indicators);
    b.unit_refs = arena_alloc(arena, count * sizeof *b.unit_refs);
    b.indicator_refs = arena_alloc(arena, count * sizeof *b.indicator_refs);
    b.days = arena_alloc(arena, count * sizeof *b.days);
    b.ops = arena_alloc(arena, count);
    b.values = arena_alloc(arena, count * sizeof *b.values);
    for (uint32_t i = 0; i < count; i++) {
        b.unit_refs[i] = world_add(b.units, &b.unit_count, rows[i].unit);
        b.indicator_refs[i] = world_add(b.indicators, &b.indicator_count, rows[i].indicator);
        b.days[i] = world_day(rows[i].day);
        b.ops[i] = (uint8_t)rows[i].op;
        b.values[i] = rows[i].value;
    }
    return b;
}

#endif
