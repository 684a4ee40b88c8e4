/* The feed's sockets: who may subscribe to what, notifications and heads going out. */
#include "services/notifier/notifier_service.h"

/* --- out */

void notifier_feed_publish(struct notifier_service *s, struct slice topic, struct slice message)
{
    feed_gates_publish(&s->feed_gates, topic, message, NULL, NULL);
}

static void format_topic(const struct ident *plan, const struct ident *target, const char *unit,
                         struct buf *out)
{
    buf_printf(out, "a/%s/%s/%s/", plan->text, target->text, unit);
}

void notifier_feed_format_topic(const struct notifier_decision *d, struct buf *out)
{
    format_topic(&d->plan, &d->target, d->unit.text, out);
}

void notifier_feed_beat(void *service)
{
    struct notifier_service *s = service;
    struct wire_alerts_head head = {s->head_number, s->done.offset, s->done.time_ms};
    struct buf message = {0};
    if (!s->follower.ready || s->feed_gates.count == 0)
        return;
    wire_pack_alerts_head(&head, &message);
    notifier_feed_publish(s, slice_str("h/"), buf_slice(&message));
    buf_fini(&message);
}

/* --- what is asked for */

struct topic_parts {
    bool heads;    /* "" or "h…" */
    bool alerts;   /* "" or "a…" */
    unsigned said; /* how many of plan, target and unit */
    struct ident plan;
    struct ident target;
    struct ident unit;
};

/* One part up to its slash; false when it does not end in one. */
static bool take_part(struct slice *rest, struct ident *out)
{
    const char *text = rest->data;
    const char *slash = memchr(text, '/', rest->len);
    if (!slash || !ident_set(out, slice_of(text, (size_t)(slash - text))))
        return false;
    *rest = slice_of(slash + 1, rest->len - (size_t)(slash + 1 - text));
    return true;
}

/* False: no topic of this feed, or one that stops in the middle of a name. */
static bool parse_topic(struct slice topic, struct topic_parts *out)
{
    const char *text = topic.data;
    struct ident *const parts[] = {&out->plan, &out->target, &out->unit};
    *out = (struct topic_parts){.heads = topic.len == 0, .alerts = topic.len == 0};
    if (topic.len == 0)
        return true;
    out->heads = text[0] == 'h';
    out->alerts = text[0] == 'a';
    if (topic.len == 1)
        return out->heads || out->alerts;
    if (text[1] != '/' || (out->heads && topic.len > 2))
        return false;
    struct slice rest = slice_of(text + 2, topic.len - 2);
    while (rest.len > 0) {
        if (out->said == sizeof parts / sizeof *parts || !take_part(&rest, parts[out->said]))
            return false;
        out->said++;
    }
    return out->heads || out->alerts;
}

/* --- what is given */

struct grant {
    struct notifier_service *service;
    struct identity who;
    const struct topic_parts *asked;
    const struct plan *plan;
    const struct target *target;
    day_t on;
    struct net_socket *socket;
    bool subscribe; /* else take away */
    unsigned count;
    bool cut; /* there was more than a subscriber can have */
};

static void give(struct grant *g, struct slice topic)
{
    int rc = g->subscribe ? net_subscription_allow(g->socket, topic)
                          : net_subscription_remove(g->socket, topic);
    g->count += rc == 0;
    g->cut = g->cut || rc == ERR_LIMIT;
}

static void give_unit(void *arg, uint32_t unit, unsigned depth)
{
    struct grant *g = arg;
    const struct catalogue *c = registry_catalogue(notifier_registry(g->service->core));
    const char *code = catalogue_code_text(c, catalogue_unit(c, unit)->code);
    struct buf topic = {0};
    (void)depth;
    if ((g->asked->said == 3 && strcmp(g->asked->unit.text, code) != 0) ||
        !access_sees_unit(g->service, g->who, unit, g->on))
        return;
    format_topic(&g->plan->id, &g->target->id, code, &topic);
    give(g, buf_slice(&topic));
    buf_fini(&topic);
}

static bool is_meant(unsigned said, unsigned part, const struct ident *asked,
                     const struct ident *id)
{
    return said < part || strcmp(asked->text, id->text) == 0;
}

/* Of what was asked, the units that the key may see, each by its own topic. */
static void give_scope(struct grant *g)
{
    const struct registry *r = notifier_registry(g->service->core);
    const struct topic_parts *asked = g->asked;
    for (uint32_t p = 0; asked->alerts && p < registry_plan_count(r); p++) {
        g->plan = registry_plan(r, p);
        if (!is_meant(asked->said, 1, &asked->plan, &g->plan->id))
            continue;
        for (unsigned t = 0; t < g->plan->target_count; t++) {
            g->target = &g->plan->targets[t];
            g->on = g->target->due;
            if (is_meant(asked->said, 2, &asked->target, &g->target->id))
                catalogue_visit_on(registry_catalogue(r), CATALOGUE_NONE, g->on, give_unit, g);
        }
    }
    if (asked->heads)
        give(g, slice_str("h/"));
}

/* --- requests */

void notifier_feed_take(void *service, const struct feed_request *request)
{
    struct notifier_service *s = service;
    struct topic_parts asked;
    struct grant g = {.service = s,
                      .who = access_identify(s, request->key),
                      .asked = &asked,
                      .socket = request->socket,
                      .subscribe = request->subscribe};
    bool valid = parse_topic(request->topic, &asked) && (g.who.roles & ACCESS_ROLES_ASK) != 0;
    bool whole = valid && (access_sees_all(g.who) || !asked.alerts);
    if (whole)
        give(&g, request->topic);
    else if (valid)
        give_scope(&g);
    if (!g.subscribe)
        return;
    if (g.count == 0)
        feed_gates_refuse(&s->feed_gates, request,
                          "outside the key's scope, or no topic of this feed");
    else if (g.cut)
        feed_gates_refuse(&s->feed_gates, request,
                          "more units than one subscriber can have: subscribe by target");
    else
        ++*(whole ? s->feed_gates.counters.allowed : s->feed_gates.counters.narrowed);
}

static void revoke_one(struct notifier_service *s, const struct producer *p)
{
    for (unsigned k = 0; k < p->key_count; k++) {
        struct net_key key;
        memcpy(key.bytes, p->keys[k].bytes, KEY_BYTES);
        feed_gates_revoke(&s->feed_gates, &key);
    }
}

void notifier_feed_revoke(struct notifier_service *s, const struct ident *names, size_t count)
{
    const struct registry *r = notifier_registry(s->core);
    for (size_t i = 0; i < count; i++) {
        uint32_t ordinal = registry_producer_find(r, ident_slice(&names[i]));
        if (ordinal != REGISTRY_NONE)
            revoke_one(s, registry_producer(r, ordinal));
    }
}
