/* A tiny service made of the harness, run as a process of its own: what it tells whoever started
 * it, how it ends, and with which code. */
#include "common/net/loop.h"
#include "common/service/service.h"
#include "tests/support/suite.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- the tiny service. What it does is chosen by its configuration. */

struct tiny_config {
    size_t drain; /* enum tiny_drain */
    size_t fail;  /* enum tiny_fail */
    const char *label;
};

enum tiny_drain {
    DRAIN_DONE,
    DRAIN_LATER, /* by a timer */
    DRAIN_NEVER,
    DRAIN_STUCK, /* never returns from the callback */
};

enum tiny_fail {
    FAIL_NOTHING,
    FAIL_CHECK,
    FAIL_OPEN,
    FAIL_START,
    FAIL_RUN,
};

static const char *const drains[] = {"done", "later", "never", "stuck", NULL};
static const char *const fails[] = {"nothing", "check", "open", "start", "run", NULL};

static const struct schema_row tiny_rows[] = {
    {.key = "test.drain",
     .type = SCHEMA_CHOICE,
     .choices = drains,
     .standard = "done",
     .help = "How the drain goes.",
     SCHEMA_AT(struct tiny_config, drain)},
    {.key = "test.fail",
     .type = SCHEMA_CHOICE,
     .choices = fails,
     .standard = "nothing",
     .help = "What fails.",
     SCHEMA_AT(struct tiny_config, fail)},
    {.key = "label",
     .type = SCHEMA_IDENTIFIER,
     .required = true,
     .help = "A name.",
     SCHEMA_AT(struct tiny_config, label)},
};

static const struct tiny_config *config_of(const struct service *s)
{
    return service_config(s);
}

static int tiny_check(const void *config, const struct doc *doc, struct err *e)
{
    const struct tiny_config *c = config;
    if (c->fail == FAIL_CHECK)
        return doc_error(schema_find(doc_root(doc), "test.fail"), e, "this fails the check");
    return 0;
}

static int tiny_open(struct service *s, bool read_only, struct err *e)
{
    log_debug(service_log(s), log_event("opened"), log_int("read_only", read_only));
    if (config_of(s)->fail == FAIL_OPEN)
        return err_set(e, ERR_CORRUPT, "open store /nowhere: page 3 is broken");
    return 0;
}

static void tiny_fail_now(void *arg)
{
    struct err e;
    err_set(&e, ERR_NET, "the authentication handler died");
    service_fail(arg, &e);
}

static int tiny_start(struct service *s, struct err *e)
{
    if (config_of(s)->fail == FAIL_START)
        return err_set(e, ERR_NET, "bind tcp://*:1: no");
    if (config_of(s)->fail == FAIL_RUN)
        loop_add_timer_once(service_loop(s), 1, tiny_fail_now, s);
    return 0;
}

static void tiny_drained(void *arg)
{
    service_drained(arg);
}

static void tiny_drain(struct service *s)
{
    static const char draining[] = "draining\n";
    if (write(STDOUT_FILENO, draining, sizeof draining - 1) < 0)
        abort();
    switch ((enum tiny_drain)config_of(s)->drain) {
    case DRAIN_DONE:
        service_drained(s);
        break;
    case DRAIN_LATER:
        loop_add_timer_once(service_loop(s), 5, tiny_drained, s);
        break;
    case DRAIN_NEVER:
        break;
    case DRAIN_STUCK:
        for (;;)
            pause();
    }
}

static void tiny_stop(struct service *s)
{
    log_info(service_log(s), log_event("tiny_stopped"));
}

static int tiny_dump_store(struct service *s, FILE *out, struct err *e)
{
    (void)e;
    fprintf(out, "label %s\n", config_of(s)->label);
    return 0;
}

static int tiny_verify(struct service *s, FILE *out, struct err *e)
{
    (void)s;
    fputs("row 7 differs\n", out);
    return err_set(e, ERR_CORRUPT, "1 row differs");
}

static const struct service_mode tiny_modes[] = {
    {"--verify", "recompute everything and compare", tiny_verify}};

static const struct service_definition tiny = {
    .name = "tiny",
    .purpose = "does nothing, so that the harness can be tested.",
    .schema = tiny_rows,
    .schema_count = sizeof tiny_rows / sizeof *tiny_rows,
    .config_bytes = sizeof(struct tiny_config),
    .check = tiny_check,
    .open = tiny_open,
    .start = tiny_start,
    .drain = tiny_drain,
    .stop = tiny_stop,
    .dump_store = tiny_dump_store,
    .modes = tiny_modes,
    .mode_count = 1,
};

/* --- running it */

struct run {
    char directory[32];
    char config[64];
    pid_t pid;
    int out_fd; /* its stdout */
    int err_fd; /* its log */
    int ready_fd;
    char out[16384];
    char log[16384];
};

static void run_prepare(struct run *r, const char *yaml)
{
    *r = (struct run){.directory = "/tmp/test_harness_XXXXXX", .pid = -1};
    ck_assert_ptr_nonnull(mkdtemp(r->directory));
    snprintf(r->config, sizeof r->config, "%s/tiny.yaml", r->directory);
    FILE *f = fopen(r->config, "w");
    ck_assert_ptr_nonnull(f);
    fputs(yaml, f);
    fclose(f);
}

enum { ARGUMENTS_MAX = 8 };

/* main() may write to its arguments, so it gets copies. They are freed, as exit looks for leaks
 * when the sanitizer is built in. */
static int call_main(const char *const *arguments, const struct service_definition *definition)
{
    char *argv[ARGUMENTS_MAX + 1] = {NULL};
    int argc = 0;
    for (; argc < ARGUMENTS_MAX && arguments[argc]; argc++)
        argv[argc] = strdup(arguments[argc]);
    int code = service_main(argc, argv, definition);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    return code;
}

static void become_service(const int out[2], const int err[2], const int ready[2],
                           const char *const *arguments)
{
    char number[16];
    dup2(out[1], STDOUT_FILENO);
    dup2(err[1], STDERR_FILENO);
    close(out[0]);
    close(err[0]);
    close(ready[0]);
    if (!getenv("TONGHOP_READY_FD")) {
        snprintf(number, sizeof number, "%d", ready[1]);
        setenv("TONGHOP_READY_FD", number, 1);
    }
    exit(call_main(arguments, &tiny));
}

static void run_start(struct run *r, const char *const *arguments)
{
    int out[2], err[2], ready[2];
    ck_assert(pipe(out) == 0 && pipe(err) == 0 && pipe(ready) == 0);
    fflush(NULL);
    r->pid = fork();
    ck_assert_int_ge(r->pid, 0);
    if (r->pid == 0)
        become_service(out, err, ready, arguments);
    close(out[1]);
    close(err[1]);
    close(ready[1]);
    r->out_fd = out[0];
    r->err_fd = err[0];
    r->ready_fd = ready[0];
}

/* Up to the end of what the other side writes, or to `line` when it is given. */
static void read_until(int fd, char *to, size_t bytes, const char *line)
{
    size_t len = strlen(to);
    while (len + 1 < bytes && !(line && strstr(to, line))) {
        ssize_t got = read(fd, to + len, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        len += (size_t)got;
        to[len] = '\0';
    }
    ck_assert_msg(!line || strstr(to, line), "\"%s\" did not come, but:\n%s", line, to);
}

static void run_await_ready(struct run *r)
{
    char ready[16] = "";
    read_until(r->ready_fd, ready, sizeof ready, NULL);
    ck_assert_str_eq(ready, "ready\n");
}

/* The exit code, or 1000 + the signal. */
static int run_finish(struct run *r)
{
    int status = 0;
    read_until(r->out_fd, r->out, sizeof r->out, NULL);
    read_until(r->err_fd, r->log, sizeof r->log, NULL);
    ck_assert_int_eq(waitpid(r->pid, &status, 0), r->pid);
    close(r->out_fd);
    close(r->err_fd);
    close(r->ready_fd);
    unlink(r->config);
    rmdir(r->directory);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* Puts CONFIG where its path stands in the log: that is another one each time. */
static void name_config(struct run *r)
{
    static const char name[] = "CONFIG";
    size_t path_bytes = strlen(r->config);
    for (char *at; (at = strstr(r->log, r->config));) {
        memmove(at + sizeof name - 1, at + path_bytes, strlen(at + path_bytes) + 1);
        memcpy(at, name, sizeof name - 1);
    }
}

static void run_serve(struct run *r, const char *yaml)
{
    run_prepare(r, yaml);
    const char *const arguments[] = {"tonghop-tiny", "--config", r->config, NULL};
    run_start(r, arguments);
}

/* Runs to its own end, with `option` unless NULL. */
static int run_once(struct run *r, const char *yaml, const char *option)
{
    run_prepare(r, yaml);
    const char *const arguments[] = {"tonghop-tiny", "--config", r->config, option, NULL};
    run_start(r, arguments);
    return run_finish(r);
}

#define ck_assert_says(text, part)                                                                 \
    ck_assert_msg(strstr((text), (part)), "no %s in:\n%s", part, text)

/* --- ends */

START_TEST(sigterm_drains_and_exits_0)
{
    struct run r;
    run_serve(&r, "label: x\ntest: {drain: later}\n");
    run_await_ready(&r);
    kill(r.pid, SIGTERM);
    int code = run_finish(&r);
    ck_assert_msg(code == SERVICE_OK, "%d\n%s", code, r.log);
    ck_assert_str_eq(r.out, "draining\n");
    ck_assert_says(r.log, " level=info event=ready service=tiny version=");
    ck_assert_says(r.log, " level=info event=draining deadline_ms=10000\n");
    ck_assert_says(r.log, " event=tiny_stopped\n");
    ck_assert_says(r.log, " event=stopped code=0\n");
}
END_TEST

START_TEST(sigint_drains_as_well)
{
    struct run r;
    run_serve(&r, "label: x\n");
    run_await_ready(&r);
    kill(r.pid, SIGINT);
    ck_assert_int_eq(run_finish(&r), SERVICE_OK);
    ck_assert_str_eq(r.out, "draining\n");
}
END_TEST

static const struct {
    const char *reason;
    const char *yaml;
} ended_at_once[] = {
    {"a drain that waits", "label: x\ntest: {drain: never}\ndrain: {deadline: 10min}\n"},
    {"a drain that is stuck in its callback",
     "label: x\ntest: {drain: stuck}\ndrain: {deadline: 10min}\n"},
};

START_TEST(a_second_signal_ends_at_once)
{
    for (size_t i = 0; i < sizeof ended_at_once / sizeof *ended_at_once; i++) {
        struct run r;
        run_serve(&r, ended_at_once[i].yaml);
        run_await_ready(&r);
        kill(r.pid, SIGTERM);
        read_until(r.out_fd, r.out, sizeof r.out, "draining\n");
        kill(r.pid, SIGTERM);
        int code = run_finish(&r);
        ck_assert_msg(code == SERVICE_FAILED, "%s: %d\n%s", ended_at_once[i].reason, code, r.log);
        ck_assert_msg(!strstr(r.log, "event=stopped"), "%s:\n%s", ended_at_once[i].reason, r.log);
    }
}
END_TEST

START_TEST(a_drain_ends_at_its_deadline)
{
    struct run r;
    run_serve(&r, "label: x\ntest: {drain: never}\ndrain: {deadline: 100ms}\n");
    run_await_ready(&r);
    kill(r.pid, SIGTERM);
    ck_assert_int_eq(run_finish(&r), SERVICE_OK);
    ck_assert_says(r.log, " level=warn event=drain_deadline_passed after_ms=100 ");
    ck_assert_says(r.log, " event=tiny_stopped\n");
}
END_TEST

START_TEST(sighup_changes_nothing_and_says_what_would)
{
    struct run r;
    run_serve(&r, "label: x\n");
    run_await_ready(&r);
    kill(r.pid, SIGHUP);
    read_until(r.err_fd, r.log, sizeof r.log, "restart this service to take changes");
    ck_assert_says(r.log, "level=warn event=reload_refused");
    kill(r.pid, SIGTERM);
    ck_assert_int_eq(run_finish(&r), SERVICE_OK);
}
END_TEST

/* --- refusals */

static const struct {
    const char *reason;
    const char *yaml;
    const char *option;
    int code;
    const char *said; /* in the log, CONFIG for the path of the configuration */
} refusals[] = {
    {"an unknown key, serving", "lable: x\n", NULL, SERVICE_CONFIG_REFUSED,
     " level=error event=config_refused error=\"CONFIG:1:1: unknown key \\\"lable\\\": did you "
     "mean "
     "\\\"label\\\"?\"\n"},
    {"an unknown key, checking", "lable: x\n", "--check-config", SERVICE_CONFIG_REFUSED,
     "tonghop-tiny: CONFIG:1:1: unknown key \"lable\": did you mean \"label\"?\n"},
    {"a number with points", "label: x\ndrain: {deadline: 90.000ms}\n", "--check-config",
     SERVICE_CONFIG_REFUSED,
     "tonghop-tiny: CONFIG:2:19: deadline: \"90.000ms\": '.' at column 3 is not a digit: if it "
     "separates thousands, write 90000\n"},
    {"the service's own check", "label: x\ntest: {fail: check}\n", "--check-config",
     SERVICE_CONFIG_REFUSED, "tonghop-tiny: CONFIG:2:14: this fails the check\n"},
    {"the store", "label: x\ntest: {fail: open}\n", NULL, SERVICE_STORE_REFUSED,
     " event=store_refused error=\"open store /nowhere: page 3 is broken\"\n"},
    {"the store, dumping", "label: x\ntest: {fail: open}\n", "--dump-store", SERVICE_STORE_REFUSED,
     "tonghop-tiny: open store /nowhere: page 3 is broken\n"},
    {"start", "label: x\ntest: {fail: start}\n", NULL, SERVICE_FAILED,
     " level=error event=failed error=\"bind tcp://*:1: no\"\n"},
    {"while running", "label: x\ntest: {fail: run}\n", NULL, SERVICE_FAILED,
     " level=error event=failed error=\"the authentication handler died\"\n"},
    {"a mode that finds something", "label: x\n", "--verify", SERVICE_FAILED,
     "tonghop-tiny: 1 row differs\n"},
    {"an option nearly right", "label: x\n", "--dump-confg", SERVICE_USAGE,
     "tonghop-tiny: unknown option --dump-confg: did you mean --dump-config?\n"},
    {"a word where an option belongs", "label: x\n", "now", SERVICE_USAGE,
     "tonghop-tiny: unknown option now: --help lists those there are\n"},
    {"a second configuration", "label: x\n", "--config=y", SERVICE_USAGE,
     "tonghop-tiny: --config stands twice: give one file\n"},
};

START_TEST(what_is_wrong_is_said_and_coded)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct run r;
        int code = run_once(&r, refusals[i].yaml, refusals[i].option);
        name_config(&r);
        ck_assert_msg(code == refusals[i].code && strstr(r.log, refusals[i].said),
                      "%s: %d\nwant %s\n got %s", refusals[i].reason, code, refusals[i].said,
                      r.log);
    }
}
END_TEST

START_TEST(no_configuration_is_a_usage_error)
{
    struct run r;
    run_prepare(&r, "");
    const char *const arguments[] = {"tonghop-tiny", "--check-config", NULL};
    run_start(&r, arguments);
    ck_assert_int_eq(run_finish(&r), SERVICE_USAGE);
    ck_assert_str_eq(r.log, "tonghop-tiny: no configuration: give it with --config FILE\n");
}
END_TEST

START_TEST(a_configuration_that_is_not_there_is_refused)
{
    struct run r;
    run_prepare(&r, "");
    const char *const arguments[] = {"tonghop-tiny", "--config=/nonexistent.yaml", "--check-config",
                                     NULL};
    run_start(&r, arguments);
    ck_assert_int_eq(run_finish(&r), SERVICE_CONFIG_REFUSED);
    ck_assert_str_eq(r.log,
                     "tonghop-tiny: cannot open /nonexistent.yaml: No such file or directory\n");
}
END_TEST

/* --- what can be asked */

START_TEST(a_good_configuration_is_called_good)
{
    struct run r;
    ck_assert_int_eq(run_once(&r, "label: x\n", "--check-config"), SERVICE_OK);
    ck_assert_says(r.out, "tiny.yaml: the configuration is good\n");
    ck_assert_str_eq(r.log, "");
}
END_TEST

START_TEST(the_dumped_configuration_is_good_and_has_our_options)
{
    struct run r, again;
    ck_assert_int_eq(run_once(&r, "label: x\n", "--dump-config"), SERVICE_OK);
    ck_assert_says(r.out, "label: x\n");
    ck_assert_says(r.out, "log:\n");
    ck_assert_says(r.out, "  deadline: 10s\n");
    ck_assert_int_eq(run_once(&again, r.out, "--dump-config"), SERVICE_OK);
    ck_assert_str_eq(again.out, r.out);
}
END_TEST

START_TEST(the_store_is_dumped_read_only)
{
    struct run r;
    ck_assert_int_eq(run_once(&r, "label: x\nlog: {level: debug}\n", "--dump-store"), SERVICE_OK);
    ck_assert_str_eq(r.out, "label x\n");
    ck_assert_says(r.log, " level=debug event=opened read_only=1\n");
}
END_TEST

START_TEST(a_mode_prints_what_it_found)
{
    struct run r;
    ck_assert_int_eq(run_once(&r, "label: x\n", "--verify"), SERVICE_FAILED);
    ck_assert_str_eq(r.out, "row 7 differs\n");
}
END_TEST

START_TEST(help_names_options_keys_and_exit_codes)
{
    static const char *const parts[] = {"tonghop-tiny: does nothing",
                                        "--config FILE",
                                        "--verify         recompute",
                                        "  label: name of 1 to 32",
                                        "  test.drain: one of done, later",
                                        "  drain.deadline: 100ms to 10min; default 10s\n",
                                        "  3  the configuration is missing or wrong",
                                        "TONGHOP_READY_FD",
                                        "SIGHUP"};
    struct run r;
    run_prepare(&r, "");
    const char *const arguments[] = {"tonghop-tiny", "--help", NULL};
    run_start(&r, arguments);
    ck_assert_int_eq(run_finish(&r), SERVICE_OK);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        ck_assert_says(r.out, parts[i]);
}
END_TEST

/* --- readiness */

START_TEST(readiness_may_go_to_a_path)
{
    struct run r;
    char path[64], text[16] = "";
    run_prepare(&r, "label: x\n");
    snprintf(path, sizeof path, "%s/ready", r.directory);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    setenv("TONGHOP_READY_FD", path, 1);
    const char *const arguments[] = {"tonghop-tiny", "--config", r.config, NULL};
    FILE *holder = fopen(path, "r+"); /* a reader from before the service opens it */
    run_start(&r, arguments);
    read_until(fileno(holder), text, sizeof text, "ready\n");
    fclose(holder);
    kill(r.pid, SIGTERM);
    unlink(path);
    ck_assert_int_eq(run_finish(&r), SERVICE_OK);
}
END_TEST

START_TEST(nobody_to_tell_is_a_warning_only)
{
    struct run r;
    setenv("TONGHOP_READY_FD", "/nonexistent/ready", 1);
    setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
    run_serve(&r, "label: x\n");
    read_until(r.err_fd, r.log, sizeof r.log, "NOTIFY_SOCKET=/nonexistent/socket: ");
    ck_assert_says(r.log, "event=notify_failed error=\"cannot write to "
                          "TONGHOP_READY_FD=/nonexistent/ready: No such file or directory\"");
    kill(r.pid, SIGTERM);
    ck_assert_int_eq(run_finish(&r), SERVICE_OK);
}
END_TEST

static void await_datagram(int fd, const char *wanted)
{
    char text[64] = "";
    ck_assert_int_gt(recv(fd, text, sizeof text - 1, 0), 0);
    ck_assert_str_eq(text, wanted);
}

START_TEST(systemd_hears_ready_and_stopping)
{
    struct run r;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    run_prepare(&r, "label: x\n");
    snprintf(at.sun_path, sizeof at.sun_path, "%s/notify", r.directory);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&at, sizeof at), 0);
    setenv("NOTIFY_SOCKET", at.sun_path, 1);
    const char *const arguments[] = {"tonghop-tiny", "--config", r.config, NULL};
    run_start(&r, arguments);
    await_datagram(fd, "READY=1");
    kill(r.pid, SIGTERM);
    await_datagram(fd, "STOPPING=1");
    close(fd);
    unlink(at.sun_path);
    ck_assert_int_eq(run_finish(&r), SERVICE_OK);
}
END_TEST

/* --- when start gives no readiness of its own */

static void tiny_ready_now(void *arg)
{
    service_ready(arg);
    service_ready(arg);
    service_drained(arg);
}

static int tiny_start_later(struct service *s, struct err *e)
{
    (void)e;
    fputs("started\n", stdout);
    fflush(stdout);
    loop_add_timer_once(service_loop(s), 1, tiny_ready_now, s);
    return 0;
}

START_TEST(a_service_may_be_ready_later_and_is_so_once)
{
    struct service_definition later = tiny;
    char text[8192] = "";
    struct run r;
    int err[2];
    run_prepare(&r, "label: x\n");
    ck_assert_int_eq(pipe(err), 0);
    later.start = tiny_start_later;
    later.ready_later = true;
    const char *const arguments[] = {"tonghop-tiny", "--config", r.config, NULL};
    fflush(NULL);
    r.pid = fork();
    if (r.pid == 0) {
        dup2(err[1], STDOUT_FILENO);
        dup2(err[1], STDERR_FILENO);
        close(err[0]);
        exit(call_main(arguments, &later));
    }
    close(err[1]);
    read_until(err[0], text, sizeof text, NULL);
    int status = 0;
    waitpid(r.pid, &status, 0);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%d\n%s", status, text);
    const char *started = strstr(text, "started\n");
    const char *ready = strstr(text, "event=ready");
    ck_assert_msg(started && ready && started < ready, "%s", text);
    ck_assert_msg(!strstr(ready + 1, "event=ready"), "%s", text);
    unlink(r.config);
    rmdir(r.directory);
}
END_TEST

SUITE_MAIN("service/harness", sigterm_drains_and_exits_0, sigint_drains_as_well,
           a_second_signal_ends_at_once, a_drain_ends_at_its_deadline,
           sighup_changes_nothing_and_says_what_would, what_is_wrong_is_said_and_coded,
           no_configuration_is_a_usage_error, a_configuration_that_is_not_there_is_refused,
           a_good_configuration_is_called_good,
           the_dumped_configuration_is_good_and_has_our_options, the_store_is_dumped_read_only,
           a_mode_prints_what_it_found, help_names_options_keys_and_exit_codes,
           readiness_may_go_to_a_path, nobody_to_tell_is_a_warning_only,
           systemd_hears_ready_and_stopping, a_service_may_be_ready_later_and_is_so_once)
