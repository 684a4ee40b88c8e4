#include "tests/support/province.h"

#include "common/base/alloc.h"
#include "common/journal/journal.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

enum { QUERY_WAIT_MS = 30000, FETCH_BYTES = 4 << 20 };

const char province_code[] = "31";
const char *const province_districts[PROVINCE_DISTRICTS] = {"303", "304"};
const char *const province_communes[PROVINCE_COMMUNES] = {"11001", "11002", "11003", "11004",
                                                          "11101", "11102", "11103", "11104"};

static struct ident ident_of(const char *text)
{
    struct ident id = {""};
    ck_assert_msg(ident_set(&id, slice_str(text)), "\"%s\" is no identifier", text);
    return id;
}

static day_t day_from(const char *text)
{
    day_t day = DAY_NEVER;
    ck_assert_int_eq(day_parse(slice_str(text), &day, NULL), 0);
    return day;
}

/* --- what is applied */

static struct unit_span unit_of(const char *code, const char *type, uint8_t level,
                                const char *parent)
{
    struct unit_span span = {.code = ident_of(code),
                             .from = day_from("2020-01-01"),
                             .to = DAY_NEVER,
                             .name = code,
                             .type = type,
                             .level = level};
    if (parent)
        span.parent = ident_of(parent);
    return span;
}

enum { UNITS = 1 + PROVINCE_DISTRICTS + PROVINCE_COMMUNES };

static void list_units(struct unit_span spans[UNITS])
{
    *spans++ = unit_of(province_code, "province", 1, NULL);
    for (unsigned i = 0; i < PROVINCE_DISTRICTS; i++)
        *spans++ = unit_of(province_districts[i], "district", 2, province_code);
    for (unsigned i = 0; i < PROVINCE_COMMUNES; i++)
        *spans++ = unit_of(province_communes[i], "commune", 3,
                           province_districts[i * PROVINCE_DISTRICTS / PROVINCE_COMMUNES]);
}

static uint64_t apply_catalogue(struct cluster *c, struct unit_span *spans, uint32_t count)
{
    struct wire_apply a = {.kind = WIRE_APPLY_CATALOGUE,
                           .catalogue = {.spans = spans, .span_count = count}};
    return cluster_apply(c, &a);
}

uint64_t province_end_unit(struct cluster *c, const char *code, const char *last_day)
{
    struct unit_span spans[UNITS];
    list_units(spans);
    for (uint32_t i = 0; i < UNITS; i++)
        if (code && strcmp(spans[i].code.text, code) == 0)
            spans[i].to = day_from(last_day);
    return apply_catalogue(c, spans, UNITS);
}

uint64_t province_add_former(struct cluster *c, uint32_t count)
{
    struct unit_span *spans = alloc_zeroed(UNITS + count, sizeof *spans);
    char code[IDENT_BYTES_MAX];
    list_units(spans);
    for (uint32_t i = 0; i < count; i++) {
        struct unit_span *span = &spans[UNITS + i];
        snprintf(code, sizeof code, "former.%u", i);
        *span = unit_of(code, "commune", 3, province_districts[i % PROVINCE_DISTRICTS]);
        span->name = "Xã của một danh mục đã hết hiệu lực";
        span->to = day_from("2020-12-31");
    }
    uint64_t offset = apply_catalogue(c, spans, UNITS + count);
    free(spans);
    return offset;
}

static struct indicator indicator_of(const char *id, enum indicator_kind kind,
                                     enum indicator_entry entry, enum period_kind period)
{
    struct indicator i = {.id = ident_of(id),
                          .name = id,
                          .kind = kind,
                          .entry = entry,
                          .measure = ident_of("persons"),
                          .minimum = entry == ENTRY_TALLY ? -OBSERVATION_VALUE_MAX : 0,
                          .maximum = OBSERVATION_VALUE_MAX,
                          .reporters = 1u << 3,
                          .period = period,
                          .record_count = 1};
    i.records[0] = (struct source_of_record){day_from("2020-01-01"), ident_of("hkh")};
    return i;
}

static uint64_t apply_plan(struct cluster *c, uint32_t version, unsigned target_count)
{
    struct indicator indicators[] = {
        indicator_of("classes", INDICATOR_FLOW, ENTRY_SET, PERIOD_DAY),
        indicator_of("calls", INDICATOR_FLOW, ENTRY_TALLY, PERIOD_DAY),
        indicator_of("members", INDICATOR_STOCK, ENTRY_SET, PERIOD_MONTH),
    };
    struct source source = {ident_of("hkh"), "Hội Khuyến học"};
    struct duty duty = {.indicator = ident_of("classes"),
                        .from = day_from("2024-01-01"),
                        .to = day_from("2024-12-31"),
                        .due_days = 1};
    struct target target = {.id = ident_of("goal"),
                            .title = "goal",
                            .clause = "",
                            .indicator = ident_of("classes"),
                            .unit = ident_of(province_code),
                            .lower = 1000,
                            .start = day_from("2024-09-01"),
                            .due = day_from("2024-09-30"),
                            .weekend_permille = 1000};
    struct plan plan = {.id = ident_of("plan"),
                        .version = version,
                        .title = "plan",
                        .document = "document",
                        .root = ident_of(province_code),
                        .from = day_from("2024-01-01"),
                        .to = day_from("2024-12-31"),
                        .sources = &source,
                        .source_count = 1,
                        .indicators = indicators,
                        .indicator_count = sizeof indicators / sizeof *indicators,
                        .duties = &duty,
                        .duty_count = 1,
                        .targets = &target,
                        .target_count = target_count};
    return cluster_apply(c, &(struct wire_apply){.kind = WIRE_APPLY_PLAN, .plan = plan});
}

uint64_t province_add_target(struct cluster *c)
{
    return apply_plan(c, 2, 1);
}

uint64_t province_apply(struct cluster *c)
{
    struct wire_apply tick = {.kind = WIRE_APPLY_REPLAY_TICK, .time_ms = PROVINCE_TIME_MS};
    cluster_apply(c, &tick);
    province_end_unit(c, NULL, NULL);
    return apply_plan(c, 1, 0);
}

/* --- figures */

static uint32_t refer(struct slice *dictionary, uint32_t *count, const char *text)
{
    for (uint32_t i = 0; i < *count; i++)
        if (slice_equal(dictionary[i], slice_str(text)))
            return i;
    dictionary[*count] = slice_str(text);
    return (*count)++;
}

struct batch province_batch_of(struct arena *arena, const struct province_row *rows, uint32_t count)
{
    struct batch b = {.reported_at_ms = PROVINCE_TIME_MS,
                      .row_count = count,
                      .units = arena_alloc(arena, count * sizeof *b.units),
                      .indicators = arena_alloc(arena, count * sizeof *b.indicators),
                      .unit_refs = arena_alloc(arena, count * sizeof *b.unit_refs),
                      .indicator_refs = arena_alloc(arena, count * sizeof *b.indicator_refs),
                      .days = arena_alloc(arena, count * sizeof *b.days),
                      .ops = arena_alloc(arena, count),
                      .values = arena_alloc(arena, count * sizeof *b.values)};
    for (uint32_t i = 0; i < count; i++) {
        b.unit_refs[i] = refer(b.units, &b.unit_count, rows[i].unit);
        b.indicator_refs[i] = refer(b.indicators, &b.indicator_count, rows[i].indicator);
        b.days[i] = day_from(rows[i].day);
        b.ops[i] = (uint8_t)rows[i].op;
        b.values[i] = rows[i].value;
    }
    return b;
}

struct batch province_batch(struct arena *arena, const char *unit, const char *indicator,
                            const char *day, enum op op, int64_t value)
{
    const struct province_row row = {unit, indicator, day, op, value};
    return province_batch_of(arena, &row, 1);
}

int province_ask(struct peer *p, const char *unit, const char *indicator, uint64_t not_before,
                 struct wire_answer *out, struct err *e)
{
    struct wire_question question = {.unit = ident_of(unit),
                                     .indicator = ident_of(indicator),
                                     .first = day_from(PROVINCE_DAY),
                                     .last = day_from(PROVINCE_DAY)};
    struct wire_query query = {.question_count = 1,
                               .questions = &question,
                               .not_before = not_before,
                               .wait_ms = QUERY_WAIT_MS};
    struct wire_query_reply reply;
    int rc = peer_query(p, &query, &reply, e);
    if (rc != 0)
        return rc;
    ck_assert_uint_eq(reply.answer_count, 1);
    ck_assert_uint_ge(reply.offset, not_before);
    *out = reply.answers[0];
    return out->code == 0 ? 0 : err_set(e, out->code, "%s", out->message);
}

int64_t province_sum(struct cluster *c, const char *unit, const char *indicator,
                     uint64_t not_before)
{
    struct wire_answer answer = {0};
    struct peer p;
    struct err e = {0};
    cluster_peer_aggregator(c, &p, &c->operator_keys);
    int rc = province_ask(&p, unit, indicator, not_before, &answer, &e);
    ck_assert_msg(rc == 0, "query of %s %s: %s", unit, indicator, e.text);
    peer_close(&p);
    return answer.has_value ? answer.value : 0;
}

/* --- the journal */

struct journal_walk {
    uint64_t next_offset;
    uint8_t hash[HASH_BYTES];
    void (*visit)(void *arg, const struct entry *e);
    void *arg;
};

static void walk_commit(struct journal_walk *w, struct slice commit)
{
    struct commit_head head;
    struct slice entries;
    struct arena arena;
    struct err e = {0};
    arena_init(&arena, 0);
    ck_assert_msg(journal_commit_decode(commit, &head, &entries, &e) == 0, "%s", e.text);
    ck_assert_uint_eq(head.first_offset, w->next_offset);
    ck_assert_mem_eq(head.previous_hash, w->hash, HASH_BYTES);
    for (uint32_t i = 0; i < head.entry_count; i++) {
        struct entry entry;
        int rc = journal_entry_decode(&entries, &head, i, true, &arena, &entry, &e);
        ck_assert_msg(rc == 0, "%s", e.text);
        w->visit(w->arg, &entry);
    }
    w->next_offset += head.entry_count;
    memcpy(w->hash, head.hash, HASH_BYTES);
    arena_fini(&arena);
}

/* The head as the collector told it. */
static uint64_t fetch_some(struct peer *p, struct journal_walk *w)
{
    struct wire_fetch fetch = {.from_offset = w->next_offset, .bytes_max = FETCH_BYTES};
    struct buf message = {0};
    struct slice reply;
    struct wire_commits commits;
    struct err e = {0};
    memcpy(fetch.previous_hash, w->hash, HASH_BYTES);
    wire_pack_fetch(&fetch, &message);
    int rc = peer_ask(p, WIRE_FETCH, buf_slice(&message), &reply, &e);
    buf_fini(&message);
    if (rc == 0)
        rc = wire_unpack_commits(reply, &commits, &e);
    ck_assert_msg(rc == 0, "fetch: %s", e.text);
    struct reader r = reader_of(commits.commit_count > 0 ? p->reply.frames[2] : slice_of(NULL, 0));
    for (uint32_t i = 0; i < commits.commit_count; i++) {
        uint32_t len = reader_u32(&r);
        walk_commit(w, reader_bytes(&r, len));
    }
    ck_assert(reader_done(&r));
    return commits.head_offset;
}

uint64_t province_visit_journal(struct cluster *c, const struct net_keypair *keys,
                                void (*visit)(void *arg, const struct entry *e), void *arg)
{
    struct journal_walk w = {.next_offset = 1, .visit = visit, .arg = arg};
    struct peer p;
    cluster_peer_collector(c, &p, keys);
    while (fetch_some(&p, &w) >= w.next_offset)
        continue;
    peer_close(&p);
    return w.next_offset - 1;
}
