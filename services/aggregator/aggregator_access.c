/* Who may see what: by the authenticated key, from the journal's registry and the few keys of the
 * service's own file. Asked at every message, so a revocation takes hold at the next one. */
#include "services/aggregator/aggregator_service.h"

enum { ROLES_ALL = ROLE_OPERATE | ROLE_SERVICE };

static const struct registry *registry_of(const struct aggregator_service *s)
{
    return ledger_registry(s->ledger);
}

struct identity access_identify(const struct aggregator_service *s, const struct net_key *key)
{
    const struct fixed_keys *own = &s->config->endpoint.keys;
    return registry_identify(registry_of(s), own->items, own->count, key->bytes);
}

bool access_may_ask(struct identity who)
{
    return (who.roles & ACCESS_ROLES_ASK) != 0;
}

day_t access_today(const struct aggregator_service *s)
{
    return day_of_ms(s->done.time_ms);
}

/* --- scopes */

struct roots_walk {
    const struct aggregator_service *service;
    uint32_t producer;
    day_t on;
    bool any;
    bool all;
};

static void roots_visit(void *arg, uint32_t unit, unsigned depth)
{
    struct roots_walk *w = arg;
    if (depth > 0)
        return;
    w->any = true;
    if (!registry_in_scope(registry_of(w->service), w->producer, unit, w->on))
        w->all = false;
}

/* Every root in force is in the scope. */
static bool sees_roots(const struct aggregator_service *s, struct identity who)
{
    struct roots_walk w = {s, who.producer, access_today(s), false, true};
    catalogue_visit_on(registry_catalogue(registry_of(s)), CATALOGUE_NONE, w.on, roots_visit, &w);
    return w.any && w.all;
}

bool access_sees_all(const struct aggregator_service *s, struct identity who)
{
    return (who.roles & ROLES_ALL) != 0 || (who.producer != REGISTRY_NONE && sees_roots(s, who));
}

bool access_sees_unit(const struct aggregator_service *s, struct identity who, uint32_t unit,
                      day_t on)
{
    if (who.roles & ROLES_ALL)
        return true;
    return who.producer != REGISTRY_NONE &&
           registry_in_scope(registry_of(s), who.producer, unit, on);
}

bool access_sees_stream(const struct aggregator_service *s, struct identity who,
                        struct feed_stream stream)
{
    const struct catalogue *c = registry_catalogue(registry_of(s));
    day_t on = access_today(s);
    uint32_t near = catalogue_unit_near(c, stream.code, on);
    if (near == CATALOGUE_NONE)
        return false;
    const struct unit *unit = catalogue_unit(c, near);
    if (on > unit->to)
        on = unit->to;
    if (on < unit->from)
        on = unit->from;
    return access_sees_unit(s, who, near, on);
}
