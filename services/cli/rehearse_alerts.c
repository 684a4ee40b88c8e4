#include "services/cli/rehearse_alerts.h"

#include "services/cli/alert_view.h"
#include "services/cli/figure.h"

enum { LINE_BYTES = 512 };

int rehearse_alerts_open(struct rehearse_alerts *a, struct cli *cli, const struct ident *plan,
                         const struct ident *target, struct err *e)
{
    *a = (struct rehearse_alerts){
        .cli = cli, .asked = {.what = WIRE_ALERTS_STATES, .plan = *plan, .target = *target}};
    arena_init(&a->arena, 0);
    if (!alert_view_configured(cli))
        return 0;
    int rc = alert_feed_open(&a->feed, cli, e);
    return rc != 0 ? rc : cli_connect(cli, CLI_NOTIFIER, &a->link, e);
}

void rehearse_alerts_close(struct rehearse_alerts *a)
{
    alert_feed_close(a->feed);
    request_close(a->link);
    arena_fini(&a->arena);
}

static void show(const struct rehearse_alerts *a, struct rehearse_screen *screen,
                 const struct wire_notification *n)
{
    char line[LINE_BYTES], time[FIGURE_TIME_BYTES];
    snprintf(line, sizeof line, "%.16s → %s: %s", figure_time(n->tick_ms, a->cli->english, time),
             n->recipient_name, n->subject);
    rehearse_screen_tell(screen, line);
}

int rehearse_alerts_take(struct rehearse_alerts *a, struct rehearse_screen *screen, struct err *e)
{
    struct wire_notification n;
    int rc = a->feed ? 0 : ERR_AGAIN;
    while (rc >= 0) {
        rc = alert_feed_next(a->feed, 0, &n, e);
        if (rc == 1)
            show(a, screen, &n);
    }
    return rc == ERR_DENIED ? rc : 0;
}

int rehearse_alerts_ask(struct rehearse_alerts *a, uint64_t not_before, uint32_t wait_ms,
                        const struct wire_alerts_reply **out, struct err *e)
{
    *out = &a->states;
    a->states = (struct wire_alerts_reply){0};
    if (!a->link)
        return 0;
    arena_reset(&a->arena);
    a->asked.not_before = not_before;
    a->asked.wait_ms = wait_ms;
    return alert_view_ask(a->link, a->cli, &a->asked, &a->arena, &a->states, e);
}

int rehearse_alerts_count(struct rehearse_alerts *a, unsigned counts[WIRE_ALERT_STATES],
                          struct err *e)
{
    struct wire_alerts q = {.what = WIRE_ALERTS_NOTIFICATIONS, .plan = a->asked.plan};
    struct wire_alerts_reply page = {.more = a->link != NULL};
    int rc = 0;
    while (page.more) {
        arena_reset(&a->arena);
        rc = alert_view_ask(a->link, a->cli, &q, &a->arena, &page, e);
        if (rc != 0)
            break;
        for (uint32_t i = 0; i < page.decision_count; i++) {
            q.after = page.decisions[i].number;
            counts[page.decisions[i].to_state] += page.decisions[i].reason == 0;
        }
    }
    return rc;
}
