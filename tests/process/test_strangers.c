/* Who may do what, against the running services: keys that nobody knows, keys outside their scope,
 * keys that were revoked or rotated, roles that do not fit the request. What must not happen is
 * looked for where it would show: in the journal's offset and in what a subscriber hears. */
#include "tests/support/province.h"
#include "tests/support/suite.h"

#include "common/net/loop.h"

#include <stdio.h>

/* --- a cluster with a province in it */

static void open_province(struct cluster *c)
{
    cluster_open(c, "strangers");
    cluster_start(c);
    province_apply(c);
}

static uint64_t journal_head(struct cluster *c)
{
    struct peer p;
    struct wire_health health;
    struct err e = {0};
    cluster_peer_collector(c, &p, &c->operator_keys);
    int rc = peer_ask_health(&p, &health, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    uint64_t offset = health.offset;
    peer_close(&p);
    return offset;
}

/* One figure; the refusal of the batch, or of its row, or 0. */
static unsigned submit(struct peer *p, const char *unit, const char *officer, int64_t value,
                       uint64_t *offset)
{
    struct arena arena;
    struct wire_submit_answer answer = {0};
    struct err e = {0};
    arena_init(&arena, 0);
    struct batch b = province_batch(&arena, unit, "classes", PROVINCE_DAY, OP_SET, value);
    int rc = peer_submit(p, &b, officer, &answer, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    if (offset)
        *offset = answer.offset;
    unsigned refusal = answer.refusal;
    if (answer.refused_count > 0)
        refusal = answer.refused_codes[0];
    arena_fini(&arena);
    return refusal;
}

static void expect_submit(struct peer *p, const char *unit, const char *officer,
                          enum refusal wanted)
{
    unsigned got = submit(p, unit, officer, 1, NULL);
    ck_assert_msg(got == wanted, "%s: %s, not %s", unit, refusal_name((enum refusal)got),
                  refusal_name(wanted));
}

static void expect_failure(int rc, const struct err *e, int wanted, const char *said)
{
    ck_assert_msg(rc == wanted && strcmp(e->text, said) == 0, "%d \"%s\", not %d \"%s\"", rc,
                  e->text, wanted, said);
}

static const char denied[] = "this key may not ask that: ask provincial IT for the role";

/* --- keys */

START_TEST(a_stranger_gets_no_link)
{
    struct cluster c;
    struct net_keypair stranger;
    struct peer p;
    char tcp[TEMP_PATH_BYTES];
    open_province(&c);
    keypair_generate(&stranger);
    const struct {
        const char *endpoint;
        const struct net_keypair *server;
    } doors[] = {{c.collector_ipc, &c.collector_keys},
                 {c.query_ipc, &c.aggregator_keys},
                 {c.feed_ipc, &c.aggregator_keys}};
    for (size_t i = 0; i < sizeof doors / sizeof *doors; i++) {
        peer_open(&p, c.net, doors[i].endpoint, &doors[i].server->public_key, &stranger);
        peer_await_refusal(&p);
        peer_close(&p);
    }
    peer_open(&p, c.net, cluster_tcp(&c.collector, tcp), &c.collector_keys.public_key, &stranger);
    peer_await_refusal(&p);
    peer_close(&p);
    peer_open(&p, c.net, cluster_tcp(&c.aggregator, tcp), &c.aggregator_keys.public_key, &stranger);
    peer_await_refusal(&p);
    peer_close(&p);
    ck_assert_uint_ge(cluster_collector_count(&c, "keys_refused_total"), 2);
    ck_assert_uint_ge(cluster_aggregator_count(&c, "keys_refused_total"), 2);
    ck_assert_uint_eq(process_log_count(&c.collector, "event=key_refused"), 1);
    cluster_close(&c);
}
END_TEST

START_TEST(a_known_key_is_let_in_over_tcp_as_over_ipc)
{
    struct cluster c;
    struct net_keypair keys;
    struct peer p;
    char tcp[TEMP_PATH_BYTES];
    open_province(&c);
    cluster_add_producer(&c, "303.office", ROLE_SUBMIT, "303", &keys);
    peer_open(&p, c.net, cluster_tcp(&c.collector, tcp), &c.collector_keys.public_key, &keys);
    expect_submit(&p, "11001", NULL, REFUSAL_NONE);
    expect_submit(&p, "11101", NULL, REFUSAL_OUT_OF_SCOPE);
    peer_close(&p);
    cluster_close(&c);
}
END_TEST

/* Its number is used up, the row is refused, and nothing is counted. */
START_TEST(a_key_outside_its_scope_has_its_rows_refused)
{
    struct cluster c;
    struct net_keypair keys;
    struct peer p;
    uint64_t offset;
    open_province(&c);
    cluster_add_producer(&c, "303.office", ROLE_SUBMIT, "303", &keys);
    cluster_peer_collector(&c, &p, &keys);
    ck_assert_uint_eq(submit(&p, "11101", NULL, 7, &offset), REFUSAL_OUT_OF_SCOPE);
    ck_assert_uint_gt(offset, 0);
    ck_assert_uint_eq(submit(&p, "11001", NULL, 5, &offset), REFUSAL_NONE);
    ck_assert_int_eq(province_sum(&c, "304", "classes", offset), 0);
    ck_assert_int_eq(province_sum(&c, "31", "classes", offset), 5);
    ck_assert_uint_eq(cluster_collector_count(&c, "rows_refused_total{reason=\"out_of_scope\"}"),
                      1);
    peer_close(&p);
    cluster_close(&c);
}
END_TEST

START_TEST(a_revoked_key_is_refused_at_its_next_message)
{
    struct cluster c;
    struct net_keypair keys;
    struct peer p, again;
    struct slice reply;
    struct err e = {0};
    open_province(&c);
    cluster_add_producer(&c, "303.office", ROLE_SUBMIT | ROLE_SUBSCRIBE, "303", &keys);
    cluster_peer_collector(&c, &p, &keys);
    expect_submit(&p, "11001", NULL, REFUSAL_NONE);
    uint64_t head = cluster_change_key(&c, PRODUCER_KEY_REVOKE, "303.office", &keys.public_key);
    expect_submit(&p, "11001", NULL, REFUSAL_REVOKED); /* the link still stands */
    int rc = peer_ask(&p, WIRE_HEALTH, slice_of(NULL, 0), &reply, &e);
    expect_failure(rc, &e, ERR_DENIED, "this key was revoked: ask provincial IT for a new one");
    ck_assert_uint_eq(journal_head(&c), head);
    cluster_peer_collector(&c, &again, &keys);
    peer_await_refusal(&again);
    peer_close(&again);
    peer_close(&p);
    cluster_close(&c);
}
END_TEST

START_TEST(a_rotated_key_works_beside_the_old_one_until_that_is_revoked)
{
    struct cluster c;
    struct net_keypair old, new;
    struct peer before, after;
    open_province(&c);
    cluster_add_producer(&c, "303.office", ROLE_SUBMIT, "303", &old);
    keypair_generate(&new);
    cluster_change_key(&c, PRODUCER_KEY_ADD, "303.office", &new.public_key);
    cluster_peer_collector(&c, &before, &old);
    cluster_peer_collector(&c, &after, &new);
    expect_submit(&before, "11001", NULL, REFUSAL_NONE);
    after.spool = before.spool; /* the numbers are the producer's, not the key's */
    after.next_number = before.next_number;
    expect_submit(&after, "11001", NULL, REFUSAL_NONE);
    cluster_change_key(&c, PRODUCER_KEY_REVOKE, "303.office", &old.public_key);
    expect_submit(&after, "11001", NULL, REFUSAL_NONE);
    before.next_number = after.next_number;
    expect_submit(&before, "11001", NULL, REFUSAL_REVOKED);
    peer_close(&before);
    peer_close(&after);
    cluster_close(&c);
}
END_TEST

START_TEST(a_retired_producer_may_no_longer_speak)
{
    struct cluster c;
    struct net_keypair keys;
    struct peer p, again;
    open_province(&c);
    cluster_add_producer(&c, "303.office", ROLE_SUBMIT, "303", &keys);
    cluster_peer_collector(&c, &p, &keys);
    expect_submit(&p, "11001", NULL, REFUSAL_NONE);
    cluster_change_key(&c, PRODUCER_RETIRE, "303.office", &keys.public_key);
    expect_submit(&p, "11001", NULL, REFUSAL_NOT_ALLOWED);
    cluster_peer_collector(&c, &again, &keys);
    peer_await_refusal(&again);
    peer_close(&again);
    peer_close(&p);
    cluster_close(&c);
}
END_TEST

/* --- delegates */

START_TEST(a_delegate_speaks_for_registered_officers_in_their_scope)
{
    struct cluster c;
    struct net_keypair gateway, officer;
    struct peer p;
    open_province(&c);
    cluster_add_producer(&c, "gateway", ROLE_DELEGATE, NULL, &gateway);
    cluster_add_producer(&c, "11001.officer", ROLE_SUBMIT, "11001", &officer);
    cluster_peer_collector(&c, &p, &gateway);
    uint64_t head = journal_head(&c);
    expect_submit(&p, "11001", "11002.officer", REFUSAL_UNKNOWN_OFFICER);
    expect_submit(&p, "11001", "\xff\xfe no name", REFUSAL_UNKNOWN_OFFICER);
    expect_submit(&p, "11001", "gateway", REFUSAL_NOT_ALLOWED);
    expect_submit(&p, "11001", NULL, REFUSAL_UNKNOWN_OFFICER);
    ck_assert_uint_eq(journal_head(&c), head);
    expect_submit(&p, "11001", "11001.officer", REFUSAL_NONE);
    expect_submit(&p, "11002", "11001.officer", REFUSAL_OUT_OF_SCOPE);
    peer_close(&p);
    cluster_close(&c);
}
END_TEST

START_TEST(nobody_but_a_delegate_may_name_an_officer)
{
    struct cluster c;
    struct net_keypair one, other;
    struct peer p;
    open_province(&c);
    cluster_add_producer(&c, "11001.officer", ROLE_SUBMIT, "11001", &one);
    cluster_add_producer(&c, "11002.officer", ROLE_SUBMIT, "11002", &other);
    cluster_peer_collector(&c, &p, &one);
    uint64_t head = journal_head(&c);
    expect_submit(&p, "11002", "11002.officer", REFUSAL_NOT_ALLOWED);
    expect_submit(&p, "11001", "11001.officer", REFUSAL_NOT_ALLOWED);
    ck_assert_uint_eq(journal_head(&c), head);
    expect_submit(&p, "11001", NULL, REFUSAL_NONE);
    peer_close(&p);
    cluster_close(&c);
}
END_TEST

/* --- roles */

/* The operator may not submit either: it has no scope and no source. */
START_TEST(each_request_needs_its_role)
{
    static const struct {
        enum wire_kind kind;
        uint32_t roles; /* that may ask it of the collector */
    } rows[] = {
        {WIRE_FETCH, ROLE_SERVICE},
        {WIRE_APPLY, ROLE_OPERATE},
        {WIRE_COUNTERS, ROLE_OPERATE},
        {WIRE_SPOOL_STATE, ROLE_SUBMIT | ROLE_DELEGATE},
    };
    static const uint32_t roles[] = {ROLE_SUBMIT, ROLE_SUBSCRIBE, ROLE_OPERATE, ROLE_SERVICE,
                                     ROLE_DELEGATE};
    static const char *const names[] = {"submits", "subscribes", "operates", "serves", "delegates"};
    struct cluster c;
    struct net_keypair keys[5];
    open_province(&c);
    for (unsigned r = 0; r < 5; r++)
        cluster_add_producer(&c, names[r], roles[r],
                             roles[r] & (ROLE_SUBMIT | ROLE_SUBSCRIBE) ? "31" : NULL, &keys[r]);
    uint64_t head = journal_head(&c), refused = 0;
    for (unsigned r = 0; r < 5; r++) {
        struct peer p;
        cluster_peer_collector(&c, &p, &keys[r]);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            struct err e = {0};
            struct slice reply;
            int rc = peer_ask(&p, rows[i].kind, slice_of(NULL, 0), &reply, &e);
            bool may = (rows[i].roles & roles[r]) != 0;
            ck_assert_msg((rc == ERR_DENIED) == !may, "who %s, kind %d: %d %s", names[r],
                          (int)rows[i].kind, rc, e.text);
            if (!may)
                expect_failure(rc, &e, ERR_DENIED, denied);
            refused += !may;
        }
        if (roles[r] != ROLE_SUBMIT)
            expect_submit(&p, "11001", NULL,
                          roles[r] == ROLE_DELEGATE ? REFUSAL_UNKNOWN_OFFICER
                                                    : REFUSAL_NOT_ALLOWED);
        peer_close(&p);
    }
    ck_assert_uint_eq(cluster_collector_count(&c, "requests_refused_total{reason=\"denied\"}"),
                      refused);
    ck_assert_uint_eq(journal_head(&c), head);
    cluster_close(&c);
}
END_TEST

START_TEST(a_query_of_another_subtree_is_denied)
{
    struct cluster c;
    struct net_keypair keys;
    struct peer p;
    struct wire_answer answer;
    struct err e = {0};
    open_province(&c);
    uint64_t offset = cluster_add_producer(&c, "303.board", ROLE_SUBSCRIBE, "303", &keys);
    province_sum(&c, "31", "classes", offset); /* the aggregator knows the key now */
    cluster_peer_aggregator(&c, &p, &keys);
    ck_assert_int_eq(province_ask(&p, "303", "classes", offset, &answer, &e), 0);
    ck_assert_int_eq(province_ask(&p, "11004", "classes", offset, &answer, &e), 0);
    expect_failure(province_ask(&p, "304", "classes", offset, &answer, &e), &e, ERR_DENIED,
                   "unit 304 is outside the subtree that this key may see");
    expect_failure(province_ask(&p, "31", "classes", offset, &answer, &e), &e, ERR_DENIED,
                   "unit 31 is outside the subtree that this key may see");
    ck_assert_uint_eq(cluster_aggregator_count(&c, "questions_denied_total"), 2);
    peer_close(&p);
    cluster_close(&c);
}
END_TEST

START_TEST(who_only_submits_gets_no_link_to_the_aggregator)
{
    struct cluster c;
    struct net_keypair keys;
    struct peer p;
    open_province(&c);
    uint64_t offset = cluster_add_producer(&c, "303.office", ROLE_SUBMIT, "303", &keys);
    province_sum(&c, "31", "classes", offset);
    cluster_peer_aggregator(&c, &p, &keys);
    peer_await_refusal(&p);
    peer_close(&p);
    cluster_close(&c);
}
END_TEST

/* --- subscriptions */

struct listener {
    struct net_socket *socket;
    unsigned heads;
    unsigned own;    /* updates of 303 */
    unsigned other;  /* of anything else */
    uint64_t offset; /* of the last update or heads */
};

static void listen_to(struct cluster *c, struct listener *l, const struct net_keypair *keys,
                      const char *const *topics)
{
    struct err e = {0};
    *l = (struct listener){0};
    int rc = net_connect(c->net, NET_SUB, c->feed_ipc, &c->aggregator_keys.public_key, keys,
                         &l->socket, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    for (; *topics; topics++)
        ck_assert_int_eq(net_subscribe(l->socket, slice_str(*topics)), 0);
}

static void hear(struct listener *l, const struct net_message *m)
{
    struct arena arena;
    struct wire_cells update;
    struct wire_heads heads;
    struct err e = {0};
    arena_init(&arena, 0);
    ck_assert_uint_eq(m->frame_count, 2);
    if (slice_equal(m->frames[0], slice_str("h/"))) {
        int rc = wire_unpack_heads(m->frames[1], &arena, &heads, &e);
        ck_assert_msg(rc == 0, "%s", e.text);
        l->heads++;
        l->offset = heads.offset;
    } else {
        int rc = wire_unpack_update(m->frames[1], &arena, &update, &e);
        ck_assert_msg(rc == 0, "%s", e.text);
        bool own = strcmp(update.stream.subtree.text, "303") == 0;
        *(own ? &l->own : &l->other) += 1;
    }
    arena_fini(&arena);
}

/* Heads are told after the updates of their beat, over the same link. */
static void hear_until(struct listener *l, uint64_t offset)
{
    int64_t deadline_ms = loop_now_ms() + PEER_PATIENCE_MS;
    unsigned heads = l->heads;
    while (l->offset < offset || l->heads < heads + 2) {
        struct net_message m;
        int rc = net_wait(l->socket, (int)(deadline_ms - loop_now_ms()));
        ck_assert_msg(rc == 0, "nothing of entry %llu is heard: %s", (unsigned long long)offset,
                      err_name(rc));
        if (net_receive(l->socket, &m) != 0)
            continue;
        hear(l, &m);
        net_message_clear(&m);
    }
}

/* A figure in each district, from one spool: the later one counts. */
static uint64_t submit_both(struct cluster *c, struct peer *office, int64_t value)
{
    uint64_t offset;
    ck_assert_uint_eq(submit(office, "11001", NULL, value, NULL), REFUSAL_NONE);
    ck_assert_uint_eq(submit(office, "11101", NULL, value, &offset), REFUSAL_NONE);
    province_sum(c, "31", "classes", offset);
    return offset;
}

static const struct {
    const char *reason;
    const char *topics[3];
    bool own; /* what comes: 303's updates, or none */
    const char *counter;
} subscriptions[] = {
    {"everything is narrowed to the own subtree", {""}, true, "narrowed"},
    {"so are all streams", {"s/", "h/"}, true, "narrowed"},
    {"and all of an indicator", {"s/classes/", "h/"}, true, "narrowed"},
    {"the own subtree is given", {"s/classes/303/", "h/"}, true, "allowed"},
    {"another's is refused", {"s/classes/304/", "h/"}, false, "refused"},
    {"the root's is refused", {"s/classes/@31/", "h/"}, false, "refused"},
    {"a topic that is none is refused", {"s/classes/3", "h/"}, false, "refused"},
};

START_TEST(a_subscriber_hears_its_own_subtree_alone)
{
    struct cluster c;
    struct net_keypair keys, board;
    struct peer office;
    open_province(&c);
    cluster_add_producer(&c, "office", ROLE_SUBMIT, "31", &keys);
    cluster_peer_collector(&c, &office, &keys);
    uint64_t offset = cluster_add_producer(&c, "303.board", ROLE_SUBSCRIBE, "303", &board);
    province_sum(&c, "31", "classes", offset);
    for (size_t i = 0; i < sizeof subscriptions / sizeof *subscriptions; i++) {
        struct listener l;
        char counter[64];
        snprintf(counter, sizeof counter, "subscriptions_total{reason=\"%s\"}",
                 subscriptions[i].counter);
        uint64_t before = cluster_aggregator_count(&c, counter);
        listen_to(&c, &l, &board, subscriptions[i].topics);
        hear_until(&l, offset);
        ck_assert_msg(cluster_aggregator_count(&c, counter) > before, "%s: %s",
                      subscriptions[i].reason, counter);
        l.own = l.other = 0;
        hear_until(&l, submit_both(&c, &office, (int64_t)i + 1));
        ck_assert_msg(l.other == 0 && (l.own > 0) == subscriptions[i].own,
                      "%s: %u updates of the own subtree, %u of others", subscriptions[i].reason,
                      l.own, l.other);
        net_close(l.socket);
    }
    ck_assert_uint_eq(process_log_count(&c.aggregator, "event=subscription_refused"), 1);
    peer_close(&office);
    cluster_close(&c);
}
END_TEST

START_TEST(a_revoked_key_hears_no_more)
{
    static const char *const topics[] = {"s/", "h/", NULL};
    struct cluster c;
    struct net_keypair keys, board, watcher;
    struct listener l, control;
    struct peer office;
    open_province(&c);
    cluster_add_producer(&c, "office", ROLE_SUBMIT, "31", &keys);
    cluster_peer_collector(&c, &office, &keys);
    cluster_add_producer(&c, "303.board", ROLE_SUBSCRIBE, "303", &board);
    keypair_generate(&watcher); /* the same producer's other key */
    uint64_t offset = cluster_change_key(&c, PRODUCER_KEY_ADD, "303.board", &watcher.public_key);
    province_sum(&c, "31", "classes", offset);
    listen_to(&c, &l, &board, topics);
    listen_to(&c, &control, &watcher, topics);
    hear_until(&l, offset);
    hear_until(&control, offset);
    offset = cluster_change_key(&c, PRODUCER_KEY_REVOKE, "303.board", &board.public_key);
    province_sum(&c, "31", "classes", offset);
    offset = submit_both(&c, &office, 1);
    hear_until(&control, offset);
    ck_assert_uint_gt(control.own, 0);
    for (struct net_message m; net_receive(l.socket, &m) == 0; net_message_clear(&m))
        hear(&l, &m);
    ck_assert_msg(l.own == 0 && l.offset < offset,
                  "%u updates, heads up to %llu, after the revocation", l.own,
                  (unsigned long long)l.offset);
    ck_assert_uint_eq(cluster_aggregator_count(&c, "subscriptions_revoked_total"), 1);
    net_close(l.socket);
    net_close(control.socket);
    peer_close(&office);
    cluster_close(&c);
}
END_TEST

SUITE_MAIN("process/strangers", a_stranger_gets_no_link, a_known_key_is_let_in_over_tcp_as_over_ipc,
           a_key_outside_its_scope_has_its_rows_refused,
           a_revoked_key_is_refused_at_its_next_message,
           a_rotated_key_works_beside_the_old_one_until_that_is_revoked,
           a_retired_producer_may_no_longer_speak,
           a_delegate_speaks_for_registered_officers_in_their_scope,
           nobody_but_a_delegate_may_name_an_officer, each_request_needs_its_role,
           a_query_of_another_subtree_is_denied, who_only_submits_gets_no_link_to_the_aggregator,
           a_subscriber_hears_its_own_subtree_alone, a_revoked_key_hears_no_more)
