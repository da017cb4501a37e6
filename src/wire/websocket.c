/*
 * websocket: a frame is read in two steps: its header (checked byte by byte, so that the first
 * wrong byte fails) and its payload. A payload that is a whole message in the input is used in
 * place; any other is appended to the gathered bytes, whose memory grows only with the bytes that
 * have arrived. Control frames between two fragments are gathered behind the fragments, in the same
 * memory.
 */
#include "wire/websocket_private.h"

#include "wire/inflation.h"

#include <errno.h>

enum { HEADER, PAYLOAD, CLOSED, FAILED };

/* The fed bytes that were not taken yet. */
struct input {
    char *data;
    size_t left;
};

void mk_ws_parser_init(struct mk_ws_parser *parser, enum mk_ws_role role, size_t message_limit)
{
    *parser = (struct mk_ws_parser){ .role = (uint8_t)role, .limit = message_limit };
    /*
     * The gathered bytes of a message are limited to `limit`; a control frame may come in addition.
     */
    mk_buf_init(&parser->message, message_limit < SIZE_MAX - MK_WS_MAX_CONTROL
                                      ? message_limit + MK_WS_MAX_CONTROL
                                      : SIZE_MAX);
}

void mk_ws_parser_set_deflate(struct mk_ws_parser *parser, struct mk_deflate *deflate)
{
    parser->deflate = deflate;
}

void mk_ws_parser_set_window(struct mk_ws_parser *parser, struct mk_inflate_window *window)
{
    parser->window = window;
}

void mk_ws_parser_fini(struct mk_ws_parser *parser)
{
    if (!parser)
        return;
    mk_buf_fini(&parser->message);
    parser->inflation = mk_inflation_free(parser->inflation);
}

/* The rules that a peer may violate. */
static const struct mk_phrase a_reserved_bit_is_set = { "a reserved bit is set", "设置了保留位" };
static const struct mk_phrase a_continuation_without_a_message = {
    "a continuation without a message", "没有消息却有后续帧"
};
static const struct mk_phrase a_new_message_within_another = { "a new message within another",
                                                               "一条消息中间开始了另一条" };
static const struct mk_phrase a_control_frame_is_fragmented = { "a control frame is fragmented",
                                                                "控制帧被分片" };
static const struct mk_phrase a_reserved_opcode = { "a reserved opcode", "使用了保留的操作码" };
static const struct mk_phrase a_servers_frame_is_masked = { "a server's frame is masked",
                                                            "服务器的帧带有掩码" };
static const struct mk_phrase a_clients_frame_is_not_masked = { "a client's frame is not masked",
                                                                "客户端的帧没有掩码" };
static const struct mk_phrase a_control_frame_is_too_long = { "a control frame is too long",
                                                              "控制帧过长" };
static const struct mk_phrase a_close_frame_with_half_a_code = { "a close frame with half a code",
                                                                 "关闭帧只有半个代码" };
static const struct mk_phrase a_length_with_its_top_bit_set = { "a length with its top bit set",
                                                                "长度的最高位被设置" };
static const struct mk_phrase a_length_longer_than_it_needs_to_be = {
    "a length longer than it needs to be", "长度的编码超过所需"
};
static const struct mk_phrase a_message_is_too_long = { "a message is too long", "消息过长" };
static const struct mk_phrase a_close_code_that_may_not_be_sent = {
    "a close code that may not be sent", "不允许发送的关闭代码"
};
static const struct mk_phrase a_close_reason_is_not_utf_8 = { "a close reason is not UTF-8",
                                                              "关闭原因不是 UTF-8" };
const struct mk_phrase mk_ws_out_of_memory = { "out of memory", "内存不足" };
const struct mk_phrase mk_ws_text_is_not_utf_8 = { "a text is not UTF-8", "文本不是 UTF-8" };
static const struct mk_phrase a_text_ends_within_a_character = { "a text ends within a character",
                                                                 "文本在字符中间结束" };

int mk_ws_fail(struct mk_ws_parser *parser, enum mk_ws_close_code code,
               const struct mk_phrase *reason)
{
    mk_ws_parser_fini(parser);
    parser->state = FAILED;
    parser->event = (struct mk_ws_event){ .code = (uint16_t)code, .reason = reason };
    return MK_WS_FAIL;
}

static void take(struct input *in, size_t count)
{
    in->data += count;
    in->left -= count;
}

static bool is_control(uint8_t opcode)
{
    return opcode & CONTROL_BIT;
}

/* RSV1 marks it, on the first frame of a message only (RFC 7692, 6.1). */
static bool begins_compressed(const struct mk_ws_parser *parser, uint8_t byte)
{
    uint8_t opcode = byte & OPCODE_BITS;
    return (byte & RESERVED_BITS) == RSV1 && (opcode == MK_WS_TEXT || opcode == MK_WS_BINARY) &&
           parser->deflate;
}

static int check_first_byte(struct mk_ws_parser *parser, uint8_t byte)
{
    uint8_t opcode = byte & OPCODE_BITS;
    if ((byte & RESERVED_BITS) && !begins_compressed(parser, byte))
        return mk_ws_fail(parser, MK_WS_PROTOCOL_ERROR, &a_reserved_bit_is_set);
    switch (opcode) {
    case MK_WS_CONTINUATION:
        if (parser->message_opcode == 0)
            return mk_ws_fail(parser, MK_WS_PROTOCOL_ERROR, &a_continuation_without_a_message);
        return MK_WS_DONE;
    case MK_WS_TEXT:
    case MK_WS_BINARY:
        if (parser->message_opcode != 0)
            return mk_ws_fail(parser, MK_WS_PROTOCOL_ERROR, &a_new_message_within_another);
        return MK_WS_DONE;
    case MK_WS_CLOSE:
    case MK_WS_PING:
    case MK_WS_PONG:
        if (!(byte & FIN))
            return mk_ws_fail(parser, MK_WS_PROTOCOL_ERROR, &a_control_frame_is_fragmented);
        return MK_WS_DONE;
    default:
        return mk_ws_fail(parser, MK_WS_PROTOCOL_ERROR, &a_reserved_opcode);
    }
}

static int check_second_byte(struct mk_ws_parser *parser, uint8_t opcode, uint8_t byte)
{
    uint8_t len = byte & LEN_BITS;
    if ((byte & MASKED) && parser->role == MK_WS_CLIENT)
        return mk_ws_fail(parser, MK_WS_PROTOCOL_ERROR, &a_servers_frame_is_masked);
    if (!(byte & MASKED) && parser->role == MK_WS_SERVER)
        return mk_ws_fail(parser, MK_WS_PROTOCOL_ERROR, &a_clients_frame_is_not_masked);
    if (is_control(opcode) && len > MK_WS_MAX_CONTROL)
        return mk_ws_fail(parser, MK_WS_PROTOCOL_ERROR, &a_control_frame_is_too_long);
    if (opcode == MK_WS_CLOSE && len == 1)
        return mk_ws_fail(parser, MK_WS_PROTOCOL_ERROR, &a_close_frame_with_half_a_code);
    return MK_WS_DONE;
}

/* Reads the length, of which `have` bytes have arrived. Sets `*size` to the number of its bytes. */
static int read_len(struct mk_ws_parser *parser, const uint8_t *head, size_t have, uint64_t *len,
                    size_t *size)
{
    uint8_t first = head[0] & LEN_BITS;
    uint64_t number = first;
    uint64_t least = 0;
    *size = 1;
    if (first >= LEN_16) {
        *size = first == LEN_16 ? 3 : 9;
        least = first == LEN_16 ? LEN_16 : UINT64_C(1) << 16;
        if (first == LEN_64 && have > 1 && head[1] & 0x80)
            return mk_ws_fail(parser, MK_WS_PROTOCOL_ERROR, &a_length_with_its_top_bit_set);
        if (have < *size)
            return MK_WS_NEED_MORE;
        number = 0;
        for (size_t at = 1; at < *size; at++)
            number = number << 8 | head[at];
    }
    if (number < least)
        return mk_ws_fail(parser, MK_WS_PROTOCOL_ERROR, &a_length_longer_than_it_needs_to_be);
    *len = number;
    return MK_WS_DONE;
}

/*
 * Reads a header of which `have` bytes have arrived: each byte is checked before more are required,
 * and only a complete header changes the state. Sets `*size` to its length.
 */
static int read_header(struct mk_ws_parser *parser, const uint8_t *head, size_t have, size_t *size)
{
    uint8_t opcode = head[0] & OPCODE_BITS;
    int rc = check_first_byte(parser, head[0]);
    if (rc != MK_WS_DONE)
        return rc;
    if (have < 2)
        return MK_WS_NEED_MORE;
    rc = check_second_byte(parser, opcode, head[1]);
    if (rc != MK_WS_DONE)
        return rc;

    uint64_t len;
    size_t len_size;
    rc = read_len(parser, head + 1, have - 1, &len, &len_size);
    if (rc != MK_WS_DONE)
        return rc;
    if (!is_control(opcode) && len > parser->limit - mk_ws_arrived(parser))
        return mk_ws_fail(parser, MK_WS_TOO_BIG, &a_message_is_too_long);

    size_t mask_size = parser->role == MK_WS_SERVER ? sizeof(parser->mask) : 0;
    *size = 1 + len_size + mask_size;
    if (have < *size)
        return MK_WS_NEED_MORE;
    memcpy(parser->mask, head + 1 + len_size, mask_size);
    parser->opcode = opcode;
    parser->final = head[0] & FIN;
    parser->frame_left = len;
    if (opcode == MK_WS_TEXT || opcode == MK_WS_BINARY) {
        parser->message_opcode = opcode;
        parser->compressed = head[0] & RSV1;
    }
    return MK_WS_DONE;
}

/* Reads the header from the input if it lies whole there, else from the parser's copy. */
static int take_header(struct mk_ws_parser *parser, struct input *in)
{
    const uint8_t *head = (const uint8_t *)in->data;
    size_t before = parser->header_len;
    size_t have = in->left;
    size_t size;
    if (have == 0)
        return MK_WS_NEED_MORE;
    if (before > 0) {
        have = in->left < MK_WS_MAX_HEADER - before ? before + in->left : MK_WS_MAX_HEADER;
        memcpy(parser->header + before, in->data, have - before);
        head = parser->header;
    }
    int rc = read_header(parser, head, have, &size);
    if (rc == MK_WS_NEED_MORE) {
        if (before == 0)
            memcpy(parser->header, head, have); /* an incomplete header fits */
        parser->header_len = (uint8_t)have;
        take(in, have - before);
    } else if (rc == MK_WS_DONE) {
        parser->header_len = 0;
        parser->state = PAYLOAD;
        take(in, size - before);
    }
    return rc;
}

static void rotate_mask(uint8_t mask[4], size_t count)
{
    uint8_t old[4];
    memcpy(old, mask, sizeof(old));
    for (size_t at = 0; at < sizeof(old); at++)
        mask[at] = old[(at + count) & 3];
}

/* RFC 6455, 7.4, and the IANA registry: the codes that may be on the wire. */
static bool is_wire_code(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

static int end_control(struct mk_ws_parser *parser, struct mk_slice payload)
{
    uint16_t code = 0;
    if (parser->opcode == MK_WS_CLOSE) {
        code = MK_WS_NO_STATUS;
        if (payload.len > 0) { /* at least 2: the header refuses 1 */
            code = (uint16_t)((uint8_t)payload.ptr[0] << 8 | (uint8_t)payload.ptr[1]);
            payload = mk_slice_from(payload, 2);
            if (!is_wire_code(code))
                return mk_ws_fail(parser, MK_WS_PROTOCOL_ERROR, &a_close_code_that_may_not_be_sent);
        }
        if (!mk_utf8_valid(payload))
            return mk_ws_fail(parser, MK_WS_INVALID_DATA, &a_close_reason_is_not_utf_8);
        parser->state = CLOSED;
        parser->message_opcode = 0; /* the rest of it will not arrive */
    }
    parser->event =
        (struct mk_ws_event){ .opcode = parser->opcode, .code = code, .payload = payload };
    parser->has_event = true;
    return MK_WS_CONTROL;
}

static bool check_text(struct mk_ws_parser *parser, const char *data, size_t len)
{
    return parser->message_opcode != MK_WS_TEXT || parser->compressed ||
           mk_utf8_feed(&parser->utf8, data, len);
}

static int end_data(struct mk_ws_parser *parser, struct mk_slice payload)
{
    if (!parser->final)
        return MK_WS_DONE;
    bool cut = false;
    if (parser->compressed) {
        int rc = mk_ws_decompress(parser, &payload, &cut);
        if (rc != MK_WS_DONE)
            return rc;
    }
    if (parser->utf8.need > 0)
        return mk_ws_fail(parser, MK_WS_INVALID_DATA, &a_text_ends_within_a_character);
    parser->event =
        (struct mk_ws_event){ .opcode = parser->message_opcode, .payload = payload, .cut = cut };
    parser->message_opcode = 0;
    parser->has_event = true;
    return MK_WS_MESSAGE;
}

static int end_frame(struct mk_ws_parser *parser, struct mk_slice payload)
{
    parser->state = HEADER;
    return is_control(parser->opcode) ? end_control(parser, payload) : end_data(parser, payload);
}

/* For a frame whose rest, with the whole payload of its event, lies in the input. */
static int use_in_place(struct mk_ws_parser *parser, struct input *in)
{
    struct mk_slice payload = { in->data, (size_t)parser->frame_left };
    if (parser->role == MK_WS_SERVER)
        mk_ws_apply_mask(in->data, in->data, payload.len, parser->mask);
    take(in, payload.len);
    parser->frame_left = 0;
    if (!is_control(parser->opcode) && !check_text(parser, payload.ptr, payload.len))
        return mk_ws_fail(parser, MK_WS_INVALID_DATA, &mk_ws_text_is_not_utf_8);
    return end_frame(parser, payload);
}

/* Decompresses a part of the frame, which is unmasked in the input. */
static int decompress_part(struct mk_ws_parser *parser, struct input *in, size_t len)
{
    struct mk_slice part = { in->data, len };
    if (parser->role == MK_WS_SERVER) {
        mk_ws_apply_mask(in->data, in->data, len, parser->mask);
        rotate_mask(parser->mask, len);
    }
    parser->frame_left -= len;
    take(in, len);
    return mk_ws_decompress_part(parser, part);
}

/* Appends a part of the frame to the gathered bytes. */
static int gather(struct mk_ws_parser *parser, struct input *in, size_t len)
{
    struct mk_buf *message = &parser->message;
    int rc = mk_buf_reserve_announced(message, len,
                                      is_control(parser->opcode) ? len : parser->frame_left);
    if (rc < 0) {
        mk_ws_fail(parser, MK_WS_INTERNAL_ERROR, &mk_ws_out_of_memory);
        return rc;
    }
    char *part = message->data + message->len;
    if (parser->role == MK_WS_SERVER) {
        mk_ws_apply_mask(part, in->data, len, parser->mask);
        rotate_mask(parser->mask, len);
    } else {
        memcpy(part, in->data, len);
    }
    message->len += len;
    parser->frame_left -= len;
    take(in, len);
    if (is_control(parser->opcode))
        parser->control_len = (uint8_t)(parser->control_len + len);
    else if (!check_text(parser, part, len))
        return mk_ws_fail(parser, MK_WS_INVALID_DATA, &mk_ws_text_is_not_utf_8);
    return MK_WS_DONE;
}

static int take_payload(struct mk_ws_parser *parser, struct input *in)
{
    bool control = is_control(parser->opcode);
    bool whole = in->left >= parser->frame_left;
    size_t gathered = control ? parser->control_len : parser->message.len;
    if (whole && gathered == 0 && parser->final && (control || !parser->inflation))
        return use_in_place(parser, in);

    size_t len = whole ? (size_t)parser->frame_left : in->left;
    if (len > 0) {
        bool is_long = !control && parser->compressed &&
                       (parser->inflation || gathered + len > MK_WS_GATHERED_COMPRESSED);
        int rc = is_long ? decompress_part(parser, in, len) : gather(parser, in, len);
        if (rc != MK_WS_DONE)
            return rc;
    }
    if (!whole)
        return MK_WS_NEED_MORE;
    struct mk_slice all = mk_buf_slice(&parser->message);
    return end_frame(parser, control ? mk_slice_from(all, all.len - parser->control_len) : all);
}

bool mk_ws_parser_take(struct mk_ws_parser *parser, struct mk_buf *message)
{
    struct mk_slice taken = parser->event.payload;
    bool is_data = parser->event.opcode == MK_WS_TEXT || parser->event.opcode == MK_WS_BINARY;
    if (parser->has_event && is_data && parser->inflation) {
        mk_inflation_take(parser->inflation, message);
        return true;
    }
    if (parser->has_event && is_data && parser->compressed)
        return mk_deflate_take(parser->deflate, message);
    if (!parser->has_event || !is_data || taken.len == 0 || taken.ptr != parser->message.data)
        return false;
    *message = parser->message;
    mk_buf_init(&parser->message, message->max);
    return true;
}

void mk_ws_parser_release(struct mk_ws_parser *parser)
{
    if (!parser->has_event)
        return;
    parser->has_event = false;
    parser->event.payload = (struct mk_slice){ 0 };
    parser->message.len -= parser->control_len;
    parser->control_len = 0;
    if (parser->message_opcode != 0)
        return;
    mk_buf_fini(&parser->message);
    if (parser->compressed)
        mk_deflate_release_inflated(parser->deflate);
    parser->inflation = mk_inflation_free(parser->inflation);
    parser->compressed = false;
}

int mk_ws_parser_feed(struct mk_ws_parser *parser, char *data, size_t len, size_t *consumed)
{
    struct input in = { data, len };
    int rc = MK_WS_DONE;
    mk_ws_parser_release(parser);
    if (parser->state == FAILED) {
        rc = MK_WS_FAIL;
    } else if (parser->state == CLOSED) {
        in.left = 0;
        rc = MK_WS_NEED_MORE;
    }
    while (rc == MK_WS_DONE) {
        if (parser->state == HEADER)
            rc = take_header(parser, &in);
        if (rc == MK_WS_DONE)
            rc = take_payload(parser, &in);
    }
    *consumed = len - in.left;
    return rc;
}
