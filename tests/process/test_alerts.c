/* A small campaign, replayed tick by tick past a real notifier: who is told what, that each message
 * is laid down whole and once under its name whatever is killed, and what is answered.
 *
 * District 303 reports every day and far too little; 304 is on pace, and silent for some days.
 *
 * TONGHOP_KILLS: how many kills (20). TONGHOP_SEED: which moments; printed at the start. */
#include "common/net/loop.h"
#include "common/wire/alert_wire.h"
#include "tests/support/load.h"
#include "tests/support/mounts.h"
#include "tests/support/suite.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    DAYS = 34, /* two beyond the due day and its last reports */
    SILENT_FIRST = 9,
    SILENT_LAST = 15,
    SHARE = 1000,
    PACE = 34, /* a day, of a commune that will make it */
    SLOW = 12, /* of one that will not */
    WAIT_MS = 30000,
    KILLS = 20,
    FILES_MAX = 256,
    NAME_BYTES = 256,
    FIRST_DAY = 19971, /* 2024-09-05 */
    BEHIND = 3,
    NOT_REPORTED = 4,
};

#define HOUR_MS INT64_C(3600000)

struct world {
    struct cluster c;
    struct net_keypair office_keys;
    struct peer office; /* sends figures of the whole province */
    struct arena arena;
    int64_t time_ms; /* of the last tick */
    uint64_t offset; /* of the last tick */
};

static struct ident ident_of(const char *text)
{
    struct ident id = {""};
    ck_assert_msg(ident_set(&id, slice_str(text)), "\"%s\" is no identifier", text);
    return id;
}

/* --- the plan */

static struct target_share share_of(const char *unit, unsigned communes)
{
    return (struct target_share){ident_of(unit), communes * SHARE, communes * SHARE * 5 / 4};
}

static void apply_plan(struct world *w)
{
    struct target_share shares[PROVINCE_COMMUNES + PROVINCE_DISTRICTS];
    unsigned count = 0;
    for (unsigned i = 0; i < PROVINCE_COMMUNES; i++)
        shares[count++] = share_of(province_communes[i], 1);
    for (unsigned i = 0; i < PROVINCE_DISTRICTS; i++)
        shares[count++] = share_of(province_districts[i], PROVINCE_COMMUNES / PROVINCE_DISTRICTS);
    struct indicator indicator = {.id = ident_of("dangky"),
                                  .name = "Số người đăng ký",
                                  .kind = INDICATOR_STOCK,
                                  .measure = ident_of("persons"),
                                  .maximum = OBSERVATION_VALUE_MAX,
                                  .reporters = 1u << 3,
                                  .record_count = 1};
    indicator.records[0] = (struct source_of_record){FIRST_DAY - 1, ident_of("hkh")};
    struct source source = {ident_of("hkh"), "Hội Khuyến học"};
    struct duty duty = {ident_of("dangky"), FIRST_DAY, FIRST_DAY + 30, 1};
    struct target target = {.id = ident_of("HP1"),
                            .title = "Công dân học tập đăng ký",
                            .clause = "III.3",
                            .indicator = ident_of("dangky"),
                            .unit = ident_of(province_code),
                            .lower = PROVINCE_COMMUNES * SHARE,
                            .stretch = PROVINCE_COMMUNES * SHARE * 5 / 4,
                            .start = FIRST_DAY,
                            .due = FIRST_DAY + 30,
                            .weekend_permille = 1000,
                            .shares = shares,
                            .share_count = count};
    struct plan plan = {.id = ident_of("thang9"),
                        .version = 1,
                        .title = "Tháng Khuyến học",
                        .document = "Kế hoạch 204/KH-UBND",
                        .root = ident_of(province_code),
                        .from = FIRST_DAY,
                        .to = FIRST_DAY + 30,
                        .sources = &source,
                        .source_count = 1,
                        .indicators = &indicator,
                        .indicator_count = 1,
                        .duties = &duty,
                        .duty_count = 1,
                        .targets = &target,
                        .target_count = 1};
    cluster_apply(&w->c, &(struct wire_apply){.kind = WIRE_APPLY_PLAN, .plan = plan});
}

/* --- days */

static void tick(struct world *w, int64_t time_ms)
{
    w->time_ms = time_ms;
    w->offset = cluster_apply(
        &w->c, &(struct wire_apply){.kind = WIRE_APPLY_REPLAY_TICK, .time_ms = time_ms});
}

static bool is_slow(unsigned commune)
{
    return commune < PROVINCE_COMMUNES / PROVINCE_DISTRICTS;
}

static void report(struct world *w, unsigned day)
{
    struct province_row rows[PROVINCE_COMMUNES];
    char text[DAY_TEXT_BYTES];
    uint32_t count = 0;
    bool silent = day >= SILENT_FIRST && day <= SILENT_LAST;
    day_format(FIRST_DAY + (day_t)day, text);
    for (unsigned i = 0; i < PROVINCE_COMMUNES; i++)
        if (is_slow(i) || !silent)
            rows[count++] = (struct province_row){province_communes[i], "dangky", text, OP_SET,
                                                  (is_slow(i) ? SLOW : PACE) * (int64_t)(day + 1)};
    struct batch batch = province_batch_of(&w->arena, rows, count);
    struct wire_submit_answer answer;
    struct err e = {0};
    batch.reported_at_ms = w->time_ms;
    int rc = peer_submit(&w->office, &batch, NULL, &answer, &e);
    ck_assert_msg(rc == 0 && answer.refusal == 0 && answer.refused_count == 0, "%s", e.text);
    arena_reset(&w->arena);
}

static int64_t hour_of(unsigned day, int hour)
{
    return day_start_ms(FIRST_DAY + (day_t)day) + hour * HOUR_MS;
}

/* The reports of a day come in the evening, before its second judgement. */
static void play_until_reported(struct world *w, unsigned day)
{
    if (day > 0)
        tick(w, hour_of(day, 8));
    tick(w, hour_of(day, 16));
    report(w, day);
}

static void play_day(struct world *w, unsigned day)
{
    play_until_reported(w, day);
    tick(w, hour_of(day, 18));
}

static void open_world(struct world *w, const char *name)
{
    memset(w, 0, sizeof *w);
    arena_init(&w->arena, 1 << 20);
    cluster_open(&w->c, name);
    w->c.options.notifier = true;
    cluster_start(&w->c);
    tick(w, PROVINCE_TIME_MS);
    province_end_unit(&w->c, NULL, NULL);
    apply_plan(w);
    cluster_add_producer(&w->c, "office", ROLE_SUBMIT, province_code, &w->office_keys);
    cluster_peer_collector(&w->c, &w->office, &w->office_keys);
}

static void close_world(struct world *w)
{
    peer_close(&w->office);
    cluster_close(&w->c);
    arena_fini(&w->arena);
}

/* --- questions */

static int ask(struct peer *p, const struct wire_alerts *q, struct wire_alerts_reply *out,
               struct err *e)
{
    struct buf message = {0};
    struct slice reply;
    wire_pack_alerts(q, &message);
    int rc = peer_ask(p, WIRE_ALERTS, buf_slice(&message), &reply, e);
    buf_fini(&message);
    return rc == 0 ? wire_unpack_alerts_reply(reply, &p->arena, out, e) : rc;
}

/* As the operator, once the last tick is judged and all is delivered; lives as long as the peer. */
static void ask_settled(struct world *w, struct peer *p, enum wire_alerts_what what,
                        struct wire_alerts_reply *out)
{
    struct wire_alerts q = {.what = what, .not_before = w->offset, .wait_ms = WAIT_MS};
    struct err e = {0};
    cluster_peer_notifier(&w->c, p, &w->c.operator_keys);
    int rc = ask(p, &q, out, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
}

static void settle(struct world *w)
{
    struct peer p;
    struct wire_alerts_reply reply;
    ask_settled(w, &p, WIRE_ALERTS_NOTIFICATIONS, &reply);
    for (uint32_t i = 0; i < reply.decision_count; i++)
        ck_assert_msg(reply.decisions[i].waiting == 0, "%s waits", reply.decisions[i].id);
    peer_close(&p);
}

static uint32_t state_of(struct world *w, const char *unit)
{
    struct peer p;
    struct wire_alerts_reply reply;
    uint32_t state = WIRE_ALERT_STATES;
    ask_settled(w, &p, WIRE_ALERTS_STATES, &reply);
    ck_assert_uint_eq(reply.state_count, 1 + PROVINCE_DISTRICTS + PROVINCE_COMMUNES);
    for (uint32_t i = 0; i < reply.state_count; i++)
        if (strcmp(reply.states[i].unit.text, unit) == 0)
            state = reply.states[i].state;
    peer_close(&p);
    return state;
}

/* --- the maildir */

struct mails {
    unsigned count;
    char names[FILES_MAX][NAME_BYTES]; /* sorted */
    uint64_t sums[FILES_MAX];          /* of what is in them */
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

static char *read_mail(const struct world *w, const char *name)
{
    char path[2 * TEMP_PATH_BYTES + 8];
    struct stat info;
    snprintf(path, sizeof path, "%s/new/%s", w->c.maildir, name);
    FILE *f = fopen(path, "r");
    ck_assert_msg(f && fstat(fileno(f), &info) == 0, "%s: %m", path);
    char *text = calloc(1, (size_t)info.st_size + 1);
    ck_assert_uint_eq(fread(text, 1, (size_t)info.st_size, f), (size_t)info.st_size);
    fclose(f);
    return text;
}

static uint64_t sum_of(const char *text)
{
    uint64_t sum = UINT64_C(14695981039346656037);
    for (; *text; text++)
        sum = (sum ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return sum;
}

static unsigned count_files(const struct world *w, const char *folder)
{
    char path[2 * TEMP_PATH_BYTES];
    unsigned count = 0;
    snprintf(path, sizeof path, "%s/%s", w->c.maildir, folder);
    DIR *d = opendir(path);
    ck_assert_msg(d != NULL, "%s: %m", path);
    for (struct dirent *one; (one = readdir(d));)
        count += one->d_name[0] != '.';
    closedir(d);
    return count;
}

static void read_mails(const struct world *w, struct mails *out)
{
    char path[2 * TEMP_PATH_BYTES];
    snprintf(path, sizeof path, "%s/new", w->c.maildir);
    DIR *d = opendir(path);
    ck_assert_msg(d != NULL, "%s: %m", path);
    out->count = 0;
    for (struct dirent *one; (one = readdir(d));) {
        if (one->d_name[0] == '.')
            continue;
        ck_assert_uint_lt(out->count, FILES_MAX);
        snprintf(out->names[out->count++], NAME_BYTES, "%s", one->d_name);
    }
    closedir(d);
    qsort(out->names, out->count, NAME_BYTES, compare_names);
    for (unsigned i = 0; i < out->count; i++) {
        char *text = read_mail(w, out->names[i]);
        out->sums[i] = sum_of(text);
        free(text);
    }
}

static void expect_same_mails(const struct mails *got, const struct mails *want, const char *when)
{
    for (unsigned i = 0; i < got->count && i < want->count; i++) {
        ck_assert_msg(strcmp(got->names[i], want->names[i]) == 0, "%s: %s, not %s", when,
                      got->names[i], want->names[i]);
        ck_assert_msg(got->sums[i] == want->sums[i], "%s: %s is another message", when,
                      got->names[i]);
    }
    ck_assert_msg(got->count == want->count, "%s: %u messages, not %u", when, got->count,
                  want->count);
}

static const char *find_mail(const struct mails *m, const char *part)
{
    for (unsigned i = 0; i < m->count; i++)
        if (strstr(m->names[i], part))
            return m->names[i];
    return NULL;
}

/* --- what a message must be */

static void expect_header(const char *mail, const char *header, const char *begins)
{
    char line[128];
    snprintf(line, sizeof line, "\n%s:%s", header, begins);
    ck_assert_msg(strstr(mail, line) || strncmp(mail, line + 1, strlen(line + 1)) == 0,
                  "no \"%s\" in\n%s", line + 1, mail);
}

/* Of RFC 5322: headers in ASCII, no line above 998 bytes, an empty line before the body. */
static void expect_valid(const char *mail)
{
    const char *body = strstr(mail, "\n\n");
    ck_assert_msg(body != NULL, "no body in\n%s", mail);
    for (const char *c = mail; c < body; c++)
        ck_assert_msg((unsigned char)*c < 0x80, "not ASCII: %s", c);
    for (const char *line = mail; *line; line += strcspn(line, "\n") + 1) {
        ck_assert_uint_le(strcspn(line, "\n"), 998);
        if (line[strcspn(line, "\n")] == '\0')
            break;
    }
    expect_header(mail, "From", "\n =?UTF-8?B?");
    expect_header(mail, "To", "\n =?UTF-8?B?");
    expect_header(mail, "Subject", "\n =?UTF-8?B?");
    expect_header(mail, "Date", " ");
    expect_header(mail, "Message-ID", "\n <thang9/HP1/");
    expect_header(mail, "Content-Type", " text/plain; charset=utf-8");
}

static void expect_text(const struct world *w, const struct mails *m, const char *part,
                        const char *wanted, const char *unwanted)
{
    const char *name = find_mail(m, part);
    ck_assert_msg(name != NULL, "no message like %s", part);
    char *text = read_mail(w, name);
    expect_valid(text);
    ck_assert_msg(strstr(text, wanted) != NULL, "%s: no \"%s\" in\n%s", name, wanted, text);
    ck_assert_msg(!unwanted || !strstr(text, unwanted), "%s: \"%s\" in\n%s", name, unwanted, text);
    free(text);
}

/* --- who is told what */

START_TEST(behind_and_not_reported_are_told_apart_and_laid_down_as_mail)
{
    static struct world w;
    static struct mails m;
    open_world(&w, "notifier");
    for (unsigned day = 0; day <= SILENT_LAST; day++)
        play_day(&w, day);
    ck_assert_uint_eq(state_of(&w, "303"), BEHIND);
    ck_assert_uint_eq(state_of(&w, "304"), NOT_REPORTED);
    settle(&w);
    read_mails(&w, &m);
    expect_text(&w, &m, "=quanhuyen.303=", "chậm tiến độ", "chưa báo cáo");
    expect_text(&w, &m, "=quanhuyen.304=", "304 chưa báo cáo", "đang chậm tiến độ");
    ck_assert_ptr_null(find_mail(&m, "HP1=304=behind"));
    ck_assert_uint_eq(count_files(&w, "tmp"), 0);
    for (unsigned i = 0; i < m.count; i++) {
        char *text = read_mail(&w, m.names[i]);
        expect_valid(text);
        free(text);
    }
    close_world(&w);
}
END_TEST

/* --- whatever is killed */

/* Some round trips to the collector: a moment of some length. */
static void pass_time(struct world *w, struct random *random)
{
    struct peer p;
    struct wire_health health;
    cluster_peer_collector(&w->c, &p, &w->c.operator_keys);
    for (unsigned i = random_below(random, 40); i > 0; i--)
        ck_assert_int_eq(peer_ask_health(&p, &health, NULL), 0);
    peer_close(&p);
}

static void kill_notifier(struct world *w, struct random *random)
{
    if (random_chance(random, 50))
        process_await_ready(&w->c.notifier);
    pass_time(w, random);
    process_kill(&w->c.notifier);
    process_start(&w->c.notifier);
}

static void play_campaign(struct world *w, struct random *random, uint64_t kills)
{
    for (unsigned day = 0; day < DAYS; day++) {
        play_day(w, day);
        for (uint64_t i = kills * day / DAYS; i < kills * (day + 1) / DAYS; i++)
            kill_notifier(w, random);
    }
    process_await_ready(&w->c.notifier);
    settle(w);
}

/* What was decided, a line each. */
static void list_history(struct world *w, struct buf *out)
{
    struct peer p;
    struct wire_alerts_reply reply;
    ask_settled(w, &p, WIRE_ALERTS_HISTORY, &reply);
    for (uint32_t i = 0; i < reply.decision_count; i++) {
        const struct wire_alert_decision *d = &reply.decisions[i];
        buf_printf(out, "%llu %s %s/%s %u -> %u %u\n", (unsigned long long)d->number, d->id,
                   d->target.text, d->unit.text, d->from_state, d->to_state, d->reason);
    }
    peer_close(&p);
}

static void expect_same_history(const struct buf *got, const struct buf *want)
{
    ck_assert_str_eq((const char *)got->data, (const char *)want->data);
}

START_TEST(kills_change_neither_the_ids_nor_the_files)
{
    uint64_t seed = load_setting("TONGHOP_SEED", (uint64_t)time(NULL));
    uint64_t kills = load_setting("TONGHOP_KILLS", KILLS);
    struct random random = {seed};
    static struct world w;
    static struct mails calm, killed;
    struct buf calm_history = {0}, killed_history = {0};
    printf("TONGHOP_SEED=%llu TONGHOP_KILLS=%llu\n", (unsigned long long)seed,
           (unsigned long long)kills);
    open_world(&w, "calm");
    play_campaign(&w, &random, 0);
    read_mails(&w, &calm);
    list_history(&w, &calm_history);
    close_world(&w);
    ck_assert_uint_gt(calm.count, 6);

    open_world(&w, "killed");
    play_campaign(&w, &random, kills);
    read_mails(&w, &killed);
    list_history(&w, &killed_history);
    close_world(&w);
    expect_same_mails(&killed, &calm, "after kills");
    expect_same_history(&killed_history, &calm_history);
    buf_fini(&calm_history);
    buf_fini(&killed_history);
}
END_TEST

/* "mv", "cp -r" or "rm -r", of folders in the test's directory. */
static void in_directory(const struct world *w, const char *line)
{
    struct buf command = {0};
    buf_printf(&command, "cd %s && %s", w->c.dir.path, line);
    int code = system((const char *)command.data);
    ck_assert_msg(code == 0, "%s: %d", (const char *)command.data, code);
    buf_fini(&command);
}

static void restart_after(struct world *w, const char *line)
{
    ck_assert_int_eq(process_stop(&w->c.notifier), 0);
    in_directory(w, line);
    cluster_start(&w->c);
    settle(w);
}

/* The same as a crash before everything after the backup was committed: all of it is judged and
 * delivered again. */
START_TEST(a_store_that_is_older_or_empty_tells_the_same_under_the_same_names)
{
    static struct world w;
    static struct mails before, after;
    open_world(&w, "again");
    for (unsigned day = 0; day < 5; day++)
        play_day(&w, day);
    restart_after(&w, "cp -r notifier backup");
    for (unsigned day = 5; day <= SILENT_LAST; day++)
        play_day(&w, day);
    settle(&w);
    read_mails(&w, &before);
    ck_assert_uint_gt(before.count, 3);

    restart_after(&w, "mv notifier aside && mv backup notifier");
    read_mails(&w, &after);
    expect_same_mails(&after, &before, "from a backup");

    restart_after(&w, "rm -r notifier mail");
    read_mails(&w, &after);
    expect_same_mails(&after, &before, "from nothing");
    close_world(&w);
}
END_TEST

/* --- what cannot be laid down */

static void expect_health(struct world *w, const char *state)
{
    struct peer p;
    struct wire_health health;
    struct err e = {0};
    cluster_peer_notifier(&w->c, &p, &w->c.operator_keys);
    int rc = peer_ask_health(&p, &health, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    ck_assert_msg(strcmp(health.state, state) == 0 && health.ready, "%s: %s", health.state,
                  health.detail);
    peer_close(&p);
}

START_TEST(what_cannot_be_laid_down_waits_is_told_of_and_goes_out_in_the_end)
{
    static struct world w;
    static struct mails before, after;
    char line[2 * NAME_BYTES];
    open_world(&w, "held");
    for (unsigned day = 0; day <= SILENT_FIRST + 3; day++)
        play_day(&w, day);
    settle(&w);
    read_mails(&w, &before);
    ck_assert_uint_gt(before.count, 0);

    /* A folder stands where the first message belongs. */
    snprintf(line, sizeof line, "rm -r notifier mail/new/* && mkdir 'mail/new/%s'",
             before.names[0]);
    ck_assert_int_eq(process_stop(&w.c.notifier), 0);
    in_directory(&w, line);
    cluster_start(&w.c);
    process_await_log(&w.c.notifier, "event=delivery_failed", 0);
    expect_health(&w, "delivery_held");
    ck_assert_uint_ge(
        cluster_notifier_count(&w.c, "notifications_delivered_total{reason=\"feed\"}"), 1);

    snprintf(line, sizeof line, "rmdir 'mail/new/%s'", before.names[0]);
    in_directory(&w, line);
    process_await_log(&w.c.notifier, "event=delivery_succeeds", 0);
    settle(&w);
    expect_health(&w, "ready");
    read_mails(&w, &after);
    expect_same_mails(&after, &before, "after all");
    close_world(&w);
}
END_TEST

/* --- no more room */

enum {
    FULL_DAY = 11,           /* whose evening is the first to find 303 behind */
    FULL_WAIT_MS = 1500,     /* an answer that never comes is waited for */
    FORMER_COMMUNES = 20000, /* a catalogue of more than 1.5 MiB */
};

static void restart_with_map(struct world *w, const char *map)
{
    ck_assert_int_eq(process_stop(&w->c.notifier), 0);
    w->c.options.notifier_map = map;
    cluster_configure(&w->c);
    cluster_start(&w->c);
}

/* It tries again and fails again; whoever waits for the tick is told that it is not judged. */
static void expect_still_full(struct world *w)
{
    struct wire_alerts q = {
        .what = WIRE_ALERTS_STATES, .not_before = w->offset, .wait_ms = FULL_WAIT_MS};
    do {
        struct peer p;
        struct wire_alerts_reply reply;
        struct err e = {0};
        cluster_peer_notifier(&w->c, &p, &w->c.operator_keys);
        int rc = ask(&p, &q, &reply, &e);
        ck_assert_msg(rc == ERR_AGAIN, "a full store does not keep it from answering: %d %s", rc,
                      e.text);
        peer_close(&p);
    } while (cluster_notifier_count(&w->c, "commits_failed_total") < 2);
    expect_health(w, "store_full");
}

static void play_to_silent_last(struct world *w, bool full, struct mails *m, struct buf *history)
{
    static struct mails before, held;
    for (unsigned day = 0; day < FULL_DAY; day++)
        play_day(w, day);
    settle(w);
    read_mails(w, &before);
    if (full)
        restart_with_map(w, "1MiB");
    play_until_reported(w, FULL_DAY);
    if (full)
        province_add_former(&w->c, FORMER_COMMUNES);
    tick(w, hour_of(FULL_DAY, 18));
    for (unsigned day = FULL_DAY + 1; day <= SILENT_LAST; day++)
        play_day(w, day);
    if (full) {
        process_await_log(&w->c.notifier, "event=commit_failed", 0);
        expect_still_full(w);
        read_mails(w, &held);
        expect_same_mails(&held, &before, "with a full store");
        restart_with_map(w, "64MiB");
    }
    settle(w);
    expect_health(w, "ready");
    read_mails(w, m);
    list_history(w, history);
}

START_TEST(a_full_store_is_told_and_loses_nothing_once_it_is_raised)
{
    static struct world w;
    static struct mails roomy, full;
    struct buf roomy_history = {0}, full_history = {0};
    open_world(&w, "roomy");
    play_to_silent_last(&w, false, &roomy, &roomy_history);
    close_world(&w);
    ck_assert_ptr_nonnull(find_mail(&roomy, "HP1=303=behind=2024-09-16T18+00=quanhuyen.303"));

    open_world(&w, "full");
    play_to_silent_last(&w, true, &full, &full_history);
    close_world(&w);
    expect_same_mails(&full, &roomy, "once raised");
    expect_same_history(&full_history, &roomy_history);
    buf_fini(&roomy_history);
    buf_fini(&full_history);
}
END_TEST

/* --- no power */

enum { POWER_FIRST = 8, MAIL_IMAGE_BYTES = 32 << 20 };

/* The maildir's disk stops without flushing, the store's does not: what the store knows as laid
 * down must be there all the same. */
static void cut_power(struct world *w, const char *image, const char *disk)
{
    const char *why = NULL;
    mounts_cut(disk);
    process_kill(&w->c.notifier);
    mounts_end(disk);
    ck_assert_msg(mounts_image(image, disk, &why), "%s", why);
    cluster_start(&w->c);
    settle(w);
}

static void play_with_power_cuts(struct world *w, const char *image, const char *disk)
{
    static struct mails before, after;
    ck_assert_int_eq(process_stop(&w->c.notifier), 0);
    snprintf(w->c.maildir, sizeof w->c.maildir, "%s/disk/mail", w->c.dir.path);
    cluster_configure(&w->c);
    cluster_start(&w->c);
    for (unsigned day = 0; day <= SILENT_LAST; day++) {
        play_day(w, day);
        if (day < POWER_FIRST)
            continue;
        settle(w);
        read_mails(w, &before);
        cut_power(w, image, disk);
        read_mails(w, &after);
        expect_same_mails(&after, &before, "after a power cut");
    }
    ck_assert_uint_gt(after.count, 3);
}

START_TEST(what_is_marked_as_delivered_survives_a_power_cut)
{
    static struct world w;
    char image[TEMP_PATH_BYTES], disk[TEMP_PATH_BYTES];
    const char *why = NULL;
    bool able = mounts_begin(&why);
    open_world(&w, "power");
    ck_assert_int_eq(mkdir(temp_dir_file(&w.c.dir, "disk", disk), 0700), 0);
    if (able) {
        mounts_make_image(temp_dir_file(&w.c.dir, "disk.ext4", image), MAIL_IMAGE_BYTES);
        able = mounts_image(image, disk, &why);
    }
    if (able) {
        play_with_power_cuts(&w, image, disk);
        ck_assert_int_eq(process_stop(&w.c.notifier), 0);
        mounts_end(disk);
    } else {
        printf("what_is_marked_as_delivered_survives_a_power_cut: skipped: %s\n", why);
    }
    close_world(&w);
}
END_TEST

/* --- the feed */

static uint64_t hear(struct net_socket *feed, struct arena *arena, unsigned wanted)
{
    struct net_message m;
    struct wire_alerts_head head = {0};
    struct wire_notification n = {0};
    uint64_t last = 0;
    for (unsigned heard = 0; heard < wanted || head.number < last;) {
        ck_assert_int_eq(net_wait(feed, PEER_PATIENCE_MS), 0);
        if (net_receive(feed, &m) != 0)
            continue;
        ck_assert_uint_eq(m.frame_count, 2);
        if (*(const char *)m.frames[0].data == 'h') {
            ck_assert_int_eq(wire_unpack_alerts_head(m.frames[1], &head, NULL), 0);
        } else {
            ck_assert_int_eq(wire_unpack_notification(m.frames[1], arena, &n, NULL), 0);
            ck_assert_uint_gt(n.number, last);
            ck_assert_ptr_nonnull(strstr(n.id, "/feed"));
            last = n.number;
            heard++;
        }
        net_message_clear(&m);
    }
    return head.number;
}

static struct net_socket *subscribe(struct world *w, const struct net_keypair *keys,
                                    const char *topic)
{
    struct net_socket *feed;
    struct err e = {0};
    int rc = net_connect(w->c.net, NET_SUB, w->c.alerts_feed_ipc, &w->c.notifier_keys.public_key,
                         keys, &feed, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    ck_assert_int_eq(net_subscribe(feed, slice_str("h/")), 0);
    ck_assert_int_eq(net_subscribe(feed, slice_str(topic)), 0);
    struct net_message m;
    ck_assert_int_eq(net_wait(feed, PEER_PATIENCE_MS), 0); /* a head: the subscription holds */
    ck_assert_int_eq(net_receive(feed, &m), 0);
    net_message_clear(&m);
    return feed;
}

START_TEST(notifications_are_pushed_as_they_are_decided)
{
    static struct world w;
    struct arena arena;
    struct peer p;
    struct wire_alerts_reply reply;
    arena_init(&arena, 0);
    open_world(&w, "pushed");
    play_day(&w, 0);
    settle(&w);
    struct net_socket *feed = subscribe(&w, &w.c.operator_keys, "a/thang9/HP1/");
    for (unsigned day = 1; day <= SILENT_LAST; day++)
        play_day(&w, day);
    ask_settled(&w, &p, WIRE_ALERTS_NOTIFICATIONS, &reply);
    ck_assert_uint_gt(reply.decision_count, 3);
    uint64_t head = hear(feed, &arena, reply.decision_count);
    ck_assert_uint_ge(head, reply.decisions[reply.decision_count - 1].number);
    peer_close(&p);
    net_close(feed);
    arena_fini(&arena);
    close_world(&w);
}
END_TEST

/* --- who sees what */

static uint32_t count_seen(struct world *w, const struct net_keypair *keys,
                           enum wire_alerts_what what, const char *outside)
{
    struct wire_alerts q = {.what = what, .not_before = w->offset, .wait_ms = WAIT_MS};
    struct wire_alerts_reply reply;
    struct peer p;
    struct err e = {0};
    cluster_peer_notifier(&w->c, &p, keys);
    int rc = ask(&p, &q, &reply, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    for (uint32_t i = 0; i < reply.decision_count; i++)
        ck_assert_str_ne(reply.decisions[i].unit.text, outside);
    for (uint32_t i = 0; i < reply.state_count; i++)
        ck_assert_str_ne(reply.states[i].unit.text, outside);
    uint32_t count = reply.state_count + reply.decision_count;
    peer_close(&p);
    return count;
}

START_TEST(a_district_sees_its_own_units_and_a_key_of_no_such_role_nothing)
{
    static struct world w;
    struct net_keypair district, submitter;
    struct peer p;
    struct wire_alerts_reply reply;
    struct err e = {0};
    open_world(&w, "scopes");
    cluster_add_producer(&w.c, "q.303", ROLE_SUBSCRIBE, "303", &district);
    cluster_add_producer(&w.c, "x.11001", ROLE_SUBMIT, "11001", &submitter);
    for (unsigned day = 0; day <= SILENT_LAST; day++)
        play_day(&w, day);
    settle(&w);
    ck_assert_uint_eq(count_seen(&w, &district, WIRE_ALERTS_STATES, "304"), 5);
    ck_assert_uint_ge(count_seen(&w, &district, WIRE_ALERTS_NOTIFICATIONS, "304"), 1);

    ask_settled(&w, &p, WIRE_ALERTS_NOTIFICATIONS, &reply);
    struct wire_alerts one = {.what = WIRE_ALERTS_ONE};
    for (uint32_t i = 0; i < reply.decision_count && !one.id; i++)
        if (strcmp(reply.decisions[i].unit.text, "304") == 0)
            one.id = reply.decisions[i].id;
    ck_assert_ptr_nonnull(one.id);
    struct peer asking;
    struct wire_alerts_reply shown;
    cluster_peer_notifier(&w.c, &asking, &district);
    ck_assert_int_eq(ask(&asking, &one, &shown, &e), ERR_NOT_FOUND);
    peer_close(&asking);
    cluster_peer_notifier(&w.c, &asking, &w.c.operator_keys);
    ck_assert_int_eq(ask(&asking, &one, &shown, &e), 0);
    ck_assert_uint_gt(strlen(shown.decisions[0].body), 100);
    peer_close(&asking);
    peer_close(&p);
    cluster_peer_notifier(&w.c, &asking, &submitter);
    peer_await_refusal(&asking);
    peer_close(&asking);
    close_world(&w);
}
END_TEST

/* --- pages */

START_TEST(a_history_is_turned_page_by_page)
{
    static struct world w;
    struct peer all, p;
    struct wire_alerts_reply whole, page;
    struct wire_alerts q = {.what = WIRE_ALERTS_HISTORY, .count_max = 3};
    struct err e = {0};
    uint32_t seen = 0;
    open_world(&w, "pages");
    for (unsigned day = 0; day <= SILENT_FIRST; day++)
        play_day(&w, day);
    ask_settled(&w, &all, WIRE_ALERTS_HISTORY, &whole);
    ck_assert_uint_gt(whole.decision_count, 4);
    ck_assert(!whole.more);
    cluster_peer_notifier(&w.c, &p, &w.c.operator_keys);
    do {
        ck_assert_int_eq(ask(&p, &q, &page, &e), 0);
        for (uint32_t i = 0; i < page.decision_count; i++)
            ck_assert_uint_eq(page.decisions[i].number, whole.decisions[seen++].number);
        q.after = page.decisions[page.decision_count - 1].number;
    } while (page.more);
    ck_assert_uint_eq(seen, whole.decision_count);
    peer_close(&p);
    peer_close(&all);
    close_world(&w);
}
END_TEST

/* --- the command */

static void write_command_config(const struct world *w)
{
    char keys[3][NET_KEY_TEXT_BYTES];
    struct buf text = {0};
    key_format_z85(&w->c.collector_keys.public_key, keys[0]);
    key_format_z85(&w->c.aggregator_keys.public_key, keys[1]);
    key_format_z85(&w->c.notifier_keys.public_key, keys[2]);
    buf_printf(&text, "collector: {endpoint: \"%s\", key: \"%s\"}\n", w->c.collector_ipc, keys[0]);
    buf_printf(&text, "aggregator: {endpoint: \"%s\", key: \"%s\"}\n", w->c.query_ipc, keys[1]);
    buf_printf(&text, "notifier: {endpoint: \"%s\", feed: \"%s\", key: \"%s\"}\n", w->c.alerts_ipc,
               w->c.alerts_feed_ipc, keys[2]);
    buf_printf(&text, "key_file: operator.key\n");
    temp_dir_write(&w->c.dir, "tonghop.yaml", (const char *)text.data);
    buf_fini(&text);
}

/* Words with blanks between them; what it must print, on either stream. */
static void run_command(const struct world *w, int code, const char *line, const char *wanted)
{
    const char *arguments[PROCESS_ARGUMENTS_MAX] = {NULL};
    char words[512], config[TEMP_PATH_BYTES], *at = words;
    struct buf out, err;
    unsigned count = 0;
    snprintf(words, sizeof words, "%s --config %s", line,
             temp_dir_file(&w->c.dir, "tonghop.yaml", config));
    while (count < PROCESS_ARGUMENTS_MAX - 1 && (arguments[count] = strsep(&at, " ")))
        count++;
    int got = process_run("tonghop", arguments, &out, &err);
    const char *text = out.data ? (const char *)out.data : "";
    const char *said = err.data ? (const char *)err.data : "";
    ck_assert_msg(got == code, "tonghop %s: %d\n%s%s", line, got, text, said);
    ck_assert_msg(strstr(text, wanted) || strstr(said, wanted), "tonghop %s: no \"%s\" in\n%s%s",
                  line, wanted, text, said);
    buf_fini(&out);
    buf_fini(&err);
}

static const struct told {
    const char *line;
    int code;
    const char *wanted;
} commands[] = {
    {"status", 0, "chậm tiến độ từ 16/09/2024  4/4 (100%)"},
    {"status", 0, "chưa báo cáo từ 18/09/2024  thiếu 14/09/2024 đến 18/09/2024"},
    {"status", 0, "HP1: Công dân học tập đăng ký, hạn 05/10/2024 (thang9)"},
    {"status --lang en --depth 0", 0, "not reported since"},
    {"status --unit 303 --depth 1", 0, "  11004"},
    {"status --json", 0, "\"state\": \"behind\""},
    {"status --watch --json", 2, "keep one"},
    {"status --day 2024-09-05", 2, "--day goes with --indicator"},
    {"alerts list", 0, "quanhuyen.303"},
    {"alerts list --last 1 --json", 0, "\"number\": "},
    {"alerts list --unit 304 --json", 0, "\"waiting\": []"},
    {"alerts list --unit 11001", 0, "Không có thông báo nào."},
    {"alerts history --unit 11001 --lang en", 0, "held back: the unit above was told (303)"},
    {"alerts show thang9/HP1/303/behind/2024-09-16T18:00/quanhuyen.303", 0,
     "303 đang chậm tiến độ thực hiện chỉ tiêu HP1"},
    {"alerts show thang9/HP1/303/behind/2024-09-16T18:00/quanhuyen.303/maildir --json", 0,
     "\"to\": \"behind\""},
    {"alerts show thang9/HP1/999", 3, "Không có thông báo"},
    {"alerts show 1", 3, "Không có thông báo"}, /* a decision that nobody was told of */
    {"alerts show 1000000", 3, "Không có thông báo"},
    {"alerts show", 2, "ID"},
    {"alerts list --after x", 2, "--after"},
};

START_TEST(the_command_tells_what_stands_and_who_was_told)
{
    static struct world w;
    open_world(&w, "command");
    for (unsigned day = 0; day <= SILENT_LAST; day++)
        play_day(&w, day);
    settle(&w);
    write_command_config(&w);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        run_command(&w, commands[i].code, commands[i].line, commands[i].wanted);
    ck_assert_int_eq(process_stop(&w.c.notifier), 0);
    run_command(&w, 4, "status --timeout 500ms", "unreachable");
    close_world(&w);
}
END_TEST

SUITE_MAIN("process/alerts", behind_and_not_reported_are_told_apart_and_laid_down_as_mail,
           kills_change_neither_the_ids_nor_the_files,
           a_store_that_is_older_or_empty_tells_the_same_under_the_same_names,
           what_cannot_be_laid_down_waits_is_told_of_and_goes_out_in_the_end,
           a_full_store_is_told_and_loses_nothing_once_it_is_raised,
           what_is_marked_as_delivered_survives_a_power_cut,
           notifications_are_pushed_as_they_are_decided,
           a_district_sees_its_own_units_and_a_key_of_no_such_role_nothing,
           a_history_is_turned_page_by_page, the_command_tells_what_stands_and_who_was_told)
