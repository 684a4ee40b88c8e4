#include "services/notifier/text_core.h"

#include <stdio.h>
#include <string.h>

#include "services/notifier/text_internal.h"

enum { NUMBER_BYTES = 48, TENFOLD = 10, MILLI = 1000, ROUND_FROM = 100 };
static const int64_t billion = 1000000000;

void text_put(struct buf *out, const char *text)
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
        text_put(out, "-");
    for (int i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0)
            text_put(out, english ? "," : ".");
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
    text_put(out, "%");
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
        text_put(out, day_format_vi(d, text));
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
        text_put(out, english ? " billion" : " tỷ");
    text_put(out, " đồng");
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

void text_gain(int64_t v, const struct text_facts *f, bool english, struct buf *out)
{
    if (!f->ratio) {
        text_value(v, f->measure, false, english, out);
        return;
    }
    put_tenths(v * 100 * TENFOLD / RATIO_WHOLE, english, out);
    text_put(out, english ? " percentage points" : " điểm phần trăm");
}

void text_rate(int64_t milli, const struct text_facts *f, bool english, struct buf *out)
{
    int64_t whole = (milli + MILLI / 2) / MILLI;
    if (f->ratio || whole >= TENFOLD) {
        text_gain(text_round(whole), f, english, out);
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

int64_t text_round(int64_t v)
{
    int64_t unit = v >= ROUND_FROM ? TENFOLD : 1;
    while (v / unit >= MILLI)
        unit *= TENFOLD;
    return (v + unit / 2) / unit * unit;
}

bool text_is_result(const struct text_facts *f)
{
    return f->kind == TEXT_FINAL || f->kind == TEXT_REVISED;
}

struct text_coverage text_cover(const struct text_facts *f)
{
    if (f->about_count == 0)
        return (struct text_coverage){f->pace->owed, f->pace->reported, f->pace->judged,
                                      f->pace->judged};
    struct text_coverage c = {.first = f->about[0].judged, .last = f->about[0].judged};
    for (unsigned i = 0; i < f->about_count; i++) {
        const struct text_line *l = &f->about[i];
        c.owed += l->owed;
        c.reported += l->reported;
        c.first = l->judged < c.first ? l->judged : c.first;
        c.last = l->judged > c.last ? l->judged : c.last;
    }
    return c;
}

/* ---- either language ---- */

void text_recipient(const struct text_facts *f, bool english, struct buf *out)
{
    (english ? text_english_recipient : text_vietnamese_recipient)(f, out);
}

void text_subject(const struct text_facts *f, bool english, struct buf *out)
{
    if (f->rehearsal)
        text_put(out, english ? "[REHEARSAL] " : "[DIỄN TẬP] ");
    (english ? text_english_subject : text_vietnamese_subject)(f, out);
}

void text_body(const struct text_facts *f, bool english, struct buf *out)
{
    if (f->rehearsal)
        text_put(out, english ? "This is a rehearsal: the figures are generated, not real.\n\n"
                              : "Đây là thư diễn tập: số liệu được sinh tự động, không phải số "
                                "thật.\n\n");
    (english ? text_english_body : text_vietnamese_body)(f, out);
}
