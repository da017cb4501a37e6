/* websocket_write: makes frames: a header, and a payload that a client's mask covers. */
#include "wire/websocket_private.h"

void mk_ws_apply_mask(char *out, const char *in, size_t len, const uint8_t mask[4])
{
    uint8_t twice[8];
    memcpy(twice, mask, 4);
    memcpy(twice + 4, mask, 4);
    uint64_t key;
    memcpy(&key, twice, sizeof(key));
    size_t at = 0;
    for (; len - at >= sizeof(key); at += sizeof(key)) {
        uint64_t word;
        memcpy(&word, in + at, sizeof(word));
        word ^= key;
        memcpy(out + at, &word, sizeof(word));
    }
    for (; at < len; at++)
        out[at] = (char)(in[at] ^ mask[at & 3]);
}

size_t mk_ws_server_header(char *out, enum mk_ws_opcode opcode, uint64_t payload_len)
{
    out[0] = (char)(FIN | opcode);
    if (payload_len < LEN_16) {
        out[1] = (char)payload_len;
        return 2;
    }
    bool is_short = payload_len <= UINT16_MAX;
    size_t size = is_short ? 2 : 8;
    out[1] = is_short ? LEN_16 : LEN_64;
    for (size_t at = 0; at < size; at++)
        out[2 + at] = (char)(payload_len >> 8 * (size - 1 - at));
    return 2 + size;
}

/* Makes the header of a frame; a client's ends with a fresh mask. Returns its length. */
static size_t make_header(char header[MK_WS_MAX_HEADER], struct mk_random *masks,
                          enum mk_ws_opcode opcode, uint8_t reserved, size_t payload_len)
{
    size_t len = mk_ws_server_header(header, opcode, payload_len);
    header[0] = (char)(header[0] | reserved);
    if (!masks)
        return len;
    header[1] = (char)(header[1] | MASKED);
    mk_random_take(masks, header + len, MASK_LEN);
    return len + MASK_LEN;
}

/* Writes the masked payload `from` to `at`, which may be the same address. */
static void mask_payload(const char *header, size_t header_len, char *at, const char *from,
                         size_t len)
{
    uint8_t mask[MASK_LEN];
    memcpy(mask, header + header_len - MASK_LEN, MASK_LEN);
    mk_ws_apply_mask(at, from, len, mask);
}

static int write_frame(struct mk_buf *out, struct mk_random *masks, enum mk_ws_opcode opcode,
                       uint8_t reserved, struct mk_slice payload)
{
    char header[MK_WS_MAX_HEADER];
    size_t header_len = make_header(header, masks, opcode, reserved, payload.len);
    int rc = mk_buf_reserve(out, header_len + payload.len);
    if (rc < 0)
        return rc;
    char *at = out->data + out->len;
    memcpy(at, header, header_len);
    if (masks)
        mask_payload(header, header_len, at + header_len, payload.ptr, payload.len);
    else if (payload.len > 0)
        memcpy(at + header_len, payload.ptr, payload.len);
    out->len += header_len + payload.len;
    return 0;
}

/*
 * Returns the header length of most messages (126 bytes to 64 KiB), for which no payload is moved.
 */
static size_t usual_header(const struct mk_random *masks)
{
    return masks ? 4 + MASK_LEN : 4;
}

int mk_ws_begin_frame(struct mk_buf *out, struct mk_random *masks, struct mk_ws_open *open)
{
    size_t usual = usual_header(masks);
    int rc = mk_buf_reserve(out, usual);
    if (rc < 0)
        return rc;
    *open = (struct mk_ws_open){ .begin = out->len, .payload = out->len + usual };
    out->len = open->payload;
    return 0;
}

int mk_ws_end_frame(struct mk_buf *out, struct mk_random *masks, enum mk_ws_opcode opcode,
                    const struct mk_ws_open *open)
{
    char header[MK_WS_MAX_HEADER];
    size_t len = out->len - open->payload;
    size_t header_len = make_header(header, masks, opcode, 0, len);
    size_t payload = open->begin + header_len;
    if (payload > open->payload) {
        int rc = mk_buf_reserve(out, payload - open->payload);
        if (rc < 0)
            return rc;
    }
    char *at = out->data + payload;
    if (payload != open->payload && len > 0)
        memmove(at, out->data + open->payload, len);
    memcpy(out->data + open->begin, header, header_len);
    if (masks)
        mask_payload(header, header_len, at, at, len);
    out->len = payload + len;
    return 0;
}

int mk_ws_write_frame(struct mk_buf *out, struct mk_random *masks, enum mk_ws_opcode opcode,
                      struct mk_slice payload)
{
    return write_frame(out, masks, opcode, 0, payload);
}

int mk_ws_write_compressed(struct mk_buf *out, struct mk_random *masks, enum mk_ws_opcode opcode,
                           struct mk_slice payload)
{
    return write_frame(out, masks, opcode, RSV1, payload);
}

int mk_ws_write_close(struct mk_buf *out, struct mk_random *masks, uint16_t code,
                      struct mk_slice reason)
{
    char payload[MK_WS_MAX_CONTROL];
    if (code == MK_WS_NO_STATUS)
        return mk_ws_write_frame(out, masks, MK_WS_CLOSE, mk_slice_of(NULL, 0));
    payload[0] = (char)(code >> 8);
    payload[1] = (char)code;
    if (reason.len > sizeof(payload) - 2)
        reason.len = sizeof(payload) - 2;
    reason.len = mk_utf8_valid_prefix(reason);
    if (reason.len > 0)
        memcpy(payload + 2, reason.ptr, reason.len);
    return mk_ws_write_frame(out, masks, MK_WS_CLOSE, mk_slice_of(payload, 2 + reason.len));
}
