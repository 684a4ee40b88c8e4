#include "common/service/service_arguments.h"

#include "common/base/text.h"

#include <string.h>

static const struct {
    const char *option;
    enum service_action action;
    const char *help;
} actions[] = {
    {"--check-config", SERVICE_CHECK_CONFIG, "read and check the configuration, start nothing"},
    {"--dump-config", SERVICE_DUMP_CONFIG, "print the configuration in effect, defaults included"},
    {"--dump-store", SERVICE_DUMP_STORE, "print this service's own store as text"},
    {"--help", SERVICE_HELP, "print this page"},
    {"--version", SERVICE_VERSION, "print the version"},
};

enum {
    ACTION_COUNT = sizeof actions / sizeof *actions,
    OPTIONS_MAX = 32, /* of all kinds, for the nearest name */
};

static bool find_action(const struct service_definition *d, const char *option,
                        struct service_arguments *out)
{
    for (size_t i = 0; i < ACTION_COUNT; i++) {
        if (strcmp(actions[i].option, option) == 0) {
            out->action = actions[i].action;
            return out->action != SERVICE_DUMP_STORE || d->dump_store;
        }
    }
    for (size_t i = 0; i < d->mode_count; i++) {
        if (strcmp(d->modes[i].option, option) == 0) {
            out->action = SERVICE_MODE;
            out->mode = &d->modes[i];
            return true;
        }
    }
    return false;
}

static int refuse_option(const struct service_definition *d, const char *option, struct err *e)
{
    const char *names[OPTIONS_MAX] = {"--config"};
    size_t count = 1;
    for (size_t i = 0; i < ACTION_COUNT; i++)
        if (actions[i].action != SERVICE_DUMP_STORE || d->dump_store)
            names[count++] = actions[i].option;
    for (size_t i = 0; i < d->mode_count && count < OPTIONS_MAX; i++)
        names[count++] = d->modes[i].option;
    const char *nearest = text_nearest(slice_str(option), names, count);
    if (nearest)
        return err_set(e, ERR_INVALID, "unknown option %s: did you mean %s?", option, nearest);
    return err_set(e, ERR_INVALID, "unknown option %s: --help lists those there are", option);
}

static int take_action(const struct service_definition *d, const char *option,
                       struct service_arguments *out, struct err *e)
{
    bool second = out->action != SERVICE_RUN;
    if (!find_action(d, option, out))
        return refuse_option(d, option, e);
    if (second)
        return err_set(e, ERR_INVALID, "%s is one thing to do too many: give one at a time",
                       option);
    return 0;
}

static int take_config(const char *path, struct service_arguments *out, struct err *e)
{
    if (!path || !*path)
        return err_set(e, ERR_INVALID, "--config wants a file behind it: --config FILE");
    if (out->config_path)
        return err_set(e, ERR_INVALID, "--config stands twice: give one file");
    out->config_path = path;
    return 0;
}

int service_arguments_parse(const struct service_definition *d, int argc, char **argv,
                            struct service_arguments *out, struct err *e)
{
    static const char config_is[] = "--config=";
    int rc = 0;
    *out = (struct service_arguments){.action = SERVICE_RUN};
    for (int i = 1; rc == 0 && i < argc; i++) {
        if (strcmp(argv[i], "--config") == 0)
            rc = take_config(i + 1 < argc ? argv[++i] : NULL, out, e);
        else if (strncmp(argv[i], config_is, sizeof config_is - 1) == 0)
            rc = take_config(argv[i] + sizeof config_is - 1, out, e);
        else
            rc = take_action(d, argv[i], out, e);
    }
    if (rc == 0 && !out->config_path && out->action != SERVICE_HELP &&
        out->action != SERVICE_VERSION)
        rc = err_set(e, ERR_INVALID, "no configuration: give it with --config FILE");
    return rc;
}

static void print_options(const struct service_definition *d, FILE *out)
{
    fprintf(out, "  %-16s %s\n", "--config FILE", "the configuration, YAML; always needed");
    for (size_t i = 0; i < ACTION_COUNT; i++)
        if (actions[i].action != SERVICE_DUMP_STORE || d->dump_store)
            fprintf(out, "  %-16s %s\n", actions[i].option, actions[i].help);
    for (size_t i = 0; i < d->mode_count; i++)
        fprintf(out, "  %-16s %s\n", d->modes[i].option, d->modes[i].help);
}

static const char manual_tail[] =
    "\nSignals\n"
    "  SIGTERM, SIGINT  take nothing new, finish what is in hand, end; a second one ends at once,\n"
    "                   which loses nothing acknowledged\n"
    "  SIGHUP           nothing: the configuration is read at start, restart to take changes\n"
    "\nExit codes\n"
    "  0  ended as asked\n"
    "  1  failed at run time, or ended by a second signal\n"
    "  2  the command line is wrong\n"
    "  3  the configuration is missing or wrong: the message names file, line and column\n"
    "  4  the store was refused: the message says why; nothing in it was changed\n"
    "\nReadiness\n"
    "  The log line event=ready; \"ready\" and a newline to TONGHOP_READY_FD (a descriptor's "
    "number\n"
    "  or a path); READY=1 to NOTIFY_SOCKET (systemd, Type=notify).\n";

void service_arguments_help(const struct service_definition *d, const struct schema_row *rows,
                            size_t count, FILE *out)
{
    fprintf(out, "tonghop-%s: %s\n\n", d->name, d->purpose);
    fprintf(out, "Usage\n  tonghop-%s --config FILE [OPTION]\n\n", d->name);
    fprintf(out,
            "Without an option it serves until it is told to stop. To begin: write the file,\n"
            "try it with --check-config, see the whole of it with --dump-config.\n\nOptions\n");
    print_options(d, out);
    fprintf(out, "\nConfiguration (a key a.b is the key b, indented, under a:)\n");
    schema_help(rows, count, out);
    fputs(manual_tail, out);
}
