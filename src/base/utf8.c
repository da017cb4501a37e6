/* utf8: a state machine over the ranges of Unicode table 3-7, with a fast path for ASCII. */
#include "base/utf8.h"

#include <stdint.h>

static bool is_ascii_word(const char *data)
{
    uint64_t word;
    memcpy(&word, data, sizeof(word));
    return (word & UINT64_C(0x8080808080808080)) == 0;
}

static bool begin(struct mk_utf8 *state, uint8_t lead)
{
    state->low = 0x80;
    state->high = 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf) {
        state->need = 1;
    } else if (lead >= 0xe0 && lead <= 0xef) {
        state->need = 2;
        if (lead == 0xe0)
            state->low = 0xa0; /* overlong */
        if (lead == 0xed)
            state->high = 0x9f; /* surrogates */
    } else if (lead >= 0xf0 && lead <= 0xf4) {
        state->need = 3;
        if (lead == 0xf0)
            state->low = 0x90; /* overlong */
        if (lead == 0xf4)
            state->high = 0x8f; /* beyond U+10FFFF */
    } else {
        return false;
    }
    return true;
}

/* Returns how many bytes were taken before the first invalid one, or len. */
static size_t scan(struct mk_utf8 *state, const char *data, size_t len)
{
    size_t at = 0;
    while (at < len) {
        uint8_t byte = (uint8_t)data[at];
        if (state->need > 0) {
            if (byte < state->low || byte > state->high)
                return at;
            state->low = 0x80;
            state->high = 0xbf;
            state->need--;
        } else if (byte < 0x80) {
            while (len - at > sizeof(uint64_t) && is_ascii_word(data + at))
                at += sizeof(uint64_t);
            if ((uint8_t)data[at] >= 0x80)
                continue;
        } else if (!begin(state, byte)) {
            return at;
        }
        at++;
    }
    return len;
}

bool mk_utf8_feed(struct mk_utf8 *state, const char *data, size_t len)
{
    return scan(state, data, len) == len;
}

bool mk_utf8_valid(struct mk_slice text)
{
    struct mk_utf8 state = { 0 };
    return mk_utf8_feed(&state, text.ptr, text.len) && state.need == 0;
}

size_t mk_utf8_valid_prefix(struct mk_slice text)
{
    struct mk_utf8 state = { 0 };
    size_t valid = scan(&state, text.ptr, text.len);
    if (state.need == 0)
        return valid;
    /* Go back to the lead byte of the truncated character. */
    while (valid > 0 && ((uint8_t)text.ptr[valid - 1] & 0xc0) == 0x80)
        valid--;
    return valid > 0 ? valid - 1 : 0;
}

void mk_utf8_copy(char *to, size_t size, struct mk_slice text)
{
    if (text.len >= size)
        text.len = mk_utf8_valid_prefix(mk_slice_of(text.ptr, size - 1));
    if (text.len > 0)
        memcpy(to, text.ptr, text.len);
    to[text.len] = '\0';
}
