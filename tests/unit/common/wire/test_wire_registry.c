#include "registry.pb-c.h"
#include "tests/support/suite.h"
#include "tests/unit/common/wire/wire_random.h"

static void assert_same_ident(const struct ident *got, const struct ident *want)
{
    ck_assert_str_eq(got->text, want->text);
}

static day_t random_end(struct random *r)
{
    return random_below(r, 2) == 0 ? DAY_NEVER : random_day(r);
}

/* Catalogues. */

enum { SPANS = 30, SUCCESSIONS = 8 };

struct catalogue_sample {
    struct catalogue_spec spec;
    struct unit_span spans[SPANS];
    struct succession successions[SUCCESSIONS];
};

static void catalogue_init(struct catalogue_sample *s, struct random *r)
{
    s->spec = (struct catalogue_spec){s->spans, random_below(r, SPANS + 1), s->successions,
                                      random_below(r, SUCCESSIONS + 1)};
    for (unsigned i = 0; i < SPANS; i++)
        s->spans[i] = (struct unit_span){.code = random_ident(r),
                                         .from = random_day(r),
                                         .to = random_end(r),
                                         .name = random_text(r),
                                         .type = random_text(r),
                                         .level = (uint8_t)random_below(r, 8),
                                         .parent = random_ident_or_empty(r),
                                         .begins = random_below(r, 2) == 1};
    for (unsigned i = 0; i < SUCCESSIONS; i++)
        s->successions[i] =
            (struct succession){random_day(r), random_ident(r), random_ident(r),
                                (enum succession_people)random_below(r, PEOPLE_NONE + 1)};
}

static void assert_same_catalogue(const struct catalogue_spec *got,
                                  const struct catalogue_spec *want)
{
    ck_assert_uint_eq(got->span_count, want->span_count);
    for (uint32_t i = 0; i < want->span_count; i++) {
        assert_same_ident(&got->spans[i].code, &want->spans[i].code);
        ck_assert_int_eq(got->spans[i].from, want->spans[i].from);
        ck_assert_int_eq(got->spans[i].to, want->spans[i].to);
        ck_assert_str_eq(got->spans[i].name, want->spans[i].name);
        ck_assert_str_eq(got->spans[i].type, want->spans[i].type);
        ck_assert_uint_eq(got->spans[i].level, want->spans[i].level);
        assert_same_ident(&got->spans[i].parent, &want->spans[i].parent);
        ck_assert_int_eq(got->spans[i].begins, want->spans[i].begins);
    }
    ck_assert_uint_eq(got->succession_count, want->succession_count);
    for (uint32_t i = 0; i < want->succession_count; i++) {
        ck_assert_int_eq(got->successions[i].on, want->successions[i].on);
        assert_same_ident(&got->successions[i].old_code, &want->successions[i].old_code);
        assert_same_ident(&got->successions[i].new_code, &want->successions[i].new_code);
        ck_assert_int_eq(got->successions[i].people, want->successions[i].people);
    }
}

static int decode_catalogue(struct slice s, struct arena *arena, struct err *err)
{
    struct catalogue_spec spec;
    return wire_unpack_catalogue(s, arena, &spec, err);
}

START_TEST(a_catalogue_comes_back_as_it_went)
{
    struct random r = {21};
    for (unsigned round = 0; round < 100; round++) {
        struct catalogue_sample s;
        struct catalogue_spec got;
        struct buf bytes = {0};
        struct arena arena;
        struct err err = {0};
        arena_init(&arena, 0);
        catalogue_init(&s, &r);
        wire_pack_catalogue(&s.spec, &bytes);
        ck_assert_msg(wire_unpack_catalogue(buf_slice(&bytes), &arena, &got, &err) == 0, "%s",
                      err.text);
        assert_same_catalogue(&got, &s.spec);
        if (round < 3)
            attack(decode_catalogue, &bytes, &r);
        arena_fini(&arena);
        buf_fini(&bytes);
    }
}
END_TEST

/* Plans. */

enum { PARTS = 6 };

struct plan_sample {
    struct plan plan;
    struct source sources[PARTS];
    struct indicator indicators[PARTS];
    struct duty duties[PARTS];
    struct target targets[PARTS];
    struct target_share shares[PARTS][PARTS];
};

static void indicator_init(struct indicator *i, struct random *r)
{
    *i = (struct indicator){.id = random_ident(r),
                            .name = random_text(r),
                            .kind = (enum indicator_kind)random_below(r, 3),
                            .entry = (enum indicator_entry)random_below(r, 2),
                            .measure = random_ident_or_empty(r),
                            .minimum = random_i64(r),
                            .maximum = random_i64(r),
                            .reporters = (uint32_t)random_u64(r),
                            .period = (enum period_kind)random_below(r, PERIOD_KIND_COUNT),
                            .calendar = (enum period_calendar)random_below(r, 2),
                            .record_count = random_below(r, INDICATOR_RECORDS_MAX + 1),
                            .numerator = random_ident_or_empty(r),
                            .denominator = random_ident_or_empty(r)};
    for (unsigned k = 0; k < i->record_count; k++)
        i->records[k] = (struct source_of_record){random_day(r), random_ident(r)};
}

static void target_init(struct target *t, struct target_share *shares, struct random *r)
{
    *t = (struct target){.id = random_ident(r),
                         .title = random_text(r),
                         .clause = random_text(r),
                         .indicator = random_ident(r),
                         .unit = random_ident(r),
                         .lower = random_i64(r),
                         .stretch = random_i64(r),
                         .start = random_day(r),
                         .due = random_day(r),
                         .weekend_permille = (unsigned)random_below(r, 2000),
                         .suspended_count = random_below(r, TARGET_SUSPENDED_MAX + 1),
                         .shares = shares,
                         .share_count = random_below(r, PARTS + 1)};
    for (unsigned k = 0; k < t->suspended_count; k++)
        t->suspended[k] = (struct day_range){random_day(r), random_day(r)};
    for (unsigned k = 0; k < t->share_count; k++)
        shares[k] = (struct target_share){random_ident(r), random_i64(r), random_i64(r)};
}

static void plan_init(struct plan_sample *s, struct random *r)
{
    s->plan = (struct plan){.id = random_ident(r),
                            .version = (uint32_t)random_u64(r),
                            .title = random_text(r),
                            .document = random_text(r),
                            .is_rehearsal = random_below(r, 2) == 1,
                            .root = random_ident(r),
                            .from = random_day(r),
                            .to = random_day(r),
                            .sources = s->sources,
                            .source_count = random_below(r, PARTS + 1),
                            .indicators = s->indicators,
                            .indicator_count = random_below(r, PARTS + 1),
                            .duties = s->duties,
                            .duty_count = random_below(r, PARTS + 1),
                            .targets = s->targets,
                            .target_count = random_below(r, PARTS + 1)};
    for (unsigned i = 0; i < PARTS; i++) {
        s->sources[i] = (struct source){random_ident(r), random_text(r)};
        indicator_init(&s->indicators[i], r);
        s->duties[i] = (struct duty){random_ident(r), random_day(r), random_day(r),
                                     (unsigned)random_below(r, 400)};
        target_init(&s->targets[i], s->shares[i], r);
    }
}

static void assert_same_indicator(const struct indicator *got, const struct indicator *want)
{
    assert_same_ident(&got->id, &want->id);
    ck_assert_str_eq(got->name, want->name);
    ck_assert_int_eq(got->kind, want->kind);
    ck_assert_int_eq(got->entry, want->entry);
    assert_same_ident(&got->measure, &want->measure);
    ck_assert_int_eq(got->minimum, want->minimum);
    ck_assert_int_eq(got->maximum, want->maximum);
    ck_assert_uint_eq(got->reporters, want->reporters);
    ck_assert_int_eq(got->period, want->period);
    ck_assert_int_eq(got->calendar, want->calendar);
    ck_assert_uint_eq(got->record_count, want->record_count);
    for (unsigned i = 0; i < want->record_count; i++) {
        ck_assert_int_eq(got->records[i].from, want->records[i].from);
        assert_same_ident(&got->records[i].source, &want->records[i].source);
    }
    assert_same_ident(&got->numerator, &want->numerator);
    assert_same_ident(&got->denominator, &want->denominator);
}

static void assert_same_target(const struct target *got, const struct target *want)
{
    assert_same_ident(&got->id, &want->id);
    ck_assert_str_eq(got->title, want->title);
    ck_assert_str_eq(got->clause, want->clause);
    assert_same_ident(&got->indicator, &want->indicator);
    assert_same_ident(&got->unit, &want->unit);
    ck_assert_int_eq(got->lower, want->lower);
    ck_assert_int_eq(got->stretch, want->stretch);
    ck_assert_int_eq(got->start, want->start);
    ck_assert_int_eq(got->due, want->due);
    ck_assert_uint_eq(got->weekend_permille, want->weekend_permille);
    ck_assert_uint_eq(got->suspended_count, want->suspended_count);
    for (unsigned i = 0; i < want->suspended_count; i++) {
        ck_assert_int_eq(got->suspended[i].from, want->suspended[i].from);
        ck_assert_int_eq(got->suspended[i].to, want->suspended[i].to);
    }
    ck_assert_uint_eq(got->share_count, want->share_count);
    for (unsigned i = 0; i < want->share_count; i++) {
        assert_same_ident(&got->shares[i].unit, &want->shares[i].unit);
        ck_assert_int_eq(got->shares[i].lower, want->shares[i].lower);
        ck_assert_int_eq(got->shares[i].stretch, want->shares[i].stretch);
    }
}

static void assert_same_plan(const struct plan *got, const struct plan *want)
{
    assert_same_ident(&got->id, &want->id);
    ck_assert_uint_eq(got->version, want->version);
    ck_assert_str_eq(got->title, want->title);
    ck_assert_str_eq(got->document, want->document);
    ck_assert_int_eq(got->is_rehearsal, want->is_rehearsal);
    assert_same_ident(&got->root, &want->root);
    ck_assert_int_eq(got->from, want->from);
    ck_assert_int_eq(got->to, want->to);
    ck_assert_uint_eq(got->source_count, want->source_count);
    for (unsigned i = 0; i < want->source_count; i++) {
        assert_same_ident(&got->sources[i].id, &want->sources[i].id);
        ck_assert_str_eq(got->sources[i].name, want->sources[i].name);
    }
    ck_assert_uint_eq(got->indicator_count, want->indicator_count);
    for (unsigned i = 0; i < want->indicator_count; i++)
        assert_same_indicator(&got->indicators[i], &want->indicators[i]);
    ck_assert_uint_eq(got->duty_count, want->duty_count);
    for (unsigned i = 0; i < want->duty_count; i++) {
        assert_same_ident(&got->duties[i].indicator, &want->duties[i].indicator);
        ck_assert_int_eq(got->duties[i].from, want->duties[i].from);
        ck_assert_int_eq(got->duties[i].to, want->duties[i].to);
        ck_assert_uint_eq(got->duties[i].due_days, want->duties[i].due_days);
    }
    ck_assert_uint_eq(got->target_count, want->target_count);
    for (unsigned i = 0; i < want->target_count; i++)
        assert_same_target(&got->targets[i], &want->targets[i]);
}

static int decode_plan(struct slice s, struct arena *arena, struct err *err)
{
    struct plan plan;
    return wire_unpack_plan(s, arena, &plan, err);
}

START_TEST(a_plan_comes_back_as_it_went)
{
    struct random r = {22};
    for (unsigned round = 0; round < 100; round++) {
        struct plan_sample s;
        struct plan got;
        struct buf bytes = {0};
        struct arena arena;
        struct err err = {0};
        arena_init(&arena, 0);
        plan_init(&s, &r);
        wire_pack_plan(&s.plan, &bytes);
        ck_assert_msg(wire_unpack_plan(buf_slice(&bytes), &arena, &got, &err) == 0, "%s", err.text);
        assert_same_plan(&got, &s.plan);
        if (round < 3)
            attack(decode_plan, &bytes, &r);
        arena_fini(&arena);
        buf_fini(&bytes);
    }
}
END_TEST

/* Producers. */

static void change_init(struct producer_change *c, struct random *r)
{
    *c = (struct producer_change){.kind = (enum producer_change_kind)random_below(r, 4)};
    c->producer.name = random_ident(r);
    if (c->kind == PRODUCER_SET) {
        c->producer.roles = random_below(r, 32);
        c->producer.source = random_ident_or_empty(r);
        c->producer.scopes_on = random_below(r, 2) == 0 ? 0 : random_day(r);
        c->producer.scope_count = random_below(r, PRODUCER_SCOPES_MAX + 1);
        for (unsigned i = 0; i < c->producer.scope_count; i++)
            c->producer.scopes[i] = random_ident(r);
    }
    if (c->kind == PRODUCER_KEY_ADD || c->kind == PRODUCER_KEY_REVOKE)
        random_bytes(r, c->key, KEY_BYTES);
}

static void assert_same_change(const struct producer_change *got,
                               const struct producer_change *want)
{
    ck_assert_int_eq(got->kind, want->kind);
    assert_same_ident(&got->producer.name, &want->producer.name);
    ck_assert_uint_eq(got->producer.roles, want->producer.roles);
    assert_same_ident(&got->producer.source, &want->producer.source);
    ck_assert_int_eq(got->producer.scopes_on, want->producer.scopes_on);
    ck_assert_uint_eq(got->producer.scope_count, want->producer.scope_count);
    for (unsigned i = 0; i < want->producer.scope_count; i++)
        assert_same_ident(&got->producer.scopes[i], &want->producer.scopes[i]);
    ck_assert_uint_eq(got->producer.key_count, 0);
    ck_assert_mem_eq(got->key, want->key, KEY_BYTES);
}

static int decode_change(struct slice s, struct arena *arena, struct err *err)
{
    struct producer_change change;
    return wire_unpack_producer_change(s, arena, &change, err);
}

START_TEST(a_producer_change_comes_back_as_it_went)
{
    struct random r = {23};
    for (unsigned round = 0; round < 100; round++) {
        struct producer_change want, got;
        struct buf bytes = {0};
        struct arena arena;
        struct err err = {0};
        arena_init(&arena, 0);
        change_init(&want, &r);
        wire_pack_producer_change(&want, &bytes);
        ck_assert_msg(wire_unpack_producer_change(buf_slice(&bytes), &arena, &got, &err) == 0, "%s",
                      err.text);
        assert_same_change(&got, &want);
        if (round < 6)
            attack(decode_change, &bytes, &r);
        arena_fini(&arena);
        buf_fini(&bytes);
    }
}
END_TEST

/* Apply. */

static int decode_apply(struct slice s, struct arena *arena, struct err *err)
{
    struct wire_apply apply;
    return wire_unpack_apply(s, arena, &apply, err);
}

struct apply_sample {
    struct wire_apply apply;
    struct catalogue_sample catalogue;
    struct plan_sample plan;
};

static void apply_init(struct apply_sample *s, enum wire_apply_kind kind, struct random *r)
{
    memset(&s->apply, 0, sizeof s->apply);
    s->apply.kind = kind;
    s->apply.dry_run = random_below(r, 2) == 1;
    if (kind == WIRE_APPLY_CATALOGUE) {
        catalogue_init(&s->catalogue, r);
        s->apply.catalogue = s->catalogue.spec;
    } else if (kind == WIRE_APPLY_PLAN) {
        plan_init(&s->plan, r);
        s->apply.plan = s->plan.plan;
    } else if (kind == WIRE_APPLY_PRODUCER) {
        change_init(&s->apply.producer, r);
    } else {
        s->apply.time_ms = random_i64(r);
    }
}

/* The document alone, as packed on its own. */
static void pack_document(const struct wire_apply *a, struct buf *out)
{
    if (a->kind == WIRE_APPLY_CATALOGUE)
        wire_pack_catalogue(&a->catalogue, out);
    else if (a->kind == WIRE_APPLY_PLAN)
        wire_pack_plan(&a->plan, out);
    else if (a->kind == WIRE_APPLY_PRODUCER)
        wire_pack_producer_change(&a->producer, out);
}

START_TEST(what_is_applied_comes_back_with_its_body)
{
    struct random r = {24};
    for (unsigned round = 0; round < 100; round++) {
        struct apply_sample s;
        struct wire_apply got;
        struct buf bytes = {0}, document = {0};
        struct arena arena;
        struct err err = {0};
        arena_init(&arena, 0);
        apply_init(&s, (enum wire_apply_kind)(round % 5), &r);
        wire_pack_apply(&s.apply, &bytes);
        pack_document(&s.apply, &document);
        ck_assert_msg(wire_unpack_apply(buf_slice(&bytes), &arena, &got, &err) == 0, "%s",
                      err.text);
        ck_assert_int_eq(got.kind, s.apply.kind);
        ck_assert_int_eq(got.dry_run, s.apply.dry_run);
        ck_assert_int_eq(got.time_ms, s.apply.time_ms);
        ck_assert(slice_equal(got.body, buf_slice(&document)));
        if (round < 10)
            attack(decode_apply, &bytes, &r);
        arena_fini(&arena);
        buf_fini(&document);
        buf_fini(&bytes);
    }
}
END_TEST

/* A newer program says more: at each level of the message, one field that is not known here. */
START_TEST(what_is_not_understood_is_not_applied)
{
    static const struct {
        const char *why;
        unsigned path[3]; /* fields down to the message that has one too many */
        unsigned field;
        int code;
        const char *said;
    } cases[] = {
        {"of Apply itself", {0}, 9, ERR_VERSION, "field 9 of Apply"},
        {"a plan with amendments", {2}, 13, ERR_VERSION, "field 13 of Plan"},
        {"a target that can more", {2, 11}, 13, ERR_VERSION, "field 13 of Target"},
        {"a share of it", {2, 11, 12}, 4, ERR_VERSION, "field 4 of Share"},
        {"an indicator that can more", {2, 9}, 99, ERR_VERSION, "field 99 of Indicator"},
        {"its source of record", {2, 9, 11}, 3, ERR_VERSION, "field 3 of SourceOfRecord"},
        {"a duty", {2, 10}, 5, ERR_VERSION, "field 5 of Duty"},
        {"a unit's span", {1, 1}, 15, ERR_VERSION, "field 15 of UnitSpan"},
        {"a producer", {3, 2}, 15, ERR_VERSION, "field 15 of Producer"},
        {"a jump of the clock", {5}, 2, ERR_VERSION, "field 2 of ClockAccept"},
        {"known, and not enough", {2}, 1, ERR_INVALID, "Apply.root"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf bytes = {0};
        struct wire_apply got;
        struct arena arena;
        struct err err = {0};
        arena_init(&arena, 0);
        buf_varint(&bytes, cases[i].field << 3 | 2);
        buf_block(&bytes, slice_str("text"));
        for (unsigned depth = 3; depth-- > 0;) {
            struct buf outer = {0};
            if (cases[i].path[depth] == 0)
                continue;
            buf_varint(&outer, cases[i].path[depth] << 3 | 2);
            buf_block(&outer, buf_slice(&bytes));
            buf_fini(&bytes);
            bytes = outer;
        }
        int rc = wire_unpack_apply(buf_slice(&bytes), &arena, &got, &err);
        ck_assert_msg(rc == cases[i].code && strstr(err.text, cases[i].said) != NULL, "%s: %d: %s",
                      cases[i].why, rc, err.text);
        arena_fini(&arena);
        buf_fini(&bytes);
    }
}
END_TEST

START_TEST(applying_nothing_is_refused)
{
    ck_assert_int_eq(decode_exact(decode_apply, NULL, 0), ERR_INVALID);
    static const uint8_t dry_run_alone[] = {15 << 3, 1};
    ck_assert_int_eq(decode_exact(decode_apply, dry_run_alone, 2), ERR_INVALID);
}
END_TEST

/* One thing wrong in a document that is otherwise fine. */

static Tonghop__V1__UnitSpan fine_span(void)
{
    static char code[] = "10", name[] = "Xã A";
    Tonghop__V1__UnitSpan m;
    tonghop__v1__unit_span__init(&m);
    m.code = code;
    m.name = name;
    m.to = DAY_NEVER;
    return m;
}

static void break_code(Tonghop__V1__UnitSpan *m)
{
    static char text[] = "Đại Hợp";
    m->code = text;
}
static void long_code(Tonghop__V1__UnitSpan *m)
{
    static char text[] = "123456789012345678901234567890123";
    m->code = text;
}
static void no_code(Tonghop__V1__UnitSpan *m)
{
    static char text[] = "";
    m->code = text;
}
static void break_name(Tonghop__V1__UnitSpan *m)
{
    static char text[] = "X\xE3";
    m->name = text;
}
static void control_in_name(Tonghop__V1__UnitSpan *m)
{
    static char text[] = "X\x1B[31m";
    m->name = text;
}
static void from_never(Tonghop__V1__UnitSpan *m)
{
    m->from = DAY_NEVER;
}
static void to_beyond(Tonghop__V1__UnitSpan *m)
{
    m->to = DAY_LAST + 1;
}
static void high_level(Tonghop__V1__UnitSpan *m)
{
    m->level = CATALOGUE_LEVEL_MAX + 1;
}
static void leave_it(Tonghop__V1__UnitSpan *m)
{
    (void)m;
}

START_TEST(the_sentence_names_the_place)
{
    static const struct {
        void (*change)(Tonghop__V1__UnitSpan *m);
        const char *place; /* NULL: fine */
    } cases[] = {
        {leave_it, NULL},
        {break_code, "spans[1].code"},
        {long_code, "spans[1].code"},
        {no_code, "spans[1].code"},
        {break_name, "name of UnitSpan"},
        {control_in_name, "name of UnitSpan"},
        {from_never, "spans[1].from"},
        {to_beyond, "spans[1].to"},
        {high_level, "spans[1].level"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Tonghop__V1__UnitSpan spans[2] = {fine_span(), fine_span()};
        Tonghop__V1__UnitSpan *list[2] = {&spans[0], &spans[1]};
        Tonghop__V1__Catalogue m;
        tonghop__v1__catalogue__init(&m);
        m.n_spans = 2;
        m.spans = list;
        cases[i].change(&spans[1]);
        uint8_t bytes[512];
        size_t len = tonghop__v1__catalogue__pack(&m, bytes);
        struct arena arena;
        struct err err = {0};
        arena_init(&arena, 0);
        int rc = decode_catalogue(slice_of(bytes, len), &arena, &err);
        ck_assert_msg(rc == (cases[i].place == NULL ? 0 : ERR_INVALID), "case %zu: %d %s", i, rc,
                      err.text);
        ck_assert_msg(rc == 0 || strstr(err.text, cases[i].place) != NULL, "case %zu: %s", i,
                      err.text);
        arena_fini(&arena);
    }
}
END_TEST

START_TEST(a_plan_or_a_duty_without_an_end_is_refused)
{
    struct random r = {27};
    for (unsigned i = 0; i < 2; i++) {
        struct plan_sample s;
        struct buf bytes = {0};
        struct arena arena;
        struct err err = {0};
        arena_init(&arena, 0);
        plan_init(&s, &r);
        s.plan.duty_count = 1;
        *(i == 0 ? &s.plan.to : &s.duties[0].to) = DAY_NEVER;
        wire_pack_plan(&s.plan, &bytes);
        ck_assert_int_eq(decode_plan(buf_slice(&bytes), &arena, &err), ERR_INVALID);
        ck_assert_msg(strstr(err.text, i == 0 ? "Plan.to" : "Plan.duties[0].to") != NULL, "%s",
                      err.text);
        arena_fini(&arena);
        buf_fini(&bytes);
    }
}
END_TEST

START_TEST(a_name_with_a_nul_is_refused)
{
    static const uint8_t bytes[] = "\x0A\x0A" /* spans, 10 bytes */
                                   "\x0A\x02"
                                   "10" /* code */
                                   "\x22\x04"
                                   "Xa\0b"; /* name */
    ck_assert_int_eq(decode_exact(decode_catalogue, bytes, sizeof bytes - 1), ERR_INVALID);
}
END_TEST

START_TEST(a_document_of_too_many_parts_is_refused)
{
    static const struct {
        const char *why;
        decoder *decode;
        uint8_t field;
        size_t count;
    } cases[] = {
        {"spans", decode_catalogue, 1, CATALOGUE_SPANS_MAX + 1},
        {"successions", decode_catalogue, 2, CATALOGUE_SUCCESSIONS_MAX + 1},
        {"sources", decode_plan, 8, PLAN_SOURCES_MAX + 1},
        {"indicators", decode_plan, 9, PLAN_INDICATORS_MAX + 1},
        {"duties", decode_plan, 10, PLAN_DUTIES_MAX + 1},
        {"targets", decode_plan, 11, PLAN_TARGETS_MAX + 1},
        {"spans by the million", decode_catalogue, 1, 8000000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf bytes = {0};
        static const uint8_t plan_idents[] = {0x0A, 1, 'p', 0x2A, 1, 'r'};
        if (cases[i].decode == decode_plan)
            buf_bytes(&bytes, plan_idents, sizeof plan_idents);
        for (size_t k = 0; k < cases[i].count; k++) {
            buf_u8(&bytes, (uint8_t)(cases[i].field << 3 | 2));
            buf_u8(&bytes, 0);
        }
        int rc = decode_exact(cases[i].decode, bytes.data, bytes.len);
        ck_assert_msg(rc == ERR_LIMIT, "%s: %d", cases[i].why, rc);
        buf_fini(&bytes);
    }
}
END_TEST

START_TEST(a_message_over_16_mib_is_refused_unread)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct slice huge = slice_of("", WIRE_MESSAGE_BYTES_MAX + 1); /* nobody may touch it */
    ck_assert_int_eq(decode_catalogue(huge, &arena, NULL), ERR_LIMIT);
    arena_fini(&arena);
}
END_TEST

static int decode_apply_answer(struct slice s, struct arena *arena, struct err *err)
{
    struct wire_apply_answer answer;
    return wire_unpack_apply_answer(s, arena, &answer, err);
}

START_TEST(an_answer_comes_back_as_it_went)
{
    struct wire_apply_answer got,
        want = {.code = ERR_EXISTS, .message = "kế hoạch đã có", .offset = UINT64_MAX};
    struct random r = {26};
    struct buf bytes = {0};
    struct arena arena;
    arena_init(&arena, 0);
    wire_pack_apply_answer(&want, &bytes);
    ck_assert_int_eq(wire_unpack_apply_answer(buf_slice(&bytes), &arena, &got, NULL), 0);
    ck_assert_int_eq(got.code, want.code);
    ck_assert_str_eq(got.message, want.message);
    ck_assert_uint_eq(got.offset, want.offset);
    attack(decode_apply_answer, &bytes, &r);
    arena_fini(&arena);
    buf_fini(&bytes);
}
END_TEST

SUITE_MAIN("wire_registry", a_catalogue_comes_back_as_it_went, a_plan_comes_back_as_it_went,
           a_producer_change_comes_back_as_it_went, what_is_applied_comes_back_with_its_body,
           what_is_not_understood_is_not_applied, applying_nothing_is_refused,
           the_sentence_names_the_place, a_plan_or_a_duty_without_an_end_is_refused,
           a_name_with_a_nul_is_refused, a_document_of_too_many_parts_is_refused,
           a_message_over_16_mib_is_refused_unread, an_answer_comes_back_as_it_went)
