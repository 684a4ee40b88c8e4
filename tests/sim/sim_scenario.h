/* Directed runs: no chance faults, a crash exactly where it is wanted. */
#ifndef TONGHOP_TESTS_SIM_SCENARIO_H
#define TONGHOP_TESTS_SIM_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* On the worlds of `count` seeds from `first` on. False: there is none of that name. One that fails
 * ends the process. */
struct sim_scenario_options {
    uint64_t first;
    uint64_t count;
    bool verbose;
};
bool sim_scenario_run(const char *name, const struct sim_scenario_options *options);
void sim_scenario_list(FILE *to);

#endif
