#include "services/cli/rehearse_begin.h"

#include "common/base/check.h"
#include "common/net/loop.h"

#include <inttypes.h>
#include <time.h>

enum { TITLE_BYTES = 1024, RETRY_MS = 50 };

const char rehearse_source[] = "dientap";
static const char source_name[] = "Số liệu diễn tập (sinh tự động, không phải số thật)";
static const char title_front[] = "Diễn tập: ";

/* ---- the plan that is rehearsed ---- */

static void add_source(struct plan_file *p)
{
    struct plan *plan = &p->plan;
    struct source *all = arena_alloc(&p->arena, (plan->source_count + 1) * sizeof *all);
    memcpy(all, plan->sources, plan->source_count * sizeof *all);
    all[plan->source_count].name = source_name;
    require(ident_set(&all[plan->source_count].id, slice_str(rehearse_source)));
    plan->sources = all;
    plan->source_count++;
}

void rehearse_begin_mark(struct plan_file *p, const struct ident *indicator)
{
    char title[TITLE_BYTES];
    add_source(p);
    for (unsigned i = 0; i < p->plan.indicator_count; i++) {
        struct indicator *one = &p->plan.indicators[i];
        for (unsigned k = 0; ident_equal(&one->id, indicator) && k < one->record_count; k++)
            require(ident_set(&one->records[k].source, slice_str(rehearse_source)));
    }
    snprintf(title, sizeof title, "%s%s", title_front, p->plan.title);
    p->plan.is_rehearsal = true;
    p->plan.title = arena_string(&p->arena, title, strlen(title));
}

/* ---- asking ---- */

static bool is_worth_another(int rc, int64_t deadline_ms)
{
    return (rc == ERR_NET || rc == ERR_AGAIN) && !cli_stop && loop_now_ms() < deadline_ms;
}

static void pause_shortly(void)
{
    nanosleep(&(struct timespec){.tv_nsec = RETRY_MS * 1000000L}, NULL);
}

int rehearse_begin_apply(const struct rehearse_operator *o, const struct wire_apply *apply,
                         uint64_t *offset, struct err *e)
{
    int64_t deadline_ms = loop_now_ms() + o->patience_ms;
    for (;;) {
        int rc = cli_apply(o->link, o->cli, apply, offset, e);
        if (!is_worth_another(rc, deadline_ms))
            return rc;
        pause_shortly();
    }
}

static int ask_health(const struct rehearse_operator *o, struct buf *reply, struct err *e)
{
    int64_t deadline_ms = loop_now_ms() + o->patience_ms;
    for (;;) {
        int rc = request_ask(o->link, WIRE_HEALTH, slice_of(NULL, 0), o->cli->timeout_ms, &cli_stop,
                             reply, e);
        if (!is_worth_another(rc, deadline_ms))
            return rc;
        pause_shortly();
    }
}

int rehearse_begin_health(const struct rehearse_operator *o, int64_t *time_ms, uint64_t *head,
                          struct err *e)
{
    struct buf reply = {0};
    struct arena arena;
    struct wire_health h = {0};
    arena_init(&arena, 0);
    int rc = ask_health(o, &reply, e);
    if (rc == 0)
        rc = wire_unpack_health(buf_slice(&reply), &arena, &h, e);
    if (rc == 0 && !h.replay)
        rc = err_set(e, ERR_INVALID,
                     "the journal of this collector is live: made-up figures have no business "
                     "there. Rehearse with a new one that has journal.replay: true");
    *time_ms = h.time_ms;
    *head = h.offset;
    arena_fini(&arena);
    buf_fini(&reply);
    return rc;
}

int rehearse_begin_tick(const struct rehearse_operator *o, int64_t time_ms, uint64_t *offset,
                        struct err *e)
{
    struct wire_apply a = {.kind = WIRE_APPLY_REPLAY_TICK, .time_ms = time_ms};
    return rehearse_begin_apply(o, &a, offset, e);
}

/* ---- plan and units ---- */

static struct wire_apply registration(const struct rehearse *story, unsigned leaf)
{
    char name[IDENT_BYTES_MAX + 1];
    struct wire_apply a = {.kind = WIRE_APPLY_PRODUCER};
    struct producer *p = &a.producer.producer;
    rehearse_producer_name(story, leaf, name);
    a.producer.kind = PRODUCER_SET;
    p->roles = ROLE_SUBMIT;
    p->scope_count = 1;
    p->scopes[0] = story->leaves[leaf].unit.code;
    p->scopes_on = story->start;
    require(ident_set(&p->name, slice_str(name)));
    require(ident_set(&p->source, slice_str(rehearse_source)));
    return a;
}

/* From an earlier run, or a try whose answer was lost: then somebody could be registered for the
 * source that only a rehearsed plan has. 1 yes, 0 no. */
static int plan_stands(const struct rehearse_operator *o, const struct rehearse *story,
                       struct err *e)
{
    struct wire_apply a = registration(story, 0);
    a.dry_run = true;
    int rc = rehearse_begin_apply(o, &a, NULL, e);
    return rc == 0 ? 1 : rc == ERR_NOT_FOUND ? 0 : rc;
}

int rehearse_begin_plan(const struct rehearse_operator *o, const struct plan_file *p,
                        const struct rehearse *story, struct err *e)
{
    struct wire_apply units = {.kind = WIRE_APPLY_CATALOGUE, .catalogue = p->catalogue};
    struct wire_apply plan = {.kind = WIRE_APPLY_PLAN, .plan = p->plan};
    int stands = plan_stands(o, story, e);
    if (stands != 0)
        return stands < 0 ? stands : 0;
    int rc = rehearse_begin_apply(o, &units, NULL, e);
    if (rc == 0)
        rc = rehearse_begin_apply(o, &plan, NULL, e);
    if (rc == ERR_INVALID && plan_stands(o, story, NULL) == 1)
        return 0;
    if (rc == ERR_INVALID)
        return err_wrap(e, "this journal will not take the plan as it is rehearsed (where it "
                           "stands for real figures, rehearse with a new journal)");
    return rc;
}

/* ---- producers ---- */

static int bind_key(const struct rehearse_operator *o, struct wire_apply *a, bool dry_run,
                    struct err *e)
{
    a->producer.kind = PRODUCER_KEY_ADD;
    a->dry_run = dry_run;
    return rehearse_begin_apply(o, a, NULL, e);
}

static int register_one(const struct rehearse_operator *o, const struct rehearse *story,
                        const struct rehearse_producers *producers, unsigned leaf, struct err *e)
{
    struct wire_apply a = registration(story, leaf);
    memcpy(a.producer.key, rehearse_producer_key(producers, leaf)->bytes, KEY_BYTES);
    if (rehearse_producer_is_old(producers, leaf) && bind_key(o, &a, true, e) == ERR_EXISTS)
        return 0;
    a = registration(story, leaf);
    memcpy(a.producer.key, rehearse_producer_key(producers, leaf)->bytes, KEY_BYTES);
    int rc = rehearse_begin_apply(o, &a, NULL, e);
    if (rc == 0)
        rc = bind_key(o, &a, false, e);
    return rc == ERR_EXISTS ? 0 : rc; /* bound by a try whose answer was lost */
}

int rehearse_begin_register(const struct rehearse_operator *o, const struct rehearse *story,
                            const struct rehearse_producers *producers, struct err *e)
{
    int rc = 0;
    for (unsigned i = 0; i < story->leaf_count && rc == 0; i++)
        rc = register_one(o, story, producers, i, e);
    return rc;
}
