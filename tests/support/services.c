#include "tests/support/services.h"

#include "common/client/spool.h"
#include "common/net/loop.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

/* --- files */

static void write_keys(struct services *c, const char *name, struct net_keypair *keys)
{
    char path[TEMP_PATH_BYTES];
    struct err e = {0};
    keypair_generate(keys);
    ck_assert_msg(keypair_save(temp_dir_file(&c->dir, name, path), keys, &e) == 0, "%s", e.text);
}

static const char *z85(const struct net_keypair *keys, char out[NET_KEY_TEXT_BYTES])
{
    key_format_z85(&keys->public_key, out);
    return out;
}

static void write_collector(struct services *c, const struct services_options *o)
{
    char service[NET_KEY_TEXT_BYTES], operator[NET_KEY_TEXT_BYTES];
    struct buf text = {0};
    buf_printf(&text,
               "listen:\n  - %s\n  - tcp://127.0.0.1:0\n"
               "key_file: %s/collector.key\n"
               "service_keys:\n  - name: aggregator\n    key: \"%s\"\n"
               "operate_keys:\n  - name: operator\n    key: \"%s\"\n"
               "store:\n  directory: %s/collector\n  map_size: %s\n"
               "journal:\n  replay: %s\n%s",
               c->collector_ipc, c->dir.path, z85(&c->aggregator_keys, service),
               z85(&c->operator_keys, operator), c->dir.path, o->map_size ? o->map_size : "1GiB",
               o->replay ? "true" : "false", o->collector_more ? o->collector_more : "");
    temp_dir_write(&c->dir, "collector.yaml", (const char *)text.data);
    buf_fini(&text);
}

static void write_aggregator(struct services *c, const struct services_options *o)
{
    char collector[NET_KEY_TEXT_BYTES], operator[NET_KEY_TEXT_BYTES];
    struct buf text = {0};
    buf_printf(&text,
               "listen:\n  - %s\n  - tcp://127.0.0.1:0\n"
               "key_file: %s/aggregator.key\n"
               "operate_keys:\n  - name: operator\n    key: \"%s\"\n"
               "collector:\n  endpoint: %s\n  key: \"%s\"\n"
               "store:\n  directory: %s/aggregator\n  map_size: %s\n"
               "feed:\n  listen:\n    - %s\n  beat: 10ms\n%s",
               c->query_ipc, c->dir.path, z85(&c->operator_keys, operator), c->collector_ipc,
               z85(&c->collector_keys, collector), c->dir.path, o->map_size ? o->map_size : "1GiB",
               c->feed_ipc, o->aggregator_more ? o->aggregator_more : "");
    temp_dir_write(&c->dir, "aggregator.yaml", (const char *)text.data);
    buf_fini(&text);
}

static void name_process(struct services *c, struct process *p, const char *program,
                         const char *name)
{
    char file[64];
    *p = (struct process){.program = program, .ready_fd = -1};
    snprintf(file, sizeof file, "%s.yaml", name);
    temp_dir_file(&c->dir, file, p->config);
    snprintf(file, sizeof file, "%s.log", name);
    temp_dir_file(&c->dir, file, p->log);
}

/* --- processes */

void services_start(struct services *c)
{
    bool collector = c->collector.pid == 0, aggregator = c->aggregator.pid == 0;
    if (collector)
        process_start(&c->collector);
    if (aggregator)
        process_start(&c->aggregator);
    if (collector)
        process_await_ready(&c->collector);
    if (aggregator)
        process_await_ready(&c->aggregator);
}

void services_kill(struct services *c)
{
    process_kill(&c->aggregator);
    process_kill(&c->collector);
}

void services_open(struct services *c, const struct services_options *options)
{
    const struct services_options none = {0};
    const struct services_options *o = options ? options : &none;
    struct net_options net = {.message_bytes_max = 2 * WIRE_MESSAGE_BYTES_MAX, .retry_ms = 50};
    struct err e = {0};
    memset(c, 0, sizeof *c);
    c->options = *o;
    temp_dir_open(&c->dir, "th");
    snprintf(c->collector_ipc, sizeof c->collector_ipc, "ipc://%s/c.sock", c->dir.path);
    snprintf(c->query_ipc, sizeof c->query_ipc, "ipc://%s/q.sock", c->dir.path);
    snprintf(c->feed_ipc, sizeof c->feed_ipc, "ipc://%s/f.sock", c->dir.path);
    write_keys(c, "collector.key", &c->collector_keys);
    write_keys(c, "aggregator.key", &c->aggregator_keys);
    write_keys(c, "operator.key", &c->operator_keys);
    write_collector(c, o);
    write_aggregator(c, o);
    name_process(c, &c->collector, "tonghop-collector", "collector");
    name_process(c, &c->aggregator, "tonghop-aggregator", "aggregator");
    services_start(c);
    ck_assert_msg(net_create(&c->net, &net, &e) == 0, "%s", e.text);
}

void services_set_map_size(struct services *c, const char *map_size)
{
    c->options.map_size = map_size;
    write_collector(c, &c->options);
    write_aggregator(c, &c->options);
}

void services_close(struct services *c)
{
    request_close(c->collector_operator);
    request_close(c->aggregator_operator);
    net_destroy(c->net);
    ck_assert_int_eq(process_stop(&c->aggregator), 0);
    ck_assert_int_eq(process_stop(&c->collector), 0);
    temp_dir_close(&c->dir);
}

/* The tcp endpoint is the last one that requests come by. */
const char *services_tcp(const struct process *p, char out[SERVICES_ENDPOINT_BYTES])
{
    bool aggregator = strcmp(p->program, "tonghop-aggregator") == 0;
    process_log_value(p, aggregator ? "for=questions" : "event=listening", "endpoint", out,
                      SERVICES_ENDPOINT_BYTES);
    ck_assert_msg(strncmp(out, "tcp:", 4) == 0, "%s listens on %s", p->program, out);
    return out;
}

/* --- the operator */

static struct request *link_to(struct services *c, const char *endpoint,
                               const struct net_keypair *server, const struct net_keypair *self)
{
    struct request_peer peer = {endpoint, server->public_key, *self};
    struct request *r;
    struct err e = {0};
    ck_assert_msg(request_open(&r, c->net, &peer, &e) == 0, "%s", e.text);
    return r;
}

static struct request *collector_operator(struct services *c)
{
    if (!c->collector_operator)
        c->collector_operator = link_to(c, c->collector_ipc, &c->collector_keys, &c->operator_keys);
    return c->collector_operator;
}

static struct request *aggregator_operator(struct services *c)
{
    if (!c->aggregator_operator)
        c->aggregator_operator = services_asker(c, &c->operator_keys);
    return c->aggregator_operator;
}

static int apply(struct services *c, const struct wire_apply *what, uint64_t *offset, struct err *e)
{
    struct buf message = {0}, reply = {0};
    struct wire_apply_answer answer;
    struct arena arena;
    arena_init(&arena, 0);
    wire_pack_apply(what, &message);
    int rc = request_ask(collector_operator(c), WIRE_APPLY, buf_slice(&message),
                         SERVICES_PATIENCE_MS, NULL, &reply, e);
    if (rc == 0)
        rc = wire_unpack_apply_answer(buf_slice(&reply), &arena, &answer, e);
    if (rc == 0 && answer.code != 0)
        rc = err_set(e, answer.code, "%s", answer.message);
    *offset = rc == 0 ? answer.offset : 0;
    arena_fini(&arena);
    buf_fini(&message);
    buf_fini(&reply);
    return rc;
}

uint64_t services_apply(struct services *c, const struct wire_apply *what)
{
    struct err e = {0};
    uint64_t offset;
    ck_assert_msg(apply(c, what, &offset, &e) == 0, "%s", e.text);
    return offset;
}

int services_try_apply(struct services *c, const struct wire_apply *what, struct err *e)
{
    uint64_t offset;
    return apply(c, what, &offset, e);
}

uint64_t services_apply_catalogue(struct services *c, const struct catalogue_spec *spec)
{
    return services_apply(c,
                          &(struct wire_apply){.kind = WIRE_APPLY_CATALOGUE, .catalogue = *spec});
}

uint64_t services_apply_plan(struct services *c, const struct plan *plan)
{
    return services_apply(c, &(struct wire_apply){.kind = WIRE_APPLY_PLAN, .plan = *plan});
}

static void set_scopes(struct producer *p, const char *scopes)
{
    for (const char *at = scopes; *at; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        ck_assert(ident_set(&p->scopes[p->scope_count++], slice_of(at, len)));
        at += len;
    }
}

static uint64_t change_key(struct services *c, enum producer_change_kind kind, const char *name,
                           const struct net_keypair *keys)
{
    struct wire_apply a = {.kind = WIRE_APPLY_PRODUCER};
    a.producer.kind = kind;
    ck_assert(ident_set(&a.producer.producer.name, slice_str(name)));
    memcpy(a.producer.key, keys->public_key.bytes, KEY_BYTES);
    return services_apply(c, &a);
}

uint64_t services_add_producer(struct services *c, const char *name, uint32_t roles,
                               const char *source, const char *scopes, struct net_keypair *keys)
{
    struct wire_apply a = {.kind = WIRE_APPLY_PRODUCER};
    a.producer.kind = PRODUCER_SET;
    a.producer.producer.roles = roles;
    ck_assert(ident_set(&a.producer.producer.name, slice_str(name)));
    if (source)
        ck_assert(ident_set(&a.producer.producer.source, slice_str(source)));
    set_scopes(&a.producer.producer, scopes);
    services_apply(c, &a);
    keypair_generate(keys);
    return change_key(c, PRODUCER_KEY_ADD, name, keys);
}

uint64_t services_revoke_key(struct services *c, const char *name, const struct net_keypair *keys)
{
    return change_key(c, PRODUCER_KEY_REVOKE, name, keys);
}

void services_await(struct services *c, uint64_t offset)
{
    struct wire_query q = {.not_before = offset, .wait_ms = SERVICES_PATIENCE_MS};
    struct buf message = {0}, reply = {0};
    struct err e = {0};
    wire_pack_query(&q, &message);
    int rc = request_ask(aggregator_operator(c), WIRE_QUERY, buf_slice(&message),
                         2 * SERVICES_PATIENCE_MS, NULL, &reply, &e);
    ck_assert_msg(rc == 0, "entry %llu: %s", (unsigned long long)offset, e.text);
    buf_fini(&message);
    buf_fini(&reply);
}

int services_verify(struct services *c, struct buf *out)
{
    const char *const arguments[] = {"--config", c->aggregator.config, "--verify", NULL};
    return process_run(c->aggregator.program, arguments, out, NULL);
}

struct wire_health services_health(struct services *c, bool of_aggregator, struct arena *arena)
{
    struct wire_health health;
    struct buf reply = {0};
    struct err e = {0};
    struct request *r = of_aggregator ? aggregator_operator(c) : collector_operator(c);
    int rc = request_ask(r, WIRE_HEALTH, slice_of(NULL, 0), SERVICES_PATIENCE_MS, NULL, &reply, &e);
    if (rc == 0)
        rc = wire_unpack_health(buf_slice(&reply), arena, &health, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    buf_fini(&reply);
    return health;
}

/* --- a producer */

void services_link_open(struct services_link *l, struct services *c, const char *endpoint,
                        const struct net_keypair *keys)
{
    struct err e = {0};
    *l = (struct services_link){.services = c};
    spool_random_id(&l->spool);
    int rc = net_connect(c->net, NET_DEALER, endpoint, &c->collector_keys.public_key, keys,
                         &l->socket, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
}

void services_link_close(struct services_link *l)
{
    net_close(l->socket);
}

void services_send(struct services_link *l, uint64_t number, struct slice payload)
{
    struct wire_head head = {
        .version = WIRE_VERSION, .kind = WIRE_SUBMIT, .id = number, .spool = l->spool};
    uint8_t bytes[WIRE_HEAD_BYTES];
    struct err e = {0};
    wire_head_encode(&head, bytes);
    struct slice frames[] = {slice_of(bytes, sizeof bytes), payload};
    int rc = net_wait_writable(l->socket, SERVICES_PATIENCE_MS);
    if (rc == 0)
        rc = net_send(l->socket, NULL, frames, 2, &e);
    ck_assert_msg(rc == 0, "send: %s %s", err_name(rc), e.text);
}

int services_receive(struct services_link *l, uint64_t *number, struct buf *answer)
{
    struct net_message m;
    struct wire_head head;
    int rc = net_wait(l->socket, SERVICES_PATIENCE_MS);
    if (rc == 0)
        rc = net_receive(l->socket, &m);
    if (rc != 0)
        return rc;
    ck_assert_uint_eq(m.frame_count, 2);
    ck_assert_int_eq(wire_head_decode(m.frames[0], &head, NULL), 0);
    ck_assert_uint_eq(head.kind, WIRE_SUBMIT | WIRE_ANSWER);
    *number = head.id;
    buf_clear(answer);
    buf_bytes(answer, m.frames[1].data, m.frames[1].len);
    net_message_clear(&m);
    return 0;
}

struct wire_submit_answer services_submit(struct services_link *l, uint64_t number,
                                          const struct batch *batch, struct arena *arena,
                                          struct buf *bytes)
{
    struct buf payload = {0}, own = {0};
    struct buf *reply = bytes ? bytes : &own;
    struct wire_submit_answer answer;
    uint64_t answered;
    struct err e = {0};
    wire_pack_batch(batch, &payload);
    services_send(l, number, buf_slice(&payload));
    int rc = services_receive(l, &answered, reply);
    ck_assert_msg(rc == 0, "no answer to number %llu: %s", (unsigned long long)number,
                  err_name(rc));
    ck_assert_uint_eq(answered, number);
    ck_assert_msg(wire_unpack_submit_answer(buf_slice(reply), arena, &answer, &e) == 0, "%s",
                  e.text);
    buf_fini(&payload);
    buf_fini(&own);
    return answer;
}

/* --- who asks */

struct request *services_asker(struct services *c, const struct net_keypair *keys)
{
    return link_to(c, c->query_ipc, &c->aggregator_keys, keys);
}

int services_ask(struct request *r, const struct wire_question *q, uint64_t not_before,
                 struct arena *arena, struct wire_answer *out, struct err *e)
{
    struct wire_question one = *q;
    struct wire_query query = {.question_count = 1,
                               .questions = &one,
                               .not_before = not_before,
                               .wait_ms = SERVICES_PATIENCE_MS};
    struct wire_query_reply answers;
    struct buf message = {0}, reply = {0};
    wire_pack_query(&query, &message);
    int rc =
        request_ask(r, WIRE_QUERY, buf_slice(&message), 2 * SERVICES_PATIENCE_MS, NULL, &reply, e);
    if (rc == 0)
        rc = wire_unpack_query_reply(buf_slice(&reply), arena, &answers, e);
    if (rc == 0 && answers.answer_count != 1)
        rc = err_set(e, ERR_CORRUPT, "%u answers to one question", answers.answer_count);
    if (rc == 0)
        *out = answers.answers[0];
    buf_fini(&message);
    buf_fini(&reply);
    return rc;
}
