/* The administrative history of a made-up province, as a list of events on days from which spans
 * and successions are worked out anew each time: an event put in or taken out of the past changes
 * all that came of it. */
#ifndef TONGHOP_TESTS_RANDOM_TREE_H
#define TONGHOP_TESTS_RANDOM_TREE_H

#include "common/base/arena.h"
#include "common/model/catalogue.h"

struct random;
struct random_tree;

/* A province "u0" with districts and communes, all from `first` on, and nothing happened yet.
 * `merging`: most of what will happen hands one unit's stock to another. */
struct random_tree *random_tree_create(struct random *random, day_t first, bool merging);
void random_tree_destroy(struct random_tree *t); /* accepts NULL */

/* Puts one to three events in, on days after `first` up to `last`; now and then takes one out. */
void random_tree_change(struct random_tree *t, struct random *random, day_t first, day_t last);
/* Takes back the last change. */
void random_tree_undo(struct random_tree *t);
/* The history as it stands. In the arena. catalogue_build may still refuse it. */
void random_tree_spec(const struct random_tree *t, struct arena *arena, struct catalogue_spec *out);

#endif
