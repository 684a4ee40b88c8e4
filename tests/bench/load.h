/* The load generator: one producer over one link, so many batches in flight, 1% of them sent twice.
 */
#ifndef TONGHOP_TESTS_BENCH_LOAD_H
#define TONGHOP_TESTS_BENCH_LOAD_H

#include "common/net/net.h"
#include "tests/bench/work.h"

struct load_options {
    uint32_t batch_rows;
    uint32_t in_flight;       /* batches */
    uint64_t rows;            /* to send in all; rounded up to whole batches */
    uint32_t rows_per_second; /* 0: as fast as answers come */
};

struct load_result {
    uint64_t rows; /* acknowledged */
    uint64_t batches;
    uint64_t resent;
    uint64_t last_offset; /* of the last batch */
    double seconds;       /* first send to last answer */
    double ack_p50_ms;
    double ack_p99_ms;
};

struct loader;

double now_seconds(void); /* monotonic */
/* Sorts `seconds`. */
double percentile_ms(double *seconds, size_t count, double p);

/* `socket` is a NET_DEALER to the collector under the producer's key; borrowed.
 * `time_ms` is journal time now: what is stated is stamped from there on. */
struct loader *loader_create(struct net_socket *socket, struct work *work, int64_t time_ms);
void loader_destroy(struct loader *l);
/* Numbers go on over several runs. */
int loader_run(struct loader *l, const struct load_options *options, struct load_result *out,
               struct err *err);

#endif
