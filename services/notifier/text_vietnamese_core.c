#include <string.h>

#include "services/notifier/text_internal.h"

/* The Vietnamese of text_core.h. */

enum { NAMES_MAX = 3, MILLI = 1000 };

static void put(struct buf *out, const char *text)
{
    text_put(out, text);
}

/* ---- pieces of sentences ---- */

/* "quận Ngô Quyền": inside a sentence the type of a unit is a common noun. */
static void put_unit(const char *name, struct buf *out)
{
    static const char *const types[][2] = {{"Thành phố ", "thành phố "},
                                           {"Tỉnh ", "tỉnh "},
                                           {"Quận ", "quận "},
                                           {"Huyện ", "huyện "},
                                           {"Thị xã ", "thị xã "},
                                           {"Thị trấn ", "thị trấn "},
                                           {"Phường ", "phường "},
                                           {"Xã ", "xã "},
                                           {"Đặc khu ", "đặc khu "},
                                           {"Thôn ", "thôn "},
                                           {"Tổ dân phố ", "tổ dân phố "}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        size_t len = strlen(types[i][0]);
        if (strncmp(name, types[i][0], len) != 0)
            continue;
        put(out, types[i][1]);
        put(out, name + len);
        return;
    }
    put(out, name);
}

static void value(const struct text_facts *f, int64_t v, struct buf *out)
{
    text_value(v, f->measure, f->ratio, false, out);
}

static void on_day(day_t d, struct buf *out)
{
    text_day(d, false, out);
}

/* "30.123/90.000 người (33,4%)" */
static void part_of_share(const struct text_facts *f, int64_t level, int64_t lower, struct buf *out)
{
    if (f->ratio) {
        value(f, level, out);
        put(out, "/");
        value(f, lower, out);
        return;
    }
    text_number(level, false, out);
    put(out, "/");
    value(f, lower, out);
    if (lower > 0) {
        put(out, " (");
        text_percent(level, lower, false, out);
        put(out, ")");
    }
}

/* Who comes to the stretch bound has reached what was striven for, no more. */
static const char *state_words(enum alert_state s)
{
    return s == STATE_EXCEEDED ? "đạt mức phấn đấu" : alert_state_words(s, false);
}

static const char *share_word(const struct text_facts *f)
{
    return f->whole && f->about_count == 0 ? "chỉ tiêu" : "chỉ tiêu giao";
}

static void name_target(const struct text_facts *f, struct buf *out)
{
    buf_printf(out, "chỉ tiêu %s", f->target_id);
    if (f->target_title[0] != '\0')
        buf_printf(out, ": %s", f->target_title);
    buf_printf(out, " (%s", f->document);
    if (f->clause[0] != '\0')
        buf_printf(out, ", mục %s", f->clause);
    put(out, ")");
}

static const char *several(const struct text_facts *f)
{
    return f->role == TEXT_TO_DISTRICT ? "đơn vị" : "địa phương";
}

/* The unit, or how many. */
static void put_subject(const struct text_facts *f, struct buf *out)
{
    if (f->about_count > 0)
        buf_printf(out, "%u %s", f->about_count, several(f));
    else
        put(out, f->unit);
}

static void put_beginning(const struct text_facts *f, struct buf *out)
{
    put(out, f->about_count > 0 ? "Có " : "");
    put_subject(f, out);
}

/* The same inside a sentence. */
static void put_object(const struct text_facts *f, struct buf *out)
{
    if (f->about_count > 0)
        buf_printf(out, "các %s sau", several(f));
    else
        put_unit(f->unit, out);
}

static bool is_its_own(const struct text_facts *f)
{
    return f->about_count == 0 && strcmp(f->unit, f->role_unit) == 0;
}

/* "Kính đề nghị Lãnh đạo chỉ đạo các địa phương", to others "Đề nghị quý cơ quan đôn đốc phường Sở
 * Dầu": what they are to see to follows. */
static void ask(const struct text_facts *f, struct buf *out)
{
    if (f->role != TEXT_TO_LEADERS) {
        put(out, "Đề nghị quý cơ quan");
        if (is_its_own(f))
            return;
        put(out, " đôn đốc ");
        if (f->about_count > 0)
            put(out, "các đơn vị nêu trên");
        else
            put_unit(f->unit, out);
        return;
    }
    put(out, "Kính đề nghị Lãnh đạo chỉ đạo ");
    if (f->about_count > 0)
        put(out, "các địa phương nêu trên");
    else if (f->whole)
        put(out, "các địa phương");
    else {
        put(out, "Ủy ban nhân dân ");
        put_unit(f->unit, out);
    }
}

static void coverage(const struct text_facts *f, struct buf *out)
{
    struct text_coverage c = text_cover(f);
    if (c.owed == 0) {
        put(out, "Căn cứ: chưa có ngày nào đủ báo cáo để đánh giá.\n\n");
        return;
    }
    buf_printf(out, "Căn cứ: %u/%u đơn vị đã báo cáo số liệu của ", c.reported, c.owed);
    if (c.first != c.last) {
        put(out, "các ngày từ ");
        on_day(c.first, out);
        put(out, " đến ");
    } else {
        put(out, "ngày ");
    }
    on_day(c.last, out);
    put(out, ".\n\n");
}

/* ---- lists ---- */

static void put_reports(const struct text_line *l, struct buf *out)
{
    if (l->reported == 0)
        buf_printf(out, "chưa nhận được báo cáo nào (0/%u)", l->owed);
    else
        buf_printf(out, "mới nhận được %u/%u báo cáo", l->reported, l->owed);
}

static void put_silence(const struct text_line *l, struct buf *out)
{
    put_reports(l, out);
    if (l->from > l->to)
        return;
    put(out, l->from == l->to ? " của ngày " : " của các ngày từ ");
    on_day(l->from, out);
    if (l->from != l->to) {
        put(out, " đến ");
        on_day(l->to, out);
    }
}

static void put_standing(const struct text_facts *f, const struct text_line *l, struct buf *out)
{
    if (l->state == STATE_NOT_REPORTED && f->kind != TEXT_UNDONE) {
        put(out, l->reported == 0 ? "chưa báo cáo" : "chưa báo cáo đủ");
        if (l->owed > 0)
            buf_printf(out, " (%u/%u)", l->reported, l->owed);
        return;
    }
    part_of_share(f, l->level, l->lower, out);
    if (f->about_count == 0) {
        put(out, ", ");
        put(out, state_words(l->state));
        return;
    }
    if (l->late > 0) {
        put(out, ", chậm ");
        text_gain(l->late, f, false, out);
        put(out, " so với tiến độ");
    }
    if (l->projected >= 0) {
        put(out, "; dự báo đến hạn đạt khoảng ");
        value(f, text_round(l->projected), out);
    }
}

static void put_lines(const struct text_facts *f, const struct text_line *lines, unsigned count,
                      struct buf *out)
{
    for (unsigned i = 0; i < count; i++) {
        const struct text_line *l = &lines[i];
        put(out, "- ");
        put_unit(l->name, out);
        if (f->kind != TEXT_REMOVED)
            put(out, ": ");
        if (f->kind == TEXT_SILENT)
            put_silence(l, out);
        else if (f->kind != TEXT_REMOVED)
            put_standing(f, l, out);
        if (l->told_on != DAY_NEVER && f->reminded_of == DAY_NEVER) {
            put(out, " (thông báo ngày ");
            on_day(l->told_on, out);
            put(out, ")");
        }
        put(out, "\n");
    }
}

static void list_about(const struct text_facts *f, struct buf *out)
{
    put_lines(f, f->about, f->about_count, out);
    put(out, "\n");
}

static void list_below(const struct text_facts *f, const char *heading, struct buf *out)
{
    if (f->line_count == 0)
        return;
    buf_printf(out, "%s\n", heading);
    put_lines(f, f->lines, f->line_count, out);
    if (f->more > 0)
        buf_printf(out, "- và %u đơn vị khác\n", f->more);
    put(out, "\n");
}

/* ---- the pace ---- */

static void standing(const struct text_facts *f, struct buf *out)
{
    put(out, "Tính đến ngày ");
    on_day(f->pace->judged, out);
    put(out, ", lũy kế đạt ");
    part_of_share(f, f->pace->level, f->lower, out);
    put(out, ".");
}

static void forecast_sentence(const struct text_facts *f, struct buf *out)
{
    const struct pace *p = f->pace;
    int64_t projected = text_round(p->projected);
    put(out, "Với nhịp độ những ngày gần đây (khoảng ");
    text_rate(p->rate, f, false, out);
    put(out, " mỗi ngày làm việc");
    if (f->left_out_from <= f->left_out_to) {
        put(out, ", không tính những ngày gián đoạn từ ");
        on_day(f->left_out_from, out);
        put(out, " đến ");
        on_day(f->left_out_to, out);
    }
    put(out, "), dự báo đến hết ngày ");
    on_day(f->due, out);
    put(out, " đạt khoảng ");
    value(f, projected, out);
    if (!f->ratio && f->lower > 0)
        buf_printf(out, ", bằng khoảng %lld%% %s",
                   (long long)((__int128)projected * 100 / f->lower), share_word(f));
    put(out, ".");
}

/* What follows "để"; ends without a full stop. */
static void needed_clause(const struct text_facts *f, struct buf *out)
{
    const struct pace *p = f->pace;
    put(out, " đạt chỉ tiêu vào ngày ");
    on_day(f->due, out);
    if (p->weekdays_left == 0) {
        put(out, ", còn thiếu ");
        text_gain(f->lower - p->level, f, false, out);
        return;
    }
    put(out, ", cần có thêm bình quân ");
    text_gain(p->needed, f, false, out);
    buf_printf(out, " mỗi ngày làm việc (còn %u ngày làm việc sau ngày ", p->weekdays_left);
    on_day(p->judged, out);
    if (f->weekend_permille > 0 && f->weekend_permille < MILLI) {
        put(out, "; mỗi ngày thứ Bảy, Chủ nhật tính bằng ");
        text_percent(f->weekend_permille, MILLI, false, out);
        put(out, " ngày làm việc");
    }
    put(out, ")");
    struct buf times = {0};
    if (text_times(f, false, &times))
        buf_printf(out, ", gấp %.*s lần nhịp độ hiện nay", (int)times.len,
                   (const char *)times.data);
    buf_fini(&times);
}

static bool is_faster_than_now(const struct text_facts *f)
{
    struct buf times = {0};
    bool faster = text_times(f, false, &times);
    buf_fini(&times);
    return faster;
}

static void ask_to_speed_up(const struct text_facts *f, struct buf *out)
{
    bool lists = f->line_count > 0;
    if (f->role == TEXT_TO_LEADERS && (f->about_count > 0 || f->whole))
        put(out, lists || f->about_count > 0
                     ? "Kính đề nghị Lãnh đạo chỉ đạo các địa phương nêu trên"
                     : "Kính đề nghị Lãnh đạo chỉ đạo các địa phương");
    else if (f->role == TEXT_TO_LEADERS) {
        ask(f, out);
        put(out, lists ? ", trước hết là các đơn vị nêu trên," : "");
    } else {
        ask(f, out);
        put(out, lists && is_its_own(f) ? " cùng các đơn vị nêu trên" : "");
    }
    put(out, " đẩy nhanh tiến độ, báo cáo rõ nguyên nhân và khó khăn, vướng mắc cần tháo gỡ.");
}

static void behind_sentence(const struct text_facts *f, struct buf *out)
{
    const struct pace *p = f->pace;
    put(out, "Tính đến ngày ");
    on_day(p->judged, out);
    put(out, p->filled ? ", lũy kế ước đạt (đã tính bù phần chưa báo cáo) " : ", lũy kế đạt ");
    value(f, p->level, out);
    if (!f->ratio && f->lower > 0) {
        put(out, ", bằng ");
        text_percent(p->level, f->lower, false, out);
    }
    buf_printf(out, f->ratio ? " so với %s " : " %s (", share_word(f));
    value(f, f->lower, out);
    put(out, f->ratio ? "" : ")");
    put(out, "; theo tiến độ, đến ngày này cần đạt ");
    value(f, p->expected, out);
    put(out, ", như vậy chậm ");
    text_gain(p->expected - p->level, f, false, out);
    put(out, " so với tiến độ. ");
    forecast_sentence(f, out);
    put(out, "\n\n");
}

static void behind_body(const struct text_facts *f, struct buf *out)
{
    put_beginning(f, out);
    put(out, " đang chậm tiến độ thực hiện ");
    name_target(f, out);
    if (f->about_count > 0) {
        put(out, ", hạn ");
        on_day(f->due, out);
        put(out, ":\n");
        list_about(f, out);
        coverage(f, out);
    } else {
        put(out, ".\n\n");
        behind_sentence(f, out);
        coverage(f, out);
        list_below(f,
                   f->whole ? "Tình hình các địa phương, từ tỷ lệ thấp nhất:"
                            : "Các đơn vị trực thuộc có tỷ lệ thấp nhất:",
                   out);
        put(out, "Để");
        needed_clause(f, out);
        put(out, ". ");
    }
    ask_to_speed_up(f, out);
}

/* ---- silence ---- */

static void silent_days(const struct text_facts *f, struct buf *out)
{
    if (f->silent_from == f->silent_to) {
        put(out, f->sparse ? "kỳ kết thúc ngày " : "ngày ");
        on_day(f->silent_to, out);
        return;
    }
    put(out, f->sparse ? "các kỳ kết thúc từ ngày " : "các ngày từ ");
    on_day(f->silent_from, out);
    put(out, " đến ");
    on_day(f->silent_to, out);
}

static void silent_sentence(const struct text_facts *f, struct buf *out)
{
    put(out, "Báo cáo của ");
    silent_days(f, out);
    put(out, " đã quá hạn: ");
    put_reports(&(struct text_line){.owed = f->silent_owed, .reported = f->silent_reported}, out);
    put(out, ". ");
    if (f->heard == DAY_NEVER) {
        put(out, "Đến nay chưa nhận được số liệu nào về chỉ tiêu này.");
    } else {
        put(out, "Số liệu gần nhất là của ngày ");
        on_day(f->heard, out);
        put(out, ": lũy kế ");
        part_of_share(f, f->pace->actual, f->lower, out);
        put(out, ".");
    }
    put(out, "\n\n");
}

static void put_reminder(const struct text_facts *f, struct buf *out)
{
    if (f->reminded_of == DAY_NEVER)
        return;
    put(out, " Việc này đã được thông báo ngày ");
    on_day(f->reminded_of, out);
    put(out, "; nay xin nhắc lại.");
}

static void ask_for_reports(const struct text_facts *f, struct buf *out)
{
    put(out, "Đề nghị quý cơ quan ");
    if (f->about_count > 0 || (is_its_own(f) && f->line_count > 0)) {
        buf_printf(out, "đôn đốc các %s nêu trên ", several(f));
    } else if (!is_its_own(f)) {
        put(out, "đôn đốc ");
        put_unit(f->unit, out);
        put(out, " ");
    } else if (f->role == TEXT_TO_OFFICE) {
        put(out, "đôn đốc các đơn vị ");
    }
    put(out, "gửi các báo cáo còn thiếu; nếu có khó khăn (mất điện, mất mạng…), xin cho biết để "
             "được hỗ trợ.");
}

static void silent_body(const struct text_facts *f, struct buf *out)
{
    bool none = f->about_count == 0 && f->silent_reported == 0;
    put_beginning(f, out);
    put(out, none ? " chưa báo cáo số liệu " : " chưa báo cáo đủ số liệu ");
    name_target(f, out);
    put(out, f->about_count > 0 ? ", báo cáo đã quá hạn." : ".");
    put_reminder(f, out);
    put(out, f->about_count > 0 ? "\n" : "\n\n");
    if (f->about_count > 0)
        list_about(f, out);
    else
        silent_sentence(f, out);
    put(out, "Đây là việc thiếu báo cáo, không phải kết luận chậm tiến độ: tiến độ chỉ được "
             "đánh giá tiếp khi có số liệu.\n\n");
    list_below(f, "Còn thiếu báo cáo của những ngày này:", out);
    ask_for_reports(f, out);
}

/* ---- what is over, taken back or changed ---- */

static void refer(const struct text_facts *f, struct buf *out)
{
    put(out, "ngày ");
    on_day(f->told_on, out);
    if (f->corrects[0] != '\0')
        buf_printf(out, " (mã %s)", f->corrects);
}

/* "điều chỉnh kế hoạch (phiên bản 2: chỉ tiêu giao từ 5.237 người thành 2.618 người; hạn
 * 20/10/2024)": what became easier may be either. */
static void put_amendment(const struct text_facts *f, struct buf *out)
{
    buf_printf(out, "điều chỉnh kế hoạch (phiên bản %u", f->version);
    if (f->about_count == 0 && f->told_lower != f->lower) {
        buf_printf(out, ": %s từ ", share_word(f));
        value(f, f->told_lower, out);
        put(out, " thành ");
        value(f, f->lower, out);
    }
    put(out, f->about_count == 0 && f->told_lower != f->lower ? "; hạn " : ": hạn ");
    on_day(f->due, out);
    put(out, ")");
}

/* An amended plan makes another result, and no error of the one before. */
static bool is_corrected(const struct text_facts *f)
{
    return f->kind == TEXT_UNDONE || (f->kind == TEXT_REVISED && (f->corrected || !f->amended));
}

/* "theo số liệu đã đính chính, bổ sung, " */
static void put_cause(const struct text_facts *f, struct buf *out)
{
    if (f->amended) {
        put(out, "do ");
        put_amendment(f, out);
        put(out, f->corrected ? " và " : ", ");
    }
    if (f->corrected || !f->amended)
        put(out, "theo số liệu đã đính chính, bổ sung, ");
}

static void list_still_behind(const struct text_facts *f, struct buf *out)
{
    if (f->also_count > 0) {
        put(out, "Cũng không còn thuộc diện chậm tiến độ:\n");
        put_lines(f, f->also, f->also_count, out);
        put(out, "\n");
    }
    list_below(f,
               f->whole ? "Các địa phương còn chậm tiến độ:" : "Các đơn vị còn chậm tiến độ:", out);
}

static void ask_to_go_on(const struct text_facts *f, bool reached, struct buf *out)
{
    ask(f, out);
    put(out, !reached && is_faster_than_now(f) ? " đẩy nhanh thêm" : " tiếp tục duy trì nhịp độ");
    if (!reached && f->pace->needed > 0) {
        put(out, "; để");
        needed_clause(f, out);
    }
    put(out, ".");
}

static void recovered_body(const struct text_facts *f, struct buf *out)
{
    put_beginning(f, out);
    put(out, " đã trở lại đúng tiến độ thực hiện ");
    name_target(f, out);
    if (f->amended)
        buf_printf(out, ", theo kế hoạch đã điều chỉnh (phiên bản %u)", f->version);
    if (f->about_count > 0) {
        put(out, ". Các thông báo chậm tiến độ trước đây không còn hiệu lực:\n");
        list_about(f, out);
        coverage(f, out);
        ask(f, out);
        put(out, " tiếp tục duy trì nhịp độ.");
        return;
    }
    put(out, ". Thông báo chậm tiến độ ");
    refer(f, out);
    put(out, " không còn hiệu lực.\n\n");
    bool reached = f->pace->actual >= f->lower;
    if (reached) {
        put(out, "Đến nay lũy kế đạt ");
        part_of_share(f, f->pace->actual, f->lower, out);
        buf_printf(out, ", đã đủ %s.", share_word(f));
    } else {
        standing(f, out);
        put(out, " ");
        forecast_sentence(f, out);
    }
    put(out, "\n\n");
    coverage(f, out);
    list_still_behind(f, out);
    ask_to_go_on(f, reached, out);
}

static void ask_to_set_aside(const struct text_facts *f, struct buf *out)
{
    if (f->role == TEXT_TO_LEADERS)
        put(out, "Kính đề nghị Lãnh đạo không căn cứ vào thông báo trước để đánh giá đơn vị; nếu "
                 "đã có văn bản nhắc nhở dựa trên thông báo đó, xin cho kiểm tra lại.");
    else
        put(out, "Đề nghị quý cơ quan không căn cứ vào thông báo trước để đánh giá đơn vị; kiểm "
                 "tra lại nếu đã có văn bản nhắc nhở dựa trên thông báo đó.");
}

static void undone_figures(const struct text_facts *f, struct buf *out)
{
    if (f->told_judged == DAY_NEVER) {
        put(out, "theo số liệu đã đính chính, bổ sung, ");
        put_unit(f->unit, out);
    } else {
        put(out, "theo số liệu đã đính chính, bổ sung, lũy kế của ngày này là ");
        value(f, f->corrected_level, out);
        put(out, "; với số liệu đó ");
        put_unit(f->unit, out);
    }
    put(out, " không thuộc diện chậm tiến độ.\n\n");
}

static void undone_body(const struct text_facts *f, struct buf *out)
{
    if (f->about_count > 0) {
        put(out, "Các thông báo trước đây nêu các đơn vị sau chậm tiến độ thực hiện ");
        name_target(f, out);
        put(out, " nay xin đính chính: theo số liệu đã đính chính, bổ sung, các đơn vị này không "
                 "thuộc diện chậm tiến độ:\n");
        list_about(f, out);
    } else {
        put(out, "Thông báo ");
        refer(f, out);
        put(out, " nêu ");
        put_unit(f->unit, out);
        put(out, " chậm tiến độ thực hiện ");
        name_target(f, out);
        if (f->told_judged != DAY_NEVER) {
            put(out, ", với lũy kế ");
            value(f, f->told_level, out);
            put(out, " tính đến ngày ");
            on_day(f->told_judged, out);
        }
        put(out, ". Nay xin đính chính: ");
        undone_figures(f, out);
        standing(f, out);
        put(out, "\n\n");
    }
    coverage(f, out);
    list_still_behind(f, out);
    ask_to_set_aside(f, out);
}

static void ask_to_follow_the_plan(const struct text_facts *f, struct buf *out)
{
    ask(f, out);
    put(out, " thực hiện theo kế hoạch đã điều chỉnh.");
}

static void amended_body(const struct text_facts *f, struct buf *out)
{
    if (f->about_count > 0) {
        put(out, "Do ");
        put_amendment(f, out);
        put(out, ", các đơn vị sau không còn thuộc diện chậm tiến độ thực hiện ");
        name_target(f, out);
        put(out, ":\n");
        list_about(f, out);
    } else {
        put(out, "Do ");
        put_amendment(f, out);
        put(out, ", ");
        put_unit(f->unit, out);
        put(out, " không còn thuộc diện chậm tiến độ thực hiện ");
        name_target(f, out);
        put(out, ". Thông báo chậm tiến độ ");
        refer(f, out);
        put(out, " theo kế hoạch trước đây không còn hiệu lực.\n\n");
        standing(f, out);
        put(out, "\n\n");
    }
    coverage(f, out);
    list_still_behind(f, out);
    ask_to_follow_the_plan(f, out);
}

static void withdrawn_body(const struct text_facts *f, struct buf *out)
{
    buf_printf(out, "Do điều chỉnh kế hoạch (phiên bản %u), hạn thực hiện ", f->version);
    name_target(f, out);
    put(out, " nay là ngày ");
    on_day(f->due, out);
    put(out, ". Kết quả ");
    if (f->about_count > 0)
        put(out, "của các đơn vị sau");
    else {
        put(out, "\"");
        put(out, state_words(f->from));
        put(out, "\" của ");
        put_unit(f->unit, out);
        put(out, " tại thông báo ");
        refer(f, out);
    }
    put(out, " không còn hiệu lực; chỉ tiêu được theo dõi tiếp.");
    put(out, f->about_count > 0 ? "\n" : "\n\n");
    if (f->about_count > 0) {
        list_about(f, out);
    } else {
        standing(f, out);
        put(out, "\n\n");
    }
    coverage(f, out);
    ask_to_follow_the_plan(f, out);
}

static void removed_body(const struct text_facts *f, struct buf *out)
{
    buf_printf(out, "Theo kế hoạch hiện hành (phiên bản %u), ", f->version);
    name_target(f, out);
    put(out, " không còn giao cho ");
    put_object(f, out);
    if (f->about_count > 0) {
        put(out, "; các thông báo trước đây về chỉ tiêu này không còn hiệu lực:\n");
        list_about(f, out);
    } else {
        put(out, ". Thông báo ");
        refer(f, out);
        put(out, " không còn hiệu lực.\n\n");
    }
    ask_to_follow_the_plan(f, out);
}

/* ---- results ---- */

/* Nothing known is not zero. */
static bool is_unheard(const struct text_facts *f)
{
    return f->to == STATE_NOT_REPORTED && f->heard == DAY_NEVER;
}

static void result_sentence(const struct text_facts *f, struct buf *out)
{
    const struct pace *p = f->pace;
    put(out, "Hết ngày ");
    on_day(f->due, out);
    if (is_unheard(f)) {
        put(out, ", chưa nhận được số liệu nào về chỉ tiêu này.\n\n");
        return;
    }
    put(out, ", lũy kế là ");
    part_of_share(f, p->actual, f->lower, out);
    if (f->stretch > 0) {
        put(out, "; mức phấn đấu là ");
        value(f, f->stretch, out);
    }
    if (p->actual < f->lower) {
        put(out, "; còn thiếu ");
        text_gain(f->lower - p->actual, f, false, out);
    }
    put(out, ".");
    if (f->below > 0)
        buf_printf(out, " Trong đó %u/%u đơn vị trực thuộc đạt chỉ tiêu giao.", f->below_reached,
                   f->below);
    put(out, "\n\n");
    if (p->judged == f->due || f->to == STATE_MISSED) /* which is not said before they are there */
        coverage(f, out);
    else
        put(out, "Căn cứ: báo cáo của ngày cuối kỳ còn thiếu; số liệu trên là số đã nhận "
                 "được.\n\n");
}

static const char *result_word(enum alert_state s)
{
    if (s == STATE_MET)
        return "đạt ";
    if (s == STATE_EXCEEDED)
        return "đạt mức phấn đấu của ";
    return s == STATE_MISSED ? "không đạt " : "chưa đủ báo cáo để kết luận về ";
}

static void ask_to_check(const struct text_facts *f, struct buf *out)
{
    if (f->role == TEXT_TO_LEADERS)
        put(out, "Kính đề nghị Lãnh đạo chỉ đạo các đơn vị ");
    else
        put(out, "Đề nghị quý cơ quan cùng các đơn vị ");
    if (f->to == STATE_NOT_REPORTED)
        put(out, "gửi đủ báo cáo còn thiếu trước khi chốt số liệu.");
    else
        put(out, "kiểm tra lại số liệu, gửi đính chính nếu có, trước khi chốt số liệu");
    if (f->to == STATE_MISSED)
        put(out, "; báo cáo nguyên nhân không đạt và phương án thực hiện tiếp.");
    else if (f->to != STATE_NOT_REPORTED)
        put(out, " và lập báo cáo kết quả.");
}

static void final_body(const struct text_facts *f, struct buf *out)
{
    if (f->kind == TEXT_REVISED) {
        put(out, is_corrected(f) ? "Đính chính thông báo " : "Thay thông báo ");
        refer(f, out);
        put(out, " về kết quả cuối kỳ (");
        put(out, state_words(f->from));
        put(out, "): ");
        put_cause(f, out);
        put_unit(f->unit, out);
        put(out, " ");
    } else {
        buf_printf(out, "%s ", f->unit);
    }
    put(out, result_word(f->to));
    name_target(f, out);
    put(out, ".\n\n");
    result_sentence(f, out);
    list_below(f, f->whole ? "Các địa phương chưa đạt:" : "Các đơn vị trực thuộc chưa đạt:", out);
    ask_to_check(f, out);
}

/* ---- the subject ---- */

static void name_some(const struct text_facts *f, struct buf *out)
{
    put(out, ": ");
    for (unsigned i = 0; i < f->about_count && i < NAMES_MAX; i++) {
        put(out, i > 0 ? ", " : "");
        put_unit(f->about[i].name, out);
    }
    if (f->about_count > NAMES_MAX)
        buf_printf(out, " và %u %s khác", f->about_count - NAMES_MAX, several(f));
}

static void put_headline(const struct text_facts *f, struct buf *out)
{
    static const char *const words[TEXT_KIND_COUNT] = {
        [TEXT_BEHIND] = "chậm tiến độ",
        [TEXT_RECOVERED] = "trở lại đúng tiến độ",
        [TEXT_UNDONE] = "không chậm tiến độ",
        [TEXT_AMENDED] = "không còn thuộc diện chậm tiến độ theo kế hoạch điều chỉnh",
        [TEXT_WITHDRAWN] = "thực hiện tiếp theo kế hoạch điều chỉnh",
        [TEXT_REMOVED] = "không còn được giao chỉ tiêu này",
    };
    if (f->kind == TEXT_SILENT)
        put(out,
            f->silent_reported == 0 && f->about_count == 0 ? "chưa báo cáo" : "chưa báo cáo đủ");
    else if (!text_is_result(f))
        put(out, words[f->kind]);
    else if (f->to == STATE_NOT_REPORTED)
        put(out, "chưa đủ báo cáo để kết luận");
    else
        put(out, state_words(f->to));
}

void text_vietnamese_subject(const struct text_facts *f, struct buf *out)
{
    if (is_corrected(f))
        put(out, "Đính chính: ");
    if (f->kind == TEXT_SILENT && f->reminded_of != DAY_NEVER)
        put(out, "Nhắc lại: ");
    buf_printf(out, "[%s] ", f->target_id);
    put_subject(f, out);
    put(out, " ");
    put_headline(f, out);
    if (f->about_count > 0) {
        name_some(f, out);
    } else if (f->kind == TEXT_SILENT) {
        put(out, " ");
        silent_days(f, out);
    } else if (f->kind != TEXT_REMOVED) {
        bool result = text_is_result(f);
        if (result && is_unheard(f))
            return;
        put(out, ": ");
        part_of_share(f, result ? f->pace->actual : f->pace->level, f->lower, out);
        put(out, result ? ", hết ngày " : ", tính đến ngày ");
        on_day(result ? f->due : f->pace->judged, out);
    }
}

/* ---- the whole ---- */

void text_vietnamese_recipient(const struct text_facts *f, struct buf *out)
{
    static const char *const whom[] = {
        [TEXT_TO_LEADERS] = "Lãnh đạo Ủy ban nhân dân ",
        [TEXT_TO_OFFICE] = "Văn phòng Hội Khuyến học ",
        [TEXT_TO_DISTRICT] = "Ủy ban nhân dân và Hội Khuyến học ",
    };
    put(out, whom[f->role]);
    put_unit(f->role_unit, out);
}

void text_vietnamese_body(const struct text_facts *f, struct buf *out)
{
    static void (*const bodies[TEXT_KIND_COUNT])(const struct text_facts *, struct buf *) = {
        [TEXT_BEHIND] = behind_body,       [TEXT_SILENT] = silent_body,
        [TEXT_RECOVERED] = recovered_body, [TEXT_UNDONE] = undone_body,
        [TEXT_AMENDED] = amended_body,     [TEXT_FINAL] = final_body,
        [TEXT_REVISED] = final_body,       [TEXT_WITHDRAWN] = withdrawn_body,
        [TEXT_REMOVED] = removed_body,
    };
    put(out, "Kính gửi: ");
    text_vietnamese_recipient(f, out);
    put(out, "\n\n");
    bodies[f->kind](f, out);
    put(out, "\n\nTrân trọng.\nHệ thống tổng hợp số liệu (thông báo tự động)\n");
    buf_printf(out, "Mã thông báo: %s\n", f->id);
}
