/* A figure's whole way through the real programs: over encrypted sockets into the journal, from
 * there into the ledger, and back as an answer. */
#include "tests/support/services.h"
#include "tests/support/suite.h"
#include "tests/unit/services/collector/small_world.h"

static struct arena arena;
static struct services services;

/* The district 303's officer, known to both services. */
static struct net_keypair officer;

static uint64_t apply_world(void)
{
    struct catalogue_spec catalogue;
    struct plan plan;
    struct duty duty = {.indicator = world_ident("classes"),
                        .from = world_day("2025-03-01"),
                        .to = world_day("2025-03-31"),
                        .due_days = 20};
    world_catalogue(&arena, &catalogue);
    world_plan(&arena, &plan);
    plan.duties = &duty;
    plan.duty_count = 1;
    services_apply_catalogue(&services, &catalogue);
    services_apply_plan(&services, &plan);
    return services_add_producer(&services, "officer-303", ROLE_SUBMIT | ROLE_SUBSCRIBE, "hkh",
                                 "303", &officer);
}

static void open_world_of(const char *map_size)
{
    arena_init(&arena, 1 << 20);
    /* Replayed, so that what is on time does not hang on the day the test runs. */
    services_open(&services, &(struct services_options){.replay = true, .map_size = map_size});
    services_apply(&services,
                   &(struct wire_apply){.kind = WIRE_APPLY_REPLAY_TICK,
                                        .time_ms = world_ms("2025-03-10T08:00:00+07:00")});
    services_await(&services, apply_world());
}

static void open_world(void)
{
    open_world_of(NULL);
}

static void close_world(void)
{
    services_close(&services);
    arena_fini(&arena);
}

static struct batch report(void)
{
    static const struct world_row rows[] = {
        {"11329", "classes", "2025-03-05", OP_SET, 7},
        {"11342", "classes", "2025-03-05", OP_SET, 5},
        {"11400", "classes", "2025-03-05", OP_SET, 900},
        {"11329", "classes", "2025-03-06", OP_SET, 4},
    };
    return world_batch(&arena, world_ms("2025-03-09T08:00:00+07:00"), rows, COUNT_OF(rows));
}

static struct wire_question classes_in(const char *unit)
{
    return (struct wire_question){.unit = world_ident(unit),
                                  .indicator = world_ident("classes"),
                                  .first = world_day("2025-03-01"),
                                  .last = world_day("2025-03-31")};
}

static struct wire_answer ask(const struct net_keypair *keys, const char *unit, uint64_t not_before)
{
    struct request *r = services_asker(&services, keys);
    struct wire_question q = classes_in(unit);
    struct wire_answer answer;
    struct err e = {0};
    int rc = services_ask(r, &q, not_before, &arena, &answer, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    request_close(r);
    return answer;
}

static uint64_t submit_report(struct buf *bytes)
{
    struct services_link link;
    struct batch batch = report();
    services_link_open(&link, &services, services.collector_ipc, &officer);
    struct wire_submit_answer answer = services_submit(&link, 1, &batch, &arena, bytes);
    services_link_close(&link);
    ck_assert_uint_eq(answer.refusal, REFUSAL_NONE);
    return answer.offset;
}

START_TEST(a_figure_comes_back_with_its_coverage)
{
    open_world();
    uint64_t offset = submit_report(NULL);
    struct wire_answer answer = ask(&officer, "303", offset);
    ck_assert_int_eq(answer.code, 0);
    ck_assert(answer.has_value);
    ck_assert_int_eq(answer.value, 16);
    ck_assert_uint_eq(answer.figures, 3);
    ck_assert_uint_eq(answer.owed, 62); /* two communes, 31 days */
    ck_assert_uint_eq(answer.reported, 3);
    ck_assert_uint_eq(answer.on_time, 3);
    ck_assert_str_eq(answer.source.text, "hkh");
    close_world();
}
END_TEST

START_TEST(a_row_outside_the_scope_is_refused_alone)
{
    struct services_link link;
    open_world();
    struct batch batch = report();
    services_link_open(&link, &services, services.collector_ipc, &officer);
    struct wire_submit_answer answer = services_submit(&link, 1, &batch, &arena, NULL);
    ck_assert_uint_eq(answer.accepted_rows, 3);
    ck_assert_uint_eq(answer.refused_count, 1);
    ck_assert_uint_eq(answer.refused_rows[0], 2);
    ck_assert_uint_eq(answer.refused_codes[0], REFUSAL_OUT_OF_SCOPE);
    services_link_close(&link);
    close_world();
}
END_TEST

START_TEST(a_question_outside_the_scope_is_denied)
{
    open_world();
    struct wire_answer answer = ask(&officer, "304", 0);
    ck_assert_int_eq(answer.code, ERR_DENIED);
    answer = ask(&services.operator_keys, "304", 0);
    ck_assert_int_eq(answer.code, 0);
    close_world();
}
END_TEST

START_TEST(the_same_batch_gets_the_same_bytes_again)
{
    struct services_link link;
    struct buf first = {0}, again = {0};
    open_world();
    struct batch batch = report();
    services_link_open(&link, &services, services.collector_ipc, &officer);
    services_submit(&link, 1, &batch, &arena, &first);
    services_submit(&link, 1, &batch, &arena, &again);
    ck_assert(slice_equal(buf_slice(&first), buf_slice(&again)));
    batch.values[0]++;
    struct wire_submit_answer answer = services_submit(&link, 1, &batch, &arena, NULL);
    ck_assert_uint_eq(answer.refusal, REFUSAL_NUMBER_REUSED);
    ck_assert_uint_eq(answer.expected_number, 2);
    services_link_close(&link);
    buf_fini(&first);
    buf_fini(&again);
    close_world();
}
END_TEST

static void check_refused(const char *endpoint, const struct net_keypair *server,
                          const struct net_keypair *self)
{
    struct net_socket *socket;
    ck_assert_int_eq(
        net_connect(services.net, NET_DEALER, endpoint, &server->public_key, self, &socket, NULL),
        0);
    int rc = net_wait_writable(socket, SERVICES_PATIENCE_MS);
    ck_assert_msg(rc == ERR_DENIED, "%s: %s", endpoint, err_name(rc));
    net_close(socket);
}

START_TEST(a_stranger_is_refused_at_every_door)
{
    struct net_keypair stranger;
    char tcp[SERVICES_ENDPOINT_BYTES];
    open_world();
    keypair_generate(&stranger);
    check_refused(services.collector_ipc, &services.collector_keys, &stranger);
    check_refused(services_tcp(&services.collector, tcp), &services.collector_keys, &stranger);
    check_refused(services.query_ipc, &services.aggregator_keys, &stranger);
    check_refused(services_tcp(&services.aggregator, tcp), &services.aggregator_keys, &stranger);
    check_refused(services.feed_ipc, &services.aggregator_keys, &stranger);
    close_world();
}
END_TEST

START_TEST(a_revoked_key_is_refused_at_its_next_message)
{
    struct services_link link;
    struct wire_question q = classes_in("303");
    struct wire_answer figure;
    struct err e = {0};
    open_world();
    struct request *asker = services_asker(&services, &officer);
    struct batch batch = report();
    services_link_open(&link, &services, services.collector_ipc, &officer);
    services_submit(&link, 1, &batch, &arena, NULL);
    ck_assert_int_eq(services_ask(asker, &q, 0, &arena, &figure, &e), 0);

    services_await(&services, services_revoke_key(&services, "officer-303", &officer));
    struct wire_submit_answer answer = services_submit(&link, 2, &batch, &arena, NULL);
    ck_assert_uint_eq(answer.refusal, REFUSAL_REVOKED);
    ck_assert_int_eq(services_ask(asker, &q, 0, &arena, &figure, &e), ERR_DENIED);
    check_refused(services.collector_ipc, &services.collector_keys, &officer);

    request_close(asker);
    services_link_close(&link);
    close_world();
}
END_TEST

static void check_verified(void)
{
    struct buf out = {0};
    int code = services_verify(&services, &out);
    ck_assert_msg(code == 0, "verify ended with %d: %s", code, (const char *)out.data);
    ck_assert_ptr_nonnull(strstr((const char *)out.data, "store and journal agree; head "));
    buf_fini(&out);
}

START_TEST(killed_and_started_again_both_keep_everything)
{
    struct buf first = {0}, again = {0};
    struct services_link link;
    open_world();
    struct batch batch = report();
    services_link_open(&link, &services, services.collector_ipc, &officer);
    struct wire_submit_answer answer = services_submit(&link, 1, &batch, &arena, &first);
    services_kill(&services);
    services_start(&services);
    services_submit(&link, 1, &batch, &arena, &again);
    ck_assert(slice_equal(buf_slice(&first), buf_slice(&again)));
    ck_assert_int_eq(ask(&officer, "303", answer.offset).value, 16);
    check_verified();
    services_link_close(&link);
    buf_fini(&first);
    buf_fini(&again);
    close_world();
}
END_TEST

static bool contains(const struct buf *text, const char *what)
{
    return strstr((const char *)text->data, what) != NULL;
}

START_TEST(the_journal_can_be_read_as_text)
{
    struct buf out = {0};
    open_world();
    submit_report(NULL);
    const char *const quarantine[] = {"--config", services.collector.config, "--quarantine", NULL};
    ck_assert_int_eq(process_run("tonghop-collector", quarantine, &out, NULL), 0);
    ck_assert_msg(contains(&out, " officer-303 ") && contains(&out, " 1 2 35 out_of_scope\n"), "%s",
                  (const char *)out.data);
    buf_fini(&out);
    const char *const dump[] = {"--config", services.collector.config, "--dump-store", NULL};
    ck_assert_int_eq(process_run("tonghop-collector", dump, &out, NULL), 0);
    ck_assert_msg(contains(&out, " batch producer=officer-303 "), "%s", (const char *)out.data);
    buf_fini(&out);
    close_world();
}
END_TEST

/* --- many at once */

enum { BURST = 4000 };

START_TEST(every_batch_of_a_burst_is_answered)
{
    static const struct world_row row = {"11329", "classes", "2025-03-05", OP_SET, 7};
    struct services_link link;
    struct buf payload = {0}, answer = {0};
    uint64_t number;
    open_world();
    struct batch batch = world_batch(&arena, world_ms("2025-03-09T08:00:00+07:00"), &row, 1);
    wire_pack_batch(&batch, &payload);
    services_link_open(&link, &services, services.collector_ipc, &officer);
    for (uint64_t i = 1; i <= BURST; i++)
        services_send(&link, i, buf_slice(&payload));
    for (uint64_t i = 1; i <= BURST; i++) {
        ck_assert_int_eq(services_receive(&link, &number, &answer), 0);
        ck_assert_uint_eq(number, i);
    }
    services_link_close(&link);
    buf_fini(&payload);
    buf_fini(&answer);
    close_world();
}
END_TEST

START_TEST(a_queue_below_a_round_is_refused_with_the_line)
{
    char path[TEMP_PATH_BYTES];
    struct buf err = {0};
    open_world();
    services.options.collector_more = "queue:\n  messages: 10\n";
    services_set_map_size(&services, NULL);
    const char *const check[] = {"--config", temp_dir_file(&services.dir, "collector.yaml", path),
                                 "--check-config", NULL};
    ck_assert_int_ne(process_run("tonghop-collector", check, NULL, &err), 0);
    ck_assert_msg(contains(&err, "queue.messages is 10 and round.messages 4096"), "%s",
                  (const char *)err.data);
    buf_fini(&err);
    close_world();
}
END_TEST

/* --- no more room */

/* Batches until one is not taken; its number. */
static uint64_t fill_journal(struct services_link *link, const struct batch *batch)
{
    for (uint64_t number = 1;; number++) {
        struct wire_submit_answer answer = services_submit(link, number, batch, &arena, NULL);
        if (answer.refusal == REFUSAL_UNAVAILABLE)
            return number;
        ck_assert_uint_eq(answer.refusal, REFUSAL_NONE);
        ck_assert_uint_lt(number, 100000);
    }
}

START_TEST(a_full_journal_refuses_and_goes_on_with_more_room)
{
    struct services_link link;
    open_world_of("1MiB");
    struct batch batch = report();
    services_link_open(&link, &services, services.collector_ipc, &officer);
    uint64_t number = fill_journal(&link, &batch);
    struct wire_health health = services_health(&services, false, &arena);
    ck_assert_str_eq(health.state, "store_full");
    ck_assert(!health.ready);
    ck_assert_uint_eq(services_submit(&link, number, &batch, &arena, NULL).refusal,
                      REFUSAL_UNAVAILABLE);
    ck_assert_int_eq(process_stop(&services.aggregator), 0);
    ck_assert_int_eq(process_stop(&services.collector), 0);
    services_set_map_size(&services, "64MiB");
    services_start(&services);
    struct wire_submit_answer answer = services_submit(&link, number, &batch, &arena, NULL);
    ck_assert_uint_eq(answer.refusal, REFUSAL_NONE);
    services_await(&services, answer.offset);
    check_verified();
    services_link_close(&link);
    close_world();
}
END_TEST

/* --- the feed */

/* The next message of which the topic begins with `prefix`. */
static void hear(struct net_socket *s, const char *prefix, struct net_message *m)
{
    for (;;) {
        ck_assert_int_eq(net_wait(s, SERVICES_PATIENCE_MS), 0);
        if (net_receive(s, m) != 0)
            continue;
        ck_assert_uint_eq(m->frame_count, 2);
        if (m->frames[0].len >= strlen(prefix) &&
            memcmp(m->frames[0].data, prefix, strlen(prefix)) == 0)
            return;
        net_message_clear(m);
    }
}

static struct net_socket *subscribe(const struct net_keypair *self, const char *topic)
{
    struct net_socket *s;
    ck_assert_int_eq(net_connect(services.net, NET_SUB, services.feed_ipc,
                                 &services.aggregator_keys.public_key, self, &s, NULL),
                     0);
    ck_assert_int_eq(net_subscribe(s, slice_str(topic)), 0);
    return s;
}

static uint64_t hear_heads(struct net_socket *s)
{
    struct net_message m;
    struct wire_heads heads;
    hear(s, "h/", &m);
    ck_assert_int_eq(wire_unpack_heads(m.frames[1], &arena, &heads, NULL), 0);
    net_message_clear(&m);
    return heads.epoch;
}

START_TEST(a_subscription_to_everything_is_narrowed_to_the_subtree)
{
    struct net_message m;
    struct wire_cells update;
    open_world();
    struct net_socket *whole = subscribe(&services.operator_keys, "");
    struct net_socket *narrow = subscribe(&officer, "");
    uint64_t epoch = hear_heads(whole);
    ck_assert_uint_eq(hear_heads(narrow), epoch);
    submit_report(NULL);
    hear(whole, "s/classes/@/", &m);
    net_message_clear(&m);
    hear(narrow, "s/", &m); /* the province's own cells would have come first */
    ck_assert_int_eq(wire_unpack_update(m.frames[1], &arena, &update, NULL), 0);
    net_message_clear(&m);
    ck_assert_str_eq(update.stream.subtree.text, "303");
    ck_assert_uint_eq(update.epoch, epoch);
    ck_assert_uint_eq(update.number, 1);
    ck_assert_uint_eq(update.cell_count, 5); /* two communes' cells and their district's */
    net_close(whole);
    net_close(narrow);
    close_world();
}
END_TEST

START_TEST(another_districts_stream_is_refused)
{
    open_world();
    struct net_socket *s = subscribe(&officer, "s/classes/304/");
    ck_assert_int_eq(net_subscribe(s, slice_str("h/")), 0);
    hear_heads(s); /* asked for later, so the first request was heard */
    process_await_log(&services.aggregator, "event=subscription_refused", 0);
    net_close(s);
    close_world();
}
END_TEST

static struct wire_cells take_snapshot(const struct net_keypair *keys, const char *subtree)
{
    struct wire_stream stream = {.indicator = world_ident("classes")};
    struct wire_cells snapshot;
    struct buf message = {0}, reply = {0};
    struct err e = {0};
    struct request *r = services_asker(&services, keys);
    strcpy(stream.subtree.text, subtree);
    wire_pack_snapshot_request(&stream, &message);
    int rc =
        request_ask(r, WIRE_SNAPSHOT, buf_slice(&message), SERVICES_PATIENCE_MS, NULL, &reply, &e);
    if (rc == 0)
        rc = wire_unpack_snapshot(buf_slice(&reply), &arena, &snapshot, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    request_close(r);
    buf_fini(&message);
    buf_fini(&reply);
    return snapshot;
}

START_TEST(a_snapshot_has_the_streams_cells_and_keeps_to_the_scope)
{
    open_world();
    services_await(&services, submit_report(NULL));
    ck_assert_uint_eq(take_snapshot(&officer, "303").cell_count, 5);
    ck_assert_uint_eq(take_snapshot(&services.operator_keys, "@").cell_count, 2);
    ck_assert_int_eq(take_snapshot(&officer, "304").code, ERR_DENIED);
    ck_assert_int_eq(take_snapshot(&officer, "@").code, ERR_DENIED);
    close_world();
}
END_TEST

SUITE_MAIN("pipeline", a_figure_comes_back_with_its_coverage,
           a_row_outside_the_scope_is_refused_alone, a_question_outside_the_scope_is_denied,
           the_same_batch_gets_the_same_bytes_again, a_stranger_is_refused_at_every_door,
           a_revoked_key_is_refused_at_its_next_message,
           killed_and_started_again_both_keep_everything, the_journal_can_be_read_as_text,
           every_batch_of_a_burst_is_answered, a_queue_below_a_round_is_refused_with_the_line,
           a_full_journal_refuses_and_goes_on_with_more_room,
           a_subscription_to_everything_is_narrowed_to_the_subtree,
           another_districts_stream_is_refused,
           a_snapshot_has_the_streams_cells_and_keeps_to_the_scope)
