#include "common/model/refusal.h"

#include "common/base/utf8.h"
#include "common/model/ident.h"
#include "tests/support/suite.h"

static const enum refusal codes[] = {
    REFUSAL_NONE,
    REFUSAL_MALFORMED,
    REFUSAL_TOO_LARGE,
    REFUSAL_NUMBER_REUSED,
    REFUSAL_NUMBER_GAP,
    REFUSAL_CLOCK_AHEAD,
    REFUSAL_NOT_ALLOWED,
    REFUSAL_REVOKED,
    REFUSAL_UNKNOWN_OFFICER,
    REFUSAL_UNAVAILABLE,
    REFUSAL_SETTLED,
    REFUSAL_BAD_VERSION,
    REFUSAL_EMPTY,
    REFUSAL_BAD_CODE,
    REFUSAL_UNKNOWN_UNIT,
    REFUSAL_UNIT_NOT_IN_FORCE,
    REFUSAL_OUT_OF_SCOPE,
    REFUSAL_UNKNOWN_INDICATOR,
    REFUSAL_NOT_REPORTER,
    REFUSAL_BAD_PERIOD,
    REFUSAL_FUTURE_PERIOD,
    REFUSAL_BELOW_MINIMUM,
    REFUSAL_ABOVE_MAXIMUM,
    REFUSAL_BAD_OP,
    REFUSAL_PERIOD_TOO_OLD,
};

enum { CODE_COUNT = sizeof codes / sizeof *codes, CODE_PAST_ALL = 1000 };

static bool is_listed(int code)
{
    for (size_t i = 0; i < CODE_COUNT; i++) {
        if ((int)codes[i] == code) {
            return true;
        }
    }
    return false;
}

static void assert_one_sentence(const char *sentence, enum refusal code)
{
    size_t len = strlen(sentence);
    ck_assert_msg(len > 5 && utf8_text(slice_str(sentence)), "code %d: '%s'", code, sentence);
    ck_assert_msg(sentence[len - 1] == '.', "code %d has no full stop: '%s'", code, sentence);
    ck_assert_msg(strstr(sentence, ". ") == NULL || code == REFUSAL_BAD_CODE,
                  "code %d is more than one sentence: '%s'", code, sentence);
    ck_assert_msg(strstr(sentence, "  ") == NULL, "code %d has two blanks: '%s'", code, sentence);
    ck_assert_msg(code == REFUSAL_NONE || strstr(sentence, ": ") != NULL,
                  "code %d does not say what to do: '%s'", code, sentence);
}

START_TEST(every_code_has_a_name_and_both_sentences)
{
    for (size_t i = 0; i < CODE_COUNT; i++) {
        const char *name = refusal_name(codes[i]);
        ck_assert_msg(ident_valid(slice_str(name)), "code %d: name '%s'", codes[i], name);
        ck_assert_msg(strncmp(name, "refusal_", 8) != 0, "code %d has no name", codes[i]);
        assert_one_sentence(refusal_sentence_en(codes[i]), codes[i]);
        assert_one_sentence(refusal_sentence_vi(codes[i]), codes[i]);
    }
}
END_TEST

/* A code added to the enum and the table, but not to the list above, is found here. */
START_TEST(every_named_code_is_under_test)
{
    for (int code = 0; code < CODE_PAST_ALL; code++) {
        bool named = strncmp(refusal_name((enum refusal)code), "refusal_", 8) != 0;
        ck_assert_msg(named == is_listed(code), "code %d is named '%s'", code,
                      refusal_name((enum refusal)code));
    }
}
END_TEST

START_TEST(names_and_sentences_are_unique)
{
    for (size_t i = 0; i < CODE_COUNT; i++) {
        for (size_t k = 0; k < i; k++) {
            ck_assert_str_ne(refusal_name(codes[i]), refusal_name(codes[k]));
            ck_assert_str_ne(refusal_sentence_en(codes[i]), refusal_sentence_en(codes[k]));
            ck_assert_str_ne(refusal_sentence_vi(codes[i]), refusal_sentence_vi(codes[k]));
        }
    }
}
END_TEST

/* The numbers and names are stored in journals: this table is never changed, only added to. */
START_TEST(numbers_and_names_are_those_in_journals)
{
    static const struct {
        int number;
        const char *name;
    } rows[] = {
        {0, "none"},
        {1, "malformed"},
        {2, "too_large"},
        {3, "number_reused"},
        {4, "number_gap"},
        {5, "clock_ahead"},
        {6, "not_allowed"},
        {7, "revoked"},
        {8, "unknown_officer"},
        {9, "unavailable"},
        {10, "settled"},
        {11, "bad_version"},
        {12, "empty"},
        {32, "bad_code"},
        {33, "unknown_unit"},
        {34, "unit_not_in_force"},
        {35, "out_of_scope"},
        {36, "unknown_indicator"},
        {37, "not_reporter"},
        {38, "bad_period"},
        {39, "future_period"},
        {40, "below_minimum"},
        {41, "above_maximum"},
        {42, "bad_op"},
        {43, "period_too_old"},
    };
    ck_assert_uint_eq(sizeof rows / sizeof *rows, CODE_COUNT);
    for (size_t i = 0; i < CODE_COUNT; i++) {
        ck_assert_str_eq(refusal_name((enum refusal)rows[i].number), rows[i].name);
    }
}
END_TEST

START_TEST(only_refusals_of_the_content_consume_the_number)
{
    for (int code = 0; code < CODE_PAST_ALL; code++) {
        bool consumes = code == REFUSAL_MALFORMED || code == REFUSAL_TOO_LARGE ||
                        code == REFUSAL_CLOCK_AHEAD || code == REFUSAL_EMPTY ||
                        code == REFUSAL_BAD_CODE;
        ck_assert_msg(refusal_consumes_number((enum refusal)code) == consumes, "%s",
                      refusal_name((enum refusal)code));
    }
}
END_TEST

START_TEST(an_unknown_code_is_named_by_its_number)
{
    ck_assert_str_eq(refusal_name((enum refusal)31), "refusal_31");
    ck_assert_str_eq(refusal_name((enum refusal)44), "refusal_44");
    ck_assert_str_eq(refusal_name((enum refusal)INT32_MAX), "refusal_2147483647");
    ck_assert_str_eq(refusal_name((enum refusal)INT32_MIN), "refusal_-2147483648");
    assert_one_sentence(refusal_sentence_en((enum refusal)44), (enum refusal)44);
    assert_one_sentence(refusal_sentence_vi((enum refusal)44), (enum refusal)44);
}
END_TEST

SUITE_MAIN("refusal", every_code_has_a_name_and_both_sentences, every_named_code_is_under_test,
           names_and_sentences_are_unique, numbers_and_names_are_those_in_journals,
           only_refusals_of_the_content_consume_the_number, an_unknown_code_is_named_by_its_number)
