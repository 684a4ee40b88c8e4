/* A machine that loses its power: the services' disk, an ext4 image, stops at a random moment
 * without flushing anything, and what was never synced is gone. Whatever was acknowledged is there
 * afterwards, and nothing twice.
 *
 * TONGHOP_CUTS: how many (3). TONGHOP_SEED: which moments; printed at the start. */
#include "tests/support/load.h"
#include "tests/support/mounts.h"
#include "tests/support/suite.h"

#include "common/net/loop.h"

#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

enum { CUTS = 3, MOMENT_MS = 300, ANSWERS_MIN = 20, IMAGE_BYTES = 256 << 20 };

/* A file that nobody synced: were it there after the cut, the cut would prove nothing. */
static void write_unsynced(const char *data)
{
    char path[TEMP_PATH_BYTES + 16];
    snprintf(path, sizeof path, "%s/unsynced", data);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs("never synced", f);
    ck_assert_int_eq(fclose(f), 0);
}

static void expect_unsynced_lost(const char *data)
{
    char path[TEMP_PATH_BYTES + 16], text[32] = "";
    snprintf(path, sizeof path, "%s/unsynced", data);
    FILE *f = fopen(path, "r");
    if (!f)
        return;
    ck_assert_msg(fread(text, 1, sizeof text - 1, f) == 0 || text[0] != 'n',
                  "the cut has lost nothing: it is none");
    fclose(f);
}

/* The services go on for a moment on a disk that is no more: what they answer then is only what was
 * on it before. */
static void cut(struct cluster *c, struct load *load, struct random *random)
{
    write_unsynced(c->options.data);
    mounts_cut(c->options.data);
    int64_t moment_ms = loop_now_ms() + random_below(random, MOMENT_MS / 10);
    while (loop_now_ms() < moment_ms)
        load_step(load, true);
    process_end(&c->aggregator);
    process_end(&c->collector);
}

static void run(struct cluster *c, const char *image, const char *data, struct random *random)
{
    const char *why = NULL;
    struct load load;
    uint64_t cuts = load_setting("TONGHOP_CUTS", CUTS);
    c->options.data = data;
    cluster_configure(c);
    cluster_start(c);
    province_apply(c);
    load_open(&load, c);
    for (uint64_t i = 0; i < cuts; i++) {
        load_work(&load, random, MOMENT_MS, ANSWERS_MIN);
        cut(c, &load, random);
        mounts_end(data);
        ck_assert_msg(mounts_image(image, data, &why), "%s", why);
        expect_unsynced_lost(data);
        cluster_start(c);
    }
    load_finish(&load);
    printf("%llu batches over %llu cuts\n", (unsigned long long)load_stated(&load),
           (unsigned long long)cuts);
    load_check(&load);
    cluster_verify(c);
    load_close(&load);
}

START_TEST(what_was_acknowledged_survives_a_power_cut)
{
    struct random random = {load_setting("TONGHOP_SEED", (uint64_t)time(NULL))};
    struct cluster c;
    char image[TEMP_PATH_BYTES], data[TEMP_PATH_BYTES];
    const char *why = NULL;
    bool able = mounts_begin(&why);
    printf("TONGHOP_SEED=%llu\n", (unsigned long long)random.state);
    cluster_open(&c, "power");
    ck_assert_int_eq(mkdir(temp_dir_file(&c.dir, "disk", data), 0700), 0);
    if (able) {
        mounts_make_image(temp_dir_file(&c.dir, "disk.ext4", image), IMAGE_BYTES);
        able = mounts_image(image, data, &why);
    }
    if (able) {
        run(&c, image, data, &random);
        ck_assert_int_eq(process_stop(&c.aggregator), 0);
        ck_assert_int_eq(process_stop(&c.collector), 0);
        mounts_end(data);
    } else {
        printf("what_was_acknowledged_survives_a_power_cut: skipped: %s\n", why);
    }
    cluster_close(&c);
}
END_TEST

SUITE_MAIN("process/power_cut", what_was_acknowledged_survives_a_power_cut)
