/* text: see the header. */
#include "cli/text.h"

#include "base/shown.h"

#include <stdlib.h>
#include <time.h>

enum { LONGEST_WORD = 48 };

static bool chinese;

void mk_text_set(const char *locale)
{
    chinese = mk_slice_starts_with(mk_slice_str(locale), MK_SLICE("zh"));
}

/* The order of POSIX.1-2017, 8.2: the first one that is set and not empty counts. */
void mk_text_setup(void)
{
    static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = getenv(names[i]);
        if (value && *value) {
            mk_text_set(value);
            return;
        }
    }
    mk_text_set(NULL);
}

bool mk_text_chinese(void)
{
    return chinese;
}

const char *mk_tr(const char *en, const char *zh)
{
    return chinese ? zh : en;
}

/* Levenshtein's distance, a row at a time. */
static size_t distance(struct mk_slice a, struct mk_slice b)
{
    size_t row[LONGEST_WORD + 1];
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 0; i < a.len; i++) {
        size_t corner = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b.len; j++) {
            size_t change = corner + (a.ptr[i] != b.ptr[j]);
            corner = row[j + 1];
            size_t edit = (row[j] < corner ? row[j] : corner) + 1;
            row[j + 1] = change < edit ? change : edit;
        }
    }
    return row[b.len];
}

static bool contains(struct mk_slice text, struct mk_slice part)
{
    return part.len >= 4 && memmem(text.ptr, text.len, part.ptr, part.len);
}

void mk_near_offer(struct mk_near *near, struct mk_slice word, const char *candidate)
{
    struct mk_slice other = mk_slice_str(candidate);
    if (word.len == 0 || word.len > LONGEST_WORD || other.len > LONGEST_WORD)
        return;
    size_t edits = distance(word, other);
    size_t longer = word.len > other.len ? word.len : other.len;
    size_t most = longer <= 4 ? 1 : longer < 9 ? 2 : longer / 3;
    /* "token" means "access_token", though the two are far apart. */
    if (edits > most && (contains(other, word) || contains(word, other)))
        edits = most;
    if (edits > most || (near->best && near->distance <= edits))
        return;
    near->best = candidate;
    near->distance = edits;
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

void mk_text_show(FILE *to, struct mk_slice text, bool lines)
{
    while (text.len > 0) {
        uint32_t code = 0;
        size_t len = mk_shown_unsafe(text, &code);
        if (len > 0 && !(lines && (code == '\n' || code == '\t')))
            fprintf(to, "\\u%04x", (unsigned)code);
        else
            fputc(text.ptr[0], to);
        text = mk_slice_from(text, len > 0 ? len : 1);
    }
}
