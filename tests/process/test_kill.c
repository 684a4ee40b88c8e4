/* kill -9 of the collector and the aggregator, again and again, while producers send numbered
 * batches out of real spools. At the end each batch is counted exactly once: in the answers, in the
 * journal, and in the figures.
 *
 * TONGHOP_KILLS: how many kills (20). TONGHOP_SEED: which moments; printed at the start. */
#include "tests/support/load.h"
#include "tests/support/suite.h"

#include "common/net/loop.h"

#include <stdio.h>
#include <time.h>

enum { KILLS = 20, MOMENT_MS = 60, REOPEN_PERCENT = 10 };

/* The aggregator is killed as often while it is still catching up as when it has done so. */
static void kill_one(struct cluster *c, struct random *random)
{
    unsigned which = random_below(random, 5);
    if (which != 0) {
        process_kill(&c->collector);
        process_start(&c->collector);
    }
    if (which < 2) {
        if (random_chance(random, 50))
            process_await_ready(&c->aggregator);
        process_kill(&c->aggregator);
        process_start(&c->aggregator);
    }
}

START_TEST(every_batch_counts_once_whatever_is_killed)
{
    uint64_t seed = load_setting("TONGHOP_SEED", (uint64_t)time(NULL));
    uint64_t kills = load_setting("TONGHOP_KILLS", KILLS);
    struct random random = {seed};
    struct cluster c;
    struct load load;
    printf("TONGHOP_SEED=%llu TONGHOP_KILLS=%llu\n", (unsigned long long)seed,
           (unsigned long long)kills);
    cluster_open(&c, "kill");
    cluster_start(&c);
    province_apply(&c);
    load_open(&load, &c);
    int64_t start_ms = loop_now_ms();
    for (uint64_t i = 0; i < kills; i++) {
        load_work(&load, &random, MOMENT_MS, 1);
        kill_one(&c, &random);
        if (random_chance(&random, REOPEN_PERCENT))
            load_reopen(&load, random_below(&random, LOAD_CLIENTS));
    }
    load_finish(&load);
    process_await_ready(&c.aggregator);
    printf("%llu batches, %llu answered, %lld ms\n", (unsigned long long)load_stated(&load),
           (unsigned long long)load_answered(&load), (long long)(loop_now_ms() - start_ms));
    load_check(&load);
    cluster_verify(&c);
    load_close(&load);
    cluster_close(&c);
}
END_TEST

SUITE_MAIN("process/kill", every_batch_counts_once_whatever_is_killed)
