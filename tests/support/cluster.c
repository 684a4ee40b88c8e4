#include "tests/support/cluster.h"

#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum { RETRY_MS = 20 };

/* --- files */

static void make_keys(struct cluster *c, const char *name, struct net_keypair *out)
{
    char path[TEMP_PATH_BYTES];
    struct err e = {0};
    keypair_generate(out);
    ck_assert_msg(keypair_save(temp_dir_file(&c->dir, name, path), out, &e) == 0, "%s", e.text);
}

static const char *key_text(const struct net_keypair *keys, char out[NET_KEY_TEXT_BYTES])
{
    key_format_z85(&keys->public_key, out);
    return out;
}

static void write_store(const struct cluster *c, const char *name, const char *map, struct buf *out)
{
    const char *data = c->options.data ? c->options.data : c->dir.path;
    buf_printf(out, "store: {directory: %s/%s, map_size: %s}\n", data, name, map ? map : "1GiB");
}

static void write_collector(const struct cluster *c)
{
    struct buf text = {0};
    char key[NET_KEY_TEXT_BYTES];
    buf_printf(&text, "listen: [\"%s\", \"tcp://127.0.0.1:0\"]\n", c->collector_ipc);
    buf_printf(&text, "key_file: %s/collector.key\n", c->dir.path);
    buf_printf(&text, "service_keys: [{name: aggregator, key: \"%s\"}]\n",
               key_text(&c->aggregator_keys, key));
    buf_printf(&text, "operate_keys: [{name: operator, key: \"%s\"}]\n",
               key_text(&c->operator_keys, key));
    write_store(c, "collector", c->options.collector_map, &text);
    buf_printf(&text, "journal: {replay: %s}\n%s", c->options.live ? "false" : "true",
               c->options.collector_more ? c->options.collector_more : "");
    temp_dir_write(&c->dir, "collector.yaml", (const char *)text.data);
    buf_fini(&text);
}

static void write_aggregator(const struct cluster *c)
{
    struct buf text = {0};
    char key[NET_KEY_TEXT_BYTES];
    buf_printf(&text, "listen: [\"%s\", \"tcp://127.0.0.1:0\"]\n", c->query_ipc);
    buf_printf(&text, "key_file: %s/aggregator.key\n", c->dir.path);
    buf_printf(&text, "operate_keys: [{name: operator, key: \"%s\"}]\n",
               key_text(&c->operator_keys, key));
    buf_printf(&text, "service_keys: [{name: notifier, key: \"%s\"}]\n",
               key_text(&c->notifier_keys, key));
    buf_printf(&text, "collector: {endpoint: \"%s\", key: \"%s\"}\n", c->collector_ipc,
               key_text(&c->collector_keys, key));
    write_store(c, "aggregator", c->options.aggregator_map, &text);
    buf_printf(&text, "feed: {listen: [\"%s\"], beat: 10ms}\n", c->feed_ipc);
    temp_dir_write(&c->dir, "aggregator.yaml", (const char *)text.data);
    buf_fini(&text);
}

static void write_notifier(const struct cluster *c)
{
    struct buf text = {0};
    char key[NET_KEY_TEXT_BYTES];
    buf_printf(&text, "listen: [\"%s\", \"tcp://127.0.0.1:0\"]\n", c->alerts_ipc);
    buf_printf(&text, "key_file: %s/notifier.key\n", c->dir.path);
    buf_printf(&text, "operate_keys: [{name: operator, key: \"%s\"}]\n",
               key_text(&c->operator_keys, key));
    buf_printf(&text, "aggregator: {endpoint: \"%s\", key: \"%s\"}\n", c->query_ipc,
               key_text(&c->aggregator_keys, key));
    write_store(c, "notifier", c->options.notifier_map, &text);
    buf_printf(&text, "mail: {maildir: %s}\n", c->maildir);
    buf_printf(&text, "feed: {listen: [\"%s\"], beat: 10ms}\n", c->alerts_feed_ipc);
    temp_dir_write(&c->dir, "notifier.yaml", (const char *)text.data);
    buf_fini(&text);
}

void cluster_configure(struct cluster *c)
{
    write_collector(c);
    write_aggregator(c);
    write_notifier(c);
}

static void place_endpoint(const struct cluster *c, const char *name, char out[TEMP_PATH_BYTES])
{
    int len = snprintf(out, TEMP_PATH_BYTES, "ipc://%s/%s", c->dir.path, name);
    ck_assert_int_lt(len, TEMP_PATH_BYTES);
}

static void place_process(const struct cluster *c, struct process *p, const char *program,
                          const char *config, const char *log)
{
    *p = (struct process){.program = program, .ready_fd = -1};
    temp_dir_file(&c->dir, config, p->config);
    temp_dir_file(&c->dir, log, p->log);
}

/* --- the processes */

void cluster_open(struct cluster *c, const char *name)
{
    struct net_options net = {.retry_ms = RETRY_MS, .message_bytes_max = 64 << 20};
    struct err e = {0};
    memset(c, 0, sizeof *c);
    ck_assert_int_ge(sodium_init(), 0);
    temp_dir_open(&c->dir, name);
    make_keys(c, "collector.key", &c->collector_keys);
    make_keys(c, "aggregator.key", &c->aggregator_keys);
    make_keys(c, "notifier.key", &c->notifier_keys);
    make_keys(c, "operator.key", &c->operator_keys);
    place_endpoint(c, "c.sock", c->collector_ipc);
    place_endpoint(c, "q.sock", c->query_ipc);
    place_endpoint(c, "f.sock", c->feed_ipc);
    place_process(c, &c->collector, "tonghop-collector", "collector.yaml", "collector.log");
    place_endpoint(c, "a.sock", c->alerts_ipc);
    place_endpoint(c, "n.sock", c->alerts_feed_ipc);
    temp_dir_file(&c->dir, "mail", c->maildir);
    place_process(c, &c->aggregator, "tonghop-aggregator", "aggregator.yaml", "aggregator.log");
    place_process(c, &c->notifier, "tonghop-notifier", "notifier.yaml", "notifier.log");
    cluster_configure(c);
    ck_assert_msg(net_create(&c->net, &net, &e) == 0, "%s", e.text);
}

void cluster_close(struct cluster *c)
{
    if (c->notifier.pid != 0)
        ck_assert_int_eq(process_stop(&c->notifier), 0);
    ck_assert_int_eq(process_stop(&c->aggregator), 0);
    ck_assert_int_eq(process_stop(&c->collector), 0);
    net_destroy(c->net);
    temp_dir_close(&c->dir);
}

void cluster_start(struct cluster *c)
{
    if (c->collector.pid == 0)
        process_start(&c->collector);
    if (c->aggregator.pid == 0)
        process_start(&c->aggregator);
    if (c->options.notifier && c->notifier.pid == 0)
        process_start(&c->notifier);
    process_await_ready(&c->collector);
    process_await_ready(&c->aggregator);
    if (c->options.notifier)
        process_await_ready(&c->notifier);
}

const char *cluster_tcp(const struct process *p, char *out)
{
    process_log_value(p, "event=listening", "endpoint", out, TEMP_PATH_BYTES);
    if (strncmp(out, "tcp:", 4) != 0) /* the feed's line comes last */
        process_log_value(p, "for=questions", "endpoint", out, TEMP_PATH_BYTES);
    ck_assert_msg(strncmp(out, "tcp:", 4) == 0, "%s listens at %s", p->program, out);
    return out;
}

void cluster_peer_collector(struct cluster *c, struct peer *p, const struct net_keypair *keys)
{
    peer_open(p, c->net, c->collector_ipc, &c->collector_keys.public_key, keys);
}

void cluster_peer_aggregator(struct cluster *c, struct peer *p, const struct net_keypair *keys)
{
    peer_open(p, c->net, c->query_ipc, &c->aggregator_keys.public_key, keys);
}

void cluster_peer_notifier(struct cluster *c, struct peer *p, const struct net_keypair *keys)
{
    peer_open(p, c->net, c->alerts_ipc, &c->notifier_keys.public_key, keys);
}

/* --- the operator */

uint64_t cluster_apply(struct cluster *c, const struct wire_apply *a)
{
    struct peer p;
    struct err e = {0};
    uint64_t offset = 0;
    cluster_peer_collector(c, &p, &c->operator_keys);
    int rc = peer_apply(&p, a, &offset, &e);
    ck_assert_msg(rc == 0, "apply: %s", e.text);
    peer_close(&p);
    return offset;
}

static struct ident ident_of(const char *text)
{
    struct ident id = {""};
    ck_assert_msg(ident_set(&id, slice_str(text)), "\"%s\" is no identifier", text);
    return id;
}

struct producer cluster_producer(const char *name, uint32_t roles, const char *scope)
{
    struct producer p = {.name = ident_of(name), .roles = roles};
    if (roles & ROLE_SUBMIT)
        p.source = ident_of("hkh");
    if (scope)
        p.scopes[p.scope_count++] = ident_of(scope);
    return p;
}

uint64_t cluster_set_producer(struct cluster *c, const struct producer *p)
{
    struct wire_apply a = {.kind = WIRE_APPLY_PRODUCER,
                           .producer = {.kind = PRODUCER_SET, .producer = *p}};
    return cluster_apply(c, &a);
}

uint64_t cluster_change_key(struct cluster *c, enum producer_change_kind kind, const char *name,
                            const struct net_key *key)
{
    struct wire_apply a = {.kind = WIRE_APPLY_PRODUCER, .producer = {.kind = kind}};
    a.producer.producer.name = ident_of(name);
    memcpy(a.producer.key, key->bytes, KEY_BYTES);
    return cluster_apply(c, &a);
}

uint64_t cluster_add_producer(struct cluster *c, const char *name, uint32_t roles,
                              const char *scope, struct net_keypair *keys)
{
    struct producer p = cluster_producer(name, roles, scope);
    cluster_set_producer(c, &p);
    keypair_generate(keys);
    return cluster_change_key(c, PRODUCER_KEY_ADD, name, &keys->public_key);
}

/* --- counters, verify */

static uint64_t find_counter(const char *text, const char *counter)
{
    size_t len = strlen(counter);
    for (const char *at = text; (at = strstr(at, counter)); at += len)
        if ((at == text || at[-1] == '\n') && at[len] == ' ')
            return strtoull(at + len + 1, NULL, 10);
    ck_abort_msg("no counter %s in:\n%s", counter, text);
    return 0;
}

static uint64_t ask_counter(struct peer *p, const char *counter)
{
    struct err e = {0};
    const char *text;
    int rc = peer_ask_counters(p, &text, &e);
    ck_assert_msg(rc == 0, "counters: %s", e.text);
    uint64_t value = find_counter(text, counter);
    peer_close(p);
    return value;
}

uint64_t cluster_collector_count(struct cluster *c, const char *counter)
{
    struct peer p;
    cluster_peer_collector(c, &p, &c->operator_keys);
    return ask_counter(&p, counter);
}

uint64_t cluster_aggregator_count(struct cluster *c, const char *counter)
{
    struct peer p;
    cluster_peer_aggregator(c, &p, &c->operator_keys);
    return ask_counter(&p, counter);
}

uint64_t cluster_notifier_count(struct cluster *c, const char *counter)
{
    struct peer p;
    cluster_peer_notifier(c, &p, &c->operator_keys);
    return ask_counter(&p, counter);
}

void cluster_verify(struct cluster *c)
{
    const char *const arguments[] = {"--config", c->aggregator.config, "--verify", NULL};
    struct buf out, err;
    int code = process_run(c->aggregator.program, arguments, &out, &err);
    ck_assert_msg(code == 0, "verify: %d\n%s%s", code, (const char *)out.data,
                  (const char *)err.data);
    buf_fini(&out);
    buf_fini(&err);
}
