/* A plan's targets as tables for people. */
#ifndef TONGHOP_CLI_PLAN_PRINT_H
#define TONGHOP_CLI_PLAN_PRINT_H

#include "services/cli/plan_file.h"

#include <stdio.h>

/* All targets, then for each that is allotted the shares just below its scope, with the least and
 * the most that falls to one of the units below them. Vietnamese unless `english`. */
void plan_print_targets(const struct plan_file *p, bool english, FILE *out);

#endif
