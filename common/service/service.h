/* The process harness: the one place with argument parsing, the log, counters, signals, readiness,
 * drain and exit codes. A main.c fills a service_definition and returns service_main().
 *
 *   --config FILE    the configuration (required for all but --help and --version)
 *   --check-config   read and check it, start nothing
 *   --dump-config    print what is in effect, defaults included, as YAML
 *   --dump-store     print the service's own store as text
 *   --help           what it is for, every option of the configuration, signals, exit codes
 *   --version
 *   and the modes of the definition ("--verify").
 *
 * Order of a run: read configuration, check, open, start, ready, loop; SIGTERM or SIGINT: drain,
 * stop, exit 0, also when drain.deadline passed (which is logged). A second one ends the process at
 * once with 1 (the stores are crash-safe), even one that is stuck.
 * SIGHUP is answered with a log line: configuration is read at start, restart to take changes.
 *
 * Readiness is told three ways: the log line event=ready; "ready\n" written to TONGHOP_READY_FD
 * (a number: that descriptor; else a path), then closed; READY=1 to systemd's NOTIFY_SOCKET.
 *
 * Two options belong to every service and stand in each sample file: log.level and
 * drain.deadline. */
#ifndef TONGHOP_SERVICE_SERVICE_H
#define TONGHOP_SERVICE_SERVICE_H

#include "common/base/err.h"
#include "common/config/schema.h"
#include "common/service/counters.h"
#include "common/service/log.h"

enum service_exit {
    SERVICE_OK = 0,
    SERVICE_FAILED = 1,         /* at run time, or ended by a second signal */
    SERVICE_USAGE = 2,          /* the command line is wrong */
    SERVICE_CONFIG_REFUSED = 3, /* the configuration file is missing or wrong */
    SERVICE_STORE_REFUSED = 4,  /* the store cannot be opened: corrupt, newer, in use, no access */
};

enum { SERVICE_CONFIG_BYTES_MAX = 1024 * 1024 };

struct loop;    /* common/net/loop.h */
struct service; /* opaque; one a process */

/* A further thing the program does instead of serving: opened (for reading), run, stopped. What it
 * finds goes to stdout; a negative err_code ends the process with 1 and the sentence. */
struct service_mode {
    const char *option; /* "--verify" */
    const char *help;
    int (*run)(struct service *s, FILE *out, struct err *e);
};

struct service_definition {
    const char *name;    /* "collector"; the program is tonghop-collector */
    const char *purpose; /* a sentence or two, for --help */

    const struct schema_row *schema; /* destinations in a struct of config_bytes, zeroed at first */
    size_t schema_count;
    size_t config_bytes;
    const struct schema_part *shared; /* shown before these: common/service/endpoint_config.h */
    size_t shared_count;

    /* All below may be NULL unless said otherwise; those that return int give 0 or an err_code. */

    /* What a table row cannot say (two options that contradict each other, a key that does not
     * decode): part of --check-config, so nothing is opened here. doc is for doc_error. */
    int (*check)(const void *config, const struct doc *doc, struct err *e);
    void (*config_fini)(void *config); /* what list callbacks have allocated; may be half-filled */

    /* Opens the store. read_only: for --dump-store and modes, perhaps beside a running service.
     * Failure ends the process with SERVICE_STORE_REFUSED. */
    int (*open)(struct service *s, bool read_only, struct err *e);
    /* Sockets, timers, handlers on service_loop(s). Required. Failure: SERVICE_FAILED. */
    int (*start)(struct service *s, struct err *e);
    bool ready_later; /* the service calls service_ready itself (when caught up), not start's end */
    /* Called once at SIGTERM or SIGINT: stop intake, finish what is in hand, then call
     * service_drained (here or from a later handler). NULL: there is nothing to finish. */
    void (*drain)(struct service *s);
    /* Undoes open and start, also half done; called once, after the loop or a failure. */
    void (*stop)(struct service *s);

    int (*dump_store)(struct service *s, FILE *out, struct err *e);
    const struct service_mode *modes;
    size_t mode_count;
};

/* The whole of main(). Returns an enum service_exit. */
int service_main(int argc, char **argv, const struct service_definition *definition);

/* What the callbacks use. All borrowed, valid until stop has returned. */
const void *service_config(const struct service *s); /* the filled struct of the definition */
const char *service_name(const struct service *s);
const struct doc *service_doc(const struct service *s); /* where the configuration came from */
struct loop *service_loop(struct service *s);           /* NULL for read-only modes */
const struct log *service_log(const struct service *s);
struct counters *service_counters(struct service *s);
void service_set_state(struct service *s, void *state); /* the service's own struct */
void *service_state(const struct service *s);

void service_ready(struct service *s); /* with ready_later; a second call does nothing */
/* Drain is over: exit 0. The loop goes on for a moment, in which peers read what was answered. */
void service_drained(struct service *s);
bool service_draining(const struct service *s);
/* Something that cannot be worked round (the authentication handler died): logged, the loop stops
 * without a drain, exit 1. */
void service_fail(struct service *s, const struct err *e);

#endif
