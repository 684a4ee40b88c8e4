#include "tests/support/office.h"

#include "common/model/day.h"
#include "common/net/loop.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COLLECTOR, AGGREGATOR, NOTIFIER, OPERATOR, XA, QUAN, KEY_COUNT };
static const char *const key_names[KEY_COUNT] = {"collector", "aggregator", "notifier",
                                                 "operator",  "xa",         "quan"};

extern char **environ;

/* --- commands */

/* The words of o->line, cut in place. */
static unsigned split(char *line, const char **words)
{
    unsigned count = 0;
    for (char *rest = line, *word; (word = strtok_r(rest, " ", &rest));) {
        ck_assert_uint_lt(count, PROCESS_ARGUMENTS_MAX - 2);
        words[count++] = word;
    }
    words[count] = NULL;
    return count;
}

static void forget(struct office *o)
{
    buf_fini(&o->out);
    buf_fini(&o->err);
    json_decref(o->json);
    o->json = NULL;
}

__attribute__((format(printf, 2, 0))) static void run_line(struct office *o, const char *line,
                                                           va_list args)
{
    char copy[sizeof o->line];
    const char *words[PROCESS_ARGUMENTS_MAX];
    int len = vsnprintf(o->line, sizeof o->line, line, args);
    ck_assert_int_lt(len, (int)sizeof o->line);
    memcpy(copy, o->line, sizeof copy);
    split(copy, words);
    forget(o);
    o->code = process_run("tonghop", words, &o->out, &o->err);
}

void office_run(struct office *o, const char *line, ...)
{
    va_list args;
    va_start(args, line);
    run_line(o, line, args);
    va_end(args);
}

void office_must(struct office *o, int code, const char *line, ...)
{
    va_list args;
    va_start(args, line);
    run_line(o, line, args);
    va_end(args);
    ck_assert_msg(o->code == code, "tonghop %s: ended with %d instead of %d\n%s%s", o->line,
                  o->code, code, (const char *)o->out.data, (const char *)o->err.data);
}

void office_printed(struct office *o, const char *text)
{
    ck_assert_msg(strstr((const char *)o->out.data, text) != NULL,
                  "tonghop %s: did not print\n%s\nbut\n%s%s", o->line, text,
                  (const char *)o->out.data, (const char *)o->err.data);
}

void office_said(struct office *o, const char *text)
{
    ck_assert_msg(strstr((const char *)o->err.data, text) != NULL,
                  "tonghop %s: did not say\n%s\nbut\n%s%s", o->line, text,
                  (const char *)o->err.data, (const char *)o->out.data);
}

const json_t *office_json(struct office *o)
{
    json_error_t e;
    if (!o->json)
        o->json = json_loads((const char *)o->out.data, 0, &e);
    ck_assert_msg(o->json != NULL, "tonghop %s: no JSON: %s\n%s%s", o->line, e.text,
                  (const char *)o->out.data, (const char *)o->err.data);
    return o->json;
}

static const json_t *member_of(struct office *o, const char *member)
{
    const json_t *value = json_object_get(office_json(o), member);
    ck_assert_msg(value != NULL, "tonghop %s: no member %s in\n%s", o->line, member,
                  (const char *)o->out.data);
    return value;
}

int64_t office_json_int(struct office *o, const char *member)
{
    const json_t *value = member_of(o, member);
    ck_assert_msg(json_is_integer(value), "tonghop %s: %s is no whole number", o->line, member);
    return json_integer_value(value);
}

const char *office_json_text(struct office *o, const char *member)
{
    const char *text = json_string_value(member_of(o, member));
    ck_assert_msg(text != NULL, "tonghop %s: %s is no text", o->line, member);
    return text;
}

bool office_json_is(struct office *o, const char *member)
{
    const json_t *value = member_of(o, member);
    ck_assert_msg(json_is_boolean(value), "tonghop %s: %s is neither true nor false", o->line,
                  member);
    return json_is_true(value);
}

/* --- in the background */

void office_spawn(struct office *o, struct office_child *c, const char *line)
{
    char copy[sizeof o->line], path[TEMP_PATH_BYTES];
    const char *words[PROCESS_ARGUMENTS_MAX];
    int ends[2];
    posix_spawn_file_actions_t actions;
    snprintf(copy, sizeof copy, "tonghop %s", line);
    split(copy, words);
    snprintf(path, sizeof path, "%s/tonghop", getenv("TONGHOP_BIN"));
    *c = (struct office_child){0};
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    ck_assert_int_eq(
        posix_spawn(&c->pid, path, &actions, NULL, (char *const *)(uintptr_t)words, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    c->err_fd = ends[0];
}

static bool more_comes(const struct office_child *c, int64_t deadline_ms)
{
    struct pollfd one = {.fd = c->err_fd, .events = POLLIN};
    int64_t left_ms = deadline_ms - loop_now_ms();
    return left_ms > 0 && poll(&one, 1, (int)left_ms) > 0;
}

/* False at the end of the output. */
static bool read_part(struct office_child *c)
{
    char part[512];
    ssize_t got = read(c->err_fd, part, sizeof part);
    if (got > 0)
        buf_bytes(&c->err, part, (size_t)got);
    return got > 0;
}

static bool read_more(struct office_child *c, int64_t deadline_ms)
{
    ck_assert_msg(more_comes(c, deadline_ms), "nothing more came after:\n%.*s", (int)c->err.len,
                  c->err.data ? (const char *)c->err.data : "");
    return read_part(c);
}

bool office_listen(struct office_child *c, int for_ms)
{
    int64_t deadline_ms = loop_now_ms() + for_ms;
    while (more_comes(c, deadline_ms))
        if (!read_part(c))
            return false;
    return true;
}

void office_await(struct office_child *c, const char *text)
{
    int64_t deadline_ms = loop_now_ms() + OFFICE_PATIENCE_MS;
    while (!c->err.data || !memmem(c->err.data, c->err.len, text, strlen(text)))
        ck_assert_msg(read_more(c, deadline_ms), "it ended without saying %s:\n%.*s", text,
                      (int)c->err.len, c->err.data ? (const char *)c->err.data : "");
}

int office_end(struct office_child *c, int signal)
{
    int status = 0;
    int64_t deadline_ms = loop_now_ms() + OFFICE_PATIENCE_MS;
    if (signal != 0)
        kill(c->pid, signal);
    while (read_more(c, deadline_ms))
        ;
    ck_assert_int_eq(waitpid(c->pid, &status, 0), c->pid);
    close(c->err_fd);
    buf_fini(&c->err);
    return WIFEXITED(status) ? WEXITSTATUS(status) : PROCESS_SIGNALLED + WTERMSIG(status);
}

/* --- files */

void office_write(struct office *o, const char *name, const char *text, size_t bytes,
                  const char *changed)
{
    char path[TEMP_PATH_BYTES], time[40];
    int64_t ms = 0;
    FILE *file = fopen(temp_dir_file(&o->dir, name, path), "w");
    ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
    fwrite(text, 1, bytes ? bytes : strlen(text), file);
    ck_assert_int_eq(fclose(file), 0);
    if (!changed)
        return;
    snprintf(time, sizeof time, "%.10sT%s+07:00", changed, changed + 11);
    ck_assert_int_eq(day_time_parse(slice_str(time), &ms, NULL), 0);
    struct timespec both[2] = {{.tv_sec = ms / 1000}, {.tv_sec = ms / 1000}};
    ck_assert_int_eq(utimensat(AT_FDCWD, path, both, 0), 0);
}

char *office_read(struct office *o, const char *name)
{
    char path[TEMP_PATH_BYTES], *text = NULL;
    size_t bytes = 0;
    FILE *file = fopen(temp_dir_file(&o->dir, name, path), "r");
    ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
    ssize_t got = getdelim(&text, &bytes, '\0', file);
    fclose(file);
    ck_assert_msg(got >= 0, "%s is empty", path);
    return text;
}

static void make_keys(struct office *o)
{
    for (unsigned i = 0; i < KEY_COUNT; i++) {
        office_must(o, 0, "keys make keys/%s.key", key_names[i]);
        snprintf(o->keys[i], sizeof o->keys[i], "%.*s",
                 (int)strcspn((const char *)o->out.data, "\n"), (const char *)o->out.data);
    }
}

static void write_collector(const struct office *o)
{
    struct buf text = {0};
    buf_printf(&text, "listen: [\"ipc://%s/c.sock\"]\nkey_file: keys/collector.key\n", o->dir.path);
    buf_printf(&text, "service_keys: [{name: aggregator, key: \"%s\"}]\n", o->keys[AGGREGATOR]);
    buf_printf(&text, "operate_keys: [{name: provincial-it, key: \"%s\"}]\n", o->keys[OPERATOR]);
    buf_printf(&text, "store: {directory: collector, map_size: 1GiB}\njournal: {replay: true}\n");
    temp_dir_write(&o->dir, "collector.yaml", (const char *)text.data);
    buf_fini(&text);
}

static void write_aggregator(const struct office *o)
{
    struct buf text = {0};
    const char *dir = o->dir.path;
    buf_printf(&text, "listen: [\"ipc://%s/q.sock\"]\nkey_file: keys/aggregator.key\n", dir);
    buf_printf(&text, "operate_keys: [{name: provincial-it, key: \"%s\"}]\n", o->keys[OPERATOR]);
    buf_printf(&text, "service_keys: [{name: notifier, key: \"%s\"}]\n", o->keys[NOTIFIER]);
    buf_printf(&text, "collector: {endpoint: \"ipc://%s/c.sock\", key: \"%s\"}\n", dir,
               o->keys[COLLECTOR]);
    buf_printf(&text, "store: {directory: aggregator, map_size: 1GiB}\n");
    buf_printf(&text, "feed: {listen: [\"ipc://%s/f.sock\"], beat: 10ms}\n", dir);
    temp_dir_write(&o->dir, "aggregator.yaml", (const char *)text.data);
    buf_fini(&text);
}

static void write_notifier(const struct office *o)
{
    struct buf text = {0};
    const char *dir = o->dir.path;
    buf_printf(&text, "listen: [\"ipc://%s/a.sock\"]\nkey_file: keys/notifier.key\n", dir);
    buf_printf(&text, "operate_keys: [{name: provincial-it, key: \"%s\"}]\n", o->keys[OPERATOR]);
    buf_printf(&text, "aggregator: {endpoint: \"ipc://%s/q.sock\", key: \"%s\"}\n", dir,
               o->keys[AGGREGATOR]);
    buf_printf(&text, "store: {directory: notifier, map_size: 1GiB}\nmail: {maildir: mail}\n");
    buf_printf(&text, "feed: {listen: [\"ipc://%s/n.sock\"], beat: 10ms}\n", dir);
    temp_dir_write(&o->dir, "notifier.yaml", (const char *)text.data);
    buf_fini(&text);
}

/* With a notifier, it is named there, too. */
static void write_command(const struct office *o)
{
    struct buf text = {0};
    const char *dir = o->dir.path;
    buf_printf(&text,
               "collector: {endpoint: \"ipc://%s/c.sock\", key_file: keys/collector.key.pub}\n",
               dir);
    buf_printf(&text,
               "aggregator: {endpoint: \"ipc://%s/q.sock\", feed: \"ipc://%s/f.sock\", "
               "key_file: keys/aggregator.key.pub}\nkey_file: keys/operator.key\n",
               dir, dir);
    if (o->has_notifier)
        buf_printf(&text,
                   "notifier: {endpoint: \"ipc://%s/a.sock\", feed: \"ipc://%s/n.sock\", "
                   "key_file: keys/notifier.key.pub}\n",
                   dir, dir);
    temp_dir_write(&o->dir, "tonghop.yaml", (const char *)text.data);
    buf_fini(&text);
}

/* --- the services */

static void place_process(struct process *p, const char *program, const char *config,
                          const char *log)
{
    *p = (struct process){.program = program, .ready_fd = -1};
    snprintf(p->config, sizeof p->config, "%s", config);
    snprintf(p->log, sizeof p->log, "%s", log);
}

void office_open(struct office *o, const char *name)
{
    memset(o, 0, sizeof *o);
    unsetenv("TONGHOP_CONFIG");
    temp_dir_open(&o->dir, name);
    ck_assert_int_eq(chdir(o->dir.path), 0);
    place_process(&o->collector, "tonghop-collector", "collector.yaml", "collector.log");
    place_process(&o->aggregator, "tonghop-aggregator", "aggregator.yaml", "aggregator.log");
    make_keys(o);
    write_collector(o);
    write_aggregator(o);
    write_command(o);
}

void office_add_notifier(struct office *o)
{
    o->has_notifier = true;
    place_process(&o->notifier, "tonghop-notifier", "notifier.yaml", "notifier.log");
    write_notifier(o);
    write_command(o);
}

void office_close(struct office *o)
{
    ck_assert_int_eq(process_stop(&o->notifier), 0);
    ck_assert_int_eq(process_stop(&o->aggregator), 0);
    ck_assert_int_eq(process_stop(&o->collector), 0);
    forget(o);
    ck_assert_int_eq(chdir("/"), 0);
    temp_dir_close(&o->dir);
}

static void start(struct process *p)
{
    if (p->pid == 0)
        process_start(p);
    process_await_ready(p);
}

void office_start(struct office *o)
{
    start(&o->collector);
    start(&o->aggregator);
    if (o->has_notifier)
        start(&o->notifier);
}

unsigned office_last_entry(const struct office *o)
{
    const char *at = (const char *)o->out.data, *last = NULL;
    while ((at = strstr(at, "journal entry ")))
        last = at += strlen("journal entry ");
    ck_assert_msg(last != NULL, "tonghop %s: names no journal entry", o->line);
    return (unsigned)strtoul(last, NULL, 10);
}

void office_begin_campaign(struct office *o)
{
    const char *source = getenv("TONGHOP_SOURCE");
    ck_assert_msg(source != NULL, "TONGHOP_SOURCE is not set: run through ctest");
    office_start(o);
    office_must(o, 0, "clock tick 2024-09-05T08:00:00+07:00");
    office_must(o, 0, "plan apply %s/config/plans/haiphong-2024.yaml", source);
    office_must(o, 0, "keys add xa.11311 --source khuyenhoc --scope 11311 --key keys/xa.key.pub");
    office_must(o, 0, "keys add q.303 --source khuyenhoc --scope 303 --key keys/quan.key.pub");
    office_must(o, 0, "query 31 cdht.dangky 2024-09-05 --not-before %u", office_last_entry(o));
}
