/*
 * uid: see the header. It is 128 bits in base64url: the number mixed so that neighbours look
 * unlike, and its complement mixed likewise, which shows that a uid is not made up.
 */
#include "backend/sandbox/model/uid.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The finalizer of SplitMix64, a bijection; and its inverse. */
static uint64_t stir(uint64_t value)
{
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

static uint64_t unstir(uint64_t value)
{
    value = (value ^ value >> 31 ^ value >> 62) * UINT64_C(0x319642b2d24d8ec3);
    value = (value ^ value >> 27 ^ value >> 54) * UINT64_C(0x96de1b173f119089);
    return value ^ value >> 30 ^ value >> 60;
}

/* 11 letters for 64 bits; the last one has only 4 of its 6. */
static void write_half(uint64_t value, char *out)
{
    for (int i = 0; i < 10; i++)
        out[i] = digits[value >> (58 - 6 * i) & 63];
    out[10] = digits[(value & 15) << 2];
}

static bool read_half(const char *text, uint64_t *value)
{
    uint64_t read = 0;
    for (int i = 0; i < 11; i++) {
        const char *digit = text[i] ? strchr(digits, text[i]) : NULL;
        if (!digit)
            return false;
        uint64_t bits = (uint64_t)(digit - digits);
        if (i == 10 && (bits & 3) != 0)
            return false;
        read = i == 10 ? read << 4 | bits >> 2 : read << 6 | bits;
    }
    *value = read;
    return true;
}

void sb_uid_write(uint64_t uin, char uid[SB_UID_LEN + 1])
{
    uint64_t first = stir(uin);
    uid[0] = 'u';
    uid[1] = '_';
    write_half(first, uid + 2);
    write_half(stir(~first), uid + 13);
    uid[SB_UID_LEN] = '\0';
}

bool sb_uid_read(struct mk_slice uid, uint64_t *uin)
{
    uint64_t first, second;
    if (uid.len != SB_UID_LEN || uid.ptr[0] != 'u' || uid.ptr[1] != '_' ||
        !read_half(uid.ptr + 2, &first) || !read_half(uid.ptr + 13, &second) ||
        second != stir(~first))
        return false;
    *uin = unstir(first);
    return true;
}
