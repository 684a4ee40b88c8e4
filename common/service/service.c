#include "common/service/service.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/net/loop.h"
#include "common/service/service_arguments.h"
#include "common/service/service_notify.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* What every service has, behind its own options in one file. */
struct own_config {
    size_t log_level; /* enum log_level */
    int64_t drain_ms;
};

struct service {
    const struct service_definition *definition;
    struct schema_row *rows; /* shared ones, the definition's, ours */
    size_t row_count;
    struct doc *doc;
    void *config; /* of the definition */
    struct own_config own;
    struct log log;
    struct counters *counters;
    struct loop *loop;
    int signal_fd;
    void *state;
    bool ready;
    bool draining;
    bool drained;
    bool failed;
};

static const char *const log_levels[] = {"debug", "info", "warn", "error", NULL};

static const struct schema_row own_rows[] = {
    {
        .key = "log.level",
        .type = SCHEMA_CHOICE,
        .choices = log_levels,
        .standard = "info",
        .help = "The least weight of a line that is still logged.",
        SCHEMA_AT(struct own_config, log_level),
    },
    {
        .key = "drain.deadline",
        .type = SCHEMA_DURATION,
        .minimum = 100,
        .maximum = 600000,
        .standard = "10s",
        .help = "How long SIGTERM waits for what is in hand. Keep it below the stop grace of "
                "whatever starts this service.",
        SCHEMA_AT(struct own_config, drain_ms),
    },
};

enum {
    OWN_ROWS = sizeof own_rows / sizeof *own_rows,
    /* A peer that sees its link go forgets what it has received and not read yet (ZMQ_IMMEDIATE):
     * so long it has for reading the last answers. */
    LAST_WORDS_MS = 50,
};

/* --- what the callbacks use */

const void *service_config(const struct service *s)
{
    return s->config;
}

const char *service_name(const struct service *s)
{
    return s->definition->name;
}

const struct doc *service_doc(const struct service *s)
{
    return s->doc;
}

struct loop *service_loop(struct service *s)
{
    return s->loop;
}

const struct log *service_log(const struct service *s)
{
    return &s->log;
}

struct counters *service_counters(struct service *s)
{
    return s->counters;
}

void service_set_state(struct service *s, void *state)
{
    s->state = state;
}

void *service_state(const struct service *s)
{
    return s->state;
}

bool service_draining(const struct service *s)
{
    return s->draining;
}

static void tell_systemd(struct service *s, const char *state)
{
    struct err e;
    if (service_notify_systemd(state, &e) != 0)
        log_warn(&s->log, log_event("notify_failed"), log_err(&e));
}

void service_ready(struct service *s)
{
    struct err e;
    if (s->ready)
        return;
    s->ready = true;
    log_info(&s->log, log_event("ready"), log_text("service", s->definition->name),
             log_text("version", TONGHOP_VERSION), log_int("pid", getpid()));
    if (service_notify_ready_fd(&e) != 0)
        log_warn(&s->log, log_event("notify_failed"), log_err(&e));
    tell_systemd(s, "READY=1");
}

static void on_last_words(void *arg)
{
    struct service *s = arg;
    loop_stop(s->loop);
}

void service_drained(struct service *s)
{
    if (s->drained)
        return;
    s->drained = true;
    loop_add_timer_once(s->loop, LAST_WORDS_MS, on_last_words, s);
}

void service_fail(struct service *s, const struct err *e)
{
    s->failed = true;
    log_error(&s->log, log_event("failed"), log_err(e));
    if (s->loop)
        loop_stop(s->loop);
}

/* --- configuration: several tables, one block, one file */

/* Where our struct is read to, behind the definition's, so that one pass knows all keys. */
static size_t own_at(const struct service *s)
{
    return (s->definition->config_bytes + 15) / 16 * 16;
}

static void add_rows(struct service *s, struct schema_part part)
{
    for (size_t i = 0; i < part.count; i++) {
        struct schema_row *row = &s->rows[s->row_count++];
        *row = part.rows[i];
        row->offset += part.offset;
    }
}

static void join_rows(struct service *s)
{
    const struct service_definition *d = s->definition;
    size_t count = d->schema_count + OWN_ROWS;
    for (size_t i = 0; i < d->shared_count; i++)
        count += d->shared[i].count;
    s->rows = alloc_zeroed(count, sizeof *s->rows);
    for (size_t i = 0; i < d->shared_count; i++)
        add_rows(s, d->shared[i]);
    add_rows(s, (struct schema_part){d->schema, d->schema_count, 0});
    add_rows(s, (struct schema_part){own_rows, OWN_ROWS, own_at(s)});
}

static int read_config(struct service *s, struct err *e)
{
    const struct service_definition *d = s->definition;
    s->config = alloc_zeroed(1, own_at(s) + sizeof s->own);
    int rc = schema_load(s->rows, s->row_count, s->doc, s->config, e);
    memcpy(&s->own, (char *)s->config + own_at(s), sizeof s->own);
    if (rc == 0 && d->check)
        rc = d->check(s->config, s->doc, e);
    return rc;
}

static int load_config(struct service *s, const char *path, struct err *e)
{
    int rc = doc_load(path, SERVICE_CONFIG_BYTES_MAX, &s->doc, e);
    if (rc == 0)
        rc = read_config(s, e);
    if (rc == 0)
        s->log.level = (enum log_level)s->own.log_level;
    return rc;
}

/* --- signals */

static const int ending_signals[] = {SIGTERM, SIGINT};

static sigset_t signal_set(bool hangup)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < 2; i++)
        sigaddset(&set, ending_signals[i]);
    if (hangup)
        sigaddset(&set, SIGHUP);
    return set;
}

static void end_at_once(int number)
{
    (void)number;
    _exit(SERVICE_FAILED);
}

/* Installed although the loop reads signals from a descriptor: it acts while they are not blocked,
 * that is while the store is being opened and again from the first signal on, whatever the loop is
 * stuck in. A handler and not the default action, because process 1 of a container ignores that. */
static void install_handlers(void)
{
    struct sigaction end = {.sa_handler = end_at_once};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    for (size_t i = 0; i < 2; i++)
        sigaction(ending_signals[i], &end, NULL);
    sigaction(SIGPIPE, &ignore, NULL); /* a peer that went away is an error of write */
    sigset_t hangup;
    sigemptyset(&hangup);
    sigaddset(&hangup, SIGHUP);
    sigprocmask(SIG_BLOCK, &hangup, NULL); /* answered from the loop, once it runs */
}

static void begin_drain(struct service *s);

static void on_signal(void *arg)
{
    struct service *s = arg;
    struct signalfd_siginfo info;
    if (read(s->signal_fd, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    if (info.ssi_signo == SIGHUP)
        log_warn(&s->log, log_event("reload_refused"),
                 log_text("message", "the configuration is read at start: restart this service to "
                                     "take changes"));
    else if (!s->draining)
        begin_drain(s);
}

/* Blocked before start, so that the threads that start makes never take one. */
static int take_signals(struct service *s, struct err *e)
{
    sigset_t set = signal_set(true);
    sigprocmask(SIG_BLOCK, &set, NULL);
    s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s->signal_fd < 0)
        return err_set(e, ERR_IO, "signalfd: %s", strerror(errno));
    loop_add_fd(s->loop, s->signal_fd, LOOP_READ, on_signal, s);
    return 0;
}

/* --- drain */

static void on_drain_deadline(void *arg)
{
    struct service *s = arg;
    log_warn(&s->log, log_event("drain_deadline_passed"), log_int("after_ms", s->own.drain_ms),
             log_text("message", "what was in hand is taken up again at the next start"));
    service_drained(s);
}

static void begin_drain(struct service *s)
{
    sigset_t ending = signal_set(false);
    s->draining = true;
    log_info(&s->log, log_event("draining"), log_int("deadline_ms", s->own.drain_ms));
    tell_systemd(s, "STOPPING=1");
    sigprocmask(SIG_UNBLOCK, &ending, NULL); /* the next one: end_at_once */
    loop_add_timer_once(s->loop, s->own.drain_ms, on_drain_deadline, s);
    if (s->definition->drain)
        s->definition->drain(s);
    else
        service_drained(s);
}

/* --- the ways to run */

static int open_store(struct service *s, bool read_only, struct err *e)
{
    if (s->definition->open && s->definition->open(s, read_only, e) != 0)
        return SERVICE_STORE_REFUSED;
    return SERVICE_OK;
}

static int start(struct service *s, struct err *e)
{
    if (take_signals(s, e) != 0 || s->definition->start(s, e) != 0)
        return SERVICE_FAILED;
    if (!s->definition->ready_later)
        service_ready(s);
    return SERVICE_OK;
}

static int serve_until_stopped(struct service *s, struct err *e)
{
    if (!s->failed && !s->drained && loop_run(s->loop, e) != 0)
        return SERVICE_FAILED;
    return SERVICE_OK;
}

/* Callbacks may use the loop in stop, so it goes last. */
static void stop(struct service *s)
{
    if (s->definition->stop)
        s->definition->stop(s);
    if (s->signal_fd >= 0) {
        loop_remove_fd(s->loop, s->signal_fd);
        close(s->signal_fd);
    }
    loop_destroy(s->loop);
}

static int serve(struct service *s, struct err *e)
{
    install_handlers();
    s->loop = loop_create();
    log_info(&s->log, log_event("starting"), log_text("service", s->definition->name),
             log_text("version", TONGHOP_VERSION), log_text("config", doc_name(s->doc)));
    int code = open_store(s, false, e);
    if (code == SERVICE_OK)
        code = start(s, e);
    if (code == SERVICE_OK)
        code = serve_until_stopped(s, e);
    if (code != SERVICE_OK)
        log_error(&s->log, log_event(code == SERVICE_STORE_REFUSED ? "store_refused" : "failed"),
                  log_err(e));
    stop(s);
    if (s->failed)
        code = SERVICE_FAILED; /* service_fail has said why */
    log_info(&s->log, log_event("stopped"), log_int("code", code));
    return code;
}

static int flush_output(FILE *out, struct err *e)
{
    if (fflush(out) == 0 && !ferror(out))
        return 0;
    return err_set(e, ERR_IO, "cannot write to standard output: %s", strerror(errno));
}

/* A mode, or --dump-store (mode is NULL). */
static int run_mode(struct service *s, const struct service_mode *mode, struct err *e)
{
    int code = open_store(s, true, e);
    if (code == SERVICE_OK) {
        int rc = mode ? mode->run(s, stdout, e) : s->definition->dump_store(s, stdout, e);
        if (rc == 0)
            rc = flush_output(stdout, e);
        code = rc == 0 ? SERVICE_OK : SERVICE_FAILED;
    }
    if (s->definition->stop)
        s->definition->stop(s);
    return code;
}

static int dump_config(struct service *s, struct err *e)
{
    schema_dump(s->rows, s->row_count, s->doc, stdout);
    return flush_output(stdout, e) == 0 ? SERVICE_OK : SERVICE_FAILED;
}

/* What people asked for by an option is answered in plain sentences; a service logs. */
static int answer(struct service *s, int code, const struct err *e)
{
    if (code != SERVICE_OK)
        fprintf(stderr, "tonghop-%s: %s\n", s->definition->name, e->text);
    return code;
}

static int run_configured(struct service *s, const struct service_arguments *a)
{
    struct err e = {0};
    switch (a->action) {
    case SERVICE_RUN:
        return serve(s, &e);
    case SERVICE_CHECK_CONFIG:
        printf("%s: the configuration is good\n", a->config_path);
        return SERVICE_OK;
    case SERVICE_DUMP_CONFIG:
        return answer(s, dump_config(s, &e), &e);
    case SERVICE_DUMP_STORE:
    case SERVICE_MODE:
        return answer(s, run_mode(s, a->mode, &e), &e);
    case SERVICE_HELP:
    case SERVICE_VERSION:
        break;
    }
    return SERVICE_OK;
}

static int run_with_config(struct service *s, const struct service_arguments *a)
{
    struct err e = {0};
    if (load_config(s, a->config_path, &e) == 0)
        return run_configured(s, a);
    if (a->action == SERVICE_RUN)
        log_error(&s->log, log_event("config_refused"), log_err(&e));
    else
        answer(s, SERVICE_CONFIG_REFUSED, &e);
    return SERVICE_CONFIG_REFUSED;
}

static int run(struct service *s, const struct service_arguments *a)
{
    switch (a->action) {
    case SERVICE_HELP:
        service_arguments_help(s->definition, s->rows, s->row_count, stdout);
        return SERVICE_OK;
    case SERVICE_VERSION:
        printf("tonghop-%s %s\n", s->definition->name, TONGHOP_VERSION);
        return SERVICE_OK;
    case SERVICE_RUN:
    case SERVICE_CHECK_CONFIG:
    case SERVICE_DUMP_CONFIG:
    case SERVICE_DUMP_STORE:
    case SERVICE_MODE:
        break;
    }
    return run_with_config(s, a);
}

static void service_fini(struct service *s)
{
    if (s->config && s->definition->config_fini)
        s->definition->config_fini(s->config);
    free(s->config);
    free(s->rows);
    doc_destroy(s->doc);
    counters_destroy(s->counters);
}

int service_main(int argc, char **argv, const struct service_definition *definition)
{
    struct err e;
    struct service_arguments arguments;
    struct service s = {.definition = definition,
                        .log = {.fd = STDERR_FILENO, .level = LOG_LEVEL_INFO},
                        .signal_fd = -1};
    require(definition->start);
    if (service_arguments_parse(definition, argc, argv, &arguments, &e) != 0) {
        fprintf(stderr, "tonghop-%s: %s\n", definition->name, e.text);
        return SERVICE_USAGE;
    }
    s.counters = counters_create();
    join_rows(&s);
    int code = run(&s, &arguments);
    service_fini(&s);
    return code;
}
