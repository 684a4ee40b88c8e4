/* What a service says, and with which exit code it ends, when it cannot start: configurations,
 * keys, stores and endpoints that are wrong. */
#include "tests/support/cluster.h"
#include "tests/support/suite.h"

#include "common/store/store.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STARTED_FAILED = 1, CONFIG_REFUSED = 3, STORE_REFUSED = 4 };

static struct process *const none = NULL;

/* Puts DIR where the private directory stands and PID for a process, as they differ each time. */
static void make_comparable(const struct cluster *c, const struct process *running, char *text)
{
    char pid[24] = "";
    if (running)
        snprintf(pid, sizeof pid, "process %d", running->pid);
    const char *const from[] = {c->dir.path, pid};
    const char *const to[] = {"DIR", "process PID"};
    for (unsigned i = 0; i < 2; i++) {
        size_t old_len = strlen(from[i]), new_len = strlen(to[i]);
        char *at = text;
        while (old_len > 0 && (at = strstr(at, from[i]))) {
            ck_assert_uint_le(new_len, old_len + 8);
            memmove(at + new_len, at + old_len, strlen(at + old_len) + 1);
            memcpy(at, to[i], new_len);
            at += new_len;
        }
    }
}

/* Runs the program to its end with p's configuration. */
static void expect_refusal(struct cluster *c, const struct process *p,
                           const struct process *running, int code, const char *said)
{
    const char *const arguments[] = {"--config", p->config, NULL};
    struct buf err;
    int got = process_run(p->program, arguments, NULL, &err);
    buf_reserve(&err, 64); /* names may grow */
    make_comparable(c, running, (char *)err.data);
    ck_assert_msg(got == code && strstr((const char *)err.data, said) != NULL,
                  "%s ended with %d\nwanted %d and %s\ngot %s", p->program, got, code, said,
                  (const char *)err.data);
    buf_fini(&err);
}

/* --- configurations */

static const struct {
    const char *reason;
    const char *more; /* behind the six lines of a good one */
    const char *said;
} configurations[] = {
    {"a key nobody knows", "rounds: {messages: 5}\n",
     "DIR/collector.yaml:7:1: unknown key \\\"rounds\\\": did you mean \\\"round\\\"?"},
    {"a key nearly right", "round: {mesages: 5}\n",
     "DIR/collector.yaml:7:9: unknown key \\\"round.mesages\\\": did you mean "
     "\\\"round.messages\\\"?"},
    {"a key twice", "key_file: other.key\n",
     "DIR/collector.yaml:7:1: the key \\\"key_file\\\" stands here again, first at line 2: keep "
     "one"},
    {"a number with points", "round: {messages: 90.000}\n",
     "DIR/collector.yaml:7:19: messages: \\\"90.000\\\": '.' at column 3 is not a digit: if it "
     "separates thousands, write 90000"},
    {"trailing junk", "round: {messages: 9x}\n",
     "DIR/collector.yaml:7:19: messages: \\\"9x\\\": 'x' at column 2 is not a digit: write a whole "
     "number"},
    {"out of range", "round: {messages: 0}\n",
     "DIR/collector.yaml:7:19: messages: \\\"0\\\": out of range: write a number from 1 to 65536"},
    {"a size in a unit that people read differently", "fetch: {bytes: 4MB}\n",
     "DIR/collector.yaml:7:16: bytes: \\\"4MB\\\": unknown unit: write the number and right after "
     "it B, KiB, MiB, GiB or TiB, as in 64MiB"},
    {"a list where a map belongs", "round: [1]\n",
     "DIR/collector.yaml:7:8: round: a map (\\\"key: value\\\" lines) is wanted here, a list "
     "(\\\"- item\\\" lines) is what stands"},
    {"an unclosed bracket", "round: {messages: 5\n",
     "DIR/collector.yaml:8:1: not YAML: did not find expected ',' or '}', while parsing a flow "
     "mapping that began at line 7"},
};

START_TEST(a_wrong_configuration_is_told_by_place)
{
    struct cluster c;
    cluster_open(&c, "start");
    for (size_t i = 0; i < sizeof configurations / sizeof *configurations; i++) {
        c.options.collector_more = configurations[i].more;
        cluster_configure(&c);
        expect_refusal(&c, &c.collector, none, CONFIG_REFUSED, configurations[i].said);
    }
    cluster_close(&c);
}
END_TEST

START_TEST(a_missing_configuration_is_refused)
{
    struct cluster c;
    cluster_open(&c, "start");
    unlink(c.aggregator.config);
    expect_refusal(&c, &c.aggregator, none, CONFIG_REFUSED,
                   "cannot open DIR/aggregator.yaml: No such file or directory");
    cluster_close(&c);
}
END_TEST

/* --- keys */

START_TEST(a_key_file_that_others_can_read_is_refused)
{
    struct cluster c;
    char path[TEMP_PATH_BYTES];
    cluster_open(&c, "start");
    ck_assert_int_eq(chmod(temp_dir_file(&c.dir, "collector.key", path), 0640), 0);
    ck_assert_int_eq(chmod(temp_dir_file(&c.dir, "aggregator.key", path), 0604), 0);
    expect_refusal(&c, &c.collector, none, STARTED_FAILED,
                   "key file DIR/collector.key holds a secret but its mode is 640, so that others "
                   "than its owner can use it: chmod 600 DIR/collector.key");
    expect_refusal(&c, &c.aggregator, none, STARTED_FAILED,
                   "key file DIR/aggregator.key holds a secret but its mode is 604");
    cluster_close(&c);
}
END_TEST

START_TEST(a_missing_key_file_is_refused)
{
    struct cluster c;
    char path[TEMP_PATH_BYTES];
    cluster_open(&c, "start");
    unlink(temp_dir_file(&c.dir, "collector.key", path));
    expect_refusal(&c, &c.collector, none, STARTED_FAILED,
                   "key file DIR/collector.key does not exist: make one with");
    cluster_close(&c);
}
END_TEST

/* --- stores */

static void make_store(const struct cluster *c, const char *name, const char *kind, unsigned format)
{
    static const char *const tables[] = {"some"};
    char path[TEMP_PATH_BYTES];
    struct store_options options = {.directory = temp_dir_file(&c->dir, name, path),
                                    .map_bytes = 1 << 20,
                                    .tables = tables,
                                    .table_count = 1,
                                    .kind = kind,
                                    .format = format};
    struct store *s;
    struct err e = {0};
    ck_assert_msg(store_open(&s, &options, &e) == 0, "%s", e.text);
    store_close(s);
}

START_TEST(a_store_of_a_newer_format_is_refused)
{
    struct cluster c;
    cluster_open(&c, "start");
    make_store(&c, "collector", "collector journal", 99);
    make_store(&c, "aggregator", "aggregator ledger", 99);
    expect_refusal(&c, &c.collector, none, STORE_REFUSED,
                   "store DIR/collector: a newer program wrote it (collector journal format 99, "
                   "this program knows 1): run that program; nothing was changed");
    expect_refusal(&c, &c.aggregator, none, STORE_REFUSED,
                   "store DIR/aggregator: a newer program wrote it (aggregator ledger format 99, "
                   "this program knows 1): run that program; nothing was changed");
    cluster_close(&c);
}
END_TEST

START_TEST(the_store_of_another_service_is_refused)
{
    struct cluster c;
    cluster_open(&c, "start");
    make_store(&c, "collector", "spool", 1);
    expect_refusal(&c, &c.collector, none, STORE_REFUSED,
                   "store DIR/collector: a store of kind \\\"spool\\\", not \\\"collector "
                   "journal\\\": name another directory; nothing was changed");
    cluster_close(&c);
}
END_TEST

START_TEST(a_store_in_use_by_another_process_is_refused)
{
    struct cluster c;
    cluster_open(&c, "start");
    cluster_start(&c);
    expect_refusal(&c, &c.collector, &c.collector, STORE_REFUSED,
                   "store DIR/collector: already in use by process PID: stop it first");
    expect_refusal(&c, &c.aggregator, &c.aggregator, STORE_REFUSED,
                   "store DIR/aggregator: already in use by process PID: stop it first");
    cluster_close(&c);
}
END_TEST

START_TEST(a_journal_keeps_its_mode)
{
    struct cluster c;
    cluster_open(&c, "start");
    cluster_start(&c);
    ck_assert_int_eq(process_stop(&c.collector), 0);
    struct buf text = {0};
    char path[TEMP_PATH_BYTES], old[4096] = "";
    FILE *f = fopen(temp_dir_file(&c.dir, "collector.yaml", path), "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_gt(fread(old, 1, sizeof old - 1, f), 0);
    fclose(f);
    char *at = strstr(old, "replay: true");
    ck_assert_ptr_nonnull(at);
    *at = '\0';
    buf_printf(&text, "%sreplay: false}\n", old);
    temp_dir_write(&c.dir, "collector.yaml", (const char *)text.data);
    buf_fini(&text);
    expect_refusal(&c, &c.collector, none, STORE_REFUSED,
                   "this journal was begun in replay mode, which is fixed: start the collector in "
                   "that mode, or give it an empty directory");
    cluster_close(&c);
}
END_TEST

/* --- endpoints */

static unsigned take_port(int *fd)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(*fd, (const struct sockaddr *)&at, sizeof at), 0);
    ck_assert_int_eq(listen(*fd, 1), 0);
    ck_assert_int_eq(getsockname(*fd, (struct sockaddr *)&at, &len), 0);
    return ntohs(at.sin_port);
}

static void listen_at(struct cluster *c, const char *endpoint)
{
    struct buf text = {0};
    buf_printf(&text,
               "listen: [\"%s\"]\nkey_file: %s/collector.key\nstore: {directory: %s/another}\n",
               endpoint, c->dir.path, c->dir.path);
    temp_dir_write(&c->dir, "collector.yaml", (const char *)text.data);
    buf_fini(&text);
}

START_TEST(a_port_in_use_is_refused)
{
    struct cluster c;
    int fd;
    char endpoint[64], said[256];
    cluster_open(&c, "start");
    unsigned port = take_port(&fd);
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", port);
    snprintf(said, sizeof said,
             "listen on %s: another process listens there already: stop it, or give this service "
             "another endpoint",
             endpoint);
    listen_at(&c, endpoint);
    expect_refusal(&c, &c.collector, none, STARTED_FAILED, said);
    close(fd);
    cluster_close(&c);
}
END_TEST

START_TEST(a_socket_file_where_a_process_listens_is_left_to_it)
{
    struct cluster c;
    cluster_open(&c, "start");
    cluster_start(&c);
    listen_at(&c, c.collector_ipc);
    expect_refusal(&c, &c.collector, none, STARTED_FAILED,
                   "listen on ipc://DIR/c.sock: another process listens there already: stop it, "
                   "or give this service another endpoint");
    ck_assert_uint_eq(cluster_collector_count(&c, "requests_total{reason=\"counters\"}"), 1);
    cluster_close(&c);
}
END_TEST

START_TEST(an_endpoint_that_is_none_is_refused)
{
    static const struct {
        const char *endpoint;
        const char *said;
    } rows[] = {
        {"tcp://nowhere.invalid:1", "listen on tcp://nowhere.invalid:1: this machine has no such "
                                    "address: use one that it has, "
                                    "or *"},
        {"ipc:///tmp/open.sock",
         "listen on ipc:///tmp/open.sock: others may write in directory /tmp, and so put their own "
         "socket there"},
        {"udp://127.0.0.1:1",
         "endpoint \\\"udp://127.0.0.1:1\\\": write tcp://ADDRESS:PORT or ipc:///PATH (absolute)"},
        {"tcp://127.0.0.1",
         "endpoint \\\"tcp://127.0.0.1\\\": write tcp://ADDRESS:PORT with a port from 0 to 65535"},
    };
    struct cluster c;
    cluster_open(&c, "start");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        listen_at(&c, rows[i].endpoint);
        expect_refusal(&c, &c.collector, none, STARTED_FAILED, rows[i].said);
    }
    cluster_close(&c);
}
END_TEST

SUITE_MAIN("process/refuses_to_start", a_wrong_configuration_is_told_by_place,
           a_missing_configuration_is_refused, a_key_file_that_others_can_read_is_refused,
           a_missing_key_file_is_refused, a_store_of_a_newer_format_is_refused,
           the_store_of_another_service_is_refused, a_store_in_use_by_another_process_is_refused,
           a_journal_keeps_its_mode, a_port_in_use_is_refused,
           a_socket_file_where_a_process_listens_is_left_to_it, an_endpoint_that_is_none_is_refused)
