/* ./dev bench: loads the real services and prints what came of it. Totals are checked against the
 * generator's own sums; a figure that is wrong ends the program with 1. */
#include <check.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/parse.h"
#include "tests/bench/load.h"
#include "tests/support/cluster.h"

/* Journal time during the load: 2024-09-05, eight in the morning. */
#define TIME_MS INT64_C(1725498000000)

enum { RUNS_MAX = 99 };

struct bench_case {
    const char *name;
    bool tcp;
    struct load_options load;
    const char *what;
};

static const struct bench_case cases[] = {
    {"batches", false, {256, 64, 6000000, 0}, "batches of 256, 64 in flight, ipc"},
    {"batches-tcp", true, {256, 64, 6000000, 0}, "batches of 256, 64 in flight, tcp"},
    {"singles-50", false, {1, 50, 300000, 0}, "single reports, 50 in flight, ipc"},
    {"singles-2000", false, {1, 2000, 1000000, 0}, "single reports, 2,000 in flight, ipc"},
    {"paced-25k", false, {256, 64, 250000, 25000}, "batches of 256 at 25,000 a second"},
    {"paced-500k", false, {256, 64, 2500000, 500000}, "batches of 256 at 500,000 a second"},
    {"paced-singles", false, {1, 50, 50000, 10000}, "single reports at 10,000 a second"},
};

struct figures {
    double acknowledged; /* observations a second */
    double applied;
    double ack_p50_ms;
    double ack_p99_ms;
    double disk_bytes;  /* an observation */
    long collector_kib; /* RssAnon */
    long aggregator_kib;
    double restart_ms;
    double collector_ns; /* processor time an observation, all threads */
    double aggregator_ns;
};

static long rss_anon_kib(pid_t pid)
{
    char path[64], line[256];
    long kib = -1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "RssAnon: %ld kB", &kib) == 1)
            break;
    if (f != NULL)
        fclose(f);
    return kib;
}

static double cpu_seconds(pid_t pid)
{
    char path[64];
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return 0;
    if (fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
               &system) != 2)
        user = system = 0;
    fclose(f);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static double disk_bytes(const struct cluster *c)
{
    static const char *const stores[] = {"collector", "aggregator"};
    double bytes = 0;
    for (size_t i = 0; i < 2; i++) {
        char path[2 * TEMP_PATH_BYTES];
        struct stat st;
        snprintf(path, sizeof path, "%s/%s/data.mdb", c->dir.path, stores[i]);
        if (stat(path, &st) == 0)
            bytes += (double)st.st_blocks * 512;
    }
    return bytes;
}

/* What the disk itself takes for 4 KiB: p50 and p99 of fdatasync. */
static void print_disk(const struct cluster *c)
{
    enum { SYNCS = 500 };
    char path[2 * TEMP_PATH_BYTES], block[4096] = {0};
    double waits[SYNCS];
    snprintf(path, sizeof path, "%s/fdatasync", c->dir.path);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    for (int i = 0; fd >= 0 && i < SYNCS; i++) {
        double since = now_seconds();
        if (pwrite(fd, block, sizeof block, (off_t)(i % 64) * 4096) < 0 || fdatasync(fd) != 0)
            break;
        waits[i] = now_seconds() - since;
    }
    if (fd >= 0) {
        close(fd);
        unlink(path);
        printf("disk: fdatasync of 4 KiB p50 %.2f ms, p99 %.2f ms\n",
               percentile_ms(waits, SYNCS, 0.5), percentile_ms(waits, SYNCS, 0.99));
    }
}

static void apply_work(struct cluster *c, const struct work *w)
{
    struct wire_apply a = {.kind = WIRE_APPLY_REPLAY_TICK, .time_ms = TIME_MS};
    cluster_apply(c, &a);
    a = (struct wire_apply){.kind = WIRE_APPLY_CATALOGUE, .catalogue = *work_catalogue(w)};
    cluster_apply(c, &a);
    a = (struct wire_apply){.kind = WIRE_APPLY_PLAN, .plan = *work_plan(w)};
    cluster_apply(c, &a);
    /* With a tick behind the plan, changes are noted for the next frame as they are in use. */
    a = (struct wire_apply){.kind = WIRE_APPLY_REPLAY_TICK, .time_ms = TIME_MS};
    cluster_apply(c, &a);
}

/* Waits until everything is applied and compares each indicator's total with the generator's. */
static bool totals_agree(struct cluster *c, const struct work *w, uint64_t not_before,
                         double *applied_at)
{
    struct peer p;
    struct wire_question questions[WORK_INDICATORS];
    memset(questions, 0, sizeof questions);
    for (unsigned i = 0; i < WORK_INDICATORS; i++) {
        ident_set(&questions[i].unit, slice_str("31"));
        ident_set(&questions[i].indicator, slice_str(work_indicator(i)));
        questions[i].first = w->first_day;
        questions[i].last = w->first_day + WORK_DAYS - 1;
    }
    struct wire_query q = {.question_count = WORK_INDICATORS,
                           .questions = questions,
                           .not_before = not_before,
                           .wait_ms = PEER_PATIENCE_MS};
    struct wire_query_reply reply;
    struct err err = {0};
    bool agree = true;
    cluster_peer_aggregator(c, &p, &c->operator_keys);
    if (peer_query(&p, &q, &reply, &err) != 0) {
        fprintf(stderr, "bench: %s\n", err.text);
        exit(EXIT_FAILURE);
    }
    *applied_at = now_seconds();
    for (unsigned i = 0; i < WORK_INDICATORS; i++) {
        int64_t wanted = work_total(w, i);
        if (reply.answers[i].value != wanted) {
            fprintf(stderr, "bench: %s: %" PRId64 ", should be %" PRId64 "\n", work_indicator(i),
                    reply.answers[i].value, wanted);
            agree = false;
        }
    }
    peer_close(&p);
    return agree;
}

static double restart_ms(struct cluster *c)
{
    process_kill(&c->collector);
    process_kill(&c->aggregator);
    double since = now_seconds();
    cluster_start(c);
    return (now_seconds() - since) * 1000;
}

static void producer_connect(struct cluster *c, const struct bench_case *b,
                             const struct net_keypair *keys, struct peer *p)
{
    char endpoint[TEMP_PATH_BYTES];
    snprintf(endpoint, sizeof endpoint, "%s", c->collector_ipc);
    if (b->tcp)
        cluster_tcp(&c->collector, endpoint);
    peer_open(p, c->net, endpoint, &c->collector_keys.public_key, keys);
    peer_await_link(p);
}

static bool run_case(const struct bench_case *b, struct figures *out)
{
    struct cluster c;
    struct net_keypair keys;
    struct peer p;
    struct err err = {0};
    struct load_result result = {0};
    struct work *work = alloc_zeroed(1, sizeof *work);
    cluster_open(&c, "bench");
    c.options.collector_map = "8GiB";
    c.options.aggregator_map = "8GiB";
    cluster_configure(&c);
    cluster_start(&c);
    work_init(work, day_of_ms(TIME_MS) - WORK_DAYS + 1);
    apply_work(&c, work);
    struct producer producer = cluster_producer("bench", ROLE_SUBMIT, "31");
    ident_set(&producer.source, slice_str("khuyenhoc"));
    cluster_set_producer(&c, &producer);
    keypair_generate(&keys);
    cluster_change_key(&c, PRODUCER_KEY_ADD, "bench", &keys.public_key);
    producer_connect(&c, b, &keys, &p);
    print_disk(&c);
    struct loader *l = loader_create(p.socket, work, TIME_MS);
    double since = now_seconds(), applied_at;
    if (loader_run(l, &b->load, &result, &err) != 0) {
        fprintf(stderr, "bench: %s: %s\n", b->name, err.text);
        exit(EXIT_FAILURE);
    }
    bool agree = totals_agree(&c, work, result.last_offset, &applied_at);
    *out = (struct figures){
        .acknowledged = (double)result.rows / result.seconds,
        .applied = (double)result.rows / (applied_at - since),
        .ack_p50_ms = result.ack_p50_ms,
        .ack_p99_ms = result.ack_p99_ms,
        .disk_bytes = disk_bytes(&c) / (double)result.rows,
        .collector_ns = cpu_seconds(c.collector.pid) / (double)result.rows * 1e9,
        .aggregator_ns = cpu_seconds(c.aggregator.pid) / (double)result.rows * 1e9,
        .collector_kib = rss_anon_kib(c.collector.pid),
        .aggregator_kib = rss_anon_kib(c.aggregator.pid),
    };
    out->restart_ms = restart_ms(&c);
    agree = totals_agree(&c, work, result.last_offset, &applied_at) && agree;
    loader_destroy(l);
    peer_close(&p);
    cluster_close(&c);
    free(work);
    return agree;
}

static void print_figures(const struct bench_case *b, const struct figures *f)
{
    printf("%-14s %10.0f acked/s %10.0f applied/s  ack p50 %6.2f ms p99 %6.2f ms  %5.1f B/obs  "
           "cpu ns/obs collector %.0f, aggregator %.0f  "
           "RssAnon collector %ld KiB, aggregator %ld KiB  restart %.0f ms\n",
           b->name, f->acknowledged, f->applied, f->ack_p50_ms, f->ack_p99_ms, f->disk_bytes,
           f->collector_ns, f->aggregator_ns, f->collector_kib, f->aggregator_kib, f->restart_ms);
    fflush(stdout);
}

static int compare_applied(const void *a, const void *b)
{
    const struct figures *x = a, *y = b;
    return (x->applied > y->applied) - (x->applied < y->applied);
}

static int usage(void)
{
    fprintf(stderr, "usage: tonghop-bench [NAME [RUNS [ROWS]]]\n\n"
                    "Runs one case, or all, RUNS times (1) and prints the run with the median of\n"
                    "observations applied a second. Cases:\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        fprintf(stderr, "  %-14s %s\n", cases[i].name, cases[i].what);
    return 2;
}

/* What the command line asked for. */
static struct {
    const char *name; /* "all" */
    uint64_t runs;
    uint64_t rows; /* 0: the case's own */
} wanted = {"all", 1, 0};

static bool run_cases(void)
{
    struct figures runs[RUNS_MAX];
    bool agree = true;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bench_case b = cases[i];
        if (strcmp(wanted.name, "all") != 0 && strcmp(wanted.name, b.name) != 0)
            continue;
        b.load.rows = wanted.rows != 0 ? wanted.rows : b.load.rows;
        printf("%s\n", b.what);
        for (uint64_t run = 0; run < wanted.runs; run++) {
            agree = run_case(&b, &runs[run]) && agree;
            print_figures(&b, &runs[run]);
        }
        qsort(runs, wanted.runs, sizeof *runs, compare_applied);
        if (wanted.runs > 1) {
            printf("median of %" PRIu64 ":\n", wanted.runs);
            print_figures(&b, &runs[wanted.runs / 2]);
        }
    }
    printf(agree ? "totals agree\n" : "TOTALS DIFFER\n");
    return agree;
}

/* The pieces that start services fail as tests do, so the benchmark is one to them. */
START_TEST(services_bear_the_load)
{
    ck_assert_msg(run_cases(), "totals differ");
}
END_TEST

static bool case_exists(const char *name)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (strcmp(cases[i].name, name) == 0)
            return true;
    return strcmp(name, "all") == 0;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        wanted.name = argv[1];
    if (argc > 4 || !case_exists(wanted.name) ||
        (argc > 2 && parse_u64(slice_str(argv[2]), 1, RUNS_MAX, &wanted.runs, NULL) != 0) ||
        (argc > 3 && parse_u64(slice_str(argv[3]), 1, UINT32_MAX, &wanted.rows, NULL) != 0))
        return usage();
    Suite *suite = suite_create("bench");
    TCase *one = tcase_create("bench");
    tcase_add_test(one, services_bear_the_load);
    suite_add_tcase(suite, one);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_MINIMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
