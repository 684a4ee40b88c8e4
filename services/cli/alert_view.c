#include "services/cli/alert_view.h"

#include "common/base/check.h"

enum { REASONS = 4, TIME_BYTES = 32, CHANNELS = 2 };

static int ask(struct request *link, const struct cli *cli, const struct wire_alerts *q,
               bool until_ready, struct arena *arena, struct wire_alerts_reply *out, struct err *e)
{
    struct buf message = {0}, reply = {0};
    int timeout_ms = cli->timeout_ms + (int)q->wait_ms;
    wire_pack_alerts(q, &message);
    int rc =
        until_ready
            ? cli_request(link, cli, WIRE_ALERTS, buf_slice(&message), timeout_ms, &reply, e)
            : request_ask(link, WIRE_ALERTS, buf_slice(&message), timeout_ms, &cli_stop, &reply, e);
    if (rc == 0)
        rc = wire_unpack_alerts_reply(buf_slice(&reply), arena, out, e);
    buf_fini(&reply);
    buf_fini(&message);
    return rc;
}

int alert_view_ask(struct request *link, const struct cli *cli, const struct wire_alerts *q,
                   struct arena *arena, struct wire_alerts_reply *out, struct err *e)
{
    return ask(link, cli, q, false, arena, out, e);
}

int alert_view_ask_until_ready(struct request *link, const struct cli *cli,
                               const struct wire_alerts *q, struct arena *arena,
                               struct wire_alerts_reply *out, struct err *e)
{
    return ask(link, cli, q, true, arena, out, e);
}

bool alert_view_configured(const struct cli *cli)
{
    return cli->config.notifier.endpoint != NULL;
}

/* ---- words ---- */

const char *alert_view_state(const struct cli *cli, uint32_t state)
{
    require(state < WIRE_ALERT_STATES);
    return alert_state_words((enum alert_state)state, cli->english);
}

const char *alert_view_state_id(uint32_t state)
{
    require(state < WIRE_ALERT_STATES);
    return alert_state_id((enum alert_state)state);
}

const char *alert_view_reason(const struct cli *cli, const struct wire_alert_decision *d)
{
    static const char *const words[REASONS][2] = {
        {"đã gửi", "told"},
        {"không gửi ai", "told to nobody"},
        {"không gửi: cấp trên đã được báo", "held back: the unit above was told"},
        {"nêu trong thông báo của cấp trên", "stands in the message of the unit above"},
    };
    require(d->reason < REASONS);
    if (d->reason == 0 && d->waiting != 0)
        return cli_say(cli, "chờ gửi", "waits to be delivered");
    return words[d->reason][cli->english];
}

/* ---- for programs ---- */

static json_t *coverage_json(const struct wire_alert_state *s)
{
    char judged[DAY_TEXT_BYTES];
    return json_pack("{s:s, s:I, s:I}", "day", day_format(s->judged, judged), "owed",
                     (json_int_t)s->owed, "reported", (json_int_t)s->reported);
}

/* The days of which reports are missing; null unless the state is not-reported. */
static json_t *silent_json(const struct wire_alert_state *s)
{
    char from[DAY_TEXT_BYTES], to[DAY_TEXT_BYTES];
    if (s->state != STATE_NOT_REPORTED || s->silent_from > s->silent_to)
        return json_null();
    return json_pack("{s:s, s:s}", "from", day_format(s->silent_from, from), "to",
                     day_format(s->silent_to, to));
}

json_t *alert_view_state_json(const struct wire_alert_state *s)
{
    char since[DAY_TEXT_BYTES], due[DAY_TEXT_BYTES];
    return json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:o, s:I, s:I, "
                     "s:o, s:o, s:o, s:I}",
                     "plan", s->plan.text, "target", s->target.text, "unit", s->unit.text, "name",
                     s->unit_name, "depth", (int)s->depth, "indicator", s->indicator.text,
                     "measure", s->ratio ? "ppm" : s->measure.text, "due", day_format(s->due, due),
                     "state", alert_view_state_id(s->state), "since", day_format(s->since, since),
                     "lower", (json_int_t)s->lower, "stretch", (json_int_t)s->stretch, "actual",
                     s->has_actual ? json_integer(s->actual) : json_null(), "expected",
                     (json_int_t)s->expected, "expected_today", (json_int_t)s->expected_today,
                     "coverage", coverage_json(s), "silent", silent_json(s), "projected",
                     s->has_forecast ? json_integer(s->projected) : json_null(), "needed",
                     (json_int_t)s->needed);
}

json_t *alert_view_decision_json(const struct wire_alert_decision *d)
{
    static const char *const reasons[REASONS] = {"told", "quiet", "inhibited", "digest"};
    static const char *const channels[CHANNELS] = {"maildir", "feed"};
    char time[TIME_BYTES];
    json_t *waiting = json_array();
    for (unsigned i = 0; i < CHANNELS; i++)
        if (d->waiting & 1u << i)
            json_array_append_new(waiting, json_string(channels[i]));
    require(d->reason < REASONS);
    return json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, "
                     "s:s, s:o}",
                     "number", (json_int_t)d->number, "id", d->id, "plan", d->plan.text, "target",
                     d->target.text, "unit", d->unit.text, "name", d->unit_name, "from",
                     alert_view_state_id(d->from_state), "to", alert_view_state_id(d->to_state),
                     "reason", reasons[d->reason], "time", day_time_format(d->tick_ms, time),
                     "recipient", d->recipient, "recipient_name", d->recipient_name, "subject",
                     d->subject, "body", d->body, "corrects", d->corrects, "inhibitor",
                     d->inhibitor.text, "waiting", waiting);
}
