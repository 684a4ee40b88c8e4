#include "tests/support/suite.h"

#include "tests/unit/services/notifier/campaign.h"

/* Who is told what of whom, in how many messages: leaves report by hand or as a campaign has it,
 * the plan is amended in mid-flight. */

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

enum { ID_BYTES = NOTIFIER_ID_BYTES, DISTRICT = 1, LATER = 16 };

/* ---- playing ---- */

struct play {
    struct campaign *c;
    struct follower f;
    int64_t path[CAMPAIGN_UNITS]; /* shares at the beginning: what leaves report parts of */
    struct buf plan_body;
    struct notifier_entry entry;
};

static struct play play_open(const struct campaign_shape *shape, bool by_hand)
{
    struct play p = {.c = campaign_create(7, shape), .f = follower_create()};
    memcpy(p.path, p.c->lower, sizeof p.path);
    if (by_hand)
        p.c->report_count = 0;
    return p;
}

static void play_close(struct play *p)
{
    campaign_destroy(p->c);
    follower_fini(&p->f);
    buf_fini(&p->plan_body);
}

static void report(struct play *p, int leaf, int day, int percent)
{
    if (day >= CAMPAIGN_DAYS)
        return;
    p->c->known[leaf][day].known = true;
    p->c->known[leaf][day].value = p->path[leaf] * day * percent / 31 / 100;
}

static void report_all(struct play *p, int day, int percent)
{
    for (int i = 1; i < CAMPAIGN_UNITS; i++)
        if (campaign_is_leaf(i))
            report(p, i, day, percent);
}

/* The tick of that hour of the day after, so that the reports of `day` are there. */
static void judge(struct play *p, int day, int hour)
{
    struct notifier_frame frame = campaign_frame(p->c, (day + 1) * 24 + hour);
    follower_apply(&p->f, &frame);
}

/* All leaves bring so much of their path each day, up to that day. */
static void play_to(struct play *p, int first, int last, int percent)
{
    for (int day = first; day <= last; day++) {
        report_all(p, day, percent);
        judge(p, day, 8);
    }
}

static void play_amended(struct play *p, int day, int hour)
{
    p->c->plan.version++;
    buf_clear(&p->plan_body);
    wire_pack_plan(&p->c->plan, &p->plan_body);
    struct notifier_frame frame = campaign_frame(p->c, (day + 1) * 24 + hour);
    p->entry = (struct notifier_entry){ENTRY_PLAN, frame.offset - 1, buf_slice(&p->plan_body)};
    frame.entries = &p->entry;
    frame.entry_count = 1;
    follower_apply(&p->f, &frame);
}

static void set_bounds(struct play *p, int64_t lower, int64_t stretch)
{
    struct target *t = &p->c->plan.targets[0];
    int64_t lowers[CAMPAIGN_UNITS], stretches[CAMPAIGN_UNITS], people = 0;
    for (int d = 0; d < CAMPAIGN_DISTRICTS; d++)
        people += campaign_populations[d];
    campaign_share(lower, people, lowers);
    campaign_share(stretch, people, stretches);
    t->lower = lower;
    t->stretch = stretch;
    for (int i = 1; i < CAMPAIGN_UNITS; i++)
        for (unsigned k = 0; k < t->share_count; k++)
            if (strcmp(t->shares[k].unit.text, p->c->codes[i]) == 0) {
                t->shares[k].lower = lowers[i];
                t->shares[k].stretch = stretches[i];
            }
}

/* ---- looking ---- */

struct wanted {
    const char *recipient; /* NULL: any; likewise the others */
    const char *unit;
    const char *part; /* of the id */
    int tell;         /* or -1 */
    int reason;       /* or -1 */
    int64_t after_ms;
};

struct found {
    const struct wanted *wanted;
    unsigned count;
    int64_t first_ms, last_ms;
    char id[ID_BYTES], corrects[ID_BYTES], inhibitor[sizeof(struct ident)];
    struct buf body, subject; /* of the last */
};

static bool is_text(struct slice got, const char *want)
{
    return !want || slice_equal(got, slice_str(want));
}

static bool fits(const struct wanted *w, const struct notifier_decision *d)
{
    return is_text(d->recipient, w->recipient) && is_text(ident_slice(&d->unit), w->unit) &&
           (!w->part || memmem(d->id.data, d->id.len, w->part, strlen(w->part))) &&
           (w->tell < 0 || (int)d->tell == w->tell) &&
           (w->reason < 0 || (int)d->reason == w->reason) && d->tick_ms > w->after_ms;
}

static bool note(void *arg, const struct notifier_decision *d)
{
    struct found *f = arg;
    if (!fits(f->wanted, d))
        return true;
    f->first_ms = f->count++ == 0 ? d->tick_ms : f->first_ms;
    f->last_ms = d->tick_ms;
    snprintf(f->id, ID_BYTES, "%.*s", (int)d->id.len, (const char *)d->id.data);
    snprintf(f->corrects, ID_BYTES, "%.*s", (int)d->corrects.len, (const char *)d->corrects.data);
    snprintf(f->inhibitor, sizeof f->inhibitor, "%s", d->inhibitor.text);
    buf_clear(&f->subject);
    buf_clear(&f->body);
    buf_printf(&f->subject, "%.*s", (int)d->subject.len, (const char *)d->subject.data);
    buf_printf(&f->body, "%.*s", (int)d->body.len, (const char *)d->body.data);
    return true;
}

static struct found look(struct play *p, struct wanted w)
{
    struct found f = {.wanted = &w};
    struct kv *kv = memkv_begin(p->f.store, false);
    ck_assert_int_eq(notifier_visit_history(kv, 0, note, &f, NULL), 0);
    memkv_abort(&kv);
    f.wanted = NULL;
    return f;
}

static unsigned count_of(struct play *p, struct wanted w)
{
    struct found f = look(p, w);
    buf_fini(&f.body);
    buf_fini(&f.subject);
    return f.count;
}

/* Of exactly one message: says this, and not that. Gives its tick. */
static int64_t expect_message(struct play *p, struct wanted w, const char *says, const char * not )
{
    w.reason = REASON_TOLD;
    struct found f = look(p, w);
    const char *body = f.count > 0 ? (const char *)f.body.data : "";
    ck_assert_msg(f.count == 1, "%u messages \"%s\" to %s", f.count, w.part ? w.part : "",
                  w.recipient ? w.recipient : "anybody");
    ck_assert_msg(strstr(body, says) != NULL, "no \"%s\" in\n%s", says, body);
    ck_assert_msg(!not || !strstr(body, not ), "\"%s\" in\n%s", not, body);
    buf_fini(&f.body);
    buf_fini(&f.subject);
    return f.first_ms;
}

struct states {
    struct notifier_state items[CAMPAIGN_UNITS * 2];
    unsigned count;
};

static void keep_state(void *arg, const struct notifier_state *s)
{
    struct states *all = arg;
    ck_assert_uint_lt(all->count, CAMPAIGN_UNITS * 2);
    all->items[all->count++] = *s;
}

static const struct states *states_of(struct play *p)
{
    static struct states all;
    all.count = 0;
    struct kv *kv = memkv_begin(p->f.store, false);
    ck_assert_int_eq(notifier_visit_states(kv, keep_state, &all, NULL), 0);
    memkv_abort(&kv);
    return &all;
}

static const struct notifier_state *state_of(struct play *p, const char *unit)
{
    const struct states *all = states_of(p);
    for (unsigned i = 0; i < all->count; i++)
        if (strcmp(all->items[i].unit.text, unit) == 0)
            return &all->items[i];
    ck_abort_msg("no state of %s", unit);
    return NULL;
}

static const char *first_commune(const struct play *p, int district)
{
    for (int i = CAMPAIGN_DISTRICTS + 1; i < CAMPAIGN_UNITS; i++)
        if (p->c->above[i] == district)
            return p->c->codes[i];
    return "";
}

/* ---- leaders, districts, communes ---- */

static struct play far_short_play(void)
{
    struct play p = play_open(&far_short, false);
    for (int day = 0; day < CAMPAIGN_WATCHED - 1; day++)
        for (int hour = 8; hour <= 17; hour += 9)
            judge(&p, day, hour);
    return p;
}

START_TEST(leaders_hear_of_each_district_that_is_behind_once)
{
    struct play p = far_short_play();
    unsigned told = 0;
    for (int d = 1; d <= CAMPAIGN_DISTRICTS; d++) {
        const char *code = p.c->codes[d];
        bool behind = (state_of(&p, code)->record.told & FACT_TOLD_BEHIND) != 0;
        unsigned count = count_of(&p, (struct wanted){.recipient = "lanhdao.31",
                                                      .unit = code,
                                                      .part = "/behind/",
                                                      .tell = TELL_BEHIND,
                                                      .reason = -1});
        ck_assert_msg(count == (behind ? 1u : 0u), "%u lines of %s, behind: %d", count, code,
                      behind);
        told += count;
    }
    ck_assert_uint_ge(told, CAMPAIGN_DISTRICTS - 2);
    play_close(&p);
}
END_TEST

START_TEST(the_days_of_the_storm_that_a_forecast_leaves_out_are_named)
{
    struct play p = far_short_play();
    struct wanted w = {.recipient = "quanhuyen.303", .unit = "303", .tell = TELL_BEHIND};
    expect_message(&p, w, "không tính những ngày gián đoạn từ 07/09/2024 đến 10/09/2024", NULL);
    play_close(&p);
}
END_TEST

struct bundles {
    unsigned count;
    char seen[4096][ID_BYTES]; /* recipient, kind and tick of each message */
};

static bool note_bundle(void *arg, const struct notifier_decision *d)
{
    struct bundles *b = arg;
    if (d->reason != REASON_TOLD)
        return true;
    char key[ID_BYTES];
    snprintf(key, sizeof key, "%.*s %d %lld", (int)d->recipient.len,
             (const char *)d->recipient.data, (int)d->tell, (long long)d->tick_ms);
    for (unsigned i = 0; i < b->count; i++)
        ck_assert_msg(strcmp(b->seen[i], key) != 0, "two messages: %s", key);
    ck_assert_uint_lt(b->count, 4096);
    snprintf(b->seen[b->count++], ID_BYTES, "%s", key);
    return true;
}

START_TEST(nobody_gets_two_messages_of_the_same_kind_at_one_tick)
{
    static struct bundles b;
    struct play p = far_short_play();
    struct kv *kv = memkv_begin(p.f.store, false);
    ck_assert_int_eq(notifier_visit_history(kv, 0, note_bundle, &b, NULL), 0);
    memkv_abort(&kv);
    ck_assert_uint_gt(b.count, 2 * CAMPAIGN_DISTRICTS);
    ck_assert_uint_lt(b.count, 6 * CAMPAIGN_DISTRICTS); /* and not as many as there are communes */
    play_close(&p);
}
END_TEST

START_TEST(the_message_on_the_province_lists_every_district)
{
    struct play p = play_open(&quiet, true);
    play_to(&p, 0, LATER, 30);
    struct wanted w = {.recipient = "lanhdao.31", .unit = "31", .part = "/behind/", .tell = -1};
    for (int d = 1; d <= CAMPAIGN_DISTRICTS; d++) {
        char line[64];
        snprintf(line, sizeof line, "\n- quận %s: ", p.c->codes[d]);
        expect_message(&p, w, line, "đơn vị khác");
    }
    play_close(&p);
}
END_TEST

static void report_parts(struct play *p, int last, int slow, int others)
{
    for (int day = 0; day <= last; day++)
        for (int i = 1; i < CAMPAIGN_UNITS; i++)
            if (campaign_is_leaf(i))
                report(p, i, day, p->c->above[i] == DISTRICT ? slow : others);
}

/* The province's figures are corrected downwards on the day after the district's fact: so the
 * district is called a day before the province, which is about to be. */
START_TEST(leaders_hear_of_a_district_together_with_the_whole_that_is_about_to_be_called)
{
    struct play p = play_open(&quiet, true);
    int day = 0;
    do {
        report_parts(&p, ++day, 20, 100);
        judge(&p, day, 8);
    } while ((state_of(&p, "303")->record.facts & FACT_BEHIND) == 0 && day < LATER);
    for (int last = day + 4; day < last; day++) {
        report_parts(&p, day + 1, 20, 30);
        judge(&p, day + 1, 8);
    }
    struct wanted w = {.recipient = "lanhdao.31", .unit = "303", .tell = TELL_BEHIND};
    w.reason = REASON_INHIBITED;
    ck_assert_msg(count_of(&p, w) == 1, "the copy to the leaders was not held back");
    w.reason = REASON_DIGEST;
    struct found told = look(&p, w);
    ck_assert_uint_eq(told.count, 1);
    ck_assert_msg(strstr(told.id, "/31/behind/") != NULL, "%s", told.id);
    w = (struct wanted){.recipient = "lanhdao.31", .unit = "31", .tell = TELL_BEHIND};
    ck_assert_int_eq(expect_message(&p, w, "\n- quận 303: ", NULL), told.first_ms);
    buf_fini(&told.body);
    buf_fini(&told.subject);
    play_close(&p);
}
END_TEST

START_TEST(a_commune_that_stays_behind_is_told_when_its_district_no_longer_is)
{
    struct play p = play_open(&quiet, true);
    const char *slow = first_commune(&p, DISTRICT);
    struct wanted w = {.unit = slow, .tell = TELL_BEHIND, .reason = REASON_INHIBITED};
    play_to(&p, 0, LATER, 30);
    ck_assert_uint_eq(count_of(&p, w), 1);
    for (int day = 0; day <= LATER; day++)
        for (int i = 1; i < CAMPAIGN_UNITS; i++)
            if (campaign_is_leaf(i))
                report(&p, i, day, strcmp(p.c->codes[i], slow) == 0 ? 30 : 105);
    judge(&p, LATER, 17);
    ck_assert_int_eq(state_of(&p, slow)->record.state, STATE_BEHIND);
    expect_message(&p,
                   (struct wanted){.recipient = "quanhuyen.303", .unit = slow, .tell = TELL_BEHIND},
                   "đang chậm tiến độ", NULL);
    play_close(&p);
}
END_TEST

/* ---- silence ---- */

static bool lies_in(const struct play *p, int leaf, int district)
{
    return leaf == district || p->c->above[leaf] == district;
}

/* One of ten communes of the district is silent from that day on, all of them from the day after.
 */
static void play_silence(struct play *p, int first, int last)
{
    for (int day = 0; day <= last; day++) {
        int number = 0;
        for (int i = 1; i < CAMPAIGN_UNITS; i++) {
            if (!campaign_is_leaf(i))
                continue;
            bool silent = lies_in(p, i, DISTRICT) && day >= first + (number++ % 10 != 0);
            if (!silent)
                report(p, i, day, 100);
        }
        judge(p, day, 8);
    }
}

START_TEST(communes_wait_for_a_district_that_is_about_to_be_silent)
{
    struct play p = play_open(&quiet, true);
    play_silence(&p, 8, 14);
    const char *commune = first_commune(&p, DISTRICT);
    struct found held =
        look(&p, (struct wanted){.unit = commune, .tell = TELL_SILENT, .reason = REASON_INHIBITED});
    ck_assert_uint_eq(held.count, 1);
    ck_assert_str_eq(held.inhibitor, "303");
    int64_t told_ms =
        expect_message(&p, (struct wanted){.recipient = "quanhuyen.303", .tell = TELL_SILENT},
                       "chưa báo cáo", NULL);
    ck_assert_msg(held.first_ms < told_ms, "the commune was not silent first");
    buf_fini(&held.body);
    buf_fini(&held.subject);
    play_close(&p);
}
END_TEST

START_TEST(a_silent_district_lists_all_who_miss_reports)
{
    struct play p = play_open(&quiet, true);
    play_silence(&p, 8, 14);
    struct found f = look(
        &p,
        (struct wanted){.recipient = "quanhuyen.303", .tell = TELL_SILENT, .reason = REASON_TOLD});
    unsigned lines = 0;
    for (const char *at = (const char *)f.body.data; (at = strstr(at, "\n- phường ")); at++)
        lines++;
    ck_assert_msg(lines == campaign_commune_counts[DISTRICT - 1], "%u lines in\n%s", lines,
                  (const char *)f.body.data);
    buf_fini(&f.body);
    buf_fini(&f.subject);
    play_close(&p);
}
END_TEST

START_TEST(silence_goes_to_the_office_as_well_and_again_each_week)
{
    static const char *const recipients[] = {"vanphong.31", "quanhuyen.303"};
    struct play p = play_open(&quiet, true);
    play_silence(&p, 4, 22);
    for (int i = 0; i < 2; i++) {
        struct wanted w = {.recipient = recipients[i], .tell = TELL_SILENT, .reason = REASON_TOLD};
        struct found f = look(&p, w);
        ck_assert_msg(f.count == 3, "%u messages to %s", f.count, recipients[i]);
        ck_assert_int_eq(day_of_ms(f.last_ms) - day_of_ms(f.first_ms), 14);
        ck_assert_msg(strstr((const char *)f.subject.data, "Nhắc lại: ") != NULL, "%s",
                      (const char *)f.subject.data);
        buf_fini(&f.body);
        buf_fini(&f.subject);
    }
    play_close(&p);
}
END_TEST

/* ---- amendments ---- */

START_TEST(a_lowered_bound_is_not_told_as_a_correction_of_figures)
{
    struct play p = play_open(&quiet, true);
    struct wanted w = {.recipient = "lanhdao.31", .part = "/amended/", .tell = TELL_UNDONE};
    struct wanted old = {.part = "/undone/", .tell = -1, .reason = -1};
    play_to(&p, 0, LATER, 30);
    set_bounds(&p, CAMPAIGN_LOWER / 5, CAMPAIGN_STRETCH / 5);
    report(&p, CAMPAIGN_UNITS - 1, LATER, 33); /* a late report more */
    play_amended(&p, LATER, 17);
    ck_assert_int_eq(state_of(&p, "31")->record.state, STATE_ON_PACE);
    expect_message(&p, w, "điều chỉnh kế hoạch (phiên bản 2: chỉ tiêu từ 90.000 người thành 18.000",
                   "đính chính");
    expect_message(&p, w, "Cũng không còn thuộc diện chậm tiến độ:\n- quận 303: ", NULL);
    ck_assert_uint_eq(count_of(&p, old), 0);
    play_close(&p);
}
END_TEST

START_TEST(a_raised_bound_that_changes_the_result_is_named_as_its_cause)
{
    struct play p = play_open(&quiet, true);
    play_to(&p, 0, CAMPAIGN_WATCHED - 2, 101);
    ck_assert_int_eq(state_of(&p, "31")->record.state, STATE_MET);
    set_bounds(&p, CAMPAIGN_LOWER + 5000, CAMPAIGN_STRETCH);
    play_amended(&p, CAMPAIGN_WATCHED, 8);
    expect_message(&p, (struct wanted){.recipient = "lanhdao.31", .tell = TELL_REVISED},
                   "do điều chỉnh kế hoạch (phiên bản 2: chỉ tiêu từ 90.000", "số liệu đã đính");
    play_close(&p);
}
END_TEST

START_TEST(a_result_is_taken_back_when_the_target_is_extended)
{
    struct play p = play_open(&quiet, true);
    play_to(&p, 0, CAMPAIGN_WATCHED - 2, 97);
    ck_assert_int_eq(state_of(&p, "31")->record.state, STATE_MISSED);
    p.c->plan.targets[0].due += 15;
    p.c->plan.duties[0].to += 15;
    p.c->plan.to += 15;
    play_amended(&p, CAMPAIGN_WATCHED, 8);
    judge(&p, CAMPAIGN_WATCHED, 17);
    struct wanted w = {.recipient = "lanhdao.31", .part = "/withdrawn/", .tell = -1};
    expect_message(&p, w, "\"không đạt chỉ tiêu\" của thành phố 31", NULL);
    w = (struct wanted){.part = "/withdrawn/", .tell = -1, .reason = REASON_TOLD};
    ck_assert_uint_eq(count_of(&p, w), 1 + CAMPAIGN_DISTRICTS);
    play_close(&p);
}
END_TEST

/* Another target in its stead: of one of the districts alone. */
static void replace_target(struct play *p)
{
    struct target *t = &p->c->plan.targets[0];
    t->id = campaign_ident("HP9");
    t->unit = campaign_ident(p->c->codes[2]);
    t->lower = 1000;
    t->stretch = 0;
    t->share_count = 0;
}

START_TEST(a_removed_target_is_told_once_to_all_who_were_told_of_it)
{
    struct play p = play_open(&quiet, true);
    play_to(&p, 0, LATER, 30);
    int64_t before_ms = notifier_position(p.f.notifier).judged_ms;
    struct wanted w = {
        .part = "/behind/", .tell = TELL_BEHIND, .reason = REASON_TOLD, .after_ms = 0};
    ck_assert_uint_eq(count_of(&p, w), CAMPAIGN_DISTRICTS); /* without the island */
    replace_target(&p);
    play_amended(&p, LATER, 17);
    judge(&p, LATER + 1, 8);
    w = (struct wanted){.part = "/removed/", .tell = -1, .reason = REASON_TOLD};
    ck_assert_uint_eq(count_of(&p, w), CAMPAIGN_DISTRICTS);
    w.recipient = "lanhdao.31";
    expect_message(&p, w, "không còn giao cho", NULL);
    w = (struct wanted){.unit = first_commune(&p, DISTRICT),
                        .tell = -1,
                        .reason = REASON_QUIET,
                        .after_ms = before_ms};
    ck_assert_msg(count_of(&p, w) == 1, "no line of a commune that nobody was told of");
    ck_assert_uint_eq(states_of(&p)->count, 1);
    play_close(&p);
}
END_TEST

/* ---- rehearsals ---- */

START_TEST(a_rehearsal_says_so_in_every_message)
{
    struct play p = play_open(&quiet, true);
    p.c->plan.is_rehearsal = true;
    play_to(&p, 0, LATER, 30);
    struct wanted w = {.tell = -1, .reason = REASON_TOLD, .part = "quanhuyen.303"};
    struct found f = look(&p, w);
    ck_assert_uint_ge(f.count, 1);
    ck_assert_msg(strstr((const char *)f.subject.data, "[DIỄN TẬP] ") == (char *)f.subject.data,
                  "%s", (const char *)f.subject.data);
    ck_assert_ptr_nonnull(strstr((const char *)f.body.data, "không phải số thật"));
    buf_fini(&f.body);
    buf_fini(&f.subject);
    play_close(&p);
}
END_TEST

SUITE_MAIN("telling", leaders_hear_of_each_district_that_is_behind_once,
           the_days_of_the_storm_that_a_forecast_leaves_out_are_named,
           nobody_gets_two_messages_of_the_same_kind_at_one_tick,
           the_message_on_the_province_lists_every_district,
           leaders_hear_of_a_district_together_with_the_whole_that_is_about_to_be_called,
           a_commune_that_stays_behind_is_told_when_its_district_no_longer_is,
           communes_wait_for_a_district_that_is_about_to_be_silent,
           a_silent_district_lists_all_who_miss_reports,
           silence_goes_to_the_office_as_well_and_again_each_week,
           a_lowered_bound_is_not_told_as_a_correction_of_figures,
           a_raised_bound_that_changes_the_result_is_named_as_its_cause,
           a_result_is_taken_back_when_the_target_is_extended,
           a_removed_target_is_told_once_to_all_who_were_told_of_it,
           a_rehearsal_says_so_in_every_message)
