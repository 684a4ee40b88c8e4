/* simulator [SEEDS] [--seed N] [--jobs N] [--verbose] [--scenario NAME] */
#include "tests/sim/sim.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/sim_scenario.h"

enum { SEEDS_DEFAULT = 1000, JOBS_MAX = 256 };

struct arguments {
    uint64_t first;
    uint64_t count;
    const char *scenario;
    uint64_t jobs;
    bool verbose;
};

static int usage(void)
{
    fprintf(stderr,
            "usage: simulator [SEEDS] [--seed N] [--jobs N] [--verbose] [--scenario NAME]\n"
            "  runs the worlds of seeds 1..SEEDS (%d), or of seed N alone, or SEEDS from N\n"
            "  on, in so many processes; scenarios: ",
            SEEDS_DEFAULT);
    sim_scenario_list(stderr);
    return 2;
}

/* A check that stops the process must also say where it was. */
static void on_abort(int number)
{
    char text[160];
    const struct sim *w = sim_current();
    int len = w == NULL ? 0
                        : snprintf(text, sizeof text,
                                   "seed %" PRIu64 " step %" PRIu64
                                   ": stopped by signal %d\nagain: simulator --seed %" PRIu64
                                   " --verbose\n",
                                   w->seed, w->step, number, w->seed);
    if (len > 0 && write(STDERR_FILENO, text, (size_t)len) < 0)
        _exit(3);
    signal(number, SIG_DFL);
    raise(number);
}

static bool read_arguments(int argc, char **argv, struct arguments *a)
{
    static const struct option options[] = {{"seed", required_argument, NULL, 's'},
                                            {"jobs", required_argument, NULL, 'j'},
                                            {"verbose", no_argument, NULL, 'v'},
                                            {"scenario", required_argument, NULL, 'c'},
                                            {NULL, 0, NULL, 0}};
    bool good = true, one = false;
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        char *end = NULL;
        if (o == 's')
            a->first = strtoull(optarg, &end, 10), one = true;
        else if (o == 'j')
            a->jobs = strtoull(optarg, &end, 10);
        else if (o == 'v')
            a->verbose = true;
        else if (o == 'c')
            a->scenario = optarg;
        good = good && o != '?' && (end == NULL || *end == '\0');
    }
    if (one)
        a->count = 1;
    if (optind < argc) {
        char *end;
        a->count = strtoull(argv[optind], &end, 10);
        good = good && *end == '\0' && optind + 1 == argc;
    } else if (a->scenario != NULL) {
        a->count = 1;
    }
    return good && a->jobs >= 1 && a->jobs <= JOBS_MAX;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void add_decisions(struct sim_outcome *sum, const struct sim_outcome *o)
{
    sum->decisions += o->decisions;
    sum->told += o->told;
    sum->redelivered += o->redelivered;
    for (unsigned tell = 0; tell <= TELL_REVISED; tell++)
        sum->tells[tell] += o->tells[tell];
    for (unsigned from = 0; from < STATE_COUNT; from++)
        for (unsigned to = 0; to < STATE_COUNT; to++)
            sum->moves[from][to] |= o->moves[from][to];
}

static unsigned count_moves(const struct sim_outcome *sum)
{
    unsigned count = 0;
    for (unsigned from = 0; from < STATE_COUNT; from++)
        for (unsigned to = 0; to < STATE_COUNT; to++)
            count += from != to && sum->moves[from][to];
    return count;
}

static void print_decisions(const struct sim_outcome *sum)
{
    const uint64_t *tells = sum->tells;
    printf("  %" PRIu64 " decisions, %u different changes of state; %" PRIu64
           " messages told and delivered (behind %" PRIu64 ", silent %" PRIu64
           ", recovered %" PRIu64 ", undone %" PRIu64 ", final %" PRIu64 ", revised %" PRIu64
           "), %" PRIu64 " sent more than once\n",
           sum->decisions, count_moves(sum), sum->told, tells[TELL_BEHIND], tells[TELL_SILENT],
           tells[TELL_RECOVERED], tells[TELL_UNDONE], tells[TELL_FINAL], tells[TELL_REVISED],
           sum->redelivered);
}

static void run_seeds(const struct arguments *a)
{
    struct sim_options options = {.verbose = a->verbose};
    struct sim_outcome sum = {0};
    double began = seconds();
    for (uint64_t i = 0; i < a->count; i++) {
        struct sim_outcome o = sim_run(a->first + i, &options);
        sum.steps += o.steps;
        sum.entries += o.entries;
        sum.crashes += o.crashes;
        sum.points += o.points;
        sum.answers += o.answers;
        sum.compared += o.compared;
        add_decisions(&sum, &o);
    }
    double took = seconds() - began;
    printf("%" PRIu64 " seeds from %" PRIu64 ": clean; %" PRIu64 " steps, %" PRIu64
           " journal entries, %" PRIu64 " crashes at %" PRIu64 " places, %" PRIu64
           " questions answered, %" PRIu64 " feeds compared; %.1f s, %.0f seeds/s\n",
           a->count, a->first, sum.steps, sum.entries, sum.crashes, sum.points, sum.answers,
           sum.compared, took, (double)a->count / took);
    print_decisions(&sum);
}

/* Each process takes a run of the seeds. The first failure is enough, but all end. */
static int run_jobs(const struct arguments *a)
{
    bool failed = false;
    fflush(NULL);
    for (uint64_t job = 0; job < a->jobs; job++) {
        struct arguments part = *a;
        part.first = a->first + a->count * job / a->jobs;
        part.count = a->first + a->count * (job + 1) / a->jobs - part.first;
        pid_t child = fork();
        if (child < 0)
            return 3;
        if (child == 0) {
            run_seeds(&part);
            exit(0);
        }
    }
    for (int status; wait(&status) > 0;)
        failed = failed || status != 0;
    return failed ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct arguments a = {.first = 1, .count = SEEDS_DEFAULT, .jobs = 1};
    if (!read_arguments(argc, argv, &a))
        return usage();
    signal(SIGABRT, on_abort);
    signal(SIGSEGV, on_abort);
    if (a.scenario != NULL)
        return sim_scenario_run(a.scenario,
                                &(struct sim_scenario_options){a.first, a.count, a.verbose})
                   ? 0
                   : usage();
    if (a.jobs > 1)
        return run_jobs(&a);
    run_seeds(&a);
    return 0;
}
