/* A month is rehearsed as fast as it goes while collector, aggregator and notifier are killed with
 * -9, one of them at a time and at any moment, and started again at once; now and then the
 * rehearsal itself, too. In the end everything is what it is where nobody was killed: the figure of
 * every unit on every day, what was decided, and each message, byte by byte.
 *
 * TONGHOP_KILLS: how many kills of services (8). TONGHOP_SEED: which month, and which moments;
 * printed at the start. With more kills than fit into one month the outcomes take turns. */
#include "common/net/loop.h"
#include "services/cli/cli.h"
#include "services/cli/plan_file.h"
#include "services/cli/rehearse_core.h"
#include "tests/support/load.h"
#include "tests/support/office.h"
#include "tests/support/suite.h"

#include <dirent.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

enum {
    KILLS = 8,
    KILLS_A_MONTH = 16,
    MOMENTS = 50, /* a kill comes within such a part of a month after the entry drawn for it */
    LISTEN_MS = 10,
    DELIVERY_PERCENT = 50,  /* of the notifier's kills wait for a delivery ... */
    DELIVERY_MS = 1000,     /* ... so long */
    REHEARSAL_PERCENT = 15, /* of the kills have one of the rehearsal beside them */
    LINE_BYTES = 1200,
    SERVICES = 3,
};

static const enum rehearse_outcome turns[] = {REHEARSE_FAR_SHORT, REHEARSE_INSIDE,
                                              REHEARSE_JUST_SHORT};
enum { TURNS = sizeof turns / sizeof *turns };

/* What a month left behind. */
struct month {
    struct buf figures;   /* of every unit on every day, as CSV */
    struct buf decisions; /* as JSON, as are the next two */
    struct buf states;
    struct buf messages;
    struct buf files; /* of the maildir, a name and a hash a line, sorted */
    unsigned file_count;
    int64_t took_ms;     /* the rehearsal alone */
    unsigned last_entry; /* of its journal */
};

struct play {
    struct random random;
    uint64_t seed;
    uint64_t kills_left;
    int64_t start_ms;          /* of the month that is played */
    int tmp_fd;                /* tells of files in its maildir's tmp/ */
    unsigned killed[SERVICES]; /* collector, aggregator, notifier */
    unsigned rehearsals_killed;
    unsigned months;
    uint64_t compared; /* notifications */
};

/* --- questions: each unit of the plan, each day */

static void plan_path(char out[LINE_BYTES])
{
    const char *source = getenv("TONGHOP_SOURCE");
    ck_assert_msg(source != NULL, "TONGHOP_SOURCE is not set: run through ctest");
    snprintf(out, LINE_BYTES, "%s/config/plans/haiphong-2024.yaml", source);
}

static void add_questions(const struct rehearse *story, const struct rehearse_unit *unit,
                          struct buf *out)
{
    char day[DAY_TEXT_BYTES];
    for (day_t d = story->start; d <= story->due; d++)
        buf_printf(out, "%s,%s,%s\n", unit->code.text, story->indicator.text, day_format(d, day));
}

static void write_questions(const struct office *o, const struct rehearse *story)
{
    struct buf text = {0};
    buf_printf(&text, "unit,indicator,period\n");
    add_questions(story, &story->top, &text);
    for (unsigned i = 0; i < story->group_count; i++)
        add_questions(story, &story->groups[i].unit, &text);
    for (unsigned i = 0; i < story->leaf_count; i++)
        add_questions(story, &story->leaves[i].unit, &text);
    temp_dir_write(&o->dir, "questions.csv", (const char *)text.data);
    buf_fini(&text);
}

static void prepare_questions(const struct office *o)
{
    struct rehearse_options options = {1, REHEARSE_INSIDE};
    struct plan_file plan;
    struct catalogue *catalogue;
    struct rehearse *story;
    char path[LINE_BYTES];
    struct err e = {0};
    plan_path(path);
    ck_assert_msg(plan_file_load(path, &plan, &e) == 0, "%s", e.text);
    ck_assert_int_eq(catalogue_build(&plan.catalogue, NULL, &catalogue, &e), 0);
    ck_assert_int_eq(rehearse_create(&story, &options, &plan.plan, catalogue, &e), 0);
    write_questions(o, story);
    rehearse_destroy(story);
    catalogue_destroy(catalogue);
    plan_file_fini(&plan);
}

/* --- what is left behind */

static void take_output(struct office *o, struct buf *out)
{
    *out = o->out;
    o->out = (struct buf){0};
}

/* Where each target stands at each unit. What else a status tells is of the processes. */
static void take_states(struct office *o, struct buf *out)
{
    const json_t *states = json_object_get(office_json(o), "states");
    char *text = json_dumps(states, JSON_INDENT(1));
    ck_assert_msg(text != NULL && json_array_size(states) > 0, "no states in\n%s",
                  (const char *)o->out.data);
    buf_printf(out, "%s\n", text);
    free(text);
}

static uint64_t hash_of(const char *text)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return hash;
}

static int is_no_dot(const struct dirent *one)
{
    return one->d_name[0] != '.';
}

static unsigned list_folder(const char *folder, struct dirent ***out)
{
    int count = scandir(folder, out, is_no_dot, alphasort);
    ck_assert_msg(count >= 0, "%s: %m", folder);
    return (unsigned)count;
}

static void forget_list(struct dirent **list, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        free(list[i]);
    free(list);
}

static void read_mails(struct office *o, struct month *m)
{
    char name[sizeof((struct dirent *)0)->d_name + 16];
    struct dirent **list;
    m->file_count = list_folder("mail/new", &list);
    for (unsigned i = 0; i < m->file_count; i++) {
        snprintf(name, sizeof name, "mail/new/%s", list[i]->d_name);
        char *text = office_read(o, name);
        buf_printf(&m->files, "%s %016" PRIx64 "\n", list[i]->d_name, hash_of(text));
        free(text);
    }
    forget_list(list, m->file_count);
    unsigned left = list_folder("mail/tmp", &list);
    ck_assert_msg(left == 0, "%u messages lie half done in mail/tmp, first %s", left,
                  left > 0 ? list[0]->d_name : "");
    forget_list(list, left);
}

/* A file is called by its time in seconds, a dot, and the id with its channel, two characters of
 * which are others. */
static bool is_file_of(const char *name, const char *id)
{
    static const char channel[] = "=maildir ";
    for (name += strcspn(name, ".") + 1; *id; id++, name++)
        if (*name != (*id == '/' ? '=' : *id == ':' ? '+' : *id))
            return false;
    return strncmp(name, channel, strlen(channel)) == 0;
}

static unsigned count_files_of(const struct month *m, const char *id)
{
    unsigned count = 0;
    for (const char *line = (const char *)m->files.data; *line; line += strcspn(line, "\n") + 1)
        count += is_file_of(line, id);
    return count;
}

/* `o` has answered with the notifications: each is laid down once, and nothing else is. */
static void check_laid_down(struct office *o, const struct month *m)
{
    const json_t *all = office_json(o), *one;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)all, i, one)
    {
        const char *id = json_string_value(json_object_get(one, "id"));
        unsigned count = count_files_of(m, id);
        ck_assert_msg(count == 1, "%s is laid down %u times", id, count);
    }
    ck_assert_uint_eq(json_array_size(all), m->file_count);
}

/* The journal's time moves once more, behind all reports: when that tick is judged, and what it
 * led to is delivered, nothing is on its way any more. */
static void look(struct office *o, struct month *m)
{
    office_must(o, CLI_OK, "clock tick 2024-10-08T08:00:00+07:00");
    unsigned entry = m->last_entry = office_last_entry(o);
    office_must(o, CLI_OK, "query --batch questions.csv --not-before %u", entry);
    take_output(o, &m->figures);
    office_must(o, CLI_OK, "alerts history --json --not-before %u", entry);
    take_output(o, &m->decisions);
    office_must(o, CLI_OK, "status --json");
    take_states(o, &m->states);
    read_mails(o, m);
    office_must(o, CLI_OK, "alerts list --json --not-before %u", entry);
    check_laid_down(o, m);
    take_output(o, &m->messages);
    office_must(o, CLI_OK, "verify aggregator.yaml");
}

static void forget_month(struct month *m)
{
    buf_fini(&m->figures);
    buf_fini(&m->decisions);
    buf_fini(&m->states);
    buf_fini(&m->messages);
    buf_fini(&m->files);
    *m = (struct month){0};
}

static void expect_same(const struct buf *got, const struct buf *want, const char *what)
{
    const char *a = (const char *)got->data, *b = (const char *)want->data;
    for (unsigned line = 1; *a || *b; line++) {
        int a_len = (int)strcspn(a, "\n"), b_len = (int)strcspn(b, "\n");
        ck_assert_msg(a_len == b_len && memcmp(a, b, (size_t)a_len) == 0,
                      "%s, line %u: after kills\n%.*s\ninstead of\n%.*s", what, line, a_len, a,
                      b_len, b);
        a += a_len + (a[a_len] != '\0');
        b += b_len + (b[b_len] != '\0');
    }
}

static void expect_same_month(const struct month *got, const struct month *want)
{
    expect_same(&got->figures, &want->figures, "figures");
    expect_same(&got->decisions, &want->decisions, "decisions");
    expect_same(&got->states, &want->states, "states");
    expect_same(&got->messages, &want->messages, "messages");
    expect_same(&got->files, &want->files, "files of the maildir");
}

/* --- a month */

static int elapsed_ms(const struct play *p)
{
    return (int)(loop_now_ms() - p->start_ms);
}

static struct process *service_of(struct office *o, unsigned which)
{
    struct process *const all[SERVICES] = {&o->collector, &o->aggregator, &o->notifier};
    return all[which];
}

/* As of the last change of plan, producers or time. */
static unsigned last_applied(const struct office *o)
{
    char offset[32];
    process_log_value(&o->collector, "event=applied", "offset", offset, sizeof offset);
    return (unsigned)strtoul(offset, NULL, 10);
}

static void forget_deliveries(const struct play *p)
{
    char events[4096];
    while (read(p->tmp_fd, events, sizeof events) > 0)
        continue;
}

/* Up to a message that is just being laid down, if one comes soon: few moments are like that, and
 * none is more delicate. */
static void await_delivery(const struct play *p)
{
    struct pollfd one = {.fd = p->tmp_fd, .events = POLLIN};
    forget_deliveries(p);
    poll(&one, 1, DELIVERY_MS);
}

static void kill_one(struct play *p, struct office *o)
{
    unsigned which = random_below(&p->random, SERVICES);
    struct process *service = service_of(o, which);
    if (service == &o->notifier && random_chance(&p->random, DELIVERY_PERCENT))
        await_delivery(p);
    process_kill(service);
    process_start(service);
    printf("%d ms, entry %u: %s\n", elapsed_ms(p), last_applied(o), service->program);
    p->killed[which]++;
    p->kills_left--;
}

static void kill_rehearsal(struct play *p, struct office *o, struct office_child *c,
                           const char *line)
{
    printf("%d ms: the rehearsal\n", elapsed_ms(p));
    int code = office_end(c, SIGKILL);
    ck_assert_msg(code == PROCESS_SIGNALLED + SIGKILL || code == CLI_OK,
                  "the rehearsal had ended by itself with %d", code);
    office_spawn(o, c, line);
    p->rehearsals_killed++;
}

static int compare_entries(const void *a, const void *b)
{
    const unsigned *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void draw_entries(struct random *random, unsigned *entries, unsigned count, unsigned last)
{
    for (unsigned i = 0; i < count; i++)
        entries[i] = random_below(random, last);
    qsort(entries, count, sizeof *entries, compare_entries);
}

/* Up to some moment after the journal has reached that entry; false when the rehearsal is over
 * before. By entries, as how long they take is the machine's affair. */
static bool await_moment(struct play *p, const struct office *o, struct office_child *c,
                         unsigned entry, unsigned within_ms)
{
    while (last_applied(o) < entry)
        if (!office_listen(c, LISTEN_MS))
            return false;
    return office_listen(c, (int)random_below(&p->random, within_ms));
}

/* Kills that are left when the month is over come one upon the other, while services start and the
 * last days are judged. */
static void play_with_kills(struct play *p, struct office *o, struct office_child *c,
                            const char *line, unsigned kills, const struct month *calm)
{
    unsigned entries[KILLS_A_MONTH], done = 0;
    draw_entries(&p->random, entries, kills, calm->last_entry);
    unsigned within_ms = (unsigned)calm->took_ms / MOMENTS;
    while (done < kills && await_moment(p, o, c, entries[done], within_ms)) {
        kill_one(p, o);
        done++;
        if (random_chance(&p->random, REHEARSAL_PERCENT))
            kill_rehearsal(p, o, c, line);
    }
    while (office_listen(c, OFFICE_PATIENCE_MS))
        ;
    for (; done < kills; done++)
        kill_one(p, o);
}

static void expect_good_end(struct office_child *c)
{
    char *said = strndup(c->err.data ? (const char *)c->err.data : "", c->err.len);
    int code = office_end(c, 0);
    ck_assert_msg(code == CLI_OK, "the rehearsal ended with %d:\n%s", code, said);
    free(said);
}

/* `calm`: the month where nobody was killed, to know how long it is. */
static void play_month(struct play *p, enum rehearse_outcome outcome, unsigned kills,
                       const struct month *calm, struct month *out)
{
    struct office o;
    struct office_child c;
    char line[2 * LINE_BYTES], path[LINE_BYTES];
    plan_path(path);
    snprintf(line, sizeof line,
             "rehearse --fast --lang en --plan %s --directory play --outcome %s --seed %" PRIu64,
             path, rehearse_outcome_names[outcome], p->seed);
    office_open(&o, "replay");
    office_add_notifier(&o);
    prepare_questions(&o);
    office_start(&o);
    p->tmp_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    ck_assert_int_ge(inotify_add_watch(p->tmp_fd, "mail/tmp", IN_CREATE), 0);
    p->start_ms = loop_now_ms();
    office_spawn(&o, &c, line);
    play_with_kills(p, &o, &c, line, kills, calm);
    out->took_ms = elapsed_ms(p);
    expect_good_end(&c);
    close(p->tmp_fd);
    office_start(&o);
    look(&o, out);
    office_close(&o);
}

static void compare_month(struct play *p, enum rehearse_outcome outcome, const struct month *calm)
{
    struct month killed = {0};
    unsigned kills = p->kills_left < KILLS_A_MONTH ? (unsigned)p->kills_left : KILLS_A_MONTH;
    play_month(p, outcome, kills, calm, &killed);
    expect_same_month(&killed, calm);
    p->months++;
    p->compared += killed.file_count;
    printf("%s: %u kills, %u messages, %" PRId64 " ms instead of %" PRId64 " ms\n",
           rehearse_outcome_names[outcome], kills, killed.file_count, killed.took_ms,
           calm->took_ms);
    forget_month(&killed);
}

START_TEST(kills_in_a_replay_change_neither_figures_nor_notifications)
{
    struct play p = {.seed = load_setting("TONGHOP_SEED", (uint64_t)time(NULL)),
                     .kills_left = load_setting("TONGHOP_KILLS", KILLS)};
    struct month calm[TURNS] = {0}, none = {0};
    p.random.state = p.seed;
    printf("TONGHOP_SEED=%" PRIu64 " TONGHOP_KILLS=%" PRIu64 "\n", p.seed, p.kills_left);
    for (unsigned i = 0; p.kills_left > 0; i = (i + 1) % TURNS) {
        if (calm[i].took_ms == 0)
            play_month(&p, turns[i], 0, &none, &calm[i]);
        compare_month(&p, turns[i], &calm[i]);
    }
    ck_assert_uint_gt(calm[0].file_count, 0);
    printf("%u months; killed: collector %u, aggregator %u, notifier %u, rehearsal %u; "
           "%" PRIu64 " notifications compared\n",
           p.months, p.killed[0], p.killed[1], p.killed[2], p.rehearsals_killed, p.compared);
    for (unsigned i = 0; i < TURNS; i++)
        forget_month(&calm[i]);
}
END_TEST

SUITE_MAIN("process/replay kills", kills_in_a_replay_change_neither_figures_nor_notifications)
