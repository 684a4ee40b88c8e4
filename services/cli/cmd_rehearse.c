#include "services/cli/alert_view.h"
#include "services/cli/cli_print.h"
#include "services/cli/cmd.h"
#include "services/cli/figure.h"
#include "services/cli/rehearse_alerts.h"
#include "services/cli/rehearse_begin.h"

#include "common/base/alloc.h"
#include "common/config/quantity.h"
#include "common/net/loop.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    PATH_BYTES = 1024,
    MARK_BYTES = 256,
    LINE_BYTES = 512,
    DAY_MS = 1500,
    DAY_MAX_MS = 3600 * 1000,
    TRY_MS = 2000,       /* for one answer ... */
    PATIENCE_MS = 60000, /* ... and until it is given up: a service is started again meanwhile */
    SHOW_MS = 500,
    SOCKETS_EACH = 4, /* of the library, for one producer */
    SOCKETS_REST = 64,
    RETRY_MS = 200,
};

struct rehearsal {
    struct cli *cli;
    struct rehearse_options options;
    const char *plan_path;
    const char *directory;
    int64_t day_ms; /* 0: as fast as it goes */
    bool json;
    struct plan_file plan;
    struct catalogue *catalogue;
    struct rehearse *story;
    struct rehearse_operator operator;
    struct request *aggregator;
    struct rehearse_producers *producers;
    struct rehearse_screen screen;
    struct rehearse_alerts alerts;
    uint64_t offset; /* of the last tick */
    struct arena arena;
};

/* What stood at the end. */
struct finding {
    int64_t answered;   /* by the aggregator */
    int64_t sent;       /* as the producers hold it */
    unsigned differing; /* groups for which the two are not the same */
    bool is_within;     /* the total lies where the outcome said */
    bool has_trespass;
    enum refusal trespass; /* REFUSAL_NONE: it was accepted */
    struct wire_query_reply reply;
    int64_t *groups;                  /* as sent */
    unsigned told[WIRE_ALERT_STATES]; /* notifications, by the state they tell of */
};

/* ---- arguments ---- */

static int take_outcome(const char *word, enum rehearse_outcome *out, struct err *e)
{
    *out = REHEARSE_INSIDE;
    for (unsigned i = 0; word && i < REHEARSE_OUTCOME_COUNT; i++) {
        *out = (enum rehearse_outcome)i;
        if (strcmp(word, rehearse_outcome_names[i]) == 0)
            return 0;
    }
    if (!word)
        return 0;
    return err_set(e, ERR_INVALID, "--outcome %s: write inside, just-short or far-short", word);
}

static int take_speed(const struct cli_args *args, int64_t *out, struct err *e)
{
    const char *speed = cli_option(args, "speed");
    bool fast = cli_switch(args, "fast");
    *out = fast ? 0 : DAY_MS;
    if (fast && speed)
        return err_set(e, ERR_INVALID, "--fast and --speed contradict each other");
    if (!speed)
        return 0;
    int rc = quantity_parse(QUANTITY_DURATION, speed, 1, DAY_MAX_MS, out, e);
    return rc != 0 ? err_wrap(e, "--speed") : 0;
}

static int take_arguments(const struct cli_args *args, struct rehearsal *r, struct err *e)
{
    const char *plan = cli_option(args, "plan"), *directory = cli_option(args, "directory");
    r->plan_path = plan ? plan : "config/plans/haiphong-2024.yaml";
    r->directory = directory ? directory : "rehearsal";
    r->json = cli_switch(args, "json");
    int rc = cli_option_number(args, "seed", UINT64_MAX, 1, &r->options.seed, e);
    if (rc == 0)
        rc = take_outcome(cli_option(args, "outcome"), &r->options.outcome, e);
    return rc != 0 ? rc : take_speed(args, &r->day_ms, e);
}

/* ---- before the first report ---- */

static int make_story(struct rehearsal *r, struct err *e)
{
    int rc = plan_file_load(r->plan_path, &r->plan, e);
    if (rc == 0)
        rc = catalogue_build(&r->plan.catalogue, NULL, &r->catalogue, e);
    if (rc == 0)
        rc = rehearse_create(&r->story, &r->options, &r->plan.plan, r->catalogue, e);
    if (rc == 0)
        rehearse_begin_mark(&r->plan, &r->story->indicator);
    return rc;
}

/* Every producer has a link of its own, and a lost one is wanted back soon. */
static int make_net(struct rehearsal *r, struct err *e)
{
    struct net_options o = {.sockets_max = r->story->leaf_count * SOCKETS_EACH + SOCKETS_REST,
                            .retry_ms = RETRY_MS};
    return net_create(&r->cli->net, &o, e);
}

static int connect_services(struct rehearsal *r, struct request_peer *collector, struct err *e)
{
    int rc = make_net(r, e);
    if (rc == 0)
        rc = cli_peer(r->cli, CLI_COLLECTOR, collector, e);
    if (rc == 0)
        rc = cli_connect(r->cli, CLI_COLLECTOR, &r->operator.link, e);
    if (rc == 0)
        rc = cli_connect(r->cli, CLI_AGGREGATOR, &r->aggregator, e);
    keypair_wipe(&collector->self);
    r->operator.cli = r->cli;
    r->operator.patience_ms = r->cli->timeout_ms> PATIENCE_MS ? r->cli->timeout_ms : PATIENCE_MS;
    if (r->cli->timeout_ms > TRY_MS)
        r->cli->timeout_ms = TRY_MS;
    return rc;
}

/* One directory, one rehearsal: what its producers sent belongs to one seed and one collector. */
static void describe(const struct rehearsal *r, const struct net_key *collector,
                     char out[MARK_BYTES])
{
    char key[NET_KEY_TEXT_BYTES];
    key_format_z85(collector, key);
    snprintf(out, MARK_BYTES,
             "--seed %" PRIu64 " --outcome %s, plan %s version %" PRIu32 ", collector %s",
             r->options.seed, rehearse_outcome_names[r->options.outcome], r->plan.plan.id.text,
             r->plan.plan.version, key);
}

/* Leaves `found` empty where there was no mark, and makes it. */
static int read_or_make_mark(const char *path, const char *mark, char found[MARK_BYTES],
                             struct err *e)
{
    FILE *file = fopen(path, "a+");
    if (!file)
        return err_set(e, ERR_IO, "%s: %m", path);
    rewind(file);
    found[0] = '\0';
    if (fgets(found, MARK_BYTES, file)) {
        found[strcspn(found, "\n")] = '\0';
    } else {
        rewind(file); /* between reading and writing */
        fprintf(file, "%s\n", mark);
    }
    return fclose(file) == 0 ? 0 : err_set(e, ERR_IO, "%s: %m", path);
}

/* What was begun elsewhere cannot be gone on with here: the keys lie there. */
static int check_begun(const struct rehearsal *r, const char *path, unsigned step, struct err *e)
{
    char time[FIGURE_TIME_BYTES];
    if (step == 0 || access(path, F_OK) == 0)
        return 0;
    return err_set(e, ERR_INVALID,
                   "the journal stands at %s already, and %s holds no rehearsal that could be gone "
                   "on with: begin with a new journal, or name that rehearsal's --directory",
                   figure_time(r->story->steps[step].tick_ms, true, time), r->directory);
}

static int claim_directory(const struct rehearsal *r, const struct net_key *collector,
                           unsigned step, struct err *e)
{
    char path[PATH_BYTES], mark[MARK_BYTES], found[MARK_BYTES];
    describe(r, collector, mark);
    snprintf(path, sizeof path, "%s/rehearsal", r->directory);
    int rc = check_begun(r, path, step, e);
    if (rc == 0)
        rc = cli_make_directories(r->directory, e);
    if (rc == 0)
        rc = read_or_make_mark(path, mark, found, e);
    if (rc != 0 || found[0] == '\0' || strcmp(found, mark) == 0)
        return rc;
    return err_set(e, ERR_EXISTS,
                   "%s holds another rehearsal (%s): give this one (%s) another --directory",
                   r->directory, found, mark);
}

/* Where an earlier run was ended; else the first step. A journal in which something else went on is
 * not taken. */
static int find_step(struct rehearsal *r, unsigned *out, struct err *e)
{
    const struct rehearse *story = r->story;
    char time[FIGURE_TIME_BYTES];
    int64_t now_ms;
    uint64_t head;
    int rc = rehearse_begin_health(&r->operator, & now_ms, &head, e);
    if (rc != 0)
        return rc;
    *out = 0;
    while (*out + 1 < story->step_count && story->steps[*out].tick_ms < now_ms)
        ++*out;
    if (*out == 0 || story->steps[*out].tick_ms == now_ms)
        return 0;
    return err_set(e, ERR_INVALID,
                   "the journal stands at %s, where no step of this rehearsal is: begin with a new "
                   "journal and a new --directory",
                   figure_time(now_ms, true, time));
}

static int open_producers(struct rehearsal *r, const struct request_peer *collector, bool is_first,
                          struct err *e)
{
    struct rehearse_producers_options o = {.cli = r->cli,
                                           .story = r->story,
                                           .directory = r->directory,
                                           .endpoint = collector->endpoint,
                                           .server_key = collector->server_key,
                                           .patience_ms = r->operator.patience_ms };
    int rc = rehearse_producers_open(&r->producers, &o, e);
    if (rc == 0 && is_first)
        rc = rehearse_begin_register(&r->operator, r->story, r->producers, e);
    return rc != 0 ? rc : rehearse_producers_connect(r->producers, e);
}

static int begin(struct rehearsal *r, unsigned *step, struct err *e)
{
    struct request_peer collector = {0};
    int rc = make_story(r, e);
    if (rc == 0)
        rc = connect_services(r, &collector, e);
    if (rc == 0)
        rc = find_step(r, step, e);
    if (rc == 0)
        rc = claim_directory(r, &collector.server_key, *step, e);
    if (rc != 0)
        return rc;
    rehearse_screen_begin(&r->screen, r->cli, r->story, &r->options, rehearse_source);
    rc = rehearse_alerts_open(&r->alerts, r->cli, &r->plan.plan.id, &r->story->target, e);
    if (rc == 0)
        rc = rehearse_begin_tick(&r->operator, r->story->steps[*step].tick_ms, &r->offset, e);
    if (rc == 0 && *step == 0)
        rc = rehearse_begin_plan(&r->operator, & r->plan, r->story, e);
    if (rc == 0)
        rc = open_producers(r, &collector, *step == 0, e);
    return rc != 0 ? rc : rehearse_producers_check(r->producers, *step, e);
}

/* ---- the month ---- */

static int ask(struct rehearsal *r, day_t day, uint64_t not_before, uint32_t wait_ms,
               struct wire_query_reply *out, struct err *e)
{
    const struct rehearse *story = r->story;
    uint32_t count = 1 + story->group_count;
    arena_reset(&r->arena);
    struct wire_question *questions = arena_alloc(&r->arena, count * sizeof *questions);
    for (uint32_t i = 0; i < count; i++)
        questions[i] = (struct wire_question){.unit = i == 0 ? story->top.code
                                                             : story->groups[i - 1].unit.code,
                                              .indicator = story->indicator,
                                              .first = day,
                                              .last = day};
    struct wire_query q = {.question_count = count,
                           .questions = questions,
                           .not_before = not_before,
                           .wait_ms = wait_ms};
    int rc = cli_query(r->aggregator, r->cli, &q, &r->arena, out, e);
    for (uint32_t i = 0; i < count && rc == 0; i++)
        if (out->answers[i].code != 0)
            rc = err_set(e, out->answers[i].code, "%s", out->answers[i].message);
    return rc;
}

/* What cannot be shown now is shown at the next step: the month goes on. */
static int show(struct rehearsal *r, unsigned step, struct err *e)
{
    struct wire_query_reply reply = {0};
    const struct wire_alerts_reply *states = NULL;
    uint64_t offset = rehearse_producers_offset(r->producers);
    if (r->day_ms == 0 && (step + 1) % REHEARSE_STEPS_A_DAY != 0)
        return 0;
    int try_ms = r->cli->timeout_ms;
    r->cli->timeout_ms = SHOW_MS;
    int rc = ask(r, rehearse_screen_day(r->story, step), offset > r->offset ? offset : r->offset,
                 SHOW_MS, &reply, NULL);
    if (rc == 0)
        rehearse_alerts_ask(&r->alerts, r->offset, SHOW_MS, &states, NULL);
    r->cli->timeout_ms = try_ms;
    int taken = rehearse_alerts_take(&r->alerts, &r->screen, e);
    rehearse_screen_draw(&r->screen, step, rc == 0 ? &reply : NULL, states);
    return taken;
}

static void tell_trespass(struct rehearsal *r)
{
    const struct rehearse *story = r->story;
    const struct rehearse_report *t = &story->reports[story->trespass];
    char text[LINE_BYTES], name[IDENT_BYTES_MAX + 1], time[FIGURE_TIME_BYTES];
    enum refusal why;
    if (rehearse_producers_trespass(r->producers, &why, NULL) != 0)
        return;
    snprintf(text, sizeof text,
             cli_say(r->cli, "%.16s: %s (%s) gửi số liệu của %s (%s): %s (%s). %s",
                     "%.16s: %s (%s) reports a figure of %s (%s): %s (%s). %s"),
             figure_time(t->at_ms, r->cli->english, time), story->leaves[t->leaf].unit.name,
             rehearse_producer_name(story, t->leaf, name), story->leaves[t->about].unit.name,
             story->leaves[t->about].unit.code.text,
             why != REFUSAL_NONE ? cli_say(r->cli, "BỊ TỪ CHỐI", "REFUSED")
                                 : cli_say(r->cli, "ĐƯỢC NHẬN, sai", "TAKEN, which is wrong"),
             refusal_name(why),
             r->cli->english ? refusal_sentence_en(why) : refusal_sentence_vi(why));
    rehearse_screen_tell(&r->screen, text);
}

static int play_step(struct rehearsal *r, unsigned step, struct err *e)
{
    const struct rehearse *story = r->story;
    int rc = rehearse_begin_tick(&r->operator, story->steps[step].tick_ms, &r->offset, e);
    if (rc == 0)
        rc = rehearse_producers_step(r->producers, step, e);
    if (rc != 0)
        return rc;
    if (story->trespass < story->report_count && story->reports[story->trespass].step == step)
        tell_trespass(r);
    return show(r, step, e);
}

static int play(struct rehearsal *r, unsigned first, struct err *e)
{
    int64_t began_ms = loop_now_ms();
    int rc = 0;
    for (unsigned step = first; step < r->story->step_count && rc == 0; step++) {
        rc = play_step(r, step, e);
        if (rc == 0)
            rc = rehearse_producers_wait(
                r->producers,
                began_ms + (int64_t)(step - first + 1) * r->day_ms / REHEARSE_STEPS_A_DAY, e);
    }
    return rc;
}

/* ---- the end ---- */

/* All that the collector has must be in: asked until it is, or patience ends. */
static int ask_at_last(struct rehearsal *r, struct wire_query_reply *out, struct err *e)
{
    int64_t deadline_ms = loop_now_ms() + r->operator.patience_ms, now_ms;
    uint64_t head;
    int rc = rehearse_begin_health(&r->operator, & now_ms, &head, e);
    if (rc != 0)
        return rc;
    do
        rc = ask(r, r->story->due, head, SHOW_MS, out, e);
    while ((rc == ERR_NET || rc == ERR_AGAIN) && !cli_stop && loop_now_ms() < deadline_ms);
    return rc;
}

/* All that the month led to, when the last tick is judged. */
static int count_told(struct rehearsal *r, unsigned told[WIRE_ALERT_STATES], struct err *e)
{
    const struct wire_alerts_reply *states;
    int64_t deadline_ms = loop_now_ms() + r->operator.patience_ms;
    int rc;
    do
        rc = rehearse_alerts_ask(&r->alerts, r->offset, SHOW_MS, &states, e);
    while ((rc == ERR_NET || rc == ERR_AGAIN) && !cli_stop && loop_now_ms() < deadline_ms);
    if (rc == 0)
        rc = rehearse_alerts_take(&r->alerts, &r->screen, e);
    rehearse_screen_end(&r->screen);
    return rc != 0 ? rc : rehearse_alerts_count(&r->alerts, told, e);
}

static bool is_as_wanted(const struct rehearsal *r, int64_t total)
{
    const struct rehearse_unit *top = &r->story->top;
    if (r->options.outcome != REHEARSE_INSIDE)
        return total < top->lower;
    return total >= top->lower && (top->stretch == 0 || total <= top->stretch);
}

static int look(struct rehearsal *r, struct finding *f, struct err *e)
{
    const struct rehearse *story = r->story;
    f->groups = alloc_zeroed(story->group_count, sizeof *f->groups);
    int rc = count_told(r, f->told, e);
    if (rc == 0)
        rc = ask_at_last(r, &f->reply, e);
    if (rc == 0)
        rc = rehearse_producers_sum(r->producers, story->due, f->groups, &f->sent, e);
    if (rc != 0)
        return rc;
    f->answered = f->reply.answers[0].value;
    for (unsigned i = 0; i < story->group_count; i++)
        f->differing += f->reply.answers[1 + i].value != f->groups[i];
    f->is_within = is_as_wanted(r, f->answered);
    f->has_trespass = story->trespass < story->report_count;
    return f->has_trespass ? rehearse_producers_trespass(r->producers, &f->trespass, e) : 0;
}

static bool agrees(const struct finding *f)
{
    return f->answered == f->sent && f->differing == 0;
}

static bool is_good(const struct finding *f)
{
    return agrees(f) && f->is_within && (!f->has_trespass || f->trespass != REFUSAL_NONE);
}

static void count_reports(const struct rehearse *story, size_t counts[REHEARSE_KIND_COUNT])
{
    for (size_t i = 0; i < story->report_count; i++)
        counts[story->reports[i].kind]++;
}

static json_t *groups_json(const struct rehearse *story, const struct finding *f)
{
    json_t *all = json_array();
    for (unsigned i = 0; i < story->group_count; i++) {
        const struct rehearse_unit *u = &story->groups[i].unit;
        json_array_append_new(all, json_pack("{s:s, s:s, s:I, s:I, s:I}", "unit", u->code.text,
                                             "name", u->name, "share", (json_int_t)u->lower,
                                             "total", (json_int_t)f->reply.answers[1 + i].value,
                                             "sent", (json_int_t)f->groups[i]));
    }
    return all;
}

static unsigned told_in_all(const struct finding *f)
{
    unsigned all = 0;
    for (unsigned i = 0; i < WIRE_ALERT_STATES; i++)
        all += f->told[i];
    return all;
}

static json_t *told_json(const struct finding *f)
{
    json_t *all = json_object();
    for (unsigned i = 0; i < WIRE_ALERT_STATES; i++)
        json_object_set_new(all, alert_view_state_id(i), json_integer(f->told[i]));
    return all;
}

static void print_json(const struct rehearsal *r, const struct finding *f)
{
    const struct rehearse *story = r->story;
    size_t counts[REHEARSE_KIND_COUNT] = {0};
    count_reports(story, counts);
    json_t *all = json_pack(
        "{s:I, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:b, s:b, s:s, s:I, s:I, s:I, s:I, s:o, s:o}",
        "seed", (json_int_t)r->options.seed, "outcome", rehearse_outcome_names[r->options.outcome],
        "source", rehearse_source, "generated", true, "total", (json_int_t)f->answered, "sent",
        (json_int_t)f->sent, "lower", (json_int_t)story->top.lower, "stretch",
        (json_int_t)story->top.stretch, "agrees", agrees(f), "as_wanted", f->is_within, "trespass",
        f->has_trespass ? refusal_name(f->trespass) : "", "producers",
        (json_int_t)story->leaf_count, "figures", (json_int_t)story->report_count, "corrections",
        (json_int_t)counts[REHEARSE_CORRECTION], "repeats", (json_int_t)counts[REHEARSE_REPEAT],
        "notifications", told_json(f), "units", groups_json(story, f));
    json_dumpf(all, r->cli->out, JSON_INDENT(2));
    fputc('\n', r->cli->out);
    json_decref(all);
}

static const char *verdict(const struct rehearsal *r, const struct finding *f)
{
    const struct rehearse_unit *top = &r->story->top;
    if (f->answered < top->lower)
        return cli_say(r->cli, "không đạt", "missed");
    if (top->stretch > 0 && f->answered > top->stretch)
        return cli_say(r->cli, "vượt mức cao", "above the band");
    return cli_say(r->cli, "đạt", "met");
}

static void print_differences(const struct rehearsal *r, const struct finding *f)
{
    const struct rehearse *story = r->story;
    for (unsigned i = 0; i < story->group_count; i++)
        if (f->reply.answers[1 + i].value != f->groups[i])
            fprintf(r->cli->out,
                    cli_say(r->cli, "  %s: hệ thống có %" PRId64 ", đã gửi %" PRId64 "\n",
                            "  %s: the system has %" PRId64 ", sent were %" PRId64 "\n"),
                    story->groups[i].unit.name, f->reply.answers[1 + i].value, f->groups[i]);
}

static void print_totals(const struct rehearsal *r, const struct finding *f)
{
    const struct rehearse *story = r->story;
    char day[DAY_TEXT_BYTES], n[4][CLI_NUMBER_BYTES];
    bool en = r->cli->english;
    fprintf(r->cli->out,
            cli_say(r->cli,
                    "Tổng hợp tính đến ngày %s: %s; chỉ tiêu %s đến %s: %s.\n"
                    "Tính độc lập từ %u đơn vị đã gửi: %s: %s.\n",
                    "As of %s: %s; target %s to %s: %s.\n"
                    "Counted apart, from what %u producers hold as sent: %s: %s.\n"),
            figure_day(story->due, en, day), cli_number(f->answered, en, n[0]),
            cli_number(story->top.lower, en, n[1]), cli_number(story->top.stretch, en, n[2]),
            verdict(r, f), story->leaf_count, cli_number(f->sent, en, n[3]),
            agrees(f) ? cli_say(r->cli, "khớp", "the same")
                      : cli_say(r->cli, "KHÔNG KHỚP", "NOT THE SAME"));
    print_differences(r, f);
}

static void print_told(const struct rehearsal *r, const struct finding *f)
{
    const char *before = ": ";
    if (!r->alerts.feed)
        return;
    fprintf(r->cli->out, cli_say(r->cli, "%u thông báo đã gửi", "%u notifications were sent"),
            told_in_all(f));
    for (unsigned i = 0; i < WIRE_ALERT_STATES; i++) {
        if (f->told[i] == 0)
            continue;
        fprintf(r->cli->out, "%s%u %s", before, f->told[i], alert_view_state(r->cli, i));
        before = ", ";
    }
    fprintf(r->cli->out, ".\n");
}

static void print_text(const struct rehearsal *r, const struct finding *f)
{
    const struct rehearse *story = r->story;
    size_t counts[REHEARSE_KIND_COUNT] = {0};
    count_reports(story, counts);
    print_totals(r, f);
    fprintf(r->cli->out,
            cli_say(r->cli, "%zu số liệu gửi đi: %zu đính chính, %zu gửi lặp lại; ",
                    "%zu figures were sent: %zu corrections, %zu repeated; "),
            story->report_count, counts[REHEARSE_CORRECTION], counts[REHEARSE_REPEAT]);
    fprintf(
        r->cli->out, "%s\n",
        !f->has_trespass ? cli_say(r->cli, "không ai gửi thay đơn vị khác.", "nobody trespassed.")
        : f->trespass != REFUSAL_NONE ? cli_say(r->cli, "1 số liệu của đơn vị khác, bị từ chối.",
                                                "1 of another unit, refused.")
                                      : cli_say(r->cli, "1 số liệu của đơn vị khác, LẠI ĐƯỢC NHẬN.",
                                                "1 of another unit, TAKEN all the same."));
    print_told(r, f);
    if (!f->is_within)
        fprintf(r->cli->out, "%s\n",
                cli_say(r->cli, "Kết quả không như kết cục đã chọn.",
                        "It did not end as the outcome says."));
}

static int finish(struct rehearsal *r, struct err *e)
{
    struct finding f = {0};
    int rc = look(r, &f, e), status = CLI_OK;
    if (rc == 0 && r->json)
        print_json(r, &f);
    else if (rc == 0)
        print_text(r, &f);
    if (rc != 0)
        status = cli_fail(r->cli, e);
    else if (!is_good(&f))
        status = CLI_FAILED;
    free(f.groups);
    return status;
}

/* ---- the command ---- */

static void clean_up(struct rehearsal *r)
{
    rehearse_producers_close(r->producers);
    rehearse_alerts_close(&r->alerts);
    rehearse_screen_end(&r->screen);
    request_close(r->operator.link);
    request_close(r->aggregator);
    rehearse_destroy(r->story);
    catalogue_destroy(r->catalogue);
    plan_file_fini(&r->plan);
    arena_fini(&r->arena);
}

static int run(struct cli *cli, const struct cli_args *args)
{
    struct err e = {0};
    struct rehearsal r = {.cli = cli};
    unsigned step = 0;
    if (take_arguments(args, &r, &e) != 0)
        return cli_usage(cli, &e);
    arena_init(&r.arena, 0);
    cli_catch_signals();
    int rc = begin(&r, &step, &e);
    if (rc == 0)
        rc = play(&r, step, &e);
    int status = rc == 0 ? finish(&r, &e) : cli_fail(cli, &e);
    clean_up(&r);
    return status;
}

static const struct cli_option options[] = {
    {"seed", "N", "another number, another month; the same one, the same month: 1 unless said"},
    {"outcome", "OUTCOME", "inside (the band), just-short or far-short: inside unless said"},
    {"plan", "FILE", "config/plans/haiphong-2024.yaml unless said"},
    {"directory", "DIR", "keys and spools of the producers: ./rehearsal unless said"},
    {"speed", "DURATION", "so long takes a day: 1500ms unless said"},
    {"fast", NULL, "as fast as it goes"},
    {"json", NULL, "how it ended, for programs"},
};

const struct cli_command cmd_rehearse = {
    .name = "rehearse",
    .words = "",
    .summary = "play a whole campaign with generated counts, from a seed",
    .help =
        "Units, targets and shares are the plan's; every count is generated, and reported under a\n"
        "source that says so. Each unit that reports (218 in Hải Phòng) is a producer with a key\n"
        "and a spool of its own: quiet weekends, late, repeated and corrected reports, three days\n"
        "without power after the typhoon of 7 September, a district that is silent for a week, a\n"
        "commune that reports another's figures and is refused, a rush at the end.\n\n"
        "It wants an operate key and a new journal in replay mode (journal.replay: true). It\n"
        "applies the plan, registers the producers, and moves the clock only when all reports of "
        "a\n"
        "step are acknowledged: one seed gives one history. In the end the total is asked for and\n"
        "laid beside the sum of what the producers hold as sent; exit code 0 only if they agree.\n"
        "Stopped or killed, the same command goes on from there.\n\n"
        "  tonghop rehearse --seed 7\n"
        "  tonghop rehearse --fast --outcome far-short --directory /tmp/short --json\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
