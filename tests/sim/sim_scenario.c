#include "tests/sim/sim_scenario.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

static struct sim_outcome run(uint64_t seed, const char *where, uint64_t at, bool verbose)
{
    struct sim_options options = {
        .verbose = verbose, .no_faults = true, .crash_where = where, .crash_at = at};
    return sim_run(seed, &options);
}

static void every_point(uint64_t seed, bool verbose)
{
    uint64_t points = run(seed, NULL, 0, verbose).points;
    for (uint64_t at = 1; at <= points; at++)
        if (run(seed, NULL, at, verbose).crashes != 1) {
            fprintf(stderr, "seed %" PRIu64 ": no crash at place %" PRIu64 "\n", seed, at);
            exit(1);
        }
    printf("seed %" PRIu64 ": a crash at each of %" PRIu64 " commits and sends, clean\n", seed,
           points);
}

static bool same_end(const struct sim_outcome *a, const struct sim_outcome *b)
{
    return a->entries == b->entries && memcmp(a->head, b->head, HASH_BYTES) == 0 &&
           memcmp(a->dump, b->dump, HASH_BYTES) == 0 &&
           memcmp(a->history, b->history, HASH_BYTES) == 0;
}

/* The fate of aggregator and notifier is nothing to the collector, so the journal is the same, and
 * so must be all that follows from it. That no observed offset goes back is checked by the world
 * itself. */
static void kill_at_each(uint64_t seed, const char *where, bool verbose)
{
    struct sim_outcome undisturbed = run(seed, where, 0, verbose);
    for (uint64_t at = 1; at <= undisturbed.points; at++) {
        struct sim_outcome killed = run(seed, where, at, verbose);
        if (killed.crashes == 1 && same_end(&killed, &undisturbed))
            continue;
        fprintf(stderr,
                "seed %" PRIu64 ", killed at place %" PRIu64
                " of '%s': aggregator or notifier end otherwise than undisturbed\n",
                seed, at, where);
        exit(1);
    }
    printf("seed %" PRIu64 ": killed at each of %" PRIu64
           " of '%s': the same dump and the same %" PRIu64 " decisions each time\n",
           seed, undisturbed.points, where, undisturbed.decisions);
}

static void kill_between_publishing_and_checkpoint(uint64_t seed, bool verbose)
{
    static const char *const places[] = {"aggregator: flushed, not committed",
                                         "aggregator: checkpoint made, not published",
                                         "aggregator: update sent"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        kill_at_each(seed, places[i], verbose);
}

static void kill_in_every_step_of_a_delivery(uint64_t seed, bool verbose)
{
    static const char *const places[] = {
        "notifier: frames come, nothing applied", "notifier: frame applied, not committed",
        "notifier: committed, nothing delivered", "notifier: message written, not synced",
        "notifier: message synced, not in place", "notifier: message in place, folder not synced",
        "notifier: folder synced, not marked",    "notifier: notification sent",
        "notifier: marked, not committed",        "notifier: marked"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        kill_at_each(seed, places[i], verbose);
}

static const struct {
    const char *name;
    void (*run)(uint64_t seed, bool verbose);
} scenarios[] = {
    {"every_point", every_point},
    {"kill_between_publishing_and_checkpoint", kill_between_publishing_and_checkpoint},
    {"kill_in_every_step_of_a_delivery", kill_in_every_step_of_a_delivery},
};

bool sim_scenario_run(const char *name, const struct sim_scenario_options *options)
{
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        if (strcmp(scenarios[i].name, name) != 0)
            continue;
        for (uint64_t n = 0; n < options->count; n++)
            scenarios[i].run(options->first + n, options->verbose);
        return true;
    }
    return false;
}

void sim_scenario_list(FILE *to)
{
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++)
        fprintf(to, "%s%s", i > 0 ? ", " : "", scenarios[i].name);
    fputc('\n', to);
}
