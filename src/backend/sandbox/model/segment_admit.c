/*
 * segment_admit: which segments of a message QQ lets through (turn/limits.h): what stands alone,
 * what a private message cannot have, and what is counted over the whole message.
 */
#include "backend/sandbox/model/segment.h"

#include "backend/sandbox/model/text.h"

#include <string.h>

/* Units of a message's weight. */
enum { WEIGHT_WIDE = 3, WEIGHT_MENTION = 60, WEIGHT_IMAGE = 260, WEIGHT_QUOTE = 444 };

/* The segments that stand alone. A forward wins, since what is beside one is refused; in the
 * messages of a forward it need not be alone. */
static const struct {
    const char *type;
    enum sb_limit_id limit;
} alone[] = {
    { "forward", SB_LIMIT_FORWARD_ALONE },
    { "record", SB_LIMIT_RECORD_ALONE },
    { "video", SB_LIMIT_VIDEO_ALONE },
    { "light_app", SB_LIMIT_LIGHT_APP_ALONE },
};

static const char *type_of(yyjson_mut_val *segment)
{
    return yyjson_mut_get_str(yyjson_mut_obj_get(segment, "type"));
}

static bool is_empty_text(yyjson_mut_val *segment)
{
    yyjson_mut_val *data = yyjson_mut_obj_get(segment, "data");
    return strcmp(type_of(segment), "text") == 0 &&
           yyjson_mut_get_len(yyjson_mut_obj_get(data, "text")) == 0;
}

void sb_admit_begin(struct sb_compose *compose, yyjson_mut_val *outgoing)
{
    struct sb_admit *admit = &compose->admit;
    *admit = (struct sb_admit){ 0 };
    size_t i, count;
    yyjson_mut_val *segment;
    yyjson_mut_arr_foreach (outgoing, i, count, segment) {
        bool is_forward = strcmp(type_of(segment), "forward") == 0;
        if (is_forward && compose->depth > 0)
            continue;
        for (size_t k = 0; k < sizeof(alone) / sizeof(alone[0]); k++)
            if (strcmp(type_of(segment), alone[k].type) == 0 && (!admit->alone || is_forward)) {
                admit->alone = segment;
                admit->alone_limit = alone[k].limit;
            }
        if (is_forward)
            return;
    }
}

static int check(struct sb_compose *compose, enum sb_limit_id limit, uint64_t value)
{
    return sb_limit_check(compose->request, limit, value, compose->path);
}

int sb_admit_segment(struct sb_compose *compose, yyjson_mut_val *segment)
{
    struct sb_admit *admit = &compose->admit;
    const char *type = type_of(segment);
    bool is_private = compose->conversation->scene != SB_SCENE_GROUP && compose->depth == 0;
    if (is_private && strcmp(type, "mention") == 0)
        return check(compose, SB_LIMIT_MENTION_IN_PRIVATE, 1);
    if (is_private && strcmp(type, "mention_all") == 0)
        return check(compose, SB_LIMIT_MENTION_ALL_IN_PRIVATE, 1);
    if (strcmp(type, "reply") == 0) {
        int rc = admit->alone ? check(compose, SB_LIMIT_REPLY_WITH_STANDALONE, 1) : 0;
        return rc == 0 ? check(compose, SB_LIMIT_MESSAGE_TWO_QUOTES, admit->quotes + 1) : rc;
    }
    if (!admit->alone || admit->alone == segment)
        return 0;
    return is_empty_text(segment) ? SB_DROPPED : check(compose, admit->alone_limit, 1);
}

/* Of a character that is no ASCII the first byte is 11xxxxxx. */
static size_t weight_of(struct mk_slice text)
{
    size_t weight = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        weight += c < 0x80 ? 1 : c >= 0xc0 ? WEIGHT_WIDE : 0;
    }
    return weight;
}

int sb_admit_text(struct sb_compose *compose, struct mk_slice text)
{
    struct sb_admit *admit = &compose->admit;
    admit->chars += sb_text_chars(text);
    admit->bytes += text.len;
    int rc = sb_limit_check(compose->request, SB_LIMIT_MESSAGE_TEXT_CHARS, admit->chars, NULL);
    if (rc == 0)
        rc = sb_limit_check(compose->request, SB_LIMIT_MESSAGE_TEXT_BYTES, admit->bytes, NULL);
    if (rc == 0) /* a text that is refused may be very long */
        admit->weight += weight_of(text);
    return rc;
}

int sb_admit_image(struct sb_compose *compose)
{
    compose->admit.weight += WEIGHT_IMAGE;
    return check(compose, SB_LIMIT_MESSAGE_IMAGES_COUNT, ++compose->admit.images);
}

void sb_admit_mention(struct sb_compose *compose)
{
    compose->admit.weight += WEIGHT_MENTION;
}

void sb_admit_quote(struct sb_compose *compose)
{
    compose->admit.quotes++;
    compose->admit.weight += WEIGHT_QUOTE;
}

int sb_admit_end(struct sb_compose *compose)
{
    return sb_limit_check(compose->request, SB_LIMIT_MESSAGE_WEIGHT, compose->admit.weight, NULL);
}

/* --- faces --- */

/* A number as QQ writes it: no sign, no zero before it, at most `digits` long. 0: it is none. */
static bool read_number(struct mk_slice text, size_t digits, uint64_t *number)
{
    *number = 0;
    if (text.len == 0 || text.len > digits || (text.len > 1 && text.ptr[0] == '0'))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        *number = *number * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    return true;
}

bool sb_face_is_known(struct mk_slice id)
{
    uint64_t number;
    return read_number(id, 3, &number);
}

bool sb_emoji_is_known(struct mk_slice id)
{
    /* First and last code points of Unicode's blocks with emoji. Numbers of up to 3 digits are
     * faces: implementations tell them apart by that. */
    static const uint32_t ranges[][2] = {
        { 0x203c, 0x203c }, { 0x2049, 0x2049 }, { 0x2122, 0x2122 }, { 0x2139, 0x2139 },
        { 0x2194, 0x21aa }, { 0x231a, 0x23ff }, { 0x24c2, 0x24c2 }, { 0x25aa, 0x25fe },
        { 0x2600, 0x27bf }, { 0x2934, 0x2935 }, { 0x2b05, 0x2b55 }, { 0x3030, 0x3030 },
        { 0x303d, 0x303d }, { 0x3297, 0x3297 }, { 0x3299, 0x3299 }, { 0x1f000, 0x1faff },
    };
    uint64_t number;
    if (!read_number(id, 6, &number))
        return false;
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        if (number >= ranges[i][0] && number <= ranges[i][1])
            return true;
    return false;
}
