/* What a notification says, in the words of offices: first what is so, then how it is known, then
 * what is asked. Vietnamese; English for those who want it. It formats and decides nothing. Pure.
 */
#ifndef TONGHOP_NOTIFIER_TEXT_CORE_H
#define TONGHOP_NOTIFIER_TEXT_CORE_H

#include "common/base/buf.h"
#include "services/notifier/pace_core.h"
#include "services/notifier/state_core.h"

enum text_role {
    TEXT_TO_LEADERS,  /* lanhdao: the People's Committee that issued the plan, its leaders */
    TEXT_TO_OFFICE,   /* vanphong: the association's office in the province */
    TEXT_TO_DISTRICT, /* quanhuyen: those in a district who see to it */
    TEXT_ROLE_COUNT
};

enum text_kind {
    TEXT_BEHIND,
    TEXT_SILENT,
    TEXT_RECOVERED, /* "behind" was told, and is over */
    TEXT_UNDONE,    /* "behind" was told, on figures that were corrected since */
    TEXT_AMENDED,   /* "behind" was told, by a plan that was amended since */
    TEXT_FINAL,
    TEXT_REVISED,   /* a result was told, and is another one now */
    TEXT_WITHDRAWN, /* a result was told, and the target goes on */
    TEXT_REMOVED,   /* something was told of a target that no longer holds there */
    TEXT_KIND_COUNT
};

/* One of the units that the message is about, or one below its unit. */
struct text_line {
    const char *name;
    enum alert_state state;
    int64_t level;
    int64_t lower;
    int64_t late;      /* less than on the path; 0 or less is not said */
    int64_t projected; /* on the due day; negative is not said */
    uint32_t owed;     /* reports: of the day judged by, or of the days that are missing */
    uint32_t reported;
    day_t judged; /* the day judged by */
    day_t from;   /* TEXT_SILENT: the due days missing */
    day_t to;
    day_t told_on; /* of the message before; DAY_NEVER: there is none */
};

/* All borrowed for the call. Values are in the measure; of a ratio in parts per million. */
struct text_facts {
    enum text_role role;
    const char *role_unit; /* name of the unit whose leaders or officers are addressed */
    bool rehearsal;        /* the figures are made up */
    const char *unit;      /* name, its type in front */
    bool whole;            /* the unit is the scope of the plan itself */
    bool sparse;           /* reports are not owed daily */
    const char *document;
    uint32_t version; /* of the plan */
    const char *target_id;
    const char *target_title; /* "" when it is known no more */
    const char *clause;       /* "" for none */
    const char *measure;
    bool ratio;
    unsigned weekend_permille;
    int64_t lower;
    int64_t stretch; /* 0: none */
    day_t due;
    enum text_kind kind;
    enum alert_state from;
    enum alert_state to;
    const struct pace *pace;
    /* Days that the rate leaves out; from > to: none. */
    day_t left_out_from;
    day_t left_out_to;
    /* TEXT_SILENT: the due days that are missing, and what came of them; the last day of which
     * something was heard, DAY_NEVER when nothing ever was. */
    day_t silent_from;
    day_t silent_to;
    uint32_t silent_owed;
    uint32_t silent_reported;
    day_t heard;
    day_t reminded_of; /* the day it was told before; DAY_NEVER: it is news */
    /* What the message takes back, ends or changes. */
    const char *corrects; /* its id; "" when there is none */
    day_t told_on;
    day_t told_judged; /* DAY_NEVER: what stood in it is known no more */
    int64_t told_level;
    int64_t told_lower;
    int64_t corrected_level; /* of told_judged, by the figures as they are now */
    bool amended;            /* since then: the share, or the path to it */
    bool corrected;          /* since then: the figures */
    /* The units that it is about, when there are several: `unit` is none of them. */
    const struct text_line *about;
    unsigned about_count;
    /* Units below of which the same is to be said, beside `unit`. */
    const struct text_line *also;
    unsigned also_count;
    /* The units below that matter most, worst first; how many more there are. */
    const struct text_line *lines;
    unsigned line_count;
    unsigned more;
    unsigned below;         /* units with a share just below */
    unsigned below_reached; /* of them, have reached it */
    const char *id;
};

/* Who is addressed: "Lãnh đạo Ủy ban nhân dân thành phố Hải Phòng". */
void text_recipient(const struct text_facts *f, bool english, struct buf *out);
void text_subject(const struct text_facts *f, bool english, struct buf *out);
/* Paragraphs with an empty line between two, each one line: whoever shows them wraps them. */
void text_body(const struct text_facts *f, bool english, struct buf *out);

void text_number(int64_t v, bool english, struct buf *out); /* 90.000 */
/* One decimal, cut off and not rounded: 100% is never said of less. Nothing when `of` is 0. */
void text_percent(int64_t part, int64_t of, bool english, struct buf *out); /* 36,4% */
void text_day(day_t d, bool english, struct buf *out); /* 05/10/2024; English 5 October 2024 */
/* 1.234 người; 5 tỷ đồng; 27,4% */
void text_value(int64_t v, const char *measure, bool ratio, bool english, struct buf *out);

#endif
