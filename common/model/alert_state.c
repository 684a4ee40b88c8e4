#include "common/model/alert_state.h"

static const struct state_text {
    const char *id, *vietnamese, *english;
} texts[STATE_COUNT] = {
    [STATE_NOT_STARTED] = {"not-started", "chưa bắt đầu", "not started"},
    [STATE_ON_PACE] = {"on-pace", "đúng tiến độ", "on pace"},
    [STATE_AT_RISK] = {"at-risk", "có nguy cơ chậm tiến độ", "at risk"},
    [STATE_BEHIND] = {"behind", "chậm tiến độ", "behind"},
    [STATE_NOT_REPORTED] = {"not-reported", "chưa báo cáo", "not reported"},
    [STATE_MET] = {"met", "đạt chỉ tiêu", "met"},
    [STATE_EXCEEDED] = {"exceeded", "vượt chỉ tiêu", "exceeded"},
    [STATE_MISSED] = {"missed", "không đạt chỉ tiêu", "missed"},
    [STATE_SUSPENDED] = {"suspended", "tạm dừng", "suspended"},
};

const char *alert_state_id(enum alert_state s)
{
    return (unsigned)s < STATE_COUNT ? texts[s].id : "unknown";
}

const char *alert_state_words(enum alert_state s, bool english)
{
    if ((unsigned)s >= STATE_COUNT)
        return "?";
    return english ? texts[s].english : texts[s].vietnamese;
}
