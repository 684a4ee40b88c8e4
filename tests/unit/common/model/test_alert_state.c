#include "common/model/alert_state.h"
#include "tests/support/suite.h"

/* Ids of notifications are made of them, and stores hold the numbers. */
START_TEST(numbers_and_ids_stay_what_they_were)
{
    static const char *const ids[] = {"not-started", "on-pace",      "at-risk",
                                      "behind",      "not-reported", "met",
                                      "exceeded",    "missed",       "suspended"};
    ck_assert_uint_eq(sizeof ids / sizeof *ids, STATE_COUNT);
    for (unsigned i = 0; i < STATE_COUNT; i++)
        ck_assert_str_eq(alert_state_id((enum alert_state)i), ids[i]);
}
END_TEST

START_TEST(every_state_has_words_of_its_own_in_both_languages)
{
    for (unsigned i = 0; i < STATE_COUNT; i++)
        for (unsigned k = 0; k < i; k++)
            for (unsigned english = 0; english < 2; english++)
                ck_assert_str_ne(alert_state_words((enum alert_state)i, english),
                                 alert_state_words((enum alert_state)k, english));
    ck_assert_str_eq(alert_state_words(STATE_NOT_REPORTED, false), "chưa báo cáo");
    ck_assert_str_eq(alert_state_words(STATE_NOT_REPORTED, true), "not reported");
}
END_TEST

START_TEST(what_is_no_state_is_named_as_such)
{
    ck_assert_str_eq(alert_state_id(STATE_COUNT), "unknown");
    ck_assert_str_eq(alert_state_words(STATE_COUNT, false), "?");
}
END_TEST

SUITE_MAIN("alert_state", numbers_and_ids_stay_what_they_were,
           every_state_has_words_of_its_own_in_both_languages, what_is_no_state_is_named_as_such)
