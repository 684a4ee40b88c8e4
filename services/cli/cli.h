/* What the commands share: the table they stand in, their arguments, the links to the services, how
 * they speak. One file a command (cmd_*.c); a command prints to stdout what was asked for, to
 * stderr what went on, and returns an exit code. */
#ifndef TONGHOP_CLI_CLI_H
#define TONGHOP_CLI_CLI_H

#include "common/client/request.h"
#include "common/client/submit_client.h"
#include "common/model/period.h"
#include "common/wire/query_wire.h"
#include "services/cli/cli_config.h"

#include <stdio.h>

enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,  /* anything that is none of the below */
    CLI_USAGE = 2,   /* the command line, configuration or key file is wrong; nothing was done */
    CLI_REFUSED = 3, /* the input, or some rows of it, was refused; the rest went through */
    CLI_UNREACHABLE = 4, /* no answer, or not now; what was to be sent is kept */
    CLI_DENIED = 5,      /* this key may not do that */
};

enum { CLI_OPTIONS_MAX = 16, CLI_TIMEOUT_MS = 10000, CLI_KEY_NAME_BYTES = 17 };

struct cli;
struct cli_args;

struct cli_option {
    const char *name;  /* without the dashes */
    const char *value; /* what stands behind it, for --help; NULL: a switch */
    const char *help;  /* further lines are indented when printed */
};

struct cli_command {
    const char *name;  /* one word, or two: "plan apply" */
    const char *words; /* for the usage line: "UNIT INDICATOR PERIOD"; "" for none */
    unsigned words_min;
    unsigned words_max;
    const char *summary; /* one line, in the list of commands */
    const char *help;    /* paragraphs that teach, with an example */
    const struct cli_option *options;
    size_t option_count;
    int (*run)(struct cli *cli, const struct cli_args *args); /* returns an enum cli_exit */
};

struct cli_args {
    const struct cli_command *command;
    const char *const *words;
    unsigned word_count;
    const char *values[CLI_OPTIONS_MAX]; /* of the command's options, in their order */
};

struct cli {
    FILE *out;
    FILE *err;
    bool english;            /* --lang en; else Vietnamese where officers read */
    const char *config_path; /* --config; NULL: looked for */
    const char *key_path;    /* --key; NULL: the configuration's */
    int timeout_ms;
    bool misconfigured; /* what failed was reading the configuration or a key */
    struct cli_config config;
    struct net *net;
};

extern const struct cli_command *const cli_commands[];
extern const size_t cli_command_count;

/* The whole of main(), with streams for tests. Returns an enum cli_exit. */
int cli_main(int argc, char **argv, FILE *out, FILE *err);

/* ---- arguments ---- */

/* The value of --name ("" for a switch that was given); NULL when it was not given. */
const char *cli_option(const struct cli_args *args, const char *name);
static inline bool cli_switch(const struct cli_args *args, const char *name)
{
    return cli_option(args, name) != NULL;
}
/* A whole number behind --name; `standard` when not given. ERR_INVALID names the option. */
int cli_option_number(const struct cli_args *args, const char *name, uint64_t max,
                      uint64_t standard, uint64_t *out, struct err *e);
int cli_option_day(const struct cli_args *args, const char *name, day_t standard, day_t *out,
                   struct err *e);
/* A word of the command line as an identifier; `what` names it in the sentence. */
int cli_ident(const char *word, const char *what, struct ident *out, struct err *e);
/* The words of a figure, with sentences for officers that name the word: ERR_INVALID. */
int cli_unit(const struct cli *cli, const char *word, struct ident *out, struct err *e);
int cli_indicator(const struct cli *cli, const char *word, struct ident *out, struct err *e);
/* "2024-09-05", "2024-09", "hc:2024-09" …, or "2024-09-05..2024-10-05" for any run of days. */
int cli_days(const struct cli *cli, const char *word, struct period *out, struct err *e);
/* The value of --reported-at: as cli_time. */
int cli_reported_at(const struct cli *cli, const char *word, int64_t *out_ms, struct err *e);
/* A day or a time: "2024-09-05" is its first moment; "now" the machine's clock. */
int cli_time(const char *word, int64_t *out_ms, struct err *e);
int64_t cli_now_ms(void);

/* ---- speaking ---- */

/* One of two format strings, by language; both are checked against the arguments. */
const char *cli_say(const struct cli *cli, const char *vietnamese, const char *english)
    __attribute__((format_arg(2), format_arg(3)));
/* Prints the sentence to cli->err and returns the exit code that its code stands for. */
int cli_fail(const struct cli *cli, const struct err *e);
int cli_exit_of(int code);
int cli_usage(const struct cli *cli, const struct err *e); /* prints, returns CLI_USAGE */
/* The same of a question that the aggregator refused: CLI_REFUSED or CLI_DENIED. */
int cli_fail_refused(const struct cli *cli, const struct err *e);
/* A refusal that stops all sending: its sentence; CLI_DENIED, or CLI_UNREACHABLE when it passes. */
int cli_fail_blocked(const struct cli *cli, enum refusal refusal);

/* ---- services ---- */

enum cli_service { CLI_COLLECTOR, CLI_AGGREGATOR, CLI_NOTIFIER, CLI_SERVICE_COUNT };
extern const char *const cli_service_names[CLI_SERVICE_COUNT];

/* The configuration, read once; every command that speaks to a service calls it first. */
int cli_load_config(struct cli *cli, struct err *e);
/* Endpoint and keys of a service and of ours; makes the net. Wipe out->self after use. */
int cli_peer(struct cli *cli, enum cli_service service, struct request_peer *out, struct err *e);
int cli_connect(struct cli *cli, enum cli_service service, struct request **out, struct err *e);
/* A question over a link, asked again while the service says that it is not ready for it
 * (ERR_AGAIN), for --timeout in all; that it waits is told when it lasts. Each answer may take
 * timeout_ms. Else as request_ask; `e` is not NULL. */
int cli_request(struct request *link, const struct cli *cli, enum wire_kind kind,
                struct slice message, int timeout_ms, struct buf *reply, struct err *e);
/* Asks over a new link and closes it: for commands with one question. */
int cli_ask(struct cli *cli, enum cli_service service, enum wire_kind kind, struct slice message,
            struct buf *reply, struct err *e);
/* One Apply: sent, answered, its refusal turned into *e. *offset (nullable): the journal entry. */
int cli_apply(struct request *link, const struct cli *cli, const struct wire_apply *apply,
              uint64_t *offset, struct err *e);
/* Questions in chunks over one link; *answers (in the arena) has one for each, in order. */
int cli_query(struct request *link, const struct cli *cli, const struct wire_query *query,
              struct arena *arena, struct wire_query_reply *out, struct err *e);

/* One page of a cell's history, in the arena; *t asks for the next one afterwards, if out->more. A
 * question that was refused: *e has the answer's code and sentence, out->code is not 0. */
int cli_trace(struct request *link, const struct cli *cli, struct wire_trace *t,
              struct arena *arena, struct wire_trace_reply *out, struct err *e);

/* The indicators of all plans, in the arena; the reply's units are the roots. */
int cli_indicators(struct request *link, const struct cli *cli, struct arena *arena,
                   struct wire_units_reply *out, struct err *e);
/* NULL when there is none of that id. */
const struct wire_indicator_info *cli_find_indicator(const struct wire_units_reply *r,
                                                     const char *id);

/* The civil day of the journal, as the service at the other end has it. */
int cli_journal_day(struct request *link, const struct cli *cli, day_t *out, struct err *e);

/* The first digits of a key, for the name of a folder; returns out. */
const char *cli_key_name(const struct net_key *key, char out[CLI_KEY_NAME_BYTES]);

/* Set by SIGINT and SIGTERM once cli_catch_signals was called; waits end soon after. */
extern volatile sig_atomic_t cli_stop;
void cli_catch_signals(void);

/* Creates `path` and its parents, private. */
int cli_make_directories(const char *path, struct err *e);

#endif
