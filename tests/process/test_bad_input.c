/* What people hand to the command when something went wrong with their file, and what they read
 * then: each way ends with a sentence that says where and what to do, and nothing is lost. The
 * parsers have their own tests; here the whole way counts, to the real collector and back. */
#include "services/cli/cli.h"
#include "tests/support/office.h"
#include "tests/support/suite.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define QUAN "--my-key keys/quan.key"
#define HEADER "unit,indicator,period,value\n"
#define FIGURE "cdht.dangky,2024-09-05"
#define TIME "2024-09-05 07:00:00"

/* --- files that are taken as they come */

static const struct {
    const char *reason;
    const char *csv;
} taken[] = {
    {"a byte order mark", "\xEF\xBB\xBF" HEADER "11311," FIGURE ",5\n"},
    {"lines that end as on Windows", "unit,indicator,period,value\r\n11311," FIGURE ",5\r\n"},
    {"semicolons, as a Vietnamese Excel writes",
     "unit;indicator;period;value\n11311;cdht.dangky;2024-09-05;5\n"},
    {"tabs", "unit\tindicator\tperiod\tvalue\n11311\tcdht.dangky\t2024-09-05\t5\n"},
    {"no end of the last line", HEADER "11311," FIGURE ",5"},
    {"blank lines at the end", HEADER "11311," FIGURE ",5\n\n,,,\n\n"},
    {"other columns' order, and a name for people",
     "name,value,period,indicator,unit\n\"Minh Khai\",5,2024-09-05,cdht.dangky,11311\n"},
};

START_TEST(what_people_save_is_taken)
{
    struct office o;
    office_open(&o, "taken");
    office_begin_campaign(&o);
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        office_write(&o, "a.csv", taken[i].csv, 0, TIME);
        office_run(&o, "import --json a.csv " QUAN);
        ck_assert_msg(o.code == CLI_OK && office_json_int(&o, "accepted") == 1, "%s: %d\n%s",
                      taken[i].reason, o.code, (const char *)o.err.data);
    }
    office_close(&o);
}
END_TEST

/* --- files that are refused whole */

static const struct {
    const char *reason;
    const char *csv;
    const char *sentence;
} refused[] = {
    {"nothing in it", "\n",
     "a.csv: tệp trống: dòng đầu ghi tên các cột: unit, indicator, period, value"},
    {"only the first row", HEADER, "a.csv: dưới dòng đầu không có dòng số liệu nào"},
    {"a misspelt column", "unit,indicator,period,valeu\n1,a,2024,5\n",
     "a.csv: dòng 1: không có cột \"valeu\": có phải là \"value\"?"},
    {"a column missing", "unit,indicator,value\n", "a.csv: dòng 1: thiếu cột \"period\""},
    {"Vietnamese in an old code page", HEADER "11311," FIGURE ",5\nxa\xE3," FIGURE ",5\n",
     "a.csv: dòng 3, cột unit: không phải UTF-8 (byte 0xE3): lưu lại tệp theo kiểu \"CSV UTF-8\""},
    {"a decomposed heading", "unit,indicator,period,value,ma\xCC\x83\n",
     "a.csv: dòng 1: chữ có dấu ở dạng tổ hợp (NFD"},
    {"a quote that is never closed", HEADER "\"11311," FIGURE ",5\n",
     "a.csv: dòng 2: dấu ngoặc kép chưa đóng khi hết tệp"},
    {"an Excel workbook", "PK\3\4\24", "a.csv: đây là sổ tính Excel, không phải CSV"},
};

START_TEST(a_file_that_makes_no_sense_says_where)
{
    struct office o;
    office_open(&o, "whole");
    office_begin_campaign(&o);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        office_write(&o, "a.csv", refused[i].csv, 0, TIME);
        office_run(&o, "import a.csv " QUAN);
        ck_assert_msg(o.code == CLI_REFUSED &&
                          strstr((const char *)o.err.data, refused[i].sentence) != NULL,
                      "%s: %d\n%s", refused[i].reason, o.code, (const char *)o.err.data);
    }
    office_must(&o, CLI_REFUSED, "import none.csv " QUAN);
    office_said(&o, "none.csv: không có tệp này\n");
    office_must(&o, CLI_OK, "clock tick 2024-09-05T09:00:00+07:00");
    office_printed(&o, "journal entry 9\n"); /* nothing of all that was sent */
    office_close(&o);
}
END_TEST

START_TEST(a_million_columns_end_at_the_limit)
{
    struct office o;
    struct buf csv = {0};
    office_open(&o, "columns");
    office_begin_campaign(&o);
    for (unsigned i = 0; i < 1000000; i++)
        buf_printf(&csv, "unit,");
    office_write(&o, "a.csv", (const char *)csv.data, csv.len, TIME);
    office_must(&o, CLI_REFUSED, "import a.csv " QUAN);
    office_said(&o, "a.csv: dòng 1: có hơn 64 cột: có đúng tệp không?");
    buf_fini(&csv);
    office_close(&o);
}
END_TEST

/* --- rows that are refused alone: the first column says by whom */

static const struct {
    const char *reason;
    const char *row;
    const char *sentence;
} rows[] = {
    {"thousands separated", "11311," FIGURE ",90.000",
     "nếu dấu chấm, phẩy để ngăn hàng nghìn, viết 90000"},
    {"a word behind the number", "11311," FIGURE ",5 người", "không phải số nguyên"},
    {"no number", "11311," FIGURE ",", "chưa có số thì bỏ dòng này, số là không thì viết 0"},
    {"a field too many", "11311," FIGURE ",5,6", "dòng này có 5 ô, dòng đầu có 4 cột"},
    {"a person's name for a code", "Nguyễn Văn A," FIGURE ",5",
     "mã không hợp lệ (mã gồm 1 đến 32 ký tự"},
    {"a date as people write it", "11311,cdht.dangky,05/09/2024,5", "viết như 2024-09-05"},
    {"a month for a daily figure", "11311,cdht.dangky,2024-09,5",
     "báo cáo theo loại kỳ khác, viết như 2024-09-30"},
    {"a unit nobody knows", "99999," FIGURE ",5", "(unknown_unit)"},
    {"a unit that comes in 2025", "11948," FIGURE ",5", "(unit_not_in_force)"},
    {"another district's commune", "11341," FIGURE ",5", "(out_of_scope)"},
    {"an indicator nobody knows", "11311,cdht.dk,2024-09-05,5", "(unknown_indicator)"},
    {"the district for its communes", "303," FIGURE ",5", "(not_reporter)"},
    {"a day to come", "11311,cdht.dangky,2024-09-06,5", "(future_period)"},
    {"a day before the catalogue", "11311,cdht.dangky,2001-09-05,5", "(period_too_old)"},
    {"less than nothing", "11311," FIGURE ",-1", "(below_minimum)"},
    {"more than the province has", "11311," FIGURE ",1000001", "(above_maximum)"},
    {"a computed ratio", "303,hoivien.tyle,2024-09,1", "(bad_op)"},
};

START_TEST(a_wrong_row_is_refused_alone_with_its_reason)
{
    struct office o;
    struct buf csv = {0};
    enum { COUNT = sizeof rows / sizeof *rows };
    office_open(&o, "rows");
    office_begin_campaign(&o);
    buf_printf(&csv, HEADER);
    for (unsigned i = 0; i < COUNT; i++)
        buf_printf(&csv, "%s\n", rows[i].row);
    buf_printf(&csv, "11314," FIGURE ",7\n");
    office_write(&o, "a.csv", (const char *)csv.data, csv.len, TIME);
    office_must(&o, CLI_REFUSED, "import --json a.csv " QUAN);
    ck_assert_int_eq(office_json_int(&o, "accepted"), 1);
    ck_assert_int_eq(office_json_int(&o, "refused"), COUNT);
    char *text = office_read(&o, "a.csv.refused.csv");
    char *rest = text, *line = strtok_r(rest, "\n", &rest);
    for (unsigned i = 0; i < COUNT; i++) {
        char place[32];
        snprintf(place, sizeof place, "dòng %u: ", i + 2);
        line = strtok_r(rest, "\n", &rest);
        ck_assert_msg(line && strstr(line, place) && strstr(line, rows[i].sentence), "%s: %s",
                      rows[i].reason, line ? line : "(no line)");
    }
    free(text);
    buf_fini(&csv);
    office_close(&o);
}
END_TEST

/* --- one figure */

static const struct {
    const char *reason;
    const char *words;
    int code;
    const char *sentence;
} lines[] = {
    {"thousands separated", "11311 cdht.dangky 2024-09-05 90.000", CLI_USAGE,
     "số liệu \"90.000\": không phải số nguyên; nếu dấu chấm, phẩy để ngăn hàng nghìn, viết 90000"},
    {"a code that is none: no batch is lost over it", "11/311 cdht.dangky 2024-09-05 5", CLI_USAGE,
     "đơn vị \"11/311\": mã không hợp lệ"},
    {"a month for a daily figure", "11311 cdht.dangky 2024-09 5", CLI_REFUSED,
     "kỳ 2024-09: chỉ tiêu thống kê này báo cáo theo loại kỳ khác, viết như 2024-09-30"},
    {"an add to what is set", "11311 cdht.dangky 2024-09-05 5 --add --reported-at 2024-09-05",
     CLI_REFUSED, "Từ chối: Cách ghi không phù hợp với chỉ tiêu thống kê"},
    {"no such commune", "99999 cdht.dangky 2024-09-05 5 --reported-at 2024-09-05", CLI_REFUSED,
     "Từ chối: Không có đơn vị nào mang mã này: đề nghị kiểm tra lại mã trong danh mục đơn vị. "
     "(unknown_unit)"},
    {"the same in English", "99999 cdht.dangky 2024-09-05 5 --reported-at 2024-09-05 --lang en",
     CLI_REFUSED, "Refused: No unit has this code: check it against the unit catalogue. "},
    {"a clock ahead: stamped again", "11311 cdht.dangky 2024-09-05 5", CLI_OK,
     "Thời điểm báo cáo nằm trong tương lai: gửi lại với giờ của hệ thống tiếp nhận 05/09/2024 "
     "08:00:00"},
};

START_TEST(a_wrong_figure_is_told_at_once)
{
    struct office o;
    office_open(&o, "lines");
    office_begin_campaign(&o);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        office_run(&o, "submit %s " QUAN, lines[i].words);
        ck_assert_msg(o.code == lines[i].code &&
                          strstr((const char *)o.err.data, lines[i].sentence) != NULL,
                      "%s: %d\n%s", lines[i].reason, o.code, (const char *)o.err.data);
    }
    office_close(&o);
}
END_TEST

/* --- plans and units as files beside one another */

#define UNITS "code,from,to,name,type,level,parent,begins\n31,2020-01-01,,P,T,province,,new\n"
#define PLAN(period, maximum, more)                                                                \
    "plan: p\nversion: 1\ntitle: T\ndocument: D\nprovince: \"31\"\nperiod: " period                \
    "\nunits: [u.csv]\nsources: [{id: s, name: S}]\nindicators:\n"                                 \
    "  - {id: a, name: N, kind: stock, unit: persons, minimum: 0, maximum: " maximum               \
    ", reports: leaf, period: day, source_of_record: [{from: 2024-09-04, source: s}]}\n"           \
    "calendar: []\n" more
#define SEPTEMBER "{from: 2024-09-05, to: 2024-10-05}"

static const struct {
    const char *reason;
    const char *plan;
    const char *units;
    const char *sentence;
} plans[] = {
    {"an unknown key", PLAN(SEPTEMBER, "9", "tile: x\n"), UNITS,
     "p.yaml:12:1: unknown key \"tile\": did you mean \"title\"?"},
    {"thousands separated", PLAN(SEPTEMBER, "90.000", ""), UNITS,
     "p.yaml:10:71: maximum: \"90.000\": '.' at column 3 is not a digit: if it separates "
     "thousands, write 90000"},
    {"a key twice", PLAN(SEPTEMBER, "9", "") "indicators: []\n", UNITS,
     "p.yaml:12:1: the key \"indicators\" stands here again, first at line 9: keep one"},
    {"an anchor", PLAN(SEPTEMBER, "&a 9", ""), UNITS,
     "p.yaml:10:71: &a refers elsewhere (anchors and aliases), which is not taken here"},
    {"a period that ends before it begins", PLAN("{from: 2024-09-05, to: 2024-09-01}", "9", ""),
     UNITS, "p.yaml:6:32: to: 2024-09-01 is before 2024-09-05"},
    {"a cycle of parents", PLAN(SEPTEMBER, "9", ""),
     UNITS "1,2020-01-01,,A,T,district,2,new\n2,2020-01-01,,B,T,commune,1,new\n",
     "u.csv: row 3: unit 1 is of level 2 and its parent 2 of level 3 (row 4): "},
    {"a unit in force twice", PLAN(SEPTEMBER, "9", ""), UNITS "31,2021-01-01,,P,T,province,,same\n",
     "u.csv: row 3: unit 31 from 2021-01-01 overlaps row 2"},
    {"a plan cut short", "plan: p\n", NULL, "p.yaml:1:1: the option version is missing"},
};

START_TEST(a_wrong_plan_says_its_place_and_changes_nothing)
{
    struct office o;
    office_open(&o, "plans");
    office_begin_campaign(&o);
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        temp_dir_write(&o.dir, "p.yaml", plans[i].plan);
        temp_dir_write(&o.dir, "u.csv", plans[i].units ? plans[i].units : UNITS);
        office_run(&o, "plan apply p.yaml");
        ck_assert_msg(o.code == CLI_REFUSED &&
                          strstr((const char *)o.err.data, plans[i].sentence) != NULL,
                      "%s: %d\n%s", plans[i].reason, o.code, (const char *)o.err.data);
    }
    temp_dir_write(&o.dir, "p.yaml", PLAN(SEPTEMBER, "9", ""));
    temp_dir_write(&o.dir, "u.csv", UNITS);
    office_must(&o, CLI_OK, "plan check p.yaml"); /* the table's plan is right but for its fault */
    office_must(&o, CLI_OK, "clock tick 2024-09-05T09:00:00+07:00");
    office_printed(&o, "journal entry 9\n");
    office_close(&o);
}
END_TEST

/* --- configurations */

static const struct {
    const char *reason;
    const char *yaml;
    const char *sentence;
} configurations[] = {
    {"a key of the services' files", "listen: [x]\n", "tonghop.yaml:1:1: unknown key \"listen\""},
    {"a key nearly right", "colector: {endpoint: x}\n",
     "unknown key \"colector\": did you mean \"collector.key\"?"},
    {"not YAML", "collector: [\n", "tonghop.yaml:2:1: not YAML"},
    {"a key cut short", "collector: {key: \"rq:rM>}U\"}\n",
     "tonghop.yaml:1:18: collector.key: 8 bytes long: write at least 40"},
    {"no endpoint", "key_file: keys/xa.key\n",
     "tonghop.yaml: aggregator.endpoint is not given there, and this command needs it"},
};

START_TEST(a_wrong_configuration_is_not_taken_for_refused_figures)
{
    struct office o;
    office_open(&o, "config");
    for (size_t i = 0; i < sizeof configurations / sizeof *configurations; i++) {
        temp_dir_write(&o.dir, "tonghop.yaml", configurations[i].yaml);
        office_run(&o, "query 31 cdht.dangky 2024-09-05");
        ck_assert_msg(o.code == CLI_USAGE &&
                          strstr((const char *)o.err.data, configurations[i].sentence) != NULL,
                      "%s: %d\n%s", configurations[i].reason, o.code, (const char *)o.err.data);
    }
    office_must(&o, CLI_USAGE, "query 31 cdht.dangky 2024-09-05 --config none.yaml");
    office_close(&o);
}
END_TEST

SUITE_MAIN("process/bad_input", what_people_save_is_taken, a_file_that_makes_no_sense_says_where,
           a_million_columns_end_at_the_limit, a_wrong_row_is_refused_alone_with_its_reason,
           a_wrong_figure_is_told_at_once, a_wrong_plan_says_its_place_and_changes_nothing,
           a_wrong_configuration_is_not_taken_for_refused_figures)
