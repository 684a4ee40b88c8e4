#include "common/wire/alert_wire.h"
#include "tests/support/suite.h"
#include "tests/unit/common/wire/wire_random.h"

enum { PARTS = 4 };

struct sample {
    struct wire_alert_state states[PARTS];
    struct wire_alert_decision decisions[PARTS];
    struct wire_alerts_reply reply;
};

static struct wire_alert_state random_state(struct random *r)
{
    return (struct wire_alert_state){.plan = random_ident(r),
                                     .target = random_ident(r),
                                     .unit = random_ident(r),
                                     .unit_name = random_text(r),
                                     .depth = random_below(r, 8),
                                     .target_title = random_text(r),
                                     .indicator = random_ident(r),
                                     .ratio = random_below(r, 2) == 1,
                                     .due = random_day(r),
                                     .state = random_below(r, WIRE_ALERT_STATES),
                                     .since = random_day(r),
                                     .lower = random_i64(r),
                                     .stretch = random_i64(r),
                                     .has_actual = random_below(r, 2) == 1,
                                     .actual = random_i64(r),
                                     .expected = random_i64(r),
                                     .expected_today = random_i64(r),
                                     .judged = random_day(r),
                                     .owed = (uint32_t)random_u64(r),
                                     .reported = (uint32_t)random_u64(r),
                                     .has_forecast = random_below(r, 2) == 1,
                                     .projected = random_i64(r),
                                     .needed = random_i64(r),
                                     .silent_from = random_day(r),
                                     .silent_to = random_day(r)};
}

static struct wire_alert_decision random_decision(struct random *r)
{
    return (struct wire_alert_decision){.number = random_u64(r),
                                        .id = random_text(r),
                                        .plan = random_ident(r),
                                        .target = random_ident(r),
                                        .unit = random_ident(r),
                                        .unit_name = random_text(r),
                                        .from_state = random_below(r, WIRE_ALERT_STATES),
                                        .to_state = random_below(r, WIRE_ALERT_STATES),
                                        .reason = random_below(r, 4),
                                        .tick_ms = random_time(r),
                                        .recipient = random_text(r),
                                        .recipient_name = random_text(r),
                                        .subject = random_text(r),
                                        .body = random_text(r),
                                        .corrects = random_text(r),
                                        .inhibitor = random_ident(r),
                                        .waiting = random_below(r, 4)};
}

static void sample_init(struct sample *s, struct random *r)
{
    for (unsigned i = 0; i < PARTS; i++) {
        s->states[i] = random_state(r);
        s->decisions[i] = random_decision(r);
    }
    s->reply = (struct wire_alerts_reply){.offset = random_u64(r),
                                          .time_ms = random_time(r),
                                          .judged_ms = random_time(r),
                                          .state_count = random_below(r, PARTS + 1),
                                          .states = s->states,
                                          .decision_count = random_below(r, PARTS + 1),
                                          .decisions = s->decisions,
                                          .more = random_below(r, 2) == 1};
}

static int decode_reply(struct slice s, struct arena *arena, struct err *err)
{
    struct wire_alerts_reply reply;
    return wire_unpack_alerts_reply(s, arena, &reply, err);
}

static int decode_notification(struct slice s, struct arena *arena, struct err *err)
{
    struct wire_notification n;
    return wire_unpack_notification(s, arena, &n, err);
}

static int decode_request(struct slice s, struct arena *arena, struct err *err)
{
    struct wire_alerts q;
    return wire_unpack_alerts(s, arena, &q, err);
}

static int decode_head(struct slice s, struct arena *arena, struct err *err)
{
    struct wire_alerts_head h;
    (void)arena;
    return wire_unpack_alerts_head(s, &h, err);
}

/* What was taken from bytes packs to the same bytes: nothing is lost or moved. */
START_TEST(replies_come_back_as_they_went)
{
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct random r = {seed};
        struct sample s;
        struct buf bytes = {0}, again = {0};
        struct arena arena;
        struct wire_alerts_reply got;
        struct err err = {0};
        arena_init(&arena, 0);
        sample_init(&s, &r);
        wire_pack_alerts_reply(&s.reply, &bytes);
        ck_assert_msg(wire_unpack_alerts_reply(buf_slice(&bytes), &arena, &got, &err) == 0, "%s",
                      err.text);
        ck_assert_uint_eq(got.state_count, s.reply.state_count);
        ck_assert_uint_eq(got.decision_count, s.reply.decision_count);
        if (got.state_count > 0) {
            ck_assert_int_eq(got.states[0].projected, s.states[0].projected);
            ck_assert_int_eq(got.states[0].silent_to, s.states[0].silent_to);
        }
        if (got.decision_count > 0)
            ck_assert_str_eq(got.decisions[0].subject, s.decisions[0].subject);
        wire_pack_alerts_reply(&got, &again);
        ck_assert(slice_equal(buf_slice(&again), buf_slice(&bytes)));
        if (seed <= 5)
            attack(decode_reply, &bytes, &r);
        arena_fini(&arena);
        buf_fini(&bytes);
        buf_fini(&again);
    }
}
END_TEST

START_TEST(requests_heads_and_notifications_come_back_as_they_went)
{
    struct random r = {3};
    struct wire_alerts q = {.what = WIRE_ALERTS_HISTORY,
                            .plan = random_ident(&r),
                            .unit = random_ident(&r),
                            .id = "plan/HP1/303/behind/2024-09-16T18:00/lanhdao.31",
                            .after = 7,
                            .count_max = 50,
                            .not_before = UINT64_MAX,
                            .wait_ms = 1000};
    struct wire_alerts_head h = {5, 123456, 1725494400000};
    struct wire_notification n = {.id = "one",
                                  .plan = random_ident(&r),
                                  .target = random_ident(&r),
                                  .unit = random_ident(&r),
                                  .from_state = 1,
                                  .to_state = 3,
                                  .tick_ms = 1725494400000,
                                  .recipient = "quanhuyen.303",
                                  .recipient_name = "Ủy ban nhân dân",
                                  .channel = "feed",
                                  .subject = "chậm tiến độ",
                                  .body = "Kính gửi:\n\nTrân trọng.\n",
                                  .corrects = "",
                                  .number = 9};
    struct buf bytes[3] = {{0}}, again[3] = {{0}};
    struct arena arena;
    arena_init(&arena, 0);
    wire_pack_alerts(&q, &bytes[0]);
    wire_pack_alerts_head(&h, &bytes[1]);
    wire_pack_notification(&n, &bytes[2]);
    ck_assert_int_eq(wire_unpack_alerts(buf_slice(&bytes[0]), &arena, &q, NULL), 0);
    ck_assert_int_eq(wire_unpack_alerts_head(buf_slice(&bytes[1]), &h, NULL), 0);
    ck_assert_int_eq(wire_unpack_notification(buf_slice(&bytes[2]), &arena, &n, NULL), 0);
    wire_pack_alerts(&q, &again[0]);
    wire_pack_alerts_head(&h, &again[1]);
    wire_pack_notification(&n, &again[2]);
    for (unsigned i = 0; i < 3; i++)
        ck_assert(slice_equal(buf_slice(&again[i]), buf_slice(&bytes[i])));
    attack(decode_request, &bytes[0], &r);
    attack(decode_head, &bytes[1], &r);
    attack(decode_notification, &bytes[2], &r);
    for (unsigned i = 0; i < 3; i++) {
        buf_fini(&bytes[i]);
        buf_fini(&again[i]);
    }
    arena_fini(&arena);
}
END_TEST

static void a_state_of_none(struct sample *s)
{
    s->states[0].state = WIRE_ALERT_STATES;
}
static void no_day(struct sample *s)
{
    s->states[0].since = DAY_NEVER;
}
static void no_unit(struct sample *s)
{
    s->decisions[0].unit = (struct ident){""};
}
static void no_reason(struct sample *s)
{
    s->decisions[0].reason = 4;
}

START_TEST(a_reply_that_makes_no_sense_is_refused_with_its_place)
{
    static const struct {
        void (*spoil)(struct sample *s);
        const char *said;
    } rows[] = {
        {a_state_of_none, "states[0].state"},
        {no_day, "states[0].since"},
        {no_unit, "decisions[0].unit"},
        {no_reason, "decisions[0].reason"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct random r = {11};
        struct sample s;
        struct buf bytes = {0};
        struct arena arena;
        struct wire_alerts_reply got;
        struct err err = {0};
        arena_init(&arena, 0);
        sample_init(&s, &r);
        s.reply.state_count = s.reply.decision_count = 1;
        rows[i].spoil(&s);
        wire_pack_alerts_reply(&s.reply, &bytes);
        int rc = wire_unpack_alerts_reply(buf_slice(&bytes), &arena, &got, &err);
        ck_assert_msg(rc == ERR_INVALID && strstr(err.text, rows[i].said) != NULL, "%d: %s", rc,
                      err.text);
        arena_fini(&arena);
        buf_fini(&bytes);
    }
}
END_TEST

SUITE_MAIN("wire_alert", replies_come_back_as_they_went,
           requests_heads_and_notifications_come_back_as_they_went,
           a_reply_that_makes_no_sense_is_refused_with_its_place)
