#include "tests/support/suite.h"

#include "tests/unit/services/notifier/campaign.h"

static const struct campaign_shape far_short = {.outcome_percent = 60,
                                                .spread_percent = 12,
                                                .weekend_percent = 25,
                                                .rush_percent = 150,
                                                .opening_percent = 5,
                                                .typhoon = true,
                                                .late = true,
                                                .silent_district = 6};
static const struct campaign_shape quiet = {
    .outcome_percent = 105, .weekend_percent = 30, .rush_percent = 100};
static const int hours[] = {0, 8, 17};

enum { HOURS = sizeof hours / sizeof *hours, ID_BYTES = NOTIFIER_ID_BYTES };

/* ---- what a store holds ---- */

struct ids {
    char (*items)[ID_BYTES];
    size_t count, capacity;
};

static void add_id(struct ids *ids, const char *id)
{
    void *items = ids->items;
    alloc_reserve(&items, &ids->capacity, ids->count + 1, sizeof *ids->items);
    ids->items = items;
    memset(ids->items[ids->count], 0, ID_BYTES);
    snprintf(ids->items[ids->count++], ID_BYTES, "%s", id);
}

static struct ids waiting_ids(struct follower *f)
{
    struct ids ids = {0};
    struct notification n = {0};
    struct kv *kv = memkv_begin(f->store, false);
    while (notifier_outbox_next(kv, n.number, n.channel, &n, NULL) > 0)
        add_id(&ids, n.id);
    memkv_abort(&kv);
    return ids;
}

static bool same_ids(const struct ids *a, const struct ids *b)
{
    return a->count == b->count &&
           (a->count == 0 || memcmp(a->items, b->items, a->count * sizeof *a->items) == 0);
}

static void reopen(struct follower *f)
{
    notifier_close(f->notifier);
    memkv_crash(f->store);
    follower_open(f);
}

/* Applies the frame and lets the process die before the commit; then once more, from the store. */
static void apply_after_a_crash(struct follower *f, const struct notifier_frame *frame)
{
    struct kv *kv = memkv_begin(f->store, true);
    ck_assert_int_eq(notifier_apply_frame(f->notifier, kv, frame, NULL), 0);
    reopen(f);
    follower_apply(f, frame);
}

/* The store refuses a write, or the commit, somewhere in the middle. */
static void apply_after_a_fault(struct follower *f, const struct notifier_frame *frame, long puts)
{
    struct err err = {0};
    memkv_fail_put_after(f->store, puts, ERR_FULL);
    struct kv *kv = memkv_begin(f->store, true);
    int rc = notifier_apply_frame(f->notifier, kv, frame, &err);
    if (rc < 0)
        memkv_abort(&kv);
    else
        rc = memkv_commit(&kv, &err);
    memkv_fail_put_after(f->store, 0, 0);
    if (rc == 0)
        return;
    reopen(f);
    follower_apply(f, frame);
}

static void apply_plainly(struct follower *f, const struct notifier_frame *frame, long number)
{
    (void)number;
    follower_apply(f, frame);
}

static void apply_crashing(struct follower *f, const struct notifier_frame *frame, long number)
{
    apply_after_a_crash(f, frame);
    if (number % 3 == 0)
        reopen(f); /* and again, between two frames */
}

static void apply_faulting(struct follower *f, const struct notifier_frame *frame, long number)
{
    apply_after_a_fault(f, frame, 1 + number * 7 % 400);
}

static void apply_twice(struct follower *f, const struct notifier_frame *frame, long number)
{
    (void)number;
    follower_apply(f, frame);
    struct memkv *before = memkv_copy(f->store);
    follower_apply(f, frame);
    ck_assert_msg(memkv_equal(before, f->store, NULL), "frame %ld applied twice changes the store",
                  number);
    memkv_destroy(before);
}

static struct follower follow(const struct campaign_shape *shape,
                              void (*apply)(struct follower *, const struct notifier_frame *, long))
{
    struct campaign *c = campaign_create(7, shape);
    struct follower f = follower_create();
    long number = 0;
    for (int day = 1; day < CAMPAIGN_WATCHED; day++)
        for (int k = 0; k < HOURS; k++) {
            struct notifier_frame frame = campaign_frame(c, day * 24 + hours[k]);
            apply(&f, &frame, ++number);
        }
    campaign_destroy(c);
    return f;
}

static void compare_with_undisturbed(void (*apply)(struct follower *, const struct notifier_frame *,
                                                   long))
{
    struct follower plain = follow(&far_short, apply_plainly);
    struct follower other = follow(&far_short, apply);
    struct buf difference = {0};
    struct ids a = waiting_ids(&plain), b = waiting_ids(&other);
    ck_assert_uint_gt(a.count, 2 * CAMPAIGN_DISTRICTS);
    ck_assert_msg(same_ids(&a, &b), "%zu and %zu notifications", a.count, b.count);
    bool equal = memkv_equal(plain.store, other.store, &difference);
    ck_assert_msg(equal, "%.*s", (int)difference.len, (const char *)difference.data);
    buf_fini(&difference);
    free(a.items);
    free(b.items);
    follower_fini(&plain);
    follower_fini(&other);
}

START_TEST(a_crash_at_every_frame_leaves_the_same_store_and_ids)
{
    compare_with_undisturbed(apply_crashing);
}
END_TEST

START_TEST(a_refused_write_in_every_frame_leaves_the_same_store_and_ids)
{
    compare_with_undisturbed(apply_faulting);
}
END_TEST

START_TEST(the_same_frame_twice_changes_nothing)
{
    compare_with_undisturbed(apply_twice);
}
END_TEST

START_TEST(no_two_notifications_share_an_id)
{
    struct follower f = follow(&far_short, apply_plainly);
    struct ids ids = waiting_ids(&f);
    for (size_t i = 0; i < ids.count; i++)
        for (size_t k = i + 1; k < ids.count; k++)
            ck_assert_msg(strcmp(ids.items[i], ids.items[k]) != 0, "%s twice", ids.items[i]);
    free(ids.items);
    follower_fini(&f);
}
END_TEST

/* ---- the outbox ---- */

static bool count_told(void *arg, const struct notifier_decision *d)
{
    *(size_t *)arg += d->reason == REASON_TOLD;
    return true;
}

START_TEST(the_outbox_gives_each_message_until_it_is_delivered)
{
    struct follower f = follow(&quiet, apply_plainly);
    struct kv *kv = memkv_begin(f.store, true);
    struct notification n, again;
    size_t given = 0, told = 0;
    ck_assert_int_eq(notifier_visit_history(kv, 0, count_told, &told, NULL), 0);
    while (notifier_outbox_next(kv, 0, CHANNEL_MAILDIR, &n, NULL) > 0) {
        ck_assert_int_eq(notifier_outbox_next(kv, 0, CHANNEL_MAILDIR, &again, NULL), 1);
        ck_assert_str_eq(n.id, again.id);
        ck_assert(notifier_is_waiting(kv, n.number, n.channel));
        notifier_outbox_delivered(kv, n.number, n.channel);
        notifier_outbox_delivered(kv, n.number, n.channel);
        ck_assert(!notifier_is_waiting(kv, n.number, n.channel));
        given++;
    }
    ck_assert_uint_eq(told, 1 + CAMPAIGN_DISTRICTS);
    ck_assert_uint_eq(given, told * CHANNEL_COUNT);
    memkv_abort(&kv);
    follower_fini(&f);
}
END_TEST

START_TEST(a_message_is_found_by_its_id_with_and_without_channel)
{
    struct follower f = follow(&quiet, apply_plainly);
    struct kv *kv = memkv_begin(f.store, false);
    struct notifier_decision d;
    static const char id[] = "haiphong-2024/HP1/31/met/2024-10-07T08:00/lanhdao.31";
    char with[ID_BYTES];
    snprintf(with, sizeof with, "%s/feed", id);
    ck_assert_int_eq(notifier_find(kv, slice_str(id), &d, NULL), 1);
    ck_assert_int_eq(d.to, STATE_MET);
    ck_assert(slice_equal(d.recipient, slice_str("lanhdao.31")));
    ck_assert_int_eq(notifier_find(kv, slice_str(with), &d, NULL), 1);
    ck_assert(slice_equal(d.id, slice_str(id)));
    ck_assert_int_eq(notifier_find(kv, slice_str("haiphong-2024"), &d, NULL), 0);
    ck_assert_int_eq(notifier_find(kv, slice_str(""), &d, NULL), 0);
    memkv_abort(&kv);
    follower_fini(&f);
}
END_TEST

/* ---- who is told ---- */

struct telling {
    const struct campaign *c;
    enum state_tell tell;
    size_t to_leaders, to_district, to_office, other, inhibited;
};

static bool starts_with(struct slice text, const char *prefix)
{
    size_t len = strlen(prefix);
    return text.len >= len && memcmp(text.data, prefix, len) == 0;
}

static bool note_recipient(void *arg, const struct notifier_decision *d)
{
    struct telling *t = arg;
    if (d->tell != t->tell)
        return true;
    t->inhibited += d->reason == REASON_INHIBITED;
    if (d->reason != REASON_TOLD)
        return true;
    t->to_leaders += starts_with(d->recipient, "lanhdao.31");
    t->to_district += starts_with(d->recipient, "quanhuyen.");
    t->to_office += starts_with(d->recipient, "vanphong.31");
    t->other += !starts_with(d->recipient, "lanhdao.31") &&
                !starts_with(d->recipient, "quanhuyen.") && !starts_with(d->recipient, "vanphong.");
    ck_assert_msg(d->body.len > 0 && d->subject.len > 0, "a message without words");
    return true;
}

static struct telling tellings(struct follower *f, enum state_tell tell)
{
    struct telling t = {.tell = tell};
    struct kv *kv = memkv_begin(f->store, false);
    ck_assert_int_eq(notifier_visit_history(kv, 0, note_recipient, &t, NULL), 0);
    memkv_abort(&kv);
    return t;
}

START_TEST(the_pace_goes_to_leaders_and_silence_to_those_who_owe_the_reports)
{
    struct follower f = follow(&far_short, apply_plainly);
    struct telling behind = tellings(&f, TELL_BEHIND), silent = tellings(&f, TELL_SILENT);
    ck_assert_uint_ge(behind.to_leaders, 1);
    ck_assert_uint_ge(behind.to_district, CAMPAIGN_DISTRICTS - 2);
    ck_assert_uint_eq(behind.to_office + behind.other, 0);
    ck_assert_uint_gt(behind.inhibited, CAMPAIGN_COMMUNES / 2);
    ck_assert_uint_eq(silent.to_leaders + silent.other, 0);
    ck_assert_uint_ge(silent.to_district, 1);
    ck_assert_uint_gt(silent.inhibited, 0);
    follower_fini(&f);
}
END_TEST

struct finding {
    const char *unit;
    struct notifier_state state;
    size_t seen, count;
};

static void find_state(void *arg, const struct notifier_state *s)
{
    struct finding *f = arg;
    f->count++;
    if (strcmp(s->unit.text, f->unit) != 0)
        return;
    f->state = *s;
    f->seen++;
}

static struct notifier_state state_of(struct follower *f, const char *unit)
{
    struct finding found = {.unit = unit};
    struct kv *kv = memkv_begin(f->store, false);
    ck_assert_int_eq(notifier_visit_states(kv, find_state, &found, NULL), 0);
    memkv_abort(&kv);
    ck_assert_uint_eq(found.seen, 1);
    ck_assert_uint_eq(found.count, CAMPAIGN_UNITS);
    return found.state;
}

START_TEST(states_carry_the_figures_they_were_judged_by)
{
    struct campaign *c = campaign_create(1, &quiet);
    struct follower f = follower_create();
    for (int day = 1; day <= 16; day++) {
        struct notifier_frame frame = campaign_frame(c, day * 24 + 8);
        follower_apply(&f, &frame);
    }
    struct notifier_state s = state_of(&f, "31");
    ck_assert_int_eq(s.record.state, STATE_ON_PACE);
    ck_assert_int_eq(s.lower, CAMPAIGN_LOWER);
    ck_assert_int_eq(s.pace.judged, CAMPAIGN_START + 14);
    ck_assert_int_eq(s.pace.level, c->truth[0][15]);
    ck_assert_uint_eq(s.pace.owed, CAMPAIGN_LEAVES);
    ck_assert_uint_eq(s.pace.reported, CAMPAIGN_LEAVES);
    ck_assert(s.pace.has_forecast);
    campaign_destroy(c);
    follower_fini(&f);
}
END_TEST

/* ---- when ---- */

START_TEST(it_judges_at_eight_and_five_and_never_at_night)
{
    static const struct {
        int hour, minute;
        bool judges;
        const char *why;
    } rows[] = {
        {24, 0, false, "midnight"},
        {31, 59, false, "a minute before eight"},
        {32, 1, true, "the first tick after eight"},
        {32, 2, false, "eight is done"},
        {40, 59, false, "a minute before five"},
        {41, 0, true, "five"},
        {47, 59, false, "five is done"},
        {48, 0, false, "the midnight after"},
        {65, 30, true, "one tick for both times of a day"},
        {66, 0, false, "both are done"},
        {96, 0, false, "a day went by without another tick: nobody is told at night"},
    };
    struct campaign *c = campaign_create(1, &quiet);
    struct follower f = follower_create();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t before = notifier_position(f.notifier).judged_ms;
        struct notifier_frame frame = campaign_frame(c, rows[i].hour);
        frame.time_ms += rows[i].minute * 60000;
        follower_apply(&f, &frame);
        bool judged = notifier_position(f.notifier).judged_ms != before;
        ck_assert_msg(judged == rows[i].judges, "%s", rows[i].why);
    }
    campaign_destroy(c);
    follower_fini(&f);
}
END_TEST

/* ---- corrections ---- */

static void report(struct campaign *c, int leaf, int day, int64_t value)
{
    c->known[leaf][day].known = true;
    c->known[leaf][day].value = value;
}

struct correcting {
    bool seen;
    char id[ID_BYTES], corrects[ID_BYTES];
    enum state_tell tell;
};

static bool note_correction(void *arg, const struct notifier_decision *d)
{
    struct correcting *t = arg;
    if (d->reason != REASON_TOLD || d->tell != t->tell)
        return true;
    t->seen = true;
    snprintf(t->id, ID_BYTES, "%.*s", (int)d->id.len, (const char *)d->id.data);
    snprintf(t->corrects, ID_BYTES, "%.*s", (int)d->corrects.len, (const char *)d->corrects.data);
    return true;
}

static struct correcting find_telling(struct follower *f, enum state_tell tell)
{
    struct correcting t = {.tell = tell};
    struct kv *kv = memkv_begin(f->store, false);
    ck_assert_int_eq(notifier_visit_history(kv, 0, note_correction, &t, NULL), 0);
    memkv_abort(&kv);
    return t;
}

/* The leaves report by hand here: each `part` percent of its path. */
static void report_all(struct campaign *c, int day, int part)
{
    for (int i = 1; i < CAMPAIGN_UNITS; i++)
        if (campaign_is_leaf(i))
            report(c, i, day, c->lower[i] * day * part / 31 / 100);
}

START_TEST(a_correction_that_undoes_an_alert_is_told_with_its_id)
{
    struct campaign *c = campaign_create(1, &quiet);
    struct follower f = follower_create();
    c->report_count = 0;
    for (int day = 0; day < 16; day++) {
        report_all(c, day, 30);
        struct notifier_frame frame = campaign_frame(c, (day + 1) * 24 + 8);
        follower_apply(&f, &frame);
    }
    struct correcting behind = find_telling(&f, TELL_BEHIND);
    ck_assert(behind.seen);
    ck_assert_int_eq(state_of(&f, "31").record.state, STATE_BEHIND);
    for (int day = 0; day < 16; day++)
        report_all(c, day, 105);
    struct notifier_frame frame = campaign_frame(c, 16 * 24 + 17);
    follower_apply(&f, &frame);
    struct correcting undone = find_telling(&f, TELL_UNDONE);
    struct kv *kv = memkv_begin(f.store, false);
    struct notifier_decision d;
    ck_assert(undone.seen);
    ck_assert_msg(notifier_find(kv, slice_str(undone.corrects), &d, NULL) == 1, "%s refers to %s",
                  undone.id, undone.corrects);
    ck_assert_int_eq(d.tell, TELL_BEHIND);
    memkv_abort(&kv);
    ck_assert_int_eq(state_of(&f, "31").record.state, STATE_ON_PACE);
    campaign_destroy(c);
    follower_fini(&f);
}
END_TEST

START_TEST(a_late_correction_revises_the_result)
{
    struct campaign *c = campaign_create(1, &quiet);
    struct follower f = follower_create();
    c->report_count = 0;
    for (int day = 0; day < CAMPAIGN_WATCHED; day++) {
        if (day < CAMPAIGN_DAYS)
            report_all(c, day, 101);
        struct notifier_frame frame = campaign_frame(c, (day + 1) * 24 + 8);
        follower_apply(&f, &frame);
    }
    ck_assert(find_telling(&f, TELL_FINAL).seen);
    ck_assert_int_eq(state_of(&f, "31").record.state, STATE_MET);
    report_all(c, CAMPAIGN_DAYS - 1, 97);
    struct notifier_frame frame = campaign_frame(c, 38 * 24);
    frame.time_ms += 9 * 3600000;
    follower_apply(&f, &frame);
    struct correcting revised = find_telling(&f, TELL_REVISED);
    ck_assert_int_eq(state_of(&f, "31").record.state, STATE_MISSED);
    ck_assert(revised.seen);
    ck_assert_msg(strstr(revised.corrects, "/met/2024-10-07T08:00/") != NULL, "%s",
                  revised.corrects);
    campaign_destroy(c);
    follower_fini(&f);
}
END_TEST

/* ---- a target of which nobody reports ---- */

/* HP2: members of the association, monthly, due ten days after the month. */
static void add_silent_target(struct campaign *c)
{
    struct indicator *indicators = arena_alloc(&c->arena, 2 * sizeof *indicators);
    struct duty *duties = arena_alloc(&c->arena, 2 * sizeof *duties);
    struct target *targets = arena_alloc(&c->arena, 2 * sizeof *targets);
    indicators[0] = c->plan.indicators[0];
    indicators[1] = c->plan.indicators[0];
    indicators[1].id = campaign_ident("hoivien");
    indicators[1].period = PERIOD_MONTH;
    duties[0] = c->plan.duties[0];
    duties[1] = (struct duty){indicators[1].id, CAMPAIGN_START, CAMPAIGN_START + 120, 10};
    targets[0] = c->plan.targets[0];
    targets[1] = (struct target){.id = campaign_ident("HP2"),
                                 .title = "hội viên",
                                 .clause = "III.2",
                                 .indicator = indicators[1].id,
                                 .unit = campaign_ident("31"),
                                 .lower = 600000,
                                 .start = CAMPAIGN_START,
                                 .due = CAMPAIGN_START + 117,
                                 .weekend_permille = 1000};
    c->plan.indicators = indicators;
    c->plan.duties = duties;
    c->plan.targets = targets;
    c->plan.indicator_count = c->plan.duty_count = c->plan.target_count = 2;
    c->plan.to = CAMPAIGN_START + 120;
}

static bool note_silent_target(void *arg, const struct notifier_decision *d)
{
    int64_t *told_ms = arg;
    if (strcmp(d->target.text, "HP2") == 0 && d->reason == REASON_TOLD)
        *told_ms = d->tick_ms;
    return true;
}

START_TEST(a_target_nobody_reports_disturbs_nobody_before_its_own_dates)
{
    struct campaign *c = campaign_create(1, &quiet);
    struct follower f = follower_create();
    int64_t told_ms = 0;
    add_silent_target(c);
    for (int day = 1; day < 45 && told_ms == 0; day++) {
        struct notifier_frame frame = campaign_frame(c, day * 24 + 8);
        follower_apply(&f, &frame);
        struct kv *kv = memkv_begin(f.store, false);
        notifier_visit_history(kv, 0, note_silent_target, &told_ms, NULL);
        memkv_abort(&kv);
    }
    char day[DAY_TEXT_BYTES];
    ck_assert_str_eq(day_format(day_of_ms(told_ms), day), "2024-10-11");
    campaign_destroy(c);
    follower_fini(&f);
}
END_TEST

/* ---- what is refused ---- */

static int try_frame(struct follower *f, const struct notifier_frame *frame, struct err *err)
{
    struct kv *kv = memkv_begin(f->store, true);
    int rc = notifier_apply_frame(f->notifier, kv, frame, err);
    memkv_abort(&kv);
    return rc;
}

START_TEST(a_frame_out_of_place_stops)
{
    struct campaign *c = campaign_create(1, &quiet);
    struct follower f = follower_create();
    struct err err = {0};
    struct notifier_frame frame = campaign_frame(c, 24);
    follower_apply(&f, &frame);
    frame = campaign_frame(c, 32);
    frame.previous_offset++;
    ck_assert_int_eq(try_frame(&f, &frame, &err), ERR_CORRUPT);
    ck_assert_msg(strstr(err.text, "restored from a backup") != NULL, "%s", err.text);
    frame.previous_offset--;
    frame.time_ms -= 9 * 3600000;
    ck_assert_int_eq(try_frame(&f, &frame, &err), ERR_CORRUPT);
    campaign_destroy(c);
    follower_fini(&f);
}
END_TEST

START_TEST(what_cannot_be_read_is_an_error_and_no_crash)
{
    struct campaign *c = campaign_create(1, &quiet);
    struct follower f = follower_create();
    struct err err = {0};
    struct notifier_frame frame = campaign_frame(c, 24);
    struct notifier_cell cell = {slice_str("cdht.dangky"), slice_of("a\0b", 3), 0, 1, 1, 1, 1};
    frame.cells = &cell;
    frame.cell_count = 1;
    ck_assert_int_eq(try_frame(&f, &frame, &err), ERR_CORRUPT);
    reopen(&f);
    struct kv *kv = memkv_begin(f.store, true);
    kv_put(kv, NOTIFIER_META, slice_str("position"), slice_str("\x01xx"));
    ck_assert_int_eq(memkv_commit(&kv, NULL), 0);
    notifier_close(f.notifier);
    f.notifier = NULL;
    kv = memkv_begin(f.store, false);
    ck_assert_int_eq(notifier_open(&f.notifier, kv, &wire_codec, &err), ERR_CORRUPT);
    memkv_abort(&kv);
    kv = memkv_begin(f.store, true);
    kv_put(kv, NOTIFIER_META, slice_str("position"), slice_str("\x02xx"));
    ck_assert_int_eq(notifier_open(&f.notifier, kv, &wire_codec, &err), ERR_VERSION);
    memkv_abort(&kv);
    campaign_destroy(c);
    follower_fini(&f);
}
END_TEST

SUITE_MAIN("notifier", a_crash_at_every_frame_leaves_the_same_store_and_ids,
           a_refused_write_in_every_frame_leaves_the_same_store_and_ids,
           the_same_frame_twice_changes_nothing, no_two_notifications_share_an_id,
           the_outbox_gives_each_message_until_it_is_delivered,
           a_message_is_found_by_its_id_with_and_without_channel,
           the_pace_goes_to_leaders_and_silence_to_those_who_owe_the_reports,
           states_carry_the_figures_they_were_judged_by,
           it_judges_at_eight_and_five_and_never_at_night,
           a_correction_that_undoes_an_alert_is_told_with_its_id,
           a_late_correction_revises_the_result,
           a_target_nobody_reports_disturbs_nobody_before_its_own_dates, a_frame_out_of_place_stops,
           what_cannot_be_read_is_an_error_and_no_crash)
