/* Who may speak: a registered name with a role, a unit scope and a source; keys are bound to it and
 * may be rotated and revoked. */
#ifndef TONGHOP_MODEL_PRODUCER_H
#define TONGHOP_MODEL_PRODUCER_H

#include "common/model/day.h"
#include "common/model/ident.h"

enum role {
    ROLE_SUBMIT = 1 << 0,    /* sends figures of its scope */
    ROLE_SUBSCRIBE = 1 << 1, /* queries and subscribes within its scope */
    ROLE_OPERATE = 1 << 2,   /* applies plans, manages keys, moves the replay clock; sees all */
    ROLE_SERVICE = 1 << 3,   /* pulls the journal and frames */
    ROLE_DELEGATE = 1 << 4,  /* submits for an officer it names (the gateway) */
};

enum { KEY_BYTES = 32, PRODUCER_KEYS_MAX = 8, PRODUCER_SCOPES_MAX = 64 };

struct producer_key {
    uint8_t bytes[KEY_BYTES];
    bool revoked; /* for ever: a revoked key is never bound again */
};

struct producer {
    struct ident name;
    uint32_t roles;      /* bits of enum role */
    struct ident source; /* on whose behalf it reports; empty when it does not */
    /* Unit codes, as borne on `scopes_on`; each covers that unit's subtree and what it came from.
     */
    struct ident scopes[PRODUCER_SCOPES_MAX];
    unsigned scope_count;
    /* Codes are reused by other units, which the officer of the one before must not gain. 0: not
     * said, the latest unit to bear each code is meant, whichever that comes to be. */
    day_t scopes_on;
    /* The valid ones, and of the revoked ones the latest that there is room for; the registry knows
     * every key there ever was. */
    struct producer_key keys[PRODUCER_KEYS_MAX];
    unsigned key_count;
    bool retired; /* may no longer speak, for good; its figures stay */
};

/* A key that stands in a service's own file: it speaks before the journal has told of anybody. */
struct fixed_key {
    uint8_t key[KEY_BYTES];
    uint32_t roles; /* bits of enum role */
};

/* One journalled change. SET registers a name or replaces role, scope and source (keys stay);
 * key changes name the key. */
enum producer_change_kind {
    PRODUCER_SET,
    PRODUCER_KEY_ADD,
    PRODUCER_KEY_REVOKE,
    PRODUCER_RETIRE,
};

struct producer_change {
    enum producer_change_kind kind;
    struct producer producer; /* name always; SET: everything but keys */
    uint8_t key[KEY_BYTES];   /* KEY_ADD, KEY_REVOKE */
};

#endif
