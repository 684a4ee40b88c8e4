/* Who may see what: by the authenticated key, from the journal's registry as of the last tick, and
 * the few keys of the service's own file. Asked at every message. */
#include "services/notifier/notifier_service.h"

struct identity access_identify(const struct notifier_service *s, const struct net_key *key)
{
    const struct fixed_keys *own = &s->config->endpoint.keys;
    return registry_identify(notifier_registry(s->core), own->items, own->count, key->bytes);
}

bool access_sees_all(struct identity who)
{
    return (who.roles & (ROLE_OPERATE | ROLE_SERVICE)) != 0;
}

bool access_sees_unit(const struct notifier_service *s, struct identity who, uint32_t unit,
                      day_t on)
{
    return access_sees_all(who) ||
           (who.producer != REGISTRY_NONE &&
            registry_in_scope(notifier_registry(s->core), who.producer, unit, on));
}

bool access_sees_code(const struct notifier_service *s, struct identity who,
                      const struct ident *code, day_t on)
{
    const struct catalogue *c = registry_catalogue(notifier_registry(s->core));
    if (access_sees_all(who))
        return true;
    uint32_t ordinal = catalogue_code_find(c, ident_slice(code));
    uint32_t unit =
        ordinal == CATALOGUE_NONE ? CATALOGUE_NONE : catalogue_unit_near(c, ordinal, on);
    if (unit == CATALOGUE_NONE)
        return false;
    const struct unit *u = catalogue_unit(c, unit);
    return access_sees_unit(s, who, unit, on < u->from ? u->from : on > u->to ? u->to : on);
}
