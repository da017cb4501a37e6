/* text: see the header. */
#include "cli/text.h"

#include "base/escape.h"

#include <stdlib.h>
#include <time.h>

/* The order of POSIX.1-2017, 8.2: the first one that is set and not empty counts. "": none is. */
static struct mk_slice locale(void)
{
    static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return mk_slice_str(value);
    }
    return MK_SLICE("");
}

static bool is_chinese(struct mk_slice name)
{
    return mk_slice_starts_with(name, MK_SLICE("zh"));
}

void mk_text_setup(void)
{
    mk_language_set(is_chinese(locale()) ? MK_CHINESE : MK_ENGLISH);
}

/* "C.UTF-8" names an encoding and no language. */
static bool names_language(struct mk_slice name)
{
    return name.len > 0 && !mk_slice_eq(name, MK_SLICE("C")) &&
           !mk_slice_starts_with(name, MK_SLICE("C.")) &&
           !mk_slice_starts_with(name, MK_SLICE("POSIX"));
}

enum mk_language mk_text_reply_language(void)
{
    struct mk_slice name = locale();
    return names_language(name) && !is_chinese(name) ? MK_ENGLISH : MK_CHINESE;
}

const char *mk_word_for(const struct mk_word *words, size_t count, const char *name)
{
    for (size_t i = 0; name && i < count; i++)
        if (strcmp(words[i].name, name) == 0)
            return mk_tr(words[i].en, words[i].zh);
    return NULL;
}

const char *mk_text_time(uint64_t seconds, char text[MK_TEXT_TIME])
{
    time_t when = (time_t)seconds;
    struct tm local;
    text[0] = '\0';
    if (localtime_r(&when, &local))
        strftime(text, MK_TEXT_TIME, "%Y-%m-%d %H:%M:%S", &local);
    return text;
}

/* In few pieces, for the standard error output has no buffer. */
void mk_text_show(FILE *to, struct mk_slice text, bool lines)
{
    while (text.len > 0) {
        size_t plain = 0, len = 0;
        uint32_t code = 0;
        while (plain < text.len) {
            len = mk_escape_unsafe(mk_slice_from(text, plain), &code);
            if (len > 0 && !(lines && (code == '\n' || code == '\t')))
                break;
            plain += len > 0 ? len : 1;
            len = 0;
        }
        fwrite(text.ptr, 1, plain, to);
        if (len > 0)
            fprintf(to, "\\u%04x", (unsigned)code);
        text = mk_slice_from(text, plain + len);
    }
}
