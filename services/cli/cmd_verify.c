/* What the services check themselves, each its own store and file: run as programs, since nobody
 * else opens them. */
#include "services/cli/cmd.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

/* Beside this program where it lies there, else looked for in PATH. */
static void find_program(const char *name, char *out, size_t bytes)
{
    char self[PATH_BYTES];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    snprintf(out, bytes, "%s", name);
    if (len <= 0)
        return;
    self[len] = '\0';
    char *slash = strrchr(self, '/');
    if (!slash)
        return;
    char beside[2 * PATH_BYTES];
    snprintf(beside, sizeof beside, "%.*s/%s", (int)(slash - self), self, name);
    if (access(beside, X_OK) == 0)
        snprintf(out, bytes, "%s", beside);
}

static int run_program(struct cli *cli, const char *name, const char *config, const char *mode)
{
    char path[2 * PATH_BYTES], *argv[] = {path, NULL, NULL, NULL, NULL};
    char option[] = "--config", config_copy[PATH_BYTES], mode_copy[32];
    find_program(name, path, sizeof path);
    snprintf(config_copy, sizeof config_copy, "%s", config);
    snprintf(mode_copy, sizeof mode_copy, "%s", mode);
    argv[1] = option;
    argv[2] = config_copy;
    argv[3] = mode_copy;
    fflush(cli->out);
    fflush(cli->err);
    pid_t child = fork();
    if (child == 0) {
        execvp(path, argv);
        fprintf(stderr, "tonghop: %s cannot be run: %s\n", path, strerror(errno));
        _exit(CLI_FAILED);
    }
    int status = 0;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (child < 0 || !WIFEXITED(status))
        return CLI_FAILED;
    return WEXITSTATUS(status);
}

static int run_verify(struct cli *cli, const struct cli_args *args)
{
    return run_program(cli, "tonghop-aggregator", args->words[0], "--verify");
}

static int check_own_file(struct cli *cli, const char *path)
{
    struct err e = {0};
    struct cli_config c = {0};
    if (cli_config_load(path, &c, &e) != 0) {
        cli_usage(cli, &e);
        fprintf(cli->err,
                "It was read as your own tonghop.yaml; for a service's file write: tonghop "
                "check-config %s SERVICE\n",
                path);
        return CLI_USAGE;
    }
    fprintf(cli->out, "%s: the configuration is good\n", path);
    cli_config_fini(&c);
    return CLI_OK;
}

static int run_check_config(struct cli *cli, const struct cli_args *args)
{
    static const char *const services[] = {"collector", "aggregator", "notifier", "gateway"};
    char program[64];
    struct err e;
    if (args->word_count == 1)
        return check_own_file(cli, args->words[0]);
    for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
        if (strcmp(services[i], args->words[1]) != 0)
            continue;
        snprintf(program, sizeof program, "tonghop-%s", services[i]);
        return run_program(cli, program, args->words[0], "--check-config");
    }
    err_set(&e, ERR_INVALID, "%s is no service: collector, aggregator, notifier or gateway",
            args->words[1]);
    return cli_usage(cli, &e);
}

const struct cli_command cmd_verify = {
    .name = "verify",
    .words = "AGGREGATOR.yaml",
    .words_min = 1,
    .words_max = 1,
    .summary = "recompute everything from the journal and compare with the store",
    .help = "Runs tonghop-aggregator --config FILE --verify on the machine where its store lies.\n"
            "Every fact and every sum is a function of the journal: what differs is a fault.\n"
            "The exit code is the aggregator's: 0 when everything agrees.\n\n"
            "  tonghop verify /etc/tonghop/aggregator.yaml\n",
    .run = run_verify,
};

const struct cli_command cmd_check_config = {
    .name = "check-config",
    .words = "FILE [SERVICE]",
    .words_min = 1,
    .words_max = 2,
    .summary = "check a service's configuration file, or (without SERVICE) your own tonghop.yaml",
    .help = "SERVICE is collector, aggregator, notifier or gateway: runs tonghop-SERVICE --config "
            "FILE\n"
            "--check-config, nothing is started. Without SERVICE the file is your own, which says\n"
            "where the services are. Exit code 0: it is good; 2: it is not.\n\n"
            "  tonghop check-config tonghop.yaml\n"
            "  tonghop check-config /etc/tonghop/collector.yaml collector\n",
    .run = run_check_config,
};
