#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

#include "services/notifier/mail_core.h"
#include "services/notifier/text_core.h"

/* The words are golden files, to be read aloud. After a wanted change: TONGHOP_GOLDEN_WRITE=1. */

enum { TEXT_BYTES_MAX = 1 << 16, JUDGED = 19984 /* 2024-09-18 */, DUE = 20001 };

static void path_of(const char *name, char out[512])
{
    const char *source = getenv("TONGHOP_SOURCE");
    snprintf(out, 512, "%s/tests/golden/notifier/%s.txt", source ? source : ".", name);
}

static void compare(const char *name, const struct buf *got)
{
    static char wanted[TEXT_BYTES_MAX];
    char path[512];
    path_of(name, path);
    FILE *file = fopen(path, getenv("TONGHOP_GOLDEN_WRITE") ? "w+" : "r");
    ck_assert_msg(file != NULL, "%s cannot be opened", path);
    if (getenv("TONGHOP_GOLDEN_WRITE")) {
        fwrite(got->data, 1, got->len, file);
        rewind(file);
    }
    size_t len = fread(wanted, 1, sizeof wanted, file);
    fclose(file);
    ck_assert_msg(len == got->len && memcmp(wanted, got->data, len) == 0,
                  "%s differs; what is said now:\n%.*s", path, (int)got->len,
                  (const char *)got->data);
}

static const struct pace slow = {.opening = 210,
                                 .actual = 1290,
                                 .level = 1234,
                                 .judged = JUDGED,
                                 .owed = 9,
                                 .reported = 8,
                                 .covered = true,
                                 .reports = 12,
                                 .expected = 1987,
                                 .rate = 61200,
                                 .projected = 2110,
                                 .needed = 228,
                                 .weekdays_left = 12,
                                 .has_forecast = true};
static const struct text_line slow_lines[] = {
    {.name = "Phường Thượng Lý",
     .state = STATE_BEHIND,
     .level = 71,
     .lower = 467,
     .projected = -1,
     .owed = 1,
     .reported = 1,
     .from = 1,
     .told_on = DAY_NEVER},
    {.name = "Phường Sở Dầu",
     .state = STATE_BEHIND,
     .level = 102,
     .lower = 467,
     .projected = -1,
     .owed = 1,
     .reported = 1,
     .from = 1,
     .told_on = DAY_NEVER},
    {.name = "Phường Trại Chuối",
     .state = STATE_NOT_REPORTED,
     .level = 0,
     .lower = 467,
     .projected = -1,
     .owed = 3,
     .reported = 0,
     .from = 1,
     .told_on = DAY_NEVER},
};

static struct text_facts facts_of(enum text_kind kind, enum alert_state from, enum alert_state to,
                                  const struct pace *pace)
{
    return (struct text_facts){.role = TEXT_TO_LEADERS,
                               .role_unit = "Thành phố Hải Phòng",
                               .unit = "Quận Hồng Bàng",
                               .document = "Kế hoạch 204/KH-UBND năm 2024",
                               .target_id = "HP1",
                               .target_title = "90.000 đến 100.000 công dân đăng ký",
                               .clause = "III.3",
                               .measure = "persons",
                               .weekend_permille = 300,
                               .lower = 4200,
                               .stretch = 4667,
                               .due = DUE,
                               .kind = kind,
                               .from = from,
                               .to = to,
                               .pace = pace,
                               .version = 1,
                               .left_out_from = 1,
                               .heard = DAY_NEVER,
                               .reminded_of = DAY_NEVER,
                               .told_judged = DAY_NEVER,
                               .corrects = "",
                               .id = "haiphong-2024/HP1/303/behind/2024-09-20T08:00/lanhdao.31"};
}

static void say(const char *name, const struct text_facts *f, bool english)
{
    struct buf out = {0};
    text_subject(f, english, &out);
    buf_printf(&out, "\n\n");
    text_body(f, english, &out);
    compare(name, &out);
    buf_fini(&out);
}

static struct text_facts behind_facts(void)
{
    struct text_facts f = facts_of(TEXT_BEHIND, STATE_AT_RISK, STATE_BEHIND, &slow);
    f.lines = slow_lines;
    f.line_count = 3;
    f.more = 2;
    return f;
}

START_TEST(a_slow_district_is_told_to_the_leaders)
{
    struct text_facts f = behind_facts();
    say("behind-district", &f, false);
    say("behind-district-english", &f, true);
}
END_TEST

START_TEST(a_slow_district_is_told_to_itself)
{
    struct text_facts f = behind_facts();
    f.role = TEXT_TO_DISTRICT;
    f.role_unit = f.unit;
    f.id = "haiphong-2024/HP1/303/behind/2024-09-20T08:00/quanhuyen.303";
    say("behind-district-itself", &f, false);
}
END_TEST

START_TEST(a_slow_province_is_told_to_its_leaders)
{
    static const struct pace pace = {.actual = 24310,
                                     .level = 24120,
                                     .judged = JUDGED,
                                     .owed = 218,
                                     .reported = 213,
                                     .covered = true,
                                     .expected = 43210,
                                     .rate = 1480000,
                                     .projected = 47800,
                                     .needed = 4411,
                                     .weekdays_left = 12,
                                     .has_forecast = true};
    static const struct text_line lines[] = {
        {.name = "Quận Kiến An",
         .state = STATE_BEHIND,
         .level = 712,
         .lower = 5237,
         .projected = -1,
         .owed = 10,
         .reported = 10,
         .from = 1,
         .told_on = DAY_NEVER},
        {.name = "Huyện Thủy Nguyên",
         .state = STATE_BEHIND,
         .level = 2310,
         .lower = 14810,
         .projected = -1,
         .owed = 37,
         .reported = 36,
         .from = 1,
         .told_on = DAY_NEVER},
        {.name = "Quận Lê Chân",
         .state = STATE_NOT_REPORTED,
         .level = 0,
         .lower = 9750,
         .projected = -1,
         .owed = 45,
         .reported = 3,
         .from = 1,
         .told_on = DAY_NEVER},
    };
    struct text_facts f = facts_of(TEXT_BEHIND, STATE_ON_PACE, STATE_BEHIND, &pace);
    f.unit = f.role_unit;
    f.whole = true;
    f.lower = 90000;
    f.stretch = 100000;
    f.lines = lines;
    f.line_count = 3;
    f.more = 9;
    f.id = "haiphong-2024/HP1/31/behind/2024-09-20T08:00/lanhdao.31";
    say("behind-province", &f, false);
}
END_TEST

START_TEST(a_slow_commune_is_told_to_its_district)
{
    static const struct pace pace = {.level = 9,
                                     .judged = JUDGED,
                                     .owed = 1,
                                     .reported = 1,
                                     .covered = true,
                                     .expected = 41,
                                     .rate = 700,
                                     .projected = 18,
                                     .needed = 6,
                                     .weekdays_left = 12,
                                     .has_forecast = true};
    struct text_facts f = facts_of(TEXT_BEHIND, STATE_ON_PACE, STATE_BEHIND, &pace);
    f.role = TEXT_TO_DISTRICT;
    f.role_unit = "Quận Hồng Bàng";
    f.unit = "Phường Thượng Lý";
    f.lower = 90;
    f.weekend_permille = 0;
    f.id = "haiphong-2024/HP1/11311/behind/2024-09-20T08:00/quanhuyen.303";
    say("behind-commune", &f, false);
}
END_TEST

START_TEST(silence_is_not_called_behind)
{
    static const struct pace pace = {
        .actual = 980, .level = 980, .judged = 19977, .owed = 9, .reported = 9, .covered = true};
    static const struct text_line lines[] = {
        {.name = "Phường Thượng Lý",
         .state = STATE_NOT_REPORTED,
         .level = 0,
         .lower = 0,
         .projected = -1,
         .owed = 3,
         .reported = 0,
         .from = 1,
         .told_on = DAY_NEVER},
        {.name = "Phường Sở Dầu",
         .state = STATE_NOT_REPORTED,
         .level = 0,
         .lower = 0,
         .projected = -1,
         .owed = 3,
         .reported = 0,
         .from = 1,
         .told_on = DAY_NEVER},
    };
    struct text_facts f = facts_of(TEXT_SILENT, STATE_ON_PACE, STATE_NOT_REPORTED, &pace);
    f.role = TEXT_TO_DISTRICT;
    f.role_unit = f.unit;
    f.silent_from = 19978;
    f.silent_to = 19980;
    f.silent_owed = 27;
    f.silent_reported = 4;
    f.heard = 19979;
    f.lines = lines;
    f.line_count = 2;
    f.id = "haiphong-2024/HP1/303/not-reported/2024-09-16T08:00/quanhuyen.303";
    say("silent-district", &f, false);
    say("silent-district-english", &f, true);
    f.silent_reported = 0;
    f.heard = DAY_NEVER;
    f.line_count = 0;
    f.unit = "Phường Thượng Lý";
    f.silent_owed = 3;
    say("silent-commune", &f, false);
}
END_TEST

START_TEST(a_ratio_of_a_province_nobody_reported_is_told_to_the_office)
{
    static const struct pace pace = {.judged = 19970};
    struct text_facts f = facts_of(TEXT_SILENT, STATE_NOT_REPORTED, STATE_NOT_REPORTED, &pace);
    f.role = TEXT_TO_OFFICE;
    f.unit = f.role_unit;
    f.whole = true;
    f.ratio = true;
    f.sparse = true;
    f.target_id = "HP2";
    f.target_title = "30% dân số là hội viên khuyến học";
    f.clause = "III.2";
    f.lower = 300000;
    f.silent_from = f.silent_to = 19996;
    f.silent_owed = 218;
    f.id = "haiphong-2024/HP2/31/not-reported/2024-10-11T08:00/vanphong.31";
    say("silent-ratio", &f, false);
}
END_TEST

START_TEST(an_alert_that_is_over_is_ended)
{
    struct text_facts f = facts_of(TEXT_RECOVERED, STATE_AT_RISK, STATE_ON_PACE, &slow);
    struct pace better = slow;
    better.level = 2950;
    better.judged = 19991;
    better.projected = 4310;
    better.rate = 131000;
    better.needed = 140;
    better.weekdays_left = 7;
    better.reported = 9;
    f.pace = &better;
    f.told_on = 19986;
    f.corrects = "haiphong-2024/HP1/303/behind/2024-09-20T08:00/lanhdao.31";
    f.id = "haiphong-2024/HP1/303/recovered/2024-09-26T08:00/lanhdao.31";
    say("recovered", &f, false);
    say("recovered-english", &f, true);
}
END_TEST

START_TEST(a_correction_takes_back_what_was_told)
{
    struct text_facts f = facts_of(TEXT_UNDONE, STATE_BEHIND, STATE_ON_PACE, &slow);
    struct pace better = slow;
    better.level = 2260;
    f.pace = &better;
    f.told_on = 19986;
    f.told_judged = JUDGED;
    f.told_level = 1234;
    f.corrected_level = 2260;
    f.corrects = "haiphong-2024/HP1/303/behind/2024-09-20T08:00/lanhdao.31";
    f.id = "haiphong-2024/HP1/303/undone/2024-09-20T17:00/lanhdao.31";
    say("undone", &f, false);
    say("undone-english", &f, true);
}
END_TEST

START_TEST(the_end_is_told_with_its_figures)
{
    struct pace end = slow;
    struct text_facts f = facts_of(TEXT_FINAL, STATE_ON_PACE, STATE_MET, &end);
    f.role = TEXT_TO_LEADERS;
    f.unit = f.role_unit;
    f.whole = true;
    f.lower = 90000;
    f.stretch = 100000;
    end.judged = DUE;
    end.actual = end.level = 96120;
    end.owed = end.reported = 218;
    f.below = 15;
    f.below_reached = 13;
    f.id = "haiphong-2024/HP1/31/met/2024-10-07T08:00/lanhdao.31";
    static const struct text_line lines[] = {
        {.name = "Quận Kiến An",
         .state = STATE_MISSED,
         .level = 4712,
         .lower = 5237,
         .projected = -1,
         .owed = 10,
         .reported = 10,
         .from = 1,
         .told_on = DAY_NEVER},
        {.name = "Huyện Tiên Lãng",
         .state = STATE_MISSED,
         .level = 6480,
         .lower = 6868,
         .projected = -1,
         .owed = 21,
         .reported = 21,
         .from = 1,
         .told_on = DAY_NEVER},
    };
    f.lines = lines;
    f.line_count = 2;
    say("met-province", &f, false);
    say("met-province-english", &f, true);
    f.to = STATE_EXCEEDED;
    end.actual = end.level = 101000;
    f.below_reached = 15;
    f.line_count = 0;
    say("exceeded-province", &f, false);
    f.to = STATE_MISSED;
    end.actual = end.level = 89999;
    end.reported = 216;
    f.below_reached = 11;
    f.line_count = 2;
    f.more = 2;
    say("missed-province", &f, false);
    f.kind = TEXT_REVISED;
    f.from = STATE_MET;
    f.told_on = 20003;
    f.corrects = "haiphong-2024/HP1/31/met/2024-10-07T08:00/lanhdao.31";
    f.id = "haiphong-2024/HP1/31/revised-missed/2024-10-12T17:00/lanhdao.31";
    say("revised-province", &f, false);
}
END_TEST

/* ---- several units in one message ---- */

static struct text_line district_line(const char *name, int64_t level, int64_t lower)
{
    return (struct text_line){.name = name,
                              .state = STATE_BEHIND,
                              .level = level,
                              .lower = lower,
                              .projected = -1,
                              .owed = 10,
                              .reported = 9,
                              .judged = JUDGED,
                              .from = 1,
                              .told_on = DAY_NEVER};
}

static void say_of_several(const char *name, enum text_kind kind, struct text_line *lines)
{
    struct text_facts f = facts_of(kind, STATE_BEHIND, STATE_ON_PACE, NULL);
    f.unit = f.role_unit;
    f.version = 2;
    f.about = lines;
    f.about_count = 4;
    f.id = "haiphong-2024/HP1/31/several/2024-09-20T08:00/lanhdao.31";
    say(name, &f, false);
    if (kind == TEXT_BEHIND)
        say("several-behind-english", &f, true);
}

START_TEST(the_same_of_several_districts_is_one_message)
{
    struct text_line lines[] = {
        district_line("Quận Kiến An", 712, 5237), district_line("Huyện Thủy Nguyên", 2310, 14810),
        district_line("Quận Lê Chân", 1100, 9750), district_line("Huyện Cát Hải", 170, 1424)};
    lines[3].judged = JUDGED - 1;
    for (unsigned i = 0; i < 4; i++) {
        lines[i].late = 300 + i;
        lines[i].projected = 2 * lines[i].level + 17;
    }
    say_of_several("several-behind", TEXT_BEHIND, lines);
    for (unsigned i = 0; i < 4; i++) {
        lines[i].late = 0;
        lines[i].projected = -1;
        lines[i].told_on = 19983 + (day_t)i;
    }
    say_of_several("several-recovered", TEXT_RECOVERED, lines);
    say_of_several("several-undone", TEXT_UNDONE, lines);
    say_of_several("several-amended", TEXT_AMENDED, lines);
    say_of_several("several-withdrawn", TEXT_WITHDRAWN, lines);
    say_of_several("several-removed", TEXT_REMOVED, lines);
}
END_TEST

START_TEST(several_silent_communes_are_one_message)
{
    struct text_line lines[] = {district_line("Phường Thượng Lý", 0, 467),
                                district_line("Xã An Thọ", 0, 467)};
    struct text_facts f = facts_of(TEXT_SILENT, STATE_ON_PACE, STATE_NOT_REPORTED, NULL);
    for (unsigned i = 0; i < 2; i++) {
        lines[i].state = STATE_NOT_REPORTED;
        lines[i].from = 19978;
        lines[i].to = 19980 + (day_t)i;
        lines[i].owed = 3 + i;
        lines[i].reported = i;
    }
    f.role = TEXT_TO_DISTRICT;
    f.unit = f.role_unit = "Quận Hồng Bàng";
    f.about = lines;
    f.about_count = 2;
    f.id = "haiphong-2024/HP1/303/not-reported/2024-09-16T08:00/quanhuyen.303";
    say("several-silent", &f, false);
    f.reminded_of = 19982;
    lines[0].told_on = lines[1].told_on = 19982;
    say("several-silent-again", &f, false);
}
END_TEST

/* ---- amendments ---- */

START_TEST(an_amended_plan_is_not_called_a_correction_of_figures)
{
    struct text_facts f = facts_of(TEXT_AMENDED, STATE_BEHIND, STATE_ON_PACE, &slow);
    f.version = 2;
    f.amended = true;
    f.told_on = 19986;
    f.told_lower = 4200;
    f.lower = 2100;
    f.corrects = "haiphong-2024/HP1/303/behind/2024-09-20T08:00/lanhdao.31";
    f.id = "haiphong-2024/HP1/303/amended/2024-09-22T08:00/lanhdao.31";
    say("amended", &f, false);
    say("amended-english", &f, true);
}
END_TEST

START_TEST(a_result_that_an_amendment_changes_names_the_amendment)
{
    struct pace end = slow;
    struct text_facts f = facts_of(TEXT_REVISED, STATE_MET, STATE_MISSED, &end);
    end.judged = DUE;
    end.actual = end.level = 96120;
    end.owed = end.reported = 218;
    f.unit = f.role_unit;
    f.whole = true;
    f.version = 2;
    f.amended = true;
    f.told_lower = 90000;
    f.lower = 97000;
    f.stretch = 100000;
    f.told_on = 20003;
    f.corrects = "haiphong-2024/HP1/31/met/2024-10-07T08:00/lanhdao.31";
    f.id = "haiphong-2024/HP1/31/revised-missed/2024-10-08T08:00/lanhdao.31";
    say("revised-amended", &f, false);
    f.corrected = true;
    say("revised-amended-corrected-english", &f, true);
    f.kind = TEXT_WITHDRAWN;
    f.from = STATE_MISSED;
    f.due = DUE + 15;
    f.id = "haiphong-2024/HP1/31/withdrawn/2024-10-08T08:00/lanhdao.31";
    say("withdrawn", &f, false);
    say("withdrawn-english", &f, true);
}
END_TEST

START_TEST(a_target_that_is_removed_is_told_to_have_gone)
{
    struct text_facts f = facts_of(TEXT_REMOVED, STATE_BEHIND, STATE_NOT_STARTED, NULL);
    f.version = 2;
    f.target_title = "";
    f.clause = "";
    f.told_on = 19986;
    f.corrects = "haiphong-2024/HP1/303/behind/2024-09-20T08:00/lanhdao.31";
    f.id = "haiphong-2024/HP1/303/removed/2024-09-22T08:00/lanhdao.31";
    say("removed", &f, false);
    say("removed-english", &f, true);
}
END_TEST

/* ---- odd corners ---- */

START_TEST(a_rehearsal_says_in_subject_and_body_that_it_is_one)
{
    struct text_facts f = behind_facts();
    f.rehearsal = true;
    f.left_out_from = 19973;
    f.left_out_to = 19976;
    say("rehearsal", &f, false);
    say("rehearsal-english", &f, true);
}
END_TEST

START_TEST(without_a_working_day_left_it_says_what_is_missing)
{
    struct pace last = slow;
    struct text_facts f = behind_facts();
    last.weekdays_left = 0;
    f.pace = &last;
    say("behind-last-day", &f, false);
}
END_TEST

START_TEST(a_ratio_gains_percentage_points)
{
    struct pace p = slow;
    struct text_facts f = facts_of(TEXT_BEHIND, STATE_ON_PACE, STATE_BEHIND, &p);
    f.ratio = true;
    f.measure = "";
    f.lower = 300000;
    p.level = 121000;
    p.expected = 187500;
    p.rate = 1500000;
    p.projected = 140400;
    p.needed = 14917;
    say("behind-ratio", &f, false);
}
END_TEST

START_TEST(who_came_back_but_must_go_faster_is_not_told_to_keep_the_rate)
{
    struct pace better = slow;
    struct text_facts f = facts_of(TEXT_RECOVERED, STATE_BEHIND, STATE_ON_PACE, &better);
    better.needed = 140;
    better.rate = 121000;
    f.told_on = 19986;
    f.corrects = "haiphong-2024/HP1/303/behind/2024-09-20T08:00/lanhdao.31";
    say("recovered-faster", &f, false);
    better.actual = 4200;
    say("recovered-reached", &f, false);
}
END_TEST

START_TEST(an_end_that_nobody_reported_is_no_result)
{
    struct pace end = slow;
    struct text_facts f = facts_of(TEXT_FINAL, STATE_NOT_REPORTED, STATE_NOT_REPORTED, &end);
    end.actual = 0;
    f.unit = f.role_unit;
    f.whole = true;
    f.id = "haiphong-2024/HP1/31/no-result/2024-10-07T08:00/lanhdao.31";
    say("no-result", &f, false);
}
END_TEST

START_TEST(numbers_are_written_as_offices_write_them)
{
    static const struct {
        int64_t value;
        const char *measure;
        bool ratio, english;
        const char *text;
    } rows[] = {
        {90000, "persons", false, false, "90.000 người"},
        {90000, "persons", false, true, "90,000 persons"},
        {-1234567, "persons", false, false, "-1.234.567 người"},
        {999, "gizmos", false, false, "999"},
        {INT64_C(5000000000), "vnd", false, false, "5 tỷ đồng"},
        {INT64_C(5000000001), "vnd", false, false, "5.000.000.001 đồng"},
        {300000, "", true, false, "30%"},
        {364000, "", true, false, "36,4%"},
        {364000, "", true, true, "36.4%"},
        {999999, "", true, false, "99,9%"},
        {INT64_MIN, "families", false, false, "-9.223.372.036.854.775.808 gia đình"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf out = {0};
        text_value(rows[i].value, rows[i].measure, rows[i].ratio, rows[i].english, &out);
        ck_assert_msg(out.len == strlen(rows[i].text) &&
                          memcmp(out.data, rows[i].text, out.len) == 0,
                      "%.*s, not %s", (int)out.len, (const char *)out.data, rows[i].text);
        buf_fini(&out);
    }
}
END_TEST

START_TEST(a_mail_is_the_same_bytes_every_time)
{
    struct text_facts f = behind_facts();
    struct buf subject = {0}, body = {0}, first = {0}, second = {0};
    text_subject(&f, false, &subject);
    text_body(&f, false, &body);
    struct mail m = {.from_name = "Hệ thống tổng hợp số liệu",
                     .from_address = "tonghop@example.org",
                     .to_name = "Lãnh đạo Ủy ban nhân dân Thành phố Hải Phòng",
                     .to_address = "lanhdao.31@example.org",
                     .domain = "example.org",
                     .id = slice_str("haiphong-2024/HP1/303/behind/2024-09-20T08:00/lanhdao.31/"
                                     "maildir"),
                     .corrects = slice_str("a/.b./c:d"),
                     .subject = buf_slice(&subject),
                     .body = buf_slice(&body),
                     .time_ms = INT64_C(1726794000000)};
    mail_format(&m, &first);
    mail_format(&m, &second);
    ck_assert(slice_equal(buf_slice(&first), buf_slice(&second)));
    compare("mail", &first);
    buf_fini(&subject);
    buf_fini(&body);
    buf_fini(&first);
    buf_fini(&second);
}
END_TEST

START_TEST(a_mail_keeps_to_the_limits_of_its_form)
{
    static char text[4000];
    struct buf out = {0};
    for (size_t i = 0; i + 4 < sizeof text; i += 4)
        memcpy(text + i, i % 60 == 0 ? "\nab " : "ế ", 4);
    struct mail m = {.from_name = "",
                     .from_address = "tonghop@example.org",
                     .to_name = "x\r\nBcc: somebody@example.org",
                     .to_address = "a@example.org",
                     .domain = "example.org",
                     .id = slice_str("a"),
                     .subject = slice_str("một\nhai, và một câu dài hơn một dòng, có dấu, để ngắt"),
                     .body = slice_of(text, strlen(text))};
    mail_format(&m, &out);
    size_t start = 0;
    for (size_t i = 0; i < out.len; i++) {
        if (out.data[i] != '\n')
            continue;
        ck_assert_msg(i - start <= 998, "a line of %zu bytes", i - start);
        struct slice line = slice_of(out.data + start, i - start);
        ck_assert_msg(!memmem(line.data, line.len, "=?", 2) || line.len <= 76,
                      "a line with an encoded word of %zu bytes: %.*s", line.len, (int)line.len,
                      (const char *)line.data);
        start = i + 1;
    }
    ck_assert_msg(memmem(out.data, out.len, "Bcc", 3) == NULL, "a name made a header of its own");
    buf_fini(&out);
}
END_TEST

SUITE_MAIN("texts", a_slow_district_is_told_to_the_leaders, a_slow_district_is_told_to_itself,
           a_slow_province_is_told_to_its_leaders, a_slow_commune_is_told_to_its_district,
           silence_is_not_called_behind,
           a_ratio_of_a_province_nobody_reported_is_told_to_the_office,
           an_alert_that_is_over_is_ended, a_correction_takes_back_what_was_told,
           the_end_is_told_with_its_figures, the_same_of_several_districts_is_one_message,
           several_silent_communes_are_one_message,
           an_amended_plan_is_not_called_a_correction_of_figures,
           a_result_that_an_amendment_changes_names_the_amendment,
           a_target_that_is_removed_is_told_to_have_gone,
           a_rehearsal_says_in_subject_and_body_that_it_is_one,
           without_a_working_day_left_it_says_what_is_missing, a_ratio_gains_percentage_points,
           who_came_back_but_must_go_faster_is_not_told_to_keep_the_rate,
           an_end_that_nobody_reported_is_no_result, numbers_are_written_as_offices_write_them,
           a_mail_is_the_same_bytes_every_time, a_mail_keeps_to_the_limits_of_its_form)
