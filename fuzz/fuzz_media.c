/*
 * fuzz_media: contents of any bytes. The prober must stay within them (they are in a block of their
 * own), end, and return a consistent result. Decoding them as base64 must do the same.
 */
#include "backend/sandbox/media/probe.h"
#include "base/base64.h"
#include "fuzz.h"

static void check_info(const struct sb_media_info *info, const char *wrong)
{
    struct sb_media_info again;
    sb_media_info_of(info->content_type, strlen(info->content_type), &again);
    check(again.kind == info->kind && again.extension == info->extension, "type");
    check(!wrong || info->kind == SB_MEDIA_OTHER, "wrong, and yet something");
    bool has_size = info->kind == SB_MEDIA_IMAGE || info->kind == SB_MEDIA_VIDEO;
    bool has_duration = info->kind == SB_MEDIA_AUDIO || info->kind == SB_MEDIA_VIDEO;
    bool may_lack_size = strcmp(info->extension, "flv") == 0 || strcmp(info->extension, "ts") == 0;
    check((info->width > 0) == (info->height > 0), "half a size");
    check(has_size ? info->width > 0 || may_lack_size : info->width == 0, "size");
    check(!info->other || info->kind == SB_MEDIA_OTHER, "something, and yet another");
    check((info->duration > 0) == has_duration, "duration");
}

static void check_base64(struct mk_slice text)
{
    uint8_t *out = malloc(mk_base64_size(text.len) + 1);
    size_t len = 0;
    check(out != NULL, "memory");
    if (mk_base64_decode(text, out, &len))
        check(len <= mk_base64_size(text.len) && len + 2 >= mk_base64_size(text.len), "base64");
    free(out);
}

/* In two runs it is the same as in one; what is strictly valid is valid, and the same. */
static void check_runs(struct mk_slice text)
{
    uint8_t *whole = malloc(mk_base64_most(text.len) + 2), *out = malloc(text.len + 16);
    struct mk_base64_reader one = { 0 }, two = { 0 };
    size_t half = text.len / 3, len = 0, end = 0, first = 0, second = 0, strict = 0;
    check(whole && out, "memory");
    enum mk_base64_fault fault = mk_base64_read(&one, text, whole, &len);
    enum mk_base64_fault other = mk_base64_read(&two, mk_slice_of(text.ptr, half), out, &first);
    check(len <= mk_base64_most(text.len), "runs: most");
    if (!other)
        other = mk_base64_read(&two, mk_slice_from(text, half), out + first, &second);
    check(fault == other && one.position == two.position && len == first + second, "runs");
    check(memcmp(whole, out, len) == 0, "runs: bytes");
    fault = fault ? fault : mk_base64_read_end(&one, whole + len, &end);
    check(fault || len + end <= mk_base64_bytes(mk_base64_count(text)), "runs: count");
    if (mk_base64_decode(text, out, &strict))
        check(!fault && strict == len + end && memcmp(whole, out, strict) == 0, "runs: strict");
    free(whole);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + !size);
    check(copy != NULL, "memory");
    if (size > 0)
        memcpy(copy, data, size);
    struct mk_slice content = mk_slice_of(copy, size);
    struct sb_media_info info;
    const struct mk_phrase *wrong = sb_media_probe(content, &info);
    check_info(&info, wrong ? wrong->en : NULL);
    check_base64(content);
    check_runs(content);
    free(copy);
    return 0;
}
