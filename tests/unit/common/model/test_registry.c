#include "common/model/observation.h"
#include "common/model/registry.h"
#include "tests/support/history.h"
#include "tests/support/suite.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    D2024 = 19723, /* 2024-01-01 */
    D2025 = 20089, /* 2025-01-01 */
};

static struct unit_span span(const char *code, day_t from, day_t to, uint8_t level,
                             const char *parent, bool begins)
{
    return (struct unit_span){history_ident(code),   from,  to, "Xã", "Xã", level,
                              history_ident(parent), begins};
}

/* Communes 1 and 2 of district 312 become the new 1 in 2025; 318 is an island without communes. */
static void apply_units(struct registry *r)
{
    struct unit_span spans[] = {
        span("31", D2024, DAY_NEVER, 1, "", false),
        span("312", D2024, DAY_NEVER, 2, "31", false),
        span("318", D2024, DAY_NEVER, 2, "31", false),
        span("1", D2024, D2025 - 1, 3, "312", false),
        span("2", D2024, D2025 - 1, 3, "312", false),
        span("1", D2025, DAY_NEVER, 3, "312", true),
    };
    struct succession successions[] = {{D2025, history_ident("1"), history_ident("1"), PEOPLE_ALL},
                                       {D2025, history_ident("2"), history_ident("1"), PEOPLE_ALL}};
    struct catalogue_spec spec = {spans, 6, successions, 2};
    struct err err = {0};
    ck_assert_msg(registry_apply_catalogue(r, &spec, &err) == 0, "%s", err.text);
}

struct sample {
    struct plan plan;
    struct source sources[2];
    struct indicator indicators[3];
    struct duty duties[2];
};

static struct indicator counted(const char *name, enum indicator_kind kind, uint32_t reporters)
{
    struct indicator one = {.id = history_ident(name),
                            .name = "Số công dân",
                            .kind = kind,
                            .measure = history_ident("persons"),
                            .maximum = OBSERVATION_VALUE_MAX,
                            .reporters = reporters,
                            .period = PERIOD_DAY,
                            .record_count = 1};
    one.records[0] = (struct source_of_record){D2024 + 10, history_ident("association")};
    return one;
}

static void make_plan(struct sample *s, const char *name, uint32_t version)
{
    *s = (struct sample){.sources = {{history_ident("association"), "Hội Khuyến học"},
                                     {history_ident("software"), "Phần mềm"}},
                         .indicators = {counted("registered", INDICATOR_STOCK, REPORTS_LEAF),
                                        counted("classes", INDICATOR_FLOW, 1u << 3)},
                         .duties = {{history_ident("registered"), D2024 + 10, D2024 + 400, 2}}};
    s->indicators[2] = (struct indicator){.id = history_ident("share"),
                                          .name = "Tỷ lệ",
                                          .kind = INDICATOR_RATIO,
                                          .reporters = REPORTS_LEAF,
                                          .numerator = history_ident("registered"),
                                          .denominator = history_ident("classes")};
    s->plan = (struct plan){.id = history_ident(name),
                            .version = version,
                            .title = "Tháng Khuyến học",
                            .root = history_ident("31"),
                            .from = D2024,
                            .to = D2025,
                            .sources = s->sources,
                            .source_count = 2,
                            .indicators = s->indicators,
                            .indicator_count = 3,
                            .duties = s->duties,
                            .duty_count = 1};
}

static void apply_plan(struct registry *r, const struct sample *s)
{
    struct err err = {0};
    ck_assert_msg(registry_apply_plan(r, &s->plan, &err) == 0, "%s", err.text);
}

static struct producer_change officer(const char *name, uint32_t roles, const char *scope)
{
    struct producer_change change = {.kind = PRODUCER_SET};
    change.producer.name = history_ident(name);
    change.producer.roles = roles;
    if (roles & ROLE_SUBMIT)
        change.producer.source = history_ident("association");
    if (scope[0] != '\0')
        change.producer.scopes[change.producer.scope_count++] = history_ident(scope);
    return change;
}

static struct producer_change key_change(enum producer_change_kind kind, const char *name,
                                         uint8_t key)
{
    struct producer_change change = {.kind = kind};
    change.producer.name = history_ident(name);
    memset(change.key, key, sizeof change.key);
    return change;
}

static void apply(struct registry *r, struct producer_change change)
{
    struct err err = {0};
    ck_assert_msg(registry_apply_producer(r, &change, &err) == 0, "%s", err.text);
}

static struct registry *registry_with_units_and_plan(void)
{
    struct sample s;
    struct registry *r = registry_create();
    apply_units(r);
    make_plan(&s, "hp", 1);
    apply_plan(r, &s);
    return r;
}

static uint32_t unit_of(const struct registry *r, const char *code, day_t on)
{
    const struct catalogue *c = registry_catalogue(r);
    return catalogue_unit_on(c, catalogue_code_find(c, slice_str(code)), on);
}

static uint32_t by_key(const struct registry *r, uint8_t key, bool *revoked)
{
    uint8_t bytes[KEY_BYTES];
    memset(bytes, key, sizeof bytes);
    return registry_producer_by_key(r, bytes, revoked);
}

/* Everything that can be asked of a registry, as text: two that read the same are the same. */
struct text {
    char bytes[65536];
    size_t len;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    t->len += (size_t)vsnprintf(t->bytes + t->len, sizeof t->bytes - t->len, format, args);
    va_end(args);
    ck_assert_uint_lt(t->len, sizeof t->bytes);
}

static void add_catalogue(struct text *t, const struct catalogue *c)
{
    for (uint32_t i = 0; i < catalogue_code_count(c); i++)
        add(t, "code %s\n", catalogue_code_text(c, i));
    for (uint32_t i = 0; i < catalogue_unit_count(c); i++) {
        const struct unit *u = catalogue_unit(c, i);
        add(t, "unit %u %d %d heir %u\n", u->code, u->from, u->to, u->heir);
    }
}

static void add_indicators(struct text *t, const struct registry *r)
{
    for (uint32_t i = 0; i < registry_indicator_count(r); i++) {
        const struct indicator *one = registry_indicator(r, i);
        add(t, "indicator %s %s %d..%" PRId64 " %u\n", one->id.text, one->name, (int)one->kind,
            one->maximum, registry_record_on(r, i, D2025));
        for (day_t on = D2024; on < D2025 + 366; on++) {
            const struct duty *duty = registry_duty_on(r, i, on);
            if (duty)
                add(t, " %d:%u", on - D2024, duty->due_days);
        }
        add(t, "\n");
    }
}

static void add_producers(struct text *t, const struct registry *r)
{
    for (uint32_t i = 0; i < registry_producer_count(r); i++) {
        const struct producer *p = registry_producer(r, i);
        add(t, "producer %s %u %s %d %d", p->name.text, p->roles, p->source.text, p->retired,
            p->scopes_on);
        for (unsigned k = 0; k < p->scope_count; k++)
            add(t, " scope %s", p->scopes[k].text);
        for (unsigned k = 0; k < p->key_count; k++)
            add(t, " key %u %d", p->keys[k].bytes[0], p->keys[k].revoked);
        add(t, "\n");
    }
    for (unsigned key = 0; key < 256; key++) {
        bool revoked;
        uint32_t producer = by_key(r, (uint8_t)key, &revoked);
        if (producer != REGISTRY_NONE)
            add(t, "key %u of %u %d\n", key, producer, revoked);
    }
}

static void describe(const struct registry *r, struct text *t)
{
    t->len = 0;
    add_catalogue(t, registry_catalogue(r));
    for (uint32_t i = 0; i < registry_source_count(r); i++)
        add(t, "source %s %s\n", registry_source(r, i)->id.text, registry_source(r, i)->name);
    add_indicators(t, r);
    for (uint32_t i = 0; i < registry_plan_count(r); i++)
        add(t, "plan %s %u %s\n", registry_plan(r, i)->id.text, registry_plan(r, i)->version,
            registry_plan(r, i)->title);
    add_producers(t, r);
}

/* ---- catalogue ---- */

START_TEST(new_registry_is_empty)
{
    struct registry *r = registry_create();
    struct text t;
    describe(r, &t);
    ck_assert_uint_eq(t.len, 0);
    ck_assert_uint_eq(catalogue_unit_count(registry_catalogue(r)), 0);
    registry_destroy(r);
    registry_destroy(NULL);
}
END_TEST

START_TEST(refused_catalogue_leaves_the_one_before)
{
    struct registry *r = registry_with_units_and_plan();
    struct text before, after;
    struct unit_span spans[] = {span("77", D2024, DAY_NEVER, 1, "", false),
                                span("78", D2024, DAY_NEVER, 2, "79", false)};
    struct catalogue_spec spec = {spans, 2, NULL, 0};
    const struct catalogue *kept = registry_catalogue(r);
    describe(r, &before);
    ck_assert_int_eq(registry_apply_catalogue(r, &spec, NULL), ERR_INVALID);
    describe(r, &after);
    ck_assert_str_eq(after.bytes, before.bytes);
    ck_assert_ptr_eq(registry_catalogue(r), kept);
    registry_destroy(r);
}
END_TEST

START_TEST(codes_keep_their_ordinals_when_a_catalogue_is_applied_again)
{
    struct registry *r = registry_create();
    struct unit_span other[] = {span("9", D2024, DAY_NEVER, 1, "", false),
                                span("2", D2024, DAY_NEVER, 1, "", false)};
    struct catalogue_spec spec = {other, 2, NULL, 0};
    apply_units(r);
    uint32_t two = catalogue_code_find(registry_catalogue(r), slice_str("2"));
    uint32_t count = catalogue_code_count(registry_catalogue(r));
    ck_assert_int_eq(registry_apply_catalogue(r, &spec, NULL), 0);
    ck_assert_uint_eq(catalogue_code_find(registry_catalogue(r), slice_str("2")), two);
    ck_assert_uint_eq(catalogue_code_find(registry_catalogue(r), slice_str("9")), count);
    apply_units(r);
    ck_assert_uint_eq(catalogue_code_find(registry_catalogue(r), slice_str("2")), two);
    ck_assert_uint_eq(catalogue_code_count(registry_catalogue(r)), count + 1);
    ck_assert_uint_eq(unit_of(r, "9", D2024), CATALOGUE_NONE);
    registry_destroy(r);
}
END_TEST

/* ---- plans ---- */

static void check_plan_refused(struct registry *r, const struct sample *s, int code,
                               const char *sentence)
{
    struct text before, after;
    struct err err = {0};
    describe(r, &before);
    int rc = registry_apply_plan(r, &s->plan, &err);
    ck_assert_msg(rc == code, "%d for: %s", rc, sentence);
    ck_assert_str_eq(err.text, sentence);
    describe(r, &after);
    ck_assert_str_eq(after.bytes, before.bytes);
}

START_TEST(refused_plan_leaves_all_as_it_was)
{
    struct registry *r = registry_with_units_and_plan();
    struct sample s;
    make_plan(&s, "hp", 1);
    check_plan_refused(r, &s, ERR_INVALID,
                       "version: 1 is not above 1, which was applied already: raise it");
    make_plan(&s, "hp", 2);
    s.plan.title = "";
    check_plan_refused(r, &s, ERR_INVALID, "title: is empty: people need something to read there");
    make_plan(&s, "hp", 2);
    s.plan.root = history_ident("99");
    check_plan_refused(r, &s, ERR_NOT_FOUND,
                       "root: \"99\" is no unit of the catalogue: apply a catalogue that has it "
                       "first, or correct the code");
    make_plan(&s, "hp", 2);
    s.sources[0].name = "tên khác";
    s.indicators[0].kind = INDICATOR_FLOW;
    check_plan_refused(
        r, &s, ERR_INVALID,
        "indicators[0].kind: \"registered\" was applied with another, and figures may "
        "stand under it: give the changed indicator a new id");
    registry_destroy(r);
}
END_TEST

START_TEST(meaning_of_an_indicator_never_changes)
{
    static const char *const parts[] = {"entry", "period", "calendar"};
    for (size_t i = 0; i < 3; i++) {
        struct registry *r = registry_with_units_and_plan();
        struct sample s;
        char sentence[256];
        make_plan(&s, "hp", 2);
        if (i == 0)
            s.indicators[1].entry = ENTRY_TALLY;
        else if (i == 1)
            s.indicators[1].period = PERIOD_MONTH;
        else
            s.indicators[1].calendar = CALENDAR_ADMINISTRATIVE;
        snprintf(
            sentence, sizeof sentence,
            "indicators[1].%s: \"classes\" was applied with another, and figures may stand under "
            "it: give the changed indicator a new id",
            parts[i]);
        check_plan_refused(r, &s, ERR_INVALID, sentence);
        registry_destroy(r);
    }
}
END_TEST

START_TEST(meaning_holds_even_when_the_indicator_was_dropped_between)
{
    struct registry *r = registry_with_units_and_plan();
    struct sample s;
    make_plan(&s, "hp", 2);
    s.plan.indicator_count = 1; /* classes and share are gone */
    apply_plan(r, &s);
    uint32_t classes = registry_indicator_find(r, slice_str("classes"));
    ck_assert_uint_eq(classes, 1);
    ck_assert_int_eq(registry_indicator(r, classes)->kind, INDICATOR_FLOW);
    make_plan(&s, "hp", 3);
    s.indicators[1].entry = ENTRY_TALLY;
    check_plan_refused(r, &s, ERR_INVALID,
                       "indicators[1].entry: \"classes\" was applied with another, and figures may "
                       "stand under it: give the changed indicator a new id");
    registry_destroy(r);
}
END_TEST

START_TEST(plan_applied_last_defines_an_indicator_that_plans_share)
{
    struct registry *r = registry_with_units_and_plan();
    struct sample s;
    uint32_t registered = registry_indicator_find(r, slice_str("registered"));
    const struct indicator *one = registry_indicator(r, registered);
    make_plan(&s, "tb", 1);
    s.indicators[0].name = "Tên khác";
    s.indicators[0].measure = history_ident("families");
    s.indicators[0].minimum = 1;
    s.indicators[0].maximum = 2;
    s.indicators[0].reporters = 1u << 2;
    s.indicators[0].records[0].source = history_ident("software");
    apply_plan(r, &s);
    ck_assert_uint_eq(registry_indicator_count(r), 3);
    ck_assert_str_eq(one->name, "Tên khác");
    ck_assert_str_eq(one->measure.text, "families");
    ck_assert_int_eq(one->minimum, 1);
    ck_assert_int_eq(one->maximum, 2);
    ck_assert_uint_eq(one->reporters, 1u << 2);
    ck_assert_uint_eq(registry_record_on(r, registered, D2025), 1);
    make_plan(&s, "hp", 2);
    apply_plan(r, &s);
    ck_assert_uint_eq(one->reporters, REPORTS_LEAF);
    ck_assert_uint_eq(registry_record_on(r, registered, D2025), 0);
    registry_destroy(r);
}
END_TEST

START_TEST(no_other_plan_may_break_the_meaning_either)
{
    struct registry *r = registry_with_units_and_plan();
    struct sample s;
    make_plan(&s, "tb", 1);
    s.indicators[1].entry = ENTRY_TALLY;
    check_plan_refused(r, &s, ERR_INVALID,
                       "indicators[1].entry: \"classes\" was applied with another, and figures may "
                       "stand under it: give the changed indicator a new id");
    registry_destroy(r);
}
END_TEST

START_TEST(plan_counts_alike_only_while_no_other_plan_redefined_its_indicators)
{
    struct registry *r = registry_with_units_and_plan();
    struct sample s, other;
    make_plan(&s, "hp", 2);
    s.plan.title = "Tên khác";
    ck_assert(registry_counts_alike(r, &s.plan));
    s.duties[0].to++;
    ck_assert(!registry_counts_alike(r, &s.plan));
    make_plan(&s, "hp", 2);
    make_plan(&other, "tb", 1);
    ck_assert_msg(!registry_counts_alike(r, &other.plan), "its duties are new");
    other.indicators[0].reporters = 1u << 2;
    apply_plan(r, &other);
    ck_assert_msg(!registry_counts_alike(r, &s.plan), "it would make leaves report again");
    registry_destroy(r);
}
END_TEST

/* ---- limits ---- */

/* Sources and indicators numbered from `first` on. The caller frees what it points to. */
static struct plan numbered_plan(unsigned number, unsigned source_count, unsigned indicator_count)
{
    char text[IDENT_BYTES_MAX];
    struct plan p = {.version = 1,
                     .title = "Kế hoạch",
                     .root = history_ident("31"),
                     .from = D2024,
                     .to = D2025,
                     .source_count = source_count,
                     .indicator_count = indicator_count};
    snprintf(text, sizeof text, "p%u", number);
    p.id = history_ident(text);
    p.sources = calloc(source_count, sizeof *p.sources);
    p.indicators = calloc(indicator_count + 1, sizeof *p.indicators);
    for (unsigned i = 0; i < source_count; i++) {
        snprintf(text, sizeof text, "s%u-%u", i > 0 ? number : 0, i);
        p.sources[i] = (struct source){history_ident(text), "Nguồn"};
    }
    for (unsigned i = 0; i < indicator_count; i++) {
        snprintf(text, sizeof text, "i%u-%u", number, i);
        p.indicators[i] = counted(text, INDICATOR_FLOW, REPORTS_LEAF);
        p.indicators[i].records[0].source = p.sources[0].id;
    }
    return p;
}

static int apply_numbered(struct registry *r, unsigned number, unsigned source_count,
                          unsigned indicator_count, struct err *err)
{
    struct plan p = numbered_plan(number, source_count, indicator_count);
    int rc = registry_apply_plan(r, &p, err);
    free(p.sources);
    free(p.indicators);
    return rc;
}

START_TEST(more_indicators_than_a_key_can_hold_are_refused)
{
    struct registry *r = registry_create();
    struct err err = {0};
    unsigned full = REGISTRY_INDICATORS_MAX / PLAN_INDICATORS_MAX;
    unsigned rest = REGISTRY_INDICATORS_MAX % PLAN_INDICATORS_MAX;
    apply_units(r);
    for (unsigned i = 1; i <= full; i++)
        ck_assert_msg(apply_numbered(r, i, 1, PLAN_INDICATORS_MAX, &err) == 0, "%s", err.text);
    ck_assert_int_eq(apply_numbered(r, full + 1, 1, rest + 1, &err), ERR_LIMIT);
    ck_assert_str_eq(err.text,
                     "indicators: 1024 are new and 64512 are known from all plans so far, which is "
                     "above 65535: use ids that were applied before");
    ck_assert_uint_eq(registry_indicator_count(r), full * PLAN_INDICATORS_MAX);
    ck_assert_int_eq(apply_numbered(r, full + 1, 1, rest, &err), 0);
    ck_assert_uint_eq(registry_indicator_count(r), REGISTRY_INDICATORS_MAX);
    registry_destroy(r);
}
END_TEST

START_TEST(more_sources_than_a_key_can_hold_are_refused)
{
    struct registry *r = registry_create();
    struct err err = {0};
    unsigned new_ones = PLAN_SOURCES_MAX - 1; /* the first is shared by all plans */
    unsigned full = (REGISTRY_SOURCES_MAX - 1) / new_ones;
    unsigned rest = (REGISTRY_SOURCES_MAX - 1) % new_ones;
    apply_units(r);
    for (unsigned i = 1; i <= full; i++)
        ck_assert_msg(apply_numbered(r, i, PLAN_SOURCES_MAX, 0, &err) == 0, "%s", err.text);
    ck_assert_int_eq(apply_numbered(r, full + 1, rest + 2, 0, &err), ERR_LIMIT);
    ck_assert_str_eq(err.text,
                     "sources: 255 are new and 65281 are known from all plans so far, which is "
                     "above 65535: use ids that were applied before");
    ck_assert_int_eq(apply_numbered(r, full + 1, rest + 1, 0, &err), 0);
    ck_assert_uint_eq(registry_source_count(r), REGISTRY_SOURCES_MAX);
    registry_destroy(r);
}
END_TEST

START_TEST(later_version_replaces_duties_bounds_and_records)
{
    struct registry *r = registry_with_units_and_plan();
    struct sample s;
    uint32_t registered = registry_indicator_find(r, slice_str("registered"));
    const struct indicator *handed_out = registry_indicator(r, registered);
    make_plan(&s, "hp", 2);
    s.indicators[0].maximum = 500;
    s.indicators[0].records[s.indicators[0].record_count++] =
        (struct source_of_record){D2025, history_ident("software")};
    s.duties[0].due_days = 5;
    s.duties[1] = (struct duty){history_ident("classes"), D2024, D2024 + 9, 0};
    s.plan.duty_count = 2;
    apply_plan(r, &s);
    ck_assert_uint_eq(registry_plan_count(r), 1);
    ck_assert_uint_eq(registry_plan(r, 0)->version, 2);
    ck_assert_ptr_eq(registry_indicator(r, registered), handed_out);
    ck_assert_int_eq(handed_out->maximum, 500);
    ck_assert_uint_eq(registry_duty_on(r, registered, D2024 + 10)->due_days, 5);
    ck_assert_uint_eq(registry_record_on(r, registered, D2024), REGISTRY_NONE);
    ck_assert_uint_eq(registry_record_on(r, registered, D2024 + 10), 0);
    ck_assert_uint_eq(registry_record_on(r, registered, D2025), 1);
    registry_destroy(r);
}
END_TEST

START_TEST(duty_due_first_holds_where_plans_share_an_indicator)
{
    struct registry *r = registry_with_units_and_plan();
    struct sample s;
    make_plan(&s, "tb", 1);
    s.duties[0].due_days = 1;
    s.duties[0].to = D2024 + 20;
    apply_plan(r, &s);
    ck_assert_uint_eq(registry_duty_on(r, 0, D2024 + 15)->due_days, 1);
    ck_assert_uint_eq(registry_duty_on(r, 0, D2024 + 21)->due_days, 2);
    ck_assert_ptr_null(registry_duty_on(r, 0, D2024 + 9));
    ck_assert_ptr_null(registry_duty_on(r, 0, D2024 + 401));
    registry_destroy(r);
}
END_TEST

START_TEST(nothing_is_owed_on_a_day_that_ends_no_period)
{
    struct registry *r = registry_create();
    struct sample s;
    apply_units(r);
    make_plan(&s, "hp", 1);
    s.indicators[0].period = PERIOD_MONTH;
    apply_plan(r, &s);
    day_t end = day_of(2024, 1, 31);
    ck_assert_ptr_nonnull(registry_duty_on(r, 0, end));
    ck_assert_ptr_null(registry_duty_on(r, 0, end - 1));
    ck_assert_uint_eq(registry_owed(r, 0, unit_of(r, "31", end), end), 3);
    ck_assert_uint_eq(registry_owed(r, 0, unit_of(r, "31", end), end - 1), 0);
    registry_destroy(r);
}
END_TEST

/* ---- producers ---- */

static void check_change_refused(struct registry *r, struct producer_change change, int code,
                                 const char *sentence)
{
    struct text before, after;
    struct err err = {0};
    describe(r, &before);
    int rc = registry_apply_producer(r, &change, &err);
    ck_assert_msg(rc == code, "%d for: %s", rc, sentence);
    ck_assert_str_eq(err.text, sentence);
    describe(r, &after);
    ck_assert_str_eq(after.bytes, before.bytes);
}

static struct producer_change with_source(struct producer_change change, const char *source)
{
    change.producer.source = history_ident(source);
    return change;
}

static struct producer_change with_day(struct producer_change change, day_t scopes_on)
{
    change.producer.scopes_on = scopes_on;
    return change;
}

static struct producer_change with_scope_count(struct producer_change change, unsigned count)
{
    change.producer.scope_count = count;
    return change;
}

START_TEST(faulty_change_of_a_producer_leaves_all_as_it_was)
{
    struct registry *r = registry_with_units_and_plan();
    apply(r, officer("an", ROLE_SUBMIT, "1"));
    apply(r, officer("binh", ROLE_SUBMIT, "2"));
    apply(r, officer("cu", ROLE_SUBMIT, "2"));
    apply(r, key_change(PRODUCER_KEY_ADD, "an", 1));
    apply(r, key_change(PRODUCER_KEY_ADD, "an", 2));
    apply(r, key_change(PRODUCER_KEY_REVOKE, "an", 2));
    apply(r, key_change(PRODUCER_RETIRE, "cu", 0));
    const struct {
        struct producer_change change;
        int code;
        const char *sentence;
    } rows[] = {
        {{.kind = PRODUCER_SET},
         ERR_INVALID,
         "producer: its name is not 1 to 32 of the characters 0-9 A-Z a-z . _ -"},
        {key_change((enum producer_change_kind)9, "an", 0), ERR_INVALID,
         "producer an: 9 is no kind of change"},
        {officer("an", 0, "1"), ERR_INVALID,
         "producer an: roles: say one or more of submit, subscribe, operate, service, delegate"},
        {officer("an", 1u << 9, "1"), ERR_INVALID,
         "producer an: roles: say one or more of submit, subscribe, operate, service, delegate"},
        {officer("new", ROLE_SUBMIT, ""), ERR_INVALID,
         "producer new: scopes: who submits must say for which units"},
        {with_source(officer("new", ROLE_SUBMIT, "1"), ""), ERR_INVALID,
         "producer new: source: who submits must say on whose behalf"},
        {with_source(officer("new", ROLE_SUBMIT, "1"), "ministry"), ERR_NOT_FOUND,
         "producer new: source: no plan has a source \"ministry\": apply the plan first, or "
         "correct "
         "the source"},
        {officer("new", ROLE_SUBSCRIBE, "99"), ERR_NOT_FOUND,
         "producer new: scopes[0]: \"99\" is no unit of the catalogue: apply a catalogue that has "
         "it "
         "first, or correct the code"},
        {with_day(officer("new", ROLE_SUBMIT, "2"), D2025), ERR_NOT_FOUND,
         "producer new: scopes[0]: no unit bears \"2\" on 2025-01-01: correct the code, or say a "
         "day on which the unit meant bears it"},
        {with_scope_count(officer("new", ROLE_SUBMIT, "1"), PRODUCER_SCOPES_MAX + 1), ERR_LIMIT,
         "producer new: scopes: 65 of them: a producer has at most 64"},
        {key_change(PRODUCER_KEY_ADD, "new", 7), ERR_NOT_FOUND,
         "producer new: is not registered: register it first"},
        {key_change(PRODUCER_KEY_ADD, "an", 0), ERR_INVALID,
         "producer an: the key is all zeros: it is no key"},
        {key_change(PRODUCER_KEY_ADD, "an", 1), ERR_EXISTS,
         "producer an: key 01010101... is bound to an already: make a new pair"},
        {key_change(PRODUCER_KEY_ADD, "binh", 1), ERR_EXISTS,
         "producer binh: key 01010101... is bound to an already: make a new pair"},
        {key_change(PRODUCER_KEY_ADD, "an", 2), ERR_INVALID,
         "producer an: key 02020202... was revoked, and is so for ever: make a new pair"},
        {key_change(PRODUCER_KEY_ADD, "binh", 2), ERR_INVALID,
         "producer binh: key 02020202... was revoked, and is so for ever: make a new pair"},
        {key_change(PRODUCER_KEY_REVOKE, "an", 2), ERR_EXISTS,
         "producer an: key 02020202... is revoked already"},
        {key_change(PRODUCER_KEY_REVOKE, "binh", 1), ERR_NOT_FOUND,
         "producer binh: key 01010101... is not one of its keys"},
        {key_change(PRODUCER_KEY_REVOKE, "new", 1), ERR_NOT_FOUND,
         "producer new: is not registered: register it first"},
        {key_change(PRODUCER_RETIRE, "new", 0), ERR_NOT_FOUND,
         "producer new: is not registered: register it first"},
        {key_change(PRODUCER_RETIRE, "cu", 0), ERR_INVALID,
         "producer cu: is retired for good: register another name"},
        {key_change(PRODUCER_KEY_ADD, "cu", 8), ERR_INVALID,
         "producer cu: is retired for good: register another name"},
        {officer("cu", ROLE_SUBMIT, "1"), ERR_INVALID,
         "producer cu: is retired for good: register another name"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_change_refused(r, rows[i].change, rows[i].code, rows[i].sentence);
    registry_destroy(r);
}
END_TEST

START_TEST(both_keys_hold_during_a_rotation)
{
    struct registry *r = registry_with_units_and_plan();
    bool old_revoked = true, new_revoked = true;
    apply(r, officer("an", ROLE_SUBMIT, "1"));
    apply(r, key_change(PRODUCER_KEY_ADD, "an", 9));
    apply(r, key_change(PRODUCER_KEY_ADD, "an", 3));
    ck_assert_uint_eq(by_key(r, 9, &old_revoked), 0);
    ck_assert_uint_eq(by_key(r, 3, &new_revoked), 0);
    ck_assert(!old_revoked && !new_revoked);
    apply(r, key_change(PRODUCER_KEY_REVOKE, "an", 9));
    ck_assert_uint_eq(by_key(r, 9, &old_revoked), 0);
    ck_assert_uint_eq(by_key(r, 3, &new_revoked), 0);
    ck_assert(old_revoked && !new_revoked);
    ck_assert_uint_eq(by_key(r, 4, &old_revoked), REGISTRY_NONE);
    ck_assert(!old_revoked);
    registry_destroy(r);
}
END_TEST

START_TEST(revoked_key_stays_revoked_over_years_of_rotations)
{
    struct registry *r = registry_with_units_and_plan();
    bool revoked;
    apply(r, officer("an", ROLE_SUBMIT, "1"));
    for (uint8_t key = 1; key < 100; key++) {
        apply(r, key_change(PRODUCER_KEY_ADD, "an", key));
        if (key > 1)
            apply(r, key_change(PRODUCER_KEY_REVOKE, "an", (uint8_t)(key - 1)));
    }
    apply(r, officer("an", ROLE_SUBMIT, "2"));
    for (uint8_t key = 1; key < 99; key++) {
        ck_assert_uint_eq(by_key(r, key, &revoked), 0);
        ck_assert_msg(revoked, "key %u", key);
    }
    ck_assert_uint_eq(by_key(r, 99, &revoked), 0);
    ck_assert(!revoked);
    ck_assert_uint_eq(registry_producer(r, 0)->key_count, PRODUCER_KEYS_MAX);
    ck_assert_str_eq(registry_producer(r, 0)->scopes[0].text, "2");
    struct err err = {0};
    struct producer_change again = key_change(PRODUCER_KEY_ADD, "an", 1);
    ck_assert_int_eq(registry_apply_producer(r, &again, &err), ERR_INVALID);
    registry_destroy(r);
}
END_TEST

START_TEST(eight_valid_keys_are_the_most)
{
    struct registry *r = registry_with_units_and_plan();
    apply(r, officer("an", ROLE_SUBMIT, "1"));
    for (uint8_t key = 1; key <= PRODUCER_KEYS_MAX; key++)
        apply(r, key_change(PRODUCER_KEY_ADD, "an", key));
    check_change_refused(r, key_change(PRODUCER_KEY_ADD, "an", 9), ERR_LIMIT,
                         "producer an: has 8 valid keys, the most there may be: revoke one first");
    apply(r, key_change(PRODUCER_KEY_REVOKE, "an", 4));
    apply(r, key_change(PRODUCER_KEY_ADD, "an", 9));
    registry_destroy(r);
}
END_TEST

START_TEST(ordinals_of_producers_follow_registration)
{
    struct registry *r = registry_with_units_and_plan();
    apply(r, officer("zz", ROLE_SUBMIT, "1"));
    apply(r, officer("aa", ROLE_SUBSCRIBE, "2"));
    apply(r, officer("zz", ROLE_SUBMIT, "312"));
    ck_assert_uint_eq(registry_producer_find(r, slice_str("zz")), 0);
    ck_assert_uint_eq(registry_producer_find(r, slice_str("aa")), 1);
    ck_assert_uint_eq(registry_producer_find(r, slice_str("mm")), REGISTRY_NONE);
    ck_assert_uint_eq(registry_producer_count(r), 2);
    registry_destroy(r);
}
END_TEST

START_TEST(scope_is_that_of_the_last_unit_of_the_code_and_all_it_came_from)
{
    struct registry *r = registry_with_units_and_plan();
    apply(r, officer("commune", ROLE_SUBMIT, "1"));
    apply(r, officer("gone", ROLE_SUBMIT, "2"));
    apply(r, officer("district", ROLE_SUBMIT, "312"));
    apply(r, officer("operator", ROLE_OPERATE, ""));
    apply(r, officer("puller", ROLE_SERVICE, ""));
    apply(r, officer("gateway", ROLE_DELEGATE, ""));
    apply(r, officer("retired", ROLE_OPERATE, ""));
    apply(r, key_change(PRODUCER_RETIRE, "retired", 0));
    static const struct {
        const char *producer;
        const char *code;
        day_t on;
        bool in;
        const char *reason;
    } rows[] = {
        {"commune", "1", D2025, true, "its own unit"},
        {"commune", "1", D2024, true, "the unit that bore its code before, as it came from it"},
        {"commune", "2", D2024, true, "the other it came from"},
        {"commune", "318", D2024, false, "a stranger"},
        {"commune", "312", D2025, false, "above it"},
        {"gone", "2", D2024, true, "the last to bear the code has ended, and is covered still"},
        {"gone", "1", D2025, false, "what it became is not its own"},
        {"district", "1", D2025, true, "below it"},
        {"district", "318", D2025, false, "beside it"},
        {"operator", "318", D2025, true, "sees all"},
        {"puller", "31", D2025, true, "sees all"},
        {"gateway", "1", D2025, false, "speaks for officers only"},
        {"retired", "1", D2025, false, "may no longer speak"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t producer = registry_producer_find(r, slice_str(rows[i].producer));
        uint32_t unit = unit_of(r, rows[i].code, rows[i].on);
        bool by_role =
            strcmp(rows[i].producer, "operator") == 0 || strcmp(rows[i].producer, "puller") == 0;
        ck_assert_msg(registry_in_scope(r, producer, unit, rows[i].on) == rows[i].in,
                      "%s of %s: %s", rows[i].producer, rows[i].code, rows[i].reason);
        ck_assert_msg(registry_covers(r, producer, unit, rows[i].on) == (rows[i].in && !by_role),
                      "%s covers %s: %s", rows[i].producer, rows[i].code, rows[i].reason);
    }
    registry_destroy(r);
}
END_TEST

START_TEST(operator_who_submits_does_so_for_its_scope_only)
{
    struct registry *r = registry_with_units_and_plan();
    apply(r, officer("an", ROLE_SUBMIT | ROLE_OPERATE, "318"));
    uint32_t inside = unit_of(r, "318", D2025), outside = unit_of(r, "1", D2025);
    ck_assert(registry_covers(r, 0, inside, D2025));
    ck_assert(!registry_covers(r, 0, outside, D2025));
    ck_assert(registry_in_scope(r, 0, outside, D2025));
    registry_destroy(r);
}
END_TEST

START_TEST(ordinal_of_no_producer_is_nobody)
{
    struct registry *r = registry_with_units_and_plan();
    apply(r, officer("an", ROLE_OPERATE, ""));
    ck_assert_ptr_nonnull(registry_producer(r, 0));
    ck_assert_ptr_null(registry_producer(r, 1));
    ck_assert_ptr_null(registry_producer(r, REGISTRY_NONE));
    ck_assert(!registry_in_scope(r, 1, unit_of(r, "1", D2025), D2025));
    ck_assert(!registry_covers(r, REGISTRY_NONE, unit_of(r, "1", D2025), D2025));
    registry_destroy(r);
}
END_TEST

START_TEST(officer_keeps_its_unit_when_the_code_goes_to_another)
{
    struct registry *r = registry_with_units_and_plan();
    struct unit_span spans[] = {
        span("31", D2024, DAY_NEVER, 1, "", false), span("1", D2024, D2025 - 1, 3, "31", false),
        span("1", D2025, DAY_NEVER, 3, "31", true), span("3", D2025, DAY_NEVER, 3, "31", false)};
    struct succession successions[] = {{D2025, history_ident("1"), history_ident("3"), PEOPLE_ALL}};
    struct catalogue_spec spec = {spans, 4, successions, 1};
    ck_assert_int_eq(registry_apply_catalogue(r, &spec, NULL), 0);
    apply(r, with_day(officer("before", ROLE_SUBMIT, "1"), D2025 - 1));
    apply(r, with_day(officer("since", ROLE_SUBMIT, "1"), D2025));
    apply(r, officer("unsaid", ROLE_SUBMIT, "1"));
    apply(r, with_day(officer("heir", ROLE_SUBMIT, "3"), D2025));
    static const struct {
        const char *producer;
        const char *code;
        day_t on;
        bool in;
        const char *reason;
    } rows[] = {
        {"before", "1", D2024, true, "its unit"},
        {"before", "1", D2025, false, "another unit that bears its code now"},
        {"before", "3", D2025, false, "what its unit became"},
        {"since", "1", D2025, true, "its unit"},
        {"since", "1", D2024, false, "who bore its code before, and went elsewhere"},
        {"unsaid", "1", D2025, true, "the latest to bear the code"},
        {"unsaid", "1", D2024, false, "not the one before"},
        {"heir", "1", D2024, true, "what its unit came from"},
        {"heir", "1", D2025, false, "who bears that one's code now"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t producer = registry_producer_find(r, slice_str(rows[i].producer));
        uint32_t unit = unit_of(r, rows[i].code, rows[i].on);
        ck_assert_msg(registry_covers(r, producer, unit, rows[i].on) == rows[i].in, "%s of %s: %s",
                      rows[i].producer, rows[i].code, rows[i].reason);
    }
    registry_destroy(r);
}
END_TEST

START_TEST(earlier_bearer_of_a_code_is_out_of_scope_unless_it_is_a_predecessor)
{
    struct registry *r = registry_with_units_and_plan();
    struct unit_span spans[] = {span("31", D2024, DAY_NEVER, 1, "", false),
                                span("1", D2024, D2025 - 1, 3, "31", false),
                                span("1", D2025, DAY_NEVER, 3, "31", true)};
    struct catalogue_spec spec = {spans, 3, NULL, 0}; /* no succession joins the two */
    ck_assert_int_eq(registry_apply_catalogue(r, &spec, NULL), 0);
    apply(r, officer("an", ROLE_SUBMIT, "1"));
    ck_assert(registry_in_scope(r, 0, unit_of(r, "1", D2025), D2025));
    ck_assert(!registry_in_scope(r, 0, unit_of(r, "1", D2024), D2024));
    registry_destroy(r);
}
END_TEST

START_TEST(scope_of_a_code_that_vanished_covers_nothing)
{
    struct registry *r = registry_with_units_and_plan();
    struct unit_span spans[] = {span("31", D2024, DAY_NEVER, 1, "", false)};
    struct catalogue_spec spec = {spans, 1, NULL, 0};
    apply(r, officer("an", ROLE_SUBMIT, "1"));
    ck_assert_int_eq(registry_apply_catalogue(r, &spec, NULL), 0);
    ck_assert(!registry_in_scope(r, 0, unit_of(r, "31", D2024), D2024));
    apply_units(r);
    ck_assert(registry_in_scope(r, 0, unit_of(r, "1", D2025), D2025));
    registry_destroy(r);
}
END_TEST

/* ---- who owes ---- */

START_TEST(island_district_is_a_leaf_and_owes)
{
    struct registry *r = registry_with_units_and_plan();
    day_t on = D2024 + 20;
    ck_assert(registry_is_reporter(r, 0, unit_of(r, "318", on), on));
    ck_assert(!registry_is_reporter(r, 0, unit_of(r, "312", on), on));
    ck_assert(!registry_is_reporter(r, 1, unit_of(r, "318", on), on)); /* level 3 */
    ck_assert(registry_is_reporter(r, 1, unit_of(r, "1", on), on));
    ck_assert(!registry_is_reporter(r, 2, unit_of(r, "1", on), on)); /* a ratio */
    ck_assert_uint_eq(registry_owed(r, 0, unit_of(r, "31", on), on), 3);
    ck_assert_uint_eq(registry_owed(r, 0, unit_of(r, "312", on), on), 2);
    ck_assert_uint_eq(registry_owed(r, 0, unit_of(r, "312", D2025), D2025), 1);
    ck_assert_uint_eq(registry_owed(r, 0, unit_of(r, "31", on), D2024 + 9), 0); /* no duty yet */
    ck_assert_uint_eq(registry_owed(r, 1, unit_of(r, "31", on), on), 0);        /* no duty at all */
    ck_assert_uint_eq(registry_owed(r, 0, unit_of(r, "2", on), D2025), 0);      /* not in force */
    ck_assert_uint_eq(registry_owed(r, 0, CATALOGUE_NONE, on), 0);
    registry_destroy(r);
}
END_TEST

static bool naive_reports(const struct history *h, uint32_t reporters, int code, int day)
{
    const struct history_cell *one = &h->cells[code][day];
    if (reporters != REPORTS_LEAF)
        return one->alive && (reporters >> one->level & 1) != 0;
    for (int i = 0; i < HISTORY_CODES; i++)
        if (h->cells[i][day].alive && h->cells[i][day].parent == code &&
            h->cells[i][day].level <= 3)
            return false;
    return one->alive && one->level <= 3;
}

static uint32_t naive_owed(const struct history *h, uint32_t reporters, int code, int day)
{
    uint32_t count = naive_reports(h, reporters, code, day);
    for (int i = 0; i < HISTORY_CODES; i++)
        if (h->cells[i][day].alive && h->cells[i][day].parent == code)
            count += naive_owed(h, reporters, i, day);
    return count;
}

static void check_owed(const struct registry *r, const struct history *h, uint64_t seed, int code,
                       int day)
{
    day_t on = HISTORY_FIRST + day;
    uint32_t unit = unit_of(r, history_code(code), on);
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t reporters = registry_indicator(r, i)->reporters;
        uint32_t want = h->cells[code][day].alive ? naive_owed(h, reporters, code, day) : 0;
        uint32_t got = registry_owed(r, i, unit, on);
        ck_assert_msg(got == want, "seed %" PRIu64 ", %s on day %d owes %u, not %u", seed,
                      history_code(code), day, got, want);
        ck_assert_int_eq(registry_is_reporter(r, i, unit, on),
                         naive_reports(h, reporters, code, day));
    }
}

/* A root that all histories have on their way: plans need one, owed counts do not look at it. */
static void apply_history_plan(struct registry *r, const struct history *h)
{
    struct sample s;
    make_plan(&s, "hp", 1);
    s.plan.root = h->spans[0].code;
    s.indicators[1].reporters = 1u << 2 | 1u << 4;
    for (int i = 0; i < 2; i++)
        s.duties[i] = (struct duty){s.indicators[i].id, HISTORY_FIRST, D2025, 0};
    s.plan.duty_count = 2;
    apply_plan(r, &s);
}

START_TEST(owed_counts_agree_with_counting_by_hand)
{
    enum { HISTORIES = 100 };
    const char *given = getenv("TONGHOP_SEED");
    uint64_t first = given ? strtoull(given, NULL, 10) : 1;
    struct history *h = calloc(1, sizeof *h);
    for (uint64_t seed = first; seed < first + HISTORIES; seed++) {
        struct registry *r = registry_create();
        history_make(h, seed);
        ck_assert_int_eq(registry_apply_catalogue(r, &h->spec, NULL), 0);
        apply_history_plan(r, h);
        for (int i = 0; i < 4 * HISTORY_CODES * HISTORY_DAYS; i++) /* in no order: the cache */
            check_owed(r, h, seed, (int)history_random(h, HISTORY_CODES),
                       (int)history_random(h, HISTORY_DAYS));
        registry_destroy(r);
    }
    free(h);
}
END_TEST

/* Duties of two plans that overlap, touch or leave gaps, of every kind of period. */
static void apply_random_duties(struct registry *r, struct history *h)
{
    static const char *const plans[] = {"hp", "tb"};
    enum period_kind kinds[3];
    enum period_calendar calendars[3];
    for (int i = 0; i < 3; i++) {
        kinds[i] = i == 0 ? PERIOD_DAY : (enum period_kind)history_random(h, PERIOD_KIND_COUNT);
        calendars[i] =
            kinds[i] == PERIOD_WEEK ? CALENDAR_CIVIL : (enum period_calendar)history_random(h, 2);
    }
    for (int p = 0; p < 2; p++) {
        struct sample s;
        make_plan(&s, plans[p], 1);
        s.plan.root = h->spans[0].code;
        s.plan.duty_count = 2;
        for (int i = 0; i < 2; i++) {
            day_t from = HISTORY_FIRST - 5 + (day_t)history_random(h, HISTORY_DAYS);
            s.indicators[i].reporters = i == 0 ? REPORTS_LEAF : 1u << 2 | 1u << 4;
            s.indicators[i].period = kinds[i];
            s.indicators[i].calendar = calendars[i];
            s.duties[i] =
                (struct duty){s.indicators[i].id, from, from + (day_t)history_random(h, 400), 0};
        }
        apply_plan(r, &s);
    }
}

static void check_owed_between(const struct registry *r, struct history *h, uint64_t seed)
{
    const struct catalogue *c = registry_catalogue(r);
    uint32_t unit = history_random(h, catalogue_unit_count(c));
    uint32_t indicator = history_random(h, 2);
    day_t first = HISTORY_FIRST - 20 + (day_t)history_random(h, HISTORY_DAYS + 20);
    day_t last = first - 1 + (day_t)history_random(h, 500);
    uint64_t want = 0;
    for (day_t on = first; on <= last; on++)
        want += registry_owed(r, indicator, unit, on);
    uint64_t got = registry_owed_between(r, indicator, unit, first, last);
    if (got != want)
        ck_abort_msg("seed %" PRIu64 ": unit %u owes %" PRIu64 " of indicator %u in %d..%d, not "
                     "%" PRIu64,
                     seed, unit, want, indicator, first - HISTORY_FIRST, last - HISTORY_FIRST, got);
}

START_TEST(owed_between_two_days_is_the_sum_over_the_days)
{
    enum { HISTORIES = 100, QUESTIONS = 200 };
    const char *given = getenv("TONGHOP_SEED");
    uint64_t first = given ? strtoull(given, NULL, 10) : 1;
    struct history *h = calloc(1, sizeof *h);
    for (uint64_t seed = first; seed < first + HISTORIES; seed++) {
        struct registry *r = registry_create();
        history_make(h, seed);
        ck_assert_int_eq(registry_apply_catalogue(r, &h->spec, NULL), 0);
        apply_random_duties(r, h);
        for (int i = 0; i < QUESTIONS; i++)
            check_owed_between(r, h, seed);
        registry_destroy(r);
    }
    free(h);
}
END_TEST

START_TEST(owed_between_knows_the_ends_of_time)
{
    struct registry *r = registry_with_units_and_plan();
    uint32_t province = unit_of(r, "31", D2024);
    uint64_t in_2024 = 3 * (uint64_t)(D2025 - D2024 - 10), since = 2 * (uint64_t)(401 - 366);
    ck_assert_uint_eq(registry_owed_between(r, 0, province, INT32_MIN, DAY_NEVER), in_2024 + since);
    ck_assert_uint_eq(registry_owed_between(r, 0, unit_of(r, "2", D2024), INT32_MIN, DAY_NEVER),
                      D2025 - D2024 - 10);
    ck_assert_uint_eq(registry_owed_between(r, 0, CATALOGUE_NONE, INT32_MIN, DAY_NEVER), 0);
    ck_assert_uint_eq(registry_owed_between(r, 1, province, INT32_MIN, DAY_NEVER), 0);
    registry_destroy(r);
}
END_TEST

/* ---- entries of a journal ---- */

static int unpack_plan_hp(struct slice s, struct arena *arena, struct plan *out, struct err *err)
{
    if (s.len == 0)
        return err_set(err, ERR_INVALID, "an empty plan");
    struct sample *sample = arena_alloc(arena, sizeof *sample);
    make_plan(sample, "hp", 1);
    *out = sample->plan;
    return 0;
}

START_TEST(entry_is_decoded_and_applied_and_other_kinds_are_refused)
{
    static const struct codec codec = {.unpack_plan = unpack_plan_hp};
    struct registry *r = registry_create();
    struct arena arena;
    struct err err = {0};
    arena_init(&arena, 0);
    apply_units(r);
    struct slice body = slice_str("x");
    ck_assert_int_eq(registry_apply_entry(r, &codec, ENTRY_PLAN, body, &arena, &err), 0);
    arena_fini(&arena);
    arena_init(&arena, 0);
    ck_assert_str_eq(registry_plan(r, 0)->title, "Tháng Khuyến học");
    ck_assert_int_eq(registry_apply_entry(r, &codec, ENTRY_PLAN, body, &arena, &err), ERR_INVALID);
    ck_assert_str_eq(err.text, "version: 1 is not above 1, which was applied already: raise it");
    ck_assert_int_eq(registry_apply_entry(r, &codec, ENTRY_PLAN, slice_str(""), &arena, &err),
                     ERR_INVALID);
    ck_assert_str_eq(err.text, "an empty plan");
    ck_assert_int_eq(registry_apply_entry(r, &codec, ENTRY_TICK, body, &arena, &err), ERR_INVALID);
    ck_assert_str_eq(err.text,
                     "entry kind 6 is neither a catalogue nor a plan nor a change of a producer");
    arena_fini(&arena);
    registry_destroy(r);
}
END_TEST

START_TEST(owed_counts_follow_a_new_catalogue)
{
    struct registry *r = registry_with_units_and_plan();
    day_t on = D2024 + 20;
    ck_assert_uint_eq(registry_owed(r, 0, unit_of(r, "31", on), on), 3);
    struct unit_span spans[] = {span("31", D2024, DAY_NEVER, 1, "", false),
                                span("318", D2024, DAY_NEVER, 2, "31", false)};
    struct catalogue_spec spec = {spans, 2, NULL, 0};
    ck_assert_int_eq(registry_apply_catalogue(r, &spec, NULL), 0);
    ck_assert_uint_eq(registry_owed(r, 0, unit_of(r, "31", on), on), 1);
    registry_destroy(r);
}
END_TEST

SUITE_MAIN("registry", new_registry_is_empty, refused_catalogue_leaves_the_one_before,
           codes_keep_their_ordinals_when_a_catalogue_is_applied_again,
           refused_plan_leaves_all_as_it_was, meaning_of_an_indicator_never_changes,
           meaning_holds_even_when_the_indicator_was_dropped_between,
           plan_applied_last_defines_an_indicator_that_plans_share,
           no_other_plan_may_break_the_meaning_either,
           plan_counts_alike_only_while_no_other_plan_redefined_its_indicators,
           more_indicators_than_a_key_can_hold_are_refused,
           more_sources_than_a_key_can_hold_are_refused,
           later_version_replaces_duties_bounds_and_records,
           duty_due_first_holds_where_plans_share_an_indicator,
           nothing_is_owed_on_a_day_that_ends_no_period,
           faulty_change_of_a_producer_leaves_all_as_it_was, both_keys_hold_during_a_rotation,
           revoked_key_stays_revoked_over_years_of_rotations, eight_valid_keys_are_the_most,
           ordinals_of_producers_follow_registration,
           scope_is_that_of_the_last_unit_of_the_code_and_all_it_came_from,
           earlier_bearer_of_a_code_is_out_of_scope_unless_it_is_a_predecessor,
           operator_who_submits_does_so_for_its_scope_only, ordinal_of_no_producer_is_nobody,
           officer_keeps_its_unit_when_the_code_goes_to_another,
           scope_of_a_code_that_vanished_covers_nothing, island_district_is_a_leaf_and_owes,
           owed_counts_agree_with_counting_by_hand, owed_between_two_days_is_the_sum_over_the_days,
           owed_between_knows_the_ends_of_time,
           entry_is_decoded_and_applied_and_other_kinds_are_refused,
           owed_counts_follow_a_new_catalogue)
