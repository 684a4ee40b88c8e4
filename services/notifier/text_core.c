#include "services/notifier/text_core.h"

#include <stdio.h>
#include <string.h>

#include "services/notifier/text_internal.h"

enum { NUMBER_BYTES = 48, TENFOLD = 10, MILLI = 1000 };
static const int64_t billion = 1000000000;

static void put(struct buf *out, const char *text)
{
    buf_bytes(out, text, strlen(text));
}

/* ---- numbers and days ---- */

void text_number(int64_t v, bool english, struct buf *out)
{
    char digits[NUMBER_BYTES];
    int count = snprintf(digits, sizeof digits, "%llu",
                         v < 0 ? 0ULL - (unsigned long long)v : (unsigned long long)v);
    if (v < 0)
        put(out, "-");
    for (int i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0)
            put(out, english ? "," : ".");
        buf_bytes(out, digits + i, 1);
    }
}

static void put_tenths(int64_t tenths, bool english, struct buf *out)
{
    text_number(tenths / TENFOLD, english, out);
    if (tenths % TENFOLD != 0)
        buf_printf(out, "%s%d", english ? "." : ",",
                   (int)(tenths < 0 ? -(tenths % TENFOLD) : tenths % TENFOLD));
}

void text_percent(int64_t part, int64_t of, bool english, struct buf *out)
{
    if (of == 0)
        return;
    put_tenths((int64_t)((__int128)part * 100 * TENFOLD / of), english, out);
    put(out, "%");
}

void text_day(day_t d, bool english, struct buf *out)
{
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    char text[DAY_TEXT_BYTES];
    int year, month, day;
    day_split(d, &year, &month, &day);
    if (english)
        buf_printf(out, "%d %s %d", day, months[month - 1], year);
    else
        put(out, day_format_vi(d, text));
}

struct measure_word {
    const char *measure, *vietnamese, *english;
};

static const char *measure_word(const char *measure, bool english)
{
    static const struct measure_word words[] = {
        {"persons", "người", "persons"},
        {"families", "gia đình", "families"},
        {"clans", "dòng họ", "clans"},
        {"communities", "cộng đồng", "communities"},
        {"bodies", "cơ quan, đơn vị", "bodies"},
        {"units", "đơn vị", "units"},
        {"members", "hội viên", "members"},
        {"vnd", "đồng", "đồng"},
        {"dong", "đồng", "đồng"},
        {"classes", "lớp", "classes"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].measure, measure) == 0)
            return english ? words[i].english : words[i].vietnamese;
    return "";
}

static void put_money(int64_t v, bool english, struct buf *out)
{
    bool round = v != 0 && v % billion == 0;
    text_number(round ? v / billion : v, english, out);
    if (round)
        put(out, english ? " billion" : " tỷ");
    put(out, " đồng");
}

void text_value(int64_t v, const char *measure, bool ratio, bool english, struct buf *out)
{
    const char *word = measure_word(measure, english);
    if (ratio) {
        text_percent(v, RATIO_WHOLE, english, out);
    } else if (strcmp(word, "đồng") == 0) {
        put_money(v, english, out);
    } else {
        text_number(v, english, out);
        if (word[0] != '\0')
            buf_printf(out, " %s", word);
    }
}

void text_rate(int64_t milli, const struct text_facts *f, bool english, struct buf *out)
{
    int64_t whole = (milli + MILLI / 2) / MILLI;
    if (f->ratio || whole >= TENFOLD) {
        text_value(whole, f->measure, f->ratio, english, out);
        return;
    }
    const char *word = measure_word(f->measure, english);
    put_tenths((milli + MILLI / TENFOLD / 2) / (MILLI / TENFOLD), english, out);
    if (word[0] != '\0')
        buf_printf(out, " %s", word);
}

bool text_times(const struct text_facts *f, bool english, struct buf *out)
{
    int64_t rate = f->pace->rate;
    if (rate < MILLI / TENFOLD)
        return false;
    int64_t tenths = (int64_t)((__int128)f->pace->needed * MILLI * TENFOLD / rate);
    if (tenths <= TENFOLD || tenths > (int64_t)100 * TENFOLD)
        return false;
    put_tenths(tenths, english, out);
    return true;
}

/* ---- pieces of sentences ---- */

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

static const char *share_word(const struct text_facts *f)
{
    return f->whole ? "chỉ tiêu" : "chỉ tiêu giao";
}

static void name_target(const struct text_facts *f, struct buf *out)
{
    buf_printf(out, "chỉ tiêu %s: %s (%s", f->target_id, f->target_title, f->document);
    if (f->clause[0] != '\0')
        buf_printf(out, ", mục %s", f->clause);
    put(out, ")");
}

void text_recipient(const struct text_facts *f, bool english, struct buf *out)
{
    if (english)
        text_english_recipient(f, out);
    else if (f->role == TEXT_TO_LEADERS)
        buf_printf(out, "Lãnh đạo Ủy ban nhân dân %s", f->role_unit);
    else if (f->role == TEXT_TO_OFFICE)
        buf_printf(out, "Văn phòng Hội Khuyến học %s", f->role_unit);
    else
        buf_printf(out, "Ủy ban nhân dân và Hội Khuyến học %s", f->role_unit);
}

static void salute(const struct text_facts *f, struct buf *out)
{
    put(out, "Kính gửi: ");
    text_recipient(f, false, out);
    put(out, "\n\n");
}

static void coverage(const struct text_facts *f, struct buf *out)
{
    const struct pace *p = f->pace;
    if (!p->covered) {
        put(out, "Căn cứ: chưa có ngày nào đủ báo cáo để đánh giá.");
        return;
    }
    buf_printf(out, "Căn cứ: %u/%u đơn vị đã báo cáo số liệu của ngày ", p->reported, p->owed);
    on_day(p->judged, out);
    put(out, ".");
}

static void list_lines(const struct text_facts *f, const char *heading, struct buf *out)
{
    if (f->line_count == 0)
        return;
    buf_printf(out, "%s\n", heading);
    for (unsigned i = 0; i < f->line_count; i++) {
        const struct text_line *l = &f->lines[i];
        buf_printf(out, "- %s: ", l->name);
        if (l->silent && l->reported > 0)
            buf_printf(out, "chưa báo cáo đủ, mới có %u/%u báo cáo\n", l->reported, l->owed);
        else if (l->silent)
            put(out, "chưa báo cáo\n");
        else {
            part_of_share(f, l->level, l->lower, out);
            put(out, "\n");
        }
    }
    if (f->more > 0)
        buf_printf(out, "- và %u đơn vị khác\n", f->more);
    put(out, "\n");
}

static void sign(const struct text_facts *f, struct buf *out)
{
    put(out, "\n\nTrân trọng.\nHệ thống tổng hợp số liệu (thông báo tự động)\n");
    buf_printf(out, "Mã thông báo: %s\n", f->id);
}

static void forecast_sentence(const struct text_facts *f, struct buf *out)
{
    const struct pace *p = f->pace;
    put(out, "Với nhịp độ những ngày gần đây (khoảng ");
    text_rate(p->rate, f, false, out);
    put(out, " mỗi ngày làm việc), dự báo đến hết ngày ");
    on_day(f->due, out);
    put(out, " đạt khoảng ");
    value(f, p->projected, out);
    if (!f->ratio && f->lower > 0) {
        put(out, ", bằng ");
        text_percent(p->projected, f->lower, false, out);
        buf_printf(out, " %s", share_word(f));
    }
    put(out, ".");
}

void text_forecast(const struct text_facts *f, bool english, struct buf *out)
{
    if (english) {
        text_english_forecast(f, out);
        return;
    }
    if (f->pace->has_forecast) {
        forecast_sentence(f, out);
        return;
    }
    buf_printf(out,
               "Chưa đủ số liệu để dự báo: mới có %u kỳ đủ báo cáo (cần ít nhất %d kỳ và qua %d%% "
               "chặng đường).",
               f->pace->reports, PACE_REPORTS_DAILY, PACE_HISTORY_PERMILLE / TENFOLD);
}

static void needed_sentence(const struct text_facts *f, struct buf *out)
{
    const struct pace *p = f->pace;
    put(out, "để đạt chỉ tiêu vào ngày ");
    on_day(f->due, out);
    put(out, ", cần đạt bình quân ");
    value(f, p->needed, out);
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
    put(out, ". ");
}

static void ask_to_speed_up(const struct text_facts *f, struct buf *out)
{
    bool lists = f->line_count > 0;
    if (f->role == TEXT_TO_LEADERS && f->whole)
        buf_printf(out, "Kính đề nghị Lãnh đạo chỉ đạo các địa phương %s",
                   lists ? "nêu trên" : "trên địa bàn");
    else if (f->role == TEXT_TO_LEADERS)
        buf_printf(out, "Kính đề nghị Lãnh đạo chỉ đạo Ủy ban nhân dân %s%s", f->unit,
                   lists ? ", trước hết là các đơn vị nêu trên," : "");
    else if (f->whole || strcmp(f->unit, f->role_unit) == 0)
        buf_printf(out, "Đề nghị quý cơ quan%s", lists ? " cùng các đơn vị nêu trên" : "");
    else
        buf_printf(out, "Đề nghị quý cơ quan đôn đốc %s", f->unit);
    put(out, " đẩy nhanh tiến độ, báo cáo rõ nguyên nhân và khó khăn, vướng mắc cần tháo gỡ.");
}

/* ---- messages ---- */

static void behind_body(const struct text_facts *f, struct buf *out)
{
    const struct pace *p = f->pace;
    buf_printf(out, "%s đang chậm tiến độ thực hiện ", f->unit);
    name_target(f, out);
    put(out, ".\n\nTính đến ngày ");
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
    put(out, ", thấp hơn tiến độ ");
    value(f, p->expected - p->level, out);
    put(out, ". ");
    forecast_sentence(f, out);
    put(out, "\n\n");
    coverage(f, out);
    put(out, "\n\n");
    list_lines(f, "Các đơn vị trực thuộc có tỷ lệ thấp nhất:", out);
    put(out, "Đề nghị: ");
    needed_sentence(f, out);
    ask_to_speed_up(f, out);
}

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

static const char *whom_to_remind(const struct text_facts *f)
{
    if (!f->whole)
        return f->unit;
    return f->line_count > 0 ? "các địa phương nêu trên" : "các đơn vị";
}

static void silent_body(const struct text_facts *f, struct buf *out)
{
    bool none = f->silent_reported == 0;
    buf_printf(out, "%s %s ", f->unit, none ? "chưa báo cáo số liệu" : "chưa báo cáo đủ số liệu");
    name_target(f, out);
    put(out, ".\n\nBáo cáo của ");
    silent_days(f, out);
    buf_printf(out, " đã quá hạn: mới nhận được %u/%u báo cáo. ", f->silent_reported,
               f->silent_owed);
    if (f->heard == DAY_NEVER) {
        put(out, "Đến nay chưa nhận được số liệu nào về chỉ tiêu này.");
    } else {
        put(out, "Số liệu gần nhất là của ngày ");
        on_day(f->heard, out);
        put(out, ": lũy kế ");
        part_of_share(f, f->pace->actual, f->lower, out);
        put(out, ".");
    }
    put(out, "\n\nĐây là việc thiếu báo cáo, không phải kết luận chậm tiến độ: tiến độ chỉ được "
             "đánh giá tiếp khi có số liệu.\n\n");
    list_lines(f, "Các đơn vị trực thuộc chưa báo cáo:", out);
    if (f->role == TEXT_TO_DISTRICT && strcmp(f->unit, f->role_unit) == 0)
        put(out, "Đề nghị: quý cơ quan gửi các báo cáo còn thiếu");
    else
        buf_printf(out, "Đề nghị: quý cơ quan đôn đốc %s gửi các báo cáo còn thiếu",
                   whom_to_remind(f));
    put(out, "; nếu có khó khăn (mất điện, mất mạng…), xin cho biết để được hỗ trợ.");
}

static void refer(const struct text_facts *f, struct buf *out)
{
    put(out, "ngày ");
    on_day(f->told_on, out);
    if (f->corrects[0] != '\0')
        buf_printf(out, " (mã %s)", f->corrects);
}

static void recovered_body(const struct text_facts *f, struct buf *out)
{
    const struct pace *p = f->pace;
    buf_printf(out, "%s đã trở lại đúng tiến độ thực hiện ", f->unit);
    name_target(f, out);
    put(out, ". Thông báo chậm tiến độ ");
    refer(f, out);
    put(out, " không còn hiệu lực.\n\nTính đến ngày ");
    on_day(p->judged, out);
    put(out, ", lũy kế đạt ");
    part_of_share(f, p->level, f->lower, out);
    put(out, ". ");
    forecast_sentence(f, out);
    put(out, "\n\n");
    coverage(f, out);
    put(out, "\n\nĐề nghị: tiếp tục duy trì nhịp độ");
    if (p->needed > 0) {
        put(out, "; ");
        needed_sentence(f, out);
        out->len -= 2; /* its full stop and blank */
    }
    put(out, ".");
}

static void undone_body(const struct text_facts *f, struct buf *out)
{
    put(out, "Thông báo ");
    refer(f, out);
    buf_printf(out, " nêu %s chậm tiến độ thực hiện ", f->unit);
    name_target(f, out);
    put(out, ", với lũy kế ");
    value(f, f->told_level, out);
    put(out, " tính đến ngày ");
    on_day(f->told_judged, out);
    put(out, ". Nay xin đính chính: theo số liệu đã đính chính, bổ sung, lũy kế của ngày này là ");
    value(f, f->corrected_level, out);
    buf_printf(out, "; với số liệu đó %s không thuộc diện chậm tiến độ.\n\nTính đến ngày ",
               f->unit);
    on_day(f->pace->judged, out);
    put(out, ", lũy kế đạt ");
    part_of_share(f, f->pace->level, f->lower, out);
    put(out, ".\n\n");
    coverage(f, out);
    put(out,
        "\n\nĐề nghị: không sử dụng thông báo trước để đánh giá đơn vị; kiểm tra lại nếu đã có "
        "văn bản nhắc nhở dựa trên thông báo đó.");
}

static void result_sentence(const struct text_facts *f, struct buf *out)
{
    const struct pace *p = f->pace;
    put(out, "Hết ngày ");
    on_day(f->due, out);
    put(out, ", lũy kế là ");
    part_of_share(f, p->actual, f->lower, out);
    if (f->stretch > 0) {
        put(out, "; mức phấn đấu là ");
        value(f, f->stretch, out);
    }
    if (p->actual < f->lower) {
        put(out, "; còn thiếu ");
        value(f, f->lower - p->actual, out);
    }
    put(out, ".");
    if (f->below > 0)
        buf_printf(out, " Trong đó %u/%u đơn vị trực thuộc đạt chỉ tiêu giao.", f->below_reached,
                   f->below);
    put(out, "\n\n");
    if (p->judged == f->due) {
        coverage(f, out);
    } else {
        put(out, "Căn cứ: báo cáo của ngày cuối kỳ còn thiếu; số liệu trên là số đã nhận được.");
    }
    put(out, "\n\n");
}

static void final_body(const struct text_facts *f, struct buf *out)
{
    if (f->tell == TELL_REVISED) {
        put(out, "Đính chính thông báo ");
        refer(f, out);
        put(out, " về kết quả cuối kỳ (");
        put(out, alert_state_words(f->from, false));
        put(out, "): theo số liệu đã đính chính, bổ sung, ");
    }
    buf_printf(out, "%s ", f->unit);
    static const char *const words[] = {"đạt ", "vượt mức phấn đấu của ", "không đạt "};
    put(out, words[f->to == STATE_MET ? 0 : f->to == STATE_EXCEEDED ? 1 : 2]);
    name_target(f, out);
    put(out, ".\n\n");
    result_sentence(f, out);
    list_lines(f, "Các đơn vị trực thuộc có tỷ lệ thấp nhất:", out);
    put(out, "Đề nghị: các đơn vị kiểm tra lại số liệu của mình, gửi đính chính nếu có, trước khi "
             "chốt số liệu");
    put(out, f->to == STATE_MISSED ? "; báo cáo nguyên nhân không đạt và phương án thực hiện tiếp."
                                   : " và lập báo cáo kết quả.");
}

static void headline(const struct text_facts *f, struct buf *out)
{
    switch (f->tell) {
    case TELL_SILENT:
        put(out, f->silent_reported == 0 ? " chưa báo cáo " : " chưa báo cáo đủ ");
        silent_days(f, out);
        return;
    case TELL_RECOVERED:
        put(out, " trở lại đúng tiến độ: ");
        break;
    case TELL_UNDONE:
        put(out, " không chậm tiến độ: ");
        break;
    case TELL_FINAL:
    case TELL_REVISED:
    case TELL_BEHIND:
    case TELL_NOBODY:
        put(out, " ");
        put(out, alert_state_words(f->to, false));
        put(out, ": ");
        break;
    }
    bool final = f->tell == TELL_FINAL || f->tell == TELL_REVISED;
    part_of_share(f, final ? f->pace->actual : f->pace->level, f->lower, out);
    put(out, final ? ", hết ngày " : ", tính đến ngày ");
    on_day(final ? f->due : f->pace->judged, out);
}

void text_subject(const struct text_facts *f, bool english, struct buf *out)
{
    if (english) {
        text_english_subject(f, out);
        return;
    }
    if (f->tell == TELL_UNDONE || f->tell == TELL_REVISED)
        put(out, "Đính chính: ");
    buf_printf(out, "[%s] %s", f->target_id, f->unit);
    headline(f, out);
}

void text_body(const struct text_facts *f, bool english, struct buf *out)
{
    static void (*const bodies[])(const struct text_facts *, struct buf *) = {
        [TELL_NOBODY] = final_body,        [TELL_BEHIND] = behind_body, [TELL_SILENT] = silent_body,
        [TELL_RECOVERED] = recovered_body, [TELL_UNDONE] = undone_body, [TELL_FINAL] = final_body,
        [TELL_REVISED] = final_body,
    };
    if (english) {
        text_english_body(f, out);
        return;
    }
    salute(f, out);
    bodies[f->tell](f, out);
    sign(f, out);
}
