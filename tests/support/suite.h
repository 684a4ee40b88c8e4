/* One test program: name the cases, get a main. Each case is a tcase of its own name, so that a
 * failure says which behaviour broke. */
#ifndef TONGHOP_TESTS_SUITE_H
#define TONGHOP_TESTS_SUITE_H

#include <check.h>
#include <stdlib.h>

/* Runs the tests of `suite` in forked children and returns the exit status of the program. */
int suite_run(Suite *suite);

#define SUITE_MAIN(title, ...)                                                                     \
    int main(void)                                                                                 \
    {                                                                                              \
        const TTest *const tests[] = {__VA_ARGS__};                                                \
        Suite *suite = suite_create(title);                                                        \
        for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {                                \
            TCase *one = tcase_create(tests[i]->name);                                             \
            tcase_set_timeout(one, 300);                                                           \
            tcase_add_test(one, tests[i]);                                                         \
            suite_add_tcase(suite, one);                                                           \
        }                                                                                          \
        return suite_run(suite);                                                                   \
    }

#endif
