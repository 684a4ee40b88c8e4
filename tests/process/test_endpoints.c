/* What a service does with requests before anybody looks into them: whose turn it is, and which
 * shape they may have. */
#include "common/base/alloc.h"
#include "tests/support/cluster.h"
#include "tests/support/suite.h"

#include <signal.h>
#include <stdio.h>

enum {
    FLOOD = 800, /* fits into the queues between */
    LARGE_ID = FLOOD + 1,
    LARGE = 4,     /* requests that take a service some tenths of a second together */
    UNITS = 20000, /* in each */
};

static void send_message(struct peer *p, enum wire_kind kind, uint64_t id, struct slice message,
                         unsigned frame_count)
{
    uint8_t bytes[WIRE_HEAD_BYTES];
    struct wire_head head = {.version = WIRE_VERSION, .kind = (uint8_t)kind, .id = id};
    wire_head_encode(&head, bytes);
    struct slice frames[3] = {slice_of(bytes, sizeof bytes), message};
    peer_send(p, frames, frame_count);
}

static void send_request(struct peer *p, enum wire_kind kind, uint64_t id, unsigned frame_count)
{
    send_message(p, kind, id, slice_of(NULL, 0), frame_count);
}

/* Catalogues that are only looked at. */
static void send_large_requests(struct peer *p)
{
    struct unit_span *spans = alloc_zeroed(UNITS, sizeof *spans);
    struct wire_apply a = {.kind = WIRE_APPLY_CATALOGUE,
                           .dry_run = true,
                           .catalogue = {.spans = spans, .span_count = UNITS}};
    struct buf message = {0};
    for (unsigned i = 0; i < UNITS; i++) {
        spans[i] = (struct unit_span){
            .to = DAY_NEVER, .name = "Xã", .type = "commune", .level = 3, .from = 19000};
        snprintf(spans[i].code.text, sizeof spans[i].code.text, "%u", i);
    }
    wire_pack_apply(&a, &message);
    for (unsigned i = 0; i < LARGE; i++)
        send_message(p, WIRE_APPLY, LARGE_ID + i, buf_slice(&message), 2);
    buf_fini(&message);
    free(spans);
}

static void link_up(struct peer *p)
{
    struct wire_health health;
    struct err e = {0};
    ck_assert_msg(peer_ask_health(p, &health, &e) == 0, "%s", e.text);
}

static unsigned health_asked(struct peer *p)
{
    static const char counter[] = "requests_total{reason=\"health\"} ";
    const char *text = NULL;
    struct err e = {0};
    ck_assert_msg(wire_unpack_counters(p->reply.frames[1], &p->arena, &text, &e) == 0, "%s",
                  e.text);
    const char *at = strstr(text, counter);
    ck_assert_ptr_nonnull(at);
    return (unsigned)strtoul(at + sizeof counter - 1, NULL, 10);
}

/* With one request a round: the flood stands before the single request in time, and its endpoint
 * before the other's in the file. Both stand in the service's queues by the time it has done with
 * the large requests before them. */
START_TEST(a_flooded_endpoint_leaves_the_others_their_turn)
{
    struct cluster c;
    struct peer flood, single;
    char tcp[TEMP_PATH_BYTES];
    cluster_open(&c, "turns");
    c.options.collector_more = "round: {messages: 1}\n";
    cluster_configure(&c);
    cluster_start(&c);
    cluster_peer_collector(&c, &flood, &c.operator_keys);
    peer_open(&single, c.net, cluster_tcp(&c.collector, tcp), &c.collector_keys.public_key,
              &c.operator_keys);
    link_up(&flood);
    link_up(&single);
    send_large_requests(&flood);
    for (unsigned i = 0; i < FLOOD; i++)
        send_request(&flood, WIRE_HEALTH, i, 2);
    peer_receive(&flood, LARGE_ID);
    ck_assert_int_eq(kill(c.collector.pid, SIGSTOP), 0);
    send_request(&single, WIRE_COUNTERS, FLOOD, 2);
    ck_assert_int_eq(kill(c.collector.pid, SIGCONT), 0);
    peer_receive(&single, FLOOD);
    unsigned before = health_asked(&single);
    ck_assert_msg(before < FLOOD, "%u requests of the flood went before the single one", before);
    peer_receive(&flood, FLOOD - 1); /* and none of the flood is lost */
    peer_close(&flood);
    peer_close(&single);
    cluster_close(&c);
}
END_TEST

START_TEST(a_frame_that_a_service_has_no_use_for_is_refused)
{
    struct cluster c;
    struct peer collector, aggregator;
    struct err said, e = {0};
    cluster_open(&c, "frames");
    cluster_start(&c);
    cluster_peer_collector(&c, &collector, &c.operator_keys);
    cluster_peer_aggregator(&c, &aggregator, &c.operator_keys);
    send_request(&collector, WIRE_HEALTH, 1, 3); /* with an officer, who may be anybody */
    peer_receive(&collector, 1);
    ck_assert_uint_eq(collector.head.kind, WIRE_HEALTH | WIRE_ANSWER);
    send_request(&aggregator, WIRE_HEALTH, 1, 3);
    peer_receive(&aggregator, 1);
    ck_assert_uint_eq(aggregator.head.kind, WIRE_FAILURE | WIRE_ANSWER);
    ck_assert_int_eq(wire_unpack_failure(aggregator.reply.frames[1], &said, &e), 0);
    ck_assert_str_eq(said.text, "a request has two frames, a head and a message");
    peer_close(&collector);
    peer_close(&aggregator);
    cluster_close(&c);
}
END_TEST

/* What may be done is answered without a byte: no offset, no error. The first answer of all. */
START_TEST(an_answer_of_no_bytes_is_sent_like_any_other)
{
    struct cluster c;
    struct peer p;
    struct err e = {0};
    struct wire_apply a = {.kind = WIRE_APPLY_PRODUCER, .dry_run = true};
    a.producer.producer = cluster_producer("office", ROLE_SUBSCRIBE, NULL);
    uint64_t offset = 1;
    cluster_open(&c, "empty");
    cluster_start(&c);
    cluster_peer_collector(&c, &p, &c.operator_keys);
    int rc = peer_apply(&p, &a, &offset, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    ck_assert_uint_eq(p.reply.frames[1].len, 0);
    ck_assert_uint_eq(offset, 0);
    peer_close(&p);
    cluster_close(&c);
}
END_TEST

SUITE_MAIN("endpoints", a_flooded_endpoint_leaves_the_others_their_turn,
           a_frame_that_a_service_has_no_use_for_is_refused,
           an_answer_of_no_bytes_is_sent_like_any_other)
