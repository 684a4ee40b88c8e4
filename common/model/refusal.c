#include "common/model/refusal.h"

#include <stdio.h>

#include "common/model/ident.h"
#include "common/model/observation.h"

/* The sentences state these limits. */
_Static_assert(BATCH_PAYLOAD_BYTES_MAX == 1 << 20, "say the new limit in REFUSAL_TOO_LARGE");
_Static_assert(IDENT_BYTES_MAX == 32, "say the new limit in REFUSAL_BAD_CODE");

struct row {
    const char *name;
    bool consumes_number;
    const char *en;
    const char *vi;
};

static const struct row rows[] = {
    [REFUSAL_NONE] = {"none", false, "Accepted.", "Đã tiếp nhận."},
    [REFUSAL_MALFORMED] =
        {"malformed", true,
         "The batch cannot be decoded: update the sending program and send the figures again under "
         "a "
         "new number.",
         "Không đọc được lô số liệu: đề nghị cập nhật chương trình gửi rồi gửi lại số liệu với số "
         "thứ tự mới."},
    [REFUSAL_TOO_LARGE] =
        {"too_large", true,
         "The batch is over the limit of 1 MiB: split it and send the parts under new numbers.",
         "Lô số liệu vượt giới hạn 1 MiB: đề nghị chia nhỏ và gửi lại từng phần với số thứ tự "
         "mới."},
    [REFUSAL_NUMBER_REUSED] = {"number_reused", false,
                               "This number was used before for a batch with other content: open a "
                               "new spool and send the "
                               "batch from there.",
                               "Số thứ tự này đã dùng cho một lô có nội dung khác: đề nghị mở hàng "
                               "chờ gửi mới (spool) và gửi "
                               "lại lô này từ đó."},
    [REFUSAL_NUMBER_GAP] =
        {"number_gap", false,
         "A batch before this one is missing: send the batches in order, from the number the "
         "answer "
         "says is expected.",
         "Còn thiếu lô đứng trước lô này: đề nghị gửi lần lượt, bắt đầu từ số thứ tự nêu trong câu "
         "trả lời."},
    [REFUSAL_CLOCK_AHEAD] =
        {"clock_ahead", true,
         "The batch is stamped more than five minutes ahead of the collector: set this computer's "
         "clock right, stamp the batch again and send it under a new number.",
         "Thời điểm báo cáo nhanh hơn giờ của hệ thống tiếp nhận quá 5 phút: đề nghị chỉnh lại "
         "đồng "
         "hồ máy tính rồi gửi lại với số thứ tự mới."},
    [REFUSAL_NOT_ALLOWED] =
        {"not_allowed", false,
         "This key may not submit figures: ask provincial IT for the right to do so.",
         "Khóa này không có quyền gửi số liệu: đề nghị liên hệ bộ phận công nghệ thông tin của "
         "tỉnh "
         "để được cấp quyền."},
    [REFUSAL_REVOKED] =
        {"revoked", false, "This key was revoked: ask provincial IT for a new one.",
         "Khóa này đã bị thu hồi: đề nghị liên hệ bộ phận công nghệ thông tin của tỉnh để được cấp "
         "khóa mới."},
    [REFUSAL_UNKNOWN_OFFICER] =
        {"unknown_officer", false,
         "The officer named is not registered: ask provincial IT to register the officer, then "
         "send "
         "again.",
         "Cán bộ gửi số liệu chưa được đăng ký trong hệ thống: đề nghị liên hệ bộ phận công nghệ "
         "thông tin của tỉnh để đăng ký rồi gửi lại."},
    [REFUSAL_UNAVAILABLE] =
        {"unavailable", false,
         "The collector cannot take figures just now: keep the batch and send it again in a few "
         "minutes.",
         "Hệ thống tạm thời chưa tiếp nhận được số liệu: đề nghị giữ nguyên lô này và gửi lại sau "
         "ít "
         "phút."},
    [REFUSAL_SETTLED] =
        {"settled", false,
         "This batch was answered long ago and the answer is no longer kept: do not send it again, "
         "query the figures to see what holds.",
         "Lô này đã được trả lời từ trước và câu trả lời không còn lưu: không cần gửi lại, đề nghị "
         "tra cứu số liệu để kiểm tra."},
    [REFUSAL_BAD_VERSION] =
        {"bad_version", false,
         "The sending program speaks a protocol version that is not spoken here: update it, then "
         "send again.",
         "Phiên bản giao thức của chương trình gửi không được hỗ trợ: đề nghị cập nhật chương "
         "trình "
         "rồi gửi lại."},
    [REFUSAL_EMPTY] =
        {"empty", true,
         "The batch has no rows: enter at least one figure and send it under a new number.",
         "Lô không có dòng số liệu nào: đề nghị nhập ít nhất một số liệu rồi gửi lại với số thứ tự "
         "mới."},
    [REFUSAL_BAD_CODE] =
        {"bad_code", true,
         "The batch was not taken, as a code in it is not 1 to 32 of the characters 0-9 A-Z a-z . "
         "_ "
         "-: take every code from the list of units or indicators and send the batch again under a "
         "new number.",
         "Lô không được tiếp nhận vì có mã không hợp lệ (mã gồm 1 đến 32 ký tự: chữ số, chữ cái "
         "không dấu, dấu . _ -): đề nghị lấy mã từ danh mục đơn vị hoặc danh mục chỉ tiêu thống kê "
         "rồi gửi lại cả lô với số thứ tự mới."},
    [REFUSAL_UNKNOWN_UNIT] =
        {"unknown_unit", false, "No unit has this code: check it against the unit catalogue.",
         "Không có đơn vị nào mang mã này: đề nghị kiểm tra lại mã trong danh mục đơn vị."},
    [REFUSAL_UNIT_NOT_IN_FORCE] =
        {"unit_not_in_force", false,
         "The unit is not in force on the figure's date: report for the unit that is, as the unit "
         "catalogue shows it.",
         "Đơn vị này chưa có hoặc không còn hiệu lực vào ngày của số liệu: đề nghị báo cáo theo "
         "đơn "
         "vị đang có hiệu lực vào ngày đó, ghi trong danh mục đơn vị."},
    [REFUSAL_OUT_OF_SCOPE] = {"out_of_scope", false,
                              "The unit is not among those you report for: check the code, or ask "
                              "provincial IT to change "
                              "your scope.",
                              "Đơn vị này nằm ngoài phạm vi báo cáo được giao: đề nghị kiểm tra "
                              "lại mã đơn vị, hoặc liên "
                              "hệ bộ phận công nghệ thông tin của tỉnh để điều chỉnh phạm vi."},
    [REFUSAL_UNKNOWN_INDICATOR] =
        {"unknown_indicator", false, "No indicator has this id: check it against the plan.",
         "Không có chỉ tiêu thống kê nào mang mã này: đề nghị kiểm tra lại mã trong kế hoạch."},
    [REFUSAL_NOT_REPORTER] =
        {"not_reporter", false,
         "This indicator is reported by units of another level or class: leave the row to them.",
         "Chỉ tiêu thống kê này do đơn vị thuộc cấp khác hoặc loại khác báo cáo: đề nghị bỏ dòng "
         "này "
         "và để đơn vị được giao báo cáo."},
    [REFUSAL_BAD_PERIOD] =
        {"bad_period", false,
         "The date does not end a reporting period of this indicator: give the period's last day, "
         "as "
         "the plan's calendar shows it.",
         "Ngày của số liệu không phải ngày cuối kỳ báo cáo của chỉ tiêu thống kê này: đề nghị ghi "
         "ngày cuối kỳ theo lịch báo cáo của kế hoạch."},
    [REFUSAL_FUTURE_PERIOD] =
        {"future_period", false,
         "The period has not begun yet: check the date, or report it when the time has come.",
         "Kỳ báo cáo chưa bắt đầu: đề nghị kiểm tra lại ngày, hoặc gửi khi đến kỳ."},
    [REFUSAL_BELOW_MINIMUM] =
        {"below_minimum", false,
         "The figure is below the indicator's minimum: check it and send the right one.",
         "Số liệu nhỏ hơn mức tối thiểu của chỉ tiêu thống kê: đề nghị kiểm tra và gửi lại số "
         "đúng."},
    [REFUSAL_ABOVE_MAXIMUM] =
        {"above_maximum", false,
         "The figure is above the maximum allowed: check the unit of measure and the dots and "
         "commas, "
         "then send the right one.",
         "Số liệu lớn hơn mức tối đa cho phép: đề nghị kiểm tra lại đơn vị tính, dấu chấm và dấu "
         "phẩy rồi gửi lại số đúng."},
    [REFUSAL_BAD_OP] = {"bad_op", false,
                        "The operation does not fit the indicator: set a period's figure, add to a "
                        "tally, and report "
                        "a ratio by its numerator and denominator.",
                        "Cách ghi không phù hợp với chỉ tiêu thống kê: đề nghị ghi số liệu của kỳ "
                        "(set), cộng thêm "
                        "(add) nếu là chỉ tiêu cộng dồn, còn tỷ lệ thì báo cáo tử số và mẫu số."},
    [REFUSAL_PERIOD_TOO_OLD] = {"period_too_old", false,
                                "The period lies before the unit catalogue begins: check the date, "
                                "or ask provincial IT to "
                                "apply an older catalogue.",
                                "Kỳ báo cáo ở trước thời điểm danh mục đơn vị bắt đầu: đề nghị "
                                "kiểm tra lại ngày, hoặc liên "
                                "hệ bộ phận công nghệ thông tin của tỉnh để bổ sung danh mục cũ."},
};

/* A newer collector may send a code that this version does not know. */
static const struct row unknown = {NULL, false,
                                   "Refused for a reason that this version does not know: update "
                                   "the program, or ask provincial IT.",
                                   "Bị từ chối vì một lý do mà phiên bản này chưa biết: đề nghị "
                                   "cập nhật chương trình hoặc liên hệ "
                                   "bộ phận công nghệ thông tin của tỉnh."};

static const struct row *row_of(enum refusal code)
{
    size_t index = (size_t)code;
    return index < sizeof rows / sizeof *rows && rows[index].name ? &rows[index] : &unknown;
}

const char *refusal_name(enum refusal code)
{
    static _Thread_local char numbered[sizeof "refusal_-2147483648"];
    const struct row *row = row_of(code);
    if (row->name) {
        return row->name;
    }
    snprintf(numbered, sizeof numbered, "refusal_%d", (int)code);
    return numbered;
}

const char *refusal_sentence_en(enum refusal code)
{
    return row_of(code)->en;
}

const char *refusal_sentence_vi(enum refusal code)
{
    return row_of(code)->vi;
}

bool refusal_consumes_number(enum refusal code)
{
    return row_of(code)->consumes_number;
}
