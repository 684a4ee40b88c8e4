/* The command as its users use it, from an empty directory to revoked keys: exact where a program
 * reads (--json, CSV, exit codes), by the essential sentence elsewhere. */
#include "services/cli/cli.h"
#include "tests/support/office.h"
#include "tests/support/suite.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DAY "cdht.dangky 2024-09-05"
#define XA "--my-key keys/xa.key"
#define QUAN "--my-key keys/quan.key"

static void campaign(struct office *o, const char *name)
{
    office_open(o, name);
    office_begin_campaign(o);
}

/* What stands for the unit, once the entry is in. */
static int64_t value_of(struct office *o, const char *unit, int64_t entry)
{
    office_must(o, CLI_OK, "query %s " DAY " --json --not-before %" PRId64, unit, entry);
    return office_json_int(o, "value");
}

/* --- beginning */

START_TEST(a_fresh_directory_becomes_an_instance)
{
    struct office o;
    const char *source = getenv("TONGHOP_SOURCE");
    office_open(&o, "fresh");
    office_must(&o, CLI_REFUSED, "keys make keys/xa.key");
    office_said(&o, "keys/xa.key exists: move it away first");
    office_must(&o, CLI_OK, "check-config tonghop.yaml");
    office_must(&o, CLI_OK, "check-config collector.yaml collector");
    office_must(&o, CLI_OK, "check-config aggregator.yaml aggregator");
    office_must(&o, CLI_USAGE, "check-config collector.yaml");
    office_said(&o, "tonghop check-config collector.yaml SERVICE");
    office_start(&o);
    office_must(&o, CLI_OK, "clock tick 2024-09-05T08:00:00+07:00");
    office_printed(&o, "journal time is now 2024-09-05T08:00:00.000+07:00, journal entry 2\n");
    office_must(&o, CLI_OK, "plan check %s/config/plans/haiphong-2024.yaml", source);
    office_printed(&o, "2024-09-05                      1        15      217        0     218\n");
    office_must(&o, CLI_OK, "plan apply --dry-run %s/config/plans/haiphong-2024.yaml", source);
    office_must(&o, CLI_OK, "plan apply %s/config/plans/haiphong-2024.yaml", source);
    office_printed(&o, "units: applied, journal entry 3\n"
                       "plan haiphong-2024 version 1: applied, journal entry 4\n");
    office_must(&o, CLI_OK, "status --json");
    ck_assert_int_eq(json_integer_value(
                         json_object_get(json_object_get(office_json(&o), "collector"), "offset")),
                     4);
    office_must(&o, CLI_OK, "verify aggregator.yaml");
    office_close(&o);
}
END_TEST

START_TEST(a_plan_that_is_refused_changes_no_units)
{
    struct office o;
    campaign(&o, "again");
    office_must(&o, CLI_REFUSED, "plan apply %s/config/plans/haiphong-2024.yaml",
                getenv("TONGHOP_SOURCE"));
    office_said(&o, "version: 1 is not above 1, which was applied already: raise it");
    office_must(&o, CLI_OK, "clock tick 2024-09-05T09:00:00+07:00");
    office_printed(&o, "journal entry 9\n"); /* nothing was journalled between */
    office_close(&o);
}
END_TEST

/* --- one figure */

START_TEST(a_figure_is_submitted_queried_and_traced)
{
    struct office o;
    campaign(&o, "figure");
    office_must(&o, CLI_OK,
                "submit 11311 " DAY " 90000 --reported-at 2024-09-05T07:00:00+07:00 " XA);
    office_printed(&o, "Đã tiếp nhận: 11311 cdht.dangky 2024-09-05: 90.000. Mục nhật ký 9.\n");
    office_must(&o, CLI_OK,
                "submit 11311 " DAY " 90001 --reported-at 2024-09-05T07:30:00+07:00 --json " XA);
    ck_assert(office_json_is(&o, "accepted"));
    ck_assert_str_eq(office_json_text(&o, "refusal"), "");
    ck_assert_str_eq(office_json_text(&o, "time"), "2024-09-05T08:00:00.000+07:00");
    ck_assert_int_eq(office_json_int(&o, "offset"), 10);
    office_must(&o, CLI_OK, "query 31 " DAY " --not-before 10 --json");
    ck_assert_int_eq(office_json_int(&o, "value"), 90001);
    ck_assert_int_eq(office_json_int(&o, "owed"), 218);
    ck_assert_int_eq(office_json_int(&o, "reported"), 1);
    ck_assert_str_eq(office_json_text(&o, "source"), "khuyenhoc");
    office_must(&o, CLI_OK, "query 31 " DAY);
    ck_assert_str_eq((const char *)o.out.data, "90.001\n");
    office_said(&o, "cdht.dangky của 31, ngày 05/09/2024\n");
    office_said(&o, "tính đến 05/09/2024 08:00:00, mục nhật ký 10\n");
    office_must(&o, CLI_OK, "query 31 " DAY " --lang en");
    ck_assert_str_eq((const char *)o.out.data, "90,001\n");
    office_must(&o, CLI_OK, "trace 11311 " DAY " --json");
    const json_t *versions = json_object_get(office_json(&o), "versions");
    ck_assert_uint_eq(json_array_size(versions), 2);
    const json_t *last = json_array_get(versions, 0);
    ck_assert_int_eq(json_integer_value(json_object_get(last, "value")), 90001);
    ck_assert(json_is_true(json_object_get(last, "holds")));
    ck_assert_int_eq(json_integer_value(json_object_get(last, "commit")), 10);
    ck_assert_int_eq(json_integer_value(json_object_get(last, "offset")), 10);
    ck_assert_str_eq(json_string_value(json_object_get(last, "producer")), "xa.11311");
    office_must(&o, CLI_OK, "trace 11311 " DAY);
    office_printed(&o, "đang được tính");
    office_close(&o);
}
END_TEST

START_TEST(what_was_known_on_a_day_stays_known)
{
    struct office o;
    campaign(&o, "known");
    office_must(&o, CLI_OK, "submit 11311 " DAY " 7 --reported-at 2024-09-05 " XA);
    office_must(&o, CLI_OK, "clock tick 2024-09-06T08:00:00+07:00");
    office_must(&o, CLI_OK, "submit 11311 " DAY " --clear --reported-at 2024-09-06 --json " XA);
    int64_t entry = office_json_int(&o, "offset");
    office_must(&o, CLI_OK, "query 31 " DAY " --json --not-before %" PRId64, entry);
    ck_assert(json_is_null(json_object_get(office_json(&o), "value")));
    office_must(&o, CLI_OK, "query 31 " DAY " --json --as-known-on 2024-09-05");
    ck_assert_int_eq(office_json_int(&o, "value"), 7);
    office_must(&o, CLI_OK, "query 31 " DAY);
    ck_assert_str_eq((const char *)o.out.data, "-\n");
    office_said(&o, "chưa có số liệu");
    office_close(&o);
}
END_TEST

START_TEST(an_entry_that_does_not_come_is_waited_for_so_long)
{
    struct office o;
    campaign(&o, "wait");
    office_must(&o, CLI_UNREACHABLE, "query 31 " DAY " --not-before 999 --timeout 100ms");
    office_close(&o);
}
END_TEST

START_TEST(questions_in_a_file_are_answered_in_their_order)
{
    struct office o;
    campaign(&o, "batch");
    office_must(&o, CLI_OK, "submit 11311 " DAY " 12 --reported-at 2024-09-05 --json " XA);
    value_of(&o, "31", office_json_int(&o, "offset"));
    office_write(&o, "q.csv",
                 "unit,indicator,period\n303,cdht.dangky,2024-09-05\n99,cdht.dangky,2024-09-05\n"
                 "304,cdht.dangky,2024-09-05\n",
                 0, NULL);
    office_must(&o, CLI_REFUSED, "query --batch q.csv");
    ck_assert_str_eq(
        (const char *)o.out.data,
        "unit,indicator,period,value,figures,reported,owed,on_time,numerator,denominator,error\n"
        "303,cdht.dangky,2024-09-05,12,1,1,9,1,,,\n"
        "99,cdht.dangky,2024-09-05,,0,0,0,0,,,no unit ever had the code 99\n"
        "304,cdht.dangky,2024-09-05,,0,0,12,0,,,\n");
    office_must(&o, CLI_DENIED, "query 304 " DAY " " XA);
    office_said(&o, "Khóa này không được xem đơn vị này");
    office_must(&o, CLI_REFUSED, "query 31 cdht.dangkyy 2024-09-05");
    office_said(&o, "Không có đơn vị hoặc chỉ tiêu thống kê như đã hỏi");
    office_must(&o, CLI_REFUSED, "trace 99 " DAY " --lang en");
    office_said(&o, "tonghop: no unit ever had the code 99\n");
    office_must(&o, CLI_DENIED, "status --indicator cdht.dangky --unit 304 " XA);
    office_close(&o);
}
END_TEST

START_TEST(the_tree_and_the_feed_show_the_same_figure)
{
    struct office o;
    campaign(&o, "tree");
    office_must(&o, CLI_OK, "submit 11311 " DAY " 12 --reported-at 2024-09-05 --json " XA);
    value_of(&o, "31", office_json_int(&o, "offset"));
    office_must(&o, CLI_OK, "status --indicator cdht.dangky --unit 303 --json");
    ck_assert_str_eq(office_json_text(&o, "last"), "2024-09-05"); /* the journal's today */
    const json_t *district = json_array_get(json_object_get(office_json(&o), "units"), 0);
    ck_assert_int_eq(json_integer_value(json_object_get(district, "value")), 12);
    ck_assert_int_eq(json_integer_value(json_object_get(district, "owed")), 9);
    office_must(&o, CLI_OK, "watch --once --json --unit 303");
    char first[256];
    snprintf(first, sizeof first, "%.*s", (int)strcspn((const char *)o.out.data, "\n"),
             (const char *)o.out.data);
    ck_assert_str_eq(first,
                     "{\"indicator\":\"cdht.dangky\",\"unit\":\"303\",\"day\":\"2024-09-05\","
                     "\"amount\":12,\"figures\":1,\"reported\":1,\"on_time\":1,\"total\":12}");
    office_must(&o, CLI_OK, "keys make keys/b.key");
    office_must(&o, CLI_OK, "keys add b --source khuyenhoc --scope 11314 --key keys/b.key.pub");
    office_must(&o, CLI_OK, "query 31 " DAY " --not-before 11");
    office_must(&o, CLI_OK, "watch --once --my-key keys/b.key");
    office_said(&o, "Khóa này không xem được luồng số liệu nào");
    office_close(&o);
}
END_TEST

/* --- files */

#define HEADER "unit,indicator,period,value\n"

START_TEST(a_file_is_imported_once_however_often_it_is_given)
{
    struct office o;
    campaign(&o, "import");
    office_write(&o, "a.csv",
                 HEADER "11311,cdht.dangky,2024-09-05,10\n11314,cdht.dangky,2024-09-05,20\n", 0,
                 "2024-09-05 07:00:00");
    office_must(&o, CLI_OK, "import --dry-run --json a.csv " QUAN);
    ck_assert_int_eq(office_json_int(&o, "new"), 2);
    ck_assert_int_eq(office_json_int(&o, "accepted"), 0);
    office_must(&o, CLI_OK, "import --json a.csv " QUAN);
    office_said(&o, "So với số liệu đang có: 2 số mới, 0 giữ nguyên, 0 thay đổi\n");
    office_said(&o, "Đã tiếp nhận 2 dòng, từ chối 0 dòng.\n");
    int64_t entry = office_json_int(&o, "offset");
    ck_assert_int_eq(value_of(&o, "303", entry), 30);
    office_must(&o, CLI_OK, "import --json a.csv " QUAN);
    office_said(&o, "Tệp này đã được nhập lúc ");
    ck_assert(office_json_is(&o, "resumed"));
    ck_assert_int_eq(office_json_int(&o, "accepted"), 2);
    ck_assert_int_eq(office_json_int(&o, "offset"), entry); /* no new one */
    office_must(&o, CLI_OK, "import --again --json a.csv " QUAN);
    ck_assert_int_eq(office_json_int(&o, "same"), 2);
    ck_assert_int_eq(value_of(&o, "303", office_json_int(&o, "offset")), 30);
    office_must(&o, CLI_REFUSED, "import a.csv " XA);
    office_said(&o, "bằng một khóa khác");
    office_close(&o);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_named_to_the_officer)
{
    struct office o;
    campaign(&o, "unreadable");
    office_must(&o, CLI_REFUSED, "import nowhere.csv " QUAN);
    office_said(&o, "nowhere.csv: không có tệp này\n");
    office_must(&o, CLI_FAILED, "import keys " QUAN); /* a folder */
    office_said(&o, "keys: không đọc được tệp này\n");
    office_close(&o);
}
END_TEST

START_TEST(an_import_shows_what_is_older_and_what_changes)
{
    struct office o;
    campaign(&o, "older");
    office_must(&o, CLI_OK, "submit 11311 " DAY " 10 --reported-at 2024-09-05T07:00:00+07:00 " XA);
    office_must(&o, CLI_OK,
                "submit 11314 " DAY " 1 --reported-at 2024-09-05T06:00:00+07:00 --json " QUAN);
    value_of(&o, "31", office_json_int(&o, "offset"));
    office_write(&o, "a.csv",
                 HEADER "11311,cdht.dangky,2024-09-05,9000\n11314,cdht.dangky,2024-09-05,2000\n", 0,
                 "2024-09-05 06:30:00");
    office_must(&o, CLI_OK, "import --json a.csv " QUAN);
    office_said(&o, "dòng 2: 11311 cdht.dangky 2024-09-05: 10 -> 9.000 (xa.11311 báo cáo lúc "
                    "05/09/2024 07:00:00); số đó mới hơn, số trong tệp không thay thế được\n");
    office_said(&o, "dòng 3: 11314 cdht.dangky 2024-09-05: 1 -> 2.000");
    ck_assert_int_eq(office_json_int(&o, "changed"), 2);
    ck_assert_int_eq(office_json_int(&o, "superseded"), 1);
    ck_assert_int_eq(value_of(&o, "303", office_json_int(&o, "offset")), 2010);
    office_close(&o);
}
END_TEST

START_TEST(refused_rows_are_corrected_and_imported)
{
    struct office o;
    campaign(&o, "refused");
    office_write(&o, "a.csv",
                 HEADER "11311,cdht.dangky,2024-09-05,90.000\n11314,cdht.dangky,2024-09-05,20\n"
                        "11341,cdht.dangky,2024-09-05,3\n",
                 0, "2024-09-05 07:00:00");
    office_must(&o, CLI_REFUSED, "import --json a.csv " QUAN);
    ck_assert_int_eq(office_json_int(&o, "rows"), 3);
    ck_assert_int_eq(office_json_int(&o, "accepted"), 1);
    ck_assert_int_eq(office_json_int(&o, "refused"), 2);
    char *text = office_read(&o, "a.csv.refused.csv");
    ck_assert_str_eq(
        text,
        "unit,indicator,period,value,op,reported_at,note\n"
        "11311,cdht.dangky,2024-09-05,90.000,,,\"dòng 2: cột value, \"\"90.000\"\": không phải số "
        "nguyên; nếu dấu chấm, phẩy để ngăn hàng nghìn, viết 90000\"\n"
        "11341,cdht.dangky,2024-09-05,3,,,\"dòng 4: Đơn vị này nằm ngoài phạm vi báo cáo được "
        "giao: "
        "đề nghị kiểm tra lại mã đơn vị, hoặc liên hệ bộ phận công nghệ thông tin của tỉnh để điều "
        "chỉnh phạm vi. (out_of_scope)\"\n");
    free(text);
    office_write(&o, "b.csv",
                 "unit,indicator,period,value,op,reported_at,note\n"
                 "11311,cdht.dangky,2024-09-05,90000,,,corrected\n",
                 0, "2024-09-05 07:10:00");
    office_must(&o, CLI_OK, "import --json b.csv " QUAN);
    ck_assert_int_eq(value_of(&o, "303", office_json_int(&o, "offset")), 90020);
    office_close(&o);
}
END_TEST

START_TEST(rows_of_one_cell_are_said_and_the_last_counts)
{
    struct office o;
    campaign(&o, "repeated");
    office_write(&o, "a.csv",
                 "unit,indicator,period,value,reported_at\n"
                 "11311,cdht.dangky,2024-09-05,5,2024-09-05T07:00:00+07:00\n"
                 "11311,cdht.dangky,2024-09-05,1,\n11311,cdht.dangky,2024-09-05,2,\n",
                 0, "2024-09-05 06:00:00");
    office_must(&o, CLI_OK, "import --json a.csv " XA);
    office_said(&o, "2 dòng bị dòng khác của cùng đơn vị, chỉ tiêu thống kê và kỳ trong tệp thay "
                    "thế: dòng báo cáo sau cùng được tính.\n");
    office_said(&o,
                "  dòng 2: 11311 cdht.dangky 2024-09-05: tính dòng này, không tính 2 dòng khác\n");
    ck_assert_int_eq(office_json_int(&o, "repeated"), 2);
    ck_assert_int_eq(office_json_int(&o, "accepted"), 3);
    ck_assert_int_eq(value_of(&o, "11311", office_json_int(&o, "offset")), 5);
    office_close(&o);
}
END_TEST

/* A figure of each of 1,600 days for the communes of district 303: some batches. */
enum { MANY_DAYS = 1600, MANY_COMMUNES = 9, MANY_ROWS = MANY_DAYS * MANY_COMMUNES };

static void write_many(struct office *o)
{
    static const char *const communes[MANY_COMMUNES] = {"11296", "11299", "11302", "11305", "11308",
                                                        "11311", "11314", "11320", "11323"};
    struct buf csv = {0};
    day_t last = day_of(2024, 9, 5);
    buf_printf(&csv, HEADER);
    for (int i = 0; i < MANY_ROWS; i++) {
        char day[DAY_TEXT_BYTES];
        buf_printf(&csv, "%s,cdht.dangky,%s,%d\n", communes[i % MANY_COMMUNES],
                   day_format(last - i / MANY_COMMUNES, day), 1 + i / MANY_COMMUNES);
    }
    office_write(o, "many.csv", (const char *)csv.data, csv.len, "2024-09-05 07:00:00");
    buf_fini(&csv);
}

enum { VERSIONS = 70000 /* more than one answer may hold */ };

START_TEST(a_figure_of_many_versions_is_traced_page_by_page)
{
    struct office o;
    struct buf csv = {0};
    campaign(&o, "versions");
    buf_printf(&csv, HEADER);
    for (int i = 0; i < VERSIONS; i++)
        buf_printf(&csv, "11311,cdht.dangky,2024-09-05,%d\n", i);
    office_write(&o, "versions.csv", (const char *)csv.data, csv.len, "2024-09-05 07:00:00");
    office_must(&o, CLI_OK, "import --json versions.csv " QUAN);
    int64_t entry = office_json_int(&o, "offset");
    office_must(&o, CLI_OK, "trace 11311 " DAY " --json --not-before %" PRId64, entry);
    const json_t *one, *versions = json_object_get(office_json(&o), "versions");
    size_t i;
    ck_assert_uint_eq(json_array_size(versions), VERSIONS);
    json_array_foreach(versions, i, one)
        ck_assert_int_eq(json_integer_value(json_object_get(one, "value")), VERSIONS - 1 - (int)i);
    buf_fini(&csv);
    office_close(&o);
}
END_TEST

START_TEST(an_interrupted_import_goes_on_where_it_stopped)
{
    struct office o;
    struct office_child child;
    campaign(&o, "interrupted");
    write_many(&o);
    process_stop(&o.collector);
    office_spawn(&o, &child, "import many.csv " QUAN);
    office_await(&child, "So với số liệu đang có");
    ck_assert_int_eq(office_end(&child, SIGINT), CLI_UNREACHABLE);
    office_start(&o);
    office_must(&o, CLI_OK, "import --json many.csv " QUAN);
    ck_assert_int_eq(office_json_int(&o, "accepted"), MANY_ROWS);
    ck_assert_int_eq(value_of(&o, "303", office_json_int(&o, "offset")), MANY_COMMUNES);
    office_must(&o, CLI_OK, "verify aggregator.yaml");
    office_close(&o);
}
END_TEST

START_TEST(an_import_that_was_killed_goes_on_too)
{
    struct office o;
    struct office_child child;
    campaign(&o, "killed");
    write_many(&o);
    office_spawn(&o, &child, "import many.csv " QUAN);
    office_await(&child, "đã gửi ");
    office_end(&child, SIGKILL);
    office_must(&o, CLI_OK, "import --json many.csv " QUAN);
    ck_assert_int_eq(office_json_int(&o, "accepted"), MANY_ROWS);
    office_must(&o, CLI_OK, "trace 11311 " DAY " --json --not-before %" PRId64,
                office_json_int(&o, "offset"));
    ck_assert_uint_eq(json_array_size(json_object_get(office_json(&o), "versions")), 1);
    office_close(&o);
}
END_TEST

/* --- a service is down */

START_TEST(a_figure_waits_while_the_collector_is_down)
{
    struct office o;
    campaign(&o, "down");
    process_stop(&o.collector);
    office_must(&o, CLI_UNREACHABLE,
                "submit 11311 " DAY " 7 --reported-at 2024-09-05 --timeout 200ms " XA);
    office_said(&o, "Chưa gửi được; 1 số liệu đã lưu trong hàng chờ gửi");
    office_said(&o, "Không nhận được trả lời của hệ thống");
    office_must(&o, CLI_UNREACHABLE, "status --timeout 200ms");
    office_printed(&o, "unreachable");
    office_start(&o);
    office_must(&o, CLI_OK, "submit --pending " XA);
    office_said(&o, "Số liệu gửi lần trước (số thứ tự 1): Đã tiếp nhận.\n");
    office_must(&o, CLI_OK, "submit --pending " XA);
    ck_assert_str_eq((const char *)o.err.data, "");
    ck_assert_int_eq(value_of(&o, "31", 9), 7);
    office_close(&o);
}
END_TEST

START_TEST(an_import_goes_on_without_the_aggregator)
{
    struct office o;
    campaign(&o, "noagg");
    process_stop(&o.aggregator);
    office_write(&o, "a.csv", HEADER "11311,cdht.dangky,2024-09-05,10\n", 0, "2024-09-05 07:00:00");
    office_must(&o, CLI_OK, "import --json a.csv --timeout 500ms " QUAN);
    office_said(&o, "Không so sánh được với số liệu đang có: ");
    ck_assert_int_eq(office_json_int(&o, "accepted"), 1);
    ck_assert(json_object_get(office_json(&o), "new") == NULL);
    office_must(&o, CLI_UNREACHABLE, "query 31 " DAY " --timeout 200ms");
    office_start(&o);
    ck_assert_int_eq(value_of(&o, "31", 9), 10);
    office_close(&o);
}
END_TEST

/* An aggregator that has not heard from its collector yet serves no figures. */
static void start_catching_up(struct office *o)
{
    process_stop(&o->aggregator);
    process_stop(&o->collector);
    process_start(&o->aggregator);
}

START_TEST(a_question_waits_for_a_service_that_is_starting)
{
    struct office o;
    struct office_child query;
    campaign(&o, "starting");
    office_must(&o, CLI_OK, "submit 11311 " DAY " 7 --reported-at 2024-09-05 " XA);
    ck_assert_int_eq(value_of(&o, "31", 9), 7);
    start_catching_up(&o);
    office_spawn(&o, &query, "query 31 " DAY " --timeout 30s");
    office_await(&query, "hệ thống chưa sẵn sàng, đang chờ để hỏi lại, nhiều nhất 30 giây");
    office_await(&query, "the aggregator is catching up: entry 9 of 0 is applied; ask again");
    office_start(&o);
    ck_assert_int_eq(office_end(&query, 0), CLI_OK);
    office_close(&o);
}
END_TEST

START_TEST(a_service_that_stays_unready_ends_the_question_after_the_timeout)
{
    static const char *const lines[] = {
        "query 31 " DAY " --timeout 2s",
        "trace 11311 " DAY " --timeout 2s",
        "status --indicator cdht.dangky --day 2024-09-05 --timeout 2s",
    };
    struct office o;
    campaign(&o, "unready");
    start_catching_up(&o);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        office_must(&o, CLI_UNREACHABLE, "%s", lines[i]);
        office_said(&o, "Hệ thống đang khởi động hoặc đang bận: đề nghị thử lại sau ít phút.");
        office_said(&o, "the aggregator is catching up");
        office_said(&o, "đang chờ"); /* told once it takes longer than a second */
    }
    office_start(&o);
    office_close(&o);
}
END_TEST

START_TEST(status_without_a_notifier_shows_the_others_and_says_so)
{
    struct office o;
    campaign(&o, "nonotifier");
    office_must(&o, CLI_OK, "status");
    office_printed(&o, "aggregator");
    office_said(&o, "Không hiển thị tình trạng chỉ tiêu: ");
    office_said(&o, "không có mục notifier.\n");
    office_must(&o, CLI_OK, "status --json");
    ck_assert_str_eq((const char *)o.err.data, "");
    office_must(&o, CLI_USAGE, "status --watch");
    office_said(&o, "notifier.endpoint is not given there");
    office_close(&o);
}
END_TEST

/* A container's command finds all services that the composition has. */
START_TEST(the_composition_names_a_notifier_for_status)
{
    struct cli_config c = {0};
    struct err e = {0};
    char path[TEMP_PATH_BYTES];
    snprintf(path, sizeof path, "%s/config/compose/tonghop.yaml", getenv("TONGHOP_SOURCE"));
    ck_assert_msg(cli_config_load(path, &c, &e) == 0, "%s", e.text);
    ck_assert_str_eq(c.notifier.endpoint, "tcp://notifier:7404");
    ck_assert_str_eq(c.alerts_feed, "tcp://notifier:7405");
    cli_config_fini(&c);
}
END_TEST

/* --- as it is pushed */

/* A command in the background whose stdout is awaited, too. */
struct watcher {
    struct office_child said;    /* on stderr */
    struct office_child printed; /* on stdout */
};

static void watch(struct office *o, struct watcher *w, const char *line)
{
    int ends[2], own = dup(STDOUT_FILENO);
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    dup2(ends[1], STDOUT_FILENO);
    office_spawn(o, &w->said, line);
    dup2(own, STDOUT_FILENO);
    close(own);
    close(ends[1]);
    w->printed = (struct office_child){.pid = w->said.pid, .err_fd = ends[0]};
}

static void end_watch(struct watcher *w)
{
    ck_assert_int_eq(office_end(&w->said, SIGINT), CLI_OK);
    close(w->printed.err_fd);
    buf_fini(&w->printed.err);
}

/* A campaign of which nobody reports anything, with somebody to tell of it. */
static void silent_campaign(struct office *o, const char *name)
{
    office_open(o, name);
    office_add_notifier(o);
    office_begin_campaign(o);
}

static void let_days_pass(struct office *o, unsigned first, unsigned last)
{
    for (unsigned day = first; day <= last; day++)
        office_must(o, CLI_OK, "clock tick 2024-09-%02uT18:00:00+07:00", day);
}

START_TEST(alerts_are_shown_to_a_watcher_as_they_are_pushed)
{
    struct office o;
    struct watcher w, programs;
    silent_campaign(&o, "alertswatch");
    watch(&o, &w, "alerts watch");
    watch(&o, &programs, "alerts watch --json --lang en");
    office_await(&w.said, "Đang theo dõi thông báo mới");
    office_await(&programs.said, "Watching for notifications");
    let_days_pass(&o, 5, 12);
    office_await(&w.printed, "chưa báo cáo");
    office_await(&programs.printed, "\"to\":\"not-reported\"");
    end_watch(&w);
    end_watch(&programs);
    office_close(&o);
}
END_TEST

START_TEST(states_are_shown_again_after_each_tick_and_after_a_restart)
{
    struct office o;
    struct watcher w;
    silent_campaign(&o, "statuswatch");
    let_days_pass(&o, 5, 5);
    watch(&o, &w, "status --watch --target HP1 --depth 0");
    office_await(&w.printed, "Xét lúc 05/09/2024 18:00:00");
    let_days_pass(&o, 6, 6);
    office_await(&w.printed, "Xét lúc 06/09/2024 18:00:00");
    ck_assert_int_eq(process_stop(&o.notifier), 0);
    let_days_pass(&o, 7, 7);
    office_start(&o);
    office_await(&w.printed, "Xét lúc 07/09/2024 18:00:00");
    end_watch(&w);
    office_close(&o);
}
END_TEST

/* --- keys */

START_TEST(a_rotated_key_goes_on_and_the_old_one_is_told)
{
    struct office o;
    campaign(&o, "rotate");
    process_stop(&o.collector);
    office_must(&o, CLI_UNREACHABLE,
                "submit 11311 " DAY " 7 --reported-at 2024-09-05 --timeout 200ms " XA);
    office_start(&o);
    office_must(&o, CLI_OK, "keys make keys/new.key");
    office_must(&o, CLI_OK, "keys rotate xa.11311 --key keys/new.key.pub --old keys/xa.key.pub");
    office_printed(&o, "xa.11311: new key bound, journal entry 9\n"
                       "xa.11311: old key revoked, journal entry 10\n");
    office_must(&o, CLI_DENIED, "submit 11311 " DAY " 8 " XA);
    office_said(&o, "Khóa này không được hệ thống chấp nhận (chưa đăng ký, đã bị thu hồi hoặc "
                    "không đủ quyền): đề nghị liên hệ bộ phận công nghệ thông tin của tỉnh.\n");
    office_must(&o, CLI_DENIED, "submit 11311 " DAY " 8 --lang en " XA);
    office_must(&o, CLI_OK, "submit --pending --my-key keys/new.key");
    office_said(&o, "của một khóa khác còn chờ gửi");
    const char *from = strstr((const char *)o.err.data, "--from ");
    ck_assert_ptr_nonnull(from);
    char folder[128];
    snprintf(folder, sizeof folder, "%.*s", (int)strcspn(from + 7, "\n"), from + 7);
    office_must(&o, CLI_OK, "submit --pending --from %s --my-key keys/new.key", folder);
    office_must(&o, CLI_OK, "trace 11311 " DAY " --json --not-before 13");
    ck_assert_uint_eq(json_array_size(json_object_get(office_json(&o), "versions")), 3);
    office_close(&o);
}
END_TEST

START_TEST(a_revoked_officer_stands_before_a_closed_door)
{
    struct office o;
    campaign(&o, "revoke");
    office_must(&o, CLI_OK, "keys revoke q.303 --key keys/quan.key.pub");
    office_printed(&o, "q.303: key revoked for good, journal entry 9\n");
    office_must(&o, CLI_OK, "query 31 " DAY " --not-before 9");
    office_must(&o, CLI_DENIED, "query 303 " DAY " " QUAN);
    office_said(&o, "đã bị thu hồi");
    office_must(&o, CLI_REFUSED, "keys rotate q.303 --key keys/quan.key.pub");
    office_said(&o, "was revoked, and is so for ever: make a new pair");
    office_must(&o, CLI_OK, "keys retire xa.11311");
    office_must(&o, CLI_REFUSED, "keys set xa.11311 --source khuyenhoc --scope 11311");
    office_said(&o, "is retired for good");
    office_close(&o);
}
END_TEST

START_TEST(a_scope_code_means_the_unit_of_its_day)
{
    struct office o;
    campaign(&o, "scope");
    office_must(&o, CLI_OK, "keys make keys/b.key");
    office_must(&o, CLI_OK,
                "keys add b --source khuyenhoc --scope 11311,11314 --key keys/b.key.pub");
    office_printed(&o, "  speaks for 11311, 11314 and all below, as borne on 2024-09-05\n");
    office_must(&o, CLI_REFUSED, "keys set b --source khuyenhoc --scope 11314 --on 2025-01-01");
    office_said(&o, "no unit bears \"11314\" on 2025-01-01");
    office_must(&o, CLI_OK, "keys set b --source khuyenhoc --scope 11311 --on 2025-01-01");
    office_printed(&o, "as borne on 2025-01-01\n");
    office_must(&o, CLI_REFUSED, "keys add q.303 --role subscribe --key keys/b.key.pub");
    office_said(&o, "is bound to b already");
    office_must(&o, CLI_OK,
                "submit 11314 " DAY " 4 --reported-at 2024-09-05 " QUAN); /* as before */
    office_close(&o);
}
END_TEST

/* --- time */

START_TEST(replay_time_moves_by_the_operator_alone)
{
    struct office o;
    campaign(&o, "time");
    office_must(&o, CLI_REFUSED, "clock tick 2024-09-01");
    office_said(&o, "never goes back");
    office_must(&o, CLI_REFUSED, "clock accept now");
    office_said(&o, "no jump is waiting to be accepted");
    office_must(&o, CLI_DENIED, "clock tick 2024-09-06 " XA);
    office_must(&o, CLI_OK, "clock tick 2024-09-06");
    office_printed(&o, "journal time is now 2024-09-06T00:00:00.000+07:00");
    office_close(&o);
}
END_TEST

SUITE_MAIN(
    "process/commands", a_fresh_directory_becomes_an_instance,
    a_plan_that_is_refused_changes_no_units, a_figure_is_submitted_queried_and_traced,
    what_was_known_on_a_day_stays_known, an_entry_that_does_not_come_is_waited_for_so_long,
    questions_in_a_file_are_answered_in_their_order, the_tree_and_the_feed_show_the_same_figure,
    a_file_is_imported_once_however_often_it_is_given,
    an_import_shows_what_is_older_and_what_changes, refused_rows_are_corrected_and_imported,
    rows_of_one_cell_are_said_and_the_last_counts, an_interrupted_import_goes_on_where_it_stopped,
    an_import_that_was_killed_goes_on_too, a_figure_waits_while_the_collector_is_down,
    an_import_goes_on_without_the_aggregator, a_question_waits_for_a_service_that_is_starting,
    a_file_that_cannot_be_read_is_named_to_the_officer,
    alerts_are_shown_to_a_watcher_as_they_are_pushed,
    states_are_shown_again_after_each_tick_and_after_a_restart,
    status_without_a_notifier_shows_the_others_and_says_so,
    the_composition_names_a_notifier_for_status, a_figure_of_many_versions_is_traced_page_by_page,
    a_service_that_stays_unready_ends_the_question_after_the_timeout,
    a_rotated_key_goes_on_and_the_old_one_is_told, a_revoked_officer_stands_before_a_closed_door,
    a_scope_code_means_the_unit_of_its_day, replay_time_moves_by_the_operator_alone)
