/* What the ledger must answer, found the slow way: every figure is looked for among all that was
 * ever accepted, day by day and unit by unit, with nothing kept ready. It shares with the real
 * ledger only the registry, the codec and the words of its questions; where the two differ, one of
 * them is wrong. */
#ifndef TONGHOP_TESTS_NAIVE_LEDGER_H
#define TONGHOP_TESTS_NAIVE_LEDGER_H

#include "services/aggregator/ledger_core.h"

/* All that is known after some number of journal entries. */
struct naive_ledger;

/* From the first `count` entries of a journal: fewer of them is what was known then. Borrows
 * nothing once it is made. The entries must be right: a body that cannot be taken stops the test.
 */
struct naive_ledger *naive_ledger_create(const struct entry *entries, size_t count,
                                         const struct codec *codec);
void naive_ledger_destroy(struct naive_ledger *n);

const struct registry *naive_ledger_registry(const struct naive_ledger *n);

/* As ledger_query. */
int naive_ledger_query(const struct naive_ledger *n, const struct ledger_question *q,
                       struct ledger_value *out);

/* The figure that holds for one cell; false when there is none. */
struct naive_cell {
    uint32_t indicator;
    uint32_t code;
    day_t day;
    uint32_t source;
};
bool naive_ledger_figure(const struct naive_ledger *n, const struct naive_cell *cell,
                         int64_t *value);

/* Every row that was accepted, in order of arrival. */
struct naive_statement {
    struct naive_cell cell;
    enum op op;
    int64_t value;
    struct stamp stamp;
    uint64_t offset;
    int64_t received_at_ms;
};
size_t naive_ledger_statements(const struct naive_ledger *n, const struct naive_statement **out);

/* Figures on whose day no unit bears their code: how many, and their sum. */
size_t naive_ledger_excluded(const struct naive_ledger *n, int64_t *sum);

#endif
